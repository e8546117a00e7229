//! Softmax of rows of logits, safe against overflow.

/// Softmax of every row, with what cross-entropies need besides.
pub(crate) struct SoftmaxRows {
    /// softmax(z/T), as many values as logits.
    pub(crate) probabilities: Vec<f32>,
    /// ln Σ exp(z/T) of every row.
    pub(crate) log_sums: Vec<f64>,
}

/// softmax(`logits`/`temperature`) of every row of `n_classes` logits.
pub(crate) fn softmax_rows(logits: &[f32], n_classes: usize, temperature: f32) -> SoftmaxRows {
    let mut probabilities = Vec::with_capacity(logits.len());
    let mut log_sums = Vec::with_capacity(logits.len() / n_classes);
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
    for value in &mut probabilities {
        *value = exp_of_negative(*value);
    }
    for (row, log_sum) in probabilities.chunks_exact_mut(n_classes).zip(&mut log_sums) {
        let sum: f32 = row.iter().sum();
        *log_sum += f64::from(sum).ln();
        let inverse = sum.recip();
        row.iter_mut().for_each(|value| *value *= inverse);
    }
    SoftmaxRows {
        probabilities,
        log_sums,
    }
}

/// eˣ for x ≤ 0, within 2 units in the last place; e⁻⁸⁷ below −87; NaN stays NaN.
///
/// Cephes' `expf` (S. Moshier) without a branch or a call, so that the compiler vectorises the
/// loop around it (four times the speed of libm's here) and no C library decides the bits.
fn exp_of_negative(x: f32) -> f32 {
    const LOG2_E: f32 = std::f32::consts::LOG2_E;
    // ln 2 in two parts, so that n·ln 2 is subtracted without loss.
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    // Adding 1.5·2²³ rounds to a whole number and leaves it in the low bits.
    const ROUND: f32 = 12_582_912.0;
    let x = if x < -87.0 { -87.0 } else { x };
    let shifted = x * LOG2_E + ROUND;
    let whole = shifted - ROUND;
    let rest = x - whole * LN_2_HIGH - whole * LN_2_LOW;
    let mut series = 1.987_569_1e-4;
    series = series * rest + 1.398_199_9e-3;
    series = series * rest + 8.333_452e-3;
    series = series * rest + 4.166_579_6e-2;
    series = series * rest + 1.666_666_5e-1;
    series = series * rest + 0.5;
    let mantissa = series * rest * rest + rest + 1.0;
    mantissa * f32::from_bits(shifted.to_bits().wrapping_add(127) << 23)
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
    fn the_exponential_is_right_to_two_units_in_the_last_place() {
        for step in 0..=870_000_u32 {
            let x = -(step as f32) * 1e-4;
            let exact = f64::from(x).exp();
            let error = (f64::from(exp_of_negative(x)) / exact - 1.0).abs();
            assert!(
                error < 2.0 * f64::from(f32::EPSILON),
                "exp({x}) is off by {error}"
            );
        }
        assert_eq!(exp_of_negative(0.0), 1.0);
        assert!(exp_of_negative(f32::NEG_INFINITY) < 2e-38);
        assert!(exp_of_negative(f32::NAN).is_nan());
    }

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
