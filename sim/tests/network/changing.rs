//! Links that change, fail, lose and delay: closed forms by hand, and laws on random worlds.

use std::sync::Arc;

use fedstill_sim::kernel::Streams;
use fedstill_sim::network::{
    Background, Conduct, DeliveryEnd, DeliveryId, DeliveryOutcome, Failure, Graph, HostId, Jitter,
    Link, LinkBehaviour, Network, OnOff, Profile, Rate, ResourceId, Retries, SharingPolicy, Step,
};
use fedstill_sim::time::{SimDuration, SimTime};
use proptest::prelude::*;

use crate::cases::{bandwidth, time};

fn length(secs: f64) -> SimDuration {
    SimDuration::from_secs_f64(secs).unwrap()
}

/// Hosts n0.. joined by split-duplex links (from, to, latency in s) of 1 MB/s; link k has the
/// resources 2k and 2k + 1.
fn graph(hosts: u32, links: &[(u32, u32, f64)]) -> Graph {
    let mut graph = Graph::default();
    for host in 0..hosts {
        graph.add_host(format!("n{host}")).unwrap();
    }
    for (from, to, latency) in links {
        let name = format!("n{from}--n{to}");
        let duplex = SharingPolicy::SplitDuplex;
        let link = Link::symmetric(name, bandwidth(1e6), length(*latency), duplex);
        graph.add_link(HostId(*from), HostId(*to), link).unwrap();
    }
    graph
}

fn conduct(links: Vec<(u32, LinkBehaviour)>, failure: Failure) -> Conduct {
    let number = |(resource, behaviour)| (ResourceId(resource), behaviour);
    Conduct {
        links: links.into_iter().map(number).collect(),
        caps: Vec::new(),
        failure,
        segment_bytes: 1460.0,
        streams: Streams::new(1),
    }
}

fn network(graph: Graph, conduct: Conduct) -> Network {
    let mut network = Network::from_graph(graph);
    network.set_conduct(conduct);
    network
}

fn profiled(steps: &[Step], period: Option<f64>) -> LinkBehaviour {
    let profile = Profile::new(steps, period.map(length)).unwrap();
    LinkBehaviour {
        profile: Some(Arc::new(profile)),
        ..LinkBehaviour::default()
    }
}

fn factor(at: f64, factor: f64) -> Step {
    Step {
        at: length(at),
        bandwidth: Some(Rate::Times(factor)),
        ..Step::default()
    }
}

fn up(at: f64, up: bool) -> Step {
    Step {
        at: length(at),
        up: Some(up),
        ..Step::default()
    }
}

/// Sends (at in s, from, to, bytes), ascending, and runs until nothing is left to happen; answers
/// with the ends by themselves, in the order of the sendings.
fn carry(network: &mut Network, sendings: &[(f64, u32, u32, u64)]) -> Vec<Option<DeliveryEnd>> {
    let mut left = sendings.iter().peekable();
    let mut ids: Vec<DeliveryId> = Vec::new();
    let mut ends = Vec::new();
    for _ in 0..2_000_000 {
        let start = left.peek().map(|(at, ..)| time(*at));
        let Some(now) = start.into_iter().chain(network.next_event()).min() else {
            let end_of = |id: &DeliveryId| {
                let mut all = ends.iter().copied();
                all.find(|end: &DeliveryEnd| end.delivery == *id)
            };
            return ids.iter().map(end_of).collect();
        };
        ends.extend(network.advance(now));
        while let Some((_, from, to, bytes)) = left.next_if(|(at, ..)| time(*at) == now) {
            ids.push(
                network
                    .transfer(now, HostId(*from), HostId(*to), *bytes)
                    .unwrap(),
            );
        }
        network.settle(now);
    }
    panic!("the network does not come to rest");
}

fn times(ends: &[Option<DeliveryEnd>]) -> Vec<f64> {
    let at = |end: &Option<DeliveryEnd>| end.unwrap().at.as_secs_f64();
    ends.iter().map(at).collect()
}

const PAIR: &[(u32, u32, f64)] = &[(0, 1, 0.0)];

