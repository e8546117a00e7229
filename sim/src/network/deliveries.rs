//! Carrying deliveries: flows started, cut and started again as links change.
//!
//! The order at one instant: deliveries that are complete by then end; then links change, and those
//! that fail cut their flows; then deliveries that waited or paused start again, by their numbers;
//! then those that the caller starts.

use std::sync::Arc;

use super::delivery::{Delivery, DeliveryState};
use super::facade::{Network, NoRoute};
use super::{
    Bandwidth, CancelledDelivery, Completion, DeliveryEnd, DeliveryId, DeliveryOutcome, Effort,
    Failure, FlowId, FlowSpec, HostId, ResourceId, Route, loss,
};
use crate::kernel::Stream;
use crate::time::{SimDuration, SimTime};

impl Network {
    /// Starts to carry `bytes` from one host to another. Where the links that join them have failed
    /// it waits until there is a route.
    ///
    /// # Errors
    /// [`NoRoute`] where there is none even when no link has failed.
    ///
    /// # Panics
    /// If time runs back, or there are more than 2⁵⁶ bytes.
    pub fn transfer(
        &mut self,
        now: SimTime,
        from: HostId,
        to: HostId,
        bytes: u64,
    ) -> Result<DeliveryId, NoRoute> {
        self.transfer_capped(now, from, to, bytes, None)
    }

    /// Like [`transfer`](Self::transfer), never faster than `cap`.
    ///
    /// # Errors
    /// [`NoRoute`] where there is none even when no link has failed.
    ///
    /// # Panics
    /// If time runs back, or there are more than 2⁵⁶ bytes.
    pub fn transfer_capped(
        &mut self,
        now: SimTime,
        from: HostId,
        to: HostId,
        bytes: u64,
        cap: Option<Bandwidth>,
    ) -> Result<DeliveryId, NoRoute> {
        if self
            .changing
            .as_ref()
            .is_some_and(|links| links.is_due(now))
        {
            self.catch_up(now);
        }
        let route = match self.route(from, to) {
            Ok(route) => Some(route),
            Err(none) => {
                self.connections
                    .route_without_failures(from, to)
                    .ok_or(none)?;
                None
            }
        };
        let slot = self.deliveries.insert(Delivery {
            id: DeliveryId::new(self.delivered, 0),
            from,
            to,
            bytes,
            cap,
            effort: Effort::default(),
            state: DeliveryState::Waiting,
            lines: Box::default(),
        });
        let id = DeliveryId::new(self.delivered, slot);
        self.delivered += 1;
        self.deliveries[slot].id = id;
        match route {
            Some(route) => self.start(now, id, route),
            None => {
                self.waiting.insert(id);
            }
        }
        Ok(id)
    }

    /// Takes a delivery off the network and tells how far it had come; `None` if there is no such
    /// delivery (any more).
    ///
    /// # Panics
    /// If time runs back.
    pub fn cancel(&mut self, now: SimTime, id: DeliveryId) -> Option<CancelledDelivery> {
        // It may have ended at this very instant, and nobody has been told yet.
        if let Some(place) = self.ended.iter().position(|end| end.delivery == id) {
            let end = self.ended.remove(place);
            return Some(CancelledDelivery {
                effort: end.effort,
                limiting_link: end.limiting_link,
            });
        }
        let delivery = self.live(id)?;
        let (mut effort, state) = (delivery.effort, delivery.state);
        let mut limiting_link = None;
        match state {
            DeliveryState::Flowing(flow) => {
                self.leave_lines(id);
                if let Some(progress) = self.flows.cancel(now, flow) {
                    effort.sent_bytes += progress.bytes_carried;
                    limiting_link = progress.limiting_link;
                }
            }
            DeliveryState::Waiting => {
                self.waiting.remove(&id);
            }
            DeliveryState::Pausing(until) => {
                self.pausing.remove(&(until, id));
            }
        }
        self.deliveries.remove(id.slot());
        Some(CancelledDelivery {
            effort,
            limiting_link,
        })
    }

    /// To be called after the last change of an instant; see
    /// [`FlowNetwork::settle`](super::FlowNetwork::settle).
    ///
    /// # Panics
    /// If time runs back.
    pub fn settle(&mut self, now: SimTime) {
        self.flows.settle(now);
    }

    /// When to call [`advance`](Self::advance) next; `None` if nothing will happen by itself.
    ///
    /// Changes of links are told only while they matter: those of a link that a flow crosses, and
    /// failures while a delivery waits for a route.
    pub fn next_event(&self) -> Option<SimTime> {
        let links = self.changing.as_ref();
        let (change, flip) = match links {
            None => (None, None),
            Some(links) => {
                let flip = (!self.waiting.is_empty())
                    .then(|| links.next_flip())
                    .flatten();
                (links.next_change(), flip)
            }
        };
        let retry = self.pausing.first().map(|(time, _)| *time);
        let ended = self.ended.first().map(|end| end.at);
        [ended, self.flows.next_event(), retry, change, flip]
            .into_iter()
            .flatten()
            .min()
    }

