//! `[method]`: how the clients learn together.

use super::super::quantity::Duration;
use super::adapter::RawAdapter;
use super::aggregators::RawAggregators;
use super::codec::RawCodec;
use super::is_default;
use super::peers::RawPeers;
use super::public::{
    RawDistillOrder, RawPredictions, RawSampleFilter, RawServerLearning, RawServerSends,
};
use super::rule::RawRule;
use super::selection::RawSelection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the clients learn together: a preset, and what is changed in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawMethod {
    /// A method of the literature (`fedstill methods`) whose choices hold where this table is silent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
    /// Which knowledge travels.
    pub exchange: RawExchange,
    /// The client's work.
    #[serde(default)]
    pub local: RawLocal,
    /// How contributions become a version.
    #[serde(default)]
    pub rule: RawRule,
    /// How it becomes bytes.
    #[serde(default, skip_serializing_if = "is_default")]
    pub codec: RawCodec,
    /// How it becomes bytes on the way down; left out, as on the way up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codec_down: Option<RawCodec>,
    /// What the server learns from the clients' predictions on public samples, or, where parameters travel, from their models' predictions there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<RawServerLearning>,
    /// Further knowledge that travels beside the first, each kind with a rule and a loss of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<RawStrand>,
    /// Aggregators between the server and the clients, from the server downwards; `schedule` and `selection` are the server's then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tier: Vec<RawAggregators>,
    /// To whom clients pass what they learned, where there is no server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peers: Option<RawPeers>,
    /// What changes a choice as the run goes on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub adapter: Vec<RawAdapter>,
    /// When a version is published; peer to peer, by every client for itself.
    #[serde(default)]
    pub schedule: RawSchedule,
    /// Who works.
    #[serde(default)]
    pub selection: RawSelection,
}

impl RawMethod {
    /// Every kind of knowledge that travels, the first one first; none where nothing does.
    #[must_use]
    pub fn strands(&self) -> Vec<RawStrand> {
        let all = std::iter::once(self.first_strand()).chain(self.also.iter().cloned());
        all.filter(|strand| strand.exchange != RawExchange::None)
            .collect()
    }

    /// Whether it works on samples that everyone may see.
    #[must_use]
    pub fn needs_public_data(&self) -> bool {
        let public = |exchange: &RawExchange| matches!(exchange, RawExchange::PublicLogits { .. });
        self.exchanges().any(public) || self.server.is_some()
    }

    /// Whether all clients must have the same architecture.
    #[must_use]
    pub fn needs_equal_models(&self) -> bool {
        let travel = |exchange: &RawExchange| matches!(exchange, RawExchange::Parameters);
        self.exchanges().any(travel) && (!self.fuses_models() || !self.tier.is_empty())
    }

    /// Whether the server distils what clients' models predict into their mean (FedDF).
    #[must_use]
    pub fn fuses_models(&self) -> bool {
        let public = |exchange: &RawExchange| matches!(exchange, RawExchange::PublicLogits { .. });
        self.server.is_some() && !self.exchanges().any(public)
    }

    /// Whether the server learns a model of its own from predictions on public samples.
    #[must_use]
    pub fn has_server_model(&self) -> bool {
        self.server.is_some() && !self.fuses_models()
    }

    /// What `exchange`, `rule` and `local.distill` say together.
    #[must_use]
    pub fn first_strand(&self) -> RawStrand {
        RawStrand {
            exchange: self.exchange.clone(),
            rule: self.rule.clone(),
            codec: self.codec.clone(),
            codec_down: self.codec_down.clone(),
            distill: self.local.distill.clone(),
        }
    }

    /// What travels, the first one first.
    pub fn exchanges(&self) -> impl Iterator<Item = &RawExchange> {
        let further = self.also.iter().map(|strand| &strand.exchange);
        std::iter::once(&self.exchange).chain(further)
    }
}

/// Knowledge that travels beside the first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawStrand {
    /// Which knowledge.
    pub exchange: RawExchange,
    /// How contributions become a version of it.
    #[serde(default)]
    pub rule: RawRule,
    /// How it becomes bytes.
    #[serde(default, skip_serializing_if = "is_default")]
    pub codec: RawCodec,
    /// How it becomes bytes on the way down; left out, as on the way up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codec_down: Option<RawCodec>,
    /// How it is learned when received.
    #[serde(default)]
    pub distill: RawDistill,
}

