//! Adapters: what changes a choice of the method as the run goes on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What changes a choice of the method as the run goes on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(tag = "kind")]
pub enum RawAdapter {
    /// Local epochs that follow the device's speed, so that all are done at about one time.
    EqualTime {
        /// When they should be done.
        #[serde(default)]
        reference: RawReference,
        /// Fewest epochs.
        #[serde(default = "one")]
        least_epochs: u32,
        /// Most epochs.
        most_epochs: u32,
    },
    /// A temperature of distillation that depends on the version.
    Temperature {
        /// What it is when.
        course: RawTemperature,
    },
}

/// When clients should be done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RawReference {
    /// When the median client has done `method.local.epochs`.
    #[default]
    Median,
    /// At the schedule's deadline.
    Deadline,
}

/// A temperature that depends on the version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(tag = "kind")]
pub enum RawTemperature {
    /// It stays.
    Constant {
        /// The temperature.
        temperature: f64,
    },
    /// In equal steps.
    Linear {
        /// At version 0.
        from: f64,
        /// From version `length` on.
        to: f64,
        /// Versions in between.
        length: u64,
    },
    /// Along half a cosine.
    Cosine {
        /// At version 0.
        from: f64,
        /// From version `length` on.
        to: f64,
        /// Versions in between.
        length: u64,
    },
    /// In equal ratios.
    Exponential {
        /// At version 0.
        from: f64,
        /// From version `length` on.
        to: f64,
        /// Versions in between.
        length: u64,
    },
}

fn one() -> u32 {
    1
}
