//! Codecs beside a plain copy: 1 000 000 values (4 MB), encoded and decoded, seed 1.
//!
//! Give ratios to `copy` of the same run.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use fedstill_sim::federation::codec::{Codec, Receiver, Sender};
use fedstill_sim::kernel::Streams;
use fedstill_sim::scenario::{RawCodec, RawCodecStage, RawLabelPad, RawRounding, RawScaleGroup};
use rand::Rng;
use std::hint::black_box;

const VALUES: usize = 1_000_000;
const CLASSES: usize = 10;

fn codecs(bench: &mut Criterion) {
    let mut stream = Streams::new(1).stream("codec", "bench");
    let values: Vec<f32> = (0..VALUES)
        .map(|_| (f64::from(stream.next_u32()) / 4_294_967_296.0).powi(8) as f32)
        .collect();
    let uniform = |rounding| RawCodecStage::Uniform {
        bits: 8,
        rounding,
        per: RawScaleGroup::All,
    };
    let one_bit = RawCodecStage::OneBit {
        feedback: true,
        per: RawScaleGroup::All,
    };
    let top = RawCodecStage::TopK {
        share: Some(0.01),
        count: None,
        feedback: true,
    };
    let hard = RawCodecStage::HardLabels {
        pad: RawLabelPad::Bits,
    };
    let soft = RawCodecStage::SoftLabels { bits: 2 };
    let codecs = [
        ("f32", vec![RawCodecStage::F32]),
        ("f16", vec![RawCodecStage::F16]),
        ("bf16", vec![RawCodecStage::Bf16]),
        (
            "uniform-8 stochastic",
            vec![uniform(RawRounding::Stochastic)],
        ),
        ("uniform-8 nearest", vec![uniform(RawRounding::Nearest)]),
        ("one-bit", vec![one_bit]),
        ("top-k 1 %", vec![top]),
        ("hard-labels", vec![hard]),
        ("soft-labels-2", vec![soft]),
        (
            "uniform-8 entropy",
            vec![uniform(RawRounding::Nearest), RawCodecStage::Entropy],
        ),
    ];
    let mut group = bench.benchmark_group("codec");
    group.sample_size(10);
    group.throughput(Throughput::Bytes(4 * VALUES as u64));
    group.bench_function("copy", |b| b.iter(|| black_box(&values).clone()));
    for (name, stages) in codecs {
        let codec = Codec::new(&RawCodec::from(stages));
        let (sender, receiver) = (Sender::default(), Receiver::default());
        let encode = || codec.encode(black_box(&values), CLASSES, &sender, 1).bytes;
        group.bench_function(format!("{name}, encode"), |b| b.iter(encode));
        let bytes = encode();
        group.bench_function(format!("{name}, decode"), |b| {
            b.iter(|| codec.decode(black_box(&bytes), VALUES, CLASSES, &receiver))
        });
    }
    group.finish();
}

criterion_group!(benches, codecs);
criterion_main!(benches);
