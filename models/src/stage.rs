//! A run of layers as one operation on dfdx's tape.
//!
//! dfdx lends nobody a tensor's values, so whatever passes between operations on its tape is
//! copied. Layers that follow each other are therefore one operation: from one layer with weights
//! up to the next, with the activation, norm and pool behind it. Inside, rows pass from buffer to
//! buffer, and the buffers are kept from step to step.

use dfdx::prelude::*;
use rand_chacha::ChaCha8Rng;

use crate::layout::Layer;
use crate::network::{Matrix, Shared, Workspace, matrix};
use crate::operations::{
    Activation, Backward, Descent, Forward, Kernel, Operation, Scratch, relu, relu_backward,
};

/// Layers that are run together.
#[derive(Debug)]
pub(crate) struct Stage {
    steps: Vec<Step>,
    /// Numbers of one sample that arrive.
    width: usize,
    /// The rows that arrived.
    input: Vec<f32>,
    /// Whether the gradient of what arrives is asked for: not of the data.
    asked: bool,
    /// Whether others too add to that gradient.
    shared_input: bool,
    /// Whether features arrive: the stage is the head's first.
    gets_features: bool,
}

#[derive(Debug)]
struct Step {
    kernel: Box<dyn Kernel>,
    /// Whether a ReLU follows, where the output lies.
    relu: bool,
    width: usize,
    output: Vec<f32>,
}

impl Stage {
    /// The stage of these layers, or none where they do nothing.
    pub(crate) fn new(layers: &[Layer], asked: bool, shared_input: bool) -> Option<Self> {
        let mut steps: Vec<Step> = Vec::new();
        let mut layers = layers.to_vec();
        pool_before_relu(&mut layers);
        for layer in &layers {
            let is_relu = layer.operation == Operation::Activation(Activation::Relu);
            if let Some(last) = steps.last_mut().filter(|last| is_relu && !last.relu) {
                // A ReLU where the output lies spares a buffer; but a kernel whose gradient needs
                // its own output would find another.
                if !last.kernel.needs_output() {
                    last.relu = true;
                    continue;
                }
            }
            if let Some(kernel) = layer.operation.kernel(layer.offset) {
                steps.push(Step {
                    kernel,
                    relu: false,
                    width: layer.output.size(),
                    output: Vec::new(),
                });
            }
        }
        Some(Self {
            width: layers.first()?.input.size(),
            input: Vec::new(),
            asked,
            shared_input,
            gets_features: false,
            steps,
        })
        .filter(|stage| !stage.steps.is_empty())
    }

    pub(crate) fn set_gets_features(&mut self, gets_features: bool) {
        self.gets_features = gets_features;
    }

    pub(crate) fn gets_features(&self) -> bool {
        self.gets_features
    }

    /// The rows that arrived.
    pub(crate) fn input(&self) -> &[f32] {
        &self.input
    }

    fn forward(
        &mut self,
        parameters: &[f32],
        batch: usize,
        scratch: &mut Scratch,
        mut noise: Option<&mut ChaCha8Rng>,
    ) -> (&[f32], usize) {
        let mut input = &self.input;
        let mut width = self.width;
        for step in &mut self.steps {
            width = step.width;
            step.output.resize(batch * width, 0.0);
            step.kernel.forward(Forward {
                batch,
                input,
                output: &mut step.output,
                parameters,
                scratch,
                noise: noise.as_deref_mut(),
            });
            if step.relu {
                relu(&mut step.output);
            }
            input = &step.output;
        }
        (input, width)
    }

