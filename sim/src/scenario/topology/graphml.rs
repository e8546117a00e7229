//! GraphML: `node` and `edge` elements with `data`, whose names the `key` elements tell.
//!
//! No document type and no entities but the five of XML itself: a file cannot make the reader
//! expand or fetch anything. Reading is flat, so depth costs nothing.

use super::draft::{Attributes, Defaults, Draft, shortened};
use super::file::FileError;
use crate::network::topology::Blueprint;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;
use std::collections::BTreeMap;

/// What is being read.
#[derive(Default)]
struct Reading {
    draft: Draft,
    /// The name of an attribute by the id of its key.
    keys: BTreeMap<String, String>,
    graphs: usize,
    edge: Option<Edge>,
    node: Option<Node>,
    /// The attribute whose text is being read.
    data: Option<(String, String)>,
}

struct Node {
    name: String,
    is_router: bool,
    is_server: bool,
}

struct Edge {
    from: String,
    to: String,
    /// Only edges with an id can be told apart from others between the same nodes.
    has_id: bool,
    attributes: Attributes,
}

pub(super) fn parse(text: &str, defaults: &Defaults<'_>) -> Result<Blueprint, FileError> {
    let mut reader = Reader::from_str(text);
    let mut reading = Reading::default();
    let mut open = 0_u64;
    // Edges may stand before the nodes that they join.
    let mut edges: Vec<(Edge, std::ops::Range<usize>)> = Vec::new();
    loop {
        let start = offset(reader.buffer_position());
        let event = reader.read_event().map_err(|error| {
            let at = offset(reader.error_position());
            not_xml(&error.to_string()).at(at..at + 1)
        })?;
        let span = start..offset(reader.buffer_position());
        let here = |error: FileError| error.at(span.clone());
        match event {
            Event::Eof => break,
            Event::DocType(_) => {
                return Err(here(FileError::new(
                    "the file has a document type (<!DOCTYPE ...>)",
                    "expected <graphml> without one: entities are never expanded",
                    "remove it; GraphML needs none",
                )));
            }
            Event::GeneralRef(reference) => {
                let name = reference.to_string();
                let letter = match name.as_str() {
                    "amp" => Some('&'),
                    "lt" => Some('<'),
                    "gt" => Some('>'),
                    "quot" => Some('"'),
                    "apos" => Some('\''),
                    _ => reference.resolve_char_ref().ok().flatten(),
                };
                let Some(letter) = letter else {
                    return Err(here(FileError::new(
                        format!("the entity `&{};` is not known", shortened(&name)),
                        "expected none but &amp; &lt; &gt; &quot; and &apos;",
                        "write the text itself",
                    )));
                };
                if let Some((_, text)) = &mut reading.data {
                    text.push(letter);
                }
            }
            Event::Text(piece) => {
                if let Some((_, text)) = &mut reading.data {
                    text.push_str(&piece);
                }
            }
            Event::CData(piece) => {
                if let Some((_, text)) = &mut reading.data {
                    text.push_str(&piece);
                }
            }
            Event::Start(element) => {
                open += 1;
                reading.begin(&element).map_err(here)?;
            }
            Event::Empty(element) => {
                reading.begin(&element).map_err(here)?;
                let ended = reading
                    .end(element.local_name().as_ref(), defaults)
                    .map_err(here)?;
                edges.extend(ended.map(|edge| (edge, span.clone())));
            }
            Event::End(element) => {
                open = open.saturating_sub(1);
                let ended = reading
                    .end(element.local_name().as_ref(), defaults)
                    .map_err(here)?;
                edges.extend(ended.map(|edge| (edge, span.clone())));
            }
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
    if open > 0 {
        let end = text.trim_end().len();
        return Err(FileError::new(
            format!("the text ends within {open} open elements"),
            "expected </graphml>",
            "was the file cut off?",
        )
        .at(end..end));
    }
    if reading.graphs == 0 {
        return Err(FileError::new(
            "there is no <graph> in the file",
            "expected <graphml> with one <graph> in it",
            "write it with NetworkX's write_graphml",
        ));
    }
    let mut draft = reading.draft;
    for (edge, span) in edges {
        let mut add = || {
            let (from, to) = (draft.find(&edge.from)?, draft.find(&edge.to)?);
            draft.link(from, to, edge.attributes, defaults, edge.has_id)
        };
        add().map_err(|error| error.at(span))?;
    }
    draft.finish()
}

fn offset(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}

fn not_xml(why: &str) -> FileError {
    FileError::new(
        format!("this is not valid XML: {}", shortened(why)),
        "expected GraphML",
        "write it with NetworkX's write_graphml; was the file cut off?",
    )
}

impl Reading {
    fn begin(&mut self, element: &BytesStart<'_>) -> Result<(), FileError> {
        match element.local_name().as_ref() {
            "graph" => {
                self.graphs += 1;
                if self.graphs > 1 {
                    return Err(FileError::new(
                        "there is a second <graph>",
                        "expected one graph, without others inside",
                        "keep one of them",
                    ));
                }
                if attribute(element, "edgedefault")?.as_deref() == Some("directed") {
                    return Err(directed());
                }
            }
            "key" => {
                let id = needed(element, "id")?;
                let name = attribute(element, "attr.name")?.unwrap_or_else(|| id.clone());
                self.keys.insert(id, name);
            }
            "node" => {
                self.node = Some(Node {
                    name: needed(element, "id")?,
                    is_router: false,
                    is_server: false,
                });
            }
            "edge" => {
                if attribute(element, "directed")?.as_deref() == Some("true") {
                    return Err(directed());
                }
                self.edge = Some(Edge {
                    from: needed(element, "source")?,
                    to: needed(element, "target")?,
                    has_id: attribute(element, "id")?.is_some(),
                    attributes: Attributes::default(),
                });
            }
            "data" => self.data = Some((needed(element, "key")?, String::new())),
            "hyperedge" => {
                return Err(FileError::new(
                    "there is a <hyperedge>",
                    "expected links between two nodes",
                    "join more than two hosts by a node of their own",
                ));
            }
            _ => {}
        }
        Ok(())
    }

    /// Takes in what has been read; answers with an edge that is whole.
    fn end(&mut self, element: &str, defaults: &Defaults<'_>) -> Result<Option<Edge>, FileError> {
        match element {
            "data" => {
                let Some((key, text)) = self.data.take() else {
                    return Ok(None);
                };
                let name = self.keys.get(&key).map_or(key.as_str(), String::as_str);
                let text = text.trim();
                if let Some(edge) = &mut self.edge {
                    if !text.is_empty() {
                        edge.attributes.set(name, text, defaults)?;
                    }
                } else if let Some(node) = &mut self.node {
                    let is_marked = text.eq_ignore_ascii_case("true");
                    match name {
                        "router" => node.is_router = is_marked,
                        "server" => node.is_server = is_marked,
                        _ => {}
                    }
                }
            }
            "node" => {
                if let Some(node) = self.node.take() {
                    let place = self.draft.declare(&node.name, !node.is_router)?;
                    if node.is_server {
                        self.draft.mark_server(place)?;
                    }
                }
            }
            "edge" => return Ok(self.edge.take()),
            _ => {}
        }
        Ok(None)
    }
}

fn directed() -> FileError {
    FileError::new(
        "the graph is directed",
        "expected links that carry both directions (edgedefault=\"undirected\")",
        "write it with `G.to_undirected()`",
    )
}

fn attribute(element: &BytesStart<'_>, name: &str) -> Result<Option<String>, FileError> {
    let found = element
        .try_get_attribute(name)
        .map_err(|error| not_xml(&error.to_string()))?;
    let Some(found) = found else {
        return Ok(None);
    };
    quick_xml::escape::unescape(&found.value)
        .map(|plain| Some(plain.into_owned()))
        .map_err(|error| not_xml(&error.to_string()))
}

fn needed(element: &BytesStart<'_>, name: &str) -> Result<String, FileError> {
    attribute(element, name)?.ok_or_else(|| {
        let element = element.local_name().as_ref().to_owned();
        FileError::new(
            format!("a <{element}> has no `{name}`"),
            format!("expected <{element} {name}=\"...\">"),
            "write it with NetworkX's write_graphml",
        )
    })
}
