//! That a run directory appears whole or not at all, and what is in it.

use super::*;
use crate::records::runs_index::write_runs_index;
use crate::records::specimen;
use std::fs::File;
use std::io;

/// Books with all that goes into their directory.
struct Made {
    books: RunBooks,
    measures: Measures,
    surroundings: Surroundings,
    inputs: Vec<Input>,
    trace: bool,
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
            trace: false,
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
            trace: self.trace,
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
    let mut made = Made::new(specimen::synchronous());
    made.inputs.push(Input {
        path: "inputs/sites/clinics.csv".to_owned(),
        content: "name
a
"
        .into(),
    });
    let path = made.write(out.path(), Existing::Keep).unwrap();
    assert_eq!(path, out.path().join("specimen/3-01234567"));
    let expected = [
        "aggregators.csv",
        "clients.csv",
        "datapackage.json",
        "evaluations.csv",
        "factors.csv",
        "fairness.csv",
        "inputs",
        "kpis.csv",
        "links.csv",
        "manifest.json",
        "participations.csv",
        "partition.csv",
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
    let error = error.unwrap_err();
    let message = error.to_string();
    assert!(
        message.contains("another run, 0123456700000000"),
        "{message}"
    );
    let way_out = error.way_out().expect("there is one");
    assert!(way_out.contains("--out"), "{way_out}");
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
        let way_out = error.way_out().expect("there is one");
        assert!(way_out.contains("a file is in the way"), "{way_out}");
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
    let error = RecordError::storage("write", Path::new("/out/x.csv"))(source);
    let message = format!("{error} {}", error.way_out().unwrap_or_default());
    assert!(
        message.starts_with("cannot write `/out/x.csv`: No space left"),
        "{message}"
    );
    assert!(message.contains("free some space"), "{message}");
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

#[test]
fn a_trace_is_two_more_files_and_one_more_table() {
    let out = tempfile::tempdir().unwrap();
    let mut made = Made::new(specimen::synchronous());
    let plain = names(&made.write(out.path(), Existing::Keep).unwrap());
    made.trace = true;
    let path = made.write(out.path(), Existing::Replace).unwrap();
    let mut expected = plain;
    expected.extend(["events.csv".to_owned(), "trace.json".to_owned()]);
    expected.sort();
    assert_eq!(names(&path), expected);
    assert!(has_trace(&path));
    let manifest = Manifest::of_complete(&path).unwrap();
    assert!(
        manifest.files["events.csv"]
            .rows
            .is_some_and(|rows| rows > 8)
    );
    let package = fs::read_to_string(path.join("datapackage.json")).unwrap();
    assert!(package.contains("events.csv"));
}

#[test]
fn a_run_taken_away_and_not_yet_replaced_gets_its_name_back() {
    let out = tempfile::tempdir().unwrap();
    let made = Made::new(specimen::synchronous());
    let path = made.write(out.path(), Existing::Keep).unwrap();
    // Killed between taking the old run away and naming the new one.
    let dead = path.with_file_name(".3-01234567.77.1.partial");
    fs::create_dir(&dead).unwrap();
    fs::write(dead.join(".lock"), "").unwrap();
    fs::rename(&path, dead.join("old")).unwrap();
    prepare_output(out.path()).unwrap();
    assert!(Manifest::of_complete(&path).is_ok());
    assert!(!dead.exists());
    // Where the new one stands the old one goes.
    fs::create_dir(&dead).unwrap();
    fs::write(dead.join(".lock"), "").unwrap();
    let other = out.path().join("other");
    fs::create_dir(&other).unwrap();
    fs::rename(
        made.write(&other, Existing::Keep).unwrap(),
        dead.join("old"),
    )
    .unwrap();
    prepare_output(out.path()).unwrap();
    assert!(Manifest::of_complete(&path).is_ok() && !dead.exists());
}
