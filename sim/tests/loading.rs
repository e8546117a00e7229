//! From files and arguments to planned runs: layers, sweeps, seeds, names, resolved files.

use fedstill_sim::scenario::{
    Overrides, PRESETS, Plan, PlannedRun, RawExchange, RawOptimizer, RawPartition, RawRule,
    RawSchedule, load,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const CLINICS: &str = r#"
name = "clinics"
seed = 7

[data]
source = "digits"
partition = { kind = "dirichlet", alpha = 0.3 }
public = 300

[[clients]]
name = "clinic"
count = 3
model = "mlp-32"
device = { speed = { dist = "lognormal", median = "5 GFLOP/s", sigma = 0.6 } }
link = { up = { file = "links.csv", column = "up_bps" }, down = "20 Mbps", latency = "30 ms" }
dropout = { kind = "exponential", up = "2 h", down = "10 min" }

[[clients]]
name = "hospital"
count = 1
model = "mlp-128-64"
device = { speed = "200 GFLOP/s", memory = "2 GiB", power = { busy = "90 W" } }
link = { up = "100 Mbps", down = "100 Mbps" }

[method]
preset = "fedmd"

[stop]
versions = 50
"#;

const LINKS: &str = "site,up_bps\na,5e6\nb,4 Mbps\nc,1e7\n";

fn folder(text: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("scenario.toml"), text).expect("written");
    fs::write(folder.path().join("links.csv"), LINKS).expect("written");
    folder
}

fn plan_in(folder: &Path, overrides: &Overrides) -> Vec<PlannedRun> {
    load(&[folder.join("scenario.toml")], overrides)
        .unwrap_or_else(|problems| panic!("refused:\n{problems}"))
        .into_iter()
        .filter_map(Plan::federation)
        .collect()
}

fn plan(text: &str) -> Vec<PlannedRun> {
    plan_in(folder(text).path(), &Overrides::default())
}

fn with_sets(text: &str, sets: &[&str]) -> PlannedRun {
    let overrides = Overrides {
        sets: sets.iter().map(|&set| set.to_owned()).collect(),
        ..Overrides::default()
    };
    let mut runs = plan_in(folder(text).path(), &overrides);
    assert_eq!(runs.len(), 1);
    runs.remove(0)
}

fn one(text: &str) -> PlannedRun {
    with_sets(text, &[])
}

#[test]
fn the_file_lies_over_the_preset() {
    let run = one(&format!("{CLINICS}\n[method.local]\nepochs = 7\n"));
    assert_eq!(run.scenario.method.local.epochs, 7, "from the file");
    assert_eq!(run.scenario.method.local.batch, 5, "from fedmd");
    assert!(matches!(
        run.scenario.method.local.optimizer,
        RawOptimizer::Adam { lr: 0.001, .. }
    ));
}

#[test]
fn a_preset_takes_as_many_public_samples_as_there_are() {
    let RawExchange::PublicLogits {
        samples, redraw, ..
    } = one(CLINICS).scenario.method.exchange
    else {
        panic!("fedmd exchanges public logits");
    };
    assert_eq!((samples, redraw), (300, true));
}

#[test]
fn an_asynchronous_schedule_keeps_one_list_of_samples() {
    let run = with_sets(CLINICS, &["method.schedule=asynchronous"]);
    assert!(matches!(
        run.scenario.method.exchange,
        RawExchange::PublicLogits { redraw: false, .. }
    ));
}

#[test]
fn arguments_lie_over_the_file_and_later_ones_over_earlier() {
    let run = with_sets(
        CLINICS,
        &[
            "clients.0.count=2",
            "clients.0.count=1",
            "method.preset=\"fd\"",
            "server.up=2 Gbps",
            "clients.1.link.up={ dist = \"exponential\", mean = \"5 Mbps\" }",
        ],
    );
    assert_eq!(run.scenario.clients[0].count, 1);
    assert_eq!(run.scenario.method.preset.as_deref(), Some("fd"));
    assert_eq!(run.scenario.method.exchange.name(), "class-logits");
    assert!(matches!(
        run.scenario.method.rule,
        RawRule::LeaveOneOut { .. }
    ));
    assert_eq!(run.scenario.server.up.bits_per_second(), 2e9);
    assert_eq!(run.factors.len(), 5);
}

