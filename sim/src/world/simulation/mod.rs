//! The event loop: takes events in order, tells actors, carries out their actions.

mod acting;
mod computing;
mod controlling;
mod learning;
mod leaving;
mod passing;
mod present;
mod transferring;

use crate::kernel::{ActorId, ComputePool, EventId, EventQueue, Stage};
use crate::network::{DeliveryId, Network};
use crate::time::{SimDuration, SimTime};
use crate::world::action::{Action, Message, Token};
use crate::world::client_time::{Activity, ClientState, ClientTimes};
use crate::world::ledger::{Ledger, Participation};
use crate::world::site::{OnReturn, Site};
use crate::world::station::{AggregatorAccount, Cast};
use crate::world::transfers::{TransferOutcome, TransferRecord};
use computing::Computing;
use learning::Aggregating;
use leaving::{Busy, Suspended};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use transferring::Transfer;

/// What the world needs to know beyond its cast.
#[derive(Debug, Clone, Copy)]
pub struct WorldConfig {
    /// Time from a drop until the aggregator knows.
    pub detection_delay: SimDuration,
    /// The run ends here at the latest.
    pub end: SimTime,
    /// Simulated time between calls of [`Host::tick`].
    pub tick: Option<SimDuration>,
    /// Whether to gather what only a trace tells.
    pub gather: bool,
}

/// Who starts actors, writes records down and decides when to stop.
pub trait Host<P: Send + 'static, R: 'static> {
    /// Starts the behaviour of an actor whose first message is due.
    fn start(&mut self, actor: ActorId, stage: &mut Stage<Message<P>, Action<P, R>>);

    /// Writes down what an actor recorded.
    fn record(&mut self, actor: ActorId, now: SimTime, record: R);

    /// Called on the grid of [`WorldConfig::tick`], after every event of that instant.
    fn tick(&mut self, now: SimTime, pool: &mut ComputePool) -> ControlFlow<()>;

    /// Called after the last event of an instant.
    fn instant_ended(&mut self, now: SimTime, pool: &mut ComputePool) -> ControlFlow<()>;
}

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The host said so.
    Stopped,
    /// The end of the time allowed was reached.
    TimeUp,
    /// Nothing was left to happen.
    Stalled,
}

/// The books of a run.
#[derive(Debug)]
pub struct Accounts {
    /// Why the run ended.
    pub end: End,
    /// When it ended.
    pub ended_at: SimTime,
    /// Every participation, by order of opening.
    pub participations: Vec<Participation>,
    /// Every transfer, by order of ending.
    pub transfers: Vec<TransferRecord>,
    /// Where every client's time went; adds up to the run.
    pub client_times: Vec<ClientTimes>,
    /// What is left in every client's battery, of 1; `None` without one.
    pub battery_levels: Vec<Option<f64>>,
    /// What every aggregator computed: the root, where there is one, and the others in order.
    pub aggregators: Vec<AggregatorAccount>,
    /// The most transfers that were under way at once to or from the root, or at all without one.
    pub peak_transfers: usize,
    /// Messages told to actors.
    pub messages: u64,
    /// As it stood at the end: what every link has carried.
    pub network: Network,
    /// When each client was away, begin and end, up to the end of the run; where it was asked for.
    pub offline: Option<Vec<Vec<(SimTime, SimTime)>>>,
}

/// The root aggregator; client i is actor i + 1, and further aggregators follow.
const ROOT: ActorId = ActorId(0);