impl RawStrand {
    /// What rows of predictions are when they reach an aggregator.
    #[must_use]
    pub fn contributed(&self) -> RawPredictions {
        let one = RawPredictions::Probabilities { temperature: 1.0 };
        match self.exchange {
            RawExchange::PublicLogits { .. } if self.codec.makes_labels() => one,
            RawExchange::PublicLogits { sends, .. } => sends,
            RawExchange::ClassLogits {
                send: RawPrediction::Probabilities,
            } => one,
            RawExchange::ClassLogits {
                send: RawPrediction::Logits,
            }
            | RawExchange::None
            | RawExchange::Parameters
            | RawExchange::Prototypes { .. } => RawPredictions::Logits,
        }
    }

    /// What they are when they reach a client.
    #[must_use]
    pub fn received(&self, server: Option<&RawServerLearning>) -> RawPredictions {
        let down = self.codec_down.as_ref().unwrap_or(&self.codec);
        let predicts = server.is_some_and(|s| s.sends == RawServerSends::Predictions);
        if predicts || down.makes_labels() {
            RawPredictions::Probabilities { temperature: 1.0 }
        } else {
            self.contributed()
        }
    }
}

/// Which knowledge travels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(tag = "kind")]
pub enum RawExchange {
    /// Nothing: every client learns alone.
    None,
    /// All model parameters; needs equal models.
    Parameters,
    /// Logits on public samples.
    PublicLogits {
        /// Public samples per version; at most the public pool.
        #[serde(default = "default_public_samples")]
        samples: usize,
        /// Draw new samples each version (synchronous schedules only).
        #[serde(default = "yes")]
        redraw: bool,
        /// What a client sends of each.
        #[serde(default, skip_serializing_if = "is_default")]
        sends: RawPredictions,
        /// Which of them a client says something about.
        #[serde(default, skip_serializing_if = "is_default")]
        filter: RawSampleFilter,
        /// What was found for a sample is kept at both ends for so many versions, in which it is not sent again (rounds that all clients share only); 0 for none.
        #[serde(default, skip_serializing_if = "is_default")]
        cache: u64,
    },
    /// Mean predictions per class of the client's own data.
    ClassLogits {
        /// What of a prediction travels.
        #[serde(default, skip_serializing_if = "is_default")]
        send: RawPrediction,
    },
    /// Mean features per class of the client's own data, as the model hands them to its head; needs features of one width, not equal models.
    Prototypes {
        /// Of which features the means are taken.
        #[serde(default, skip_serializing_if = "is_default")]
        means: RawMeans,
    },
}

/// What of a prediction travels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RawPrediction {
    /// softmax(z).
    #[default]
    Probabilities,
    /// z, as the model gives it.
    Logits,
}

/// Of which features class means are taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RawMeans {
    /// Those of each step of the last epoch, before its update: costs nothing more.
    #[default]
    LastEpoch,
    /// Those of the trained model: one more forward pass over own data.
    AfterTraining,
}

impl RawExchange {
    /// Whether schedules without rounds mix newcomers into what there is, instead of folding
    /// every child's latest.
    #[must_use]
    pub fn is_mixed(&self) -> bool {
        matches!(self, Self::Parameters)
    }

    /// Its name in scenarios and tables.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::None => "nothing",
            Self::Parameters => "parameters",
            Self::PublicLogits { .. } => "public-logits",
            Self::ClassLogits { .. } => "class-logits",
            Self::Prototypes { .. } => "prototypes",
        }
    }
}

/// The client's work in one participation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawLocal {
    /// Passes over the client's own data.
    pub epochs: u32,
    /// Batch size on own data.
    pub batch: usize,
    /// How gradients become updates.
    pub optimizer: RawOptimizer,
    /// Keep the optimiser's state between participations instead of resetting it.
    pub keep_optimizer: bool,
    /// How precisely a client's own model is kept between participations; training is always in f32.
    #[serde(skip_serializing_if = "is_default")]
    pub keep: RawPrecision,
    /// How the learning rate falls.
    #[serde(skip_serializing_if = "is_default")]
    pub decay: RawDecay,
    /// What `decay` and `warmup` count.
    #[serde(skip_serializing_if = "is_default")]
    pub decay_by: RawCount,
    /// Over so many counts the learning rate rises evenly from 1/warmup of itself; 0 for no warm-up.
    #[serde(skip_serializing_if = "is_default")]
    pub warmup: u64,
    /// How gradients are bounded.
    #[serde(skip_serializing_if = "is_default")]
    pub clip: RawClip,
    /// ρ of the proximal term ρ/2‖θ−θ₀‖² to the parameters received; 0 for none.
    pub proximal: f64,
    /// Begin each participation from the initial weights, which all clients of one architecture share then.
    #[serde(skip_serializing_if = "is_default")]
    pub restart: bool,
    /// How received predictions are learned.
    pub distill: RawDistill,
}

