//! The transports against SimGrid: every case of `tests/conformance/`, by the solver alone.
//!
//! The same files are run by the whole program (`tests/conformance.rs` of the workspace), which
//! changes links by itself; here the test changes them.

use std::fs;
use std::path::{Path, PathBuf};

use fedstill_sim::network::{Bandwidth, DeliveryEnd, Network, ResourceId, Transport};
use fedstill_sim::scenario::{NetworkScenario, Overrides, Plan, RawProfile, load};
use fedstill_sim::time::{SimDuration, SimTime};

use crate::cases::{LinkRow, bandwidth, graph, time};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/conformance");

/// Seconds by which a finish time may differ: the precision of the reference figures.
const TOLERANCE: f64 = 1e-6;

/// The scenarios by name, and when their transfers end.
fn cases() -> Vec<(NetworkScenario, Vec<f64>)> {
    let mut paths: Vec<PathBuf> = fs::read_dir(FOLDER)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "toml"))
        .collect();
    paths.sort();
    let cases = paths.iter().map(|path| case(path));
    // Those of computations are no business of the network.
    cases
        .filter(|(scenario, _)| scenario.compute.is_empty())
        .collect()
}

fn case(path: &Path) -> (NetworkScenario, Vec<f64>) {
    let runs = load(&[path.to_path_buf()], &Overrides::default()).unwrap();
    let Ok([Plan::Network(run)]) = <[Plan; 1]>::try_from(runs) else {
        panic!("{} is not one run of a network", path.display());
    };
    let finish = fs::read_to_string(path.with_extension("finish.txt")).unwrap();
    let ends: Vec<f64> = finish.lines().map(|line| line.parse().unwrap()).collect();
    let listed = run.scenario.transfer.len() + run.scenario.compute.len();
    assert_eq!(ends.len(), listed);
    (run.scenario, ends)
}

/// What the steps of a scenario's links do to the solver, by time.
fn changes(
    scenario: &NetworkScenario,
    network: &Network,
) -> Vec<(SimTime, ResourceId, Option<f64>)> {
    let mut changes = Vec::new();
    for link in &scenario.network.link {
        let Some(RawProfile::Steps { steps, repeat }) = &link.profile else {
            panic!("{}: a case changes links by steps alone", scenario.name);
        };
        assert!(repeat.is_none(), "{}", scenario.name);
        let parts = network.links().zip(0..);
        for (_, number) in parts.filter(|((part, _), _)| link.link.names() == [part.link]) {
            for step in steps {
                let rate = step.bandwidth.unwrap().bits_per_second();
                let rate = Bandwidth::from_bits_per_second(rate)
                    .unwrap()
                    .as_bytes_per_second();
                let at = SimTime::from_nanos(step.at.nanoseconds());
                changes.push((at, ResourceId(number), Some(rate)));
            }
        }
    }
    changes.sort_by_key(|(at, ..)| *at);
    changes
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

fn network(scenario: &NetworkScenario) -> Network {
    let transport = scenario.network.transport.choice();
    Network::from_graph_with(scenario.graph().unwrap(), transport)
}

#[test]
fn transfers_end_when_the_reference_says() {
    let cases = cases();
    assert!(cases.len() >= 17, "only {} cases", cases.len());
    for (scenario, expected) in cases {
        let graph = scenario.graph().unwrap();
        let mut network = network(&scenario);
        let mut deliveries = Vec::new();
        for transfer in &scenario.transfer {
            assert!(transfer.at.is_zero(), "{}", scenario.name);
            let ends = [&transfer.from, &transfer.to].map(|name| graph.host(name).unwrap());
            let bytes = transfer.size.count();
            let delivery = network.transfer(SimTime::ZERO, ends[0], ends[1], bytes);
            deliveries.push(delivery.unwrap());
        }
        let changes = changes(&scenario, &network);
        let done = completions(&mut network, &changes);
        for (k, (delivery, end)) in deliveries.iter().zip(&expected).enumerate() {
            let found = done
                .iter()
                .find(|done| done.delivery == *delivery)
                .unwrap()
                .at;
            assert!(
                (found.as_secs_f64() - end).abs() <= TOLERANCE,
                "{}, transfer {k} ends at {found}, not {end}",
                scenario.name
            );
        }
    }
}

#[test]
fn a_transfer_alone_takes_what_was_foretold_whatever_the_transport() {
    for (scenario, _) in cases() {
        let graph = scenario.graph().unwrap();
        for transfer in &scenario.transfer {
            let mut network = network(&scenario);
            let ends = [&transfer.from, &transfer.to].map(|name| graph.host(name).unwrap());
            let bytes = transfer.size.count();
            let foretold: SimDuration = network.uncontended(ends[0], ends[1], bytes).unwrap();
            network
                .transfer(SimTime::ZERO, ends[0], ends[1], bytes)
                .unwrap();
            let done = completions(&mut network, &[]);
            assert_eq!(done[0].at, SimTime::ZERO + foretold, "{}", scenario.name);
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
