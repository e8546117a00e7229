//! Rules: how contributions become knowledge, as pure functions of plain slices.
//! When a rule is applied, to whose contributions and who pays for it is decided elsewhere.
//!
//! A contribution is rows of `width` values, where a row of zeros, or one beyond the end,
//! is a row that the child does not have; or, with a `width` of 0, one flat vector such as
//! a model's parameters, where a zero is a value like any other. A contribution of weight 0
//! holds nothing. A row that nobody has is a row of zeros in the result. Sums are made in
//! f64 in the order given, which is child order.
//!
//! FLOPs count additions, multiplications, comparisons and elementary functions as one each.

mod ambiguity;
mod class_means;
mod entropy_reduction;
mod geometric_median;
mod groups;
mod knowledge_coefficients;
mod krum;
mod mean;
mod median;
mod nearest;
mod trimmed_mean;

pub(crate) use ambiguity::unambiguous_mean;
pub(crate) use class_means::{class_means, keep_known};
pub(crate) use entropy_reduction::{enhanced_entropy_reduction, entropy_reduction};
pub(crate) use geometric_median::geometric_median;
pub(crate) use groups::group_means;
pub(crate) use knowledge_coefficients::KnowledgeCoefficients;
pub(crate) use krum::krum;
pub(crate) use mean::mean;
pub(crate) use median::median;
pub(crate) use nearest::nearest;
pub(crate) use trimmed_mean::trimmed_mean;

/// What one child contributed, and what it weighs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Held<'a> {
    /// Rows × width, or one flat vector.
    pub(crate) values: &'a [f32],
    /// At least 0.
    pub(crate) weight: f64,
}

/// What a rule made of the contributions.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Folded {
    /// Laid out as the contributions are.
    pub(crate) values: Vec<f32>,
    /// Contributions that the rule refused, as places in the slice it was given, ascending.
    pub(crate) rejected: Vec<usize>,
    /// What it cost.
    pub(crate) flops: u64,
}

impl Folded {
    /// Nothing was refused.
    fn of_all(values: Vec<f32>, flops: u64) -> Self {
        Self {
            values,
            rejected: Vec::new(),
            flops,
        }
    }
}

/// How values lie in rows.
#[derive(Debug, Clone, Copy)]
struct Layout {
    rows: usize,
    width: usize,
    /// A row of zeros is a row that a child does not have.
    zeros_are_missing: bool,
}

impl Layout {
    /// The layout of the longest contribution.
    fn of(contributions: &[Held<'_>], width: usize) -> Self {
        let longest = contributions.iter().map(|held| held.values.len()).max();
        let length = longest.unwrap_or(0);
        match length.checked_div(width) {
            Some(rows) => Self {
                rows,
                width,
                zeros_are_missing: true,
            },
            None => Self {
                rows: usize::from(length > 0),
                width: length,
                zeros_are_missing: false,
            },
        }
    }

    /// Values in all rows.
    fn length(self) -> usize {
        self.rows * self.width
    }

    /// Where a row lies.
    fn place(self, row: usize) -> std::ops::Range<usize> {
        row * self.width..(row + 1) * self.width
    }

    /// A row of a contribution, if it has it.
    fn row<'a>(self, held: &Held<'a>, row: usize) -> Option<&'a [f32]> {
        let values = held.values.get(self.place(row))?;
        let present = !self.zeros_are_missing || is_present(values);
        (present && held.weight > 0.0).then_some(values)
    }

    /// The contributions that have a row: their places, their values and their weights.
    fn holders<'a, 'h: 'a>(
        self,
        contributions: &'a [Held<'h>],
        row: usize,
    ) -> impl Iterator<Item = (usize, &'h [f32], f64)> + 'a {
        let holder = move |(place, held): (usize, &Held<'h>)| {
            Some((place, self.row(held, row)?, held.weight))
        };
        contributions.iter().enumerate().filter_map(holder)
    }
}

/// A row that says something.
fn is_present(row: &[f32]) -> bool {
    row.iter().any(|value| *value != 0.0)
}

