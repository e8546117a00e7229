//! Which public samples a client says something about: those that are as likely among its own as
//! its own are, against a uniform reference (Selective-FD's selector on the client, Shao et al.
//! 2024). Worked out anew in each participation.

use crate::federation::deployment::Deployment;
use crate::federation::local::LocalWork;
use crate::scenario::RawSampleFilter;
use fedstill_models::{DensityRatio, ModelError, median_distance, uniform_rows};

/// Whether each sample of a list stays at home.
///
/// A client without two different samples has nothing to compare with, and keeps all.
pub(super) fn stay(
    filter: RawSampleFilter,
    work: &LocalWork<'_>,
    list: &[u32],
) -> Result<Vec<bool>, ModelError> {
    let RawSampleFilter::DensityRatio {
        quantile,
        ridge,
        reference,
    } = filter
    else {
        return Ok(Vec::new());
    };
    let deployment = work.deployment;
    let gather = |samples: &[u32], data: fedstill_models::View<'_>| {
        let mut rows = Vec::new();
        for sample in samples {
            data.gather(*sample, &mut rows);
        }
        rows
    };
    let width = work.layout.n_features();
    let own = &deployment.shard(work.client).train;
    let own = gather(own, deployment.own_samples(work.client));
    let public = gather(list, deployment.common_samples_at(work.client));
    let kernel_width = median_distance(&own, width)?;
    let bounds = own.iter().chain(&public);
    let (low, high) = bounds.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), value| {
        (low.min(*value), high.max(*value))
    });
    if kernel_width <= 0.0 || low >= high {
        return Ok(Vec::new());
    }
    let seed = work.shuffle_seed("reference", 0);
    let reference = uniform_rows(reference, width, low, high, seed);
    let ratio = DensityRatio::fit(&own, &reference, width, kernel_width, ridge)?;
    let threshold = lower_quantile(ratio.at(&own)?, quantile);
    Ok(ratio.at(&public)?.iter().map(|r| *r < threshold).collect())
}

/// The value that a share `quantile` of the values lie below.
fn lower_quantile(mut values: Vec<f64>, quantile: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let place = (quantile * values.len() as f64) as usize;
    values[place.min(values.len() - 1)]
}

/// FLOPs of that for so many public samples: 3 a value of each pair measured, the median's too, and
/// the estimate's solution.
pub(super) fn flops(
    filter: RawSampleFilter,
    deployment: &Deployment,
    client: usize,
    samples: usize,
) -> u64 {
    let RawSampleFilter::DensityRatio { reference, .. } = filter else {
        return 0;
    };
    let width = deployment.client(client).layout.n_features();
    let own = deployment.shard(client).train.len() as u64;
    let (reference, samples) = (reference as u64, samples as u64);
    let median = own * own.saturating_sub(1) / 2;
    let asked = (own + samples) * (own + reference);
    DensityRatio::fit_flops(own, reference, width) + 3 * width as u64 * (median + asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_of_the_values_lie_below_their_lower_quartile() {
        let values = vec![8.0, 1.0, 3.0, 2.0, 5.0, 4.0, 7.0, 6.0];
        assert_eq!(lower_quantile(values.clone(), 0.25), 3.0);
        assert_eq!(lower_quantile(values, 0.0), 1.0);
    }
}
