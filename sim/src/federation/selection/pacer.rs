//! Oort's pacer: the preferred duration of a participation (Lai et al. 2021, section 4.3).

use super::report::Reports;
use crate::time::SimDuration;
use std::collections::VecDeque;

/// The quantile of the durations that is preferred at first, and by how much it is raised: the
/// authors' code, whose durations have no scale of their own.
const FIRST_QUANTILE: f64 = 0.3;
const QUANTILE_STEP: f64 = 0.05;

/// What the preferred duration is, and the utility that the versions collected.
#[derive(Debug)]
pub(super) struct Pacer {
    /// Δ; none for a quantile of the durations.
    step: Option<SimDuration>,
    /// How often the preferred duration was raised.
    raised: u32,
    window: usize,
    /// Of the versions since the last comparison, and of as many before.
    collected: VecDeque<f64>,
    versions: usize,
    /// Of the version that is open.
    present: f64,
}

impl Pacer {
    pub(super) fn new(step: Option<SimDuration>, window: usize) -> Self {
        Self {
            step,
            raised: 0,
            window,
            collected: VecDeque::new(),
            versions: 0,
            present: 0.0,
        }
    }

    /// T in seconds: Δ and as much again each time that it was raised; or a quantile of the
    /// durations seen, without bound when that is all of them.
    pub(super) fn preferred_seconds(&self, reports: &Reports) -> f64 {
        if let Some(step) = self.step {
            return step.as_secs_f64() * f64::from(self.raised + 1);
        }
        let quantile = FIRST_QUANTILE + QUANTILE_STEP * f64::from(self.raised);
        // A little below 1, since steps of 0.05 do not add up to it exactly.
        if quantile > 1.0 - 1e-9 {
            return f64::INFINITY;
        }
        let seen = reports.iter().filter_map(|(_, report)| report.duration);
        let mut seen: Vec<f64> = seen.map(SimDuration::as_secs_f64).collect();
        quantile_of(&mut seen, quantile).unwrap_or(f64::INFINITY)
    }

    /// A contribution has brought this much utility.
    pub(super) fn collect(&mut self, utility: f64) {
        self.present += utility;
    }

    /// Once in W versions: raises the preferred duration if these W collected less than those before.
    pub(super) fn published(&mut self) {
        self.collected.push_back(std::mem::take(&mut self.present));
        self.versions += 1;
        if self.collected.len() > 2 * self.window {
            self.collected.pop_front();
        }
        if self.collected.len() == 2 * self.window && self.versions.is_multiple_of(self.window) {
            let sum = |from: usize| -> f64 {
                let window = self.collected.iter().skip(from).take(self.window);
                window.sum()
            };
            if sum(0) > sum(self.window) {
                self.raised += 1;
            }
        }
    }
}

/// The smallest value that at least this share of the values do not exceed.
pub(super) fn quantile_of(values: &mut [f64], share: f64) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    // A little lower, so that 0.95·20 is 19 whatever its last bit says.
    let rank = (share * values.len() as f64 - 1e-9).ceil() as usize;
    values.get(rank.saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{seconds, with_samples};
    use super::*;
    use crate::kernel::ActorId;

    fn publish(pacer: &mut Pacer, utilities: &[f64]) {
        for utility in utilities {
            pacer.collect(utility / 2.0);
            pacer.collect(utility / 2.0);
            pacer.published();
        }
    }

    #[test]
    fn the_preferred_duration_rises_when_a_window_collected_less_than_the_one_before() {
        let reports = Reports::new([]);
        let mut pacer = Pacer::new(Some(seconds(5.0)), 2);
        publish(&mut pacer, &[10.0, 8.0, 6.0]);
        assert_eq!(pacer.preferred_seconds(&reports), 5.0);
        publish(&mut pacer, &[4.0]);
        assert_eq!(pacer.preferred_seconds(&reports), 10.0, "18 and then 10");
        publish(&mut pacer, &[3.0]);
        assert_eq!(pacer.preferred_seconds(&reports), 10.0, "looks once in two");
        publish(&mut pacer, &[11.0]);
        assert_eq!(pacer.preferred_seconds(&reports), 10.0, "10 and then 14");
    }

    #[test]
    fn without_a_step_it_is_a_quantile_of_the_durations_seen() {
        let mut reports = Reports::new(with_samples(&[1; 11]));
        let mut pacer = Pacer::new(None, 1);
        assert_eq!(pacer.preferred_seconds(&reports), f64::INFINITY);
        for child in 1..=10 {
            reports.change(ActorId(child), |report| {
                report.duration = Some(seconds(f64::from(child)));
            });
        }
        assert_eq!(pacer.preferred_seconds(&reports), 3.0);
        publish(&mut pacer, &[3.0, 2.0, 1.0]);
        assert_eq!(pacer.preferred_seconds(&reports), 4.0, "0.3 and twice 0.05");
        publish(&mut pacer, &[0.5; 1]);
        pacer.raised = 14;
        assert_eq!(pacer.preferred_seconds(&reports), f64::INFINITY);
    }
}
