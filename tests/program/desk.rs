//! A desk to work at: a folder with scenario files, and the program run in it.

use crate::tables::Tables;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// The root of the repository.
pub const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A folder of its own; removed at the end.
pub struct Desk(TempDir);

/// How the program ended, and what it said.
#[derive(Debug)]
pub struct Ended {
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("the program writes UTF-8");
        Self {
            status: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

impl Ended {
    /// The same, after it is certain that it ended well.
    pub fn well(self) -> Self {
        assert_eq!(self.status, Some(0), "{}", self.stderr);
        self
    }
}

/// The program, about to be run in the root of the repository.
pub fn program() -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_fedstill"));
    program.current_dir(ROOT);
    program
}

/// Runs the program.
pub fn fedstill(arguments: &[&str]) -> Ended {
    let output = program().args(arguments).output();
    output.expect("the program can be started").into()
}

impl Desk {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file; answers with its path as an argument.
    pub fn file(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        fs::write(&path, text).expect("a file in a temporary folder");
        argument(&path)
    }

    /// Runs the program in this folder.
    pub fn fedstill(&self, arguments: &[&str]) -> Ended {
        let mut program = program();
        let output = program.current_dir(self.0.path()).args(arguments).output();
        output.expect("the program can be started").into()
    }

    /// Runs a scenario with `--out OUT` and more arguments, and reads the tables of its
    /// only run. It must end well and say nothing.
    pub fn run(&self, scenario: &str, out: &str, more: &[&str]) -> Tables {
        let file = self.file(&format!("{out}.toml"), scenario);
        let mut arguments = vec!["run", &file, "--out", out, "--quiet"];
        arguments.extend(more);
        let ended = self.fedstill(&arguments).well();
        assert_eq!((ended.stdout, ended.stderr), (String::new(), String::new()));
        let mut runs = self.runs(out);
        assert_eq!(runs.len(), 1, "{runs:?}");
        Tables::read(&runs.remove(0))
    }

    /// The run directories below an output folder, by scenario and number.
    pub fn runs(&self, out: &str) -> Vec<PathBuf> {
        let scenarios = visible(&self.path(out)).into_iter();
        let folders = scenarios.filter(|path| path.is_dir());
        folders.flat_map(|scenario| visible(&scenario)).collect()
    }
}

/// What stands in a folder without a dot before its name, sorted.
pub fn visible(folder: &Path) -> Vec<PathBuf> {
    let hidden = |path: &PathBuf| {
        path.file_name()
            .is_some_and(|n| n.as_encoded_bytes()[0] == b'.')
    };
    let mut all = entries(folder);
    all.retain(|path| !hidden(path));
    all
}

/// Everything in a folder, sorted; nothing where there is no such folder.
pub fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry of the folder").path())
        .collect();
    paths.sort();
    paths
}

/// A path as an argument.
pub fn argument(path: &Path) -> String {
    path.to_str().expect("a path in UTF-8").to_owned()
}
