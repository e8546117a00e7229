//! Files of data: how they are named, read once, and known again by their content.

mod file;
mod load;

pub use file::DataFilePath;
pub(crate) use load::{DataSets, SourceError};

use fedstill_models::Dataset;
use std::fmt;
use std::sync::Arc;

/// The data set that files hold, shared by all runs that name them; empty until they are read.
#[derive(Clone, Default)]
pub struct Loaded(Option<Arc<Dataset>>);

impl Loaded {
    /// The data set, once its files are read.
    #[must_use]
    pub fn dataset(&self) -> Option<&Arc<Dataset>> {
        self.0.as_ref()
    }
}

/// Files are compared by their checksums, which stand beside this.
impl PartialEq for Loaded {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl fmt::Debug for Loaded {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            None => out.write_str("not read"),
            Some(dataset) => write!(out, "{} samples", dataset.len()),
        }
    }
}
