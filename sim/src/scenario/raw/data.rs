//! `[data]`: what is learned from, and how it is split over the clients.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is learned from, and how it is split over the clients.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawData {
    /// The data set.
    pub source: RawSource,
    /// Samples of the global test set, drawn first.
    #[serde(default = "default_test")]
    pub test: usize,
    /// Samples set aside that every client may see, unlabelled; drawn second.
    #[serde(default)]
    pub public: usize,
    /// How the rest is divided over the clients.
    #[serde(default)]
    pub partition: RawPartition,
    /// Share of every client's samples that becomes its own test set.
    #[serde(default = "default_holdout")]
    pub holdout: f64,
}

/// A data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(tag = "kind")]
pub enum RawSource {
    /// 1797 handwritten digits, 8×8 pixels, embedded in the program.
    Digits,
    /// A mixture of Gaussians, one per class.
    Synthetic {
        /// Number of classes.
        classes: usize,
        /// Number of features.
        features: usize,
        /// Number of samples.
        samples: usize,
        /// Distance between class means in units of the within-class standard deviation.
        separation: f64,
    },
}

/// How the samples are divided over the clients.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(tag = "kind")]
pub enum RawPartition {
    /// Equal shares drawn at random.
    #[default]
    Iid,
    /// Each class is divided by a symmetric Dirichlet draw over the clients.
    Dirichlet {
        /// Concentration: small is uneven.
        alpha: f64,
        /// Every client gets at least this many samples.
        #[serde(default = "one_usize")]
        min_samples: usize,
    },
    /// Every client holds samples of this many labels only.
    Shards {
        /// Labels per client.
        labels: usize,
    },
    /// Labels are even, but the sizes of the shares follow a symmetric Dirichlet draw.
    Quantity {
        /// Concentration: small is uneven.
        alpha: f64,
    },
}

fn one_usize() -> usize {
    1
}

fn default_test() -> usize {
    360
}

fn default_holdout() -> f64 {
    0.2
}
