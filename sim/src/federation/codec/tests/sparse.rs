//! What is left out: small values, and rows that are not held.

use super::*;

#[test]
fn the_largest_go_with_their_positions() {
    let values = [0.0, 5.0, 0.0, -7.0, 1.0, 0.0, 0.0, 0.0];
    let codec = codec(&[top(2, false)]);
    // Gaps of 1 and 1, each a zero and then one low bit; 5 and -7 as f32.
    let expected = [0b1010, 0, 0, 0xa0, 0x40, 0, 0, 0xe0, 0xc0];
    assert_eq!(bytes(&codec, &values, 0), expected);
    assert_eq!(
        received(&codec, &values, 0),
        [0.0, 5.0, 0.0, -7.0, 0.0, 0.0, 0.0, 0.0]
    );
}

#[test]
fn among_equals_the_earlier_goes() {
    let codec = codec(&[top(2, false)]);
    assert_eq!(
        received(&codec, &[1.0, -2.0, 2.0, 2.0], 0),
        [0.0, -2.0, 2.0, 0.0]
    );
}

#[test]
fn a_share_is_rounded_and_at_least_one_value() {
    for (share, sent) in [(0.001, 1), (0.24, 2), (0.25, 3), (1.0, 10)] {
        let codec = codec(&[RawCodecStage::TopK {
            share: Some(share),
            count: None,
            feedback: false,
        }]);
        let values: Vec<f32> = (1..11).map(|value| value as f32).collect();
        let received = received(&codec, &values, 0);
        assert_eq!(
            received.iter().filter(|&&value| value != 0.0).count(),
            sent,
            "{share}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_goes_is_what_sorting_finds(
        values in prop::collection::vec((-9_i8..9).prop_map(f32::from), 1..60),
        count in 1_usize..70,
    ) {
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|&a, &b| values[b].abs().total_cmp(&values[a].abs()));
        let mut expected = vec![0.0; values.len()];
        for &at in order.iter().take(count) {
            expected[at] = values[at];
        }
        prop_assert_eq!(received(&codec(&[top(count, false)]), &values, 0), expected);
    }
}

/// log2 of the number of ways to choose k of n.
fn choices(n: u32, k: u32) -> f64 {
    (0..k)
        .map(|i| (f64::from(n - i) / f64::from(k - i)).log2())
        .sum()
}

#[test]
fn positions_take_hardly_more_bits_than_there_are_choices() {
    let n = 100_000;
    for (k, most) in [(100, 1.02), (1_000, 1.02), (10_000, 1.04), (50_000, 1.01)] {
        let mut draws = Draws::new(9);
        let values: Vec<f32> = (0..n).map(|_| draws.normal()).collect();
        let length = bytes(&codec(&[top(k as usize, false)]), &values, 0).len();
        let positions = 8.0 * (length as f64 - 4.0 * f64::from(k));
        let ratio = positions / choices(n, k);
        assert!((1.0..most).contains(&ratio), "{k} of {n}: {ratio}");
    }
}

#[test]
fn sparse_ternary_compression_is_top_k_then_one_bit() {
    // Sattler et al. 2019: the k largest become ± their mean magnitude.
    let values = [1.0, -8.0, 0.5, 4.0, 0.0, -2.0];
    let codec = codec(&[top(2, false), one_bit(false)]);
    assert_eq!(
        received(&codec, &values, 0),
        [0.0, -6.0, 0.0, 6.0, 0.0, 0.0]
    );
}

#[test]
fn rows_that_are_not_held_cost_a_bit() {
    let codec = codec(&[RawCodecStage::Rows]);
    let mut values = vec![0.0; 10 * 3];
    values[3..6].copy_from_slice(&[1.0, 0.0, 2.0]);
    values[27..30].copy_from_slice(&[0.0, 0.0, -1.0]);
    let bytes = bytes(&codec, &values, 3);
    // FedProto: 4·d bytes for each class that the client has; and the bitmap.
    assert_eq!(bytes.len(), 2 + 2 * 4 * 3);
    assert_eq!(bytes[..2], [0b10, 0b10]);
    assert_eq!(received(&codec, &values, 3), values);
}

#[test]
fn a_row_that_is_no_longer_held_arrives_as_none_after_a_difference() {
    let codec = codec(&[
        RawCodecStage::Rows,
        RawCodecStage::Delta,
        RawCodecStage::F16,
    ]);
    let (mut sender, mut receiver) = (Sender::default(), Receiver::default());
    for values in [
        [1.0, 2.0, 3.0, 4.0],
        [1.0, 2.0, 0.0, 0.0],
        [0.0, 0.0, 5.0, 6.0],
        [1.0, 1.0, 5.0, 6.0],
    ] {
        let encoded = codec.encode(&values, 2, &sender, 1);
        let decoded = codec
            .decode(&encoded.bytes, 4, 2, &receiver)
            .expect("in step");
        assert_eq!(decoded.values, values);
        (sender, receiver) = (encoded.if_arrived, decoded.receiver);
    }
}
