//! Selective-FD's selector on the server (Shao, Wu and Zhang 2024, "Selective knowledge
//! sharing for privacy-preserving federated distillation without a good teacher"): samples
//! that the clients together are unsure of teach nothing. For rows of probabilities.

use super::{Folded, Held, is_present, mean};

/// The mean of probabilities, where rows whose L1 distance to the one-hot of their largest
/// value is `threshold` or more become rows of zeros.
///
/// The distance is 2(1 − max p): 0 where all agree for certain, 2(1 − 1/classes) where
/// nothing is known. Above 2 nothing is dropped.
pub(crate) fn unambiguous_mean(contributions: &[Held<'_>], width: usize, threshold: f64) -> Folded {
    let Folded {
        mut values, flops, ..
    } = mean(contributions, width);
    if width > 0 {
        for row in values.chunks_exact_mut(width).filter(|row| is_present(row)) {
            if distance_to_one_hot(row) >= threshold {
                row.fill(0.0);
            }
        }
    }
    let flops = flops + 2 * values.len() as u64;
    Folded::of_all(values, flops)
}

fn distance_to_one_hot(row: &[f32]) -> f64 {
    let most = row.iter().copied().fold(f32::MIN, f32::max);
    let sum: f64 = row.iter().map(|&p| f64::from(p.abs())).sum();
    let most = f64::from(most);
    (1.0 - most).abs() + sum - most.abs()
}

#[cfg(test)]
mod tests {
    use super::super::three_clients::{ROWS, assert_folded, equal};
    use super::*;

    #[test]
    fn samples_that_the_clients_disagree_on_are_dropped() {
        // Means (0.6, 0.4) and (0.35, 0.65): distances 0.4 + 0.4 = 0.8 and 0.35 + 0.35 = 0.7.
        let folded = unambiguous_mean(&equal(&ROWS), 2, 0.75);
        assert_folded(&folded, &[0.0, 0.0, 0.35, 0.65]);
        assert_eq!(folded.flops, 24 + 8);
        assert_folded(
            &unambiguous_mean(&equal(&ROWS), 2, 0.85),
            &[0.6, 0.4, 0.35, 0.65],
        );
        assert_folded(&unambiguous_mean(&equal(&ROWS), 2, 0.65), &[0.0; 4]);
    }

    #[test]
    fn a_sample_at_the_threshold_is_dropped_and_a_certain_one_is_kept() {
        // 0.25 + 0.25 = 0.5, exact in binary.
        let rows = [[0.75, 0.25, 1.0, 0.0]];
        assert_folded(
            &unambiguous_mean(&equal(&rows), 2, 0.5),
            &[0.0, 0.0, 1.0, 0.0],
        );
    }
}
