//! What a table is: its columns with type, unit and meaning, its keys, and how its rows become CSV.
//!
//! A table is declared once, by [`table!`]: the row's struct, the header, the data
//! package and the documentation all come from that one declaration. Which tables
//! there are is in [`tables`](super::tables).

use crate::time::{SimDuration, SimTime};
use serde::Serialize;
use std::fmt;
use std::io::Write;

/// What the cells of a column hold, in the words of Frictionless Table Schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// Text.
    String,
    /// A whole number.
    Integer,
    /// A decimal number.
    Number,
    /// `true` or `false`.
    Boolean,
}

impl ColumnType {
    /// Its name in the data package.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
        }
    }
}

/// A column of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its header.
    pub name: &'static str,
    /// What its cells hold.
    pub kind: ColumnType,
    /// The unit of its numbers; none for names, marks and plain counts.
    pub unit: Option<&'static str>,
    /// What it says.
    pub meaning: &'static str,
    /// Whether every row has a value.
    pub required: bool,
}

/// Columns that hold the key of another table's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reference {
    /// The columns here.
    pub columns: &'static [&'static str],
    /// The other table.
    pub table: &'static str,
    /// Its columns.
    pub keys: &'static [&'static str],
}

/// A table: one file, one grain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Its file in a run's directory.
    pub file: &'static str,
    /// What one row is.
    pub grain: &'static str,
    /// Its columns, in order.
    pub columns: &'static [Column],
    /// The columns that tell rows apart; never empty.
    pub primary_key: &'static [&'static str],
    /// The columns that point into other tables.
    pub references: &'static [Reference],
}

/// A row of a table.
pub trait Row: Serialize {
    /// The table.
    const TABLE: Table;

    /// The first column whose value is not finite.
    fn not_finite(&self) -> Option<&'static str>;
}

/// What a cell can hold.
pub(crate) trait Cell {
    const KIND: ColumnType;
    const REQUIRED: bool = true;

    fn is_finite(&self) -> bool {
        true
    }
}

impl Cell for &str {
    const KIND: ColumnType = ColumnType::String;
}

impl Cell for bool {
    const KIND: ColumnType = ColumnType::Boolean;
}

impl Cell for u32 {
    const KIND: ColumnType = ColumnType::Integer;
}

impl Cell for u64 {
    const KIND: ColumnType = ColumnType::Integer;
}

impl Cell for SimTime {
    const KIND: ColumnType = ColumnType::Number;
}

impl Cell for SimDuration {
    const KIND: ColumnType = ColumnType::Number;
}

impl Cell for f64 {
    const KIND: ColumnType = ColumnType::Number;

    fn is_finite(&self) -> bool {
        f64::is_finite(*self)
    }
}

impl<C: Cell> Cell for Option<C> {
    const KIND: ColumnType = C::KIND;
    const REQUIRED: bool = false;

    fn is_finite(&self) -> bool {
        self.as_ref().is_none_or(C::is_finite)
    }
}

