//! Prototypes that a server trains instead of averaging them (FedTGP, Zhang et al. 2024, AAAI).

use std::sync::Arc;

use rand::RngCore;
use rand_distr::{Distribution, StandardNormal};

use crate::dataset::Dataset;
use crate::distance::squared_distance;
use crate::error::{ModelError, check_length};
use crate::layer::LayerSpec;
use crate::layout::Layout;
use crate::prototype::class_means;
use crate::random::{Purpose, stream};
use crate::rows::RowsTraining;
use crate::shape::Shape;
use crate::softmax::SoftmaxRows;
use crate::trainer::{Outputs, Trainer};

/// The generator of a prototype for each class: an embedding of the class, a hidden layer of
/// ReLUs and a dense layer. It stays at the server from version to version.
#[derive(Clone, Debug, PartialEq)]
pub struct PrototypeGenerator {
    layout: Arc<Layout>,
    n_classes: usize,
    parameters: Vec<f32>,
}

/// What a training of the generator came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GeneratorReport {
    /// The margin that the distance at the true class was raised by.
    pub margin: f64,
    /// Mean loss of the last epoch, before each of its updates; 0 without an epoch.
    pub mean_loss: f64,
    /// FLOPs: every step runs all classes through the generator, forward and backward, and
    /// measures every row of its batch against every class, for 3 FLOPs a value forward and twice
    /// that backward. The look-up of an embedding is free.
    pub flops: u64,
    /// Whether the cancel flag ended it early.
    pub cancelled: bool,
}

impl PrototypeGenerator {
    /// A fresh generator of prototypes of `width` values, with `hidden` units; in the paper as
    /// many as `width`. Embeddings are standard normal, layers as [`Layout::initial_parameters`].
    ///
    /// # Panics
    /// When there is no class, no width or no hidden unit.
    pub fn new(n_classes: usize, width: usize, hidden: usize, seed: u64) -> Self {
        let layout = layout(n_classes, width, hidden);
        let mut parameters = layout.initial_parameters(seed);
        let mut draw = stream(seed, Purpose::Embedding);
        for value in &mut parameters[..n_classes * width] {
            *value = StandardNormal.sample(&mut draw);
        }
        Self {
            layout: Arc::new(layout),
            n_classes,
            parameters,
        }
    }

    /// Its flat parameters: the embedding, `width × classes`, then the layers'.
    pub fn parameters(&self) -> &[f32] {
        &self.parameters
    }

    /// The prototypes, row-major `classes × width`. A class of which nobody ever sent a prototype
    /// has one too, which only keeps away from the others.
    ///
    /// # Errors
    /// [`ModelError::Diverged`] when one is not finite.
    pub fn prototypes(&self) -> Result<Vec<f32>, ModelError> {
        // The rate is without meaning: nothing is updated.
        let optimizer = crate::Optimizer::sgd(1.0);
        let layout = self.layout.clone();
        let mut trainer = Trainer::new(layout, &self.parameters, &optimizer, None, 0)?;
        let prototypes = trainer.predict(&one_hot(self.n_classes))?.to_vec();
        match prototypes.iter().all(|value| value.is_finite()) {
            true => Ok(prototypes),
            false => Err(ModelError::Diverged { steps: 0 }),
        }
    }

    /// FLOPs of a training on so many rows, as [`GeneratorReport::flops`] counts them.
    pub fn train_flops(&self, rows: u64, training: &RowsTraining) -> u64 {
        let steps = rows.div_ceil(training.batch_size.max(1) as u64);
        let width = self.layout.n_classes();
        training.epochs * (self.step_flops() * steps + 9 * rows * (self.n_classes * width) as u64)
    }

    /// FLOPs of running all classes through it, forward and backward.
    fn step_flops(&self) -> u64 {
        let forward = self.layout.forward_flops() - self.layout.layers()[0].forward_flops();
        forward * 3 * self.n_classes as u64
    }

