//! Functions of each value by itself.

use super::elementary::tanh;
use super::{Backward, Descent, Forward, Kernel, wide};

/// A function of each value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Activation {
    /// max(x, 0).
    Relu,
    /// ½x(1 + tanh(√(2/π)(x + 0.044715x³))).
    Gelu,
    /// tanh x.
    Tanh,
}

const ROOT_2_BY_PI: f32 = 0.797_884_6;
const CUBIC: f32 = 0.044_715;

/// ReLU of values where they lie. Unlike `f32::max` it keeps NaN, so that divergence reaches the
/// loss.
pub(crate) fn relu(values: &mut [f32]) {
    wide(|| {
        for value in values {
            *value = if *value < 0.0 { 0.0 } else { *value };
        }
    });
}

/// Clears the gradient where the ReLU's output is not above 0.
pub(crate) fn relu_backward(output: &[f32], gradient: &mut [f32]) {
    wide(|| {
        for (slot, &value) in gradient.iter_mut().zip(output) {
            *slot = if value > 0.0 { *slot } else { 0.0 };
        }
    });
}

#[inline(always)]
fn gelu(x: f32) -> f32 {
    0.5 * x * (1.0 + tanh(ROOT_2_BY_PI * (x + CUBIC * x * x * x)))
}

#[inline(always)]
fn gelu_slope(x: f32) -> f32 {
    let bend = tanh(ROOT_2_BY_PI * (x + CUBIC * x * x * x));
    let inner = ROOT_2_BY_PI * (1.0 + 3.0 * CUBIC * x * x);
    0.5 * (1.0 + bend) + 0.5 * x * (1.0 - bend * bend) * inner
}

impl Kernel for Activation {
    fn forward(&mut self, pass: Forward<'_>) {
        let pairs = pass.output.iter_mut().zip(pass.input);
        match self {
            Self::Relu => {
                pass.output.copy_from_slice(pass.input);
                relu(pass.output);
            }
            Self::Gelu => wide(|| pairs.for_each(|(slot, &value)| *slot = gelu(value))),
            Self::Tanh => wide(|| pairs.for_each(|(slot, &value)| *slot = tanh(value))),
        }
    }

    fn backward(&mut self, pass: Backward<'_>, _: &mut Descent<'_>) {
        let Some(by_input) = pass.by_input else {
            return;
        };
        by_input.copy_from_slice(pass.by_output);
        match self {
            Self::Relu => relu_backward(pass.output, by_input),
            Self::Gelu => wide(|| {
                for (slot, &value) in by_input.iter_mut().zip(pass.input) {
                    *slot *= gelu_slope(value);
                }
            }),
            Self::Tanh => wide(|| {
                for (slot, &value) in by_input.iter_mut().zip(pass.output) {
                    *slot *= 1.0 - value * value;
                }
            }),
        }
    }

    fn needs_output(&self) -> bool {
        *self != Self::Gelu
    }
}
