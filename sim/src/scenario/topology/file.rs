//! A topology's file: how it is read, which format it has, and what can be wrong with it.

use super::draft::{Defaults, shortened};
use super::{edge_list, graphml, node_link};
use crate::network::topology::Blueprint;
use crate::scenario::problem::{Origin, Problem, Source};
use std::fs;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// A larger file is taken for a mistake: a link takes about 60 bytes.
const LARGEST_FILE_BYTES: u64 = 50_000_000;

/// An excerpt of a longer line shows nothing.
const LONGEST_LINE: usize = 300;

/// What is wrong with a topology's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileError {
    /// What was found.
    pub(crate) title: String,
    /// What was expected there.
    pub(crate) expected: String,
    pub(crate) way_out: String,
    /// Where in the text, as far as one place is at fault.
    pub(crate) span: Option<Range<usize>>,
}

impl FileError {
    pub(crate) fn new(
        title: impl Into<String>,
        expected: impl Into<String>,
        way_out: impl Into<String>,
    ) -> Self {
        Self {
            title: title.into(),
            expected: expected.into(),
            way_out: way_out.into(),
            span: None,
        }
    }

    pub(crate) fn at(mut self, span: Range<usize>) -> Self {
        self.span.get_or_insert(span);
        self
    }

    /// As a user should read it, with the lines at fault.
    pub(crate) fn into_problem(self, name: &str, text: &str) -> Problem {
        let problem = Problem::new(self.title.clone());
        let lines = self.span.map(|span| whole_lines(text, span));
        let problem = match lines {
            Some((number, line, span)) if line.len() <= LONGEST_LINE => {
                // Only the lines at fault: the text may be long.
                let mut excerpt = "\n".repeat(number);
                let shift = excerpt.len();
                excerpt.push_str(line);
                let source = Arc::new(Source {
                    name: name.to_owned(),
                    text: excerpt,
                });
                let span = shift + span.start..shift + span.end;
                problem.at(&Origin::new(&source, span), self.expected)
            }
            Some((number, ..)) => problem
                .in_file(name)
                .note(format!("in line {}", number + 1))
                .note(format!(
                    "expected {}",
                    self.expected.trim_start_matches("expected ")
                )),
            None if self.expected.is_empty() => problem.in_file(name),
            None => problem.in_file(name).note(self.expected),
        };
        problem.way_out(self.way_out)
    }
}

/// The number of the line that a span begins in, from 0, its text, and the span within it.
fn whole_lines(text: &str, span: Range<usize>) -> (usize, &str, Range<usize>) {
    let start = text.floor_char_boundary(span.start.min(text.len()));
    let end = text.floor_char_boundary(span.end.clamp(start, text.len()));
    let begin = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let finish = text[start..].find('\n').map_or(text.len(), |at| start + at);
    let number = text[..begin].matches('\n').count();
    let line = text[begin..finish].trim_end_matches('\r');
    let last = line.len();
    let from = (start - begin).min(last);
    (number, line, from..(end - begin).clamp(from, last))
}

/// Reads the text of a topology's file.
///
/// # Errors
/// There is none, it is too large, or it is no text.
pub(crate) fn read(path: &Path) -> Result<String, FileError> {
    let shown = path.display();
    let refuse = |title: String, way_out: &str| Err(FileError::new(title, "", way_out));
    let format =
        "save it as an edge list (.csv), node-link JSON (.json) or GraphML (.graphml) in UTF-8";
    let bytes = match fs::metadata(path) {
        Ok(about) if about.is_dir() => {
            return refuse(format!("`{shown}` is a directory"), "name a file in it");
        }
        Ok(about) if !about.is_file() => {
            return refuse(format!("`{shown}` is no plain file"), format);
        }
        Ok(about) if about.len() > LARGEST_FILE_BYTES => {
            return refuse(
                format!(
                    "`{shown}` has {} bytes, too many for a topology",
                    about.len()
                ),
                "a topology is at most 50 MB; was a data file named by mistake?",
            );
        }
        _ => fs::read(path),
    };
    let text = match bytes {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return refuse(
                format!("there is no file `{shown}`"),
                "paths are relative to the folder of the scenario file",
            );
        }
        Err(error) => {
            return refuse(
                format!("`{shown}` cannot be read: {error}"),
                "check the file and its permissions",
            );
        }
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) if !text.contains('\0') => text,
            _ => {
                return refuse(
                    format!("`{shown}` is not a text file (it is not UTF-8)"),
                    format,
                );
            }
        },
    };
    if text.trim().is_empty() {
        return refuse(format!("`{shown}` is empty"), format);
    }
    Ok(text
        .strip_prefix('\u{feff}')
        .map(str::to_owned)
        .unwrap_or(text))
}

/// Makes a blueprint of a text, by the ending of the file's name.
///
/// # Errors
/// Whatever is wrong with the text.
pub(super) fn parse(
    file: &str,
    text: &str,
    defaults: &Defaults<'_>,
) -> Result<Blueprint, FileError> {
    let ending = Path::new(file)
        .extension()
        .map(|ending| ending.to_string_lossy().to_lowercase())
        .unwrap_or_default();
    match ending.as_str() {
        "csv" => edge_list::parse(text),
        "json" => node_link::parse(text, defaults),
        "graphml" => graphml::parse(text, defaults),
        _ => Err(FileError::new(
            format!(
                "the ending `.{}` says no format of topologies",
                shortened(&ending)
            ),
            "expected `.csv`, `.json` or `.graphml`",
            "rename it: an edge list is a .csv, node-link JSON a .json, GraphML a .graphml",
        )),
    }
}
