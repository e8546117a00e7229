//! The event loop: takes events in order, tells actors, carries out their actions.

mod computing;
mod leaving;
mod transferring;

use crate::kernel::{ActorId, ComputePool, EventId, EventQueue, Stage};
use crate::network::{DeliveryId, HostId, Network};
use crate::time::{SimDuration, SimTime};
use crate::world::action::{Action, Message, Token};
use crate::world::client_time::{ClientState, ClientTimes};
use crate::world::ledger::{Ledger, Participation};
use crate::world::site::{OnReturn, Site};
use crate::world::transfers::{TransferOutcome, TransferRecord};
use computing::Computing;
use leaving::{Busy, Suspended};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use transferring::Transfer;

/// What the world needs to know beyond its sites.
#[derive(Debug, Clone, Copy)]
pub struct WorldConfig {
    /// The aggregator's host.
    pub server: HostId,
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
    /// The most transfers that were under way at once to or from the server.
    pub peak_transfers: usize,
    /// Messages told to actors.
    pub messages: u64,
    /// As it stood at the end: what every link has carried.
    pub network: Network,
    /// When each client was away, begin and end, up to the end of the run; where it was asked for.
    pub offline: Option<Vec<Vec<(SimTime, SimTime)>>>,
}

/// Actor 0 is the aggregator; client i is actor i + 1.
const SERVER: ActorId = ActorId(0);

/// The world in motion.
pub struct Simulation<'h, P: Send + 'static, R: 'static, H: Host<P, R>> {
    config: WorldConfig,
    queue: EventQueue<Event<P>>,
    stage: Stage<Message<P>, Action<P, R>>,
    network: Network,
    network_event: Option<(SimTime, EventId)>,
    pool: ComputePool,
    sites: Vec<Site>,
    times: Vec<ClientTimes>,
    busy: Vec<Option<Busy>>,
    deliveries: BTreeMap<DeliveryId, Transfer<P>>,
    computing: BTreeMap<ActorId, Computing>,
    suspended: BTreeMap<ActorId, Suspended<P>>,
    /// Whether the last roll call found nobody, and none of those asked will ever be online again.
    deserted: bool,
    wakes: BTreeMap<(ActorId, Token), EventId>,
    ledger: Ledger,
    transfers: Vec<TransferRecord>,
    peak_transfers: usize,
    messages: u64,
    host: &'h mut H,
}

enum Event<P> {
    Tell(ActorId, Message<P>),
    Woken(ActorId, Token),
    Network,
    Computed(ActorId),
    /// A working client may go away.
    Offline(ActorId),
    /// A client comes back to its work.
    Back(ActorId),
    Tick,
}

impl<'h, P: Send + 'static, R: 'static, H: Host<P, R>> Simulation<'h, P, R, H> {
    /// A world at time zero; client i is `sites[i]` and actor i + 1.
    pub fn new(
        config: WorldConfig,
        mut sites: Vec<Site>,
        network: Network,
        pool: ComputePool,
        host: &'h mut H,
    ) -> Self {
        if config.gather {
            let batteries = sites.iter_mut().filter_map(|site| site.battery.as_mut());
            batteries.for_each(|battery| battery.remember_absences());
        }
        let mut queue = EventQueue::new();
        queue.schedule(SimTime::ZERO, Event::Tell(SERVER, Message::Start));
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
            times: vec![ClientTimes::default(); sites.len()],
            busy: sites.iter().map(|_| None).collect(),
            sites,
            deliveries: BTreeMap::new(),
            computing: BTreeMap::new(),
            suspended: BTreeMap::new(),
            deserted: false,
            wakes: BTreeMap::new(),
            ledger: Ledger::default(),
            transfers: Vec::new(),
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
            let only_wakes = self.deserted && self.queue.len() == ticks + changes + wakes;
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
                    self.transferred(now, end);
                }
            }
            Event::Computed(actor) => self.computed(actor, now),
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

    fn carry_out(&mut self, actor: ActorId, now: SimTime, action: Action<P, R>) {
        match action {
            Action::Open {
                ticket,
                client,
                start_version,
                plan,
            } => {
                self.ledger.open(ticket, client, start_version, now);
                let index = site(client);
                let durations = self.uncontended(client, now, plan);
                let site = &mut self.sites[index];
                let cut = site
                    .drops
                    .as_mut()
                    .and_then(|(rate, stream)| rate.draw(durations, stream));
                self.busy[index] = Some(Busy {
                    ticket,
                    cut,
                    offline: None,
                    delivery: None,
                });
                self.watch(client, now);
            }
            Action::Send {
                to,
                ticket,
                what,
                bytes,
                payload,
            } => self.send(actor, now, to, ticket, what, bytes, payload),
            Action::Compute {
                token,
                ticket,
                work,
                job,
            } => self.compute(actor, now, token, ticket, work, job),
            Action::Learn { .. } => unreachable!("stub"),
            Action::Wake { token, at } => {
                let event = self.queue.schedule(at.max(now), Event::Woken(actor, token));
                self.wakes.insert((actor, token), event);
            }
            Action::Cancel(token) => {
                if let Some(event) = self.wakes.remove(&(actor, token)) {
                    self.queue.cancel(event);
                }
            }
            Action::RollCall {
                token,
                children: asked,
            } => {
                let there = |child: &ActorId| self.sites[site(*child)].checks_in(now);
                let children: Vec<_> = asked.iter().copied().filter(there).collect();
                // Ends at the first one that will be back: mostly that is the first of all.
                self.deserted = children.is_empty()
                    && asked.iter().all(|child| {
                        let site = &mut self.sites[site(*child)];
                        site.next_online(now, self.config.end).is_none()
                    });
                let message = Message::CheckedIn { token, children };
                self.queue.schedule(now, Event::Tell(actor, message));
            }
            Action::Settle {
                ticket,
                outcome,
                merge,
            } => {
                self.ledger.settle(ticket, outcome, now);
                self.ledger.get_mut(ticket).merge = merge;
                let client = self.ledger.get(ticket).client;
                let waiting = self.times[site(client)].state() == ClientState::WaitingForVersion;
                if waiting {
                    self.enter(client, ClientState::Unselected, now);
                }
            }
            Action::Refuse { ticket, outcome } => {
                self.ledger.settle(ticket, outcome, now);
                self.release(actor, now);
                let delay = self.travel(actor, SERVER, 0);
                let message = Message::Refused(ticket, outcome);
                self.queue
                    .schedule(now + delay, Event::Tell(ticket.aggregator, message));
            }
            Action::Report {
                ticket,
                samples,
                steps,
            } => {
                let participation = self.ledger.get_mut(ticket);
                (participation.samples, participation.steps) = (samples, steps);
            }
            Action::Record(record) => self.host.record(actor, now, record),
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
        let deliveries: Vec<_> = self.deliveries.keys().copied().collect();
        for delivery in deliveries {
            self.cut_transfer(delivery, now, TransferOutcome::Unfinished);
        }
        for (actor, computing) in std::mem::take(&mut self.computing) {
            self.account_computing(actor, &computing, now, None);
        }
        for client in 0..self.sites.len() {
            let state = self.times[client].state();
            self.enter(actor_of(client), state, now);
        }
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
            peak_transfers: self.peak_transfers,
            messages: self.messages,
            network: self.network,
            offline: gathered,
        };
        (accounts, self.pool)
    }
}

fn site(client: ActorId) -> usize {
    client.index() - 1
}

fn actor_of(site: usize) -> ActorId {
    ActorId(u32::try_from(site + 1).expect("the number of clients was checked"))
}
