//! Choices of the method: each by itself, and whether they go together.

use super::findings::Findings;
use super::strands;
use crate::scenario::raw::{
    RawClip, RawDecay, RawExchange, RawLocal, RawMethod, RawOptimizer, RawScenario, RawSchedule,
    RawSelection, RawStaleness,
};

/// FedAsync's α, as `raw` fills it in.
const DEFAULT_MIXING: f64 = 0.6;

/// Checks the method, and writes effective values over defaults that depend on the rest.
pub(super) fn check(raw: &mut RawScenario, clients: usize, findings: &mut Findings<'_>) {
    strands::check(raw, findings);
    local(&raw.method, findings);
    let cohort = selection(&raw.method.selection, clients, findings);
    schedule(raw, clients, cohort, findings);
}

fn local(method: &RawMethod, findings: &mut Findings<'_>) {
    let local = &method.local;
    findings.not_zero(
        "method.local.epochs",
        &local.epochs,
        "train for at least one epoch",
    );
    findings.not_zero(
        "method.local.batch",
        &local.batch,
        "a batch holds at least one sample",
    );
    let optimizer = "method.local.optimizer";
    let (lr, weight_decay) = match local.optimizer {
        RawOptimizer::Sgd {
            lr,
            momentum,
            nesterov,
            weight_decay,
        } => {
            if nesterov && momentum == 0.0 {
                findings.refuse(
                    &format!("{optimizer}.nesterov"),
                    "Nesterov's momentum needs a momentum, and there is none",
                    "expected `momentum` above 0 beside it",
                    "add `momentum = 0.9`, or remove `nesterov`",
                );
            }
            findings.number(
                &format!("{optimizer}.momentum"),
                momentum,
                |momentum| (0.0..1.0).contains(&momentum),
                "a number from 0 up to, but not including, 1",
                "0.9 is usual, 0 is none",
            );
            (lr, weight_decay)
        }
        RawOptimizer::Adam {
            lr,
            beta1,
            beta2,
            epsilon,
            weight_decay,
        }
        | RawOptimizer::AdamW {
            lr,
            beta1,
            beta2,
            epsilon,
            weight_decay,
        } => {
            for (key, beta) in [("beta1", beta1), ("beta2", beta2)] {
                findings.number(
                    &format!("{optimizer}.{key}"),
                    beta,
                    |beta| (0.0..1.0).contains(&beta),
                    "a number from 0 up to, but not including, 1",
                    "leave it out for the usual value",
                );
            }
            findings.number(
                &format!("{optimizer}.epsilon"),
                epsilon,
                |epsilon| epsilon > 0.0,
                "a number above zero",
                "leave it out for 1e-8",
            );
            (lr, weight_decay)
        }
    };
    findings.number(
        &format!("{optimizer}.lr"),
        lr,
        |lr| lr > 0.0,
        "a learning rate above zero",
        "0.05 suits `sgd`, 0.001 suits `adam`",
    );
    findings.number(
        &format!("{optimizer}.weight_decay"),
        weight_decay,
        |decay| decay >= 0.0,
        "a number, zero or more",
        "0 is none",
    );
    let fine = findings.number(
        "method.local.proximal",
        local.proximal,
        |proximal| proximal >= 0.0,
        "a number, zero or more",
        "0 is none; FedProx takes 0.001 to 1",
    );
    if fine && local.proximal > 0.0 && !method.exchanges().any(RawExchange::is_mixed) {
        findings.refuse(
            "method.local.proximal",
            "a proximal term pulls towards received parameters, and none travel here",
            "expected 0",
            "remove it, or set `exchange = \"parameters\"`",
        );
    }
    learning_rate(local, findings);
}