/// How gradients become updates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(tag = "kind")]
pub enum RawOptimizer {
    /// Stochastic gradient descent.
    Sgd {
        /// Learning rate.
        lr: f64,
        /// Momentum; 0 for none.
        #[serde(default)]
        momentum: f64,
        /// Nesterov's momentum, which looks ahead; needs `momentum`.
        #[serde(default, skip_serializing_if = "is_default")]
        nesterov: bool,
        /// L2 weight decay; 0 for none.
        #[serde(default)]
        weight_decay: f64,
    },
    /// Adam (Kingma and Ba 2015).
    Adam {
        /// Learning rate.
        lr: f64,
        /// Decay of the first moment.
        #[serde(default = "default_beta1")]
        beta1: f64,
        /// Decay of the second moment.
        #[serde(default = "default_beta2")]
        beta2: f64,
        /// Added to the denominator.
        #[serde(default = "default_epsilon")]
        epsilon: f64,
        /// L2 weight decay; 0 for none.
        #[serde(default)]
        weight_decay: f64,
    },
    /// Adam with decoupled weight decay (Loshchilov and Hutter 2019).
    #[serde(rename = "adamw")]
    AdamW {
        /// Learning rate.
        lr: f64,
        /// Decay of the first moment.
        #[serde(default = "default_beta1")]
        beta1: f64,
        /// Decay of the second moment.
        #[serde(default = "default_beta2")]
        beta2: f64,
        /// Added to the denominator.
        #[serde(default = "default_epsilon")]
        epsilon: f64,
        /// Each step shrinks the parameters by lr times this.
        #[serde(default = "default_decoupled")]
        weight_decay: f64,
    },
}

/// How the learning rate falls with a count t, after the warm-up.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(tag = "kind")]
pub enum RawDecay {
    /// It stays.
    #[default]
    Constant,
    /// factor^⌊t/every⌋ of it is left.
    Step {
        /// Counts between drops.
        every: u64,
        /// What is left by each drop.
        factor: f64,
    },
    /// factor^t of it is left.
    Exponential {
        /// What is left by each count.
        factor: f64,
    },
    /// Half a cosine from all of it to `floor` of it.
    Cosine {
        /// Counts until the floor.
        length: u64,
        /// What is left at the end.
        #[serde(default)]
        floor: f64,
    },
}

/// What a change of the learning rate counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RawCount {
    /// The version that a participation starts from; where nothing is received, the client's own participations.
    #[default]
    Versions,
    /// The optimiser's steps: from 0 in each participation unless the optimiser is kept.
    Steps,
}

/// How precisely parameters are kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RawPrecision {
    /// 4 bytes a parameter, as trained.
    #[default]
    F32,
    /// bfloat16, 2 bytes a parameter, rounded to nearest, ties to even.
    Bf16,
}

/// How gradients are bounded.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(tag = "kind")]
pub enum RawClip {
    /// Not at all.
    #[default]
    None,
    /// The gradient of all parameters together is scaled to this Euclidean norm where it is longer.
    Norm {
        /// The greatest norm.
        most: f64,
    },
    /// Each value is brought within ± this.
    Value {
        /// The greatest absolute value.
        most: f64,
    },
}

/// How received predictions are learned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawDistill {
    /// Distance between the model's prediction and the one received.
    pub loss: RawDistillLoss,
    /// Weight of that loss (γ where it is added to the loss on own data).
    pub weight: f64,
    /// Passes over the public samples, where there are any.
    pub epochs: u32,
    /// Batch size on public samples; left out: min(256, samples/8).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<usize>,
    /// When public samples are learned.
    #[serde(skip_serializing_if = "is_default")]
    pub order: RawDistillOrder,
}

/// Distance between the model's prediction and the one received.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(tag = "kind")]
pub enum RawDistillLoss {
    /// Mean absolute error between logits.
    MeanAbsolute,
    /// Mean squared error between logits.
    MeanSquared,
    /// Cross-entropy to the received probabilities.
    CrossEntropy,
    /// Squared error between probabilities, summed over classes.
    SquaredProbabilities,
    /// KL(teacher‖student) at a temperature.
    Kl {
        /// Both sides' logits are divided by it.
        #[serde(default = "one_f64")]
        temperature: f64,
        /// Multiply the loss by the temperature squared.
        #[serde(default)]
        squared_factor: bool,
    },
}

