//! Bytes that no encoder wrote: an error, no panic.

use super::*;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn cut_and_lengthened_bytes_are_refused(
        stages in any_stages(),
        (values, width) in any_piece(),
        keep in 0.0_f64..1.0,
    ) {
        let codec = codec(&stages);
        let whole = bytes(&codec, &values, width);
        let decode = |bytes: &[u8]| codec.decode(bytes, values.len(), width, &Receiver::default());
        let is_coded = stages.contains(&RawCodecStage::Entropy);
        let cut = decode(&whole[..(whole.len() as f64 * keep) as usize]);
        let longer = decode(&[whole.as_slice(), &[1]].concat());
        if !is_coded {
            prop_assert!(whole.is_empty() || cut.is_err());
            prop_assert_eq!(longer.err(), Some(CodecError::TooLong));
        }
    }

    #[test]
    fn any_bytes_give_values_or_an_error(
        stages in any_stages(),
        mut bytes in prop::collection::vec(any::<u8>(), 0..200),
        first in 0_u8..3,
        count in 0_usize..20,
        width in 0_usize..9,
    ) {
        // Often what the first byte may be: neither or one arrival, stored or coded.
        if let Some(byte) = bytes.first_mut() {
            *byte = first;
        }
        let count = count * width.max(1);
        if let Ok(decoded) = codec(&stages).decode(&bytes, count, width, &Receiver::default()) {
            prop_assert_eq!(decoded.values.len(), count);
        }
    }
}

#[test]
fn each_mistake_has_its_error() {
    let first = Receiver::default();
    let decode = |stages: &[RawCodecStage], bytes: &[u8], count, width| {
        codec(stages).decode(bytes, count, width, &first).err()
    };
    let hard = RawCodecStage::HardLabels {
        pad: RawLabelPad::Bits,
    };
    let nearest = uniform(8, RawRounding::Nearest);
    let infinite = [0, 0, 0x80, 0x7f, 0, 0, 0x80, 0x7f, 0];
    let backwards = [0, 0, 0x80, 0x3f, 0, 0, 0, 0, 0];
    for (stages, bytes, count, width) in [
        // Label 3 of 3 classes.
        (vec![hard], &[3][..], 3, 3),
        // 3/3 and 3/3.
        (vec![RawCodecStage::SoftLabels { bits: 2 }], &[0b1111], 3, 3),
        (vec![nearest.clone()], &infinite, 1, 0),
        (vec![nearest], &backwards, 1, 0),
        // Row 2 of two.
        (vec![RawCodecStage::Rows], &[0b100], 2, 1),
        // Position 2 of two.
        (vec![top(1, false)], &[0b011, 0, 0, 0, 0], 2, 0),
        (vec![RawCodecStage::F16], &[0, 0x7c], 1, 0),
        (vec![RawCodecStage::Entropy], &[7], 1, 0),
        // Longer than one value.
        (vec![RawCodecStage::Entropy], &[1, 0, 5, 9, 9, 9], 1, 0),
    ] {
        let error = decode(&stages, bytes, count, width);
        assert!(
            matches!(error, Some(CodecError::Malformed(_))),
            "{stages:?}: {error:?}"
        );
    }
}
