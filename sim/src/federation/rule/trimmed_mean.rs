//! The coordinate-wise trimmed mean (Yin et al. 2018, "Byzantine-robust distributed
//! learning", definition 2).

use super::{Folded, Held, Layout, comparisons};

/// The mean of every value over the contributions that have its row, without the largest
/// and the smallest `share` of them, rounded down, on each side. `share` is at least 0 and
/// below 1/2. What is left is averaged by weight; the paper's weights are equal.
pub(crate) fn trimmed_mean(contributions: &[Held<'_>], width: usize, share: f64) -> Folded {
    let layout = Layout::of(contributions, width);
    let mut values = Vec::with_capacity(layout.length());
    let mut flops = 0;
    let mut column: Vec<(f32, f64)> = Vec::with_capacity(contributions.len());
    for row in 0..layout.rows {
        let holders: Vec<(&[f32], f64)> = layout
            .holders(contributions, row)
            .map(|(_, held, weight)| (held, weight))
            .collect();
        let cut = trimmed(holders.len(), share);
        for place in 0..layout.width {
            column.clear();
            column.extend(holders.iter().map(|(held, weight)| (held[place], *weight)));
            // Without a cut nothing is sorted, so that the sum stays in child order.
            if cut > 0 {
                column.sort_by(|(a, _), (b, _)| a.total_cmp(b));
            }
            let kept = &column[cut..column.len() - cut];
            let total: f64 = kept.iter().map(|(_, weight)| weight).sum();
            let sum: f64 = kept.iter().map(|(x, weight)| weight * f64::from(*x)).sum();
            let mean = if kept.is_empty() { 0.0 } else { sum / total };
            values.push(mean as f32);
        }
        let sorting = if cut > 0 {
            comparisons(holders.len())
        } else {
            0
        };
        flops += layout.width as u64 * (sorting + 2 * (holders.len() - 2 * cut) as u64);
    }
    Folded::of_all(values, flops)
}

/// How many are cut on each side; some are always left.
fn trimmed(holders: usize, share: f64) -> usize {
    // 0.29·100 is a little below 29.
    let cut = (share * holders as f64 + 1e-9).floor() as usize;
    cut.min(holders.saturating_sub(1) / 2)
}

#[cfg(test)]
mod tests {
    use super::super::mean;
    use super::super::three_clients::{ROWS, assert_folded, equal, weighing};
    use super::*;

    #[test]
    fn a_third_on_each_side_of_three_leaves_the_middle_one() {
        // 0.6 and 0.4 are in the middle; of two, ⌊2/3⌋ = 0 are cut: (0.2+0.5)/2, (0.8+0.5)/2.
        let folded = trimmed_mean(&equal(&ROWS), 2, 1.0 / 3.0);
        assert_folded(&folded, &[0.6, 0.4, 0.35, 0.65]);
        // Two values sorted of three and one added, two values of two added: 2·(6+2) + 2·4.
        assert_eq!(folded.flops, 24);
    }

    #[test]
    fn a_fifth_on_each_side_of_five_cuts_the_wild_ones() {
        let models = [[2.0], [-1e20], [4.0], [3.0], [1e20]];
        assert_folded(&trimmed_mean(&equal(&models), 0, 0.2), &[3.0]);
        // (2·1 + 4·1 + 3·2)/4
        let weights = [1.0, 5.0, 1.0, 2.0, 5.0];
        assert_folded(&trimmed_mean(&weighing(&models, &weights), 0, 0.2), &[3.0]);
    }

    #[test]
    fn without_a_cut_it_is_the_mean() {
        let contributions = weighing(&ROWS, &[3.0, 1.0, 4.0]);
        let untrimmed = trimmed_mean(&contributions, 2, 0.0);
        assert_eq!(untrimmed.values, mean(&contributions, 2).values);
    }

    #[test]
    fn the_number_cut_is_rounded_down_and_never_all() {
        assert_eq!(trimmed(100, 0.29), 29);
        assert_eq!(trimmed(9, 0.1), 0);
        assert_eq!(trimmed(10, 0.1), 1);
        assert_eq!(trimmed(2, 0.4999999999), 0);
        assert_eq!(trimmed(0, 0.2), 0);
    }
}
