//! Softmax of rows of logits, safe against overflow.

use crate::operations::{exp_of_negative, wide};

/// Softmax of every row, with what cross-entropies need besides.
#[derive(Debug, Default)]
pub(crate) struct SoftmaxRows {
    /// softmax(z/T), as many values as logits.
    pub(crate) probabilities: Vec<f32>,
    /// ln Σ exp(z/T) of every row.
    pub(crate) log_sums: Vec<f64>,
}

/// softmax(`logits`/`temperature`) of every row of `n_classes` logits.
pub(crate) fn softmax_rows(logits: &[f32], n_classes: usize, temperature: f32) -> SoftmaxRows {
    let mut rows = SoftmaxRows::default();
    rows.fill(logits, n_classes, temperature);
    rows
}

impl SoftmaxRows {
    /// The same in the buffers that are there.
    pub(crate) fn fill(&mut self, logits: &[f32], n_classes: usize, temperature: f32) -> &Self {
        let Self {
            probabilities,
            log_sums,
        } = self;
        probabilities.clear();
        log_sums.clear();
        let inverse = temperature.recip();
        for row in logits.chunks_exact(n_classes) {
            // Not f32::max, which would drop a NaN and hide that training diverged.
            let largest = row.iter().fold(
                row[0],
                |best, &logit| if logit < best { best } else { logit },
            );
            log_sums.push(f64::from(largest) * f64::from(inverse));
            probabilities.extend(row.iter().map(|&logit| (logit - largest) * inverse));
        }
        // One loop over the whole batch, so that it runs on full vectors whatever the row's width.
        wide(|| {
            for value in probabilities.iter_mut() {
                *value = exp_of_negative(*value);
            }
        });
        for (row, log_sum) in probabilities.chunks_exact_mut(n_classes).zip(log_sums) {
            let sum: f32 = row.iter().sum();
            *log_sum += f64::from(sum).ln();
            let inverse = sum.recip();
            row.iter_mut().for_each(|value| *value *= inverse);
        }
        self
    }
}

/// softmax(`logits`/`temperature`) of every row of `n_classes` logits.
///
/// # Panics
/// When `n_classes` is 0 or does not divide the number of logits.
pub fn softmax(logits: &[f32], n_classes: usize, temperature: f32) -> Vec<f32> {
    assert!(
        logits.len().is_multiple_of(n_classes),
        "whole rows of logits"
    );
    softmax_rows(logits, n_classes, temperature).probabilities
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn softmax_survives_logits_that_overflow_an_exponential() {
        let probabilities = softmax(&[1000.0, 1000.0, -1000.0, -1e30, -1e30, -1e30], 3, 1.0);
        assert_eq!(probabilities[..2], [0.5, 0.5]);
        assert!(probabilities[2] < 1e-37);
        assert!(
            probabilities[3..]
                .iter()
                .all(|p| (p - 1.0 / 3.0).abs() < 1e-7)
        );
    }

    #[test]
    fn temperature_divides_the_logits() {
        // ln 1, ln 4, ln 9 at temperature 2 are ln 1, ln 2, ln 3: shares of 1, 2 and 3 sixths.
        let logits = [0.0, 4_f32.ln(), 9_f32.ln()];
        for (found, exact) in softmax(&logits, 3, 2.0)
            .iter()
            .zip([1.0 / 6.0, 2.0 / 6.0, 3.0 / 6.0])
        {
            assert!((found - exact).abs() < 1e-7);
        }
    }
}
