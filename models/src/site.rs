//! A site whose data differ from the pool's in more than their shares of labels.
//!
//! Everything is a pure function of the site and the number of a sample: the same sample looks the
//! same whenever it is gathered, at the cost of working it out each time.

mod rotation;

use std::sync::Arc;

use rand::Rng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rand_distr::{Distribution, StandardNormal};

use crate::random::{Purpose, stream};
use crate::shape::Shape;

/// How one site's samples differ from the data set's.
#[derive(Clone, Debug, PartialEq)]
pub struct Site {
    /// Images are turned by this many degrees counterclockwise about their middle, with bilinear
    /// interpolation; what comes from outside is 0.
    pub rotation: f32,
    /// Factor of each value's distance from its sample's mean; 1 leaves it.
    pub contrast: f32,
    /// Added to each value.
    pub brightness: f32,
    /// Standard deviation of Gaussian noise that is added to each value.
    pub noise: f32,
    /// Probability that a training label is another class's, all others being equally likely.
    pub label_noise: f64,
    /// What the site calls each class; none: what everyone does.
    pub names: Option<Arc<[u32]>>,
    /// Places of features that it does not measure, which are 0 after scaling; ascending.
    pub missing_features: Arc<[u32]>,
    /// Classes of the data set of which it has no samples; ascending.
    pub missing_classes: Arc<[u32]>,
    /// Seed of its noise.
    pub seed: u64,
}

impl Default for Site {
    /// One that differs in nothing.
    fn default() -> Self {
        Self {
            rotation: 0.0,
            contrast: 1.0,
            brightness: 0.0,
            noise: 0.0,
            label_noise: 0.0,
            names: None,
            missing_features: Arc::new([]),
            missing_classes: Arc::new([]),
            seed: 0,
        }
    }
}

impl Site {
    /// Whether its samples look or are called otherwise than the data set's.
    pub fn skews_samples(&self) -> bool {
        self.skews_features() || self.names.is_some()
    }

    fn skews_features(&self) -> bool {
        self.rotation != 0.0 || self.contrast != 1.0 || self.brightness != 0.0 || self.noise != 0.0
    }

    /// Whether it has samples of this class of the data set.
    pub fn has_class(&self, class: u32) -> bool {
        self.missing_classes.binary_search(&class).is_err()
    }

    /// Appends a sample as the site measures it.
    pub(crate) fn gather(&self, index: u32, sample: &[f32], shape: Shape, row: &mut Vec<f32>) {
        let start = row.len();
        match shape {
            Shape::Image {
                channels,
                height,
                width,
            } if self.rotation != 0.0 => {
                rotation::turn(sample, [channels, height, width], self.rotation, row);
            }
            _ => row.extend_from_slice(sample),
        }
        let row = &mut row[start..];
        if self.contrast != 1.0 || self.brightness != 0.0 {
            let sum: f64 = row.iter().map(|&value| f64::from(value)).sum();
            let mean = (sum / row.len() as f64) as f32;
            let shift = mean + self.brightness;
            row.iter_mut()
                .for_each(|value| *value = (*value - mean) * self.contrast + shift);
        }
        if self.noise != 0.0 {
            let mut draw = self.of_sample(Purpose::FeatureNoise, index);
            for value in row {
                let noise: f32 = StandardNormal.sample(&mut draw);
                *value += self.noise * noise;
            }
        }
    }

    /// Blanks what the site does not measure.
    pub(crate) fn blank(&self, sample: &mut [f32]) {
        for &place in &*self.missing_features {
            sample[place as usize] = 0.0;
        }
    }

    /// What the site calls this class.
    pub fn label(&self, class: u32) -> u32 {
        match &self.names {
            Some(names) => names[class as usize],
            None => class,
        }
    }

    pub(crate) fn training_label(&self, index: u32, class: u32, n_classes: usize) -> u32 {
        let label = self.label(class);
        if self.label_noise == 0.0 || n_classes < 2 {
            return label;
        }
        let mut draw = self.of_sample(Purpose::LabelNoise, index);
        if draw.r#gen::<f64>() >= self.label_noise {
            return label;
        }
        // One of the others.
        let other = draw.gen_range(0..n_classes as u32 - 1);
        if other < label { other } else { other + 1 }
    }

    /// A stream for one sample and one purpose: what is drawn does not depend on when.
    fn of_sample(&self, purpose: Purpose, index: u32) -> ChaCha8Rng {
        let mut draw = ChaCha8Rng::seed_from_u64(self.seed);
        draw.set_stream((purpose as u64) << 32 | u64::from(index));
        draw
    }

    /// `count` different places of `0..n_features`, ascending.
    ///
    /// # Panics
    /// When there are not as many.
    pub fn draw_features(n_features: usize, count: usize, seed: u64) -> Arc<[u32]> {
        let mut draw = stream(seed, Purpose::MissingFeatures);
        let mut places: Vec<u32> = rand::seq::index::sample(&mut draw, n_features, count)
            .into_iter()
            .map(|place| place as u32)
            .collect();
        places.sort_unstable();
        places.into()
    }

    /// A permutation of the classes that is not the identity: a concept of its own.
    ///
    /// # Panics
    /// With fewer than two classes.
    pub fn draw_concept(n_classes: usize, seed: u64) -> Arc<[u32]> {
        assert!(n_classes > 1, "one class has one name");
        let mut draw = stream(seed, Purpose::Concept);
        let mut names: Vec<u32> = (0..n_classes as u32).collect();
        while names.is_sorted() {
            names.shuffle(&mut draw);
        }
        names.into()
    }
}
