//! Values that remember where they were written.
//!
//! TOML gives a tree without a past; merged layers need to say, for each value,
//! which file and line, which argument or which preset it came from.

use super::problem::{Origin, Problem, Source};
use std::fmt;
use std::sync::Arc;
use toml::de::{DeTable, DeValue};

/// A value and where it came from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) value: Value,
    pub(crate) origin: Origin,
    /// Number of the layer that wrote it; later layers have higher numbers.
    pub(crate) layer: usize,
}

/// A TOML value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Boolean(bool),
    Integer(i128),
    Float(f64),
    String(String),
    Datetime(String),
    Array(Vec<Node>),
    Table(Vec<Entry>),
}

/// A key of a table, where it was written, and its value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_origin: Origin,
    pub(crate) node: Node,
}

impl Node {
    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Table(entries) => entries,
            _ => &[],
        }
    }

    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The node at a dotted path; numbers are places in arrays.
    pub(crate) fn at(&self, path: &str) -> Option<&Node> {
        path.split('.').try_fold(self, Node::child)
    }

    pub(crate) fn child(&self, step: &str) -> Option<&Node> {
        match &self.value {
            Value::Table(_) => self.entry(step).map(|entry| &entry.node),
            Value::Array(items) => items.get(step.parse::<usize>().ok()?),
            _ => None,
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The deepest existing place on the way to a path, for a message about it.
    pub(crate) fn nearest_place(&self, path: &str) -> &Origin {
        let mut here = self;
        let mut place = &self.origin;
        for step in path.split('.') {
            match here.child(step) {
                Some(next) => {
                    // A table's own span is its header; the key says more.
                    place = match (&next.value, here.entry(step)) {
                        (Value::Table(_), Some(entry)) => &entry.key_origin,
                        _ => &next.origin,
                    };
                    here = next;
                }
                None => break,
            }
        }
        place
    }

    pub(crate) fn set_layer(&mut self, layer: usize) {
        self.layer = layer;
        match &mut self.value {
            Value::Array(items) => items.iter_mut().for_each(|item| item.set_layer(layer)),
            Value::Table(entries) => {
                for entry in entries {
                    entry.node.set_layer(layer);
                }
            }
            _ => {}
        }
    }
}

impl Value {
    /// What it is, for a message.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Boolean(_) => "boolean",
            Self::Integer(_) => "integer",
            Self::Float(_) => "number",
            Self::String(_) => "string",
            Self::Datetime(_) => "date",
            Self::Array(_) => "array",
            Self::Table(_) => "table",
        }
    }
}

/// As written in TOML, inline.
impl fmt::Display for Value {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean(value) => write!(out, "{value}"),
            Self::Integer(value) => write!(out, "{value}"),
            Self::Float(value) => write!(out, "{}", toml::Value::Float(*value)),
            Self::String(value) => write!(out, "{}", quoted(value)),
            Self::Datetime(value) => out.write_str(value),
            Self::Array(items) => {
                out.write_str("[")?;
                for (index, item) in items.iter().enumerate() {
                    write!(out, "{}{}", if index == 0 { "" } else { ", " }, item.value)?;
                }
                out.write_str("]")
            }
            Self::Table(entries) if entries.is_empty() => out.write_str("{}"),
            Self::Table(entries) => {
                out.write_str("{ ")?;
                for (index, entry) in entries.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(
                        out,
                        "{comma}{} = {}",
                        bare_or_quoted(&entry.key),
                        entry.node.value
                    )?;
                }
                out.write_str(" }")
            }
        }
    }
}

/// A key as TOML needs it.
pub(crate) fn bare_or_quoted(key: &str) -> String {
    let bare = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    if !key.is_empty() && key.chars().all(bare) {
        key.to_owned()
    } else {
        quoted(key)
    }
}

/// On one line, whatever it holds.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            control if control.is_control() => {
                out.push_str(&format!("\\u{:04X}", u32::from(control)));
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

