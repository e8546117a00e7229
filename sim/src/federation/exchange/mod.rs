//! Exchanges: the kinds of knowledge that travel. One file a kind, with everything that the kind
//! decides: what it weighs on the wire and in FLOPs, how a client learns from it and makes its
//! contribution ([`Learner`]), and how an aggregator folds it ([`Exchange`]).

mod cached_rows;
mod centroids;
mod class_logits;
mod folded_rows;
mod fused_models;
mod parameters;
mod personal_teachers;
mod prototypes;
mod public_logits;
mod public_pass;
mod public_student;
mod rows;
mod sample_filter;
mod server_learning;
mod server_student;
mod shuffle;
mod targets;

use super::deployment::Deployment;
use super::knowledge::{Form, Piece};
use super::local::LocalWork;
use super::rule;
use super::run::Hooks;
use crate::kernel::{ActorId, Job, JobOutput};
use crate::scenario::{RawExchange, RawMethod, RawRule, RawStrand, RawWeights};
use crate::world::Work;
use fedstill_models::{Batch, ModelError, Term, Trainer};
use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

/// A kind of knowledge with its choices: one strand of a method.
pub(crate) trait Kind: Debug + Send + Sync {
    /// Its name in scenarios and tables.
    fn name(&self) -> &'static str;

    /// The form of what a client sends.
    fn up(&self, deployment: &Deployment, client: usize) -> Form;

    /// The form of what a client is sent.
    fn down(&self, deployment: &Deployment, client: usize) -> Form {
        self.up(deployment, client)
    }

    /// The form of what aggregators of a hierarchy send each other, either way.
    fn between(&self, deployment: &Deployment) -> Form {
        self.up(deployment, 0)
    }

    /// The form of what an aggregator sends one below it; [`Kind::between`] is then that of what
    /// it is sent.
    fn between_down(&self, deployment: &Deployment) -> Form {
        self.between(deployment)
    }

    /// What a participation costs the client beyond training on its own data; `known` says whether
    /// there is a piece to learn from.
    fn effort(&self, deployment: &Deployment, client: usize, known: bool) -> Effort;

    /// The client's side in one participation.
    fn learner(&self, beginning: Beginning<'_>) -> Box<dyn Learner>;

    /// The aggregator's side, at version 0.
    fn aggregator(&self, deployment: &Arc<Deployment>, hooks: Hooks) -> Box<dyn Exchange>;

    /// What a contribution weighs before staleness.
    fn weight(&self, samples: u64) -> f64;

    /// What a schedule without rounds folds.
    fn asynchronous_fold(&self) -> AsynchronousFold {
        AsynchronousFold::Store
    }

    /// Which model a client of this strand alone is scored with.
    fn predictor(&self) -> Predictor {
        Predictor::Own
    }

    /// Whether all clients begin with the same weights, the server's.
    fn shares_initial_weights(&self) -> bool {
        false
    }
}

/// The model that a client is scored with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Predictor {
    /// The aggregator's.
    Global,
    /// Its own.
    Own,
    /// Its own extractor and the nearest of the prototypes that it was sent; its own model before
    /// it was sent any.
    NearestPrototype,
}

/// What begins a participation, for one strand.
pub(crate) struct Beginning<'a> {
    pub(crate) deployment: &'a Deployment,
    pub(crate) client: usize,
    /// What was received.
    pub(crate) received: Option<&'a Piece>,
    /// The public samples that it is about.
    pub(crate) list: u64,
    /// The version that the work is for.
    pub(crate) version: u64,
    /// What the strand kept at the end of the last participation.
    pub(crate) kept: Option<&'a Kept>,
}

/// What a strand keeps at a client between participations.
pub(crate) type Kept = Arc<dyn Any + Send + Sync>;

/// What a strand costs a client, beside training on own data.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Effort {
    /// FLOPs of learning from what was received, before own data.
    pub(crate) digest: u64,
    /// FLOPs of learning from what was received, beside own data.
    pub(crate) beside: u64,
    /// FLOPs of predicting, after.
    pub(crate) predict: u64,
    /// Steps of the digest.
    pub(crate) steps: u64,
    /// The greatest batch of the digest.
    pub(crate) batch: usize,
    /// Bytes of memory that training does not need without it.
    pub(crate) memory: u64,
}

/// The client's side of a strand, for the length of one participation.
pub(crate) trait Learner {
    /// Changes the parameters that the participation begins with.
    fn start(&mut self, _parameters: &mut Vec<f32>) {}

    /// Learns from what was received, before own data.
    fn digest(&mut self, _work: &mut LocalWork<'_>) -> Result<(), ModelError> {
        Ok(())
    }

    /// Makes ready what [`Learner::terms`] hands out for a batch of own data.
    fn prepare(&mut self, _trainer: &mut Trainer, _batch: &Batch<'_>) -> Result<(), ModelError> {
        Ok(())
    }

    /// Adds to the objective of a batch of own data.
    fn terms<'t>(&'t self, _batch: &'t Batch<'_>, _terms: &mut Vec<Term<'t>>) {}

    /// Sees the trainer after its step on a batch of own data.
    fn seen(&mut self, _trainer: &mut Trainer, _batch: &Batch<'_>) -> Result<(), ModelError> {
        Ok(())
    }

