//! What taking part gave each client over its local-only twin: who gained, who was harmed.

use crate::records::{Benefit, RunBooks};
use crate::scenario::RawBenefit;

/// A difference in accuracy that counts as gain or harm.
pub const NOTICEABLE: f64 = 0.01;

/// Benefit over all clients.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BenefitSummary {
    /// Mean over clients.
    pub mean: f64,
    /// Share of clients gaining more than [`NOTICEABLE`].
    pub share_gaining: f64,
    /// Share of clients losing more than [`NOTICEABLE`].
    pub share_harmed: f64,
    /// Spearman's rank correlation with the number of training samples: negative where it is the
    /// weak sites that gain. `None` where benefits or sizes are all equal.
    pub rank_correlation_with_size: Option<f64>,
}

/// The accuracy in which a benefit is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BenefitSplit {
    /// On the global test set weighted by the client's label shares.
    Matched,
    /// On the global test set.
    Global,
}

impl BenefitSummary {
    /// Of a run against one kind of twin; `None` where no client has such a benefit.
    #[must_use]
    pub fn of(books: &RunBooks, twin: RawBenefit, split: BenefitSplit) -> Option<Self> {
        let pairs: Vec<(f64, f64)> = books
            .clients
            .iter()
            .filter_map(|client| {
                let benefit = benefit_of(&client.benefit, twin)?;
                let value = match split {
                    BenefitSplit::Matched => benefit.matched?,
                    BenefitSplit::Global => benefit.global,
                };
                value.is_finite().then_some((value, client.n_train as f64))
            })
            .collect();
        summarise(&pairs)
    }
}

/// A client's benefit against one kind of twin.
#[must_use]
pub fn benefit_of(benefits: &[Option<Benefit>; 2], twin: RawBenefit) -> Option<&Benefit> {
    match twin {
        RawBenefit::EqualEpochs => benefits[0].as_ref(),
        RawBenefit::EqualTime => benefits[1].as_ref(),
    }
}

/// From pairs of benefit and number of samples.
fn summarise(pairs: &[(f64, f64)]) -> Option<BenefitSummary> {
    if pairs.is_empty() {
        return None;
    }
    let (benefits, sizes): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
    let count = benefits.len() as f64;
    let share = |holds: fn(f64) -> bool| {
        benefits.iter().filter(|benefit| holds(**benefit)).count() as f64 / count
    };
    Some(BenefitSummary {
        mean: benefits.iter().sum::<f64>() / count,
        share_gaining: share(|benefit| benefit > NOTICEABLE),
        share_harmed: share(|benefit| benefit < -NOTICEABLE),
        rank_correlation_with_size: correlation(&ranks(&benefits), &ranks(&sizes)),
    })
}

/// Ranks from 1; equal values share the mean of their ranks.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    for tied in order.chunk_by(|a, b| values[*a] == values[*b]) {
        let below = order.partition_point(|i| values[*i] < values[tied[0]]);
        let rank = below as f64 + (tied.len() as f64 + 1.0) / 2.0;
        for place in tied {
            ranks[*place] = rank;
        }
    }
    ranks
}

/// Pearson's correlation; of ranks it is Spearman's.
fn correlation(a: &[f64], b: &[f64]) -> Option<f64> {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let products = a.iter().zip(b).map(|(x, y)| (x - mean_a) * (y - mean_b));
    let squares =
        |values: &[f64], mean: f64| values.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
    let scale = (squares(a, mean_a) * squares(b, mean_b)).sqrt();
    (scale > 0.0).then(|| (products.sum::<f64>() / scale).clamp(-1.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_share_their_mean_rank() {
        assert_eq!(ranks(&[5.0, 1.0, 5.0, 9.0]), [2.5, 1.0, 2.5, 4.0]);
    }

    #[test]
    fn without_ties_the_correlation_is_spearmans_formula() {
        // 1 − 6Σd²/(n(n²−1)): ranks 2,1,3,5,4 against 1..5, Σd² = 4, 1 − 24/120 = 0.8.
        let pairs: Vec<(f64, f64)> = [0.02, -0.02, 0.03, 0.5, 0.04]
            .into_iter()
            .zip([10.0, 20.0, 30.0, 40.0, 50.0])
            .collect();
        let summary = summarise(&pairs).unwrap();
        assert!((summary.rank_correlation_with_size.unwrap() - 0.8).abs() < 1e-12);
        assert!((summary.mean - 0.114).abs() < 1e-12);
        assert_eq!((summary.share_gaining, summary.share_harmed), (0.8, 0.2));
    }

    #[test]
    fn a_hundredth_is_neither_gain_nor_harm() {
        let summary = summarise(&[(0.01, 5.0), (-0.01, 5.0)]).unwrap();
        assert_eq!((summary.share_gaining, summary.share_harmed), (0.0, 0.0));
        assert_eq!(summary.rank_correlation_with_size, None);
        assert_eq!(summarise(&[]), None);
    }
}
