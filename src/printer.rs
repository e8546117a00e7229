//! Where words go: results to standard output, everything else to standard error.

use fedstill_sim::scenario::Problems;
use std::fmt::Display;
use std::io::{IsTerminal, Write};

/// Prints a result. A reader that has seen enough, such as `head`, is no error.
pub(crate) fn result(text: impl Display) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// Prints something about the work.
pub(crate) fn note(text: impl Display) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Prints an error and, where there is one, the way out.
pub(crate) fn error(text: impl Display, way_out: Option<&str>) {
    note(format_args!("error: {text}"));
    if let Some(way_out) = way_out {
        note(format_args!("  help: {way_out}"));
    }
}

/// Prints what is wrong with the scenarios.
pub(crate) fn problems(problems: &Problems) {
    note(problems.render(std::io::stderr().is_terminal()));
}
