//! Methods that exchange class-wise knowledge, as whole federations.

use crate::federation::deployment::Deployment;
use crate::federation::knowledge::{Known, Piece};
use crate::federation::local::{LocalState, participate};
use crate::federation::parcel::{Contents, parcel_bytes};
use crate::federation::run::{Hooks, RunSettings, run};
use crate::records::{RunBooks, RunStatus};
use crate::scenario::{Overrides, Plan, PlannedRun, load};

/// Clinics have a hidden layer more than posts; all hand 16 features to their heads.
const FOUR_CLIENTS: &str = r#"
name = "four"
seed = 3
data = { source = "digits", test = 360, partition = { kind = "dirichlet", alpha = 0.2 } }
stop = { versions = 40 }

[[clients]]
name = "clinic"
count = 2
model = "mlp-24-16"
device = { speed = "1 GFLOP/s" }
link = { up = "10 Mbps", down = "10 Mbps", latency = "10 ms" }

[[clients]]
name = "post"
count = 2
model = "mlp-16"
device = { speed = "2 GFLOP/s" }
link = { up = "5 Mbps", down = "10 Mbps", latency = "10 ms" }
"#;

const TREE: &str = r#"
[network]
topology = { kind = "tree", tiers = [{ name = "edge", fan_out = 2, bandwidth = "20 Mbps", latency = "5 ms" }] }
"#;

fn planned(preset: &str, method: &str, more: &str) -> PlannedRun {
    let models = match preset {
        "feddistill-plus" => FOUR_CLIENTS.replace("mlp-24-16", "mlp-16"),
        _ => FOUR_CLIENTS.to_owned(),
    };
    let text = format!("{models}{more}\n[method]\npreset = \"{preset}\"\n{method}");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("four.toml");
    std::fs::write(&file, text).expect("a scenario file");
    let runs = load(&[file], &Overrides::default()).unwrap_or_else(|problems| panic!("{problems}"));
    let run = runs.into_iter().find_map(Plan::federation);
    run.expect("clients learn in it")
}

fn books(preset: &str, method: &str, more: &str) -> RunBooks {
    let settings = RunSettings {
        threads: 1,
        gather: false,
        hooks: Hooks::default(),
    };
    let planned = planned(preset, method, more);
    run(&planned, settings, &mut |_| {}).expect("it runs")
}

fn accuracy(books: &RunBooks) -> f64 {
    let last = books.evaluations.last().expect("it is evaluated");
    let clients = last.clients.iter().filter_map(|c| c.matched_accuracy);
    clients.sum::<f64>() / last.clients.len() as f64
}

#[test]
fn every_method_runs_under_every_schedule_in_a_tree_and_with_mixed_models() {
    let schedules = [
        "",
        "schedule = \"asynchronous\"\n",
        "schedule = { kind = \"buffered\", size = 2 }\n",
        "schedule = { kind = \"periodic\", every = \"2 s\" }\n",
        "[[method.tier]]\nname = \"edge\"\nversions = 2\n",
    ];
    for preset in ["fedproto", "feddistill-plus", "fedgh", "fedtgp"] {
        for schedule in schedules {
            let more = if schedule.contains("tier") { TREE } else { "" };
            let books = books(preset, schedule, more);
            assert_eq!(books.status, RunStatus::Completed, "{preset} {schedule}");
            let accuracy = accuracy(&books);
            // Ten classes: a tenth is chance.
            assert!(accuracy > 0.2, "{preset} {schedule}: {accuracy}");
        }
    }
}

#[test]
fn peers_exchange_prototypes_and_class_logits_without_a_server() {
    for preset in ["fedproto", "feddistill-plus"] {
        let peers = "peers = { kind = \"all\", graph = \"ring\" }\n";
        let books = books(preset, peers, "");
        assert_eq!(books.status, RunStatus::Completed, "{preset}");
        assert!(accuracy(&books) > 0.3, "{preset}: {}", accuracy(&books));
    }
}

#[test]
fn a_client_is_scored_by_its_own_head_until_it_was_sent_prototypes() {
    // Weight 0: it trains as it would alone, and only what it is scored with differs.
    let near = books("fedproto", "local.distill.weight = 0.0\n", "").evaluations;
    let local =
        "local = { batch = 4, optimizer = { kind = \"sgd\", lr = 0.01, momentum = 0.5 } }\n";
    let alone = books("local-only", local, "").evaluations;
    let global = |books: &[crate::records::Evaluation], at: usize| -> Vec<u64> {
        let clients = books[at].clients.iter();
        clients.map(|client| client.global.correct).collect()
    };
    assert_eq!(global(&near, 0), global(&alone, 0));
    assert_eq!(global(&near, 1), global(&alone, 1));
    assert_ne!(global(&near, 2), global(&alone, 2));
}

/// What a client sends in its first participation, as long as it is.
fn first_upload(preset: &str, method: &str) -> (Deployment, u64) {
    let planned = planned(preset, method, "");
    let deployment = Deployment::draw(planned.scenario).expect("it can be drawn");
    let state = LocalState::at_start(&deployment, 0);
    let mut pieces = vec![None; deployment.kinds().len()];
    if let Some(model) = deployment.initial_server_parameters() {
        pieces[0] = Some(Piece::of(model));
    }
    let contents = Contents {
        pieces,
        ..Contents::default()
    };
    let result = participate(&deployment, 0, &state, Some(&contents), &[], &|| false);
    let bytes = result.expect("it converges").contribution.bytes();
    (deployment, bytes)
}

#[test]
fn uploads_have_the_bytes_of_the_formulas() {
    for preset in ["fedproto", "fedgh", "fedtgp"] {
        let (deployment, bytes) = first_upload(preset, "");
        let counts = deployment.label_counts(0);
        let held = counts.iter().filter(|count| **count > 0).count() as u64;
        assert!(held < 10, "the split leaves classes out");
        // A header, a bit for each of ten classes, 4·16 bytes a class that the client has.
        assert_eq!(bytes, 32 + 2 + 4 * 16 * held, "{preset}");
    }
    let counted = "rule = { kind = \"mean\", weights = \"samples\" }\n";
    let plain = first_upload("fedproto", "").1;
    assert_eq!(first_upload("fedproto", counted).1, plain + 4 * 10);
    // θ of mlp-16 on 64 inputs: 64·16 + 16 + 16·10 + 10 = 1210; 10 × 10 logits; two lengths.
    let (_, bytes) = first_upload("feddistill-plus", "");
    assert_eq!(bytes, 32 + (4 + 4 * 1210) + (4 + 4 * 100));
}

#[test]
fn what_comes_down_is_a_head_or_a_prototype_for_every_class_held() {
    let most = |preset: &str| {
        let planned = planned(preset, "", "");
        let deployment = Deployment::draw(planned.scenario).expect("it can be drawn");
        parcel_bytes(&deployment.wires_down(0), Known::ALL)
    };
    // 4·C·(d+1) of a head; a bitmap and 4·d a class of prototypes.
    assert_eq!(most("fedgh"), 32 + 4 * 10 * 17);
    assert_eq!(most("fedproto"), 32 + 2 + 4 * 16 * 10);
    assert_eq!(most("fedtgp"), most("fedproto"));
}
