//! Group and layer normalisation: statistics of one sample, so that no batch is needed and a
//! client's few samples do not decide them.

use std::ops::Range;

use super::patches::add;
use super::{Backward, Descent, Forward, Kernel, wide};

/// Added to the variance.
const EPSILON: f64 = 1e-5;

/// Rows of `places × channels` that are brought to zero mean and unit variance, group by group
/// of channels, and then scaled and shifted by channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Normalization {
    pub(crate) places: usize,
    pub(crate) channels: usize,
    pub(crate) groups: usize,
}

impl Normalization {
    /// Replaces the channels of each group by their mean over all places, summed in f64.
    fn mean_of_groups(&self, channels: &mut [f32]) {
        let size = self.channels / self.groups;
        let share = 1.0 / (self.places * size) as f64;
        for group in channels.chunks_exact_mut(size) {
            let sum: f64 = group.iter().map(|&value| f64::from(value)).sum();
            group.fill((sum * share) as f32);
        }
    }
}

#[derive(Debug)]
pub(super) struct NormalizationKernel {
    of: Normalization,
    scale: Range<usize>,
    shift: Range<usize>,
    normalized: Vec<f32>,
    /// One over the standard deviation, for each row's channels.
    inverse: Vec<f32>,
}

impl NormalizationKernel {
    pub(super) fn new(of: Normalization, offset: usize) -> Self {
        let middle = offset + of.channels;
        Self {
            of,
            scale: offset..middle,
            shift: middle..middle + of.channels,
            normalized: Vec::new(),
            inverse: Vec::new(),
        }
    }
}

impl Kernel for NormalizationKernel {
    fn forward(&mut self, pass: Forward<'_>) {
        let width = self.of.channels;
        let size = self.of.places * width;
        let scale = &pass.parameters[self.scale.clone()];
        let shift = &pass.parameters[self.shift.clone()];
        self.normalized.resize(pass.input.len(), 0.0);
        self.inverse.clear();
        let sums = &mut pass.scratch.sums;
        let rows = pass.input.chunks_exact(size);
        let outputs = pass.output.chunks_exact_mut(size);
        let kept = self.normalized.chunks_exact_mut(size);
        for ((row, output), kept) in rows.zip(outputs).zip(kept) {
            sums.clear();
            sums.resize(2 * width, 0.0);
            let (means, squares) = sums.split_at_mut(width);
            wide(|| {
                for values in row.chunks_exact(width) {
                    add(means, values);
                }
            });
            self.of.mean_of_groups(means);
            wide(|| centre(row, means, kept, squares));
            self.of.mean_of_groups(squares);
            for square in &mut *squares {
                *square = (f64::from(*square) + EPSILON).sqrt().recip() as f32;
            }
            self.inverse.extend_from_slice(squares);
            wide(|| scale_and_shift(kept, squares, scale, shift, output));
        }
    }

    fn backward(&mut self, pass: Backward<'_>, descent: &mut Descent<'_>) {
        let width = self.of.channels;
        let size = self.of.places * width;
        let sums = &mut pass.scratch.sums;
        sums.clear();
        // By scale, by shift, and of each row: both again, and a factor.
        sums.resize(5 * width, 0.0);
        let (totals, of_row) = sums.split_at_mut(2 * width);
        let (along, of_row) = of_row.split_at_mut(width);
        let (mean, factor) = of_row.split_at_mut(width);
        let scale = descent.parameters(self.scale.clone());
        let mut by_input = pass.by_input;
        let rows = pass.by_output.chunks_exact(size);
        let kept = self.normalized.chunks_exact(size);
        let inverse = self.inverse.chunks_exact(width);
        for (place, ((by_output, kept), inverse)) in rows.zip(kept).zip(inverse).enumerate() {
            along.fill(0.0);
            mean.fill(0.0);
            wide(|| sums_along(by_output, kept, along, mean));
            add(&mut totals[..width], along);
            add(&mut totals[width..], mean);
            let Some(by_input) = by_input.as_deref_mut() else {
                continue;
            };
            // dx = (γ·dy − mean(γ·dy) − x̂·mean(γ·dy·x̂))/σ, with means over the group.
            for ((along, mean), scale) in along.iter_mut().zip(&mut *mean).zip(scale) {
                *along *= scale;
                *mean *= scale;
            }
            self.of.mean_of_groups(along);
            self.of.mean_of_groups(mean);
            for (channel, &inverse) in inverse.iter().enumerate() {
                along[channel] *= inverse;
                mean[channel] *= inverse;
                factor[channel] = inverse * scale[channel];
            }
            let by_input = &mut by_input[place * size..][..size];
            wide(|| to_input(by_output, kept, factor, along, mean, by_input));
        }
        descent.values(self.scale.clone(), &totals[..width]);
        descent.values(self.shift.clone(), &totals[width..]);
    }
}

/// Takes the mean off, and sums the squares of what is left by channel.
#[inline(always)]
fn centre(row: &[f32], means: &[f32], kept: &mut [f32], squares: &mut [f32]) {
    let width = means.len();
    for (kept, values) in kept.chunks_exact_mut(width).zip(row.chunks_exact(width)) {
        for (((slot, &value), &mean), square) in
            kept.iter_mut().zip(values).zip(means).zip(&mut *squares)
        {
            *slot = value - mean;
            *square += *slot * *slot;
        }
    }
}

#[inline(always)]
fn scale_and_shift(
    kept: &mut [f32],
    inverse: &[f32],
    scale: &[f32],
    shift: &[f32],
    output: &mut [f32],
) {
    let width = scale.len();
    let rows = output.chunks_exact_mut(width);
    for (output, kept) in rows.zip(kept.chunks_exact_mut(width)) {
        for ((((slot, kept), &inverse), &scale), &shift) in output
            .iter_mut()
            .zip(kept)
            .zip(inverse)
            .zip(scale)
            .zip(shift)
        {
            *kept *= inverse;
            *slot = scale * *kept + shift;
        }
    }
}

/// The sums of the gradient along what was normalised, and by itself, by channel.
#[inline(always)]
fn sums_along(by_output: &[f32], kept: &[f32], along: &mut [f32], mean: &mut [f32]) {
    let width = along.len();
    for (gradient, kept) in by_output.chunks_exact(width).zip(kept.chunks_exact(width)) {
        for (((along, mean), &gradient), &kept) in
            along.iter_mut().zip(&mut *mean).zip(gradient).zip(kept)
        {
            *along += gradient * kept;
            *mean += gradient;
        }
    }
}

#[inline(always)]
fn to_input(
    by_output: &[f32],
    kept: &[f32],
    factor: &[f32],
    along: &[f32],
    mean: &[f32],
    by_input: &mut [f32],
) {
    let width = factor.len();
    let rows = by_output.chunks_exact(width).zip(kept.chunks_exact(width));
    for (slots, (gradient, kept)) in by_input.chunks_exact_mut(width).zip(rows) {
        let values = slots.iter_mut().zip(gradient).zip(kept);
        let channels = factor.iter().zip(along).zip(mean);
        for (((slot, &gradient), &kept), ((&factor, &along), &mean)) in values.zip(channels) {
            *slot = gradient * factor - mean - kept * along;
        }
    }
}
