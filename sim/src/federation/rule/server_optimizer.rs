//! Server optimisers: the clients' mean update is taken for a gradient (Reddi et al. 2021,
//! "Adaptive federated optimization", algorithm 2; with momentum FedAvgM, Hsu, Qi and
//! Brown 2019).

use super::Folded;

/// How the server steps along the mean update Δ.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum ServerStep {
    /// m ← momentum·m + Δ, θ ← θ + lr·m. With lr 1 and no momentum it is FedAvg.
    Sgd {
        /// Learning rate.
        lr: f64,
        /// What is left of the last step.
        momentum: f64,
    },
    /// v ← v + Δ²
    Adagrad(Adaptive),
    /// v ← β₂v + (1 − β₂)Δ²
    Adam(Adaptive),
    /// v ← v − (1 − β₂)Δ²·sign(v − Δ²)
    Yogi(Adaptive),
}

/// m ← β₁m + (1 − β₁)Δ, θ ← θ + lr·m/(√v + τ), without Adam's correction for the start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Adaptive {
    /// Learning rate.
    pub(crate) lr: f64,
    /// β₁, the decay of the first moment; the paper takes 0.9, and 0 for Adagrad.
    pub(crate) beta1: f64,
    /// β₂, the decay of the second moment; the paper takes 0.99. Adagrad has none.
    pub(crate) beta2: f64,
    /// τ, the degree of adaptivity; v starts at τ². The paper takes 0.001.
    pub(crate) adaptivity: f64,
}

/// A server optimiser and its moments.
#[derive(Debug, Clone)]
pub(crate) struct ServerOptimizer {
    step: ServerStep,
    first: Vec<f64>,
    second: Vec<f64>,
}

impl ServerOptimizer {
    /// Has not stepped yet.
    pub(crate) fn new(step: ServerStep) -> Self {
        Self {
            step,
            first: Vec::new(),
            second: Vec::new(),
        }
    }

    /// The parameters after a step along Δ, the mean of what the clients added to them.
    pub(crate) fn step(&mut self, model: &[f32], delta: &[f32]) -> Folded {
        debug_assert_eq!(model.len(), delta.len());
        self.first.resize(model.len(), 0.0);
        let (values, operations) = match self.step {
            ServerStep::Sgd { lr, momentum } => {
                let moved = |((theta, delta), m): ((&f32, &f32), &mut f64)| {
                    *m = momentum * *m + f64::from(*delta);
                    (f64::from(*theta) + lr * *m) as f32
                };
                let values = model.iter().zip(delta).zip(&mut self.first).map(moved);
                (values.collect(), 4)
            }
            ServerStep::Adagrad(settings) => (
                self.adapt(settings, model, delta, |v, square| v + square),
                9,
            ),
            ServerStep::Adam(settings) => {
                let beta2 = settings.beta2;
                let second = |v, square| beta2 * v + (1.0 - beta2) * square;
                (self.adapt(settings, model, delta, second), 11)
            }
            ServerStep::Yogi(settings) => {
                let share = 1.0 - settings.beta2;
                let second = |v: f64, square: f64| {
                    // Where both are equal the sign is 0; `signum` of 0 is 1.
                    let sign = if v == square {
                        0.0
                    } else {
                        (v - square).signum()
                    };
                    v - share * square * sign
                };
                (self.adapt(settings, model, delta, second), 12)
            }
        };
        Folded::of_all(values, operations * model.len() as u64)
    }

