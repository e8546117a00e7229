//! One optimiser's update of the flat parameters.
//!
//! Own code rather than dfdx's optimisers, because those keep their state per tensor and out of
//! reach, and a client's state must outlive its jobs as flat vectors.

use crate::error::{ModelError, check_length};
use crate::objective::{Loss, Term};
use crate::operations::wide;
use crate::optimizer::{Clipping, Optimizer, OptimizerState, Rule};

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
            // Not a clone of one vector: it would be made where there are none, too.
            vectors: (0..vectors).map(|_| vec![0.0; parameter_count]).collect(),
        });
    };
    check_length("vectors of optimiser state", state.vectors.len(), vectors)?;
    for vector in &state.vectors {
        check_length("optimiser state", vector.len(), parameter_count)?;
    }
    Ok(state)
}

/// One update of `parameters` along `gradient`, which is spoilt. The state must be one that
/// [`start`] returned for this optimiser.
pub(crate) fn update(
    optimizer: &Optimizer,
    state: &mut OptimizerState,
    parameters: &mut [f32],
    gradient: &mut [f32],
) {
    if let Some(clipping) = optimizer.clipping {
        clip(clipping, gradient);
    }
    wide(|| apply(optimizer, state, parameters, gradient));
}

#[inline(always)]
fn apply(
    optimizer: &Optimizer,
    state: &mut OptimizerState,
    parameters: &mut [f32],
    gradient: &[f32],
) {
    let rate = optimizer.rate(state.steps);
    state.steps += 1;
    let pairs = parameters.iter_mut().zip(gradient);
    match optimizer.rule {
        Rule::Sgd {
            momentum,
            nesterov,
            weight_decay,
        } => {
            let (rate, decay, momentum) = (rate as f32, weight_decay as f32, momentum as f32);
            let Some(velocity) = state.vectors.first_mut() else {
                for (parameter, &gradient) in pairs {
                    *parameter -= rate * (gradient + decay * *parameter);
                }
                return;
            };
            for ((parameter, &gradient), velocity) in pairs.zip(velocity) {
                let gradient = gradient + decay * *parameter;
                *velocity = momentum * *velocity + gradient;
                let along = if nesterov {
                    gradient + momentum * *velocity
                } else {
                    *velocity
                };
                *parameter -= rate * along;
            }
        }
        Rule::Adam {
            beta1,
            beta2,
            eps,
            weight_decay,
            decoupled,
        } => {
            let [first, second] = state.vectors.as_mut_slice() else {
                return;
            };
            // The corrections 1 − βᵗ in f64: in f32 the first steps lose digits.
            let steps = state.steps as f64;
            let corrected = (rate / (1.0 - beta1.powf(steps))) as f32;
            let root = (1.0 - beta2.powf(steps)).sqrt().recip() as f32;
            let (keep1, take1) = (beta1 as f32, (1.0 - beta1) as f32);
            let (keep2, take2) = (beta2 as f32, (1.0 - beta2) as f32);
            let decay = weight_decay as f32;
            let (eps, decay, shrink) = match decoupled {
                true => (eps as f32, 0.0, (rate * weight_decay) as f32),
                false => (eps as f32, decay, 0.0),
            };
            for (((parameter, &gradient), first), second) in pairs.zip(first).zip(second) {
                let gradient = gradient + decay * *parameter;
                *first = keep1 * *first + take1 * gradient;
                *second = keep2 * *second + take2 * gradient * gradient;
                *parameter -=
                    shrink * *parameter + corrected * *first / (second.sqrt() * root + eps);
            }
        }
    }
}

fn clip(clipping: Clipping, gradient: &mut [f32]) {
    match clipping {
        Clipping::Norm(most) => {
            let norm = sum_of_squares(gradient.iter().copied()).sqrt();
            if norm > most {
                let factor = (most / norm) as f32;
                gradient.iter_mut().for_each(|value| *value *= factor);
            }
        }
        Clipping::Value(most) => {
            let most = most as f32;
            // Not f32::clamp of a NaN bound; a NaN value stays NaN.
            gradient
                .iter_mut()
                .for_each(|value| *value = value.clamp(-most, most));
        }
    }
}

/// Σ v² in f64, in eight sums side by side that the processor need not wait for one by one.
pub(crate) fn sum_of_squares(values: impl Iterator<Item = f32>) -> f64 {
    let mut sums = [0.0_f64; 8];
    let mut lane = 0;
    for value in values {
        sums[lane] += f64::from(value) * f64::from(value);
        lane = (lane + 1) % 8;
    }
    sums.iter().sum()
}

/// Σ vw in f64, summed as [`sum_of_squares`] does.
pub(crate) fn sum_of_products(left: &[f32], right: &[f32]) -> f64 {
    let mut sums = [0.0_f64; 8];
    for (place, (&left, &right)) in left.iter().zip(right).enumerate() {
        sums[place % 8] += f64::from(left) * f64::from(right);
    }
    sums.iter().sum()
}

