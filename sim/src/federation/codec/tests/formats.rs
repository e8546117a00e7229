//! Values: bytes by hand, rounding as numpy rounds, and how far off they may be.

use super::*;
use half::{bf16, f16};

const HALF: &str = include_str!("../../../../tests/golden/half/half.txt");

#[test]
fn values_become_these_bytes() {
    let nearest = uniform(2, RawRounding::Nearest);
    for (stages, values, expected) in [
        (
            vec![RawCodecStage::F32],
            [1.0, -2.0, 0.0, 0.5],
            &[0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0x3f][..],
        ),
        (
            vec![RawCodecStage::F16],
            [1.0, -2.0, 0.0, 0.5],
            &[0, 0x3c, 0, 0xc0, 0, 0, 0, 0x38],
        ),
        (
            vec![RawCodecStage::Bf16],
            [1.0, -2.0, 0.0, 0.5],
            &[0x80, 0x3f, 0, 0xc0, 0, 0, 0, 0x3f],
        ),
        // Least 0, greatest 3, then 0 1 2 3 in two bits each, the first lowest.
        (
            vec![nearest],
            [0.0, 1.0, 2.0, 3.0],
            &[0, 0, 0, 0, 0, 0, 0x40, 0x40, 0b11_10_01_00],
        ),
        // The mean magnitude is 2; the second and the fourth are negative.
        (
            vec![one_bit(false)],
            [1.0, -3.0, 2.0, -2.0],
            &[0, 0, 0, 0x40, 0b1010],
        ),
    ] {
        assert_eq!(bytes(&codec(&stages), &values, 0), expected, "{stages:?}");
    }
}

#[test]
fn zero_counts_as_positive() {
    assert_eq!(
        received(&codec(&[one_bit(false)]), &[0.0, -4.0], 0),
        [2.0, -2.0]
    );
}

#[test]
fn ranges_of_rows_and_buckets_stand_before_the_symbols() {
    let per = |per| RawCodecStage::Uniform {
        bits: 8,
        rounding: RawRounding::Nearest,
        per,
    };
    let values = [0.0, 1.0, 10.0, 20.0, -1.0, -3.0];
    for (stage, width, ranges) in [
        (
            per(RawScaleGroup::Row),
            2,
            vec![0.0, 1.0, 10.0, 20.0, -3.0, -1.0],
        ),
        (
            per(RawScaleGroup::Bucket { size: 4 }),
            0,
            vec![0.0, 20.0, -3.0, -1.0],
        ),
        (per(RawScaleGroup::Row), 0, vec![-3.0, 20.0]),
    ] {
        let codec = codec(&[stage]);
        let bytes = bytes(&codec, &values, width);
        let expected: Vec<u8> = ranges
            .iter()
            .flat_map(|end: &f32| end.to_le_bytes())
            .collect();
        assert_eq!(bytes[..expected.len()], expected);
        assert_eq!(bytes.len(), expected.len() + 6);
    }
    // Every value is an end of its row's range.
    assert_eq!(
        received(&codec(&[per(RawScaleGroup::Row)]), &values, 2),
        values
    );
}

#[test]
fn halves_round_as_numpy_rounds_and_stay_finite() {
    let mut beyond = 0;
    for line in HALF.lines() {
        let bits: Vec<u32> = line
            .split(' ')
            .map(|bits| u32::from_str_radix(bits, 16).expect("hex"))
            .collect();
        let value = f32::from_bits(bits[0]);
        let (as_f16, as_bf16) = (
            f16::from_bits(bits[1] as u16),
            bf16::from_bits(bits[2] as u16),
        );
        let expected = [
            (RawCodecStage::F16, as_f16.to_f32(), f16::MAX.to_f32()),
            (RawCodecStage::Bf16, as_bf16.to_f32(), bf16::MAX.to_f32()),
        ];
        for (stage, expected, greatest) in expected {
            let expected = expected.clamp(-greatest, greatest);
            beyond += u32::from(expected.abs() == greatest && value.abs() > greatest);
            let received = received(&codec(&[stage]), &[value], 0);
            assert_eq!(received[0].to_bits(), expected.to_bits(), "{value}");
        }
    }
    assert!(beyond > 4);
}

