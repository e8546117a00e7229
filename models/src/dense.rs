//! A dense layer with bias and ReLU as one operation on dfdx's tape.
//!
//! dfdx's own linear layer, bias and ReLU are four operations with a tensor and a gradient each,
//! and its matrix product knows AVX2 only; this is one, on faer's product (AVX-512 where the
//! processor has it), always on the calling thread.

use dfdx::prelude::*;
use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};

use crate::layout::DenseLayer;
use crate::network::{Gradients, Matrix, Shared, Workspace, matrix};

/// What the backward pass of a dense layer needs of its forward pass; reused step by step.
#[derive(Debug, Default)]
pub(crate) struct Saved {
    input: Vec<f32>,
    output: Vec<f32>,
}

/// `relu(x·Wᵀ + b)` for a batch of rows, with the parameters of `layer` in the workspace.
///
/// The backward pass *writes* the gradient of this layer's parameters (a layer takes part once
/// in a step), and adds to the gradient of `x` unless this is the first layer: nobody asks for
/// the gradient of the data.
pub(crate) fn dense<T: Tape<f32, Cpu>>(
    x: Matrix<T>,
    layer: &DenseLayer,
    place: usize,
    shared: &Shared,
) -> Result<Matrix<T>, CpuError> {
    let (x, mut tape) = x.split_tape();
    let batch = x.shape().0;
    let y = {
        let Workspace {
            parameters, saved, ..
        } = &mut *shared.lock();
        let Saved { input, output } = &mut saved[place];
        input.resize(batch * layer.inputs, 0.0);
        x.copy_into(input);
        output.clear();
        for _ in 0..batch {
            output.extend_from_slice(&parameters[layer.bias()]);
        }
        let weights = rows(&parameters[layer.weights()], layer.inputs);
        add_product(
            rows_mut(output, layer.outputs),
            rows(input, layer.inputs),
            weights.transpose(),
        );
        if layer.relu {
            // Unlike f32::max this keeps NaN, so that divergence reaches the loss.
            for value in output.iter_mut() {
                *value = if *value < 0.0 { 0.0 } else { *value };
            }
        }
        matrix(x.device(), output, layer.outputs)?
    };
    let (result, layer, shared) = (y.clone(), layer.clone(), shared.clone());
    tape.add_backward_op(move |gradients| {
        backward(&x, &result, &layer, place, &mut shared.lock(), gradients)
    });
    Ok(y.put_tape(tape))
}

fn backward(
    x: &Matrix,
    y: &Matrix,
    layer: &DenseLayer,
    place: usize,
    workspace: &mut Workspace,
    gradients: &mut Gradients,
) -> Result<(), CpuError> {
    let Workspace {
        parameters,
        gradient,
        saved,
    } = workspace;
    let Saved { input, output } = &saved[place];
    // Lent out for a moment, because only one gradient can be borrowed at a time.
    let mut by_y = std::mem::take(&mut **gradients.get_or_alloc_mut(y)?);
    if layer.relu {
        for (slot, &value) in by_y.iter_mut().zip(output) {
            *slot = if value > 0.0 { *slot } else { 0.0 };
        }
    }
    let by_bias = &mut gradient[layer.bias()];
    by_bias.fill(0.0);
    for row in by_y.chunks_exact(layer.outputs) {
        for (slot, &value) in by_bias.iter_mut().zip(row) {
            *slot += value;
        }
    }
    let by_output = rows(&by_y, layer.outputs);
    let by_weights = rows_mut(&mut gradient[layer.weights()], layer.inputs);
    matmul(
        by_weights,
        Accum::Replace,
        by_output.transpose(),
        rows(input, layer.inputs),
        1.0,
        Par::Seq,
    );
    if place > 0 {
        let by_x = rows_mut(gradients.get_or_alloc_mut(x)?, layer.inputs);
        add_product(
            by_x,
            by_output,
            rows(&parameters[layer.weights()], layer.inputs),
        );
    }
    **gradients.get_or_alloc_mut(y)? = by_y;
    Ok(())
}

fn add_product(sum: MatMut<'_, f32>, left: MatRef<'_, f32>, right: MatRef<'_, f32>) {
    matmul(sum, Accum::Add, left, right, 1.0, Par::Seq);
}

fn rows(values: &[f32], columns: usize) -> MatRef<'_, f32> {
    MatRef::from_row_major_slice(values, values.len() / columns, columns)
}

fn rows_mut(values: &mut [f32], columns: usize) -> MatMut<'_, f32> {
    let count = values.len() / columns;
    MatMut::from_row_major_slice_mut(values, count, columns)
}
