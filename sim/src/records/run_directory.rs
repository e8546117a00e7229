//! The directory of a run: written beside its name, and given the name when it is whole.

use super::books::{RunBooks, RunIdentity};
use super::data_package::{DATA_PACKAGE, data_package};
use super::error::RecordError;
use super::manifest::{MANIFEST, Manifest, SealedFile, Surroundings};
use super::network_books::NetworkBooks;
use super::table::{Table, TableError};
use super::tables::{EVENTS, NETWORK_EVENTS, NETWORK_TABLES, TABLES};
use super::trace::{TRACE, write_federation, write_network};
use super::workplace::{Workplace, remove_leftovers};
use crate::measures::Measures;
use crate::scenario::Input;
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// How many characters of a run_id stand in the name of its directory.
const SHORT: usize = 8;

/// Where a directory lies while the one that replaces it is named.
const ATTIC: &str = "old";

/// What to do with a complete directory of the same run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and nothing is written.
    Keep,
    /// It is replaced when the new one is whole.
    Replace,
}

/// What goes into a run's directory.
#[derive(Debug, Clone, Copy)]
pub struct RunRecords<'a> {
    /// The run's books.
    pub books: &'a RunBooks,
    /// What was measured over them.
    pub measures: &'a Measures,
    /// The resolved scenario, as TOML.
    pub scenario_toml: &'a str,
    /// The files that it reads.
    pub inputs: &'a [Input],
    /// Machine and wall clock.
    pub surroundings: &'a Surroundings,
    /// Whether to write `trace.json` and `events.csv` too.
    pub trace: bool,
}

/// What goes into the directory of a run of bare transfers.
#[derive(Debug, Clone, Copy)]
pub struct NetworkRecords<'a> {
    /// The run's books.
    pub books: &'a NetworkBooks,
    /// The resolved scenario, as TOML.
    pub scenario_toml: &'a str,
    /// The files that it reads.
    pub inputs: &'a [Input],
    /// Machine and wall clock.
    pub surroundings: &'a Surroundings,
    /// Whether to write `trace.json` and `events.csv` too.
    pub trace: bool,
}

/// Writes the rows of one table.
type WriteTable<'a> = Box<dyn Fn(&mut dyn Write) -> Result<u64, TableError> + 'a>;

/// Writes a file that is no table.
type WriteFile<'a> = Box<dyn Fn(&mut dyn Write) -> io::Result<()> + 'a>;

/// The contents of a directory, whatever was simulated.
struct Contents<'a> {
    identity: &'a RunIdentity,
    tables: Vec<(Table, WriteTable<'a>)>,
    trace: Option<WriteFile<'a>>,
    scenario_toml: &'a str,
    inputs: &'a [Input],
    surroundings: &'a Surroundings,
}

/// Where a run's directory stands below `out`.
#[must_use]
pub fn run_directory(out: &Path, identity: &RunIdentity) -> PathBuf {
    let name = directory_name(identity.number, &identity.run_id);
    out.join(&identity.scenario).join(name)
}

fn directory_name(number: u64, run_id: &str) -> String {
    format!("{number}-{}", short(run_id))
}

fn short(run_id: &str) -> &str {
    run_id.get(..SHORT).unwrap_or(run_id)
}

/// Makes sure that runs can be written below `out`, and removes what killed runs left there.
///
/// # Errors
/// It is no directory, or nothing can be written into it.
pub fn prepare_output(out: &Path) -> Result<(), RecordError> {
    fs::create_dir_all(out).map_err(RecordError::storage("create", out))?;
    remove_leftovers(out, &rescue);
    let entries = fs::read_dir(out).map_err(RecordError::storage("read", out))?;
    for entry in entries.filter_map(Result::ok) {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_leftovers(&entry.path(), &rescue);
        }
    }
    Workplace::open(out, "probe").map(drop)
}

