//! Bare transfers over a network: no clients, no learning, no actors.

use crate::network::{Completion, FlowId, HostId, Network};
use crate::records::{BareTransfer, NetworkBooks, RunIdentity};
use crate::scenario::{NetworkScenario, PlannedRun};
use crate::time::SimTime;
use std::collections::BTreeMap;
use std::fmt;

/// Why there are no books of a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrafficError(String);

impl fmt::Display for TrafficError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TrafficError {}

/// Simulates the transfers of a planned run until the last one has ended.
///
/// # Errors
/// Where chance gives this replication no topology that holds together.
pub fn run(planned: &PlannedRun<NetworkScenario>) -> Result<NetworkBooks, TrafficError> {
    let scenario = &planned.scenario;
    let graph = scenario.graph().map_err(TrafficError)?;
    let host = |name: &str| {
        let host = graph.host(name);
        host.ok_or_else(|| TrafficError(format!("there is no host `{name}`")))
    };
    let mut transfers = Vec::with_capacity(scenario.transfer.len());
    let mut sendings = Vec::with_capacity(scenario.transfer.len());
    for listed in &scenario.transfer {
        let start = SimTime::from_nanos(listed.at.nanoseconds());
        transfers.push(BareTransfer {
            from: listed.from.clone(),
            to: listed.to.clone(),
            size_bytes: listed.size.count(),
            start,
            end: start,
            limiting_link: None,
        });
        sendings.push(Sending {
            at: start,
            from: host(&listed.from)?,
            to: host(&listed.to)?,
            bytes: listed.size.count(),
        });
    }
    let network = Network::from_graph_with(graph, scenario.network.transport.choice());
    let (network, ends) = carry(network, &sendings)?;
    for (transfer, completion) in transfers.iter_mut().zip(ends) {
        transfer.end = completion.at;
        transfer.limiting_link = completion.limiting_link.map(|link| network.link_name(link));
    }
    Ok(NetworkBooks {
        identity: RunIdentity {
            run_id: planned.run_id.clone(),
            config_id: planned.config_id.clone(),
            scenario: scenario.name.clone(),
            number: planned.number as u64,
            replication: planned.replication,
            seed_world: scenario.world_seed(),
            seed_dynamics: scenario.dynamics_seed(),
            factors: planned.factors.clone(),
        },
        ended_at: transfers
            .iter()
            .map(|transfer| transfer.end)
            .max()
            .unwrap_or(SimTime::ZERO),
        transfers,
        network,
    })
}

struct Sending {
    at: SimTime,
    from: HostId,
    to: HostId,
    bytes: u64,
}

/// Carries everything; answers with the network afterwards, and with one completion a sending in
/// the order given.
fn carry(
    mut network: Network,
    sendings: &[Sending],
) -> Result<(Network, Vec<Completion>), TrafficError> {
    let mut order: Vec<usize> = (0..sendings.len()).collect();
    // Stable: those of one instant start in the order given.
    order.sort_by_key(|place| sendings[*place].at);
    let mut waiting = order.into_iter().peekable();
    let mut under_way: BTreeMap<FlowId, usize> = BTreeMap::new();
    let mut ends: Vec<Option<Completion>> = vec![None; sendings.len()];
    loop {
        let next_start = waiting.peek().map(|place| sendings[*place].at);
        let Some(now) = next_start.into_iter().chain(network.next_event()).min() else {
            break;
        };
        for completion in network.advance(now) {
            if let Some(place) = under_way.remove(&completion.flow) {
                ends[place] = Some(completion);
            }
        }
        while let Some(place) = waiting.next_if(|place| sendings[*place].at == now) {
            let Sending {
                from, to, bytes, ..
            } = sendings[place];
            let flow = network
                .transfer(now, from, to, bytes)
                .map_err(|error| TrafficError(error.to_string()))?;
            under_way.insert(flow, place);
        }
        network.settle(now);
    }
    let ends: Option<Vec<Completion>> = ends.into_iter().collect();
    let ends = ends.ok_or_else(|| TrafficError("a transfer never ended".to_owned()))?;
    Ok((network, ends))
}
