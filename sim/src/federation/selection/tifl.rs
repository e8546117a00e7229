//! TiFL: all who work for a version come from one tier of clients that are equally fast (Chai et al.
//! 2020, arXiv 2001.09249, algorithm 2).
//!
//! Children are ranked by their expected time, as last seen, else as they estimated, else last, and
//! cut into tiers of as many each. A tier is drawn by its probability and pays one credit; the
//! clients of it are drawn uniformly. Every I versions tiers and probabilities are worked out anew:
//! of n tiers with credits, the one that does worst has n/D, the next (n−1)/D, and the best 1/D, with
//! D = n(n+1)/2. The paper does so only where the present tier's test accuracy has not risen; clients
//! report no accuracy, so here the mean of their losses, weighed by their numbers of samples, tells
//! how a tier does, and a tier that has not reported counts as the worst.
//!
//! A tier with too few candidates is filled up from the one drawn next. When no tier that has
//! candidates has credits left, all have theirs anew, and equal probabilities.

use super::drawing::uniform;
use super::report::Reports;
use super::rule::{Ask, Rule};
use crate::kernel::{ActorId, Stream};
use rand::RngExt;

/// The rule.
#[derive(Debug)]
pub(super) struct Tifl {
    tiers: usize,
    interval: u64,
    credits: Option<u64>,
    /// Tier of each child, in child order.
    tier_of: Vec<(ActorId, usize)>,
    chances: Vec<f64>,
    left: Vec<u64>,
    /// The version for which they were last worked out.
    worked_out: Option<u64>,
}

impl Tifl {
    pub(super) fn new(tiers: usize, interval: u64, credits: Option<u64>) -> Self {
        Self {
            tiers,
            interval,
            credits,
            tier_of: Vec::new(),
            chances: vec![1.0 / tiers as f64; tiers],
            left: vec![credits.unwrap_or(u64::MAX); tiers],
            worked_out: None,
        }
    }

    /// Tiers by the expected time, and their probabilities by how they do; equal at first.
    fn work_out(&mut self, reports: &Reports) {
        self.tier_of = tiers(self.tiers, reports);
        if self.worked_out.is_some() {
            self.chances = chances(&self.losses(reports), &self.left);
        }
    }

    /// Mean loss of each tier's samples; infinite of one without a report.
    fn losses(&self, reports: &Reports) -> Vec<f64> {
        let mut sums = vec![(0.0, 0.0); self.tiers];
        for (child, tier) in &self.tier_of {
            let report = reports.of(*child);
            if let Some(loss) = report.loss {
                sums[*tier].0 += report.samples as f64 * loss.mean;
                sums[*tier].1 += report.samples as f64;
            }
        }
        let mean = |(loss, samples)| {
            if samples > 0.0 {
                loss / samples
            } else {
                f64::INFINITY
            }
        };
        sums.into_iter().map(mean).collect()
    }

    /// A tier of those that have somebody there, and pays for it.
    fn draw_tier(&mut self, there: &[Vec<ActorId>], stream: &mut Stream) -> usize {
        let open = |left: &[u64], tier: usize| left[tier] > 0 && !there[tier].is_empty();
        if (0..self.tiers).all(|tier| !open(&self.left, tier)) {
            self.left.fill(self.credits.unwrap_or(u64::MAX));
            self.chances.fill(1.0 / self.tiers as f64);
        }
        let weight = |tier: usize| {
            if open(&self.left, tier) {
                self.chances[tier]
            } else {
                0.0
            }
        };
        let total: f64 = (0..self.tiers).map(weight).sum();
        let mut point = stream.random::<f64>() * total;
        // The last that is open, where rounding leads past the end.
        let mut drawn = (0..self.tiers)
            .rev()
            .find(|tier| open(&self.left, *tier))
            .unwrap_or(0);
        for tier in 0..self.tiers {
            if weight(tier) > point {
                drawn = tier;
                break;
            }
            point -= weight(tier);
        }
        if self.credits.is_some() {
            self.left[drawn] -= 1;
        }
        drawn
    }
}

impl Rule for Tifl {
    fn pick(&mut self, ask: Ask<'_>, stream: &mut Stream) -> Vec<ActorId> {
        let due = |last: u64| ask.version >= last + self.interval;
        if self.worked_out.is_none_or(due) {
            self.work_out(ask.reports);
            self.worked_out = Some(ask.version);
        }
        let mut there: Vec<Vec<ActorId>> = vec![Vec::new(); self.tiers];
        for child in ask.candidates {
            let place = self.tier_of.binary_search_by_key(&child, |(id, _)| *id);
            let (_, tier) = self.tier_of[place.expect("every child has a tier")];
            there[tier].push(child);
        }
        let mut picked = Vec::with_capacity(ask.count);
        while picked.len() < ask.count {
            let tier = self.draw_tier(&there, stream);
            let members = std::mem::take(&mut there[tier]);
            picked.extend(uniform(members, ask.count - picked.len(), stream));
        }
        picked
    }
}

/// Each child's tier in child order: the fastest are in tier 0, and sizes differ by one at most.
pub(super) fn tiers(count: usize, reports: &Reports) -> Vec<(ActorId, usize)> {
    let mut ranked: Vec<(f64, ActorId)> = reports
        .iter()
        .map(|(child, report)| (report.expected_seconds().unwrap_or(f64::INFINITY), child))
        .collect();
    ranked.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let children = ranked.len();
    let mut tiers: Vec<(ActorId, usize)> = ranked
        .into_iter()
        .enumerate()
        .map(|(rank, (_, child))| (child, rank * count / children))
        .collect();
    tiers.sort_unstable();
    tiers
}

