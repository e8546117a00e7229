//! Training: steps of one model on mini-batches, for the length of one job.

mod head;
#[cfg(test)]
mod terms;

use std::sync::Arc;

use dfdx::prelude::*;

use crate::batches::{Batch, Batches};
use crate::error::ModelError;
use crate::layout::Layout;
use crate::network::{Matrix, Network, Workspace};
use crate::objective::{
    LossScratch, Term, add_feature_terms, add_logit_terms, add_parameter_gradients,
    asks_for_features, parameter_terms,
};
use crate::optimizer::{Optimizer, OptimizerState};
use crate::stored::all_finite;
use crate::update::{Fold, start, update};
use crate::view::View;

use head::HeadAlone;

/// A model under training.
///
/// A trainer works on a copy of the parameters and never leaves the thread that calls it. Its
/// results depend on nothing but its arguments.
#[derive(Debug)]
pub struct Trainer {
    network: Network,
    optimizer: Optimizer,
    state: OptimizerState,
    /// The forward pass that an update goes back through.
    pass: Option<(Matrix, OwnedTape<f32, Cpu>)>,
    logits: Vec<f32>,
    by_logits: Arc<Vec<f32>>,
    keeps_features: bool,
    features: Vec<f32>,
    by_features: Vec<f32>,
    head: HeadAlone,
    losses: LossScratch,
    steps: u64,
}

/// What the caller of [`Trainer::step_with`] adds to a step: reads what the model makes of the
/// batch, and adds to the gradient.
#[derive(Debug)]
pub struct Outputs<'a> {
    /// The logits, `batch × classes`.
    pub logits: &'a [f32],
    /// What the extractor hands to the head, `batch ×` [`Layout::feature_width`]; empty unless
    /// [`Trainer::keep_features`] was asked for.
    pub features: &'a [f32],
    /// The gradient of the objective by each logit, that of the step's terms already in it.
    pub by_logits: &'a mut [f32],
    /// The same by each feature, as it reaches the features beside what the head passes back.
    pub by_features: &'a mut [f32],
}

/// What a step found before its update.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepResult {
    /// Value of the objective on the batch, weights and terms on parameters included.
    pub loss: f64,
}

/// What [`Trainer::epoch`] did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EpochSummary {
    /// Steps made.
    pub steps: u64,
    /// Samples in those steps.
    pub samples: u64,
    /// Mean of the losses that the steps returned, weighted by samples; 0 without a step.
    pub mean_loss: f64,
    /// Whether the cancel flag ended it early.
    pub cancelled: bool,
}

impl Trainer {
    /// A trainer for a model with these flat `parameters`, going on from `state` or afresh.
    ///
    /// `seed` drives what is random inside a model, which is dropout; the
    /// order of batches has its own seed, see [`Trainer::epoch`].
    ///
    /// # Errors
    /// When the parameters or the state do not fit the layout and optimiser.
    pub fn new(
        layout: Arc<Layout>,
        parameters: &[f32],
        optimizer: &Optimizer,
        state: Option<OptimizerState>,
        seed: u64,
    ) -> Result<Self, ModelError> {
        let state = start(optimizer, state, layout.parameter_count())?;
        Ok(Self {
            network: Network::new(layout, parameters, seed)?,
            optimizer: *optimizer,
            state,
            pass: None,
            logits: Vec::new(),
            by_logits: Arc::default(),
            keeps_features: false,
            features: Vec::new(),
            by_features: Vec::new(),
            head: HeadAlone::new(seed),
            losses: LossScratch::default(),
            steps: 0,
        })
    }

    /// The layers being trained.
    pub fn layout(&self) -> &Arc<Layout> {
        self.network.layout()
    }

    /// Steps made by this trainer.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Logits of the last forward pass, `batch × classes`: of the last step's batch before its
    /// update, or of the rows that were last predicted.
    pub fn logits(&self) -> &[f32] {
        &self.logits
    }

    /// Features of the last forward pass, `batch ×` [`Layout::feature_width`], where they were
    /// asked for by [`Trainer::keep_features`] or by a term on them; else empty.
    pub fn features(&self) -> &[f32] {
        &self.features
    }

