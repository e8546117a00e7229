//! The aggregator: selects children, collects contributions, publishes versions.
//!
//! When it publishes is the schedule's business ([`super::synchronous`], [`super::rolling`]); what
//! a version says is the exchanges'. One at the root publishes for itself; one below it works in
//! participations of the aggregator above ([`super::upward`]).

use super::codec::{Receiver, Sender};
use super::deployment::Deployment;
use super::exchange::{AsynchronousFold, Contribution, Exchange, Folded, Held, Learning, Mixing};
use super::parcel::{Contents, Parcel};
use super::recorder::Record;
use super::references::References;
use super::rolling::Rolling;
use super::run::Hooks;
use super::selection::Selector;
use super::synchronous::Synchronous;
use super::upward::Upward;
use crate::kernel::{ActorId, Behaviour, Cancellation, Job, JobOutput};
use crate::records::{CloseReason, VersionRecord};
use crate::scenario::RawSchedule;
use crate::time::SimTime;
use crate::world::{Action, Merge, Message, Outcome, Ticket, Token, Work};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub(crate) type FederationAction = Action<Parcel, Record>;
pub(crate) type FederationMessage = Message<Parcel>;

/// The aggregator as an actor.
pub(crate) struct Aggregator {
    core: Core,
    schedule: Schedule,
}

enum Schedule {
    Synchronous(Synchronous),
    Rolling(Rolling),
}

/// What every schedule shares: knowledge, versions, and who is at work.
pub(crate) struct Core {
    pub(crate) deployment: Arc<Deployment>,
    me: ActorId,
    pub(crate) selector: Selector,
    /// The knowledge, by strand.
    exchanges: Vec<Box<dyn Exchange>>,
    /// The last version published.
    pub(crate) version: u64,
    /// The list of public samples that the knowledge is about: that of the last fold,
    /// since a version that fails keeps the knowledge of the one before.
    knowledge_list: u64,
    /// When each version was published; version 0 at the start.
    published: Vec<SimTime>,
    /// Participations whose end the aggregator has not heard of.
    open: BTreeMap<Ticket, (ActorId, u64)>,
    /// Children that can be given work.
    idle: BTreeSet<ActorId>,
    children: usize,
    /// Number of children that said they cannot do the work.
    unfit: usize,
    /// The version that is being learned on the aggregator's device.
    learning: Option<Closed>,
    /// Its own work for the aggregator above.
    upward: Option<Upward>,
    /// Whether the last version wanted has been published.
    finished: bool,
    /// What codecs remember of each child; empty where none does.
    memories: BTreeMap<ActorId, Memory>,
    tickets: u64,
    tokens: u64,
}

/// What codecs remember of a child.
#[derive(Default)]
struct Memory {
    /// The last participation whose contribution arrived.
    arrived: Option<u64>,
    senders: References<Sender>,
    receivers: References<Receiver>,
}

impl Aggregator {
    /// An aggregator of a deployment.
    pub(crate) fn new(deployment: Arc<Deployment>, me: ActorId, hooks: Hooks) -> Self {
        let spec = deployment.aggregator(me);
        let schedule = match &spec.schedule {
            schedule @ RawSchedule::Synchronous { .. } => {
                Schedule::Synchronous(Synchronous::new(schedule))
            }
            schedule => Schedule::Rolling(Rolling::new(schedule)),
        };
        let selector = Selector::new(
            &spec.selection,
            spec.children
                .iter()
                .map(|child| deployment.registration(*child)),
            deployment.dynamics().stream(&spec.name, "selection"),
        );
        let kinds = deployment.kinds().iter();
        let exchanges = kinds.map(|kind| {
            let mut exchange = kind.aggregator(&deployment, hooks);
            exchange.stands(spec.parent.is_none());
            exchange
        });
        Self {
            core: Core {
                selector,
                exchanges: exchanges.collect(),
                version: 0,
                knowledge_list: 0,
                published: vec![SimTime::ZERO],
                open: BTreeMap::new(),
                idle: spec.children.iter().copied().collect(),
                children: spec.children.len(),
                unfit: 0,
                learning: None,
                upward: spec.parent.map(|_| Upward::new(spec.versions)),
                finished: false,
                memories: BTreeMap::new(),
                tickets: 0,
                tokens: 0,
                me,
                deployment: Arc::clone(&deployment),
            },
            schedule,
        }
    }
}

impl Behaviour for Aggregator {
    type Message = FederationMessage;
    type Action = FederationAction;

