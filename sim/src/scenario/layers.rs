//! Layers of a scenario and how a later one changes an earlier one.
//!
//! Preset < scenario file < sweep point < `--set` arguments. The preset is the
//! one that the layers above it finally name.

use super::device_classes::{name_as_table, resolve};
use super::known_keys::Known;
use super::presets::{PRESETS, Preset};
use super::problem::{Origin, Problem};
use super::quantity::nearest;
use super::tree::{Entry, Node, Value};

/// What a layer says.
#[derive(Debug, Clone)]
pub(crate) enum Layer {
    /// A whole file.
    Document(Node),
    /// One value at one path, from a sweep or an argument.
    Assignment(Assignment),
}

/// One value at one path.
#[derive(Debug, Clone)]
pub(crate) struct Assignment {
    /// Dotted; numbers are places in arrays.
    pub(crate) path: String,
    pub(crate) path_origin: Origin,
    pub(crate) value: Node,
}

/// The layers as one tree, and what was left out of earlier ones.
#[derive(Debug)]
pub(crate) struct Merged {
    pub(crate) tree: Node,
    pub(crate) notes: Vec<String>,
}

/// Merges the layers, earliest first, over the preset that they name.
pub(crate) fn merge(layers: &[Layer]) -> Result<Merged, Problem> {
    let tree = merge_first(layers, layers.len())?;
    let mut merged = Merged {
        tree: tree.clone(),
        notes: Vec::new(),
    };
    let mut forget = Forget {
        layers,
        whole: &tree,
        notes: &mut merged.notes,
    };
    forget.stale_keys(&mut merged.tree, Known::root(), "")?;
    resolve(&mut merged.tree)?;
    Ok(merged)
}

/// The tree that the first `count` layers make by themselves.
fn merge_first(layers: &[Layer], count: usize) -> Result<Node, Problem> {
    let above = stack(layers, count, None)?;
    let Some(named) = above.at("method.preset") else {
        return Ok(above);
    };
    let Some(name) = named.text() else {
        // Decoding says that a string is expected.
        return Ok(above);
    };
    let Some(preset) = Preset::find(name) else {
        let names: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
        let problem = Problem::new(format!("there is no method preset `{name}`")).at(
            &named.origin,
            format!("known presets: {}", names.join(", ")),
        );
        return Err(match nearest(name, names) {
            Some(near) => problem.way_out(format!("did you mean \"{near}\"?")),
            None => problem.way_out("`fedstill methods` describes them"),
        });
    };
    stack(layers, count, Some(preset.layer()))
}

fn stack(layers: &[Layer], count: usize, preset: Option<Node>) -> Result<Node, Problem> {
    let mut tree: Option<Node> = preset.map(|mut node| {
        expand(&mut node, Known::root());
        node.set_layer(0);
        node
    });
    for (index, layer) in layers[..count].iter().enumerate() {
        match layer {
            Layer::Document(document) => {
                let mut document = document.clone();
                document.set_layer(index + 1);
                expand(&mut document, Known::root());
                match &mut tree {
                    Some(tree) => lay_over(tree, document),
                    None => tree = Some(document),
                }
            }
            Layer::Assignment(assignment) => {
                let mut value = assignment.value.clone();
                value.set_layer(index + 1);
                let root = tree.get_or_insert_with(|| empty_table(&assignment.path_origin, 0));
                let steps: Vec<&str> = assignment.path.split('.').collect();
                assign(root, &steps, value, assignment, Known::root())?;
            }
        }
    }
    Ok(tree.unwrap_or_else(|| unreachable!("a scenario has at least the layer of its file")))
}

fn empty_table(origin: &Origin, layer: usize) -> Node {
    Node {
        value: Value::Table(Vec::new()),
        origin: origin.clone(),
        layer,
    }
}

/// Writes every choice given as a string as the table it stands for.
pub(super) fn expand(node: &mut Node, known: Known) {
    if known.is_choice()
        && let Value::String(_) = &node.value
    {
        let text = node.clone();
        node.value = Value::Table(vec![Entry {
            key: "kind".to_owned(),
            key_origin: text.origin.clone(),
            node: text,
        }]);
        return;
    }
    // `{ file = ... }` says its kind by itself.
    if known.kind_has("file", "file") == Some(true)
        && node.entry("kind").is_none()
        && let Some(file) = node.entry("file").cloned()
        && let Value::Table(entries) = &mut node.value
    {
        let kind = Node {
            value: Value::String("file".to_owned()),
            ..file.node
        };
        entries.insert(
            0,
            Entry {
                key: "kind".to_owned(),
                key_origin: file.key_origin,
                node: kind,
            },
        );
    }
    match &mut node.value {
        Value::Table(entries) => {
            for entry in entries {
                if let Some(known) = known.child(&entry.key) {
                    expand(&mut entry.node, known);
                }
            }
        }
        Value::Array(items) => {
            if let Some(known) = known.child("0") {
                items.iter_mut().for_each(|item| expand(item, known));
            }
        }
        _ => {}
    }
}

