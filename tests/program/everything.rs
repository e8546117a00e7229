//! The scenario that has everything switched on: what holds of every run holds of this one.

use crate::conservation::run_holds;
use crate::desk::{Desk, ROOT};
use crate::tables::{Tables, assert_same_bytes};
use crate::trace::Trace;
use std::collections::BTreeSet;

fn run(desk: &Desk, out: &str, more: &[&str]) -> Tables {
    let scenario = format!("{ROOT}/tests/everything.toml");
    let mut arguments = vec!["run", &scenario, "--out", out, "--quiet", "--trace"];
    arguments.extend(more);
    desk.fedstill(&arguments).well();
    Tables::read(&desk.runs(out)[0])
}

#[test]
fn with_everything_switched_on_threads_change_no_byte_and_all_laws_hold() {
    let desk = Desk::new();
    let one = run(&desk, "one", &["--threads", "1"]);
    let two = run(&desk, "two", &["--threads", "2"]);
    assert_same_bytes(&one, &two, "one and two threads");
    run_holds(&one);
    let outcomes: BTreeSet<&str> = one
        .rows("participations")
        .map(|row| row.text("outcome"))
        .collect();
    for outcome in ["merged", "unfit", "dropped_compute"] {
        assert!(
            outcomes.contains(outcome),
            "nothing was {outcome}: {outcomes:?}"
        );
    }
    let away = one.rows("clients").filter(|row| row.nanos("offline_s") > 0);
    assert!(away.count() > 5, "clients come and go");
    let trace = Trace::read(&one.directory);
    let down = trace.slices.iter().filter(|slice| slice.name == "down");
    assert!(down.count() > 2, "links fail");
    for (kind, outcome) in [("transfers", "suspended"), ("transfers", "cut")] {
        let mut rows = one.rows(kind);
        assert!(
            rows.any(|row| row.text("outcome") == outcome),
            "nothing was {outcome}"
        );
    }
    let lost = one
        .rows("transfers")
        .filter(|row| row.count("attempts") > 1);
    assert!(lost.count() > 0, "nothing was tried again");
    // The resolved file beside its inputs repeats it, trace and all.
    let resolved = one.directory.join("scenario.toml");
    let resolved = resolved.to_str().expect("a path in UTF-8");
    desk.fedstill(&["run", resolved, "--out", "again", "--quiet", "--trace"])
        .well();
    let again = Tables::read(&desk.runs("again")[0]);
    assert_same_bytes(&one, &again, "the resolved scenario");
}

#[test]
fn with_everything_switched_on_every_schedule_and_method_keeps_the_laws() {
    let desk = Desk::new();
    for (out, more) in [
        (
            "asynchronous",
            ["method.schedule={ kind = \"asynchronous\", concurrency = 6 }"],
        ),
        ("fd", ["method.preset=\"fd\""]),
        ("local", ["method.preset=\"local-only\""]),
    ] {
        run_holds(&run(&desk, out, &["--set", more[0]]));
    }
}
