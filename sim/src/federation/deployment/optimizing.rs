//! From a scenario's optimiser to the one that trains.

use crate::scenario::{RawClip, RawCount, RawDecay, RawLocal, RawOptimizer};
use fedstill_models::{Clipping, Course, Optimizer, Rule, Schedule};

/// The optimiser of a participation that starts from this version.
pub(super) fn optimizer(local: &RawLocal, version: u64) -> Optimizer {
    let adam = |beta1, beta2, eps, weight_decay, decoupled| Rule::Adam {
        beta1,
        beta2,
        eps,
        weight_decay,
        decoupled,
    };
    let (lr, rule) = match local.optimizer {
        RawOptimizer::Sgd {
            lr,
            momentum,
            nesterov,
            weight_decay,
        } => {
            let rule = Rule::Sgd {
                momentum,
                nesterov,
                weight_decay,
            };
            (lr, rule)
        }
        RawOptimizer::Adam {
            lr,
            beta1,
            beta2,
            epsilon,
            weight_decay,
        } => (lr, adam(beta1, beta2, epsilon, weight_decay, false)),
        RawOptimizer::AdamW {
            lr,
            beta1,
            beta2,
            epsilon,
            weight_decay,
        } => (lr, adam(beta1, beta2, epsilon, weight_decay, true)),
    };
    let course = match local.decay {
        RawDecay::Constant => Course::Constant,
        RawDecay::Step { every, factor } => Course::Step { every, factor },
        RawDecay::Exponential { factor } => Course::Exponential { factor },
        RawDecay::Cosine { length, floor } => Course::Cosine { length, floor },
    };
    let schedule = Schedule {
        course,
        warmup: local.warmup,
    };
    let (lr, schedule) = match local.decay_by {
        RawCount::Versions => (lr * schedule.factor(version), Schedule::default()),
        RawCount::Steps => (lr, schedule),
    };
    let clipping = match local.clip {
        RawClip::None => None,
        RawClip::Norm { most } => Some(Clipping::Norm(most)),
        RawClip::Value { most } => Some(Clipping::Value(most)),
    };
    Optimizer {
        lr,
        rule,
        schedule,
        clipping,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_learning_rate_follows_versions_or_steps() {
        let mut local = RawLocal {
            optimizer: RawOptimizer::Sgd {
                lr: 0.5,
                momentum: 0.0,
                nesterov: false,
                weight_decay: 0.0,
            },
            decay: RawDecay::Step {
                every: 10,
                factor: 0.5,
            },
            warmup: 5,
            ..RawLocal::default()
        };
        let rates = |local: &RawLocal| [0, 4, 5, 14, 15, 25].map(|v| optimizer(local, v).lr);
        assert_eq!(rates(&local), [0.1, 0.5, 0.5, 0.5, 0.25, 0.125]);
        local.decay_by = RawCount::Steps;
        assert_eq!(rates(&local), [0.5; 6]);
        assert_eq!(optimizer(&local, 0).schedule.factor(15), 0.5);
    }
}
