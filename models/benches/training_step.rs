//! One SGD step: fedstill's trainer, plain dfdx where it can do the work, and the bare matrix
//! products of the same shapes.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use dfdx::data::OneHotEncode;
use dfdx::optim::{Optimizer as _, Sgd, SgdConfig};
use dfdx::prelude::*;
use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use fedstill_models::{Architecture, Loss, Optimizer, Shape, Trainer};

type Mlp = ((Linear<64, 32>, ReLU), Linear<32, 10>);
type TwoNn = (
    (Linear<784, 200>, ReLU),
    (Linear<200, 200>, ReLU),
    Linear<200, 10>,
);

const LR: f64 = 0.01;

/// Numbers without a pattern that matters, in ±0.5.
fn numbers(count: usize) -> Vec<f32> {
    (0..count)
        .map(|place| ((place * 7919 + 13) % 1000) as f32 / 1000.0 - 0.5)
        .collect()
}

fn labels(batch: usize) -> Vec<u32> {
    (0..batch as u32).map(|sample| sample % 10).collect()
}

fn fedstill(criterion: &mut Criterion, name: &str, model: &str, input: Shape, batch: usize) {
    let (x, labels) = (numbers(batch * input.size()), labels(batch));
    let layout = Architecture::parse(model)
        .unwrap()
        .layout(input, 10)
        .unwrap();
    let layout = Arc::new(layout);
    let parameters = layout.initial_parameters(1);
    let mut trainer = Trainer::new(layout, &parameters, &Optimizer::sgd(LR), None, 0).unwrap();
    criterion.bench_function(&format!("{name}/batch-{batch}/fedstill"), |bencher| {
        bencher.iter(|| {
            let labels = &labels;
            trainer
                .step(black_box(&x), &[Loss::CrossEntropy { labels }.into()])
                .unwrap()
        });
    });
}

macro_rules! plain_dfdx {
    ($criterion:expr, $name:expr, $model:ty, $features:literal, $batch:literal) => {{
        let x = numbers($batch * $features);
        let device = Cpu::default();
        device.enable_cache();
        let mut model = device.build_module::<$model, f32>();
        let mut sgd = Sgd::new(
            &model,
            SgdConfig {
                lr: LR,
                momentum: None,
                weight_decay: None,
            },
        );
        let labels: Vec<usize> = labels($batch).iter().map(|&label| label as usize).collect();
        let mut gradients = Some(model.alloc_grads());
        let name = format!("{}/batch-{}/plain-dfdx", $name, $batch);
        $criterion.bench_function(&name, |bencher| {
            bencher.iter(|| {
                let mut input: Tensor<Rank2<$batch, $features>, f32, Cpu> = device.zeros();
                input.copy_from(black_box(&x));
                let targets: Tensor<(usize, Const<10>), f32, Cpu> =
                    device.one_hot_encode(Const::<10>, labels.clone());
                let targets: Tensor<Rank2<$batch, 10>, f32, Cpu> = targets.realize();
                let logits = model.forward(input.traced(gradients.take().unwrap()));
                let loss = cross_entropy_with_logits_loss(logits, targets);
                let value = loss.array();
                let mut found = loss.backward();
                sgd.update(&mut model, &found).unwrap();
                model.zero_grads(&mut found);
                gradients = Some(found);
                value
            });
        });
    }};
}

/// A product with one matrix turned, as the passes of a layer need it.
#[derive(Clone, Copy)]
enum Turned {
    /// x·Wᵀ
    Right,
    /// g·W
    None,
    /// W + gᵀ·x
    Left,
}

/// A layer seen as a matrix: rows (samples or places), inputs, outputs, how often, and whether
/// the gradient of its input is asked for.
type Layer = (usize, usize, usize, usize, bool);

