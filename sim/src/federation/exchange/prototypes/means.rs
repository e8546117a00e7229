//! Means of prototypes per class, over the clients that have the class: plain, as the authors of
//! FedProto run it, or weighed by the samples of the class (Tan et al. 2022, equation 6).

use crate::federation::deployment::Deployment;
use crate::federation::exchange::{Exchange, Folded, Held};
use crate::federation::knowledge::Piece;
use crate::federation::parcel::is_held;
use crate::federation::rule;
use crate::federation::run::Hooks;
use crate::kernel::{ActorId, Stream};
use fedstill_models::{Optimizer, RowsTraining};
use rand::seq::SliceRandom;
use std::sync::Arc;

/// A prototype for each class; a row of zeros is a class that nobody has shown yet.
#[derive(Debug)]
pub(super) struct ClassPrototypes {
    width: usize,
    is_counted: bool,
    means: Arc<Vec<f32>>,
    /// Samples behind each class in the last fold, where they count.
    counts: Vec<f32>,
    /// Test hook: classes are sent each other's prototypes.
    shuffle: Option<Stream>,
}

/// How a server trains: plain descent, anew for each version.
pub(super) fn server_training(epochs: u64, batch_size: usize, lr: f64) -> RowsTraining {
    RowsTraining {
        epochs,
        batch_size,
        optimizer: Optimizer::sgd(lr),
    }
}

impl ClassPrototypes {
    /// Nothing is known yet.
    pub(super) fn new(classes: usize, width: usize, is_counted: bool) -> Self {
        Self {
            width,
            is_counted,
            means: Arc::new(vec![0.0; classes * width]),
            counts: vec![0.0; if is_counted { classes } else { 0 }],
            shuffle: None,
        }
    }

    /// For a strand, with what the hooks ask.
    pub(super) fn for_strand(deployment: &Deployment, is_counted: bool, hooks: Hooks) -> Self {
        let classes = deployment.dataset().n_classes();
        let width = deployment.client(0).layout.feature_width();
        let stream = || deployment.dynamics().stream("server", "shuffle");
        Self {
            shuffle: hooks.shuffle_knowledge.then(stream),
            ..Self::new(classes, width, is_counted)
        }
    }

    pub(super) fn width(&self) -> usize {
        self.width
    }

    fn set(&mut self, mut means: Vec<f32>) {
        if let Some(stream) = &mut self.shuffle {
            let mut rows: Vec<_> = means.chunks_exact(self.width).collect();
            rows.shuffle(stream);
            means = rows.concat();
        }
        self.means = Arc::new(means);
    }
}

