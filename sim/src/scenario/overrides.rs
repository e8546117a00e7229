//! What the command line changes in a scenario: `--set`, `--seed`, `--replications`.

use super::layers::Assignment;
use super::problem::{Origin, Problem, Source};
use super::tree::{Node, Value, node, parse_value};
use std::sync::Arc;

/// What the command line changes in every scenario.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `--set` arguments, such as `clients.0.count=5`; later ones win.
    pub sets: Vec<String>,
    /// `--seed`.
    pub seed: Option<u64>,
    /// `--replications`.
    pub replications: Option<u32>,
}

impl Overrides {
    /// The `--set` arguments as assignments.
    pub(crate) fn assignments(&self) -> Result<Vec<Assignment>, Vec<Problem>> {
        let mut assignments = Vec::new();
        let mut problems = Vec::new();
        for set in &self.sets {
            match assignment(set) {
                Ok(assignment) => assignments.push(assignment),
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() {
            Ok(assignments)
        } else {
            Err(problems)
        }
    }

    /// `--seed` and `--replications` as assignments.
    pub(crate) fn counters(&self) -> Vec<Assignment> {
        let counter = |path: &str, value: i128| {
            let source = Arc::new(Source {
                name: format!("--{path}"),
                text: value.to_string(),
            });
            let origin = Origin::new(&source, 0..source.text.len());
            Assignment {
                path: path.to_owned(),
                path_origin: origin.clone(),
                value: Node {
                    value: Value::Integer(value),
                    origin,
                    layer: 0,
                },
            }
        };
        let seed = self.seed.map(|seed| counter("seed", seed.into()));
        let replications = self
            .replications
            .map(|count| counter("replications", count.into()));
        seed.into_iter().chain(replications).collect()
    }
}

fn assignment(set: &str) -> Result<Assignment, Problem> {
    let source = Arc::new(Source {
        name: "--set".to_owned(),
        text: set.to_owned(),
    });
    let whole = Origin::new(&source, 0..set.len());
    let Some(equals) = set.find('=') else {
        return Err(Problem::new("`--set` needs a path and a value")
            .at(&whole, "there is no `=`")
            .way_out("write --set clients.0.count=5"));
    };
    let path = set[..equals].trim();
    let text = set[equals + 1..].trim();
    let path_origin = Origin::new(&source, 0..equals);
    if path.is_empty() || path.split('.').any(|step| step.trim().is_empty()) {
        return Err(Problem::new("`--set` needs a path of keys joined by dots")
            .at(&path_origin, "a key is empty here")
            .way_out("write --set clients.0.count=5"));
    }
    if path == "sweep" || path.starts_with("sweep.") {
        return Err(Problem::new("`--set` cannot change a sweep")
            .at(&path_origin, "")
            .way_out("set the swept key itself: it then has this value in every point"));
    }
    let value_start = equals + 1 + set[equals + 1..].find(text).unwrap_or(0);
    let value_origin = Origin::new(&source, value_start..value_start + text.len());
    let value = match parse_value(text) {
        Some(value) => {
            node(&source, value, 0..0).map_err(|mut found| found.remove(0).at(&value_origin, ""))?
        }
        None if text.starts_with(['[', '{', '"', '\'']) || text.is_empty() => {
            return Err(
                Problem::new(format!("the value of `{path}` is not valid TOML"))
                    .at(&value_origin, if text.is_empty() { "empty" } else { "" })
                    .way_out("a shell takes quotes away: write --set 'method.preset=\"fd\"'"),
            );
        }
        // A bare word or quantity, as in `method.preset=fd` and `server.up=1 Gbps`.
        None => Node {
            value: Value::String(text.to_owned()),
            origin: value_origin.clone(),
            layer: 0,
        },
    };
    let mut assignment = Assignment {
        path: path
            .split('.')
            .map(|step| step.trim().trim_matches('"'))
            .collect::<Vec<_>>()
            .join("."),
        path_origin,
        value,
    };
    place(&mut assignment.value, &value_origin);
    Ok(assignment)
}

/// A part of an argument is shown as the whole value: it is one short line.
fn place(node: &mut Node, origin: &Origin) {
    node.origin = origin.clone();
    match &mut node.value {
        Value::Array(items) => items.iter_mut().for_each(|item| place(item, origin)),
        Value::Table(entries) => {
            for entry in entries {
                entry.key_origin = origin.clone();
                place(&mut entry.node, origin);
            }
        }
        _ => {}
    }
}