#[test]
fn thirty_two_bits_are_no_codec() {
    let whole = codec(&[uniform(32, RawRounding::Stochastic)]);
    assert!(whole.is_identity() && codec(&[]).is_identity());
    let values = [1.0, -0.0, f32::MIN_POSITIVE, 1e-45, f32::MAX, 1.0 / 3.0];
    let back = received(&whole, &values, 0);
    assert_eq!(
        values.map(f32::to_bits).to_vec(),
        back.iter().map(|value| value.to_bits()).collect::<Vec<_>>()
    );
    assert_eq!(whole.fixed_bytes(6, 0), Some(24));
    for stages in [
        [RawCodecStage::F16],
        [RawCodecStage::Rows],
        [RawCodecStage::Delta],
        [RawCodecStage::Entropy],
    ] {
        assert!(!codec(&stages).is_identity());
    }
}

#[test]
fn stochastic_rounding_is_right_on_average_and_takes_a_neighbour() {
    // Steps of 1/3 between 0 and 1.
    let values = [0.0, 1.0, 0.1, 1.0 / 3.0, 0.4, 0.5, 0.95];
    let codec = codec(&[uniform(2, RawRounding::Stochastic)]);
    let draws = 20_000;
    let mut sums = [0.0; 7];
    for seed in 0..draws {
        let encoded = codec.encode(&values, 0, &Sender::default(), seed);
        let decoded = codec.decode(&encoded.bytes, 7, 0, &Receiver::default());
        let decoded = decoded.expect("what was encoded decodes").values;
        for ((sum, sent), value) in sums.iter_mut().zip(decoded).zip(values) {
            assert!((sent - value).abs() < 1.0 / 3.0 + 1e-6);
            *sum += f64::from(sent);
        }
    }
    for (sum, value) in sums.iter().zip(values) {
        let value = f64::from(value);
        let nearness = (3.0 * value).fract();
        // Five standard errors of a mean of two-point draws, and rounding to f32.
        let interval = 5.0 / 3.0 * (nearness * (1.0 - nearness) / draws as f64).sqrt() + 1e-7;
        assert!((sum / draws as f64 - value).abs() <= interval, "{value}");
    }
}

#[test]
fn the_seed_alone_decides_what_rounding_draws() {
    let codec = codec(&[uniform(4, RawRounding::Stochastic)]);
    let mut draws = Draws::new(3);
    let values: Vec<f32> = (0..100).map(|_| draws.normal()).collect();
    let bytes = |seed| codec.encode(&values, 0, &Sender::default(), seed).bytes;
    assert_eq!(bytes(5), bytes(5));
    assert_ne!(bytes(5), bytes(6));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nearest_rounding_is_at_most_half_a_step_off(
        values in prop::collection::vec(-1e3_f32..1e3, 1..50),
        bits in 1_u32..17,
    ) {
        let least = values.iter().copied().fold(f32::INFINITY, f32::min);
        let most = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let step = (f64::from(most) - f64::from(least)) / (2_f64.powi(bits as i32) - 1.0);
        let received = received(&codec(&[uniform(bits, RawRounding::Nearest)]), &values, 0);
        for (value, sent) in values.iter().zip(received) {
            // The result is rounded to f32 once: 2^-24 of 1e3.
            let off = (f64::from(*value) - f64::from(sent)).abs();
            prop_assert!(off <= step / 2.0 + 6e-5, "{} for {}", sent, value);
            prop_assert!((least..=most).contains(&sent));
        }
    }
}

#[test]
fn equal_and_extreme_values_survive_their_range() {
    for bits in [1, 8, 16] {
        let codec = codec(&[uniform(bits, RawRounding::Stochastic)]);
        assert_eq!(received(&codec, &[0.1; 5], 0), [0.1; 5]);
        let ends = [f32::MIN, f32::MAX];
        assert_eq!(received(&codec, &ends, 0), ends);
    }
}
