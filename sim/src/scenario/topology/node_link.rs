//! Node-link JSON, as NetworkX's `node_link_data` writes it: `nodes` with `id`, and `links` (or
//! `edges`) with `source` and `target`.

use super::draft::{Attributes, Defaults, Draft, shortened};
use super::file::FileError;
use crate::network::topology::Blueprint;
use serde_json::{Map, Value};

const FORM: &str =
    "expected {\"nodes\": [{\"id\": ...}], \"links\": [{\"source\": ..., \"target\": ...}]}";

pub(super) fn parse(text: &str, defaults: &Defaults<'_>) -> Result<Blueprint, FileError> {
    // serde_json refuses nesting deeper than 128 by itself.
    let document: Value = serde_json::from_str(text).map_err(|error| {
        let line_start: usize = text
            .split_inclusive('\n')
            .take(error.line().saturating_sub(1))
            .map(str::len)
            .sum();
        let at = line_start + error.column().saturating_sub(1);
        let why = error.to_string();
        let why = why.split(" at line").next().unwrap_or_default();
        FileError::new(
            format!("this is not valid JSON: {why}"),
            "expected node-link JSON",
            if error.is_eof() {
                "the text ends here; was the file cut off?"
            } else {
                "write it with NetworkX's node_link_data"
            },
        )
        .at(at..at + 1)
    })?;
    let form =
        |title: String| FileError::new(title, FORM, "write it with NetworkX's node_link_data");
    let list = |key: &str| document.get(key).and_then(Value::as_array);
    let Some(nodes) = list("nodes") else {
        return Err(form("there is no list `nodes`".to_owned()));
    };
    let (key, links) = match (list("links"), list("edges")) {
        (Some(links), None) => ("links", links),
        (None, Some(edges)) => ("edges", edges),
        (Some(_), Some(_)) => {
            return Err(form("there are both `links` and `edges`".to_owned()));
        }
        (None, None) => return Err(form("there is no list `links` or `edges`".to_owned())),
    };
    if document.get("directed") == Some(&Value::Bool(true)) {
        return Err(FileError::new(
            "the graph is directed",
            "expected links that carry both directions",
            "write it with `G.to_undirected()`",
        ));
    }
    let parallel = document.get("multigraph") == Some(&Value::Bool(true));
    let mut draft = Draft::default();
    for (number, node) in nodes.iter().enumerate() {
        let place = format!("nodes[{number}]");
        let entry = table(node, &place)?;
        let name = name(entry, "id", &place)?;
        let is_marked = |mark: &str| entry.get(mark) == Some(&Value::Bool(true));
        let declared = draft.declare(&name, !is_marked("router"));
        let declared = declared.and_then(|node| match is_marked("server") {
            true => draft.mark_server(node),
            false => Ok(()),
        });
        declared.map_err(|error| at(error, &place))?;
    }
    for (number, link) in links.iter().enumerate() {
        let place = format!("{key}[{number}]");
        let entry = table(link, &place)?;
        let ends = [
            name(entry, "source", &place)?,
            name(entry, "target", &place)?,
        ];
        let mut add = || {
            let mut attributes = Attributes::default();
            let known = ["bandwidth", "latency", "sharing", "weight"];
            for name in known.into_iter().chain(defaults.length) {
                match entry.get(name) {
                    None | Some(Value::Null) => {}
                    Some(Value::String(text)) => attributes.set(name, text, defaults)?,
                    Some(other) => attributes.set(name, &other.to_string(), defaults)?,
                }
            }
            let [from, to] = [draft.find(&ends[0])?, draft.find(&ends[1])?];
            draft.link(from, to, attributes, defaults, parallel)
        };
        add().map_err(|error| at(error, &place))?;
    }
    draft.finish()
}

fn at(error: FileError, place: &str) -> FileError {
    FileError {
        title: format!("{place}: {}", error.title),
        ..error
    }
}

fn table<'a>(value: &'a Value, place: &str) -> Result<&'a Map<String, Value>, FileError> {
    value.as_object().ok_or_else(|| {
        FileError::new(
            format!("{place} is `{}`", shortened(&value.to_string())),
            FORM,
            "write it with NetworkX's node_link_data",
        )
    })
}

/// A name: NetworkX writes whatever the node was, mostly a string or a number.
fn name(entry: &Map<String, Value>, key: &str, place: &str) -> Result<String, FileError> {
    match entry.get(key) {
        Some(Value::String(name)) => Ok(name.clone()),
        Some(Value::Number(number)) => Ok(number.to_string()),
        other => Err(FileError::new(
            match other {
                Some(other) => {
                    format!("{place}: `{key}` is `{}`", shortened(&other.to_string()))
                }
                None => format!("{place} has no `{key}`"),
            },
            FORM,
            "give nodes a string or a number as their name",
        )),
    }
}