    fn react(
        &mut self,
        now: SimTime,
        message: FederationMessage,
        actions: &mut Vec<FederationAction>,
    ) {
        let core = &mut self.core;
        match message {
            Message::Start => self.look_round(actions),
            Message::Wake(token) => match &mut self.schedule {
                Schedule::Synchronous(schedule) => schedule.woken(core, now, token, actions),
                Schedule::Rolling(schedule) => schedule.woken(core, now, token, actions),
            },
            Message::CheckedIn { children, .. } => {
                let idle = core.still_idle(children);
                match &mut self.schedule {
                    Schedule::Synchronous(schedule) => schedule.open(core, now, idle, actions),
                    Schedule::Rolling(schedule) => schedule.assign(core, now, idle, actions),
                }
            }
            Message::Arrived { ticket, payload } if ticket.aggregator == core.me => {
                let contribution = core.received(now, ticket, &payload);
                match &mut self.schedule {
                    Schedule::Synchronous(schedule) => {
                        schedule.arrived(core, now, ticket, contribution, actions);
                    }
                    Schedule::Rolling(schedule) => {
                        schedule.arrived(core, now, ticket, contribution, actions);
                    }
                }
            }
            Message::Arrived { ticket, payload } => {
                core.begin_upward(ticket, &payload);
                self.look_round(actions);
            }
            Message::Computed { output, .. } => {
                let output = output.expect("an aggregator learns with a job");
                let closed = core.learned(output);
                core.publish(now, closed, actions);
                match &mut self.schedule {
                    Schedule::Synchronous(schedule) => schedule.look_round(core, actions),
                    Schedule::Rolling(schedule) => schedule.published(core, now, actions),
                }
            }
            Message::Lost(ticket) => self.gone(now, ticket, None, actions),
            Message::Refused(ticket, outcome) => self.gone(now, ticket, Some(outcome), actions),
            Message::Cut(ticket) => core.cut_upward(ticket),
            Message::Passed { .. }
            | Message::Sent { .. }
            | Message::Controlled { .. }
            | Message::Online(_) => {
                unreachable!("an aggregator has no peers, and is always there")
            }
        }
    }
}

impl Aggregator {
    fn look_round(&mut self, actions: &mut Vec<FederationAction>) {
        let core = &mut self.core;
        match &mut self.schedule {
            Schedule::Synchronous(schedule) => schedule.look_round(core, actions),
            Schedule::Rolling(schedule) => schedule.look_round(core, actions),
        }
    }

    /// A participation has ended without a contribution.
    fn gone(
        &mut self,
        now: SimTime,
        ticket: Ticket,
        refused: Option<Outcome>,
        actions: &mut Vec<FederationAction>,
    ) {
        let core = &mut self.core;
        let (child, _) = core.close(ticket);
        core.selector.lost(child);
        if refused == Some(Outcome::Unfit) {
            core.idle.remove(&child);
            core.unfit += 1;
        }
        match &mut self.schedule {
            Schedule::Synchronous(schedule) => schedule.gone(core, now, ticket, refused, actions),
            Schedule::Rolling(schedule) => schedule.gone(core, refused, actions),
        }
    }
}

/// What a fold of all strands gives.
pub(crate) struct FoldedVersion {
    pub(crate) flops: u64,
    pub(crate) learning: Option<Learning>,
    /// Children whose contributions every strand refused.
    pub(crate) rejected: BTreeSet<ActorId>,
}

impl Core {
    /// Those of the children checked in that were not given work since they were asked.
    fn still_idle(&self, mut children: Vec<ActorId>) -> Vec<ActorId> {
        children.retain(|child| self.idle.contains(child));
        children
    }

    /// Whether it may give work: not when all is done, nor while the one above has not asked.
    pub(crate) fn is_active(&self) -> bool {
        !self.finished && self.upward.as_ref().is_none_or(Upward::is_at_work)
    }

    /// Whether the last version wanted has been published.
    pub(crate) fn is_finished(&self) -> bool {
        self.finished
    }

    /// Whether a version is being learned.
    pub(crate) fn is_learning(&self) -> bool {
        self.learning.is_some()
    }

    /// Number of children that can do the work, there or not.
    pub(crate) fn able(&self) -> usize {
        self.children - self.unfit
    }

    /// Number of children.
    pub(crate) fn children(&self) -> usize {
        self.children
    }

    /// Number of children at work.
    pub(crate) fn at_work(&self) -> usize {
        self.able() - self.idle.len()
    }

    /// A name for something wanted.
    pub(crate) fn token(&mut self) -> Token {
        self.tokens += 1;
        Token(self.tokens)
    }

