//! Every wrong scenario in `wrong-scenarios/` is refused with the message beside it.
//!
//! `NAME.toml` begins with a comment that says what is wrong with it, and may hold
//! lines `# --set path=value` with arguments; `NAME.txt` is the whole message as
//! a user reads it. After a change of messages write them anew with
//! `FEDSTILL_UPDATE=1 cargo test -p fedstill-sim --test wrong_scenarios`, and read the
//! difference as a user would.

use fedstill_sim::scenario::{Overrides, load};
use std::fs;
use std::path::{Path, PathBuf};

/// Relative to the package, where cargo runs its tests: messages name the path.
const FOLDER: &str = "tests/wrong-scenarios";

fn cases() -> Vec<PathBuf> {
    let mut cases: Vec<PathBuf> = fs::read_dir(FOLDER)
        .expect("the folder of wrong scenarios")
        .map(|entry| entry.expect("an entry of the folder").path())
        .filter(|path| path.extension().is_some_and(|end| end == "toml"))
        .collect();
    cases.sort();
    cases
}

fn message(case: &Path) -> String {
    let text = String::from_utf8_lossy(&fs::read(case).expect("a wrong scenario")).into_owned();
    let overrides = Overrides {
        sets: text
            .lines()
            .filter_map(|line| line.strip_prefix("# --set "))
            .map(str::to_owned)
            .collect(),
        ..Overrides::default()
    };
    match load(&[case.to_path_buf()], &overrides) {
        Ok(runs) => format!("accepted as {} runs", runs.len()),
        Err(problems) => format!("{problems}\n"),
    }
}

#[test]
fn every_wrong_scenario_is_refused_with_the_message_beside_it() {
    let cases = cases();
    assert!(cases.len() >= 30, "only {} wrong scenarios", cases.len());
    let mut differing = Vec::new();
    for case in cases {
        let found = message(&case);
        if std::env::var_os("FEDSTILL_UPDATE").is_some() {
            fs::write(case.with_extension("txt"), &found).expect("a writable folder");
        }
        let expected = fs::read_to_string(case.with_extension("txt")).unwrap_or_default();
        if found != expected {
            differing.push(format!(
                "{}\n--- expected\n{expected}\n--- found\n{found}",
                case.display()
            ));
        }
    }
    assert!(
        differing.is_empty(),
        "{}\n\nif the new messages are better, write them with `FEDSTILL_UPDATE=1 cargo test \
         -p fedstill-sim --test wrong_scenarios`",
        differing.join("\n\n")
    );
}

#[test]
fn no_wrong_scenario_is_accepted() {
    for case in cases() {
        let found = message(&case);
        assert!(found.starts_with("error: "), "{}: {found}", case.display());
    }
}
