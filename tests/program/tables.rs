//! The tables of a run, read back from its directory.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Every table that a run has.
pub const NAMES: [&str; 12] = [
    "aggregators",
    "clients",
    "evaluations",
    "factors",
    "fairness",
    "kpis",
    "links",
    "participations",
    "partition",
    "runs",
    "transfers",
    "versions",
];

/// Every file of a run but the manifest, which tells of threads and wall time.
pub const REPEATABLE: [&str; 14] = [
    "aggregators.csv",
    "clients.csv",
    "datapackage.json",
    "evaluations.csv",
    "factors.csv",
    "fairness.csv",
    "kpis.csv",
    "links.csv",
    "participations.csv",
    "partition.csv",
    "runs.csv",
    "scenario.toml",
    "transfers.csv",
    "versions.csv",
];

/// What a run has besides where it was asked for its trace.
pub const OF_TRACE: [&str; 2] = ["events.csv", "trace.json"];

/// A run's tables by name.
pub struct Tables {
    pub directory: PathBuf,
    tables: BTreeMap<String, Table>,
    bytes: BTreeMap<&'static str, Vec<u8>>,
}

/// A table: cells as they stand in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    pub columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// A row of a table.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    columns: &'a [String],
    pub cells: &'a [String],
}

impl Tables {
    /// Reads a run directory, which holds exactly the files that it should, and those of a trace
    /// both or neither.
    pub fn read(directory: &Path) -> Self {
        let files: BTreeSet<String> = crate::desk::entries(directory)
            .into_iter()
            .filter(|path| path.is_file())
            .map(|path| {
                path.file_name()
                    .expect("a name")
                    .to_string_lossy()
                    .into_owned()
            })
            .collect();
        let traced = files.contains("trace.json");
        let of_trace = OF_TRACE.into_iter().filter(|_| traced);
        let repeatable: Vec<&'static str> = REPEATABLE.into_iter().chain(of_trace).collect();
        let expected = repeatable.iter().copied().chain(["manifest.json"]);
        assert_eq!(files, expected.map(str::to_owned).collect());
        let events = Some("events").into_iter().filter(|_| traced);
        let table = |name: &str| {
            (
                name.to_owned(),
                Table::read(&directory.join(format!("{name}.csv"))),
            )
        };
        let bytes = |file| (file, fs::read(directory.join(file)).expect("it is there"));
        Self {
            directory: directory.to_owned(),
            tables: NAMES.into_iter().chain(events).map(table).collect(),
            bytes: repeatable.into_iter().map(bytes).collect(),
        }
    }

    /// The names of the tables, sorted.
    pub fn names(&self) -> Vec<&str> {
        self.tables.keys().map(String::as_str).collect()
    }

    pub fn table(&self, name: &str) -> &Table {
        &self.tables[name]
    }

    pub fn rows(&self, name: &str) -> impl Iterator<Item = Row<'_>> {
        self.table(name).rows()
    }

    /// The only row of `runs.csv`.
    pub fn run(&self) -> Row<'_> {
        let mut rows = self.rows("runs");
        let run = rows.next().expect("a run has a row");
        assert!(rows.next().is_none(), "one row a run");
        run
    }

    pub fn run_id(&self) -> &str {
        self.run().text("run_id")
    }

    /// The bytes of every file that a repetition must reproduce.
    pub fn bytes(&self) -> &BTreeMap<&'static str, Vec<u8>> {
        &self.bytes
    }

    /// `datapackage.json`.
    pub fn package(&self) -> serde_json::Value {
        serde_json::from_slice(&self.bytes["datapackage.json"]).expect("JSON")
    }
}

/// Two runs whose files are the same, byte for byte; names the one that is not.
pub fn assert_same_bytes(one: &Tables, other: &Tables, why: &str) {
    assert!(one.bytes().keys().eq(other.bytes().keys()), "{why}");
    for ((file, one), other) in one.bytes().iter().zip(other.bytes().values()) {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (one, other) = (text(one), text(other));
        let difference = one
            .lines()
            .zip(other.lines())
            .find(|(one, other)| one != other);
        assert!(
            one == other,
            "{why}: {file} differs, first in {difference:#?}"
        );
    }
}

/// Two tables with the same columns and rows; shows the first row that differs.
pub fn assert_same_rows(one: &Table, other: &Table, why: &str) {
    assert_eq!(one.columns, other.columns, "{why}");
    let difference = one
        .rows
        .iter()
        .zip(&other.rows)
        .find(|(one, other)| one != other);
    assert!(one == other, "{why}: first in {difference:?}");
}

impl Table {
    pub fn read(path: &Path) -> Self {
        let mut reader = csv::Reader::from_path(path).expect("a table");
        let line = |record: csv::StringRecord| record.iter().map(str::to_owned).collect();
        Self {
            columns: line(reader.headers().expect("a header").clone()),
            rows: reader
                .into_records()
                .map(|record| line(record.expect("rows as long as the header")))
                .collect(),
        }
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        let columns = self.columns.as_slice();
        self.rows.iter().map(move |cells| Row { columns, cells })
    }

    /// The table with some of its columns taken out.
    pub fn without(&self, columns: &[&str]) -> Self {
        let kept: Vec<usize> = (0..self.columns.len())
            .filter(|place| !columns.contains(&self.columns[*place].as_str()))
            .collect();
        let keep = |cells: &Vec<String>| kept.iter().map(|place| cells[*place].clone()).collect();
        Self {
            columns: keep(&self.columns),
            rows: self.rows.iter().map(keep).collect(),
        }
    }
}

impl<'a> Row<'a> {
    /// A cell as it is written; empty where the value is missing.
    pub fn text(&self, column: &str) -> &'a str {
        let place = self.columns.iter().position(|name| name == column);
        let place = place.unwrap_or_else(|| panic!("no column {column} in {:?}", self.columns));
        &self.cells[place]
    }

    fn parsed<T: FromStr<Err: Debug>>(&self, column: &str) -> Option<T> {
        let text = self.text(column);
        let parsed = |text: &str| {
            text.parse()
                .unwrap_or_else(|e| panic!("{column} {text}: {e:?}"))
        };
        (!text.is_empty()).then(|| parsed(text))
    }

    /// A whole number that must be there.
    pub fn count(&self, column: &str) -> u64 {
        self.count_if(column)
            .unwrap_or_else(|| panic!("{column} is empty"))
    }

    /// A whole number that may be missing.
    pub fn count_if(&self, column: &str) -> Option<u64> {
        self.parsed(column)
    }

    /// A number that must be there.
    pub fn number(&self, column: &str) -> f64 {
        self.parsed(column)
            .unwrap_or_else(|| panic!("{column} is empty"))
    }

    /// Seconds, as the whole nanoseconds that they stand for.
    pub fn nanos(&self, column: &str) -> u64 {
        self.nanos_if(column)
            .unwrap_or_else(|| panic!("{column} is empty"))
    }

    /// Seconds that may be missing, in nanoseconds.
    pub fn nanos_if(&self, column: &str) -> Option<u64> {
        let text = self.text(column);
        let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
        assert!(
            part.len() <= 9,
            "{column} {text}: time comes in nanoseconds"
        );
        let digits = format!("{whole}{part:0<9}");
        (!text.is_empty()).then(|| {
            digits
                .parse()
                .unwrap_or_else(|e| panic!("{column} {text}: {e}"))
        })
    }
}
