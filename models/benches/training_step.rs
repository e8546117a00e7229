//! One SGD step of MLP 64-32-10: fedstill's trainer, plain dfdx, and the bare matrix products.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use dfdx::data::OneHotEncode;
use dfdx::optim::{Optimizer as _, Sgd, SgdConfig};
use dfdx::prelude::*;
use fedstill_models::{Architecture, Dataset, Loss, Optimizer, Trainer};

type PlainMlp = ((Linear<64, 32>, ReLU), Linear<32, 10>);

fn batch(digits: &Dataset, size: usize) -> (&[f32], &[u32]) {
    (&digits.features()[..size * 64], &digits.labels()[..size])
}

fn fedstill(criterion: &mut Criterion, digits: &Dataset, size: usize) {
    let (x, labels) = batch(digits, size);
    let layout = Arc::new(Architecture::parse("mlp-32").unwrap().layout(64, 10));
    let parameters = layout.initial_parameters(1);
    let mut trainer = Trainer::new(layout, &parameters, &Optimizer::sgd(0.01), None, 0).unwrap();
    criterion.bench_function(&format!("mlp-64-32-10/batch-{size}/fedstill"), |bencher| {
        bencher.iter(|| {
            trainer
                .step(black_box(x), &[Loss::CrossEntropy { labels }.into()])
                .unwrap()
        });
    });
}

fn plain_dfdx<const B: usize>(criterion: &mut Criterion, digits: &Dataset) {
    let (x, labels) = batch(digits, B);
    let device = Cpu::default();
    let mut model = device.build_module::<PlainMlp, f32>();
    let mut sgd = Sgd::new(
        &model,
        SgdConfig {
            lr: 0.01,
            momentum: None,
            weight_decay: None,
        },
    );
    let labels: Vec<usize> = labels.iter().map(|&label| label as usize).collect();
    let mut gradients = Some(model.alloc_grads());
    criterion.bench_function(&format!("mlp-64-32-10/batch-{B}/plain-dfdx"), |bencher| {
        bencher.iter(|| {
            let mut input: Tensor<Rank2<B, 64>, f32, Cpu> = device.zeros();
            input.copy_from(black_box(x));
            let targets: Tensor<(usize, Const<10>), f32, Cpu> =
                device.one_hot_encode(Const::<10>, labels.clone());
            let targets: Tensor<Rank2<B, 10>, f32, Cpu> = targets.realize();
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
}

/// The five products of the step: two forward, two for weights, one for the hidden layer.
fn products<const B: usize>(criterion: &mut Criterion) {
    let device = Cpu::default();
    device.enable_cache();
    let x: Tensor<Rank2<B, 64>, f32, Cpu> = device.sample_normal();
    let w1: Tensor<Rank2<32, 64>, f32, Cpu> = device.sample_normal();
    let h: Tensor<Rank2<B, 32>, f32, Cpu> = device.sample_normal();
    let w2: Tensor<Rank2<10, 32>, f32, Cpu> = device.sample_normal();
    let g: Tensor<Rank2<B, 10>, f32, Cpu> = device.sample_normal();
    criterion.bench_function(
        &format!("mlp-64-32-10/batch-{B}/dfdx-products"),
        |bencher| {
            bencher.iter(|| {
                let hidden = x.clone().matmul(w1.clone().permute::<Rank2<64, 32>, _>());
                let logits = h.clone().matmul(w2.clone().permute::<Rank2<32, 10>, _>());
                let by_w2 = g.clone().permute::<Rank2<10, B>, _>().matmul(h.clone());
                let by_h = g.clone().matmul(w2.clone());
                let by_w1 = h.clone().permute::<Rank2<32, B>, _>().matmul(x.clone());
                black_box((hidden, logits, by_w2, by_h, by_w1))
            });
        },
    );
}

fn training_step(criterion: &mut Criterion) {
    let digits = Dataset::digits();
    fedstill(criterion, &digits, 32);
    plain_dfdx::<32>(criterion, &digits);
    products::<32>(criterion);
    fedstill(criterion, &digits, 8);
    plain_dfdx::<8>(criterion, &digits);
    products::<8>(criterion);
}

criterion_group!(benches, training_step);
criterion_main!(benches);
