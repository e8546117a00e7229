//! Objectives: the weighted losses that one training step lowers, with their exact gradients.

use crate::error::{ModelError, check_length};
use crate::softmax::SoftmaxRows;
use crate::update::{sum_of_products, sum_of_squares};

/// One term of an objective: `weight · loss`.
#[derive(Clone, Copy, Debug)]
pub struct Term<'a> {
    /// Factor of the loss.
    pub weight: f32,
    /// The loss.
    pub loss: Loss<'a>,
}

impl<'a> Term<'a> {
    /// `weight · loss`.
    pub fn new(weight: f32, loss: Loss<'a>) -> Self {
        Self { weight, loss }
    }
}

impl<'a> From<Loss<'a>> for Term<'a> {
    /// The loss with weight 1.
    fn from(loss: Loss<'a>) -> Self {
        Self { weight: 1.0, loss }
    }
}

/// A loss on the logits `z` (`batch × classes`, p = softmax(z)), on the features `h` (`batch ×
/// feature width`) that the extractor hands to the head, or on the parameters.
///
/// Teachers and targets are constants: no gradient flows into them. Rows are means over the
/// batch, so a row without a teacher takes part as a row of zero probabilities: it adds nothing
/// to value or gradient, and still counts in the batch.
#[derive(Clone, Copy, Debug)]
pub enum Loss<'a> {
    /// −ln p of the label, mean over the batch.
    CrossEntropy {
        /// One class a sample.
        labels: &'a [u32],
    },
    /// −Σ t·ln p, summed over classes, mean over the batch.
    SoftCrossEntropy {
        /// Target probabilities t, `batch × classes`.
        targets: &'a [f32],
    },
    /// KL(t ‖ softmax(z/T)) = Σ t·ln(t/s), summed over classes, mean over the batch (Hinton et al.
    /// 2015).
    Distillation {
        /// The teacher's t, `batch × classes`.
        teacher: Teacher<'a>,
        /// T > 0, for student and teacher logits.
        temperature: f32,
        /// Whether the loss is multiplied by T², which keeps gradients comparable across T.
        scale_by_temperature_squared: bool,
    },
    /// |z − t|, mean over batch and classes; the gradient at z = t is 0.
    MeanAbsoluteError {
        /// Target logits t, `batch × classes`.
        targets: &'a [f32],
    },
    /// (z − t)², mean over batch and classes.
    MeanSquaredError {
        /// Target logits t, `batch × classes`.
        targets: &'a [f32],
    },
    /// ‖p − t‖², summed over classes, mean over the batch (COMET, Cho et al. 2021).
    ProbabilitySquaredError {
        /// Target probabilities t, `batch × classes`.
        targets: &'a [f32],
    },
    /// (h − t)², mean over batch and feature width (FedProto, Tan et al. 2022). A row whose target
    /// is not present adds nothing to value or gradient, and still counts in the batch.
    FeatureSquaredError {
        /// Target features t, `batch × feature width`; what a row holds that is not present does
        /// not matter.
        targets: &'a [f32],
        /// Whether each row of the batch has a target.
        present: &'a [bool],
    },
    /// A loss on the logits that the head alone makes of given features, as of the mean features of
    /// each class (FedHKD, Chen et al. 2023). No gradient flows into the features, and the step is
    /// not folded into the products.
    OfHead {
        /// Features, `rows × feature width`.
        features: &'a [f32],
        /// A loss on the logits of these rows.
        loss: &'a Loss<'a>,
    },
    /// ½‖θ − θ₀‖² (FedProx, FedAsync); ρ or μ is the term's weight.
    Proximal {
        /// θ₀, the flat parameters to stay near.
        anchor: &'a [f32],
    },
    /// ⟨c, θ⟩, which adds c to the gradient (SCAFFOLD's correction, Karimireddy et al. 2020).
    Linear {
        /// c, as long as the flat parameters.
        direction: &'a [f32],
    },
}

