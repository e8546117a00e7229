//! Labels: bits by hand, and the nearest point of the grid against a search of all.

use super::*;

fn hard(pad: RawLabelPad) -> RawCodecStage {
    RawCodecStage::HardLabels { pad }
}

fn one_hot(labels: &[usize], classes: usize) -> Vec<f32> {
    let row = |&label: &usize| (0..classes).map(move |class| f32::from(u8::from(class == label)));
    labels.iter().flat_map(row).collect()
}

#[test]
fn a_label_takes_the_bits_that_tell_classes_apart() {
    for (classes, bits) in [
        (1, 0),
        (2, 1),
        (3, 2),
        (4, 2),
        (5, 3),
        (10, 4),
        (100, 7),
        (256, 8),
        (257, 9),
        (1000, 10),
    ] {
        // Eight labels take as many bytes as one takes bits.
        let length = codec(&[hard(RawLabelPad::Bits)]).fixed_bytes(8 * classes, classes);
        assert_eq!(length, Some(bits), "{classes} classes");
    }
    for (classes, bytes) in [(2, 1), (10, 1), (256, 1), (257, 2)] {
        let length = codec(&[hard(RawLabelPad::Bytes)]).fixed_bytes(8 * classes, classes);
        assert_eq!(length, Some(8 * bytes), "{classes} classes");
    }
}

#[test]
fn labels_become_these_bytes() {
    let mut logits = one_hot(&[3, 9], 10);
    logits[0] = -4.0;
    assert_eq!(
        bytes(&codec(&[hard(RawLabelPad::Bits)]), &logits, 10),
        [0x93]
    );
    assert_eq!(
        bytes(&codec(&[hard(RawLabelPad::Bytes)]), &logits, 10),
        [3, 9]
    );
    // 3·(0.5, 0.3, 0.2): 1 and the two larger remainders make (1, 1, 1).
    assert_eq!(
        bytes(
            &codec(&[RawCodecStage::SoftLabels { bits: 2 }]),
            &[0.5, 0.3, 0.2],
            3
        ),
        [0b0101]
    );
}

#[test]
fn a_hard_label_is_the_first_greatest_and_arrives_as_certainty() {
    let values = [-3.0, -1.0, -2.0, 7.0, 7.0, 1.0];
    let expected = one_hot(&[1, 0], 3);
    assert_eq!(
        received(&codec(&[hard(RawLabelPad::Bits)]), &values, 3),
        expected
    );
}

/// Every list of `classes` multiples that sum to `levels`.
fn grid(classes: usize, levels: u32) -> Vec<Vec<u32>> {
    if classes == 1 {
        return vec![vec![levels]];
    }
    let with = |first: u32| {
        let rest = grid(classes - 1, levels - first);
        rest.into_iter()
            .map(move |rest| [vec![first], rest].concat())
    };
    (0..=levels).flat_map(with).collect()
}

fn distance(row: &[f32], point: impl Iterator<Item = f64>) -> f64 {
    row.iter()
        .zip(point)
        .map(|(&a, b)| (f64::from(a) - b).abs())
        .sum()
}

#[test]
fn a_soft_label_is_the_nearest_point_of_the_grid() {
    for (classes, bits, rows) in [(3, 2, 2_000), (4, 3, 300), (2, 1, 300), (10, 1, 300)] {
        let levels = (1 << bits) - 1;
        let grid = grid(classes, levels);
        let codec = codec(&[RawCodecStage::SoftLabels { bits }]);
        let mut draws = Draws::new(11);
        for _ in 0..rows {
            let weights: Vec<f64> = (0..classes).map(|_| -draws.next().max(1e-9).ln()).collect();
            let total: f64 = weights.iter().sum();
            let row: Vec<f32> = weights
                .iter()
                .map(|weight| (weight / total) as f32)
                .collect();
            let received = received(&codec, &row, classes);
            let point = |point: &Vec<u32>| {
                let levels = f64::from(levels);
                distance(
                    &row,
                    point
                        .iter()
                        .map(move |&multiple| f64::from(multiple) / levels),
                )
            };
            let nearest = grid.iter().map(point).fold(f64::INFINITY, f64::min);
            let ours = distance(&row, received.iter().map(|&value| f64::from(value)));
            assert!((ours - nearest).abs() < 1e-6, "{row:?} became {received:?}");
            let multiples = received
                .iter()
                .map(|&value| f64::from(value) * f64::from(levels));
            let off = multiples.map(|multiple| (multiple - multiple.round()).abs());
            assert!(off.fold(0.0, f64::max) < 1e-5);
            assert!((received.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        }
    }
}

#[test]
fn points_of_the_grid_arrive_as_they_are() {
    for point in grid(3, 3) {
        let row: Vec<f32> = point
            .iter()
            .map(|&multiple| (f64::from(multiple) / 3.0) as f32)
            .collect();
        assert_eq!(
            received(&codec(&[RawCodecStage::SoftLabels { bits: 2 }]), &row, 3),
            row
        );
    }
}

#[test]
fn one_bit_soft_labels_are_hard_labels() {
    let mut draws = Draws::new(4);
    let rows: Vec<f32> = (0..50).map(|_| draws.next() as f32).collect();
    let soft = received(&codec(&[RawCodecStage::SoftLabels { bits: 1 }]), &rows, 5);
    assert_eq!(soft, received(&codec(&[hard(RawLabelPad::Bits)]), &rows, 5));
}

#[test]
fn after_the_first_only_labels_that_changed_are_sent() {
    let codec = codec(&[RawCodecStage::Delta, hard(RawLabelPad::Bits)]);
    let first: Vec<usize> = (0..1000).map(|sample| sample % 10).collect();
    let mut second = first.clone();
    second[0] = 5;
    second[999] = 1;
    let (mut sender, mut receiver) = (Sender::default(), Receiver::default());
    // All: the byte of the arrival and 1000 labels of 4 bits. Then that byte, a count,
    // and what changed: gaps of 0 and 998, of 1 + 8 and 1 + 3 + 8 bits, and two labels.
    for (labels, length) in [
        (&first, 1 + 500),
        (&first, 1 + 4),
        (&second, 1 + 4 + 3 + 1),
        (&second, 1 + 4),
    ] {
        let values = one_hot(labels, 10);
        let encoded = codec.encode(&values, 10, &sender, 1);
        assert_eq!(encoded.bytes.len(), length);
        let decoded = codec
            .decode(&encoded.bytes, values.len(), 10, &receiver)
            .expect("in step");
        assert_eq!(decoded.values, values);
        (sender, receiver) = (encoded.if_arrived, decoded.receiver);
    }
}
