//! Convolutions as matrix products over gathered patches (im2col).
//!
//! A few output lines are gathered at a time, so that their patches stay in the second-level
//! cache; they are gathered again in the backward pass, which costs less than keeping them.

use std::ops::Range;

use super::patches::Patches;
use super::{Backward, Descent, Forward, Kernel, repeat_row, sum_rows, wide};
use crate::product::{Onto, Rows, RowsMut, multiply, multiply_transposed, transposed_multiply};

/// Numbers of patches that are gathered at a time: 256 KiB.
const GATHERED: usize = 1 << 16;

/// Filters over patches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Convolution {
    pub(crate) patches: Patches,
    pub(crate) filters: usize,
    pub(crate) groups: usize,
    pub(crate) bias: bool,
}

impl Convolution {
    /// Numbers of a filter.
    pub(crate) fn filter_size(&self) -> usize {
        self.patches.window() * self.patches.channels / self.groups
    }

    pub(crate) fn weight_count(&self) -> usize {
        self.filters * self.filter_size()
    }
}

#[derive(Debug)]
pub(super) struct ConvolutionKernel {
    convolution: Convolution,
    weights: Range<usize>,
    bias: Option<Range<usize>>,
}

impl ConvolutionKernel {
    pub(super) fn new(convolution: Convolution, offset: usize) -> Self {
        let end = offset + convolution.weight_count();
        Self {
            convolution,
            weights: offset..end,
            bias: convolution.bias.then_some(end..end + convolution.filters),
        }
    }

    /// The channels, the filters and the weights of a group.
    fn group(&self, group: usize) -> (Range<usize>, usize, Range<usize>) {
        let Convolution {
            patches,
            filters,
            groups,
            ..
        } = self.convolution;
        let (channels, filters) = (patches.channels / groups, filters / groups);
        let size = filters * self.convolution.filter_size();
        let start = self.weights.start + group * size;
        (
            group * channels..(group + 1) * channels,
            filters,
            start..start + size,
        )
    }

    /// Runs of whole output lines of the batch, counted over all samples.
    fn chunks(&self, batch: usize) -> impl Iterator<Item = Range<usize>> + use<> {
        let patches = self.convolution.patches;
        let line = patches.output.1 * self.convolution.filter_size();
        let all = batch * patches.output.0;
        let step = if patches.are_places() && self.convolution.groups == 1 {
            all.max(1)
        } else {
            (GATHERED / line).clamp(1, all.max(1))
        };
        (0..all)
            .step_by(step)
            .map(move |start| start..(start + step).min(all))
    }

    /// The patches of these lines, gathered or as they lie.
    fn gather<'a>(
        &self,
        input: &'a [f32],
        lines: &Range<usize>,
        channels: &Range<usize>,
        gathered: &'a mut Vec<f32>,
    ) -> &'a [f32] {
        let patches = &self.convolution.patches;
        if patches.are_places() && self.convolution.groups == 1 {
            let line = patches.output.1 * patches.channels;
            return &input[lines.start * line..lines.end * line];
        }
        let size = patches.output.1 * self.convolution.filter_size();
        gathered.resize(lines.len() * size, 0.0);
        for (line, rows) in lines.clone().zip(gathered.chunks_exact_mut(size)) {
            let (sample, line) = (line / patches.output.0, line % patches.output.0);
            let image = &input[sample * patches.input_size()..][..patches.input_size()];
            patches.gather(image, line, channels.clone(), rows);
        }
        gathered
    }

    fn by_input(&self, pass: &mut Backward<'_>, descent: &Descent<'_>) {
        let Some(by_input) = pass.by_input.as_deref_mut() else {
            return;
        };
        let Convolution {
            patches,
            filters: all,
            groups,
            ..
        } = self.convolution;
        let size = self.convolution.filter_size();
        if patches.are_places() && groups == 1 {
            multiply(
                RowsMut::new(by_input, size),
                Onto::Nothing,
                Rows::new(pass.by_output, all),
                Rows::new(descent.parameters(self.weights.clone()), size),
            );
            return;
        }
        by_input.fill(0.0);
        let gathered = &mut pass.scratch.patches;
        for lines in self.chunks(pass.batch) {
            let line = patches.output.1 * all;
            let by_output = &pass.by_output[lines.start * line..lines.end * line];
            gathered.resize(lines.len() * patches.output.1 * size, 0.0);
            for group in 0..groups {
                let (channels, filters, weights) = self.group(group);
                multiply(
                    RowsMut::new(gathered, size),
                    Onto::Nothing,
                    Rows::within(by_output, group * filters, filters, all),
                    Rows::new(descent.parameters(weights), size),
                );
                let each = gathered.chunks_exact(patches.output.1 * size);
                wide(|| {
                    for (line, rows) in lines.clone().zip(each) {
                        let (sample, line) = (line / patches.output.0, line % patches.output.0);
                        let image = &mut by_input[sample * patches.input_size()..];
                        patches.scatter(rows, line, channels.clone(), image);
                    }
                });
            }
        }
    }
}

impl Kernel for ConvolutionKernel {
    fn forward(&mut self, pass: Forward<'_>) {
        let all = self.convolution.filters;
        let size = self.convolution.filter_size();
        let onto = match &self.bias {
            Some(bias) => {
                repeat_row(&pass.parameters[bias.clone()], pass.output);
                Onto::Sum
            }
            None => Onto::Nothing,
        };
        for lines in self.chunks(pass.batch) {
            let line = self.convolution.patches.output.1 * all;
            let output = &mut pass.output[lines.start * line..lines.end * line];
            for group in 0..self.convolution.groups {
                let (channels, filters, weights) = self.group(group);
                let rows = self.gather(pass.input, &lines, &channels, &mut pass.scratch.patches);
                multiply_transposed(
                    RowsMut::within(output, group * filters, filters, all),
                    onto,
                    Rows::new(rows, size),
                    Rows::new(&pass.parameters[weights], size),
                );
            }
        }
    }

    fn backward(&mut self, mut pass: Backward<'_>, descent: &mut Descent<'_>) {
        self.by_input(&mut pass, descent);
        let all = self.convolution.filters;
        let size = self.convolution.filter_size();
        for (part, lines) in self.chunks(pass.batch).enumerate() {
            let line = self.convolution.patches.output.1 * all;
            let by_output = &pass.by_output[lines.start * line..lines.end * line];
            for group in 0..self.convolution.groups {
                let (channels, filters, weights) = self.group(group);
                let rows = self.gather(pass.input, &lines, &channels, &mut pass.scratch.patches);
                let (weights, onto, factor) = descent.product(weights, part);
                transposed_multiply(
                    RowsMut::new(weights, size),
                    onto,
                    factor,
                    Rows::within(by_output, group * filters, filters, all),
                    Rows::new(rows, size),
                );
            }
        }
        if let Some(bias) = &self.bias {
            sum_rows(pass.by_output, &mut pass.scratch.sums, all);
            descent.values(bias.clone(), &pass.scratch.sums);
        }
    }
}
