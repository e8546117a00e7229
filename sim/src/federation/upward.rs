//! The work of an aggregator below another one: it takes what the one above published, makes some
//! versions of it with its own children, and contributes what came of it (HierFAVG, Liu et al.
//! 2020, algorithm 1, for any exchange and any schedule at either end).

use crate::kernel::ActorId;
use crate::world::Ticket;
use std::collections::BTreeMap;

/// An aggregator's participations in the versions of the one above.
#[derive(Debug)]
pub(crate) struct Upward {
    /// κ₂, versions of its own between two contributions.
    versions: u64,
    working: Option<Working>,
}

/// A participation under way.
#[derive(Debug)]
struct Working {
    ticket: Ticket,
    made: u64,
    /// Samples behind what was folded, each child counted once.
    samples: BTreeMap<ActorId, u64>,
}

impl Upward {
    /// Not asked for anything yet.
    pub(crate) fn new(versions: u64) -> Self {
        Self {
            versions,
            working: None,
        }
    }

    /// Whether it works on a participation.
    pub(crate) fn is_at_work(&self) -> bool {
        self.working.is_some()
    }

    /// A participation begins.
    pub(crate) fn begin(&mut self, ticket: Ticket) {
        self.working = Some(Working {
            ticket,
            made: 0,
            samples: BTreeMap::new(),
        });
    }

    /// A participation is lost.
    pub(crate) fn cut(&mut self, ticket: Ticket) {
        if self.working.as_ref().is_some_and(|w| w.ticket == ticket) {
            self.working = None;
        }
    }

    /// A version was published of contributions with these samples; once it was the last one
    /// wanted, gives the participation, which is over then, and the samples behind it.
    pub(crate) fn made_version(&mut self, merged: Vec<(ActorId, u64)>) -> Option<(Ticket, u64)> {
        let working = self.working.as_mut()?;
        working.made += 1;
        working.samples.extend(merged);
        let is_over = working.made >= self.versions;
        let over = self.working.take_if(|_| is_over)?;
        Some((over.ticket, over.samples.values().sum()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_second_version_is_contributed_with_the_samples_of_all_children_in_it() {
        let ticket = |number| Ticket {
            aggregator: ActorId(0),
            number,
        };
        let children = |of: &[u32]| {
            of.iter()
                .map(|c| (ActorId(*c), 10 * u64::from(*c)))
                .collect()
        };
        let mut upward = Upward::new(2);
        assert!(!upward.is_at_work());
        assert_eq!(upward.made_version(children(&[9])), None, "nobody asked");
        upward.begin(ticket(4));
        assert_eq!(upward.made_version(children(&[1, 2])), None);
        assert!(upward.is_at_work());
        // Children 1, 2 and 3, each once.
        let contributed = upward.made_version(children(&[2, 3]));
        assert_eq!(contributed, Some((ticket(4), 60)));
        assert!(!upward.is_at_work());
        upward.begin(ticket(5));
        upward.cut(ticket(4));
        assert!(upward.is_at_work(), "that one was over");
        upward.cut(ticket(5));
        assert!(!upward.is_at_work());
    }
}
