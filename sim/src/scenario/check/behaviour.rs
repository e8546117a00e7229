//! `[[network.link]]`, `failure`, and the same keys of access links.

use super::columns::input;
use super::findings::Findings;
use crate::kernel::Streams;
use crate::network::topology::Blueprint;
use crate::network::{self, Profile, Rate, SharingPolicy};
use crate::scenario::conduct::EVERY_LINK;
use crate::scenario::quantity::{Duration, nearest};
use crate::scenario::raw::{
    RawBackground, RawDirection, RawFailure, RawLink, RawNetwork, RawNetworkLink, RawOutages,
    RawProfile,
};
use crate::scenario::resolved::Input;
use crate::scenario::sampled::Sampled;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Reads the files of profiles and names them as the resolved scenario will, and checks what can
/// be checked without the topology.
pub(super) fn network(
    raw: &mut RawNetwork,
    folder: &Path,
    inputs: &mut Vec<Input>,
    findings: &mut Findings<'_>,
) {
    failure(&raw.failure, findings);
    if let Some(mss) = raw.mss
        && !(1.0..=65_535.0).contains(&mss.bytes())
    {
        findings.refuse(
            "network.mss",
            format!("a payload of {mss} a packet"),
            "expected 1 B to 65535 B",
            "leave it out for 1460 B",
        );
    }
    for (number, link) in raw.link.iter_mut().enumerate() {
        let path = format!("network.link.{number}");
        if link.link.names().is_empty() {
            findings.refuse(
                &format!("{path}.link"),
                "the list of links is empty",
                "expected the name of a link",
                "name links of the topology, or \"*\" for all of them",
            );
        }
        loss(link.loss, &path, findings);
        jitter(link.jitter.as_ref(), &path, findings);
        outages(link.outages.as_ref(), &path, findings);
        if let Some(RawBackground::OnOff { on, off, .. }) = &link.background {
            for (key, mean) in [("on", on), ("off", off)] {
                above_zero(*mean, &format!("{path}.background.{key}"), findings);
            }
        }
        if let Some(raw) = &mut link.profile {
            profile(raw, &format!("{path}.profile"), folder, inputs, findings);
        }
    }
}

/// The same of the access link of a group of clients.
pub(super) fn access(
    link: &mut RawLink,
    path: &str,
    folder: &Path,
    inputs: &mut Vec<Input>,
    findings: &mut Findings<'_>,
) {
    loss(link.loss, path, findings);
    jitter(link.jitter.as_ref(), path, findings);
    outages(link.outages.as_ref(), path, findings);
    let Some(profiles) = &mut link.profile else {
        return;
    };
    if profiles.both.is_some() && (profiles.up.is_some() || profiles.down.is_some()) {
        findings.refuse(
            &format!("{path}.profile.both"),
            "a profile of both directions beside one of a single direction",
            "expected `both`, or `up` and `down`",
            "keep one of them",
        );
    }
    let directions = [
        ("both", &mut profiles.both),
        ("up", &mut profiles.up),
        ("down", &mut profiles.down),
    ];
    for (key, raw) in directions {
        if let Some(raw) = raw {
            profile(
                raw,
                &format!("{path}.profile.{key}"),
                folder,
                inputs,
                findings,
            );
        }
    }
}

fn profile(
    raw: &mut RawProfile,
    path: &str,
    folder: &Path,
    inputs: &mut Vec<Input>,
    findings: &mut Findings<'_>,
) {
    let read = raw.load(folder).and_then(|()| raw.profile());
    match read {
        Ok(_) => {
            if let Some((file, text)) = raw.file() {
                *file = input(inputs, file, text);
            }
        }
        Err(error) => {
            let place = format!("{path}.{}", error.key);
            findings.refuse(&place, error.message, "", error.way_out);
        }
    }
}

fn failure(failure: &RawFailure, findings: &mut Findings<'_>) {
    let RawFailure::Cut {
        attempts,
        backoff,
        factor,
        ..
    } = failure
    else {
        return;
    };
    findings.not_zero(
        "network.failure.attempts",
        attempts,
        "a transfer is tried once at least",
    );
    above_zero(*backoff, "network.failure.backoff", findings);
    findings.number(
        "network.failure.factor",
        *factor,
        |factor| (1.0..=1e6).contains(&factor),
        "a number from 1 to 1000000",
        "with 1 all pauses are equally long",
    );
}

fn loss(loss: Option<f64>, path: &str, findings: &mut Findings<'_>) {
    if let Some(loss) = loss {
        findings.number(
            &format!("{path}.loss"),
            loss,
            |loss| (0.0..1.0).contains(&loss),
            "a share from 0 to below 1",
            "write 0.01 for one packet in a hundred",
        );
    }
}

fn jitter(jitter: Option<&Sampled<Duration>>, path: &str, findings: &mut Findings<'_>) {
    let path = format!("{path}.jitter");
    match jitter {
        None => {}
        Some(Sampled::Column(_)) => findings.refuse(
            &path,
            "jitter is drawn for each transfer, not read from a column",
            "expected a time or a distribution of times",
            "write it as { dist = \"exponential\", mean = \"5 ms\" }",
        ),
        Some(sampled) => {
            let mut stream = Streams::new(0).stream("check", "jitter");
            if let Err(error) = sampled.draw(0, &mut stream) {
                findings.refuse(
                    &path,
                    format!("`{path}`: {error}"),
                    "expected a distribution of times",
                    "jitter only adds to the latency; give `min = \"0 s\"`",
                );
            }
        }
    }
}

