//! Wrong input ends before anything runs: status 2, the mistake on standard error,
//! nothing on standard output, nothing written.

use crate::desk::{Desk, Ended, argument, entries, program};
use std::fs;
use std::path::{Path, PathBuf};

const RIGHT: &str = r#"
name = "right"

[data]
source = { kind = "synthetic", classes = 2, features = 3, samples = 100, separation = 2.0 }
test = 20

[[clients]]
name = "site"
count = 2
model = "mlp-4"
device = { speed = "1 MFLOP/s" }
link = { up = "1 Mbps", down = "1 Mbps" }

[method]
preset = "fedavg"

[stop]
versions = 1
"#;

/// Runs the program in a folder; nothing may appear there, and nothing be said but the mistake.
fn refused(desk: &Desk, arguments: &[&str]) -> String {
    let before = entries(&desk.path(""));
    let Ended {
        status,
        stdout,
        stderr,
    } = desk.fedstill(arguments);
    assert_eq!(
        (status, stdout.as_str()),
        (Some(2), ""),
        "{arguments:?}: {stderr}"
    );
    assert_eq!(
        entries(&desk.path("")),
        before,
        "{arguments:?} left something"
    );
    assert!(stderr.starts_with("error: "), "{stderr}");
    stderr
}

/// The wrong scenarios of the library's test, which fixes what is said of each.
fn wrong_scenarios(folder: &Path) -> Vec<PathBuf> {
    let mut cases = entries(&folder.join("tests/wrong-scenarios"));
    cases.retain(|path| path.extension().is_some_and(|end| end == "toml"));
    cases
}

#[test]
fn every_wrong_scenario_ends_with_status_2_and_its_message_and_leaves_nothing() {
    let library = Path::new(crate::desk::ROOT).join("sim");
    let cases = wrong_scenarios(&library);
    assert!(cases.len() >= 30, "only {} wrong scenarios", cases.len());
    let desk = Desk::new();
    let out = argument(&desk.path("out"));
    for case in cases {
        let text = fs::read(&case).expect("a wrong scenario");
        let text = String::from_utf8_lossy(&text).into_owned();
        // Messages name the file as it was named on the command line.
        let name = argument(case.strip_prefix(&library).expect("below the library"));
        for command in ["run", "check"] {
            let mut program = program();
            program.current_dir(&library).args([command, &name]);
            for set in text
                .lines()
                .filter_map(|line| line.strip_prefix("# --set "))
            {
                program.args(["--set", set]);
            }
            if command == "run" {
                program.args(["--out", &out]);
            }
            let output = program.output().expect("the program can be started");
            let Ended {
                status,
                stdout,
                stderr,
            } = output.into();
            assert_eq!(
                (status, stdout.as_str()),
                (Some(2), ""),
                "{command} {name}: {stderr}"
            );
            let message = fs::read_to_string(case.with_extension("txt"));
            assert_eq!(stderr, message.expect("its message"), "{command} {name}");
            assert!(
                !desk.path("out").exists(),
                "{command} {name} wrote something"
            );
        }
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let desk = Desk::new();
    let message = refused(&desk, &["run", "nowhere.toml", "--out", "out"]);
    assert!(
        message.contains("there is no scenario file `nowhere.toml`"),
        "{message}"
    );
}

#[test]
fn one_wrong_file_among_right_ones_and_nothing_runs() {
    let desk = Desk::new();
    desk.file("right.toml", RIGHT);
    let wrong = RIGHT
        .replace("fedavg", "fedavgg")
        .replace("\"right\"", "\"wrong\"");
    desk.file("wrong.toml", &wrong);
    for files in [["right.toml", "wrong.toml"], ["wrong.toml", "right.toml"]] {
        let message = refused(&desk, &["run", files[0], files[1], "--out", "out"]);
        assert!(
            message.contains("fedavgg") && message.contains("wrong.toml:"),
            "{message}"
        );
        assert!(!message.contains("right.toml"), "{message}");
    }
    // What was wrong was only that: the right one runs.
    desk.fedstill(&["run", "right.toml", "--out", "out"]).well();
}

#[test]
fn the_mistakes_of_all_files_are_told_at_once() {
    let desk = Desk::new();
    desk.file("one.toml", &RIGHT.replace("count = 2", "count = 0"));
    desk.file(
        "two.toml",
        &RIGHT.replace("versions = 1", "versions = \"x\""),
    );
    let message = refused(&desk, &["run", "one.toml", "two.toml", "--out", "out"]);
    assert!(
        message.contains("one.toml:") && message.contains("two.toml:"),
        "{message}"
    );
}

#[test]
fn wrong_arguments_are_refused_with_what_was_expected() {
    let desk = Desk::new();
    desk.file("right.toml", RIGHT);
    let run = |more: &[&str]| {
        let arguments = [&["run", "right.toml", "--out", "out"], more].concat();
        refused(&desk, &arguments)
    };
    assert!(run(&["--threads", "0"]).contains("--threads"));
    assert!(run(&["--threads", "many"]).contains("--threads"));
    assert!(run(&["--seed=-1"]).contains("--seed"));
    assert!(run(&["--replications", "0"]).contains("replications"));
    assert!(run(&["--set", "clients.0.count"]).contains("there is no `=`"));
    assert!(
        run(&["--set", "clients.0.cuont=3"]).contains("`count`"),
        "the nearest known key"
    );
    assert!(run(&["--set", "clients.7.count=3"]).contains("clients.7"));
    assert!(run(&["--set", "clients.0.count=\"many\""]).contains("clients.0.count"));
    assert!(run(&["--colour"]).contains("--colour"));
    assert!(refused(&desk, &["run"]).contains("FILE"));
    assert!(refused(&desk, &["walk"]).contains("walk"));
    assert!(refused(&desk, &["run", "right.toml", "right.toml"]).contains("twice"));
}

/// A mistake that shows only when devices or data are drawn out is still a mistake of the input.
#[test]
fn what_cannot_be_drawn_out_is_refused_before_anything_runs() {
    let desk = Desk::new();
    desk.file("right.toml", RIGHT);
    let speed = "{ dist = \"normal\", mean = \"-5 MFLOP/s\", sd = \"1 FLOP/s\" }";
    let negative = RIGHT
        .replace("\"1 MFLOP/s\"", speed)
        .replace("\"right\"", "\"negative\"");
    desk.file("negative.toml", &negative);
    let arguments = ["run", "right.toml", "negative.toml", "--out", "out"];
    let message = refused(&desk, &arguments);
    assert!(message.contains("speed"), "{message}");
    // One site of one label cannot hold both labels.
    let narrow = RIGHT
        .replace("count = 2", "count = 1")
        .replace("[method]", "[sweep]\n\"data.partition\" = [\"iid\", { kind = \"shards\", labels = 1 }]\n\n[method]")
        .replace("\"right\"", "\"narrow\"");
    desk.file("narrow.toml", &narrow);
    let message = refused(&desk, &["run", "right.toml", "narrow.toml", "--out", "out"]);
    assert!(message.contains("narrow #2"), "{message}");
}
