//! Decompositions of matrices: the truncated singular value decomposition, and the principal
//! components of rows.
//!
//! Both come from the eigenvectors of the smaller Gram matrix (AᵀA or AAᵀ) in f64, which for
//! numbers that are f32 loses nothing that could be sent, and is several times faster than a
//! bidiagonalisation of a tall matrix.

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par, Side};

use crate::error::{ModelError, check_length};

/// A matrix of `rows × columns` as left · diag(singular) · right.
#[derive(Clone, Debug, PartialEq)]
pub struct Factors {
    /// Rows of the matrix.
    pub rows: usize,
    /// Columns of the matrix.
    pub columns: usize,
    /// Left singular vectors, row-major `rows × rank`.
    pub left: Vec<f32>,
    /// Singular values, falling.
    pub singular: Vec<f32>,
    /// Right singular vectors, row-major `rank × columns`.
    pub right: Vec<f32>,
}

impl Factors {
    /// How many singular values are kept.
    pub fn rank(&self) -> usize {
        self.singular.len()
    }

    /// Numbers in the factors: rank · (rows + columns + 1). Where that is not fewer than rows ·
    /// columns, the matrix itself is the shorter message.
    pub fn numbers(&self) -> usize {
        self.rank() * (self.rows + self.columns + 1)
    }

    /// The matrix that the factors make, row-major.
    pub fn product(&self) -> Vec<f32> {
        let rank = self.rank();
        let mut product = vec![0.0; self.rows * self.columns];
        for (row, slots) in product.chunks_exact_mut(self.columns.max(1)).enumerate() {
            let left = &self.left[row * rank..][..rank];
            for (place, (&left, &singular)) in left.iter().zip(&self.singular).enumerate() {
                let factor = left * singular;
                let right = &self.right[place * self.columns..][..self.columns];
                for (slot, &right) in slots.iter_mut().zip(right) {
                    *slot += factor * right;
                }
            }
        }
        product
    }
}

/// The singular value decomposition of a row-major matrix, cut to the fewest singular values
/// whose squares are together more than the share `energy` of all (FedKD, Wu et al. 2022); all
/// that are not 0 where no fewer are, as for an `energy` of 1.
///
/// The largest number of each left vector is positive, so that signs are no choice of the method.
///
/// # Errors
/// When the values are not `rows × columns`; [`ModelError::Diverged`] when one is not finite.
pub fn truncated_svd(
    values: &[f32],
    rows: usize,
    columns: usize,
    energy: f64,
) -> Result<Factors, ModelError> {
    check_length("values of a matrix", values.len(), rows * columns)?;
    if values.iter().any(|value| !value.is_finite()) {
        return Err(ModelError::Diverged { steps: 0 });
    }
    let matrix = MatRef::from_row_major_slice(values, rows, columns);
    let matrix = Mat::from_fn(rows, columns, |row, column| {
        f64::from(matrix[(row, column)])
    });
    let Axes {
        left,
        right,
        squares,
    } = axes(matrix.as_ref())?;
    let total: f64 = squares.iter().sum();
    let mut sum = 0.0;
    let enough = squares.iter().position(|square| {
        sum += square;
        sum > energy * total
    });
    let rank = enough.map_or(squares.len(), |last| last + 1);
    let mut factors = Factors {
        rows,
        columns,
        left: Vec::with_capacity(rows * rank),
        singular: squares[..rank]
            .iter()
            .map(|square| square.sqrt() as f32)
            .collect(),
        right: Vec::with_capacity(rank * columns),
    };
    let signs: Vec<f64> = (0..rank).map(|place| sign(&left, place)).collect();
    for row in 0..rows {
        let of_row = signs.iter().enumerate();
        factors
            .left
            .extend(of_row.map(|(place, sign)| (sign * left[(row, place)]) as f32));
    }
    for (place, sign) in signs.iter().enumerate() {
        let of_place = 0..columns;
        factors
            .right
            .extend(of_place.map(|column| (sign * right[(column, place)]) as f32));
    }
    Ok(factors)
}

/// FLOPs of [`truncated_svd`] of an m × n matrix, m ≥ n: 4·m·n² for the Gram matrix and the other
/// side's vectors, and 9·n³ for the eigenvectors (Golub & Van Loan, Matrix Computations, §8.3).
pub fn svd_flops(rows: usize, columns: usize) -> u64 {
    let (long, short) = (rows.max(columns) as u64, rows.min(columns) as u64);
    4 * long * short * short + 9 * short * short * short
}

/// The principal components of rows: an affine map to fewer numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Projection {
    width: usize,
    mean: Vec<f32>,
    axes: Vec<f32>,
    variances: Vec<f64>,
}

