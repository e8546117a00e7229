//! Proportions of sizes for quantity skew: log-normal and Zipf.

use rand::Rng;
use rand::seq::SliceRandom;
use rand_distr::{Distribution, StandardNormal};

use super::PartitionError;

/// exp(σ·z) of each client, as shares of the whole.
pub(super) fn log_normal(
    clients: usize,
    sigma: f64,
    draw: &mut impl Rng,
) -> Result<Vec<f64>, PartitionError> {
    check("the standard deviation sigma", sigma)?;
    let logs: Vec<f64> = (0..clients)
        .map(|_| {
            let normal: f64 = StandardNormal.sample(draw);
            sigma * normal
        })
        .collect();
    // Without the largest the exponential of a wide distribution overflows.
    let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    Ok(shares(
        logs.iter().map(|log| (log - largest).exp()).collect(),
    ))
}

/// r^−s of each client's rank r from 1, as shares of the whole; the ranks are drawn by lot.
pub(super) fn zipf(
    clients: usize,
    exponent: f64,
    draw: &mut impl Rng,
) -> Result<Vec<f64>, PartitionError> {
    check("the exponent", exponent)?;
    let mut weights: Vec<f64> = (1..=clients)
        .map(|rank| (rank as f64).powf(-exponent))
        .collect();
    weights.shuffle(draw);
    Ok(shares(weights))
}

fn check(what: &'static str, value: f64) -> Result<(), PartitionError> {
    if value.is_finite() && value >= 0.0 {
        Ok(())
    } else {
        Err(PartitionError::Skew { what, value })
    }
}

fn shares(mut weights: Vec<f64>) -> Vec<f64> {
    let sum: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|weight| *weight /= sum);
    weights
}
