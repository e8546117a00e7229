//! Flows that compete on the same links, moved together by one virtual clock.
//!
//! Flows that cross the same contended links with the same share and are not held down by a cap of their own all have
//! the same rate at every instant, the class's *level*. So they need no progress of their own: the
//! class keeps a virtual clock, the work that each of them has done since the clock began, and each
//! flow is done when the clock shows the value noted when it joined. A change of the level touches
//! the clock and the few flows whose cap lies between the old and the new level, not the others.

use std::collections::{BTreeMap, BTreeSet};

use super::caps::CapOrder;
use super::crossing::{Crossing, Share};
use super::fixed::{Rate, Work};
use super::flow::FlowId;
use super::links::ResourceId;
use super::slots::Slots;
use crate::time::SimTime;

/// Flows with the same set of contended links and the same share of each.
#[derive(Debug)]
pub(super) struct Class {
    /// The contended links, ascending.
    pub(super) links: Box<[Crossing]>,
    pub(super) share: Share,
    /// Every flow of the class by its cap.
    pub(super) caps: CapOrder,
    /// The rate of each flow whose cap is above it; the others run at their cap.
    pub(super) level: Rate,
    /// Since when.
    level_since: SimTime,
    /// Levels that lasted, with their ends: descending, since one below a later one is never asked
    /// for again.
    past_levels: Vec<(SimTime, Rate)>,
    /// The link that sets the level.
    pub(super) limiting: Option<ResourceId>,
    /// The flows that run at the level, by the clock's value at their end.
    pub(super) shared: BTreeSet<(Work, FlowId)>,
    /// The virtual clock as it stood at `at`.
    pub(super) clock: Work,
    pub(super) at: SimTime,
    /// When the first of `shared` ends, as entered in the calendar.
    pub(super) alarm: Option<SimTime>,
}

impl Class {
    /// How its flows cross `link`.
    ///
    /// # Panics
    /// If they do not compete there.
    pub(super) fn crossing(&self, link: ResourceId) -> Crossing {
        self.links
            .iter()
            .copied()
            .find(|crossing| crossing.resource == link)
            .unwrap_or_else(|| unreachable!("a class does not compete on {link:?}"))
    }

    /// Gives the class its level from `now` on.
    pub(super) fn set_level(&mut self, now: SimTime, level: Rate) {
        if now > self.level_since && level != self.level {
            let before = self.level;
            while self
                .past_levels
                .last()
                .is_some_and(|(_, past)| *past <= before)
            {
                self.past_levels.pop();
            }
            self.past_levels.push((now, before));
        }
        if level != self.level {
            self.level_since = now;
        }
        self.level = level;
    }

    /// The highest level that lasted for any length of time between `since` and `now`.
    pub(super) fn highest_level(&self, since: SimTime, now: SimTime) -> Option<Rate> {
        let ended = self.past_levels.partition_point(|(end, _)| *end <= since);
        let past = self.past_levels.get(ended).map(|(_, level)| *level);
        let lasts = now > since && now > self.level_since;
        past.max(lasts.then_some(self.level))
    }

    /// Moves the virtual clock on to `now`; it restarts from zero whenever nobody reads it.
    pub(super) fn run_to(&mut self, now: SimTime) {
        self.clock = self.clock_at(now);
        self.at = now;
    }

    /// What the virtual clock shows at `now`.
    pub(super) fn clock_at(&self, now: SimTime) -> Work {
        if self.shared.is_empty() {
            Work::ZERO
        } else {
            self.clock
                .plus(self.level.over(now.saturating_since(self.at)))
        }
    }

    /// Sets the clock back to zero, with all ends moved alike, before its range is used up.
    ///
    /// Costs O(flows), once in some 10¹⁷ bytes a flow.
    pub(super) fn restart_clock(&mut self) -> Vec<(FlowId, Work)> {
        let clock = std::mem::replace(&mut self.clock, Work::ZERO);
        let ends: Vec<(FlowId, Work)> = self
            .shared
            .iter()
            .map(|(due, flow)| (*flow, due.minus(clock)))
            .collect();
        self.shared = ends.iter().map(|(flow, due)| (*due, *flow)).collect();
        ends
    }

    /// Enters a flow with `left` to do among those at the level; the clock must stand at now.
    pub(super) fn add_shared(&mut self, flow: FlowId, left: Work) -> Work {
        let due = self.clock.plus(left);
        self.shared.insert((due, flow));
        due
    }

    /// When the first flow at the level ends, if the level stays.
    pub(super) fn next_end(&self) -> Option<SimTime> {
        let (due, _) = self.shared.first()?;
        Some(self.at + due.minus(self.clock).time_at(self.level)?)
    }
}

/// All classes, found by number, by their links, and by one link.
#[derive(Debug, Default)]
pub(super) struct Classes {
    pub(super) slots: Slots<Class>,
    /// By share, of which there are many only with weights, and then by links.
    by_links: BTreeMap<Share, BTreeMap<Box<[Crossing]>, u32>>,
    on_link: BTreeMap<ResourceId, BTreeSet<u32>>,
}

impl Classes {
    /// The class of flows that compete with that share on exactly `links`, made if there is none yet.
    pub(super) fn of(&mut self, now: SimTime, share: Share, links: &[Crossing]) -> u32 {
        let by_links = self.by_links.entry(share).or_default();
        if let Some(slot) = by_links.get(links) {
            return *slot;
        }
        let slot = self.slots.insert(Class {
            links: links.into(),
            share,
            caps: CapOrder::default(),
            // Without competition every flow runs at its cap. With it, the level is still to be
            // worked out, before any time passes.
            level: if links.is_empty() {
                Rate::UNLIMITED
            } else {
                Rate::ZERO
            },
            level_since: now,
            past_levels: Vec::new(),
            limiting: None,
            shared: BTreeSet::new(),
            clock: Work::ZERO,
            at: now,
            alarm: None,
        });
        by_links.insert(links.into(), slot);
        for crossing in links {
            self.on_link
                .entry(crossing.resource)
                .or_default()
                .insert(slot);
        }
        slot
    }

    /// Forgets a class that has no flow left.
    pub(super) fn drop_empty(&mut self, slot: u32) {
        let Some(class) = self.slots.remove(slot) else {
            return;
        };
        if let Some(by_links) = self.by_links.get_mut(&class.share) {
            by_links.remove(&class.links);
            if by_links.is_empty() {
                self.by_links.remove(&class.share);
            }
        }
        for Crossing { resource, .. } in &class.links {
            if let Some(on_link) = self.on_link.get_mut(resource) {
                on_link.remove(&slot);
                if on_link.is_empty() {
                    self.on_link.remove(resource);
                }
            }
        }
    }

    /// The classes that compete on `link`.
    pub(super) fn on(&self, link: ResourceId) -> impl Iterator<Item = u32> {
        self.on_link.get(&link).into_iter().flatten().copied()
    }
}
