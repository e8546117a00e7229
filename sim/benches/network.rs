//! A star of N clients that each send 1 MB at a random time within 10 s to a server with 1 Gbit/s,
//! over own links of 1 to 50 Mbit/s and 10 ms, until the last byte has arrived.
//!
//! `two-tier` is the same with the clients behind the routers of 100 sites, each joined to the
//! server's core by a link of 50 Mbit/s and 10 ms, so that flows contend on two levels.
//!
//! The simulated world is the same for every run (seed 1). Figures and what they are to be compared
//! with are in `docs/performance.md`.

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use fedstill_sim::kernel::Streams;
use fedstill_sim::network::topology::{LinkKind, Shape};
use fedstill_sim::network::{
    Access, Bandwidth, Connections, Graph, Network, NodeId, SharingPolicy, Transport,
};
use fedstill_sim::time::{SimDuration, SimTime};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn mbit(rate: f64) -> Bandwidth {
    Bandwidth::from_bits_per_second(rate * 1e6).expect("a positive bandwidth")
}

const SITES: u32 = 100;

/// The server and the clients behind it, and when each client sends, ascending.
fn world(clients: u32) -> (Vec<Access>, Vec<(SimTime, u32)>) {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let access = |name: String, rate: f64| Access {
        name,
        up: mbit(rate),
        down: mbit(rate),
        latency: SimDuration::from_nanos(10_000_000),
    };
    let mut hosts = vec![access("server".into(), 1000.0)];
    hosts.extend((0..clients).map(|k| access(k.to_string(), random.random_range(1.0..50.0))));
    let mut starts: Vec<(SimTime, u32)> = (0..clients)
        .map(|k| {
            (
                SimTime::from_nanos(random.random_range(0..10_000_000_000)),
                k,
            )
        })
        .collect();
    starts.sort_unstable();
    (hosts, starts)
}

/// The server at the core, client k at the router of site k modulo their number.
fn two_tier(hosts: Vec<Access>) -> Connections {
    let link = |rate| LinkKind {
        bandwidth: mbit(rate),
        latency: SimDuration::from_nanos(10_000_000),
        policy: SharingPolicy::SplitDuplex,
    };
    let shape = Shape::Sites {
        sites: SITES,
        hosts: 1,
        local: link(1000.0),
        wide: link(50.0),
    };
    let mut stream = Streams::new(1).stream("network", "bench");
    let sites = shape.draw(&mut stream).expect("sites");
    let mut core = Graph::default();
    let nodes = sites.add_to(&mut core).expect("names are different");
    let places = sites.places();
    let router = |k: u32| nodes[places[format!("site-{}", k % SITES).as_str()]];
    let attached = (0..).zip(hosts).map(|(number, access): (u32, Access)| {
        let node = number.checked_sub(1).map_or(NodeId(0), router);
        (access, node)
    });
    Connections::new(core, attached).expect("the nodes are there")
}

/// Runs to the end and tells when that is.
fn simulate(connections: Connections, starts: &[(SimTime, u32)]) -> SimTime {
    let (server, clients): (_, Vec<_>) = (
        connections.attached(0),
        starts
            .iter()
            .map(|(_, k)| connections.attached(k + 1))
            .collect(),
    );
    let mut network = Network::new(connections, Transport::fluid());
    let (mut next_start, mut completed, mut now) = (0, 0, SimTime::ZERO);
    while completed < starts.len() {
        let start = starts.get(next_start).map(|(at, _)| *at);
        now = [start, network.next_event()]
            .into_iter()
            .flatten()
            .min()
            .expect("flows are left");
        completed += network.advance(now).len();
        while starts.get(next_start).is_some_and(|(at, _)| *at == now) {
            network
                .transfer(now, clients[next_start], server, 1_000_000)
                .expect("everyone is connected");
            next_start += 1;
        }
        network.settle(now);
    }
    now
}

fn senders(criterion: &mut Criterion) {
    let star: fn(Vec<Access>) -> Connections = |hosts| Connections::star(hosts);
    for (name, connect) in [("star", star), ("two-tier", two_tier)] {
        let mut group = criterion.benchmark_group(name);
        group.sample_size(10);
        for clients in [100, 1_000, 3_000, 10_000, 30_000] {
            let (hosts, starts) = world(clients);
            let connections = connect(hosts);
            // From 3000 clients on the server is full most of the time: 8 ms for each MB, and at
            // most the 10 s of the starts and the 8 s of a 1 Mbit/s client besides; behind a site,
            // at most its clients one after the other.
            let end = simulate(connections.clone(), &starts).as_secs_f64();
            let full = 0.008 * f64::from(clients);
            let behind_a_site = 0.16 * f64::from(clients.div_ceil(SITES));
            assert!(
                end >= full && end <= full + 18.2 + behind_a_site,
                "{name}: {clients} clients end after {end} s"
            );
            group.throughput(Throughput::Elements(clients.into()));
            group.bench_function(BenchmarkId::from_parameter(clients), |bench| {
                bench.iter_batched(
                    || connections.clone(),
                    |connections| simulate(black_box(connections), black_box(&starts)),
                    BatchSize::PerIteration,
                );
            });
        }
        group.finish();
    }
}

criterion_group!(benches, senders);
criterion_main!(benches);
