//! The weighted mean (FedAvg, McMahan et al. 2017, algorithm 1; FedMD, Li and Wang 2019).

use super::{Folded, Held, Layout, add_weighted};

/// Σ wₖxₖ / Σ wₖ for every row, over the contributions that have it: a multiply and an add
/// a value and contribution.
pub(crate) fn mean(contributions: &[Held<'_>], width: usize) -> Folded {
    let layout = Layout::of(contributions, width);
    let mut values = Vec::with_capacity(layout.length());
    let mut sums = vec![0.0; layout.width];
    for row in 0..layout.rows {
        sums.fill(0.0);
        let mut total = 0.0;
        for (_, held, weight) in layout.holders(contributions, row) {
            add_weighted(&mut sums, held, weight);
            total += weight;
        }
        // Where nobody has the row, 0/1.
        let divisor = if total == 0.0 { 1.0 } else { total };
        values.extend(sums.iter().map(|sum| (sum / divisor) as f32));
    }
    let flops = 2 * (layout.length() * contributions.len()) as u64;
    Folded::of_all(values, flops)
}

#[cfg(test)]
mod tests {
    use super::super::three_clients::{ROWS, assert_folded, weighing};
    use super::*;

    #[test]
    fn the_mean_weighs_each_row_by_those_that_have_it() {
        // First row: (3·0.9 + 1·0.6 + 4·0.3)/8 and (3·0.1 + 1·0.4 + 4·0.7)/8.
        // Second, without the third: (3·0.2 + 0.5)/4 and (3·0.8 + 0.5)/4.
        let folded = mean(&weighing(&ROWS, &[3.0, 1.0, 4.0]), 2);
        assert_folded(&folded, &[0.5625, 0.4375, 0.275, 0.725]);
        assert_eq!(folded.flops, 2 * 4 * 3);
    }

    #[test]
    fn parameters_are_averaged_with_their_zeros() {
        // (1·10 + 4·20 + 7·30)/60 = 5; (0·10 + 6·20 + 0·30)/60 = 2.
        let models = [[1.0, 0.0], [4.0, 6.0], [7.0, 0.0]];
        let folded = mean(&weighing(&models, &[10.0, 20.0, 30.0]), 0);
        assert_folded(&folded, &[5.0, 2.0]);
    }

    #[test]
    fn one_contribution_is_its_own_mean_to_the_last_bit() {
        let alone = [[0.1, 0.7, 1e-30]];
        assert_eq!(mean(&weighing(&alone, &[0.3]), 0).values, alone[0]);
        assert!(mean(&[], 2).values.is_empty());
    }
}
