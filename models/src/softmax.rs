//! Softmax of rows of logits, safe against overflow.

/// Writes softmax(`logits`/`temperature`) into `probabilities`; one row of any length.
pub(crate) fn softmax_row(logits: &[f32], temperature: f32, probabilities: &mut [f32]) {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for (probability, &logit) in probabilities.iter_mut().zip(logits) {
        *probability = ((logit - largest) / temperature).exp();
        sum += *probability;
    }
    probabilities
        .iter_mut()
        .for_each(|probability| *probability /= sum);
}

/// ln Σ exp(logit) of one row, in f64.
pub(crate) fn log_sum_exp(logits: &[f32], temperature: f32) -> f64 {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = logits
        .iter()
        .map(|&logit| ((logit - largest) / temperature).exp())
        .sum();
    f64::from(largest / temperature) + f64::from(sum).ln()
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
    let mut probabilities = vec![0.0; logits.len()];
    for (row, out) in logits
        .chunks_exact(n_classes)
        .zip(probabilities.chunks_exact_mut(n_classes))
    {
        softmax_row(row, temperature, out);
    }
    probabilities
}
