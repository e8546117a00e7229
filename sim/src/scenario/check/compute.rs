//! `[[host]]` and `[[compute]]`: hosts that make sense, and computations on one of them.

use super::findings::Findings;
use super::{clients, device};
use crate::scenario::quantity::nearest;
use crate::scenario::raw::{RawNetworkScenario, RawScenario};
use std::collections::BTreeMap;

/// After as many wrong computations the rest is most likely wrong in the same way.
const MOST_TOLD: usize = 10;

/// A device of a client computes for its participations alone.
pub(super) fn not_beside_clients(raw: &RawScenario, findings: &mut Findings<'_>) {
    let listed = [
        ("compute", raw.compute.is_empty()),
        ("host", raw.host.is_empty()),
    ];
    if let Some((key, _)) = listed.into_iter().find(|(_, is_empty)| !is_empty) {
        findings.refuse(
            key,
            "bare computations cannot stand beside clients",
            "expected a scenario without them",
            "leave out `data`, `clients` and `method`, or give the clients' devices a `load`",
        );
    }
}

pub(super) fn check(raw: &RawNetworkScenario, findings: &mut Findings<'_>) {
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for (number, host) in raw.host.iter().enumerate() {
        let path = format!("host.{number}");
        clients::name(&format!("{path}.name"), "host", &host.name, findings);
        if let Some(first) = places.insert(&host.name, number) {
            let before = findings.tree().nearest_place(&format!("host.{first}.name"));
            let problem = findings
                .problem(
                    &format!("{path}.name"),
                    format!("two hosts are called `{}`", host.name),
                    "again here",
                )
                .and_at(before, "first here")
                .way_out("give each host its own name");
            findings.add(problem);
        }
        device::cores(&path, host.cores, findings);
        if let Some(profile) = &host.speed_profile {
            device::speed_profile(&format!("{path}.speed_profile"), profile, findings);
        }
        if let Some(load) = &host.load {
            device::background(&format!("{path}.load"), load, findings);
        }
    }
    if !raw.host.is_empty() && raw.compute.is_empty() {
        findings.refuse(
            "host",
            "there are no computations for the hosts",
            "",
            "add a [[compute]] table with `on`, `work` and `at`, or leave the hosts out",
        );
    }
    let mut wrong = 0;
    for (number, compute) in raw.compute.iter().enumerate() {
        if wrong == MOST_TOLD {
            findings.note(format!(
                "computations after `compute.{number}` were not checked"
            ));
            break;
        }
        let path = format!("compute.{number}");
        device::cores(&path, compute.cores, findings);
        if !places.contains_key(compute.on.as_str()) {
            wrong += 1;
            findings.refuse(
                &format!("{path}.on"),
                format!("there is no host `{}`", compute.on),
                "expected the name of a [[host]]",
                match nearest(&compute.on, places.keys().copied()) {
                    Some(near) => format!("did you mean \"{near}\"?"),
                    None => format!(
                        "add a [[host]] with `name = \"{}\"` and a `speed`",
                        compute.on
                    ),
                },
            );
        }
    }
}