    /// Whether bytes move or will by themselves, whatever links do: with nothing but links that
    /// change, what is live may never end.
    pub fn is_moving(&self) -> bool {
        self.flows.next_event().is_some() || !self.pausing.is_empty() || !self.ended.is_empty()
    }

    /// The deliveries that have ended by `now`, in order of time and then of start. To be called at
    /// the instant of [`next_event`](Self::next_event), and harmless before.
    ///
    /// # Panics
    /// If time runs back.
    pub fn advance(&mut self, now: SimTime) -> Vec<DeliveryEnd> {
        self.catch_up(now);
        std::mem::take(&mut self.ended)
    }

    /// Brings everything to `now`, in the order that the module states.
    fn catch_up(&mut self, now: SimTime) {
        for completion in self.flows.advance(now) {
            self.completed(completion);
        }
        let Some(links) = &mut self.changing else {
            return;
        };
        let flipped = links.flipped(now);
        let changed = links.changed(now);
        for (resource, up) in &flipped {
            self.connections.set_failed(*resource, !up);
        }
        for (resource, open) in changed {
            self.flows.set_bandwidth(now, resource, open);
            self.give_up_on(now, resource);
        }
        let failed = flipped.iter().filter(|(_, up)| !up);
        let failed: Vec<ResourceId> = failed.map(|(resource, _)| *resource).collect();
        self.cut(now, &failed);
        let mut again: Vec<DeliveryId> = Vec::new();
        while let Some((time, id)) = self.pausing.first().copied() {
            if time > now {
                break;
            }
            self.pausing.pop_first();
            again.push(id);
        }
        if flipped.iter().any(|(_, up)| *up) {
            again.extend(std::mem::take(&mut self.waiting));
        }
        again.sort_unstable();
        for id in again {
            let delivery = &self.deliveries[id.slot()];
            match self.route(delivery.from, delivery.to) {
                Ok(route) => self.start(now, id, route),
                Err(NoRoute { .. }) => {
                    self.deliveries[id.slot()].state = DeliveryState::Waiting;
                    self.waiting.insert(id);
                }
            }
        }
    }

    /// The deliveries over a link on which nothing gets through again wait for nothing.
    fn give_up_on(&mut self, now: SimTime, resource: ResourceId) {
        let Some(links) = &mut self.changing else {
            return;
        };
        if !links.is_over(resource, now) {
            return;
        }
        for id in links.users(resource) {
            links.give_up(now, id, &self.deliveries[id.slot()].lines);
        }
    }

    fn completed(&mut self, done: Completion) {
        let Some(id) = self.delivery_of(done.flow) else {
            return;
        };
        self.leave_lines(id);
        let Some(delivery) = self.deliveries.remove(id.slot()) else {
            return;
        };
        let mut effort = delivery.effort;
        effort.sent_bytes += done.bytes;
        self.ended.push(DeliveryEnd {
            delivery: id,
            at: done.at,
            outcome: DeliveryOutcome::Delivered,
            effort,
            limiting_link: done.limiting_link,
        });
    }

    /// Cuts what crosses failed links, where that is what a failure does.
    fn cut(&mut self, now: SimTime, failed: &[ResourceId]) {
        let Some(links) = &self.changing else {
            return;
        };
        let Failure::Cut(retries) = links.failure else {
            return;
        };
        let mut hit: Vec<DeliveryId> = failed.iter().flat_map(|link| links.users(*link)).collect();
        hit.sort_unstable();
        hit.dedup();
        for id in hit {
            let DeliveryState::Flowing(flow) = self.deliveries[id.slot()].state else {
                continue;
            };
            self.leave_lines(id);
            let progress = self.flows.cancel(now, flow);
            let sent = progress.map_or(0, |progress| progress.bytes_carried);
            let delivery = &mut self.deliveries[id.slot()];
            delivery.effort.sent_bytes += sent;
            if retries.resume {
                delivery.bytes -= sent;
            } else {
                delivery.effort.lost_bytes += sent;
            }
            match retries.pause_after(delivery.effort.attempts) {
                Some(pause) => {
                    let until = now + pause;
                    delivery.state = DeliveryState::Pausing(until);
                    self.pausing.insert((until, id));
                }
                None => {
                    let effort = delivery.effort;
                    self.deliveries.remove(id.slot());
                    self.ended.push(DeliveryEnd {
                        delivery: id,
                        at: now,
                        outcome: DeliveryOutcome::Lost,
                        effort,
                        limiting_link: progress.and_then(|progress| progress.limiting_link),
                    });
                }
            }
        }
    }

