//! The event loop: takes events in order, tells actors, carries out their actions.

use super::action::{Action, Message, Plan, Ticket, Token, Work};
use super::client_time::{ClientState, ClientTimes};
use super::ledger::{Ledger, Outcome, Participation};
use super::transfers::{TransferOutcome, TransferRecord};
use crate::device::{Availability, CutPoint, Device, DropRate, Phase};
use crate::kernel::{ActorId, ComputePool, EventId, EventQueue, JobHandle, Stage, Stream};
use crate::network::{Completion, FlowId, HostId, Network, ResourceId};
use crate::time::{SimDuration, SimTime};
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// A client as the world sees it.
#[derive(Debug)]
pub struct Site {
    /// Where it is attached to the network.
    pub host: HostId,
    /// What it computes on.
    pub device: Device,
    /// When it is online.
    pub availability: Availability,
    /// How often a participation is cut, with the stream that decides it.
    pub drops: Option<(DropRate, Stream)>,
}

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
    /// The most transfers that were under way at once to or from the server.
    pub peak_transfers: usize,
    /// Messages told to actors.
    pub messages: u64,
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
    flows: BTreeMap<FlowId, Transfer<P>>,
    computing: BTreeMap<ActorId, Computing>,
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
    Offline(ActorId),
    Tick,
}

/// The participation that a client is working on.
#[derive(Debug)]
struct Busy {
    ticket: Ticket,
    cut: Option<CutPoint>,
    offline: Option<EventId>,
    flow: Option<FlowId>,
}

struct Transfer<P> {
    ticket: Ticket,
    from: ActorId,
    to: ActorId,
    what: &'static str,
    size: u64,
    start: SimTime,
    payload: P,
    /// The flow carries only the bytes up to the drop.
    ends_in_drop: bool,
}

struct Computing {
    ticket: Ticket,
    token: Token,
    work: Work,
    start: SimTime,
    event: EventId,
    job: Option<JobHandle>,
    ends_in_drop: bool,
}

