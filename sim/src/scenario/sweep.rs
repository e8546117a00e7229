//! The `[sweep]` table: every combination of its values is a point, and a layer.

use super::layers::Assignment;
use super::problem::Problem;
use super::tree::{Entry, Node, Value};

/// More points than this are taken for a mistake.
const MOST_POINTS: usize = 100_000;

/// What each point sets, in file order with the last key fastest; one empty
/// point where nothing is swept. A key that `sets` fix is swept no longer.
pub(crate) fn points(
    tree: &mut Node,
    sets: &[Assignment],
) -> Result<Vec<Vec<Assignment>>, Vec<Problem>> {
    let Some(sweep) = take(tree) else {
        return Ok(vec![Vec::new()]);
    };
    let mut axes = Vec::new();
    let mut problems = Vec::new();
    match &sweep.node.value {
        Value::Table(entries) => {
            for entry in entries {
                axis(entry, String::new(), &mut axes, &mut problems);
            }
        }
        other => problems.push(
            Problem::new(format!(
                "`sweep` is of the wrong type: {} `{other}`",
                other.kind()
            ))
            .at(
                &sweep.node.origin,
                "expected a table of keys and lists of values",
            )
            .way_out("write [sweep] and under it \"method.preset\" = [\"fd\", \"fedmd\"]"),
        ),
    }
    for (index, axis) in axes.iter().enumerate() {
        if let Some(before) = axes[..index].iter().find(|before| before.0 == axis.0) {
            problems.push(
                Problem::new(format!("`{}` is swept twice", axis.0))
                    .at(&axis.1.key_origin, "again here")
                    .and_at(&before.1.key_origin, "first here")
                    .way_out("keep one of them"),
            );
        }
    }
    axes.retain(|axis| sets.iter().all(|set| set.path != axis.0));
    let count = axes
        .iter()
        .try_fold(1_usize, |product, axis| product.checked_mul(axis.2.len()))
        .filter(|count| *count <= MOST_POINTS);
    if count.is_none() {
        problems.push(
            Problem::new(format!("the sweep has more than {MOST_POINTS} points"))
                .at(
                    &sweep.key_origin,
                    "every combination of these values is a run",
                )
                .way_out("sweep fewer values, or split the sweep over several files"),
        );
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut points: Vec<Vec<Assignment>> = vec![Vec::new()];
    for (path, entry, values) in &axes {
        points = points
            .iter()
            .flat_map(|point| {
                values.iter().map(move |value| {
                    let mut point = point.clone();
                    point.push(Assignment {
                        path: path.clone(),
                        path_origin: entry.key_origin.clone(),
                        value: value.clone(),
                    });
                    point
                })
            })
            .collect();
    }
    Ok(points)
}

fn take(tree: &mut Node) -> Option<Entry> {
    let Value::Table(entries) = &mut tree.value else {
        return None;
    };
    let place = entries.iter().position(|entry| entry.key == "sweep")?;
    Some(entries.remove(place))
}

/// `"method.preset" = [...]` and `method.preset = [...]` are the same.
fn axis<'a>(
    entry: &'a Entry,
    under: String,
    axes: &mut Vec<(String, &'a Entry, &'a [Node])>,
    problems: &mut Vec<Problem>,
) {
    let path = if under.is_empty() {
        entry.key.clone()
    } else {
        format!("{under}.{}", entry.key)
    };
    match &entry.node.value {
        Value::Table(inner) => {
            for entry in inner {
                axis(entry, path.clone(), axes, problems);
            }
        }
        Value::Array(values) if values.is_empty() => problems.push(
            Problem::new(format!("the sweep over `{path}` has no values"))
                .at(&entry.node.origin, "empty list")
                .way_out("list at least one value, or remove the key"),
        ),
        Value::Array(_) if matches!(path.as_str(), "replication" | "replications" | "name") => {
            problems.push(
                Problem::new(format!("`{path}` cannot be swept"))
                    .at(&entry.key_origin, "")
                    .way_out("set it once, outside `[sweep]`"),
            );
        }
        Value::Array(values) => axes.push((path, entry, values)),
        other => problems.push(
            Problem::new(format!(
                "the sweep over `{path}` is of the wrong type: {} `{other}`",
                other.kind()
            ))
            .at(&entry.node.origin, "expected a list of values")
            .way_out(format!("write [{other}], or move the key out of `[sweep]`")),
        ),
    }
}
