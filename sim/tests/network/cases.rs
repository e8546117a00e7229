//! The solved cases of `flows.toml`.

use std::collections::BTreeMap;

use fedstill_sim::network::{Bandwidth, Graph, HostId, Link, Network, SharingPolicy};
use fedstill_sim::time::{SimDuration, SimTime};
use serde::Deserialize;

use crate::kernel::{Planned, run};

#[derive(Deserialize)]
struct Cases {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    links: Vec<LinkRow>,
    transfers: Vec<Transfer>,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum LinkRow {
    Symmetric(String, String, String, f64, f64, String),
    Asymmetric(String, String, String, f64, f64, String, f64),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Transfer {
    from: String,
    to: String,
    at: f64,
    bytes: u64,
    cap: Option<f64>,
    end: Option<f64>,
    cut: Option<f64>,
    carried: Option<u64>,
    limit: Option<String>,
}

pub(crate) fn time(secs: f64) -> SimTime {
    SimTime::from_secs_f64(secs).unwrap()
}

pub(crate) fn bandwidth(bytes_per_second: f64) -> Bandwidth {
    Bandwidth::from_bytes_per_second(bytes_per_second).unwrap()
}

pub(crate) fn graph(rows: &[LinkRow]) -> (Graph, BTreeMap<String, HostId>) {
    let (mut graph, mut hosts) = (Graph::default(), BTreeMap::new());
    for row in rows {
        let (name, from, to, forward, latency, policy, backward) = match row {
            LinkRow::Symmetric(n, f, t, b, l, p) => (n, f, t, b, l, p, b),
            LinkRow::Asymmetric(n, f, t, b, l, p, back) => (n, f, t, b, l, p, back),
        };
        let mut host = |name: &String| {
            *hosts
                .entry(name.clone())
                .or_insert_with(|| graph.add_host(name).unwrap())
        };
        let (from, to) = (host(from), host(to));
        let link = Link {
            name: name.clone(),
            forward: bandwidth(*forward),
            backward: bandwidth(*backward),
            latency: SimDuration::from_secs_f64(*latency).unwrap(),
            policy: match policy.as_str() {
                "shared" => SharingPolicy::Shared,
                "split-duplex" => SharingPolicy::SplitDuplex,
                "fat-pipe" => SharingPolicy::FatPipe,
                other => panic!("unknown policy {other}"),
            },
        };
        graph.add_link(from, to, link).unwrap();
    }
    (graph, hosts)
}

#[test]
fn every_solved_case_ends_when_worked_out_by_hand() {
    let cases: Cases = toml::from_str(include_str!("flows.toml")).unwrap();
    assert!(cases.case.len() >= 16);
    for case in cases.case {
        let (graph, hosts) = graph(&case.links);
        let mut network = Network::from_graph(graph);
        let plan: Vec<Planned<Transfer>> = case
            .transfers
            .iter()
            .map(|transfer| Planned {
                at: time(transfer.at),
                cut_at: transfer.cut.map(time),
                spec: transfer.clone(),
            })
            .collect();
        let start = |network: &mut Network, now, transfer: &Transfer| {
            let (from, to) = (hosts[&transfer.from], hosts[&transfer.to]);
            network
                .transfer_capped(now, from, to, transfer.bytes, transfer.cap.map(bandwidth))
                .unwrap()
        };
        let (ends, order) = run(&mut network, &plan, &[], start, |_| ());

        for (k, (transfer, ended)) in case.transfers.iter().zip(&ends).enumerate() {
            let place = format!("{}, transfer {k}: {ended:?}", case.name);
            match (transfer.end, transfer.carried) {
                (Some(end), None) => {
                    assert!(ended.completed, "{place}");
                    assert!(
                        ended.at.as_nanos().abs_diff(time(end).as_nanos()) <= 1,
                        "{place}, not {end}"
                    );
                }
                (None, Some(carried)) => assert_eq!(
                    (ended.completed, ended.carried),
                    (false, carried),
                    "{place}"
                ),
                _ => panic!("{place}: a transfer ends or is cut"),
            }
            if let Some(limit) = &transfer.limit {
                let found = ended
                    .limiting
                    .map_or(String::new(), |link| network.link_name(link));
                assert_eq!(&found, limit, "{place}");
            }
        }
        let mut expected: Vec<usize> = (0..ends.len()).filter(|k| ends[*k].completed).collect();
        expected.sort_by_key(|k| ends[*k].at);
        assert_eq!(order, expected, "{}: order of completion", case.name);
    }
}

#[test]
fn an_uncontended_transfer_takes_what_was_foretold() {
    let cases: Cases = toml::from_str(include_str!("flows.toml")).unwrap();
    for case in cases.case {
        let (graph, hosts) = graph(&case.links);
        for transfer in &case.transfers {
            let mut network = Network::from_graph(graph.clone());
            let (from, to) = (hosts[&transfer.from], hosts[&transfer.to]);
            let foretold = network.uncontended(from, to, transfer.bytes).unwrap();
            let plan = [Planned {
                at: SimTime::ZERO,
                cut_at: None,
                spec: (),
            }];
            let start = |network: &mut Network, now, (): &()| {
                network.transfer(now, from, to, transfer.bytes).unwrap()
            };
            let (ends, _) = run(&mut network, &plan, &[], start, |_| ());
            assert_eq!(ends[0].at, SimTime::ZERO + foretold, "{}", case.name);
        }
    }
}
