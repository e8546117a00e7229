//! What becomes of transfers when a link fails.

use crate::time::SimDuration;

/// What a failed link does to the transfers that cross it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Failure {
    /// They wait on it until it comes back.
    #[default]
    Stall,
    /// They are cut, and tried again.
    Cut(Retries),
}

/// How a transfer that was cut is tried again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Retries {
    /// How often it is tried in all; after as many failures it is lost. At least 1.
    pub attempts: u32,
    /// From the first failure until the second attempt.
    pub backoff: SimDuration,
    /// Each further pause is this many times the one before, from 1 on.
    pub factor: f64,
    /// No pause is longer.
    pub longest: SimDuration,
    /// Whether what has arrived need not be sent again.
    pub resume: bool,
}

impl Retries {
    /// The pause after that many failed attempts, at least one; `None` if there is no other
    /// attempt.
    pub(super) fn pause_after(&self, failed: u32) -> Option<SimDuration> {
        if failed >= self.attempts {
            return None;
        }
        let steps = i32::try_from(failed - 1).unwrap_or(i32::MAX);
        let nanos = self.backoff.as_nanos() as f64 * self.factor.powi(steps);
        // The cast saturates.
        Some(SimDuration::from_nanos(nanos.round() as u64).min(self.longest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_the_longest_and_end_with_the_attempts() {
        let second = SimDuration::from_nanos(1_000_000_000);
        let retries = Retries {
            attempts: 6,
            backoff: second,
            factor: 2.0,
            longest: SimDuration::from_nanos(6_000_000_000),
            resume: false,
        };
        let pauses: Vec<_> = (1..7).map(|failed| retries.pause_after(failed)).collect();
        let expected = [1, 2, 4, 6, 6].map(|s| Some(SimDuration::from_nanos(s * 1_000_000_000)));
        assert_eq!(pauses[..5], expected);
        assert_eq!(pauses[5], None);
    }
}
