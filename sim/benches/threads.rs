//! What a second thread is worth, in either schedule: whole runs of
//! `scenarios/bench/threads.toml`, which is enough training for two.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use fedstill_sim::federation::{Hooks, RunSettings, run};
use fedstill_sim::scenario::{Overrides, PlannedRun, load};
use std::path::Path;

fn planned(schedule: &str, versions: u32) -> PlannedRun {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/bench");
    let overrides = Overrides {
        sets: vec![
            format!("method.schedule.kind={schedule}"),
            format!("stop.versions={versions}"),
        ],
        ..Overrides::default()
    };
    let runs = load(&[folder.join("threads.toml")], &overrides);
    runs.unwrap_or_else(|problems| panic!("{problems}"))
        .remove(0)
        .federation()
        .expect("clients learn in it")
}

fn threads(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("a whole run, 32 clients");
    group.sample_size(10);
    // A synchronous version merges all 32; an asynchronous one merges one.
    for (schedule, versions) in [("synchronous", 6), ("asynchronous", 192)] {
        let planned = planned(schedule, versions);
        for threads in [1, 2] {
            let settings = RunSettings {
                threads,
                gather: false,
                hooks: Hooks::default(),
            };
            let name = BenchmarkId::new(schedule, format!("{threads} threads"));
            group.bench_with_input(name, &settings, |bencher, settings| {
                bencher.iter(|| run(&planned, *settings, &mut |_| {}).expect("it runs"));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, threads);
criterion_main!(benches);
