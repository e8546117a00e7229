//! One optimiser's update of the flat parameters.
//!
//! Own code rather than dfdx's optimisers, because those keep their state per tensor and out of
//! reach, and a client's state must outlive its jobs as flat vectors.

use crate::error::ModelError;
use crate::optimizer::{Optimizer, OptimizerState};

/// Checks that a kept state fits, or makes the state of an optimiser that starts.
pub(crate) fn start(
    optimizer: &Optimizer,
    state: Option<OptimizerState>,
    parameter_count: usize,
) -> Result<OptimizerState, ModelError> {
    let vectors = optimizer.state_vectors();
    let Some(state) = state else {
        return Ok(OptimizerState {
            steps: 0,
            vectors: vec![vec![0.0; parameter_count]; vectors],
        });
    };
    check("vectors of optimiser state", state.vectors.len(), vectors)?;
    for vector in &state.vectors {
        check("optimiser state", vector.len(), parameter_count)?;
    }
    Ok(state)
}

/// One update of `parameters` along `gradient`. The state must be one that [`start`] returned for
/// this optimiser.
pub(crate) fn update(
    optimizer: &Optimizer,
    state: &mut OptimizerState,
    parameters: &mut [f32],
    gradient: &[f32],
) {
    state.steps += 1;
    let pairs = parameters.iter_mut().zip(gradient);
    match *optimizer {
        Optimizer::Sgd {
            lr,
            momentum,
            weight_decay,
        } => {
            let (lr, decay) = (lr as f32, weight_decay as f32);
            if let [velocity] = state.vectors.as_mut_slice() {
                let momentum = momentum as f32;
                for ((parameter, &gradient), velocity) in pairs.zip(velocity) {
                    *velocity = momentum * *velocity + (gradient + decay * *parameter);
                    *parameter -= lr * *velocity;
                }
            } else {
                for (parameter, &gradient) in pairs {
                    *parameter -= lr * (gradient + decay * *parameter);
                }
            }
        }
        Optimizer::Adam {
            lr,
            beta1,
            beta2,
            eps,
            weight_decay,
        } => {
            let [first, second] = state.vectors.as_mut_slice() else {
                return;
            };
            // The corrections 1 − βᵗ in f64: in f32 the first steps lose digits.
            let steps = state.steps as f64;
            let rate = (lr / (1.0 - beta1.powf(steps))) as f32;
            let root = (1.0 - beta2.powf(steps)).sqrt().recip() as f32;
            let (keep1, take1) = (beta1 as f32, (1.0 - beta1) as f32);
            let (keep2, take2) = (beta2 as f32, (1.0 - beta2) as f32);
            let (eps, decay) = (eps as f32, weight_decay as f32);
            for (((parameter, &gradient), first), second) in pairs.zip(first).zip(second) {
                let gradient = gradient + decay * *parameter;
                *first = keep1 * *first + take1 * gradient;
                *second = keep2 * *second + take2 * gradient * gradient;
                *parameter -= rate * *first / (second.sqrt() * root + eps);
            }
        }
    }
}

fn check(what: &'static str, found: usize, expected: usize) -> Result<(), ModelError> {
    if found == expected {
        Ok(())
    } else {
        Err(ModelError::Length {
            what,
            found,
            expected,
        })
    }
}
