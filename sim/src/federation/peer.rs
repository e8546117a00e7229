//! A peer: a client that is an aggregator of its own. It works from what it knows, passes what it
//! learned to its neighbours, and folds it with what they passed into its next version.
//!
//! Under a synchronous schedule it waits for the neighbours that pass to it in this version: until
//! all are in, the deadline has come, or those missing are found to be away. Under the others it
//! folds what has come: at once (asynchronous), when so many have come (buffered), or at fixed
//! times (periodic). A neighbour that missed what it was passed is sent it again when it is seen.

use super::aggregator::{FederationAction, FederationMessage};
use super::deployment::Deployment;
use super::exchange::{AsynchronousFold, Contribution, Exchange, Held, Predictor};
use super::knowledge::Known;
use super::local::{LocalResult, LocalState, participate};
use super::neighbours::actor;
use super::parcel::{Contents, Parcel};
use super::recorder::Record;
use super::run::Hooks;
use super::staleness::staleness_weight;
use crate::kernel::{ActorId, Behaviour, Cancellation, Job, JobOutput};
use crate::records::{CloseReason, VersionRecord};
use crate::scenario::{RawSchedule, RawStaleness};
use crate::time::{SimDuration, SimTime};
use crate::world::{Action, Merge, Message, Outcome, Passing, Plan, Ticket, Token};
use fedstill_models::ModelError;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A peer as an actor.
pub(crate) struct Peer {
    deployment: Arc<Deployment>,
    number: usize,
    state: Arc<LocalState>,
    exchanges: Vec<Box<dyn Exchange>>,
    version: u64,
    published: Vec<SimTime>,
    opened: SimTime,
    phase: Phase,
    /// What neighbours passed for which of their versions, and is not folded yet.
    inbox: BTreeMap<(ActorId, u64), Contribution>,
    /// Each neighbour's latest, for knowledge of which the latest is folded again and again.
    store: BTreeMap<ActorId, Contribution>,
    /// Neighbours known to be away, whom this version does not wait for.
    away: BTreeSet<ActorId>,
    /// Neighbours that missed the last parcel.
    missed: BTreeSet<ActorId>,
    /// Whether the time for this version has passed.
    is_overdue: bool,
    last: Parcel,
    waits: Waits,
    tickets: u64,
    tokens: u64,
}

/// What a peer is doing.
enum Phase {
    /// Waits to be online, or has given up.
    Resting,
    /// Computes for a participation that takes so many steps.
    Working(Ticket, u64),
    /// Looks which neighbours are there.
    Looking(Ticket),
    /// Passes what it learned.
    Passing,
    /// Waits for its neighbours.
    Waiting(Ticket),
}

/// What it asked to be told.
#[derive(Default)]
struct Waits {
    targets: Option<Token>,
    deadline: Option<Token>,
    poll: Option<Token>,
    present: Option<Token>,
}

impl Peer {
    pub(crate) fn new(deployment: Arc<Deployment>, number: usize, hooks: Hooks) -> Self {
        let kinds = deployment.kinds().iter();
        let exchanges = kinds.map(|kind| kind.aggregator(&deployment, hooks));
        Self {
            state: Arc::new(LocalState::at_start(&deployment, number)),
            exchanges: exchanges.collect(),
            version: 0,
            published: vec![SimTime::ZERO],
            opened: SimTime::ZERO,
            phase: Phase::Resting,
            inbox: BTreeMap::new(),
            store: BTreeMap::new(),
            away: BTreeSet::new(),
            missed: BTreeSet::new(),
            is_overdue: false,
            last: Parcel::nothing(),
            waits: Waits::default(),
            tickets: 0,
            tokens: 0,
            number,
            deployment,
        }
    }

    fn me(&self) -> ActorId {
        actor(self.number)
    }

    fn token(&mut self) -> Token {
        self.tokens += 1;
        Token(self.tokens)
    }

