//! Terms on what the head alone makes of given features.

use std::sync::Arc;

use dfdx::prelude::*;

use crate::error::{ModelError, check_length};
use crate::network::Network;
use crate::objective::{Loss, LossScratch, Term, add_logit_terms};

/// The head as a model of its own, made when a term first asks for it.
#[derive(Debug)]
pub(super) struct HeadAlone {
    seed: u64,
    network: Option<Network>,
    logits: Vec<f32>,
    by_logits: Arc<Vec<f32>>,
    /// The gradient by the head's parameters; empty where no term asks.
    gradient: Vec<f32>,
}

impl HeadAlone {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            network: None,
            logits: Vec::new(),
            by_logits: Arc::default(),
            gradient: Vec::new(),
        }
    }

    /// The value of the terms; keeps their gradient.
    pub(super) fn take(
        &mut self,
        terms: &[Term<'_>],
        whole: &Network,
        losses: &mut LossScratch,
    ) -> Result<f64, ModelError> {
        self.gradient.clear();
        let mut value = 0.0;
        for term in terms {
            let Loss::OfHead { features, loss } = term.loss else {
                continue;
            };
            let of = whole.layout();
            let (width, n_classes) = (of.feature_width(), of.n_classes());
            let rows = features.len().div_ceil(width).max(1);
            check_length("features for the head", features.len(), rows * width)?;
            let own = &whole.workspace().parameters[of.head()];
            let network = match &mut self.network {
                Some(network) => network,
                none => none.insert(Network::new(Arc::new(of.head_layout()), own, self.seed)?),
            };
            {
                let workspace = &mut *network.workspace();
                workspace.parameters.copy_from_slice(own);
                workspace.gradient.resize(own.len(), 0.0);
            }
            let (logits, tape) = network.forward(features)?.split_tape();
            self.logits.resize(rows * n_classes, 0.0);
            logits.copy_into(&mut self.logits);
            let gradient = Arc::make_mut(&mut self.by_logits);
            gradient.clear();
            gradient.resize(rows * n_classes, 0.0);
            let term = [Term::new(term.weight, *loss)];
            value += add_logit_terms(&term, &self.logits, n_classes, gradient, losses)?;
            network.backward(&logits, tape, &self.by_logits)?;
            self.gradient.resize(own.len(), 0.0);
            for (sum, value) in self.gradient.iter_mut().zip(&network.workspace().gradient) {
                *sum += *value;
            }
        }
        Ok(value)
    }

    /// Whether the last terms asked for the head alone.
    pub(super) fn is_asked(&self) -> bool {
        !self.gradient.is_empty()
    }

    /// Adds what was kept to the gradient by the head's parameters.
    pub(super) fn add_to(&self, gradient: &mut [f32]) {
        for (sum, value) in gradient.iter_mut().zip(&self.gradient) {
            *sum += *value;
        }
    }
}
