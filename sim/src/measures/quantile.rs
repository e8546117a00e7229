//! Quantiles of a sample.

/// The quantile of a sorted sample by linear interpolation between order statistics:
/// type 7 of Hyndman and Fan (1996), the default of R and NumPy. `None` of nothing.
#[must_use]
pub fn quantile(sorted: &[f64], probability: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = probability * last as f64;
    let below = (place.floor() as usize).min(last);
    let above = (below + 1).min(last);
    let part = place - below as f64;
    // A plain sum of two products would give NaN for an infinite neighbour of weight 0.
    Some(if part == 0.0 {
        sorted[below]
    } else {
        sorted[below] + part * (sorted[above] - sorted[below])
    })
}

/// The median of a sample in any order: the middle, or the mean of the two middles.
#[must_use]
pub fn median(mut sample: Vec<f64>) -> Option<f64> {
    sample.sort_by(f64::total_cmp);
    quantile(&sample, 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_r() {
        // R: quantile(c(1, 2, 4, 8, 16), c(0, .25, .5, .95, .99, 1))
        let sample = [1.0, 2.0, 4.0, 8.0, 16.0];
        for (probability, value) in [
            (0.0, 1.0),
            (0.25, 2.0),
            (0.5, 4.0),
            (0.95, 14.4),
            (0.99, 15.68),
            (1.0, 16.0),
        ] {
            let found = quantile(&sample, probability).unwrap();
            assert!((found - value).abs() < 1e-12, "{probability}: {found}");
        }
        assert_eq!(quantile(&[], 0.5), None);
        assert_eq!(quantile(&[3.0], 0.95), Some(3.0));
    }

    #[test]
    fn an_even_sample_has_the_mean_of_its_middles_as_median() {
        assert_eq!(median(vec![9.0, 1.0, 4.0, 2.0]), Some(3.0));
        assert_eq!(median(vec![9.0, 1.0, 4.0]), Some(4.0));
        assert_eq!(median(vec![]), None);
    }
}