#[test]
fn a_transfer_follows_the_steps_of_its_link() {
    let steps = [factor(1.0, 0.5), factor(2.0, 2.0)];
    let links = vec![(0, profiled(&steps, None))];
    let mut network = network(graph(2, PAIR), conduct(links, Failure::Stall));
    assert_eq!(
        times(&carry(&mut network, &[(0.0, 0, 1, 3_000_000)])),
        [2.75]
    );
    // 1 + 0.5 + 2 · 0.75 MB, and the way back as ever.
    assert_eq!(network.could_carry(ResourceId(0), time(2.75)), 3e6);
    assert_eq!(network.could_carry(ResourceId(1), time(2.75)), 2.75e6);
    let usage = network.usage();
    assert_eq!((usage[0].peak, usage[1].peak), (1.0, 0.0));
}

#[test]
fn a_repeated_profile_begins_again() {
    // 1.5 MB in each 2 s.
    let links = vec![(0, profiled(&[factor(1.0, 0.5)], Some(2.0)))];
    let mut network = network(graph(2, PAIR), conduct(links, Failure::Stall));
    let sendings = [(0.0, 0, 1, 3_750_000), (100.5, 0, 1, 750_000)];
    // 4 s and 0.75 MB more; later 0.5 MB until 101 s, and 0.25 MB at half the rate.
    assert_eq!(times(&carry(&mut network, &sendings)), [4.75, 101.5]);
}

#[test]
fn a_packet_trace_of_constant_rate_is_a_constant_link() {
    // Two packets of 1500 B in 3 ms: 1 MB/s.
    let stamps: Vec<u64> = (1..=1000).flat_map(|k| [3 * k - 1, 3 * k]).collect();
    for (bin, repeats) in [(0.003, true), (0.3, true), (0.3, false)] {
        let profile = Profile::of_packets(&stamps, length(bin), repeats).unwrap();
        let behaviour = LinkBehaviour {
            profile: Some(Arc::new(profile)),
            ..LinkBehaviour::default()
        };
        let links = vec![(0, behaviour)];
        let mut network = network(graph(2, PAIR), conduct(links, Failure::Stall));
        let ends = carry(&mut network, &[(0.25, 0, 1, 3_000_000)]);
        assert_eq!(times(&ends), [3.25]);
    }
}

#[test]
fn a_latency_counts_as_it_is_when_a_transfer_begins() {
    let later = Step {
        at: length(0.5),
        latency: Some(length(2.0)),
        ..Step::default()
    };
    let links = vec![(0, profiled(&[later], None))];
    let mut network = network(graph(2, &[(0, 1, 1.0)]), conduct(links, Failure::Stall));
    // The first is alone from 1 s to 2 s; the second begins with the change.
    let sendings = [(0.0, 0, 1, 1_000_000), (0.5, 0, 1, 1_000_000)];
    assert_eq!(times(&carry(&mut network, &sendings)), [2.0, 3.5]);
}

/// What ends at the instant of a failure has ended; what begins at the instant of the return finds
/// the link up.
#[test]
fn at_one_instant_transfers_end_then_links_change_then_transfers_begin() {
    let steps = [up(1.0, false), up(3.0, true)];
    for failure in [Failure::Stall, cut(1, 1.0)] {
        let links = vec![(0, profiled(&steps, None)), (1, LinkBehaviour::default())];
        let mut network = network(graph(2, PAIR), conduct(links, failure));
        let sendings = [(0.0, 0, 1, 1_000_000), (3.0, 0, 1, 1_000_000)];
        let ends = carry(&mut network, &sendings);
        assert_eq!(times(&ends), [1.0, 4.0]);
        for end in ends {
            let DeliveryEnd {
                outcome, effort, ..
            } = end.unwrap();
            assert_eq!(outcome, DeliveryOutcome::Delivered);
            assert_eq!((effort.attempts, effort.lost_bytes), (1, 0));
        }
    }
}

fn cut(attempts: u32, backoff: f64) -> Failure {
    Failure::Cut(Retries {
        attempts,
        backoff: length(backoff),
        factor: 2.0,
        longest: length(60.0),
        resume: false,
    })
}

