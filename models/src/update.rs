//! One optimiser's updates of a network, by dfdx's own kernels, with the state they keep.

use dfdx::optim::{AdamConfig, Momentum, SgdConfig, WeightDecay};
use dfdx::prelude::*;

use crate::error::ModelError;
use crate::layout::Layout;
use crate::network::{Network, Tensors};
use crate::optimizer::{Optimizer, OptimizerState};

#[derive(Debug)]
pub(crate) struct Update {
    rule: Rule,
    steps: u64,
    /// Velocity, or first moment. Plain SGD keeps one too: dfdx's kernel asks for it.
    first: Tensors,
    second: Tensors,
    state_vectors: usize,
}

#[derive(Debug)]
enum Rule {
    Sgd(SgdConfig),
    Adam(AdamConfig),
}

impl Update {
    pub(crate) fn new(
        optimizer: &Optimizer,
        state: Option<OptimizerState>,
        layout: &Layout,
        network: &mut Network,
    ) -> Result<Self, ModelError> {
        let decay = |rate: f64| (rate != 0.0).then_some(WeightDecay::L2(rate));
        let rule = match *optimizer {
            Optimizer::Sgd {
                lr,
                momentum,
                weight_decay,
            } => Rule::Sgd(SgdConfig {
                lr,
                momentum: (momentum != 0.0).then_some(Momentum::Classic(momentum)),
                weight_decay: decay(weight_decay),
            }),
            Optimizer::Adam {
                lr,
                beta1,
                beta2,
                eps,
                weight_decay,
            } => Rule::Adam(AdamConfig {
                lr,
                betas: [beta1, beta2],
                eps,
                weight_decay: decay(weight_decay),
            }),
        };
        let mut update = Self {
            rule,
            steps: 0,
            first: Gradients::leaky(),
            second: Gradients::leaky(),
            state_vectors: optimizer.state_vectors(),
        };
        if let Some(state) = state {
            update.restore(&state, layout, network)?;
        }
        Ok(update)
    }

    fn restore(
        &mut self,
        state: &OptimizerState,
        layout: &Layout,
        network: &mut Network,
    ) -> Result<(), ModelError> {
        check(
            "vectors of optimiser state",
            state.vectors.len(),
            self.state_vectors,
        )?;
        for (vector, kept) in state
            .vectors
            .iter()
            .zip([&mut self.first, &mut self.second])
        {
            check("optimiser state", vector.len(), layout.parameter_count())?;
            for (layer, dense) in layout.layers().iter().zip(network.layers_mut()) {
                kept.get_or_alloc_mut(&dense.weights)?
                    .copy_from_slice(&vector[layer.weights()]);
                kept.get_or_alloc_mut(&dense.bias)?
                    .copy_from_slice(&vector[layer.bias()]);
            }
        }
        self.steps = state.steps;
        Ok(())
    }

    /// One update of every tensor along `gradients`.
    pub(crate) fn apply(
        &mut self,
        network: &mut Network,
        gradients: &mut Tensors,
    ) -> Result<(), ModelError> {
        self.steps += 1;
        for dense in network.layers_mut() {
            self.apply_to(&mut dense.weights, gradients)?;
            self.apply_to(&mut dense.bias, gradients)?;
        }
        Ok(())
    }

    fn apply_to<S: Shape>(
        &mut self,
        tensor: &mut Tensor<S, f32, Cpu>,
        gradients: &mut Tensors,
    ) -> Result<(), ModelError> {
        let gradient = gradients.get_or_alloc_mut(tensor)?;
        let first = self.first.get_or_alloc_mut(tensor)?;
        match &self.rule {
            Rule::Sgd(config) => config.try_update(tensor, first, gradient)?,
            Rule::Adam(config) => {
                let second = self.second.get_or_alloc_mut(tensor)?;
                // Beyond 2³¹ steps the bias correction is 1 to the last bit.
                let step = i32::try_from(self.steps).unwrap_or(i32::MAX);
                config.try_update(step, tensor, first, second, gradient)?;
            }
        }
        Ok(())
    }

    pub(crate) fn into_state(
        mut self,
        layout: &Layout,
        network: &mut Network,
    ) -> Result<OptimizerState, ModelError> {
        let mut vectors = Vec::with_capacity(self.state_vectors);
        for kept in [&mut self.first, &mut self.second]
            .into_iter()
            .take(self.state_vectors)
        {
            let mut vector = vec![0.0; layout.parameter_count()];
            for (layer, dense) in layout.layers().iter().zip(network.layers_mut()) {
                vector[layer.weights()].copy_from_slice(kept.get_or_alloc_mut(&dense.weights)?);
                vector[layer.bias()].copy_from_slice(kept.get_or_alloc_mut(&dense.bias)?);
            }
            vectors.push(vector);
        }
        Ok(OptimizerState {
            steps: self.steps,
            vectors,
        })
    }
}

fn check(what: &'static str, found: usize, expected: usize) -> Result<(), ModelError> {
    if found == expected {
        Ok(())
    } else {
        Err(ModelError::Length {
            what,
            found,
            expected,
        })
    }
}
