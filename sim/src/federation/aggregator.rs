//! The aggregator: selects clients, collects contributions, publishes versions.
//!
//! When it publishes is the schedule's business ([`super::synchronous`],
//! [`super::asynchronous`]); what a version says is the exchange's.

use super::asynchronous::Asynchronous;
use super::deployment::Deployment;
use super::exchange::{Contribution, Exchange, Weighed};
use super::parcel::{Contents, Parcel};
use super::recorder::Record;
use super::selection::Selector;
use super::synchronous::Synchronous;
use crate::kernel::{ActorId, Behaviour};
use crate::records::{CloseReason, VersionRecord};
use crate::scenario::RawSchedule;
use crate::time::SimTime;
use crate::world::{Action, Merge, Message, Outcome, Ticket, Token};
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
    Asynchronous(Asynchronous),
}

/// What every schedule shares: knowledge, versions, and who is at work.
pub(crate) struct Core {
    pub(crate) deployment: Arc<Deployment>,
    pub(crate) selector: Selector,
    pub(crate) exchange: Box<dyn Exchange>,
    /// The last version published.
    pub(crate) version: u64,
    /// The list of public samples that the knowledge is about: that of the last fold,
    /// since a version that fails keeps the knowledge of the one before.
    knowledge_list: u64,
    /// When each version was published; version 0 at the start.
    published: Vec<SimTime>,
    /// Participations whose end the aggregator has not heard of.
    open: BTreeMap<Ticket, (ActorId, u64)>,
    /// Clients that can be given work.
    idle: BTreeSet<ActorId>,
    /// Number of clients that said they cannot do the work.
    unfit: usize,
    tickets: u64,
    tokens: u64,
}

impl Aggregator {
    /// The aggregator of a deployment.
    pub(crate) fn new(deployment: Arc<Deployment>, exchange: Box<dyn Exchange>) -> Self {
        let schedule = match &deployment.scenario().method.schedule {
            RawSchedule::Synchronous { .. } => Schedule::Synchronous(Synchronous::new(&deployment)),
            RawSchedule::Asynchronous { .. } => {
                Schedule::Asynchronous(Asynchronous::new(&deployment))
            }
        };
        let clients = u32::try_from(deployment.clients()).expect("the number was checked");
        let selector = Selector::new(
            &deployment.scenario().method.selection,
            (0..deployment.clients()).map(|client| deployment.registration(client)),
            deployment.dynamics().stream("server", "selection"),
        );
        Self {
            core: Core {
                deployment,
                selector,
                exchange,
                version: 0,
                knowledge_list: 0,
                published: vec![SimTime::ZERO],
                open: BTreeMap::new(),
                idle: (1..=clients).map(ActorId).collect(),
                unfit: 0,
                tickets: 0,
                tokens: 0,
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
            Message::Start => match &mut self.schedule {
                Schedule::Synchronous(schedule) => schedule.look_round(core, actions),
                Schedule::Asynchronous(schedule) => schedule.look_round(core, actions),
            },
            Message::Wake(token) => match &mut self.schedule {
                Schedule::Synchronous(schedule) => schedule.woken(core, now, token, actions),
                Schedule::Asynchronous(schedule) => schedule.woken(core, token, actions),
            },
            Message::CheckedIn { children, .. } => {
                let idle = core.still_idle(children);
                match &mut self.schedule {
                    Schedule::Synchronous(schedule) => schedule.open(core, now, idle, actions),
                    Schedule::Asynchronous(schedule) => schedule.assign(core, now, idle, actions),
                }
            }
            Message::Arrived { ticket, payload } => {
                let contribution = core.received(now, ticket, &payload);
                match &mut self.schedule {
                    Schedule::Synchronous(schedule) => {
                        schedule.arrived(core, now, ticket, contribution, actions);
                    }
                    Schedule::Asynchronous(schedule) => {
                        schedule.arrived(core, now, ticket, contribution, actions);
                    }
                }
            }
            Message::Lost(ticket) => self.gone(now, ticket, None, actions),
            Message::Refused(ticket, outcome) => self.gone(now, ticket, Some(outcome), actions),
            Message::Computed { .. } | Message::Cut(_) => {
                unreachable!("an aggregator neither trains nor drops out")
            }
        }
    }
}

impl Aggregator {
    /// A participation has ended without a contribution.
    fn gone(
        &mut self,
        now: SimTime,
        ticket: Ticket,
        refused: Option<Outcome>,
        actions: &mut Vec<FederationAction>,
    ) {
        let core = &mut self.core;
        let (client, _) = core.close(ticket);
        core.selector.lost(client);
        if refused == Some(Outcome::Unfit) {
            core.idle.remove(&client);
            core.unfit += 1;
        }
        match &mut self.schedule {
            Schedule::Synchronous(schedule) => schedule.gone(core, now, ticket, refused, actions),
            Schedule::Asynchronous(schedule) => schedule.gone(core, refused, actions),
        }
    }
}

impl Core {
    /// Those of the children checked in that were not given work since they were asked.
    fn still_idle(&self, mut children: Vec<ActorId>) -> Vec<ActorId> {
        children.retain(|child| self.idle.contains(child));
        children
    }