#[test]
fn a_stalled_transfer_waits_on_its_link_until_it_comes_back() {
    let links = vec![(0, profiled(&[up(1.0, false), up(3.0, true)], None))];
    let mut network = network(graph(2, PAIR), conduct(links, Failure::Stall));
    // The second finds no route, and waits for one; then both share what is left.
    let sendings = [(0.0, 0, 1, 2_000_000), (2.0, 0, 1, 1_000_000)];
    let ends = carry(&mut network, &sendings);
    assert_eq!(times(&ends), [5.0, 5.0]);
    assert_eq!(ends[0].unwrap().effort.sent_bytes, 2_000_000);
    assert_eq!(ends[1].unwrap().effort.attempts, 1);
}

/// 3 MB over 1 MB/s, down from 1 s to 1.5 s and from 4 s to 5 s; a back-off of 1 s, then 2 s.
#[test]
fn a_cut_transfer_is_tried_again_after_its_back_off() {
    let steps = [up(1.0, false), up(1.5, true), up(4.0, false), up(5.0, true)];
    let run = |failure| {
        let links = vec![(0, profiled(&steps, None))];
        let mut network = network(graph(2, PAIR), conduct(links, failure));
        let end = carry(&mut network, &[(0.0, 0, 1, 3_000_000)])[0].unwrap();
        assert_eq!(network.usage()[0].bytes, end.effort.sent_bytes);
        let effort = end.effort;
        (
            end.at.as_secs_f64(),
            end.outcome,
            effort.attempts,
            effort.lost_bytes,
        )
    };
    // Cut with 1 MB at 1 s, again with 2 MB at 4 s, whole from 6 s to 9 s.
    let delivered = DeliveryOutcome::Delivered;
    assert_eq!(run(cut(5, 1.0)), (9.0, delivered, 3, 3_000_000));
    assert_eq!(run(cut(2, 1.0)), (4.0, DeliveryOutcome::Lost, 2, 3_000_000));
    // With resume 2 MB are left at 2 s, and done at the instant of the second failure.
    let resumed = Failure::Cut(Retries {
        attempts: 5,
        backoff: length(1.0),
        factor: 2.0,
        longest: length(60.0),
        resume: true,
    });
    assert_eq!(run(resumed), (4.0, delivered, 2, 0));
    // A pause that ends while the link is down: it waits for the return at 5 s without an attempt.
    let paused = Failure::Cut(Retries {
        attempts: 5,
        backoff: length(3.25),
        factor: 1.0,
        longest: length(60.0),
        resume: false,
    });
    assert_eq!(run(paused), (8.0, delivered, 2, 1_000_000));
}

/// n0--n1 is short, n0--n2--n1 is long; the short way is down from 1 s to 3 s.
#[test]
fn routes_avoid_a_failed_link_and_come_back_to_it() {
    let links = [(0, 1, 0.1), (0, 2, 0.2), (2, 1, 0.2)];
    let steps = [up(1.0, false), up(3.0, true)];
    let behaviour = vec![(0, profiled(&steps, None))];
    let mut network = network(graph(3, &links), conduct(behaviour, cut(5, 1.0)));
    let sendings = [
        (0.0, 0, 1, 3_000_000),
        (2.0, 1, 0, 100_000),
        (6.0, 0, 1, 100_000),
    ];
    let ends = carry(&mut network, &sendings);
    // Cut at 1 s with 0.9 MB; at 2 s over n2, 0.4 s and 3 s. The way back takes the same links.
    assert_eq!(times(&ends), [5.4, 2.5, 6.2]);
    let carried: Vec<u64> = network.usage().iter().map(|usage| usage.bytes).collect();
    assert_eq!(
        carried,
        [1_000_000, 0, 3_000_000, 100_000, 3_000_000, 100_000]
    );
}

/// Nothing is left to happen, however the other links of the way go on.
#[test]
fn a_link_that_failed_for_good_leaves_nothing_to_wait_for() {
    let wave = profiled(&[factor(0.5, 0.5)], Some(1.0));
    let links = [(0, 1, 0.0), (1, 2, 0.0)];
    let cases = [
        (profiled(&[up(1.0, false)], None), Failure::Stall),
        (profiled(&[up(1.0, false)], None), cut(3, 1.0)),
        (profiled(&[factor(1.0, 0.0)], None), Failure::Stall),
        (profiled(&[factor(1.0, 0.0)], None), cut(3, 1.0)),
    ];
    for (k, (dead, failure)) in cases.into_iter().enumerate() {
        let behaviour = vec![(0, wave.clone()), (2, dead)];
        let mut network = network(graph(3, &links), conduct(behaviour, failure));
        let sendings = [
            (0.0, 0, 2, 3_000_000),
            (0.0, 0, 1, 3_000_000),
            (9.0, 0, 2, 1_000),
        ];
        let ends = carry(&mut network, &sendings);
        assert_eq!((ends[0], ends[2]), (None, None), "case {k}");
        assert!(ends[1].is_some(), "case {k}");
        assert_eq!(network.next_event(), None);
    }
}

