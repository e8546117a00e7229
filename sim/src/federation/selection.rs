//! Selection: who works, of those who are checked in and idle.

use crate::kernel::{ActorId, Stream};
use crate::scenario::RawSelection;
use rand::RngExt;

/// Draws cohorts.
#[derive(Debug)]
pub(crate) struct Selector {
    rule: RawSelection,
    children: usize,
    stream: Stream,
}

/// Who works for a version, and how many of them it waits for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Cohort {
    /// In child order.
    pub(crate) clients: Vec<ActorId>,
    /// The version closes when this many have delivered.
    pub(crate) wanted: usize,
}

impl Selector {
    pub(crate) fn new(rule: RawSelection, children: usize, stream: Stream) -> Self {
        Self {
            rule,
            children,
            stream,
        }
    }

    /// The number of clients that the rule picks when all are there.
    pub(crate) fn size(&self) -> usize {
        match self.rule {
            RawSelection::All => self.children,
            RawSelection::Uniform {
                count: Some(count), ..
            } => count,
            RawSelection::Uniform { fraction, .. } => {
                let share = fraction.unwrap_or(1.0) * self.children as f64;
                (share.round() as usize).max(1)
            }
        }
    }

    /// A cohort out of `candidates`, given in child order.
    ///
    /// With over-selection f, a rule that picks n takes min(N, ⌈n·f⌉) and waits
    /// for n; *all* takes everyone and waits for ⌊N/f⌋.
    pub(crate) fn cohort(&mut self, candidates: Vec<ActorId>, over_select: f64) -> Cohort {
        if self.rule == RawSelection::All {
            let wanted = (candidates.len() as f64 / over_select + ROUNDING).floor() as usize;
            return Cohort {
                wanted: wanted.max(1),
                clients: candidates,
            };
        }
        let size = self.size();
        let taken = (size as f64 * over_select - ROUNDING).ceil() as usize;
        let clients = self.draw(candidates, taken);
        Cohort {
            wanted: size.min(clients.len()),
            clients,
        }
    }

    /// `count` of the candidates, without replacement, in child order.
    pub(crate) fn draw(&mut self, mut candidates: Vec<ActorId>, count: usize) -> Vec<ActorId> {
        if count < candidates.len() {
            // A partial Fisher-Yates shuffle: the first `count` places are a uniform draw.
            for place in 0..count {
                let other = self.stream.random_range(place..candidates.len());
                candidates.swap(place, other);
            }
            candidates.truncate(count);
            candidates.sort_unstable();
        }
        candidates
    }
}

/// Keeps 1.2·10 at 12 where binary fractions make it 12.000000000000002.
const ROUNDING: f64 = 1e-9;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Streams;

    fn clients(count: u32) -> Vec<ActorId> {
        (1..=count).map(ActorId).collect()
    }

    fn selector(rule: RawSelection, children: usize) -> Selector {
        Selector::new(
            rule,
            children,
            Streams::new(1).stream("server", "selection"),
        )
    }

    fn uniform(count: usize) -> RawSelection {
        RawSelection::Uniform {
            count: Some(count),
            fraction: None,
        }
    }

    #[test]
    fn over_selection_takes_more_and_waits_for_what_the_rule_picks() {
        let cohort = selector(uniform(10), 30).cohort(clients(30), 1.2);
        assert_eq!((cohort.clients.len(), cohort.wanted), (12, 10));
        let few = selector(uniform(10), 30).cohort(clients(11), 1.2);
        assert_eq!((few.clients.len(), few.wanted), (11, 10));
        let all = selector(RawSelection::All, 30).cohort(clients(30), 1.2);
        assert_eq!((all.clients.len(), all.wanted), (30, 25));
        let rest = selector(uniform(10), 30).cohort(clients(4), 1.2);
        assert_eq!((rest.clients.len(), rest.wanted), (4, 4));
    }

    #[test]
    fn a_uniform_draw_takes_each_candidate_equally_often_and_none_twice() {
        let mut selector = selector(uniform(3), 10);
        let mut counts = [0_u32; 11];
        for _ in 0..10_000 {
            let cohort = selector.cohort(clients(10), 1.0);
            assert!(cohort.clients.windows(2).all(|pair| pair[0] < pair[1]));
            for client in cohort.clients {
                counts[client.index()] += 1;
            }
        }
        // 10 000 draws at p = 0.3: four standard deviations are 184.
        assert!(counts[1..].iter().all(|count| count.abs_diff(3000) < 184));
    }

    #[test]
    fn a_fraction_is_rounded_and_never_nobody() {
        let fraction = |fraction| RawSelection::Uniform {
            count: None,
            fraction: Some(fraction),
        };
        assert_eq!(selector(fraction(0.1), 34).size(), 3);
        assert_eq!(selector(fraction(0.001), 34).size(), 1);
    }
}