#[test]
fn keys_of_a_kind_that_a_later_layer_changed_are_left_out_with_a_note() {
    let run = with_sets(CLINICS, &["data.partition.kind=iid"]);
    assert_eq!(run.scenario.data.partition, RawPartition::default());
    assert!(
        run.notes
            .iter()
            .any(|note| note.contains("`data.partition.alpha` = 0.3")),
        "{:?}",
        run.notes
    );
    let written_for_fedmd = format!("{CLINICS}\n[method.exchange]\nsamples = 100\n");
    let run = with_sets(&written_for_fedmd, &["method.preset=fd"]);
    assert_eq!(run.scenario.method.exchange.name(), "class-logits");
    assert_eq!(run.notes.len(), 1, "{:?}", run.notes);
}

#[test]
fn a_sweep_makes_every_combination_with_the_last_key_fastest() {
    let runs = plan(&format!(
        "{CLINICS}\n[sweep]\n\"method.preset\" = [\"fd\", \"fedmd\"]\ndata.partition.alpha = [0.1, 1.0, 10]\n"
    ));
    let seen: Vec<(usize, String, f64)> = runs
        .iter()
        .map(|run| {
            let RawPartition::Dirichlet { alpha, .. } = run.scenario.data.partition else {
                panic!("a Dirichlet partition");
            };
            (run.number, run.factors[0].1.clone(), alpha)
        })
        .collect();
    let expected = [
        (1, "fd", 0.1),
        (2, "fd", 1.0),
        (3, "fd", 10.0),
        (4, "fedmd", 0.1),
        (5, "fedmd", 1.0),
        (6, "fedmd", 10.0),
    ]
    .map(|(number, preset, alpha)| (number, preset.to_owned(), alpha));
    assert_eq!(seen, expected);
    assert_eq!(
        runs[0].factors[1],
        ("data.partition.alpha".into(), "0.1".into())
    );
}

#[test]
fn replications_get_new_seeds_and_keep_those_that_are_held_fixed() {
    let runs = plan(&CLINICS.replace("seed = 7", "seed = 7\nreplications = 3\nseed_world = 11"));
    assert_eq!(runs.len(), 3);
    assert!(runs.iter().all(|run| run.scenario.world_seed() == 11));
    assert_eq!(
        runs[0].scenario.dynamics_seed(),
        7,
        "replication 0 has the seed given"
    );
    // sha256("fedstill dynamics 7 1") by coreutils, its first 53 bits.
    assert_eq!(runs[1].scenario.dynamics_seed(), SEED_OF_REPLICATION_1);
    assert_ne!(
        runs[1].scenario.dynamics_seed(),
        runs[2].scenario.dynamics_seed()
    );
    assert!(runs.iter().all(|run| run.config_id == runs[0].config_id));
    assert_ne!(runs[0].run_id, runs[1].run_id);
}

/// `printf 'fedstill dynamics 7 1' | sha256sum`, its first 16 digits shifted right by 11 bits.
const SEED_OF_REPLICATION_1: u64 = 6759591046206286;

#[test]
fn seed_and_replications_of_the_command_line_win() {
    let overrides = Overrides {
        seed: Some(99),
        replications: Some(2),
        ..Overrides::default()
    };
    let runs = plan_in(folder(CLINICS).path(), &overrides);
    assert_eq!(runs.len(), 2);
    assert_eq!(runs[0].scenario.world_seed(), 99);
}

#[test]
fn a_resolved_file_repeats_its_run() {
    let text = CLINICS.replace("seed = 7", "seed = 7\nreplications = 2")
        + "\n[evaluation]\nevery = \"90 s\"\ntarget = { value = 0.9 }\n[cost]\nper_gb = 0.09\n\
           [records]\nbenefit = [\"equal-time\"]\n[sweep]\n\
           \"method.preset\" = [\"fd\", \"fedmd\", \"local-only\"]\n\
           \"method.schedule\" = [\"synchronous\", { kind = \"asynchronous\", staleness = { kind = \"hinge\" } }]\n";
    let runs = plan(&text);
    assert_eq!(runs.len(), 12);
    for run in runs {
        let again = tempfile::tempdir().expect("a temporary folder");
        for input in &run.inputs {
            let path = again.path().join(&input.path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, &*input.content).expect("written");
        }
        let resolved = run.resolved_toml();
        fs::write(again.path().join("scenario.toml"), &resolved).expect("written");
        let repeated = plan_in(again.path(), &Overrides::default());
        assert_eq!(repeated.len(), 1);
        assert_eq!(repeated[0].run_id, run.run_id, "{resolved}");
        assert_eq!(repeated[0].config_id, run.config_id);
        assert_eq!(repeated[0].replication, run.replication);
        assert_eq!(repeated[0].resolved_toml(), resolved);
        assert_eq!(
            repeated[0].scenario.dynamics_seed(),
            run.scenario.dynamics_seed()
        );
        assert!(repeated[0].notes.is_empty(), "{:?}", repeated[0].notes);
    }
}

