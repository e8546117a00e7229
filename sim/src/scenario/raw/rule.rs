//! `[method.rule]`: how contributions become a version.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How contributions become a version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(tag = "kind")]
pub enum RawRule {
    /// Weighted mean over the contributions.
    Mean {
        /// What a contribution weighs before staleness.
        #[serde(default)]
        weights: RawWeights,
    },
    /// Each client is sent the mean over the others.
    LeaveOneOut {
        /// What a contribution weighs before staleness.
        #[serde(default)]
        weights: RawWeights,
    },
    /// The server trains a head on the prototypes and sends it; for `prototypes` (FedGH).
    TrainedHead {
        /// Passes over the prototypes that came, for each version.
        #[serde(default = "one_epoch")]
        epochs: u64,
        /// Batch size.
        #[serde(default = "default_batch")]
        batch: usize,
        /// Learning rate of the stochastic gradient descent.
        #[serde(default = "default_lr")]
        lr: f64,
    },
    /// The server trains prototypes that lie apart from each other and sends them; for `prototypes` (FedTGP).
    TrainedPrototypes {
        /// Passes over the prototypes that came, for each version.
        #[serde(default = "default_generator_epochs")]
        epochs: u64,
        /// Batch size.
        #[serde(default = "default_batch")]
        batch: usize,
        /// Learning rate of the stochastic gradient descent.
        #[serde(default = "default_lr")]
        lr: f64,
        /// The greatest margin between classes.
        #[serde(default = "default_margin")]
        margin: f64,
    },
}

impl RawRule {
    /// What the server trains on prototypes, and so only a server can do.
    #[must_use]
    pub fn trains_on_prototypes(&self) -> bool {
        matches!(
            self,
            Self::TrainedHead { .. } | Self::TrainedPrototypes { .. }
        )
    }

    /// Its name in scenarios.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Mean { .. } => "mean",
            Self::LeaveOneOut { .. } => "leave-one-out",
            Self::TrainedHead { .. } => "trained-head",
            Self::TrainedPrototypes { .. } => "trained-prototypes",
        }
    }
}

fn one_epoch() -> u64 {
    1
}

fn default_batch() -> usize {
    10
}

fn default_lr() -> f64 {
    0.01
}

fn default_generator_epochs() -> u64 {
    100
}

fn default_margin() -> f64 {
    100.0
}

/// What a contribution weighs before staleness.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RawWeights {
    /// Its number of training samples.
    #[default]
    Samples,
    /// One.
    Equal,
}

impl Default for RawRule {
    fn default() -> Self {
        Self::Mean {
            weights: RawWeights::Samples,
        }
    }
}
