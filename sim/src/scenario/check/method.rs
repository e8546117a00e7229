//! Choices of the method: each by itself, and whether they go together.

use super::findings::Findings;
use super::{adapter, peers, schedule, selection, strands};
use crate::scenario::raw::{
    RawAdapter, RawClip, RawDecay, RawDevice, RawExchange, RawLocal, RawMethod, RawOptimizer,
    RawScenario,
};

/// Checks the method, and writes effective values over defaults that depend on the rest.
pub(super) fn check(raw: &mut RawScenario, clients: usize, findings: &mut Findings<'_>) {
    strands::check(raw, clients, findings);
    peers::check(raw, findings);
    for (place, one) in raw.method.adapter.iter().enumerate() {
        let path = format!("method.adapter.{place}");
        adapter::check(&path, one, &raw.method, findings);
        let alike =
            |other: &RawAdapter| std::mem::discriminant(other) == std::mem::discriminant(one);
        if raw.method.adapter[..place].iter().any(alike) {
            findings.refuse(
                &path,
                "two adapters of one kind",
                "expected each kind once",
                "remove one of them",
            );
        }
    }
    local(&raw.method, findings);
    let cohort = selection::check(raw, clients, findings);
    let is_mixed = raw.method.exchanges().any(RawExchange::is_mixed);
    let of_server = schedule::For {
        path: "method.schedule",
        selection: &raw.method.selection,
        cohort,
        clients,
        is_mixed,
    };
    schedule::check(&raw.method.schedule, &of_server, findings);
    if let Some(device) = &mut raw.server.device {
        aggregators_device("server.device", device, findings);
    }
    for place in 0..raw.method.tier.len() {
        tier(raw, place, clients, is_mixed, findings);
    }
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
    optimizer(&local.optimizer, "method.local.optimizer", findings);
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

/// How gradients become updates; `optimizer` is where that stands.
pub(super) fn optimizer(raw: &RawOptimizer, optimizer: &str, findings: &mut Findings<'_>) {
    let (lr, weight_decay) = match *raw {
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

/// Aggregators between the server and the clients.
fn tier(
    raw: &mut RawScenario,
    place: usize,
    clients: usize,
    is_mixed: bool,
    findings: &mut Findings<'_>,
) {
    let path = format!("method.tier.{place}");
    let (before, rest) = raw.method.tier.split_at_mut(place);
    let tier = &mut rest[0];
    super::clients::name(&format!("{path}.name"), "tier", &tier.name, findings);
    let groups = raw.clients.iter().map(|group| &group.name);
    let tiers = before.iter().map(|tier| &tier.name);
    if groups.chain(tiers).any(|name| *name == tier.name) {
        findings.refuse(
            &format!("{path}.name"),
            format!("something else is called `{}` already", tier.name),
            "expected a name that no group of clients and no other tier has",
            "give it a name of its own, such as `edge`",
        );
    }
    findings.not_zero(
        &format!("{path}.versions"),
        &tier.versions,
        "an aggregator contributes after at least one version",
    );
    if tier.at.as_ref().is_some_and(|at| at.names().is_empty()) {
        findings.refuse(
            &format!("{path}.at"),
            "the list of nodes is empty",
            "expected at least one node",
            "leave `at` out to take the nodes that are called as the tier is",
        );
    }
    let of = schedule::For {
        path: &format!("{path}.schedule"),
        selection: &tier.selection,
        cohort: clients,
        clients,
        is_mixed,
    };
    schedule::check(&tier.schedule, &of, findings);
    if let Some(device) = &mut tier.device {
        aggregators_device(&format!("{path}.device"), device, findings);
    }
}

/// What an aggregator learns on: one device, on the mains.
fn aggregators_device(path: &str, device: &mut RawDevice, findings: &mut Findings<'_>) {
    super::device::check(path, device, findings);
    for (key, given) in [
        ("mix", !device.mix.is_empty()),
        ("battery", device.battery.is_some()),
        ("noise", device.noise.is_some()),
    ] {
        if given {
            findings.refuse(
                &format!("{path}.{key}"),
                format!("`{key}` has no meaning for an aggregator's device"),
                "aggregators have one device each, on the mains",
                "remove it",
            );
        }
    }
}