#[test]
fn only_what_matters_changes_the_name_of_a_run() {
    let run = one(CLINICS);
    let reordered = CLINICS.replace(
        "name = \"clinic\"\ncount = 3\nmodel = \"mlp-32\"",
        "model = \"mlp-32\"\ncount = 3\nname = \"clinic\"",
    );
    assert_eq!(one(&reordered).run_id, run.run_id, "the order of keys");
    let defaults = CLINICS.replace("public = 300", "public = 300\ntest = 360\nholdout = 0.2");
    assert_eq!(one(&defaults).run_id, run.run_id, "a default written out");
    let units = CLINICS.replace("\"20 Mbps\"", "\"2.5 MB/s\"");
    assert_eq!(one(&units).run_id, run.run_id, "another unit");
    let alpha = CLINICS.replace("alpha = 0.3", "alpha = 0.30001");
    assert_ne!(one(&alpha).run_id, run.run_id, "a value");
    assert_ne!(one(&alpha).config_id, run.config_id, "a value");
    let seed = one(&CLINICS.replace("seed = 7", "seed = 8"));
    assert_ne!(seed.run_id, run.run_id, "the seed");
    assert_eq!(
        seed.config_id, run.config_id,
        "the seed is no part of the configuration"
    );
}

#[test]
fn the_content_of_a_column_counts_and_its_path_does_not() {
    let run = one(CLINICS);
    assert_eq!(run.inputs.len(), 1);
    assert_eq!(run.inputs[0].path, "inputs/links.csv");
    assert_eq!(&*run.inputs[0].content, LINKS);
    let moved = folder(&CLINICS.replace("links.csv", "moved.csv"));
    fs::write(moved.path().join("moved.csv"), LINKS).expect("written");
    assert_eq!(
        plan_in(moved.path(), &Overrides::default())[0].run_id,
        run.run_id
    );
    fs::write(moved.path().join("moved.csv"), LINKS.replace("5e6", "6e6")).expect("written");
    assert_ne!(
        plan_in(moved.path(), &Overrides::default())[0].run_id,
        run.run_id
    );
}

#[test]
fn one_wrong_file_refuses_all() {
    let right = folder(CLINICS);
    let wrong = folder(&CLINICS.replace("count = 3", "count = 0"));
    let paths = [right.path(), wrong.path()].map(|folder| folder.join("scenario.toml"));
    let problems = load(&paths, &Overrides::default()).expect_err("one file is wrong");
    assert_eq!(problems.iter().count(), 1);
}

#[test]
fn the_same_file_twice_is_refused() {
    let folder = folder(CLINICS);
    let path = folder.path().join("scenario.toml");
    assert!(load(&[path.clone(), path], &Overrides::default()).is_err());
}

#[test]
fn every_preset_is_whole_and_says_what_it_needs() {
    let needs: Vec<(&str, bool, bool)> = PRESETS
        .iter()
        .map(|preset| {
            (
                preset.name,
                preset.needs_public_data(),
                preset.needs_equal_models(),
            )
        })
        .collect();
    assert_eq!(
        needs,
        [
            ("local-only", false, false),
            ("fedavg", false, true),
            ("fedprox", false, true),
            ("fedasync", false, true),
            ("fedbuff", false, true),
            ("fedmd", true, false),
            ("feddf", true, false),
            ("cronus", true, false),
            ("ds-fl", true, false),
            ("scarlet", true, false),
            ("cfd", true, false),
            ("selective-fd", true, false),
            ("kt-pfl", true, false),
            ("comet", true, false),
            ("fd", false, false),
            ("fedproto", false, false),
            ("feddistill-plus", false, true),
            ("fedgh", false, false),
            ("fedtgp", false, false),
        ]
    );
    for preset in PRESETS {
        assert!(
            !preset.summary().is_empty() && !preset.paper().is_empty(),
            "{}",
            preset.name
        );
    }
}

#[test]
fn a_schedule_written_as_a_string_has_its_defaults() {
    let run = with_sets(CLINICS, &["method.schedule=\"asynchronous\""]);
    let RawSchedule::Asynchronous { mixing, .. } = run.scenario.method.schedule else {
        panic!("an asynchronous schedule");
    };
    assert_eq!(mixing, 0.6, "Xie et al. 2019, section 6");
}

