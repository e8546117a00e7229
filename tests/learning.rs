//! Claims about learning on real data; `docs/validation.md` tells the figures.

use fedstill_analysis::{Interval, paired_interval};
use fedstill_sim::federation::{Hooks, RunSettings, run};
use fedstill_sim::measures::{Split, mean_accuracy};
use fedstill_sim::scenario::{Overrides, Plan, PlannedRun, RawScope, load};
use std::path::Path;

/// Mean client accuracy on the global test set at the end, one value a replication.
fn accuracies(scenario: &str, sets: &[&str], hooks: Hooks) -> Vec<f64> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(scenario);
    let overrides = Overrides {
        sets: sets.iter().map(ToString::to_string).collect(),
        ..Overrides::default()
    };
    let runs = load(&[file], &overrides).unwrap_or_else(|problems| panic!("{problems}"));
    let settings = RunSettings {
        threads: 2,
        gather: false,
        hooks,
    };
    let accuracy = |planned: PlannedRun| {
        let books = run(&planned, settings, &mut |_| {}).expect("it runs");
        let last = books
            .evaluations
            .last()
            .expect("it is evaluated at the end");
        mean_accuracy(last, RawScope::Personal, Split::Global).expect("there are clients")
    };
    runs.into_iter()
        .filter_map(Plan::federation)
        .map(accuracy)
        .collect()
}

fn interval(left: &[f64], right: &[f64]) -> Interval {
    paired_interval(left, right, 0.95).expect("replications are paired")
}

#[expect(
    clippy::print_stdout,
    reason = "the figures that docs/validation.md quotes, shown with --nocapture"
)]
fn report(figures: std::fmt::Arguments<'_>) {
    println!("{figures}");
}

#[test]
fn federated_averaging_over_ten_equal_sites_reaches_93_percent() {
    let scenario = "scenarios/validation/fedavg-iid.toml";
    let accuracy = accuracies(scenario, &[], Hooks::default());
    report(format_args!("fedavg, 10 IID sites: {accuracy:.3?}"));
    assert!(
        accuracy.iter().all(|accuracy| *accuracy >= 0.93),
        "{accuracy:?}"
    );
}

#[test]
fn knowledge_on_public_samples_helps_for_what_it_says() {
    let scenario = "scenarios/validation/knowledge-helps.toml";
    let hooks = Hooks::default();
    let alone = accuracies(scenario, &["method.preset=local-only"], hooks);
    let fedmd = accuracies(scenario, &["method.preset=fedmd"], hooks);
    let shuffled = Hooks {
        shuffle_knowledge: true,
    };
    let shuffled = accuracies(scenario, &["method.preset=fedmd"], shuffled);
    let helps = interval(&fedmd, &alone);
    let without_content = interval(&shuffled, &alone);
    report(format_args!(
        "fedmd minus local-only: {helps}; with shuffled rows: {without_content}"
    ));
    assert_eq!(alone.len(), 20);
    assert!(helps.low > 0.15, "{helps}");
    assert!(without_content.mean.abs() < 0.03, "{without_content}");
}
