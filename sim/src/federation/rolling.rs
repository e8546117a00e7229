//! Schedules without rounds: whenever a participation ends another one begins, and a version is
//! made at every arrival (asynchronous), of so many arrivals (buffered), or at fixed times
//! (periodic).

use super::aggregator::{Closed, Core, FederationAction};
use super::exchange::{Contribution, Mixing};
use super::recorder::Record;
use super::staleness::staleness_weight;
use crate::kernel::ActorId;
use crate::records::CloseReason;
use crate::scenario::{RawSchedule, RawStaleness};
use crate::time::{SimDuration, SimTime};
use crate::world::{Action, Outcome, Ticket, Token};
use std::collections::BTreeMap;

/// The state of an aggregator without rounds.
pub(crate) struct Rolling {
    trigger: Trigger,
    concurrency: Option<usize>,
    mixing: Mixing,
    staleness: RawStaleness,
    max_staleness: Option<u64>,
    /// What came since the last version, in child order and then in order of arrival.
    inbox: BTreeMap<(ActorId, Ticket), Contribution>,
    /// Each child's latest contribution.
    store: BTreeMap<ActorId, Contribution>,
    opened: SimTime,
    /// Clients selected since the last version.
    selected: u64,
    /// The wake-up at which to look again, while there are fewer at work than wanted.
    next_look: Option<Token>,
    /// The wake-up of the next version of a periodic schedule.
    next_version: Option<Token>,
    diverged_in_a_row: usize,
}

/// What makes a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trigger {
    Arrivals(usize),
    Every(SimDuration),
}

impl Rolling {
    pub(crate) fn new(schedule: &RawSchedule) -> Self {
        let (trigger, mixing) = match *schedule {
            RawSchedule::Asynchronous { mixing, .. } => {
                (Trigger::Arrivals(1), Mixing::Mixture { share: mixing })
            }
            RawSchedule::Buffered { size, rate, .. } => {
                (Trigger::Arrivals(size), Mixing::MeanChange { rate })
            }
            RawSchedule::Periodic { every, rate, .. } => {
                let every = SimDuration::from_nanos(every.nanoseconds());
                (Trigger::Every(every), Mixing::MeanChange { rate })
            }
            RawSchedule::Synchronous { .. } => unreachable!("made for a schedule without rounds"),
        };
        let (RawSchedule::Asynchronous {
            concurrency,
            staleness,
            max_staleness,
            ..
        }
        | RawSchedule::Buffered {
            concurrency,
            staleness,
            max_staleness,
            ..
        }
        | RawSchedule::Periodic {
            concurrency,
            staleness,
            max_staleness,
            ..
        }) = schedule
        else {
            unreachable!("made for a schedule without rounds");
        };
        Self {
            trigger,
            concurrency: *concurrency,
            mixing,
            staleness: staleness.clone(),
            max_staleness: *max_staleness,
            inbox: BTreeMap::new(),
            store: BTreeMap::new(),
            opened: SimTime::ZERO,
            selected: 0,
            next_look: None,
            next_version: None,
            diverged_in_a_row: 0,
        }
    }

    /// Looks who is there to be given work.
    pub(crate) fn look_round(&mut self, core: &mut Core, actions: &mut Vec<FederationAction>) {
        if core.is_active() {
            core.roll_call(actions);
        }
    }

    pub(crate) fn woken(
        &mut self,
        core: &mut Core,
        now: SimTime,
        token: Token,
        actions: &mut Vec<FederationAction>,
    ) {
        if self.next_look == Some(token) {
            self.next_look = None;
            self.look_round(core, actions);
        }
        if self.next_version == Some(token) {
            self.next_version = None;
            self.wait_for_version(core, now, actions);
            if !core.is_learning() && core.is_active() {
                self.close(core, now, CloseReason::Timer, actions);
            }
        }
    }

    /// Gives work to idle children, up to the concurrency; looks again later if it is not reached.
    pub(crate) fn assign(
        &mut self,
        core: &mut Core,
        now: SimTime,
        idle: Vec<ActorId>,
        actions: &mut Vec<FederationAction>,
    ) {
        if !core.is_active() {
            return;
        }
        self.wait_for_version(core, now, actions);
        let wanted = self.concurrency.unwrap_or_else(|| core.selector.size());
        let free = wanted.saturating_sub(core.at_work());
        for client in core.selector.draw(idle, free) {
            core.assign(client, now, actions);
            self.selected += 1;
        }
        let somebody_may_come = core.at_work() < wanted && core.able() > core.at_work();
        if somebody_may_come && self.next_look.is_none() {
            self.next_look = Some(core.poll(now, actions));
        }
    }