    /// Asks who of the idle is checked in.
    pub(crate) fn roll_call(&mut self, actions: &mut Vec<FederationAction>) {
        let token = self.token();
        let children = self.idle.iter().copied().collect();
        actions.push(Action::RollCall { token, children });
    }

    /// Wakes the aggregator after the poll time.
    pub(crate) fn poll(&mut self, now: SimTime, actions: &mut Vec<FederationAction>) -> Token {
        let token = self.token();
        let at = now + self.deployment.poll();
        actions.push(Action::Wake { token, at });
        token
    }

    /// Opens a participation from the present version and sends the child its view.
    pub(crate) fn assign(
        &mut self,
        child: ActorId,
        now: SimTime,
        actions: &mut Vec<FederationAction>,
    ) -> Ticket {
        let ticket = Ticket {
            aggregator: self.me,
            number: self.tickets,
        };
        self.tickets += 1;
        self.idle.remove(&child);
        self.open.insert(ticket, (child, self.version));
        self.selector.opened(child, now);
        let views = self.exchanges.iter().map(|exchange| exchange.view(child));
        let mut contents = Contents {
            version: self.version,
            list: self.knowledge_list,
            pieces: views.collect(),
            ..Contents::default()
        };
        let payload = if self.deployment.nothing_travels() {
            Parcel::nothing()
        } else {
            let wires = self.deployment.wires_down_to(child);
            let name = &self.deployment.aggregator(self.me).name;
            let seed = self.deployment.codec_seed(name, ticket.number);
            if self.deployment.codecs_remember() {
                let memory = self.memories.entry(child).or_default();
                contents.arrived = memory.arrived;
                let known = memory.senders.known();
                let outgoing = Parcel::encode(&contents, &wires, known, seed);
                memory.senders.propose(ticket.number, outgoing.if_arrived);
                outgoing.parcel
            } else {
                Parcel::encode(&contents, &wires, &[], seed).parcel
            }
        };
        actions.push(Action::Open {
            ticket,
            client: child,
            start_version: self.version,
            plan: self.deployment.plan(child, payload.known()),
        });
        actions.push(Action::Send {
            to: child,
            ticket,
            what: self.deployment.what_travels(),
            bytes: payload.bytes(),
            payload,
        });
        ticket
    }

    /// The end of a participation has become known; gives its child and start version.
    fn close(&mut self, ticket: Ticket) -> (ActorId, u64) {
        let open = self.open.remove(&ticket);
        let (child, version) = open.expect("an open participation ends once");
        self.idle.insert(child);
        (child, version)
    }

    fn received(&mut self, now: SimTime, ticket: Ticket, parcel: &Parcel) -> Contribution {
        let (child, start_version) = self.close(ticket);
        let contents = if parcel.bytes() == 0 {
            Contents::default()
        } else {
            let wires = self.deployment.wires_up_from(child);
            if self.deployment.codecs_remember() {
                let memory = self.memories.entry(child).or_default();
                memory.arrived = Some(ticket.number);
                memory.senders.settle(memory.arrived);
                let (contents, next) = parcel.decode(&wires, memory.receivers.known());
                memory.receivers.advance(next);
                contents
            } else {
                parcel.decode(&wires, &[]).0
            }
        };
        self.selector.arrived(child, contents.loss, now);
        Contribution {
            child,
            pieces: contents.pieces,
            samples: contents.samples,
            start_version,
        }
    }

    /// Whether a contribution stays in use until its child's next one.
    pub(crate) fn keeps_store(&self) -> bool {
        let mut kinds = self.deployment.kinds().iter();
        kinds.any(|kind| kind.asynchronous_fold() == AsynchronousFold::Store)
    }

    /// Whether only a child's latest contribution is ever folded.
    pub(crate) fn folds_latest_alone(&self) -> bool {
        let kinds = self.deployment.kinds();
        let mut stored = kinds.iter().map(|kind| kind.asynchronous_fold());
        !kinds.is_empty() && stored.all(|fold| fold == AsynchronousFold::Store)
    }

    /// Folds a cohort's contributions, in child order, each with its weight by staleness.
    pub(crate) fn fold(&mut self, cohort: &[(&Contribution, f64)]) -> FoldedVersion {
        self.fold_strands(|_, exchange, weigh| exchange.fold(&weigh(cohort, true)))
    }

