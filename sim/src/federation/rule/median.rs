//! The coordinate-wise median (Yin et al. 2018, "Byzantine-robust distributed learning",
//! definition 1; for predictions: Cronus, Chang et al. 2019).

use super::{Folded, Held, Layout, comparisons};

/// The median of every value over the contributions that have its row, the mean of the
/// middle two where their number is even. Every contribution counts once, whatever it weighs.
pub(crate) fn median(contributions: &[Held<'_>], width: usize) -> Folded {
    let layout = Layout::of(contributions, width);
    let mut values = Vec::with_capacity(layout.length());
    let mut flops = 0;
    let mut column = Vec::with_capacity(contributions.len());
    for row in 0..layout.rows {
        let holders: Vec<&[f32]> = layout
            .holders(contributions, row)
            .map(|(_, held, _)| held)
            .collect();
        for place in 0..layout.width {
            column.clear();
            column.extend(holders.iter().map(|held| held[place]));
            column.sort_unstable_by(f32::total_cmp);
            values.push(middle(&column));
        }
        flops += layout.width as u64 * comparisons(holders.len());
    }
    Folded::of_all(values, flops)
}

/// The middle of sorted values; 0 where there is none.
fn middle(sorted: &[f32]) -> f32 {
    let half = sorted.len() / 2;
    match sorted.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => sorted[half],
        _ => ((f64::from(sorted[half - 1]) + f64::from(sorted[half])) / 2.0) as f32,
    }
}

#[cfg(test)]
mod tests {
    use super::super::three_clients::{ROWS, assert_folded, equal, weighing};
    use super::*;

    #[test]
    fn the_median_of_three_is_the_middle_one_and_of_two_their_mean() {
        // 0.3 < 0.6 < 0.9 and 0.1 < 0.4 < 0.7; (0.2 + 0.5)/2 and (0.8 + 0.5)/2.
        let folded = median(&equal(&ROWS), 2);
        assert_folded(&folded, &[0.6, 0.4, 0.35, 0.65]);
        // Two values of three holders, two of two: 2·(3·2) + 2·(2·1).
        assert_eq!(folded.flops, 16);
    }

    #[test]
    fn one_wild_contribution_of_three_is_ignored_whatever_it_weighs() {
        let models = [[1.0, -2.0], [1.2, -2.2], [-1e30, 1e30]];
        let folded = median(&weighing(&models, &[1.0, 1.0, 1e9]), 0);
        // -1e30 < 1 < 1.2 and -2.2 < -2 < 1e30.
        assert_folded(&folded, &[1.0, -2.0]);
    }
}
