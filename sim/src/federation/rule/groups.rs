//! A mean per group of contributions: per architecture (FedDF, Lin et al. 2020)
//! or per cluster (COMET, Cho et al. 2021).

use super::{Folded, Held, mean};
use std::collections::BTreeMap;

/// The weighted mean of each group's contributions; `groups` names the group of each.
/// Lengths may differ between groups. A group that nobody is in is not there.
pub(crate) fn group_means(
    contributions: &[Held<'_>],
    width: usize,
    groups: &[usize],
) -> BTreeMap<usize, Folded> {
    debug_assert_eq!(contributions.len(), groups.len());
    let mut members: BTreeMap<usize, Vec<Held<'_>>> = BTreeMap::new();
    for (held, group) in contributions.iter().zip(groups) {
        members.entry(*group).or_default().push(*held);
    }
    let fold = |(group, members): (usize, Vec<Held<'_>>)| (group, mean(&members, width));
    members.into_iter().map(fold).collect()
}

#[cfg(test)]
mod tests {
    use super::super::three_clients::{ROWS, assert_folded, weighing};
    use super::*;

    #[test]
    fn each_architecture_is_averaged_by_itself() {
        let models: [&[f32]; 3] = [&[1.0, 0.0, 5.0], &[4.0], &[3.0, 8.0, 5.0]];
        let contributions: Vec<Held<'_>> = models
            .iter()
            .zip([1.0, 2.0, 3.0])
            .map(|(values, weight)| Held { values, weight })
            .collect();
        let folded = group_means(&contributions, 0, &[7, 2, 7]);
        assert_eq!(folded.keys().copied().collect::<Vec<_>>(), [2, 7]);
        assert_folded(&folded[&2], &[4.0]);
        // (1·1 + 3·3)/4, (0 + 3·8)/4, 5; two contributions of three values.
        assert_folded(&folded[&7], &[2.5, 6.0, 5.0]);
        assert_eq!(folded[&7].flops, 12);
    }

    #[test]
    fn each_cluster_has_a_centroid_of_its_members_rows() {
        // The second and third: (0.6+0.3)/2, (0.4+0.7)/2; only the second has the second row.
        let folded = group_means(&weighing(&ROWS, &[1.0; 3]), 2, &[0, 1, 1]);
        assert_folded(&folded[&0], &[0.9, 0.1, 0.2, 0.8]);
        assert_folded(&folded[&1], &[0.45, 0.55, 0.5, 0.5]);
    }
}
