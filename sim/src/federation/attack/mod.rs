//! Attacks: what a malicious client makes of its honest contribution before it sends it, as
//! pure functions. Which clients are malicious is decided elsewhere; poisoned *training*
//! data is label noise of the data.
//!
//! A row of zeros is a row that the client does not have, and stays one. Predictions given
//! as probabilities are attacked in their logarithms and softmaxed again, so that what is
//! sent still looks like probabilities. Parameters are attacked in what training added to
//! the parameters received: a sign flip undoes the training, not the model.

mod colluding;
mod label_flip;
mod random;
mod same_target;

pub(crate) use colluding::{Collusion, collude, largest_z};
pub(crate) use random::Law;

use crate::kernel::Stream;
use rand::SeedableRng;

/// What the values of a contribution are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// A row per sample or class, a logit per class.
    Logits,
    /// A row per sample or class, a probability per class.
    Probabilities,
    /// A row of features per class: prototypes.
    ClassFeatures,
    /// One flat vector.
    Parameters,
}

/// A contribution as it would be sent by an honest client.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Honest<'a> {
    /// Rows × width, or one flat vector.
    pub(crate) values: &'a [f32],
    /// Values a row; of no meaning for parameters.
    pub(crate) width: usize,
    /// What the values are.
    pub(crate) form: Form,
    /// The parameters that the client started from; nothing for other forms, or where what is
    /// sent is already the difference.
    pub(crate) received: Option<&'a [f32]>,
}

/// What one malicious client does by itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Attack {
    /// Class c is taken for class C−1−c (Fung, Yoon and Beschastnikh 2020): predictions are
    /// mirrored within their rows, prototypes change places. Parameters have no classes.
    LabelFlip,
    /// Values drawn anew with the mean and `scale` times the standard deviation of the honest ones.
    Random {
        /// How they are distributed.
        law: Law,
        /// 1 for the honest spread.
        scale: f64,
    },
    /// −scale times the honest values.
    SignFlip {
        /// 1 for the same size.
        scale: f64,
    },
    /// All attackers send the same: for each row a class drawn by all of them, for certain;
    /// for prototypes and parameters a direction drawn by all of them.
    SameTarget {
        /// The class's logit above the others', or the standard deviation of the values.
        scale: f64,
    },
}

impl Attack {
    /// Whether it does anything to such a contribution.
    pub(crate) fn applies_to(self, form: Form) -> bool {
        self != Self::LabelFlip || form != Form::Parameters
    }
}

/// What the attacker sends. Its own draws come from `seed_own`, those that all attackers
/// share from `seed_shared`; both should differ from version to version.
pub(crate) fn poison(
    attack: Attack,
    honest: &Honest<'_>,
    seed_own: u64,
    seed_shared: u64,
) -> Vec<f32> {
    match attack {
        Attack::LabelFlip => label_flip::flipped(honest),
        Attack::Random { law, scale } => {
            let mut stream = Stream::seed_from_u64(seed_own);
            let drawn = random::drawn(&honest.open(), law, scale, &mut stream);
            honest.close(drawn)
        }
        Attack::SignFlip { scale } => {
            let flip = |(value, held): (f64, bool)| if held { -scale * value } else { 0.0 };
            honest.close(honest.open().into_iter().map(flip).collect())
        }
        Attack::SameTarget { scale } => {
            let mut stream = Stream::seed_from_u64(seed_shared);
            honest.close(same_target::target(honest, scale, &mut stream))
        }
    }
}

/// Below this a probability has no logarithm that a float would give back.
const LEAST_PROBABILITY: f64 = 1e-6;

impl Honest<'_> {
    /// Values a row.
    fn row_width(&self) -> usize {
        match self.form {
            Form::Parameters => self.values.len().max(1),
            _ => self.width.max(1),
        }
    }

    /// Whether the client has each row.
    fn rows_held(&self) -> impl Iterator<Item = bool> + '_ {
        let all = self.form == Form::Parameters;
        let rows = self.values.chunks(self.row_width());
        rows.map(move |row| all || row.iter().any(|value| *value != 0.0))
    }

    /// Every value as it is attacked, and whether it lies in a row that the client has:
    /// logarithms of probabilities, differences of parameters.
    fn open(&self) -> Vec<(f64, bool)> {
        let rows = self.values.chunks(self.row_width());
        let mut opened = Vec::with_capacity(self.values.len());
        for (row, held) in rows.zip(self.rows_held()) {
            opened.extend(row.iter().map(|value| (f64::from(*value), held)));
        }
        match self.form {
            Form::Probabilities => {
                for (value, _) in &mut opened {
                    *value = value.max(LEAST_PROBABILITY).ln();
                }
            }
            Form::Parameters => {
                for ((value, _), received) in opened.iter_mut().zip(self.received.unwrap_or(&[])) {
                    *value -= f64::from(*received);
                }
            }
            Form::Logits | Form::ClassFeatures => {}
        }
        opened
    }

    /// Attacked values as they are sent: finite, and zeros where the client has no row.
    fn close(&self, mut attacked: Vec<f64>) -> Vec<f32> {
        let width = self.row_width();
        for (row, held) in attacked.chunks_mut(width).zip(self.rows_held()) {
            if !held {
                row.fill(0.0);
            } else if self.form == Form::Probabilities {
                softmax(row);
            }
        }
        if self.form == Form::Parameters {
            for (value, received) in attacked.iter_mut().zip(self.received.unwrap_or(&[])) {
                *value += f64::from(*received);
            }
        }
        attacked.into_iter().map(finite).collect()
    }
}