#[test]
fn an_endless_profile_keeps_nothing_alive() {
    let links = vec![(0, profiled(&[up(0.5, false)], Some(1.0)))];
    let mut network = network(graph(2, PAIR), conduct(links, Failure::Stall));
    assert_eq!(network.next_event(), None);
    let ends = carry(&mut network, &[(1000.25, 0, 1, 500_000)]);
    assert_eq!(times(&ends), [1001.25]);
    assert_eq!(network.next_event(), None);
}

/// The mean throughput over T of a link that is there a share p of the time is p, with the variance
/// 2u²d²/(u+d)³/T of an alternating renewal process (Takács 1959): 2.58 deviations are 99 %.
#[test]
fn throughput_is_what_outages_and_bursts_of_background_traffic_leave() {
    let (u, d, bytes) = (3.0_f64, 2.0_f64, 40_000_000_000_u64);
    let deviation = |length: f64| (2.0 * u * u * d * d / (u + d).powi(3) / length).sqrt();
    for seed in 1..=3 {
        let on_off = |on, off, purpose| {
            OnOff::new(
                length(on),
                length(off),
                Streams::new(seed).stream("l", purpose),
            )
        };
        let failing = LinkBehaviour {
            outages: Some(on_off(u, d, "outages")),
            ..LinkBehaviour::default()
        };
        let background = Background::OnOff(bandwidth(0.5e6), Box::new(on_off(d, u, "background")));
        let shared = LinkBehaviour {
            background: Some(background),
            ..LinkBehaviour::default()
        };
        for (behaviour, mean, swing) in [(failing, 0.6, 1.0), (shared, 0.8, 0.5)] {
            let links = vec![(0, behaviour)];
            let mut network = network(graph(2, PAIR), conduct(links, Failure::Stall));
            let end = carry(&mut network, &[(0.0, 0, 1, bytes)])[0].unwrap().at;
            let took = end.as_secs_f64();
            let rate = bytes as f64 / took / 1e6;
            let slack = 2.58 * swing * deviation(took);
            assert!(
                (rate - mean).abs() < slack,
                "seed {seed}: {rate} MB/s, not {mean}"
            );
            let could = network.could_carry(ResourceId(0), end);
            assert!((could - bytes as f64).abs() < 1e-6 * could, "{could}");
        }
    }
}

#[test]
fn constant_background_traffic_takes_its_rate_first() {
    let behaviour = LinkBehaviour {
        background: Some(Background::Constant(bandwidth(0.75e6))),
        ..LinkBehaviour::default()
    };
    let mut network = network(
        graph(2, PAIR),
        conduct(vec![(0, behaviour)], Failure::Stall),
    );
    let sendings = [(0.0, 0, 1, 250_000), (0.0, 1, 0, 250_000)];
    assert_eq!(times(&carry(&mut network, &sendings)), [1.0, 0.25]);
    // By itself: nobody else on the way.
    let alone = network.uncontended(HostId(0), HostId(1), 250_000).unwrap();
    assert_eq!(alone, length(0.25));
}

