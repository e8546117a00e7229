//! Queues on the kernel: actors, the event queue and random streams, against queueing theory.

use crate::interval::Interval;
use fedstill_sim::kernel::{ActorId, Behaviour, EventQueue, Stage, Stream, Streams};
use fedstill_sim::time::{SimDuration, SimTime};
use rand_distr::{Distribution, Exp1};
use std::collections::VecDeque;

/// Mean length of a service, in seconds.
const SERVICE: f64 = 1.0;

/// What the station is told.
#[derive(Debug, Clone, Copy)]
enum Message {
    /// A customer comes.
    Arrives,
    /// A server has finished with one.
    Finishes,
}

/// What the station wants.
#[derive(Debug, Clone, Copy)]
enum Action {
    /// To be told that a service is over.
    Serve { after: SimDuration },
    /// The time that a customer waited until its service began.
    Waited(SimDuration),
}

/// First come, first served, by a number of servers.
struct Station {
    idle: usize,
    waiting: VecDeque<SimTime>,
    lengths: Lengths,
    stream: Stream,
}

#[derive(Debug, Clone, Copy)]
enum Lengths {
    Exponential,
    Constant,
}

impl Behaviour for Station {
    type Message = Message;
    type Action = Action;

    fn react(&mut self, now: SimTime, message: Message, actions: &mut Vec<Action>) {
        match message {
            Message::Arrives => self.waiting.push_back(now),
            Message::Finishes => self.idle += 1,
        }
        while self.idle > 0
            && let Some(arrived) = self.waiting.pop_front()
        {
            self.idle -= 1;
            let after = match self.lengths {
                Lengths::Constant => SERVICE,
                Lengths::Exponential => exponential(SERVICE, &mut self.stream),
            };
            let after = SimDuration::from_secs_f64(after).expect("a length of time");
            actions.push(Action::Serve { after });
            actions.push(Action::Waited(now.saturating_since(arrived)));
        }
    }
}

fn exponential(mean: f64, stream: &mut Stream) -> f64 {
    let draw: f64 = Exp1.sample(stream);
    draw * mean
}

/// Waiting times in the order of arrival, without the first tenth.
fn waiting_times(servers: usize, load: f64, lengths: Lengths, customers: usize) -> Vec<f64> {
    const STATION: ActorId = ActorId(0);
    let streams = Streams::new(20_261);
    let mut arrivals = streams.stream("station", "arrivals");
    let mut stage: Stage<Message, Action> = Stage::new();
    stage.start(
        STATION,
        Station {
            idle: servers,
            waiting: VecDeque::new(),
            lengths,
            stream: streams.stream("station", "service"),
        },
    );
    let between = SERVICE / (load * servers as f64);
    let mut queue = EventQueue::new();
    queue.schedule(SimTime::ZERO, Message::Arrives);
    let mut waited = Vec::with_capacity(customers);
    let mut actions = Vec::new();
    while waited.len() < customers
        && let Some((now, message)) = queue.pop()
    {
        if let Message::Arrives = message {
            let gap = exponential(between, &mut arrivals);
            let gap = SimDuration::from_secs_f64(gap).expect("a length of time");
            queue.schedule(now + gap, Message::Arrives);
        }
        stage.tell(STATION, now, message, &mut actions);
        for action in actions.drain(..) {
            match action {
                Action::Serve { after } => {
                    queue.schedule(now + after, Message::Finishes);
                }
                Action::Waited(time) => waited.push(time.as_secs_f64()),
            }
        }
    }
    waited.split_off(customers / 10)
}

/// Erlang's C: the probability of waiting with c servers that are offered a = c·load.
fn erlang_c(servers: usize, load: f64) -> f64 {
    let offered = servers as f64 * load;
    // Erlang's B by its recursion in the number of servers.
    let blocked = (1..=servers).fold(1.0, |blocked, servers| {
        offered * blocked / (servers as f64 + offered * blocked)
    });
    blocked / (1.0 - load * (1.0 - blocked))
}

/// Enough customers that the interval is about 2 % wide on either side.
fn customers(load: f64) -> usize {
    match load {
        load if load < 0.5 => 1_000_000,
        load if load < 0.7 => 1_200_000,
        _ => 3_000_000,
    }
}

#[test]
fn waiting_in_m_m_1_is_rho_over_mu_minus_lambda() {
    for load in [0.3, 0.6, 0.8] {
        let waited = waiting_times(1, load, Lengths::Exponential, customers(load));
        let expected = load / (1.0 - load) * SERVICE;
        Interval::of_series(&waited).holds(expected, &format!("M/M/1 at {load}"));
    }
}

#[test]
fn waiting_in_m_d_1_is_half_of_that() {
    // Pollaczek and Khinchine: λ·E[S²]/(2(1 − ρ)) with E[S²] = E[S]².
    for load in [0.3, 0.6, 0.8] {
        let waited = waiting_times(1, load, Lengths::Constant, customers(load));
        let expected = load / (2.0 * (1.0 - load)) * SERVICE;
        Interval::of_series(&waited).holds(expected, &format!("M/D/1 at {load}"));
    }
}

#[test]
fn waiting_in_m_m_c_follows_from_erlangs_c() {
    for load in [0.4, 0.6, 0.8] {
        let servers = 3;
        let waited = waiting_times(servers, load, Lengths::Exponential, customers(load));
        let expected = erlang_c(servers, load) * SERVICE / (servers as f64 * (1.0 - load));
        Interval::of_series(&waited).holds(expected, &format!("M/M/3 at {load}"));
    }
}

#[test]
fn erlangs_c_is_that_of_the_tables() {
    // One server waits with probability ρ; two with 2ρ²/(1 + ρ).
    assert!((erlang_c(1, 0.7) - 0.7).abs() < 1e-12);
    assert!((erlang_c(2, 0.5) - 1.0 / 3.0).abs() < 1e-12);
}