impl Projection {
    /// Fits the directions of largest variance of `rows`, which are `width` values each. There
    /// are fewer than `components` where the rows vary in fewer directions.
    ///
    /// The largest number of each direction is positive.
    ///
    /// # Errors
    /// When there are no whole rows; [`ModelError::Diverged`] when a value is not finite.
    pub fn fit(rows: &[f32], width: usize, components: usize) -> Result<Self, ModelError> {
        let n = rows.len() / width.max(1);
        check_length("rows to project", rows.len(), n * width)?;
        if rows.iter().any(|value| !value.is_finite()) {
            return Err(ModelError::Diverged { steps: 0 });
        }
        let mut mean = vec![0.0; width];
        for row in rows.chunks_exact(width.max(1)) {
            for (sum, &value) in mean.iter_mut().zip(row) {
                *sum += f64::from(value);
            }
        }
        mean.iter_mut().for_each(|sum| *sum /= n.max(1) as f64);
        let centred = Mat::from_fn(n, width, |row, column| {
            f64::from(rows[row * width + column]) - mean[column]
        });
        let Axes { right, squares, .. } = axes(centred.as_ref())?;
        let kept = components.min(squares.len());
        let mut axes = Vec::with_capacity(kept * width);
        for place in 0..kept {
            let sign = sign(&right, place);
            axes.extend((0..width).map(|column| (sign * right[(column, place)]) as f32));
        }
        let degrees = n.saturating_sub(1).max(1) as f64;
        Ok(Self {
            width,
            mean: mean.iter().map(|&mean| mean as f32).collect(),
            axes,
            variances: squares[..kept]
                .iter()
                .map(|square| square / degrees)
                .collect(),
        })
    }

    /// How many numbers a projected row has.
    pub fn components(&self) -> usize {
        self.variances.len()
    }

    /// The directions, row-major `components × width`.
    pub fn axes(&self) -> &[f32] {
        &self.axes
    }

    /// The sample variance (n − 1) of the fitted rows along each direction, falling.
    pub fn variances(&self) -> &[f64] {
        &self.variances
    }

    /// Rows seen along the directions, row-major `n × components`.
    ///
    /// # Errors
    /// When there are no whole rows.
    pub fn project(&self, rows: &[f32]) -> Result<Vec<f32>, ModelError> {
        let n = rows.len() / self.width.max(1);
        check_length("rows to project", rows.len(), n * self.width)?;
        let mut projected = Vec::with_capacity(n * self.components());
        for row in rows.chunks_exact(self.width.max(1)) {
            let along = |axis: &[f32]| -> f64 {
                let centred = row.iter().zip(&self.mean).zip(axis);
                centred
                    .map(|((&value, &mean), &axis)| {
                        (f64::from(value) - f64::from(mean)) * f64::from(axis)
                    })
                    .sum()
            };
            let axes = self.axes.chunks_exact(self.width.max(1));
            projected.extend(axes.map(|axis| along(axis) as f32));
        }
        Ok(projected)
    }

    /// FLOPs of [`Projection::fit`] on `rows` rows of `width` values: those of [`svd_flops`], and 2
    /// a value for the mean.
    pub fn fit_flops(rows: usize, width: usize) -> u64 {
        svd_flops(rows, width) + 2 * (rows * width) as u64
    }

    /// FLOPs of [`Projection::project`] on `rows` rows: 2 for each value and direction, and 1 for
    /// each value to centre it.
    pub fn project_flops(&self, rows: u64) -> u64 {
        rows * (self.width * (2 * self.components() + 1)) as u64
    }
}

/// Singular vectors as columns, and squared singular values, falling; those that are 0 but for
/// rounding are left out.
struct Axes {
    left: Mat<f64>,
    right: Mat<f64>,
    squares: Vec<f64>,
}

fn axes(matrix: MatRef<'_, f64>) -> Result<Axes, ModelError> {
    if matrix.nrows() < matrix.ncols() {
        let Axes {
            left,
            right,
            squares,
        } = axes(matrix.transpose())?;
        let (left, right) = (right, left);
        return Ok(Axes {
            left,
            right,
            squares,
        });
    }
    let n = matrix.ncols();
    let gram = product(matrix.transpose(), matrix);
    let found = gram.self_adjoint_eigen(Side::Lower);
    let found = found.map_err(|_| ModelError::Decomposition)?;
    // Rising; the last is the largest.
    let value = |place: usize| found.S().column_vector()[n - 1 - place];
    let floor = if n == 0 {
        0.0
    } else {
        value(0) * n as f64 * f64::EPSILON
    };
    let squares: Vec<f64> = (0..n)
        .map(value)
        .take_while(|&square| square > floor)
        .collect();
    let right = Mat::from_fn(n, squares.len(), |row, place| {
        found.U()[(row, n - 1 - place)]
    });
    let mut left = product(matrix, right.as_ref());
    for (place, square) in squares.iter().enumerate() {
        let inverse = square.sqrt().recip();
        for row in 0..left.nrows() {
            left[(row, place)] *= inverse;
        }
    }
    Ok(Axes {
        left,
        right,
        squares,
    })
}

