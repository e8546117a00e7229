//! Optimisers: what is asked for, and the state that can outlive a job.
//!
//! The formulas are those of PyTorch and optax.

use crate::schedule::Schedule;

/// An optimiser and its settings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Optimizer {
    /// Learning rate before the schedule.
    pub lr: f64,
    /// How a gradient becomes an update.
    pub rule: Rule,
    /// How the learning rate changes with [`OptimizerState::steps`].
    pub schedule: Schedule,
    /// How gradients are bounded before the rule sees them.
    pub clipping: Option<Clipping>,
}

/// How a gradient g becomes an update of the parameters θ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// Stochastic gradient descent: `g ← g + weight_decay·θ; v ← momentum·v + g; θ ← θ − lr·v`,
    /// with Nesterov's momentum `θ ← θ − lr·(g + momentum·v)`.
    Sgd {
        /// Factor of the kept velocity; 0 keeps none.
        momentum: f64,
        /// Whether the velocity is looked ahead (Sutskever et al. 2013).
        nesterov: bool,
        /// L2 penalty added to the gradient.
        weight_decay: f64,
    },
    /// Adam (Kingma and Ba 2015) with bias correction, or AdamW (Loshchilov and Hutter 2019).
    Adam {
        /// Decay of the mean gradient.
        beta1: f64,
        /// Decay of the mean squared gradient.
        beta2: f64,
        /// Added to the root of the mean squared gradient.
        eps: f64,
        /// Penalty of the parameters' size.
        weight_decay: f64,
        /// AdamW: the penalty shrinks the parameters by lr·weight_decay beside the update,
        /// rather than being added to the gradient.
        decoupled: bool,
    },
}

/// A bound of gradients.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Clipping {
    /// The whole gradient is scaled to this Euclidean norm where it is longer.
    Norm(f64),
    /// Each value is brought within ± this.
    Value(f64),
}

impl Optimizer {
    /// SGD without momentum or weight decay.
    pub fn sgd(lr: f64) -> Self {
        Self::momentum(lr, 0.0, 0.0)
    }

    /// SGD with momentum and weight decay.
    pub fn momentum(lr: f64, momentum: f64, weight_decay: f64) -> Self {
        Self::of(
            lr,
            Rule::Sgd {
                momentum,
                nesterov: false,
                weight_decay,
            },
        )
    }

    /// Adam with β 0.9 and 0.999 and eps 1e-8.
    pub fn adam(lr: f64) -> Self {
        Self::of(
            lr,
            Rule::Adam {
                beta1: 0.9,
                beta2: 0.999,
                eps: 1e-8,
                weight_decay: 0.0,
                decoupled: false,
            },
        )
    }

    /// A rule at a constant learning rate, without clipping.
    pub fn of(lr: f64, rule: Rule) -> Self {
        Self {
            lr,
            rule,
            schedule: Schedule::default(),
            clipping: None,
        }
    }

    /// How many vectors of the parameters' length the state holds: 0, 1 (momentum) or 2 (Adam).
    pub fn state_vectors(&self) -> usize {
        match self.rule {
            Rule::Sgd { momentum, .. } => usize::from(momentum != 0.0),
            Rule::Adam { .. } => 2,
        }
    }

    /// Whether an update needs nothing of a gradient but its product with the learning rate, so
    /// that it can be made where the gradient is made.
    pub(crate) fn is_plain_descent(&self) -> bool {
        let plain = matches!(self.rule, Rule::Sgd { momentum, .. } if momentum == 0.0);
        plain && self.clipping.is_none()
    }

    /// The learning rate of the step after so many.
    pub(crate) fn rate(&self, steps: u64) -> f64 {
        self.lr * self.schedule.factor(steps)
    }
}

/// What an optimiser remembers between steps; keep it to go on where a job ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OptimizerState {
    /// Updates made so far.
    pub steps: u64,
    /// [`Optimizer::state_vectors`] vectors as long as the flat parameters: velocity, or first
    /// and second moment.
    pub vectors: Vec<Vec<f32>>,
}
