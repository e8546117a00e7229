//! A mistake in a user's input: where, what was found, what was expected, and a way out.

use annotate_snippets::{AnnotationKind, Group, Level, Origin as SnippetOrigin, Renderer, Snippet};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// A text that scenario values came from: a file, a preset, or an argument.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Source {
    /// How a user calls it: a path, `--set`, `preset fedmd`.
    pub(crate) name: String,
    pub(crate) text: String,
}

/// A place in a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) source: Arc<Source>,
    pub(crate) span: Range<usize>,
}

impl Origin {
    pub(crate) fn new(source: &Arc<Source>, span: Range<usize>) -> Self {
        Self {
            source: Arc::clone(source),
            span,
        }
    }

    /// Whether it stands for the source as a whole.
    fn is_whole(&self) -> bool {
        self.span == (0..0)
    }
}

/// One mistake in a user's input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    title: String,
    // Boxed, because results carry problems through calls that mostly succeed.
    details: Box<Details>,
}

/// What is shown below the title.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Details {
    place: Option<Origin>,
    label: String,
    also: Vec<(Origin, String)>,
    notes: Vec<String>,
    way_out: Vec<String>,
    file: Option<String>,
}

impl Problem {
    pub(crate) fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            details: Box::default(),
        }
    }

    /// The excerpt to show, with what is said under it.
    pub(crate) fn at(mut self, place: &Origin, label: impl Into<String>) -> Self {
        if place.is_whole() {
            // No excerpt shows what is missing from a whole file.
            let label = label.into();
            self.details
                .notes
                .extend(Some(label).filter(|label| !label.is_empty()));
            return self.in_file(place.source.name.clone());
        }
        self.details.place = Some(place.clone());
        self.details.label = label.into();
        self
    }

    /// The file it is about, where no part of its text can be shown.
    pub(crate) fn in_file(mut self, file: impl Into<String>) -> Self {
        self.details.file = Some(file.into());
        self
    }

    /// A second place that has to do with it.
    pub(crate) fn and_at(mut self, place: &Origin, label: impl Into<String>) -> Self {
        self.details.also.push((place.clone(), label.into()));
        self
    }

    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.details.notes.push(note.into());
        self
    }

    /// What the user can do about it.
    pub(crate) fn way_out(mut self, way_out: impl Into<String>) -> Self {
        self.details.way_out.push(way_out.into());
        self
    }

    /// What is wrong, in one line.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// With the excerpt of the source, in colours where `colour`.
    #[must_use]
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        let mut group = Group::with_title(Level::ERROR.primary_title(self.title.as_str()));
        if let Some(place) = &self.details.place {
            let mut here = Snippet::source(place.source.text.as_str())
                .path(place.source.name.as_str())
                .annotation(
                    AnnotationKind::Primary
                        .span(self.visible(place))
                        .label(self.details.label.as_str()),
                );
            for (also, label) in &self.details.also {
                if Arc::ptr_eq(&also.source, &place.source) {
                    here = here.annotation(
                        AnnotationKind::Context
                            .span(self.visible(also))
                            .label(label.as_str()),
                    );
                }
            }
            group = group.element(here);
            for (also, label) in &self.details.also {
                if !Arc::ptr_eq(&also.source, &place.source) {
                    group = group.element(
                        Snippet::source(also.source.text.as_str())
                            .path(also.source.name.as_str())
                            .annotation(
                                AnnotationKind::Context
                                    .span(self.visible(also))
                                    .label(label.as_str()),
                            ),
                    );
                }
            }
        } else if let Some(file) = &self.details.file {
            group = group.element(SnippetOrigin::path(file.as_str()));
        }
        for note in &self.details.notes {
            group = group.element(Level::NOTE.message(note.as_str()));
        }
        for way_out in &self.details.way_out {
            group = group.element(Level::HELP.message(way_out.as_str()));
        }
        renderer.render(&[group])
    }

    /// A span over many lines would print them all; its first line says where.
    fn visible(&self, place: &Origin) -> Range<usize> {
        let text = &place.source.text;
        let start = place.span.start.min(text.len());
        let end = place.span.end.clamp(start, text.len());
        let first_line = text[start..end].find('\n').map_or(end, |at| start + at);
        start..first_line
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.render(false))
    }
}

/// Every mistake found; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// `Ok(())` where there are none. The same mistake at several points of a sweep is told once.
    pub(crate) fn from_found(found: Vec<Problem>) -> Result<(), Self> {
        let mut told: Vec<Problem> = Vec::new();
        for problem in found {
            if !told.contains(&problem) {
                told.push(problem);
            }
        }
        if told.is_empty() {
            Ok(())
        } else {
            Err(Self(told))
        }
    }

    /// The mistakes in the order in which they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }

    /// All of them, one below the other, in colours where `colour`.
    #[must_use]
    pub fn render(&self, colour: bool) -> String {
        let all: Vec<String> = self.iter().map(|problem| problem.render(colour)).collect();
        all.join("\n\n")
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.render(false))
    }
}

impl std::error::Error for Problems {}
