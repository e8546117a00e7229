//! Data sets in files of the user's own: one file a format, all from bytes.
//!
//! Nothing here trusts a header: sizes are compared with the bytes that are there before anything
//! is allocated for them, and every refusal says what was found, what was expected and a way out.

mod cifar;
mod csv_table;
mod error;
mod idx;
mod input;
mod labels;
mod npy;
mod npz;
mod scalar;
mod tensor;

pub use cifar::{Cifar100Labels, cifar10, cifar100};
pub use csv_table::{CsvColumns, csv};
pub use error::DataFileError;
pub use idx::{IdxFiles, idx};
pub use input::DataFile;
pub use npy::{NpyFiles, npy};
pub use npz::{NpzArrays, npz};
