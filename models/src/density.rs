//! How much more likely a row is among one set of rows than among another.
//!
//! Selective-FD (Shao et al. 2024, Nature Communications 15:349) keeps a public sample where its
//! density ratio between the client's own samples and a uniform reference is high enough, and
//! estimates the ratio by KuLSIF. In the authors' code the coefficients are the *product* with the
//! matrix whose *inverse* the paper's formula has; here the formula is solved.

use faer::Side;
use faer::linalg::solvers::Solve;
use faer::{Mat, MatRef};
use rand::Rng;

use crate::distance::squared_distance;
use crate::error::{ModelError, check_length};
use crate::random::{Purpose, stream};

/// A density ratio w(x) = p(x)/q(x) estimated by kernel-based unconstrained least-squares
/// importance fitting (KuLSIF; Kanamori, Suzuki & Sugiyama 2012, Machine Learning 86) with a
/// Gaussian kernel k(a, b) = exp(−‖a − b‖²/(2·width²)):
///
/// w(x) = Σᵢ αᵢ·k(x, qᵢ) + Σⱼ k(x, pⱼ)/(m·λ), where (K/n + λI)·α = −K′·1/(n·m·λ), K are the kernels
/// among the n rows qᵢ of the reference, and K′ those between them and the m own rows pⱼ.
///
/// The estimate is not held above 0, and only its order matters to a filter.
#[derive(Clone, Debug, PartialEq)]
pub struct DensityRatio {
    row_width: usize,
    kernel_width: f64,
    own: Vec<f32>,
    reference: Vec<f32>,
    alpha: Vec<f64>,
    /// 1/(m·λ).
    of_own: f64,
}

impl DensityRatio {
    /// Fits the ratio of the density of `own` to that of `reference`, rows of `row_width` values.
    /// `ridge` is λ. The work grows with the cube of the number of reference rows.
    ///
    /// # Errors
    /// When there are no whole rows, a set is empty, or `kernel_width` or `ridge` is not above 0;
    /// [`ModelError::Diverged`] when a value is not finite.
    pub fn fit(
        own: &[f32],
        reference: &[f32],
        row_width: usize,
        kernel_width: f64,
        ridge: f64,
    ) -> Result<Self, ModelError> {
        let whole = |values: &[f32]| (values.len() / row_width.max(1)).max(1) * row_width.max(1);
        check_length("own rows", own.len(), whole(own))?;
        check_length("rows of reference", reference.len(), whole(reference))?;
        for (what, found) in [("width of a kernel", kernel_width), ("ridge", ridge)] {
            if !(found.is_finite() && found > 0.0) {
                return Err(ModelError::NotPositive { what, found });
            }
        }
        let mut values = own.iter().chain(reference);
        if values.any(|value| !value.is_finite()) {
            return Err(ModelError::Diverged { steps: 0 });
        }
        let (m, n) = (own.len() / row_width, reference.len() / row_width);
        let row = |place: usize| &reference[place * row_width..][..row_width];
        let matrix = Mat::from_fn(n, n, |left, right| {
            // The lower triangle alone is read.
            if left < right {
                return 0.0;
            }
            let shared = kernel(row(left), row(right), kernel_width) / n as f64;
            shared + if left == right { ridge } else { 0.0 }
        });
        let share = (n as f64 * m as f64 * ridge).recip();
        let right: Vec<f64> = (0..n)
            .map(|place| {
                let kernels = own.chunks_exact(row_width);
                let sum: f64 = kernels
                    .map(|own| kernel(own, row(place), kernel_width))
                    .sum();
                -sum * share
            })
            .collect();
        let solver = matrix.llt(Side::Lower);
        let solver = solver.map_err(|_| ModelError::Decomposition)?;
        let alpha = solver.solve(MatRef::from_column_major_slice(&right, n, 1));
        Ok(Self {
            row_width,
            kernel_width,
            own: own.to_vec(),
            reference: reference.to_vec(),
            alpha: (0..n).map(|place| alpha[(place, 0)]).collect(),
            of_own: (m as f64 * ridge).recip(),
        })
    }

    /// The estimated ratio at each of `rows`.
    ///
    /// # Errors
    /// When there are no whole rows.
    pub fn at(&self, rows: &[f32]) -> Result<Vec<f64>, ModelError> {
        let n = rows.len() / self.row_width;
        check_length("rows to ask about", rows.len(), n * self.row_width)?;
        let ratio = |row: &[f32]| {
            let reference = self.reference.chunks_exact(self.row_width).zip(&self.alpha);
            let along = reference.map(|(to, alpha)| alpha * kernel(row, to, self.kernel_width));
            let own = self.own.chunks_exact(self.row_width);
            let own = own.map(|to| kernel(row, to, self.kernel_width));
            along.sum::<f64>() + self.of_own * own.sum::<f64>()
        };
        Ok(rows.chunks_exact(self.row_width).map(ratio).collect())
    }

