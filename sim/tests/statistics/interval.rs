//! Intervals of confidence from independent or nearly independent parts.

/// Mean and half width of a 99 % interval.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Interval {
    mean: f64,
    half: f64,
}

/// Student's t of 29 degrees of freedom at 0.995: for thirty parts.
const T_29: f64 = 2.756;

impl Interval {
    /// From the means of thirty batches or replications.
    pub(crate) fn of(parts: &[f64]) -> Self {
        assert_eq!(parts.len(), 30, "the quantile is that of thirty parts");
        let n = parts.len() as f64;
        let mean = parts.iter().sum::<f64>() / n;
        let squares: f64 = parts.iter().map(|part| (part - mean).powi(2)).sum();
        let half = T_29 * (squares / (n - 1.0) / n).sqrt();
        Self { mean, half }
    }

    /// From the values of a series, by thirty batches of equal length.
    pub(crate) fn of_series(values: &[f64]) -> Self {
        let length = values.len() / 30;
        let batches = values.chunks_exact(length).take(30);
        let means: Vec<f64> = batches
            .map(|batch| batch.iter().sum::<f64>() / length as f64)
            .collect();
        Self::of(&means)
    }

    /// Claims that the interval holds a value, and that it is narrow enough to tell 5 % from it.
    pub(crate) fn holds(self, value: f64, what: &str) {
        let Self { mean, half } = self;
        assert!(
            half < 0.025 * value,
            "{what}: {mean} ± {half} is too wide to tell 5 % from {value}"
        );
        assert!(
            (mean - value).abs() <= half,
            "{what}: {mean} ± {half} does not hold {value}"
        );
    }
}
