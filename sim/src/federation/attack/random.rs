//! Random values of the honest ones' scale, which say nothing (the Gaussian attacker of
//! Blanchard et al. 2017).

use crate::kernel::Stream;
use rand::Rng;
use rand_distr::{Distribution, StandardNormal, Uniform};

/// How random values are distributed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Law {
    /// Normal.
    Gaussian,
    /// Uniform.
    Uniform,
}

impl Law {
    /// A draw of mean 0 and standard deviation 1.
    fn draw(self, rng: &mut impl Rng) -> f64 {
        match self {
            Self::Gaussian => StandardNormal.sample(rng),
            Self::Uniform => {
                let half = 3_f64.sqrt();
                Uniform::new(-half, half)
                    .expect("the bounds are finite and in order")
                    .sample(rng)
            }
        }
    }
}

/// Draws with the mean of the held values and `scale` times their standard deviation.
/// Values that are not held are drawn too, so that a missing row moves no other draw.
pub(super) fn drawn(opened: &[(f64, bool)], law: Law, scale: f64, stream: &mut Stream) -> Vec<f64> {
    let held = || opened.iter().filter(|(_, held)| *held).map(|(x, _)| *x);
    let count = held().count().max(1) as f64;
    let mean = held().sum::<f64>() / count;
    let deviation = (held().map(|x| (x - mean).powi(2)).sum::<f64>() / count).sqrt();
    opened
        .iter()
        .map(|_| mean + scale * deviation * law.draw(stream))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::honest;
    use super::super::{Attack, Form, poison};
    use super::*;

    /// 20 000 rows of mean 3 and standard deviation 2; the first is missing.
    fn values() -> Vec<f32> {
        let mut values: Vec<f32> = [1.0, 5.0].repeat(20_000);
        values[..2].fill(0.0);
        values
    }

    fn moments(values: &[f32]) -> (f64, f64, f64) {
        let count = values.len() as f64;
        let mean = values.iter().map(|x| f64::from(*x)).sum::<f64>() / count;
        let central = |power| {
            let term = |x: &f32| (f64::from(*x) - mean).powi(power);
            values.iter().map(term).sum::<f64>() / count
        };
        (mean, central(2).sqrt(), central(4) / central(2).powi(2))
    }

    #[test]
    fn draws_have_the_honest_scale_and_their_law_s_tails() {
        // The kurtosis of a normal distribution is 3, of a uniform one 9/5.
        for (law, kurtosis) in [(Law::Gaussian, 3.0), (Law::Uniform, 1.8)] {
            let attack = Attack::Random { law, scale: 1.5 };
            let sent = poison(attack, &honest(&values(), 2, Form::Logits), 5, 6);
            assert_eq!(sent[..2], [0.0, 0.0], "a missing row stays missing");
            let (mean, deviation, fourth) = moments(&sent[2..]);
            // 40 000 draws: standard errors of 0.015, 0.011 and about 0.025.
            assert!((mean - 3.0).abs() < 0.06, "{law:?} mean {mean}");
            assert!(
                (deviation - 3.0).abs() < 0.045,
                "{law:?} deviation {deviation}"
            );
            assert!((fourth - kurtosis).abs() < 0.1, "{law:?} kurtosis {fourth}");
        }
    }

    #[test]
    fn probabilities_stay_probabilities() {
        let attack = Attack::Random {
            law: Law::Gaussian,
            scale: 1.0,
        };
        let rows = [0.9, 0.05, 0.05, 0.2, 0.7, 0.1];
        let sent = poison(attack, &honest(&rows, 3, Form::Probabilities), 5, 6);
        for row in sent.chunks(3) {
            assert!(row.iter().all(|p| *p > 0.0));
            assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        }
        assert_ne!(sent, rows);
    }

    #[test]
    fn each_attacker_draws_its_own_and_a_missing_row_moves_no_other_draw() {
        let attack = Attack::Random {
            law: Law::Uniform,
            scale: 1.0,
        };
        let sent = |values: &[f32], own| poison(attack, &honest(values, 2, Form::Logits), own, 6);
        let both = [1.0, -1.0, 1.0, -1.0];
        assert_eq!(sent(&both, 5), sent(&both, 5));
        assert_ne!(sent(&both, 5), sent(&both, 6));
        assert_eq!(sent(&[0.0, 0.0, 1.0, -1.0], 5)[2..], sent(&both, 5)[2..]);
    }
}
