//! Claims about whole federations that need the models themselves.

mod class_knowledge;
mod special_cases;

use super::deployment::Deployment;
use super::knowledge::Known;
use super::local::train_alone;
use super::run::{Hooks, RunSettings, simulate};
use crate::kernel::ActorId;
use crate::scenario::{Overrides, Plan, load};
use std::sync::Arc;

const ONE_CLIENT: &str = r#"
name = "one"
seed = 3
data = { source = "digits", test = 360, partition = "iid" }
stop = { versions = 6 }

[[clients]]
name = "site"
count = 1
model = "mlp-16"
device = { speed = "1 GFLOP/s" }
link = { up = "10 Mbps", down = "10 Mbps", latency = "10 ms" }

[method]
preset = "fedavg"
local = { epochs = 1, batch = 32 }
"#;

fn deployment(sets: &[&str]) -> Arc<Deployment> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("one.toml");
    std::fs::write(&file, ONE_CLIENT).expect("a scenario file");
    let overrides = Overrides {
        sets: sets.iter().map(ToString::to_string).collect(),
        ..Overrides::default()
    };
    let runs = load(&[file], &overrides).unwrap_or_else(|problems| panic!("{problems}"));
    let run = runs.into_iter().find_map(Plan::federation);
    let scenario = run.expect("clients learn in it").scenario;
    Arc::new(Deployment::draw(scenario).expect("it can be drawn"))
}

fn global_model(sets: &[&str]) -> Arc<Vec<f32>> {
    let settings = RunSettings {
        threads: 1,
        gather: false,
        hooks: Hooks::default(),
    };
    let mut quiet = |_: &_| {};
    let deployment = deployment(sets);
    let (recorder, ..) = simulate(&deployment, settings, &mut quiet).expect("it runs");
    let model = recorder.evaluator.global_model();
    Arc::clone(model.expect("models travel"))
}

#[test]
fn one_client_alone_in_either_schedule_is_plain_sequential_sgd() {
    let plain = train_alone(&deployment(&[]), 0, 6, &|| false).expect("it converges");
    let plain = Arc::new(plain.values().into_owned());
    let initial = deployment(&[]).initial_parameters(0);
    assert_ne!(*plain, initial);
    assert_eq!(global_model(&[]), plain, "synchronous");
    let fedasync = global_model(&[
        "method.schedule.kind=asynchronous",
        "method.schedule.mixing=1.0",
        "method.local.proximal=0.0",
    ]);
    assert_eq!(fedasync, plain, "FedAsync with mixing 1 and rho 0");
}

#[test]
fn half_a_mixture_and_a_proximal_term_are_something_else() {
    let plain = global_model(&[]);
    let kind = "method.schedule.kind=asynchronous";
    assert_ne!(global_model(&[kind, "method.schedule.mixing=0.5"]), plain);
    let near = [
        kind,
        "method.schedule.mixing=1.0",
        "method.local.proximal=0.5",
    ];
    assert_ne!(global_model(&near), plain);
}

/// Kinds of selection that pick two, and what goes with them.
const SELECTIONS_OF_TWO: [&str; 7] = [
    r#"{ kind = "data-share", count = 2 }"#,
    r#"{ kind = "round-robin", count = 2 }"#,
    r#"{ kind = "power-of-choice", count = 2, candidates = 4 }"#,
    r#"{ kind = "oort", count = 2, pace = "1 s", window = 2 }"#,
    r#"{ kind = "fedcs", count = 2, deadline = "1 h" }"#,
    r#"{ kind = "tifl", count = 2, tiers = 2, interval = 2, credits = 2 }"#,
    r#"{ kind = "availability", count = 2, prefer = "rare" }"#,
];

/// Numbers of clients selected for each version.
fn selected(selection: &str, schedule: &str) -> Vec<u64> {
    let selection = format!("method.selection={selection}");
    let sets = ["clients.0.count=6", &selection, schedule];
    let settings = RunSettings {
        threads: 1,
        gather: false,
        hooks: Hooks::default(),
    };
    let mut quiet = |_: &_| {};
    let (recorder, ..) = simulate(&deployment(&sets), settings, &mut quiet).expect("it runs");
    let versions = recorder.versions.iter();
    versions.map(|version| version.selected).collect()
}

#[test]
fn every_rule_of_selection_carries_a_run_through_in_either_schedule() {
    for selection in SELECTIONS_OF_TWO {
        let synchronous = "method.schedule.kind=synchronous";
        assert_eq!(selected(selection, synchronous), [2; 6], "{selection}");
        let over = r#"method.schedule={ kind = "synchronous", over_select = 1.5 }"#;
        // FedCS takes those who fit of the two that it asks.
        let taken = if selection.contains("fedcs") { 2 } else { 3 };
        let first = selected(selection, over)[0];
        assert_eq!(first, taken, "{selection}");
        let asynchronous = "method.schedule.kind=asynchronous";
        assert_eq!(selected(selection, asynchronous), [1; 6], "{selection}");
    }
}

#[test]
fn with_one_of_six_at_work_power_of_choice_hears_every_loss_first() {
    // Unknown losses rank first, so six versions hear six clients once each if losses arrive;
    // without them the draws are alike, and 6!/6^6, one in 65, would do so.
    let selection = r#"method.selection={ kind = "power-of-choice", count = 1, candidates = 6 }"#;
    let sets = ["clients.0.count=6", selection];
    let settings = RunSettings {
        threads: 1,
        gather: false,
        hooks: Hooks::default(),
    };
    let mut quiet = |_: &_| {};
    for seed in ["seed=1", "seed=2", "seed=3"] {
        let sets = [sets[0], sets[1], seed];
        let (recorder, ..) = simulate(&deployment(&sets), settings, &mut quiet).expect("it runs");
        assert_eq!(recorder.completed, [1; 6], "{seed}");
    }
}

#[test]
fn a_client_registers_with_its_samples_and_the_times_of_its_own_link_and_speed() {
    let deployment = deployment(&[]);
    let (child, registration) = deployment.registration(ActorId(1));
    assert_eq!(child.index(), 1);
    // 1797 digits without the 360 of the test set, and a fifth of these the client keeps for its own.
    assert_eq!(registration.samples, 1150);
    let estimate = registration.estimate.expect("clients estimate");
    // 64·16 + 16 + 16·10 + 10 parameters of 4 bytes and a header of 32 at 10 Mbit/s, and 10 ms.
    for way in [estimate.download, estimate.upload] {
        assert_eq!(way.as_secs_f64(), 0.013_897_6);
    }
    let flops = deployment.cost(child, Known::ALL).work.total();
    assert_eq!(estimate.compute.as_secs_f64(), flops as f64 / 1e9);
}
