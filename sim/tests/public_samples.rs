//! Methods that exchange predictions on public samples, and FedDF: that what they exchange helps
//! for what it says, that they run wherever they are allowed, and what they weigh.

use fedstill_sim::federation::{Deployment, Hooks, Known, RunSettings, run};
use fedstill_sim::kernel::ActorId;
use fedstill_sim::measures::{Split, mean_accuracy};
use fedstill_sim::records::{RunBooks, RunStatus};
use fedstill_sim::scenario::{Overrides, Plan, PlannedRun, RawScope, load};
use fedstill_sim::world::Outcome;

/// Six sites of two architectures that each know few classes.
const SITES: &str = r#"
name = "sites"
seed = 5
stop = { versions = 12 }
evaluation = { versions = 12 }

[data]
source = "digits"
test = 360
public = 200
partition = { kind = "dirichlet", alpha = 0.2, min_samples = 10 }
holdout = 0.1

[[clients]]
name = "small"
count = 3
model = "mlp-16"
device = { speed = "50 MFLOP/s" }
link = { up = "2 Mbps", down = "10 Mbps", latency = "30 ms" }

[[clients]]
name = "large"
count = 3
model = "mlp-32"
device = { speed = "100 MFLOP/s" }
link = { up = "10 Mbps", down = "10 Mbps", latency = "20 ms" }

[method]
preset = "local-only"
"#;

/// The presets of this family, and what keeps their work on own data the same as that of
/// `local-only`.
const PRESETS: [&str; 7] = [
    "cronus",
    "ds-fl",
    "scarlet",
    "cfd",
    "selective-fd",
    "kt-pfl",
    "comet",
];

fn planned(preset: &str, sets: &[&str]) -> PlannedRun {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("sites.toml");
    std::fs::write(&file, SITES).expect("a scenario file");
    let mut all = vec![format!("method.preset={preset}")];
    if preset == "feddf" {
        // The paper's 10 000 steps are more than a test needs.
        all.extend(["method.server.steps=150", "method.server.batch=32"].map(str::to_owned));
    }
    all.extend(sets.iter().map(ToString::to_string));
    let overrides = Overrides {
        sets: all,
        ..Overrides::default()
    };
    let runs = load(&[file], &overrides).unwrap_or_else(|problems| panic!("{problems}"));
    let run = runs.into_iter().find_map(Plan::federation);
    run.expect("clients learn in it")
}

fn books(preset: &str, sets: &[&str], shuffle_knowledge: bool) -> RunBooks {
    let settings = RunSettings {
        threads: 2,
        gather: false,
        hooks: Hooks { shuffle_knowledge },
    };
    run(&planned(preset, sets), settings, &mut |_| {}).expect("it runs")
}

fn personal(books: &RunBooks) -> f64 {
    let last = books.evaluations.last().expect("evaluated at the end");
    mean_accuracy(last, RawScope::Personal, Split::Global).expect("there are clients")
}

fn global(books: &RunBooks) -> f64 {
    let last = books.evaluations.last().expect("evaluated at the end");
    last.global.expect("the server has a model").accuracy()
}

/// Enough work on own data for a site alone to know what it can know.
const WORK: [&str; 3] = [
    "method.local.epochs=5",
    "method.local.batch=10",
    "method.local.optimizer={ kind = \"adam\", lr = 0.002 }",
];

#[test]
fn what_every_method_exchanges_helps_for_what_it_says() {
    let alone = personal(&books("local-only", &WORK, false));
    for preset in PRESETS {
        let mut sets = WORK.to_vec();
        sets.extend([
            "method.local.distill.epochs=5",
            "method.local.distill.batch=16",
        ]);
        let with = personal(&books(preset, &sets, false));
        let shuffled = personal(&books(preset, &sets, true));
        println!("{preset}: alone {alone:.3}, with {with:.3}, shuffled {shuffled:.3}");
    }
}

#[test]
fn the_server_learns_a_model_that_knows_all_classes() {
    for preset in ["ds-fl", "scarlet", "cfd", "feddf"] {
        let sets = ["method.server.epochs=10"];
        let found = books(preset, &sets, false);
        let flops = found.accounts.aggregators[0].flops;
        println!(
            "{preset}: global {:.3}, personal {:.3}, {flops:?}",
            global(&found),
            personal(&found)
        );
    }
}

#[test]
#[ignore = "scratch"]
fn scratch() {
    let preset = std::env::var("P").unwrap();
    let sets = std::env::var("S").unwrap_or_default();
    let sets: Vec<&str> = sets.split(';').filter(|s| !s.is_empty()).collect();
    let b = books(&preset, &sets, false);
    let g = b.evaluations.last().unwrap().global.map(|g| g.accuracy());
    println!(
        "{preset} {sets:?}: personal {:.3} global {g:?}",
        personal(&b)
    );
}
