//! Reads the files of a data set, once for all points of a sweep that name it.

use super::{DataFilePath, Loaded};
use crate::scenario::encode::{canonical, encode};
use crate::scenario::raw::{RawCifarLabels, RawSource};
use crate::scenario::resolved::hex;
use fedstill_models::files::{
    Cifar100Labels, CsvColumns, DataFile, DataFileError, IdxFiles, NpyFiles, NpzArrays, cifar10,
    cifar100, csv, idx, npy, npz,
};
use fedstill_models::{Dataset, Shape};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// A larger file does not fit into memory beside what it unpacks to.
const LARGEST_FILE_BYTES: u64 = 4_000_000_000;

/// What is wrong with a file or with a key that says what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SourceError {
    /// Below `data.source`.
    pub(crate) key: String,
    pub(crate) found: String,
    pub(crate) expected: String,
    pub(crate) way_out: String,
}

impl SourceError {
    fn new(
        key: &str,
        found: impl Into<String>,
        expected: impl Into<String>,
        way_out: impl Into<String>,
    ) -> Self {
        Self {
            key: key.to_owned(),
            found: found.into(),
            expected: expected.into(),
            way_out: way_out.into(),
        }
    }
}

/// The data sets that were read while scenarios were loaded.
///
/// The runs of a sweep share one in memory; each is read and checked once.
#[derive(Debug, Default)]
pub(crate) struct DataSets {
    read: BTreeMap<String, Result<RawSource, SourceError>>,
}

impl DataSets {
    /// Reads the files of a source, and names them as the resolved scenario will: by their absolute
    /// path and their checksum.
    pub(crate) fn load(
        &mut self,
        source: &mut RawSource,
        folder: &Path,
    ) -> Result<(), SourceError> {
        if source.loaded().is_none() {
            return Ok(());
        }
        let key = format!("{}\n{}", folder.display(), canonical(&encode(source)));
        let read = self
            .read
            .entry(key)
            .or_insert_with(|| read_source(source.clone(), folder));
        *source = read.clone()?;
        Ok(())
    }
}

fn read_source(mut source: RawSource, folder: &Path) -> Result<RawSource, SourceError> {
    complete(&source)?;
    let mut contents: Vec<(String, String, Vec<u8>)> = Vec::new();
    for (key, file) in source.files_mut() {
        let shown = file.file.clone();
        let bytes = read_file(&key, file, folder)?;
        contents.push((key, shown, bytes));
    }
    let dataset = parse(&source, &contents)?;
    if let Some(loaded) = source.loaded_mut() {
        *loaded = Loaded(Some(Arc::new(dataset)));
    }
    Ok(source)
}

/// There is something to learn from, and a test set has both its features and its labels.
fn complete(source: &RawSource) -> Result<(), SourceError> {
    let (features, labels, both) = match source {
        RawSource::Cifar10 { train, .. } | RawSource::Cifar100 { train, .. }
            if train.is_empty() =>
        {
            return Err(SourceError::new(
                "train",
                "`data.source.train` names no file",
                "expected at least one batch of images",
                "name the files to learn from, as in train = [\"data_batch_1.bin\"]",
            ));
        }
        RawSource::Idx {
            test_images,
            test_labels,
            ..
        } => (
            test_images.is_some(),
            test_labels.is_some(),
            ["test_images", "test_labels"],
        ),
        RawSource::Npy {
            test_features,
            test_labels,
            ..
        } => (
            test_features.is_some(),
            test_labels.is_some(),
            ["test_features", "test_labels"],
        ),
        RawSource::Npz {
            test_features,
            test_labels,
            ..
        } => (
            test_features.is_some(),
            test_labels.is_some(),
            ["test_features", "test_labels"],
        ),
        _ => return Ok(()),
    };
    let [there, missing] = match (features, labels) {
        (true, false) => both,
        (false, true) => [both[1], both[0]],
        _ => return Ok(()),
    };
    Err(SourceError::new(
        there,
        format!("`data.source.{there}` is given, but not `{missing}`"),
        "expected both or neither",
        format!("add `{missing}`, or leave `{there}` out to have test samples drawn"),
    ))
}

