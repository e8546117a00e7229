//! Small worlds with actors that follow a script, so that every time can be worked out on paper.
//!
//! Hosts stand around one hub that nothing can fill: what two of them send each other crosses the
//! way up of the one and the way down of the other. A device does 10 FLOP/s.

mod aggregators;
mod control;
mod gossip;
mod peers;
mod tiers;

use super::{
    Accounts, Action, Cast, ClientState, End, Host, Message, OnReturn, Simulation, Site, Station,
    Ticket, Token, Work, WorkKind, WorldConfig,
};
use crate::device::{Availability, Device, Pattern, Power, Processor};
use crate::kernel::{ActorId, Behaviour, ComputePool, Stage};
use crate::network::{Access, Bandwidth, Conduct, Connections, Network, Transport};
use crate::time::{SimDuration, SimTime};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::sync::Arc;

type Told = Message<&'static str>;
type Wanted = Action<&'static str, ()>;
type Script = Box<dyn FnMut(SimTime, Told) -> Vec<Wanted>>;

/// What makes the clients of a world differ from the usual ones.
type Change = Box<dyn FnOnce(&mut Vec<Site>)>;

/// When somebody was told something.
type Line = (f64, u32, String);

/// Watts in each state.
const POWER: Power = Power {
    idle: 1.0,
    busy: 8.0,
    transmit: 4.0,
    receive: 2.0,
};

const FLOPS_PER_SECOND: f64 = 10.0;

/// An actor that says what its script says.
struct Player {
    script: Script,
    me: ActorId,
    log: Rc<RefCell<Vec<Line>>>,
}

impl Behaviour for Player {
    type Message = Told;
    type Action = Wanted;

    fn react(&mut self, now: SimTime, message: Told, actions: &mut Vec<Wanted>) {
        let line = (now.as_secs_f64(), self.me.0, in_words(&message));
        self.log.borrow_mut().push(line);
        actions.extend((self.script)(now, message));
    }
}

fn in_words(message: &Told) -> String {
    match message {
        Message::Start => "start".to_owned(),
        Message::Wake(Token(token)) => format!("wake {token}"),
        Message::Arrived { ticket, payload } => {
            format!("arrived {payload} for {}", ticket.aggregator.0)
        }
        Message::Computed { token, .. } => format!("computed {}", token.0),
        Message::CheckedIn { children, .. } => {
            format!(
                "there {:?}",
                children.iter().map(|one| one.0).collect::<Vec<_>>()
            )
        }
        Message::Lost(ticket) => format!("lost {}", ticket.number),
        Message::Refused(ticket, outcome) => {
            format!("refused {} {}", ticket.number, outcome.name())
        }
        Message::Cut(ticket) => format!("cut {}", ticket.number),
        Message::Passed { from, payload } => format!("passed {payload} by {}", from.0),
        Message::Sent { missed, .. } => {
            format!(
                "sent, missed {:?}",
                missed.iter().map(|one| one.0).collect::<Vec<_>>()
            )
        }
        Message::Controlled { from, payload } => format!("controlled {payload} by {}", from.0),
        Message::Online(Token(token)) => format!("online {token}"),
    }
}

/// A world before it begins: who has a script, and what stands where.
struct World {
    scripts: BTreeMap<ActorId, Script>,
    /// Bytes/s up and down of the root, the clients and the stations.
    links: Vec<[f64; 2]>,
    /// Their latencies, in seconds.
    latencies: Vec<f64>,
    /// Whether the first of the links is a root's.
    has_root: bool,
    availabilities: Vec<Availability>,
    on_return: OnReturn,
    end: f64,
    conduct: Option<Conduct>,
    /// What the root computes on, where not on what all do.
    root_processor: Option<Processor>,
    change_sites: Change,
}

impl World {
    /// Clients that are always there, around a root, with links of so many bytes/s.
    fn of(root: f64, clients: &[f64], stations: &[f64]) -> Self {
        let links = std::iter::once(&root).chain(clients).chain(stations);
        Self {
            latencies: vec![0.0; 1 + clients.len() + stations.len()],
            scripts: BTreeMap::new(),
            links: links.map(|rate| [*rate, *rate]).collect(),
            has_root: true,
            availabilities: vec![Availability::Always; clients.len()],
            on_return: OnReturn::Abandon,
            end: 1000.0,
            conduct: None,
            root_processor: None,
            change_sites: Box::new(|_| {}),
        }
    }

