//! A run directory appears whole or not at all, whatever comes in between.

use crate::desk::{Desk, argument, entries, program, visible};
use crate::tables::{Tables, assert_same_bytes};
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

const SITES: &str = r#"
name = "sites"
seed = 6

[data]
source = "digits"
test = 200
public = 100

[[clients]]
name = "site"
count = 6
model = "mlp-32"
device = { speed = { dist = "lognormal", median = "20 MFLOP/s", sigma = 0.5 } }
link = { up = "1 Mbps", down = "4 Mbps", latency = "20 ms" }
dropout = { kind = "per-participation", rate = 0.1 }

[method]
preset = "fedmd"

[stop]
versions = 12
"#;

/// Starts a run below `out` of the folder.
fn start(desk: &Desk) -> Child {
    let mut program = program();
    program
        .current_dir(desk.path(""))
        .args(["run", "sites.toml", "--out", "out", "--quiet"])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    program.spawn().expect("the program can be started")
}

/// Whatever stands under a final name is whole: every file has the length that the
/// manifest, which is written last, tells.
fn assert_no_half_run(desk: &Desk) {
    for directory in visible(&desk.path("out/sites")) {
        let manifest = fs::read(directory.join("manifest.json"));
        let manifest = manifest.unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
        let manifest: serde_json::Value = serde_json::from_slice(&manifest).expect("JSON");
        for (name, seal) in manifest["files"].as_object().expect("files by name") {
            let about = fs::metadata(directory.join(name));
            let length = about
                .unwrap_or_else(|error| panic!("{name}: {error}"))
                .len();
            assert_eq!(Some(length), seal["bytes"].as_u64(), "{name}");
        }
        // Opens and parses every table.
        Tables::read(&directory);
    }
}

/// Running again completes, gives the undisturbed tables, and clears up.
fn assert_completes(desk: &Desk, undisturbed: &Tables, why: &str) {
    desk.fedstill(&["run", "sites.toml", "--out", "out", "--quiet"])
        .well();
    let runs = desk.runs("out");
    assert_eq!(runs.len(), 1, "{why}: {runs:?}");
    assert_same_bytes(undisturbed, &Tables::read(&runs[0]), why);
    for folder in ["out", "out/sites"] {
        let folder = desk.path(folder);
        let mut left = entries(&folder);
        left.retain(|path| !visible(&folder).contains(path));
        // Killed in the moment between unlocking a whole run and naming it, it is left: it
        // looks like another process's that is about to be named.
        left.retain(|path| !path.join("manifest.json").is_file() || path.join(".lock").exists());
        assert_eq!(left, [] as [&Path; 0], "{why}: something hidden was left");
    }
}

fn desk_and_undisturbed() -> (Desk, Tables) {
    let desk = Desk::new();
    let undisturbed = desk.run(SITES, "undisturbed", &[]);
    desk.file("sites.toml", SITES);
    (desk, undisturbed)
}

#[test]
fn killed_while_it_simulates_it_leaves_nothing_and_runs_again() {
    let (desk, undisturbed) = desk_and_undisturbed();
    for wait in [0, 5, 20, 60, 120, 200] {
        let mut child = start(&desk);
        sleep(Duration::from_millis(wait));
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
        assert_no_half_run(&desk);
    }
    assert_completes(&desk, &undisturbed, "killed while simulating");
}

/// Number of files in the hidden directory that a run is being written into.
fn files_written(desk: &Desk) -> usize {
    let hidden = |path: &Path| {
        path.file_name()
            .is_some_and(|n| n.as_encoded_bytes()[0] == b'.')
    };
    let folders = entries(&desk.path("out/sites")).into_iter();
    folders
        .filter(|path| hidden(path))
        .map(|path| entries(&path).len())
        .sum()
}

#[test]
fn killed_while_it_writes_it_leaves_no_half_run_and_runs_again() {
    let (desk, undisturbed) = desk_and_undisturbed();
    let mut in_the_middle = 0;
    for wanted in [1, 2, 4, 7, 10, 12, 13] {
        let _ = fs::remove_dir_all(desk.path("out"));
        let mut child = start(&desk);
        while child.try_wait().expect("it can be asked").is_none() && files_written(&desk) < wanted
        {
            sleep(Duration::from_micros(20));
        }
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
        assert_no_half_run(&desk);
        in_the_middle += usize::from(visible(&desk.path("out/sites")).is_empty());
        assert_completes(&desk, &undisturbed, &format!("killed at {wanted} files"));
    }
    assert!(in_the_middle > 0, "it was never caught writing");
}

/// Runs with a limit on the size of files, in blocks of 512 bytes: what a full disk is to
/// a program, without one. `trap` decides whether the program is told or killed.
fn run_with_limit(desk: &Desk, blocks: usize, trap: &str) -> crate::desk::Ended {
    let script =
        format!("ulimit -c 0; ulimit -f {blocks}; {trap} exec \"$0\" run sites.toml --out out");
    let mut shell = Command::new("sh");
    shell
        .current_dir(desk.path(""))
        .args(["-c", &script, env!("CARGO_BIN_EXE_fedstill")]);
    shell.output().expect("a shell").into()
}