/// The world in motion.
pub struct Simulation<'h, P: Send + 'static, R: 'static, H: Host<P, R>> {
    config: WorldConfig,
    queue: EventQueue<Event<P>>,
    stage: Stage<Message<P>, Action<P, R>>,
    network: Network,
    network_event: Option<(SimTime, EventId)>,
    pool: ComputePool,
    sites: Vec<Site>,
    has_root: bool,
    /// The root, where there is one, and the others in order.
    aggregators: Vec<Aggregating>,
    activities: Vec<Activity>,
    times: Vec<ClientTimes>,
    /// Boxed, so that a client without work costs a pointer.
    busy: Vec<Option<Box<Busy>>>,
    deliveries: BTreeMap<DeliveryId, Transfer<P>>,
    computing: BTreeMap<ActorId, Computing>,
    suspended: BTreeMap<ActorId, Suspended<P>>,
    /// Aggregators whose last roll call found nobody, and of those asked none will ever be online
    /// again.
    deserted: BTreeSet<ActorId>,
    wakes: BTreeMap<(ActorId, Token), EventId>,
    ledger: Ledger,
    transfers: Vec<TransferRecord>,
    /// Transfers under way to or from the root, or at all without one.
    crossing: usize,
    peak_transfers: usize,
    messages: u64,
    host: &'h mut H,
}

enum Event<P> {
    Tell(ActorId, Message<P>),
    Woken(ActorId, Token),
    Network,
    Computed(ActorId),
    /// An aggregator's computation has reached its simulated end.
    Learned(ActorId),
    /// A working client may go away.
    Offline(ActorId),
    /// A client comes back to its work.
    Back(ActorId),
    Tick,
}

impl<'h, P: Send + 'static, R: 'static, H: Host<P, R>> Simulation<'h, P, R, H> {
    /// A world at time zero. Its root is told to start; where there is none, every client is, in
    /// order.
    pub fn new(
        config: WorldConfig,
        cast: Cast,
        network: Network,
        pool: ComputePool,
        host: &'h mut H,
    ) -> Self {
        let Cast {
            root,
            mut sites,
            stations,
        } = cast;
        if config.gather {
            let batteries = sites.iter_mut().filter_map(|site| site.battery.as_mut());
            batteries.for_each(|battery| battery.remember_absences());
        }
        let mut queue = EventQueue::new();
        let has_root = root.is_some();
        let starting = if has_root { 0..1 } else { 1..sites.len() + 1 };
        for actor in starting.map(actor) {
            queue.schedule(SimTime::ZERO, Event::Tell(actor, Message::Start));
        }
        if config.tick.is_some() {
            queue.schedule(SimTime::ZERO, Event::Tick);
        }
        Self {
            config,
            queue,
            stage: Stage::new(),
            network,
            network_event: None,
            pool,
            has_root,
            aggregators: root
                .into_iter()
                .chain(stations)
                .map(Aggregating::new)
                .collect(),
            activities: vec![Activity::default(); sites.len()],
            times: vec![ClientTimes::default(); sites.len()],
            busy: sites.iter().map(|_| None).collect(),
            sites,
            deliveries: BTreeMap::new(),
            computing: BTreeMap::new(),
            suspended: BTreeMap::new(),
            deserted: BTreeSet::new(),
            wakes: BTreeMap::new(),
            ledger: Ledger::default(),
            transfers: Vec::new(),
            crossing: 0,
            peak_transfers: 0,
            messages: 0,
            host,
        }
    }

    /// Runs to the end; hands the books over, and the pool for what is still to be computed.
    pub fn run(mut self) -> (Accounts, ComputePool) {
        let end = loop {
            // Ticks alone keep nothing alive. Transfers do, unless the network has nothing to come
            // for them: links that failed for good. Those of this very instant may not be settled.
            let ticks = usize::from(self.config.tick.is_some());
            // Links that change while nothing crosses them are no news.
            let changes = usize::from(self.network_event.is_some() && self.deliveries.is_empty());
            let only_ticks = self.queue.len() == ticks + changes;
            // Nor are wake-ups, where nobody will ever be there to be given work.
            let wakes = self.wakes.len();
            let only_wakes = !self.deserted.is_empty()
                && self.queue.len() == ticks + changes + wakes
                && self
                    .wakes
                    .keys()
                    .all(|(actor, _)| self.deserted.contains(actor));
            let settled = self.queue.peek_time() != Some(self.queue.now());
            let idle = (only_ticks || only_wakes) && (self.deliveries.is_empty() || settled);
            let Some(next) = self.queue.peek_time().filter(|_| !idle) else {
                break End::Stalled;
            };
            if next > self.config.end {
                break End::TimeUp;
            }
            let Some((now, event)) = self.queue.pop() else {
                break End::Stalled;
            };
            if self.happen(now, event).is_break() {
                break End::Stopped;
            }
            if self.queue.peek_time() != Some(now) {
                self.settle_network(now);
            }
            if self.queue.peek_time() != Some(now)
                && self.host.instant_ended(now, &mut self.pool).is_break()
            {
                break End::Stopped;
            }
        };
        let now = match end {
            End::TimeUp => self.config.end,
            End::Stopped | End::Stalled => self.queue.now(),
        };
        self.close(end, now)
    }

