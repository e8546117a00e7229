//! Training on rows that arrived from others, as a server trains a head on its clients'
//! prototypes (FedGH, Yi et al. 2023).

use std::sync::Arc;

use rand::RngCore;

use crate::dataset::Dataset;
use crate::error::ModelError;
use crate::layout::Layout;
use crate::objective::Loss;
use crate::optimizer::{Optimizer, OptimizerState};
use crate::random::{Purpose, stream};
use crate::trainer::Trainer;

/// How a server trains on rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RowsTraining {
    /// Passes over the rows.
    pub epochs: u64,
    /// Rows of a mini-batch.
    pub batch_size: usize,
    /// The update.
    pub optimizer: Optimizer,
}

/// What training on rows came to.
#[derive(Clone, Debug, PartialEq)]
pub struct RowsReport {
    /// The flat parameters.
    pub parameters: Vec<f32>,
    /// The optimiser's state, for those who keep it.
    pub state: OptimizerState,
    /// Mean loss of the last epoch, before each of its updates; 0 without an epoch.
    pub mean_loss: f64,
    /// FLOPs: forward and backward of every row of every epoch.
    pub flops: u64,
    /// Whether the cancel flag ended it early.
    pub cancelled: bool,
}

/// Trains a model, such as [`Layout::head_layout`], on labelled rows by their cross-entropy.
/// `seed` orders the batches; between batches `cancelled` is asked.
///
/// # Errors
/// Those of [`Trainer::new`], [`Trainer::step`] and [`Trainer::epoch`].
pub fn train_on_rows(
    layout: &Arc<Layout>,
    parameters: &[f32],
    state: Option<OptimizerState>,
    rows: &Dataset,
    training: &RowsTraining,
    seed: u64,
    cancelled: &dyn Fn() -> bool,
) -> Result<RowsReport, ModelError> {
    let optimizer = &training.optimizer;
    let mut trainer = Trainer::new(layout.clone(), parameters, optimizer, state, seed)?;
    let all: Vec<u32> = (0..rows.len() as u32).collect();
    let mut orders = stream(seed, Purpose::ServerEpochs);
    let (mut mean_loss, mut flops, mut stopped) = (0.0, 0, false);
    for _ in 0..training.epochs {
        let (size, order) = (training.batch_size, orders.next_u64());
        let done = trainer.epoch(rows, &all, size, order, cancelled, |trainer, batch| {
            let labels = batch.labels;
            trainer.step(batch.features, &[Loss::CrossEntropy { labels }.into()])
        })?;
        mean_loss = done.mean_loss;
        flops += layout.train_flops(done.samples);
        stopped = done.cancelled;
        if stopped {
            break;
        }
    }
    let (parameters, state) = trainer.into_parts()?;
    Ok(RowsReport {
        parameters,
        state,
        mean_loss,
        flops,
        cancelled: stopped,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Architecture, Shape, evaluate};

    #[test]
    fn a_head_learns_its_clients_prototypes() {
        let whole = Architecture::parse("mlp-8-2").unwrap();
        let whole = whole.layout(Shape::Flat(5), 3).unwrap();
        let head = Arc::new(whole.head_layout());
        assert_eq!((head.n_features(), head.parameter_count()), (2, 9));
        // Two clients' prototypes of three classes.
        let rows = vec![
            0.0, 1.0, 0.9, -0.5, -0.9, -0.5, 0.1, 0.9, 1.0, -0.6, -0.8, -0.6,
        ];
        let rows = Dataset::new("prototypes", rows, vec![0, 1, 2, 0, 1, 2], 2, 3).unwrap();
        let parameters = &whole.initial_parameters(1)[whole.head()];
        let training = RowsTraining {
            epochs: 200,
            batch_size: 4,
            optimizer: Optimizer::sgd(0.5),
        };
        let train = |training: &RowsTraining, seed, cancelled: &dyn Fn() -> bool| {
            train_on_rows(&head, parameters, None, &rows, training, seed, cancelled).unwrap()
        };
        let done = train(&training, 3, &|| false);
        let all: Vec<u32> = (0..6).collect();
        assert_eq!(
            evaluate(&head, &done.parameters, &rows, &all)
                .unwrap()
                .correct,
            6
        );
        assert!(done.mean_loss < 0.1);
        // A dense layer of 2 to 3 costs 15 FLOPs forward, and 45 with the way back.
        assert_eq!(done.flops, 45 * 6 * 200);
        assert_eq!(done, train(&training, 3, &|| false));
        assert_ne!(done.parameters, train(&training, 4, &|| false).parameters);
        let stopped = train(&training, 3, &|| true);
        assert!(stopped.cancelled && stopped.flops == 0);
        assert_eq!(stopped.parameters, parameters);
    }
}
