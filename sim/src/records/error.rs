//! Why the records of a run could not be written.

use super::table::TableError;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why the records of a run could not be written. Whatever the reason, no half run directory
/// stands under its final name.
#[derive(Debug)]
pub enum RecordError {
    /// The file system refused.
    Storage {
        /// What was tried, as in "cannot write".
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// A table holds a number that is not finite: an error of the program, not of its user.
    NotFinite {
        /// The run.
        run_id: String,
        /// Which number.
        source: TableError,
    },
    /// The final name is taken by another run.
    OtherRun {
        /// The directory.
        path: PathBuf,
        /// The run in it.
        found: String,
    },
}

impl RecordError {
    /// For `map_err`: what was tried on which path.
    pub(super) fn storage(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Storage {
            doing,
            path: path.to_owned(),
            source,
        }
    }

    /// What the user can do about it.
    #[must_use]
    pub fn way_out(&self) -> Option<&'static str> {
        match self {
            Self::Storage { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Some(
                    "the disk is full: free some space or choose another place with --out, then run again; \
                     complete runs are kept, and no half run was left behind",
                ),
                io::ErrorKind::PermissionDenied => {
                    Some("you may not write there: choose another place with --out")
                }
                io::ErrorKind::ReadOnlyFilesystem => {
                    Some("that disk is read-only: choose another place with --out")
                }
                io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
                    Some("a file is in the way: move it, or choose another place with --out")
                }
                _ => Some("choose another place with --out"),
            },
            Self::NotFinite { .. } => Some(
                "please report this with the scenario and its seed: running it again repeats it",
            ),
            Self::OtherRun { .. } => {
                Some("move that directory away, or choose another place with --out")
            }
        }
    }
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Storage {
                doing,
                path,
                source,
            } => {
                write!(f, "cannot {doing} `{}`: {source}", path.display())
            }
            Self::NotFinite { run_id, source } => write!(f, "{source} (run {run_id})"),
            Self::OtherRun { path, found } => {
                write!(f, "`{}` already holds another run, {found}", path.display())
            }
        }
    }
}

impl std::error::Error for RecordError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Storage { source, .. } => Some(source),
            Self::NotFinite { source, .. } => Some(source),
            Self::OtherRun { .. } => None,
        }
    }
}
