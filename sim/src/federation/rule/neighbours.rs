//! The knowledge cache of FedCache (Wu et al. 2024, "FedCache: a knowledge cache-driven
//! federated learning architecture for personalized edge intelligence"): a
//! sample is taught by the mean prediction for the R samples of its class that are most
//! like it, whoever has them.

use super::{Folded, Held, comparisons, mean};
use std::collections::BTreeMap;

/// For every sample, those of its class that are most like it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Neighbours {
    /// Most like it first; fewer than asked for where the class is small.
    pub(crate) of: Vec<Vec<u32>>,
    /// What finding them cost.
    pub(crate) flops: u64,
}

/// The `count` nearest neighbours within the class, by cosine similarity of the samples'
/// hashes (samples × `hash_width`), the earlier of equal ones; a sample is not its own
/// neighbour. Exact, where the paper takes an approximate index.
pub(crate) fn same_class_neighbours(
    hashes: &[f32],
    hash_width: usize,
    labels: &[u32],
    count: usize,
) -> Neighbours {
    debug_assert_eq!(hashes.len(), labels.len() * hash_width);
    let directions: Vec<Vec<f64>> = hashes
        .chunks_exact(hash_width.max(1))
        .map(direction)
        .collect();
    let mut classes: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (sample, label) in labels.iter().enumerate() {
        classes.entry(*label).or_default().push(sample as u32);
    }
    let mut of = vec![Vec::new(); labels.len()];
    let mut flops = 3 * hashes.len() as u64;
    for members in classes.values() {
        for &own in members {
            let own_direction = &directions[own as usize];
            let mut others: Vec<(f64, u32)> = members
                .iter()
                .filter(|other| **other != own)
                .map(|&other| (dot(own_direction, &directions[other as usize]), other))
                .collect();
            let order = |a: &(f64, u32), b: &(f64, u32)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
            if count < others.len() {
                others.select_nth_unstable_by(count, order);
                others.truncate(count);
            }
            others.sort_unstable_by(order);
            of[own as usize] = others.into_iter().map(|(_, other)| other).collect();
        }
        let pairs = (members.len() * members.len().saturating_sub(1)) as u64;
        flops += 2 * hash_width as u64 * pairs;
        flops += members.len() as u64 * comparisons(members.len());
    }
    Neighbours { of, flops }
}

/// The mean of the neighbours' rows in the cache (samples × width), over those that have
/// been sent; a row of zeros where none has.
pub(crate) fn neighbours_mean(cache: &[f32], width: usize, neighbours: &[u32]) -> Folded {
    let rows: Vec<Held<'_>> = neighbours
        .iter()
        .filter_map(|&sample| {
            let start = sample as usize * width;
            let values = cache.get(start..start + width)?;
            Some(Held {
                values,
                weight: 1.0,
            })
        })
        .collect();
    let mut folded = mean(&rows, width);
    folded.values.resize(width, 0.0);
    folded
}

/// Scaled to length 1; zeros stay zeros.
fn direction(hash: &[f32]) -> Vec<f64> {
    let hash: Vec<f64> = hash.iter().map(|&x| x.into()).collect();
    let length = dot(&hash, &hash).sqrt();
    let divisor = if length == 0.0 { 1.0 } else { length };
    hash.into_iter().map(|x| x / divisor).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::super::three_clients::assert_folded;
    use super::*;

    /// Angles 0°, 90°, 45°, about 27° and 180°; the fourth is of another class.
    const HASHES: [f32; 10] = [1.0, 0.0, 0.0, 5.0, 3.0, 3.0, 2.0, 1.0, -1.0, 0.0];
    const LABELS: [u32; 5] = [0, 0, 0, 1, 0];

    #[test]
    fn neighbours_are_of_the_same_class_and_nearest_in_angle() {
        let neighbours = same_class_neighbours(&HASHES, 2, &LABELS, 2);
        // The third is 45° from the first two and 135° from the last. The last is 90° from
        // the second, 135° from the third.
        let expected: [&[u32]; 5] = [&[2, 1], &[2, 0], &[0, 1], &[], &[1, 2]];
        assert_eq!(neighbours.of, expected);
        // Lengths 3·10; 12 ordered pairs of class 0 at 2·2, and 4 sorts of 4: 4·8.
        assert_eq!(neighbours.flops, 30 + 48 + 32);
        // More than there are: all of them.
        assert_eq!(
            same_class_neighbours(&HASHES, 2, &LABELS, 16).of[0],
            [2, 1, 4]
        );
    }

    #[test]
    fn a_sample_is_taught_by_the_mean_of_the_neighbours_that_were_sent() {
        // The second sample has not been sent yet.
        let cache = [0.9, 0.1, 0.0, 0.0, 0.5, 0.5, 0.2, 0.8];
        assert_folded(&neighbours_mean(&cache, 2, &[0, 1, 3]), &[0.55, 0.45]);
        assert_folded(&neighbours_mean(&cache, 2, &[1]), &[0.0, 0.0]);
        assert_folded(&neighbours_mean(&cache, 2, &[]), &[0.0, 0.0]);
    }
}
