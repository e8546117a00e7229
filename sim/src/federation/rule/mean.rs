//! The weighted mean (FedAvg, McMahan et al. 2017, algorithm 1; FedMD, Li and Wang 2019),
//! and for each child the mean over the others (FD, Jeong et al. 2018).

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

/// Where a child outweighs the others by this much, taking it out of the sum would leave
/// rounding errors; the others are summed instead.
const CANCELLED: f64 = 1e-6;

/// The mean over the others, for each child: everybody is summed once, and a child's own
/// part is taken out when it asks.
#[derive(Debug)]
pub(crate) struct MeanOfOthers<'a> {
    contributions: &'a [Held<'a>],
    layout: Layout,
    /// Σ wₖxₖ per value, Σ wₖ and the number of holders per row.
    sums: Vec<f64>,
    weights: Vec<f64>,
    holders: Vec<u32>,
}

impl<'a> MeanOfOthers<'a> {
    /// Sums everybody.
    pub(crate) fn new(contributions: &'a [Held<'a>], width: usize) -> Self {
        let layout = Layout::of(contributions, width);
        let mut summed = Self {
            contributions,
            layout,
            sums: vec![0.0; layout.length()],
            weights: vec![0.0; layout.rows],
            holders: vec![0; layout.rows],
        };
        for row in 0..layout.rows {
            for (_, values, weight) in layout.holders(contributions, row) {
                add_weighted(&mut summed.sums[layout.place(row)], values, weight);
                summed.weights[row] += weight;
                summed.holders[row] += 1;
            }
        }
        summed
    }

    /// What the sums cost; taking a child out costs another 2 a value.
    pub(crate) fn flops(&self) -> u64 {
        2 * (self.layout.length() * self.contributions.len()) as u64
    }

    /// The mean over all but the contribution at this place, or over all. A row that nobody
    /// else has is a row of zeros: it has no teacher.
    pub(crate) fn without(&self, own: Option<usize>) -> Vec<f32> {
        let mut values = Vec::with_capacity(self.layout.length());
        let own_held = own.and_then(|own| self.contributions.get(own));
        let mut sums = vec![0.0; self.layout.width];
        for row in 0..self.layout.rows {
            sums.copy_from_slice(&self.sums[self.layout.place(row)]);
            let mut total = self.weights[row];
            let mut holders = self.holders[row];
            if let Some(held) = own_held
                && let Some(own_values) = self.layout.row(held, row)
            {
                holders -= 1;
                add_weighted(&mut sums, own_values, -held.weight);
                total -= held.weight;
                if total < CANCELLED * self.weights[row] {
                    total = self.sum_of_others(own, row, &mut sums);
                }
            }
            if holders == 0 || total == 0.0 {
                values.extend(sums.iter().map(|_| 0.0));
            } else {
                values.extend(sums.iter().map(|sum| (sum / total) as f32));
            }
        }
        values
    }

    /// Sums a row over everybody but one; gives the weight.
    fn sum_of_others(&self, own: Option<usize>, row: usize, sums: &mut [f64]) -> f64 {
        sums.fill(0.0);
        let mut total = 0.0;
        let holders = self.layout.holders(self.contributions, row);
        for (_, values, weight) in holders.filter(|(place, ..)| Some(*place) != own) {
            add_weighted(sums, values, weight);
            total += weight;
        }
        total
    }
}

#[cfg(test)]
mod tests {
    use super::super::three_clients::{ROWS, assert_close, assert_folded, equal, weighing};
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

    #[test]
    fn each_child_is_given_the_mean_of_the_others_that_have_the_row() {
        let contributions = equal(&ROWS);
        let others = MeanOfOthers::new(&contributions, 2);
        // (0.6+0.3)/2, (0.9+0.3)/2, (0.9+0.6)/2 in class 0; only 2, only 1, both in class 1.
        assert_close(&others.without(Some(0)), &[0.45, 0.55, 0.5, 0.5]);
        assert_close(&others.without(Some(1)), &[0.6, 0.4, 0.2, 0.8]);
        assert_close(&others.without(Some(2)), &[0.75, 0.25, 0.35, 0.65]);
        // Who did not contribute is given the mean of all.
        assert_close(&others.without(None), &[0.6, 0.4, 0.35, 0.65]);
        assert_eq!(others.flops(), 2 * 4 * 3);
    }

    #[test]
    fn a_row_that_nobody_else_has_has_no_teacher() {
        let contributions = weighing(&ROWS[1..], &[0.37, 0.37]);
        let others = MeanOfOthers::new(&contributions, 2);
        assert_close(&others.without(Some(0)), &[0.3, 0.7, 0.0, 0.0]);
    }

    #[test]
    fn a_child_that_outweighs_the_others_by_far_still_learns_from_them() {
        let contributions = weighing(&ROWS[..2], &[1.0, 1e-40]);
        let others = MeanOfOthers::new(&contributions, 2);
        assert_close(&others.without(Some(0)), &[0.6, 0.4, 0.5, 0.5]);
    }
}
