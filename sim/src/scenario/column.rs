//! A column of a CSV file: one value a client, in the order of the rows.

use super::quantity::{Quantity, QuantityError, nearest};
use super::sampled::DrawError;
use rand::{Rng, RngExt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// A larger file is taken for a mistake.
const LARGEST_FILE_BYTES: u64 = 100_000_000;

/// A column of a CSV file with a header row; numbers are in the base unit (bit/s, B, s,
/// FLOP/s, W) unless a cell carries its own unit.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Column {
    /// Path of the file, relative to the scenario.
    file: String,
    /// Name of the column in the header row.
    column: String,
    /// Which row a client of the group gets.
    #[serde(default)]
    pick: Pick,
    /// In base units; empty until the file is read.
    #[serde(skip)]
    values: Arc<[f64]>,
}

/// Which row of a column a client gets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Pick {
    /// Row i for client i of the group; fewer rows than clients is an error.
    #[default]
    InOrder,
    /// Row i modulo the number of rows.
    Cycle,
    /// Any row, drawn with replacement.
    Draw,
}

/// Why a column could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ColumnError {
    /// Which key of the table is at fault.
    pub(crate) key: &'static str,
    pub(crate) message: String,
    pub(crate) way_out: String,
}

impl Column {
    pub(crate) fn new(file: String, column: String, pick: Pick) -> Self {
        Self {
            file,
            column,
            pick,
            values: Arc::new([]),
        }
    }

    /// Path of the file as written.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The values in base units, one a row.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    pub(crate) fn rename_file(&mut self, file: String) {
        self.file = file;
    }

    /// The same column under the name of its content, so that a path does not count.
    pub(crate) fn named_for_content(&self, content: &str) -> Self {
        Self::new(content.to_owned(), String::new(), self.pick)
    }

    /// One value in base units for the client with this index.
    pub(crate) fn value(&self, index: usize, rng: &mut impl Rng) -> Result<f64, DrawError> {
        let rows = self.values.len();
        let row = match self.pick {
            _ if rows == 0 => None,
            Pick::InOrder => Some(index),
            Pick::Cycle => Some(index % rows),
            Pick::Draw => Some(rng.random_range(0..rows)),
        };
        row.and_then(|row| self.values.get(row))
            .copied()
            .ok_or_else(|| {
                DrawError::new(format!(
                    "column `{}` of `{}` has {rows} rows, none for client {index}",
                    self.column, self.file
                ))
            })
    }

    /// Reads the file beside the scenario and gives its text; `clients` is how many need a row.
    pub(crate) fn load<Q: Quantity>(
        &mut self,
        folder: &Path,
        clients: usize,
    ) -> Result<Arc<str>, ColumnError> {
        let path = folder.join(&self.file);
        let text = read(&path, "a column of values for clients")?;
        let values = parse::<Q>(&text, &self.file, &self.column)?;
        if self.pick == Pick::InOrder && values.len() < clients {
            return Err(ColumnError {
                key: "file",
                message: format!(
                    "`{}` has {} rows, but the group has {clients} clients",
                    self.file,
                    values.len()
                ),
                way_out: "give one row a client, or `pick = \"cycle\"` to begin again at the \
                          first row, or `pick = \"draw\"` for any row"
                    .into(),
            });
        }
        self.values = values.into();
        Ok(text.into())
    }
}

/// The text of a file beside the scenario; `what` it should hold is said where it is too large.
pub(crate) fn read(path: &Path, what: &str) -> Result<String, ColumnError> {
    let shown = path.display();
    let refuse = |message: String, way_out: &str| {
        Err(ColumnError {
            key: "file",
            message,
            way_out: way_out.to_owned(),
        })
    };
    let bytes = match fs::metadata(path) {
        Ok(about) if about.is_dir() => {
            return refuse(format!("`{shown}` is a directory"), "name a CSV file in it");
        }
        Ok(about) if !about.is_file() => {
            return refuse(format!("`{shown}` is no plain file"), "name a CSV file");
        }
        Ok(about) if about.len() > LARGEST_FILE_BYTES => {
            return refuse(
                format!("`{shown}` has {} bytes", about.len()),
                &format!("{what} is at most 100 MB; name another file"),
            );
        }
        _ => fs::read(path),
    };
    match bytes {
        Err(error) if error.kind() == io::ErrorKind::NotFound => refuse(
            format!("there is no file `{shown}`"),
            "paths are relative to the folder of the scenario file",
        ),
        Err(error) => refuse(
            format!("`{shown}` cannot be read: {error}"),
            "check the file and its permissions",
        ),
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) if !text.contains('\0') => Ok(text),
            _ => refuse(
                format!("`{shown}` is not a text file (it is not UTF-8)"),
                "save it as CSV in UTF-8",
            ),
        },
    }
}

/// A cell: a number in the base unit, or one with its unit.
pub(super) fn cell<Q: Quantity>(cell: &str) -> Result<Q, QuantityError> {
    match cell.parse::<f64>() {
        Ok(number) => Q::try_from_base(number),
        Err(_) => cell.parse::<Q>(),
    }
}

fn parse<Q: Quantity>(text: &str, file: &str, column: &str) -> Result<Vec<f64>, ColumnError> {
    let refuse = |message: String, way_out: String| {
        Err(ColumnError {
            key: "file",
            message,
            way_out,
        })
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        return refuse(
            format!("`{file}` is empty"),
            "a CSV file begins with a header row that names its columns".into(),
        );
    }
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let header = match reader.headers() {
        Ok(header) => header.clone(),
        Err(error) => return refuse(format!("`{file}`: {error}"), "mend the header row".into()),
    };
    let Some(place) = header.iter().position(|name| name == column) else {
        let names: Vec<String> = header.iter().map(|name| format!("`{name}`")).collect();
        let near = nearest(column, header.iter())
            .map(|near| format!("did you mean `{near}`? "))
            .unwrap_or_default();
        return Err(ColumnError {
            key: "column",
            message: format!("`{file}` has no column `{column}`"),
            way_out: format!("{near}its columns: {}", names.join(", ")),
        });
    };
    let mut values = Vec::new();
    for (row, record) in reader.records().enumerate() {
        // The header is line 1; a quoted cell may hold line breaks, so ask the reader.
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let cells = match error.kind() {
                    csv::ErrorKind::UnequalLengths { len, .. } => format!("has {len} cells"),
                    _ => format!("cannot be read: {error}"),
                };
                return refuse(
                    format!("row {} of `{file}` {cells}", row + 1),
                    format!("give every row {} cells, as the header has", header.len()),
                );
            }
        };
        let cell = record.get(place).unwrap_or_default();
        let line = record.position().map_or(0, csv::Position::line);
        match self::cell::<Q>(cell) {
            Ok(value) => values.push(value.base()),
            Err(error) => {
                return refuse(
                    format!(
                        "row {} (line {line}) of column `{column}` in `{file}` holds `{cell}`: {}",
                        row + 1,
                        error.message()
                    ),
                    format!(
                        "a cell is a number of {} or carries its unit, such as {}",
                        Q::UNITS[0].name,
                        Q::EXAMPLE
                    ),
                );
            }
        }
    }
    if values.is_empty() {
        return refuse(
            format!("`{file}` has a header but no rows"),
            "give one row a client".into(),
        );
    }
    Ok(values)
}