fn product(left: MatRef<'_, f64>, right: MatRef<'_, f64>) -> Mat<f64> {
    let mut product = Mat::zeros(left.nrows(), right.ncols());
    matmul(product.as_mut(), Accum::Replace, left, right, 1.0, Par::Seq);
    product
}

/// The sign of the number of a column that is largest in size, the first of equals.
fn sign(vectors: &Mat<f64>, place: usize) -> f64 {
    let largest =
        (0..vectors.nrows())
            .map(|row| vectors[(row, place)])
            .fold(0.0, |best: f64, value| {
                if value.abs() > best.abs() {
                    value
                } else {
                    best
                }
            });
    1_f64.copysign(largest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::Golden;

    fn golden() -> Golden {
        Golden::read(include_str!("../tests/golden/numerics.txt"))
    }

    #[test]
    fn the_kept_factors_are_those_of_numpy() {
        let golden = golden();
        let matrix = golden.f32s("matrix");
        for (energy, rank) in [(0.5, 1), (0.9, 2), (0.97, 3), (0.99, 4), (1.0, 5)] {
            let factors = truncated_svd(&matrix, 7, 5, energy).unwrap();
            assert_eq!(factors.rank(), rank, "{energy}");
            assert_eq!(factors.numbers(), rank * 13);
            let singular = &golden.f32s("singular")[..rank];
            for (found, exact) in factors.singular.iter().zip(singular) {
                assert!((found - exact).abs() < 1e-6, "{found}, not {exact}");
            }
            golden.assert_near(&format!("product.{rank}"), &factors.product(), 2e-6);
        }
        let factors = truncated_svd(&matrix, 7, 5, 0.97).unwrap();
        golden.assert_near("left", &factors.left, 1e-6);
        golden.assert_near("right", &factors.right, 1e-6);
    }

    #[test]
    fn a_wide_matrix_is_a_tall_one_turned() {
        let matrix = golden().f32s("matrix");
        let turned: Vec<f32> = (0..35)
            .map(|place| matrix[place % 7 * 5 + place / 7])
            .collect();
        let factors = truncated_svd(&turned, 5, 7, 0.97).unwrap();
        let tall = truncated_svd(&matrix, 7, 5, 0.97).unwrap();
        assert_eq!(factors.singular, tall.singular);
        let product = tall.product();
        for (place, found) in factors.product().iter().enumerate() {
            assert!((found - product[place % 7 * 5 + place / 7]).abs() < 2e-6);
        }
    }

    #[test]
    fn nothing_is_kept_of_zeros_and_one_factor_of_a_rank_one_matrix() {
        let nothing = truncated_svd(&[0.0; 6], 2, 3, 0.95).unwrap();
        assert_eq!((nothing.rank(), nothing.product()), (0, vec![0.0; 6]));
        let matrix = [2.0, 4.0, 1.0, 2.0, -3.0, -6.0];
        let one = truncated_svd(&matrix, 3, 2, 1.0).unwrap();
        assert_eq!(one.rank(), 1);
        // √(14 · 5).
        assert!((one.singular[0] - 70_f32.sqrt()).abs() < 1e-6);
        for (found, exact) in one.product().iter().zip(matrix) {
            assert!((found - exact).abs() < 1e-6);
        }
        assert!(truncated_svd(&matrix, 3, 3, 0.9).is_err());
        assert!(truncated_svd(&[f32::NAN], 1, 1, 0.9).is_err());
    }

    #[test]
    fn principal_components_are_those_of_numpy_whether_rows_are_many_or_few() {
        let golden = golden();
        let rows = golden.f32s("matrix");
        let tall = Projection::fit(&rows, 5, 3).unwrap();
        golden.assert_near("components", tall.axes(), 1e-6);
        golden.assert_near("projected", &tall.project(&rows).unwrap(), 2e-6);
        let variances: Vec<f32> = tall.variances().iter().map(|&v| v as f32).collect();
        golden.assert_near("variances", &variances, 1e-6);
        // Three rows of five numbers vary in two directions.
        let few = Projection::fit(&rows[..15], 5, 4).unwrap();
        assert_eq!(few.components(), 2);
        golden.assert_near("components.few", few.axes(), 1e-6);
        assert_eq!(Projection::fit(&[2.0; 6], 3, 2).unwrap().components(), 0);
        assert!(Projection::fit(&rows, 4, 2).is_err());
    }
}