/// Probabilities of tiers by their losses: 0 without credits.
pub(super) fn chances(losses: &[f64], left: &[u64]) -> Vec<f64> {
    let mut ranked: Vec<usize> = (0..losses.len()).filter(|tier| left[*tier] > 0).collect();
    ranked.sort_by(|a, b| losses[*b].total_cmp(&losses[*a]));
    let count = ranked.len();
    let sum = (count * (count + 1) / 2) as f64;
    let mut chances = vec![0.0; losses.len()];
    for (rank, tier) in ranked.into_iter().enumerate() {
        chances[tier] = (count - rank) as f64 / sum;
    }
    chances
}

#[cfg(test)]
mod tests {
    use super::super::tests::{
        clients, frequencies, is_about, loss, seconds, stream, with_estimates,
    };
    use super::*;

    fn children() -> Reports {
        let estimates = [5.0, 1.0, 3.0, 2.0, 4.0].map(|ready| (ready, 0.0));
        Reports::new(with_estimates(&estimates))
    }

    fn ask(reports: &Reports, count: usize, version: u64) -> Ask<'_> {
        Ask {
            candidates: clients(reports.len() as u32),
            count,
            version,
            reports,
        }
    }

    #[test]
    fn tiers_go_by_the_time_last_seen_else_estimated_and_are_of_one_size() {
        let mut reports = children();
        // By rank: 2, 4, 3, 5, 1.
        let tier_of = |reports: &Reports| tiers(2, reports).into_iter().map(|(_, tier)| tier);
        assert!(tier_of(&reports).eq([1, 0, 0, 0, 1]));
        reports.change(ActorId(2), |report| report.duration = Some(seconds(60.0)));
        assert!(tier_of(&reports).eq([1, 1, 0, 0, 0]));
    }

    #[test]
    fn the_tier_that_does_worst_has_the_best_chance_if_it_has_credits() {
        // Three tiers: 3/6 for the highest loss, 2/6, 1/6; without the first 2/3 and 1/3.
        let losses = [0.5, 2.0, 1.0];
        assert_eq!(chances(&losses, &[1, 1, 1]), [1.0 / 6.0, 0.5, 2.0 / 6.0]);
        assert_eq!(chances(&losses, &[1, 0, 1]), [1.0 / 3.0, 0.0, 2.0 / 3.0]);
    }

    #[test]
    fn all_come_from_one_tier_equally_often_at_first() {
        let reports = children();
        let (mut rule, mut stream) = (Tifl::new(2, 10, None), stream());
        let counts = frequencies(5, |_| {
            let picked = rule.pick(ask(&reports, 2, 0), &mut stream);
            let slow = |child: &ActorId| [1, 5].contains(&child.0);
            assert_eq!(slow(&picked[0]), slow(&picked[1]));
            picked
        });
        // Two of two with one half; two of three with the other.
        for (count, probability) in counts
            .iter()
            .zip([0.5, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0, 0.5])
        {
            assert!(is_about(*count, probability), "{counts:?}");
        }
    }

    #[test]
    fn after_the_interval_chances_go_by_the_losses_of_a_tiers_samples() {
        let mut reports = children();
        for (child, mean) in [(1, 0.2), (5, 0.4), (2, 1.0)] {
            reports.change(ActorId(child), |report| report.loss = loss(mean));
        }
        let (mut rule, mut stream) = (Tifl::new(2, 10, None), stream());
        rule.pick(ask(&reports, 1, 0), &mut stream);
        assert_eq!(rule.chances, [0.5, 0.5]);
        rule.pick(ask(&reports, 1, 9), &mut stream);
        assert_eq!(rule.chances, [0.5, 0.5]);
        rule.pick(ask(&reports, 1, 10), &mut stream);
        // 1.0 of the fast against 0.3 of the slow.
        assert_eq!(rule.chances, [2.0 / 3.0, 1.0 / 3.0]);
        let counts = frequencies(5, |_| rule.pick(ask(&reports, 1, 10), &mut stream));
        assert!(is_about(counts[0] + counts[4], 1.0 / 3.0), "{counts:?}");
    }

    #[test]
    fn a_tier_pays_with_credits_until_all_have_them_anew() {
        let reports = children();
        let (mut rule, mut stream) = (Tifl::new(2, 10, Some(1)), stream());
        for _ in 0..50 {
            let mut slow = [rule.pick(ask(&reports, 1, 0), &mut stream), {
                rule.pick(ask(&reports, 1, 0), &mut stream)
            }]
            .map(|picked| [1, 5].contains(&picked[0].0));
            slow.sort_unstable();
            assert_eq!(slow, [false, true]);
        }
    }

    #[test]
    fn a_tier_too_small_is_filled_up_from_another() {
        let reports = children();
        let (mut rule, mut stream) = (Tifl::new(5, 10, None), stream());
        let mut picked = rule.pick(ask(&reports, 3, 0), &mut stream);
        picked.sort_unstable();
        picked.dedup();
        assert_eq!(picked.len(), 3);
    }
}