/// Gives a complete run back its name, where its replacement was killed between taking it away
/// and naming the new one.
fn rescue(left: &Path) {
    let old = left.join(ATTIC);
    let (Ok(manifest), Some(parent)) = (Manifest::of_complete(&old), left.parent()) else {
        return;
    };
    let place = parent.join(directory_name(manifest.number, &manifest.run_id));
    if !place.exists() {
        // Where it cannot be named it is as lost as it was.
        let _ = fs::rename(&old, &place);
    }
}

/// The complete directory of a run, whatever its number, if there is one.
#[must_use]
pub fn find_complete(out: &Path, scenario: &str, run_id: &str) -> Option<PathBuf> {
    let ending = format!("-{}", short(run_id));
    let entries = fs::read_dir(out.join(scenario)).ok()?;
    let mut found: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.ends_with(&ending) && !name.starts_with('.')
        })
        .filter(|path| Manifest::of_complete(path).is_ok_and(|found| found.run_id == run_id))
        .collect();
    found.sort();
    found.into_iter().next()
}

/// Whether a complete directory of a run holds its trace.
#[must_use]
pub fn has_trace(directory: &Path) -> bool {
    Manifest::of_complete(directory).is_ok_and(|manifest| manifest.files.contains_key(TRACE))
}

/// Writes a run's directory, whole or not at all, and answers with its path.
///
/// A complete directory of the same run is kept or replaced as asked; one that is damaged
/// is replaced. Between taking an old directory away and naming the new one nothing stands
/// under the name.
///
/// # Errors
/// The file system refuses, another run stands under the name, or a table would hold a
/// number that is not finite.
pub fn write_run(
    out: &Path,
    records: &RunRecords<'_>,
    existing: Existing,
) -> Result<PathBuf, RecordError> {
    let (books, measures) = (records.books, records.measures);
    let table = |written: &'static super::tables::WrittenTable| -> (Table, WriteTable<'_>) {
        let write = move |writer: &mut dyn Write| written.write(books, measures, writer);
        (written.table, Box::new(write))
    };
    let events = records.trace.then_some(&EVENTS);
    let trace: WriteFile<'_> = Box::new(|writer| write_federation(books, writer));
    let contents = Contents {
        identity: &books.identity,
        tables: TABLES.iter().chain(events).map(table).collect(),
        trace: records.trace.then_some(trace),
        scenario_toml: records.scenario_toml,
        inputs: records.inputs,
        surroundings: records.surroundings,
    };
    publish(out, &contents, existing)
}

/// Like [`write_run`], of a run of bare transfers.
///
/// # Errors
/// Those of [`write_run`].
pub fn write_network_run(
    out: &Path,
    records: &NetworkRecords<'_>,
    existing: Existing,
) -> Result<PathBuf, RecordError> {
    let books = records.books;
    let table = |written: &'static super::tables::WrittenNetworkTable| -> (Table, WriteTable<'_>) {
        let write = move |writer: &mut dyn Write| written.write(books, writer);
        (written.table, Box::new(write))
    };
    let events = records.trace.then_some(&NETWORK_EVENTS);
    let trace: WriteFile<'_> = Box::new(|writer| write_network(books, writer));
    let contents = Contents {
        identity: &books.identity,
        tables: NETWORK_TABLES
            .iter()
            .filter(|written| written.is_in(books))
            .chain(events)
            .map(table)
            .collect(),
        trace: records.trace.then_some(trace),
        scenario_toml: records.scenario_toml,
        inputs: records.inputs,
        surroundings: records.surroundings,
    };
    publish(out, &contents, existing)
}

