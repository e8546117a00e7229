//! Passes over public samples spread evenly over a client's passes over its own data, for methods
//! that learn both together.

use fedstill_models::{ModelError, StepResult, Trainer};

/// Steps on public samples, to be made by turns with steps on own data.
///
/// The union of both data sets is passed batch by batch, each batch of one kind (Cronus); it is the
/// sum of two losses in two half steps (COMET).
pub(super) struct PublicPass {
    /// Row by row, for each public sample.
    features: Vec<f32>,
    targets: Vec<f32>,
    /// Values a row of either.
    widths: (usize, usize),
    /// The samples of each step.
    batches: Vec<Vec<u32>>,
    made: usize,
    own_made: usize,
    /// Steps on own data in all.
    own: usize,
}

impl PublicPass {
    /// Steps on these batches of samples beside `own` steps on own data; `widths` are the values a
    /// row of features and of targets.
    pub(super) fn new(
        features: Vec<f32>,
        targets: Vec<f32>,
        widths: (usize, usize),
        batches: Vec<Vec<u32>>,
        own: usize,
    ) -> Self {
        Self {
            features,
            targets,
            widths,
            batches,
            made: 0,
            own_made: 0,
            own,
        }
    }

    /// Before a step on own data: makes those steps that are due.
    ///
    /// # Errors
    /// Those of `step`, which is given the trainer, features and targets.
    pub(super) fn before_own(
        &mut self,
        trainer: &mut Trainer,
        step: impl FnMut(&mut Trainer, &[f32], &[f32]) -> Result<StepResult, ModelError>,
    ) -> Result<(), ModelError> {
        self.own_made += 1;
        let due = self.due();
        self.make(due, trainer, step)
    }

    /// Makes all that are left.
    ///
    /// # Errors
    /// Those of `step`.
    pub(super) fn finish(
        &mut self,
        trainer: &mut Trainer,
        step: impl FnMut(&mut Trainer, &[f32], &[f32]) -> Result<StepResult, ModelError>,
    ) -> Result<(), ModelError> {
        self.make(self.batches.len(), trainer, step)
    }

    /// Steps that should have been made by the present step on own data.
    fn due(&self) -> usize {
        self.batches.len() * self.own_made.min(self.own) / self.own.max(1)
    }

    fn make(
        &mut self,
        due: usize,
        trainer: &mut Trainer,
        mut step: impl FnMut(&mut Trainer, &[f32], &[f32]) -> Result<StepResult, ModelError>,
    ) -> Result<(), ModelError> {
        while self.made < due {
            let batch = &self.batches[self.made];
            let features = gather(&self.features, self.widths.0, batch);
            let targets = gather(&self.targets, self.widths.1, batch);
            step(trainer, &features, &targets)?;
            self.made += 1;
        }
        Ok(())
    }
}

fn gather(table: &[f32], width: usize, rows: &[u32]) -> Vec<f32> {
    let places = rows.iter().map(|row| *row as usize * width);
    places
        .flat_map(|start| table[start..start + width].iter().copied())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_steps_are_spread_evenly_over_those_on_own_data() {
        let due = |public: usize, own: usize| -> Vec<usize> {
            let mut pass = PublicPass::new(vec![], vec![], (1, 1), vec![vec![]; public], own);
            let mut before = Vec::new();
            for _ in 0..own {
                pass.own_made += 1;
                before.push(pass.due());
            }
            before
        };
        assert_eq!(due(2, 4), [0, 1, 1, 2]);
        assert_eq!(due(8, 4), [2, 4, 6, 8]);
        assert_eq!(due(3, 4), [0, 1, 2, 3]);
    }

    #[test]
    fn rows_are_gathered_in_the_order_of_the_batch() {
        assert_eq!(
            gather(&[1.0, 2.0, 3.0, 4.0], 2, &[1, 0]),
            [3.0, 4.0, 1.0, 2.0]
        );
    }
}
