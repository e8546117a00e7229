//! A teacher for each child: a mean of everybody's predictions whose weights are learned (KT-pFL,
//! Zhang et al. 2021, algorithm 1).

use super::folded_rows::something;
use super::shuffle::{Shuffle, in_order};
use super::{Exchange, Folded, Held};
use crate::federation::knowledge::Piece;
use crate::federation::rule;
use crate::federation::rule::KnowledgeCoefficients;
use crate::kernel::ActorId;
use std::sync::Arc;

/// Everybody's predictions, and how much each one's teacher takes from each.
#[derive(Debug)]
pub(super) struct PersonalTeachers {
    width: usize,
    penalty: f64,
    rate: Option<f64>,
    coefficients: KnowledgeCoefficients,
    /// By child: what it predicts; empty where it has said nothing.
    predictions: Vec<Arc<Vec<f32>>>,
    shuffle: Shuffle,
    order: Option<Vec<usize>>,
}

impl PersonalTeachers {
    /// For so many children, actors 1, 2, and so on; everybody takes as much from everybody.
    pub(super) fn new(
        children: usize,
        width: usize,
        penalty: f64,
        rate: Option<f64>,
        shuffle: Shuffle,
    ) -> Self {
        Self {
            width,
            penalty,
            rate,
            coefficients: KnowledgeCoefficients::new(children),
            predictions: vec![Arc::default(); children],
            shuffle,
            order: None,
        }
    }

    fn held(&self) -> Vec<rule::Held<'_>> {
        let held = self.predictions.iter().map(|values| rule::Held {
            values,
            weight: if values.is_empty() { 0.0 } else { 1.0 },
        });
        held.collect()
    }
}

impl Exchange for PersonalTeachers {
    fn fold(&mut self, contributions: &[Held<'_>]) -> Folded {
        self.predictions.fill(Arc::default());
        for held in contributions.iter().filter(|held| held.weight > 0.0) {
            let values = Arc::clone(&held.piece.values);
            self.predictions[held.child.index() - 1] = values;
        }
        let mut coefficients = self.coefficients.clone();
        let flops = coefficients.step(&self.held(), self.penalty, self.rate);
        self.coefficients = coefficients;
        let values = contributions.iter().map(|held| held.piece.values.len());
        let values = values.max().unwrap_or(0);
        self.order = self.shuffle.order(values / self.width);
        // And each one's teacher, a multiply and an add a value and contribution.
        let count = contributions.len() as u64;
        Folded::at(flops + 2 * count * count * values as u64)
    }

    fn view(&self, child: ActorId) -> Option<Piece> {
        let place = child.index() - 1;
        let teacher = self.coefficients.teacher(place, &self.held(), self.width);
        something(match &self.order {
            None => teacher.values,
            Some(order) if !teacher.values.is_empty() => {
                in_order(&teacher.values, self.width, order)
            }
            Some(_) => Vec::new(),
        })
    }

    fn summary(&self) -> Option<Piece> {
        None
    }

    fn adopt(&mut self, _: &Piece) {
        unreachable!("refused where aggregators stand between")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_s_teacher_takes_more_from_those_who_predict_as_it_does() {
        // One sample: (1, 0), (0.5, 0.5), (0, 1). From even weights a step at 0.4 along the
        // gradient (−0.5, 0, 0.5) of child 1, then softmax(5c): e, 1, 1/e over their sum.
        let pieces = [[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]].map(|p| Piece::of(p.to_vec()));
        let held: Vec<Held<'_>> = (1..)
            .zip(&pieces)
            .map(|(child, piece)| Held {
                child: ActorId(child),
                piece,
                weight: 1.0,
                start_version: 0,
            })
            .collect();
        let mut teachers = PersonalTeachers::new(3, 2, 0.7, Some(0.4), Shuffle::never());
        assert_eq!(teachers.view(ActorId(1)), None);
        teachers.fold(&held);
        let e = std::f64::consts::E;
        let first = (e + 0.5) / (e + 1.0 + 1.0 / e);
        for (child, expected) in [(1, first), (2, 0.5), (3, 1.0 - first)] {
            let teacher = teachers.view(ActorId(child)).expect("there is one");
            let found = f64::from(teacher.values[0]);
            assert!((found - expected).abs() < 1e-6, "{child}: {found}");
        }
        // Who is away is no teacher, and still has one: half of each of the two there.
        teachers.fold(&held[1..]);
        let teacher = teachers.view(ActorId(1)).expect("there is one").values;
        assert!(
            teacher[0] < 0.5,
            "made of (0.5, 0.5) and (0, 1): {teacher:?}"
        );
    }
}
