//! Adapters: what changes a choice of the method as the run goes on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What changes a choice of the method as the run goes on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(tag = "kind")]
pub enum RawAdapter {
    /// How many public samples travel, and how often, following the gain per byte.
    GainPerByte {
        /// Fewest public samples.
        least_samples: usize,
        /// Most public samples; left out: `method.exchange.samples`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        most_samples: Option<usize>,
        /// Factor from one number of samples to the next.
        #[serde(default = "two")]
        step: f64,
        /// Most versions from one exchange to the next: 1, 2, 4, ...
        #[serde(default = "default_longest_interval")]
        longest_interval: u64,
        /// Fewer bytes are spent where the gain per byte is below this share of its mean.
        #[serde(default = "half")]
        tolerance: f64,
        /// β, the share of the last gain per byte in its mean.
        #[serde(default = "half")]
        smoothing: f64,
    },
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

fn two() -> f64 {
    2.0
}

fn half() -> f64 {
    0.5
}

fn default_longest_interval() -> u64 {
    8
}
