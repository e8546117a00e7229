//! Accuracies of an evaluation: of which model, on which samples.

use crate::records::{ClientScore, Evaluation, Score};
use crate::scenario::{RawScope, RawSplit};

/// Samples that a model is scored on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// The global test set.
    Global,
    /// The client's own held-out samples.
    Own,
    /// The global test set weighted by the client's label shares.
    Matched,
}

impl Split {
    /// Every split, in the order of the documentation.
    pub const ALL: [Self; 3] = [Self::Global, Self::Own, Self::Matched];

    /// Its name in the tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Own => "own",
            Self::Matched => "matched",
        }
    }

    /// A client's accuracy on it; `None` where it has no samples.
    #[must_use]
    pub fn accuracy(self, client: &ClientScore) -> Option<f64> {
        match self {
            Self::Global => accuracy(&client.global),
            Self::Own => client.own.as_ref().and_then(accuracy),
            Self::Matched => client.matched_accuracy,
        }
        .filter(|value| value.is_finite())
    }
}

impl From<RawSplit> for Split {
    fn from(split: RawSplit) -> Self {
        match split {
            RawSplit::Global => Self::Global,
            RawSplit::Own => Self::Own,
            RawSplit::Matched => Self::Matched,
        }
    }
}

/// The share classified rightly; `None` of no samples.
fn accuracy(score: &Score) -> Option<f64> {
    (score.samples > 0).then(|| score.accuracy())
}

/// Accuracy at an evaluation: of the aggregator's own model on the global test set, or the mean
/// over the clients that have samples of the split. `None` where there is no such model.
#[must_use]
pub fn mean_accuracy(evaluation: &Evaluation, scope: RawScope, split: Split) -> Option<f64> {
    match scope {
        RawScope::Global => evaluation
            .global
            .as_ref()
            .filter(|_| split == Split::Global)
            .and_then(accuracy),
        RawScope::Personal => {
            let values: Vec<f64> = evaluation
                .clients
                .iter()
                .filter_map(|client| split.accuracy(client))
                .collect();
            (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
        }
    }
}

/// The evaluations, one an instant: the last of those that share one, since it saw all that
/// happened then.
pub fn instants(evaluations: &[Evaluation]) -> impl DoubleEndedIterator<Item = &Evaluation> {
    evaluations
        .iter()
        .enumerate()
        .filter(|(i, evaluation)| {
            evaluations
                .get(i + 1)
                .is_none_or(|next| next.at != evaluation.at)
        })
        .map(|(_, evaluation)| evaluation)
}
