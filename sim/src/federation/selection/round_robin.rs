//! Round robin: one after the other in child order, and then from the first again.

use super::rule::{Ask, Rule};
use crate::kernel::{ActorId, Stream};

/// Who was picked last.
#[derive(Debug, Default)]
pub(super) struct RoundRobin {
    last: Option<ActorId>,
}

impl Rule for RoundRobin {
    /// The next after the one picked last, whoever is not there being passed over.
    fn pick(&mut self, ask: Ask<'_>, _: &mut Stream) -> Vec<ActorId> {
        let mut candidates = ask.candidates;
        let first = candidates.partition_point(|child| Some(*child) <= self.last);
        candidates.rotate_left(first);
        candidates.truncate(ask.count);
        self.last = candidates.last().copied();
        candidates
    }
}
