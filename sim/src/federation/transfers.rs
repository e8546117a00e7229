//! Bare transfers over the network of a federation, in which nothing is learned.

use super::deployment::Deployment;
use super::run::{RunError, identity};
use crate::network::{HostId, Network};
use crate::records::NetworkBooks;
use crate::scenario::PlannedRun;
use crate::traffic;
use std::collections::BTreeMap;

/// Draws clients and links as the federation would, and simulates the listed transfers alone.
///
/// # Errors
/// When the scenario cannot be drawn out.
pub fn run_transfers(planned: &PlannedRun) -> Result<NetworkBooks, RunError> {
    let deployment = Deployment::draw(planned.scenario.clone()).map_err(RunError::Deployment)?;
    let (network, cast) = deployment.place();
    let aggregators = cast.root.iter().chain(&cast.stations);
    let aggregators = deployment.aggregators().iter().zip(aggregators);
    let mut attached: BTreeMap<&str, HostId> = aggregators
        .map(|(spec, station)| (&*spec.name, station.host))
        .collect();
    for (client, site) in cast.sites.iter().enumerate() {
        attached.insert(&deployment.client(client).name, site.host);
    }
    let host = |network: &Network, name: &str| {
        let connections = network.connections();
        let node = || connections.core().host(name);
        let attached = attached.get(name).copied();
        attached.or_else(|| node().map(|node| connections.at(node)))
    };
    let listed = &planned.scenario.transfer;
    let books = traffic::simulate(identity(planned), listed, network, host);
    let books = books.map_err(RunError::Transfers)?;
    Ok(NetworkBooks {
        clients: deployment.clients() as u64,
        ..books
    })
}
