//! Simulated time, in whole nanoseconds; it has nothing to do with the clock on the wall.
//!
//! [`SimTime`] is an instant since the start of the run, [`SimDuration`] a length. Both are integers,
//! so that adding, comparing and writing them is exact; a length that comes from a formula is rounded
//! to the nearest nanosecond once, when it is made.

use std::fmt;
use std::ops::{Add, AddAssign};

use serde::{Serialize, Serializer};

/// Nanoseconds in a second.
pub(crate) const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// An instant: nanoseconds since the start of the run (0 to about 584 years).
///
/// # Example
/// ```
/// use fedstill_sim::time::{SimDuration, SimTime};
/// let start = SimTime::from_secs_f64(12.0).unwrap();
/// let end = start + SimDuration::from_nanos(500_000_000);
/// assert_eq!(end.to_string(), "12.5");
/// assert_eq!(end.checked_since(start), Some(SimDuration::from_nanos(500_000_000)));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SimTime(u64);

/// A length of simulated time: nanoseconds (0 to about 584 years).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SimDuration(u64);

/// Why a number of seconds is no simulated time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeError {
    /// Not a number.
    NotANumber,
    /// Below zero.
    Negative,
    /// More than 2⁶⁴ − 1 nanoseconds, or infinite.
    TooLong,
}

impl fmt::Display for TimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TimeError::NotANumber => "the number of seconds is NaN",
            TimeError::Negative => "the number of seconds is negative",
            TimeError::TooLong => "the number of seconds exceeds 18446744073.709551615",
        })
    }
}

impl std::error::Error for TimeError {}

/// `secs` · 10⁹ rounded to the nearest integer, halves up.
///
/// Works on the float's integer mantissa: a float multiplication would round once by itself, and the
/// result would be rounded twice.
fn nanos_from_secs(secs: f64) -> Result<u64, TimeError> {
    if secs.is_nan() {
        return Err(TimeError::NotANumber);
    }
    if secs < 0.0 {
        return Err(TimeError::Negative);
    }
    // 2⁶⁴ ns is about 1.8447·10¹⁰ s; below 2³⁵ s the products here stay inside 128 bits.
    if secs >= (1_u64 << 35) as f64 {
        return Err(TimeError::TooLong);
    }
    let bits = secs.to_bits();
    let biased = (bits >> 52) & 0x7ff;
    let fraction = bits & ((1 << 52) - 1);
    // Subnormals (biased exponent 0) are far below half a nanosecond.
    if biased == 0 {
        return Ok(0);
    }
    let scaled = u128::from(fraction | (1 << 52)) * u128::from(NANOS_PER_SECOND);
    // secs = mantissa · 2^(biased − 1075), and secs < 2³⁵ keeps that exponent below 0.
    let shift = 1075 - biased;
    if shift > 100 {
        return Ok(0);
    }
    let rounded = (scaled + (1_u128 << (shift - 1))) >> shift;
    u64::try_from(rounded).map_err(|_| TimeError::TooLong)
}

/// Writes exact decimal seconds, without trailing zeros.
fn write_seconds(nanos: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (whole, mut rest) = (nanos / NANOS_PER_SECOND, nanos % NANOS_PER_SECOND);
    if rest == 0 {
        return write!(f, "{whole}");
    }
    let mut digits = 9;
    while rest % 10 == 0 {
        rest /= 10;
        digits -= 1;
    }
    write!(f, "{whole}.{rest:0digits$}")
}

impl SimTime {
    /// The start of the run.
    pub const ZERO: SimTime = SimTime(0);
    /// The last instant there is. Sums that would pass it stop here: read it as "never".
    pub const MAX: SimTime = SimTime(u64::MAX);

    /// The instant `nanos` nanoseconds after the start.
    pub const fn from_nanos(nanos: u64) -> Self {
        SimTime(nanos)
    }

    /// The instant `secs` seconds after the start, rounded to the nearest nanosecond (halves up).
    ///
    /// # Errors
    /// [`TimeError`] if `secs` is NaN, negative or beyond [`SimTime::MAX`].
    pub fn from_secs_f64(secs: f64) -> Result<Self, TimeError> {
        nanos_from_secs(secs).map(SimTime)
    }

    /// Nanoseconds since the start.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Seconds since the start, as the nearest float: exact below 2⁵³ ns only.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / NANOS_PER_SECOND as f64
    }

    /// This instant moved on by `by`, or `None` beyond [`SimTime::MAX`].
    pub const fn checked_add(self, by: SimDuration) -> Option<Self> {
        match self.0.checked_add(by.0) {
            Some(nanos) => Some(SimTime(nanos)),
            None => None,
        }
    }

    /// The time from `earlier` to this instant, or `None` if `earlier` is later.
    pub const fn checked_since(self, earlier: SimTime) -> Option<SimDuration> {
        match self.0.checked_sub(earlier.0) {
            Some(nanos) => Some(SimDuration(nanos)),
            None => None,
        }
    }

    /// The time from `earlier` to this instant, or zero if `earlier` is later.
    pub const fn saturating_since(self, earlier: SimTime) -> SimDuration {
        SimDuration(self.0.saturating_sub(earlier.0))
    }
}

