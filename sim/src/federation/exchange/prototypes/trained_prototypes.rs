//! Prototypes for all that the server trains to lie apart from each other and near those that its
//! children sent (FedTGP, Zhang et al. 2024, algorithm 1).

use super::means::{ClassPrototypes, labelled};
use crate::federation::deployment::Deployment;
use crate::federation::exchange::{Exchange, Folded, Held, Learning};
use crate::federation::knowledge::Piece;
use crate::kernel::{ActorId, Cancellation, Job, JobOutput, Streams};
use crate::world::{Work, WorkKind};
use fedstill_models::{ModelError, PrototypeGenerator, RowsTraining};
use std::sync::Arc;

/// The generator and what it last generated.
#[derive(Debug)]
pub(super) struct TrainedPrototypes {
    generator: PrototypeGenerator,
    prototypes: Option<Arc<Vec<f32>>>,
    /// What goes to an aggregator above, which has a generator of its own.
    means: ClassPrototypes,
    training: RowsTraining,
    margin: f64,
    streams: Streams,
    folds: u64,
}

/// What training gives.
type Trained = Result<(PrototypeGenerator, Vec<f32>), ModelError>;

impl TrainedPrototypes {
    /// A fresh generator with as many hidden units as features.
    pub(super) fn new(
        deployment: &Deployment,
        means: ClassPrototypes,
        training: RowsTraining,
        margin: f64,
    ) -> Self {
        let classes = deployment.dataset().n_classes();
        let width = means.width();
        let seed = deployment.initial_server_seed();
        Self {
            generator: PrototypeGenerator::new(classes, width, width, seed),
            prototypes: None,
            means,
            training,
            margin,
            streams: deployment.dynamics(),
            folds: 0,
        }
    }
}

impl Exchange for TrainedPrototypes {
    fn fold(&mut self, contributions: &[Held<'_>]) -> Folded {
        let folded = self.means.fold(contributions);
        let (values, labels) = labelled(contributions, self.means.width());
        let number = self.folds;
        self.folds += 1;
        if labels.is_empty() {
            return folded;
        }
        let flops = self
            .generator
            .train_flops(labels.len() as u64, &self.training);
        let (mut generator, training) = (self.generator.clone(), self.training);
        let margin = self.margin;
        let seed = self.streams.seed("server", &format!("prototypes {number}"));
        let job: Job = Box::new(move |cancellation: &Cancellation| {
            let cancelled = || cancellation.is_cancelled();
            let trained = generator.train(&values, &labels, &training, margin, seed, &cancelled);
            let trained = trained.and_then(|_| generator.prototypes());
            let trained: Trained = trained.map(|prototypes| (generator, prototypes));
            Box::new(trained)
        });
        Folded {
            learning: Some(Learning {
                work: Work(vec![(WorkKind::Train, flops)]),
                job,
            }),
            ..folded
        }
    }

    /// Training that leaves the finite numbers leaves all as it was.
    fn learned(&mut self, output: JobOutput) {
        let trained: Box<Trained> = output.downcast().expect("a generator's training gives one");
        if let Ok((generator, prototypes)) = *trained {
            self.generator = generator;
            self.prototypes = Some(Arc::new(prototypes));
        }
    }

    fn view(&self, _: ActorId) -> Option<Piece> {
        self.prototypes.as_ref().map(|prototypes| Piece {
            values: Arc::clone(prototypes),
            scalars: Vec::new(),
        })
    }

    fn summary(&self) -> Option<Piece> {
        self.means.summary()
    }

    fn adopt(&mut self, piece: &Piece) {
        self.prototypes = Some(Arc::clone(&piece.values));
    }
}

#[cfg(test)]
mod tests {
    use super::super::means::server_training;
    use super::super::means::tests::{held, three_clients};
    use super::*;

    #[test]
    fn prototypes_come_to_lie_nearer_to_the_clients_of_their_class_than_of_the_other() {
        let clients = three_clients();
        let mut trained = TrainedPrototypes {
            generator: PrototypeGenerator::new(2, 2, 8, 5),
            prototypes: None,
            means: ClassPrototypes::new(2, 2, false),
            training: server_training(200, 10, 0.05),
            margin: 100.0,
            streams: Streams::new(1),
            folds: 0,
        };
        assert!(trained.view(ActorId(1)).is_none());
        let learning = trained.fold(&held(&clients)).learning.expect("rows came");
        assert!(learning.work.total() > 0);
        trained.learned((learning.job)(&Cancellation::default()));
        let view = trained.view(ActorId(1)).expect("it was trained").values;
        let distance = |row: &[f32], to: [f32; 2]| (row[0] - to[0]).hypot(row[1] - to[1]);
        // The clients' means are (3, 5) and (6, 1).
        assert!(distance(&view[..2], [3.0, 5.0]) < distance(&view[2..], [3.0, 5.0]));
        assert!(distance(&view[2..], [6.0, 1.0]) < distance(&view[..2], [6.0, 1.0]));
        assert_eq!(*trained.summary().unwrap().values, [3.0, 5.0, 6.0, 1.0]);
    }
}
