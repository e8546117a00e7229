//! Predictions of a model that is not being trained.

use std::sync::Arc;

use dfdx::prelude::*;

use crate::error::{ModelError, check_length};
use crate::layout::Layout;
use crate::network::Network;
use crate::score::{Evaluation, score_logits};
use crate::view::View;

/// Samples of one forward pass: large enough for fast products ...
const MOST: usize = 256;
/// ... and small enough that the largest output of a layer, in numbers, stays in the cache.
const WIDEST: usize = 1 << 18;

/// Logits of the samples `indices`, row-major `n × classes`, in their order.
///
/// # Errors
/// When the parameters do not fit the layout or the layout does not fit the data set.
///
/// # Panics
/// When an index is not below the number of samples.
pub fn predict_logits<'d>(
    layout: &Layout,
    parameters: &[f32],
    data: impl Into<View<'d>>,
    indices: &[u32],
) -> Result<Vec<f32>, ModelError> {
    let layout = Arc::new(layout.clone());
    let network = Network::new(layout, parameters, 0)?;
    outputs(&network, network.layout().n_classes(), data.into(), indices)
}

/// What the extractor hands to the head, for the samples `indices`: row-major `n ×`
/// [`Layout::feature_width`], in their order.
///
/// # Errors
/// When the parameters do not fit the layout or the layout does not fit the data set.
///
/// # Panics
/// When an index is not below the number of samples.
pub fn extract_features<'d>(
    layout: &Layout,
    parameters: &[f32],
    data: impl Into<View<'d>>,
    indices: &[u32],
) -> Result<Vec<f32>, ModelError> {
    let network = Network::extractor(Arc::new(layout.clone()), parameters)?;
    outputs(
        &network,
        network.layout().feature_width(),
        data.into(),
        indices,
    )
}

fn outputs(
    network: &Network,
    width: usize,
    data: View<'_>,
    indices: &[u32],
) -> Result<Vec<f32>, ModelError> {
    let layout = network.layout();
    check_length(
        "features of the data set",
        data.dataset().n_features(),
        layout.n_features(),
    )?;
    let sizes = layout.layers().iter().map(|layer| layer.output().size());
    let widest = sizes.max().unwrap_or(1);
    let batch = (WIDEST / widest).clamp(1, MOST);
    let mut features = Vec::with_capacity(batch.min(indices.len()) * layout.n_features());
    let mut out = vec![0.0; indices.len() * width];
    for (chunk, out) in indices.chunks(batch).zip(out.chunks_mut(batch * width)) {
        features.clear();
        for &index in chunk {
            data.gather(index, &mut features);
        }
        network.forward::<NoneTape>(&features)?.copy_into(out);
    }
    Ok(out)
}

/// Scores a model on the samples `indices`.
///
/// # Errors
/// Those of [`predict_logits`]; [`ModelError::Diverged`] when a logit is not finite; a data set
/// with more classes than the layout.
///
/// # Panics
/// When an index is not below the number of samples.
pub fn evaluate<'d>(
    layout: &Layout,
    parameters: &[f32],
    data: impl Into<View<'d>>,
    indices: &[u32],
) -> Result<Evaluation, ModelError> {
    let data = data.into();
    let logits = predict_logits(layout, parameters, data, indices)?;
    let labels: Vec<u32> = indices.iter().map(|&index| data.label(index)).collect();
    let evaluation = score_logits(&logits, &labels, layout.n_classes())?;
    // A model knows every class: a logit of −∞ is one that overflowed.
    match evaluation.loss_sum {
        Some(_) => Ok(evaluation),
        None => Err(ModelError::Diverged { steps: 0 }),
    }
}
