//! Sites: the clients of a group as the rows of a file, with what each row says of its own.
//!
//! A row overrides its group's keys cell by cell. What a file must say and what it may leave to
//! the group is settled in [`filling`], before the scenario is decoded.

mod filling;
mod reading;

pub(crate) use filling::{attach, fill};

use super::quantity::{Bandwidth, Bytes, ComputeSpeed, Duration};
use super::topology::FileError;
use super::week::{Windows, Zone};
use fedstill_models::Holding;
use reading::{OF_CLASS, cell_span};
use serde::Serialize;
use std::ops::Range;
use std::sync::Arc;

/// The rows of a file of sites.
#[derive(Debug, Clone, PartialEq)]
pub struct Sites {
    /// Path as the scenario gives it.
    pub(crate) file: String,
    /// Path for messages.
    pub(crate) shown: String,
    pub(crate) text: Arc<str>,
    /// Header names, in order.
    columns: Vec<String>,
    /// One a row, in order.
    pub rows: Vec<Site>,
}

/// What a row says of its client; what it leaves open is its group's.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Site {
    /// The client's name.
    pub name: String,
    /// The group it is told under in the tables.
    pub group: Option<String>,
    /// Bandwidth from the client.
    pub up: Option<Bandwidth>,
    /// Bandwidth to the client.
    pub down: Option<Bandwidth>,
    /// One-way latency.
    pub latency: Option<Duration>,
    /// The node of the topology where its access link ends.
    pub at: Option<String>,
    /// Effective speed in training.
    pub speed: Option<ComputeSpeed>,
    /// Memory that training may use.
    pub memory: Option<Bytes>,
    /// Architecture.
    pub model: Option<String>,
    /// Samples in all.
    pub samples: Option<usize>,
    /// Samples of each class that has a column, by the class's name or number.
    pub class_samples: Vec<(String, usize)>,
    /// Windows of the week in which it is there at most.
    pub hours: Option<Windows>,
    /// How far its clock is ahead of UTC.
    pub time_zone: Option<Zone>,
    /// Where the row stands in the text.
    #[serde(skip)]
    pub(crate) span: Range<usize>,
    /// Line of the file, from 1.
    #[serde(skip)]
    pub(crate) line: u64,
}

impl Site {
    /// How it comes by its samples of data with these classes: as told, or by the partition.
    pub(crate) fn holding(&self, classes: &[String]) -> Holding {
        if self.class_samples.is_empty() {
            return self.samples.map_or(Holding::Shared, Holding::Any);
        }
        let mut counts = vec![0; classes.len()];
        for (class, count) in &self.class_samples {
            if let Some(class) = class_of(class, classes) {
                counts[class] += count;
            }
        }
        Holding::Classes(counts)
    }
}

/// The class that a column means: the one of that name, or else of that number.
pub(crate) fn class_of(text: &str, classes: &[String]) -> Option<usize> {
    let named = classes.iter().position(|name| name == text);
    named.or_else(|| text.parse().ok().filter(|class| *class < classes.len()))
}

impl Sites {
    /// The columns of samples of one class, by the class that they tell.
    pub(crate) fn class_columns(&self) -> impl Iterator<Item = (&str, &str)> {
        let columns = self.columns.iter();
        columns.filter_map(|name| Some((name.as_str(), name.strip_prefix(OF_CLASS)?)))
    }

    /// What the rows say, as text that is the same for the same content.
    pub(crate) fn canonical(&self, count: usize) -> String {
        let rows = &self.rows[..count.min(self.rows.len())];
        serde_json::to_string(rows).unwrap_or_default()
    }

    pub(crate) fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|name| name == column)
    }

    /// `row 3 (line 4) of "clinics.csv"`
    pub(crate) fn place(&self, row: usize) -> String {
        let line = self.rows[row].line;
        format!("row {} (line {line}) of `{}`", row + 1, self.file)
    }

    /// A mistake in the name of a column.
    pub(crate) fn header_mistake(
        &self,
        column: &str,
        title: String,
        expected: impl Into<String>,
        way_out: impl Into<String>,
    ) -> super::problem::Problem {
        let place = self.columns.iter().position(|name| name == column);
        let blank = |letter: char| letter.is_whitespace() || letter == '\u{feff}';
        let begin = self.text.len() - self.text.trim_start_matches(blank).len();
        let span = place.map_or(begin..begin, |place| cell_span(&self.text, begin, place));
        FileError::new(title, expected, way_out)
            .at(span)
            .into_problem(&self.shown, &self.text)
    }

    /// A mistake in a cell, shown with its line.
    pub(crate) fn mistake(
        &self,
        row: usize,
        column: &str,
        title: String,
        expected: impl Into<String>,
        way_out: impl Into<String>,
    ) -> super::problem::Problem {
        let begin = self.rows[row].span.start;
        let place = self.columns.iter().position(|name| name == column);
        let span = place.map_or(begin..begin, |place| cell_span(&self.text, begin, place));
        FileError::new(title, expected, way_out)
            .at(span)
            .into_problem(&self.shown, &self.text)
    }
}
