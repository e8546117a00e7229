//! What codecs promise, checked from outside: bytes by hand, numpy's rounding,
//! error bounds, entropy, and that nothing is lost but what a rule loses.

mod entropy;
mod formats;
mod labels;
mod malformed;
mod sparse;
mod state;

use super::{Codec, CodecError, Receiver, Sender};
use crate::kernel::Stream;
use crate::scenario::{RawCodec, RawCodecStage, RawLabelPad, RawRounding, RawScaleGroup};
use proptest::prelude::*;
use rand::{Rng, SeedableRng};

fn codec(stages: &[RawCodecStage]) -> Codec {
    Codec::new(&RawCodec::from(stages.to_vec()))
}

fn uniform(bits: u32, rounding: RawRounding) -> RawCodecStage {
    RawCodecStage::Uniform {
        bits,
        rounding,
        per: RawScaleGroup::All,
    }
}

fn one_bit(feedback: bool) -> RawCodecStage {
    RawCodecStage::OneBit {
        feedback,
        per: RawScaleGroup::All,
    }
}

fn top(count: usize, feedback: bool) -> RawCodecStage {
    RawCodecStage::TopK {
        share: None,
        count: Some(count),
        feedback,
    }
}

/// Of the first piece of a sender.
fn bytes(codec: &Codec, values: &[f32], width: usize) -> Vec<u8> {
    codec.encode(values, width, &Sender::default(), 1).bytes
}

/// What a new receiver makes of the first piece of a sender.
fn received(codec: &Codec, values: &[f32], width: usize) -> Vec<f32> {
    let bytes = bytes(codec, values, width);
    let decoded = codec.decode(&bytes, values.len(), width, &Receiver::default());
    decoded.expect("what was encoded decodes").values
}

/// Reproducible numbers in [0, 1).
struct Draws(Stream);

impl Draws {
    fn new(seed: u64) -> Self {
        Self(Stream::seed_from_u64(seed))
    }

    fn next(&mut self) -> f64 {
        f64::from(self.0.next_u32()) / 4_294_967_296.0
    }

    /// About normally distributed: twelve uniform ones less six.
    fn normal(&mut self) -> f32 {
        ((0..12).map(|_| self.next()).sum::<f64>() - 6.0) as f32
    }
}

fn any_per() -> impl Strategy<Value = RawScaleGroup> {
    prop_oneof![
        Just(RawScaleGroup::All),
        Just(RawScaleGroup::Row),
        (1_usize..9).prop_map(|size| RawScaleGroup::Bucket { size }),
    ]
}

/// Every pipeline that a check lets pass.
fn any_stages() -> impl Strategy<Value = Vec<RawCodecStage>> {
    let rounding = prop_oneof![Just(RawRounding::Stochastic), Just(RawRounding::Nearest)];
    let format = prop_oneof![
        Just(RawCodecStage::F32),
        Just(RawCodecStage::F16),
        Just(RawCodecStage::Bf16),
        (1_u32..17, rounding, any_per()).prop_map(|(bits, rounding, per)| RawCodecStage::Uniform {
            bits,
            rounding,
            per
        }),
        (any::<bool>(), any_per())
            .prop_map(|(feedback, per)| RawCodecStage::OneBit { feedback, per }),
    ];
    let share = (0.01_f64..1.0, any::<bool>()).prop_map(|(share, feedback)| RawCodecStage::TopK {
        share: Some(share),
        count: None,
        feedback,
    });
    let count = (1_usize..20, any::<bool>()).prop_map(|(count, feedback)| top(count, feedback));
    let largest = prop_oneof![share, count];
    let values = (proptest::option::of(largest), format)
        .prop_map(|(top, format)| top.into_iter().chain([format]).collect::<Vec<_>>());
    let labels = prop_oneof![
        Just(RawLabelPad::Bits).prop_map(|pad| vec![RawCodecStage::HardLabels { pad }]),
        Just(RawLabelPad::Bytes).prop_map(|pad| vec![RawCodecStage::HardLabels { pad }]),
        (1_u32..17).prop_map(|bits| vec![RawCodecStage::SoftLabels { bits }]),
    ];
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    (flags, prop_oneof![3 => values, 1 => labels]).prop_map(|((rows, delta, entropy), what)| {
        let before = [(rows, RawCodecStage::Rows), (delta, RawCodecStage::Delta)];
        let before = before.into_iter().filter(|(is_there, _)| *is_there);
        let mut stages: Vec<RawCodecStage> = before.map(|(_, stage)| stage).collect();
        stages.extend(what);
        if entropy {
            stages.push(RawCodecStage::Entropy);
        }
        stages
    })
}

/// Values in rows, some of zeros, and the width; 0 where they are in no rows.
fn any_piece() -> impl Strategy<Value = (Vec<f32>, usize)> {
    let width = prop_oneof![Just(0_usize), 1_usize..12];
    (width, 0_usize..30, any::<u64>()).prop_map(|(width, rows, seed)| {
        let mut draws = Draws::new(seed);
        let mut values = Vec::new();
        for _ in 0..rows {
            let is_held = draws.next() < 0.7;
            let size = draws.normal().exp();
            values.extend((0..width.max(1)).map(|_| match is_held {
                true => size * draws.normal(),
                false => 0.0,
            }));
        }
        (values, width)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_encoded_decodes_in_step_and_is_as_long_as_stated(
        stages in any_stages(),
        (values, width) in any_piece(),
        seed in any::<u64>(),
        lost in 0_usize..4,
    ) {
        let codec = codec(&stages);
        let (mut sender, mut receiver) = (Sender::default(), Receiver::default());
        for piece in 0..4 {
            // Each a little unlike the one before.
            let values: Vec<f32> = values.iter().map(|value| value * (1.0 + piece as f32 / 7.0)).collect();
            let encoded = codec.encode(&values, width, &sender, seed + piece as u64 % 2);
            let length = encoded.bytes.len() as u64;
            if let Some(fixed) = codec.fixed_bytes(values.len(), width) {
                prop_assert_eq!(length, fixed);
            }
            prop_assert!(length <= codec.bound_bytes(values.len(), width));
            if piece == lost {
                continue;
            }
            let decoded = codec.decode(&encoded.bytes, values.len(), width, &receiver);
            let decoded = decoded.map_err(|error| TestCaseError::fail(error.to_string()))?;
            prop_assert_eq!(decoded.values.len(), values.len());
            (sender, receiver) = (encoded.if_arrived, decoded.receiver);
            prop_assert_eq!(&sender.arrived, &receiver.arrived);
        }
    }
}
