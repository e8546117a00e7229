//! Rows of predictions folded by a rule that gives all children the same: medians, trimmed means,
//! Krum, geometric medians, and the rules of DS-FL, SCARLET and Selective-FD.

use super::shuffle::Shuffle;
use super::{Exchange, Folded, Held, plain};
use crate::federation::knowledge::Piece;
use crate::federation::parcel::is_held;
use crate::federation::rule;
use crate::kernel::ActorId;
use crate::scenario::RawRule;

/// What a rule made of everybody's rows.
#[derive(Debug)]
pub(super) struct FoldedRows {
    rule: RawRule,
    /// Values a row.
    width: usize,
    rows: Option<Piece>,
    /// What goes upward: rows that a rule sharpens are sharpened once, at the top.
    upward: Option<Piece>,
    shuffle: Shuffle,
}

impl FoldedRows {
    /// Nothing is known yet.
    pub(super) fn new(rule: RawRule, width: usize, shuffle: Shuffle) -> Self {
        Self {
            rule,
            width,
            rows: None,
            upward: None,
            shuffle,
        }
    }

    fn apply(&self, held: &[rule::Held<'_>]) -> rule::Folded {
        let width = self.width;
        match self.rule {
            RawRule::Median => rule::median(held, width),
            RawRule::TrimmedMean { share } => rule::trimmed_mean(held, width, share),
            RawRule::Krum { attackers, keep } => rule::krum(held, width, attackers, keep),
            RawRule::GeometricMedian {
                iterations,
                smoothing,
            } => rule::geometric_median(held, width, iterations, smoothing),
            RawRule::EntropyReduction { temperature } => {
                rule::entropy_reduction(held, width, temperature)
            }
            RawRule::EnhancedEntropyReduction { exponent } => {
                rule::enhanced_entropy_reduction(held, width, exponent)
            }
            RawRule::UnambiguousMean { threshold } => {
                rule::unambiguous_mean(held, width, threshold)
            }
            RawRule::Mean { .. }
            | RawRule::LeaveOneOut { .. }
            | RawRule::KnowledgeCoefficients { .. }
            | RawRule::TrainedHead { .. }
            | RawRule::TrainedPrototypes { .. }
            | RawRule::Clusters { .. } => unreachable!("folded elsewhere"),
        }
    }

    fn sharpens(&self) -> bool {
        matches!(
            self.rule,
            RawRule::EntropyReduction { .. }
                | RawRule::EnhancedEntropyReduction { .. }
                | RawRule::UnambiguousMean { .. }
        )
    }
}

/// Rows as a piece, if any is there.
pub(super) fn something(rows: Vec<f32>) -> Option<Piece> {
    is_held(&rows).then(|| Piece::of(rows))
}

impl Exchange for FoldedRows {
    fn fold(&mut self, contributions: &[Held<'_>]) -> Folded {
        let held = plain(contributions);
        let folded = self.apply(&held);
        let rows = self.shuffle.apply(folded.values, self.width);
        self.rows = something(rows);
        self.upward = match self.sharpens() {
            true => something(rule::mean(&held, self.width).values),
            false => self.rows.clone(),
        };
        let rejected = folded.rejected.iter();
        Folded {
            flops: folded.flops,
            learning: None,
            rejected: rejected.map(|place| contributions[*place].child).collect(),
        }
    }

    fn view(&self, _: ActorId) -> Option<Piece> {
        self.rows.clone()
    }

    fn knowledge(&self) -> Option<Piece> {
        self.rows.clone()
    }

    fn summary(&self) -> Option<Piece> {
        self.upward.clone()
    }

    fn adopt(&mut self, piece: &Piece) {
        self.rows = Some(piece.clone());
        self.upward = self.rows.clone();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three clients, two samples, two classes; the third says nothing about the second sample.
    const ROWS: [[f32; 4]; 3] = [
        [0.9, 0.1, 0.2, 0.8],
        [0.6, 0.4, 0.5, 0.5],
        [0.3, 0.7, 0.0, 0.0],
    ];

    fn folded(rule: RawRule, rows: &[[f32; 4]]) -> (FoldedRows, Vec<ActorId>) {
        let pieces: Vec<Piece> = rows.iter().map(|r| Piece::of(r.to_vec())).collect();
        let held: Vec<Held<'_>> = (1..)
            .zip(&pieces)
            .map(|(child, piece)| Held {
                child: ActorId(child),
                piece,
                weight: 1.0,
                start_version: 0,
            })
            .collect();
        let mut exchange = FoldedRows::new(rule, 2, Shuffle::never());
        assert_eq!(exchange.view(ActorId(1)), None);
        let rejected = exchange.fold(&held).rejected;
        (exchange, rejected)
    }

    #[track_caller]
    fn assert_rows(piece: Option<Piece>, expected: [f64; 4]) {
        let values = piece.expect("something was folded").values;
        for (value, expected) in values.iter().zip(expected) {
            assert!(
                (f64::from(*value) - expected).abs() < 1e-6,
                "{values:?} is not {expected}"
            );
        }
    }

    #[test]
    fn everybody_is_sent_what_the_rule_made_of_those_who_have_the_sample() {
        let (median, _) = folded(RawRule::Median, &ROWS);
        // Of 0.9, 0.6, 0.3 and 0.1, 0.4, 0.7; of two the mean.
        assert_rows(median.view(ActorId(1)), [0.6, 0.4, 0.35, 0.65]);
        assert_rows(median.view(ActorId(9)), [0.6, 0.4, 0.35, 0.65]);
        assert_rows(median.summary(), [0.6, 0.4, 0.35, 0.65]);
    }

    #[test]
    fn sharpened_rows_go_upward_unsharpened_and_come_down_as_they_are() {
        // Means 0.6, 0.4 and 0.35, 0.65: softmax(p/0.1) = 1/(1 + e^∓2), 1/(1 + e^±3).
        let rule = RawRule::EntropyReduction { temperature: 0.1 };
        let (mut sharpened, _) = folded(rule, &ROWS);
        let (two, three) = (1.0 / (1.0 + (-2f64).exp()), 1.0 / (1.0 + (-3f64).exp()));
        let expected = [two, 1.0 - two, 1.0 - three, three];
        assert_rows(sharpened.view(ActorId(1)), expected);
        assert_rows(sharpened.knowledge(), expected);
        assert_rows(sharpened.summary(), [0.6, 0.4, 0.35, 0.65]);
        sharpened.adopt(&Piece::of(vec![0.7, 0.3, 0.0, 1.0]));
        assert_rows(sharpened.view(ActorId(2)), [0.7, 0.3, 0.0, 1.0]);
    }

    #[test]
    fn whom_krum_leaves_out_is_rejected_by_name() {
        let rows = [
            [0.9, 0.1, 0.2, 0.8],
            [0.8, 0.2, 0.2, 0.8],
            [0.0, 1.0, 1.0, 0.0],
        ];
        let rule = RawRule::Krum {
            attackers: 0,
            keep: 2,
        };
        let (krum, rejected) = folded(rule, &rows);
        assert_eq!(rejected, [ActorId(3)]);
        assert_rows(krum.view(ActorId(3)), [0.85, 0.15, 0.2, 0.8]);
    }

    #[test]
    fn where_everybody_is_unsure_of_everything_there_is_no_teacher() {
        let rule = RawRule::UnambiguousMean { threshold: 0.5 };
        let (nothing, _) = folded(rule, &ROWS);
        assert_eq!(nothing.view(ActorId(1)), None);
    }
}