/// What a teacher says about a batch.
#[derive(Clone, Copy, Debug)]
pub enum Teacher<'a> {
    /// Logits: t = softmax(logits/T).
    Logits(&'a [f32]),
    /// Probabilities, taken as they are.
    Probabilities(&'a [f32]),
}

/// Buffers of losses, kept from step to step.
#[derive(Debug, Default)]
pub(crate) struct LossScratch {
    own: SoftmaxRows,
    teacher: SoftmaxRows,
}

/// Adds the gradient of the terms on logits to `gradient` and returns their value.
///
/// Terms on the parameters are left out.
pub(crate) fn add_logit_terms(
    terms: &[Term<'_>],
    logits: &[f32],
    n_classes: usize,
    gradient: &mut [f32],
    scratch: &mut LossScratch,
) -> Result<f64, ModelError> {
    let mut value = 0.0;
    for term in terms {
        let of_term = add_logit_term(term, logits, n_classes, gradient, scratch)?;
        value += f64::from(term.weight) * of_term;
    }
    Ok(value)
}

fn add_logit_term(
    term: &Term<'_>,
    logits: &[f32],
    n_classes: usize,
    gradient: &mut [f32],
    scratch: &mut LossScratch,
) -> Result<f64, ModelError> {
    let batch = logits.len() / n_classes;
    let per_sample = term.weight / batch as f32;
    match term.loss {
        Loss::CrossEntropy { labels } => {
            check_length("labels", labels.len(), batch)?;
            if let Some(&label) = labels.iter().find(|&&label| label as usize >= n_classes) {
                return Err(ModelError::Label { label, n_classes });
            }
            let SoftmaxRows {
                probabilities,
                log_sums,
            } = scratch.own.fill(logits, n_classes, 1.0);
            for (slot, &probability) in gradient.iter_mut().zip(probabilities) {
                *slot += per_sample * probability;
            }
            let mut sum = 0.0;
            for (row, (&label, &log_sum)) in labels.iter().zip(log_sums).enumerate() {
                let own = row * n_classes + label as usize;
                sum += log_sum - f64::from(logits[own]);
                gradient[own] -= per_sample;
            }
            Ok(sum / batch as f64)
        }
        Loss::SoftCrossEntropy { targets } => {
            check_length("target probabilities", targets.len(), logits.len())?;
            let own = scratch.own.fill(logits, n_classes, 1.0);
            let sum = add_soft_targets(own, logits, targets, 1.0, per_sample, gradient);
            Ok(sum / batch as f64)
        }
        Loss::Distillation {
            teacher,
            temperature,
            scale_by_temperature_squared,
        } => {
            if !(temperature.is_finite() && temperature > 0.0) {
                return Err(ModelError::Temperature { temperature });
            }
            let (Teacher::Logits(given) | Teacher::Probabilities(given)) = teacher;
            check_length("the teacher's values", given.len(), logits.len())?;
            let scale = if scale_by_temperature_squared {
                temperature * temperature
            } else {
                1.0
            };
            let targets = match teacher {
                Teacher::Logits(given) => {
                    &*scratch
                        .teacher
                        .fill(given, n_classes, temperature)
                        .probabilities
                }
                Teacher::Probabilities(given) => given,
            };
            let own = scratch.own.fill(logits, n_classes, temperature);
            let factor = per_sample * scale / temperature;
            let sum = negative_entropy(targets)
                + add_soft_targets(own, logits, targets, temperature, factor, gradient);
            Ok(f64::from(scale) * sum / batch as f64)
        }
        Loss::MeanAbsoluteError { targets } => {
            check_length("target logits", targets.len(), logits.len())?;
            let each = term.weight / logits.len() as f32;
            let mut sum = 0.0;
            for ((slot, &logit), &target) in gradient.iter_mut().zip(logits).zip(targets) {
                let difference = logit - target;
                sum += f64::from(difference.abs());
                // signum(0.0) is 1, but the subgradient that leaves a met target alone is 0.
                if difference != 0.0 {
                    *slot += each * difference.signum();
                }
            }
            Ok(sum / logits.len() as f64)
        }
        Loss::MeanSquaredError { targets } => {
            check_length("target logits", targets.len(), logits.len())?;
            let each = 2.0 * term.weight / logits.len() as f32;
            let mut sum = 0.0;
            for ((slot, &logit), &target) in gradient.iter_mut().zip(logits).zip(targets) {
                let difference = logit - target;
                sum += f64::from(difference) * f64::from(difference);
                *slot += each * difference;
            }
            Ok(sum / logits.len() as f64)
        }
        Loss::ProbabilitySquaredError { targets } => {
            check_length("target probabilities", targets.len(), logits.len())?;
            let own = scratch.own.fill(logits, n_classes, 1.0);
            let rows = own.probabilities.chunks_exact(n_classes);
            let mut sum = 0.0;
            for ((own, targets), slots) in rows
                .zip(targets.chunks_exact(n_classes))
                .zip(gradient.chunks_exact_mut(n_classes))
            {
                if targets.iter().all(|&target| target == 0.0) {
                    continue;
                }
                // With q = p − t the gradient by z is 2p(q − ⟨p, q⟩).
                let mut along = 0.0;
                for (&own, &target) in own.iter().zip(targets) {
                    let difference = f64::from(own) - f64::from(target);
                    sum += difference * difference;
                    along += f64::from(own) * difference;
                }
                for ((slot, &own), &target) in slots.iter_mut().zip(own).zip(targets) {
                    *slot += 2.0 * per_sample * own * (own - target - along as f32);
                }
            }
            Ok(sum / batch as f64)
        }
        Loss::FeatureSquaredError { .. }
        | Loss::OfHead { .. }
        | Loss::Proximal { .. }
        | Loss::Linear { .. } => Ok(0.0),
    }
}

/// Whether a term asks for the features.
pub(crate) fn asks_for_features(terms: &[Term<'_>]) -> bool {
    let mut losses = terms.iter().map(|term| term.loss);
    losses.any(|loss| matches!(loss, Loss::FeatureSquaredError { .. }))
}

/// Adds the gradient of the terms on the features to `gradient` and returns their value.
pub(crate) fn add_feature_terms(
    terms: &[Term<'_>],
    features: &[f32],
    width: usize,
    gradient: &mut [f32],
) -> Result<f64, ModelError> {
    let mut value = 0.0;
    for term in terms {
        let Loss::FeatureSquaredError { targets, present } = term.loss else {
            continue;
        };
        check_length("target features", targets.len(), features.len())?;
        check_length(
            "rows with or without a target",
            present.len(),
            features.len() / width,
        )?;
        let each = 2.0 * term.weight / features.len() as f32;
        let mut sum = 0.0;
        for (row, _) in present.iter().enumerate().filter(|&(_, &present)| present) {
            let row = row * width..(row + 1) * width;
            let pairs = features[row.clone()].iter().zip(&targets[row.clone()]);
            for (slot, (&feature, &target)) in gradient[row].iter_mut().zip(pairs) {
                let difference = feature - target;
                sum += f64::from(difference) * f64::from(difference);
                *slot += each * difference;
            }
        }
        value += f64::from(term.weight) * sum / features.len() as f64;
    }
    Ok(value)
}

/// The value of the terms on the parameters.
pub(crate) fn parameter_terms(terms: &[Term<'_>], parameters: &[f32]) -> Result<f64, ModelError> {
    let mut value = 0.0;
    for term in terms {
        let (what, length) = match term.loss {
            Loss::Proximal { anchor } => ("the proximal term's parameters", anchor.len()),
            Loss::Linear { direction } => ("the linear term's direction", direction.len()),
            _ => continue,
        };
        check_length(what, length, parameters.len())?;
        let of_term = match term.loss {
            Loss::Proximal { anchor } => {
                let differences = parameters
                    .iter()
                    .zip(anchor)
                    .map(|(own, anchor)| own - anchor);
                0.5 * sum_of_squares(differences)
            }
            Loss::Linear { direction } => sum_of_products(parameters, direction),
            _ => continue,
        };
        value += f64::from(term.weight) * of_term;
    }
    Ok(value)
}

/// Adds the gradient of the terms on the parameters.
pub(crate) fn add_parameter_gradients(
    terms: &[Term<'_>],
    parameters: &[f32],
    gradient: &mut [f32],
) {
    for term in terms {
        match term.loss {
            Loss::Proximal { anchor } => {
                for ((slot, &own), &anchor) in gradient.iter_mut().zip(parameters).zip(anchor) {
                    *slot += term.weight * (own - anchor);
                }
            }
            Loss::Linear { direction } => {
                for (slot, &along) in gradient.iter_mut().zip(direction) {
                    *slot += term.weight * along;
                }
            }
            _ => {}
        }
    }
}

/// −Σ t·ln softmax(z/T) over all rows; its gradient by z/T, (Σt)·p − t, is added times `factor`.
fn add_soft_targets(
    own: &SoftmaxRows,
    logits: &[f32],
    targets: &[f32],
    temperature: f32,
    factor: f32,
    gradient: &mut [f32],
) -> f64 {
    let SoftmaxRows {
        probabilities,
        log_sums,
    } = own;
    let n_classes = logits.len() / log_sums.len().max(1);
    let mut value = 0.0;
    for (row, &log_sum) in log_sums.iter().enumerate() {
        let row = row * n_classes..(row + 1) * n_classes;
        let (target, probabilities) = (&targets[row.clone()], &probabilities[row.clone()]);
        let mass: f32 = target.iter().sum();
        let mut along = 0.0;
        for (((slot, &logit), &target), &probability) in gradient[row.clone()]
            .iter_mut()
            .zip(&logits[row])
            .zip(target)
            .zip(probabilities)
        {
            along += target * logit;
            *slot += factor * (mass * probability - target);
        }
        value += f64::from(mass) * log_sum - f64::from(along) / f64::from(temperature);
    }
    value
}

/// Σ t·ln t, with 0·ln 0 = 0.
fn negative_entropy(target: &[f32]) -> f64 {
    target
        .iter()
        .filter(|&&probability| probability > 0.0)
        .map(|&probability| f64::from(probability) * f64::from(probability).ln())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::Golden;

    #[test]
    fn every_loss_has_the_value_and_gradient_of_automatic_differentiation() {
        let golden = Golden::read(include_str!("../tests/golden/losses.txt"));
        let logits = golden.f32s("logits");
        let (labels, soft) = (golden.labels("labels"), golden.f32s("soft"));
        let (teacher, targets) = (golden.f32s("teacher"), golden.f32s("target"));
        let distillation = |teacher, temperature, scale_by_temperature_squared| {
            Loss::Distillation {
                teacher,
                temperature,
                scale_by_temperature_squared,
            }
            .into()
        };
        let hard = Loss::CrossEntropy { labels: &labels };
        let to_soft = Loss::SoftCrossEntropy { targets: &soft };
        let cases: [(&str, &[Term<'_>]); 8] = [
            ("cross_entropy", &[hard.into()]),
            ("soft_cross_entropy", &[to_soft.into()]),
            (
                "distillation_logits_t2",
                &[distillation(Teacher::Logits(&teacher), 2.0, false)],
            ),
            (
                "distillation_logits_t3_scaled",
                &[distillation(Teacher::Logits(&teacher), 3.0, true)],
            ),
            (
                "distillation_probabilities",
                &[distillation(Teacher::Probabilities(&soft), 1.0, false)],
            ),
            (
                "mean_absolute_error",
                &[Loss::MeanAbsoluteError { targets: &targets }.into()],
            ),
            (
                "mean_squared_error",
                &[Loss::MeanSquaredError { targets: &targets }.into()],
            ),
            (
                "federated_distillation",
                &[hard.into(), Term::new(0.25, to_soft)],
            ),
        ];
        for (name, terms) in cases {
            let mut gradient = vec![0.0; logits.len()];
            let value = add_logit_terms(
                terms,
                &logits,
                3,
                &mut gradient,
                &mut LossScratch::default(),
            )
            .unwrap();
            golden.assert_near(name, &[value as f32], 1e-6);
            golden.assert_near(&format!("{name}.gradient"), &gradient, 2e-7);
        }
    }

    #[test]
    fn a_weight_scales_value_and_gradient_and_terms_add_up() {
        let (logits, targets) = ([1.0, -2.0, 0.5, 3.0], [0.0; 4]);
        let term = |weight| Term::new(weight, Loss::MeanSquaredError { targets: &targets });
        let run = |terms: &[Term<'_>]| {
            let mut gradient = vec![0.0; 4];
            (
                add_logit_terms(
                    terms,
                    &logits,
                    2,
                    &mut gradient,
                    &mut LossScratch::default(),
                )
                .unwrap(),
                gradient,
            )
        };
        // By hand: mean of 1, 4, 0.25, 9; gradient 2z/4.
        assert_eq!(run(&[term(1.0)]), (3.5625, vec![0.5, -1.0, 0.25, 1.5]));
        assert_eq!(run(&[term(3.0)]), run(&[term(1.0), term(2.0)]));
    }

    #[test]
    fn a_target_that_is_met_pulls_nowhere() {
        let terms = [Loss::MeanAbsoluteError {
            targets: &[1.0, 2.0],
        }
        .into()];
        let mut gradient = [0.0; 2];
        let value = add_logit_terms(
            &terms,
            &[1.0, 5.0],
            2,
            &mut gradient,
            &mut LossScratch::default(),
        )
        .unwrap();
        assert_eq!((value, gradient), (1.5, [0.0, 0.5]));
    }

    #[test]
    fn a_soft_row_of_zeros_teaches_nothing() {
        let logits = [1.0, -2.0, 0.5, 3.0];
        let mut gradient = vec![0.0; 4];
        let terms = [Loss::SoftCrossEntropy {
            targets: &[0.5, 0.5, 0.0, 0.0],
        }
        .into()];
        add_logit_terms(
            &terms,
            &logits,
            2,
            &mut gradient,
            &mut LossScratch::default(),
        )
        .unwrap();
        assert_eq!(gradient[2..], [0.0, 0.0]);
        assert_ne!(gradient[0], 0.0);
    }

    #[test]
    fn wrong_lengths_labels_and_temperatures_are_named() {
        let logits = [0.0; 4];
        let fail = |loss: Loss<'_>| {
            add_logit_terms(
                &[loss.into()],
                &logits,
                2,
                &mut [0.0; 4],
                &mut LossScratch::default(),
            )
            .unwrap_err()
            .to_string()
        };
        assert_eq!(
            fail(Loss::CrossEntropy { labels: &[0] }),
            "labels: 1 values where 2 are needed"
        );
        assert_eq!(
            fail(Loss::CrossEntropy { labels: &[0, 2] }),
            "label 2 is out of range: there are 2 classes, numbered from 0"
        );
        for temperature in [0.0, -1.0, f32::NAN, f32::INFINITY] {
            let loss = Loss::Distillation {
                teacher: Teacher::Logits(&logits),
                temperature,
                scale_by_temperature_squared: false,
            };
            assert!(fail(loss).starts_with("the temperature must be a number above 0"));
        }
    }
}