fn publish(out: &Path, records: &Contents<'_>, existing: Existing) -> Result<PathBuf, RecordError> {
    let identity = records.identity;
    let complete = find_complete(out, &identity.scenario, &identity.run_id);
    if let (Existing::Keep, Some(complete)) = (existing, &complete) {
        return Ok(complete.clone());
    }
    let place = run_directory(out, identity);
    let parent = out.join(&identity.scenario);
    if let Ok(other) = Manifest::of_complete(&place)
        && other.run_id != identity.run_id
    {
        return Err(RecordError::OtherRun {
            path: place,
            found: other.run_id,
        });
    }
    fs::create_dir_all(&parent).map_err(RecordError::storage("create", &parent))?;
    let name = place
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let work = Workplace::open(&parent, &name)?;
    fill(work.path(), records)?;

    // What was there before stands in the attic until the new one stands.
    let mut attic = Vec::new();
    for old in complete
        .into_iter()
        .filter(|old| *old != place)
        .chain([place.clone()])
    {
        if old.is_dir() {
            let room = Workplace::open(&parent, &name)?;
            let kept = room.path().join(ATTIC);
            fs::rename(&old, &kept).map_err(RecordError::storage("replace", &old))?;
            attic.push((room, kept, old));
        }
    }
    let published = work.publish(&place);
    if published.is_err() {
        for (_, kept, old) in &attic {
            // Another process may have put its own there meanwhile.
            let _ = fs::rename(kept, old);
        }
    }
    match published {
        Ok(()) => Ok(place),
        // Another process was faster; the same run has the same tables.
        Err(error) => find_complete(out, &identity.scenario, &identity.run_id).ok_or(error),
    }
}

/// Writes every file; the manifest, which vouches for the others, comes last.
fn fill(directory: &Path, records: &Contents<'_>) -> Result<(), RecordError> {
    let identity = records.identity;
    let mut seals = BTreeMap::new();
    for (table, write) in &records.tables {
        let path = directory.join(table.file);
        let mut file = SealedFile::create(path.clone())?;
        let rows = write(&mut file).map_err(|error| match error {
            TableError::Write(source) => RecordError::storage("write", &path)(source),
            source @ TableError::NotFinite { .. } => RecordError::NotFinite {
                run_id: identity.run_id.clone(),
                source,
            },
        })?;
        seals.insert(table.file.to_owned(), file.seal(Some(rows))?);
    }
    if let Some(write) = &records.trace {
        let path = directory.join(TRACE);
        let mut file = SealedFile::create(path.clone())?;
        write(&mut BufWriter::new(&mut file)).map_err(RecordError::storage("write", &path))?;
        seals.insert(TRACE.to_owned(), file.seal(None)?);
    }
    let mut add = |name: &str, content: &[u8]| {
        let mut file = SealedFile::create(directory.join(name))?;
        file.fill(content)?;
        seals.insert(name.to_owned(), file.seal(None)?);
        Ok(())
    };
    add("scenario.toml", records.scenario_toml.as_bytes())?;
    let tables: Vec<Table> = records.tables.iter().map(|(table, _)| *table).collect();
    let package = data_package(&identity.run_id, &identity.scenario, &tables, &seals);
    let mut file = SealedFile::create(directory.join(DATA_PACKAGE))?;
    file.fill(package.as_slice())?;
    seals.insert(DATA_PACKAGE.to_owned(), file.seal(None)?);
    for input in records.inputs {
        let path = directory.join(&input.path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(RecordError::storage("create", parent))?;
        }
        let mut file = SealedFile::create(path)?;
        file.fill(input.content.as_bytes())?;
        seals.insert(input.path.clone(), file.seal(None)?);
    }
    let manifest = Manifest {
        run_id: identity.run_id.clone(),
        scenario: identity.scenario.clone(),
        number: identity.number,
        platform: format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
        surroundings: records.surroundings.clone(),
        files: seals,
    };
    let mut json = serde_json::to_vec_pretty(&manifest).expect("text and numbers become JSON");
    json.push(b'\n');
    let mut file = SealedFile::create(directory.join(MANIFEST))?;
    file.fill(json.as_slice())?;
    file.seal(None).map(drop)
}

#[cfg(test)]
mod tests;