    fn happen(&mut self, now: SimTime, event: Event<P>) -> ControlFlow<()> {
        match event {
            Event::Tell(actor, message) => self.tell(actor, now, message),
            Event::Woken(actor, token) => {
                self.wakes.remove(&(actor, token));
                self.tell(actor, now, Message::Wake(token));
            }
            Event::Network => {
                self.network_event = None;
                for end in self.network.advance(now) {
                    self.transferred(now, &end);
                }
            }
            Event::Computed(actor) => self.computed(actor, now),
            Event::Learned(actor) => self.learned(actor, now),
            Event::Offline(client) => self.turn(client, now),
            Event::Back(client) => self.come_back(client, now),
            Event::Tick => {
                // Evaluated after everything else of this instant: go to the back of it once.
                if self.queue.peek_time() == Some(now) {
                    self.queue.schedule(now, Event::Tick);
                    return ControlFlow::Continue(());
                }
                if let Some(tick) = self.config.tick {
                    self.queue.schedule(now + tick, Event::Tick);
                }
                return self.host.tick(now, &mut self.pool);
            }
        }
        ControlFlow::Continue(())
    }

    fn tell(&mut self, actor: ActorId, now: SimTime, message: Message<P>) {
        if !self.stage.has_started(actor) {
            self.host.start(actor, &mut self.stage);
        }
        self.messages += 1;
        let mut actions = Vec::new();
        self.stage.tell(actor, now, message, &mut actions);
        for action in actions {
            self.carry_out(actor, now, action);
        }
    }

    /// All changes of an instant are settled once; one network entry is in the queue.
    fn settle_network(&mut self, now: SimTime) {
        self.network.settle(now);
        let next = self.network.next_event();
        if self.network_event.map(|(time, _)| time) == next {
            return;
        }
        if let Some((_, event)) = self.network_event.take() {
            self.queue.cancel(event);
        }
        self.network_event = next.map(|time| (time, self.queue.schedule(time, Event::Network)));
    }

    fn close(mut self, end: End, now: SimTime) -> (Accounts, ComputePool) {
        for client in 0..self.sites.len() {
            self.account_sending(client, now);
        }
        let deliveries: Vec<_> = self.deliveries.keys().copied().collect();
        for delivery in deliveries {
            self.cut_transfer(delivery, now, TransferOutcome::Unfinished);
        }
        for (actor, computing) in std::mem::take(&mut self.computing) {
            self.account_computing(actor, &computing, now, None);
        }
        for client in 0..self.sites.len() {
            self.count_time(client, now);
        }
        let aggregators = self.aggregator_accounts(now);
        let gathered = self.config.gather.then(|| {
            let sites = self.sites.iter_mut();
            sites.map(|site| site.absences(now)).collect()
        });
        let batteries = self.sites.iter().map(|site| site.battery.as_ref());
        let battery_levels = batteries
            .map(|battery| battery.map(|b| b.share()))
            .collect();
        let accounts = Accounts {
            end,
            ended_at: now,
            participations: self.ledger.close(now),
            transfers: self.transfers,
            client_times: self.times,
            battery_levels,
            aggregators,
            peak_transfers: self.peak_transfers,
            messages: self.messages,
            network: self.network,
            offline: gathered,
        };
        (accounts, self.pool)
    }
}

/// The actor of a number.
fn actor(number: usize) -> ActorId {
    ActorId(u32::try_from(number).expect("the number of actors was checked"))
}

/// The place of a client among the sites.
fn site(client: ActorId) -> usize {
    client.index() - 1
}
