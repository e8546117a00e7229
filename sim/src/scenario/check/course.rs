//! The course of a run: seeds, evaluation, stop, records and prices.

use super::findings::Findings;
use crate::scenario::raw::{
    RawEvaluation, RawExchange, RawMethod, RawScenario, RawScope, RawSplit,
};

/// More replications than this are taken for a mistake.
const MOST_REPLICATIONS: u32 = 100_000;

pub(super) fn check(raw: &RawScenario, findings: &mut Findings<'_>) {
    let seeds = Seeds {
        replications: raw.replications,
        replication: raw.replication,
        both_fixed: raw.seed_world.is_some() && raw.seed_dynamics.is_some(),
    };
    seeds.check(findings);
    evaluation(&raw.evaluation, &raw.method, findings);
    stop(raw, findings);
    records(raw, findings);
    cost(raw, findings);
    if raw.server.poll.is_zero() {
        findings.refuse(
            "server.poll",
            "`server.poll` is 0 s: with nobody online the aggregator would look again for ever",
            "expected a time above zero",
            "10 s is the default",
        );
    }
}

/// How often a scenario runs, and with which seeds.
pub(super) struct Seeds {
    pub(super) replications: u32,
    pub(super) replication: u32,
    /// Whether neither seed changes from replication to replication.
    pub(super) both_fixed: bool,
}

impl Seeds {
    pub(super) fn check(&self, findings: &mut Findings<'_>) {
        findings.not_zero(
            "replications",
            &self.replications,
            "1 runs the scenario once",
        );
        if self.replications > MOST_REPLICATIONS {
            findings.refuse(
                "replications",
                format!("`replications` is {}", self.replications),
                format!("expected at most {MOST_REPLICATIONS}"),
                "run fewer",
            );
        }
        if self.replications > 1 && self.replication > 0 {
            findings.refuse(
                "replication",
                "`replication` and `replications` exclude each other",
                "this names the one replication that a resolved file repeats",
                "remove one of the two keys",
            );
        } else if self.replications > 1 && self.both_fixed {
            findings.refuse(
                "replications",
                format!("all {} replications would be the same", self.replications),
                "`seed_world` and `seed_dynamics` are both held fixed",
                "give `seed` instead of one of the two, or run one replication",
            );
        }
        if self.both_fixed && findings.is_explicit("seed") {
            let argument = findings
                .tree()
                .at("seed")
                .is_some_and(|node| node.origin.source.name == "--seed");
            if argument {
                findings.note(
                "--seed has no effect: the scenario holds `seed_world` and `seed_dynamics` fixed",
            );
            }
        }
    }
}

fn evaluation(evaluation: &RawEvaluation, method: &RawMethod, findings: &mut Findings<'_>) {
    if evaluation.every.is_some() && evaluation.versions.is_some() {
        findings.refuse(
            "evaluation.versions",
            "`evaluation` has both `every` and `versions`",
            "expected one of them",
            "`every` gives one grid of simulated time for all methods; `versions` follows each method",
        );
    }
    if let Some(every) = evaluation.every
        && every.is_zero()
    {
        findings.refuse(
            "evaluation.every",
            "`evaluation.every` is 0 s: evaluations would never end",
            "expected a time above zero",
            "a fiftieth of the run's time gives a good curve",
        );
    }
    if let Some(versions) = evaluation.versions {
        findings.not_zero(
            "evaluation.versions",
            &versions,
            "1 evaluates after every version",
        );
    }
    let Some(target) = &evaluation.target else {
        return;
    };
    findings.number(
        "evaluation.target.value",
        target.value,
        |value| value > 0.0 && value <= 1.0,
        "an accuracy above 0, at most 1",
        "0.9 is nine of ten samples classified rightly",
    );
    findings.not_zero(
        "evaluation.target.hold",
        &target.hold,
        "1 takes the first evaluation at the value",
    );
    if target.scope == RawScope::Global {
        if target.split != RawSplit::Global {
            findings.refuse(
                "evaluation.target.split",
                "the aggregator's own model is scored on the global test set alone",
                "expected `global`",
                "leave `split` out, or `scope`, which asks about the clients' models then",
            );
        }
        let travel = method
            .exchanges()
            .any(|exchange| matches!(exchange, RawExchange::Parameters));
        if !travel && !method.has_server_model() {
            findings.refuse(
                "evaluation.target.scope",
                "the aggregator has no model of its own where neither parameters travel nor the server learns",
                "expected `personal`",
                "leave `scope` out: the mean over the clients' models is looked at then",
            );
        }
    }
    if evaluation.every.is_none() {
        findings.refuse(
            "evaluation.target",
            "a target needs `evaluation.every`",
            "looked up on a grid of simulated time, the same for every schedule",
            "add `every`, such as \"1 min\", to `[evaluation]`",
        );
    }
}

fn stop(raw: &RawScenario, findings: &mut Findings<'_>) {
    if raw.stop.versions.is_none() && raw.stop.time.is_none() {
        findings.refuse(
            "stop",
            "nothing says when the run ends",
            if raw.stop.target {
                "a target may never be reached"
            } else {
                "expected `stop.versions` or `stop.time`"
            },
            "add [stop] with versions = 50, or time = \"2 h\"; whichever comes first ends the run",
        );
    }
    if let Some(versions) = raw.stop.versions {
        findings.not_zero("stop.versions", &versions, "run for at least one version");
    }
    if let Some(time) = raw.stop.time
        && time.is_zero()
    {
        findings.refuse(
            "stop.time",
            "`stop.time` is 0 s: nothing could happen",
            "expected a time above zero",
            "give a time such as \"2 h\", or `versions`",
        );
    }
    if raw.stop.target && raw.evaluation.target.is_none() {
        findings.refuse(
            "stop.target",
            "`stop.target` is set, but there is no target",
            "needs `evaluation.target`",
            "add target = { value = 0.9 } and `every` to `[evaluation]`",
        );
    }
}

fn records(raw: &RawScenario, findings: &mut Findings<'_>) {
    findings.number(
        "records.straggler_factor",
        raw.records.straggler_factor,
        |factor| factor > 1.0,
        "a factor above 1",
        "1.5 marks participations that take half as long again as the median",
    );
    for (index, benefit) in raw.records.benefit.iter().enumerate() {
        if raw.records.benefit[..index].contains(benefit) {
            findings.refuse(
                &format!("records.benefit.{index}"),
                "the same twin is asked for twice",
                "again here",
                "remove one of them",
            );
        }
    }
    findings.not_zero(
        "records.benefit_max_epochs",
        &raw.records.benefit_max_epochs,
        "a twin trains for at least one epoch",
    );
}

fn cost(raw: &RawScenario, findings: &mut Findings<'_>) {
    let Some(cost) = &raw.cost else { return };
    for (key, price) in [
        ("per_gb", cost.per_gb),
        ("per_kwh", cost.per_kwh),
        ("site_setup", cost.site_setup),
        ("staff_hour", cost.staff_hour),
        ("incident_minutes", cost.incident_minutes),
    ] {
        findings.number(
            &format!("cost.{key}"),
            price,
            |price| price >= 0.0,
            "a number, zero or more",
            "0 is free",
        );
    }
}
