//! The asynchronous schedule: every contribution makes a version as it arrives, and
//! whenever a participation ends another one begins.

use super::aggregator::{Closed, Core, FederationAction};
use super::deployment::Deployment;
use super::exchange::{AsynchronousFold, Contribution};
use super::recorder::Record;
use super::staleness::staleness_weight;
use crate::kernel::ActorId;
use crate::records::CloseReason;
use crate::scenario::{RawSchedule, RawStaleness};
use crate::time::SimTime;
use crate::world::{Action, Outcome, Ticket, Token};
use std::collections::BTreeMap;

/// The state of an asynchronous aggregator.
pub(crate) struct Asynchronous {
    concurrency: Option<usize>,
    mixing: f64,
    staleness: RawStaleness,
    max_staleness: Option<u64>,
    /// Each child's latest contribution.
    store: BTreeMap<ActorId, Contribution>,
    opened: SimTime,
    /// The wake-up at which to look again, while there are fewer at work than wanted.
    next_look: Option<Token>,
    diverged_in_a_row: usize,
    finished: bool,
}

impl Asynchronous {
    pub(crate) fn new(deployment: &Deployment) -> Self {
        let RawSchedule::Asynchronous {
            concurrency,
            mixing,
            staleness,
            max_staleness,
        } = &deployment.scenario().method.schedule
        else {
            unreachable!("made for an asynchronous schedule");
        };
        Self {
            concurrency: *concurrency,
            mixing: *mixing,
            staleness: staleness.clone(),
            max_staleness: *max_staleness,
            store: BTreeMap::new(),
            opened: SimTime::ZERO,
            next_look: None,
            diverged_in_a_row: 0,
            finished: false,
        }
    }

    /// Looks who is there to be given work.
    pub(crate) fn look_round(&mut self, core: &mut Core, actions: &mut Vec<FederationAction>) {
        if !self.finished {
            core.roll_call(actions);
        }
    }

    pub(crate) fn woken(
        &mut self,
        core: &mut Core,
        token: Token,
        actions: &mut Vec<FederationAction>,
    ) {
        if self.next_look == Some(token) {
            self.next_look = None;
            self.look_round(core, actions);
        }
    }

    /// Gives work to idle clients, up to the concurrency; looks again later if it is not reached.
    pub(crate) fn assign(
        &mut self,
        core: &mut Core,
        now: SimTime,
        idle: Vec<ActorId>,
        actions: &mut Vec<FederationAction>,
    ) {
        let wanted = self.concurrency.unwrap_or_else(|| core.selector.size());
        let free = wanted.saturating_sub(core.at_work());
        for client in core.selector.draw(idle, free) {
            core.assign(client, now, actions);
        }
        let somebody_may_come = core.at_work() < wanted && core.able() > core.at_work();
        if somebody_may_come && self.next_look.is_none() {
            self.next_look = Some(core.poll(now, actions));
        }
    }

    /// A contribution has arrived: it makes a version, unless it is too stale.
    pub(crate) fn arrived(
        &mut self,
        core: &mut Core,
        now: SimTime,
        ticket: Ticket,
        contribution: Contribution,
        actions: &mut Vec<FederationAction>,
    ) {
        if self.finished {
            return;
        }
        self.diverged_in_a_row = 0;
        let staleness = core.version - contribution.start_version;
        if self.max_staleness.is_some_and(|most| staleness > most) {
            actions.push(Action::Settle {
                ticket,
                outcome: Outcome::Stale,
                merge: None,
            });
            self.look_round(core, actions);
            return;
        }
        core.merge(ticket, contribution.start_version, actions);
        let server_flops = match core.exchange.asynchronous_fold() {
            AsynchronousFold::Mix => {
                let share = self.mixing * staleness_weight(&self.staleness, staleness);
                core.exchange.mix(&contribution, share)
            }
            AsynchronousFold::Store => {
                self.store.insert(contribution.child, contribution);
                self.fold_store(core)
            }
        };
        let closed = Closed {
            opened: self.opened,
            reason: CloseReason::Arrival,
            selected: 1,
            merged: 1,
            max_staleness: staleness,
            server_flops,
        };
        self.opened = now;
        self.finished = !core.publish(now, closed, actions);
        self.look_round(core, actions);
    }

    /// Folds every child's latest; weights follow from the staleness that they have now.
    fn fold_store(&self, core: &mut Core) -> u64 {
        let weigh = |contribution: &Contribution| {
            let staleness = core.version - contribution.start_version;
            core.weight(contribution) * staleness_weight(&self.staleness, staleness)
        };
        let weighed: Vec<_> = self
            .store
            .values()
            .map(|contribution| (contribution, weigh(contribution)))
            .collect();
        core.fold(&weighed)
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
            if self.diverged_in_a_row >= core.deployment.clients() {
                actions.push(Action::Record(Record::AllDiverged));
            }
        }
        self.look_round(core, actions);
    }
}
