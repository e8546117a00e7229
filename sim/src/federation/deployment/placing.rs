//! Placing: where clients and server stand in the network, with their devices.

use super::tiers::access;
use super::{Deployment, DeploymentError, duration};
use crate::network::{Access, Connections, Graph, Network, NodeId};
use crate::scenario::{Quantity, RawOnReturn, Scenario};
use crate::world::{Cast, OnReturn, Site, Station};
use std::collections::{BTreeMap, BTreeSet};

/// The network between the access links, and the node where each of them ends.
#[derive(Debug)]
pub(super) struct Standing {
    core: Graph,
    server: NodeId,
    clients: Vec<NodeId>,
    /// Where aggregators may stand, by tier.
    tiers: Vec<Vec<NodeId>>,
}

impl Standing {
    /// Clients are those of the scenario's groups, one group after the other.
    pub(super) fn of(scenario: &Scenario) -> Result<Standing, DeploymentError> {
        let (core, places) = scenario.core().map_err(DeploymentError)?;
        let groups = scenario.clients.iter().enumerate();
        let indices = groups.flat_map(|(place, group)| (0..group.count).map(move |i| (place, i)));
        let clients = indices.zip(0..);
        let clients = clients.map(|((group, index), number)| places.client(group, index, number));
        Ok(Standing {
            core,
            server: node(places.server()),
            clients: clients.map(node).collect(),
            tiers: places
                .tiers()
                .iter()
                .map(|tier| tier.iter().copied().map(node).collect())
                .collect(),
        })
    }

    /// The network between the access links.
    pub(super) fn core(&self) -> &Graph {
        &self.core
    }

    pub(super) fn server(&self) -> NodeId {
        self.server
    }

    pub(super) fn clients(&self) -> &[NodeId] {
        &self.clients
    }

    /// Of each client, the others at its node and at the nodes at the other ends of its links.
    pub(super) fn neighbours(&self) -> Vec<Vec<usize>> {
        let mut at: BTreeMap<NodeId, BTreeSet<usize>> = BTreeMap::new();
        for (client, node) in self.clients.iter().enumerate() {
            at.entry(*node).or_default().insert(client);
        }
        let near = |node: NodeId| {
            let mut near: BTreeSet<usize> = at[&node].clone();
            for other in self.core.adjacent(node) {
                near.extend(at.get(&other).into_iter().flatten());
            }
            near
        };
        let of_node: BTreeMap<_, _> = at.keys().map(|node| (*node, near(*node))).collect();
        let clients = self.clients.iter().enumerate();
        clients
            .map(|(client, node)| {
                let others = of_node[node].iter().copied();
                others.filter(|other| *other != client).collect()
            })
            .collect()
    }

    pub(super) fn tiers(&self) -> &[Vec<NodeId>] {
        &self.tiers
    }
}

/// A graph numbers its nodes as the blueprint lists them.
fn node(place: usize) -> NodeId {
    NodeId(u32::try_from(place).expect("topologies are bounded"))
}

impl Deployment {
    /// The network between the access links.
    pub fn core(&self) -> &Graph {
        self.standing.core()
    }

    /// The network, and everyone's places and devices in it. The server is its first host; the
    /// clients follow in their order, and then the other aggregators.
    pub(crate) fn place(&self) -> (Network, Cast) {
        let server = &self.scenario.server;
        let server = Access {
            name: "server".to_owned(),
            up: bandwidth(server.up.base()),
            down: bandwidth(server.down.base()),
            latency: duration(server.latency),
        };
        let clients = self.clients.iter().map(|client| Access {
            name: client.name.clone(),
            up: bandwidth(client.link.0),
            down: bandwidth(client.link.1),
            latency: client.link.2,
        });
        let below = self.aggregators.iter().skip(1);
        let stations = below.map(|spec| {
            let tier = &self.scenario.method.tier[spec.tier as usize - 1];
            (access(spec, tier), spec.node)
        });
        let hosts = std::iter::once((server, self.standing.server))
            .chain(clients.zip(self.standing.clients.iter().copied()))
            .chain(stations);
        let connections = Connections::new(self.standing.core.clone(), hosts)
            .expect("the nodes were found in this graph");
        let first_station = u32::try_from(1 + self.clients.len()).expect("the number was checked");
        let numbers = std::iter::once(0).chain(first_station..);
        let mut stations = self
            .aggregators
            .iter()
            .zip(numbers)
            .map(|(spec, number)| Station {
                host: connections.attached(number),
                device: spec.device.clone(),
            });
        let root = stations.next();
        let stations = stations.collect();
        let sites = (1..).zip(&self.clients).map(|(number, client)| Site {
            host: connections.attached(number),
            device: client.device.clone(),
            availability: client
                .presence
                .availability(&client.name, self.world, self.dynamics),
            battery: client.battery.map(|battery| {
                let idle = client.device.power.idle;
                let (presence, name) = (&client.presence, &client.name);
                Box::new(presence.battery(battery, idle, name, self.world))
            }),
            on_return: match client.on_return {
                RawOnReturn::Abandon => OnReturn::Abandon,
                RawOnReturn::Resume => OnReturn::Resume,
            },
            drops: client.presence.drops(&client.name, self.dynamics),
            noise: self.noise(client),
        });
        let cast = Cast {
            root,
            sites: sites.collect(),
            stations,
        };
        let transport = self.scenario.network.transport.choice();
        let mut network = Network::new(connections, transport);
        if let Some(conduct) = &self.conduct {
            network.set_conduct(conduct.clone());
        }
        (network, cast)
    }
}

pub(super) fn bandwidth(bits_per_second: f64) -> crate::network::Bandwidth {
    crate::network::Bandwidth::from_bits_per_second(bits_per_second)
        .expect("bandwidths are checked when a scenario is loaded")
}