fn outages(outages: Option<&RawOutages>, path: &str, findings: &mut Findings<'_>) {
    if let Some(RawOutages { up, down }) = outages {
        for (key, mean) in [("up", up), ("down", down)] {
            above_zero(*mean, &format!("{path}.outages.{key}"), findings);
        }
    }
}

fn above_zero(time: Duration, path: &str, findings: &mut Findings<'_>) {
    if time.is_zero() {
        findings.refuse(
            path,
            format!("`{path}` is {time}"),
            "expected a time above zero",
            "write it as \"30 s\"",
        );
    }
}

/// The links that are named are there, and have a direction and room for what is asked.
pub(super) fn links(raw: &RawNetwork, blueprint: &Blueprint, findings: &mut Findings<'_>) {
    let known: BTreeMap<&str, &network::Link> = blueprint
        .links
        .iter()
        .map(|planned| (planned.link.name.as_str(), &planned.link))
        .collect();
    for (number, table) in raw.link.iter().enumerate() {
        let path = format!("network.link.{number}");
        let names = table.link.names().iter().map(String::as_str);
        let mut named: Vec<&network::Link> = Vec::new();
        for name in names {
            if name == EVERY_LINK {
                named.extend(known.values());
            } else if let Some(link) = known.get(name) {
                named.push(link);
            } else {
                findings.refuse(
                    &format!("{path}.link"),
                    format!("there is no link `{name}` in the network"),
                    "expected a link of the topology",
                    unknown(name, &known),
                );
                return;
            }
        }
        if named.is_empty() && !table.link.names().is_empty() {
            findings.refuse(
                &format!("{path}.link"),
                "the topology has no links",
                "expected a topology with links",
                "a star has none but its access links: their behaviour is said in `link` of the \
                 clients",
            );
            return;
        }
        directed(table, &path, &named, findings);
    }
    crowded(raw, &known, findings);
}

fn unknown(name: &str, known: &BTreeMap<&str, &network::Link>) -> String {
    if let Some(near) = nearest(name, known.keys().copied()) {
        return format!("did you mean \"{near}\"?");
    }
    match known.keys().next() {
        Some(first) => format!("its links are called \"{first}\" and so on; \"*\" is all of them"),
        None => "a star has none but its access links: their behaviour is said in `link` of the \
                 clients"
            .to_owned(),
    }
}

fn directed(
    table: &RawNetworkLink,
    path: &str,
    named: &[&network::Link],
    findings: &mut Findings<'_>,
) {
    let shared = named
        .iter()
        .find(|link| link.policy == SharingPolicy::Shared);
    if let Some(link) = shared
        && table.direction != RawDirection::Both
    {
        findings.refuse(
            &format!("{path}.direction"),
            format!(
                "the directions of the link `{}` share one bandwidth",
                link.name
            ),
            "expected \"both\"",
            "leave `direction` out, or make the link \"split-duplex\"",
        );
    }
}

/// Constant background traffic leaves something of each link, and does not swallow for ever what a
/// profile ends with. Of several tables the last one holds that gives the key, as in a run.
fn crowded(raw: &RawNetwork, known: &BTreeMap<&str, &network::Link>, findings: &mut Findings<'_>) {
    let profiles: Vec<Option<Profile>> = raw
        .link
        .iter()
        .map(|table| table.profile.as_ref()?.profile().ok())
        .collect();
    let names: Vec<BTreeSet<&str>> = raw
        .link
        .iter()
        .map(|table| table.link.names().iter().map(String::as_str).collect())
        .collect();
    let mut told = BTreeSet::new();
    for (name, link) in known {
        for (direction, own) in [
            (RawDirection::Forward, link.forward),
            (RawDirection::Backward, link.backward),
        ] {
            let mut background = None;
            let mut profile = None;
            for (number, table) in raw.link.iter().enumerate() {
                let is_named = names[number].contains(name) || names[number].contains(EVERY_LINK);
                let is_meant = [RawDirection::Both, direction].contains(&table.direction);
                if !is_named || !is_meant {
                    continue;
                }
                if let Some(given) = &table.background {
                    background = Some((number, given));
                }
                profile = profiles[number].as_ref().or(profile);
            }
            let Some((number, RawBackground::Constant { rate })) = background else {
                continue;
            };
            let own = own.as_bits_per_second();
            let Some((when, expected)) = swallowed(rate.bits_per_second(), own, profile) else {
                continue;
            };
            // One of many links that are alike says enough.
            if told.insert(number) {
                findings.refuse(
                    &format!("network.link.{number}.background.rate"),
                    format!(
                        "background traffic of {rate} leaves nothing of the link `{name}`{when}"
                    ),
                    expected,
                    "background traffic is served first; nothing else would ever get through",
                );
            }
        }
    }
}

/// From when on nothing is ever left of a link, if so, as a message ends, and what was expected.
fn swallowed(taken: f64, own: f64, profile: Option<&Profile>) -> Option<(String, &'static str)> {
    let Some(profile) = profile else {
        let expected = "expected less than the link's bandwidth";
        return (taken >= own).then(|| (String::new(), expected));
    };
    let bandwidth = |rate: Rate| match rate {
        Rate::Times(factor) => own * factor,
        Rate::Absolute(bandwidth) => bandwidth.as_bits_per_second(),
        Rate::Nothing => 0.0,
    };
    if profile.rates().map(bandwidth).all(|rate| taken >= rate) {
        return Some((
            String::new(),
            "expected less than the widest step of its profile",
        ));
    }
    let (since, rate) = profile.held()?;
    let last = bandwidth(rate);
    // A profile that ends with nothing at all is meant to.
    (last > 0.0 && taken >= last).then(|| {
        (
            format!(" from {since} s on, where its profile ends"),
            "expected less than the last step of its profile",
        )
    })
}
