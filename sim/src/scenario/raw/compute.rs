//! `[[host]]` and `[[compute]]`: bare computations on hosts, without clients.

use super::super::quantity::{ComputeSpeed, Duration, Flops};
use super::{RawLoad, RawSpeedProfile, one};
use crate::device::Processor;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What bare computations run on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawHost {
    /// Its name, for `compute.on`.
    pub name: String,
    /// Effective floating-point speed of each core.
    pub speed: ComputeSpeed,
    /// Number of cores.
    #[serde(default = "one")]
    pub cores: u32,
    /// A factor on its speed that changes over time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speed_profile: Option<RawSpeedProfile>,
    /// What else runs on it, in cores that this asks for: a number, or steps over time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<RawLoad>,
}

/// A bare computation; those on one host share its cores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawCompute {
    /// Name of the host.
    pub on: String,
    /// How much there is to compute.
    pub work: Flops,
    /// Cores that it can use at once.
    #[serde(default = "one")]
    pub cores: u32,
    /// When it begins.
    #[serde(default)]
    pub at: Duration,
}

impl RawHost {
    /// The host's processor; its steps have been checked.
    pub(crate) fn processor(&self) -> Processor {
        let checked = "steps are checked when a scenario is loaded";
        let mut processor = Processor::new(self.speed.flops_per_second(), self.cores);
        if let Some(profile) = &self.speed_profile {
            processor = processor.with_profile(Arc::new(profile.steps().expect(checked)));
        }
        if let Some(load) = &self.load {
            processor = processor.with_load(Arc::new(load.steps().expect(checked)));
        }
        processor
    }
}
