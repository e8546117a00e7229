//! Bringing features to one scale, fitted on training samples alone.

use crate::dataset::Dataset;
use crate::shape::Shape;

/// How features are brought to one scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Normalisation {
    /// Mean 0 and standard deviation 1 (of the population).
    Standard,
    /// From 0 to 1.
    MinMax,
}

/// A scale fitted to some samples: x ↦ (x − shift)·factor, one shift and factor a feature.
///
/// All features of a channel of an image or a series have the same; of flat samples each has its
/// own. A channel that is the same in all samples becomes 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Normaliser {
    shifts: Vec<f32>,
    factors: Vec<f32>,
}

impl Normaliser {
    /// Fits the scale to the samples `indices`, and to no others.
    ///
    /// # Panics
    /// When an index is not below the number of samples.
    pub fn fit(normalisation: Normalisation, dataset: &Dataset, indices: &[u32]) -> Self {
        let shape = dataset.shape();
        let channels = shape.channels();
        let of_place: Vec<usize> = (0..dataset.n_features())
            .map(|place| channel(shape, place))
            .collect();
        let scales = match normalisation {
            Normalisation::MinMax => {
                let mut bounds = vec![(f32::INFINITY, f32::NEG_INFINITY); channels];
                for &index in indices {
                    for (&value, &channel) in dataset.sample(index).iter().zip(&of_place) {
                        let (least, most) = &mut bounds[channel];
                        *least = least.min(value);
                        *most = most.max(value);
                    }
                }
                bounds
                    .iter()
                    .map(|&(least, most)| (f64::from(least), f64::from(most) - f64::from(least)))
                    .collect::<Vec<_>>()
            }
            Normalisation::Standard => {
                let values = (indices.len() * dataset.n_features() / channels).max(1) as f64;
                let mut means = vec![0.0; channels];
                each(dataset, indices, &of_place, |channel, value| {
                    means[channel] += value
                });
                means.iter_mut().for_each(|mean| *mean /= values);
                // A second pass: the difference of large squares would lose what is small.
                let mut squares = vec![0.0; channels];
                each(dataset, indices, &of_place, |channel, value| {
                    squares[channel] += (value - means[channel]).powi(2);
                });
                means
                    .iter()
                    .zip(&squares)
                    .map(|(&mean, &square)| (mean, (square / values).sqrt()))
                    .collect()
            }
        };
        let factor = |width: f64| {
            let factor = 1.0 / width;
            // Nothing but rounding is left of what does not vary.
            if width > 0.0 && factor.is_finite() {
                factor as f32
            } else {
                0.0
            }
        };
        Self {
            shifts: of_place
                .iter()
                .map(|&channel| scales[channel].0 as f32)
                .collect(),
            factors: of_place
                .iter()
                .map(|&channel| factor(scales[channel].1))
                .collect(),
        }
    }

    /// Brings one sample to scale.
    pub(crate) fn apply(&self, sample: &mut [f32]) {
        for ((value, shift), factor) in sample.iter_mut().zip(&self.shifts).zip(&self.factors) {
            *value = (*value - shift) * factor;
        }
    }
}

/// What a place in the row shares its scale with.
fn channel(shape: Shape, place: usize) -> usize {
    match shape {
        Shape::Flat(_) => place,
        Shape::Series { channels, .. } => place % channels,
        Shape::Image { .. } => place / shape.places(),
    }
}

fn each(dataset: &Dataset, indices: &[u32], of_place: &[usize], mut see: impl FnMut(usize, f64)) {
    for &index in indices {
        for (&value, &channel) in dataset.sample(index).iter().zip(of_place) {
            see(channel, f64::from(value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two training samples and one that must not be looked at.
    fn data(shape: &str) -> Dataset {
        let features = vec![
            0.0, 10.0, 2.0, 20.0, 4.0, 30.0, 6.0, 50.0, 1e6, 1e6, 1e6, 1e6,
        ];
        Dataset::new("test", features, vec![0, 1, 0], 4, 2)
            .and_then(|data| data.shaped(shape.parse().unwrap()))
            .unwrap()
    }

    fn normalised(shape: &str, how: Normalisation, index: u32) -> Vec<f32> {
        let data = data(shape);
        let mut sample = data.sample(index).to_vec();
        Normaliser::fit(how, &data, &[0, 1]).apply(&mut sample);
        sample
    }

    #[test]
    fn features_of_flat_samples_have_a_scale_each() {
        assert_eq!(normalised("4", Normalisation::Standard, 0), [-1.0; 4]);
        assert_eq!(normalised("4", Normalisation::Standard, 1), [1.0; 4]);
        assert_eq!(normalised("4", Normalisation::MinMax, 0), [0.0; 4]);
    }

    #[test]
    fn channels_of_a_series_have_a_scale_each() {
        // Channel 0 is 0, 2, 4, 6: mean 3, variance 5.
        let sample = normalised("2x2", Normalisation::Standard, 0);
        assert!((sample[0] + 3.0 / 5.0_f32.sqrt()).abs() < 1e-6);
        assert_eq!(
            normalised("2x2", Normalisation::MinMax, 1),
            [4.0 / 6.0, 0.5, 1.0, 1.0]
        );
    }

    #[test]
    fn planes_of_an_image_have_a_scale_each() {
        // Plane 0 is 0, 10, 4, 30; plane 1 is 2, 20, 6, 50.
        assert_eq!(
            normalised("2x1x2", Normalisation::MinMax, 0),
            [0.0, 10.0 / 30.0, 0.0, 18.0 / 48.0]
        );
    }

    #[test]
    fn what_does_not_vary_becomes_zero() {
        let data = Dataset::new("test", vec![7.0, 1.0, 7.0, 2.0], vec![0, 1], 2, 2).unwrap();
        for how in [Normalisation::Standard, Normalisation::MinMax] {
            let mut sample = vec![7.0, 1.5];
            Normaliser::fit(how, &data, &[0, 1]).apply(&mut sample);
            assert_eq!(sample[0], 0.0);
        }
    }
}
