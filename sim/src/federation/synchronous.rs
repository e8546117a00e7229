//! The synchronous schedule: a cohort works for each version, which closes when all
//! are in or lost, when enough are in, or at its deadline.

use super::aggregator::{Closed, Core, FederationAction};
use super::exchange::Contribution;
use super::recorder::Record;
use crate::kernel::ActorId;
use crate::records::CloseReason;
use crate::scenario::RawSchedule;
use crate::time::{SimDuration, SimTime};
use crate::world::{Action, Outcome, Ticket, Token};
use std::collections::{BTreeMap, BTreeSet};

/// The state of a synchronous aggregator.
pub(crate) struct Synchronous {
    deadline: Option<SimDuration>,
    over_select: f64,
    minimum: usize,
    round: Option<Round>,
    /// The wake-up at which to look again, while too few are there.
    next_look: Option<Token>,
    /// What becomes of contributions to versions that have closed.
    afterwards: BTreeMap<u64, Outcome>,
}

/// The life of one version.
struct Round {
    opened: SimTime,
    selected: u64,
    wanted: usize,
    waiting_for: BTreeSet<Ticket>,
    /// By child, so that folds go in child order.
    inbox: BTreeMap<ActorId, (Ticket, Contribution)>,
    deadline: Option<Token>,
    diverged: u64,
}

impl Synchronous {
    pub(crate) fn new(schedule: &RawSchedule) -> Self {
        let RawSchedule::Synchronous {
            deadline,
            over_select,
            minimum,
        } = schedule
        else {
            unreachable!("made for a synchronous schedule");
        };
        Self {
            deadline: deadline.map(|deadline| SimDuration::from_nanos(deadline.nanoseconds())),
            over_select: *over_select,
            minimum: *minimum,
            round: None,
            next_look: None,
            afterwards: BTreeMap::new(),
        }
    }

    /// Looks who is there for the next version.
    pub(crate) fn look_round(&mut self, core: &mut Core, actions: &mut Vec<FederationAction>) {
        if self.round.is_none() && core.is_active() && !core.is_learning() {
            core.roll_call(actions);
        }
    }

    /// Opens the next version with those who are there, or looks again later.
    pub(crate) fn open(
        &mut self,
        core: &mut Core,
        now: SimTime,
        idle: Vec<ActorId>,
        actions: &mut Vec<FederationAction>,
    ) {
        let may_open = core.is_active() && !core.is_learning();
        if self.round.is_some() || !may_open || core.able() < self.minimum.max(1) {
            return;
        }
        if idle.len() < self.minimum.max(1) {
            if self.next_look.is_none() {
                self.next_look = Some(core.poll(now, actions));
            }
            return;
        }
        let cohort = core.selector.cohort(idle, self.over_select);
        let deadline = self.deadline.map(|deadline| {
            let token = core.token();
            let at = now + deadline;
            actions.push(Action::Wake { token, at });
            token
        });
        let selected = cohort.clients.len() as u64;
        let assign = |client| core.assign(client, now, actions);
        self.round = Some(Round {
            opened: now,
            selected,
            wanted: cohort.wanted,
            waiting_for: cohort.clients.into_iter().map(assign).collect(),
            inbox: BTreeMap::new(),
            deadline,
            diverged: 0,
        });
    }

    /// The deadline, or time to look again.
    pub(crate) fn woken(
        &mut self,
        core: &mut Core,
        now: SimTime,
        token: Token,
        actions: &mut Vec<FederationAction>,
    ) {
        match &self.round {
            Some(round) if round.deadline == Some(token) => {
                self.close(core, now, CloseReason::Deadline, actions);
            }
            _ if self.next_look == Some(token) => {
                self.next_look = None;
                self.look_round(core, actions);
            }
            _ => {}
        }
    }

    /// A contribution has arrived: for the open version, or too late for another.
    pub(crate) fn arrived(
        &mut self,
        core: &mut Core,
        now: SimTime,
        ticket: Ticket,
        contribution: Contribution,
        actions: &mut Vec<FederationAction>,
    ) {
        let waited_for = |round: &&mut Round| round.waiting_for.contains(&ticket);
        let Some(round) = self.round.as_mut().filter(waited_for) else {
            let outcome = self.afterwards[&contribution.start_version];
            actions.push(Action::Settle {
                ticket,
                outcome,
                merge: None,
            });
            self.forget_settled_versions(core);
            self.look_round(core, actions);
            return;
        };
        round.waiting_for.remove(&ticket);
        round
            .inbox
            .insert(contribution.child, (ticket, contribution));
        self.close_if_complete(core, now, actions);
    }

    /// A client was lost or declined.
    pub(crate) fn gone(
        &mut self,
        core: &mut Core,
        now: SimTime,
        ticket: Ticket,
        refused: Option<Outcome>,
        actions: &mut Vec<FederationAction>,
    ) {
        if let Some(round) = &mut self.round
            && round.waiting_for.remove(&ticket)
        {
            round.diverged += u64::from(refused == Some(Outcome::Diverged));
            self.close_if_complete(core, now, actions);
        }
        self.forget_settled_versions(core);
        self.look_round(core, actions);
    }

    fn close_if_complete(
        &mut self,
        core: &mut Core,
        now: SimTime,
        actions: &mut Vec<FederationAction>,
    ) {
        let Some(round) = &self.round else { return };
        if round.waiting_for.is_empty() {
            self.close(core, now, CloseReason::AllArrived, actions);
        } else if round.inbox.len() >= round.wanted {
            self.close(core, now, CloseReason::Quorum, actions);
        }
    }

    fn close(
        &mut self,
        core: &mut Core,
        now: SimTime,
        reason: CloseReason,
        actions: &mut Vec<FederationAction>,
    ) {
        let Some(round) = self.round.take() else {
            return;
        };
        if let Some(token) = round.deadline {
            actions.push(Action::Cancel(token));
        }
        if !round.waiting_for.is_empty() {
            let outcome = match reason {
                CloseReason::Deadline => Outcome::Late,
                _ => Outcome::Surplus,
            };
            self.afterwards.insert(core.version, outcome);
        }
        if round.diverged == round.selected {
            actions.push(Action::Record(Record::AllDiverged));
        }
        let contributions = round.inbox.values().map(|(ticket, c)| (*ticket, c));
        let (opened, selected) = (round.opened, round.selected);
        if round.inbox.len() < self.minimum {
            for (ticket, _) in contributions {
                actions.push(Action::Settle {
                    ticket,
                    outcome: Outcome::Unused,
                    merge: None,
                });
            }
            let nothing = std::iter::empty();
            let closed = Closed::of(opened, CloseReason::Failed, selected, nothing);
            core.publish(now, closed, actions);
        } else {
            let closed = Closed::of(opened, reason, selected, contributions);
            let inbox = round.inbox.values();
            let cohort: Vec<_> = inbox.map(|(_, contribution)| (contribution, 1.0)).collect();
            let folded = core.fold(&cohort);
            core.publish_or_learn(now, closed, folded, actions);
        }
        self.look_round(core, actions);
    }

    fn forget_settled_versions(&mut self, core: &Core) {
        match core.oldest_open_version() {
            Some(oldest) => self.afterwards = self.afterwards.split_off(&oldest),
            None => self.afterwards.clear(),
        }
    }
}
