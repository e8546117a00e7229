//! Label flip: class c is taken for class C−1−c (Fung, Yoon and Beschastnikh 2020, "The
//! limitations of federated learning in Sybil settings").

use super::{Form, Honest};

/// Predictions with their classes mirrored within each row; prototypes, whose rows are the
/// classes, in opposite order; parameters as they are.
pub(super) fn flipped(honest: &Honest<'_>) -> Vec<f32> {
    let rows = honest.values.chunks(honest.row_width());
    match honest.form {
        Form::Logits | Form::Probabilities => {
            rows.flat_map(|row| row.iter().rev()).copied().collect()
        }
        Form::ClassFeatures => rows.rev().flatten().copied().collect(),
        Form::Parameters => honest.values.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::honest;
    use super::super::{Attack, Form, poison};

    fn flip(values: &[f32], form: Form) -> Vec<f32> {
        poison(Attack::LabelFlip, &honest(values, 3, form), 1, 2)
    }

    #[test]
    fn predictions_are_mirrored_within_their_rows() {
        let rows = [0.7, 0.2, 0.1, 0.0, 0.0, 0.0, 0.1, 0.3, 0.6];
        let flipped = [0.1, 0.2, 0.7, 0.0, 0.0, 0.0, 0.6, 0.3, 0.1];
        assert_eq!(flip(&rows, Form::Probabilities), flipped);
        assert_eq!(flip(&rows, Form::Logits), flipped);
    }

    #[test]
    fn prototypes_change_places() {
        let prototypes = [1.0, 2.0, 3.0, 0.0, 0.0, 0.0];
        assert_eq!(
            flip(&prototypes, Form::ClassFeatures),
            [0.0, 0.0, 0.0, 1.0, 2.0, 3.0]
        );
    }

    #[test]
    fn parameters_have_no_labels() {
        assert_eq!(flip(&[1.0, 2.0, 3.0], Form::Parameters), [1.0, 2.0, 3.0]);
    }
}