    /// Makes the contribution after own data.
    fn contribute(&mut self, work: &mut LocalWork<'_>) -> Result<Piece, ModelError>;

    /// What the model is scored with beside its parameters: the prototypes of
    /// [`Predictor::NearestPrototype`].
    fn companion(&self) -> Option<Arc<Vec<f32>>> {
        None
    }

    /// What it keeps until the next participation.
    fn keep(&mut self) -> Option<Kept> {
        None
    }
}

/// One child's knowledge as it reached the aggregator.
#[derive(Debug, Clone)]
pub(crate) struct Contribution {
    /// Whose.
    pub(crate) child: ActorId,
    /// By strand, as decoded; a strand that a child has nothing to say about is empty.
    pub(crate) pieces: Vec<Option<Piece>>,
    /// Own samples that it learned from.
    pub(crate) samples: u64,
    /// The version it started from.
    pub(crate) start_version: u64,
}

/// What a child says about one strand, and what it weighs in this fold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Held<'a> {
    pub(crate) child: ActorId,
    pub(crate) piece: &'a Piece,
    pub(crate) weight: f64,
    /// The version it started from.
    pub(crate) start_version: u64,
}

/// What a fold took.
#[derive(Default)]
pub(crate) struct Folded {
    /// FLOPs of the arithmetic; it takes no simulated time.
    pub(crate) flops: u64,
    /// What the aggregator must still learn; its result goes to [`Exchange::learned`].
    pub(crate) learning: Option<Learning>,
    /// Children whose contributions were refused.
    pub(crate) rejected: Vec<ActorId>,
}

impl Folded {
    /// Arithmetic alone.
    pub(crate) fn at(flops: u64) -> Self {
        Self {
            flops,
            ..Self::default()
        }
    }
}

/// Learning at an aggregator: it costs its device time and energy.
pub(crate) struct Learning {
    /// FLOPs, in order.
    pub(crate) work: Work,
    /// What is really computed.
    pub(crate) job: Job,
}

/// What a schedule without rounds folds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AsynchronousFold {
    /// What came since the last version, into what there is.
    Mix,
    /// Every child's latest contribution, anew.
    Store,
}

/// How newcomers move what there is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Mixing {
    /// Each one takes this share times its staleness weight (FedAsync, Xie et al. 2019).
    Mixture {
        /// α
        share: f64,
    },
    /// By the mean of their staleness-weighted changes since the versions that they started from
    /// (FedBuff, Nguyen et al. 2022).
    MeanChange {
        /// η, the server's rate.
        rate: f64,
    },
}

/// The aggregator's side of a strand.
pub(crate) trait Exchange {
    /// Makes new knowledge of the contributions, given in child order.
    fn fold(&mut self, contributions: &[Held<'_>]) -> Folded;

    /// Moves the knowledge towards the contributions since the last version, given in child order;
    /// each weight is the contribution's staleness weight. Asked for only where
    /// [`Kind::asynchronous_fold`] says so.
    fn mix(&mut self, contributions: &[Held<'_>], mixing: Mixing) -> Folded {
        let _ = mixing;
        self.fold(contributions)
    }

    /// Where it stands among aggregators: at the top, or below another one.
    fn stands(&mut self, _at_the_top: bool) {}

    /// Takes what its learning gave.
    fn learned(&mut self, _output: JobOutput) {}

    /// What a child is sent; `None` before there is anything.
    fn view(&self, child: ActorId) -> Option<Piece>;

    /// The aggregator's own model, where it has one.
    fn model(&self) -> Option<Arc<Vec<f32>>> {
        None
    }

    /// A version was published; those before `oldest` are needed no more.
    fn published(&mut self, _version: u64, _oldest: u64) {}

    /// All that it knows, as one who is nobody's child in particular would be sent it; what a
    /// server learns from.
    fn knowledge(&self) -> Option<Piece> {
        self.summary()
    }

    /// What it contributes upward, to the aggregator above it; `None` before there is anything.
    fn summary(&self) -> Option<Piece>;

    /// Takes what the aggregator above it published as its own knowledge.
    fn adopt(&mut self, piece: &Piece);
}

/// A strand of a method, ready to be used; `None` where nothing travels.
pub(super) fn kind(method: &RawMethod, strand: &RawStrand) -> Option<Box<dyn Kind>> {
    Some(match &strand.exchange {
        RawExchange::None => return None,
        RawExchange::Parameters if method.fuses_models() => {
            Box::new(fused_models::FusedModels::new(strand))
        }
        RawExchange::Parameters => Box::new(parameters::Parameters::new(strand)),
        RawExchange::PublicLogits { .. } => {
            Box::new(public_logits::PublicLogits::new(method, strand))
        }
        RawExchange::ClassLogits { send } => {
            Box::new(class_logits::ClassLogits::new(strand, *send))
        }
        RawExchange::Prototypes { means } => Box::new(prototypes::Prototypes::new(strand, *means)),
    })
}

/// What a contribution weighs before staleness, by its rule.
fn rule_weight(rule: &RawRule, samples: u64) -> f64 {
    match rule {
        RawRule::Mean { weights } | RawRule::LeaveOneOut { weights } => match weights {
            RawWeights::Samples => samples as f64,
            RawWeights::Equal => 1.0,
        },
        _ => 1.0,
    }
}

/// What the pure rules take.
fn plain<'a>(contributions: &[Held<'a>]) -> Vec<rule::Held<'a>> {
    let plain = contributions.iter().map(|held| rule::Held {
        values: &held.piece.values,
        weight: held.weight,
    });
    plain.collect()
}

/// Adds `weight` times the values to the sums.
fn add_weighted(sums: &mut [f64], values: &[f32], weight: f64) {
    debug_assert_eq!(sums.len(), values.len());
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += weight * f64::from(*value);
    }
}
