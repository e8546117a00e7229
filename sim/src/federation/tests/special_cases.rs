//! Methods that must agree where one is a special case of the other.

use super::super::deployment::Deployment;
use super::super::run::{Hooks, RunSettings, simulate};
use crate::scenario::{Overrides, Plan, load};
use std::sync::Arc;

/// Four clients alike, with as many samples each and all equally fast.
const FOUR_ALIKE: &str = r#"
name = "alike"
seed = 8
data = { source = "digits", test = 360, holdout = 0.0, partition = { kind = "iid", size = 40 } }
stop = { versions = 3 }

[network]
topology = { kind = "tree", tiers = [{ name = "edge", fan_out = 2, bandwidth = "1 Gbps", latency = "5 ms" }] }

[[clients]]
name = "site"
count = 4
model = "mlp-16"
device = { speed = "1 GFLOP/s" }
link = { up = "10 Mbps", down = "10 Mbps", latency = "10 ms" }

[method]
preset = "fedavg"
local = { epochs = 2, batch = 8 }
"#;

fn deployment(more: &str, sets: &[&str]) -> Arc<Deployment> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("alike.toml");
    std::fs::write(&file, format!("{FOUR_ALIKE}{more}")).expect("a scenario file");
    let overrides = Overrides {
        sets: sets.iter().map(ToString::to_string).collect(),
        ..Overrides::default()
    };
    let runs = load(&[file], &overrides).unwrap_or_else(|problems| panic!("{problems}"));
    let run = runs.into_iter().find_map(Plan::federation);
    let scenario = run.expect("clients learn in it").scenario;
    Arc::new(Deployment::draw(scenario).expect("it can be drawn"))
}

/// The aggregator's model at the end, or, among peers, every client's.
fn models(more: &str, sets: &[&str]) -> Vec<Vec<f32>> {
    let settings = RunSettings {
        threads: 1,
        gather: false,
        hooks: Hooks::default(),
    };
    let mut quiet = |_: &_| {};
    let deployment = deployment(more, sets);
    let (recorder, ..) = simulate(&deployment, settings, &mut quiet).expect("it runs");
    assert_eq!(recorder.version(), 3);
    match recorder.evaluator.global_model() {
        Some(model) if !deployment.is_peer_to_peer() => vec![model.to_vec()],
        _ => recorder.evaluator.client_models(),
    }
}

fn fedavg() -> Vec<f32> {
    models("", &[]).remove(0)
}

#[track_caller]
fn assert_near(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-6, "{found} is not {expected}");
    }
}

#[test]
fn fedprox_without_its_term_is_fedavg_and_with_it_is_not() {
    let local = ["method.local.epochs=2", "method.local.batch=8"];
    let fedprox = |proximal: &str| {
        let sets = [local[0], local[1], "method.preset=fedprox", proximal];
        models("", &sets).remove(0)
    };
    assert_eq!(fedprox("method.local.proximal=0.0"), fedavg());
    assert_ne!(fedprox("method.local.proximal=0.5"), fedavg());
}

#[test]
fn a_buffer_of_the_whole_cohort_that_arrives_at_once_is_a_round() {
    let buffered = |size: &str| models("", &["method.schedule.kind=buffered", size]).remove(0);
    assert_near(&buffered("method.schedule.size=4"), &fedavg());
    // The four arrive at one instant, but two of them make a version of their own.
    assert_ne!(buffered("method.schedule.size=2"), fedavg());
}

#[test]
fn a_hierarchy_that_contributes_every_version_is_the_flat_federation() {
    let edges = |versions: &str| {
        let tier = format!("\n[[method.tier]]\nname = \"edge\"\nversions = {versions}\n");
        models(&tier, &[]).remove(0)
    };
    assert_near(&edges("1"), &fedavg());
    assert_ne!(edges("2"), fedavg());
}

#[test]
fn peers_who_all_pass_to_all_are_fedavg_to_the_bit() {
    let complete = models("", &["method.peers={ kind = \"all\" }"]);
    assert_eq!(complete.len(), 4);
    for model in complete {
        assert_eq!(model, fedavg());
    }
    let ring = models("", &["method.peers={ kind = \"all\", graph = \"ring\" }"]);
    assert_ne!(ring[0], fedavg());
}

#[test]
fn thirty_two_bits_are_no_codec_and_eight_are_one() {
    let bits = |bits: &str| models("", &[bits]).remove(0);
    let uniform = "method.codec={ kind = \"uniform\", bits = ";
    assert_eq!(bits(&format!("{uniform}32 }}")), fedavg());
    assert_ne!(bits(&format!("{uniform}8 }}")), fedavg());
}
