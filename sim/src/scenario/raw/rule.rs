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
    /// The median per coordinate (Yin et al. 2018); every contribution counts once.
    Median,
    /// The mean per coordinate without the largest and the smallest (Yin et al. 2018).
    TrimmedMean {
        /// Share of the contributions that is left out on either side, rounded down.
        #[serde(default = "default_trim")]
        share: f64,
    },
    /// The mean of those that lie closest to their neighbours; the others are rejected (Blanchard et al. 2017).
    Krum {
        /// f, contributions that may be wrong.
        attackers: usize,
        /// Contributions kept: 1 is Krum, more is multi-Krum.
        #[serde(default = "one")]
        keep: usize,
    },
    /// The geometric median by the smoothed Weiszfeld algorithm (Pillutla et al. 2022).
    GeometricMedian {
        /// Moves at most.
        #[serde(default = "default_moves")]
        iterations: usize,
        /// Distances below this count as this.
        #[serde(default = "default_smoothing")]
        smoothing: f64,
    },
    /// softmax(mean(p)/T) of mean probabilities (DS-FL).
    EntropyReduction {
        /// T; below 1 sharpens.
        #[serde(default = "default_sharpening")]
        temperature: f64,
    },
    /// mean(p)^β, normalised (SCARLET).
    EnhancedEntropyReduction {
        /// β; above 1 sharpens.
        #[serde(default = "default_exponent")]
        exponent: f64,
    },
    /// The mean, without the samples that the clients together are unsure of (Selective-FD).
    UnambiguousMean {
        /// τ: a sample is left out where the L1 distance of its mean probabilities from the one-hot of their largest is at least this; at most 2.
        threshold: f64,
    },
    /// Each client has a teacher of its own, a mean of everybody's predictions whose weights are learned (KT-pFL).
    KnowledgeCoefficients {
        /// Weight of the squared distance of the weights from equal ones.
        #[serde(default = "default_penalty")]
        penalty: f64,
        /// Rate of the step on the weights; left out, it is scaled to the gradient as in the authors' code.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rate: Option<f64>,
    },
    /// Clients of like predictions share a centroid; every client is sent all of them and learns the nearest (COMET).
    Clusters {
        /// K.
        #[serde(default = "default_clusters")]
        count: usize,
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
            Self::Median => "median",
            Self::TrimmedMean { .. } => "trimmed-mean",
            Self::Krum { .. } => "krum",
            Self::GeometricMedian { .. } => "geometric-median",
            Self::EntropyReduction { .. } => "entropy-reduction",
            Self::EnhancedEntropyReduction { .. } => "enhanced-entropy-reduction",
            Self::UnambiguousMean { .. } => "unambiguous-mean",
            Self::KnowledgeCoefficients { .. } => "knowledge-coefficients",
            Self::Clusters { .. } => "clusters",
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

fn one() -> usize {
    1
}

fn default_trim() -> f64 {
    0.1
}

fn default_moves() -> usize {
    3
}

fn default_smoothing() -> f64 {
    1e-6
}

fn default_sharpening() -> f64 {
    0.1
}

fn default_exponent() -> f64 {
    1.5
}

fn default_penalty() -> f64 {
    0.7
}

fn default_clusters() -> usize {
    2
}