/// What plain gradient descent folds into the products that make the gradients, where the
/// objective also pulls at the parameters themselves.
///
/// With the gradient G of the other terms, weight decay w, proximal terms ½μ‖θ − θ₀‖² and linear
/// terms λ⟨c, θ⟩, a step is θ − r·G − r·wθ − r·Σμ(θ − θ₀) − r·Σλc = k·(θ − (r/k)·G) + r·Σμθ₀ −
/// r·Σλc with k = 1 − r·(w + Σμ): the products descend at the rate r/k, and one pass over the
/// parameters does the rest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fold {
    rate: f32,
    keep: f32,
}

impl Fold {
    /// The fold of this step; none where the optimiser is no plain descent, or where a pull so
    /// strong that little is kept would magnify rounding.
    pub(crate) fn of(optimizer: &Optimizer, steps: u64, terms: &[Term<'_>]) -> Option<Self> {
        let Rule::Sgd { weight_decay, .. } = optimizer.rule else {
            return None;
        };
        let pulls = proximal(terms).map(|(weight, _)| f64::from(weight));
        let rate = optimizer.rate(steps);
        let keep = 1.0 - rate * (weight_decay + pulls.sum::<f64>());
        (optimizer.is_plain_descent() && keep > 0.5).then_some(Self {
            rate: rate as f32,
            keep: keep as f32,
        })
    }

    /// The rate at which products descend.
    pub(crate) fn product_rate(self) -> f32 {
        self.rate / self.keep
    }

    /// The pass over the parameters after the products.
    pub(crate) fn finish(
        self,
        state: &mut OptimizerState,
        parameters: &mut [f32],
        terms: &[Term<'_>],
    ) {
        state.steps += 1;
        if self.keep != 1.0 {
            parameters.iter_mut().for_each(|value| *value *= self.keep);
        }
        for (weight, anchor) in proximal(terms) {
            let pull = self.rate * weight;
            for (parameter, &anchor) in parameters.iter_mut().zip(anchor) {
                *parameter += pull * anchor;
            }
        }
        for term in terms {
            let Loss::Linear { direction } = term.loss else {
                continue;
            };
            let push = self.rate * term.weight;
            for (parameter, &along) in parameters.iter_mut().zip(direction) {
                *parameter -= push * along;
            }
        }
    }
}

fn proximal<'a>(terms: &'a [Term<'a>]) -> impl Iterator<Item = (f32, &'a [f32])> {
    terms.iter().filter_map(|term| match term.loss {
        Loss::Proximal { anchor } => Some((term.weight, anchor)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::Golden;
    use crate::schedule::{Course, Schedule};

    #[test]
    fn every_optimiser_walks_the_path_of_optax() {
        let golden = Golden::read(include_str!("../tests/golden/optimizers.txt"));
        let gradients = golden.f32s("gradients");
        let adam = |weight_decay, decoupled| Rule::Adam {
            beta1: 0.8,
            beta2: 0.99,
            eps: 1e-3,
            weight_decay,
            decoupled,
        };
        let nesterov = |weight_decay| Rule::Sgd {
            momentum: 0.9,
            nesterov: true,
            weight_decay,
        };
        let scheduled = |course, warmup| Optimizer {
            schedule: Schedule { course, warmup },
            ..Optimizer::sgd(0.1)
        };
        let clipped = |clipping| Optimizer {
            clipping: Some(clipping),
            ..Optimizer::momentum(0.1, 0.9, 0.0)
        };
        let cases = [
            ("sgd", Optimizer::sgd(0.1)),
            ("sgd_decay", Optimizer::momentum(0.1, 0.0, 0.05)),
            ("sgd_momentum_decay", Optimizer::momentum(0.1, 0.9, 0.05)),
            ("nesterov", Optimizer::of(0.1, nesterov(0.0))),
            ("nesterov_decay", Optimizer::of(0.1, nesterov(0.05))),
            ("adam", Optimizer::adam(0.01)),
            ("adam_decay", Optimizer::of(0.02, adam(0.05, false))),
            ("adamw", Optimizer::of(0.02, adam(0.05, true))),
            ("clip_norm", clipped(Clipping::Norm(2.5))),
            ("clip_value", clipped(Clipping::Value(0.75))),
            (
                "step",
                scheduled(
                    Course::Step {
                        every: 4,
                        factor: 0.5,
                    },
                    0,
                ),
            ),
            (
                "exponential",
                scheduled(Course::Exponential { factor: 0.9 }, 0),
            ),
            (
                "cosine",
                scheduled(
                    Course::Cosine {
                        length: 8,
                        floor: 0.1,
                    },
                    0,
                ),
            ),
            (
                "warmup_cosine",
                scheduled(
                    Course::Cosine {
                        length: 6,
                        floor: 0.0,
                    },
                    4,
                ),
            ),
        ];
        for (name, optimizer) in cases {
            let mut parameters = golden.f32s("start");
            let mut state = start(&optimizer, None, parameters.len()).unwrap();
            let mut path = Vec::new();
            for gradient in gradients.chunks_exact(parameters.len()) {
                update(
                    &optimizer,
                    &mut state,
                    &mut parameters,
                    &mut gradient.to_vec(),
                );
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