fn read_file(key: &str, file: &mut DataFilePath, folder: &Path) -> Result<Vec<u8>, SourceError> {
    let path = folder.join(&file.file);
    let shown = path.display();
    let refuse = |found: String, way_out: &str| Err(SourceError::new(key, found, "", way_out));
    let bytes = match fs::metadata(&path) {
        Ok(about) if about.is_dir() => {
            return refuse(format!("`{shown}` is a directory"), "name a file in it");
        }
        Ok(about) if !about.is_file() => {
            return refuse(format!("`{shown}` is no plain file"), "name a file of data");
        }
        Ok(about) if about.len() > LARGEST_FILE_BYTES => {
            return refuse(
                format!("`{shown}` has {} bytes", about.len()),
                "a file of data is at most 4 GB; take fewer samples",
            );
        }
        _ => fs::read(&path),
    };
    let bytes = match bytes {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return refuse(
                format!("there is no file `{shown}`"),
                "paths are relative to the folder of the scenario file",
            );
        }
        Err(error) => {
            return refuse(
                format!("`{shown}` cannot be read: {error}"),
                "check the file and its permissions",
            );
        }
    };
    let found = hex(&Sha256::digest(&bytes));
    if let Some(expected) = &file.sha256
        && !expected.eq_ignore_ascii_case(&found)
    {
        return Err(SourceError::new(
            key,
            format!("`{shown}` has another content than the one asked for"),
            format!("its SHA-256 is {found}, expected {expected}"),
            "bring back the file as it was, or leave out `sha256` to go on with this one: that \
             is another run",
        ));
    }
    file.sha256 = Some(found);
    // Where the run's own folder lies does not matter then.
    if let Ok(absolute) = fs::canonicalize(&path)
        && let Some(absolute) = absolute.to_str()
    {
        file.file = absolute.to_owned();
    }
    Ok(bytes)
}

fn parse(
    source: &RawSource,
    contents: &[(String, String, Vec<u8>)],
) -> Result<Dataset, SourceError> {
    let files = |list: &str| -> Vec<DataFile<'_>> {
        contents
            .iter()
            .filter(|(key, ..)| key == list || key.split('.').next() == Some(list))
            .map(|(_, name, bytes)| DataFile { name, bytes })
            .collect()
    };
    let file = |key: &str| files(key).into_iter().next();
    let both = |first: &str, second: &str| file(first).zip(file(second));
    let needed = |key: &str| {
        file(key).unwrap_or(DataFile {
            name: "",
            bytes: &[],
        })
    };
    let shape = |shape: &Option<String>| match shape {
        None => Ok(None),
        Some(text) => text.parse::<Shape>().map(Some).map_err(|error| {
            SourceError::new(
                "shape",
                error.to_string(),
                "",
                "leave it out where the dimensions of the array say what a sample is",
            )
        }),
    };
    let dataset = match source {
        RawSource::Digits | RawSource::Synthetic { .. } => {
            unreachable!("only sources with files are read")
        }
        RawSource::Idx { .. } => idx(&IdxFiles {
            images: needed("images"),
            labels: needed("labels"),
            test: both("test_images", "test_labels"),
        }),
        RawSource::Cifar10 { .. } => cifar10(&files("train"), &files("test")),
        RawSource::Cifar100 { labels, .. } => {
            let labels = match labels {
                RawCifarLabels::Fine => Cifar100Labels::Fine,
                RawCifarLabels::Coarse => Cifar100Labels::Coarse,
            };
            cifar100(&files("train"), &files("test"), labels)
        }
        RawSource::Npy { shape: asked, .. } => npy(
            &NpyFiles {
                features: needed("features"),
                labels: needed("labels"),
                test: both("test_features", "test_labels"),
            },
            shape(asked)?,
        ),
        RawSource::Npz {
            features,
            labels,
            test_features,
            test_labels,
            shape: asked,
            ..
        } => npz(
            needed("archive"),
            &NpzArrays {
                features,
                labels,
                test: test_features.as_deref().zip(test_labels.as_deref()),
            },
            shape(asked)?,
        ),
        RawSource::Csv {
            label,
            features,
            client,
            shape: asked,
            ..
        } => csv(
            needed("table"),
            file("test_table"),
            &CsvColumns {
                label,
                features: features.as_deref(),
                client: client.as_deref(),
                shape: shape(asked)?,
            },
        ),
    };
    dataset.map_err(|error| {
        let DataFileError {
            file,
            found,
            expected,
            way_out,
        } = error;
        let key = contents
            .iter()
            .find(|(_, name, _)| *name == file)
            .map_or("", |(key, ..)| key.as_str());
        SourceError {
            key: key.to_owned(),
            found,
            expected,
            way_out,
        }
    })
}
