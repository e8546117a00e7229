//! Predictions on public samples: what is sent of them, and what the server learns from them.

use super::is_default;
use super::method::{RawDistillLoss, RawOptimizer};
use super::model::RawModel;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a client sends of a public sample.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(tag = "kind")]
pub enum RawPredictions {
    /// Raw logits.
    #[default]
    Logits,
    /// Probabilities, softmax(z/T).
    Probabilities {
        /// T.
        #[serde(default = "one_f64")]
        temperature: f64,
    },
}

impl RawPredictions {
    /// Whether rows add up to 1.
    #[must_use]
    pub fn are_probabilities(self) -> bool {
        matches!(self, Self::Probabilities { .. })
    }
}

/// Which public samples a client says something about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(tag = "kind")]
pub enum RawSampleFilter {
    /// All.
    #[default]
    None,
    /// Those that are like its own data by an estimated density ratio (KuLSIF with a Gaussian kernel of the median distance); the others stay at home.
    DensityRatio {
        /// A public sample is kept where its ratio is at least this quantile of the ratios of the client's own samples.
        #[serde(default = "default_quantile")]
        quantile: f64,
        /// λ of the estimate.
        #[serde(default = "default_ridge")]
        ridge: f64,
        /// Uniform rows that own samples are compared with; the work grows with the cube.
        #[serde(default = "default_reference")]
        reference: usize,
    },
}

/// When public samples are learned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RawDistillOrder {
    /// Before own data.
    #[default]
    Before,
    /// Together with own data: batches of either kind by turns.
    Together,
}

/// What the server learns from predictions on public samples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawServerLearning {
    /// Architecture of the server's own model; left out, that of the first group of clients. Where parameters travel, the models are the clients'.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<RawModel>,
    /// What clients are sent.
    #[serde(skip_serializing_if = "is_default")]
    pub sends: RawServerSends,
    /// Distance between the server's prediction and the clients'.
    pub loss: RawDistillLoss,
    /// How gradients become updates; begins anew in each version.
    pub optimizer: RawOptimizer,
    /// Passes over the public samples a version.
    pub epochs: u32,
    /// Steps a version, instead of `epochs`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,
    /// Stops early once the mean loss of a pass has not fallen for so many steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patience: Option<u64>,
    /// Batch size; left out: min(256, samples/8).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<usize>,
}

/// What clients are sent where the server learns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RawServerSends {
    /// What the rule made of the clients' predictions; where parameters travel, the models.
    #[default]
    Aggregate,
    /// The probabilities that the server's own model predicts.
    Predictions,
}

impl Default for RawServerLearning {
    fn default() -> Self {
        Self {
            model: None,
            sends: RawServerSends::default(),
            loss: RawDistillLoss::CrossEntropy,
            optimizer: RawOptimizer::default(),
            epochs: 1,
            steps: None,
            patience: None,
            batch: None,
        }
    }
}

fn one_f64() -> f64 {
    1.0
}

fn default_quantile() -> f64 {
    0.25
}

fn default_reference() -> usize {
    100
}

fn default_ridge() -> f64 {
    1e-3
}