    /// Makes an attempt.
    fn start(&mut self, now: SimTime, id: DeliveryId, route: Route) {
        let Delivery {
            from,
            to,
            bytes,
            cap,
            ..
        } = self.deliveries[id.slot()];
        let (mut spec, back) = self.spec(from, to, bytes, cap, route);
        if let Some(links) = &mut self.changing {
            if links.changes_latency {
                for resource in spec.route.iter() {
                    let timeline = links
                        .line_mut(*resource)
                        .and_then(|line| line.timeline.as_mut());
                    if let Some(timeline) = timeline {
                        let latency = timeline.at(now).latency;
                        let rest = spec.latency.saturating_sub(timeline.own_latency);
                        spec.latency = rest + latency;
                    }
                }
            }
            if links.has_loss {
                let bound = self.loss_bound(&spec);
                spec.cap = smaller(spec.cap, bound);
            }
        }
        spec.latency += self.jitter(from, to, &spec.route);
        if let Some(links) = &mut self.changing {
            let lines = links.timed(spec.route.iter().chain(back.iter()).copied());
            for (resource, open) in links.enter(now, id, &lines) {
                self.flows.set_bandwidth(now, resource, open);
            }
            self.deliveries[id.slot()].lines = lines;
        }
        let flow = self.flows.start_both_ways(now, spec, &back);
        let slot = flow.slot() as usize;
        if self.by_flow.len() <= slot {
            self.by_flow.resize(slot + 1, None);
        }
        self.by_flow[slot] = Some((flow, id));
        let delivery = &mut self.deliveries[id.slot()];
        delivery.effort.attempts += 1;
        delivery.state = DeliveryState::Flowing(flow);
    }

    /// What a transfer is to the solver, and its way back if that matters; links by themselves.
    pub(super) fn spec(
        &mut self,
        from: HostId,
        to: HostId,
        bytes: u64,
        cap: Option<Bandwidth>,
        route: Route,
    ) -> (FlowSpec, Arc<[ResourceId]>) {
        let back = if self.flows.transport().crosstraffic {
            // The way back uses the same links.
            self.route(to, from)
                .map_or_else(|_| Arc::default(), |back| back.resources)
        } else {
            Arc::default()
        };
        let mut spec = FlowSpec {
            route: route.resources,
            bytes,
            latency: route.latency,
            cap,
        };
        if let Some(links) = &self.changing {
            for host in [from, to] {
                spec.cap = smaller(spec.cap, links.caps.get(&host).copied());
            }
        }
        (spec, back)
    }

    /// The bound by what the route loses.
    pub(super) fn loss_bound(&self, spec: &FlowSpec) -> Option<Bandwidth> {
        let links = self.changing.as_ref()?;
        let lost = spec
            .route
            .iter()
            .filter_map(|on| links.line(*on))
            .map(|line| line.loss);
        loss::bound(links.segment_bytes, spec.latency, loss::of_route(lost))
    }

    /// What the links of a route add to the latency of one transfer.
    fn jitter(&mut self, from: HostId, to: HostId, route: &[ResourceId]) -> SimDuration {
        let names = match &self.changing {
            Some(links) if links.has_jitter => (
                self.connections.host_name(from),
                self.connections.host_name(to),
            ),
            _ => return SimDuration::ZERO,
        };
        let Some(links) = &mut self.changing else {
            return SimDuration::ZERO;
        };
        let streams = links.streams;
        let fresh = || streams.stream(&names.0, &format!("jitter to {}", names.1));
        let mut stream: Option<Stream> = None;
        let mut sum = SimDuration::ZERO;
        for resource in route {
            if let Some(jitter) = links.line(*resource).and_then(|line| line.jitter.clone()) {
                let stream = stream
                    .get_or_insert_with(|| links.jitters.remove(&(from, to)).unwrap_or_else(fresh));
                sum += jitter.draw(stream);
            }
        }
        if let Some(stream) = stream {
            links.jitters.insert((from, to), stream);
        }
        sum
    }

    fn leave_lines(&mut self, id: DeliveryId) {
        if let Some(links) = &mut self.changing {
            let lines = std::mem::take(&mut self.deliveries[id.slot()].lines);
            links.leave(id, &lines);
        }
    }

    fn live(&self, id: DeliveryId) -> Option<&Delivery> {
        self.deliveries.get(id.slot()).filter(|live| live.id == id)
    }

    fn delivery_of(&self, flow: FlowId) -> Option<DeliveryId> {
        let entry = self.by_flow.get(flow.slot() as usize).copied().flatten();
        entry.filter(|(other, _)| *other == flow).map(|(_, id)| id)
    }

    /// The flow that carries a delivery now; `None` while it waits or pauses, or when it has ended.
    pub fn flow(&self, id: DeliveryId) -> Option<FlowId> {
        match self.live(id)?.state {
            DeliveryState::Flowing(flow) => Some(flow),
            DeliveryState::Waiting | DeliveryState::Pausing(_) => None,
        }
    }
}

fn smaller(one: Option<Bandwidth>, other: Option<Bandwidth>) -> Option<Bandwidth> {
    [one, other].into_iter().flatten().reduce(Bandwidth::min)
}
