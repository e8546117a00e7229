//! Oort: clients of much loss on many samples who are fast enough, and unknown ones (Lai et al.
//! 2021, *Oort: efficient federated learning via guided participant selection*, OSDI, algorithm 1).
//!
//! The ⌈(1−ε)·K⌉ or so to exploit are drawn, in proportion to their scores, of those whose score is
//! at least c times the last one's that would be taken by rank; the ε·K to explore are drawn among
//! those without a report in proportion to the speed that they declared. The score is
//!
//! min(U_k, the quantile `clip` of all U) + √(0.1·ln R / L_k), times (T/t_k)^α where t_k > T,
//!
//! with U_k = n_k·√(mean squared loss), R the number of the version to come, L_k that of the last one
//! to which the client contributed, both counted from 1, and t_k from selection to arrival. Left out
//! of the paper: the blacklist of those picked often, and noise on utilities.

use super::drawing::weighted;
use super::pacer::{Pacer, quantile_of};
use super::report::{Report, Reports};
use super::rule::{Ask, Rule};
use crate::kernel::{ActorId, Stream};
use crate::scenario::RawSelection;
use crate::time::SimDuration;
use rand::RngExt;

/// The rule.
#[derive(Debug)]
pub(super) struct Oort {
    exploration: f64,
    exploration_decay: f64,
    least_exploration: f64,
    penalty: f64,
    clip: f64,
    cut_off: f64,
    pacer: Pacer,
}

impl Oort {
    pub(super) fn new(selection: &RawSelection) -> Self {
        let RawSelection::Oort {
            exploration,
            exploration_decay,
            least_exploration,
            penalty,
            clip,
            cut_off,
            pace,
            window,
            ..
        } = *selection
        else {
            unreachable!("made for Oort");
        };
        let step = pace.map(|pace| SimDuration::from_nanos(pace.nanoseconds()));
        Self {
            exploration,
            exploration_decay,
            least_exploration,
            penalty,
            clip,
            cut_off,
            pacer: Pacer::new(step, window),
        }
    }

    /// ε of the version that comes after so many.
    pub(super) fn exploration(&self, version: u64) -> f64 {
        let decayed = self.exploration * self.exploration_decay.powf(version as f64);
        decayed.max(self.least_exploration)
    }

    /// The scores of children that have reported, in child order.
    pub(super) fn scores(&self, version: u64, reports: &Reports) -> Vec<(ActorId, f64)> {
        let known = reports.iter().filter_map(|(_, report)| report.utility());
        let mut known: Vec<f64> = known.collect();
        let Some(cap) = quantile_of(&mut known, self.clip) else {
            return Vec::new();
        };
        let preferred = self.pacer.preferred_seconds(reports);
        let round = (version + 1) as f64;
        let score = |(child, report): (ActorId, &Report)| {
            let last = (report.version? + 1) as f64;
            let uncertainty = (0.1 * round.ln() / last).sqrt();
            let mut score = report.utility()?.min(cap) + uncertainty;
            let seconds = report.expected_seconds()?;
            if seconds > preferred {
                score *= (preferred / seconds).powf(self.penalty);
            }
            Some((child, score))
        };
        reports.iter().filter_map(score).collect()
    }
}

impl Rule for Oort {
    fn pick(&mut self, ask: Ask<'_>, stream: &mut Stream) -> Vec<ActorId> {
        let scores = self.scores(ask.version, ask.reports);
        let score = |child: &ActorId| {
            let place = scores.binary_search_by_key(child, |(id, _)| *id);
            place.ok().map(|place| scores[place].1)
        };
        let (explored, unexplored): (Vec<_>, Vec<_>) = ask
            .candidates
            .into_iter()
            .partition(|child| score(child).is_some());

        // Of 0.9 to explore, one is explored nine times in ten.
        let share = self.exploration(ask.version) * ask.count as f64;
        let more = share.fract() > 1e-9 && stream.random::<f64>() < share.fract();
        let wish = share.floor() as usize + usize::from(more);
        // Where there are too few of one kind, the other fills the places.
        let explore = wish
            .min(unexplored.len())
            .max(ask.count.saturating_sub(explored.len()));
        let exploit = ask.count - explore;

        let mut picked = self.exploit(&explored, |child| score(&child), exploit, stream);
        let speed = |child| match ask.reports.of(child).expected_seconds() {
            Some(seconds) if seconds > 0.0 => 1.0 / seconds,
            _ => 1.0,
        };
        picked.extend(weighted(&unexplored, speed, explore, stream));
        picked
    }