/// Mathis: 1460 B / 0.2 s · √1.5 / √(1 − 0.99²) over two links of 50 ms that lose 1 % each.
#[test]
fn loss_bounds_the_rate_of_each_transfer() {
    let links = [(0, 1, 0.05), (1, 2, 0.05)];
    let lossy = || LinkBehaviour {
        loss: 0.01,
        ..LinkBehaviour::default()
    };
    let behaviour = vec![(0, lossy()), (2, lossy())];
    let mut network = network(graph(3, &links), conduct(behaviour, Failure::Stall));
    let rate = 1460.0 / 0.2 * 1.5_f64.sqrt() / (1.0 - 0.99_f64.powi(2)).sqrt();
    let expected = 0.1 + 1e6 / rate;
    let alone = network
        .uncontended(HostId(0), HostId(2), 1_000_000)
        .unwrap();
    assert!((alone.as_secs_f64() - expected).abs() < 1e-8);
    // Each of two has its bound: 2 · 63 kB/s are far below 1 MB/s. The way back loses nothing.
    let sendings = [
        (0.0, 0, 2, 1_000_000),
        (0.0, 0, 2, 1_000_000),
        (0.0, 2, 0, 900_000),
    ];
    let ends = times(&carry(&mut network, &sendings));
    assert!(
        (ends[0] - expected).abs() < 1e-8 && ends[0] == ends[1],
        "{ends:?}"
    );
    assert_eq!(ends[2], 1.0);
}

fn jittery() -> LinkBehaviour {
    use rand::RngExt;
    let draw = |stream: &mut fedstill_sim::kernel::Stream| {
        SimDuration::from_nanos(stream.random_range(1..1_000_000_000))
    };
    LinkBehaviour {
        jitter: Some(Jitter::new(draw)),
        ..LinkBehaviour::default()
    }
}

#[test]
fn jitter_is_drawn_for_each_transfer_and_moves_nobody_elses() {
    let run = |sendings: &[(f64, u32, u32, u64)]| {
        let links = vec![(0, jittery()), (1, jittery())];
        let mut network = network(graph(2, PAIR), conduct(links, Failure::Stall));
        times(&carry(&mut network, sendings))
    };
    let both = run(&[
        (0.0, 0, 1, 0),
        (0.0, 1, 0, 0),
        (5.0, 0, 1, 0),
        (5.0, 1, 0, 0),
    ]);
    let one = run(&[(0.0, 0, 1, 0), (5.0, 0, 1, 0)]);
    assert_eq!([both[0], both[2]], one[..]);
    // In whole nanoseconds: differences of seconds are never quite equal.
    let late = |end: f64, start: f64| ((end - start) * 1e9).round() as u64;
    let distinct = [
        late(both[0], 0.0),
        late(both[1], 0.0),
        late(both[2], 5.0),
        late(both[3], 5.0),
    ];
    assert!(
        distinct
            .iter()
            .all(|late| (1..1_000_000_000).contains(late))
    );
    assert!(
        (1..4).all(|k| !distinct[..k].contains(&distinct[k])),
        "{distinct:?}"
    );
}

#[test]
fn jitter_differs_by_receiver_and_adds_up_over_the_links() {
    // 0--1 and 0--2 are alike: only the stream can tell their receivers apart.
    let star = [(0, 1, 0.0), (0, 2, 0.0)];
    let links = vec![(0, jittery()), (2, jittery())];
    let mut two = network(graph(3, &star), conduct(links, Failure::Stall));
    let ends = times(&carry(&mut two, &[(0.0, 0, 1, 0), (0.0, 0, 2, 0)]));
    assert_ne!(ends[0], ends[1]);
    let always = |milliseconds: u64| LinkBehaviour {
        jitter: Some(Jitter::new(move |_| {
            SimDuration::from_nanos(milliseconds * 1_000_000)
        })),
        ..LinkBehaviour::default()
    };
    let line = [(0, 1, 0.25), (1, 2, 0.5)];
    let links = vec![(0, always(10)), (2, always(30))];
    let mut one = network(graph(3, &line), conduct(links, Failure::Stall));
    assert_eq!(times(&carry(&mut one, &[(0.0, 0, 2, 0)])), [0.79]);
}

/// The bound by loss follows the payload of a packet, and a narrower cap of a host stays.
#[test]
fn loss_counts_in_packets_of_the_payload_and_beside_a_cap() {
    let lossy = || LinkBehaviour {
        loss: 0.01,
        ..LinkBehaviour::default()
    };
    let links = [(0, 1, 0.05)];
    let mut large = conduct(vec![(0, lossy())], Failure::Stall);
    large.segment_bytes = 4000.0;
    let network_of = |conduct: Conduct| {
        let mut network = network(graph(2, &links), conduct);
        times(&carry(&mut network, &[(0.0, 0, 1, 500_000)]))[0]
    };
    // MSS / RTT · √(3/2) / √p, Mathis et al. 1997.
    let rate = 4000.0 / 0.1 * 1.5_f64.sqrt() / 0.1;
    assert!((network_of(large) - (0.05 + 5e5 / rate)).abs() < 1e-8);
    let mut capped = conduct(vec![(0, lossy())], Failure::Stall);
    capped.caps = vec![(HostId(1), bandwidth(0.1e6))];
    assert_eq!(network_of(capped), 0.05 + 5.0);
}

