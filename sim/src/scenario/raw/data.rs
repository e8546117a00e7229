//! `[data]`: what is learned from, and how it is split over the clients.

use super::RawSource;
use super::is_default;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is learned from, and how it is split over the clients.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawData {
    /// The data set.
    pub source: RawSource,
    /// Samples of the global test set, drawn first: 360 where it is left out, or all of a test set that has files of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<usize>,
    /// Samples set aside that every client may see, unlabelled; drawn second.
    #[serde(default)]
    pub public: usize,
    /// How the rest is divided over the clients.
    #[serde(default)]
    pub partition: RawPartition,
    /// Share of every client's samples that becomes its own test set.
    #[serde(default = "default_holdout")]
    pub holdout: f64,
    /// How features are brought to one scale, fitted on the clients' training samples alone.
    #[serde(default, skip_serializing_if = "is_default")]
    pub normalise: RawNormalise,
}

/// How features are brought to one scale.
///
/// Each channel of an image or a series has one scale, of other data each feature.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RawNormalise {
    /// As they are in the data.
    #[default]
    None,
    /// Mean 0 and standard deviation 1.
    Standard,
    /// From 0 to 1.
    MinMax,
}

/// How the samples are divided over the clients.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(tag = "kind")]
pub enum RawPartition {
    /// Shares drawn at random: equal ones of all samples, or so many samples a client.
    Iid {
        /// Samples of each client; without it the clients share all samples.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        size: Option<usize>,
        /// Whether several clients may draw the same sample; needs `size`.
        #[serde(default, skip_serializing_if = "is_default")]
        replacement: bool,
    },
    /// Each class is divided by a symmetric Dirichlet draw over the clients.
    Dirichlet {
        /// Concentration: small is uneven.
        alpha: f64,
        /// Every client gets at least this many samples.
        #[serde(default = "one_usize")]
        min_samples: usize,
    },
    /// Each client draws its own mixture of labels from a Dirichlet distribution around the pool's, and its samples by it; all have the same size.
    DirichletPerClient {
        /// Concentration: small is one label a client, large is the pool's mixture.
        alpha: f64,
        /// Samples of each client.
        size: usize,
        /// Whether several clients may draw the same sample.
        #[serde(default, skip_serializing_if = "is_default")]
        replacement: bool,
    },
    /// Every client holds samples of this many labels only.
    Shards {
        /// Labels per client.
        labels: usize,
    },
    /// Samples are sorted by label and cut into shards, which are dealt by lot.
    SortedShards {
        /// Shards per client.
        shards: usize,
        /// Samples of a shard; without it the shards share all samples.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        size: Option<usize>,
    },
    /// Labels are even, but the sizes of the shares follow a symmetric Dirichlet draw.
    Quantity {
        /// Concentration: small is uneven.
        alpha: f64,
        /// Every client gets at least this many samples.
        #[serde(default = "one_usize", skip_serializing_if = "is_one")]
        min_samples: usize,
    },
    /// Labels are even, but the sizes of the shares are log-normal.
    QuantityLognormal {
        /// Standard deviation of the natural logarithm of a size.
        sigma: f64,
        /// Every client gets at least this many samples.
        #[serde(default = "one_usize")]
        min_samples: usize,
    },
    /// Labels are even, but the sizes of the shares fall as a power of their rank (Zipf).
    QuantityZipf {
        /// The power: 0 is even, 1 halves the second share.
        exponent: f64,
        /// Every client gets at least this many samples.
        #[serde(default = "one_usize")]
        min_samples: usize,
    },
    /// Each client is one writer, hospital or device, as the data say.
    Natural {
        /// Those with fewer samples are left out.
        #[serde(default = "one_usize")]
        min_samples: usize,
    },
}

impl Default for RawPartition {
    fn default() -> Self {
        Self::Iid {
            size: None,
            replacement: false,
        }
    }
}

fn is_one(number: &usize) -> bool {
    *number == 1
}

fn one_usize() -> usize {
    1
}

fn default_holdout() -> f64 {
    0.2
}