    /// Sets the time of the next version, where versions have fixed times.
    fn wait_for_version(
        &mut self,
        core: &mut Core,
        now: SimTime,
        actions: &mut Vec<FederationAction>,
    ) {
        if let Trigger::Every(every) = self.trigger
            && self.next_version.is_none()
            && core.is_active()
        {
            let token = core.token();
            let at = now + every;
            actions.push(Action::Wake { token, at });
            self.next_version = Some(token);
        }
    }

    /// A contribution has arrived: it is kept for the next version, unless it is too stale.
    pub(crate) fn arrived(
        &mut self,
        core: &mut Core,
        now: SimTime,
        ticket: Ticket,
        contribution: Contribution,
        actions: &mut Vec<FederationAction>,
    ) {
        if core.is_finished() {
            return;
        }
        self.diverged_in_a_row = 0;
        let staleness = core.version - contribution.start_version;
        if self.max_staleness.is_some_and(|most| staleness > most) {
            settle(ticket, Outcome::Stale, actions);
            self.look_round(core, actions);
            return;
        }
        if core.folds_latest_alone() {
            let child = contribution.child;
            let earlier = self.inbox.keys().filter(|(of, _)| *of == child).copied();
            for key in earlier.collect::<Vec<_>>() {
                self.inbox.remove(&key);
                settle(key.1, Outcome::Superseded, actions);
            }
        }
        self.inbox
            .insert((contribution.child, ticket), contribution);
        if !self.close_if_due(core, now, actions) {
            self.look_round(core, actions);
        }
    }

    /// A version that had to be learned was published.
    pub(crate) fn published(
        &mut self,
        core: &mut Core,
        now: SimTime,
        actions: &mut Vec<FederationAction>,
    ) {
        if !self.close_if_due(core, now, actions) {
            self.look_round(core, actions);
        }
    }

    fn close_if_due(
        &mut self,
        core: &mut Core,
        now: SimTime,
        actions: &mut Vec<FederationAction>,
    ) -> bool {
        let Trigger::Arrivals(enough) = self.trigger else {
            return false;
        };
        let is_due = self.inbox.len() >= enough && !core.is_learning() && !core.is_finished();
        if is_due {
            let reason = match enough {
                1 => CloseReason::Arrival,
                _ => CloseReason::Quorum,
            };
            self.close(core, now, reason, actions);
        }
        is_due
    }

    /// Folds what is there; weights follow from the staleness that contributions have now.
    fn close(
        &mut self,
        core: &mut Core,
        now: SimTime,
        reason: CloseReason,
        actions: &mut Vec<FederationAction>,
    ) {
        let inbox = std::mem::take(&mut self.inbox);
        let selected = match reason {
            CloseReason::Arrival => inbox.len() as u64,
            _ => std::mem::take(&mut self.selected),
        };
        let contributions = inbox.iter().map(|((_, ticket), c)| (*ticket, c));
        let mut closed = Closed::of(self.opened, reason, selected, contributions);
        self.opened = now;
        if inbox.is_empty() {
            closed.reason = CloseReason::Failed;
            core.publish(now, closed, actions);
            return self.look_round(core, actions);
        }
        let version = core.version;
        let stale = |contribution: &Contribution| version - contribution.start_version;
        closed.max_staleness = inbox.values().map(stale).max().unwrap_or(0);
        let weigh = |contribution| {
            (
                contribution,
                staleness_weight(&self.staleness, stale(contribution)),
            )
        };
        let newcomers: Vec<_> = inbox.values().map(weigh).collect();
        let folded = if core.keeps_store() {
            for contribution in inbox.values() {
                self.store.insert(contribution.child, contribution.clone());
            }
            let latest: Vec<_> = self.store.values().map(weigh).collect();
            core.fold_rolling(&newcomers, &latest, self.mixing)
        } else {
            core.fold_rolling(&newcomers, &[], self.mixing)
        };
        if core.publish_or_learn(now, closed, folded, actions) {
            self.look_round(core, actions);
        }
    }

    /// A client was lost or declined: somebody else may work.
    pub(crate) fn gone(
        &mut self,
        core: &mut Core,
        refused: Option<Outcome>,
        actions: &mut Vec<FederationAction>,
    ) {
        if refused == Some(Outcome::Diverged) {
            self.diverged_in_a_row += 1;
            if self.diverged_in_a_row >= core.children() {
                actions.push(Action::Record(Record::AllDiverged));
            }
        }
        self.look_round(core, actions);
    }
}

fn settle(ticket: Ticket, outcome: Outcome, actions: &mut Vec<FederationAction>) {
    actions.push(Action::Settle {
        ticket,
        outcome,
        merge: None,
    });
}
