//! `[network]` and `[[transfer]]`: the topology holds together, and the transfers have a way.

use super::columns::input;
use super::findings::Findings;
use crate::network::topology::Blueprint;
use crate::scenario::quantity::nearest;
use crate::scenario::raw::{
    RawNetwork, RawRoute, RawScenario, RawTopology, RawTransfer, RawTransport,
};
use crate::scenario::resolved::Input;
use crate::scenario::topology::{End, Ends, Places, TopologyError, read};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

/// After as many wrong transfers the rest is most likely wrong in the same way.
const MOST_TOLD: usize = 10;

/// Draws the topology as the first replication will have it; a star is its hub. A file is read
/// first, and named as the resolved scenario will name it.
pub(super) fn topology(
    network: &mut RawNetwork,
    world_seed: u64,
    folder: &Path,
    inputs: &mut Vec<Input>,
    findings: &mut Findings<'_>,
) -> Option<Blueprint> {
    let shown = match &network.topology {
        RawTopology::File { file, .. } => folder.join(file).display().to_string(),
        _ => String::new(),
    };
    if !load(network, folder, inputs, findings) {
        return None;
    }
    blueprint(network, &shown, world_seed, findings)
}

fn load(
    network: &mut RawNetwork,
    folder: &Path,
    inputs: &mut Vec<Input>,
    findings: &mut Findings<'_>,
) -> bool {
    let RawTopology::File { file, text, .. } = &mut network.topology else {
        return true;
    };
    let path = folder.join(&*file);
    match read(&path) {
        Ok(content) => {
            *text = content.into();
            *file = input(inputs, file, text);
            true
        }
        Err(error) => {
            findings.refuse("network.topology.file", error.title, "", error.way_out);
            false
        }
    }
}

fn blueprint(
    network: &RawNetwork,
    shown: &str,
    world_seed: u64,
    findings: &mut Findings<'_>,
) -> Option<Blueprint> {
    let blueprint = match network.blueprint(world_seed) {
        Ok(blueprint) => blueprint.unwrap_or_else(Blueprint::hub),
        Err(TopologyError::Shape(error)) => {
            findings.refuse(
                &format!("network.topology.{}", error.parameter),
                error.found,
                format!("expected {}", error.expected),
                error.way_out,
            );
            return None;
        }
        Err(TopologyError::File(error)) => {
            let text = match &network.topology {
                RawTopology::File { text, .. } => Arc::clone(text),
                _ => Arc::default(),
            };
            findings.add(error.into_problem(shown, &text));
            return None;
        }
    };
    if network.route == RawRoute::Weight
        && let Some(link) = blueprint.links.iter().find(|link| link.weight.is_none())
    {
        findings.refuse(
            "network.route",
            format!("the link `{}` has no weight", link.link.name),
            "routes by weight need one for every link",
            "add a column or attribute `weight` to the file, or choose \"latency\" or \"hops\"",
        );
        return None;
    }
    Some(blueprint)
}

/// Factors of a transport that make no sense.
pub(super) fn transport(transport: &RawTransport, findings: &mut Findings<'_>) {
    if let Err(error) = transport.choice().check() {
        let path = format!("network.transport.{}", error.factor);
        findings.number(
            &path,
            error.value,
            |value| (error.low..=error.high).contains(&value),
            &format!("a number from {} to {}", error.low, error.high),
            "leave it out for the preset's value",
        );
    }
}

