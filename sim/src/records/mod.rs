//! What a run leaves behind: its books, the tables made from them, and the directory they lie in.
//!
//! The files are the contract with whoever reads them; `docs/tables.md` states it.

mod books;
mod data_package;
mod error;
mod manifest;
mod names;
mod run_directory;
mod runs_index;
#[cfg(test)]
pub(crate) mod specimen;
mod summary;
mod table;
mod tables;
mod tables_page;
mod workplace;

pub use books::{
    Benefit, ClientRecord, ClientScore, CloseReason, Evaluation, RunBooks, RunIdentity, RunStatus,
    Score, VersionRecord,
};
pub use error::RecordError;
pub use manifest::{Damage, FileSeal, Manifest, Surroundings};
pub use names::{AGGREGATOR, GLOBAL_MODEL, TIER};
pub use run_directory::{
    Existing, RunRecords, find_complete, prepare_output, run_directory, write_run,
};
pub use runs_index::{RunsIndex, write_runs_index};
pub use summary::{FairnessGlance, RunSummary, WorstStraggler};
pub use table::{Column, ColumnType, Reference, Row, Table, TableError, write_csv};
pub use tables::{
    ClientRow, EvaluationRow, FactorRow, FairnessRow, KpiRow, ParticipationRow, RunRow, TABLES,
    TransferRow, VersionRow, WrittenTable,
};
pub use tables_page::tables_page;
