//! The aggregators of a deployment: the server, and those between it and the clients.

use super::placing::Standing;
use super::{AggregatorSpec, DeploymentError, actors};
use crate::device::{Device, Power, Processor};
use crate::kernel::{ActorId, Streams};
use crate::network::{Access, Connections, NodeId};
use crate::scenario::{Quantity, RawAggregators, RawDevice, Scenario};

/// What an aggregator learns on where the scenario does not say, FLOP/s.
const DEFAULT_SPEED: f64 = 1e12;

/// The server first, then those below it, tier by tier downwards; one without children is left out.
pub(super) fn aggregators(
    scenario: &Scenario,
    clients: usize,
    standing: &Standing,
    world: Streams,
) -> Result<Vec<AggregatorSpec>, DeploymentError> {
    if scenario.method.peers.is_some() {
        return Ok(Vec::new());
    }
    let server = &scenario.server;
    let mut found = vec![AggregatorSpec {
        name: "server".to_owned(),
        tier: 0,
        parent: None,
        children: Vec::new(),
        schedule: scenario.method.schedule.clone(),
        selection: scenario.method.selection.clone(),
        versions: 1,
        node: standing.server(),
        device: device(server.device.as_ref(), "server", world)?,
    }];
    let tiers = scenario.method.tier.iter().zip(standing.tiers());
    let mut from_below: Vec<(Child, NodeId)> = actors(clients)
        .map(Child::Client)
        .zip(standing.clients().iter().copied())
        .collect();
    // From the clients upwards: who has no children is known then.
    let mut below: Vec<Vec<Place>> = Vec::new();
    for (number, (tier, nodes)) in tiers.enumerate().rev() {
        let mut places = Vec::with_capacity(nodes.len());
        for node in nodes {
            places.push(Place {
                tier: number,
                node: *node,
                children: Vec::new(),
            });
        }
        let mut connections = Connections::bare(standing.core().clone());
        for (child, from) in from_below {
            let nearest = nearest(&mut connections, from, nodes)
                .ok_or_else(|| no_way(tier, &connections, from))?;
            places[nearest].children.push(child);
        }
        places.retain(|place| !place.children.is_empty());
        from_below = places
            .iter()
            .enumerate()
            .map(|(place, p)| (Child::Aggregator(place), p.node))
            .collect();
        below.push(places);
    }
    below.reverse();
    // Actors: the clients first, then the aggregators in the order of this list.
    let first = |tier: usize| -> usize { below[..tier].iter().map(Vec::len).sum() };
    let station = |tier: usize, place: usize| {
        let number = clients + 1 + first(tier) + place;
        ActorId(u32::try_from(number).expect("the number was checked"))
    };
    let as_actor = |tier: usize, child: &Child| match child {
        Child::Client(actor) => *actor,
        Child::Aggregator(place) => station(tier, *place),
    };
    found[0].children = from_below
        .iter()
        .map(|(child, _)| as_actor(0, child))
        .collect();
    for (number, places) in below.iter().enumerate() {
        let tier = &scenario.method.tier[number];
        for (place, at) in places.iter().enumerate() {
            let parent = match number.checked_sub(1) {
                None => ActorId(0),
                Some(above) => {
                    let is_mine = |p: &Place| {
                        let mut children = p.children.iter();
                        children.any(|child| matches!(child, Child::Aggregator(c) if *c == place))
                    };
                    let parent = below[above].iter().position(is_mine);
                    station(above, parent.expect("everyone has a nearest one above"))
                }
            };
            let name = format!("{}-{place}", tier.name);
            found.push(AggregatorSpec {
                tier: u32::try_from(at.tier + 1).expect("tiers are few"),
                parent: Some(parent),
                children: at
                    .children
                    .iter()
                    .map(|c| as_actor(number + 1, c))
                    .collect(),
                schedule: tier.schedule.clone(),
                selection: tier.selection.clone(),
                versions: tier.versions,
                node: at.node,
                device: device(tier.device.as_ref(), &name, world)?,
                name,
            });
        }
    }
    Ok(found)
}

/// An aggregator on the way.
struct Place {
    tier: usize,
    node: NodeId,
    children: Vec<Child>,
}

/// A client, or an aggregator by its place in the tier below.
enum Child {
    Client(ActorId),
    Aggregator(usize),
}

/// The nearest of these nodes by latency, then by links; of equals, the first.
fn nearest(connections: &mut Connections, from: NodeId, nodes: &[NodeId]) -> Option<usize> {
    let from = connections.at(from);
    let mut best = None;
    for (place, node) in nodes.iter().enumerate() {
        let to = connections.at(*node);
        let Some(route) = connections.route(from, to) else {
            continue;
        };
        let distance = (route.latency, route.resources.len(), place);
        best = best.map_or(Some(distance), |best| Some(distance.min(best)));
    }
    best.map(|(.., place)| place)
}

fn no_way(tier: &RawAggregators, connections: &Connections, from: NodeId) -> DeploymentError {
    let from = connections.core().node_name(from).unwrap_or_default();
    DeploymentError(format!(
        "method.tier `{}`: there is no way to any of its aggregators from `{from}`",
        tier.name
    ))
}

/// An aggregator's access link.
pub(super) fn access(spec: &AggregatorSpec, tier: &RawAggregators) -> Access {
    Access {
        name: spec.name.clone(),
        up: super::placing::bandwidth(tier.up.base()),
        down: super::placing::bandwidth(tier.down.base()),
        latency: super::duration(tier.latency),
    }
}

fn device(raw: Option<&RawDevice>, name: &str, world: Streams) -> Result<Device, DeploymentError> {
    match raw {
        Some(raw) => super::devices::single(raw, name, world),
        None => Ok(Device {
            processor: Processor::new(DEFAULT_SPEED, 1),
            training_cores: 1,
            memory_bytes: None,
            power: Power {
                idle: 0.0,
                busy: 0.0,
                transmit: 0.0,
                receive: 0.0,
            },
        }),
    }
}
