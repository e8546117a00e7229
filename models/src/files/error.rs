//! What is wrong with a file of data.

use std::fmt;

/// A file that holds no data set: what was found, what was expected, and a way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataFileError {
    /// Name of the file, as it was given.
    pub file: String,
    /// What was found, in one line that names the file.
    pub found: String,
    /// What was expected; may be empty.
    pub expected: String,
    /// What the user can do.
    pub way_out: String,
}

impl fmt::Display for DataFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.found)?;
        for part in [&self.expected, &self.way_out] {
            if !part.is_empty() {
                write!(f, "; {part}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for DataFileError {}

/// As a `Result`, since that is what every caller returns.
pub(super) fn refuse<T>(
    file: &str,
    found: impl Into<String>,
    expected: impl Into<String>,
    way_out: impl Into<String>,
) -> Result<T, DataFileError> {
    Err(DataFileError {
        file: file.to_owned(),
        found: found.into(),
        expected: expected.into(),
        way_out: way_out.into(),
    })
}
