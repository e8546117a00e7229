//! k-means clustering of rows, and nearest neighbours among rows of one class.

use rand::Rng;

use crate::distance::{inner_product, squared_distance};
use crate::error::{ModelError, check_length};
use crate::prototype::ClassSums;
use crate::random::{Purpose, stream};

/// Passes of Lloyd's algorithm at most.
const MOST_PASSES: u64 = 300;

/// Rows in clusters.
#[derive(Clone, Debug, PartialEq)]
pub struct Clusters {
    /// The mean of each cluster, row-major `clusters × width`.
    pub centroids: Vec<f32>,
    /// The cluster of each row.
    pub assignments: Vec<u32>,
    /// FLOPs spent: 3 for each value of each pair of a row and a centroid that was measured.
    pub flops: u64,
}

/// Lloyd's k-means from centroids drawn by k-means++ (Arthur & Vassilvitskii 2007), until no row
/// changes its cluster, at most 300 passes. There are fewer than `k` clusters where there are
/// fewer different rows.
///
/// # Errors
/// When there are no whole rows or `k` is 0; [`ModelError::Diverged`] when a value is not finite.
pub fn k_means(rows: &[f32], width: usize, k: usize, seed: u64) -> Result<Clusters, ModelError> {
    let n = rows.len() / width.max(1);
    check_length("rows to cluster", rows.len(), n * width)?;
    check_length("clusters", k, k.max(1))?;
    if rows.iter().any(|value| !value.is_finite()) {
        return Err(ModelError::Diverged { steps: 0 });
    }
    let row = |place: usize| &rows[place * width..][..width];
    let mut centroids = Vec::with_capacity(k * width);
    let mut draw = stream(seed, Purpose::Clusters);
    let mut nearest = vec![f64::INFINITY; n];
    let mut first = (n > 0).then(|| draw.gen_range(0..n));
    while let Some(place) = first {
        centroids.extend_from_slice(row(place));
        for (other, nearest) in nearest.iter_mut().enumerate() {
            *nearest = nearest.min(squared_distance(row(other), row(place)));
        }
        first = match centroids.len() < k * width {
            true => draw_by_weight(&nearest, &mut draw),
            false => None,
        };
    }
    let k = centroids.len() / width.max(1);
    let mut flops = 3 * (n * k * width) as u64;
    let mut assignments = vec![u32::MAX; n];
    for _ in 0..MOST_PASSES {
        let mut moved = false;
        for (place, own) in assignments.iter_mut().enumerate() {
            let distances = centroids
                .chunks_exact(width)
                .map(|to| squared_distance(row(place), to));
            let found = (0_u32..).zip(distances).min_by(|a, b| a.1.total_cmp(&b.1));
            let found = found.map_or(0, |(cluster, _)| cluster);
            moved |= found != *own;
            *own = found;
        }
        flops += 3 * (n * k * width) as u64;
        if !moved {
            break;
        }
        let mut sums = ClassSums::new(k, width);
        sums.add(rows, &assignments)?;
        let means = sums.means();
        // A cluster that lost its last row stays where it was.
        for (cluster, _) in sums
            .counts()
            .iter()
            .enumerate()
            .filter(|&(_, &count)| count > 0)
        {
            let own = cluster * width..(cluster + 1) * width;
            centroids[own.clone()].copy_from_slice(&means[own]);
        }
    }
    Ok(Clusters {
        centroids,
        assignments,
        flops,
    })
}

/// A place drawn with a probability proportional to its weight; none where all weights are 0.
fn draw_by_weight(weights: &[f64], draw: &mut impl Rng) -> Option<usize> {
    let total: f64 = weights.iter().sum();
    let at = draw.r#gen::<f64>() * total;
    let mut sum = 0.0;
    let found = weights.iter().position(|weight| {
        sum += weight;
        sum > at
    });
    // Rounding may leave the last sum just short of the total.
    found.or_else(|| weights.iter().rposition(|&weight| weight > 0.0))
}

/// How far rows are from each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distance {
    /// ‖a − b‖.
    Euclidean,
    /// 1 − ⟨a, b⟩/(‖a‖‖b‖), as FedCache's index (Wu et al. 2023); 1 from a row of zeros.
    Cosine,
}