    fn adapt(
        &mut self,
        settings: Adaptive,
        model: &[f32],
        delta: &[f32],
        second: impl Fn(f64, f64) -> f64,
    ) -> Vec<f32> {
        let Adaptive {
            lr,
            beta1,
            adaptivity,
            ..
        } = settings;
        self.second.resize(model.len(), adaptivity * adaptivity);
        let moments = self.first.iter_mut().zip(&mut self.second);
        let moved = |((theta, delta), (m, v)): ((&f32, &f32), (&mut f64, &mut f64))| {
            let delta = f64::from(*delta);
            *m = beta1 * *m + (1.0 - beta1) * delta;
            *v = second(*v, delta * delta);
            (f64::from(*theta) + lr * *m / (v.sqrt() + adaptivity)) as f32
        };
        model.iter().zip(delta).zip(moments).map(moved).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::three_clients::assert_folded;
    use super::*;

    /// Two steps from (1, 1), along (0.5, 0) and (0, 1).
    fn two_steps(step: ServerStep) -> [Folded; 2] {
        let mut optimizer = ServerOptimizer::new(step);
        let first = optimizer.step(&[1.0, 1.0], &[0.5, 0.0]);
        let second = optimizer.step(&first.values, &[0.0, 1.0]);
        [first, second]
    }

    /// τ = 1, so that v starts at 1.
    const SETTINGS: Adaptive = Adaptive {
        lr: 0.5,
        beta1: 0.5,
        beta2: 0.75,
        adaptivity: 1.0,
    };

    #[test]
    fn with_a_rate_of_one_and_no_momentum_it_is_fedavg() {
        let [first, second] = two_steps(ServerStep::Sgd {
            lr: 1.0,
            momentum: 0.0,
        });
        assert_folded(&first, &[1.5, 1.0]);
        assert_folded(&second, &[1.5, 2.0]);
        assert_eq!(first.flops, 8);
    }

    #[test]
    fn momentum_keeps_a_share_of_the_last_step() {
        // (0.5, 0)·0.1; then (0.45, 1)·0.1.
        let [first, second] = two_steps(ServerStep::Sgd {
            lr: 0.1,
            momentum: 0.9,
        });
        assert_folded(&first, &[1.05, 1.0]);
        assert_folded(&second, &[1.095, 1.1]);
    }

    #[test]
    fn adagrad_adds_up_the_squares() {
        // m = 0.25, v = 1.25: 0.125/(√1.25 + 1). Then m = 0.125, v = 1.25; and m = 0.5,
        // v = 2: 0.25/(√2 + 1).
        let [first, second] = two_steps(ServerStep::Adagrad(SETTINGS));
        let root = 1.25_f64.sqrt() + 1.0;
        assert_folded(&first, &[1.0 + 0.125 / root, 1.0]);
        assert_folded(
            &second,
            &[1.0 + 0.1875 / root, 1.0 + 0.25 / (2_f64.sqrt() + 1.0)],
        );
    }

    #[test]
    fn adam_averages_the_squares_without_correcting_the_start() {
        // m = 0.25, v = 0.75 + 0.25·0.25 = 0.8125; second value m = 0, v = 0.75.
        // Then m = 0.125, v = 0.609375; and m = 0.5, v = 0.5625 + 0.25 = 0.8125.
        let [first, second] = two_steps(ServerStep::Adam(SETTINGS));
        let step = |m: f64, v: f64| 0.5 * m / (v.sqrt() + 1.0);
        let once = 1.0 + step(0.25, 0.8125);
        assert_folded(&first, &[once, 1.0]);
        assert_folded(
            &second,
            &[once + step(0.125, 0.609_375), 1.0 + step(0.5, 0.8125)],
        );
    }

    #[test]
    fn yogi_moves_the_second_moment_by_the_square_whichever_is_larger() {
        // v = 1 − 0.25·0.25 = 0.9375; second value: v = 1 − 0. Then v = 0.9375; and
        // v = 1 = Δ², so it stays.
        let [first, second] = two_steps(ServerStep::Yogi(SETTINGS));
        let step = |m: f64, v: f64| 0.5 * m / (v.sqrt() + 1.0);
        let once = 1.0 + step(0.25, 0.9375);
        assert_folded(&first, &[once, 1.0]);
        assert_folded(&second, &[once + step(0.125, 0.9375), 1.0 + step(0.5, 1.0)]);
    }
}
