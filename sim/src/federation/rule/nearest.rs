//! Which of several centroids a client takes (COMET, Cho et al. 2021, "Communication-efficient
//! and model-heterogeneous personalized federated learning via clustered knowledge transfer").

use super::{Held, Layout, squared_distance};

/// The centroid at the smallest Euclidean distance to the values, the first of equal ones;
/// `None` without centroids. Only the rows that both have are compared, by their mean
/// distance; a centroid with no row in common is taken only where there is no other.
pub(crate) fn nearest(values: &[f32], width: usize, centroids: &[&[f32]]) -> Option<usize> {
    let own = present(values);
    let layout = Layout::of(&[own], width);
    let distance = |centroid: &&[f32]| {
        let centroid = present(centroid);
        let mut sum = 0.0;
        let mut shared = 0;
        for row in 0..layout.rows {
            if let (Some(a), Some(b)) = (layout.row(&own, row), layout.row(&centroid, row)) {
                sum += squared_distance(a, b);
                shared += 1;
            }
        }
        if shared == 0 {
            f64::INFINITY
        } else {
            sum / f64::from(shared)
        }
    };
    let distances = centroids.iter().map(distance).enumerate();
    distances
        .min_by(|(_, a), (_, b)| a.total_cmp(b))
        .map(|(place, _)| place)
}

fn present(values: &[f32]) -> Held<'_> {
    Held {
        values,
        weight: 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::super::three_clients::ROWS;
    use super::*;

    #[test]
    fn a_client_takes_the_centroid_closest_to_its_predictions() {
        let centroids: [&[f32]; 3] = [&[0.9, 0.1, 0.1, 0.9], &[0.5, 0.5, 0.5, 0.5], &[0.0; 4]];
        // To the first: (0 + 0.02)/2; to the second: (0.32 + 0.18)/2.
        assert_eq!(nearest(&ROWS[0], 2, &centroids), Some(0));
        // (0.18 + 0.32)/2 against (0.02 + 0)/2.
        assert_eq!(nearest(&ROWS[1], 2, &centroids), Some(1));
        // Only the first row: 0.72 against 0.08.
        assert_eq!(nearest(&ROWS[2], 2, &centroids), Some(1));
        assert_eq!(nearest(&ROWS[2], 2, &[]), None);
        // An empty centroid is no neighbour, however near zero is.
        let empty_first: [&[f32]; 2] = [&[0.0; 4], &[1.0, 0.0, 1.0, 0.0]];
        assert_eq!(nearest(&[0.1, 0.1, 0.0, 0.0], 2, &empty_first), Some(1));
    }

    #[test]
    fn a_centroid_with_more_rows_in_common_is_no_further_away_for_it() {
        // (0.1²·4)/2 = 0.02 against 2·0.12² = 0.0288; sums would be 0.04 and 0.0288.
        let centroids: [&[f32]; 2] = [&[0.8, 0.2, 0.3, 0.7], &[0.0, 0.0, 0.32, 0.68]];
        assert_eq!(nearest(&ROWS[0], 2, &centroids), Some(0));
    }

    #[test]
    fn of_two_equally_near_the_first_is_taken() {
        let centroids: [&[f32]; 2] = [&[0.0, 0.0], &[2.0, 0.0]];
        assert_eq!(nearest(&[1.0, 0.0], 0, &centroids), Some(0));
    }
}
