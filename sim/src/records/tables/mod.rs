//! The tables of a run: one file each declares the rows and makes them from the books.

mod client;
mod evaluation;
mod fairness;
mod kpi;
mod participation;
mod run;
mod transfer;
mod version;

pub use client::ClientRow;
pub use evaluation::EvaluationRow;
pub use fairness::FairnessRow;
pub use kpi::KpiRow;
pub use participation::ParticipationRow;
pub use run::{FactorRow, RunRow};
pub use transfer::TransferRow;
pub use version::VersionRow;

use super::books::RunBooks;
use super::table::{Row, Table, TableError, write_csv};
use crate::measures::Measures;
use std::io::Write;

/// A table with the way to write it.
#[derive(Debug, Clone, Copy)]
pub struct WrittenTable {
    /// What it is.
    pub table: Table,
    write: fn(&RunBooks, &Measures, &mut dyn Write) -> Result<u64, TableError>,
}

impl WrittenTable {
    /// Writes header and rows as CSV; answers with the number of rows.
    ///
    /// # Errors
    /// A number that is not finite, and whatever the writer says.
    pub fn write(
        &self,
        books: &RunBooks,
        measures: &Measures,
        writer: &mut dyn Write,
    ) -> Result<u64, TableError> {
        (self.write)(books, measures, writer)
    }
}

/// Every table of a run, in the order of the documentation.
pub const TABLES: [WrittenTable; 9] = [
    WrittenTable {
        table: RunRow::TABLE,
        write: |books, measures, writer| write_csv([run::row(books, measures)], writer),
    },
    WrittenTable {
        table: FactorRow::TABLE,
        write: |books, _, writer| write_csv(run::factors(books), writer),
    },
    WrittenTable {
        table: VersionRow::TABLE,
        write: |books, _, writer| write_csv(version::rows(books), writer),
    },
    WrittenTable {
        table: ParticipationRow::TABLE,
        write: |books, measures, writer| write_csv(participation::rows(books, measures), writer),
    },
    WrittenTable {
        table: ClientRow::TABLE,
        write: |books, measures, writer| write_csv(client::rows(books, measures), writer),
    },
    WrittenTable {
        table: EvaluationRow::TABLE,
        write: |books, _, writer| write_csv(evaluation::rows(books), writer),
    },
    WrittenTable {
        table: FairnessRow::TABLE,
        write: |books, measures, writer| write_csv(fairness::rows(books, measures), writer),
    },
    WrittenTable {
        table: TransferRow::TABLE,
        write: |books, _, writer| write_csv(transfer::rows(books), writer),
    },
    WrittenTable {
        table: KpiRow::TABLE,
        write: |books, measures, writer| write_csv(kpi::rows(books, measures), writer),
    },
];