impl<'h, P: Send + 'static, R: 'static, H: Host<P, R>> Simulation<'h, P, R, H> {
    /// A world at time zero; client i is `sites[i]` and actor i + 1.
    pub fn new(
        config: WorldConfig,
        sites: Vec<Site>,
        network: Network,
        pool: ComputePool,
        host: &'h mut H,
    ) -> Self {
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
            flows: BTreeMap::new(),
            computing: BTreeMap::new(),
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
            // Ticks alone keep nothing alive.
            let idle = self.queue.len() == usize::from(self.config.tick.is_some());
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
                for flow in self.network.advance(now) {
                    self.transferred(now, flow);
                }
            }
            Event::Computed(actor) => self.computed(actor, now),
            Event::Offline(client) => {
                if let Some(busy) = &mut self.busy[site(client)] {
                    busy.offline = None;
                }
                self.drop_client(client, now);
            }
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
                let durations = self.uncontended(client, plan);
                let site = &mut self.sites[index];
                let cut = site
                    .drops
                    .as_mut()
                    .and_then(|(rate, stream)| rate.draw(durations, stream));
                let offline = site.availability.next_offline(now);
                let offline = offline.map(|at| self.queue.schedule(at, Event::Offline(client)));
                self.busy[index] = Some(Busy {
                    ticket,
                    cut,
                    offline,
                    flow: None,
                });
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
                mut children,
            } => {
                children.retain(|child| self.sites[site(*child)].availability.is_online(now));
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

    #[expect(
        clippy::too_many_arguments,
        reason = "the fields of one action, taken apart where it is matched"
    )]
    fn send(
        &mut self,
        from: ActorId,
        now: SimTime,
        to: ActorId,
        ticket: Ticket,
        what: &'static str,
        bytes: u64,
        payload: P,
    ) {
        if bytes == 0 {
            if to == SERVER {
                self.ledger.get_mut(ticket).end = Some(now);
                self.release(from, now);
                self.enter(from, ClientState::WaitingForVersion, now);
            }
            let message = Message::Arrived { ticket, payload };
            self.queue.schedule(now, Event::Tell(to, message));
            return;
        }
        let phase = direction(to);
        let client = self.ledger.get(ticket).client;
        self.ledger.start(ticket, phase, now);
        self.enter(client, ClientState::Transferring, now);
        let cut = self.busy[site(client)]
            .as_ref()
            .and_then(|busy| busy.cut)
            .filter(|cut| cut.phase == phase);
        let carried = cut.map_or(bytes, |cut| (cut.fraction * bytes as f64) as u64);
        let (origin, destination) = (self.host_of(from), self.host_of(to));
        let flow = self
            .network
            .transfer(now, origin, destination, carried)
            .expect("routes are checked before a run");
        if let Some(busy) = &mut self.busy[site(client)] {
            busy.flow = Some(flow);
        }
        self.flows.insert(
            flow,
            Transfer {
                ticket,
                from,
                to,
                what,
                size: bytes,
                start: now,
                payload,
                ends_in_drop: cut.is_some(),
            },
        );
        self.peak_transfers = self.peak_transfers.max(self.flows.len());
    }

    /// A flow has carried all its bytes.
    fn transferred(&mut self, now: SimTime, done: Completion) {
        let Some(transfer) = self.flows.remove(&done.flow) else {
            return;
        };
        let phase = direction(transfer.to);
        let ticket = transfer.ticket;
        let client = self.ledger.get(ticket).client;
        if let Some(busy) = &mut self.busy[site(client)] {
            busy.flow = None;
        }
        let link = done.limiting_link;
        if transfer.ends_in_drop {
            self.write_transfer(&transfer, now, done.bytes, TransferOutcome::Cut, link);
            self.lose(client, now, ticket, phase);
            return;
        }
        self.write_transfer(&transfer, now, done.bytes, TransferOutcome::Delivered, link);
        self.ledger.complete(ticket, phase, now);
        if phase == Phase::Upload {
            self.release(client, now);
            self.enter(client, ClientState::WaitingForVersion, now);
        }
        let payload = transfer.payload;
        self.tell(transfer.to, now, Message::Arrived { ticket, payload });
    }

    fn compute(
        &mut self,
        actor: ActorId,
        now: SimTime,
        token: Token,
        ticket: Ticket,
        work: Work,
        job: Option<crate::kernel::Job>,
    ) {
        self.ledger.start(ticket, Phase::Compute, now);
        self.enter(actor, ClientState::Computing, now);
        let index = site(actor);
        let whole = self.sites[index].device.compute_time(work.total());
        let cut = self.busy[index]
            .as_ref()
            .and_then(|busy| busy.cut)
            .filter(|cut| cut.phase == Phase::Compute);
        let end = match cut {
            None => now + whole,
            Some(cut) => {
                let part = whole.as_secs_f64() * cut.fraction;
                now + SimDuration::from_secs_f64(part).unwrap_or(whole)
            }
        };
        // A job that will be cut is never run: nobody would see its result.
        let job = job
            .filter(|_| cut.is_none())
            .map(|job| self.pool.submit(end, job));
        let event = self.queue.schedule(end, Event::Computed(actor));
        self.computing.insert(
            actor,
            Computing {
                ticket,
                token,
                work,
                start: now,
                event,
                job,
                ends_in_drop: cut.is_some(),
            },
        );
    }

    /// A computation has reached its simulated end.
    fn computed(&mut self, actor: ActorId, now: SimTime) {
        let Some(computing) = self.computing.remove(&actor) else {
            return;
        };
        let ticket = computing.ticket;
        if computing.ends_in_drop {
            self.account_computing(actor, &computing, now, None);
            self.lose(actor, now, ticket, Phase::Compute);
            return;
        }
        let total = computing.work.total();
        self.account_computing(actor, &computing, now, Some(total));
        self.ledger.complete(ticket, Phase::Compute, now);
        // Whatever the actor does next changes the state again at this instant.
        self.enter(actor, ClientState::Unselected, now);
        let message = Message::Computed {
            token: computing.token,
            output: computing.job.map(JobHandle::collect),
        };
        self.tell(actor, now, message);
    }

    /// The device of a client goes away: whatever it was doing is cut.
    fn drop_client(&mut self, client: ActorId, now: SimTime) {
        let Some(busy) = &self.busy[site(client)] else {
            return;
        };
        let (ticket, flow) = (busy.ticket, busy.flow);
        let phase = if let Some(flow) = flow {
            self.cut_transfer(flow, now, TransferOutcome::Cut)
        } else if let Some(computing) = self.computing.remove(&client) {
            self.queue.cancel(computing.event);
            self.account_computing(client, &computing, now, None);
            Phase::Compute
        } else {
            // Between two phases of the same instant.
            Phase::Compute
        };
        self.lose(client, now, ticket, phase);
    }

    /// Takes a transfer off the network; gives the phase that it belonged to.
    fn cut_transfer(&mut self, flow: FlowId, now: SimTime, outcome: TransferOutcome) -> Phase {
        let transfer = self.flows.remove(&flow).expect("a flow has a transfer");
        let progress = self.network.cancel(now, flow);
        let carried = progress.map_or(0, |progress| progress.bytes_carried);
        let link = progress.and_then(|progress| progress.limiting_link);
        self.write_transfer(&transfer, now, carried, outcome, link);
        direction(transfer.to)
    }

    /// Ends a participation as dropped; the aggregator learns of it later.
    fn lose(&mut self, client: ActorId, now: SimTime, ticket: Ticket, phase: Phase) {
        self.ledger.get_mut(ticket).cut_phase = Some(phase);
        self.ledger.settle(ticket, Outcome::dropped(phase), now);
        self.release(client, now);
        if self.stage.has_started(client) {
            self.tell(client, now, Message::Cut(ticket));
        }
        let known = now + self.config.detection_delay;
        let message = Message::Lost(ticket);
        self.queue
            .schedule(known, Event::Tell(ticket.aggregator, message));
    }

    /// The client's work for its participation is over.
    fn release(&mut self, client: ActorId, now: SimTime) {
        if let Some(busy) = self.busy[site(client)].take()
            && let Some(event) = busy.offline
        {
            self.queue.cancel(event);
        }
        self.enter(client, ClientState::Unselected, now);
    }

    fn enter(&mut self, client: ActorId, state: ClientState, now: SimTime) {
        let index = site(client);
        self.times[index].enter(state, now, &mut self.sites[index].availability);
    }

    fn account_computing(
        &mut self,
        actor: ActorId,
        computing: &Computing,
        now: SimTime,
        flops: Option<u64>,
    ) {
        let device = &self.sites[site(actor)].device;
        let time = now.saturating_since(computing.start);
        let total = computing.work.total();
        let flops = flops.unwrap_or_else(|| device.flops_in(time).min(total));
        let joules = device.power.busy * time.as_secs_f64();
        self.ledger
            .computed(computing.ticket, &computing.work, flops, joules);
    }

    fn write_transfer(
        &mut self,
        transfer: &Transfer<P>,
        end: SimTime,
        carried: u64,
        outcome: TransferOutcome,
        limiting_link: Option<ResourceId>,
    ) {
        let client = self.ledger.get(transfer.ticket).client;
        let power = self.sites[site(client)].device.power.radio;
        let joules = power * end.saturating_since(transfer.start).as_secs_f64();
        self.ledger
            .carried(transfer.ticket, direction(transfer.to), carried, joules);
        self.transfers.push(TransferRecord {
            ticket: transfer.ticket,
            from: transfer.from,
            to: transfer.to,
            what: transfer.what,
            size_bytes: transfer.size,
            carried_bytes: carried,
            start: transfer.start,
            end,
            outcome,
            limiting_link: limiting_link.map(|link| self.network.link_name(link)),
        });
    }

    /// How long download, computation and upload take with nobody else on the way.
    fn uncontended(&mut self, client: ActorId, plan: Plan) -> [SimDuration; 3] {
        let mut transfer = |from, to, bytes| match bytes {
            0 => SimDuration::ZERO,
            _ => self.travel(from, to, bytes),
        };
        let download = transfer(SERVER, client, plan.download_bytes);
        let upload = transfer(client, SERVER, plan.upload_bytes);
        let device = &self.sites[site(client)].device;
        [download, device.compute_time(plan.flops), upload]
    }

    fn travel(&mut self, from: ActorId, to: ActorId, bytes: u64) -> SimDuration {
        let (from, to) = (self.host_of(from), self.host_of(to));
        self.network
            .uncontended(from, to, bytes)
            .expect("routes are checked before a run")
    }

    fn host_of(&self, actor: ActorId) -> HostId {
        match actor {
            SERVER => self.config.server,
            client => self.sites[site(client)].host,
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
        let flows: Vec<_> = self.flows.keys().copied().collect();
        for flow in flows {
            self.cut_transfer(flow, now, TransferOutcome::Unfinished);
        }
        for (actor, computing) in std::mem::take(&mut self.computing) {
            self.account_computing(actor, &computing, now, None);
        }
        for client in 0..self.sites.len() {
            let state = self.times[client].state();
            self.enter(actor_of(client), state, now);
        }
        let accounts = Accounts {
            end,
            ended_at: now,
            participations: self.ledger.close(now),
            transfers: self.transfers,
            client_times: self.times,
            peak_transfers: self.peak_transfers,
            messages: self.messages,
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

fn direction(to: ActorId) -> Phase {
    if to == SERVER {
        Phase::Upload
    } else {
        Phase::Download
    }
}