/// A whole document.
pub(crate) fn parse_document(source: &Arc<Source>) -> Result<Node, Vec<Problem>> {
    let (document, errors) = DeTable::parse_recoverable(&source.text);
    let mut problems: Vec<Problem> = errors
        .iter()
        .map(|error| syntax_problem(source, error))
        .collect();
    // One slip upsets what follows it; the first message says where to look.
    problems.truncate(1);
    if problems.is_empty() {
        let entries = table(source, document.into_inner())?;
        Ok(Node {
            value: Value::Table(entries),
            // No line stands for the document as a whole.
            origin: Origin::new(source, 0..0),
            layer: 0,
        })
    } else {
        Err(problems)
    }
}

/// One value, such as the right side of `--set`.
pub(crate) fn parse_value(text: &str) -> Option<DeValue<'_>> {
    DeValue::parse(text).ok().map(|value| value.into_inner())
}

fn syntax_problem(source: &Arc<Source>, error: &toml::de::Error) -> Problem {
    let span = error.span().unwrap_or(source.text.len()..source.text.len());
    let at_end = span.start >= source.text.trim_end().len();
    let problem = Problem::new(format!("this is not valid TOML: {}", error.message()))
        .at(&Origin::new(source, span), "");
    if error.message() == "duplicate key" {
        problem.way_out("a key is given once in its table; remove one of the two")
    } else if at_end {
        problem.way_out("the text ends here; was the file cut off?")
    } else {
        problem.way_out(
            "strings need quotes, tables a `[header]`, and every other line reads `key = value`",
        )
    }
}

fn table(source: &Arc<Source>, table: DeTable<'_>) -> Result<Vec<Entry>, Vec<Problem>> {
    let mut entries = Vec::new();
    let mut problems = Vec::new();
    for (key, value) in table {
        let key_origin = Origin::new(source, key.span());
        let span = value.span();
        match node(source, value.into_inner(), span) {
            Ok(node) => entries.push(Entry {
                key: key.into_inner().into_owned(),
                key_origin,
                node,
            }),
            Err(found) => problems.extend(found),
        }
    }
    // The parser sorts by key; a user reads in the order of the file.
    entries.sort_by_key(|entry| entry.key_origin.span.start);
    if problems.is_empty() {
        Ok(entries)
    } else {
        Err(problems)
    }
}

/// A parsed value as a node of this source; its number may not fit.
pub(crate) fn node(
    source: &Arc<Source>,
    value: DeValue<'_>,
    span: std::ops::Range<usize>,
) -> Result<Node, Vec<Problem>> {
    let origin = Origin::new(source, span);
    let too_large = |text: &str| {
        vec![
            Problem::new(format!("the number {text} is too large"))
                .at(&origin, "does not fit in 64 bits")
                .way_out("write a smaller number, or a quantity with its unit"),
        ]
    };
    let value = match value {
        DeValue::String(text) => Value::String(text.into_owned()),
        DeValue::Boolean(flag) => Value::Boolean(flag),
        DeValue::Integer(number) => Value::Integer(
            i128::from_str_radix(number.as_str(), number.radix())
                .ok()
                .filter(|n| *n <= i128::from(u64::MAX) && *n >= i128::from(i64::MIN))
                .ok_or_else(|| too_large(number.as_str()))?,
        ),
        DeValue::Float(number) => Value::Float(
            number
                .as_str()
                .parse()
                .map_err(|_| too_large(number.as_str()))?,
        ),
        DeValue::Datetime(date) => Value::Datetime(date.to_string()),
        DeValue::Array(items) => {
            let mut nodes = Vec::new();
            for item in items {
                let span = item.span();
                nodes.push(node(source, item.into_inner(), span)?);
            }
            Value::Array(nodes)
        }
        DeValue::Table(inner) => Value::Table(table(source, inner)?),
    };
    Ok(Node {
        value,
        origin,
        layer: 0,
    })
}
