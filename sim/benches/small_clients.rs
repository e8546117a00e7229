//! What a client's update costs beyond its training: whole runs of
//! `scenarios/bench/small-clients.toml`, network and evaluations included, beside the same steps
//! with nothing around them.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use fedstill_models::{Architecture, Loss, Optimizer, Shape, Trainer};
use fedstill_sim::federation::{Hooks, RunSettings, run};
use fedstill_sim::scenario::{Overrides, PlannedRun, load};
use std::path::Path;
use std::sync::Arc;

/// 20 versions of 100 clients.
const UPDATES: u64 = 2000;
/// A pass over 16 images in batches of 8.
const STEPS_OF_AN_UPDATE: u64 = 2;

fn planned() -> PlannedRun {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/bench");
    let runs = load(&[folder.join("small-clients.toml")], &Overrides::default());
    runs.unwrap_or_else(|problems| panic!("{problems}"))
        .remove(0)
        .federation()
        .expect("clients learn in it")
}

fn updates(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("client updates, MLP 64-32-10");
    group.throughput(Throughput::Elements(UPDATES));
    let planned = planned();
    for threads in [1, 2] {
        let settings = RunSettings {
            threads,
            gather: false,
            hooks: Hooks::default(),
        };
        group.bench_function(format!("a whole run, {threads} threads"), |bencher| {
            bencher.iter(|| run(&planned, settings, &mut |_| {}).expect("it runs"));
        });
    }
    let layout = Architecture::parse("mlp-32")
        .expect("a model of the library")
        .layout(Shape::Flat(64), 10)
        .expect("it takes digits");
    let parameters = layout.initial_parameters(1);
    let sgd = Optimizer::sgd(0.5);
    let mut trainer = Trainer::new(Arc::new(layout), &parameters, &sgd, None, 0).expect("it fits");
    let x: Vec<f32> = (0..8 * 64)
        .map(|place| (place % 17) as f32 / 17.0)
        .collect();
    let labels = [0, 1, 2, 3, 4, 5, 6, 7];
    let objective = [Loss::CrossEntropy { labels: &labels }.into()];
    group.bench_function("their steps alone", |bencher| {
        bencher.iter(|| {
            for _ in 0..UPDATES * STEPS_OF_AN_UPDATE {
                trainer.step(&x, &objective).expect("it stays finite");
            }
        });
    });
    group.finish();
}

criterion_group!(benches, updates);
criterion_main!(benches);