    /// Folds what came since the last version, and every child's latest, as each strand wants.
    pub(crate) fn fold_rolling(
        &mut self,
        newcomers: &[(&Contribution, f64)],
        latest: &[(&Contribution, f64)],
        mixing: Mixing,
    ) -> FoldedVersion {
        self.fold_strands(|fold, exchange, weigh| match fold {
            AsynchronousFold::Mix => exchange.mix(&weigh(newcomers, false), mixing),
            AsynchronousFold::Store => exchange.fold(&weigh(latest, true)),
        })
    }

    /// Folds strand by strand. `weigh` gives what the contributions say about the strand, weighed
    /// by the strand's rule where asked.
    fn fold_strands(
        &mut self,
        mut fold: impl FnMut(
            AsynchronousFold,
            &mut dyn Exchange,
            &dyn for<'c> Fn(&[(&'c Contribution, f64)], bool) -> Vec<Held<'c>>,
        ) -> Folded,
    ) -> FoldedVersion {
        self.knowledge_list = self.deployment.list_number(self.version);
        let deployment = Arc::clone(&self.deployment);
        let mut flops = 0;
        let mut learnings: Vec<(usize, Learning)> = Vec::new();
        let mut rejected: Option<BTreeSet<ActorId>> = None;
        let strands = deployment.kinds().iter().zip(&mut self.exchanges);
        for (strand, (kind, exchange)) in strands.enumerate() {
            let folded = fold(
                kind.asynchronous_fold(),
                &mut **exchange,
                &|contributions, by_rule| {
                    let held = contributions.iter().filter_map(|(contribution, weight)| {
                        let by_rule = match by_rule {
                            true => kind.weight(contribution.samples),
                            false => 1.0,
                        };
                        Some(Held {
                            child: contribution.child,
                            piece: contribution.pieces.get(strand)?.as_ref()?,
                            weight: by_rule * weight,
                            start_version: contribution.start_version,
                        })
                    });
                    held.collect()
                },
            );
            flops += folded.flops;
            learnings.extend(folded.learning.map(|learning| (strand, learning)));
            let refused: BTreeSet<_> = folded.rejected.into_iter().collect();
            rejected = Some(match rejected {
                None => refused,
                Some(before) => &before & &refused,
            });
        }
        FoldedVersion {
            flops,
            learning: together(learnings),
            rejected: rejected.unwrap_or_default(),
        }
    }

    /// Start version of the oldest participation still open.
    pub(crate) fn oldest_open_version(&self) -> Option<u64> {
        self.open.values().map(|(_, version)| *version).min()
    }

    /// Publishes what was folded, at once or when it has been learned; true when at once.
    pub(crate) fn publish_or_learn(
        &mut self,
        now: SimTime,
        mut closed: Closed,
        folded: FoldedVersion,
        actions: &mut Vec<FederationAction>,
    ) -> bool {
        closed.server_flops = folded.flops;
        closed.rejected = folded.rejected;
        let Some(Learning { work, job }) = folded.learning else {
            self.publish(now, closed, actions);
            return true;
        };
        closed.server_flops += work.total();
        self.learning = Some(closed);
        let token = self.token();
        let job = Some(job);
        actions.push(Action::Learn { token, work, job });
        false
    }

    fn learned(&mut self, output: JobOutput) -> Closed {
        let outputs: Box<Vec<(usize, JobOutput)>> =
            output.downcast().expect("the jobs of the strands together");
        for (strand, output) in *outputs {
            self.exchanges[strand].learned(output);
        }
        let closed = self.learning.take();
        closed.expect("a version is learned once")
    }

    /// Publishes the next version and settles the contributions in it.
    pub(crate) fn publish(
        &mut self,
        now: SimTime,
        closed: Closed,
        actions: &mut Vec<FederationAction>,
    ) {
        let mut merged = 0;
        for (ticket, child, start_version) in &closed.merges {
            let start = usize::try_from(*start_version).expect("versions fit memory");
            let is_merged = !closed.rejected.contains(child);
            merged += u64::from(is_merged);
            let merge = Merge {
                version: self.version + 1,
                start_published: self.published[start],
            };
            actions.push(Action::Settle {
                ticket: *ticket,
                outcome: match is_merged {
                    true => Outcome::Merged,
                    false => Outcome::Rejected,
                },
                merge: is_merged.then_some(merge),
            });
        }
        self.version += 1;
        self.selector.published();
        self.published.push(now);
        let oldest = self.oldest_open_version().unwrap_or(self.version);
        let mut model = None;
        for exchange in &mut self.exchanges {
            exchange.published(self.version, oldest.min(self.version));
            model = model.or(exchange.model());
        }
        let record = VersionRecord {
            aggregator: self.me,
            version: self.version,
            opened: closed.opened,
            closed: now,
            reason: closed.reason,
            selected: closed.selected,
            merged,
            max_staleness: closed.max_staleness,
            server_flops: closed.server_flops,
        };
        actions.push(Action::Record(Record::Version { record, model }));
        let last = self.deployment.last_version();
        self.finished = self.upward.is_none() && last.is_some_and(|last| self.version >= last);
        self.contribute_upward(closed.samples, actions);
    }
}

