//! The cases of `simgrid.toml`: the transports against SimGrid.

use fedstill_sim::network::{DeliveryEnd, DeliveryId, Network, ResourceId, Transport};
use fedstill_sim::time::SimTime;
use serde::Deserialize;

use crate::cases::{LinkRow, bandwidth, graph, time};

#[derive(Deserialize)]
struct Cases {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    transport: Settings,
    links: Vec<LinkRow>,
    #[serde(default)]
    bandwidth: Vec<(f64, String, f64)>,
    transfers: Vec<(String, String, u64, f64)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    kind: String,
    crosstraffic: Option<bool>,
}

impl Settings {
    fn transport(&self) -> Transport {
        let mut transport = match self.kind.as_str() {
            "fluid" => Transport::fluid(),
            "cm02" => Transport::cm02(),
            "lv08" => Transport::lv08(),
            "plain" => Transport {
                crosstraffic: false,
                tcp_gamma: 0.0,
                weight_s: Some(0.0),
                ..Transport::cm02()
            },
            other => panic!("unknown transport {other}"),
        };
        transport.crosstraffic = self.crosstraffic.unwrap_or(transport.crosstraffic);
        transport
    }
}

/// Runs the network to its end, with `changes` to links in between.
fn completions(
    network: &mut Network,
    changes: &[(SimTime, ResourceId, Option<f64>)],
) -> Vec<DeliveryEnd> {
    let (mut done, mut changes) = (Vec::new(), changes.iter().peekable());
    network.settle(SimTime::ZERO);
    loop {
        let change = changes.peek().map(|(at, ..)| *at);
        let Some(now) = [change, network.next_event()].into_iter().flatten().min() else {
            return done;
        };
        done.extend(network.advance(now));
        while let Some((_, link, rate)) = changes.next_if(|(at, ..)| *at == now) {
            network.set_bandwidth(now, *link, rate.map(bandwidth));
        }
        network.settle(now);
    }
}

/// The resources of a link, by the names that the network gives them.
fn resources(network: &Network, count: usize, link: &str) -> Vec<ResourceId> {
    (0..u32::try_from(count).unwrap())
        .map(ResourceId)
        .filter(|resource| network.link_name(*resource).split('/').next() == Some(link))
        .collect()
}

#[test]
fn transfers_end_when_simgrid_says() {
    let cases: Cases = toml::from_str(include_str!("simgrid.toml")).unwrap();
    assert_eq!(cases.case.len(), 16);
    for case in cases.case {
        let (graph, hosts) = graph(&case.links);
        let count = graph.capacities().len();
        let mut network = Network::from_graph_with(graph, case.transport.transport());
        let deliveries: Vec<DeliveryId> = case
            .transfers
            .iter()
            .map(|(from, to, bytes, _)| {
                let (from, to) = (hosts[from], hosts[to]);
                network.transfer(SimTime::ZERO, from, to, *bytes).unwrap()
            })
            .collect();
        let mut changes = Vec::new();
        for (at, link, rate) in &case.bandwidth {
            for resource in resources(&network, count, link) {
                changes.push((time(*at), resource, Some(*rate)));
            }
        }
        let done = completions(&mut network, &changes);
        for (k, (delivery, (.., end))) in deliveries.iter().zip(&case.transfers).enumerate() {
            let found = done
                .iter()
                .find(|done| done.delivery == *delivery)
                .unwrap()
                .at;
            assert!(
                (found.as_secs_f64() - end).abs() <= 1e-6,
                "{}, transfer {k} ends at {found}, not {end}",
                case.name
            );
        }
    }
}

