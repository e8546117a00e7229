//! Choices of the method: each by itself, and whether they go together.

use super::findings::Findings;
use super::{selection, sites};
use crate::scenario::presets::{PRESETS, needs_equal_models};
use crate::scenario::raw::{
    RawClip, RawDecay, RawDistillLoss, RawExchange, RawLocal, RawOptimizer, RawRule, RawScenario,
    RawSchedule, RawStaleness,
};

/// FedAsync's α, as `raw` fills it in.
const DEFAULT_MIXING: f64 = 0.6;

/// Checks the method, and writes effective values over defaults that depend on the rest.
pub(super) fn check(raw: &mut RawScenario, clients: usize, findings: &mut Findings<'_>) {
    exchange(raw, findings);
    rule(raw, findings);
    local(&raw.method.local, &raw.method.exchange, findings);
    let cohort = selection::check(raw, clients, findings);
    schedule(raw, clients, cohort, findings);
}

fn exchange(raw: &mut RawScenario, findings: &mut Findings<'_>) {
    if needs_equal_models(&raw.method.exchange) {
        equal_models(raw, findings);
    }
    let asynchronous = matches!(raw.method.schedule, RawSchedule::Asynchronous { .. });
    let public = raw.data.public;
    let RawExchange::PublicLogits { samples, redraw } = &mut raw.method.exchange else {
        return;
    };
    let path = "method.exchange.samples";
    if public == 0 {
        let problem = findings
            .problem(
                if findings.tree().at("data.public").is_some() { "data.public" } else { "data" },
                "`public-logits` needs public samples, and `data.public` is 0",
                "no samples are set aside here",
            )
            .and_at(findings.tree().nearest_place("method.exchange.kind"), "asked for here")
            .way_out("set `data.public`, such as 300, or take a method without public data, such as `fd`");
        findings.add(problem);
    } else if *samples == 0 {
        findings.not_zero(
            path,
            samples,
            "ask for at least one public sample a version",
        );
    } else if *samples > public {
        if findings.is_explicit(path) {
            let problem = findings
                .problem(
                    path,
                    format!("`{path}` asks for {samples} public samples, but there are {public}"),
                    format!("expected at most {public}"),
                )
                .and_at(
                    findings.tree().nearest_place("data.public"),
                    "this many are set aside",
                )
                .way_out(
                    "ask for fewer, raise `data.public`, or leave `samples` out for all of them",
                );
            findings.add(problem);
        } else {
            *samples = public;
        }
    }
    if *redraw && asynchronous {
        if findings.is_explicit("method.exchange.redraw") {
            findings.refuse(
                "method.exchange.redraw",
                "public samples cannot be drawn anew under an asynchronous schedule",
                "expected `false`",
                "without versions that all clients share, one list of samples is fixed for the run; \
                 set `redraw = false`, or take a synchronous schedule",
            );
        } else {
            *redraw = false;
        }
    }
}

fn equal_models(raw: &RawScenario, findings: &mut Findings<'_>) {
    let Some(first) = raw.clients.first() else {
        return;
    };
    if raw.clients.iter().any(|group| group.sites.is_some()) {
        sites::equal_models(raw, findings);
        return;
    }
    let Some(other) = raw
        .clients
        .iter()
        .position(|group| group.model.architecture() != first.model.architecture())
    else {
        return;
    };
    let mixed: Vec<String> = PRESETS
        .iter()
        .filter(|preset| !preset.needs_equal_models())
        .map(|preset| format!("`{}`", preset.name))
        .collect();
    let method = match &raw.method.preset {
        Some(preset) => format!("method `{preset}`"),
        None => "the exchange".to_owned(),
    };
    let problem = findings
        .problem(
            &format!("clients.{other}.model"),
            format!("{method} exchanges parameters, so all clients need the same model"),
            format!(
                "group `{}` has `{}`",
                raw.clients[other].name, raw.clients[other].model
            ),
        )
        .and_at(
            findings.tree().nearest_place("clients.0.model"),
            format!("group `{}` has `{}`", first.name, first.model),
        )
        .way_out(format!(
            "give every group the same `model`, or take a method that allows mixed models: {}",
            mixed.join(", ")
        ));
    findings.add(problem);
}

fn rule(raw: &RawScenario, findings: &mut Findings<'_>) {
    if let (RawRule::LeaveOneOut { .. }, RawExchange::Parameters) =
        (&raw.method.rule, &raw.method.exchange)
    {
        findings.refuse(
            "method.rule.kind",
            "`leave-one-out` does not fold parameters",
            "each client would start from another model than its own was trained from",
            "take `rule = \"mean\"`, or exchange logits: `public-logits` or `class-logits`",
        );
    }
}

fn local(local: &RawLocal, exchange: &RawExchange, findings: &mut Findings<'_>) {
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
    if fine && local.proximal > 0.0 && !matches!(exchange, RawExchange::Parameters) {
        findings.refuse(
            "method.local.proximal",
            "a proximal term pulls towards received parameters, and none travel here",
            "expected 0",
            "remove it, or set `exchange = \"parameters\"`",
        );
    }
    learning_rate(local, findings);
    distill(local, exchange, findings);
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

fn distill(local: &RawLocal, exchange: &RawExchange, findings: &mut Findings<'_>) {
    let distill = &local.distill;
    findings.number(
        "method.local.distill.weight",
        distill.weight,
        |weight| weight >= 0.0,
        "a number, zero or more",
        "1 weighs what is received as much as own data",
    );
    findings.not_zero(
        "method.local.distill.epochs",
        &distill.epochs,
        "learn what is received at least once",
    );
    if let Some(batch) = distill.batch {
        findings.not_zero(
            "method.local.distill.batch",
            &batch,
            "leave it out for min(256, samples/8)",
        );
    }
    if let RawDistillLoss::Kl { temperature, .. } = distill.loss {
        findings.number(
            "method.local.distill.loss.temperature",
            temperature,
            |temperature| temperature > 0.0,
            "a temperature above zero",
            "1 leaves the predictions as they are, 3 softens them",
        );
    }
    let by_class = matches!(exchange, RawExchange::ClassLogits);
    if by_class && distill.loss != RawDistillLoss::CrossEntropy {
        findings.refuse(
            "method.local.distill.loss",
            "`class-logits` sends probabilities, and this loss compares logits",
            "expected `cross-entropy`",
            "set `method.local.distill.loss = \"cross-entropy\"`",
        );
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
            // Where a rule takes all it can, over-selection lowers the number waited for.
            let wanted = if fine && raw.method.selection.takes_all_it_can() {
                (cohort as f64 / over_select).floor() as usize
            } else {
                cohort
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
            if let Some(concurrency) = concurrency
                && (*concurrency == 0 || *concurrency > clients)
            {
                findings.refuse(
                    &format!("{path}.concurrency"),
                    format!(
                        "`{path}.concurrency` is {concurrency}, and there are {clients} clients"
                    ),
                    format!("expected 1 to {clients}"),
                    "leave it out for as many as the selection picks",
                );
            }
            findings.number(
                &format!("{path}.mixing"),
                *mixing,
                |share| share > 0.0 && share <= 1.0,
                "a share above 0, at most 1",
                "0.6 is FedAsync's",
            );
            // A resolved file writes the default out, which is no wish.
            if *mixing != DEFAULT_MIXING && !matches!(raw.method.exchange, RawExchange::Parameters)
            {
                findings.note(format!(
                    "`{path}.mixing` has no effect: only parameters are mixed, logits are kept and weighed"
                ));
            }
            stale(&format!("{path}.staleness"), staleness, findings);
        }
    }
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
