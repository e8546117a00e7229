//! How unevenly a quantity is spread: the statistics of fairness.
//!
//! The values are those of every client of a run, not a sample of clients, so the
//! variance has n as its denominator. A statistic that says nothing is `None`: any
//! measure of spread of one value, and the shares of an all-zero total.

/// Values, all finite and none below zero, in ascending order.
#[derive(Debug, Clone, PartialEq)]
pub struct Spread {
    sorted: Vec<f64>,
}

impl Spread {
    /// Of values in any order; `None` of none.
    #[must_use]
    pub fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        (!values.is_empty()).then_some(Self { sorted: values })
    }

    /// How many values there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.sorted.len() as u64
    }

    fn size(&self) -> f64 {
        self.sorted.len() as f64
    }

    fn total(&self) -> f64 {
        self.sorted.iter().sum()
    }

    /// Σa/n.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.total() / self.size()
    }

    fn variance(&self) -> f64 {
        let mean = self.mean();
        self.sorted.iter().map(|a| (a - mean).powi(2)).sum::<f64>() / self.size()
    }

    /// √(Σ(a−ā)²/n).
    #[must_use]
    pub fn standard_deviation(&self) -> Option<f64> {
        self.of_several(self.variance().sqrt())
    }

    /// Mean of the ⌈n/10⌉ lowest values.
    #[must_use]
    pub fn worst_decile_mean(&self) -> f64 {
        let lowest = &self.sorted[..self.sorted.len().div_ceil(10)];
        lowest.iter().sum::<f64>() / lowest.len() as f64
    }

    /// The highest value minus the lowest.
    #[must_use]
    pub fn best_minus_worst(&self) -> Option<f64> {
        self.of_several(self.sorted[self.sorted.len() - 1] - self.sorted[0])
    }

    /// Gini's coefficient Σᵢⱼ|aᵢ−aⱼ|/(2n²ā): 0 where all are equal, (n−1)/n where one has all.
    ///
    /// In ascending order the double sum is 2·Σ(2i−n−1)aᵢ, i from 1.
    #[must_use]
    pub fn gini(&self) -> Option<f64> {
        let n = self.size();
        let weighted: f64 = self
            .sorted
            .iter()
            .enumerate()
            .map(|(i, a)| (2.0 * (i as f64 + 1.0) - n - 1.0) * a)
            .sum();
        // Rounding can leave equal values a hair below 0.
        self.of_shares(|total| (weighted / (n * total)).max(0.0))
    }

    /// Jain's index (Σa)²/(nΣa²): 1 where all are equal, 1/n where one has all.
    #[must_use]
    pub fn jain(&self) -> Option<f64> {
        let squares: f64 = self.sorted.iter().map(|a| a * a).sum();
        self.of_shares(|total| total * total / (self.size() * squares))
    }

    /// Entropy of the shares a/Σa divided by ln n: 1 where all are equal, 0 where one has all.
    #[must_use]
    pub fn entropy(&self) -> Option<f64> {
        self.of_shares(|total| {
            let shares = self.sorted.iter().map(|a| a / total);
            let entropy: f64 = shares.filter(|p| *p > 0.0).map(|p| -p * p.ln()).sum();
            entropy / self.size().ln()
        })
    }

    fn of_several(&self, value: f64) -> Option<f64> {
        (self.sorted.len() > 1).then_some(value)
    }

    fn of_shares(&self, value: impl FnOnce(f64) -> f64) -> Option<f64> {
        let total = self.total();
        (self.sorted.len() > 1 && total > 0.0).then(|| value(total))
    }
}

