//! What a model costs: floating-point operations and bytes, counted from its real layers.
//!
//! The convention, in one place: a multiply-add is 2 FLOPs. Forward and per sample
//! - a dense layer of `i` inputs and `o` outputs costs `2·i·o`, and `o` for the bias;
//! - a convolution `2·k` for each output, where `k` is the numbers of a filter, and 1 for the bias;
//! - a pool 1 for each place of its windows and channel, padding included;
//! - ReLU, tanh and dropout 1 for each value, GELU 8;
//! - a norm 7 for each value: mean, variance, subtraction, division, scale and shift;
//! - a GRU of `u` units on `i` inputs, at each step, `6·u·(i + u)` for its products, `6·u` for the
//!   biases and `14·u` for its gates;
//! - the sum of a residual block 1 for each value.
//!
//! Backward costs twice the forward pass. Losses, softmax and the optimiser's update are not
//! counted: they do not grow with the product of two widths.

use crate::layout::{Layer, Layout, Piece};
use crate::operations::{Activation, Operation};
use crate::optimizer::Optimizer;

const F32_BYTES: u64 = 4;

impl Layer {
    /// FLOPs of the forward pass of one sample.
    pub fn forward_flops(&self) -> u64 {
        let values = self.output.size() as u64;
        match &self.operation {
            Operation::Dense {
                inputs,
                outputs,
                bias,
            } => {
                let (inputs, outputs) = (*inputs as u64, *outputs as u64);
                2 * inputs * outputs + if *bias { outputs } else { 0 }
            }
            Operation::Convolution(convolution) | Operation::Depthwise(convolution) => {
                let bias = u64::from(convolution.bias);
                values * (2 * convolution.filter_size() as u64 + bias)
            }
            Operation::Pooling(pooling) => values * pooling.patches().window() as u64,
            Operation::Activation(Activation::Gelu) => 8 * values,
            Operation::Activation(_) | Operation::Dropout { .. } => values,
            Operation::Flatten => 0,
            Operation::Normalization(_) => 7 * values,
            Operation::Gru(gru) => {
                let (inputs, units) = (gru.inputs as u64, gru.units as u64);
                gru.time as u64 * (6 * units * (inputs + units) + 20 * units)
            }
        }
    }

    /// FLOPs of the backward pass of one sample: twice [`Layer::forward_flops`].
    pub fn backward_flops(&self) -> u64 {
        2 * self.forward_flops()
    }

    /// Bytes of its parameters: 4 a parameter.
    pub fn parameter_bytes(&self) -> u64 {
        F32_BYTES * self.parameters().len() as u64
    }

    /// Bytes of its output for one sample, kept until the backward pass. A ReLU and a flattening
    /// work where the numbers lie.
    pub fn activation_bytes(&self) -> u64 {
        let in_place = matches!(
            self.operation,
            Operation::Flatten | Operation::Activation(Activation::Relu)
        );
        if in_place {
            0
        } else {
            F32_BYTES * self.output.size() as u64
        }
    }
}

/// The values that residual blocks add.
fn sums(program: &[Piece]) -> u64 {
    let of_piece = |piece: &Piece| match piece {
        Piece::Chain(_) => 0,
        Piece::Residual {
            body,
            shortcut,
            output,
        } => output.size() as u64 + sums(body) + sums(shortcut),
    };
    program.iter().map(of_piece).sum()
}

impl Layout {
    /// Values that the residual blocks add up, one FLOP and one kept value each.
    pub fn residual_sums(&self) -> u64 {
        sums(&self.program)
    }

    /// FLOPs of the forward pass of one sample.
    pub fn forward_flops(&self) -> u64 {
        let layers = self.layers.iter().map(Layer::forward_flops).sum::<u64>();
        layers + self.residual_sums()
    }

    /// FLOPs of the backward pass of one sample: twice [`Layout::forward_flops`].
    pub fn backward_flops(&self) -> u64 {
        2 * self.forward_flops()
    }

    /// FLOPs of the features of `samples` samples: forward through the extractor only.
    pub fn feature_flops(&self, samples: u64) -> u64 {
        samples * (self.forward_flops() - self.head_layout().forward_flops())
    }

    /// FLOPs of predicting `rows` rows of features: forward through the head only.
    pub fn head_flops(&self, rows: u64) -> u64 {
        rows * self.head_layout().forward_flops()
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

    /// Bytes of the input, of every layer's output and of the sums of residual blocks, for a
    /// batch.
    pub fn activation_bytes(&self, batch: usize) -> u64 {
        let layers = self.layers.iter().map(Layer::activation_bytes).sum::<u64>();
        let around = F32_BYTES * (self.n_features() as u64 + self.residual_sums());
        batch as u64 * (layers + around)
    }
}
