//! A gated recurrent unit over time (Cho et al. 2014), with PyTorch's formula and parameters.
//!
//! With the gates r (reset), z (update) and n (new), and ∘ value by value:
//! r = σ(W_r x + b_r + U_r h + c_r), z likewise, n = tanh(W_n x + b_n + r∘(U_n h + c_n)),
//! h ← (1−z)∘n + z∘h, from h = 0.

use std::ops::Range;

use super::elementary::{logistic, tanh};
use super::{Backward, Descent, Forward, Kernel, repeat_row, sum_rows, wide};
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
        let (wide_row, step) = (3 * units, batch * 3 * units);
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
            RowsMut::new(&mut self.from_input, wide_row),
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
                RowsMut::new(from_state, wide_row),
                Onto::Sum,
                Rows::new(before, units),
                Rows::new(&pass.parameters[self.state_weights.clone()], units),
            );
            let gates = &mut self.gates[now * step..][..step];
            for sample in 0..batch {
                let row = (sample * time + now) * wide_row;
                let from_input = &self.from_input[row..row + wide_row];
                let from_state = &from_state[sample * wide_row..][..wide_row];
                let gates = &mut gates[sample * wide_row..][..wide_row];
                let old = &before[sample * units..][..units];
                let next = &mut after[sample * units..][..units];
                wide(|| open_gates(from_input, from_state, gates, old, next));
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
        let (wide_row, step) = (3 * units, batch * 3 * units);
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
                let at = now * step + sample * wide_row;
                let gates = &self.gates[at..at + wide_row];
                let from_state = &mut self.from_state[at..at + wide_row];
                let row = (sample * time + now) * wide_row;
                let from_input = &mut self.from_input[row..row + wide_row];
                let old = &self.states[(now * batch + sample) * units..][..units];
                wide(|| close_gates(gates, old, by_state, from_input, from_state));
            }
            if now > 0 {
                multiply(
                    RowsMut::new(&mut self.by_state, units),
                    Onto::Sum,
                    Rows::new(&self.from_state[now * step..][..step], wide_row),
                    Rows::new(descent.parameters(self.state_weights.clone()), units),
                );
            }
        }
        let by_input_part = Rows::new(&self.from_input, wide_row);
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
            Rows::new(&self.from_state, wide_row),
            Rows::new(&self.states[..time * batch * units], units),
        );
        let sums = &mut pass.scratch.sums;
        sum_rows(&self.from_input, sums, wide_row);
        descent.values(self.input_bias.clone(), sums);
        sum_rows(&self.from_state, sums, wide_row);
        descent.values(self.state_bias.clone(), sums);
    }
}

/// Cuts a row of three gates.
#[inline(always)]
fn three(row: &[f32], units: usize) -> (&[f32], &[f32], &[f32]) {
    (
        &row[..units],
        &row[units..][..units],
        &row[2 * units..][..units],
    )
}

#[inline(always)]
fn three_mut(row: &mut [f32], units: usize) -> (&mut [f32], &mut [f32], &mut [f32]) {
    let (first, rest) = row.split_at_mut(units);
    let (second, third) = rest.split_at_mut(units);
    (
        &mut first[..units],
        &mut second[..units],
        &mut third[..units],
    )
}

/// The gates of one sample at one step, and the state after it.
#[inline(always)]
fn open_gates(
    from_input: &[f32],
    from_state: &[f32],
    gates: &mut [f32],
    old: &[f32],
    next: &mut [f32],
) {
    let units = old.len();
    let next = &mut next[..units];
    let (input_r, input_z, input_n) = three(from_input, units);
    let (state_r, state_z, state_n) = three(from_state, units);
    let (reset, update, new) = three_mut(gates, units);
    for unit in 0..units {
        reset[unit] = logistic(input_r[unit] + state_r[unit]);
        update[unit] = logistic(input_z[unit] + state_z[unit]);
        new[unit] = tanh(input_n[unit] + reset[unit] * state_n[unit]);
        next[unit] = (1.0 - update[unit]) * new[unit] + update[unit] * old[unit];
    }
}

/// From the gradient by the state after a step of one sample to those by what input and state
/// contributed, which they replace, and by the state before, so far as it was carried over.
#[inline(always)]
fn close_gates(
    gates: &[f32],
    old: &[f32],
    by_state: &mut [f32],
    from_input: &mut [f32],
    from_state: &mut [f32],
) {
    let units = old.len();
    let by_state = &mut by_state[..units];
    let (reset, update, new) = three(gates, units);
    let (input_r, input_z, input_n) = three_mut(from_input, units);
    let (state_r, state_z, state_n) = three_mut(from_state, units);
    for unit in 0..units {
        let (r, z, n, by) = (reset[unit], update[unit], new[unit], by_state[unit]);
        let by_new = by * (1.0 - z) * (1.0 - n * n);
        let by_update = by * (old[unit] - n) * z * (1.0 - z);
        let by_reset = by_new * state_n[unit] * r * (1.0 - r);
        input_r[unit] = by_reset;
        input_z[unit] = by_update;
        input_n[unit] = by_new;
        state_r[unit] = by_reset;
        state_z[unit] = by_update;
        state_n[unit] = by_new * r;
        by_state[unit] = by * z;
    }
}
