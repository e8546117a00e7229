//! Moving flows in and out of their classes as they begin, end, and meet or lose company.

use std::collections::BTreeSet;

use super::class::Class;
use super::crossing::Crossing;
use super::fill::Filled;
use super::fixed::{Rate, Work};
use super::flow::{Carrying, Flow, FlowId, Pace, Phase};
use super::flows::{Alarm, FlowNetwork};
use super::links::ResourceId;

impl FlowNetwork {
    /// Lets a flow carry bytes from now on.
    pub(super) fn begin(&mut self, flow: FlowId, work: Work) {
        self.carrying += 1;
        let route = self.flows[flow.slot()].route.clone();
        // Whoever had a link alone until now has company: the link was its cap, now it is contended.
        let mut joined = BTreeSet::new();
        for crossing in route.iter() {
            joined.extend(self.links.enter(self.now, crossing.resource, flow.slot()));
        }
        self.place(flow, work);
        self.place_again(joined);
    }

    /// Takes a flow out for good, `bytes` having been carried.
    pub(super) fn finish(&mut self, flow: FlowId, bytes: u64) {
        if let Phase::Latency { until } = self.flows[flow.slot()].phase {
            self.calendar.remove(&(until, Alarm::Begins(flow)));
            self.flows.remove(flow.slot());
            return;
        }
        self.carrying -= 1;
        self.displace(flow);
        let route = self.flows[flow.slot()].route.clone();
        let mut alone = BTreeSet::new();
        for crossing in route.iter() {
            let payload = if crossing.carries_payload() { bytes } else { 0 };
            let resource = crossing.resource;
            alone.extend(self.links.leave(self.now, resource, flow.slot(), payload));
        }
        self.flows.remove(flow.slot());
        self.place_again(alone);
    }

    /// Work that a flow still has to do at this instant.
    pub(super) fn left(&self, carrying: &Carrying) -> Work {
        match carrying.pace {
            Pace::Own { since, left } => {
                left.minus(carrying.cap.over(self.now.saturating_since(since)))
            }
            Pace::Shared { due } => {
                let class = &self.classes.slots[carrying.class];
                due.minus(class.clock_at(self.now))
            }
        }
    }

    /// The flows of `class` that end at this instant; its alarm has just rung.
    pub(super) fn class_ended(&mut self, class: u32) -> Vec<FlowId> {
        let class = &mut self.classes.slots[class];
        class.alarm = None;
        let clock = class.clock_at(self.now);
        class
            .shared
            .iter()
            .take_while(|(due, _)| due.minus(clock).is_done_at(class.level))
            .map(|(_, flow)| *flow)
            .collect()
    }

    /// Gives a class its new level: flows whose cap lies between the levels change their clock.
    pub(super) fn set_level(&mut self, filled: Filled) {
        let Filled {
            class: slot,
            level,
            limiting,
        } = filled;
        let now = self.now;
        let class = &mut self.classes.slots[slot];
        class.run_to(now);
        if level < class.level {
            let slowed: Vec<(Rate, FlowId)> = class.caps.between(level, class.level).collect();
            for (cap, flow) in slowed {
                let pace = &mut self.flows[flow.slot()].carrying_mut().pace;
                let Pace::Own { since, left } = *pace else {
                    continue;
                };
                if let Some(time) = left.time_at(cap) {
                    self.calendar.remove(&(since + time, Alarm::Ends(flow)));
                }
                let left = left.minus(cap.over(now.saturating_since(since)));
                let due = class.add_shared(flow, left);
                *pace = Pace::Shared { due };
            }
        } else if level > class.level {
            let freed: Vec<(Rate, FlowId)> = class.caps.between(class.level, level).collect();
            for (cap, flow) in freed {
                let pace = &mut self.flows[flow.slot()].carrying_mut().pace;
                let Pace::Shared { due } = *pace else {
                    continue;
                };
                class.shared.remove(&(due, flow));
                let left = due.minus(class.clock);
                *pace = Pace::Own { since: now, left };
                if let Some(time) = left.time_at(cap) {
                    self.calendar.insert((now + time, Alarm::Ends(flow)));
                }
            }
        }
        class.set_level(now, level);
        class.limiting = limiting;
        let alarm = class.next_end();
        let before = std::mem::replace(&mut class.alarm, alarm);
        if before != alarm {
            if let Some(time) = before {
                self.calendar.remove(&(time, Alarm::ClassEnds(slot)));
            }
            if let Some(time) = alarm {
                self.calendar.insert((time, Alarm::ClassEnds(slot)));
            }
        }
    }

