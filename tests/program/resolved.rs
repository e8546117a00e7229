//! Runs are known by what they are: a resolved scenario repeats its run, a batch keeps
//! what is there, and only `--force` makes it anew.

use crate::desk::{Desk, argument};
use crate::tables::{Tables, assert_same_bytes, assert_same_rows};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

const WARDS: &str = r#"
name = "wards"
seed = 3

[data]
source = { kind = "synthetic", classes = 3, features = 4, samples = 240, separation = 2.0 }
test = 60
public = 30

[[clients]]
name = "ward"
count = 3
model = "mlp-5"
device = { speed = { dist = "lognormal", median = "1 MFLOP/s", sigma = 0.5 } }
link = { up = { file = "links.csv", column = "up_bps" }, down = "1 Mbps", latency = "20 ms" }
dropout = { kind = "per-participation", rate = 0.2 }

[method]
preset = "fedmd"

[stop]
versions = 3
"#;

const SWEPT: &str = "
replications = 2

[sweep]
\"method.preset\" = [\"fedmd\", \"fd\"]
";

fn desk() -> Desk {
    let desk = Desk::new();
    desk.file("links.csv", "up_bps\n3e5\n9e5\n5e5\n");
    desk
}

/// The scenario with two replications of two methods: four runs.
fn swept() -> String {
    let (head, tables) = WARDS.split_once("\n[data]").expect("it has data");
    let (replications, sweep) = SWEPT.split_once("\n\n").expect("two parts");
    format!("{head}{replications}\n[data]{tables}\n{sweep}")
}

#[test]
fn a_resolved_scenario_repeats_its_run_byte_for_byte() {
    let desk = desk();
    let first = desk.run(WARDS, "first", &[]);
    let resolved = argument(&first.directory.join("scenario.toml"));
    desk.fedstill(&["run", &resolved, "--out", "second", "--quiet"])
        .well();
    let second = Tables::read(&desk.runs("second")[0]);
    assert_same_bytes(&first, &second, "from the resolved scenario");
}

#[test]
fn the_resolved_scenario_of_every_run_of_a_sweep_repeats_that_run() {
    let desk = desk();
    let file = desk.file("swept.toml", &swept());
    desk.fedstill(&["run", &file, "--out", "swept", "--quiet"])
        .well();
    for directory in desk.runs("swept") {
        let first = Tables::read(&directory);
        let out = format!("again-{}", first.run_id());
        let resolved = argument(&directory.join("scenario.toml"));
        desk.fedstill(&["run", &resolved, "--out", &out, "--quiet"])
            .well();
        let second = Tables::read(&desk.runs(&out)[0]);
        assert_eq!(first.run_id(), second.run_id());
        for name in crate::tables::NAMES {
            let (first, second) = (first.table(name), second.table(name));
            assert_same_rows(&first.without(&[]), &second.without(&[]), name);
        }
    }
}

#[test]
fn a_sweep_with_replications_is_one_directory_and_one_row_a_run() {
    let desk = desk();
    let file = desk.file("swept.toml", &swept());
    let ended = desk.fedstill(&["run", &file, "--out", "out"]).well();
    assert!(ended.stdout.contains("4 runs"), "{}", ended.stdout);
    let runs: Vec<Tables> = desk
        .runs("out")
        .iter()
        .map(|run| Tables::read(run))
        .collect();
    assert_eq!(runs.len(), 4);
    let distinct = |column: &str| {
        let values = runs.iter().map(|run| run.run().text(column).to_owned());
        values.collect::<BTreeSet<_>>().len()
    };
    assert_eq!(distinct("run_id"), 4);
    assert_eq!(distinct("number"), 4);
    assert_eq!(distinct("config_id"), 2, "one a method");
    assert_eq!(
        distinct("seed_world"),
        2,
        "methods are compared in the same worlds"
    );
    assert_eq!(distinct("replication"), 2);
    for run in &runs {
        let sent = run
            .rows("transfers")
            .next()
            .expect("a transfer")
            .text("what");
        let factor = run.rows("factors").next().expect("a factor");
        let expected = if sent == "class-logits" {
            "fd"
        } else {
            "fedmd"
        };
        assert_eq!(
            (factor.text("key"), factor.text("value")),
            ("method.preset", expected)
        );
    }
    let index = crate::tables::Table::read(&desk.path("out/runs.csv"));
    let mut told: Vec<_> = index.rows().map(|row| row.cells.to_vec()).collect();
    let mut found: Vec<_> = runs.iter().map(|run| run.run().cells.to_vec()).collect();
    told.sort();
    found.sort();
    assert_eq!(told, found, "runs.csv over all runs");
}

