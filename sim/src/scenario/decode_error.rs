//! What is wrong with a value while decoding, kept apart by kind until it is told.

use super::decode::TAG;
use super::known_keys::Known;
use super::problem::{Origin, Problem};
use super::quantity::nearest;
use serde::de::{self, Unexpected};
use std::fmt;

/// What is wrong with a value, and where.
#[derive(Debug)]
pub(crate) struct DecodeError {
    pub(crate) what: What,
    pub(crate) place: Option<Origin>,
    /// Keys from the root, outermost first.
    pub(crate) path: Vec<String>,
}

/// The kinds of error that serde tells apart.
#[derive(Debug)]
pub(crate) enum What {
    UnknownKey {
        found: String,
        known: Vec<&'static str>,
    },
    UnknownVariant {
        found: String,
        known: Vec<&'static str>,
    },
    WrongType {
        found: String,
        expected: String,
    },
    MissingKey(String),
    /// A title, and on the lines after it ways out.
    Other(String),
}

impl DecodeError {
    pub(crate) fn new(what: What) -> Self {
        Self {
            what,
            place: None,
            path: Vec::new(),
        }
    }

    /// The innermost place wins: it is set first.
    pub(crate) fn or_at(mut self, place: &Origin) -> Self {
        self.place.get_or_insert_with(|| place.clone());
        self
    }

    pub(crate) fn under(mut self, step: &str) -> Self {
        self.path.insert(0, step.to_owned());
        self
    }

    /// As a user should read it.
    pub(crate) fn into_problem(self, about: impl Fn(&str) -> Option<String>) -> Problem {
        let whole = self.path.join(".");
        let inside = |container: &str| {
            if container.is_empty() {
                "at the top of the scenario".to_owned()
            } else {
                format!("in `{container}`")
            }
        };
        let parent = self
            .path
            .split_last()
            .map_or_else(String::new, |(_, rest)| rest.join("."));
        let (problem, label) = match &self.what {
            What::UnknownKey { found, known } => {
                let problem = Problem::new(format!("unknown key `{found}` {}", inside(&parent)));
                let problem = match nearest(found, known.iter().copied()) {
                    Some(near) => problem.way_out(format!("did you mean `{near}`?")),
                    None if known.is_empty() => {
                        problem.way_out(format!("remove it, or change `{parent}.{TAG}`"))
                    }
                    None => problem.way_out("remove it; `fedstill schema` lists every key"),
                };
                let label = match known.as_slice() {
                    [] => format!("this kind has no keys besides `{TAG}`"),
                    _ => format!("expected {}", one_of(known)),
                };
                (problem, label)
            }
            What::UnknownVariant { found, known } => {
                let problem = Problem::new(format!("`{whole}` cannot be `{found}`"));
                let problem = match nearest(found, known.iter().copied()) {
                    Some(near) => problem.way_out(format!("did you mean \"{near}\"?")),
                    None => problem,
                };
                (problem, format!("expected {}", one_of(known)))
            }
            What::WrongType { found, expected } => {
                let problem = Problem::new(format!("`{whole}` is of the wrong type: {found}"));
                let problem = match about(&whole) {
                    Some(meaning) => problem.note(format!("`{whole}`: {meaning}")),
                    None => problem,
                };
                (problem, format!("expected {expected}"))
            }
            What::MissingKey(key) => {
                let path = if whole.is_empty() {
                    key.clone()
                } else {
                    format!("{whole}.{key}")
                };
                let problem =
                    Problem::new(format!("the key `{key}` is missing {}", inside(&whole)));
                let meaning =
                    about(&path).map_or_else(String::new, |meaning| format!(": {meaning}"));
                (
                    problem.way_out(format!("add {}{meaning}", as_written(&path, key))),
                    format!("`{key}` is needed here"),
                )
            }
            What::Other(text) => {
                let mut lines = text.lines();
                let title = lines.next().unwrap_or_default();
                let mut problem = Problem::new(if whole.is_empty() {
                    title.to_owned()
                } else {
                    format!("`{whole}`: {title}")
                });
                for line in lines {
                    problem = problem.way_out(line);
                }
                (problem, String::new())
            }
        };
        match &self.place {
            Some(place) => problem.at(place, label),
            None => problem,
        }
    }
}

/// How a missing key is written: a table under its header, anything else on its line.
fn as_written(path: &str, key: &str) -> String {
    let known = path.split('.').try_fold(Known::root(), Known::child);
    match known {
        Some(known) if path == key && known.is_array() => format!("a table `[[{key}]]`"),
        Some(known) if path == key && known.is_table() => format!("a table `[{key}]`"),
        _ => format!("`{key} = ...`"),
    }
}

pub(crate) fn one_of(known: &[&str]) -> String {
    let names: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
    match names.as_slice() {
        [] => "nothing".to_owned(),
        [only] => only.clone(),
        [rest @ .., last] => format!("{} or {last}", rest.join(", ")),
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}", self.what)
    }
}

impl std::error::Error for DecodeError {}

fn found(unexpected: Unexpected<'_>) -> String {
    match unexpected {
        Unexpected::Bool(value) => format!("the boolean `{value}`"),
        Unexpected::Unsigned(value) => format!("the integer `{value}`"),
        Unexpected::Signed(value) => format!("the integer `{value}`"),
        Unexpected::Float(value) => format!("the number `{value}`"),
        Unexpected::Str(value) => format!("the string \"{value}\""),
        Unexpected::Seq => "an array".to_owned(),
        Unexpected::Map => "a table".to_owned(),
        other => other.to_string(),
    }
}

/// serde names Rust's types; a user knows TOML's.
fn in_words(expected: &dyn de::Expected) -> String {
    let text = expected.to_string();
    match text.as_str() {
        "usize" | "u64" | "u32" => "a whole number, zero or more".to_owned(),
        "f64" => "a number".to_owned(),
        "a sequence" => "an array".to_owned(),
        _ => match text.strip_prefix("struct Raw") {
            Some(_) => "a table".to_owned(),
            None => text,
        },
    }
}

impl de::Error for DecodeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(What::Other(message.to_string()))
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::new(What::WrongType {
            found: found(unexpected),
            expected: in_words(expected),
        })
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        let expected = match expected.to_string().as_str() {
            "u32" => "a whole number from 0 to 4294967295".to_owned(),
            _ => in_words(expected),
        };
        Self::new(What::WrongType {
            found: found(unexpected),
            expected,
        })
    }

    fn unknown_variant(variant: &str, known: &'static [&'static str]) -> Self {
        Self::new(What::UnknownVariant {
            found: variant.to_owned(),
            known: known.to_vec(),
        })
    }

    fn unknown_field(field: &str, known: &'static [&'static str]) -> Self {
        Self::new(What::UnknownKey {
            found: field.to_owned(),
            known: known.to_vec(),
        })
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(What::MissingKey(field.to_owned()))
    }
}
