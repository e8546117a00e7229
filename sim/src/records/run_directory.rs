//! The directory of a run: written beside its name, and given the name when it is whole.

use super::books::{RunBooks, RunIdentity};
use super::data_package::{DATA_PACKAGE, data_package};
use super::error::RecordError;
use super::manifest::{MANIFEST, Manifest, SealedFile, Surroundings};
use super::table::TableError;
use super::tables::TABLES;
use super::workplace::{Workplace, remove_leftovers};
use crate::measures::Measures;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Component, Path, PathBuf};

/// How many characters of a run_id stand in the name of its directory.
const SHORT: usize = 8;

/// A file that the scenario reads, kept with the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputFile {
    /// Where it lies.
    pub source: PathBuf,
    /// Its path below `inputs`.
    pub name: PathBuf,
}

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
    pub inputs: &'a [InputFile],
    /// Machine and wall clock.
    pub surroundings: &'a Surroundings,
}

/// Where a run's directory stands below `out`.
#[must_use]
pub fn run_directory(out: &Path, identity: &RunIdentity) -> PathBuf {
    let name = format!("{}-{}", identity.number, short(&identity.run_id));
    out.join(&identity.scenario).join(name)
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
    remove_leftovers(out);
    let entries = fs::read_dir(out).map_err(RecordError::storage("read", out))?;
    for entry in entries.filter_map(Result::ok) {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_leftovers(&entry.path());
        }
    }
    Workplace::open(out, "probe").map(drop)
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
    let identity = &records.books.identity;
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
            let kept = room.path().join("old");
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
fn fill(directory: &Path, records: &RunRecords<'_>) -> Result<(), RecordError> {
    let identity = &records.books.identity;
    let mut seals = BTreeMap::new();
    for written in TABLES {
        let path = directory.join(written.table.file);
        let mut file = SealedFile::create(path.clone())?;
        let rows = written
            .write(records.books, records.measures, &mut file)
            .map_err(|error| match error {
                TableError::Write(source) => RecordError::storage("write", &path)(source),
                source @ TableError::NotFinite { .. } => RecordError::NotFinite {
                    run_id: identity.run_id.clone(),
                    source,
                },
            })?;
        seals.insert(written.table.file.to_owned(), file.seal(Some(rows))?);
    }
    let mut add = |name: &str, content: &[u8]| {
        let mut file = SealedFile::create(directory.join(name))?;
        file.fill(content)?;
        seals.insert(name.to_owned(), file.seal(None)?);
        Ok(())
    };
    add("scenario.toml", records.scenario_toml.as_bytes())?;
    let package = data_package(&identity.run_id, &identity.scenario, &seals);
    let mut file = SealedFile::create(directory.join(DATA_PACKAGE))?;
    file.fill(package.as_slice())?;
    seals.insert(DATA_PACKAGE.to_owned(), file.seal(None)?);
    for input in records.inputs {
        let (name, path) = input_place(directory, &input.name)?;
        let source =
            File::open(&input.source).map_err(RecordError::storage("read", &input.source))?;
        let mut file = SealedFile::create(path)?;
        file.fill(source)?;
        seals.insert(name, file.seal(None)?);
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

/// The name in the manifest and the path of an input, its directories made.
fn input_place(directory: &Path, name: &Path) -> Result<(String, PathBuf), RecordError> {
    let plain = name
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    if !plain || name.as_os_str().is_empty() {
        return Err(RecordError::InputName(name.to_owned()));
    }
    let relative = Path::new("inputs").join(name);
    let path = directory.join(&relative);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(RecordError::storage("create", parent))?;
    }
    Ok((relative.to_string_lossy().replace('\\', "/"), path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::runs_index::write_runs_index;
    use crate::records::specimen;
    use std::io;

    /// Books with all that goes into their directory.
    struct Made {
        books: RunBooks,
        measures: Measures,
        surroundings: Surroundings,
        inputs: Vec<InputFile>,
    }

    impl Made {
        fn new(books: RunBooks) -> Self {
            Self {
                measures: Measures::of(&books),
                books,
                surroundings: Surroundings {
                    program_version: "0.1.0".to_owned(),
                    threads: 2,
                    wall_clock_s: BTreeMap::from([("run".to_owned(), 1.5)]),
                    ..Surroundings::default()
                },
                inputs: Vec::new(),
            }
        }

        fn numbered(number: u64, run_id: &str) -> Self {
            let mut books = specimen::synchronous();
            books.identity.number = number;
            books.identity.run_id = run_id.to_owned();
            Self::new(books)
        }

        fn write(&self, out: &Path, existing: Existing) -> Result<PathBuf, RecordError> {
            let records = RunRecords {
                books: &self.books,
                measures: &self.measures,
                scenario_toml: "name = \"specimen\"\n",
                inputs: &self.inputs,
                surroundings: &self.surroundings,
            };
            write_run(out, &records, existing)
        }
    }

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_run_has_its_tables_its_scenario_its_inputs_and_two_descriptions() {
        let out = tempfile::tempdir().unwrap();
        let source = out.path().join("clinics.csv");
        fs::write(&source, "name\na\n").unwrap();
        let mut made = Made::new(specimen::synchronous());
        made.inputs.push(InputFile {
            source,
            name: PathBuf::from("sites/clinics.csv"),
        });
        let path = made.write(out.path(), Existing::Keep).unwrap();
        assert_eq!(path, out.path().join("specimen/3-01234567"));
        let expected = [
            "clients.csv",
            "datapackage.json",
            "evaluations.csv",
            "factors.csv",
            "fairness.csv",
            "inputs",
            "kpis.csv",
            "manifest.json",
            "participations.csv",
            "runs.csv",
            "scenario.toml",
            "transfers.csv",
            "versions.csv",
        ];
        assert_eq!(names(&path), expected);
        assert_eq!(
            fs::read_to_string(path.join("inputs/sites/clinics.csv")).unwrap(),
            "name\na\n"
        );
        assert_eq!(names(&out.path().join("specimen")), ["3-01234567"]);
        let manifest = Manifest::of_complete(&path).unwrap();
        let seal = &manifest.files["scenario.toml"];
        assert_eq!(seal.bytes, 18);
        // From sha256sum.
        let sum = "6f78683ce07d8e4b91cef9e025a863573e3ff7bab9e4a0b82f60abac7befbc62";
        assert_eq!(seal.sha256, sum);
        assert_eq!(manifest.files["runs.csv"].rows, Some(1));
        assert_eq!(manifest.files["participations.csv"].rows, Some(8));
        assert_eq!(manifest.surroundings, made.surroundings);
    }

    #[test]
    fn the_data_package_describes_the_files_as_they_are() {
        let out = tempfile::tempdir().unwrap();
        let path = Made::new(specimen::synchronous())
            .write(out.path(), Existing::Keep)
            .unwrap();
        let text = fs::read(path.join("datapackage.json")).unwrap();
        let package: serde_json::Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(package["profile"], "tabular-data-package");
        let resources = package["resources"].as_array().unwrap();
        let on_disk = names(&path)
            .into_iter()
            .filter(|name| name.ends_with(".csv"))
            .count();
        assert_eq!(resources.len(), on_disk);
        for resource in resources {
            let bytes = fs::read(path.join(resource["path"].as_str().unwrap())).unwrap();
            assert_eq!(resource["bytes"], bytes.len());
            let schema = &resource["schema"];
            let fields = schema["fields"].as_array().unwrap();
            let mut reader = csv::Reader::from_reader(bytes.as_slice());
            let header: Vec<String> = reader
                .headers()
                .unwrap()
                .iter()
                .map(str::to_owned)
                .collect();
            let named: Vec<&str> = fields
                .iter()
                .map(|field| field["name"].as_str().unwrap())
                .collect();
            assert_eq!(header, named);
            for record in reader.records() {
                for (cell, field) in record.unwrap().iter().zip(fields) {
                    let fits = match field["type"].as_str().unwrap() {
                        _ if cell.is_empty() => field["constraints"]["required"] == false,
                        "string" => true,
                        "integer" => cell.parse::<i128>().is_ok(),
                        "number" => cell.parse::<f64>().is_ok_and(f64::is_finite),
                        "boolean" => ["true", "false"].contains(&cell),
                        _ => false,
                    };
                    assert!(fits, "{} `{cell}`", field["name"]);
                }
            }
            assert_eq!(schema["missingValues"], serde_json::json!([""]));
            assert!(
                schema["primaryKey"]
                    .as_array()
                    .unwrap()
                    .contains(&"run_id".into())
            );
            for key in schema["foreignKeys"].as_array().unwrap() {
                let other = &key["reference"]["resource"];
                assert!(resources.iter().any(|resource| resource["name"] == *other));
            }
        }
    }

    #[test]
    fn the_same_books_give_the_same_tables() {
        let out = tempfile::tempdir().unwrap();
        let made = Made::new(specimen::asynchronous());
        let first = made.write(&out.path().join("a"), Existing::Keep).unwrap();
        let second = made.write(&out.path().join("b"), Existing::Keep).unwrap();
        let seals = |path| Manifest::of_complete(path).unwrap().files;
        assert_eq!(seals(&first), seals(&second));
    }

    #[test]
    fn a_complete_run_is_recognised_by_its_id_whatever_its_number() {
        let out = tempfile::tempdir().unwrap();
        let old = Made::numbered(3, "0123456789abcdef")
            .write(out.path(), Existing::Keep)
            .unwrap();
        let moved = Made::numbered(5, "0123456789abcdef");
        assert_eq!(
            find_complete(out.path(), "specimen", "0123456789abcdef"),
            Some(old.clone())
        );
        assert_eq!(
            find_complete(out.path(), "specimen", "01234567ffffffff"),
            None
        );
        assert_eq!(find_complete(out.path(), "other", "0123456789abcdef"), None);
        assert_eq!(moved.write(out.path(), Existing::Keep).unwrap(), old);
        let new = moved.write(out.path(), Existing::Replace).unwrap();
        assert_eq!(new, out.path().join("specimen/5-01234567"));
        assert_eq!(names(&out.path().join("specimen")), ["5-01234567"]);
    }

    #[test]
    fn force_replaces_a_run_and_leaves_nothing_else_behind() {
        let out = tempfile::tempdir().unwrap();
        let mut made = Made::new(specimen::synchronous());
        let path = made.write(out.path(), Existing::Keep).unwrap();
        fs::write(path.join("note.txt"), "mine").unwrap();
        made.surroundings.threads = 7;
        made.write(out.path(), Existing::Keep).unwrap();
        assert_eq!(
            Manifest::of_complete(&path).unwrap().surroundings.threads,
            2
        );
        made.write(out.path(), Existing::Replace).unwrap();
        assert_eq!(
            Manifest::of_complete(&path).unwrap().surroundings.threads,
            7
        );
        assert!(!path.join("note.txt").exists());
        assert_eq!(names(&out.path().join("specimen")), ["3-01234567"]);
    }

    #[test]
    fn a_damaged_run_is_no_complete_one_and_is_replaced() {
        let out = tempfile::tempdir().unwrap();
        let made = Made::new(specimen::synchronous());
        let path = made.write(out.path(), Existing::Keep).unwrap();
        fs::write(path.join("transfers.csv"), "run_id\n").unwrap();
        assert_eq!(
            find_complete(out.path(), "specimen", "0123456789abcdef"),
            None
        );
        made.write(out.path(), Existing::Keep).unwrap();
        assert!(Manifest::of_complete(&path).is_ok());
    }

    #[test]
    fn another_run_under_the_same_name_is_not_touched() {
        let out = tempfile::tempdir().unwrap();
        Made::numbered(3, "0123456700000000")
            .write(out.path(), Existing::Keep)
            .unwrap();
        let error = Made::numbered(3, "01234567ffffffff").write(out.path(), Existing::Replace);
        let message = error.unwrap_err().to_string();
        assert!(
            message.contains("another run, 0123456700000000"),
            "{message}"
        );
        assert!(message.contains("--out"), "{message}");
    }

    #[test]
    fn a_number_that_is_not_finite_leaves_no_directory() {
        let out = tempfile::tempdir().unwrap();
        let mut books = specimen::synchronous();
        books.accounts.participations[1].energy_joules = f64::NAN;
        let message = Made::new(books)
            .write(out.path(), Existing::Keep)
            .unwrap_err()
            .to_string();
        for part in [
            "row 2 of table participations",
            "energy_joules",
            "0123456789abcdef",
        ] {
            assert!(message.contains(part), "{message}");
        }
        assert!(names(&out.path().join("specimen")).is_empty());
    }

    #[test]
    fn a_file_in_the_way_is_named_with_a_way_out() {
        let out = tempfile::tempdir().unwrap();
        let file = out.path().join("results");
        fs::write(&file, "").unwrap();
        let made = Made::new(specimen::synchronous());
        for error in [
            prepare_output(&file).unwrap_err(),
            prepare_output(&file.join("below")).unwrap_err(),
            made.write(&file, Existing::Keep).unwrap_err(),
        ] {
            let message = error.to_string();
            assert!(message.contains(&*file.to_string_lossy()), "{message}");
            assert!(message.contains("a file is in the way"), "{message}");
        }
        fs::create_dir(out.path().join("specimen")).unwrap();
        fs::write(out.path().join("specimen/3-01234567"), "").unwrap();
        let message = made
            .write(out.path(), Existing::Keep)
            .unwrap_err()
            .to_string();
        assert!(message.contains("3-01234567"), "{message}");
        assert_eq!(names(&out.path().join("specimen")), ["3-01234567"]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_says_so() {
        let mut full = File::options().write(true).open("/dev/full").unwrap();
        let books = specimen::synchronous();
        let measures = Measures::of(&books);
        let Err(TableError::Write(source)) = TABLES[3].write(&books, &measures, &mut full) else {
            panic!("a full disk takes nothing");
        };
        assert_eq!(source.kind(), io::ErrorKind::StorageFull);
        let message = RecordError::storage("write", Path::new("/out/x.csv"))(source).to_string();
        assert!(
            message.starts_with("cannot write `/out/x.csv`: No space left"),
            "{message}"
        );
        assert!(message.contains("free some space"), "{message}");
    }

    #[test]
    fn an_input_cannot_leave_its_directory() {
        let out = tempfile::tempdir().unwrap();
        let mut made = Made::new(specimen::synchronous());
        for name in ["../x.csv", "/x.csv", ""] {
            made.inputs = vec![InputFile {
                source: PathBuf::from("/dev/null"),
                name: PathBuf::from(name),
            }];
            let error = made.write(out.path(), Existing::Keep).unwrap_err();
            assert!(matches!(error, RecordError::InputName(_)), "{error}");
        }
    }

    #[test]
    fn a_missing_input_is_named() {
        let out = tempfile::tempdir().unwrap();
        let mut made = Made::new(specimen::synchronous());
        made.inputs = vec![InputFile {
            source: out.path().join("gone.csv"),
            name: PathBuf::from("gone.csv"),
        }];
        let message = made
            .write(out.path(), Existing::Keep)
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("cannot read") && message.contains("gone.csv"),
            "{message}"
        );
        assert!(names(&out.path().join("specimen")).is_empty());
    }

    #[test]
    fn the_index_has_the_rows_of_all_whole_runs_in_order_and_tells_the_damaged() {
        let out = tempfile::tempdir().unwrap();
        prepare_output(out.path()).unwrap();
        for (number, id) in [
            (10, "aaaaaaaa00"),
            (2, "bbbbbbbb00"),
            (7, "cccccccc00"),
            (1, "ffffffff00"),
        ] {
            Made::numbered(number, id)
                .write(out.path(), Existing::Keep)
                .unwrap();
        }
        let runs = out.path().join("specimen");
        // Same length, other content; a run without a manifest; a killed one; something of the user's.
        let text = fs::read_to_string(runs.join("7-cccccccc/runs.csv")).unwrap();
        fs::write(
            runs.join("7-cccccccc/runs.csv"),
            text.replace("completed", "c0mpleted"),
        )
        .unwrap();
        fs::create_dir(runs.join("8-dddddddd")).unwrap();
        fs::create_dir(runs.join(".9-eeeeeeee.1.0.partial")).unwrap();
        fs::create_dir(runs.join("figures")).unwrap();
        for _ in 0..2 {
            let index = write_runs_index(out.path()).unwrap();
            assert_eq!(index.runs, 3);
            let mut reader = csv::Reader::from_path(&index.path).unwrap();
            let ids: Vec<String> = reader
                .records()
                .map(|row| row.unwrap()[0].to_owned())
                .collect();
            assert_eq!(ids, ["ffffffff00", "bbbbbbbb00", "aaaaaaaa00"]);
            let skipped: Vec<&str> = index
                .skipped
                .iter()
                .map(|damage| damage.path.file_name().unwrap().to_str().unwrap())
                .collect();
            assert_eq!(skipped, ["7-cccccccc", "8-dddddddd"]);
            assert!(
                index.skipped[0].what.contains("checksum"),
                "{:?}",
                index.skipped[0]
            );
        }
        assert_eq!(names(out.path()), ["runs.csv", "specimen"]);
        let one = fs::read_to_string(runs.join("1-ffffffff/runs.csv")).unwrap();
        let all = fs::read_to_string(out.path().join("runs.csv")).unwrap();
        assert!(all.starts_with(&one));
    }
}