/// A scenario with letters of several bytes, in which every place can be damaged.
fn damaged() -> impl Iterator<Item = String> {
    let text = CLINICS.replace(
        "name = \"clinics\"",
        "description = \"Ärzte – 医院\"\nname = \"clinics\"",
    );
    let places: Vec<usize> = text.char_indices().map(|(place, _)| place).collect();
    places.into_iter().step_by(3).flat_map(move |place| {
        let (before, after) = text.split_at(place);
        let rest: String = after.chars().skip(1).collect();
        [
            before.to_owned(),
            format!("{before}{rest}"),
            format!("{before}é{rest}"),
            format!("{before}\"{after}"),
            format!("{before}9{after}"),
            format!("{before}[{after}"),
        ]
    })
}

#[test]
fn no_damage_to_a_file_makes_the_loader_panic() {
    let folder = folder("");
    let path = folder.path().join("scenario.toml");
    let mut refused = 0;
    for text in damaged() {
        fs::write(&path, text).expect("written");
        if let Err(problems) = load(std::slice::from_ref(&path), &Overrides::default()) {
            assert!(problems.to_string().starts_with("error: "));
            refused += 1;
        }
    }
    assert!(refused > 500, "only {refused} were refused");
}

#[test]
fn no_argument_makes_the_loader_panic() {
    let folder = folder(CLINICS);
    let path = folder.path().join("scenario.toml");
    let refused = [
        "",
        "=",
        "a=",
        "=5",
        ".=5",
        "a..b=1",
        "clients=5",
        "clients.x=5",
        "clients.0=5",
        "clients.9.count=5",
        "clients.0.count.deep=5",
        "name.deep=5",
        "method=fd",
        "method=5",
        "data.partition=[1, 2]",
        "data.partition.kind=5",
        "data.source.kind=[",
        "name={ a = 1 }",
        "seed=99999999999999999999",
        "seed=-1",
        "seed=1e400",
        "stop.versions=nan",
        "sweep.seed=[1]",
        "clients.0.device.speed.sigma=x",
        "clients.0.link.up.file=missing.csv",
        "é=ü",
        "method.preset=5",
        "method.preset=[\"fd\"]",
        "data.public=18446744073709551615",
        "clients.0.count=18446744073709551615",
        "replication=4294967296",
        "data.source={ kind = \"synthetic\", classes = 2, features = 18446744073709551615, samples = 18446744073709551615, separation = 1 }",
    ];
    for set in refused {
        let overrides = Overrides {
            sets: vec![set.to_owned()],
            ..Overrides::default()
        };
        let problems = load(std::slice::from_ref(&path), &overrides);
        let message = problems.expect_err(set).to_string();
        assert!(message.starts_with("error: "), "{set}: {message}");
    }
}

#[test]
fn an_argument_ends_the_sweep_over_its_key() {
    let folder = folder(&format!(
        "{CLINICS}\n[sweep]\n\"method.preset\" = [\"fd\", \"fedmd\"]\n\"data.partition.alpha\" = [0.1, 1.0]\n"
    ));
    let overrides = Overrides {
        sets: vec!["method.preset=local-only".into()],
        ..Overrides::default()
    };
    let runs = plan_in(folder.path(), &overrides);
    assert_eq!(runs.len(), 2, "one for each alpha");
    assert_eq!(
        runs[1].factors,
        [
            ("data.partition.alpha".to_owned(), "1.0".to_owned()),
            ("method.preset".to_owned(), "local-only".to_owned()),
        ]
    );
}

#[test]
fn clients_take_the_rows_of_a_column_in_order_or_around() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut megabits = |run: &PlannedRun, count: usize| -> Vec<f64> {
        let up = &run.scenario.clients[0].link.up;
        (0..count)
            .map(|index| up.draw(index, &mut rng).expect("a row").bits_per_second() / 1e6)
            .collect()
    };
    assert_eq!(megabits(&one(CLINICS), 3), [5.0, 4.0, 10.0]);
    let around = CLINICS
        .replace(
            "column = \"up_bps\"",
            "column = \"up_bps\", pick = \"cycle\"",
        )
        .replace("count = 3", "count = 5");
    assert_eq!(megabits(&one(&around), 5), [5.0, 4.0, 10.0, 5.0, 4.0]);
}
