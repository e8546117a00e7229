//! The operations of a model, each with its gradient, on plain slices.
//!
//! A *kernel* is one layer's forward and backward pass over a batch of rows; it keeps between the
//! two what the backward pass needs. Kernels that follow each other are one operation on dfdx's
//! tape (see [`crate::stage`]).

mod activation;
mod convolution;
mod dense;
mod depthwise;
mod dropout;
mod elementary;
mod gru;
mod normalization;
mod patches;
mod pooling;

use std::fmt::Debug;
use std::ops::Range;

use pulp::Arch;
use rand_chacha::ChaCha8Rng;

pub(crate) use activation::{Activation, relu, relu_backward};
pub(crate) use convolution::Convolution;
pub(crate) use elementary::exp_of_negative;
pub(crate) use gru::Gru;
pub(crate) use normalization::Normalization;
pub(crate) use patches::Patches;
pub(crate) use pooling::Pooling;

use crate::product::Onto;

/// What a layer does, with all its extents known.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Operation {
    /// Every output from every input.
    Dense {
        inputs: usize,
        outputs: usize,
        bias: bool,
    },
    /// Filters over an image or a series.
    Convolution(Convolution),
    /// One filter for every channel.
    Depthwise(Convolution),
    /// Maximum or mean of windows.
    Pooling(Pooling),
    /// A function of each value.
    Activation(Activation),
    /// Nothing: the numbers already lie in a row.
    Flatten,
    /// Zero mean and unit variance, then a learned scale and shift.
    Normalization(Normalization),
    /// Random zeros in training.
    Dropout { rate: f32 },
    /// A gated recurrent unit over time.
    Gru(Gru),
}

impl Operation {
    /// The kernel of a layer whose parameters begin at `offset`; none for a layer that does
    /// nothing.
    pub(crate) fn kernel(&self, offset: usize) -> Option<Box<dyn Kernel>> {
        Some(match *self {
            Self::Dense {
                inputs,
                outputs,
                bias,
            } => Box::new(dense::DenseKernel::new(inputs, outputs, bias, offset)),
            Self::Convolution(convolution) => {
                Box::new(convolution::ConvolutionKernel::new(convolution, offset))
            }
            Self::Depthwise(convolution) => {
                Box::new(depthwise::DepthwiseKernel::new(convolution, offset))
            }
            Self::Pooling(pooling) => pooling.kernel(),
            Self::Activation(activation) => Box::new(activation),
            Self::Flatten => return None,
            Self::Normalization(normalization) => Box::new(
                normalization::NormalizationKernel::new(normalization, offset),
            ),
            Self::Dropout { rate } => Box::new(dropout::DropoutKernel::new(rate)),
            Self::Gru(gru) => Box::new(gru::GruKernel::new(gru, offset)),
        })
    }
}

/// One layer's two passes over a batch.
pub(crate) trait Kernel: Debug + Send {
    /// Writes `output`, and keeps what [`Kernel::backward`] needs.
    fn forward(&mut self, pass: Forward<'_>);

    /// Writes the gradient of the input where it is asked for, and then descends: the gradient of
    /// the input is always taken with the parameters as they were.
    fn backward(&mut self, pass: Backward<'_>, descent: &mut Descent<'_>);

    /// Whether the backward pass reads the output, which then must stay as it was written.
    fn needs_output(&self) -> bool {
        false
    }
}

/// A forward pass; rows of values lie one after the other.
pub(crate) struct Forward<'a> {
    pub(crate) batch: usize,
    pub(crate) input: &'a [f32],
    pub(crate) output: &'a mut [f32],
    pub(crate) parameters: &'a [f32],
    pub(crate) scratch: &'a mut Scratch,
    /// The stream of what is random in training; none when a model is only asked.
    pub(crate) noise: Option<&'a mut ChaCha8Rng>,
}

/// A backward pass over what the forward pass saw and made.
pub(crate) struct Backward<'a> {
    pub(crate) batch: usize,
    pub(crate) input: &'a [f32],
    pub(crate) output: &'a [f32],
    pub(crate) by_output: &'a [f32],
    /// Written in full; none where nobody asks, as for the gradient of the data.
    pub(crate) by_input: Option<&'a mut [f32]>,
    pub(crate) scratch: &'a mut Scratch,
}

/// Buffers that kernels share, since only one runs at a time.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    /// Patches of a few lines of a batch, and the gradient by them.
    pub(crate) patches: Vec<f32>,
    /// Sums over rows, as for a bias.
    pub(crate) sums: Vec<f32>,
}

/// Where the gradient of parameters goes: into a vector of its own, or straight into the
/// parameters.
///
/// Descending straight into the parameters (θ ← θ − rate·gradient inside the product that makes
/// the gradient) spares writing and reading a gradient as large as the model.
#[derive(Debug)]
pub(crate) struct Descent<'a> {
    pub(crate) parameters: &'a mut [f32],
    /// As long as the parameters, or empty where `rate` is given.
    pub(crate) gradient: &'a mut [f32],
    pub(crate) rate: Option<f32>,
}

impl Descent<'_> {
    /// The parameters before the descent.
    pub(crate) fn parameters(&self, of: Range<usize>) -> &[f32] {
        &self.parameters[of]
    }

    /// Where `factor` times a product goes. `part` counts the products whose sum is the gradient:
    /// the first one of them writes.
    pub(crate) fn product(&mut self, of: Range<usize>, part: usize) -> (&mut [f32], Onto, f32) {
        match self.rate {
            Some(rate) => (&mut self.parameters[of], Onto::Sum, -rate),
            None if part == 0 => (&mut self.gradient[of], Onto::Nothing, 1.0),
            None => (&mut self.gradient[of], Onto::Sum, 1.0),
        }
    }

    /// Takes a gradient that is known as it is.
    pub(crate) fn values(&mut self, of: Range<usize>, gradient: &[f32]) {
        match self.rate {
            Some(rate) => wide(|| {
                for (parameter, value) in self.parameters[of].iter_mut().zip(gradient) {
                    *parameter -= rate * value;
                }
            }),
            None => self.gradient[of].copy_from_slice(gradient),
        }
    }
}

/// Runs loops over values with the widest vectors that the processor has.
///
/// The bits are the same on all: a loop's work is not reordered, only done for more values at a
/// time. Whatever `work` calls must be inlined into it to be widened.
#[inline(always)]
pub(crate) fn wide<R>(work: impl FnOnce() -> R) -> R {
    Arch::new().dispatch(work)
}

/// The sum of rows, into `sums`.
pub(crate) fn sum_rows(rows: &[f32], sums: &mut Vec<f32>, columns: usize) {
    sums.clear();
    sums.resize(columns, 0.0);
    wide(|| {
        for row in rows.chunks_exact(columns) {
            patches::add(sums, row);
        }
    });
}

/// `rows` times the same row, as a bias begins a product.
pub(crate) fn repeat_row(row: &[f32], out: &mut [f32]) {
    for slot in out.chunks_exact_mut(row.len()) {
        slot.copy_from_slice(row);
    }
}