#[test]
fn a_cap_bounds_each_transfer_of_a_host() {
    let mut conduct = conduct(Vec::new(), Failure::Stall);
    conduct.caps = vec![(HostId(1), bandwidth(0.25e6))];
    let mut network = network(graph(3, &[(0, 1, 0.0), (0, 2, 0.0)]), conduct);
    let sendings = [
        (0.0, 0, 1, 250_000),
        (0.0, 0, 1, 250_000),
        (0.0, 0, 2, 250_000),
    ];
    assert_eq!(times(&carry(&mut network, &sendings)), [1.0, 1.0, 0.25]);
}

#[derive(Clone, Debug)]
struct World {
    /// Of a line n0--n1--n2--n3, and a link n0--n3 where it is a ring.
    ring: bool,
    links: Vec<LinkBehaviour>,
    failure: Failure,
    sendings: Vec<(f64, u32, u32, u64)>,
}

fn behaviours() -> impl Strategy<Value = LinkBehaviour> {
    let step = (
        1..30_u64,
        prop::option::of(prop_oneof![Just(0.0), Just(0.5), Just(2.0)]),
        prop::option::weighted(0.7, any::<bool>()),
        prop::option::weighted(0.2, 0..3_u64),
    );
    let quarter = |count: u64| SimDuration::from_nanos(count * 250_000_000);
    let steps = prop::collection::vec(step, 1..5).prop_map(move |steps| {
        let mut steps: Vec<Step> = steps
            .into_iter()
            .map(|(at, bandwidth, up, latency)| Step {
                at: quarter(at),
                bandwidth: bandwidth.map(Rate::Times),
                up,
                latency: latency.map(quarter),
            })
            .collect();
        steps.sort_by_key(|step| step.at);
        steps.dedup_by_key(|step| step.at);
        steps
    });
    let profile = (steps, prop::option::of(30..40_u64));
    (
        prop::option::of(profile),
        prop::option::weighted(0.4, 0..1000_u64),
        prop::option::weighted(0.3, 0..1000_u64),
    )
        .prop_map(move |(profile, outages, background)| {
            let second = length(1.0);
            let on_off = |seed| OnOff::new(second, second, Streams::new(seed).stream("l", "p"));
            let profile = profile.map(|(steps, period)| {
                Arc::new(Profile::new(&steps, period.map(quarter)).unwrap())
            });
            LinkBehaviour {
                profile,
                outages: outages.map(on_off),
                background: background
                    .map(|seed| Background::OnOff(bandwidth(0.7e6), Box::new(on_off(seed)))),
                ..LinkBehaviour::default()
            }
        })
}

fn worlds() -> impl Strategy<Value = World> {
    let failure = prop_oneof![
        Just(Failure::Stall),
        (1..4_u32, any::<bool>()).prop_map(|(attempts, resume)| Failure::Cut(Retries {
            attempts,
            backoff: length(0.5),
            factor: 2.0,
            longest: length(1.0),
            resume,
        })),
    ];
    let sending = (0..20_u32, 0..4_u32, 1..4_u32, 0..3_000_000_u64)
        .prop_map(|(at, from, by, bytes)| (f64::from(at) * 0.25, from, (from + by) % 4, bytes));
    (
        any::<bool>(),
        prop::collection::vec(behaviours(), 8),
        failure,
        prop::collection::vec(sending, 1..15),
    )
        .prop_map(|(ring, links, failure, mut sendings)| {
            sendings.sort_by(|a, b| a.0.total_cmp(&b.0));
            World {
                ring,
                links,
                failure,
                sendings,
            }
        })
}