/// The products of one step alone, by the kernel that fedstill uses and on the same shapes.
fn products(criterion: &mut Criterion, name: &str, batch: usize, layers: &[Layer]) {
    let mut work = Vec::new();
    for &(rows, inputs, outputs, times, by_input) in layers {
        let mut product = |turned, m: usize, n: usize, k: usize| {
            let operands = (numbers(m * k), numbers(k * n), numbers(m * n));
            work.push((turned, m, n, k, times, operands));
        };
        product(Turned::Right, rows, outputs, inputs);
        if by_input {
            product(Turned::None, rows, inputs, outputs);
        }
        product(Turned::Left, outputs, inputs, rows);
    }
    let flops: usize = work
        .iter()
        .map(|(_, m, n, k, times, _)| 2 * m * n * k * times)
        .sum();
    let name = format!(
        "{name}/batch-{batch}/products ({:.3} MFLOP)",
        flops as f64 / 1e6
    );
    criterion.bench_function(&name, |bencher| {
        bencher.iter(|| {
            for (turned, m, n, k, times, (left, right, out)) in &mut work {
                let (m, n, k) = (*m, *n, *k);
                let rows = MatRef::from_row_major_slice;
                let (left, right, onto, factor) = match turned {
                    Turned::Right => (
                        rows(left, m, k),
                        rows(right, n, k).transpose(),
                        Accum::Replace,
                        1.0,
                    ),
                    Turned::None => (rows(left, m, k), rows(right, k, n), Accum::Replace, 1.0),
                    Turned::Left => (
                        rows(left, k, m).transpose(),
                        rows(right, k, n),
                        Accum::Add,
                        1e-9,
                    ),
                };
                for _ in 0..*times {
                    let out = MatMut::from_row_major_slice_mut(out, m, n);
                    matmul(out, onto, left, right, factor, Par::Seq);
                }
            }
        });
    });
}

fn training_step(criterion: &mut Criterion) {
    let digits = Shape::Flat(64);
    let mnist: Shape = "1x28x28".parse().unwrap();

    let mlp = |batch| [(batch, 64, 32, 1, false), (batch, 32, 10, 1, true)];
    fedstill(criterion, "mlp-64-32-10", "mlp-32", digits, 8);
    plain_dfdx!(criterion, "mlp-64-32-10", Mlp, 64, 8);
    products(criterion, "mlp-64-32-10", 8, &mlp(8));
    fedstill(criterion, "mlp-64-32-10", "mlp-32", digits, 32);
    plain_dfdx!(criterion, "mlp-64-32-10", Mlp, 64, 32);
    products(criterion, "mlp-64-32-10", 32, &mlp(32));

    let two_nn = |batch| {
        [
            (batch, 784, 200, 1, false),
            (batch, 200, 200, 1, true),
            (batch, 200, 10, 1, true),
        ]
    };
    fedstill(criterion, "2nn", "2nn", mnist, 10);
    plain_dfdx!(criterion, "2nn", TwoNn, 784, 10);
    products(criterion, "2nn", 10, &two_nn(10));
    fedstill(criterion, "2nn", "2nn", mnist, 32);
    plain_dfdx!(criterion, "2nn", TwoNn, 784, 32);
    products(criterion, "2nn", 32, &two_nn(32));

    // A convolution's products, image by image over its patches.
    let cnn = [
        (784, 25, 32, 32, false),
        (196, 800, 64, 32, true),
        (32, 3136, 512, 1, true),
        (32, 512, 10, 1, true),
    ];
    fedstill(criterion, "cnn-mcmahan", "cnn-mcmahan", mnist, 32);
    products(criterion, "cnn-mcmahan", 32, &cnn);
    let cifar: Shape = "3x32x32".parse().unwrap();
    fedstill(criterion, "resnet8", "resnet8", cifar, 32);
    fedstill(criterion, "depthwise-cnn", "depthwise-cnn", cifar, 32);
    fedstill(criterion, "gru", "gru", "128x9".parse().unwrap(), 32);
}

criterion_group!(benches, training_step);
criterion_main!(benches);
