//! Bare transfers over a network: no clients, no learning, no actors.

use crate::computations::carry_out;
use crate::network::{
    CancelledDelivery, DeliveryEnd, DeliveryId, DeliveryOutcome, Effort, HostId, Network,
};
use crate::records::{BareTransfer, NetworkBooks, RunIdentity};
use crate::scenario::{NetworkScenario, PlannedRun, RawTransfer};
use crate::time::{SimDuration, SimTime};
use crate::world::TransferOutcome;
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

/// Simulates the transfers of a planned run until the last one has ended, or none ever will.
///
/// # Errors
/// Where chance gives this replication no topology that holds together.
pub fn run(planned: &PlannedRun<NetworkScenario>) -> Result<NetworkBooks, TrafficError> {
    let scenario = &planned.scenario;
    let graph = scenario.graph().map_err(TrafficError)?;
    let conduct = scenario.conduct(&graph).map_err(TrafficError)?;
    let mut network = Network::from_graph_with(graph, scenario.network.transport.choice());
    if let Some(conduct) = conduct {
        network.set_conduct(conduct);
    }
    let identity = RunIdentity {
        run_id: planned.run_id.clone(),
        config_id: planned.config_id.clone(),
        scenario: scenario.name.clone(),
        number: planned.number as u64,
        replication: planned.replication,
        seed_world: scenario.world_seed(),
        seed_dynamics: scenario.dynamics_seed(),
        factors: planned.factors.clone(),
    };
    let host = |network: &Network, name: &str| network.connections().core().host(name);
    let mut books = simulate(identity, &scenario.transfer, network, host)?;
    books.computations = carry_out(scenario);
    let computed = books.computations.iter().filter_map(|one| one.end).max();
    books.ended_at = books.ended_at.max(computed.unwrap_or(SimTime::ZERO));
    Ok(books)
}

/// Simulates the listed transfers; `host` finds their ends by name.
pub(crate) fn simulate(
    identity: RunIdentity,
    listed: &[RawTransfer],
    mut network: Network,
    host: impl Fn(&Network, &str) -> Option<HostId>,
) -> Result<NetworkBooks, TrafficError> {
    let host = |network: &Network, name: &str| {
        let host = host(network, name);
        host.ok_or_else(|| TrafficError(format!("there is no host `{name}`")))
    };
    let mut transfers = Vec::with_capacity(listed.len());
    let mut sendings = Vec::with_capacity(listed.len());
    for listed in listed {
        let start = SimTime::from_nanos(listed.at.nanoseconds());
        transfers.push(BareTransfer {
            from: listed.from.clone(),
            to: listed.to.clone(),
            size_bytes: listed.size.count(),
            start,
            end: None,
            outcome: TransferOutcome::Unfinished,
            effort: Effort::default(),
            limiting_link: None,
        });
        sendings.push(Sending {
            at: start,
            from: host(&network, &listed.from)?,
            to: host(&network, &listed.to)?,
            bytes: listed.size.count(),
        });
    }
    let (ends, ended_at) = carry(&mut network, &sendings)?;
    for (transfer, ended) in transfers.iter_mut().zip(ends) {
        let link = match ended {
            Ended::ByItself(end) => {
                transfer.end = Some(end.at);
                transfer.outcome = match end.outcome {
                    DeliveryOutcome::Delivered => TransferOutcome::Delivered,
                    DeliveryOutcome::Lost => TransferOutcome::Lost,
                };
                transfer.effort = end.effort;
                end.limiting_link
            }
            Ended::Never(cancelled) => {
                transfer.effort = cancelled.effort;
                cancelled.limiting_link
            }
        };
        transfer.limiting_link = link.map(|link| network.link_name(link));
    }
    Ok(NetworkBooks {
        identity,
        clients: 0,
        computations: Vec::new(),
        ended_at,
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

/// How a transfer ended.
#[derive(Debug, Clone, Copy)]
enum Ended {
    /// Delivered or lost.
    ByItself(DeliveryEnd),
    /// Nothing that could still happen would have ended it.
    Never(CancelledDelivery),
}

/// Where nothing but links has changed for so long, nothing will come of it.
const LONGEST_WAIT: SimDuration = SimDuration::from_nanos(365 * 86_400 * 1_000_000_000);

/// Carries everything; answers how each sending ended, in the order given, and when the last did:
/// where some never end, when nothing was left to happen.
fn carry(
    network: &mut Network,
    sendings: &[Sending],
) -> Result<(Vec<Ended>, SimTime), TrafficError> {
    let mut order: Vec<usize> = (0..sendings.len()).collect();
    // Stable: those of one instant start in the order given.
    order.sort_by_key(|place| sendings[*place].at);
    let mut waiting = order.into_iter().peekable();
    let mut under_way: BTreeMap<DeliveryId, usize> = BTreeMap::new();
    let mut ends: Vec<Option<Ended>> = vec![None; sendings.len()];
    let (mut last_event, mut last_move) = (SimTime::ZERO, SimTime::ZERO);
    loop {
        let next_start = waiting.peek().map(|place| sendings[*place].at);
        let Some(now) = next_start.into_iter().chain(network.next_event()).min() else {
            break;
        };
        if network.is_moving() || next_start.is_some() {
            last_move = now;
        } else if now.saturating_since(last_move) > LONGEST_WAIT {
            break;
        }
        last_event = now;
        for end in network.advance(now) {
            if let Some(place) = under_way.remove(&end.delivery) {
                ends[place] = Some(Ended::ByItself(end));
            }
        }
        while let Some(place) = waiting.next_if(|place| sendings[*place].at == now) {
            let Sending {
                from, to, bytes, ..
            } = sendings[place];
            let delivery = network
                .transfer(now, from, to, bytes)
                .map_err(|error| TrafficError(error.to_string()))?;
            under_way.insert(delivery, place);
        }
        network.settle(now);
    }
    for (delivery, place) in under_way {
        ends[place] = network.cancel(last_event, delivery).map(Ended::Never);
    }
    let ends: Option<Vec<Ended>> = ends.into_iter().collect();
    let ends = ends.ok_or_else(|| TrafficError("a transfer has gone astray".to_owned()))?;
    Ok((ends, last_event))
}
