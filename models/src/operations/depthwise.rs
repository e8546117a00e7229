//! Convolutions with one filter for every channel.
//!
//! A matrix product has nothing to gain from them; they run over all channels of a place at once.

use std::ops::Range;

use super::convolution::Convolution;
use super::patches::Patches;
use super::{Backward, Descent, Forward, Kernel, repeat_row, sum_rows, wide};

#[derive(Debug)]
pub(super) struct DepthwiseKernel {
    patches: Patches,
    weights: Range<usize>,
    bias: Option<Range<usize>>,
}

impl DepthwiseKernel {
    pub(super) fn new(convolution: Convolution, offset: usize) -> Self {
        let end = offset + convolution.weight_count();
        Self {
            patches: convolution.patches,
            weights: offset..end,
            bias: convolution.bias.then_some(end..end + convolution.filters),
        }
    }
}

impl Patches {
    /// Calls `visit(output place, input place, place in the window)` for all that meet in one
    /// sample; places count pixels.
    #[inline(always)]
    pub(super) fn for_each_pair(&self, mut visit: impl FnMut(usize, usize, usize)) {
        for row in 0..self.output.0 {
            let (rows, first_row) = Self::inside(
                row,
                self.stride.0,
                self.padding.0,
                self.kernel.0,
                self.input.0,
            );
            for column in 0..self.output.1 {
                let (columns, first) = Self::inside(
                    column,
                    self.stride.1,
                    self.padding.1,
                    self.kernel.1,
                    self.input.1,
                );
                let output = row * self.output.1 + column;
                for (window_row, at_row) in rows.clone().zip(first_row..) {
                    for (window_column, at) in columns.clone().zip(first..) {
                        visit(
                            output,
                            at_row * self.input.1 + at,
                            window_row * self.kernel.1 + window_column,
                        );
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn place(values: &[f32], place: usize, channels: usize) -> &[f32] {
    &values[place * channels..][..channels]
}

#[inline(always)]
fn place_mut(values: &mut [f32], place: usize, channels: usize) -> &mut [f32] {
    &mut values[place * channels..][..channels]
}

#[inline(always)]
fn add_products(sums: &mut [f32], left: &[f32], right: &[f32]) {
    for ((sum, left), right) in sums.iter_mut().zip(left).zip(right) {
        *sum += left * right;
    }
}

impl Kernel for DepthwiseKernel {
    fn forward(&mut self, pass: Forward<'_>) {
        let channels = self.patches.channels;
        let weights = &pass.parameters[self.weights.clone()];
        match &self.bias {
            Some(bias) => repeat_row(&pass.parameters[bias.clone()], pass.output),
            None => pass.output.fill(0.0),
        }
        let inputs = pass.input.chunks_exact(self.patches.input_size());
        let outputs = pass
            .output
            .chunks_exact_mut(self.patches.places() * channels);
        for (input, output) in inputs.zip(outputs) {
            wide(|| {
                self.patches.for_each_pair(|to, from, at| {
                    add_products(
                        place_mut(output, to, channels),
                        place(input, from, channels),
                        place(weights, at, channels),
                    );
                })
            });
        }
    }

    fn backward(&mut self, pass: Backward<'_>, descent: &mut Descent<'_>) {
        let channels = self.patches.channels;
        let output_size = self.patches.places() * channels;
        if let Some(by_input) = pass.by_input {
            let weights = descent.parameters(self.weights.clone());
            by_input.fill(0.0);
            let inputs = by_input.chunks_exact_mut(self.patches.input_size());
            for (by_input, by_output) in inputs.zip(pass.by_output.chunks_exact(output_size)) {
                wide(|| {
                    self.patches.for_each_pair(|from, to, at| {
                        add_products(
                            place_mut(by_input, to, channels),
                            place(by_output, from, channels),
                            place(weights, at, channels),
                        );
                    })
                });
            }
        }
        let sums = &mut pass.scratch.sums;
        sums.clear();
        sums.resize(self.weights.len(), 0.0);
        let inputs = pass.input.chunks_exact(self.patches.input_size());
        for (input, by_output) in inputs.zip(pass.by_output.chunks_exact(output_size)) {
            wide(|| {
                self.patches.for_each_pair(|to, from, at| {
                    add_products(
                        place_mut(sums, at, channels),
                        place(input, from, channels),
                        place(by_output, to, channels),
                    );
                })
            });
        }
        descent.values(self.weights.clone(), sums);
        if let Some(bias) = &self.bias {
            sum_rows(pass.by_output, sums, channels);
            descent.values(bias.clone(), sums);
        }
    }
}
