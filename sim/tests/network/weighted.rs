//! Laws of the transports that weigh flows and send acknowledgements back, on random worlds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fedstill_sim::network::{
    Bandwidth, Capacity, FlowId, FlowNetwork, FlowSpec, ResourceId, Transport,
};
use fedstill_sim::time::{SimDuration, SimTime};
use proptest::prelude::*;

use crate::kernel::{Ended, Instant, Planned, run};

/// Relative slack for comparing rates read as floats.
const SLACK: f64 = 1e-11;

#[derive(Clone, Debug)]
struct TwoWay {
    spec: FlowSpec,
    back: Arc<[ResourceId]>,
}

#[derive(Clone, Debug)]
struct World {
    transport: Transport,
    capacities: Vec<Capacity>,
    plan: Vec<Planned<TwoWay>>,
}

fn bandwidth(bytes_per_second: f64) -> Bandwidth {
    Bandwidth::from_bytes_per_second(bytes_per_second).unwrap()
}

fn transports() -> impl Strategy<Value = Transport> {
    (
        prop_oneof![Just(Transport::cm02()), Just(Transport::lv08())],
        any::<bool>(),
        any::<bool>(),
        prop_oneof![Just(None), Just(Some(0.0)), Just(Some(20_537.0))],
        prop_oneof![Just(0.0), Just(4_194_304.0), Just(1e5)],
    )
        .prop_map(
            |(preset, crosstraffic, at_start, weight_s, tcp_gamma)| Transport {
                crosstraffic,
                bandwidth_at_start: at_start,
                weight_s,
                tcp_gamma,
                ..preset
            },
        )
}

/// Few distinct capacities, latencies and instants, so that equal levels are common; routes and
/// ways back that overlap or not.
fn worlds() -> impl Strategy<Value = World> {
    let capacity = (
        prop_oneof![Just(1e6), Just(2e6), Just(1e5 / 3.0), 1e3..1e7],
        0..5_u8,
    )
        .prop_map(|(rate, kind)| match kind {
            0 => Capacity::PerFlow(bandwidth(rate)),
            _ => Capacity::Shared(bandwidth(rate)),
        });
    let capacities = prop::collection::vec(capacity, 1..9);
    (transports(), capacities).prop_flat_map(|(transport, capacities)| {
        let route = || {
            let resource = 0..u32::try_from(capacities.len()).unwrap();
            prop::collection::btree_set(resource, 0..5).prop_map(|links: BTreeSet<u32>| {
                Arc::<[ResourceId]>::from_iter(links.into_iter().map(ResourceId))
            })
        };
        let flow = (
            route(),
            route(),
            prop_oneof![Just(0), Just(1_000_000), 1..3_000_000_u64],
            prop_oneof![Just(0), Just(20_000_000), 1..200_000_000_u64],
            prop::option::weighted(0.3, prop_oneof![Just(5e5), 1e3..5e6]),
            prop_oneof![Just(0), 0..4_u64],
            prop::option::weighted(0.2, 0..3_000_000_000_u64),
        )
            .prop_map(|(route, back, bytes, latency, cap, at, cut)| {
                let at = SimTime::from_nanos(at * 500_000_000);
                Planned {
                    at,
                    cut_at: cut.map(|after| at + SimDuration::from_nanos(after)),
                    spec: TwoWay {
                        spec: FlowSpec {
                            route,
                            bytes,
                            latency: SimDuration::from_nanos(latency),
                            cap: Option::map(cap, bandwidth),
                        },
                        back,
                    },
                }
            });
        (
            Just(transport),
            Just(capacities.clone()),
            prop::collection::vec(flow, 1..30),
        )
            .prop_map(|(transport, capacities, plan)| World {
                transport,
                capacities,
                plan,
            })
    })
}

