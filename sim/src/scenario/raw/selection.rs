//! `[method.selection]`: who works.

use super::super::quantity::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who works, of those who are there and idle.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(tag = "kind")]
pub enum RawSelection {
    /// Everyone who is there and idle.
    #[default]
    All,
    /// A uniform draw of those who are there and idle; give `count` or `fraction`.
    Uniform {
        /// Number of clients.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        count: Option<usize>,
        /// Share of all clients, rounded, at least one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fraction: Option<f64>,
    },
    /// A draw with probabilities in proportion to the numbers of training samples; give `count` or `fraction`.
    DataShare {
        /// Number of clients.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        count: Option<usize>,
        /// Share of all clients, rounded, at least one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fraction: Option<f64>,
    },
    /// One after the other in their order; give `count` or `fraction`.
    RoundRobin {
        /// Number of clients.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        count: Option<usize>,
        /// Share of all clients, rounded, at least one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fraction: Option<f64>,
    },
    /// Of candidates drawn by their numbers of samples, those who last reported the highest losses (Cho et al. 2020); give `count` or `fraction`.
    PowerOfChoice {
        /// Number of clients.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        count: Option<usize>,
        /// Share of all clients, rounded, at least one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fraction: Option<f64>,
        /// d, the number of candidates; left out: twice the clients that are picked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        candidates: Option<usize>,
    },
    /// Those of high loss on many samples who are fast enough, and unknown ones (Lai et al. 2021); give `count` or `fraction`.
    Oort {
        /// Number of clients.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        count: Option<usize>,
        /// Share of all clients, rounded, at least one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fraction: Option<f64>,
        /// ε, the share of those picked who have not worked before.
        #[serde(default = "default_exploration")]
        exploration: f64,
        /// What is left of that share by each version.
        #[serde(default = "default_exploration_decay")]
        exploration_decay: f64,
        /// The share does not fall below this.
        #[serde(default = "default_least_exploration")]
        least_exploration: f64,
        /// α, the exponent of the penalty for those slower than the preferred duration.
        #[serde(default = "default_penalty")]
        penalty: f64,
        /// Utilities are clipped at this quantile of theirs.
        #[serde(default = "default_clip")]
        clip: f64,
        /// c, the share of the last one's utility that still admits to the draw.
        #[serde(default = "default_cut_off")]
        cut_off: f64,
        /// Δ, the preferred duration at first, and by how much it is raised; left out: a quantile of the durations seen, 0.3 at first and raised by 0.05.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pace: Option<Duration>,
        /// W, the number of versions after which the preferred duration is raised if less utility was collected than in as many before.
        #[serde(default = "default_window")]
        window: usize,
    },
    /// The most clients that fit a deadline by the times that they estimated (Nishio and Yonetani 2019).
    #[serde(rename = "fedcs")]
    FedCs {
        /// Number of clients that are asked, by a uniform draw; left out, with `fraction`: all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        count: Option<usize>,
        /// Share of all clients that are asked, rounded, at least one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fraction: Option<f64>,
        /// The time that must suffice; left out: the schedule's deadline.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline: Option<Duration>,
        /// Whether the uploads are reckoned one after the other.
        #[serde(default)]
        uploads: RawUploads,
    },
    /// All from one tier of clients that are equally fast (Chai et al. 2020); give `count` or `fraction`.
    Tifl {
        /// Number of clients.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        count: Option<usize>,
        /// Share of all clients, rounded, at least one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fraction: Option<f64>,
        /// Number of tiers, each of as many clients.
        #[serde(default = "default_tiers")]
        tiers: usize,
        /// I, the number of versions after which tiers and their probabilities are worked out anew.
        #[serde(default = "default_interval")]
        interval: u64,
        /// How often each tier can be drawn; left out: without end.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        credits: Option<u64>,
    },
    /// By the share of their participations that clients completed; give `count` or `fraction`.
    Availability {
        /// Number of clients.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        count: Option<usize>,
        /// Share of all clients, rounded, at least one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fraction: Option<f64>,
        /// Whom to prefer.
        #[serde(default)]
        prefer: RawPreferred,
        /// Clients below this share work only where there are too few others.
        #[serde(default)]
        least: f64,
    },
}

/// How uploads share the way to the aggregator, when their times are reckoned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RawUploads {
    /// One after the other, as in the paper's radio cell.
    #[default]
    InTurn,
    /// All at once, each at its own speed.
    AtOnce,
}

/// Whom a selection by availability prefers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RawPreferred {
    /// Those who complete what they begin, in proportion to their share.
    #[default]
    Reliable,
    /// Those who seldom do, the lowest share first: they are heard while they are there.
    Rare,
}

impl RawSelection {
    /// Its name in scenarios.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Uniform { .. } => "uniform",
            Self::DataShare { .. } => "data-share",
            Self::RoundRobin { .. } => "round-robin",
            Self::PowerOfChoice { .. } => "power-of-choice",
            Self::Oort { .. } => "oort",
            Self::FedCs { .. } => "fedcs",
            Self::Tifl { .. } => "tifl",
            Self::Availability { .. } => "availability",
        }
    }

    /// The keys `count` and `fraction`.
    #[must_use]
    pub fn how_many(&self) -> (Option<usize>, Option<f64>) {
        match *self {
            Self::All => (None, None),
            Self::Uniform { count, fraction }
            | Self::DataShare { count, fraction }
            | Self::RoundRobin { count, fraction }
            | Self::PowerOfChoice {
                count, fraction, ..
            }
            | Self::Oort {
                count, fraction, ..
            }
            | Self::FedCs {
                count, fraction, ..
            }
            | Self::Tifl {
                count, fraction, ..
            }
            | Self::Availability {
                count, fraction, ..
            } => (count, fraction),
        }
    }

    /// How many of `clients` it picks when all are there: at least one.
    #[must_use]
    pub fn size(&self, clients: usize) -> usize {
        match self.how_many() {
            (Some(count), _) => count,
            (None, Some(fraction)) => ((clients as f64 * fraction).round() as usize).max(1),
            (None, None) => clients,
        }
    }

    /// Whether it takes all that it finds good, instead of a number.
    #[must_use]
    pub fn takes_all_it_can(&self) -> bool {
        matches!(self, Self::All | Self::FedCs { .. })
    }

    /// Whether it goes by the losses that clients report.
    #[must_use]
    pub fn needs_losses(&self) -> bool {
        matches!(
            self,
            Self::PowerOfChoice { .. } | Self::Oort { .. } | Self::Tifl { .. }
        )
    }
}

fn default_exploration() -> f64 {
    0.9
}

fn default_exploration_decay() -> f64 {
    0.98
}

fn default_least_exploration() -> f64 {
    0.2
}

fn default_penalty() -> f64 {
    2.0
}

fn default_clip() -> f64 {
    0.95
}

fn default_cut_off() -> f64 {
    0.95
}

fn default_window() -> usize {
    20
}

fn default_tiers() -> usize {
    5
}

fn default_interval() -> u64 {
    10
}
