//! A gated recurrent unit over time (Cho et al. 2014), with PyTorch's formula and parameters.
//!
//! With the gates r (reset), z (update) and n (new), and ∘ value by value:
//! r = σ(W_r x + b_r + U_r h + c_r), z likewise, n = tanh(W_n x + b_n + r∘(U_n h + c_n)),
//! h ← (1−z)∘n + z∘h, from h = 0.

use std::ops::Range;

use super::elementary::{logistic, tanh};
use super::{Backward, Descent, Forward, Kernel, repeat_row, sum_rows};
use crate::product::{Onto, Rows, RowsMut, multiply, multiply_transposed, transposed_multiply};

/// Its extents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gru {
    pub(crate) time: usize,
    pub(crate) inputs: usize,
    pub(crate) units: usize,
    /// Whether the states of all steps are the output, not the last alone.
    pub(crate) sequence: bool,
}

/// Everything but the input lies step by step, and within a step sample by sample.
#[derive(Debug)]
pub(super) struct GruKernel {
    of: Gru,
    input_weights: Range<usize>,
    state_weights: Range<usize>,
    input_bias: Range<usize>,
    state_bias: Range<usize>,
    /// r, z and n of every step.
    gates: Vec<f32>,
    /// What the state contributes to every gate; after the backward pass the gradient by it.
    from_state: Vec<f32>,
    /// What the input contributes, sample by sample; after the backward pass the gradient by it.
    from_input: Vec<f32>,
    /// The states, beginning with zeros: one step more than there are.
    states: Vec<f32>,
    by_state: Vec<f32>,
}

impl GruKernel {
    pub(super) fn new(of: Gru, offset: usize) -> Self {
        let mut at = offset;
        let mut take = |count: usize| {
            at += count;
            at - count..at
        };
        Self {
            of,
            input_weights: take(3 * of.units * of.inputs),
            state_weights: take(3 * of.units * of.units),
            input_bias: take(3 * of.units),
            state_bias: take(3 * of.units),
            gates: Vec::new(),
            from_state: Vec::new(),
            from_input: Vec::new(),
            states: Vec::new(),
            by_state: Vec::new(),
        }
    }
}

impl Kernel for GruKernel {
    fn forward(&mut self, pass: Forward<'_>) {
        let Gru {
            time,
            inputs,
            units,
            sequence,
        } = self.of;
        let batch = pass.batch;
        let (wide, step) = (3 * units, batch * 3 * units);
        self.gates.resize(time * step, 0.0);
        self.from_state.resize(time * step, 0.0);
        self.from_input.resize(time * step, 0.0);
        self.states.resize((time + 1) * batch * units, 0.0);
        self.states[..batch * units].fill(0.0);
        repeat_row(
            &pass.parameters[self.input_bias.clone()],
            &mut self.from_input,
        );
        multiply_transposed(
            RowsMut::new(&mut self.from_input, wide),
            Onto::Sum,
            Rows::new(pass.input, inputs),
            Rows::new(&pass.parameters[self.input_weights.clone()], inputs),
        );
        repeat_row(
            &pass.parameters[self.state_bias.clone()],
            &mut self.from_state,
        );
        for now in 0..time {
            let (before, after) = self.states.split_at_mut((now + 1) * batch * units);
            let before = &before[now * batch * units..];
            let from_state = &mut self.from_state[now * step..][..step];
            multiply_transposed(
                RowsMut::new(from_state, wide),
                Onto::Sum,
                Rows::new(before, units),
                Rows::new(&pass.parameters[self.state_weights.clone()], units),
            );
            let gates = &mut self.gates[now * step..][..step];
            for sample in 0..batch {
                let row = (sample * time + now) * wide;
                let from_input = &self.from_input[row..row + wide];
                let from_state = &from_state[sample * wide..][..wide];
                let gates = &mut gates[sample * wide..][..wide];
                let (open, new) = gates.split_at_mut(2 * units);
                for ((gate, from_input), from_state) in
                    open.iter_mut().zip(from_input).zip(from_state)
                {
                    *gate = logistic(from_input + from_state);
                }
                let old = &before[sample * units..][..units];
                let next = &mut after[sample * units..][..units];
                for unit in 0..units {
                    let (reset, update) = (open[unit], open[units + unit]);
                    let from_state = from_state[2 * units + unit];
                    new[unit] = tanh(from_input[2 * units + unit] + reset * from_state);
                    next[unit] = (1.0 - update) * new[unit] + update * old[unit];
                }
            }
        }
        let first = if sequence { 0 } else { time - 1 };
        let shown = time - first;
        for (sample, output) in pass.output.chunks_exact_mut(shown * units).enumerate() {
            for (now, output) in output.chunks_exact_mut(units).enumerate() {
                let at = (first + now + 1) * batch * units + sample * units;
                output.copy_from_slice(&self.states[at..at + units]);
            }
        }
    }

