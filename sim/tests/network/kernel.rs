//! A kernel in miniature: starts and cuts flows when told, and calls the network as agreed.

use fedstill_sim::network::{
    Completion, DeliveryEnd, DeliveryId, DeliveryOutcome, FlowId, FlowNetwork, Network, ResourceId,
};
use fedstill_sim::time::SimTime;

/// What the miniature kernel needs of a network: flows, or deliveries that are carried at once.
pub(crate) trait Flows {
    type Id: Copy + Eq + std::fmt::Debug;
    fn advance(&mut self, now: SimTime) -> Vec<(Self::Id, Ended)>;
    fn cancel(&mut self, now: SimTime, id: Self::Id) -> Option<Ended>;
    fn settle(&mut self, now: SimTime);
    fn next_event(&self) -> Option<SimTime>;
}

impl Flows for FlowNetwork {
    type Id = FlowId;

    fn advance(&mut self, now: SimTime) -> Vec<(FlowId, Ended)> {
        let ended = |done: Completion| Ended {
            at: done.at,
            carried: done.bytes,
            completed: true,
            limiting: done.limiting_link,
        };
        let all = self.advance(now).into_iter();
        all.map(|done| (done.flow, ended(done))).collect()
    }

    fn cancel(&mut self, now: SimTime, id: FlowId) -> Option<Ended> {
        self.cancel(now, id).map(|progress| Ended {
            at: now,
            carried: progress.bytes_carried,
            completed: false,
            limiting: progress.limiting_link,
        })
    }

    fn settle(&mut self, now: SimTime) {
        self.settle(now);
    }

    fn next_event(&self) -> Option<SimTime> {
        self.next_event()
    }
}

impl Flows for Network {
    type Id = DeliveryId;

    fn advance(&mut self, now: SimTime) -> Vec<(DeliveryId, Ended)> {
        let ended = |end: DeliveryEnd| Ended {
            at: end.at,
            carried: end.effort.received_bytes(),
            completed: end.outcome == DeliveryOutcome::Delivered,
            limiting: end.limiting_link,
        };
        let all = self.advance(now).into_iter();
        all.map(|end| (end.delivery, ended(end))).collect()
    }

    fn cancel(&mut self, now: SimTime, id: DeliveryId) -> Option<Ended> {
        self.cancel(now, id).map(|cancelled| Ended {
            at: now,
            carried: cancelled.effort.sent_bytes,
            completed: false,
            limiting: cancelled.limiting_link,
        })
    }

    fn settle(&mut self, now: SimTime) {
        self.settle(now);
    }

    fn next_event(&self) -> Option<SimTime> {
        self.next_event()
    }
}

/// One flow of a plan: how to start it, when, and when to cut it.
#[derive(Clone, Debug)]
pub(crate) struct Planned<S> {
    pub(crate) at: SimTime,
    pub(crate) cut_at: Option<SimTime>,
    pub(crate) spec: S,
}

/// How a flow ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) at: SimTime,
    pub(crate) carried: u64,
    pub(crate) completed: bool,
    pub(crate) limiting: Option<ResourceId>,
}

/// What the watcher of a run may look at after each settled instant.
pub(crate) struct Instant<'a, N: Flows> {
    pub(crate) now: SimTime,
    pub(crate) network: &'a N,
    /// The live flows with their places in the plan.
    pub(crate) live: &'a [(N::Id, usize)],
}

/// Runs a plan to its end; flows of one instant start in the order of the plan. The ends are in the
/// order of the plan, and besides the order of completion is given.
pub(crate) fn run<N: Flows, S>(
    network: &mut N,
    plan: &[Planned<S>],
    looks: &[SimTime],
    mut start: impl FnMut(&mut N, SimTime, &S) -> N::Id,
    mut watch: impl FnMut(Instant<'_, N>),
) -> (Vec<Ended>, Vec<usize>) {
    let mut ended: Vec<Option<Ended>> = vec![None; plan.len()];
    let mut live: Vec<(N::Id, usize)> = Vec::new();
    let mut order = Vec::new();
    let mut before = None;
    // Each flow makes at most two events of its own; anything far above does not terminate.
    for _ in 0..100 + 10 * plan.len() + looks.len() {
        let planned = plan
            .iter()
            .flat_map(|flow| [Some(flow.at), flow.cut_at])
            .flatten();
        let due = planned
            .chain(looks.iter().copied())
            .filter(|at| before.is_none_or(|b| *at > b))
            .min();
        let Some(now) = [due, network.next_event()].into_iter().flatten().min() else {
            assert!(live.is_empty(), "{live:?} never end");
            return (ended.into_iter().map(Option::unwrap).collect(), order);
        };
        assert!(
            before.is_none_or(|before| now >= before),
            "time runs back to {now}"
        );
        for (id, end) in network.advance(now) {
            let place = live.iter().position(|(flow, _)| *flow == id).unwrap();
            let (_, k) = live.remove(place);
            ended[k] = Some(end);
            order.push(k);
        }
        let first_look = before.is_none_or(|before| now > before);
        for (k, flow) in plan
            .iter()
            .enumerate()
            .filter(|(_, flow)| first_look && flow.at == now)
        {
            live.push((start(network, now, &flow.spec), k));
        }
        for (k, _) in plan
            .iter()
            .enumerate()
            .filter(|(_, flow)| first_look && flow.cut_at == Some(now))
        {
            if let Some(place) = live.iter().position(|(_, other)| *other == k) {
                ended[k] = network.cancel(now, live[place].0);
                live.remove(place);
            }
        }
        network.settle(now);
        watch(Instant {
            now,
            network,
            live: &live,
        });
        before = Some(now);
    }
    panic!("the network does not come to rest");
}
