//! The whole kernel at work: a star of N clients, each of which receives 1 MB, computes for a time
//! drawn from exp(60 s), and sends 1 MB, through actors, event queue, devices, network and ledger.
//!
//! Clients begin at random times within 10 s; the server has 1 Gbit/s, a client 1 to 50 Mbit/s and
//! 10 ms, and 1 GFLOP/s. The simulated world is the same for every run (seed 1). Figures and what
//! they are to be compared with are in `docs/performance.md`.

use std::ops::ControlFlow;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use fedstill_sim::device::{Availability, Device, Power, Processor};
use fedstill_sim::kernel::{ActorId, Behaviour, ComputePool, Stage, Stream, Streams};
use fedstill_sim::network::{Access, Bandwidth, Connections, Network, Transport};
use fedstill_sim::time::{SimDuration, SimTime};
use fedstill_sim::world::{
    Accounts, Action, Cast, Host, Message, OnReturn, Outcome, Plan, Simulation, Site, Station,
    Ticket, Token, TransferOutcome, Work, WorkKind, WorldConfig,
};
use rand::RngExt;
use rand_distr::{Distribution, Exp1};

const BYTES: u64 = 1_000_000;
const FLOPS_PER_SECOND: f64 = 1e9;
const SERVER: ActorId = ActorId(0);

type Told = Message<()>;
type Wanted = Action<(), ()>;

fn ticket(client: u32) -> Ticket {
    Ticket {
        aggregator: SERVER,
        number: u64::from(client),
    }
}

/// Sends every client its download when its time has come.
struct Server {
    starts: Vec<SimTime>,
    flops: Vec<u64>,
}

impl Behaviour for Server {
    type Message = Told;
    type Action = Wanted;

    fn react(&mut self, _: SimTime, message: Told, actions: &mut Vec<Wanted>) {
        match message {
            Message::Start => {
                let wakes = self.starts.iter().zip(0..);
                actions.extend(wakes.map(|(at, client)| Action::Wake {
                    token: Token(client),
                    at: *at,
                }));
            }
            Message::Wake(Token(client)) => {
                let client = client as u32;
                let (ticket, to) = (ticket(client), ActorId(client + 1));
                actions.push(Action::Open {
                    ticket,
                    client: to,
                    start_version: 0,
                    plan: Plan {
                        download_bytes: BYTES,
                        flops: self.flops[client as usize],
                        upload_bytes: BYTES,
                    },
                });
                actions.push(send(to, ticket));
            }
            Message::Arrived { ticket, .. } => actions.push(Action::Settle {
                ticket,
                outcome: Outcome::Merged,
                merge: None,
            }),
            _ => unreachable!("nothing else is told to this server"),
        }
    }
}

/// Computes when it has received, and sends when it has computed.
struct Client {
    number: u32,
    flops: u64,
}

impl Behaviour for Client {
    type Message = Told;
    type Action = Wanted;

    fn react(&mut self, _: SimTime, message: Told, actions: &mut Vec<Wanted>) {
        let ticket = ticket(self.number);
        actions.push(match message {
            Message::Arrived { .. } => Action::Compute {
                token: Token(0),
                ticket,
                work: Work(vec![(WorkKind::Train, self.flops)]),
                job: None,
            },
            Message::Computed { .. } => send(SERVER, ticket),
            _ => unreachable!("nothing else is told to this client"),
        });
    }
}

fn send(to: ActorId, ticket: Ticket) -> Wanted {
    Action::Send {
        to,
        ticket,
        what: "parameters",
        bytes: BYTES,
        payload: (),
    }
}

/// Starts the actors, and lets the run go on to its end.
#[derive(Clone)]
struct Stager {
    starts: Vec<SimTime>,
    flops: Vec<u64>,
}

impl Host<(), ()> for Stager {
    fn start(&mut self, actor: ActorId, stage: &mut Stage<Told, Wanted>) {
        match actor.index().checked_sub(1) {
            None => {
                let (starts, flops) = (self.starts.clone(), self.flops.clone());
                stage.start(actor, Server { starts, flops });
            }
            Some(place) => {
                let (number, flops) = (actor.0 - 1, self.flops[place]);
                stage.start(actor, Client { number, flops });
            }
        }
    }