/// Turns logits into probabilities in place.
fn softmax(row: &mut [f64]) {
    let most = row.iter().copied().fold(f64::MIN, f64::max);
    let mut total = 0.0;
    for value in row.iter_mut() {
        *value = (*value - most).exp();
        total += *value;
    }
    row.iter_mut().for_each(|value| *value /= total);
}

/// The nearest float that is a number: a large scale must not send infinity.
fn finite(value: f64) -> f32 {
    value.clamp(f64::from(f32::MIN), f64::from(f32::MAX)) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn honest(values: &[f32], width: usize, form: Form) -> Honest<'_> {
        Honest {
            values,
            width,
            form,
            received: None,
        }
    }

    #[track_caller]
    pub(super) fn assert_close(values: &[f32], expected: &[f64]) {
        assert_eq!(
            values.len(),
            expected.len(),
            "{values:?} is not {expected:?}"
        );
        for (value, expected) in values.iter().zip(expected) {
            let error = (f64::from(*value) - expected).abs();
            assert!(
                error <= 3e-7 * expected.abs().max(1.0),
                "{values:?} is not {expected:?}"
            );
        }
    }

    #[test]
    fn a_sign_flip_turns_logits_round_and_leaves_missing_rows_alone() {
        let logits = [1.5, -0.5, 0.0, 0.0, 2.0, 0.25];
        let sent = poison(
            Attack::SignFlip { scale: 2.0 },
            &honest(&logits, 2, Form::Logits),
            1,
            2,
        );
        assert_close(&sent, &[-3.0, 1.0, 0.0, 0.0, -4.0, -0.5]);
    }

    #[test]
    fn a_sign_flip_of_probabilities_is_that_of_their_logits() {
        // p ∝ 1/p: of (0.8, 0.2) it is (0.2, 0.8); of (0.5, 0.25, 0.25), (2, 4, 4)/10.
        let flip = Attack::SignFlip { scale: 1.0 };
        let sent = poison(flip, &honest(&[0.8, 0.2], 2, Form::Probabilities), 1, 2);
        assert_close(&sent, &[0.2, 0.8]);
        let unsure = [0.5, 0.25, 0.25, 0.0, 0.0, 0.0];
        let sent = poison(flip, &honest(&unsure, 3, Form::Probabilities), 1, 2);
        assert_close(&sent, &[0.2, 0.4, 0.4, 0.0, 0.0, 0.0]);
        // Of a certain one: the others share what there is.
        let sent = poison(
            flip,
            &honest(&[1.0, 0.0, 0.0], 3, Form::Probabilities),
            1,
            2,
        );
        assert_close(&sent, &[5e-7, 0.5, 0.5]);
    }

    #[test]
    fn a_sign_flip_of_parameters_undoes_the_training() {
        let mut parameters = honest(&[1.5, 0.0], 0, Form::Parameters);
        parameters.received = Some(&[1.0, 1.0]);
        // 1 − 3·0.5 and 1 − 3·(−1).
        let flip = Attack::SignFlip { scale: 3.0 };
        assert_close(&poison(flip, &parameters, 1, 2), &[-0.5, 4.0]);
        // Differences are flipped as they are.
        parameters.received = None;
        assert_close(&poison(flip, &parameters, 1, 2), &[-4.5, 0.0]);
    }

    #[test]
    fn however_large_the_scale_what_is_sent_is_finite() {
        let values = [1.0, 0.5];
        for form in [
            Form::Logits,
            Form::Probabilities,
            Form::ClassFeatures,
            Form::Parameters,
        ] {
            for attack in [
                Attack::SignFlip { scale: 1e300 },
                Attack::SameTarget { scale: 1e300 },
                Attack::Random {
                    law: Law::Gaussian,
                    scale: 1e300,
                },
            ] {
                let sent = poison(attack, &honest(&values, 2, form), 1, 2);
                assert!(
                    sent.iter().all(|value| value.is_finite()),
                    "{attack:?} of {form:?}"
                );
            }
        }
    }

    #[test]
    fn only_labels_of_parameters_cannot_be_flipped() {
        assert!(!Attack::LabelFlip.applies_to(Form::Parameters));
        assert!(Attack::LabelFlip.applies_to(Form::ClassFeatures));
        assert!(Attack::SignFlip { scale: 1.0 }.applies_to(Form::Parameters));
    }
}
