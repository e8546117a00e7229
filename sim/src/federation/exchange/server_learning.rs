//! Learning at an aggregator: a model is taught predictions on public samples. What DS-FL, SCARLET,
//! CFD and FedDF share.

use super::targets::{loss, targets};
use crate::federation::deployment::Deployment;
use crate::federation::parcel::is_held;
use crate::scenario::{RawPredictions, RawServerLearning};
use fedstill_models::{Layout, ModelError, Term, Trainer};
use std::sync::Arc;

/// What is to be learned of which samples.
pub(super) struct Lesson {
    /// Public samples that there is a teacher for.
    samples: Vec<u32>,
    /// Its rows, in their order.
    rows: Vec<f32>,
    are: RawPredictions,
    settings: RawServerLearning,
    /// Names the order of the batches.
    purpose: String,
}

impl Lesson {
    /// The rows given for a list of samples; a row of zeros is no teacher.
    pub(super) fn new(
        list: &[u32],
        rows: &[f32],
        are: RawPredictions,
        settings: &RawServerLearning,
        purpose: String,
    ) -> Self {
        let width = rows.len().checked_div(list.len()).unwrap_or(1).max(1);
        let known = list.iter().zip(rows.chunks_exact(width));
        let known = known.filter(|(_, row)| is_held(row));
        let (samples, rows): (Vec<u32>, Vec<&[f32]>) = known.map(|(s, row)| (*s, row)).unzip();
        Self {
            samples,
            rows: rows.concat(),
            are,
            settings: settings.clone(),
            purpose,
        }
    }

    fn batch(&self) -> usize {
        let automatic = (self.samples.len() / 8).clamp(1, 256);
        self.settings.batch.unwrap_or(automatic)
    }

    fn steps_a_pass(&self) -> u64 {
        self.samples.len().div_ceil(self.batch()) as u64
    }

    /// Steps at most.
    fn most_steps(&self) -> u64 {
        let passes = self.steps_a_pass() * u64::from(self.settings.epochs);
        match self.settings.steps {
            // Without a sample there is no step.
            Some(steps) if !self.samples.is_empty() => steps,
            _ => passes,
        }
    }

    /// Whether how much is learned shows only as it is learned.
    pub(super) fn may_stop_early(&self) -> bool {
        self.settings.patience.is_some()
    }

    /// Samples that pass in so many steps: whole passes, and what is left of one.
    pub(super) fn samples_in(&self, steps: u64) -> u64 {
        let (samples, batch) = (self.samples.len() as u64, self.batch() as u64);
        match self.steps_a_pass() {
            0 => 0,
            a_pass => steps / a_pass * samples + (steps % a_pass * batch).min(samples),
        }
    }

    /// FLOPs of learning it all with such a model.
    pub(super) fn flops(&self, layout: &Layout) -> u64 {
        layout.train_flops(self.samples_in(self.most_steps()))
    }

    /// Teaches a model; gives its parameters and the steps made. A model that leaves the finite
    /// numbers stays as it was.
    pub(super) fn teach(
        &self,
        deployment: &Deployment,
        layout: &Arc<Layout>,
        parameters: &[f32],
        cancelled: &dyn Fn() -> bool,
    ) -> (Vec<f32>, u64) {
        match self.pass_after_pass(deployment, layout, parameters, cancelled) {
            Ok(taught) => taught,
            Err(_) => (parameters.to_vec(), self.most_steps()),
        }
    }

    fn pass_after_pass(
        &self,
        deployment: &Deployment,
        layout: &Arc<Layout>,
        parameters: &[f32],
        cancelled: &dyn Fn() -> bool,
    ) -> Result<(Vec<f32>, u64), ModelError> {
        let classes = layout.n_classes();
        let settings = &self.settings;
        let targets = targets(&settings.loss, &self.rows, self.are, classes);
        let seed = |purpose: &str| deployment.dynamics().seed("server", purpose);
        let noise = seed(&format!("model noise {}", self.purpose));
        let optimizer = deployment.server_optimizer(settings);
        let mut trainer = Trainer::new(Arc::clone(layout), parameters, &optimizer, None, noise)?;
        let most = self.most_steps();
        let (mut best, mut best_at) = (f64::INFINITY, 0);
        let mut rows = Vec::new();
        let mut pass = 0;
        while trainer.steps() < most && !cancelled() {
            let order = seed(&format!("public batches {} {pass}", self.purpose));
            pass += 1;
            let enough = |trainer: &Trainer| trainer.steps() >= most;
            let before = trainer.steps();
            let mut sum = 0.0;
            let data = deployment.common_samples();
            let batch = self.batch();
            trainer.epoch(
                data,
                &self.samples,
                batch,
                order,
                cancelled,
                |trainer, batch| {
                    if enough(trainer) {
                        return Ok(fedstill_models::StepResult { loss: 0.0 });
                    }
                    rows.clear();
                    batch.gather(&targets, classes, &mut rows);
                    let term = Term::from(loss(&settings.loss, &rows, self.are));
                    let result = trainer.step(batch.features, &[term])?;
                    sum += result.loss;
                    Ok(result)
                },
            )?;
            let mean = sum / (trainer.steps() - before).max(1) as f64;
            if mean < best {
                (best, best_at) = (mean, trainer.steps());
            }
            if settings
                .patience
                .is_some_and(|patience| trainer.steps() - best_at >= patience)
            {
                break;
            }
        }
        let steps = trainer.steps();
        Ok((trainer.into_parts()?.0, steps))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lesson_is_as_long_as_asked_and_of_the_samples_that_have_a_teacher() {
        let rows = [0.5, 0.5, 0.0, 0.0, 1.0, 0.0, 0.2, 0.8];
        let are = RawPredictions::Probabilities { temperature: 1.0 };
        let settings = RawServerLearning {
            epochs: 3,
            batch: Some(2),
            ..RawServerLearning::default()
        };
        let lesson = |settings: &RawServerLearning| {
            Lesson::new(&[7, 8, 9, 10], &rows, are, settings, String::new())
        };
        let by_epochs = lesson(&settings);
        assert_eq!(by_epochs.samples, [7, 9, 10]);
        assert_eq!(by_epochs.rows, [0.5, 0.5, 1.0, 0.0, 0.2, 0.8]);
        // Three passes of two steps, of 2 and 1 samples.
        assert_eq!(by_epochs.most_steps(), 6);
        assert_eq!(by_epochs.samples_in(6), 9);
        let by_steps = lesson(&RawServerLearning {
            steps: Some(5),
            ..settings
        });
        assert_eq!(by_steps.most_steps(), 5);
        assert_eq!(by_steps.samples_in(5), 8);
    }
}
