//! `top-k`: the k values of largest magnitude; the others are decoded as 0.
//!
//! Among equals the earlier goes. What was not sent is kept by error feedback
//! (Stich et al. 2018, arXiv 1809.07599, "sparsified SGD with memory"), or by the
//! difference itself after `delta` (EF21, Richtárik et al. 2021, arXiv 2106.05203).

use std::cmp::Ordering;

/// How many values are sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum TopK {
    /// Of all values, rounded to the nearest whole number, at least one.
    Share(f64),
    Count(usize),
}

impl TopK {
    /// k of so many values.
    pub(super) fn of(self, values: usize) -> usize {
        let k = match self {
            Self::Share(share) => ((share * values as f64).round() as usize).max(1),
            Self::Count(count) => count,
        };
        k.min(values)
    }

    /// The positions of the k largest magnitudes, in rising order.
    pub(super) fn positions(self, values: &[f32]) -> Vec<usize> {
        let k = self.of(values.len());
        let mut positions: Vec<usize> = (0..values.len()).collect();
        if (1..values.len()).contains(&k) {
            let by_magnitude = |a: &usize, b: &usize| -> Ordering {
                let (x, y) = (values[*a].abs(), values[*b].abs());
                y.total_cmp(&x).then(a.cmp(b))
            };
            positions.select_nth_unstable_by(k - 1, by_magnitude);
        }
        positions.truncate(k);
        positions.sort_unstable();
        positions
    }
}
