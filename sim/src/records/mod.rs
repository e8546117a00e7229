//! What a run leaves behind: its books, the tables made from them, and the directory they lie in.
//!
//! The files are the contract with whoever reads them; `docs/tables.md` states it.

mod books;
mod data_package;
mod error;
mod link_changes;
mod manifest;
mod names;
mod network_books;
mod run_directory;
mod runs_index;
#[cfg(test)]
pub(crate) mod specimen;
mod summary;
mod table;
mod tables;
mod tables_page;
mod trace;
mod workplace;

pub use books::{
    AggregatorRecord, Benefit, ClientRecord, ClientScore, CloseReason, DataSite, Evaluation,
    RunBooks, RunIdentity, RunStatus, Score, VersionRecord,
};
pub use error::RecordError;
pub use manifest::{Damage, FileSeal, Manifest, Surroundings};
pub use names::{AGGREGATOR, GLOBAL_MODEL};
pub use network_books::{BareComputation, BareTransfer, NetworkBooks, NetworkSummary};
pub use run_directory::{
    Existing, NetworkRecords, RunRecords, find_complete, has_trace, prepare_output, run_directory,
    write_network_run, write_run,
};
pub use runs_index::{RunsIndex, write_runs_index};
pub use summary::{FairnessGlance, RunSummary, WorstStraggler};
pub use table::{Column, ColumnType, Reference, Row, Table, TableError, write_csv};
pub use tables::{
    AggregatorRow, BareEventRow, BareTransferRow, ClientRow, ComputationRow, EVENTS, EvaluationRow,
    EventRow, FactorRow, FairnessRow, KpiRow, LinkRow, NETWORK_EVENTS, NETWORK_TABLES,
    ParticipationRow, PartitionRow, RunRow, TABLES, TransferRow, VersionRow, WrittenNetworkTable,
    WrittenTable,
};
pub use tables_page::tables_page;