    fn schedule(&self) -> &RawSchedule {
        &self.deployment.scenario().method.schedule
    }

    /// Begins a participation as soon as the client is online.
    fn await_online(&mut self, actions: &mut Vec<FederationAction>) {
        self.phase = Phase::Resting;
        let token = self.token();
        actions.push(Action::Await(token));
    }

    /// Works from its own knowledge.
    fn begin(&mut self, now: SimTime, actions: &mut Vec<FederationAction>) {
        let me = self.me();
        let views = self.exchanges.iter().map(|exchange| exchange.view(me));
        let received = (!self.deployment.nothing_travels()).then(|| Contents {
            version: self.version,
            pieces: views.collect(),
            ..Contents::default()
        });
        let pieces = received.iter().flat_map(|contents| contents.pieces.clone());
        let known = Known::of(&pieces.collect::<Vec<_>>());
        let cost = self.deployment.cost(me, known);
        let ticket = Ticket {
            aggregator: me,
            number: self.tickets,
        };
        self.tickets += 1;
        actions.push(Action::Open {
            ticket,
            client: me,
            start_version: self.version,
            plan: Plan {
                download_bytes: 0,
                ..cost.plan()
            },
        });
        let spec = self.deployment.client(self.number);
        if !spec.device.fits(cost.memory_bytes) {
            let outcome = Outcome::Unfit;
            actions.push(Action::Refuse { ticket, outcome });
            return;
        }
        self.wait_at_most(now, actions);
        let steps = self.deployment.steps(self.number, known);
        self.phase = Phase::Working(ticket, steps);
        let (deployment, state) = (Arc::clone(&self.deployment), Arc::clone(&self.state));
        let number = self.number;
        let job: Job = Box::new(move |cancellation: &Cancellation| {
            let cancelled = || cancellation.is_cancelled();
            let received = received.as_ref();
            Box::new(participate(
                &deployment,
                number,
                &state,
                received,
                &[],
                &cancelled,
            ))
        });
        let token = self.token();
        actions.push(Action::Compute {
            token,
            ticket,
            work: cost.work,
            job: Some(job),
        });
    }

    /// Sets the time by which this version is folded, where there is one; not again for a second
    /// attempt at it.
    fn wait_at_most(&mut self, now: SimTime, actions: &mut Vec<FederationAction>) {
        let within = match self.schedule() {
            RawSchedule::Synchronous { deadline, .. } => *deadline,
            RawSchedule::Periodic { every, .. } => Some(*every),
            RawSchedule::Asynchronous { .. } | RawSchedule::Buffered { .. } => None,
        };
        if let Some(within) = within
            && self.waits.deadline.is_none()
            && !self.is_overdue
        {
            let token = self.token();
            let at = now + SimDuration::from_nanos(within.nanoseconds());
            actions.push(Action::Wake { token, at });
            self.waits.deadline = Some(token);
        }
    }

    /// What it learned is there: looks to whom it can be passed.
    fn deliver(&mut self, output: JobOutput, actions: &mut Vec<FederationAction>) {
        let Phase::Working(ticket, steps) = self.phase else {
            return;
        };
        let result: Box<Result<LocalResult, ModelError>> =
            output.downcast().expect("a peer's job gives its result");
        let result = match *result {
            Ok(result) => result,
            Err(ModelError::Diverged { .. }) => {
                self.phase = Phase::Resting;
                let outcome = Outcome::Diverged;
                actions.push(Action::Refuse { ticket, outcome });
                let client = self.number;
                actions.push(Action::Record(Record::PeerDiverged { client }));
                return;
            }
            Err(error) => unreachable!("client {}: {error}", self.number),
        };
        self.state = Arc::new(result.state);
        self.last = result.contribution;
        let samples = self.deployment.shard(self.number).train.len() as u64;
        actions.push(Action::Report {
            ticket,
            samples,
            steps,
        });
        let targets = self
            .deployment
            .neighbours()
            .targets(self.number, self.version);
        let token = self.token();
        self.waits.targets = Some(token);
        self.phase = Phase::Looking(ticket);
        let children = targets.into_iter().map(actor).collect();
        actions.push(Action::RollCall { token, children });
    }