/// For each row the `count` nearest others of the same label, nearest first, the first of equals
/// first; fewer where its class has fewer.
///
/// # Errors
/// When there are not as many rows of `width` values as labels.
pub fn nearest_of_class(
    rows: &[f32],
    width: usize,
    labels: &[u32],
    count: usize,
    distance: Distance,
) -> Result<Vec<Vec<u32>>, ModelError> {
    check_length("rows to compare", rows.len(), labels.len() * width)?;
    let row = |place: u32| &rows[place as usize * width..][..width];
    let norms: Vec<f64> = match distance {
        Distance::Euclidean => Vec::new(),
        Distance::Cosine => (0..labels.len() as u32)
            .map(|place| inner_product(row(place), row(place)).sqrt())
            .collect(),
    };
    let between = |left: u32, right: u32| match distance {
        Distance::Euclidean => squared_distance(row(left), row(right)),
        Distance::Cosine => {
            let norms = norms[left as usize] * norms[right as usize];
            match norms > 0.0 {
                true => 1.0 - inner_product(row(left), row(right)) / norms,
                false => 1.0,
            }
        }
    };
    let mut of_class = std::collections::BTreeMap::<u32, Vec<u32>>::new();
    for (place, &label) in (0..).zip(labels) {
        of_class.entry(label).or_default().push(place);
    }
    let neighbours = (0..).zip(labels).map(|(place, label)| {
        let others = of_class[label].iter().filter(|&&other| other != place);
        let mut others: Vec<(f64, u32)> = others
            .map(|&other| (between(place, other), other))
            .collect();
        others.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        others.truncate(count);
        others.into_iter().map(|(_, other)| other).collect()
    });
    Ok(neighbours.collect())
}

/// FLOPs of [`nearest_of_class`] where the classes have these numbers of rows: 3 for each value of
/// each pair within a class.
pub fn nearest_of_class_flops(class_counts: &[u64], width: usize) -> u64 {
    let pairs = class_counts.iter().map(|&n| n * n.saturating_sub(1));
    3 * width as u64 * pairs.sum::<u64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_that_lie_apart_are_clusters_with_their_means() {
        // On a plane: three around (0, 0), two around (100, 0), three around (0, 101).
        let rows = [
            0.0, 1.0, 100.0, 1.0, 0.0, -1.0, 1.0, 100.0, 0.0, 0.0, 100.0, -1.0, -1.0, 100.0, 0.0,
            103.0,
        ];
        for seed in 0..20 {
            let found = k_means(&rows, 2, 3, seed).unwrap();
            let mut centroids: Vec<&[f32]> = found.centroids.chunks(2).collect();
            centroids.sort_by(|a, b| a.partial_cmp(b).unwrap());
            assert_eq!(
                centroids,
                [[0.0, 0.0], [0.0, 101.0], [100.0, 0.0]],
                "{seed}"
            );
            let of = &found.assignments;
            assert!(of[0] == of[2] && of[2] == of[4] && of[1] == of[5], "{seed}");
            assert!(of[3] == of[6] && of[6] == of[7], "{seed}");
            assert_eq!(found, k_means(&rows, 2, 3, seed).unwrap());
        }
    }

    #[test]
    fn there_are_no_more_clusters_than_different_rows() {
        let found = k_means(&[1.0, 1.0, 2.0, 1.0], 1, 3, 0).unwrap();
        let mut centroids = found.centroids.clone();
        centroids.sort_by(f32::total_cmp);
        assert_eq!(centroids, [1.0, 2.0]);
        assert_eq!(k_means(&[], 4, 2, 0).unwrap().centroids, []);
        assert!(k_means(&[1.0, 2.0, 3.0], 2, 2, 0).is_err());
        assert!(k_means(&[1.0], 1, 0, 0).is_err());
        assert!(k_means(&[f32::NAN], 1, 1, 0).is_err());
    }

    #[test]
    fn one_cluster_is_the_mean_of_all() {
        let found = k_means(&[1.0, 2.0, 6.0], 1, 1, 5).unwrap();
        assert_eq!(
            (found.centroids, found.assignments),
            (vec![3.0], vec![0; 3])
        );
    }

    #[test]
    fn neighbours_are_the_nearest_of_the_same_label() {
        let rows = [0.0, 5.0, 1.0, 4.0, 1.5, 9.0];
        let labels = [0, 1, 0, 1, 0, 1];
        let found = nearest_of_class(&rows, 1, &labels, 2, Distance::Euclidean).unwrap();
        let expected: [&[u32]; 6] = [&[2, 4], &[3, 5], &[4, 0], &[1, 5], &[2, 0], &[1, 3]];
        assert_eq!(found, expected);
        let one = nearest_of_class(&rows, 1, &[0, 1, 2, 3, 4, 4], 2, Distance::Euclidean);
        assert_eq!(one.unwrap()[3..], [vec![], vec![5], vec![4]]);
        // 3·1·(3·2 + 3·2).
        assert_eq!(nearest_of_class_flops(&[3, 3, 0], 1), 36);
    }

    #[test]
    fn the_cosine_looks_at_directions_alone() {
        // East, north-east far out, north, west and nowhere.
        let rows = [1.0, 0.0, 50.0, 50.0, 0.0, 2.0, -0.1, 0.0, 0.0, 0.0];
        let found = nearest_of_class(&rows, 2, &[7; 5], 4, Distance::Cosine).unwrap();
        assert_eq!(found[0], [1, 2, 4, 3]);
        assert_eq!(found[3], [2, 4, 1, 0]);
        let by_length = nearest_of_class(&rows, 2, &[7; 5], 4, Distance::Euclidean).unwrap();
        assert_eq!(by_length[0], [4, 3, 2, 1]);
    }
}