/// Standard deviation of shares p, each of n trials, beyond what chance alone gives:
/// √max(0, var(p) − mean(p(1−p)/n)), the variance of a binomial share taken out.
#[must_use]
pub fn standard_deviation_beyond_chance(shares: &[(f64, u64)]) -> Option<f64> {
    let spread = Spread::of(shares.iter().map(|(p, _)| *p).collect())?;
    let by_chance: f64 = shares.iter().map(|(p, n)| p * (1.0 - p) / *n as f64).sum();
    let beyond = spread.variance() - by_chance / spread.size();
    spread.of_several(beyond.max(0.0).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn spread(values: &[f64]) -> Spread {
        Spread::of(values.to_vec()).unwrap()
    }

    fn close(found: Option<f64>, expected: f64) {
        let found = found.unwrap();
        assert!(
            (found - expected).abs() < 1e-12,
            "{found} instead of {expected}"
        );
    }

    #[test]
    fn four_values_have_the_statistics_worked_out_by_hand() {
        // 4, 1, 2, 3: mean 2.5, squared deviations 2.25 + 2.25 + 0.25 + 0.25 = 5.
        let four = spread(&[4.0, 1.0, 2.0, 3.0]);
        close(Some(four.mean()), 2.5);
        close(four.standard_deviation(), 1.25_f64.sqrt());
        close(Some(four.worst_decile_mean()), 1.0);
        close(four.best_minus_worst(), 3.0);
        // Differences: 1+2+3+1+2+1 = 10, twice 20; 20/(2·16·2.5) = 0.25.
        close(four.gini(), 0.25);
        // 100/(4·30)
        close(four.jain(), 5.0 / 6.0);
        // Shares .1 .2 .3 .4: 0.230259 + 0.321888 + 0.361192 + 0.366516 = 1.279854; ln 4 = 1.386294.
        let entropy = four.entropy().unwrap();
        assert!(
            (entropy - 1.279_854_225 / 1.386_294_361).abs() < 1e-8,
            "{entropy}"
        );
    }

    #[test]
    fn one_who_has_all_is_the_other_end_of_every_scale() {
        let one = spread(&[0.0, 0.0, 0.0, 0.0, 7.0]);
        close(one.gini(), 0.8);
        close(one.jain(), 0.2);
        close(one.entropy(), 0.0);
    }

    #[test]
    fn the_worst_decile_of_eleven_is_two() {
        let eleven: Vec<f64> = (1..=11).rev().map(f64::from).collect();
        close(Some(spread(&eleven).worst_decile_mean()), 1.5);
        close(Some(spread(&eleven[1..]).worst_decile_mean()), 1.0);
    }

    #[test]
    fn what_says_nothing_is_undefined() {
        let alone = spread(&[0.7]);
        assert_eq!(alone.mean(), 0.7);
        assert_eq!(alone.worst_decile_mean(), 0.7);
        for nothing in [
            alone.standard_deviation(),
            alone.best_minus_worst(),
            alone.gini(),
            alone.jain(),
            alone.entropy(),
            standard_deviation_beyond_chance(&[(0.7, 10)]),
        ] {
            assert_eq!(nothing, None);
        }
        let zero = spread(&[0.0, 0.0]);
        assert_eq!(
            (zero.gini(), zero.jain(), zero.entropy()),
            (None, None, None)
        );
        assert_eq!(zero.standard_deviation(), Some(0.0));
        assert_eq!(Spread::of(vec![]), None);
    }

    #[test]
    fn the_binomial_part_is_taken_out_of_the_spread() {
        // var = 0.01 (0.7 and 0.9); chance: (0.21/42 + 0.09/45)/2 = (0.005 + 0.002)/2 = 0.0035.
        close(
            standard_deviation_beyond_chance(&[(0.7, 42), (0.9, 45)]),
            0.0065_f64.sqrt(),
        );
        // Six images a site: chance explains more than there is.
        close(standard_deviation_beyond_chance(&[(0.5, 6), (0.6, 6)]), 0.0);
    }

    proptest! {
        #[test]
        fn inequality_does_not_depend_on_scale(
            values in prop::collection::vec(0.0_f64..100.0, 2..30),
            scale in 0.01_f64..1000.0,
        ) {
            prop_assume!(values.iter().sum::<f64>() > 1e-6);
            let (one, other) = (spread(&values), spread(&values.iter().map(|a| a * scale).collect::<Vec<_>>()));
            for (a, b) in [(one.gini(), other.gini()), (one.jain(), other.jain()), (one.entropy(), other.entropy())] {
                prop_assert!((a.unwrap() - b.unwrap()).abs() < 1e-9);
            }
        }

        #[test]
        fn the_sorted_gini_is_the_double_sum(values in prop::collection::vec(0.0_f64..100.0, 2..20)) {
            prop_assume!(values.iter().sum::<f64>() > 1e-6);
            let n = values.len() as f64;
            let mean = values.iter().sum::<f64>() / n;
            let double: f64 = values.iter().flat_map(|a| values.iter().map(move |b| (a - b).abs())).sum();
            let gini = spread(&values).gini().unwrap();
            prop_assert!((gini - double / (2.0 * n * n * mean)).abs() < 1e-9);
        }
    }
}
