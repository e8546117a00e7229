//! Exchanges, as the aggregator sees them: how contributions become knowledge,
//! and what each child is sent. One file per kind of knowledge.

mod logit_rows;
mod nothing;
mod parameters;

pub(crate) use logit_rows::{LogitRows, Sharing};
pub(crate) use nothing::Nothing;
pub(crate) use parameters::Parameters;

use crate::kernel::ActorId;
use std::sync::Arc;

/// One child's knowledge as it reached the aggregator.
#[derive(Debug, Clone)]
pub(crate) struct Contribution {
    /// Whose.
    pub(crate) child: ActorId,
    /// The values as decoded.
    pub(crate) values: Arc<Vec<f32>>,
    /// Own samples that it learned from.
    pub(crate) samples: u64,
    /// The version it started from.
    pub(crate) start_version: u64,
}

/// A contribution and what it weighs in this fold.
pub(crate) type Weighed<'a> = (&'a Contribution, f64);

/// How an asynchronous schedule folds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AsynchronousFold {
    /// The newcomer is mixed into what there is (FedAsync).
    Mix,
    /// Every child's latest contribution is folded anew.
    Store,
}

/// The aggregator's side of an exchange.
pub(crate) trait Exchange {
    /// Makes new knowledge of the contributions, given in child order; returns the FLOPs spent.
    fn fold(&mut self, contributions: &[Weighed<'_>]) -> u64;

    /// Moves the knowledge towards one contribution by a share; returns the FLOPs spent.
    fn mix(&mut self, contribution: &Contribution, share: f64) -> u64;

    /// How an asynchronous schedule uses this exchange.
    fn asynchronous_fold(&self) -> AsynchronousFold;

    /// What a child is sent; `None` before there is anything.
    fn view(&self, child: ActorId) -> Option<Vec<f32>>;

    /// The aggregator's own model, where the knowledge is one.
    fn model(&self) -> Option<Arc<Vec<f32>>> {
        None
    }
}

/// Adds `weight` times the values to the sums.
fn add_weighted(sums: &mut [f64], values: &[f32], weight: f64) {
    debug_assert_eq!(sums.len(), values.len());
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += weight * f64::from(*value);
    }
}
