//! Scores of predictions, whoever made them: a model, the nearest prototype, several together.

use crate::error::{ModelError, check_length};
use crate::softmax::softmax_rows;

/// What [`predicted_classes`] says of a sample for which no class has a score above −∞.
pub const NO_CLASS: u32 = u32::MAX;

/// How well a predictor does on a set of samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Samples scored.
    pub n: u64,
    /// Those whose highest score (the first of equals) is that of the label.
    pub correct: u64,
    /// Sum of the cross-entropies −ln p of the labels; none where the predictor says no more than
    /// a class, or does not know the class of a sample.
    pub loss_sum: Option<f64>,
    /// `(n, correct)` of every class.
    pub per_class: Vec<(u64, u64)>,
}

impl Evaluation {
    /// Share of correct samples, or `None` of no sample.
    pub fn accuracy(&self) -> Option<f64> {
        (self.n > 0).then(|| self.correct as f64 / self.n as f64)
    }

    /// Mean cross-entropy, or `None` of no sample or where it is not defined.
    pub fn mean_loss(&self) -> Option<f64> {
        self.loss_sum
            .filter(|_| self.n > 0)
            .map(|sum| sum / self.n as f64)
    }
}

/// The class of the highest score (the first of equals) in every row of `n_classes` scores;
/// [`NO_CLASS`] where none is above −∞.
///
/// # Panics
/// When `n_classes` is 0.
pub fn predicted_classes(scores: &[f32], n_classes: usize) -> Vec<u32> {
    scores.chunks_exact(n_classes).map(highest).collect()
}

fn highest(row: &[f32]) -> u32 {
    let first = |best, class| if row[class] > row[best] { class } else { best };
    match (1..row.len()).fold(0, first) {
        best if row[best] == f32::NEG_INFINITY => NO_CLASS,
        best => best as u32,
    }
}

/// Scores logits, or anything that is highest for the class it speaks for: row-major `n ×
/// n_classes` for `n` `labels`. A score of −∞ is that of a class which the predictor does not
/// know; a sample of that class is no hit, and with it the loss is not defined.
///
/// # Errors
/// When the lengths disagree or a label is out of range; [`ModelError::Diverged`] for a score that
/// is NaN or +∞.
pub fn score_logits(
    logits: &[f32],
    labels: &[u32],
    n_classes: usize,
) -> Result<Evaluation, ModelError> {
    check_length("logits", logits.len(), labels.len() * n_classes)?;
    let mut evaluation = Evaluation::empty(n_classes);
    let log_sums = softmax_rows(logits, n_classes, 1.0).log_sums;
    let rows = logits.chunks_exact(n_classes).zip(&log_sums);
    for ((row, &log_sum), &label) in rows.zip(labels) {
        let Some(&own) = row.get(label as usize) else {
            return Err(ModelError::Label { label, n_classes });
        };
        let loss = (own != f32::NEG_INFINITY).then(|| log_sum - f64::from(own));
        if loss.is_some_and(|loss| !loss.is_finite()) || row.iter().any(|value| value.is_nan()) {
            return Err(ModelError::Diverged { steps: 0 });
        }
        evaluation.loss_sum = evaluation.loss_sum.zip(loss).map(|(sum, loss)| sum + loss);
        evaluation.count(label, highest(row));
    }
    Ok(evaluation)
}

/// Scores predictions that name a class each; [`NO_CLASS`] names none and is no hit.
///
/// # Errors
/// When the lengths disagree or a label is out of range.
pub fn score_classes(
    predicted: &[u32],
    labels: &[u32],
    n_classes: usize,
) -> Result<Evaluation, ModelError> {
    check_length("predicted classes", predicted.len(), labels.len())?;
    let mut evaluation = Evaluation::empty(n_classes);
    evaluation.loss_sum = None;
    for (&predicted, &label) in predicted.iter().zip(labels) {
        if label as usize >= n_classes {
            return Err(ModelError::Label { label, n_classes });
        }
        evaluation.count(label, predicted);
    }
    Ok(evaluation)
}

impl Evaluation {
    fn empty(n_classes: usize) -> Self {
        Self {
            n: 0,
            correct: 0,
            loss_sum: Some(0.0),
            per_class: vec![(0, 0); n_classes],
        }
    }

    fn count(&mut self, label: u32, predicted: u32) {
        let correct = u64::from(predicted == label);
        self.n += 1;
        self.correct += correct;
        let (of_class, correct_of_class) = &mut self.per_class[label as usize];
        *of_class += 1;
        *correct_of_class += correct;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_counted_by_class_and_cost_their_cross_entropy() {
        // Odds of 3:1 for class 0, of 1:1, and of 1:3.
        let (even, three) = (0.0, 3_f32.ln());
        let logits = [three, even, even, even, even, three];
        let found = score_logits(&logits, &[0, 1, 0], 2).unwrap();
        assert_eq!((found.n, found.correct), (3, 1));
        assert_eq!(found.per_class, [(2, 1), (1, 0)]);
        let loss = (4_f64 / 3.0).ln() + 2_f64.ln() + 4_f64.ln();
        assert!((found.loss_sum.unwrap() - loss).abs() < 1e-6);
        let classes = predicted_classes(&logits, 2);
        assert_eq!(classes, [0, 0, 1]);
        let by_class = score_classes(&classes, &[0, 1, 0], 2).unwrap();
        assert_eq!(by_class.per_class, found.per_class);
        assert_eq!(
            (by_class.accuracy(), by_class.mean_loss()),
            (Some(1.0 / 3.0), None)
        );
    }

    #[test]
    fn a_class_that_nobody_knows_is_never_hit() {
        let none = f32::NEG_INFINITY;
        let scores = [none, none, none, -1.0];
        assert_eq!(predicted_classes(&scores, 2), [NO_CLASS, 1]);
        let found = score_logits(&scores, &[0, 1], 2).unwrap();
        assert_eq!((found.correct, found.mean_loss()), (1, None));
        // What is known alone has a loss.
        let known = score_logits(&scores[2..], &[1], 2).unwrap();
        assert!(known.mean_loss().unwrap().abs() < 1e-6);
        for odd in [f32::NAN, f32::INFINITY] {
            let refused = score_logits(&[odd, 0.0], &[0], 2);
            assert_eq!(refused, Err(ModelError::Diverged { steps: 0 }));
        }
        assert!(score_logits(&[0.0; 3], &[0], 2).is_err());
        assert!(score_classes(&[0], &[2], 2).is_err());
    }
}
