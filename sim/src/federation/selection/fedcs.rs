//! FedCS: the most clients that fit a deadline by the times that they estimated (Nishio and
//! Yonetani 2019, arXiv 1804.08333, algorithm 3).
//!
//! A uniform draw of the clients is asked; of these the one that adds least to the time is taken,
//! again and again, while the time stays within the deadline. Uploads follow one another: one that
//! is ready at r, when the uploads before it end at Θ, and takes u, moves the end to
//! max(Θ, r) + u. Beside the paper: its model is multicast, and here each download is the child's
//! own, part of the time at which it is ready; the aggregator's own time is no part of it. Where
//! uploads go at once, a client fits when its own time does, the fastest first.
//!
//! A client that gave no estimate counts as its last participation took, else as no time: it is
//! tried, and known from then on.

use super::drawing::uniform;
use super::report::Report;
use super::rule::{Ask, Rule};
use crate::kernel::{ActorId, Stream};
use crate::scenario::RawUploads;
use crate::time::SimDuration;
use std::cmp::Ordering;
use std::collections::{BTreeSet, BinaryHeap};

/// The rule.
#[derive(Debug)]
pub(super) struct FedCs {
    /// Number of clients that are asked.
    asked: usize,
    deadline: f64,
    uploads: RawUploads,
}

/// A client with the seconds until it is ready to send, and those that it sends.
#[derive(Debug, Clone, Copy)]
struct Offer {
    child: ActorId,
    ready: f64,
    upload: f64,
}

impl Offer {
    fn of(child: ActorId, report: &Report) -> Self {
        let (ready, upload) = match &report.estimate {
            Some(estimate) => (estimate.ready_seconds(), estimate.upload.as_secs_f64()),
            None => (report.expected_seconds().unwrap_or(0.0), 0.0),
        };
        Self {
            child,
            ready,
            upload,
        }
    }

    fn alone(&self) -> f64 {
        self.ready + self.upload
    }
}

impl FedCs {
    pub(super) fn new(asked: usize, deadline: SimDuration, uploads: RawUploads) -> Self {
        Self {
            asked,
            deadline: deadline.as_secs_f64(),
            uploads,
        }
    }
}

impl Rule for FedCs {
    /// At least one: where nobody fits, the one that is soonest done.
    fn pick(&mut self, ask: Ask<'_>, stream: &mut Stream) -> Vec<ActorId> {
        let asked = uniform(ask.candidates, self.asked, stream);
        let mut offers: Vec<Offer> = asked
            .into_iter()
            .map(|child| Offer::of(child, ask.reports.of(child)))
            .collect();
        let order = |a: &Offer, b: &Offer| {
            let by_time = a.alone().total_cmp(&b.alone());
            by_time.then(a.child.cmp(&b.child))
        };
        offers.sort_unstable_by(order);
        let soonest = offers[0].child;
        let mut picked = match self.uploads {
            RawUploads::AtOnce => offers
                .iter()
                .take_while(|offer| offer.alone() <= self.deadline)
                .take(ask.count)
                .map(|offer| offer.child)
                .collect(),
            RawUploads::InTurn => in_turn(offers, self.deadline, ask.count),
        };
        if picked.is_empty() {
            picked.push(soonest);
        }
        picked
    }
}

/// The greedy choice, where uploads follow one another; offers are given by the time alone.
///
/// Of those that are ready when the uploads before end, the next is the one of the shortest upload;
/// of the others, the one that is done soonest by itself. The end only moves on, so a client goes
/// from the others to the ready once, and the whole takes O(N log N).
fn in_turn(offers: Vec<Offer>, deadline: f64, count: usize) -> Vec<ActorId> {
    let mut by_ready = offers.clone();
    by_ready.sort_unstable_by(|a, b| b.ready.total_cmp(&a.ready).then(b.child.cmp(&a.child)));
    let mut waiting = offers.into_iter().peekable();
    let mut ready: BinaryHeap<ShortestUpload> = BinaryHeap::new();
    let mut picked = Vec::new();
    let mut taken = BTreeSet::new();
    let mut end = 0.0_f64;
    while picked.len() < count {
        while let Some(offer) = by_ready.pop_if(|offer| offer.ready <= end) {
            if !taken.contains(&offer.child) {
                ready.push(ShortestUpload(offer));
            }
        }
        // Those taken, or gone to the ready, wait no more.
        while waiting
            .next_if(|offer| offer.ready <= end || taken.contains(&offer.child))
            .is_some()
        {}
        let from_ready = ready.peek().map(|offer| end + offer.0.upload);
        let from_waiting = waiting.peek().map(Offer::alone);
        let (next, offer) = match (from_ready, from_waiting) {
            (Some(a), Some(b)) if b < a => (b, waiting.next()),
            (Some(a), _) => (a, ready.pop().map(|offer| offer.0)),
            (None, Some(b)) => (b, waiting.next()),
            (None, None) => break,
        };
        // Whoever else is left would end later still.
        if next > deadline {
            break;
        }
        end = next;
        let child = offer.map(|offer| offer.child);
        picked.extend(child);
        taken.extend(child);
    }
    picked
}

