//! Rows of predictions: one per public sample (FedMD, Li and Wang 2019) or one per
//! class (FD, Jeong et al. 2018). A row's knowledge is the weighted mean over the
//! children that have the row, or, for each child, over the others that have it.

use super::{Exchange, Folded, Held, add_weighted};
use crate::federation::deployment::Deployment;
use crate::federation::knowledge::Piece;
use crate::federation::parcel::is_held;
use crate::federation::run::Hooks;
use crate::kernel::{ActorId, Stream};
use crate::scenario::RawRule;
use rand::seq::SliceRandom;
use std::sync::Arc;

/// Whose predictions a child is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sharing {
    /// Everybody's mean, its own included.
    Everyone,
    /// The mean over the others.
    LeaveOneOut,
}

impl Sharing {
    /// As a rule has it.
    pub(super) fn of(rule: &RawRule) -> Self {
        match rule {
            RawRule::Mean { .. } => Self::Everyone,
            RawRule::LeaveOneOut { .. } => Self::LeaveOneOut,
            RawRule::TrainedHead { .. } | RawRule::TrainedPrototypes { .. } => {
                unreachable!("refused for predictions")
            }
        }
    }
}

/// Mean rows of predictions. A row of zeros is a row that a child does not have.
#[derive(Debug)]
pub(crate) struct MeanRows {
    width: usize,
    sharing: Sharing,
    /// Σ w·z per value, Σ w per row, and the number of children per row.
    sums: Vec<f64>,
    weights: Vec<f64>,
    holders: Vec<u32>,
    /// Each child's share in the sums, to take it out again; in child order.
    own: Vec<(ActorId, Arc<Vec<f32>>, f64)>,
    /// Test hook: rows are sent in a drawn order.
    shuffle: Option<Stream>,
    order: Vec<usize>,
}

impl MeanRows {
    /// Nothing is known yet. A row has `width` values, one per class.
    pub(crate) fn new(width: usize, sharing: Sharing) -> Self {
        Self {
            width,
            sharing,
            sums: Vec::new(),
            weights: Vec::new(),
            holders: Vec::new(),
            own: Vec::new(),
            shuffle: None,
            order: Vec::new(),
        }
    }

    /// For a strand of predictions, with what the hooks ask.
    pub(super) fn for_strand(deployment: &Deployment, sharing: Sharing, hooks: Hooks) -> Self {
        let rows = Self::new(deployment.dataset().n_classes(), sharing);
        if hooks.shuffle_knowledge {
            rows.shuffled(deployment.dynamics().stream("server", "shuffle"))
        } else {
            rows
        }
    }

    /// Sends the rows in an order drawn anew at each fold: knowledge that helps by
    /// what it says must stop helping, a mere regulariser would not.
    pub(crate) fn shuffled(mut self, stream: Stream) -> Self {
        self.shuffle = Some(stream);
        self
    }
}

/// Where a child outweighs the others by this much, taking it out of the sum would leave
/// rounding errors; the others are summed instead.
const CANCELLED: f64 = 1e-6;

impl MeanRows {
    /// Sums a row over everybody but one child, by its place; gives the weight.
    fn sum_of_others(&self, child: Option<usize>, row: usize, sums: &mut [f64]) -> f64 {
        sums.fill(0.0);
        let mut total = 0.0;
        let others = self.own.iter().enumerate();
        for (_, (_, values, weight)) in others.filter(|(place, _)| Some(*place) != child) {
            let values = &values[row * self.width..(row + 1) * self.width];
            if is_held(values) {
                add_weighted(sums, values, *weight);
                total += weight;
            }
        }
        total
    }
}

/// The rows that a child has, with their numbers.
fn rows(values: &[f32], width: usize) -> impl Iterator<Item = (usize, &[f32])> {
    let rows = values.chunks_exact(width).enumerate();
    rows.filter(|(_, row)| is_held(row))
}

