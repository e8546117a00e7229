//! Paired comparison: the same replications under two configurations.

use statrs::distribution::{ContinuousCDF, StudentsT};
use std::fmt;

/// A mean difference and the interval around it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Mean of the differences.
    pub mean: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:+.4} [{:+.4}, {:+.4}]", self.mean, self.low, self.high)
    }
}

/// Why there is no interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntervalError {
    /// The two sides have different numbers of replications.
    Unpaired(usize, usize),
    /// Fewer than two pairs have no spread.
    TooFew(usize),
    /// A value is not finite.
    NotFinite,
    /// The confidence does not lie between 0 and 1.
    Confidence,
}

impl fmt::Display for IntervalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unpaired(left, right) => {
                write!(f, "{left} replications cannot be paired with {right}")
            }
            Self::TooFew(pairs) => write!(f, "{pairs} pairs are too few: an interval needs two"),
            Self::NotFinite => f.write_str("a value is not a finite number"),
            Self::Confidence => f.write_str("a confidence lies between 0 and 1, as 0.95 does"),
        }
    }
}

impl std::error::Error for IntervalError {}

/// Student's t interval of the mean of `left[i] − right[i]`, at `confidence` (0.95 for 95 %).
///
/// mean ± t(1 − (1−c)/2; n − 1)·s/√n with the sample standard deviation s (n − 1).
///
/// # Errors
/// [`IntervalError`] where the sides cannot be paired or have no spread to estimate.
///
/// ```
/// use fedstill_analysis::paired_interval;
/// let interval = paired_interval(&[0.9, 0.8, 0.85], &[0.7, 0.7, 0.7], 0.95).unwrap();
/// assert!((interval.mean - 0.15).abs() < 1e-12);
/// ```
pub fn paired_interval(
    left: &[f64],
    right: &[f64],
    confidence: f64,
) -> Result<Interval, IntervalError> {
    if left.len() != right.len() {
        return Err(IntervalError::Unpaired(left.len(), right.len()));
    }
    if left.len() < 2 {
        return Err(IntervalError::TooFew(left.len()));
    }
    if !(confidence > 0.0 && confidence < 1.0) {
        return Err(IntervalError::Confidence);
    }
    let differences: Vec<f64> = left.iter().zip(right).map(|(l, r)| l - r).collect();
    let n = differences.len() as f64;
    let mean = differences.iter().sum::<f64>() / n;
    let squares: f64 = differences.iter().map(|d| (d - mean).powi(2)).sum();
    let error = (squares / (n - 1.0) / n).sqrt();
    if !(mean.is_finite() && error.is_finite()) {
        return Err(IntervalError::NotFinite);
    }
    let student = StudentsT::new(0.0, 1.0, n - 1.0).map_err(|_| IntervalError::TooFew(1))?;
    let reach = student.inverse_cdf(0.5 + confidence / 2.0) * error;
    Ok(Interval {
        mean,
        low: mean - reach,
        high: mean + reach,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_that_of_a_textbook_s_t_table() {
        // Differences 1, 2, 3, 4, 5: mean 3, s = √2.5, t(0.975; 4) = 2.776445105.
        let interval = paired_interval(
            &[2.0, 4.0, 6.0, 8.0, 10.0],
            &[1.0, 2.0, 3.0, 4.0, 5.0],
            0.95,
        );
        let interval = interval.expect("five pairs");
        let reach = 2.776_445_105 * (2.5_f64 / 5.0).sqrt();
        assert!((interval.mean - 3.0).abs() < 1e-12);
        assert!((interval.high - (3.0 + reach)).abs() < 1e-6, "{interval}");
        assert!((interval.low - (3.0 - reach)).abs() < 1e-6, "{interval}");
    }

    #[test]
    fn what_has_no_interval_says_why() {
        assert_eq!(
            paired_interval(&[1.0], &[], 0.95),
            Err(IntervalError::Unpaired(1, 0))
        );
        assert_eq!(
            paired_interval(&[1.0], &[1.0], 0.95),
            Err(IntervalError::TooFew(1))
        );
        let nan = paired_interval(&[f64::NAN, 1.0], &[1.0, 1.0], 0.95);
        assert_eq!(nan, Err(IntervalError::NotFinite));
        let sure = paired_interval(&[1.0, 2.0], &[1.0, 1.0], 1.0);
        assert_eq!(sure, Err(IntervalError::Confidence));
    }
}
