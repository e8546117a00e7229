//! Identical wrong contributions: every attacker draws the same target from a shared stream,
//! so that they lie closer together than honest clients do (which Krum trusts).

use super::{Form, Honest};
use crate::kernel::Stream;
use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};

/// For predictions, in each row one class drawn for all, its logit `scale` above the others';
/// else values drawn for all, normal with standard deviation `scale`. As they are attacked:
/// logits of predictions, differences of parameters.
pub(super) fn target(honest: &Honest<'_>, scale: f64, stream: &mut Stream) -> Vec<f64> {
    let width = honest.row_width();
    match honest.form {
        Form::Logits | Form::Probabilities => {
            let mut values = vec![0.0; honest.values.len()];
            for row in values.chunks_mut(width) {
                row[stream.random_range(0..row.len())] = scale;
            }
            values
        }
        Form::ClassFeatures | Form::Parameters => {
            let mut draw = || -> f64 { StandardNormal.sample(stream) };
            honest.values.iter().map(|_| scale * draw()).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::honest;
    use super::super::{Attack, Form, Honest, poison};

    fn send(honest: &Honest<'_>, own: u64, shared: u64) -> Vec<f32> {
        poison(Attack::SameTarget { scale: 5.0 }, honest, own, shared)
    }

    #[test]
    fn all_attackers_send_the_same_whatever_they_predict() {
        let one = [0.9, 0.05, 0.05].repeat(50);
        let other = [0.1, 0.2, 0.7].repeat(50);
        for form in [
            Form::Logits,
            Form::Probabilities,
            Form::ClassFeatures,
            Form::Parameters,
        ] {
            let sent = send(&honest(&one, 3, form), 1, 9);
            assert_eq!(sent, send(&honest(&other, 3, form), 2, 9), "{form:?}");
            assert_ne!(sent, send(&honest(&one, 3, form), 1, 10), "{form:?}");
        }
    }

    #[test]
    fn every_class_is_somebody_s_target_for_certain() {
        let rows = [0.5, 0.3, 0.2].repeat(300);
        let sent = send(&honest(&rows, 3, Form::Probabilities), 1, 9);
        // e^5/(e^5 + 2)
        let certain = 0.986_703_288_004_108_4;
        let mut targets = [0; 3];
        for row in sent.chunks(3) {
            let target = row.iter().position(|p| *p > 0.5).expect("a target");
            assert!((f64::from(row[target]) - certain).abs() < 1e-6);
            targets[target] += 1;
        }
        // 100 each, standard deviation √(300·2/9) = 8.2.
        assert!(
            targets.iter().all(|count| (67..133).contains(count)),
            "{targets:?}"
        );
    }

    #[test]
    fn a_missing_row_stays_missing_and_moves_no_other_target() {
        let all = [0.5, 0.3, 0.2].repeat(20);
        let mut some = all.clone();
        some[..30].fill(0.0);
        let sent = send(&honest(&some, 3, Form::Logits), 1, 9);
        assert_eq!(sent[..30], [0.0; 30]);
        assert_eq!(sent[30..], send(&honest(&all, 3, Form::Logits), 1, 9)[30..]);
    }

    #[test]
    fn parameters_go_the_same_way_from_where_they_started() {
        let mut parameters = honest(&[1.5, 0.0], 0, Form::Parameters);
        let step = send(&parameters, 1, 9);
        parameters.received = Some(&[10.0, 20.0]);
        let sent = send(&parameters, 1, 9);
        assert!((sent[0] - 10.0 - step[0]).abs() < 1e-5);
        assert!((sent[1] - 20.0 - step[1]).abs() < 1e-5);
    }
}