    /// Goes back from the gradient of the output, which is spoilt; writes or adds the gradient of
    /// what arrived into `by_input`.
    fn backward(
        &mut self,
        by_output: &mut [f32],
        mut by_input: Option<&mut [f32]>,
        descent: &mut Descent<'_>,
        scratch: &mut Scratch,
        spares: &mut [Vec<f32>; 2],
    ) {
        // Swapped as borrows: each buffer keeps its role, and so its size, from step to step.
        let [mut here, mut next] = spares.each_mut();
        let last = self.steps.len() - 1;
        for place in (0..=last).rev() {
            let (before, step) = self.steps.split_at_mut(place);
            let step = &mut step[0];
            let input = before.last().map_or(&self.input, |step| &step.output);
            let by_output = if place == last {
                &mut *by_output
            } else {
                &mut here[..]
            };
            if step.relu {
                relu_backward(&step.output, by_output);
            }
            let straight = place == 0 && !self.shared_input;
            let target = if straight {
                by_input.as_deref_mut()
            } else if place == 0 && by_input.is_none() {
                None
            } else {
                next.resize(input.len(), 0.0);
                Some(&mut next[..])
            };
            let pass = Backward {
                batch: step.output.len() / step.width,
                input,
                output: &step.output,
                by_output,
                by_input: target,
                scratch,
            };
            step.kernel.backward(pass, descent);
            std::mem::swap(&mut here, &mut next);
        }
        if let Some(by_input) = by_input.filter(|_| self.shared_input) {
            for (sum, value) in by_input.iter_mut().zip(&*here) {
                *sum += value;
            }
        }
    }
}

/// A maximum and a ReLU commute, values and gradients alike; after the pool there is less to do.
fn pool_before_relu(layers: &mut [Layer]) {
    for place in 1..layers.len() {
        let is_relu = layers[place - 1].operation == Operation::Activation(Activation::Relu);
        let is_max = matches!(
            layers[place].operation,
            Operation::Pooling(crate::operations::Pooling::Max(_))
        );
        if is_relu && is_max {
            let (input, output) = (layers[place].input, layers[place].output);
            layers.swap(place - 1, place);
            (layers[place - 1].input, layers[place - 1].output) = (input, output);
            (layers[place].input, layers[place].output) = (output, output);
        }
    }
}

/// Runs the stage at `place` of the workspace on the tape of `x`.
pub(crate) fn run<T: Tape<f32, Cpu>>(
    x: Matrix<T>,
    place: usize,
    shared: &Shared,
) -> Result<Matrix<T>, CpuError> {
    let (x, mut tape) = x.split_tape();
    let batch = x.shape().0;
    let y = {
        let Workspace {
            parameters,
            stages,
            scratch,
            noise,
            ..
        } = &mut *shared.lock();
        let stage = &mut stages[place];
        stage.input.resize(batch * stage.width, 0.0);
        x.copy_into(&mut stage.input);
        let noise = T::OWNS_TAPE.then_some(noise);
        let (output, width) = stage.forward(parameters, batch, scratch, noise);
        matrix(x.device(), output, width)?
    };
    let (from, to, shared) = (x.ghost(), y.ghost(), shared.clone());
    tape.add_backward_op(move |gradients| {
        let Workspace {
            parameters,
            gradient,
            rate,
            by_features,
            stages,
            scratch,
            spares,
            ..
        } = &mut *shared.lock();
        let stage = &mut stages[place];
        let mut descent = Descent {
            parameters,
            gradient,
            rate: *rate,
        };
        // Lent out for a moment, because only one gradient can be borrowed at a time.
        let mut by_output = std::mem::take(&mut **gradients.get_or_alloc_mut(&to)?);
        let mut by_input = match stage.asked {
            true => Some(gradients.get_or_alloc_mut(&from)?.as_mut_slice()),
            false => None,
        };
        stage.backward(
            &mut by_output,
            by_input.as_deref_mut(),
            &mut descent,
            scratch,
            spares,
        );
        if let Some(by_input) = by_input.filter(|_| stage.gets_features) {
            for (sum, value) in by_input.iter_mut().zip(by_features) {
                *sum += *value;
            }
        }
        **gradients.get_or_alloc_mut(&to)? = by_output;
        Ok(())
    });
    Ok(y.put_tape(tape))
}