    /// Puts flows, whose links gained or lost their contention, where they now belong.
    pub(super) fn place_again(&mut self, slots: BTreeSet<u32>) {
        for slot in slots {
            let flow = self.flows[slot].id;
            let left = self.displace(flow);
            self.place(flow, left);
        }
    }

    /// Enters a flow with `left` to do in the class of its contended links.
    pub(super) fn place(&mut self, flow: FlowId, left: Work) {
        let live = &self.flows[flow.slot()];
        let (mut cap, mut cap_link) = (live.own_cap, live.own_cap_link);
        let mut contended: Vec<Crossing> = Vec::with_capacity(live.route.len());
        for crossing in live.route.iter() {
            if self.links.is_contended(crossing.resource) {
                contended.push(*crossing);
                continue;
            }
            let alone = crossing.rate_alone(self.links.rate(crossing.resource));
            if alone < cap {
                cap = alone;
                cap_link = Some(crossing.resource);
            }
        }
        self.touched
            .extend(contended.iter().map(|crossing| crossing.resource));
        let slot = self.classes.of(self.now, live.share, &contended);
        let class: &mut Class = &mut self.classes.slots[slot];
        class.run_to(self.now);
        class.caps.insert(cap, flow);
        let pace = if cap <= class.level {
            if let Some(time) = left.time_at(cap) {
                self.calendar.insert((self.now + time, Alarm::Ends(flow)));
            }
            Pace::Own {
                since: self.now,
                left,
            }
        } else {
            if class.clock.is_near_the_end_of_range() {
                for (flow, due) in class.restart_clock() {
                    self.flows[flow.slot()].carrying_mut().pace = Pace::Shared { due };
                }
            }
            Pace::Shared {
                due: class.add_shared(flow, left),
            }
        };
        self.flows[flow.slot()].phase = Phase::Carrying(Carrying {
            class: slot,
            cap,
            cap_link,
            since: self.now,
            pace,
        });
    }

    /// The links that a flow has had to itself since it was placed, and the largest share of their
    /// capacity that it took for any length of time.
    ///
    /// Complexity: O(links + log changes of the class's level).
    pub(super) fn loads_alone<'a>(
        &'a self,
        flow: &'a Flow,
        carrying: &Carrying,
    ) -> impl Iterator<Item = (ResourceId, f64)> + 'a {
        let class = &self.classes.slots[carrying.class];
        let highest = class.highest_level(carrying.since, self.now);
        let rate = highest.map_or(Rate::ZERO, |level| level.min(carrying.cap));
        let rate = rate.as_bytes_per_second();
        let alone = move |on: &&Crossing| {
            !class.links.iter().any(|link| link.resource == on.resource)
                && self.links.is_shared(on.resource)
        };
        flow.route.iter().filter(alone).filter_map(move |on| {
            let most = self.links.bytes_per_second(on.resource);
            // A rate is rounded to its unit; what it takes is never more than the link has.
            (most > 0.0).then(|| (on.resource, (rate * on.part() / most).min(1.0)))
        })
    }

    /// Takes note of them before the flow is placed anew.
    fn note_loads_alone(&mut self, flow: FlowId) {
        let live = &self.flows[flow.slot()];
        let carrying = live.carrying();
        if carrying.since == self.now {
            return;
        }
        // Few links are a flow's own: no allocation for those.
        let mut loads = [(ResourceId(0), 0.0); 4];
        let mut count = 0;
        let mut more = Vec::new();
        for load in self.loads_alone(live, carrying) {
            if count < loads.len() {
                loads[count] = load;
                count += 1;
            } else {
                more.push(load);
            }
        }
        for (resource, load) in loads[..count].iter().copied().chain(more) {
            self.links.note_load(resource, load);
        }
    }

    /// Takes a flow out of its class and tells what it has left to do.
    pub(super) fn displace(&mut self, flow: FlowId) -> Work {
        self.note_loads_alone(flow);
        let carrying = self.flows[flow.slot()].carrying();
        let left = self.left(carrying);
        let class = &mut self.classes.slots[carrying.class];
        class.caps.remove(carrying.cap, flow);
        match carrying.pace {
            Pace::Own { since, left } => {
                if let Some(time) = left.time_at(carrying.cap) {
                    self.calendar.remove(&(since + time, Alarm::Ends(flow)));
                }
            }
            Pace::Shared { due } => {
                class.run_to(self.now);
                class.shared.remove(&(due, flow));
            }
        }
        self.touched
            .extend(class.links.iter().map(|crossing| crossing.resource));
        if class.caps.is_empty() {
            if let Some(time) = class.alarm {
                self.calendar
                    .remove(&(time, Alarm::ClassEnds(carrying.class)));
            }
            self.classes.drop_empty(carrying.class);
        }
        left
    }
}
