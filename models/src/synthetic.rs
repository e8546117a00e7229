//! A Gaussian mixture with any number of classes, features and samples, and a known difficulty.

use std::fmt;

use rand::seq::SliceRandom;
use rand_distr::{Distribution, StandardNormal};

use crate::dataset::Dataset;
use crate::random::{Purpose, stream};

/// What [`Dataset::synthetic`] draws.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SyntheticSpec {
    /// Number of classes, at least 1.
    pub classes: usize,
    /// Number of features, at least 1.
    pub features: usize,
    /// Number of samples in all; classes differ by at most one sample.
    pub samples: usize,
    /// Distance between two class means, in within-class standard deviations (every feature of
    /// every class has standard deviation 1), finite and not negative.
    ///
    /// With `classes ≤ features` the distance of *every* pair of means is exactly this; two such
    /// classes alone can then be told apart with error Φ(−separation/2) at best. With more
    /// classes than features the means are independent random directions of equal length, and it
    /// is the root of the expected squared distance.
    pub separation: f64,
}

impl Dataset {
    /// Draws a balanced mixture of unit-variance Gaussians, one a class, in random sample order.
    ///
    /// Class means are `separation/√2` long, in random directions (orthogonal ones while there
    /// are no more classes than features).
    ///
    /// # Errors
    /// When a number of `spec` is out of its range.
    pub fn synthetic(spec: &SyntheticSpec, seed: u64) -> Result<Self, SyntheticError> {
        let &SyntheticSpec {
            classes,
            features,
            samples,
            separation,
        } = spec;
        if classes == 0 || features == 0 {
            return Err(SyntheticError::Empty { classes, features });
        }
        if !(separation.is_finite() && separation >= 0.0) {
            return Err(SyntheticError::Separation { separation });
        }
        if samples > u32::MAX as usize || classes > u32::MAX as usize {
            return Err(SyntheticError::TooLarge { classes, samples });
        }
        let means = class_means(classes, features, separation, seed);
        let mut draw = stream(seed, Purpose::SyntheticSamples);
        let labels = shuffled_labels(classes, samples, &mut draw);
        let mut values = Vec::with_capacity(samples * features);
        for &label in &labels {
            for mean in &means[label as usize] {
                let noise: f64 = StandardNormal.sample(&mut draw);
                values.push((mean + noise) as f32);
            }
        }
        Ok(Self::new("synthetic", values, labels, features, classes)
            .expect("finite means and noise of matching sizes"))
    }
}

/// The labels alone of [`Dataset::synthetic`], at the cost of no features.
pub fn synthetic_labels(classes: usize, samples: usize, seed: u64) -> Vec<u32> {
    shuffled_labels(
        classes,
        samples,
        &mut stream(seed, Purpose::SyntheticSamples),
    )
}

fn shuffled_labels(classes: usize, samples: usize, draw: &mut impl rand::Rng) -> Vec<u32> {
    let mut labels: Vec<u32> = (0..samples)
        .map(|sample| (sample % classes) as u32)
        .collect();
    labels.shuffle(draw);
    labels
}

fn class_means(classes: usize, features: usize, separation: f64, seed: u64) -> Vec<Vec<f64>> {
    let mut draw = stream(seed, Purpose::SyntheticMeans);
    let mut directions: Vec<Vec<f64>> = Vec::with_capacity(classes);
    while directions.len() < classes {
        let mut direction: Vec<f64> = (0..features)
            .map(|_| StandardNormal.sample(&mut draw))
            .collect();
        if classes <= features {
            // Twice is enough: the second pass removes what rounding left of the first.
            for _ in 0..2 {
                for earlier in &directions {
                    let along: f64 = earlier.iter().zip(&direction).map(|(a, b)| a * b).sum();
                    for (value, base) in direction.iter_mut().zip(earlier) {
                        *value -= along * base;
                    }
                }
            }
        }
        let length = direction
            .iter()
            .map(|value| value * value)
            .sum::<f64>()
            .sqrt();
        direction.iter_mut().for_each(|value| *value /= length);
        directions.push(direction);
    }
    let radius = separation / std::f64::consts::SQRT_2;
    for direction in &mut directions {
        direction.iter_mut().for_each(|value| *value *= radius);
    }
    directions
}

/// Why a [`SyntheticSpec`] cannot be drawn.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum SyntheticError {
    /// No class or no feature.
    Empty {
        /// Classes asked for.
        classes: usize,
        /// Features asked for.
        features: usize,
    },
    /// A separation that is negative or not finite.
    Separation {
        /// What was asked for.
        separation: f64,
    },
    /// More than `u32` can number.
    TooLarge {
        /// Classes asked for.
        classes: usize,
        /// Samples asked for.
        samples: usize,
    },
}

impl fmt::Display for SyntheticError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty { classes, features } => write!(
                f,
                "synthetic data need at least one class and one feature, not {classes} and {features}"
            ),
            Self::Separation { separation } => write!(
                f,
                "the separation of classes is a distance in standard deviations, 0 or more, not {separation}"
            ),
            Self::TooLarge { classes, samples } => write!(
                f,
                "{samples} samples of {classes} classes are more than can be numbered ({})",
                u32::MAX
            ),
        }
    }
}

impl std::error::Error for SyntheticError {}
