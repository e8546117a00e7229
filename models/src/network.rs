//! A layout's layers on dfdx tensors of runtime shape, run with or without dfdx's tape.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dfdx::prelude::*;

use crate::dense::{Saved, dense};
use crate::error::ModelError;
use crate::layout::Layout;

/// Rows of numbers; both dimensions are known at run time only.
pub(crate) type Matrix<T = NoneTape> = Tensor<(usize, usize), f32, Cpu, T>;
pub(crate) type Gradients = dfdx::tensor::Gradients<f32, Cpu>;

/// A model on a device of its own, so that jobs share no lock and no buffer.
#[derive(Debug)]
pub(crate) struct Network {
    layout: Arc<Layout>,
    device: Cpu,
    workspace: Shared,
}

/// What the operations on one tape share. dfdx lets nobody outside read a tensor without a copy,
/// so parameters and their gradient, the large buffers, lie here as flat vectors.
#[derive(Debug)]
pub(crate) struct Workspace {
    pub(crate) parameters: Vec<f32>,
    pub(crate) gradient: Vec<f32>,
    /// What each layer keeps between its forward and its backward pass.
    pub(crate) saved: Vec<Saved>,
}

/// A workspace that operations on the tape hold on to. Never contended: one job, one thread.
#[derive(Clone, Debug)]
pub(crate) struct Shared(Arc<Mutex<Workspace>>);

impl Shared {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Workspace> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Network {
    pub(crate) fn new(
        layout: Arc<Layout>,
        parameters: &[f32],
        seed: u64,
    ) -> Result<Self, ModelError> {
        let count = layout.parameter_count();
        if parameters.len() != count {
            return Err(ModelError::Length {
                what: "parameters",
                found: parameters.len(),
                expected: count,
            });
        }
        let device = Cpu::seed_from_u64(seed);
        device.try_enable_cache()?;
        let workspace = Workspace {
            parameters: parameters.to_vec(),
            gradient: Vec::new(),
            saved: layout.layers().iter().map(|_| Saved::default()).collect(),
        };
        Ok(Self {
            layout,
            device,
            workspace: Shared(Arc::new(Mutex::new(workspace))),
        })
    }

    pub(crate) fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    pub(crate) fn workspace(&self) -> MutexGuard<'_, Workspace> {
        self.workspace.lock()
    }

    /// Logits of the rows `x`, on the tape `T`.
    pub(crate) fn forward<T: Tape<f32, Cpu>>(&self, x: &[f32]) -> Result<Matrix<T>, ModelError> {
        let mut x: Matrix<T> =
            matrix(&self.device, x, self.layout.n_features())?.put_tape(T::default());
        for (place, layer) in self.layout.layers().iter().enumerate() {
            x = dense(x, layer, place, &self.workspace)?;
        }
        Ok(x)
    }

    /// Runs the tape of these logits from a gradient that is already known. Afterwards the
    /// workspace holds the gradient of the parameters.
    pub(crate) fn backward(
        &self,
        logits: &Matrix,
        mut tape: OwnedTape<f32, Cpu>,
        gradient: &Arc<Vec<f32>>,
    ) -> Result<(), ModelError> {
        let (logits, gradient) = (logits.clone(), gradient.clone());
        tape.add_backward_op(move |gradients| {
            gradients
                .get_or_alloc_mut(&logits)?
                .copy_from_slice(&gradient);
            Ok(())
        });
        let root: Tensor<(), f32, Cpu> = self.device.try_zeros()?;
        root.put_tape(tape).try_backward()?;
        Ok(())
    }
}

/// A tensor of these rows, in a buffer that the device has cached where it has one.
pub(crate) fn matrix(device: &Cpu, values: &[f32], columns: usize) -> Result<Matrix, CpuError> {
    let mut matrix = device.try_zeros_like(&(values.len() / columns, columns))?;
    matrix.copy_from(values);
    Ok(matrix)
}

impl Drop for Network {
    /// dfdx never frees what its cache still holds when the device goes.
    fn drop(&mut self) {
        self.device.disable_cache();
    }
}
