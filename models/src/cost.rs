//! What a model costs: floating-point operations and bytes, counted from its real layers.
//!
//! The convention, in one place: a multiply-add is 2 FLOPs. A dense layer of `i` inputs and `o`
//! outputs costs, forward and per sample, `2·i·o` for the product, `o` for adding the bias and
//! `o` for the ReLU where it has one. Backward costs twice the forward pass. Losses, softmax and
//! the optimiser's update are not counted: they do not grow with the product of two widths.

use crate::layout::Layout;
use crate::optimizer::Optimizer;

const F32_BYTES: u64 = 4;

impl Layout {
    /// FLOPs of the forward pass of one sample.
    pub fn forward_flops(&self) -> u64 {
        self.layers()
            .iter()
            .map(|layer| {
                let (inputs, outputs) = (layer.inputs as u64, layer.outputs as u64);
                2 * inputs * outputs + outputs + if layer.relu { outputs } else { 0 }
            })
            .sum()
    }

    /// FLOPs of the backward pass of one sample: twice [`Layout::forward_flops`].
    pub fn backward_flops(&self) -> u64 {
        2 * self.forward_flops()
    }

    /// FLOPs of training on `samples` samples: forward and backward.
    pub fn train_flops(&self, samples: u64) -> u64 {
        3 * self.forward_flops() * samples
    }

    /// FLOPs of predicting `samples` samples: forward only.
    pub fn predict_flops(&self, samples: u64) -> u64 {
        self.forward_flops() * samples
    }

    /// Bytes of the parameters: 4 a parameter.
    pub fn parameter_bytes(&self) -> u64 {
        F32_BYTES * self.parameter_count() as u64
    }

    /// Bytes that training holds at once with mini-batches of `batch`: parameters, gradients,
    /// the optimiser's state, and the input and output of every layer.
    pub fn training_memory_bytes(&self, batch: usize, optimizer: &Optimizer) -> u64 {
        let copies = 2 + optimizer.state_vectors() as u64;
        copies * self.parameter_bytes() + self.activation_bytes(batch)
    }

    /// Bytes of the input and of every layer's output for a batch.
    pub fn activation_bytes(&self, batch: usize) -> u64 {
        let outputs: usize = self.layers().iter().map(|layer| layer.outputs).sum();
        F32_BYTES * batch as u64 * (self.n_features() + outputs) as u64
    }
}
