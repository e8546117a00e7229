//! Class-wise means that weigh each client by how many samples of the class it has
//! (FedProto, Tan et al. 2022; FedHKD, Chen et al. 2023). FedProto
//! as its authors run it takes the plain mean instead: [`mean`](super::mean()) with equal weights.

use super::{Folded, Held, Layout, add_weighted, is_present};

/// Σ wₖnₖ꜀xₖ꜀ / Σ wₖnₖ꜀ for every class c, over the contributions that have it.
///
/// `counts` gives nₖ꜀ per contribution and row; where it gives none, or 0, the client does
/// not have the class.
pub(crate) fn class_means(contributions: &[Held<'_>], width: usize, counts: &[&[f32]]) -> Folded {
    let layout = Layout::of(contributions, width);
    let mut values = Vec::with_capacity(layout.length());
    let mut sums = vec![0.0; layout.width];
    for row in 0..layout.rows {
        sums.fill(0.0);
        let mut total = 0.0;
        for (place, held, weight) in layout.holders(contributions, row) {
            let count = counts.get(place).and_then(|counts| counts.get(row));
            let weight = weight * f64::from(count.copied().unwrap_or(0.0));
            if weight > 0.0 {
                add_weighted(&mut sums, held, weight);
                total += weight;
            }
        }
        let divisor = if total == 0.0 { 1.0 } else { total };
        values.extend(sums.iter().map(|sum| (sum / divisor) as f32));
    }
    let flops = 2 * (layout.length() * contributions.len()) as u64;
    Folded::of_all(values, flops)
}

/// The new knowledge, with the old one in rows that nobody sent: a class that is not seen
/// in a version is not forgotten.
pub(crate) fn keep_known(mut new: Vec<f32>, old: &[f32], width: usize) -> Vec<f32> {
    if new.len() < old.len() {
        new.resize(old.len(), 0.0);
    }
    let width = width.max(1);
    for (new, old) in new.chunks_exact_mut(width).zip(old.chunks_exact(width)) {
        if !is_present(new) {
            new.copy_from_slice(old);
        }
    }
    new
}

#[cfg(test)]
mod tests {
    use super::super::mean;
    use super::super::three_clients::{ROWS, assert_close, assert_folded, equal};
    use super::*;

    #[test]
    fn a_class_weighs_each_client_by_its_samples_of_that_class() {
        // Class 0: (1·0.9 + 2·0.6 + 5·0.3)/8 and (1·0.1 + 2·0.4 + 5·0.7)/8.
        // Class 1: (30·0.2 + 10·0.5)/40 and (30·0.8 + 10·0.5)/40; the third has none.
        let counts: [&[f32]; 3] = [&[1.0, 30.0], &[2.0, 10.0], &[5.0, 0.0]];
        let folded = class_means(&equal(&ROWS), 2, &counts);
        assert_folded(&folded, &[0.45, 0.55, 0.275, 0.725]);
        assert_eq!(folded.flops, 24);
    }

    #[test]
    fn equal_counts_are_the_plain_mean_and_no_count_is_no_class() {
        let equally: [&[f32]; 3] = [&[7.0, 7.0]; 3];
        let plain = mean(&equal(&ROWS), 2);
        assert_eq!(class_means(&equal(&ROWS), 2, &equally), plain);
        let folded = class_means(&equal(&ROWS), 2, &[&[1.0], &[], &[0.0]]);
        assert_folded(&folded, &[0.9, 0.1, 0.0, 0.0]);
    }

    #[test]
    fn a_class_that_nobody_sent_keeps_what_was_known() {
        let kept = keep_known(vec![0.0, 0.0, 0.3, 0.7], &[0.9, 0.1, 0.5, 0.5, 1.0, 0.0], 2);
        assert_close(&kept, &[0.9, 0.1, 0.3, 0.7, 1.0, 0.0]);
    }
}