/// How the learning rate falls, and how gradients are bounded.
fn learning_rate(local: &RawLocal, findings: &mut Findings<'_>) {
    let decay = "method.local.decay";
    let mut share = |key: &str, value: f64, least: f64| {
        findings.number(
            &format!("{decay}.{key}"),
            value,
            |value| (least..=1.0).contains(&value),
            "a share of the learning rate, at most 1",
            "0.5 leaves half of it, 1 leaves it as it is",
        );
    };
    match local.decay {
        RawDecay::Constant => {}
        RawDecay::Step { every, factor } => {
            share("factor", factor, f64::MIN_POSITIVE);
            findings.not_zero(
                &format!("{decay}.every"),
                &every,
                "the learning rate drops once in so many counts",
            );
        }
        RawDecay::Exponential { factor } => share("factor", factor, f64::MIN_POSITIVE),
        RawDecay::Cosine { length, floor } => {
            share("floor", floor, 0.0);
            findings.not_zero(
                &format!("{decay}.length"),
                &length,
                "the floor is reached after so many counts",
            );
        }
    }
    if let RawClip::Norm { most } | RawClip::Value { most } = local.clip {
        findings.number(
            "method.local.clip.most",
            most,
            |most| most > 0.0,
            "a number above zero",
            "leave `clip` out to bound nothing",
        );
    }
}

/// How many clients are wanted for a version.
fn selection(selection: &RawSelection, clients: usize, findings: &mut Findings<'_>) -> usize {
    let path = "method.selection";
    match *selection {
        RawSelection::All => clients,
        RawSelection::Uniform {
            count: None,
            fraction: None,
        } => {
            findings.refuse(
                path,
                "`uniform` selection does not say how many clients",
                "expected `count` or `fraction`",
                "write selection = { kind = \"uniform\", count = 10 }",
            );
            clients
        }
        RawSelection::Uniform {
            count: Some(_),
            fraction: Some(_),
        } => {
            findings.refuse(
                &format!("{path}.fraction"),
                "`uniform` selection has both `count` and `fraction`",
                "expected one of them",
                "remove one of the two keys",
            );
            clients
        }
        RawSelection::Uniform {
            count: Some(count), ..
        } => {
            if count == 0 || count > clients {
                findings.refuse(
                    &format!("{path}.count"),
                    format!("`{path}.count` is {count}, and there are {clients} clients"),
                    format!("expected 1 to {clients}"),
                    "to select everyone take `selection = \"all\"`",
                );
            }
            count.clamp(1, clients.max(1))
        }
        RawSelection::Uniform {
            fraction: Some(fraction),
            ..
        } => {
            findings.number(
                &format!("{path}.fraction"),
                fraction,
                |share| share > 0.0 && share <= 1.0,
                "a share above 0, at most 1",
                "0.1 selects a tenth of the clients",
            );
            ((clients as f64 * fraction).round() as usize).clamp(1, clients.max(1))
        }
    }
}

fn schedule(raw: &RawScenario, clients: usize, cohort: usize, findings: &mut Findings<'_>) {
    let path = "method.schedule";
    match &raw.method.schedule {
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
            // With everyone selected, over-selection lowers the number waited for.
            let wanted = match raw.method.selection {
                RawSelection::All if fine => (clients as f64 / over_select).floor() as usize,
                _ => cohort,
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
            at_a_time(*concurrency, clients, findings);
            findings.number(
                &format!("{path}.mixing"),
                *mixing,
                |share| share > 0.0 && share <= 1.0,
                "a share above 0, at most 1",
                "0.6 is FedAsync's",
            );
            // A resolved file writes the default out, which is no wish.
            let is_mixed = raw.method.exchanges().any(RawExchange::is_mixed);
            if *mixing != DEFAULT_MIXING && !is_mixed {
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
            at_a_time(*concurrency, clients, findings);
            server_rate(*rate, findings);
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
            at_a_time(*concurrency, clients, findings);
            server_rate(*rate, findings);
            stale(&format!("{path}.staleness"), staleness, findings);
        }
    }
}

/// How many clients a schedule without rounds keeps at work.
fn at_a_time(concurrency: Option<usize>, clients: usize, findings: &mut Findings<'_>) {
    let path = "method.schedule.concurrency";
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

fn server_rate(rate: f64, findings: &mut Findings<'_>) {
    findings.number(
        "method.schedule.rate",
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