impl Exchange for MeanRows {
    fn fold(&mut self, contributions: &[Held<'_>]) -> Folded {
        let lengths = contributions.iter().map(|held| held.piece.values.len());
        let values = lengths.max().unwrap_or(0);
        let row_count = values / self.width;
        self.sums = vec![0.0; values];
        self.weights = vec![0.0; row_count];
        self.holders = vec![0; row_count];
        self.own.clear();
        for held in contributions {
            let weight = held.weight;
            for (row, values) in rows(&held.piece.values, self.width) {
                let place = row * self.width..(row + 1) * self.width;
                add_weighted(&mut self.sums[place], values, weight);
                self.weights[row] += weight;
                self.holders[row] += 1;
            }
            if self.sharing == Sharing::LeaveOneOut {
                let values = Arc::clone(&held.piece.values);
                self.own.push((held.child, values, weight));
            }
        }
        self.order = (0..row_count).collect();
        if let Some(stream) = &mut self.shuffle {
            self.order.shuffle(stream);
        }
        Folded::at(2 * (values * contributions.len()) as u64)
    }

    fn view(&self, child: ActorId) -> Option<Piece> {
        self.mean_without(Some(child))
    }

    /// The mean over all children.
    fn summary(&self) -> Option<Piece> {
        self.mean_without(None)
    }

    /// Until the next fold everyone is sent these rows.
    fn adopt(&mut self, piece: &Piece) {
        let held = Held {
            child: ActorId(u32::MAX),
            piece,
            weight: 1.0,
            start_version: 0,
        };
        self.fold(&[held]);
        self.own.clear();
    }
}

impl MeanRows {
    /// The mean over all children but one, where that one's share is known.
    fn mean_without(&self, child: Option<ActorId>) -> Option<Piece> {
        if self.weights.is_empty() {
            return None;
        }
        let mut sums = self.sums.clone();
        let mut weights = self.weights.clone();
        let mut holders = self.holders.clone();
        let without = child.and_then(|child| {
            let place = self.own.binary_search_by_key(&child, |(child, ..)| *child);
            place.ok()
        });
        if let Some(without) = without {
            let (_, own, weight) = &self.own[without];
            for (row, values) in rows(own, self.width) {
                let place = row * self.width..(row + 1) * self.width;
                add_weighted(&mut sums[place], values, -weight);
                weights[row] -= weight;
                holders[row] -= 1;
            }
        }
        let mut view = Vec::with_capacity(sums.len());
        for row in &self.order {
            let place = row * self.width..(row + 1) * self.width;
            if weights[*row] < CANCELLED * self.weights[*row] {
                weights[*row] = self.sum_of_others(without, *row, &mut sums[place.clone()]);
            }
            if holders[*row] == 0 || weights[*row] == 0.0 {
                // A row that nobody else holds has no teacher.
                view.extend(sums[place].iter().map(|_| 0.0));
            } else {
                let weight = weights[*row];
                view.extend(sums[place].iter().map(|sum| (sum / weight) as f32));
            }
        }
        // Where nobody else holds anything, there is nothing to learn from.
        is_held(&view).then(|| Piece::of(view))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces<const N: usize>(values: [[f32; 4]; N]) -> [Piece; N] {
        values.map(|values| Piece::of(values.to_vec()))
    }

    /// Three clients, two classes; the third has no sample of class 1.
    fn three_clients() -> [Piece; 3] {
        pieces([
            [0.9, 0.1, 0.2, 0.8],
            [0.6, 0.4, 0.5, 0.5],
            [0.3, 0.7, 0.0, 0.0],
        ])
    }

    /// Children 1, 2, … with these weights.
    fn held<'a>(pieces: &'a [Piece], weights: &[f64]) -> Vec<Held<'a>> {
        let weighed = (1..).zip(pieces).zip(weights);
        let held = weighed.map(|((child, piece), weight)| Held {
            child: ActorId(child),
            piece,
            weight: *weight,
            start_version: 0,
        });
        held.collect()
    }

    fn assert_close(view: Option<Piece>, expected: [f32; 4]) {
        let view = view.expect("something was folded").values;
        for (value, expected) in view.iter().zip(expected) {
            assert!(
                (value - expected).abs() < 1e-6,
                "{view:?} is not {expected}"
            );
        }
    }

    #[test]
    fn each_client_is_sent_the_mean_of_the_others_that_have_the_class() {
        let clients = three_clients();
        let mut rows = MeanRows::new(2, Sharing::LeaveOneOut);
        assert_eq!(rows.view(ActorId(1)), None);
        rows.fold(&held(&clients, &[1.0; 3]));
        // Class 0: (0.6+0.3)/2, (0.9+0.3)/2, (0.9+0.6)/2. Class 1: only 2, only 1, both.
        assert_close(rows.view(ActorId(1)), [0.45, 0.55, 0.5, 0.5]);
        assert_close(rows.view(ActorId(2)), [0.6, 0.4, 0.2, 0.8]);
        assert_close(rows.view(ActorId(3)), [0.75, 0.25, 0.35, 0.65]);
        // Who did not contribute is sent the mean of all who did.
        assert_close(rows.view(ActorId(9)), [0.6, 0.4, 0.35, 0.65]);
    }

    #[test]
    fn a_class_that_nobody_else_holds_has_no_teacher() {
        let alone = pieces([[0.9, 0.1, 0.0, 0.0]]);
        let mut rows = MeanRows::new(2, Sharing::LeaveOneOut);
        rows.fold(&held(&alone, &[0.37]));
        assert_eq!(rows.view(ActorId(1)), None);
        assert_close(rows.view(ActorId(2)), [0.9, 0.1, 0.0, 0.0]);
    }

    #[test]
    fn a_child_that_outweighs_the_others_by_far_still_learns_from_them() {
        let clients = three_clients();
        let mut rows = MeanRows::new(2, Sharing::LeaveOneOut);
        rows.fold(&held(&clients[..2], &[1.0, 1e-40]));
        assert_close(rows.view(ActorId(1)), [0.6, 0.4, 0.5, 0.5]);
        // A weight that is too small for a float is no weight.
        rows.fold(&held(&clients[..2], &[1.0, 0.0]));
        assert_eq!(rows.view(ActorId(1)), None);
        assert_close(rows.view(ActorId(2)), [0.9, 0.1, 0.2, 0.8]);
    }

    #[test]
    fn an_aggregator_sends_all_its_children_what_it_was_sent_from_above() {
        let clients = three_clients();
        for sharing in [Sharing::Everyone, Sharing::LeaveOneOut] {
            let mut rows = MeanRows::new(2, sharing);
            rows.fold(&held(&clients, &[1.0; 3]));
            // (0.9+0.6+0.3)/3 and so on; of class 1 the two that have it.
            assert_close(rows.summary(), [0.6, 0.4, 0.35, 0.65]);
            rows.adopt(&clients[1]);
            assert_close(rows.view(ActorId(2)), [0.6, 0.4, 0.5, 0.5]);
        }
    }

    #[test]
    fn the_consensus_weighs_every_contribution_and_is_the_same_for_all() {
        let clients = three_clients();
        let mut rows = MeanRows::new(2, Sharing::Everyone);
        rows.fold(&held(&clients[..2], &[3.0, 1.0]));
        // (3·0.9 + 0.6)/4, (3·0.1 + 0.4)/4, (3·0.2 + 0.5)/4, (3·0.8 + 0.5)/4
        let expected = [0.825, 0.175, 0.275, 0.725];
        assert_close(rows.view(ActorId(1)), expected);
        assert_close(rows.view(ActorId(3)), expected);
    }
}