/// Adds `weight` times the values to the sums.
fn add_weighted(sums: &mut [f64], values: &[f32], weight: f64) {
    debug_assert_eq!(sums.len(), values.len());
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += weight * f64::from(*value);
    }
}

/// ‖a − b‖²
fn squared_distance(a: &[f32], b: &[f32]) -> f64 {
    let square = |(a, b): (&f32, &f32)| (f64::from(*a) - f64::from(*b)).powi(2);
    a.iter().zip(b).map(square).sum()
}

/// Comparisons that sorting `count` values takes: n·⌈log₂ n⌉.
fn comparisons(count: usize) -> u64 {
    let count = count as u64;
    count * u64::from(count.next_power_of_two().trailing_zeros())
}

#[cfg(test)]
mod three_clients {
    //! The contributions that the rules' tests share, and how figures are compared.

    use super::{Folded, Held};

    /// Three clients, two classes, rows of probabilities; the third has no second row.
    pub(super) const ROWS: [[f32; 4]; 3] = [
        [0.9, 0.1, 0.2, 0.8],
        [0.6, 0.4, 0.5, 0.5],
        [0.3, 0.7, 0.0, 0.0],
    ];

    /// Contributions of these weights.
    pub(super) fn weighing<'a, const N: usize>(
        values: &'a [[f32; N]],
        weights: &[f64],
    ) -> Vec<Held<'a>> {
        let held = |(values, weight): (&'a [f32; N], &f64)| Held {
            values,
            weight: *weight,
        };
        values.iter().zip(weights).map(held).collect()
    }

    /// Contributions of weight 1.
    pub(super) fn equal<const N: usize>(values: &[[f32; N]]) -> Vec<Held<'_>> {
        weighing(values, &vec![1.0; values.len()])
    }

    /// Within a few units in the last place of an f32.
    #[track_caller]
    pub(super) fn assert_close(values: &[f32], expected: &[f64]) {
        assert_eq!(
            values.len(),
            expected.len(),
            "{values:?} is not {expected:?}"
        );
        for (value, expected) in values.iter().zip(expected) {
            let error = (f64::from(*value) - expected).abs();
            assert!(
                error <= 3e-7 * expected.abs().max(1.0),
                "{values:?} is not {expected:?}"
            );
        }
    }

    /// As [`assert_close`], of what a rule made, nothing refused.
    #[track_caller]
    pub(super) fn assert_folded(folded: &Folded, expected: &[f64]) {
        assert_close(&folded.values, expected);
        assert!(folded.rejected.is_empty(), "nothing is refused");
    }
}

#[cfg(test)]
#[path = "../../../../models/src/golden.rs"]
#[expect(dead_code, reason = "the models' tests read labels with it too")]
mod golden;

#[cfg(test)]
mod tests {
    use super::three_clients::{ROWS, equal, weighing};
    use super::{Layout, comparisons};

    #[test]
    fn a_row_of_zeros_is_missing_but_a_vector_of_zeros_is_held() {
        let rows = Layout::of(&equal(&ROWS), 2);
        let holders = |layout: Layout, row| {
            let contributions = weighing(&ROWS, &[1.0, 0.0, 1.0]);
            let places = layout.holders(&contributions, row);
            places.map(|(place, ..)| place).collect::<Vec<_>>()
        };
        // The second weighs nothing; the third has no second row.
        assert_eq!(holders(rows, 0), [0, 2]);
        assert_eq!(holders(rows, 1), [0]);
        let zeros = [[0.0; 4]];
        let flat = Layout::of(&equal(&zeros), 0);
        assert_eq!((flat.rows, flat.width), (1, 4));
        assert_eq!(flat.holders(&equal(&zeros), 0).count(), 1);
    }

    #[test]
    fn sorting_takes_n_log_n_comparisons() {
        assert_eq!([1, 2, 3, 4, 8].map(comparisons), [0, 2, 6, 8, 24]);
    }
}