    /// Trains it on the prototypes that clients sent (`rows` with one label each): cross-entropy
    /// over −(distance to each generated prototype, and a margin more to that of the true class).
    /// The margin is that of [`prototype_margin`], at most `most_margin`: 100 in the paper, which
    /// trains 100 epochs by plain descent at 0.01.
    ///
    /// # Errors
    /// When rows or labels do not fit, or training diverges; the generator is then as it was.
    pub fn train(
        &mut self,
        rows: &[f32],
        labels: &[u32],
        training: &RowsTraining,
        most_margin: f64,
        seed: u64,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<GeneratorReport, ModelError> {
        let width = self.layout.n_classes();
        check_length("rows of prototypes", rows.len(), labels.len() * width)?;
        let margin = prototype_margin(rows, labels, self.n_classes, most_margin)?;
        let all: Vec<u32> = (0..labels.len() as u32).collect();
        let data = Dataset::new(
            "prototypes",
            rows.to_vec(),
            labels.to_vec(),
            width,
            self.n_classes,
        )
        .map_err(|_| ModelError::Diverged { steps: 0 })?;
        let one_hot = one_hot(self.n_classes);
        let optimizer = &training.optimizer;
        let mut trainer =
            Trainer::new(self.layout.clone(), &self.parameters, optimizer, None, seed)?;
        let mut orders = stream(seed, Purpose::ServerEpochs);
        let mut contrast = Contrast::default();
        let mut report = GeneratorReport {
            margin,
            mean_loss: 0.0,
            flops: 0,
            cancelled: false,
        };
        let of_step = self.step_flops();
        for _ in 0..training.epochs {
            let (size, order) = (training.batch_size, orders.next_u64());
            let done = trainer.epoch(&data, &all, size, order, cancelled, |trainer, batch| {
                trainer.step_with(&one_hot, &[], |outputs| {
                    contrast.add(batch.features, batch.labels, width, margin, outputs)
                })
            })?;
            report.mean_loss = done.mean_loss;
            report.flops += of_step * done.steps;
            report.flops += 9 * done.samples * (self.n_classes * width) as u64;
            report.cancelled = done.cancelled;
            if done.cancelled {
                break;
            }
        }
        self.parameters = trainer.into_parts()?.0;
        Ok(report)
    }
}

/// The largest distance between a class's mean and its nearest other class's mean, at most `most`,
/// which it is where fewer than two classes have rows. The adaptive margin of FedTGP.
///
/// # Errors
/// When there are no whole rows or a label is out of range.
pub fn prototype_margin(
    rows: &[f32],
    labels: &[u32],
    n_classes: usize,
    most: f64,
) -> Result<f64, ModelError> {
    let (means, counts) = class_means(rows, labels, n_classes)?;
    let width = means.len() / n_classes.max(1);
    let present: Vec<&[f32]> = (0..n_classes)
        .filter(|&class| counts[class] > 0)
        .map(|class| &means[class * width..][..width])
        .collect();
    let nearest = present.iter().enumerate().map(|(class, mean)| {
        let others = present
            .iter()
            .enumerate()
            .filter(|&(other, _)| other != class);
        let distances = others.map(|(_, other)| squared_distance(mean, other).sqrt());
        distances.fold(f64::INFINITY, f64::min)
    });
    Ok(match present.len() {
        0 | 1 => most,
        _ => nearest.fold(0.0, f64::max).min(most),
    })
}

fn layout(n_classes: usize, width: usize, hidden: usize) -> Layout {
    let dense = |outputs, bias| LayerSpec::Dense {
        outputs: Some(outputs),
        bias,
    };
    let layers = vec![
        dense(width, false),
        dense(hidden, true),
        LayerSpec::Relu,
        dense(width, true),
    ];
    crate::resolve::resolve(&layers, 1, Shape::Flat(n_classes), width)
        .expect("dense layers take anything")
}

fn one_hot(n_classes: usize) -> Vec<f32> {
    let places = 0..n_classes * n_classes;
    let is_own = |place: usize| place / n_classes == place % n_classes;
    places
        .map(|place| f32::from(u8::from(is_own(place))))
        .collect()
}

/// Cross-entropy over distances, with buffers that are kept from step to step.
#[derive(Default)]
struct Contrast {
    distances: Vec<f64>,
    logits: Vec<f32>,
    softmax: SoftmaxRows,
}

impl Contrast {
    /// Adds the gradient by the prototypes, which the outputs are, and returns the loss.
    fn add(
        &mut self,
        rows: &[f32],
        labels: &[u32],
        width: usize,
        margin: f64,
        outputs: Outputs<'_>,
    ) -> f64 {
        let n_classes = outputs.logits.len() / width;
        self.distances.clear();
        self.logits.clear();
        for (row, &label) in rows.chunks_exact(width).zip(labels) {
            for (class, prototype) in (0..).zip(outputs.logits.chunks_exact(width)) {
                let distance = squared_distance(row, prototype).sqrt();
                let raised = distance + if class == label { margin } else { 0.0 };
                self.distances.push(distance);
                self.logits.push(-raised as f32);
            }
        }
        let SoftmaxRows {
            probabilities,
            log_sums,
        } = self.softmax.fill(&self.logits, n_classes, 1.0);
        let share = 1.0 / labels.len() as f64;
        let mut loss = 0.0;
        for (place, (row, &label)) in rows.chunks_exact(width).zip(labels).enumerate() {
            let own = place * n_classes + label as usize;
            loss += share * (log_sums[place] - f64::from(self.logits[own]));
            for class in 0..n_classes {
                let pair = place * n_classes + class;
                let hit = f64::from(u8::from(class == label as usize));
                // By −distance the gradient is p − y; where a distance is 0 it has none.
                let by_distance = share * (hit - f64::from(probabilities[pair]));
                if self.distances[pair] == 0.0 {
                    continue;
                }
                let factor = (by_distance / self.distances[pair]) as f32;
                let of_class = class * width..(class + 1) * width;
                let prototype = &outputs.logits[of_class.clone()];
                let slots = outputs.by_logits[of_class].iter_mut();
                for ((slot, &prototype), &value) in slots.zip(prototype).zip(row) {
                    *slot += factor * (prototype - value);
                }
            }
        }
        loss
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::Golden;
    use crate::optimizer::Optimizer;

    #[test]
    fn training_walks_the_path_of_automatic_differentiation() {
        let golden = Golden::read(include_str!("../tests/golden/numerics.txt"));
        let mut generator = PrototypeGenerator::new(4, 3, 5, 0);
        generator.parameters = golden.f32s("generator");
        golden.assert_near("prototypes", &generator.prototypes().unwrap(), 1e-6);
        let (rows, labels) = (golden.f32s("contributions"), golden.labels("classes"));
        let training = RowsTraining {
            epochs: 3,
            batch_size: rows.len(),
            optimizer: Optimizer::sgd(0.1),
        };
        let report = generator.train(&rows, &labels, &training, 100.0, 9, &|| false);
        let report = report.unwrap();
        assert!((report.margin - golden.f64s("margin")[0]).abs() < 1e-6);
        golden.assert_near("generator.loss", &[report.mean_loss as f32], 1e-5);
        golden.assert_near("generator.after", generator.parameters(), 2e-6);
        golden.assert_near("prototypes.after", &generator.prototypes().unwrap(), 5e-6);
        // Forward 3→5, ReLU, 5→3: 35 + 5 + 33 for each of 4 classes; 7 rows of 3 against 4.
        assert_eq!(report.flops, 3 * (3 * 4 * 73 + 9 * 7 * 4 * 3));
    }

    #[test]
    fn trained_prototypes_lie_near_those_of_their_class_and_apart() {
        let rows = [0.0, 0.1, 0.2, 0.0, 3.0, 3.1, 2.9, 3.0, -3.0, 3.0];
        let labels = [0, 0, 2, 2, 1];
        let mut generator = PrototypeGenerator::new(3, 2, 16, 4);
        let before = generator.clone();
        assert_eq!(before, PrototypeGenerator::new(3, 2, 16, 4));
        assert_ne!(before, PrototypeGenerator::new(3, 2, 16, 5));
        let training = RowsTraining {
            epochs: 300,
            batch_size: 2,
            optimizer: Optimizer::sgd(0.05),
        };
        generator
            .train(&rows, &labels, &training, 100.0, 1, &|| false)
            .unwrap();
        let prototypes = generator.prototypes().unwrap();
        let scores = crate::nearest_prototype(&rows, &prototypes, &[true; 3]).unwrap();
        assert_eq!(crate::predicted_classes(&scores, 3), labels);
        let mut stopped = before.clone();
        let report = stopped
            .train(&rows, &labels, &training, 100.0, 1, &|| true)
            .unwrap();
        assert!(report.cancelled && stopped == before);
        assert!(
            stopped
                .train(&rows[..9], &labels, &training, 1.0, 1, &|| false)
                .is_err()
        );
        let odd = [f32::NAN; 10];
        assert!(
            stopped
                .train(&odd, &labels, &training, 1.0, 1, &|| false)
                .is_err()
        );
        assert_eq!(stopped, before);
    }

    #[test]
    fn the_margin_is_that_of_the_class_that_stands_most_alone() {
        // Means 1, 4 and 10: nearest others 3, 3 and 6 away; class 3 has no rows.
        let (rows, labels) = ([0.0, 2.0, 4.0, 10.0], [0, 0, 1, 2]);
        assert_eq!(prototype_margin(&rows, &labels, 4, 100.0).unwrap(), 6.0);
        assert_eq!(prototype_margin(&rows, &labels, 4, 5.0).unwrap(), 5.0);
        assert_eq!(
            prototype_margin(&rows[..2], &labels[..2], 4, 5.0).unwrap(),
            5.0
        );
        assert!(prototype_margin(&rows, &labels, 2, 5.0).is_err());
    }
}
