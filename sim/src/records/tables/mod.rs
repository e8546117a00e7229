//! The tables of a run: one file each declares the rows and makes them from the books.

mod aggregator;
mod client;
mod computation;
mod evaluation;
mod event;
mod fairness;
mod kpi;
mod network;
mod participation;
mod partition;
mod run;
mod transfer;
mod version;

pub use aggregator::AggregatorRow;
pub use client::ClientRow;
pub use computation::ComputationRow;
pub use evaluation::EvaluationRow;
pub use event::{BareEventRow, EventRow};
pub use fairness::FairnessRow;
pub use kpi::KpiRow;
pub use network::{BareTransferRow, LinkRow};
pub use participation::ParticipationRow;
pub use partition::PartitionRow;
pub use run::{FactorRow, RunRow};
pub use transfer::TransferRow;
pub use version::VersionRow;

use super::books::RunBooks;
use super::link_changes::LinkChanges;
use super::network_books::NetworkBooks;
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

/// A table of a run of bare transfers with the way to write it.
#[derive(Debug, Clone, Copy)]
pub struct WrittenNetworkTable {
    /// What it is.
    pub table: Table,
    write: fn(&NetworkBooks, &mut dyn Write) -> Result<u64, TableError>,
    /// Whether a run has it.
    in_run: fn(&NetworkBooks) -> bool,
}

impl WrittenNetworkTable {
    /// Whether the run has this table: that of computations only where some are listed.
    pub(super) fn is_in(&self, books: &NetworkBooks) -> bool {
        (self.in_run)(books)
    }

    /// Writes header and rows as CSV; answers with the number of rows.
    ///
    /// # Errors
    /// A number that is not finite, and whatever the writer says.
    pub fn write(&self, books: &NetworkBooks, writer: &mut dyn Write) -> Result<u64, TableError> {
        (self.write)(books, writer)
    }
}

/// The table that a run has beside the others where a trace of it is asked for.
pub const EVENTS: WrittenTable = WrittenTable {
    table: EventRow::TABLE,
    write: |books, _, writer| {
        let links = LinkChanges::of(&books.accounts.network, books.accounts.ended_at);
        write_csv(event::rows(books, &links), writer)
    },
};

/// The same of a run of bare transfers.
pub const NETWORK_EVENTS: WrittenNetworkTable = WrittenNetworkTable {
    table: BareEventRow::TABLE,
    write: |books, writer| {
        let links = LinkChanges::of(&books.network, books.ended_at);
        write_csv(event::bare_rows(books, &links), writer)
    },
    in_run: |_| true,
};

/// Every table of a run of bare transfers, in the order of the documentation.
pub const NETWORK_TABLES: [WrittenNetworkTable; 5] = [
    WrittenNetworkTable {
        table: RunRow::TABLE,
        write: |books, writer| write_csv([network::run(books)], writer),
        in_run: |_| true,
    },
    WrittenNetworkTable {
        table: FactorRow::TABLE,
        write: |books, writer| write_csv(network::factors(books), writer),
        in_run: |_| true,
    },
    WrittenNetworkTable {
        table: BareTransferRow::TABLE,
        write: |books, writer| write_csv(network::transfers(books), writer),
        in_run: |_| true,
    },
    WrittenNetworkTable {
        table: ComputationRow::TABLE,
        write: |books, writer| write_csv(computation::rows(books), writer),
        in_run: |books| !books.computations.is_empty(),
    },
    WrittenNetworkTable {
        table: LinkRow::TABLE,
        write: |books, writer| {
            let links = network::links(&books.identity.run_id, books.ended_at, &books.network);
            write_csv(links, writer)
        },
        in_run: |_| true,
    },
];