    fn record(&mut self, _: ActorId, _: SimTime, (): ()) {}

    fn tick(&mut self, _: SimTime, _: &mut ComputePool) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn instant_ended(&mut self, _: SimTime, _: &mut ComputePool) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

fn mbit(rate: f64) -> Bandwidth {
    Bandwidth::from_bits_per_second(rate * 1e6).expect("a positive bandwidth")
}

/// The star, its clients' devices, when they begin and how much they compute.
fn world(clients: u32) -> (Connections, Stager) {
    let mut stream: Stream = Streams::new(1).stream("world", "bench");
    let access = |name: String, rate: f64| Access {
        name,
        up: mbit(rate),
        down: mbit(rate),
        latency: SimDuration::from_nanos(10_000_000),
    };
    let mut hosts = vec![access("server".into(), 1000.0)];
    let (mut starts, mut flops) = (Vec::new(), Vec::new());
    for client in 0..clients {
        hosts.push(access(client.to_string(), stream.random_range(1.0..50.0)));
        starts.push(SimTime::from_nanos(stream.random_range(0..10_000_000_000)));
        let seconds: f64 = Exp1.sample(&mut stream);
        flops.push((60.0 * seconds * FLOPS_PER_SECOND) as u64);
    }
    (Connections::star(hosts), Stager { starts, flops })
}

fn sites(connections: &Connections, clients: u32) -> Vec<Site> {
    let power = Power {
        idle: 2.0,
        busy: 8.0,
        transmit: 3.0,
        receive: 3.0,
    };
    let site = |client: u32| Site {
        host: connections.attached(client + 1),
        device: Device {
            processor: Processor::new(FLOPS_PER_SECOND, 1),
            training_cores: 1,
            memory_bytes: None,
            power,
        },
        availability: Availability::Always,
        battery: None,
        on_return: OnReturn::Abandon,
        drops: None,
        noise: None,
    };
    (0..clients).map(site).collect()
}

/// Runs to the end.
fn simulate(connections: Connections, sites: Vec<Site>, mut stager: Stager) -> Accounts {
    let config = WorldConfig {
        detection_delay: SimDuration::ZERO,
        end: SimTime::MAX,
        tick: None,
        gather: false,
    };
    let server = Station {
        host: connections.attached(0),
        device: sites[0].device.clone(),
    };
    let network = Network::new(connections, Transport::fluid());
    let pool = ComputePool::new(1).expect("a thread");
    let simulation = Simulation::new(
        config,
        Cast::star(server, sites),
        network,
        pool,
        &mut stager,
    );
    simulation.run().0
}

fn clients(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("world");
    group.sample_size(10);
    for clients in [1_000, 10_000, 30_000] {
        let (star, stager) = world(clients);
        let accounts = simulate(star.clone(), sites(&star, clients), stager.clone());
        // Everyone has received and sent everything, and computed as long as drawn.
        assert_eq!(accounts.transfers.len(), 2 * clients as usize);
        let mut transfers = accounts.transfers.iter();
        assert!(
            transfers
                .all(|one| one.outcome == TransferOutcome::Delivered
                    && one.effort.sent_bytes == BYTES)
        );
        for (participation, flops) in accounts.participations.iter().zip({
            let mut order: Vec<usize> = (0..clients as usize).collect();
            order.sort_by_key(|client| (stager.starts[*client], *client));
            order.into_iter().map(|client| stager.flops[client])
        }) {
            assert_eq!(participation.flops.iter().sum::<u64>(), flops);
        }
        assert!(accounts.ended_at.as_secs_f64() >= 0.008 * f64::from(clients));
        group.throughput(Throughput::Elements(clients.into()));
        group.bench_function(BenchmarkId::from_parameter(clients), |bench| {
            bench.iter_batched(
                || (star.clone(), sites(&star, clients), stager.clone()),
                |(star, sites, stager)| simulate(star, sites, stager),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, clients);
criterion_main!(benches);