    fn arrived(&mut self, report: &Report) {
        self.pacer.collect(report.utility().unwrap_or(0.0));
    }

    fn published(&mut self) {
        self.pacer.published();
    }
}

impl Oort {
    /// A draw by score among those not far below the last that would be taken by rank.
    fn exploit(
        &self,
        explored: &[ActorId],
        score: impl Fn(ActorId) -> Option<f64>,
        count: usize,
        stream: &mut Stream,
    ) -> Vec<ActorId> {
        if count == 0 {
            return Vec::new();
        }
        let score = |child| score(child).unwrap_or(0.0);
        let mut ranked: Vec<f64> = explored.iter().map(|child| score(*child)).collect();
        ranked.sort_by(|a, b| b.total_cmp(a));
        let admitted = self.cut_off * ranked[count - 1];
        let admitted: Vec<ActorId> = explored
            .iter()
            .copied()
            .filter(|child| score(*child) >= admitted)
            .collect();
        weighted(&admitted, score, count, stream)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{
        clients, frequencies, is_about, seconds, stream, with_estimates, with_samples,
    };
    use super::super::{LossReport, Registration};
    use super::*;
    use crate::scenario::Duration;

    /// Oort as in the paper but for these: nothing clipped, T = 10 s.
    fn oort(exploration: f64, clip: f64) -> Oort {
        Oort::new(&RawSelection::Oort {
            count: Some(1),
            fraction: None,
            exploration,
            exploration_decay: 0.98,
            least_exploration: exploration.min(0.2),
            penalty: 2.0,
            clip,
            cut_off: 0.95,
            pace: Some(Duration::from_seconds(10.0)),
            window: 20,
        })
    }

    /// Reports of children: mean squared loss, version, duration in seconds.
    fn reports(
        children: Vec<(ActorId, Registration)>,
        reported: &[Option<(f64, u64, f64)>],
    ) -> Reports {
        let mut reports = Reports::new(children);
        for (child, reported) in (1..).map(ActorId).zip(reported) {
            reports.change(child, |report| {
                report.loss = reported.map(|(mean_square, ..)| LossReport {
                    mean: mean_square.sqrt(),
                    mean_square,
                });
                report.version = reported.map(|(_, version, _)| version);
                report.duration = reported.map(|(.., duration)| seconds(duration));
            });
        }
        reports
    }

    fn pick(rule: &mut Oort, reports: &Reports, count: usize, stream: &mut Stream) -> Vec<ActorId> {
        let ask = Ask {
            candidates: reports.iter().map(|(child, _)| child).collect(),
            count,
            version: 0,
            reports,
        };
        rule.pick(ask, stream)
    }

    #[test]
    fn a_score_is_utility_and_uncertainty_cut_by_the_penalty_of_the_slow() {
        let reported = [
            Some((4.0, 0, 5.0)),
            Some((9.0, 2, 20.0)),
            Some((1.0, 3, 10.0)),
            None,
        ];
        let reports = reports(with_samples(&[100, 50, 10, 7]), &reported);
        let scores = oort(0.9, 1.0).scores(4, &reports);
        // By hand at R = 5, ln 5 = 1.609438: 100·2 + √(0.1609438/1);
        // (50·3 + √(0.1609438/3))·(10/20)²; 10·1 + √(0.1609438/4), since 10 s is not above T.
        let expected = [200.401_178, 37.557_905, 10.200_589];
        assert_eq!(scores.len(), expected.len());
        for ((_, score), expected) in scores.iter().zip(expected) {
            assert!((score - expected).abs() < 1e-6, "{score} for {expected}");
        }
    }

    #[test]
    fn utilities_are_clipped_at_the_quantile() {
        let samples: Vec<u64> = (1..=20).collect();
        let reports = reports(with_samples(&samples), &[Some((1.0, 0, 1.0)); 20]);
        let scores = oort(0.9, 0.95).scores(0, &reports);
        let scores: Vec<f64> = scores.into_iter().map(|(_, score)| score).collect();
        // Nineteen of twenty are at most 19; at R = 1 nothing is uncertain.
        let expected: Vec<f64> = (1..=20)
            .map(|utility: u32| utility.min(19).into())
            .collect();
        assert_eq!(scores, expected);
    }

    #[test]
    fn exploration_falls_by_a_fiftieth_a_version_down_to_its_least() {
        let oort = oort(0.9, 1.0);
        assert_eq!(oort.exploration(0), 0.9);
        // 0.98¹⁰ = 0.8170728
        assert!((oort.exploration(10) - 0.735_365_5).abs() < 1e-7);
        assert_eq!(oort.exploration(200), 0.2);
    }

    #[test]
    fn one_place_explores_nine_times_in_ten_and_the_fast_three_times_as_often() {
        let children = with_estimates(&[(1.0, 0.0), (3.0, 0.0), (1.0, 0.0)]);
        let reports = reports(children, &[None, None, Some((1.0, 0, 1.0))]);
        let (mut rule, mut stream) = (oort(0.9, 1.0), stream());
        let counts = frequencies(3, |_| pick(&mut rule, &reports, 1, &mut stream));
        for (count, probability) in counts.iter().zip([0.9 * 0.75, 0.9 * 0.25, 0.1]) {
            assert!(is_about(*count, probability), "{counts:?}");
        }
    }

    #[test]
    fn those_not_far_below_the_last_by_rank_are_drawn_by_score() {
        let reported = [Some((1.0, 0, 1.0)); 4];
        let reports = reports(with_samples(&[100, 50, 48, 10]), &reported);
        let (mut rule, mut stream) = (oort(0.0, 1.0), stream());
        let counts = frequencies(4, |_| pick(&mut rule, &reports, 2, &mut stream));
        // 0.95·50 admits 48 and not 10. Without client 1: 50 and then 48 of 148, or 48 and
        // then 50 of 150.
        let without = 50.0 / 198.0 * 48.0 / 148.0 + 48.0 / 198.0 * 50.0 / 150.0;
        assert!(is_about(counts[0], 1.0 - without), "{counts:?}");
        assert_eq!(counts[3], 0.0);
    }

    #[test]
    fn of_ten_places_nine_explore_and_known_ones_fill_up_for_the_unknown() {
        let mut reported = vec![Some((1.0, 0, 1.0)); 10];
        reported.extend(vec![None; 20]);
        let many = reports(with_samples(&[5; 30]), &reported);
        let (mut rule, mut stream) = (oort(0.9, 1.0), stream());
        let unknown = |picked: Vec<ActorId>| picked.iter().filter(|child| child.0 > 10).count();
        for _ in 0..20 {
            assert_eq!(unknown(pick(&mut rule, &many, 10, &mut stream)), 9);
        }
        let few = reports(with_samples(&[5; 13]), &reported[..13]);
        let picked = pick(&mut rule, &few, 10, &mut stream);
        assert_eq!((picked.len(), unknown(picked)), (10, 3));
        let nobody_known = reports(with_samples(&[5; 3]), &[None; 3]);
        let mut all = pick(&mut oort(0.0, 1.0), &nobody_known, 3, &mut stream);
        all.sort_unstable();
        assert_eq!(all, clients(3));
    }
}