fn simulate(
    world: &World,
    watch: impl FnMut(Instant<'_, FlowNetwork>),
) -> (FlowNetwork, Vec<Ended>) {
    let mut network = FlowNetwork::with_transport(world.capacities.clone(), world.transport);
    let start = |network: &mut FlowNetwork, now, flow: &TwoWay| -> FlowId {
        network.start_both_ways(now, flow.spec.clone(), &flow.back)
    };
    let (ends, _) = run(&mut network, &world.plan, &[], start, watch);
    (network, ends)
}

impl World {
    fn most(&self, link: ResourceId) -> f64 {
        self.capacities[link.0 as usize]
            .bandwidth()
            .as_bytes_per_second()
    }

    /// The part of its rate that a flow takes of a link.
    fn part(&self, flow: &TwoWay, link: ResourceId) -> f64 {
        let on = |route: &[ResourceId]| f64::from(u8::from(route.contains(&link)));
        let back = if self.transport.crosstraffic {
            0.05
        } else {
            0.0
        };
        on(&flow.spec.route) + back * on(&flow.back)
    }

    fn weight(&self, flow: &TwoWay) -> f64 {
        let latency = flow.spec.latency.as_secs_f64();
        match self.transport.weight_s {
            Some(weight_s) if latency > 0.0 => {
                let links = flow.spec.route.iter();
                latency + links.map(|link| weight_s / self.most(*link)).sum::<f64>()
            }
            _ => 1.0,
        }
    }

    /// The least of the bounds that a flow has of its own, apart from its links.
    fn own_bound(&self, flow: &TwoWay) -> f64 {
        let cap = flow
            .spec
            .cap
            .map_or(f64::INFINITY, Bandwidth::as_bytes_per_second);
        let latency = flow.spec.latency.as_secs_f64();
        if self.transport.tcp_gamma > 0.0 && latency > 0.0 {
            cap.min(self.transport.tcp_gamma / (2.0 * latency))
        } else {
            cap
        }
    }
}

/// No link overfull, the way back included; and every flow at a bound of its own or over a saturated
/// link on which no flow has a larger rate × weight: the weighted max-min fair allocation.
fn assert_weighted_max_min_fair(world: &World, instant: &Instant<'_, FlowNetwork>) {
    let goodput = |(flow, k): &(FlowId, usize)| {
        let rate = instant.network.rate_bytes_per_second(*flow)?;
        let rate = rate / world.transport.bandwidth_factor;
        Some((rate, &world.plan[*k].spec, *flow))
    };
    let rates: Vec<(f64, &TwoWay, FlowId)> = instant.live.iter().filter_map(goodput).collect();
    let on = |link: ResourceId| {
        let all = rates.iter();
        all.filter(move |(_, flow, _)| world.part(flow, link) > 0.0)
    };
    let taken = |link| on(link).map(move |(rate, flow, _)| rate * world.part(flow, link));
    let about = |found: f64, most: f64| found * (1.0 + SLACK) + 1e-9 >= most;
    for (k, capacity) in world.capacities.iter().enumerate() {
        let link = ResourceId(u32::try_from(k).unwrap());
        let most = world.most(link) * (1.0 + SLACK);
        match capacity {
            Capacity::Shared(_) => assert!(taken(link).sum::<f64>() <= most, "{link:?}"),
            Capacity::PerFlow(_) => assert!(taken(link).all(|taken| taken <= most), "{link:?}"),
        }
    }
    for (rate, flow, id) in &rates {
        let own = world.own_bound(flow);
        assert!(*rate <= own * (1.0 + SLACK));
        let held_by = |link: ResourceId| {
            let part = world.part(flow, link);
            if part == 0.0 {
                return false;
            }
            let most = world.most(link);
            // With `bandwidth_at_start` the bandwidth of a link also bounds the flow by itself.
            let by_itself = flow.spec.route.contains(&link)
                && world.transport.bandwidth_at_start
                && about(*rate, most);
            by_itself
                || match world.capacities[link.0 as usize] {
                    Capacity::PerFlow(_) => about(rate * part, most),
                    Capacity::Shared(_) => {
                        let height = rate * world.weight(flow);
                        let total: f64 = taken(link).sum();
                        let mut others = on(link);
                        about(total, most)
                            && others
                                .all(|(rate, flow, _)| about(height, rate * world.weight(flow)))
                    }
                }
        };
        let full =
            |link| world.part(flow, link) > 0.0 && about(taken(link).sum(), world.most(link));
        let links = || flow.spec.route.iter().chain(flow.back.iter()).copied();
        let free = links().all(|link| world.part(flow, link) == 0.0);
        assert!(
            free || about(*rate, own) || links().any(held_by),
            "{id:?} could have more than {rate} B/s"
        );
        match instant.network.limiting_link(*id) {
            // Where a bound and a share are equal but for the rounding of a float, either is named.
            Some(link) => assert!(
                held_by(link) || full(link),
                "{id:?} is not limited by {link:?}"
            ),
            None => assert!(free || about(*rate, own)),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn weighted_shares_are_max_min_fair_with_acknowledgements(world in worlds()) {
        simulate(&world, |instant| assert_weighted_max_min_fair(&world, &instant));
    }

    #[test]
    fn the_order_of_weighted_flows_does_not_matter_to_the_bit(
        (world, order) in worlds().prop_flat_map(|world| {
            let places: Vec<usize> = (0..world.plan.len()).collect();
            (Just(world), Just(places).prop_shuffle())
        }),
    ) {
        // The rate and limiting link of each flow at each instant, by its place in the first order.
        let rates_of = |world: &World, place: &dyn Fn(usize) -> usize| {
            let mut rates = BTreeMap::new();
            let (network, ends) = simulate(world, |instant| {
                for (flow, k) in instant.live {
                    let rate = instant.network.rate_bytes_per_second(*flow).map(f64::to_bits);
                    let limiting = instant.network.limiting_link(*flow);
                    rates.insert((instant.now, place(*k)), (rate, limiting));
                }
            });
            (network, ends, rates)
        };
        let (network, ends, rates) = rates_of(&world, &|k| k);
        let plan = order.iter().map(|k| world.plan[*k].clone()).collect();
        let shuffled = World { plan, ..world.clone() };
        let (other_network, other_ends, other_rates) = rates_of(&shuffled, &|k| order[k]);
        for (place, k) in order.iter().enumerate() {
            prop_assert_eq!(ends[*k], other_ends[place], "flow {}", k);
        }
        prop_assert_eq!(rates, other_rates);
        prop_assert_eq!(network.usage(), other_network.usage());
    }

    #[test]
    fn weighted_flows_end_and_links_count_their_payload_only(world in worlds()) {
        let (network, ends) = simulate(&world, |_| ());
        prop_assert_eq!((network.carrying(), network.live_flows()), (0, 0));
        let mut carried = vec![0; world.capacities.len()];
        for (planned, ended) in world.plan.iter().zip(&ends) {
            prop_assert!(ended.carried <= planned.spec.spec.bytes);
            prop_assert!(!ended.completed || ended.carried == planned.spec.spec.bytes);
            for link in planned.spec.spec.route.iter() {
                carried[link.0 as usize] += ended.carried;
            }
        }
        let counted: Vec<u64> = network.usage().iter().map(|usage| usage.bytes).collect();
        prop_assert_eq!(counted, carried);
    }
}