    fn backward(&mut self, pass: Backward<'_>, descent: &mut Descent<'_>) {
        let Gru {
            time,
            inputs,
            units,
            sequence,
        } = self.of;
        let batch = pass.batch;
        let (wide, step) = (3 * units, batch * 3 * units);
        self.by_state.clear();
        self.by_state.resize(batch * units, 0.0);
        for now in (0..time).rev() {
            for sample in 0..batch {
                let by_state = &mut self.by_state[sample * units..][..units];
                if sequence || now == time - 1 {
                    let row = if sequence {
                        sample * time + now
                    } else {
                        sample
                    };
                    super::patches::add(by_state, &pass.by_output[row * units..][..units]);
                }
                let at = now * step + sample * wide;
                let gates = &self.gates[at..at + wide];
                let from_state = &mut self.from_state[at..at + wide];
                let row = (sample * time + now) * wide;
                let from_input = &mut self.from_input[row..row + wide];
                let old = &self.states[(now * batch + sample) * units..][..units];
                for unit in 0..units {
                    let (reset, update, new) =
                        (gates[unit], gates[units + unit], gates[2 * units + unit]);
                    let by = by_state[unit];
                    let by_new = by * (1.0 - update) * (1.0 - new * new);
                    let by_update = by * (old[unit] - new) * update * (1.0 - update);
                    let by_reset = by_new * from_state[2 * units + unit] * reset * (1.0 - reset);
                    from_input[unit] = by_reset;
                    from_input[units + unit] = by_update;
                    from_input[2 * units + unit] = by_new;
                    from_state[unit] = by_reset;
                    from_state[units + unit] = by_update;
                    from_state[2 * units + unit] = by_new * reset;
                    by_state[unit] = by * update;
                }
            }
            if now > 0 {
                multiply(
                    RowsMut::new(&mut self.by_state, units),
                    Onto::Sum,
                    Rows::new(&self.from_state[now * step..][..step], wide),
                    Rows::new(descent.parameters(self.state_weights.clone()), units),
                );
            }
        }
        let by_input_part = Rows::new(&self.from_input, wide);
        if let Some(by_input) = pass.by_input {
            let weights = descent.parameters(self.input_weights.clone());
            multiply(
                RowsMut::new(by_input, inputs),
                Onto::Nothing,
                by_input_part,
                Rows::new(weights, inputs),
            );
        }
        let (weights, onto, factor) = descent.product(self.input_weights.clone(), 0);
        transposed_multiply(
            RowsMut::new(weights, inputs),
            onto,
            factor,
            by_input_part,
            Rows::new(pass.input, inputs),
        );
        let (weights, onto, factor) = descent.product(self.state_weights.clone(), 0);
        transposed_multiply(
            RowsMut::new(weights, units),
            onto,
            factor,
            Rows::new(&self.from_state, wide),
            Rows::new(&self.states[..time * batch * units], units),
        );
        let sums = &mut pass.scratch.sums;
        sum_rows(&self.from_input, sums, wide);
        descent.values(self.input_bias.clone(), sums);
        sum_rows(&self.from_state, sums, wide);
        descent.values(self.state_bias.clone(), sums);
    }
}