impl SimDuration {
    /// No time at all.
    pub const ZERO: SimDuration = SimDuration(0);
    /// The longest length there is.
    pub const MAX: SimDuration = SimDuration(u64::MAX);

    /// A length of `nanos` nanoseconds.
    pub const fn from_nanos(nanos: u64) -> Self {
        SimDuration(nanos)
    }

    /// A length of `secs` seconds, rounded to the nearest nanosecond (halves up).
    ///
    /// # Errors
    /// [`TimeError`] if `secs` is NaN, negative or beyond [`SimDuration::MAX`].
    pub fn from_secs_f64(secs: f64) -> Result<Self, TimeError> {
        nanos_from_secs(secs).map(SimDuration)
    }

    /// Nanoseconds.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Seconds, as the nearest float: exact below 2⁵³ ns only.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / NANOS_PER_SECOND as f64
    }

    /// The sum, or `None` beyond [`SimDuration::MAX`].
    pub const fn checked_add(self, other: SimDuration) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(nanos) => Some(SimDuration(nanos)),
            None => None,
        }
    }

    /// The difference, or zero if `other` is longer.
    pub const fn saturating_sub(self, other: SimDuration) -> Self {
        SimDuration(self.0.saturating_sub(other.0))
    }
}

/// Saturates at [`SimTime::MAX`]: what would happen after the end of time never happens.
impl Add<SimDuration> for SimTime {
    type Output = SimTime;

    fn add(self, by: SimDuration) -> SimTime {
        SimTime(self.0.saturating_add(by.0))
    }
}

impl AddAssign<SimDuration> for SimTime {
    fn add_assign(&mut self, by: SimDuration) {
        *self = *self + by;
    }
}

/// Saturates at [`SimDuration::MAX`].
impl Add for SimDuration {
    type Output = SimDuration;

    fn add(self, other: SimDuration) -> SimDuration {
        SimDuration(self.0.saturating_add(other.0))
    }
}

impl AddAssign for SimDuration {
    fn add_assign(&mut self, other: SimDuration) {
        *self = *self + other;
    }
}

impl std::iter::Sum for SimDuration {
    fn sum<I: Iterator<Item = SimDuration>>(lengths: I) -> SimDuration {
        lengths.fold(SimDuration::ZERO, Add::add)
    }
}

impl fmt::Display for SimTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_seconds(self.0, f)
    }
}

impl fmt::Display for SimDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_seconds(self.0, f)
    }
}

/// Exact decimal seconds as text: a float would lose nanoseconds after 104 days.
impl Serialize for SimTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Exact decimal seconds as text, as for [`SimTime`].
impl Serialize for SimDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(value: f64) -> Result<u64, TimeError> {
        SimTime::from_secs_f64(value).map(SimTime::as_nanos)
    }

    #[test]
    fn seconds_round_to_the_nearest_nanosecond_once() {
        assert_eq!(secs(0.0), Ok(0));
        assert_eq!(secs(-0.0), Ok(0));
        assert_eq!(secs(0.1), Ok(100_000_000));
        assert_eq!(secs(0.499e-9), Ok(0));
        assert_eq!(secs(0.501e-9), Ok(1));
        assert_eq!(secs(f64::MIN_POSITIVE), Ok(0));
        // Just below half a nanosecond (worked out in rational arithmetic): a float product comes
        // out at the half and is then rounded up.
        assert_eq!(secs(2.97245e-05), Ok(29_724));
        assert_eq!(secs(9_486.582_706_521_5), Ok(9_486_582_706_521));
        assert_eq!(secs(1_949_010.588_500_621_5), Ok(1_949_010_588_500_621));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        assert_eq!(secs(f64::NAN), Err(TimeError::NotANumber));
        assert_eq!(secs(-1e-12), Err(TimeError::Negative));
        assert_eq!(secs(f64::INFINITY), Err(TimeError::TooLong));
        assert_eq!(secs(1.9e10), Err(TimeError::TooLong));
        assert!(secs(1.8e10).is_ok());
    }

    #[test]
    fn seconds_are_written_exactly_and_without_trailing_zeros() {
        for (nanos, text) in [
            (0, "0"),
            (1, "0.000000001"),
            (12_500_000_000, "12.5"),
            (1_000_000_000, "1"),
            (10_010_000_000, "10.01"),
            (u64::MAX, "18446744073.709551615"),
        ] {
            assert_eq!(SimTime::from_nanos(nanos).to_string(), text);
            assert_eq!(SimDuration::from_nanos(nanos).to_string(), text);
            let json = serde_json::to_string(&SimTime::from_nanos(nanos)).unwrap();
            assert_eq!(json, format!("\"{text}\""));
        }
    }

    #[test]
    fn time_stops_at_its_end_instead_of_wrapping() {
        let second = SimDuration::from_nanos(NANOS_PER_SECOND);
        assert_eq!(SimTime::MAX + second, SimTime::MAX);
        assert_eq!(SimTime::MAX.checked_add(second), None);
        assert_eq!(SimTime::ZERO.checked_since(SimTime::from_nanos(1)), None);
        assert_eq!(
            SimTime::ZERO.saturating_since(SimTime::MAX),
            SimDuration::ZERO
        );
    }
}
