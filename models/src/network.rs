//! A layout's layers as dfdx tensors of runtime shape, run with or without dfdx's tape.

use dfdx::prelude::*;

use crate::error::ModelError;
use crate::layout::Layout;

/// Rows of numbers; both dimensions are known at run time only.
pub(crate) type Matrix<T = NoneTape> = Tensor<(usize, usize), f32, Cpu, T>;
type Vector = Tensor<(usize,), f32, Cpu>;
pub(crate) type Tensors = Gradients<f32, Cpu>;

/// The parameters of a model on a device of its own, so that jobs share no lock and no buffer.
#[derive(Debug)]
pub(crate) struct Network {
    device: Cpu,
    layers: Vec<Dense>,
}

#[derive(Debug)]
pub(crate) struct Dense {
    pub(crate) weights: Matrix,
    pub(crate) bias: Vector,
    relu: bool,
}

impl Network {
    pub(crate) fn new(layout: &Layout, parameters: &[f32], seed: u64) -> Result<Self, ModelError> {
        if parameters.len() != layout.parameter_count() {
            return Err(ModelError::Length {
                what: "parameters",
                found: parameters.len(),
                expected: layout.parameter_count(),
            });
        }
        keep_products_on_the_calling_thread();
        let device = Cpu::seed_from_u64(seed);
        device.try_enable_cache()?;
        let layers = layout
            .layers()
            .iter()
            .map(|layer| {
                let mut weights = device.try_zeros_like(&(layer.outputs, layer.inputs))?;
                weights.copy_from(&parameters[layer.weights()]);
                let mut bias = device.try_zeros_like(&(layer.outputs,))?;
                bias.copy_from(&parameters[layer.bias()]);
                Ok(Dense {
                    weights,
                    bias,
                    relu: layer.relu,
                })
            })
            .collect::<Result<_, ModelError>>()?;
        Ok(Self { device, layers })
    }

    pub(crate) fn device(&self) -> &Cpu {
        &self.device
    }

    pub(crate) fn layers_mut(&mut self) -> &mut [Dense] {
        &mut self.layers
    }

    /// Logits of the rows of `x`.
    pub(crate) fn forward<T: Tape<f32, Cpu>>(&self, x: Matrix<T>) -> Result<Matrix<T>, ModelError>
    where
        T: Merge<T>,
    {
        let mut x = x;
        for layer in &self.layers {
            let product = x.try_matmul(layer.weights.retaped::<T>().try_permute()?)?;
            let shape = *product.shape();
            let bias = layer
                .bias
                .retaped::<T>()
                .try_broadcast_like::<_, Axis<0>>(&shape)?;
            x = product.try_add(bias)?;
            if layer.relu {
                x = x.try_relu()?;
            }
        }
        Ok(x)
    }

    /// Copies the parameters into one flat slice.
    pub(crate) fn copy_parameters(&self, flat: &mut [f32]) {
        let mut rest = flat;
        for layer in &self.layers {
            let (weights, others) = rest.split_at_mut(layer.weights.shape().num_elements());
            let (bias, others) = others.split_at_mut(layer.bias.shape().num_elements());
            layer.weights.copy_into(weights);
            layer.bias.copy_into(bias);
            rest = others;
        }
    }

    /// A matrix with these rows.
    pub(crate) fn matrix(&self, values: &[f32], columns: usize) -> Result<Matrix, ModelError> {
        let mut matrix = self
            .device
            .try_zeros_like(&(values.len() / columns, columns))?;
        matrix.copy_from(values);
        Ok(matrix)
    }
}

impl Drop for Network {
    /// dfdx never frees what its cache still holds when the device goes.
    fn drop(&mut self) {
        self.device.disable_cache();
    }
}

/// dfdx hands large products to the global rayon pool. fedstill runs one job a thread on a pool
/// of its own, so a product stays where it was asked for, whatever its size.
fn keep_products_on_the_calling_thread() {
    gemm_common::gemm::set_threading_threshold(usize::MAX);
}