#[test]
fn a_transfer_alone_takes_what_was_foretold_whatever_the_transport() {
    let cases: Cases = toml::from_str(include_str!("simgrid.toml")).unwrap();
    for case in cases.case {
        let (graph, hosts) = graph(&case.links);
        for (from, to, bytes, _) in &case.transfers {
            let transport = case.transport.transport();
            let mut network = Network::from_graph_with(graph.clone(), transport);
            let (from, to) = (hosts[from], hosts[to]);
            let foretold = network.uncontended(from, to, *bytes).unwrap();
            network.transfer(SimTime::ZERO, from, to, *bytes).unwrap();
            let done = completions(&mut network, &[]);
            assert_eq!(done[0].at, SimTime::ZERO + foretold, "{}", case.name);
        }
    }
}

/// Two transfers of 1 MB over one link of 1 MB/s and 0.5 s, one begun at once, one 0.5 s later.
fn staggered(policy: &str, transport: Transport, changes: &[(f64, Option<f64>)]) -> Vec<f64> {
    let row = |name: &str, from: &str, to: &str, latency, policy: &str| {
        let names = [name, from, to].map(String::from);
        let [name, from, to] = names;
        LinkRow::Symmetric(name, from, to, 1e6, latency, policy.into())
    };
    let rows = [
        row("l", "a", "b", 0.0, policy),
        row("late", "b", "c", 0.5, "fat-pipe"),
    ];
    let (graph, hosts) = graph(&rows);
    let mut network = Network::from_graph_with(graph, transport);
    for to in ["b", "c"] {
        let (from, to) = (hosts["a"], hosts[to]);
        network
            .transfer(SimTime::ZERO, from, to, 1_000_000)
            .unwrap();
    }
    let changes: Vec<_> = changes
        .iter()
        .map(|(at, rate)| (time(*at), ResourceId(0), *rate))
        .collect();
    let mut done = completions(&mut network, &changes);
    done.sort_by_key(|done| done.delivery);
    done.iter().map(|done| done.at.as_secs_f64()).collect()
}

#[test]
fn a_link_that_carries_nothing_stalls_its_transfers_until_it_carries_again() {
    // Shared: 0.5 MB alone, 0.25 MB each by 1 s, a pause of 2 s, the first's 0.25 MB by 3.5 s, then
    // the second's last 0.5 MB alone.
    let fluid = Transport::fluid();
    let pause = [(1.0, None), (3.0, Some(1e6))];
    assert_eq!(staggered("shared", fluid, &pause), [3.5, 4.0]);
    // A fat pipe: each 1 MB in 1 s of its own, cut by the same pause.
    let pause = [(0.75, None), (2.75, Some(1e6))];
    assert_eq!(staggered("fat-pipe", fluid, &pause), [3.0, 3.5]);
    // For good: nothing ends, and nothing is to come.
    assert_eq!(staggered("shared", fluid, &[(1.0, None)]), [0.0; 0]);
}

#[test]
fn a_change_spares_a_transfer_in_its_latency_phase() {
    // Alone at 0.25 MB/s from 0.25 s, back to 1 MB/s when the second begins: the first has 0.6875 MB
    // left, each at 0.5 MB/s until 1.875 s; the second's other 0.3125 MB alone.
    let changes = [(0.25, Some(0.25e6)), (0.5, Some(1e6))];
    let ends = staggered("shared", Transport::fluid(), &changes);
    assert_eq!(ends, [1.875, 2.1875]);
}

#[test]
fn a_faster_link_helps_the_transfers_of_cm02_no_further_than_their_bound() {
    let cm02 = Transport {
        weight_s: None,
        crosstraffic: false,
        tcp_gamma: 0.0,
        ..Transport::cm02()
    };
    // At 4 MB/s from 0 s on there is room for both at the 1 MB/s of their start.
    let changes = [(0.0, Some(4e6))];
    assert_eq!(staggered("shared", cm02, &changes), [1.0, 1.5]);
    // The fluid first has the 4 MB/s to itself; the second is held by the 1 MB/s of its other link.
    let ends = staggered("shared", Transport::fluid(), &changes);
    assert_eq!(ends, [0.25, 1.5]);
}