#[test]
fn a_file_that_cannot_be_written_is_a_clear_error_and_leaves_no_half_run() {
    let (desk, undisturbed) = desk_and_undisturbed();
    let largest = undisturbed
        .bytes()
        .values()
        .map(Vec::len)
        .max()
        .expect("files");
    for blocks in [0, 1, 8, largest / 1024] {
        let ended = run_with_limit(&desk, blocks, "trap '' XFSZ;");
        assert_eq!(ended.status, Some(1), "{blocks} blocks: {}", ended.stderr);
        assert_eq!(ended.stdout, "", "{blocks} blocks");
        let message = &ended.stderr;
        assert!(
            message.contains("cannot write `out"),
            "{blocks} blocks: {message}"
        );
        assert!(
            message.contains("File too large"),
            "{blocks} blocks: {message}"
        );
        assert!(!message.contains("internal error"), "{message}");
        assert_eq!(desk.runs("out"), [] as [&Path; 0], "{blocks} blocks");
        assert_eq!(
            entries(&desk.path("out/sites")),
            [] as [&Path; 0],
            "{blocks} blocks"
        );
    }
    assert_completes(&desk, &undisturbed, "the limit is gone");
}

#[test]
fn killed_by_the_system_at_a_byte_it_leaves_no_half_run_and_runs_again() {
    let (desk, undisturbed) = desk_and_undisturbed();
    let mut sizes: Vec<usize> = undisturbed.bytes().values().map(Vec::len).collect();
    sizes.sort_unstable();
    // At the first file of all, and in the middle of ever larger ones.
    for blocks in [0, sizes[3] / 1024, sizes[6] / 1024, sizes[10] / 1024] {
        let ended = run_with_limit(&desk, blocks, "");
        assert_eq!(
            ended.status, None,
            "{blocks} blocks: a signal ends it; {}",
            ended.stderr
        );
        assert_eq!(desk.runs("out"), [] as [&Path; 0], "{blocks} blocks");
    }
    assert!(
        !entries(&desk.path("out/sites")).is_empty(),
        "it had begun to write"
    );
    assert_completes(&desk, &undisturbed, "killed in the middle of a file");
}

/// Says that the place for the runs is wrong; nothing runs.
fn assert_wrong_place(desk: &Desk, out: &str) {
    let ended = desk.fedstill(&["run", "sites.toml", "--out", out]);
    assert_eq!(
        (ended.status, ended.stdout.as_str()),
        (Some(2), ""),
        "{}",
        ended.stderr
    );
    assert!(
        ended.stderr.starts_with("error: cannot "),
        "{}",
        ended.stderr
    );
    assert!(ended.stderr.contains(out), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("--out"),
        "a way out: {}",
        ended.stderr
    );
    assert!(!ended.stderr.contains("panic"), "{}", ended.stderr);
}

#[test]
fn a_place_that_cannot_hold_runs_is_refused_before_anything_runs() {
    let desk = Desk::new();
    desk.file("sites.toml", SITES);
    let file = desk.file("file", "in the way");
    assert_wrong_place(&desk, &file);
    assert_wrong_place(&desk, &format!("{file}/below"));
    // Nobody, not even root, may make folders there.
    if cfg!(target_os = "linux") {
        let ended = desk.fedstill(&["run", "sites.toml", "--out", "/proc/runs"]);
        assert_eq!(
            (ended.status, ended.stdout.as_str()),
            (Some(2), ""),
            "{}",
            ended.stderr
        );
        assert!(ended.stderr.contains("/proc/runs"), "{}", ended.stderr);
    }
    assert_eq!(fs::read_to_string(file).expect("still there"), "in the way");
}

#[test]
fn something_under_the_runs_own_name_is_not_taken_for_the_run() {
    let (desk, undisturbed) = desk_and_undisturbed();
    let name = undisturbed
        .directory
        .file_name()
        .expect("a name")
        .to_owned();
    fs::create_dir_all(desk.path("out/sites")).expect("folders");
    // A file where the folder of the scenario's runs, or the run, should be.
    for in_the_way in [desk.path("out/sites").join(&name), desk.path("out/sites")] {
        let _ = fs::remove_dir_all(&in_the_way);
        fs::write(&in_the_way, "mine").expect("a file");
        let ended = desk.fedstill(&["run", "sites.toml", "--out", "out"]);
        assert_eq!(
            (ended.status, ended.stdout.as_str()),
            (Some(1), ""),
            "{}",
            ended.stderr
        );
        let short = argument(in_the_way.strip_prefix(desk.path("")).expect("below"));
        assert!(ended.stderr.contains(&short), "{}", ended.stderr);
        assert!(
            ended.stderr.contains("a file is in the way"),
            "{}",
            ended.stderr
        );
        assert_eq!(
            fs::read_to_string(&in_the_way).expect("still there"),
            "mine"
        );
        fs::remove_file(&in_the_way).expect("a file");
    }
    assert_completes(&desk, &undisturbed, "nothing in the way");
}
