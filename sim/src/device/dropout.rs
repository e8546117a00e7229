//! Dropout per participation: whether, and at which point of its work, a participation is cut.

use crate::time::SimDuration;
use rand::{Rng, RngExt};

/// A phase of a participation's work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Receiving what the aggregator sent.
    Download,
    /// Computing.
    Compute,
    /// Sending the contribution.
    Upload,
}

impl Phase {
    /// The phase's name in the tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Download => "download",
            Self::Compute => "compute",
            Self::Upload => "upload",
        }
    }
}

/// Where a participation is cut: after this fraction of the bytes or FLOPs of a phase.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CutPoint {
    /// The phase in which it happens.
    pub phase: Phase,
    /// Share of that phase's work that is done by then, in [0, 1).
    pub fraction: f64,
}

/// The probability that a participation is cut.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DropRate(pub f64);

impl DropRate {
    /// Draws whether and where a participation is cut.
    ///
    /// The point is uniform over the uncontended durations of the three phases
    /// laid end to end. It is a point in *work*: a participation that contention
    /// slows down is cut after the same bytes or FLOPs, only later.
    ///
    /// Two numbers are drawn whatever the outcome, so that the rate of a client
    /// moves none of its later draws.
    pub fn draw(self, durations: [SimDuration; 3], stream: &mut impl Rng) -> Option<CutPoint> {
        let chance: f64 = stream.random();
        let position: f64 = stream.random();
        if chance >= self.0 {
            return None;
        }
        let durations = durations.map(SimDuration::as_secs_f64);
        let mut left = position * durations.iter().sum::<f64>();
        let phases = [Phase::Download, Phase::Compute, Phase::Upload];
        for (phase, duration) in phases.into_iter().zip(durations) {
            if left < duration {
                let fraction = left / duration;
                return Some(CutPoint { phase, fraction });
            }
            left -= duration;
        }
        // Work that takes no time at all can only be cut before it begins.
        Some(CutPoint {
            phase: Phase::Compute,
            fraction: 0.0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Streams;

    fn durations(seconds: [u64; 3]) -> [SimDuration; 3] {
        seconds.map(|s| SimDuration::from_nanos(s * 1_000_000_000))
    }

    #[test]
    fn a_cut_falls_in_each_phase_as_often_as_the_phase_is_long() {
        let mut stream = Streams::new(1).stream("c", "dropout");
        let (mut cuts, mut in_phase) = (0, [0_u32; 3]);
        let mut fractions = 0.0;
        for _ in 0..40_000 {
            let draw = DropRate(0.25).draw(durations([1, 6, 3]), &mut stream);
            if let Some(cut) = draw {
                cuts += 1;
                in_phase[cut.phase as usize] += 1;
                fractions += cut.fraction;
                assert!((0.0..1.0).contains(&cut.fraction));
            }
        }
        // Four standard deviations of the binomial and of the uniform mean.
        assert!((f64::from(cuts) - 10_000.0).abs() < 4.0 * (40_000.0_f64 * 0.25 * 0.75).sqrt());
        for (count, share) in in_phase.into_iter().zip([0.1, 0.6, 0.3]) {
            let (n, p) = (f64::from(cuts), share);
            assert!((f64::from(count) - n * p).abs() < 4.0 * (n * p * (1.0 - p)).sqrt());
        }
        let mean = fractions / f64::from(cuts);
        assert!((mean - 0.5).abs() < 4.0 * (1.0 / 12.0 / f64::from(cuts)).sqrt());
    }

    #[test]
    fn rate_zero_never_cuts_and_rate_one_always_does() {
        let mut stream = Streams::new(2).stream("c", "dropout");
        for _ in 0..1000 {
            assert_eq!(DropRate(0.0).draw(durations([1, 1, 1]), &mut stream), None);
            assert!(
                DropRate(1.0)
                    .draw(durations([1, 1, 1]), &mut stream)
                    .is_some()
            );
            assert!(
                DropRate(1.0)
                    .draw(durations([0, 0, 0]), &mut stream)
                    .is_some()
            );
        }
    }
}