    /// Clients without anybody above them, with links of so many bytes/s up and down.
    fn of_peers(clients: &[[f64; 2]]) -> Self {
        let mut world = Self::of(1.0, &vec![1.0; clients.len()], &[]);
        world.has_root = false;
        world.links[1..].copy_from_slice(clients);
        world
    }

    /// Lets an actor answer by a script.
    fn play(
        &mut self,
        actor: u32,
        script: impl FnMut(SimTime, Told) -> Vec<Wanted> + 'static,
    ) -> &mut Self {
        self.scripts.insert(ActorId(actor), Box::new(script));
        self
    }

    /// Lets a client be online in these intervals of seconds alone.
    fn online(&mut self, client: u32, intervals: &[(f64, f64)]) -> &mut Self {
        let nanos = |seconds: f64| at(seconds).as_nanos();
        let edges = intervals
            .iter()
            .map(|(from, to)| (nanos(*from), nanos(*to)));
        let pattern = Arc::new(Pattern::new(edges, None));
        self.availabilities[client as usize - 1] = Availability::Pattern { pattern, offset: 0 };
        self
    }

    fn run(self) -> (Accounts, Vec<Line>) {
        let access = |(number, [up, down]): (usize, &[f64; 2])| Access {
            name: number.to_string(),
            up: bytes_per_second(*up),
            down: bytes_per_second(*down),
            latency: lasting(self.latencies[number]),
        };
        let connections = Connections::star(self.links.iter().enumerate().map(access));
        let mut numbers = 1..;
        let mut sites: Vec<Site> = self
            .availabilities
            .into_iter()
            .zip(&mut numbers)
            .map(|(availability, number)| Site {
                host: connections.attached(number),
                device: device(),
                availability,
                battery: None,
                on_return: self.on_return,
                drops: None,
                noise: None,
            })
            .collect();
        (self.change_sites)(&mut sites);
        let station = |number: u32| Station {
            host: connections.attached(number),
            device: device(),
        };
        let first = 1 + u32::try_from(sites.len()).unwrap();
        let last = u32::try_from(self.links.len()).unwrap();
        let mut root = station(0);
        if let Some(processor) = self.root_processor {
            root.device.processor = processor;
        }
        let cast = Cast {
            root: self.has_root.then_some(root),
            sites,
            stations: (first..last).map(station).collect(),
        };
        let mut network = Network::new(connections, Transport::fluid());
        if let Some(conduct) = self.conduct {
            network.set_conduct(conduct);
        }
        let config = WorldConfig {
            detection_delay: lasting(2.0),
            end: at(self.end),
            tick: None,
            gather: true,
        };
        let log = Rc::new(RefCell::new(Vec::new()));
        let mut stager = Stager {
            scripts: self.scripts,
            log: Rc::clone(&log),
        };
        let pool = ComputePool::new(1).unwrap();
        let (accounts, _) = Simulation::new(config, cast, network, pool, &mut stager).run();
        let log = log.take();
        check_the_books(&accounts);
        (accounts, log)
    }
}

struct Stager {
    scripts: BTreeMap<ActorId, Script>,
    log: Rc<RefCell<Vec<Line>>>,
}

impl Host<&'static str, ()> for Stager {
    fn start(&mut self, actor: ActorId, stage: &mut Stage<Told, Wanted>) {
        let player = Player {
            script: self
                .scripts
                .remove(&actor)
                .unwrap_or_else(|| Box::new(|_, _| vec![])),
            me: actor,
            log: Rc::clone(&self.log),
        };
        stage.start(actor, player);
    }

    fn record(&mut self, _: ActorId, _: SimTime, (): ()) {}

    fn tick(&mut self, _: SimTime, _: &mut ComputePool) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn instant_ended(&mut self, _: SimTime, _: &mut ComputePool) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// What holds in every world: each participation has one outcome, everybody's time adds up to the