impl World {
    fn network(&self) -> Network {
        let mut links = vec![(0, 1, 0.25), (1, 2, 0.0), (2, 3, 0.1)];
        if self.ring {
            links.push((0, 3, 1.0));
        }
        let count = 2 * links.len();
        let behaviours = (0..).zip(self.links.iter().take(count).cloned()).collect();
        network(graph(4, &links), conduct(behaviours, self.failure))
    }

    /// Until `limit`, with calls in between that change nothing. Ends, what was cancelled at the
    /// end, and how often the network was called.
    fn run(&self, looks: &[f64], limit: f64) -> (Network, Vec<Result<DeliveryEnd, u64>>) {
        let mut network = self.network();
        let mut left = self.sendings.iter().peekable();
        let mut looks = looks.iter().peekable();
        let (mut ids, mut ends): (Vec<DeliveryId>, Vec<DeliveryEnd>) = (Vec::new(), Vec::new());
        let mut now = SimTime::ZERO;
        loop {
            let start = left.peek().map(|(at, ..)| time(*at));
            let look = looks.peek().map(|at| time(**at));
            let due = [start, look, network.next_event()];
            let Some(next) = due
                .into_iter()
                .flatten()
                .min()
                .filter(|at| *at <= time(limit))
            else {
                break;
            };
            now = next;
            looks.next_if(|at| time(**at) == now);
            ends.extend(network.advance(now));
            while let Some((_, from, to, bytes)) = left.next_if(|(at, ..)| time(*at) == now) {
                ids.push(
                    network
                        .transfer(now, HostId(*from), HostId(*to), *bytes)
                        .unwrap(),
                );
            }
            network.settle(now);
        }
        let end_of = |id: &DeliveryId| {
            let end = ends.iter().copied().find(|end| end.delivery == *id);
            end.ok_or_else(|| {
                let cancelled = network.cancel(now, *id).unwrap();
                cancelled.effort.sent_bytes
            })
        };
        let ends = ids.iter().map(end_of).collect();
        (network, ends)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Sent is received and lost; what is delivered is whole; each link counts what was sent over
    /// it, all attempts included; and no link carries more than it could.
    #[test]
    fn bytes_are_kept_whatever_fails(world in worlds()) {
        let (network, ends) = world.run(&[], 60.0);
        let mut over = [0_u64; 6];
        for (end, (at, from, to, bytes)) in ends.iter().zip(&world.sendings) {
            let sent = match end {
                Err(sent) => *sent,
                Ok(end) => {
                    let effort = end.effort;
                    prop_assert!(end.at >= time(*at));
                    prop_assert!(effort.lost_bytes <= effort.sent_bytes);
                    match end.outcome {
                        DeliveryOutcome::Delivered => {
                            prop_assert_eq!(effort.received_bytes(), *bytes);
                        }
                        DeliveryOutcome::Lost => {
                            let Failure::Cut(retries) = world.failure else {
                                return Err(TestCaseError::fail("lost without a cut"));
                            };
                            prop_assert_eq!(effort.attempts, retries.attempts);
                            prop_assert!(retries.resume || effort.received_bytes() == 0);
                        }
                    }
                    if world.failure == Failure::Stall {
                        prop_assert_eq!((effort.attempts, effort.lost_bytes), (1, 0));
                    }
                    effort.sent_bytes
                }
            };
            for link in *from.min(to)..*from.max(to) {
                over[(2 * link + u32::from(from > to)) as usize] += sent;
            }
        }
        prop_assert_eq!(network.flows().live_flows(), 0);
        for (k, usage) in (0..).zip(network.usage()) {
            if !world.ring {
                prop_assert_eq!(usage.bytes, over[k as usize], "link {}", k);
            }
            let could = network.could_carry(ResourceId(k), time(60.0));
            prop_assert!(usage.bytes as f64 <= could + 1.0, "{} of {}", usage.bytes, could);
            prop_assert!((0.0..=1.0).contains(&usage.peak));
        }
    }

    #[test]
    fn looking_in_between_changes_nothing_of_links_that_change(
        world in worlds(),
        looks in prop::collection::vec(0.0..20.0_f64, 0..30),
    ) {
        let mut looks = looks;
        looks.sort_by(f64::total_cmp);
        let (_, ends) = world.run(&[], 60.0);
        let (_, watched) = world.run(&looks, 60.0);
        prop_assert_eq!(ends, watched);
    }
}