/// Ordered so that the heap's greatest is the shortest upload, then the first child.
#[derive(Debug)]
struct ShortestUpload(Offer);

impl Ord for ShortestUpload {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_upload = other.0.upload.total_cmp(&self.0.upload);
        by_upload.then(other.0.child.cmp(&self.0.child))
    }
}

impl PartialOrd for ShortestUpload {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for ShortestUpload {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for ShortestUpload {}

#[cfg(test)]
mod tests {
    use super::super::report::Reports;
    use super::super::tests::{clients, seconds, stream, with_estimates, with_samples};
    use super::*;
    use rand::RngExt;

    /// Ready and upload in seconds of five clients.
    const FIVE: [(f64, f64); 5] = [(2.0, 3.0), (4.0, 4.0), (1.0, 6.0), (9.0, 2.0), (3.0, 1.0)];

    fn pick(reports: &Reports, deadline: f64, uploads: RawUploads, count: usize) -> Vec<u32> {
        let ask = Ask {
            candidates: clients(reports.len() as u32),
            count,
            version: 0,
            reports,
        };
        let mut rule = FedCs::new(reports.len(), seconds(deadline), uploads);
        let picked = rule.pick(ask, &mut stream());
        picked.into_iter().map(|child| child.0).collect()
    }

    #[test]
    fn uploads_in_turn_take_the_one_that_adds_least_until_the_deadline() {
        let reports = Reports::new(with_estimates(&FIVE));
        let in_turn = |deadline| pick(&reports, deadline, RawUploads::InTurn, 5);
        // By hand: 5 ends at 4; then 1 at 4+3 = 7 (2 at 8, 3 at 10, 4 at 11); then 2 and 4 at 11.
        assert_eq!(in_turn(10.0), [5, 1]);
        assert_eq!(in_turn(11.0), [5, 1, 2]);
        // After 2, 4 ends at 11+2, and 3 at 13+6.
        assert_eq!(in_turn(13.0), [5, 1, 2, 4]);
        assert_eq!(in_turn(19.0), [5, 1, 2, 4, 3]);
        assert_eq!(pick(&reports, 19.0, RawUploads::InTurn, 2), [5, 1]);
    }

    #[test]
    fn uploads_at_once_take_all_who_fit_by_themselves() {
        let reports = Reports::new(with_estimates(&FIVE));
        let at_once = |deadline, count| pick(&reports, deadline, RawUploads::AtOnce, count);
        assert_eq!(at_once(8.0, 5), [5, 1, 3, 2]);
        assert_eq!(at_once(8.0, 2), [5, 1]);
    }

    #[test]
    fn where_nobody_fits_the_soonest_works_and_the_unknown_are_tried() {
        let reports = Reports::new(with_estimates(&FIVE));
        for uploads in [RawUploads::InTurn, RawUploads::AtOnce] {
            assert_eq!(pick(&reports, 3.0, uploads, 5), [5]);
        }
        let mut unknown = Reports::new(with_samples(&[10; 2]));
        assert_eq!(pick(&unknown, 3.0, RawUploads::InTurn, 2), [1, 2]);
        unknown.change(ActorId(1), |report| report.duration = Some(seconds(4.0)));
        assert_eq!(pick(&unknown, 3.0, RawUploads::InTurn, 2), [2]);
    }

    /// The paper's loop as it stands: the least addition among all that are left, over and over.
    fn slowly(offers: &[Offer], deadline: f64) -> f64 {
        let mut left = offers.to_vec();
        let (mut end, mut taken) = (0.0_f64, 0);
        while !left.is_empty() {
            let added = |offer: &Offer| offer.upload + (offer.ready - end).max(0.0);
            let best = (0..left.len()).min_by(|a, b| added(&left[*a]).total_cmp(&added(&left[*b])));
            let offer = left.swap_remove(best.unwrap());
            if end + added(&offer) <= deadline {
                end += added(&offer);
                taken += 1;
            }
        }
        f64::from(taken)
    }

    #[test]
    fn the_fast_way_takes_as_many_as_the_papers_loop() {
        let mut stream = stream();
        for case in 0..300 {
            let offers: Vec<Offer> = (0..1 + case % 40)
                .map(|child| Offer {
                    child: ActorId(child),
                    ready: stream.random_range(0.0..20.0),
                    upload: stream.random_range(0.1..3.0),
                })
                .collect();
            let deadline = stream.random_range(1.0..40.0);
            let mut sorted = offers.clone();
            sorted.sort_by(|a, b| a.alone().total_cmp(&b.alone()));
            let picked = in_turn(sorted, deadline, offers.len());
            assert_eq!(
                picked.len() as f64,
                slowly(&offers, deadline),
                "case {case}"
            );
        }
    }
}
