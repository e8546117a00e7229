//! Krum and multi-Krum (Blanchard et al. 2017, "Machine learning with adversaries:
//! Byzantine tolerant gradient descent").

use super::{Folded, Held, Layout, comparisons, mean, squared_distance};

/// The mean of the `keep` contributions that lie closest to their neighbours; the others
/// are rejected. `keep` = 1 is Krum, more is multi-Krum.
///
/// A contribution's score is the sum of its squared distances to the n − f − 2 closest of
/// the others, at least one, where f = `attackers`. The smallest scores are kept, the
/// first of equal ones. The paper's guarantee needs n ≥ 2f + 3. Of two contributions only
/// the rows that both have are compared, by their mean distance; with no row in common they
/// are infinitely far apart. What is kept is averaged by weight.
pub(crate) fn krum(
    contributions: &[Held<'_>],
    width: usize,
    attackers: usize,
    keep: usize,
) -> Folded {
    let layout = Layout::of(contributions, width);
    let present: Vec<usize> = (0..contributions.len())
        .filter(|place| {
            (0..layout.rows).any(|row| layout.row(&contributions[*place], row).is_some())
        })
        .collect();
    let count = present.len();
    let mut distances = vec![0.0; count * count];
    for a in 0..count {
        for b in a + 1..count {
            let pair = [present[a], present[b]].map(|place| &contributions[place]);
            let distance = distance(layout, pair);
            distances[a * count + b] = distance;
            distances[b * count + a] = distance;
        }
    }
    let neighbours = count.saturating_sub(attackers + 2).max(1);
    let mut scores: Vec<(f64, usize)> = Vec::with_capacity(count);
    for (own, &place) in present.iter().enumerate() {
        let mut others: Vec<f64> = (0..count)
            .filter(|other| *other != own)
            .map(|other| distances[own * count + other])
            .collect();
        others.sort_unstable_by(f64::total_cmp);
        scores.push((others.iter().take(neighbours).sum(), place));
    }
    scores.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let mut kept: Vec<usize> = scores.iter().take(keep).map(|(_, place)| *place).collect();
    kept.sort_unstable();
    let chosen: Vec<Held<'_>> = kept.iter().map(|&place| contributions[place]).collect();
    let folded = mean(&chosen, width);

    let pairs = (count * count.saturating_sub(1) / 2) as u64;
    let ranking = (count as u64 + 1) * comparisons(count);
    Folded {
        values: folded.values,
        rejected: (0..contributions.len())
            .filter(|place| kept.binary_search(place).is_err())
            .collect(),
        flops: pairs * 3 * layout.length() as u64 + ranking + folded.flops,
    }
}

/// The mean squared distance of the rows that both have.
fn distance(layout: Layout, pair: [&Held<'_>; 2]) -> f64 {
    let mut sum = 0.0;
    let mut shared = 0;
    for row in 0..layout.rows {
        if let [Some(a), Some(b)] = pair.map(|held| layout.row(held, row)) {
            sum += squared_distance(a, b);
            shared += 1;
        }
    }
    let distance = sum / f64::from(shared);
    // Neither 0/0 nor what an attacker may send is close to anything.
    if distance.is_finite() {
        distance
    } else {
        f64::INFINITY
    }
}

#[cfg(test)]
mod tests {
    use super::super::three_clients::{ROWS, assert_close, equal, weighing};
    use super::*;

    #[test]
    fn of_three_the_one_closest_to_another_is_taken() {
        // Mean over the rows both have, the third's first value made 0.2.
        // 1–2: (0.3²+0.3²+0.3²+0.3²)/2 = 0.18; 1–3: 0.7²+0.6² = 0.85; 2–3: 0.4²+0.3² = 0.25.
        // One neighbour each, so the scores are 0.18, 0.18 and 0.25: the first of equals.
        let mut rows = ROWS;
        rows[2][0] = 0.2;
        let folded = krum(&equal(&rows), 2, 0, 1);
        assert_close(&folded.values, &[0.9, 0.1, 0.2, 0.8]);
        assert_eq!(folded.rejected, [1, 2]);
        // 3 pairs · 3 · 4 values, (3 + 1)·(3·2) comparisons, a mean of one: 2·4.
        assert_eq!(folded.flops, 36 + 24 + 8);
    }

    /// Five clustered models, and two attackers that agree with each other.
    const CLUSTER: [[f32; 2]; 7] = [
        [1.0, 1.0],
        [9.0, -9.0],
        [1.1, 1.0],
        [1.0, 1.1],
        [9.0, -9.0],
        [0.9, 1.0],
        [1.0, 0.9],
    ];

    #[test]
    fn krum_takes_the_middle_of_the_cluster() {
        // n − f − 2 = 3 neighbours. The middle: 3·0.01. The others of the cluster:
        // 0.01 + 2·0.02. An attacker: 0 and two far ones, above 100.
        let folded = krum(&equal(&CLUSTER), 0, 2, 1);
        assert_close(&folded.values, &[1.0, 1.0]);
        assert_eq!(folded.rejected, [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn multi_krum_averages_the_cluster_and_rejects_the_attackers() {
        let folded = krum(
            &weighing(&CLUSTER, &[1.0, 50.0, 1.0, 1.0, 50.0, 1.0, 1.0]),
            0,
            2,
            5,
        );
        assert_close(&folded.values, &[1.0, 1.0]);
        assert_eq!(folded.rejected, [1, 4]);
        // By weight: (1 + 3·1.1 + 1 + 0.9 + 1)/7, (1 + 3·1 + 1.1 + 1 + 0.9)/7.
        let folded = krum(
            &weighing(&CLUSTER, &[1.0, 50.0, 3.0, 1.0, 50.0, 1.0, 1.0]),
            0,
            2,
            5,
        );
        assert_close(&folded.values, &[7.2 / 7.0, 1.0]);
    }

    #[test]
    fn what_is_not_a_number_is_far_from_everything() {
        let models = [[-f32::NAN], [1.0], [1.1], [f32::INFINITY]];
        let folded = krum(&equal(&models), 0, 1, 2);
        assert_close(&folded.values, &[1.05]);
        assert_eq!(folded.rejected, [0, 3]);
    }

    #[test]
    fn fewer_contributions_than_are_kept_are_averaged_and_an_empty_one_is_rejected() {
        let folded = krum(&equal(&[[1.0, 3.0], [3.0, 5.0]]), 2, 0, 9);
        assert_close(&folded.values, &[2.0, 4.0]);
        assert!(folded.rejected.is_empty());
        let folded = krum(&equal(&[[0.0, 0.0], [3.0, 5.0]]), 2, 0, 1);
        assert_close(&folded.values, &[3.0, 5.0]);
        assert_eq!(folded.rejected, [0]);
    }
}
