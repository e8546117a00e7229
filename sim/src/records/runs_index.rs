//! `DIR/runs.csv`: the rows of every complete run below a directory.

use super::error::RecordError;
use super::manifest::{Damage, Manifest};
use super::table::Row;
use super::tables::RunRow;
use super::workplace::{Workplace, sync_directory};
use std::fs;
use std::path::{Path, PathBuf};

/// The table of all runs, as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunsIndex {
    /// The file.
    pub path: PathBuf,
    /// Its number of runs.
    pub runs: u64,
    /// Run directories that were left out because they are damaged.
    pub skipped: Vec<Damage>,
}

/// Writes `runs.csv` over all complete runs below `out`, by scenario and number, in place of
/// the one before.
///
/// # Errors
/// `out` cannot be read or written; a damaged run is no error but reported.
pub fn write_runs_index(out: &Path) -> Result<RunsIndex, RecordError> {
    let mut rows = Vec::new();
    let mut skipped = Vec::new();
    for scenario in directories(out)? {
        for run in directories(&scenario)? {
            if is_run_name(&run) {
                match row(&run) {
                    Ok(row) => rows.push(row),
                    Err(damage) => skipped.push(damage),
                }
            }
        }
    }
    rows.sort();
    let work = Workplace::open(out, "runs")?;
    let draft = work.path().join("runs.csv");
    let text = csv_text(&rows);
    fs::write(&draft, text).map_err(RecordError::storage("write", &draft))?;
    fs::File::open(&draft)
        .and_then(|file| file.sync_all())
        .map_err(RecordError::storage("write", &draft))?;
    let path = out.join("runs.csv");
    fs::rename(&draft, &path).map_err(RecordError::storage("write", &path))?;
    sync_directory(out)?;
    Ok(RunsIndex {
        path,
        runs: rows.len() as u64,
        skipped,
    })
}

/// Scenario, number, and the row: sorted in this order.
type IndexRow = (String, u64, Vec<String>);

fn row(run: &Path) -> Result<IndexRow, Damage> {
    let manifest = Manifest::of_complete(run)?;
    let file = RunRow::TABLE.file;
    let text = manifest.verified(run, file)?;
    let damage = |what: String| Damage {
        path: run.to_owned(),
        what,
    };
    let mut reader = csv::Reader::from_reader(text.as_slice());
    let header = reader
        .headers()
        .map_err(|error| damage(format!("{file}: {error}")))?;
    if !header
        .iter()
        .eq(RunRow::TABLE.columns.iter().map(|column| column.name))
    {
        return Err(damage(format!(
            "{file} has other columns: it was written by another version of the program"
        )));
    }
    let records: Result<Vec<csv::StringRecord>, _> = reader.records().collect();
    let records = records.map_err(|error| damage(format!("{file}: {error}")))?;
    let [record] = records.as_slice() else {
        return Err(damage(format!(
            "{file} has {} rows instead of one",
            records.len()
        )));
    };
    let cells = record.iter().map(str::to_owned).collect();
    Ok((manifest.scenario, manifest.number, cells))
}

fn csv_text(rows: &[IndexRow]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let header = RunRow::TABLE.columns.iter().map(|column| column.name);
    writer.write_record(header).expect("memory takes every row");
    for (_, _, cells) in rows {
        writer
            .write_record(cells)
            .expect("rows have the header's length");
    }
    writer.into_inner().expect("memory takes every row")
}

/// `<number>-<first characters of the run_id>`; anything else is not ours.
fn is_run_name(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.split_once('-').is_some_and(|(number, id)| {
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) && !id.is_empty()
    })
}

/// The directories of a directory that are not hidden, by name.
fn directories(path: &Path) -> Result<Vec<PathBuf>, RecordError> {
    let entries = fs::read_dir(path).map_err(RecordError::storage("read", path))?;
    let mut found: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter(|entry| !entry.file_name().to_string_lossy().starts_with('.'))
        .map(|entry| entry.path())
        .collect();
    found.sort();
    Ok(found)
}
