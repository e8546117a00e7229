//! Bare transfers and computations end when SimGrid says: every case of `tests/conformance/`, by the whole program.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance");

/// Seconds by which a finish time may differ: the precision of the reference figures.
const TOLERANCE: f64 = 1e-6;

fn cases() -> Vec<(String, PathBuf)> {
    let mut cases: Vec<(String, PathBuf)> = fs::read_dir(FOLDER)
        .expect("the folder of cases")
        .map(|entry| entry.expect("an entry of the folder").path())
        .filter(|path| path.extension().is_some_and(|end| end == "toml"))
        .map(|path| {
            let name = path.file_stem().expect("a name").to_string_lossy();
            (name.into_owned(), path)
        })
        .collect();
    cases.sort();
    cases
}

fn run(scenario: &Path, out: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fedstill"))
        .args(["run", "--quiet", "--out"])
        .arg(out)
        .arg(scenario)
        .output()
        .expect("the program can be started")
}

/// The only run below `out`.
fn run_directory(out: &Path, name: &str) -> PathBuf {
    let runs: Vec<PathBuf> = fs::read_dir(out.join(name))
        .expect("the scenario's folder")
        .map(|entry| entry.expect("a run").path())
        .collect();
    assert_eq!(runs.len(), 1, "{name}");
    runs[0].clone()
}

fn column(table: &Path, name: &str) -> Vec<String> {
    let mut reader = csv::Reader::from_path(table).expect("a table");
    let header = reader.headers().expect("a header").clone();
    let place = header.iter().position(|column| column == name);
    let place = place.expect("the column");
    let cells = reader
        .records()
        .map(|record| record.expect("a row")[place].to_owned());
    cells.collect()
}

#[test]
fn everything_ends_when_the_reference_says() {
    let cases = cases();
    assert!(cases.len() >= 15, "only {} cases", cases.len());
    for (name, scenario) in cases {
        let out = tempfile::tempdir().expect("a temporary folder");
        let ended = run(&scenario, out.path());
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(0), "{name}: {said}");
        let directory = run_directory(out.path(), &name);
        let expected = fs::read_to_string(scenario.with_extension("finish.txt"));
        let expected = expected.expect("finish times beside the case");
        // A case lists either.
        let computations = directory.join("computations.csv");
        let (table, ended) = if computations.exists() {
            (computations, "done")
        } else {
            (directory.join("transfers.csv"), "delivered")
        };
        let found = column(&table, "end_s");
        assert_eq!(found.len(), expected.lines().count(), "{name}");
        for (number, (found, expected)) in found.iter().zip(expected.lines()).enumerate() {
            let difference = seconds(found) - seconds(expected);
            assert!(
                difference.abs() <= TOLERANCE,
                "{name}: number {number} ends at {found}, expected {expected}"
            );
        }
        let outcomes = column(&table, "outcome");
        assert!(outcomes.iter().all(|outcome| outcome == ended));
    }
}

fn seconds(text: &str) -> f64 {
    text.parse().expect("a number of seconds")
}

/// Two transfers of 1 MB over a link of 1 MB/s: full for two seconds in each table's words.
#[test]
fn links_say_what_they_carried() {
    let out = tempfile::tempdir().expect("a temporary folder");
    let scenario = Path::new(FOLDER).join("opposite-shared.toml");
    assert_eq!(run(&scenario, out.path()).status.code(), Some(0));
    let table = run_directory(out.path(), "opposite-shared").join("links.csv");
    for (name, expected) in [
        ("link", "a--b"),
        ("direction", "both"),
        ("bytes", "2000000"),
        ("mean_use", "1.0"),
    ] {
        assert_eq!(column(&table, name), [expected], "{name}");
    }
    assert_eq!(seconds(&column(&table, "busy_s")[0]), 2.0);
}
