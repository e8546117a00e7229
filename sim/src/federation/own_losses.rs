//! The losses on a client's own samples while it trains, which selection goes by.

use super::selection::LossReport;

/// Sums of the cross-entropy of single samples and of its square, where they are wanted.
#[derive(Debug, Default)]
pub(crate) struct OwnLosses {
    wanted: bool,
    samples: u64,
    sum: f64,
    sum_of_squares: f64,
}

impl OwnLosses {
    /// Without a sample; adds none up unless they are `wanted`.
    pub(crate) fn new(wanted: bool) -> Self {
        Self {
            wanted,
            ..Self::default()
        }
    }

    /// Adds the samples of a batch with their logits, row by row, before the step.
    pub(crate) fn add(&mut self, labels: &[u32], logits: &[f32]) {
        if !self.wanted || labels.is_empty() {
            return;
        }
        let rows = logits.chunks_exact(logits.len() / labels.len());
        for (label, row) in labels.iter().zip(rows) {
            let loss = cross_entropy(row, *label as usize);
            self.sum += loss;
            self.sum_of_squares += loss * loss;
        }
        self.samples += labels.len() as u64;
    }

    /// What is reported; nothing without a sample, or where a figure does not fit an f32.
    pub(crate) fn report(&self) -> Option<LossReport> {
        let samples = self.samples as f64;
        let report = LossReport {
            mean: self.sum / samples,
            mean_square: self.sum_of_squares / samples,
        };
        let fits = |loss: f64| (loss as f32).is_finite();
        (fits(report.mean) && fits(report.mean_square)).then_some(report)
    }
}

/// ln Σe^z − z of the label.
fn cross_entropy(logits: &[f32], label: usize) -> f64 {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let apart = |logit: &f32| f64::from(*logit) - f64::from(most);
    let sum: f64 = logits.iter().map(|logit| apart(logit).exp()).sum();
    sum.ln() - apart(&logits[label])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_and_mean_square_are_those_of_single_samples() {
        let mut losses = OwnLosses::new(true);
        // Two classes alike: ln 2. Odds of 3 to 1 for the wrong one: ln 4.
        losses.add(&[0, 1], &[0.0, 0.0, 3.0_f32.ln(), 0.0]);
        losses.add(&[1], &[5.0, 5.0]);
        let report = losses.report().expect("three samples");
        // (0.693147 + 1.386294 + 0.693147)/3 and (0.480453 + 1.921812 + 0.480453)/3.
        assert!((report.mean - 0.924_196).abs() < 1e-6);
        assert!((report.mean_square - 0.960_906).abs() < 1e-6);
    }

    #[test]
    fn nothing_is_reported_where_nothing_was_wanted_or_seen_or_finite() {
        let mut unwanted = OwnLosses::new(false);
        unwanted.add(&[0], &[0.0, 0.0]);
        assert_eq!(unwanted.report(), None);
        assert_eq!(OwnLosses::new(true).report(), None);
        let mut huge = OwnLosses::new(true);
        huge.add(&[0], &[-f32::MAX, f32::MAX]);
        assert_eq!(huge.report(), None);
    }
}