/// The server and every client stand at a node, with a way between them.
pub(super) fn places(
    raw: &RawScenario,
    blueprint: &Blueprint,
    findings: &mut Findings<'_>,
) -> Option<Places> {
    let fine = raw.clients.iter().enumerate().all(|(number, group)| {
        let empty = group.at.as_ref().is_some_and(|at| at.names().is_empty());
        if empty {
            findings.refuse(
                &format!("clients.{number}.at"),
                "the list of nodes is empty",
                "expected at least one node",
                "leave `at` out to let the clients take the topology's edge nodes in turn",
            );
        }
        !empty
    });
    let places =
        match Places::of(&raw.server, &raw.clients, &raw.method.tier, blueprint) {
            Ok(places) if fine => places,
            Ok(_) => return None,
            Err(unknown) => {
                let known = blueprint.places();
                for node in unknown.iter().take(MOST_TOLD) {
                    let title = format!("there is no node `{}` in the network", node.name);
                    let expected = "expected a node of the topology";
                    let way_out = match nearest(&node.name, known.keys().copied()) {
                    Some(near) => format!("did you mean \"{near}\"?"),
                    None if raw.network.topology == RawTopology::Star => {
                        "a star has no node but its hub: leave `at` out, or choose another topology"
                            .to_owned()
                    }
                    None => {
                        let few: Vec<&str> = known.keys().copied().take(5).collect();
                        let more = if known.len() > few.len() { " and so on" } else { "" };
                        format!("its nodes are called {}{more}", few.join(", "))
                    }
                };
                    let sites = node
                        .site
                        .and_then(|(group, row)| Some((raw.clients[group].sites.as_ref()?, row)));
                    match sites {
                        Some((sites, row)) => {
                            let title = format!("{}: {title}", sites.place(row));
                            findings.add(sites.mistake(row, "at", title, expected, way_out));
                        }
                        None => findings.refuse(&node.path, title, expected, way_out),
                    }
                }
                return None;
            }
        };
    let islands = blueprint.islands();
    let server = places.server();
    for (tier, nodes) in places.tiers().iter().enumerate() {
        if let Some(node) = nodes.iter().find(|node| islands[**node] != islands[server]) {
            let [node, server] = [*node, server].map(|node| &blueprint.nodes[node].name);
            findings.refuse(
                &format!("method.tier.{tier}.at"),
                format!("an aggregator at `{node}` has no way to the server at `{server}`"),
                "these nodes are in different parts of the network",
                "join the parts by a link, or name other nodes in `at`",
            );
        }
        let mut seen = BTreeSet::new();
        if let Some(twice) = nodes.iter().find(|node| !seen.insert(**node)) {
            findings.refuse(
                &format!("method.tier.{tier}.at"),
                format!(
                    "two aggregators of one tier at `{}`",
                    blueprint.nodes[*twice].name
                ),
                "expected each node once",
                "name it once",
            );
        }
    }
    let mut before = 0;
    for (place, group) in raw.clients.iter().enumerate() {
        let first = before;
        before += group.count;
        let mut cut_off = (0..group.count)
            .map(|index| (index, places.client(place, index, first + index)))
            .filter(|(_, node)| islands[*node] != islands[server]);
        let Some((index, node)) = cut_off.next() else {
            continue;
        };
        let names = [node, server].map(|node| &blueprint.nodes[node].name);
        let mut problem = findings.problem(
            &format!("clients.{place}.at"),
            format!(
                "`{}` at `{}` has no way to the server at `{}`",
                group.client_name(index),
                names[0],
                names[1]
            ),
            "these nodes are in different parts of the network",
        );
        match cut_off.count() {
            0 => {}
            1 => problem = problem.note("so is one other client of the group"),
            more => problem = problem.note(format!("so are {more} other clients of the group")),
        }
        findings.add(problem.way_out("join the parts by a link, or name other nodes in `at`"));
    }
    Some(places)
}

/// Every listed transfer has two ends with a way between them.
pub(super) fn transfers(
    transfers: &[RawTransfer],
    blueprint: &Blueprint,
    ends: &Ends,
    findings: &mut Findings<'_>,
) {
    if transfers.is_empty() {
        findings.refuse(
            "transfer",
            "there are no transfers",
            "",
            "add a [[transfer]] table with `from`, `to`, `size` and `at`",
        );
    }
    let islands = blueprint.islands();
    let mut wrong = 0;
    for (number, transfer) in transfers.iter().enumerate() {
        if wrong == MOST_TOLD {
            findings.note(format!(
                "transfers after `transfer.{number}` were not checked"
            ));
            break;
        }
        let mut find = |key: &str, name: &str| {
            let path = format!("transfer.{number}.{key}");
            end(&path, name, ends, findings)
        };
        let both = [find("from", &transfer.from), find("to", &transfer.to)];
        let [Some((from, here)), Some((to, there))] = both else {
            wrong += 1;
            continue;
        };
        if from == to {
            wrong += 1;
            findings.refuse(
                &format!("transfer.{number}.to"),
                format!("the transfer goes from `{0}` to `{0}`", transfer.from),
                "expected another host",
                "within a host nothing crosses the network",
            );
        } else if islands[here] != islands[there] {
            wrong += 1;
            findings.refuse(
                &format!("transfer.{number}.to"),
                format!(
                    "there is no route from `{}` to `{}`",
                    transfer.from, transfer.to
                ),
                "this host is in another part of the network",
                "join the parts by a link",
            );
        }
    }
}

/// The end of that name, and the node where it stands.
fn end(path: &str, name: &str, ends: &Ends, findings: &mut Findings<'_>) -> Option<(End, usize)> {
    let found = ends.find(name);
    match found {
        Some(End::Attached { .. } | End::Node(_)) => {}
        Some(End::Router) => findings.refuse(
            path,
            format!("`{name}` is a router"),
            "expected a host",
            "transfers begin and end at hosts; routers are only passed",
        ),
        Some(End::Ambiguous) => findings.refuse(
            path,
            format!("`{name}` is a node of the topology and a client or the server as well"),
            "expected a name that only one of them has",
            "give the node or the group of clients another name",
        ),
        None => findings.refuse(
            path,
            format!("there is no host `{name}` in the network"),
            "expected a node of the topology, or beside clients `server` or one of them",
            match nearest(name, ends.names()) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => "name one of the topology's nodes".to_owned(),
            },
        ),
    }
    let found = found?;
    Some((found, found.node()?))
}
