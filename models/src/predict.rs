//! Predictions and scores of a model that is not being trained.

use std::sync::Arc;

use dfdx::prelude::*;

use crate::error::{ModelError, check_length};
use crate::layout::Layout;
use crate::network::Network;
use crate::softmax::softmax_rows;
use crate::view::View;

/// Samples of one forward pass: large enough for fast products ...
const MOST: usize = 256;
/// ... and small enough that the largest output of a layer, in numbers, stays in the cache.
const WIDEST: usize = 1 << 18;

/// How well a model does on a set of samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Samples scored.
    pub n: u64,
    /// Those whose highest logit (the first of equals) is that of the label.
    pub correct: u64,
    /// Sum of the cross-entropies −ln p of the labels.
    pub loss_sum: f64,
    /// `(n, correct)` of every class.
    pub per_class: Vec<(u64, u64)>,
}

impl Evaluation {
    /// Share of correct samples, or `None` of no sample.
    pub fn accuracy(&self) -> Option<f64> {
        (self.n > 0).then(|| self.correct as f64 / self.n as f64)
    }

    /// Mean cross-entropy, or `None` of no sample.
    pub fn mean_loss(&self) -> Option<f64> {
        (self.n > 0).then(|| self.loss_sum / self.n as f64)
    }
}

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
    let n_classes = layout.n_classes();
    let mut evaluation = Evaluation {
        n: 0,
        correct: 0,
        loss_sum: 0.0,
        per_class: vec![(0, 0); n_classes],
    };
    let log_sums = softmax_rows(&logits, n_classes, 1.0).log_sums;
    let rows = logits.chunks_exact(n_classes).zip(&log_sums);
    for ((row, &log_sum), &index) in rows.zip(indices) {
        let label = data.label(index);
        let Some(&own) = row.get(label as usize) else {
            return Err(ModelError::Label { label, n_classes });
        };
        let loss = log_sum - f64::from(own);
        if !loss.is_finite() {
            return Err(ModelError::Diverged { steps: 0 });
        }
        let highest = (1..n_classes).fold(
            0,
            |best, class| if row[class] > row[best] { class } else { best },
        );
        let correct = u64::from(highest == label as usize);
        evaluation.n += 1;
        evaluation.correct += correct;
        evaluation.loss_sum += loss;
        let (of_class, correct_of_class) = &mut evaluation.per_class[label as usize];
        *of_class += 1;
        *correct_of_class += correct;
    }
    Ok(evaluation)
}
