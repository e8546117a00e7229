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