    /// FLOPs of [`DensityRatio::fit`] with `own` and `reference` rows: 3 for each value of each
    /// pair, and n³/3 for the Cholesky decomposition.
    pub fn fit_flops(own: u64, reference: u64, row_width: usize) -> u64 {
        let pairs = reference * (reference + 1) / 2 + own * reference;
        3 * row_width as u64 * pairs + reference.pow(3) / 3
    }

    /// FLOPs of [`DensityRatio::at`] for `rows` rows.
    pub fn at_flops(&self, rows: u64) -> u64 {
        3 * rows * (self.own.len() + self.reference.len()) as u64
    }
}

fn kernel(left: &[f32], right: &[f32], width: f64) -> f64 {
    (-squared_distance(left, right) / (2.0 * width * width)).exp()
}

/// `count` rows uniform in `low..high`, the reference of Selective-FD.
///
/// # Panics
/// When `low` is not below `high`.
pub fn uniform_rows(count: usize, width: usize, low: f32, high: f32, seed: u64) -> Vec<f32> {
    let mut draw = stream(seed, Purpose::UniformRows);
    (0..count * width)
        .map(|_| draw.gen_range(low..high))
        .collect()
}

/// The median distance between different rows: the usual width of a Gaussian kernel (the median
/// heuristic, Garreau et al. 2017). The mean of the middle two of an even number; 0 of fewer than
/// two rows.
///
/// # Errors
/// When there are no whole rows.
pub fn median_distance(rows: &[f32], width: usize) -> Result<f64, ModelError> {
    let n = rows.len() / width.max(1);
    check_length("rows to compare", rows.len(), n * width)?;
    let row = |place: usize| &rows[place * width..][..width];
    let pairs = (0..n).flat_map(|left| (0..left).map(move |right| (left, right)));
    let mut distances: Vec<f64> = pairs
        .map(|(left, right)| squared_distance(row(left), row(right)).sqrt())
        .collect();
    distances.sort_by(f64::total_cmp);
    let middle = distances.len() / 2;
    Ok(match distances.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => distances[middle],
        _ => 0.5 * (distances[middle - 1] + distances[middle]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::Golden;

    #[test]
    fn the_ratio_is_that_of_the_closed_form() {
        let golden = Golden::read(include_str!("../tests/golden/numerics.txt"));
        let [own, reference, query] = ["own", "reference", "query"].map(|name| golden.f32s(name));
        let ratio = DensityRatio::fit(&own, &reference, 3, 1.5, 0.1).unwrap();
        let found = ratio.at(&query).unwrap();
        for (found, exact) in found.iter().zip(golden.f64s("ratio")) {
            assert!((found - exact).abs() < 1e-9, "{found}, not {exact}");
        }
        let median = median_distance(&own, 3).unwrap();
        assert!((median - golden.f64s("median")[0]).abs() < 1e-12);
    }

    #[test]
    fn what_is_like_ones_own_is_more_likely_than_what_is_not() {
        // Own samples lie in a corner of the square that the reference fills.
        let own: Vec<f32> = uniform_rows(60, 2, 0.0, 0.5, 1);
        let reference = uniform_rows(200, 2, 0.0, 1.0, 2);
        let ratio = DensityRatio::fit(&own, &reference, 2, 0.2, 1e-3).unwrap();
        let found = ratio.at(&[0.25, 0.25, 0.75, 0.75, 0.25, 0.75]).unwrap();
        // The true ratio is 4 inside and 0 outside; a kernel as wide as this overshoots inside.
        assert!((2.0..10.0).contains(&found[0]), "{found:?}");
        assert!(found[1].abs() < 0.5 && found[2].abs() < 0.5, "{found:?}");
        let mean = ratio.at(&reference).unwrap().iter().sum::<f64>() / 200.0;
        assert!(
            (mean - 1.0).abs() < 0.2,
            "the mean of a ratio over the reference is 1, not {mean}"
        );
    }

    #[test]
    fn odd_input_is_refused() {
        let fit = |own: &[f32], reference: &[f32], width, ridge| {
            DensityRatio::fit(own, reference, 2, width, ridge).is_err()
        };
        let rows = [0.0, 1.0];
        assert!(!fit(&rows, &rows, 1.0, 0.1));
        assert!(fit(&[], &rows, 1.0, 0.1) && fit(&rows, &[], 1.0, 0.1));
        assert!(fit(&rows[..1], &rows, 1.0, 0.1));
        assert!(fit(&rows, &rows, 0.0, 0.1) && fit(&rows, &rows, 1.0, -1.0));
        assert!(fit(&[f32::NAN, 0.0], &rows, 1.0, 0.1));
    }

    #[test]
    fn a_median_is_the_middle_distance() {
        assert_eq!(median_distance(&[0.0, 1.0, 5.0], 1).unwrap(), 4.0);
        assert_eq!(median_distance(&[0.0, 3.0, 4.0, 0.0], 2).unwrap(), 5.0);
        assert_eq!(median_distance(&[0.0, 3.0], 2).unwrap(), 0.0);
        // 1, 3, 3, 4, 6 and 7.
        assert_eq!(median_distance(&[0.0, 1.0, 4.0, 7.0], 1).unwrap(), 3.5);
    }
}
