//! How fast the kernel turns: messages to actors, and events through the queue alone.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use fedstill_sim::kernel::{ActorId, Behaviour, EventQueue, Stage, Stream, Streams};
use fedstill_sim::time::{SimDuration, SimTime};
use rand::RngExt;
use rand_distr::{Distribution, Exp1};
use std::hint::black_box;

const ACTORS: u32 = 1000;
const EVENTS: u64 = 100_000;

/// Answers each message with one to a random actor after an exponential delay.
struct Relay {
    stream: Stream,
}

impl Behaviour for Relay {
    type Message = u64;
    type Action = (SimTime, ActorId, u64);

    fn react(&mut self, now: SimTime, message: u64, actions: &mut Vec<Self::Action>) {
        let at = now + exponential_delay(&mut self.stream);
        let to = ActorId(self.stream.random_range(0..ACTORS));
        actions.push((at, to, message + 1));
    }
}

fn exponential_delay(stream: &mut Stream) -> SimDuration {
    let draw: f64 = Exp1.sample(stream);
    SimDuration::from_secs_f64(draw).expect("an exponential draw is a length of time")
}

fn messages(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("kernel");
    group.throughput(Throughput::Elements(EVENTS));
    group.bench_function("messages to 1000 actors", |bencher| {
        let mut stage = Stage::new();
        let mut queue = EventQueue::new();
        for actor in 0..ACTORS {
            let stream = Streams::new(1).stream(&format!("relay-{actor}"), "bench");
            stage.start(ActorId(actor), Relay { stream });
            queue.schedule(SimTime::ZERO, (ActorId(actor), 0_u64));
        }
        let mut actions = Vec::new();
        bencher.iter(|| {
            for _ in 0..EVENTS {
                let (now, (actor, message)) = queue.pop().expect("every message makes another");
                stage.tell(actor, now, message, &mut actions);
                for (at, to, message) in actions.drain(..) {
                    queue.schedule(at, (to, message));
                }
            }
        });
    });
    group.bench_function("events through the queue, 1000 pending", |bencher| {
        let mut stream = Streams::new(1).stream("queue", "bench");
        let mut queue = EventQueue::new();
        for event in 0..ACTORS {
            queue.schedule(SimTime::ZERO + exponential_delay(&mut stream), event);
        }
        let delays: Vec<_> = (0..4096).map(|_| exponential_delay(&mut stream)).collect();
        bencher.iter(|| {
            for event in 0..EVENTS {
                let (now, payload) = queue.pop().expect("every event makes another");
                queue.schedule(now + delays[event as usize % 4096], black_box(payload));
            }
        });
    });
    group.finish();
}

criterion_group!(benches, messages);
criterion_main!(benches);
