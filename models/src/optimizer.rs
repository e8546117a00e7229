//! Optimisers: what is asked for, and the state that can outlive a job.
//!
//! The formulas are those of PyTorch.

/// An optimiser and its settings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Optimizer {
    /// Stochastic gradient descent: `g ← g + weight_decay·θ; v ← momentum·v + g; θ ← θ − lr·v`.
    Sgd {
        /// Learning rate.
        lr: f64,
        /// Factor of the kept velocity; 0 keeps none.
        momentum: f64,
        /// L2 penalty added to the gradient.
        weight_decay: f64,
    },
    /// Adam (Kingma and Ba 2015) with bias correction; `weight_decay` is an L2 penalty added to
    /// the gradient, not AdamW's decoupled one.
    Adam {
        /// Learning rate.
        lr: f64,
        /// Decay of the mean gradient.
        beta1: f64,
        /// Decay of the mean squared gradient.
        beta2: f64,
        /// Added to the root of the mean squared gradient.
        eps: f64,
        /// L2 penalty added to the gradient.
        weight_decay: f64,
    },
}

impl Optimizer {
    /// SGD without momentum or weight decay.
    pub fn sgd(lr: f64) -> Self {
        Self::Sgd {
            lr,
            momentum: 0.0,
            weight_decay: 0.0,
        }
    }

    /// Adam with β 0.9 and 0.999 and eps 1e-8.
    pub fn adam(lr: f64) -> Self {
        Self::Adam {
            lr,
            beta1: 0.9,
            beta2: 0.999,
            eps: 1e-8,
            weight_decay: 0.0,
        }
    }

    /// How many vectors of the parameters' length the state holds: 0, 1 (momentum) or 2 (Adam).
    pub fn state_vectors(&self) -> usize {
        match *self {
            Self::Sgd { momentum, .. } => usize::from(momentum != 0.0),
            Self::Adam { .. } => 2,
        }
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