    /// Passes what it learned to those neighbours that are there.
    fn pass(&mut self, there: Vec<ActorId>, actions: &mut Vec<FederationAction>) {
        let Phase::Looking(ticket) = self.phase else {
            return;
        };
        self.phase = Phase::Passing;
        let nothing = self.deployment.nothing_travels();
        if !nothing {
            let neighbours = self.deployment.neighbours();
            let targets = neighbours.targets(self.number, self.version);
            let targets = targets.into_iter().map(actor);
            self.missed
                .extend(targets.filter(|target| !there.contains(target)));
        }
        let parcels = there.into_iter().map(|to| Passing {
            to,
            bytes: self.last.bytes(),
            payload: self.last.clone(),
        });
        actions.push(Action::Pass {
            ticket,
            what: self.deployment.what_travels(),
            parcels: match nothing {
                true => Vec::new(),
                false => parcels.collect(),
            },
        });
    }

    /// A neighbour's contribution has come.
    fn take(&mut self, from: ActorId, parcel: &Parcel) {
        let sender = self
            .deployment
            .client_of(from)
            .expect("only clients are peers");
        let (contents, _) = parcel.decode(&self.deployment.wires_up(sender), &[]);
        self.away.remove(&from);
        let contribution = Contribution {
            child: from,
            pieces: contents.pieces,
            samples: contents.samples,
            start_version: contents.version,
        };
        self.inbox.insert((from, contents.version), contribution);
    }

    /// Neighbours whose contribution to this version is awaited and not in.
    fn missing(&self) -> Vec<ActorId> {
        if !matches!(self.schedule(), RawSchedule::Synchronous { .. }) {
            return Vec::new();
        }
        let sources = self
            .deployment
            .neighbours()
            .sources(self.number, self.version);
        let sources = sources.into_iter().map(actor);
        let is_missing = |source: &ActorId| {
            let of_version = (*source, self.version)..=(*source, u64::MAX);
            self.inbox.range(of_version).next().is_none() && !self.away.contains(source)
        };
        match self.deployment.nothing_travels() {
            true => Vec::new(),
            false => sources.filter(is_missing).collect(),
        }
    }

    /// Folds if what it waits for is there; else looks again later.
    fn fold_if_ready(&mut self, now: SimTime, actions: &mut Vec<FederationAction>) {
        let Phase::Waiting(ticket) = self.phase else {
            return;
        };
        let reason = match *self.schedule() {
            RawSchedule::Synchronous { .. } if self.is_overdue => Some(CloseReason::Deadline),
            RawSchedule::Periodic { .. } => self.is_overdue.then_some(CloseReason::Timer),
            RawSchedule::Synchronous { .. } => {
                let is_ready = self.missing().is_empty();
                is_ready.then_some(CloseReason::AllArrived)
            }
            RawSchedule::Asynchronous { .. } => Some(CloseReason::Arrival),
            RawSchedule::Buffered { size, .. } => {
                let sources = self
                    .deployment
                    .neighbours()
                    .sources(self.number, self.version);
                let enough = size.min(sources.len());
                let is_ready = self.inbox.len() >= enough || self.deployment.nothing_travels();
                is_ready.then_some(CloseReason::Quorum)
            }
        };
        match reason {
            Some(reason) => self.fold(now, ticket, reason, actions),
            None => self.look_again(now, actions),
        }
    }

    fn look_again(&mut self, now: SimTime, actions: &mut Vec<FederationAction>) {
        let somebody = !self.missing().is_empty() || !self.missed.is_empty();
        let buffered = matches!(self.schedule(), RawSchedule::Buffered { .. });
        if (somebody || buffered) && self.waits.poll.is_none() {
            let token = self.token();
            let at = now + self.deployment.poll();
            actions.push(Action::Wake { token, at });
            self.waits.poll = Some(token);
        }
    }