/// run, and bytes are what transfers carried.
fn check_the_books(accounts: &Accounts) {
    let run = accounts.ended_at.saturating_since(SimTime::ZERO);
    for times in &accounts.client_times {
        let states = STATES.into_iter().map(|state| times.in_state(state));
        assert_eq!(states.sum::<SimDuration>() + times.offline(), run);
    }
    for account in &accounts.aggregators {
        assert_eq!(account.computing + account.idle, run);
        let joules =
            POWER.busy * account.computing.as_secs_f64() + POWER.idle * account.idle.as_secs_f64();
        assert!((account.energy_joules - joules).abs() < 1e-9);
        let learned = account.learned.iter();
        let learned: SimDuration = learned.map(|(from, to)| to.saturating_since(*from)).sum();
        assert_eq!(learned, account.computing);
    }
    for participation in &accounts.participations {
        assert!(participation.outcome.is_some());
        let own = accounts.transfers.iter();
        let own = own.filter(|one| one.ticket == Some(participation.ticket));
        let (up, down): (Vec<_>, Vec<_>) = own.partition(|one| one.from == participation.client);
        let sent = |transfers: Vec<&super::TransferRecord>| -> u64 {
            transfers.iter().map(|one| one.effort.sent_bytes).sum()
        };
        assert_eq!(sent(up), participation.up_bytes);
        assert_eq!(sent(down), participation.down_bytes);
    }
}

const STATES: [ClientState; 6] = [
    ClientState::Unselected,
    ClientState::Receiving,
    ClientState::Sending,
    ClientState::Computing,
    ClientState::WaitingForVersion,
    ClientState::WaitingForPeer,
];

/// Seconds of a client in each of the states.
fn seconds(accounts: &Accounts, client: u32) -> [f64; 6] {
    let times = &accounts.client_times[client as usize - 1];
    STATES.map(|state| times.in_state(state).as_secs_f64())
}

fn at(seconds: f64) -> SimTime {
    SimTime::from_secs_f64(seconds).unwrap()
}

fn lasting(seconds: f64) -> SimDuration {
    SimDuration::from_secs_f64(seconds).unwrap()
}

fn bytes_per_second(rate: f64) -> Bandwidth {
    Bandwidth::from_bits_per_second(8.0 * rate).unwrap()
}

fn device() -> Device {
    Device {
        processor: Processor::new(FLOPS_PER_SECOND, 1),
        training_cores: 1,
        memory_bytes: None,
        power: POWER,
    }
}

fn ticket(aggregator: u32, number: u64) -> Ticket {
    let aggregator = ActorId(aggregator);
    Ticket { aggregator, number }
}

fn open(ticket: Ticket, client: u32) -> Wanted {
    Action::Open {
        ticket,
        client: ActorId(client),
        start_version: 0,
        plan: super::Plan::default(),
    }
}

fn send(to: u32, ticket: Ticket, bytes: u64) -> Wanted {
    Action::Send {
        to: ActorId(to),
        ticket,
        what: "knowledge",
        bytes,
        payload: "knowledge",
    }
}

fn compute(ticket: Ticket, flops: u64) -> Wanted {
    Action::Compute {
        token: Token(ticket.number),
        ticket,
        work: Work(vec![(WorkKind::Train, flops)]),
        job: None,
    }
}

fn learn(token: u64, flops: u64) -> Wanted {
    Action::Learn {
        token: Token(token),
        work: Work(vec![(WorkKind::Distill, flops)]),
        job: None,
    }
}

fn merged(ticket: Ticket) -> Wanted {
    Action::Settle {
        ticket,
        outcome: super::Outcome::Merged,
        merge: None,
    }
}

/// To whom, how many bytes.
fn pass(ticket: Ticket, parcels: &[(u32, u64)]) -> Wanted {
    let parcels = parcels.iter().map(|(to, bytes)| super::Passing {
        to: ActorId(*to),
        bytes: *bytes,
        payload: "model",
    });
    Action::Pass {
        ticket,
        what: "model",
        parcels: parcels.collect(),
    }
}

/// What one actor was told, and when.
fn told(log: &[Line], actor: u32) -> Vec<(f64, &str)> {
    let own = log.iter().filter(|(_, who, _)| *who == actor);
    own.map(|(when, _, what)| (*when, what.as_str())).collect()
}
