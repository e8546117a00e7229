//! Distances between rows, summed in f64 and in a fixed order.

use crate::operations::wide;

/// ‖a − b‖², in eight sums side by side that the processor need not wait for one by one.
pub(crate) fn squared_distance(left: &[f32], right: &[f32]) -> f64 {
    wide(|| {
        sum_by_lanes(left, right, |left, right| {
            let difference = left - right;
            difference * difference
        })
    })
}

/// ⟨a, b⟩, summed likewise.
pub(crate) fn inner_product(left: &[f32], right: &[f32]) -> f64 {
    wide(|| sum_by_lanes(left, right, |left, right| left * right))
}

#[inline(always)]
fn sum_by_lanes(left: &[f32], right: &[f32], term: impl Fn(f64, f64) -> f64) -> f64 {
    let mut sums = [0.0_f64; 8];
    let (left, left_rest) = left.as_chunks::<8>();
    let (right, right_rest) = right.as_chunks::<8>();
    for (left, right) in left.iter().zip(right) {
        for ((sum, &left), &right) in sums.iter_mut().zip(left).zip(right) {
            *sum += term(f64::from(left), f64::from(right));
        }
    }
    for ((sum, &left), &right) in sums.iter_mut().zip(left_rest).zip(right_rest) {
        *sum += term(f64::from(left), f64::from(right));
    }
    sums.iter().sum()
}