pub(super) fn lay_over(base: &mut Node, over: Node) {
    match (&mut base.value, over.value) {
        // A new distribution or column takes nothing from the one before.
        (Value::Table(_), Value::Table(over_entries))
            if over_entries
                .iter()
                .any(|entry| matches!(entry.key.as_str(), "dist" | "file")) =>
        {
            base.value = Value::Table(over_entries);
            base.origin = over.origin;
            base.layer = over.layer;
        }
        (Value::Table(base_entries), Value::Table(over_entries)) => {
            // A fleet takes the place of a class, and a class that of a fleet.
            let named = |key: &str| over_entries.iter().any(|entry| entry.key == key);
            let (class, mix) = (named("class"), named("mix"));
            base_entries.retain(|entry| match entry.key.as_str() {
                "class" => !mix,
                "mix" => !class,
                _ => true,
            });
            for entry in over_entries {
                match base_entries.iter_mut().find(|known| known.key == entry.key) {
                    Some(known) => {
                        known.key_origin = entry.key_origin;
                        lay_over(&mut known.node, entry.node);
                    }
                    None => base_entries.push(entry),
                }
            }
            base.origin = over.origin;
            base.layer = over.layer;
        }
        (_, value) => {
            base.value = value;
            base.origin = over.origin;
            base.layer = over.layer;
        }
    }
}

fn assign(
    base: &mut Node,
    steps: &[&str],
    mut value: Node,
    assignment: &Assignment,
    known: Known,
) -> Result<(), Problem> {
    let Some((step, rest)) = steps.split_first() else {
        expand(&mut value, known);
        lay_over(base, value);
        return Ok(());
    };
    let refuse = |title: String, way_out: String| {
        Err(Problem::new(title)
            .at(&assignment.path_origin, "")
            .way_out(way_out))
    };
    if let Value::Array(items) = &mut base.value {
        let count = items.len();
        let Some(item) = step.parse::<usize>().ok().and_then(|at| items.get_mut(at)) else {
            return refuse(
                format!("`{}`: there is no item `{step}`", assignment.path),
                match count {
                    0 => "the array is empty".to_owned(),
                    1 => "the array has one item, `0`".to_owned(),
                    _ => format!("the array has {count} items, `0` to `{}`", count - 1),
                },
            );
        };
        return match known.child(step) {
            Some(known) => assign(item, rest, value, assignment, known),
            None => refuse(format!("`{}` is not known", assignment.path), String::new()),
        };
    }
    if known.child("class").is_some() {
        name_as_table(base);
    }
    if !matches!(base.value, Value::Table(_)) {
        // A constant gives way to a table; decoding says if the table is not whole.
        *base = empty_table(&assignment.path_origin, value.layer);
    }
    let Value::Table(entries) = &mut base.value else {
        return Ok(());
    };
    let place = match entries.iter().position(|entry| entry.key == *step) {
        Some(place) => {
            entries[place].key_origin = assignment.path_origin.clone();
            place
        }
        None => {
            entries.push(Entry {
                key: (*step).to_owned(),
                key_origin: assignment.path_origin.clone(),
                node: empty_table(&assignment.path_origin, value.layer),
            });
            entries.len() - 1
        }
    };
    let node = &mut entries[place].node;
    match known.child(step) {
        Some(known) => assign(node, rest, value, assignment, known),
        // Not a key of the schema: put it there all the same, so that decoding names it.
        None => {
            *node = value;
            Ok(())
        }
    }
}

/// Leaves out keys that were written for a kind which a later layer changed.
struct Forget<'a> {
    layers: &'a [Layer],
    whole: &'a Node,
    notes: &'a mut Vec<String>,
}

impl Forget<'_> {
    fn stale_keys(&mut self, node: &mut Node, known: Known, path: &str) -> Result<(), Problem> {
        let join = |step: &str| match path {
            "" => step.to_owned(),
            _ => format!("{path}.{step}"),
        };
        let kind = node
            .entry("kind")
            .and_then(|entry| entry.node.text())
            .map(str::to_owned);
        if known.is_choice()
            && let Some(kind) = &kind
            && let Value::Table(entries) = &mut node.value
        {
            let mut kept = Vec::new();
            for entry in std::mem::take(entries) {
                let stale = known.kind_has(kind, &entry.key) == Some(false)
                    && self.kind_when_written(path, &entry)?.as_ref() != Some(kind);
                if stale {
                    self.notes.push(format!(
                        "`{}` = {} ({}) is left out: `{path}` is now `{kind}`, which has no such key",
                        join(&entry.key),
                        entry.node.value,
                        entry.key_origin.source.name,
                    ));
                } else {
                    kept.push(entry);
                }
            }
            *entries = kept;
        }
        match &mut node.value {
            Value::Table(entries) => {
                for entry in entries {
                    if let Some(known) = known.child(&entry.key) {
                        self.stale_keys(&mut entry.node, known, &join(&entry.key))?;
                    }
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    let step = index.to_string();
                    if let Some(known) = known.child(&step) {
                        self.stale_keys(item, known, &join(&step))?;
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The kind that held when this key was written.
    fn kind_when_written(&self, path: &str, entry: &Entry) -> Result<Option<String>, Problem> {
        let layer = entry.node.layer;
        let kind = |tree: &Node| {
            tree.at(path)
                .and_then(|node| node.entry("kind"))
                .and_then(|entry| entry.node.text())
                .map(str::to_owned)
        };
        if layer == self.layers.len() {
            return Ok(kind(self.whole));
        }
        if layer == 0 {
            // The preset speaks for itself.
            return Ok(preset_of(self.whole)
                .map(Preset::layer)
                .and_then(|mut tree| {
                    expand(&mut tree, Known::root());
                    kind(&tree)
                }));
        }
        Ok(kind(&merge_first(self.layers, layer)?))
    }
}

fn preset_of(tree: &Node) -> Option<&'static Preset> {
    Preset::find(tree.at("method.preset")?.text()?)
}