/// When a version is published.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(tag = "kind")]
pub enum RawSchedule {
    /// A cohort works for each version; it closes when all are in, lost or late.
    Synchronous {
        /// Closes the version this long after its opening.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline: Option<Duration>,
        /// Selects this many times the clients wanted, and closes when enough are in.
        #[serde(default = "one_f64")]
        over_select: f64,
        /// With fewer contributions the version fails.
        #[serde(default = "one_usize")]
        minimum: usize,
    },
    /// Every contribution makes a version as it arrives.
    Asynchronous {
        /// Clients at work at a time; left out: as many as the selection picks.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        concurrency: Option<usize>,
        /// α, the share of a fresh contribution in the new parameters (FedAsync).
        #[serde(default = "default_mixing")]
        mixing: f64,
        /// What staleness costs a contribution in weight.
        #[serde(default)]
        staleness: RawStaleness,
        /// Contributions more stale than this are refused.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max_staleness: Option<u64>,
    },
    /// So many contributions make a version (FedBuff); whenever a participation ends another begins.
    Buffered {
        /// K, contributions a version.
        #[serde(default = "default_buffer")]
        size: usize,
        /// Clients at work at a time; left out: as many as the selection picks.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        concurrency: Option<usize>,
        /// η, the server's rate: parameters move by this times the mean of the weighed changes.
        #[serde(default = "one_f64")]
        rate: f64,
        /// What staleness costs a contribution in weight.
        #[serde(default)]
        staleness: RawStaleness,
        /// Contributions more stale than this are refused.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max_staleness: Option<u64>,
    },
    /// Whatever has come by then makes a version at fixed times.
    Periodic {
        /// Time between versions; with nothing to fold a version fails.
        every: Duration,
        /// Clients at work at a time; left out: as many as the selection picks.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        concurrency: Option<usize>,
        /// η, the server's rate: parameters move by this times the mean of the weighed changes.
        #[serde(default = "one_f64")]
        rate: f64,
        /// What staleness costs a contribution in weight.
        #[serde(default)]
        staleness: RawStaleness,
        /// Contributions more stale than this are refused.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max_staleness: Option<u64>,
    },
}

/// Weight of a contribution by its staleness t in versions (Xie et al. 2019, section 5.2).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(tag = "kind")]
pub enum RawStaleness {
    /// 1, however stale.
    #[default]
    Constant,
    /// (1+t)^−a
    Polynomial {
        /// Exponent.
        #[serde(default = "default_polynomial_a")]
        a: f64,
    },
    /// 1 up to t = b, then 1/(a(t−b)+1).
    Hinge {
        /// Slope after the hinge.
        #[serde(default = "default_hinge_a")]
        a: f64,
        /// Staleness that costs nothing.
        #[serde(default = "default_hinge_b")]
        b: f64,
    },
}

impl Default for RawLocal {
    fn default() -> Self {
        Self {
            epochs: 1,
            batch: 10,
            optimizer: RawOptimizer::default(),
            keep_optimizer: false,
            keep: RawPrecision::default(),
            decay: RawDecay::default(),
            decay_by: RawCount::default(),
            warmup: 0,
            clip: RawClip::default(),
            proximal: 0.0,
            restart: false,
            distill: RawDistill::default(),
        }
    }
}

impl Default for RawOptimizer {
    fn default() -> Self {
        Self::Sgd {
            lr: 0.05,
            momentum: 0.0,
            nesterov: false,
            weight_decay: 0.0,
        }
    }
}

impl Default for RawDistill {
    fn default() -> Self {
        Self {
            loss: RawDistillLoss::MeanAbsolute,
            weight: 1.0,
            epochs: 1,
            batch: None,
            order: RawDistillOrder::default(),
        }
    }
}

impl Default for RawSchedule {
    fn default() -> Self {
        Self::Synchronous {
            deadline: None,
            over_select: 1.0,
            minimum: 1,
        }
    }
}

fn one_usize() -> usize {
    1
}

fn one_f64() -> f64 {
    1.0
}

fn yes() -> bool {
    true
}

fn default_public_samples() -> usize {
    5000
}

fn default_beta1() -> f64 {
    0.9
}

fn default_beta2() -> f64 {
    0.999
}

fn default_epsilon() -> f64 {
    1e-8
}

fn default_decoupled() -> f64 {
    0.01
}

fn default_buffer() -> usize {
    10
}

fn default_mixing() -> f64 {
    0.6
}

fn default_polynomial_a() -> f64 {
    0.5
}

fn default_hinge_a() -> f64 {
    10.0
}

fn default_hinge_b() -> f64 {
    4.0
}
