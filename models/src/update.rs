//! One optimiser's update of the flat parameters.
//!
//! Own code rather than dfdx's optimisers, because those keep their state per tensor and out of
//! reach, and a client's state must outlive its jobs as flat vectors.

use crate::error::{ModelError, check_length};
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
    check_length("vectors of optimiser state", state.vectors.len(), vectors)?;
    for vector in &state.vectors {
        check_length("optimiser state", vector.len(), parameter_count)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::Golden;

    #[test]
    fn every_optimiser_walks_the_path_of_optax() {
        let golden = Golden::read(include_str!("../tests/golden/optimizers.txt"));
        let gradients = golden.f32s("gradients");
        let cases = [
            ("sgd", Optimizer::sgd(0.1)),
            (
                "sgd_momentum_decay",
                Optimizer::Sgd {
                    lr: 0.1,
                    momentum: 0.9,
                    weight_decay: 0.05,
                },
            ),
            ("adam", Optimizer::adam(0.01)),
            (
                "adam_decay",
                Optimizer::Adam {
                    lr: 0.02,
                    beta1: 0.8,
                    beta2: 0.99,
                    eps: 1e-3,
                    weight_decay: 0.05,
                },
            ),
        ];
        for (name, optimizer) in cases {
            let mut parameters = golden.f32s("start");
            let mut state = start(&optimizer, None, parameters.len()).unwrap();
            let mut path = Vec::new();
            for gradient in gradients.chunks_exact(parameters.len()) {
                update(&optimizer, &mut state, &mut parameters, gradient);
                path.extend_from_slice(&parameters);
            }
            golden.assert_near(name, &path, 3e-6);
            assert_eq!(state.steps, 12);
        }
    }

    #[test]
    fn a_state_of_another_optimiser_or_model_is_refused() {
        let adam = start(&Optimizer::adam(0.1), None, 3).unwrap();
        assert!(start(&Optimizer::sgd(0.1), Some(adam.clone()), 3).is_err());
        assert!(start(&Optimizer::adam(0.1), Some(adam.clone()), 4).is_err());
        assert!(start(&Optimizer::adam(0.1), Some(adam), 3).is_ok());
    }
}