impl Exchange for ClassPrototypes {
    /// A class that nobody shows in this version keeps its prototype.
    fn fold(&mut self, contributions: &[Held<'_>]) -> Folded {
        let weighed = contributions.iter().map(|held| rule::Held {
            values: &held.piece.values,
            weight: held.weight,
        });
        let weighed: Vec<_> = weighed.collect();
        let folded = if self.is_counted {
            let counts = contributions.iter().map(|held| &*held.piece.scalars);
            let counts: Vec<&[f32]> = counts.collect();
            for (class, sum) in self.counts.iter_mut().enumerate() {
                let of_class = counts.iter().filter_map(|counts| counts.get(class));
                *sum = of_class.sum();
            }
            rule::class_means(&weighed, self.width, &counts)
        } else {
            rule::mean(&weighed, self.width)
        };
        self.set(rule::keep_known(folded.values, &self.means, self.width));
        Folded::at(folded.flops)
    }

    fn view(&self, _: ActorId) -> Option<Piece> {
        is_held(&self.means).then(|| Piece {
            values: Arc::clone(&self.means),
            scalars: Vec::new(),
        })
    }

    fn summary(&self) -> Option<Piece> {
        is_held(&self.means).then(|| Piece {
            values: Arc::clone(&self.means),
            scalars: self.counts.clone(),
        })
    }

    fn adopt(&mut self, piece: &Piece) {
        self.means = Arc::clone(&piece.values);
    }
}

/// The rows that contributions have, one after the other, and the class of each.
pub(super) fn labelled(contributions: &[Held<'_>], width: usize) -> (Vec<f32>, Vec<u32>) {
    let (mut values, mut labels) = (Vec::new(), Vec::new());
    for held in contributions.iter().filter(|held| held.weight > 0.0) {
        for (class, row) in (0..).zip(held.piece.values.chunks_exact(width)) {
            if is_held(row) {
                values.extend_from_slice(row);
                labels.push(class);
            }
        }
    }
    (values, labels)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Three clients, two classes, features of two values; the third lacks class 1.
    pub(in super::super) fn three_clients() -> [Piece; 3] {
        let of = |values: [f32; 4], scalars: [f32; 2]| Piece {
            scalars: scalars.to_vec(),
            ..Piece::of(values.to_vec())
        };
        [
            of([1.0, 2.0, 4.0, 0.0], [1.0, 30.0]),
            of([3.0, 4.0, 8.0, 2.0], [2.0, 10.0]),
            of([5.0, 9.0, 0.0, 0.0], [5.0, 0.0]),
        ]
    }

    /// Children 1, 2, … that weigh alike.
    pub(in super::super) fn held(pieces: &[Piece]) -> Vec<Held<'_>> {
        let held = (1..).zip(pieces).map(|(child, piece)| Held {
            child: ActorId(child),
            piece,
            weight: 1.0,
            start_version: 0,
        });
        held.collect()
    }

    fn values(piece: Option<Piece>) -> Vec<f32> {
        piece.expect("something was folded").values.to_vec()
    }

    #[test]
    fn a_prototype_is_the_plain_mean_over_the_clients_that_have_the_class() {
        let clients = three_clients();
        let mut means = ClassPrototypes::new(2, 2, false);
        assert_eq!(means.view(ActorId(1)), None);
        means.fold(&held(&clients));
        // (1+3+5)/3, (2+4+9)/3; of class 1 the first two: (4+8)/2, (0+2)/2.
        assert_eq!(values(means.view(ActorId(1))), [3.0, 5.0, 6.0, 1.0]);
        assert_eq!(values(means.view(ActorId(9))), [3.0, 5.0, 6.0, 1.0]);
    }

    #[test]
    fn counted_prototypes_weigh_by_the_samples_of_the_class_and_pass_them_upward() {
        let clients = three_clients();
        let mut means = ClassPrototypes::new(2, 2, true);
        means.fold(&held(&clients));
        // (1·1 + 2·3 + 5·5)/8, (1·2 + 2·4 + 5·9)/8; (30·4 + 10·8)/40, (30·0 + 10·2)/40.
        let summary = means.summary().unwrap();
        assert_eq!(*summary.values, [4.0, 6.875, 5.0, 0.5]);
        assert_eq!(summary.scalars, [8.0, 40.0]);
        assert!(means.view(ActorId(1)).unwrap().scalars.is_empty());
    }

    #[test]
    fn a_class_that_nobody_shows_in_a_version_keeps_its_prototype() {
        let clients = three_clients();
        let mut means = ClassPrototypes::new(2, 2, false);
        means.fold(&held(&clients));
        means.fold(&held(&clients[2..]));
        assert_eq!(values(means.view(ActorId(1))), [5.0, 9.0, 6.0, 1.0]);
        means.adopt(&clients[0]);
        assert_eq!(values(means.view(ActorId(1))), [1.0, 2.0, 4.0, 0.0]);
    }

    #[test]
    fn rows_to_train_on_are_those_that_clients_have() {
        let clients = three_clients();
        let (values, labels) = labelled(&held(&clients[1..]), 2);
        assert_eq!(values, [3.0, 4.0, 8.0, 2.0, 5.0, 9.0]);
        assert_eq!(labels, [0, 1, 0]);
    }
}
