//! A number that changes in steps over time, held at the end or repeated.

use crate::time::{SimDuration, SimTime};
use std::fmt;

/// A piecewise constant function of time.
///
/// Before its first step, and again at the start of each period, it has its initial value.
#[derive(Debug, Clone, PartialEq)]
pub struct Steps {
    /// By time, the first at 0; neighbours differ.
    points: Vec<(SimDuration, f64)>,
    period: Option<SimDuration>,
}

/// Why steps make no function of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum StepsError {
    /// The step of this number, from 0, is not later than the one before.
    RunsBack(usize),
    /// The step of this number does not lie within the period.
    BeyondPeriod(usize),
    /// The value of the step of this number is negative or no number.
    Value(usize, f64),
    /// The period has no length.
    NoPeriod,
}

impl fmt::Display for StepsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RunsBack(step) => write!(f, "step {step} is not later than the one before"),
            Self::BeyondPeriod(step) => write!(f, "step {step} does not lie within the period"),
            Self::Value(step, value) => write!(f, "the value {value} of step {step} is negative"),
            Self::NoPeriod => f.write_str("the period has no length"),
        }
    }
}

impl std::error::Error for StepsError {}

impl Steps {
    /// Always the same.
    pub fn constant(value: f64) -> Self {
        Self {
            points: vec![(SimDuration::ZERO, value)],
            period: None,
        }
    }

    /// `initial` until the first of `steps`; begun again after each `period`, or else held at
    /// the last one.
    ///
    /// # Errors
    /// [`StepsError`] names the first step that makes no sense.
    pub fn new(
        initial: f64,
        steps: &[(SimDuration, f64)],
        period: Option<SimDuration>,
    ) -> Result<Self, StepsError> {
        if period == Some(SimDuration::ZERO) {
            return Err(StepsError::NoPeriod);
        }
        let mut points = vec![(SimDuration::ZERO, initial)];
        let mut before = None;
        for (number, (at, value)) in steps.iter().copied().enumerate() {
            if before.is_some_and(|before| at <= before) {
                return Err(StepsError::RunsBack(number));
            }
            if period.is_some_and(|period| at >= period) {
                return Err(StepsError::BeyondPeriod(number));
            }
            if !(value >= 0.0 && value.is_finite()) {
                return Err(StepsError::Value(number, value));
            }
            before = Some(at);
            let last = points.len() - 1;
            if at == SimDuration::ZERO {
                points[last].1 = value;
            } else if points[last].1.to_bits() != value.to_bits() {
                points.push((at, value));
            }
        }
        // What never changes has no period either.
        let period = period.filter(|_| points.len() > 1);
        Ok(Self { points, period })
    }

    /// Every value that it takes.
    pub fn values(&self) -> impl Iterator<Item = f64> + '_ {
        self.points.iter().map(|(_, value)| *value)
    }

    /// The values that it takes sooner or later again, or for good: of one period, or the last.
    pub fn lasting(&self) -> impl Iterator<Item = f64> + '_ {
        let first = match self.period {
            Some(_) => 0,
            None => self.points.len() - 1,
        };
        self.points[first..].iter().map(|(_, value)| *value)
    }

    /// Its value at a time, and when that changes next; `None` is never.
    pub fn at(&self, time: SimTime) -> (f64, Option<SimTime>) {
        let elapsed = time.as_nanos();
        let (start, within) = match self.period.map(SimDuration::as_nanos) {
            Some(period) => (elapsed - elapsed % period, elapsed % period),
            None => (0, elapsed),
        };
        let after = self
            .points
            .partition_point(|(at, _)| at.as_nanos() <= within);
        let value = self.points[after - 1].1;
        let change = match (self.points.get(after), self.period) {
            (Some((at, _)), _) => Some(*at),
            // The next period begins with the initial value, which may be the last one too.
            (None, Some(period)) => Some(period),
            (None, None) => None,
        };
        let change = change.map(|change| SimTime::from_nanos(start) + change);
        (value, change)
    }

    /// The length after which it repeats itself from `time` on: zero where it no longer changes,
    /// `None` where it still has to settle.
    pub(super) fn recurrence(&self, time: SimTime) -> Option<u64> {
        match (self.period, self.points.last()) {
            (Some(period), _) => Some(period.as_nanos()),
            (None, Some((at, _))) if time.as_nanos() < at.as_nanos() => None,
            (None, _) => Some(0),
        }
    }

    /// Whether it never changes.
    pub fn is_constant(&self) -> bool {
        self.points.len() == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> SimDuration {
        SimDuration::from_nanos(seconds * 1_000_000_000)
    }

    fn at(steps: &Steps, second: u64) -> (f64, Option<u64>) {
        let (value, change) = steps.at(SimTime::ZERO + seconds(second));
        (value, change.map(|time| time.as_nanos() / 1_000_000_000))
    }

    #[test]
    fn the_last_step_holds_where_nothing_repeats() {
        let steps = Steps::new(1.0, &[(seconds(1), 0.5), (seconds(3), 2.0)], None).unwrap();
        assert_eq!(at(&steps, 0), (1.0, Some(1)));
        assert_eq!(at(&steps, 1), (0.5, Some(3)));
        assert_eq!(at(&steps, 3), (2.0, None));
        assert_eq!(at(&steps, 1000), (2.0, None));
    }

    #[test]
    fn each_period_begins_with_the_initial_value() {
        let steps = Steps::new(1.0, &[(seconds(4), 0.5)], Some(seconds(10))).unwrap();
        assert_eq!(at(&steps, 3), (1.0, Some(4)));
        assert_eq!(at(&steps, 9), (0.5, Some(10)));
        assert_eq!(at(&steps, 1_000_002), (1.0, Some(1_000_004)));
        assert_eq!(at(&steps, 1_000_004), (0.5, Some(1_000_010)));
    }

    #[test]
    fn a_step_at_zero_takes_the_place_of_the_initial_value() {
        let steps = Steps::new(1.0, &[(seconds(0), 0.25)], None).unwrap();
        assert!(steps.is_constant());
        assert_eq!(at(&steps, 5), (0.25, None));
    }

    #[test]
    fn steps_that_make_no_sense_are_refused() {
        let refused = |steps: &[(SimDuration, f64)], period| Steps::new(1.0, steps, period);
        let twice = [(seconds(1), 0.5), (seconds(1), 0.7)];
        assert_eq!(refused(&twice, None), Err(StepsError::RunsBack(1)));
        let late = [(seconds(9), 0.5)];
        assert_eq!(
            refused(&late, Some(seconds(9))),
            Err(StepsError::BeyondPeriod(0))
        );
        let below = [(seconds(1), -0.5)];
        assert_eq!(refused(&below, None), Err(StepsError::Value(0, -0.5)));
        assert_eq!(
            refused(&[], Some(SimDuration::ZERO)),
            Err(StepsError::NoPeriod)
        );
    }
}