/// Every table of a run, in the order of the documentation.
pub const TABLES: [WrittenTable; 12] = [
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
        table: AggregatorRow::TABLE,
        write: |books, _, writer| write_csv(aggregator::rows(books), writer),
    },
    WrittenTable {
        table: ClientRow::TABLE,
        write: |books, measures, writer| write_csv(client::rows(books, measures), writer),
    },
    WrittenTable {
        table: PartitionRow::TABLE,
        write: |books, _, writer| write_csv(partition::rows(books), writer),
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
        table: LinkRow::TABLE,
        write: |books, _, writer| {
            let accounts = &books.accounts;
            let run_id = &books.identity.run_id;
            write_csv(
                network::links(run_id, accounts.ended_at, &accounts.network),
                writer,
            )
        },
    },
    WrittenTable {
        table: KpiRow::TABLE,
        write: |books, measures, writer| write_csv(kpi::rows(books, measures), writer),
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::specimen;
    use crate::records::table::ColumnType;
    use std::collections::{BTreeMap, BTreeSet};

    /// Header and rows of a table.
    type Sheet = (Vec<String>, Vec<Vec<String>>);

    fn sheets(books: &RunBooks) -> BTreeMap<&'static str, Sheet> {
        let measures = Measures::of(books);
        let read = |written: &WrittenTable| {
            let mut text = Vec::new();
            let rows = written.write(books, &measures, &mut text).unwrap();
            let mut reader = csv::Reader::from_reader(text.as_slice());
            let header = reader
                .headers()
                .unwrap()
                .iter()
                .map(str::to_owned)
                .collect();
            let cells: Vec<Vec<String>> = reader
                .records()
                .map(|record| record.unwrap().iter().map(str::to_owned).collect())
                .collect();
            assert_eq!(cells.len() as u64, rows);
            (written.table.name, (header, cells))
        };
        TABLES.iter().map(read).collect()
    }

    fn columns(sheet: &Sheet, names: &[&str]) -> Vec<Vec<String>> {
        let places: Vec<usize> = names
            .iter()
            .map(|name| sheet.0.iter().position(|column| column == name).unwrap())
            .collect();
        let row = |cells: &Vec<String>| places.iter().map(|place| cells[*place].clone()).collect();
        sheet.1.iter().map(row).collect()
    }

    fn column(sheet: &Sheet, name: &str) -> Vec<String> {
        columns(sheet, &[name]).into_iter().flatten().collect()
    }

    fn specimens() -> [RunBooks; 4] {
        [
            specimen::synchronous(),
            specimen::asynchronous(),
            specimen::tiers(),
            specimen::peers(),
        ]
    }

    /// The header that serde gives a row.
    fn serde_header<R: Row>(row: R) -> Vec<String> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.serialize(row).unwrap();
        let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
        text.lines()
            .next()
            .unwrap()
            .split(',')
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn serde_and_the_description_agree_on_every_header() {
        let books = specimen::synchronous();
        let measures = Measures::of(&books);
        let described = |table: Table| -> Vec<&str> {
            table.columns.iter().map(|column| column.name).collect()
        };
        let pairs = [
            (serde_header(run::row(&books, &measures)), RunRow::TABLE),
            (
                serde_header(run::factors(&books).next().unwrap()),
                FactorRow::TABLE,
            ),
            (
                serde_header(version::rows(&books).next().unwrap()),
                VersionRow::TABLE,
            ),
            (
                serde_header(participation::rows(&books, &measures).next().unwrap()),
                ParticipationRow::TABLE,
            ),
            (
                serde_header(aggregator::rows(&books).next().unwrap()),
                AggregatorRow::TABLE,
            ),
            (
                serde_header(client::rows(&books, &measures).next().unwrap()),
                ClientRow::TABLE,
            ),
            (
                serde_header(partition::rows(&books).next().unwrap()),
                PartitionRow::TABLE,
            ),
            (
                serde_header(evaluation::rows(&books).next().unwrap()),
                EvaluationRow::TABLE,
            ),
            (
                serde_header(fairness::rows(&books, &measures).next().unwrap()),
                FairnessRow::TABLE,
            ),
            (
                serde_header(transfer::rows(&books).next().unwrap()),
                TransferRow::TABLE,
            ),
            (
                serde_header(
                    network::links("1", books.accounts.ended_at, &books.accounts.network)
                        .next()
                        .unwrap(),
                ),
                LinkRow::TABLE,
            ),
            (
                serde_header(kpi::rows(&books, &measures).next().unwrap()),
                KpiRow::TABLE,
            ),
        ];
        for (serde, table) in pairs {
            assert_eq!(serde, described(table), "{}", table.name);
        }
    }

    #[test]
    fn every_cell_is_of_its_columns_type_and_there_where_it_is_required() {
        for books in specimens() {
            let sheets = sheets(&books);
            for WrittenTable { table, .. } in TABLES {
                assert_eq!(table.columns[0].name, "run_id");
                for described in table.columns {
                    for cell in column(&sheets[table.name], described.name) {
                        let fits = match described.kind {
                            _ if cell.is_empty() => !described.required,
                            ColumnType::String => true,
                            ColumnType::Integer => cell.parse::<u64>().is_ok(),
                            ColumnType::Number => cell.parse::<f64>().is_ok_and(f64::is_finite),
                            ColumnType::Boolean => cell == "true" || cell == "false",
                        };
                        assert!(fits, "{}.{}: `{cell}`", table.name, described.name);
                    }
                }
            }
        }
    }

    #[test]
    fn keys_are_never_empty_and_tell_rows_apart() {
        for books in specimens() {
            let sheets = sheets(&books);
            for WrittenTable { table, .. } in TABLES {
                let keys = columns(&sheets[table.name], table.primary_key);
                let may_be_empty = table.name == "aggregators" && books.aggregators.is_empty();
                let is_tested = !keys.is_empty() || may_be_empty;
                assert!(is_tested, "{} has no rows to test", table.name);
                assert!(
                    keys.iter().flatten().all(|cell| !cell.is_empty()),
                    "{}",
                    table.name
                );
                let different: BTreeSet<&Vec<String>> = keys.iter().collect();
                assert_eq!(different.len(), keys.len(), "{}", table.name);
            }
        }
    }

    #[test]
    fn what_is_referred_to_is_there() {
        for books in specimens() {
            let sheets = sheets(&books);
            for WrittenTable { table, .. } in TABLES {
                for reference in table.references {
                    let other = TABLES
                        .iter()
                        .find(|other| other.table.name == reference.table);
                    assert_eq!(other.unwrap().table.primary_key, reference.keys);
                    let keys = columns(&sheets[reference.table], reference.keys);
                    // An empty cell refers to nothing.
                    let named = columns(&sheets[table.name], reference.columns);
                    let named = named
                        .into_iter()
                        .filter(|cells| cells.iter().all(|cell| !cell.is_empty()));
                    for cells in named {
                        assert!(keys.contains(&cells), "{} → {cells:?}", table.name);
                    }
                }
            }
        }
    }

    #[test]
    fn a_unit_in_a_columns_name_is_the_unit_of_the_column() {
        let suffixes = [
            ("_s", "s"),
            ("_bytes", "byte"),
            ("_flops", "FLOP"),
            ("_joules", "J"),
            ("_bps", "bit/s"),
            ("_watts", "W"),
            ("_versions", "version"),
        ];
        for WrittenTable { table, .. } in TABLES {
            for column in table
                .columns
                .iter()
                .filter(|column| !column.name.starts_with("n_"))
            {
                for (suffix, unit) in suffixes {
                    let is_speed = column.name == "speed_flops";
                    if column.name.ends_with(suffix) && !is_speed {
                        assert_eq!(column.unit, Some(unit), "{}.{}", table.name, column.name);
                    }
                }
            }
        }
    }

    #[test]
    fn idle_time_of_a_version_is_what_its_contributions_waited() {
        // Version 1 closed at 13 s on arrivals at 7, 8, 13; version 2 at 21 s on 20, 21, 16.
        let sheets = sheets(&specimen::synchronous());
        assert_eq!(column(&sheets["versions"], "idle_client_s"), ["11", "6"]);
        let mut failed = specimen::synchronous();
        for participation in &mut failed.accounts.participations[4..7] {
            participation.outcome = Some(crate::world::Outcome::Unused);
            participation.merge = None;
        }
        assert_eq!(
            column(&super::tests::sheets(&failed)["versions"], "idle_client_s"),
            ["11", "6"]
        );
    }

    #[test]
    fn every_row_of_a_hierarchy_names_its_aggregator_and_tier() {
        let sheets = sheets(&specimen::tiers());
        let names = ["aggregator_id", "tier", "version", "idle_client_s"];
        assert_eq!(
            columns(&sheets["versions"], &names),
            // The edge server waited from 11 to 13 s, a clinic from 7 to 8.
            [["server", "0", "1", "2"], ["edge-0", "1", "1", "1"]]
        );
        let names = ["aggregator_id", "tier", "client_id", "group", "merge_count"];
        assert_eq!(
            columns(&sheets["participations"], &names),
            [
                ["server", "0", "edge-0", "none", "1"],
                ["server", "0", "hospital-0", "hospital", "1"],
                ["edge-0", "1", "clinic-0", "clinic", "1"],
                ["edge-0", "1", "clinic-1", "clinic", "1"],
            ]
        );
        let names = ["from", "to", "kind", "participation_id"];
        let transfers = columns(&sheets["transfers"], &names);
        assert!(transfers.contains(&["server", "edge-0", "tier", "0"].map(str::to_owned).into()));
        assert!(
            transfers.contains(
                &["clinic-1", "edge-0", "client", "3"]
                    .map(str::to_owned)
                    .into()
            )
        );
        assert_eq!(transfers[8], ["server", "clinic-2", "control", ""]);
        let names = [
            "aggregator_id",
            "parent_id",
            "n_children",
            "n_versions",
            "sent_bytes",
            "received_bytes",
            "distill_flops",
            "energy_joules",
        ];
        assert_eq!(
            columns(&sheets["aggregators"], &names),
            [
                // Two downloads and the question; two uploads.
                ["server", "", "3", "1", "2070", "1000", "2000", "3100.0"],
                // Two downloads below it and one upload; one download and two uploads.
                ["edge-0", "server", "2", "1", "2500", "2000", "500", "56.0"],
            ]
        );
    }

    #[test]
    fn peers_are_their_own_aggregators_and_receive_what_they_were_online_for() {
        let sheets = sheets(&specimen::peers());
        let names = ["aggregator_id", "tier", "client_id"];
        assert_eq!(
            columns(&sheets["participations"], &names)[1],
            ["clinic-1", "0", "clinic-1"]
        );
        assert_eq!(
            column(&sheets["versions"], "aggregator_id"),
            ["clinic-0", "clinic-1"]
        );
        assert!(sheets["aggregators"].1.is_empty());
        assert_eq!(
            columns(&sheets["clients"], &["up_bytes", "down_bytes"]),
            [["500", "500"], ["500", "250"], ["0", "0"], ["0", "0"]]
        );
    }

    #[test]
    fn staleness_counts_the_versions_published_in_between() {
        let sheets = sheets(&specimen::asynchronous());
        let found = columns(
            &sheets["participations"],
            &["merged_version", "staleness_versions", "staleness_s"],
        );
        let expected = [
            ["1", "0", "4"],
            ["2", "1", "5"],
            ["3", "0", "5"],
            ["4", "2", "8"],
            ["", "", ""],
            ["5", "1", "9"],
            ["6", "0", "5"],
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn waste_is_all_that_came_to_nothing_and_only_that() {
        let sheets = sheets(&specimen::synchronous());
        let wasted = columns(
            &sheets["participations"],
            &["outcome", "wasted_bytes", "wasted_flops"],
        );
        assert_eq!(wasted[2], ["dropped_compute", "1000", "80"]);
        assert_eq!(wasted[7], ["unfinished", "0", "0"]);
        assert_eq!(wasted[0], ["merged", "0", "0"]);
    }

    #[test]
    fn transfers_add_up_to_participations() {
        for books in specimens() {
            let sheets = sheets(&books);
            // What belongs to no participation has an empty cell for it.
            let sum = |table: &str, name: &str| -> u64 {
                columns(&sheets[table], &["participation_id", name])
                    .iter()
                    .filter(|cells| !cells[0].is_empty())
                    .map(|cells| cells[1].parse::<u64>().unwrap())
                    .sum()
            };
            let participations =
                sum("participations", "up_bytes") + sum("participations", "down_bytes");
            assert_eq!(sum("transfers", "bytes"), participations);
        }
    }

    #[test]
    fn the_entropy_of_two_equal_classes_is_one_bit() {
        let sheets = sheets(&specimen::synchronous());
        assert_eq!(column(&sheets["clients"], "label_entropy"), ["1.0"; 4]);
        assert_eq!(column(&sheets["clients"], "n_classes"), ["2"; 4]);
    }

    #[test]
    fn models_at_one_instant_are_told_once_and_a_diverged_loss_is_empty() {
        let mut books = specimen::synchronous();
        let mut again = books.evaluations[3].clone();
        again.clients[0].global.loss = f64::NAN;
        again.version = 9;
        books.evaluations.push(again);
        let sheets = sheets(&books);
        let names = ["sim_s", "model_id", "split", "measure", "version", "value"];
        let rows = columns(&sheets["evaluations"], &names);
        let told: Vec<&Vec<String>> = rows
            .iter()
            .filter(|row| row[0] == "27" && row[1] == "clinic-0" && row[2] == "global")
            .collect();
        assert_eq!(told[0][3..], ["accuracy", "9", "0.9"]);
        assert_eq!(told[1][3..], ["loss", "9", ""]);
        assert_eq!(told.len(), 2);
    }
}
