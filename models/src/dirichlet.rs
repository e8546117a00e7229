//! Dirichlet proportions, exact down to tiny concentrations.

use rand::Rng;
use rand_distr::{Distribution, Gamma};

/// One draw from the symmetric Dirichlet distribution: `n` proportions that sum to 1.
///
/// Small `alpha` makes plain Gamma draws underflow to 0 all at once. Here Gamma(α) is drawn as
/// Gamma(α+1)·U^(1/α) (Marsaglia and Tsang 2000, section 6) and kept as a logarithm, which
/// cannot underflow.
pub(crate) fn symmetric_dirichlet(n: usize, alpha: f64, draw: &mut impl Rng) -> Vec<f64> {
    dirichlet(&vec![alpha; n], draw)
}

/// One draw from the Dirichlet distribution with these concentrations; one of 0 gets nothing.
pub(crate) fn dirichlet(concentrations: &[f64], draw: &mut impl Rng) -> Vec<f64> {
    let mut weights: Vec<f64> = concentrations
        .iter()
        .map(|&alpha| {
            if alpha == 0.0 {
                return f64::NEG_INFINITY;
            }
            let gamma = Gamma::new(alpha + 1.0, 1.0)
                .expect("a finite positive shape, checked by the caller");
            // In (0, 1], so that the logarithm is finite.
            let uniform: f64 = 1.0 - draw.r#gen::<f64>();
            gamma.sample(draw).ln() + uniform.ln() / alpha
        })
        .collect();
    let largest = weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    weights
        .iter_mut()
        .for_each(|weight| *weight = (*weight - largest).exp());
    let sum: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|weight| *weight /= sum);
    weights
}

/// Cuts `total` into whole parts in these proportions: part k ends at the rounded cumulative
/// share, so that the parts sum to `total` and none is off by more than one.
pub(crate) fn cut(total: usize, proportions: &[f64]) -> Vec<usize> {
    let (mut cumulative, mut before) = (0.0, 0);
    let last = proportions.len() - 1;
    proportions
        .iter()
        .enumerate()
        .map(|(place, proportion)| {
            cumulative += proportion;
            let end = if place == last {
                total
            } else {
                ((cumulative * total as f64).round() as usize).clamp(before, total)
            };
            let size = end - before;
            before = end;
            size
        })
        .collect()
}
