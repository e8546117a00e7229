//! What a student compares itself with: received rows, and the loss towards them.

use crate::scenario::{RawDistillLoss, RawPredictions};
use fedstill_models::{Loss, Teacher, softmax};
use std::borrow::Cow;

/// What the loss wants of received rows: probabilities where it compares probabilities.
pub(super) fn targets<'a>(
    loss: &RawDistillLoss,
    rows: &'a [f32],
    are: RawPredictions,
    classes: usize,
) -> Cow<'a, [f32]> {
    match loss {
        RawDistillLoss::CrossEntropy | RawDistillLoss::SquaredProbabilities
            if !are.are_probabilities() =>
        {
            Cow::Owned(softmax(rows, classes, 1.0))
        }
        _ => Cow::Borrowed(rows),
    }
}

/// The loss towards those.
pub(super) fn loss<'a>(loss: &RawDistillLoss, targets: &'a [f32], are: RawPredictions) -> Loss<'a> {
    match *loss {
        RawDistillLoss::MeanAbsolute => Loss::MeanAbsoluteError { targets },
        RawDistillLoss::MeanSquared => Loss::MeanSquaredError { targets },
        RawDistillLoss::CrossEntropy => Loss::SoftCrossEntropy { targets },
        RawDistillLoss::SquaredProbabilities => Loss::ProbabilitySquaredError { targets },
        RawDistillLoss::Kl {
            temperature,
            squared_factor,
        } => Loss::Distillation {
            teacher: match are.are_probabilities() {
                true => Teacher::Probabilities(targets),
                false => Teacher::Logits(targets),
            },
            temperature: temperature as f32,
            scale_by_temperature_squared: squared_factor,
        },
    }
}
