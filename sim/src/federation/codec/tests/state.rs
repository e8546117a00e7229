//! State: nothing given is lost for good, and losses leave both ends in step.

use super::*;

fn sum(values: &[f32], onto: &mut [f64]) {
    for (sum, &value) in onto.iter_mut().zip(values) {
        *sum += f64::from(value);
    }
}

#[test]
fn what_was_sent_and_what_is_kept_is_what_was_given() {
    for stages in [
        vec![top(3, true)],
        vec![top(3, true), uniform(4, RawRounding::Stochastic)],
        vec![top(5, true), one_bit(true), RawCodecStage::Entropy],
        vec![one_bit(true)],
    ] {
        let codec = codec(&stages);
        let mut draws = Draws::new(2);
        let (mut sender, mut given, mut sent) = (Sender::default(), [0.0; 40], [0.0; 40]);
        for piece in 0..200 {
            let values: Vec<f32> = (0..40).map(|_| draws.normal()).collect();
            let encoded = codec.encode(&values, 0, &sender, piece);
            let decoded = codec.decode(&encoded.bytes, 40, 0, &Receiver::default());
            sum(&values, &mut given);
            sum(
                &decoded.expect("what was encoded decodes").values,
                &mut sent,
            );
            sender = encoded.if_arrived;
        }
        let kept = sender.residual.expect("error feedback keeps something");
        assert!(kept.iter().any(|&value| value != 0.0));
        for ((given, sent), kept) in given.iter().zip(sent).zip(kept.iter()) {
            // 400 roundings of numbers below 64, 2^-19 each at most.
            assert!((given - sent - f64::from(*kept)).abs() < 1e-3, "{stages:?}");
        }
    }
}

#[test]
fn without_feedback_nothing_is_kept() {
    let codec = codec(&[top(1, false)]);
    assert!(!codec.has_state());
    let encoded = codec.encode(&[1.0, 2.0], 0, &Sender::default(), 1);
    assert_eq!(encoded.if_arrived, Sender::default());
}

#[test]
fn knowledge_that_stays_arrives_whole_piece_by_piece() {
    // After a difference nothing needs to be kept: what was not sent is in the next one.
    let codec = codec(&[RawCodecStage::Delta, top(2, true)]);
    let values = [5.0, -4.0, 3.0, -2.0, 1.0];
    let (mut sender, mut receiver) = (Sender::default(), Receiver::default());
    for arrived in [
        [5.0, -4.0, 0.0, 0.0, 0.0],
        [5.0, -4.0, 3.0, -2.0, 0.0],
        values,
        values,
    ] {
        let encoded = codec.encode(&values, 0, &sender, 1);
        let decoded = codec
            .decode(&encoded.bytes, 5, 0, &receiver)
            .expect("in step");
        assert_eq!(decoded.values, arrived);
        (sender, receiver) = (encoded.if_arrived, decoded.receiver);
    }
}

#[test]
fn a_difference_is_to_what_arrived_last_and_losses_change_nothing() {
    let codec = codec(&[RawCodecStage::Delta, uniform(8, RawRounding::Nearest)]);
    let mut draws = Draws::new(7);
    let mut values: Vec<f32> = (0..30).map(|_| draws.normal()).collect();
    let mut last = vec![0.0; 30];
    let (mut sender, mut receiver) = (Sender::default(), Receiver::default());
    let mut lost = 0;
    // More than there are numbers of an arrival.
    for _ in 0..700 {
        values
            .iter_mut()
            .for_each(|value| *value += 0.01 * draws.normal());
        let encoded = codec.encode(&values, 0, &sender, 1);
        if draws.next() < 0.3 {
            lost += 1;
            continue;
        }
        let decoded = codec
            .decode(&encoded.bytes, 30, 0, &receiver)
            .expect("in step");
        let differences = values.iter().zip(&last).map(|(value, last)| value - last);
        let (least, most) = differences.fold(
            (f32::INFINITY, f32::NEG_INFINITY),
            |(least, most), difference| (least.min(difference), most.max(difference)),
        );
        for (value, sent) in values.iter().zip(&decoded.values) {
            // Half a step of the difference's range, and rounding.
            assert!((value - sent).abs() <= (most - least) / 255.0 / 2.0 + 2e-6);
        }
        last.clone_from(&decoded.values);
        (sender, receiver) = (encoded.if_arrived, decoded.receiver);
    }
    assert!(lost > 100);
}

#[test]
fn a_difference_to_something_else_is_refused() {
    let codec = codec(&[RawCodecStage::Delta, RawCodecStage::F16]);
    let first = codec.encode(&[1.0, 2.0], 0, &Sender::default(), 1);
    let second = codec.encode(&[1.5, 2.0], 0, &first.if_arrived, 1);
    let error = codec
        .decode(&second.bytes, 2, 0, &Receiver::default())
        .err();
    assert_eq!(error, Some(CodecError::OutOfStep { sent: 1, held: 0 }));
    let receiver = codec
        .decode(&first.bytes, 2, 0, &Receiver::default())
        .expect("in step")
        .receiver;
    let again = codec.decode(&first.bytes, 2, 0, &receiver).err();
    assert_eq!(again, Some(CodecError::OutOfStep { sent: 0, held: 1 }));
    assert!(codec.decode(&second.bytes, 2, 0, &receiver).is_ok());
}

#[test]
fn knowledge_of_another_length_begins_anew() {
    for stages in [
        vec![RawCodecStage::Delta, RawCodecStage::F16],
        vec![top(1, true)],
    ] {
        let codec = codec(&stages);
        let first = codec.encode(&[8.0, 2.0], 0, &Sender::default(), 1);
        let receiver = codec
            .decode(&first.bytes, 2, 0, &Receiver::default())
            .expect("in step")
            .receiver;
        let second = codec.encode(&[4.0], 0, &first.if_arrived, 1);
        let decoded = codec
            .decode(&second.bytes, 1, 0, &receiver)
            .expect("in step");
        assert_eq!(decoded.values, [4.0]);
    }
}

#[test]
fn differences_of_extreme_values_stay_finite_and_arrive_in_two() {
    let codec = codec(&[RawCodecStage::Delta]);
    let (mut sender, mut receiver) = (Sender::default(), Receiver::default());
    // From the greatest to the least is twice what an f32 holds.
    for (value, arrived) in [(f32::MAX, f32::MAX), (f32::MIN, 0.0), (f32::MIN, f32::MIN)] {
        let encoded = codec.encode(&[value], 0, &sender, 1);
        let decoded = codec
            .decode(&encoded.bytes, 1, 0, &receiver)
            .expect("in step");
        assert_eq!(decoded.values, [arrived]);
        (sender, receiver) = (encoded.if_arrived, decoded.receiver);
    }
}
