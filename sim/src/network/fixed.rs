//! Fixed-point rates and amounts of work: the arithmetic that makes the fluid solver exact.
//!
//! Float sums depend on the order of their terms and drift when terms are added and taken away
//! again. Here a rate is a whole number of 2⁻⁴⁰ bytes per second and work a whole number of
//! 2⁻⁴⁰·10⁻⁹ bytes, so that rate × nanoseconds = work without any rounding. Sums are exact in any
//! order, running to an instant in one step or in a thousand gives the same, and any bandwidth that
//! is a whole number of bits per second is represented exactly. Two roundings remain: a fair share
//! is rounded down (by less than 10⁻¹² B/s, so a link is never overfull) and a completion is rounded
//! to the nearest nanosecond.

use super::Bandwidth;
use crate::time::SimDuration;

const FRACTION_BITS: u32 = 40;
/// Units of work in one byte.
const BYTE: u128 = 1_000_000_000 << FRACTION_BITS;

/// Bytes per second, in units of 2⁻⁴⁰.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rate(pub(super) u128);

/// Bytes, in units of 2⁻⁴⁰·10⁻⁹.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Work(u128);

impl Rate {
    pub(super) const ZERO: Rate = Rate(0);
    /// Above every bandwidth (2⁵⁶ B/s), yet small enough to add up 2³² of them.
    pub(super) const UNLIMITED: Rate = Rate(1 << 96);

    pub(super) fn of(bandwidth: Bandwidth) -> Rate {
        Rate::of_bytes_per_second(bandwidth.as_bytes_per_second())
    }

    /// At most [`Rate::UNLIMITED`].
    pub(super) fn of_bytes_per_second(bytes_per_second: f64) -> Rate {
        let scale = (1_u64 << FRACTION_BITS) as f64;
        Rate((bytes_per_second * scale).round() as u128).min(Rate::UNLIMITED)
    }

    pub(super) fn as_bytes_per_second(self) -> f64 {
        self.0 as f64 / (1_u64 << FRACTION_BITS) as f64
    }

    /// The work done at this rate in `time`.
    ///
    /// Saturates: only a clock that nobody waits for can get that far.
    pub(super) fn over(self, time: SimDuration) -> Work {
        Work(self.0.saturating_mul(u128::from(time.as_nanos())))
    }
}

impl Work {
    pub(super) const ZERO: Work = Work(0);

    /// The most bytes one flow may carry: 2⁵⁶, about 72 petabytes.
    pub(super) const MAX_BYTES: u64 = 1 << 56;

    /// # Panics
    /// Above [`Work::MAX_BYTES`].
    pub(super) fn of_bytes(bytes: u64) -> Work {
        assert!(
            bytes <= Self::MAX_BYTES,
            "a flow of {bytes} bytes is beyond the solver's range"
        );
        Work(u128::from(bytes) * BYTE)
    }

    /// The work on the links for which only `factor` of what they carry is payload; exact at 1.
    ///
    /// # Panics
    /// If that is more than [`Work::MAX_BYTES`].
    pub(super) fn carried_at(self, factor: f64) -> Work {
        if factor == 1.0 {
            return self;
        }
        let work = self.0 as f64 / factor;
        assert!(
            work <= (u128::from(Self::MAX_BYTES) * BYTE) as f64,
            "a flow of {} bytes is beyond the solver's range",
            self.bytes_ceil()
        );
        Work(work.round() as u128)
    }

    /// The payload of this work on the links; undoes [`Work::carried_at`].
    pub(super) fn payload(self, factor: f64) -> Work {
        if factor == 1.0 {
            return self;
        }
        Work((self.0 as f64 * factor).round() as u128)
    }

    /// Whole bytes, rounded up: what is not yet carried of a byte is the whole byte.
    pub(super) fn bytes_ceil(self) -> u64 {
        u64::try_from(self.0.div_ceil(BYTE)).unwrap_or(u64::MAX)
    }

    pub(super) fn plus(self, other: Work) -> Work {
        Work(self.0 + other.0)
    }

    /// The difference, or zero: a completion rounded to its nanosecond may overshoot by half of one.
    pub(super) fn minus(self, other: Work) -> Work {
        Work(self.0.saturating_sub(other.0))
    }

    /// Whether the end lies within half a nanosecond at `rate`.
    pub(super) fn is_done_at(self, rate: Rate) -> bool {
        2 * self.0 <= rate.0
    }

    /// Time to do this work at `rate`, to the nearest nanosecond; `None` at rate zero.
    ///
    /// It is the smallest whole number of nanoseconds after which [`Work::is_done_at`] holds, so a
    /// flow is done exactly when its alarm says so.
    pub(super) fn time_at(self, rate: Rate) -> Option<SimDuration> {
        if rate == Rate::ZERO {
            return (self == Work::ZERO).then_some(SimDuration::ZERO);
        }
        let nanos = (2 * self.0).saturating_sub(rate.0).div_ceil(2 * rate.0);
        Some(SimDuration::from_nanos(
            u64::try_from(nanos).unwrap_or(u64::MAX),
        ))
    }

    /// Whether a clock that stands here should be set back before more work is added to it.
    pub(super) fn is_near_the_end_of_range(self) -> bool {
        self.0 >= BYTE << 57
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(bytes_per_second: f64) -> Rate {
        Rate::of(Bandwidth::from_bytes_per_second(bytes_per_second).unwrap())
    }

    #[test]
    fn whole_bytes_at_whole_bytes_per_second_take_an_exact_time() {
        for (bytes, speed, nanos) in [
            (1_000_000, 1e6, 1_000_000_000),
            (1, 3.0, 333_333_333),
            (2, 3.0, 666_666_667),
            (0, 1.0, 0),
        ] {
            let time = Work::of_bytes(bytes).time_at(rate(speed)).unwrap();
            assert_eq!(time.as_nanos(), nanos, "{bytes} B at {speed} B/s");
        }
    }

    #[test]
    fn the_alarm_rings_at_the_first_nanosecond_at_which_the_work_is_done() {
        for bytes in 1..200 {
            for speed in [0.125, 1.0, 3.0, 7.7e3, 1e9, 3.3e12] {
                let (work, rate) = (Work::of_bytes(bytes), rate(speed));
                let time = work.time_at(rate).unwrap();
                assert!(work.minus(rate.over(time)).is_done_at(rate));
                if time > SimDuration::ZERO {
                    let before = SimDuration::from_nanos(time.as_nanos() - 1);
                    assert!(!work.minus(rate.over(before)).is_done_at(rate));
                }
            }
        }
    }

    #[test]
    fn nothing_moves_at_rate_zero() {
        assert_eq!(Work::of_bytes(1).time_at(Rate::ZERO), None);
        assert_eq!(Work::ZERO.time_at(Rate::ZERO), Some(SimDuration::ZERO));
    }
}
