//! `dropout`: when clients leave.

use super::super::quantity::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// When clients leave.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(tag = "kind")]
pub enum RawDropout {
    /// Always there.
    #[default]
    None,
    /// Each participation is cut with this probability, at a drawn point of its work.
    PerParticipation {
        /// Probability that a participation is cut.
        rate: f64,
    },
    /// Memoryless times online and offline.
    Exponential {
        /// Mean time online.
        up: Duration,
        /// Mean time offline.
        down: Duration,
    },
}
