//! Group and layer normalisation: statistics of one sample, so that no batch is needed and a
//! client's few samples do not decide them.

use std::ops::Range;

use super::{Backward, Descent, Forward, Kernel};

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

#[derive(Debug)]
pub(super) struct NormalizationKernel {
    of: Normalization,
    scale: Range<usize>,
    shift: Range<usize>,
    normalized: Vec<f32>,
    /// One over the standard deviation, of each row's groups.
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

/// Replaces the channels of each group by their sum times `share`, made in f64.
fn mean_of_groups(channels: &mut [f32], size: usize, share: f64) {
    for group in channels.chunks_exact_mut(size) {
        let sum: f64 = group.iter().map(|&value| f64::from(value)).sum();
        group.fill((sum * share) as f32);
    }
}

impl Kernel for NormalizationKernel {
    fn forward(&mut self, pass: Forward<'_>) {
        let Normalization {
            places,
            channels,
            groups,
        } = self.of;
        let size = channels / groups;
        let share = 1.0 / (places * size) as f64;
        let scale = &pass.parameters[self.scale.clone()];
        let shift = &pass.parameters[self.shift.clone()];
        self.normalized.resize(pass.input.len(), 0.0);
        self.inverse.clear();
        let sums = &mut pass.scratch.sums;
        let rows = pass.input.chunks_exact(places * channels);
        let outputs = pass.output.chunks_exact_mut(places * channels);
        let kept = self.normalized.chunks_exact_mut(places * channels);
        for ((row, output), kept) in rows.zip(outputs).zip(kept) {
            sums.clear();
            sums.resize(2 * channels, 0.0);
            let (means, squares) = sums.split_at_mut(channels);
            for values in row.chunks_exact(channels) {
                super::patches::add(means, values);
            }
            mean_of_groups(means, size, share);
            for (kept, values) in kept
                .chunks_exact_mut(channels)
                .zip(row.chunks_exact(channels))
            {
                for (((slot, &value), &mean), square) in
                    kept.iter_mut().zip(values).zip(&*means).zip(&mut *squares)
                {
                    *slot = value - mean;
                    *square += *slot * *slot;
                }
            }
            mean_of_groups(squares, size, share);
            for square in &mut *squares {
                *square = (f64::from(*square) + EPSILON).sqrt().recip() as f32;
            }
            self.inverse.extend(squares.iter().step_by(size));
            for (output, kept) in output
                .chunks_exact_mut(channels)
                .zip(kept.chunks_exact_mut(channels))
            {
                for ((((slot, kept), &inverse), &scale), &shift) in output
                    .iter_mut()
                    .zip(kept)
                    .zip(&*squares)
                    .zip(scale)
                    .zip(shift)
                {
                    *kept *= inverse;
                    *slot = scale * *kept + shift;
                }
            }
        }
    }

    fn backward(&mut self, pass: Backward<'_>, descent: &mut Descent<'_>) {
        let Normalization {
            places,
            channels,
            groups,
        } = self.of;
        let size = channels / groups;
        let share = 1.0 / (places * size) as f64;
        let sums = &mut pass.scratch.sums;
        sums.clear();
        // By scale, by shift, and of each row: both again, weighted by the scale.
        sums.resize(4 * channels, 0.0);
        let (totals, of_row) = sums.split_at_mut(2 * channels);
        let scale = descent.parameters(self.scale.clone());
        let mut by_input = pass.by_input;
        let rows = pass.by_output.chunks_exact(places * channels);
        let kept = self.normalized.chunks_exact(places * channels);
        for (place, (by_output, kept)) in rows.zip(kept).enumerate() {
            let (along, mean) = of_row.split_at_mut(channels);
            along.fill(0.0);
            mean.fill(0.0);
            let each = by_output
                .chunks_exact(channels)
                .zip(kept.chunks_exact(channels));
            for (gradient, kept) in each.clone() {
                for (((along, mean), &gradient), &kept) in
                    along.iter_mut().zip(&mut *mean).zip(gradient).zip(kept)
                {
                    *along += gradient * kept;
                    *mean += gradient;
                }
            }
            super::patches::add(&mut totals[..channels], along);
            super::patches::add(&mut totals[channels..], mean);
            let Some(by_input) = by_input.as_deref_mut() else {
                continue;
            };
            for ((along, mean), scale) in along.iter_mut().zip(&mut *mean).zip(scale) {
                *along *= scale;
                *mean *= scale;
            }
            mean_of_groups(along, size, share);
            mean_of_groups(mean, size, share);
            let inverse = &self.inverse[place * groups..][..groups];
            let by_input = &mut by_input[place * places * channels..][..places * channels];
            for (slots, (gradient, kept)) in by_input.chunks_exact_mut(channels).zip(each) {
                for (group, &inverse) in inverse.iter().enumerate() {
                    let of_group = group * size..(group + 1) * size;
                    for channel in of_group {
                        slots[channel] = inverse
                            * (gradient[channel] * scale[channel]
                                - mean[channel]
                                - kept[channel] * along[channel]);
                    }
                }
            }
        }
        descent.values(self.scale.clone(), &totals[..channels]);
        descent.values(self.shift.clone(), &totals[channels..]);
    }
}