/// Declares a table and the struct of its rows. Every row begins with `run_id`, which is
/// not repeated in the declaration; a column is `name: type, "unit"` below its meaning.
macro_rules! table {
    (
        $(#[doc = $grain:literal])+
        $visibility:vis struct $row:ident<$life:lifetime> in $name:literal,
        key [$($key:ident),*],
        references [$([$($own:ident),*] in $other:literal [$($their:ident),*]),*],
        $($(#[doc = $meaning:literal])+ $column:ident: $type:ty $(, $unit:literal)?;)+
    ) => {
        $(#[doc = $grain])+
        #[derive(Debug, Clone, PartialEq, serde::Serialize)]
        $visibility struct $row<$life> {
            /// Hash of the resolved scenario with its seeds.
            pub run_id: &$life str,
            $($(#[doc = $meaning])+ pub $column: $type,)+
        }

        impl<$life> $crate::records::table::Row for $row<$life> {
            const TABLE: $crate::records::table::Table = $crate::records::table::Table {
                name: $name,
                file: concat!($name, ".csv"),
                grain: concat!($($grain),+).trim_ascii(),
                columns: &[
                    $crate::records::table::Column {
                        name: "run_id",
                        kind: $crate::records::table::ColumnType::String,
                        unit: None,
                        meaning: "Hash of the resolved scenario with its seeds.",
                        required: true,
                    },
                    $($crate::records::table::Column {
                        name: stringify!($column),
                        kind: <$type as $crate::records::table::Cell>::KIND,
                        unit: $crate::records::table::unit(&[$($unit)?]),
                        meaning: concat!($($meaning),+).trim_ascii(),
                        required: <$type as $crate::records::table::Cell>::REQUIRED,
                    },)+
                ],
                primary_key: &["run_id" $(, stringify!($key))*],
                references: &[
                    $($crate::records::table::Reference {
                        columns: &["run_id" $(, stringify!($own))*],
                        table: $other,
                        keys: &["run_id" $(, stringify!($their))*],
                    },)*
                ],
            };

            fn not_finite(&self) -> Option<&'static str> {
                $(
                    if !$crate::records::table::Cell::is_finite(&self.$column) {
                        return Some(stringify!($column));
                    }
                )+
                None
            }
        }
    };
}

pub(crate) use table;

/// The unit, where the declaration gives one.
pub(crate) const fn unit(given: &[&'static str]) -> Option<&'static str> {
    match given {
        [unit] => Some(*unit),
        _ => None,
    }
}

/// A row that cannot be written, or a writer that does not take it.
#[derive(Debug)]
pub enum TableError {
    /// A number that is infinite or none at all.
    NotFinite {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row, counted from 1 below the header.
        row: u64,
    },
    /// Writing failed.
    Write(std::io::Error),
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFinite { table, column, row } => write!(
                f,
                "internal error: row {row} of table {table} has no finite value in column {column}"
            ),
            Self::Write(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for TableError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NotFinite { .. } => None,
            Self::Write(error) => Some(error),
        }
    }
}

/// Writes a header and rows as CSV; answers with the number of rows.
///
/// # Errors
/// A number that is not finite, and whatever the writer says.
pub fn write_csv<R: Row, W: Write>(
    rows: impl IntoIterator<Item = R>,
    writer: W,
) -> Result<u64, TableError> {
    let mut csv = csv::WriterBuilder::new()
        .has_headers(false)
        .from_writer(writer);
    csv.write_record(R::TABLE.columns.iter().map(|column| column.name))
        .map_err(write_error)?;
    let mut count = 0;
    for row in rows {
        count += 1;
        if let Some(column) = row.not_finite() {
            return Err(TableError::NotFinite {
                table: R::TABLE.name,
                column,
                row: count,
            });
        }
        csv.serialize(row).map_err(write_error)?;
    }
    csv.flush().map_err(TableError::Write)?;
    Ok(count)
}

fn write_error(error: csv::Error) -> TableError {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => TableError::Write(error),
        other => TableError::Write(std::io::Error::other(format!("{other:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    table! {
        /// One row a made-up thing,
        /// told in two lines.
        struct ThingRow<'a> in "things",
        key [thing],
        references [[thing] in "others" [other]],
        /// Its name.
        thing: &'a str;
        /// When.
        at_s: SimTime, "s";
        /// How much.
        value: Option<f64>, "J";
        /// Whether.
        sure: bool;
    }

    fn thing(value: Option<f64>) -> ThingRow<'static> {
        ThingRow {
            run_id: "r",
            thing: "a,b",
            at_s: SimTime::from_nanos(1_500_000_001),
            value,
            sure: true,
        }
    }

    fn written(rows: Vec<ThingRow<'_>>) -> Result<String, TableError> {
        let mut bytes = Vec::new();
        write_csv(rows, &mut bytes)?;
        Ok(String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn a_table_without_rows_still_has_its_header() {
        assert_eq!(written(vec![]).unwrap(), "run_id,thing,at_s,value,sure\n");
    }

    #[test]
    fn time_is_exact_text_is_quoted_and_missing_is_empty() {
        let text = written(vec![thing(None), thing(Some(0.1))]).unwrap();
        assert_eq!(
            text,
            "run_id,thing,at_s,value,sure\n\
             r,\"a,b\",1.500000001,,true\n\
             r,\"a,b\",1.500000001,0.1,true\n"
        );
    }

    #[test]
    fn a_number_that_is_not_finite_is_refused_by_table_row_and_column() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let error = written(vec![thing(None), thing(Some(value))]).unwrap_err();
            let message = error.to_string();
            assert!(message.contains("row 2 of table things"), "{message}");
            assert!(message.contains("column value"), "{message}");
        }
    }

    #[test]
    fn the_declaration_is_the_description() {
        let table = ThingRow::TABLE;
        assert_eq!(table.grain, "One row a made-up thing, told in two lines.");
        assert_eq!(table.file, "things.csv");
        assert_eq!(table.primary_key, ["run_id", "thing"]);
        assert_eq!(table.references[0].columns, ["run_id", "thing"]);
        assert_eq!(table.references[0].keys, ["run_id", "other"]);
        let value = table.columns[3];
        assert_eq!(
            (value.kind, value.unit, value.required),
            (ColumnType::Number, Some("J"), false)
        );
        assert_eq!(table.columns[1].unit, None);
    }
}
