//! A head for all that the server trains on the prototypes that its children sent (FedGH, Yi et
//! al. 2023, algorithm 1).

use super::means::{ClassPrototypes, labelled};
use crate::federation::deployment::Deployment;
use crate::federation::exchange::{Exchange, Folded, Held, Learning};
use crate::federation::knowledge::Piece;
use crate::kernel::{ActorId, Cancellation, Job, JobOutput, Streams};
use crate::world::{Work, WorkKind};
use fedstill_models::{Dataset, Layout, RowsTraining, train_on_rows};
use std::sync::Arc;

/// The head.
#[derive(Debug)]
pub(super) struct TrainedHead {
    layout: Arc<Layout>,
    head: Arc<Vec<f32>>,
    /// What goes to an aggregator above, which trains a head of its own.
    means: ClassPrototypes,
    training: RowsTraining,
    streams: Streams,
    folds: u64,
}

impl TrainedHead {
    /// The head of the first client's model, with the server's initial weights.
    pub(super) fn new(
        deployment: &Deployment,
        means: ClassPrototypes,
        training: RowsTraining,
    ) -> Self {
        let layout = &deployment.client(0).layout;
        let initial = layout.initial_parameters(deployment.initial_server_seed());
        Self {
            layout: Arc::new(layout.head_layout()),
            head: Arc::new(initial[layout.head()].to_vec()),
            means,
            training,
            streams: deployment.dynamics(),
            folds: 0,
        }
    }
}

impl Exchange for TrainedHead {
    fn fold(&mut self, contributions: &[Held<'_>]) -> Folded {
        let folded = self.means.fold(contributions);
        let (values, labels) = labelled(contributions, self.means.width());
        let number = self.folds;
        self.folds += 1;
        if labels.is_empty() {
            return folded;
        }
        let rows = labels.len() as u64;
        let flops = self.layout.train_flops(rows * self.training.epochs);
        let (layout, head) = (Arc::clone(&self.layout), Arc::clone(&self.head));
        let training = self.training;
        let seed = self.streams.seed("server", &format!("head {number}"));
        let job: Job = Box::new(move |cancellation: &Cancellation| {
            let cancelled = || cancellation.is_cancelled();
            let (width, classes) = (layout.n_features(), layout.n_classes());
            let rows = Dataset::new("prototypes", values, labels, width, classes).ok();
            let trained = rows.and_then(|rows| {
                train_on_rows(&layout, &head, None, &rows, &training, seed, &cancelled).ok()
            });
            Box::new(trained.map(|report| report.parameters))
        });
        Folded {
            learning: Some(Learning {
                work: Work(vec![(WorkKind::Train, flops)]),
                job,
            }),
            ..folded
        }
    }

    /// Training that leaves the finite numbers leaves the head as it was.
    fn learned(&mut self, output: JobOutput) {
        let head: Box<Option<Vec<f32>>> = output.downcast().expect("a head's training gives one");
        if let Some(head) = *head {
            self.head = Arc::new(head);
        }
    }

    fn view(&self, _: ActorId) -> Option<Piece> {
        Some(Piece {
            values: Arc::clone(&self.head),
            scalars: Vec::new(),
        })
    }

    fn summary(&self) -> Option<Piece> {
        self.means.summary()
    }

    fn adopt(&mut self, piece: &Piece) {
        self.head = Arc::clone(&piece.values);
    }
}

#[cfg(test)]
mod tests {
    use super::super::means::server_training;
    use super::super::means::tests::{held, three_clients};
    use super::*;
    use fedstill_models::{Architecture, Shape};

    /// A head of two features and two classes that begins with zeros.
    fn of_zeros(epochs: u64, lr: f64) -> TrainedHead {
        let linear = Architecture::parse("mlp-2").expect("a known model");
        let layout = linear.layout(Shape::Flat(3), 2).expect("it fits");
        let head = layout.head_layout();
        TrainedHead {
            head: Arc::new(vec![0.0; head.parameter_count()]),
            layout: Arc::new(head),
            means: ClassPrototypes::new(2, 2, false),
            training: server_training(epochs, 10, lr),
            streams: Streams::new(1),
            folds: 0,
        }
    }

    #[test]
    fn one_step_from_zeros_moves_the_biases_by_the_shares_of_the_classes() {
        let clients = three_clients();
        let mut head = of_zeros(1, 1.0);
        let learning = head.fold(&held(&clients)).learning.expect("rows came");
        head.learned((learning.job)(&Cancellation::default()));
        // All logits are 0, so p = 1/2: of five rows three are of class 0, so its bias moves by
        // (3 − 5/2)/5 = 0.1 and the other by −0.1.
        let view = head.view(ActorId(1)).expect("there is always a head");
        let mut values = view.values.to_vec();
        values.sort_by(f32::total_cmp);
        assert_eq!(values.len(), 6);
        // Weights: Σ ±x/2 / 5 of the first feature (1+3+5−4−8)/10 = −0.3, of the second
        // (2+4+9−0−2)/10 = 1.3, with both signs.
        let expected = [-1.3, -0.3, -0.1, 0.1, 0.3, 1.3];
        for (value, expected) in values.iter().zip(expected) {
            assert!((value - expected).abs() < 1e-6, "{values:?}");
        }
    }

    #[test]
    fn what_goes_up_is_prototypes_and_what_comes_down_is_a_head() {
        let clients = three_clients();
        let mut head = of_zeros(1, 1.0);
        assert!(head.summary().is_none());
        head.fold(&held(&clients));
        assert_eq!(*head.summary().unwrap().values, [3.0, 5.0, 6.0, 1.0]);
        head.adopt(&Piece::of(vec![9.0; 6]));
        assert_eq!(*head.view(ActorId(1)).unwrap().values, [9.0; 6]);
        assert!(head.fold(&[]).learning.is_none(), "nothing to train on");
    }
}
