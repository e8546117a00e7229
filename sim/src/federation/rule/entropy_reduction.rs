//! Entropy reduction: mean predictions are made sharper, so that a crowd of unsure clients
//! still teaches something. For rows of probabilities, not of logits.

use super::{Folded, Held, is_present, mean};

/// DS-FL's entropy reduction aggregation (Itahara et al. 2021): every row is
/// softmax(mean(p)/T). It is the *probabilities* that are divided by T and softmaxed.
pub(crate) fn entropy_reduction(
    contributions: &[Held<'_>],
    width: usize,
    temperature: f64,
) -> Folded {
    sharpened(mean(contributions, width), width, |p, most| {
        ((p - most) / temperature).exp()
    })
}

/// SCARLET's enhanced entropy reduction aggregation (Azuma et al. 2025):
/// every row is mean(p)^β / Σ mean(p)^β. β = 1 is the mean, more is sharper.
pub(crate) fn enhanced_entropy_reduction(
    contributions: &[Held<'_>],
    width: usize,
    exponent: f64,
) -> Folded {
    // Divided by the largest first, so that a high power does not make all of them 0.
    sharpened(mean(contributions, width), width, |p, most| {
        (p / most).powf(exponent)
    })
}

/// Every row becomes `emphasis(p, largest p)` of its values, divided by their sum: four
/// operations a value.
fn sharpened(mean: Folded, width: usize, emphasis: impl Fn(f64, f64) -> f64) -> Folded {
    let Folded {
        mut values, flops, ..
    } = mean;
    if width > 0 {
        for row in values.chunks_exact_mut(width).filter(|row| is_present(row)) {
            let most = row.iter().copied().fold(f32::MIN, f32::max);
            let emphasised: Vec<f64> = row
                .iter()
                .map(|&p| emphasis(p.into(), most.into()))
                .collect();
            let total: f64 = emphasised.iter().sum();
            for (value, emphasised) in row.iter_mut().zip(emphasised) {
                *value = (emphasised / total) as f32;
            }
        }
    }
    let flops = flops + 4 * values.len() as u64;
    Folded::of_all(values, flops)
}

#[cfg(test)]
mod tests {
    use super::super::three_clients::{ROWS, assert_folded, equal, weighing};
    use super::*;

    #[test]
    fn it_is_the_softmax_of_mean_probabilities_over_the_temperature() {
        // Means (0.6, 0.4) and (0.35, 0.65). Of two classes the softmax is the logistic
        // function of the difference: 1/(1 + e^−2) and 1/(1 + e^3).
        let folded = entropy_reduction(&equal(&ROWS), 2, 0.1);
        let high = 0.880_797_077_977_882_4;
        let low = 0.047_425_873_177_566_78;
        assert_folded(&folded, &[high, 1.0 - high, low, 1.0 - low]);
        assert_eq!(folded.flops, 24 + 16);
    }

    #[test]
    fn a_tiny_temperature_picks_the_largest_and_overflows_nothing() {
        let folded = entropy_reduction(&equal(&ROWS), 2, 1e-9);
        assert_folded(&folded, &[1.0, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn the_enhanced_one_is_the_normalised_power_of_the_mean() {
        // 0.36/(0.36 + 0.16) = 9/13; 0.1225/(0.1225 + 0.4225) = 49/218.
        let folded = enhanced_entropy_reduction(&equal(&ROWS), 2, 2.0);
        assert_folded(
            &folded,
            &[9.0 / 13.0, 4.0 / 13.0, 49.0 / 218.0, 169.0 / 218.0],
        );
        let folded = enhanced_entropy_reduction(&equal(&ROWS), 2, 5000.0);
        assert_folded(&folded, &[1.0, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn the_enhanced_one_with_an_exponent_of_one_is_the_mean() {
        let contributions = weighing(&ROWS, &[3.0, 1.0, 4.0]);
        let folded = enhanced_entropy_reduction(&contributions, 2, 1.0);
        assert_folded(&folded, &[0.5625, 0.4375, 0.275, 0.725]);
    }

    #[test]
    fn a_row_that_nobody_has_stays_empty() {
        let folded = entropy_reduction(&equal(&ROWS[2..]), 2, 0.1);
        // 1/(1 + e^4)
        let low = 0.017_986_209_962_091_56;
        assert_folded(&folded, &[low, 1.0 - low, 0.0, 0.0]);
    }
}
