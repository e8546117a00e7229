//! `datapackage.json`: every table, column, type, unit, key and meaning, for programs.
//!
//! Follows Frictionless Data Package v1 with its tabular profile
//! (<https://specs.frictionlessdata.io/tabular-data-package/>); `unit` is a property
//! of our own on a field.

use super::manifest::FileSeal;
use super::table::{Column, Reference, Table};
use serde::Serialize;
use std::collections::BTreeMap;

/// Its file in a run's directory.
pub(super) const DATA_PACKAGE: &str = "datapackage.json";

#[derive(Debug, Serialize)]
struct Package<'a> {
    profile: &'static str,
    name: String,
    id: &'a str,
    title: String,
    resources: Vec<Resource<'a>>,
}

#[derive(Debug, Serialize)]
struct Resource<'a> {
    profile: &'static str,
    name: &'static str,
    path: &'static str,
    description: &'static str,
    format: &'static str,
    mediatype: &'static str,
    encoding: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hash: Option<String>,
    dialect: Dialect,
    schema: Schema<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Dialect {
    delimiter: &'static str,
    line_terminator: &'static str,
    quote_char: &'static str,
    double_quote: bool,
    header: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Schema<'a> {
    fields: Vec<Field>,
    primary_key: &'a [&'static str],
    foreign_keys: Vec<ForeignKey>,
    missing_values: [&'static str; 1],
}

#[derive(Debug, Serialize)]
struct Field {
    name: &'static str,
    r#type: &'static str,
    description: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'static str>,
    constraints: Constraints,
}

#[derive(Debug, Serialize)]
struct Constraints {
    required: bool,
}

#[derive(Debug, Serialize)]
struct ForeignKey {
    fields: &'static [&'static str],
    reference: Referenced,
}

#[derive(Debug, Serialize)]
struct Referenced {
    resource: &'static str,
    fields: &'static [&'static str],
}

/// The data package of a run, as indented JSON that ends with a line feed.
pub(super) fn data_package(
    run_id: &str,
    scenario: &str,
    tables: &[Table],
    seals: &BTreeMap<String, FileSeal>,
) -> Vec<u8> {
    let package = Package {
        profile: "tabular-data-package",
        name: format!("fedstill-{run_id}").to_lowercase(),
        id: run_id,
        title: format!("fedstill run of {scenario}"),
        resources: tables
            .iter()
            .map(|table| resource(table, seals.get(table.file)))
            .collect(),
    };
    let mut json = serde_json::to_vec_pretty(&package).expect("text and numbers become JSON");
    json.push(b'\n');
    json
}

fn resource<'a>(table: &Table, seal: Option<&FileSeal>) -> Resource<'a> {
    Resource {
        profile: "tabular-data-resource",
        name: table.name,
        path: table.file,
        description: table.grain,
        format: "csv",
        mediatype: "text/csv",
        encoding: "utf-8",
        bytes: seal.map(|seal| seal.bytes),
        hash: seal.map(|seal| format!("sha256:{}", seal.sha256)),
        dialect: Dialect {
            delimiter: ",",
            line_terminator: "\n",
            quote_char: "\"",
            double_quote: true,
            header: true,
        },
        schema: Schema {
            fields: table.columns.iter().map(field).collect(),
            primary_key: table.primary_key,
            foreign_keys: table.references.iter().map(foreign_key).collect(),
            missing_values: [""],
        },
    }
}

fn field(column: &Column) -> Field {
    Field {
        name: column.name,
        r#type: column.kind.name(),
        description: column.meaning,
        unit: column.unit,
        constraints: Constraints {
            required: column.required,
        },
    }
}

fn foreign_key(reference: &Reference) -> ForeignKey {
    ForeignKey {
        fields: reference.columns,
        reference: Referenced {
            resource: reference.table,
            fields: reference.keys,
        },
    }
}
