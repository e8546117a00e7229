//! `x·Wᵀ + b`.

use std::ops::Range;

use super::{Backward, Descent, Forward, Kernel, repeat_row, sum_rows};
use crate::product::{Onto, Rows, RowsMut, multiply, multiply_transposed, transposed_multiply};

#[derive(Debug)]
pub(super) struct DenseKernel {
    inputs: usize,
    outputs: usize,
    weights: Range<usize>,
    bias: Option<Range<usize>>,
}

impl DenseKernel {
    pub(super) fn new(inputs: usize, outputs: usize, bias: bool, offset: usize) -> Self {
        let end = offset + inputs * outputs;
        Self {
            inputs,
            outputs,
            weights: offset..end,
            bias: bias.then_some(end..end + outputs),
        }
    }
}

impl Kernel for DenseKernel {
    fn forward(&mut self, pass: Forward<'_>) {
        let onto = match &self.bias {
            Some(bias) => {
                repeat_row(&pass.parameters[bias.clone()], pass.output);
                Onto::Sum
            }
            None => Onto::Nothing,
        };
        multiply_transposed(
            RowsMut::new(pass.output, self.outputs),
            onto,
            Rows::new(pass.input, self.inputs),
            Rows::new(&pass.parameters[self.weights.clone()], self.inputs),
        );
    }

    fn backward(&mut self, pass: Backward<'_>, descent: &mut Descent<'_>) {
        let by_output = Rows::new(pass.by_output, self.outputs);
        if let Some(by_input) = pass.by_input {
            let weights = descent.parameters(self.weights.clone());
            multiply(
                RowsMut::new(by_input, self.inputs),
                Onto::Nothing,
                by_output,
                Rows::new(weights, self.inputs),
            );
        }
        let (weights, onto, factor) = descent.product(self.weights.clone(), 0);
        transposed_multiply(
            RowsMut::new(weights, self.inputs),
            onto,
            factor,
            by_output,
            Rows::new(pass.input, self.inputs),
        );
        if let Some(bias) = &self.bias {
            sum_rows(pass.by_output, &mut pass.scratch.sums, self.outputs);
            descent.values(bias.clone(), &pass.scratch.sums);
        }
    }
}