    /// Number of clients that can do the work, there or not.
    pub(crate) fn able(&self) -> usize {
        self.deployment.clients() - self.unfit
    }

    /// Number of clients at work.
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

    /// Opens a participation from the present version and sends the client its view.
    pub(crate) fn assign(
        &mut self,
        client: ActorId,
        now: SimTime,
        actions: &mut Vec<FederationAction>,
    ) -> Ticket {
        let ticket = Ticket {
            aggregator: ActorId(0),
            number: self.tickets,
        };
        self.tickets += 1;
        self.idle.remove(&client);
        self.open.insert(ticket, (client, self.version));
        self.selector.opened(client, now);
        let values = self.exchange.view(client);
        let cost = self.deployment.cost(client, values.is_some());
        actions.push(Action::Open {
            ticket,
            client,
            start_version: self.version,
            plan: cost.plan(),
        });
        let payload = if self.deployment.nothing_travels() {
            Parcel::nothing()
        } else {
            Parcel::encode(&Contents {
                version: self.version,
                samples: 0,
                list: self.knowledge_list,
                loss: None,
                values,
            })
        };
        debug_assert_eq!(payload.bytes(), cost.download_bytes);
        actions.push(Action::Send {
            to: client,
            ticket,
            what: self.deployment.scenario().method.exchange.name(),
            bytes: payload.bytes(),
            payload,
        });
        ticket
    }

    /// The end of a participation has become known; gives its client and start version.
    fn close(&mut self, ticket: Ticket) -> (ActorId, u64) {
        let open = self.open.remove(&ticket);
        let (client, version) = open.expect("an open participation ends once");
        self.idle.insert(client);
        (client, version)
    }

    fn received(&mut self, now: SimTime, ticket: Ticket, parcel: &Parcel) -> Contribution {
        let (child, start_version) = self.close(ticket);
        let (values, samples, loss) = if parcel.bytes() == 0 {
            (Vec::new(), 0, None)
        } else {
            let contents = parcel.decode();
            let values = contents.values.unwrap_or_default();
            (values, contents.samples, contents.loss)
        };
        self.selector.arrived(child, loss, now);
        Contribution {
            child,
            values: Arc::new(values),
            samples,
            start_version,
        }
    }

    /// Folds contributions that started from the present version or a store's.
    pub(crate) fn fold(&mut self, contributions: &[Weighed<'_>]) -> u64 {
        self.knowledge_list = self.deployment.list_number(self.version);
        self.exchange.fold(contributions)
    }

    /// Start versions of the participations still open, the oldest first.
    pub(crate) fn oldest_open_version(&self) -> Option<u64> {
        self.open.values().map(|(_, version)| *version).min()
    }

    /// What a contribution weighs before staleness.
    pub(crate) fn weight(&self, contribution: &Contribution) -> f64 {
        self.deployment.contribution_weight(contribution.samples)
    }

    /// Settles a contribution as folded into the version that comes next.
    pub(crate) fn merge(
        &self,
        ticket: Ticket,
        start_version: u64,
        actions: &mut Vec<FederationAction>,
    ) {
        let start = usize::try_from(start_version).expect("versions fit memory");
        actions.push(Action::Settle {
            ticket,
            outcome: Outcome::Merged,
            merge: Some(Merge {
                version: self.version + 1,
                start_published: self.published[start],
            }),
        });
    }

    /// Publishes the next version; false when it was the last one wanted.
    pub(crate) fn publish(
        &mut self,
        now: SimTime,
        closed: Closed,
        actions: &mut Vec<FederationAction>,
    ) -> bool {
        self.version += 1;
        self.selector.published();
        self.published.push(now);
        let record = VersionRecord {
            version: self.version,
            opened: closed.opened,
            closed: now,
            reason: closed.reason,
            selected: closed.selected,
            merged: closed.merged,
            max_staleness: closed.max_staleness,
            server_flops: closed.server_flops,
        };
        let model = self.exchange.model();
        actions.push(Action::Record(Record::Version { record, model }));
        self.deployment
            .last_version()
            .is_none_or(|last| self.version < last)
    }
}

/// What a schedule knows of a version that it closes.
pub(crate) struct Closed {
    pub(crate) opened: SimTime,
    pub(crate) reason: CloseReason,
    pub(crate) selected: u64,
    pub(crate) merged: u64,
    pub(crate) max_staleness: u64,
    pub(crate) server_flops: u64,
}
