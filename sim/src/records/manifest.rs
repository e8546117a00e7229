//! `manifest.json`: how a run was made, and the checksums by which it is known to be whole.

use super::error::RecordError;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Its file in a run's directory.
pub(super) const MANIFEST: &str = "manifest.json";

/// What the caller knows of the machine and the clock on the wall, neither of which belongs
/// into a table.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Surroundings {
    /// The program's version.
    pub program_version: String,
    /// The processor's features that fast kernels dispatch on.
    pub processor_features: Vec<String>,
    /// Threads that computed.
    pub threads: usize,
    /// Wall-clock figures in seconds, by name.
    pub wall_clock_s: BTreeMap<String, f64>,
}

/// The manifest of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Hash of the resolved scenario with its seeds.
    pub run_id: String,
    /// Name of the scenario.
    pub scenario: String,
    /// Counts the runs of the scenario.
    pub number: u64,
    /// Processor architecture and operating system.
    pub platform: String,
    /// Machine and wall clock.
    #[serde(flatten)]
    pub surroundings: Surroundings,
    /// Every other file of the directory by name.
    pub files: BTreeMap<String, FileSeal>,
}

/// By which a file is known to be whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSeal {
    /// Its length.
    pub bytes: u64,
    /// Its checksum, in hexadecimal digits.
    pub sha256: String,
    /// Rows below the header, of a table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
}

/// A directory that should hold a whole run and does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The directory.
    pub path: PathBuf,
    /// What is wrong with it.
    pub what: String,
}

impl Manifest {
    /// The manifest of a directory whose files are all there with the lengths it tells.
    ///
    /// # Errors
    /// What is missing or differs.
    pub fn of_complete(directory: &Path) -> Result<Self, Damage> {
        let damage = |what: String| Damage {
            path: directory.to_owned(),
            what,
        };
        let text = fs::read(directory.join(MANIFEST))
            .map_err(|error| damage(format!("{MANIFEST} cannot be read: {error}")))?;
        let manifest: Self = serde_json::from_slice(&text)
            .map_err(|error| damage(format!("{MANIFEST} is damaged: {error}")))?;
        for (name, seal) in &manifest.files {
            let length = fs::metadata(directory.join(name))
                .map_err(|error| damage(format!("{name} cannot be read: {error}")))?
                .len();
            if length != seal.bytes {
                let told = seal.bytes;
                return Err(damage(format!(
                    "{name} has {length} bytes instead of {told}"
                )));
            }
        }
        Ok(manifest)
    }

    /// The text of a file of the directory, if its checksum is the one told here.
    ///
    /// # Errors
    /// It cannot be read, or differs.
    pub fn verified(&self, directory: &Path, name: &str) -> Result<Vec<u8>, Damage> {
        let damage = |what: String| Damage {
            path: directory.to_owned(),
            what,
        };
        let text = fs::read(directory.join(name))
            .map_err(|error| damage(format!("{name} cannot be read: {error}")))?;
        let seal = self.files.get(name);
        if seal.is_none_or(|seal| seal.sha256 != hex(&Sha256::digest(&text))) {
            return Err(damage(format!("{name} differs from its checksum")));
        }
        Ok(text)
    }
}

/// A file being written, with its seal.
pub(super) struct SealedFile {
    path: PathBuf,
    file: File,
    digest: Sha256,
    bytes: u64,
}

impl SealedFile {
    /// A new file.
    pub(super) fn create(path: PathBuf) -> Result<Self, RecordError> {
        let file = File::create_new(&path).map_err(RecordError::storage("create", &path))?;
        Ok(Self {
            path,
            file,
            digest: Sha256::new(),
            bytes: 0,
        })
    }

    /// Copies everything there is to read into it.
    pub(super) fn fill(&mut self, mut source: impl Read) -> Result<(), RecordError> {
        io::copy(&mut source, self)
            .map(drop)
            .map_err(RecordError::storage("write", &self.path.clone()))
    }

    /// Waits until it lies on the disk.
    pub(super) fn seal(self, rows: Option<u64>) -> Result<FileSeal, RecordError> {
        self.file
            .sync_all()
            .map_err(RecordError::storage("write", &self.path))?;
        Ok(FileSeal {
            bytes: self.bytes,
            sha256: hex(&self.digest.finalize()),
            rows,
        })
    }
}

impl Write for SealedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.digest.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