    /// Looks who of those that matter is there; itself too, since it may be away.
    fn call(&mut self, actions: &mut Vec<FederationAction>) {
        let asked: BTreeSet<_> = self
            .missing()
            .into_iter()
            .chain(self.missed.clone())
            .collect();
        let token = self.token();
        self.waits.present = Some(token);
        let children = asked.into_iter().chain([self.me()]).collect();
        actions.push(Action::RollCall { token, children });
    }

    /// Sends again what was missed by those who are there, and waits no more for those who are not.
    fn called(&mut self, now: SimTime, there: &[ActorId], actions: &mut Vec<FederationAction>) {
        if there.contains(&self.me()) {
            for to in there {
                if self.missed.remove(to) {
                    actions.push(Action::Control {
                        to: *to,
                        what: self.deployment.what_travels(),
                        bytes: self.last.bytes(),
                        payload: self.last.clone(),
                    });
                }
            }
            let away = self
                .missing()
                .into_iter()
                .filter(|source| !there.contains(source));
            self.away.extend(away.collect::<Vec<_>>());
        }
        self.fold_if_ready(now, actions);
        self.look_again(now, actions);
    }

    /// Makes the next version of its own contribution and what has come.
    fn fold(
        &mut self,
        now: SimTime,
        ticket: Ticket,
        reason: CloseReason,
        actions: &mut Vec<FederationAction>,
    ) {
        let deployment = Arc::clone(&self.deployment);
        let own = (!deployment.nothing_travels()).then(|| {
            let (contents, _) = self.last.decode(&deployment.wires_up(self.number), &[]);
            Contribution {
                child: self.me(),
                pieces: contents.pieces,
                samples: contents.samples,
                start_version: self.version,
            }
        });
        // Those that are ahead are for a version to come, where there are rounds.
        let rounds = matches!(self.schedule(), RawSchedule::Synchronous { .. });
        let (version, mut latest) = (self.version, BTreeMap::new());
        let taken: Vec<_> = self.inbox.keys().copied().collect();
        for key in taken
            .into_iter()
            .filter(|(_, of)| !rounds || *of <= version)
        {
            if let Some(contribution) = self.inbox.remove(&key) {
                latest.insert(contribution.child, contribution);
            }
        }
        let counts_own = deployment.scenario().method.peers.as_ref();
        let counts_own = counts_own.is_none_or(|peers| peers.counts_own());
        let (mut flops, merged) = (0, latest.len() as u64);
        let mut max_staleness = 0;
        let staleness =
            |contribution: &Contribution| version.saturating_sub(contribution.start_version);
        for contribution in latest.values() {
            max_staleness = max_staleness.max(staleness(contribution));
        }
        let stored = deployment.kinds().iter();
        if !rounds
            && stored
                .clone()
                .any(|k| k.asynchronous_fold() == AsynchronousFold::Store)
        {
            self.store.extend(latest.clone());
        }
        for (strand, (kind, exchange)) in stored.zip(&mut self.exchanges).enumerate() {
            let from_store = !rounds && kind.asynchronous_fold() == AsynchronousFold::Store;
            let received = if from_store { &self.store } else { &latest };
            let mut all: BTreeMap<ActorId, &Contribution> =
                received.iter().map(|(child, c)| (*child, c)).collect();
            if counts_own || all.is_empty() {
                all.extend(own.iter().map(|own| (own.child, own)));
            }
            let rule = staleness_rule(&deployment.scenario().method.schedule);
            let held = all.values().filter_map(|contribution| {
                let weight = kind.weight(contribution.samples)
                    * rule.map_or(1.0, |rule| staleness_weight(rule, staleness(contribution)));
                Some(Held {
                    child: contribution.child,
                    piece: contribution.pieces.get(strand)?.as_ref()?,
                    weight,
                    start_version: contribution.start_version,
                })
            });
            flops += exchange.fold(&held.collect::<Vec<_>>()).flops;
        }
        let merge = Merge {
            version: version + 1,
            start_published: self.published[self.published.len() - 1],
        };
        actions.push(Action::Settle {
            ticket,
            outcome: Outcome::Merged,
            merge: Some(merge),
        });
        self.version += 1;
        self.published.push(now);
        self.away.clear();
        self.is_overdue = false;
        if let Some(token) = self.waits.deadline.take() {
            actions.push(Action::Cancel(token));
        }
        let (oldest, mut model) = (self.version, None);
        for exchange in &mut self.exchanges {
            exchange.published(self.version, oldest);
            model = model.or(exchange.model());
        }
        // It is scored with what it knows now.
        let strands = deployment.kinds().iter().zip(&self.exchanges);
        let mut strands = strands
            .filter(|(kind, _)| kind.predictor() == Predictor::NearestPrototype)
            .filter_map(|(_, exchange)| exchange.view(self.me()));
        let companion = strands.next().map(|piece| piece.values);
        let record = VersionRecord {
            aggregator: self.me(),
            version: self.version,
            opened: self.opened,
            closed: now,
            reason,
            selected: 1,
            merged: merged + u64::from(counts_own),
            max_staleness,
            server_flops: flops,
        };
        self.opened = now;
        actions.push(Action::Record(Record::Version {
            record,
            model: None,
        }));
        let parameters = model.map(|model| Arc::new(deployment.kept(model.to_vec())));
        actions.push(Action::Record(Record::Trained {
            client: self.number,
            parameters: parameters.unwrap_or_else(|| Arc::clone(&self.state.parameters)),
            companion,
        }));
        self.await_online(actions);
    }
}

