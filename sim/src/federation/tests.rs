//! Claims about whole federations that need the models themselves.

mod class_knowledge;

use super::deployment::Deployment;
use super::local::train_alone;
use super::run::{Hooks, RunSettings, simulate};
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