/// Several strands' learning as one: their work one after the other.
fn together(learnings: Vec<(usize, Learning)>) -> Option<Learning> {
    if learnings.is_empty() {
        return None;
    }
    let (mut work, mut jobs) = (Vec::new(), Vec::<(usize, Job)>::new());
    for (strand, learning) in learnings {
        work.extend(learning.work.0);
        jobs.push((strand, learning.job));
    }
    let job: Job = Box::new(move |cancellation: &Cancellation| {
        let outputs = jobs.into_iter();
        let outputs = outputs.map(|(strand, job)| (strand, job(cancellation)));
        Box::new(outputs.collect::<Vec<(usize, JobOutput)>>())
    });
    Some(Learning {
        work: Work(work),
        job,
    })
}

/// What a schedule knows of a version that it closes.
pub(crate) struct Closed {
    pub(crate) opened: SimTime,
    pub(crate) reason: CloseReason,
    pub(crate) selected: u64,
    pub(crate) max_staleness: u64,
    pub(crate) server_flops: u64,
    /// Contributions in it: ticket, child, start version.
    pub(crate) merges: Vec<(Ticket, ActorId, u64)>,
    /// Their own samples, by child.
    pub(crate) samples: Vec<(ActorId, u64)>,
    /// Children whose contributions were refused.
    pub(crate) rejected: BTreeSet<ActorId>,
}

impl Closed {
    /// A version of these contributions.
    pub(crate) fn of<'c>(
        opened: SimTime,
        reason: CloseReason,
        selected: u64,
        contributions: impl Iterator<Item = (Ticket, &'c Contribution)> + Clone,
    ) -> Self {
        let merges = contributions.clone();
        let merges = merges.map(|(ticket, c)| (ticket, c.child, c.start_version));
        Self {
            opened,
            reason,
            selected,
            max_staleness: 0,
            server_flops: 0,
            merges: merges.collect(),
            samples: contributions.map(|(_, c)| (c.child, c.samples)).collect(),
            rejected: BTreeSet::new(),
        }
    }
}

/// An aggregator's own work for the one above: see [`super::upward`].
impl Core {
    /// The aggregator above has sent what it knows, to work from.
    fn begin_upward(&mut self, ticket: Ticket, parcel: &Parcel) {
        let upward = self.upward.as_mut();
        upward
            .expect("only aggregators below another are sent anything")
            .begin(ticket);
        if parcel.bytes() == 0 {
            return;
        }
        let wires = self.deployment.wires_down_to(self.me);
        let (contents, _) = parcel.decode(&wires, &[]);
        for (exchange, piece) in self.exchanges.iter_mut().zip(&contents.pieces) {
            if let Some(piece) = piece {
                exchange.adopt(piece);
            }
        }
    }

    fn cut_upward(&mut self, ticket: Ticket) {
        if let Some(upward) = &mut self.upward {
            upward.cut(ticket);
        }
    }

    /// After a version: contributes to the aggregator above if that was the last one wanted of it.
    fn contribute_upward(
        &mut self,
        samples: Vec<(ActorId, u64)>,
        actions: &mut Vec<FederationAction>,
    ) {
        let Some(upward) = &mut self.upward else {
            return;
        };
        let Some((ticket, samples)) = upward.made_version(samples) else {
            return;
        };
        let payload = if self.deployment.nothing_travels() {
            Parcel::nothing()
        } else {
            let contents = Contents {
                samples,
                pieces: self.exchanges.iter().map(|e| e.summary()).collect(),
                ..Contents::default()
            };
            let wires = self.deployment.wires_up_from(self.me);
            let name = &self.deployment.aggregator(self.me).name;
            let seed = self.deployment.codec_seed(name, self.version);
            Parcel::encode(&contents, &wires, &[], seed).parcel
        };
        actions.push(Action::Report {
            ticket,
            samples,
            steps: 0,
        });
        actions.push(Action::Send {
            to: ticket.aggregator,
            ticket,
            what: self.deployment.what_travels(),
            bytes: payload.bytes(),
            payload,
        });
    }
}
