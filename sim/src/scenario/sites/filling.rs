//! What a file of sites gives to its group, before the scenario is decoded.
//!
//! A key that every client needs is asked of the group, or of a column that is filled in every
//! row: then the group gets the column under that key. So a decoded group is whole by itself, and
//! a row only has to say where it differs.

use super::{Sites, reading};
use crate::scenario::column::read;
use crate::scenario::problem::{Origin, Problem};
use crate::scenario::raw::RawScenario;
use crate::scenario::tree::{Entry, Node, Value};
use std::path::Path;
use std::sync::Arc;

/// The file of each group that has one, by the group's place.
pub(crate) type SiteFiles = Vec<Option<Arc<Sites>>>;

/// Keys that every client needs, and the columns that can give them.
const NEEDED: [(&str, &str); 4] = [
    ("model", "model"),
    ("device.speed", "speed"),
    ("link.up", "up"),
    ("link.down", "down"),
];

/// Reads the files of sites and gives their groups what they lack.
///
/// # Errors
/// Every mistake in the files, and every key that neither the file nor the group gives.
pub(crate) fn fill(
    tree: &mut Node,
    folder: &Path,
    notes: &mut Vec<String>,
) -> Result<SiteFiles, Vec<Problem>> {
    let Value::Table(entries) = &mut tree.value else {
        return Ok(Vec::new());
    };
    let clients = entries.iter_mut().find(|entry| entry.key == "clients");
    let Some(Value::Array(groups)) = clients.map(|entry| &mut entry.node.value) else {
        return Ok(Vec::new());
    };
    let mut files = Vec::with_capacity(groups.len());
    let mut problems = Vec::new();
    for group in groups {
        files.push(match fill_group(group, folder, notes) {
            Ok(sites) => sites.map(Arc::new),
            Err(found) => {
                problems.extend(found);
                None
            }
        });
    }
    if problems.is_empty() {
        Ok(files)
    } else {
        Err(problems)
    }
}

/// Gives the decoded groups their sites.
pub(crate) fn attach(raw: &mut RawScenario, files: SiteFiles) {
    for (group, sites) in raw.clients.iter_mut().zip(files) {
        group.sites = sites;
    }
}

fn fill_group(
    group: &mut Node,
    folder: &Path,
    notes: &mut Vec<String>,
) -> Result<Option<Sites>, Vec<Problem>> {
    let Some(entry) = group.entry("file").cloned() else {
        return Ok(None);
    };
    // Decoding says that a path is expected.
    let Some(file) = entry.node.text() else {
        return Ok(None);
    };
    let path = folder.join(file);
    let text: Arc<str> = match read(&path, "a file of sites") {
        Ok(text) => text.into(),
        Err(error) => {
            let problem = Problem::new(error.message).at(&entry.node.origin, "");
            return Err(vec![problem.way_out(error.way_out)]);
        }
    };
    let shown = path.display().to_string();
    let (sites, unread) = reading::parse(&text, file, shown.clone()).map_err(|errors| {
        let problem =
            |error: crate::scenario::topology::FileError| error.into_problem(&shown, &text);
        errors.into_iter().map(problem).collect::<Vec<_>>()
    })?;
    notes.extend(unread);
    let mut problems = Vec::new();
    for (key, column) in NEEDED {
        if is_given(group, key) {
            continue;
        }
        if !sites.has(column) {
            problems.push(
                Problem::new(format!(
                    "neither the group nor `{file}` says the `{column}` of its sites"
                ))
                .at(&entry.node.origin, "of the sites in this file")
                .way_out(format!("give `{key}` in the group, for all of them alike"))
                .way_out(format!("or add a column `{column}` to `{file}`")),
            );
            continue;
        }
        if let Some(row) = sites.rows.iter().position(|site| !site.says(column)) {
            problems.push(sites.mistake(
                row,
                column,
                format!(
                    "{} says no `{column}`, and neither does the group",
                    sites.place(row)
                ),
                "this cell is empty",
                format!("fill it, or give `{key}` in the group for the sites that say none"),
            ));
            continue;
        }
        let value = match column {
            // Every row says its own.
            "model" => text_value(sites.rows[0].model.as_deref().unwrap_or_default()),
            _ => Value::Table(vec![
                new_entry("file", text_value(file), &entry.node.origin),
                new_entry("column", text_value(column), &entry.node.origin),
            ]),
        };
        put(group, key, value, &entry.node.origin);
    }
    if group.entry("count").is_none() {
        let count = Value::Integer(sites.rows.len() as i128);
        put(group, "count", count, &entry.node.origin);
    }
    if problems.is_empty() {
        Ok(Some(sites))
    } else {
        Err(problems)
    }
}

impl super::Site {
    fn says(&self, column: &str) -> bool {
        match column {
            "model" => self.model.is_some(),
            "speed" => self.speed.is_some(),
            "up" => self.up.is_some(),
            _ => self.down.is_some(),
        }
    }
}

/// Whether the group gives it, or has something of another type in its place, which decoding tells.
fn is_given(group: &Node, key: &str) -> bool {
    let (table, leaf) = key.split_once('.').unwrap_or((key, ""));
    match group.child(table) {
        None => false,
        Some(_) if leaf.is_empty() => true,
        // Every device of a mix says its own.
        Some(node) if key == "device.speed" && node.child("mix").is_some() => true,
        Some(node) => {
            // A class of device, or a mix of them, has a speed.
            let has = |key: &str| node.child(key).is_some();
            !matches!(node.value, Value::Table(_)) || has(leaf) || has("class") || has("mix")
        }
    }
}

fn text_value(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn new_entry(key: &str, value: Value, origin: &Origin) -> Entry {
    Entry {
        key: key.to_owned(),
        key_origin: origin.clone(),
        node: Node {
            value,
            origin: origin.clone(),
            layer: 0,
        },
    }
}

/// Puts a value under a dotted key; makes the table around it where there is none.
fn put(node: &mut Node, key: &str, value: Value, origin: &Origin) {
    let Value::Table(entries) = &mut node.value else {
        return;
    };
    match key.split_once('.') {
        None => entries.push(new_entry(key, value, origin)),
        Some((table, leaf)) => {
            if !entries.iter().any(|entry| entry.key == table) {
                entries.push(new_entry(table, Value::Table(Vec::new()), origin));
            }
            if let Some(entry) = entries.iter_mut().find(|entry| entry.key == table) {
                put(&mut entry.node, leaf, value, origin);
            }
        }
    }
}
