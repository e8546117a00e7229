//! A star of N clients that each send 1 MB at a random time within 10 s to a server with 1 Gbit/s,
//! over own links of 1 to 50 Mbit/s and 10 ms, until the last byte has arrived.
//!
//! The simulated world is the same for every run (seed 1). On 2026-11-23, two shared cores:
//!
//! | N | time | per client |
//! | --- | --- | --- |
//! | 100 | 0.10 ms | 1.0 µs |
//! | 1 000 | 1.2 ms | 1.2 µs |
//! | 3 000 | 4.7 ms | 1.6 µs |
//! | 10 000 | 17 ms | 1.7 µs |
//! | 30 000 | 93 ms | 3.1 µs |
//!
//! That is N log N and, at the end, the n / 128 steps of a walk over n flows at once. SimGrid 3.32
//! takes 0.05, 2.6 and 51 s for N = 1 000, 3 000 and 10 000.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use fedstill_sim::network::{Access, Bandwidth, Connections, Network, Transport};
use fedstill_sim::time::{SimDuration, SimTime};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn mbit(rate: f64) -> Bandwidth {
    Bandwidth::from_bits_per_second(rate * 1e6).expect("a positive bandwidth")
}

/// The star, and when each client sends, ascending.
fn world(clients: u32) -> (Connections, Vec<(SimTime, u32)>) {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let access = |name: String, rate: f64| Access {
        name,
        up: mbit(rate),
        down: mbit(rate),
        latency: SimDuration::from_nanos(10_000_000),
    };
    let hosts: Vec<Access> = (0..clients)
        .map(|k| access(k.to_string(), random.random_range(1.0..50.0)))
        .collect();
    let mut starts: Vec<(SimTime, u32)> = (0..clients)
        .map(|k| {
            (
                SimTime::from_nanos(random.random_range(0..10_000_000_000)),
                k,
            )
        })
        .collect();
    starts.sort_unstable();
    let server = access("server".into(), 1000.0);
    let star = Connections::star(std::iter::once(server).chain(hosts));
    (star, starts)
}

/// Runs the star to its end and tells when that is.
fn simulate(star: Connections, starts: &[(SimTime, u32)]) -> SimTime {
    let (server, clients): (_, Vec<_>) = (
        star.attached(0),
        starts.iter().map(|(_, k)| star.attached(k + 1)).collect(),
    );
    let mut network = Network::new(star, Transport::fluid());
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
                .expect("a star connects everyone");
            next_start += 1;
        }
        network.settle(now);
    }
    now
}

fn star(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("star");
    group.sample_size(10);
    for clients in [100, 1_000, 3_000, 10_000, 30_000] {
        let (star, starts) = world(clients);
        // From 3000 clients on the server is full most of the time: 8 ms for each MB, and at most
        // the 10 s of the starts and the 8 s of a 1 Mbit/s client besides.
        let (end, full) = (
            simulate(star.clone(), &starts).as_secs_f64(),
            0.008 * f64::from(clients),
        );
        assert!(
            end >= full && end <= full + 18.1,
            "{clients} clients end after {end} s"
        );
        group.throughput(Throughput::Elements(clients.into()));
        group.bench_function(BenchmarkId::from_parameter(clients), |bench| {
            bench.iter(|| simulate(black_box(star.clone()), black_box(&starts)));
        });
    }
    group.finish();
}

criterion_group!(benches, star);
criterion_main!(benches);
