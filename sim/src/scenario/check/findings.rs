//! Mistakes gathered while checking, each with its place in the merged tree.

use super::super::problem::Problem;
use super::super::tree::Node;
use std::fmt::Display;

/// Mistakes and notes gathered so far.
pub(super) struct Findings<'a> {
    tree: &'a Node,
    problems: Vec<Problem>,
    notes: Vec<String>,
}

impl<'a> Findings<'a> {
    pub(super) fn new(tree: &'a Node) -> Self {
        Self {
            tree,
            problems: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Something is wrong with the value at this path.
    pub(super) fn refuse(
        &mut self,
        path: &str,
        title: impl Into<String>,
        expected: impl Into<String>,
        way_out: impl Into<String>,
    ) {
        let problem = self.problem(path, title, expected).way_out(way_out);
        self.add(problem);
    }

    /// A problem at this path, to which more can be added.
    pub(super) fn problem(
        &self,
        path: &str,
        title: impl Into<String>,
        label: impl Into<String>,
    ) -> Problem {
        Problem::new(title).at(self.tree.nearest_place(path), label)
    }

    pub(super) fn add(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    pub(super) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    pub(super) fn tree(&self) -> &'a Node {
        self.tree
    }

    /// Whether a layer above the preset says it.
    pub(super) fn is_explicit(&self, path: &str) -> bool {
        self.tree.at(path).is_some_and(|node| node.layer > 0)
    }

    /// A number that must hold to a rule; NaN holds to none.
    pub(super) fn number(
        &mut self,
        path: &str,
        value: f64,
        holds: impl Fn(f64) -> bool,
        expected: &str,
        way_out: &str,
    ) -> bool {
        let fine = value.is_finite() && holds(value);
        if !fine {
            self.refuse(
                path,
                format!("`{path}` is {value}"),
                format!("expected {expected}"),
                way_out,
            );
        }
        fine
    }

    /// A count that must not be zero.
    pub(super) fn not_zero<N: Display + PartialEq + Default>(
        &mut self,
        path: &str,
        value: &N,
        way_out: &str,
    ) -> bool {
        let fine = *value != N::default();
        if !fine {
            self.refuse(
                path,
                format!("`{path}` is {value}"),
                "expected at least 1",
                way_out,
            );
        }
        fine
    }

    pub(super) fn into_parts(self) -> (Vec<Problem>, Vec<String>) {
        (self.problems, self.notes)
    }
}