    /// Whether every forward pass keeps its features; at the start it does not.
    pub fn keep_features(&mut self, keep: bool) {
        self.keeps_features = keep;
    }

    /// Logits of the rows `x` at the parameters as they are now, as the model is scored: without
    /// dropout, and without an update. [`Trainer::features`] are theirs afterwards.
    ///
    /// # Errors
    /// When `x` is empty or no whole rows.
    pub fn predict(&mut self, x: &[f32]) -> Result<&[f32], ModelError> {
        self.check_rows(x)?;
        self.pass = None;
        let logits = self.network.forward::<NoneTape>(x)?;
        self.keep(&logits);
        Ok(&self.logits)
    }

    /// One update that lowers the sum of the terms on the batch `x` (row-major `batch ×
    /// features`).
    ///
    /// # Errors
    /// [`ModelError::Diverged`] when the objective is not finite (the parameters are then left as
    /// they were), or a mistake in shapes, labels or temperature.
    pub fn step(&mut self, x: &[f32], objective: &[Term<'_>]) -> Result<StepResult, ModelError> {
        self.forward(x)?;
        self.update(objective)
    }

    /// A step whose objective has, besides its terms, a part whose gradient the caller works out:
    /// `part` adds it to what it is given and returns its value.
    ///
    /// # Errors
    /// Those of [`Trainer::step`].
    pub fn step_with(
        &mut self,
        x: &[f32],
        objective: &[Term<'_>],
        part: impl FnOnce(Outputs<'_>) -> f64,
    ) -> Result<StepResult, ModelError> {
        self.forward(x)?;
        self.update_with(objective, part)
    }

    /// The first half of a step: the forward pass of the batch `x` in training. Between the halves
    /// two models can read each other's [`Trainer::logits`] (mutual learning).
    ///
    /// # Errors
    /// When `x` is empty or no whole rows.
    pub fn forward(&mut self, x: &[f32]) -> Result<&[f32], ModelError> {
        self.check_rows(x)?;
        let (logits, tape) = self.network.forward(x)?.split_tape();
        self.keep(&logits);
        self.pass = Some((logits, tape));
        Ok(&self.logits)
    }

    /// The value of an objective for the last forward pass, at the parameters as they are now.
    ///
    /// # Errors
    /// A mistake in shapes, labels or temperature, or features that were not kept.
    pub fn value(&mut self, objective: &[Term<'_>]) -> Result<f64, ModelError> {
        self.objective(objective, |_| 0.0)
    }

    /// The second half of a step: the update after [`Trainer::forward`].
    ///
    /// # Errors
    /// Those of [`Trainer::step`]; [`ModelError::NoForwardPass`] without the first half.
    pub fn update(&mut self, objective: &[Term<'_>]) -> Result<StepResult, ModelError> {
        self.update_with(objective, |_| 0.0)
    }

    fn check_rows(&self, x: &[f32]) -> Result<(), ModelError> {
        let n_features = self.layout().n_features();
        if x.is_empty() {
            return Err(ModelError::EmptyBatch);
        }
        if !x.len().is_multiple_of(n_features) {
            let expected = x.len().next_multiple_of(n_features);
            return Err(ModelError::Length {
                what: "features of a batch",
                found: x.len(),
                expected,
            });
        }
        Ok(())
    }

    fn keep(&mut self, logits: &Matrix) {
        self.logits.resize(logits.shape().num_elements(), 0.0);
        logits.copy_into(&mut self.logits);
        self.features.clear();
        if self.keeps_features {
            self.read_features();
        }
    }

    fn read_features(&mut self) {
        if !self.network.read_features(&mut self.features) {
            self.features.extend_from_slice(&self.logits);
        }
    }

    /// The value of an objective; its gradient by logits and features is left in their buffers.
    fn objective(
        &mut self,
        objective: &[Term<'_>],
        part: impl FnOnce(Outputs<'_>) -> f64,
    ) -> Result<f64, ModelError> {
        let (n_classes, width) = (self.layout().n_classes(), self.layout().feature_width());
        let n_values = self.logits.len();
        // Nobody else holds it between steps, so this is the same buffer again and again.
        let gradient = Arc::make_mut(&mut self.by_logits);
        gradient.clear();
        gradient.resize(n_values, 0.0);
        let mut loss = add_logit_terms(
            objective,
            &self.logits,
            n_classes,
            gradient,
            &mut self.losses,
        )?;
        self.by_features.clear();
        self.by_features.resize(self.features.len(), 0.0);
        let by_features = &mut self.by_features;
        loss += add_feature_terms(objective, &self.features, width, by_features)?;
        loss += self.head.take(objective, &self.network, &mut self.losses)?;
        loss += parameter_terms(objective, &self.network.workspace().parameters)?;
        loss += part(Outputs {
            logits: &self.logits,
            features: &self.features,
            by_logits: gradient,
            by_features: &mut *by_features,
        });
        if !self.network.has_head() {
            // An extractor alone: its outputs are its features.
            for (sum, value) in gradient.iter_mut().zip(by_features) {
                *sum += *value;
            }
        }
        Ok(loss)
    }

    /// [`Trainer::update`] with a part of the objective whose gradient the caller works out, as in
    /// [`Trainer::step_with`].
    ///
    /// # Errors
    /// Those of [`Trainer::update`].
    pub fn update_with(
        &mut self,
        objective: &[Term<'_>],
        part: impl FnOnce(Outputs<'_>) -> f64,
    ) -> Result<StepResult, ModelError> {
        let (logits, tape) = self.pass.take().ok_or(ModelError::NoForwardPass)?;
        if self.features.is_empty() && asks_for_features(objective) {
            self.read_features();
        }
        let loss = self.objective(objective, part)?;
        if !loss.is_finite() {
            return Err(ModelError::Diverged { steps: self.steps });
        }
        let fold = Fold::of(&self.optimizer, self.state.steps, objective)
            .filter(|_| !self.head.is_asked());
        let (count, head) = (self.layout().parameter_count(), self.layout().head());
        {
            let workspace = &mut *self.network.workspace();
            workspace.rate = fold.map(Fold::product_rate);
            workspace.by_features.clone_from(&self.by_features);
            if fold.is_none() {
                workspace.gradient.resize(count, 0.0);
            }
        }
        self.network.backward(&logits, tape, &self.by_logits)?;
        let Workspace {
            parameters,
            gradient,
            ..
        } = &mut *self.network.workspace();
        match fold {
            Some(fold) => fold.finish(&mut self.state, parameters, objective),
            None => {
                self.head.add_to(&mut gradient[head]);
                add_parameter_gradients(objective, parameters, gradient);
                update(&self.optimizer, &mut self.state, parameters, gradient);
            }
        }
        self.steps += 1;
        Ok(StepResult { loss })
    }

    /// Hands every mini-batch of the samples `indices`, in an order drawn from `shuffle_seed`, to
    /// `on_batch`, which makes its step (or several, or none). Between batches `cancelled` is
    /// asked; once true, the epoch ends.
    ///
    /// The last batch is smaller where `batch_size` does not divide the number of samples.
    ///
    /// # Errors
    /// Those of `on_batch`, and [`ModelError::EmptyBatch`] for a `batch_size` of 0.
    ///
    /// # Panics
    /// When an index is not below the number of samples.
    pub fn epoch<'d>(
        &mut self,
        data: impl Into<View<'d>>,
        indices: &'d [u32],
        batch_size: usize,
        shuffle_seed: u64,
        cancelled: &dyn Fn() -> bool,
        mut on_batch: impl FnMut(&mut Self, &Batch<'_>) -> Result<StepResult, ModelError>,
    ) -> Result<EpochSummary, ModelError> {
        if batch_size == 0 {
            return Err(ModelError::EmptyBatch);
        }
        let before = self.steps;
        let (mut samples, mut loss_sum) = (0, 0.0);
        let mut batches = Batches::shuffled(data.into(), indices, batch_size, shuffle_seed);
        let mut stopped = cancelled();
        while !stopped && let Some(batch) = batches.next() {
            let result = on_batch(self, &batch)?;
            samples += batch.len() as u64;
            loss_sum += result.loss * batch.len() as f64;
            stopped = cancelled();
        }
        Ok(EpochSummary {
            steps: self.steps - before,
            samples,
            mean_loss: if samples == 0 {
                0.0
            } else {
                loss_sum / samples as f64
            },
            cancelled: stopped && (samples as usize) < indices.len(),
        })
    }

    /// A copy of the flat parameters as they are now.
    pub fn parameters(&self) -> Vec<f32> {
        self.network.workspace().parameters.clone()
    }

    /// The flat parameters and the optimiser's state, for the next job.
    ///
    /// # Errors
    /// [`ModelError::Diverged`] when a parameter is not finite.
    pub fn into_parts(self) -> Result<(Vec<f32>, OptimizerState), ModelError> {
        let parameters = std::mem::take(&mut self.network.workspace().parameters);
        if all_finite(&parameters) {
            Ok((parameters, self.state))
        } else {
            Err(ModelError::Diverged { steps: self.steps })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::architecture::Architecture;
    use crate::golden::Golden;
    use crate::objective::Loss;
    use crate::shape::Shape;

    #[test]
    fn a_step_follows_the_gradient_of_automatic_differentiation() {
        let golden = Golden::read(include_str!("../tests/golden/network.txt"));
        let layout = Arc::new(
            Architecture::parse("mlp-6-5")
                .unwrap()
                .layout(Shape::Flat(4), 3)
                .unwrap(),
        );
        let before = golden.f32s("parameters");
        let (labels, guide, anchor) = (
            golden.labels("labels"),
            golden.f32s("guide"),
            golden.f32s("anchor"),
        );
        // At a learning rate of 1 the step is the gradient.
        let mut trainer = Trainer::new(layout, &before, &Optimizer::sgd(1.0), None, 0).unwrap();
        let objective = [
            Loss::CrossEntropy { labels: &labels }.into(),
            Term::new(0.5, Loss::MeanSquaredError { targets: &guide }),
            Term::new(0.25, Loss::Proximal { anchor: &anchor }),
        ];
        let result = trainer.step(&golden.f32s("x"), &objective).unwrap();
        golden.assert_near("objective", &[result.loss as f32], 1e-5);
        golden.assert_near("logits", trainer.logits(), 1e-6);
        let (after, _) = trainer.into_parts().unwrap();
        let step: Vec<f32> = before
            .iter()
            .zip(&after)
            .map(|(before, after)| before - after)
            .collect();
        golden.assert_near("gradient", &step, 1e-6);
    }

    #[test]
    fn a_step_does_not_depend_on_the_steps_before_it_but_through_the_parameters() {
        let golden = Golden::read(include_str!("../tests/golden/network.txt"));
        let layout = Arc::new(
            Architecture::parse("mlp-6-5")
                .unwrap()
                .layout(Shape::Flat(4), 3)
                .unwrap(),
        );
        let (x, labels) = (golden.f32s("x"), golden.labels("labels"));
        let trainer = |parameters: &[f32]| {
            Trainer::new(layout.clone(), parameters, &Optimizer::sgd(0.1), None, 0).unwrap()
        };
        let step = |trainer: &mut Trainer, rows: usize| {
            let labels = &labels[..rows];
            trainer
                .step(&x[..rows * 4], &[Loss::CrossEntropy { labels }.into()])
                .unwrap()
        };
        let mut first = trainer(&golden.f32s("parameters"));
        step(&mut first, 5);
        let mut second = trainer(&first.parameters());
        // A smaller batch after a larger one must not see what buffers held before.
        assert_eq!(step(&mut first, 2), step(&mut second, 2));
        assert_eq!(first.logits(), second.logits());
        assert_eq!(
            first.into_parts().unwrap().0,
            second.into_parts().unwrap().0
        );
    }
}