/// What staleness costs, where the schedule says.
fn staleness_rule(schedule: &RawSchedule) -> Option<&RawStaleness> {
    match schedule {
        RawSchedule::Synchronous { .. } => None,
        RawSchedule::Asynchronous { staleness, .. }
        | RawSchedule::Buffered { staleness, .. }
        | RawSchedule::Periodic { staleness, .. } => Some(staleness),
    }
}

impl Behaviour for Peer {
    type Message = FederationMessage;
    type Action = FederationAction;

    fn react(
        &mut self,
        now: SimTime,
        message: FederationMessage,
        actions: &mut Vec<FederationAction>,
    ) {
        match message {
            Message::Start => self.await_online(actions),
            Message::Online(_) => self.begin(now, actions),
            Message::Computed { output, .. } => {
                self.deliver(output.expect("a peer computes with a job"), actions);
            }
            Message::CheckedIn { token, children } if self.waits.targets == Some(token) => {
                self.waits.targets = None;
                self.pass(children, actions);
            }
            Message::CheckedIn { token, children } => {
                if self.waits.present == Some(token) {
                    self.waits.present = None;
                    self.called(now, &children, actions);
                }
            }
            Message::Passed { from, payload } | Message::Controlled { from, payload } => {
                self.take(from, &payload);
                self.fold_if_ready(now, actions);
            }
            Message::Sent { ticket, missed } => {
                self.missed.extend(missed);
                self.phase = Phase::Waiting(ticket);
                actions.push(Action::WaitForPeers);
                self.fold_if_ready(now, actions);
                self.look_again(now, actions);
            }
            Message::Wake(token) if self.waits.deadline == Some(token) => {
                self.waits.deadline = None;
                self.is_overdue = true;
                self.fold_if_ready(now, actions);
            }
            Message::Wake(token) => {
                if self.waits.poll == Some(token) {
                    self.waits.poll = None;
                    self.call(actions);
                }
            }
            // What was being done is lost; the state is that of the last participation.
            Message::Cut(_) => self.await_online(actions),
            Message::Arrived { .. } | Message::Lost(_) | Message::Refused(..) => {
                unreachable!("peers have no aggregator")
            }
        }
    }
}
