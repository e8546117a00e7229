//! When versions are published: figures of schedules that make sense.

use super::findings::Findings;
use crate::scenario::raw::{RawSchedule, RawSelection, RawStaleness};

/// FedAsync's α, as `raw` fills it in.
const DEFAULT_MIXING: f64 = 0.6;

/// What a schedule is for.
pub(super) struct For<'a> {
    /// Where it stands.
    pub(super) path: &'a str,
    pub(super) selection: &'a RawSelection,
    /// How many clients the selection picks.
    pub(super) cohort: usize,
    /// All that there are.
    pub(super) clients: usize,
    /// Whether newcomers are mixed into what there is.
    pub(super) is_mixed: bool,
}

/// Checks a schedule.
pub(super) fn check(schedule: &RawSchedule, of: &For<'_>, findings: &mut Findings<'_>) {
    let For { path, cohort, .. } = *of;
    match schedule {
        RawSchedule::Synchronous {
            deadline,
            over_select,
            minimum,
        } => {
            if let Some(deadline) = deadline
                && deadline.is_zero()
            {
                findings.refuse(
                    &format!("{path}.deadline"),
                    format!(
                        "`{path}.deadline` is {deadline}: no contribution could arrive in time"
                    ),
                    "expected a time above zero",
                    "leave it out to wait for everyone",
                );
            }
            let fine = findings.number(
                &format!("{path}.over_select"),
                *over_select,
                |factor| (1.0..=1000.0).contains(&factor),
                "a factor from 1 to 1000",
                "1.2 selects a fifth more clients than are wanted; 1 selects just those",
            );
            // Where a rule takes all it can, over-selection lowers the number waited for.
            let wanted = match fine && of.selection.takes_all_it_can() {
                true => (cohort as f64 / over_select).floor() as usize,
                false => cohort,
            };
            if *minimum == 0 || *minimum > wanted.max(1) {
                findings.refuse(
                    &format!("{path}.minimum"),
                    format!(
                        "`{path}.minimum` is {minimum}, and a version waits for {wanted} clients"
                    ),
                    format!("expected 1 to {}", wanted.max(1)),
                    "with more than that every version would fail",
                );
            }
        }
        RawSchedule::Asynchronous {
            concurrency,
            mixing,
            staleness,
            max_staleness: _,
        } => {
            at_a_time(*concurrency, of, findings);
            findings.number(
                &format!("{path}.mixing"),
                *mixing,
                |share| share > 0.0 && share <= 1.0,
                "a share above 0, at most 1",
                "0.6 is FedAsync's",
            );
            // A resolved file writes the default out, which is no wish.
            if *mixing != DEFAULT_MIXING && !of.is_mixed {
                findings.note(format!(
                    "`{path}.mixing` has no effect: only parameters are mixed, logits are kept and weighed"
                ));
            }
            stale(&format!("{path}.staleness"), staleness, findings);
        }
        RawSchedule::Buffered {
            size,
            concurrency,
            rate,
            staleness,
            max_staleness: _,
        } => {
            findings.not_zero(
                &format!("{path}.size"),
                size,
                "a version is made of at least one contribution",
            );
            at_a_time(*concurrency, of, findings);
            server_rate(*rate, of, findings);
            stale(&format!("{path}.staleness"), staleness, findings);
        }
        RawSchedule::Periodic {
            every,
            concurrency,
            rate,
            staleness,
            max_staleness: _,
        } => {
            if every.is_zero() {
                findings.refuse(
                    &format!("{path}.every"),
                    format!("`{path}.every` is {every}: time would never pass between versions"),
                    "expected a time above zero",
                    "a version at every arrival is `schedule = \"asynchronous\"`",
                );
            }
            at_a_time(*concurrency, of, findings);
            server_rate(*rate, of, findings);
            stale(&format!("{path}.staleness"), staleness, findings);
        }
    }
}

/// How many clients a schedule without rounds keeps at work.
fn at_a_time(concurrency: Option<usize>, of: &For<'_>, findings: &mut Findings<'_>) {
    let clients = of.clients;
    let path = &format!("{}.concurrency", of.path);
    if let Some(concurrency) = concurrency
        && (concurrency == 0 || concurrency > clients)
    {
        findings.refuse(
            path,
            format!("`{path}` is {concurrency}, and there are {clients} clients"),
            format!("expected 1 to {clients}"),
            "leave it out for as many as the selection picks",
        );
    }
}

fn server_rate(rate: f64, of: &For<'_>, findings: &mut Findings<'_>) {
    findings.number(
        &format!("{}.rate", of.path),
        rate,
        |rate| rate > 0.0,
        "a rate above zero",
        "1 moves the parameters by the mean of the changes",
    );
}

fn stale(path: &str, staleness: &RawStaleness, findings: &mut Findings<'_>) {
    let parameters = match *staleness {
        RawStaleness::Constant => return,
        RawStaleness::Polynomial { a } => vec![("a", a)],
        RawStaleness::Hinge { a, b } => vec![("a", a), ("b", b)],
    };
    for (key, value) in parameters {
        findings.number(
            &format!("{path}.{key}"),
            value,
            |value| value >= 0.0,
            "a number, zero or more",
            "a negative one would prefer stale contributions; leave it out for FedAsync's value",
        );
    }
}
