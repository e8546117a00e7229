//! Nothing travels: every client learns alone.

use super::{AsynchronousFold, Contribution, Exchange, Weighed};
use crate::kernel::ActorId;

/// No knowledge at all.
#[derive(Debug)]
pub(crate) struct Nothing;

impl Exchange for Nothing {
    fn fold(&mut self, _: &[Weighed<'_>]) -> u64 {
        0
    }

    fn mix(&mut self, _: &Contribution, _: f64) -> u64 {
        0
    }

    fn asynchronous_fold(&self) -> AsynchronousFold {
        AsynchronousFold::Mix
    }

    fn view(&self, _: ActorId) -> Option<Vec<f32>> {
        None
    }
}