/// What shows that a file was not written again: its inode and time of change.
fn marks(runs: &[PathBuf]) -> Vec<(u64, i64, i64)> {
    let mark = |file: &Path| {
        let about = fs::metadata(file).expect("it is there");
        (about.ino(), about.mtime(), about.mtime_nsec())
    };
    let files = runs.iter().flat_map(|run| crate::desk::entries(run));
    files.map(|file| mark(&file)).collect()
}

#[test]
fn what_is_there_is_kept_and_force_makes_it_anew() {
    let desk = desk();
    let file = desk.file("swept.toml", &swept());
    let arguments = ["run", &file, "--out", "out"];
    desk.fedstill(&arguments).well();
    let runs = desk.runs("out");
    let before = marks(&runs);
    let first: Vec<_> = runs
        .iter()
        .map(|run| Tables::read(run).bytes().clone())
        .collect();

    let ended = desk.fedstill(&arguments).well();
    assert_eq!(
        ended.stderr.matches("already at").count(),
        4,
        "{}",
        ended.stderr
    );
    assert_eq!(marks(&desk.runs("out")), before, "nothing is written again");

    desk.fedstill(&["run", &file, "--out", "out", "--force"])
        .well();
    assert_eq!(desk.runs("out"), runs);
    let after = marks(&runs);
    assert!(
        before.iter().all(|mark| !after.contains(mark)),
        "everything is written again"
    );
    let second: Vec<_> = runs
        .iter()
        .map(|run| Tables::read(run).bytes().clone())
        .collect();
    assert!(first == second, "and is the same as before");
}

#[test]
fn a_missing_run_of_a_batch_is_made_and_the_others_are_kept() {
    let desk = desk();
    let file = desk.file("swept.toml", &swept());
    let arguments = ["run", &file, "--out", "out"];
    desk.fedstill(&arguments).well();
    let mut runs = desk.runs("out");
    let lost = runs.remove(2);
    let expected = Tables::read(&lost);
    let before = marks(&runs);
    fs::remove_dir_all(&lost).expect("a run can be removed");
    // A damaged one is as good as lost.
    desk.fedstill(&arguments).well();
    assert_eq!(marks(&runs), before);
    assert_same_bytes(&expected, &Tables::read(&lost), "made again");
    fs::write(lost.join("versions.csv"), "half").expect("a file of the run");
    let ended = desk.fedstill(&arguments).well();
    assert_eq!(
        ended.stderr.matches("already at").count(),
        3,
        "{}",
        ended.stderr
    );
    assert_same_bytes(&expected, &Tables::read(&lost), "made again");
}

#[test]
fn a_changed_sweep_keeps_the_runs_it_shares_with_the_one_before() {
    let desk = desk();
    let file = desk.file("swept.toml", &swept());
    desk.fedstill(&["run", &file, "--out", "out"]).well();
    let before = desk.runs("out");
    let marked = marks(&before);
    // Now fd comes first and local-only is new: fd's two runs keep their places.
    let changed = swept().replace("[\"fedmd\", \"fd\"]", "[\"fd\", \"local-only\"]");
    let file = desk.file("swept.toml", &changed);
    let ended = desk.fedstill(&["run", &file, "--out", "out"]).well();
    assert_eq!(
        ended.stderr.matches("already at").count(),
        2,
        "{}",
        ended.stderr
    );
    assert_eq!(marks(&before), marked);
    assert_eq!(desk.runs("out").len(), 6);
    let index = crate::tables::Table::read(&desk.path("out/runs.csv"));
    assert_eq!(index.len(), 6);
}
