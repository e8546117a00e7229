//! Laws of the fluid network, on random resources, routes and flows.

use std::collections::BTreeSet;
use std::sync::Arc;

use fedstill_sim::network::{Bandwidth, Capacity, FlowNetwork, FlowSpec, ResourceId};
use fedstill_sim::time::{SimDuration, SimTime};
use proptest::prelude::*;

use crate::kernel::{Ended, Instant, Planned, run};

/// Relative slack for comparing rates read as floats.
const SLACK: f64 = 1e-12;

#[derive(Clone, Debug)]
struct World {
    capacities: Vec<Capacity>,
    plan: Vec<Planned<FlowSpec>>,
}

fn bandwidth(bytes_per_second: f64) -> Bandwidth {
    Bandwidth::from_bytes_per_second(bytes_per_second).unwrap()
}

/// Few distinct capacities and instants, so that equal levels and simultaneous events are common.
fn worlds() -> impl Strategy<Value = World> {
    let capacity = (
        prop_oneof![Just(1e6), Just(2e6), Just(1e5 / 3.0), 1e3..1e7],
        0..5_u8,
    )
        .prop_map(|(rate, kind)| match kind {
            0 => Capacity::PerFlow(bandwidth(rate)),
            _ => Capacity::Shared(bandwidth(rate)),
        });
    prop::collection::vec(capacity, 1..9).prop_flat_map(|capacities| {
        let resource = 0..u32::try_from(capacities.len()).unwrap();
        let flow = (
            prop::collection::btree_set(resource, 0..5),
            prop_oneof![Just(0), Just(1_000_000), 1..3_000_000_u64],
            prop_oneof![Just(0), Just(500_000_000), 0..2_000_000_000_u64],
            prop::option::weighted(0.3, prop_oneof![Just(5e5), 1e3..5e6]),
            prop_oneof![Just(0), 0..4_u64, 0..4_u64],
            prop::option::weighted(0.2, 0..3_000_000_000_u64),
        );
        let plan = prop::collection::vec(flow, 1..30).prop_map(|flows| {
            let planned = |(route, bytes, latency, cap, at, cut): (
                BTreeSet<u32>,
                _,
                _,
                Option<f64>,
                u64,
                _,
            )| {
                let at = SimTime::from_nanos(at * 500_000_000);
                Planned {
                    at,
                    cut_at: Option::map(cut, |after| at + SimDuration::from_nanos(after)),
                    spec: FlowSpec {
                        route: route.into_iter().map(ResourceId).collect::<Vec<_>>().into(),
                        bytes,
                        latency: SimDuration::from_nanos(latency),
                        cap: cap.map(bandwidth),
                    },
                }
            };
            flows.into_iter().map(planned).collect()
        });
        (Just(capacities), plan).prop_map(|(capacities, plan)| World { capacities, plan })
    })
}

fn simulate(
    world: &World,
    looks: &[SimTime],
    watch: impl FnMut(Instant<'_, FlowNetwork>),
) -> (FlowNetwork, Vec<Ended>) {
    let mut network = FlowNetwork::new(world.capacities.clone());
    let start = |network: &mut FlowNetwork, now, spec: &FlowSpec| network.start(now, spec.clone());
    let (ends, _) = run(&mut network, &world.plan, looks, start, watch);
    (network, ends)
}

/// Every flow at its own cap or over a saturated link on which nobody is faster, and no link
/// overfull: this defines the max-min fair allocation (Bertsekas & Gallager, section 6.5.2).
fn assert_max_min_fair(world: &World, instant: &Instant<'_, FlowNetwork>) {
    let rates: Vec<(f64, &FlowSpec, _)> = instant
        .live
        .iter()
        .filter_map(|(flow, k)| {
            Some((
                instant.network.rate_bytes_per_second(*flow)?,
                &world.plan[*k].spec,
                *flow,
            ))
        })
        .collect();
    let on = |link: ResourceId| {
        rates
            .iter()
            .filter(move |(_, spec, _)| spec.route.contains(&link))
    };
    for (k, capacity) in world.capacities.iter().enumerate() {
        let link = ResourceId(u32::try_from(k).unwrap());
        let most = capacity.bandwidth().as_bytes_per_second() * (1.0 + SLACK);
        match capacity {
            Capacity::Shared(_) => assert!(on(link).map(|(rate, ..)| rate).sum::<f64>() <= most),
            Capacity::PerFlow(_) => assert!(on(link).all(|(rate, ..)| *rate <= most)),
        }
    }
    for (rate, spec, flow) in &rates {
        let slightly_more = rate * (1.0 + SLACK) + 1e-9;
        let at_own_cap = spec.cap.is_some_and(|cap| {
            assert!(*rate <= cap.as_bytes_per_second() * (1.0 + SLACK));
            slightly_more >= cap.as_bytes_per_second()
        });
        let held_by = |link: ResourceId| match world.capacities[link.0 as usize] {
            Capacity::PerFlow(most) => slightly_more >= most.as_bytes_per_second(),
            Capacity::Shared(most) => {
                let total: f64 = on(link).map(|(rate, ..)| rate).sum();
                total * (1.0 + SLACK) + 1e-9 >= most.as_bytes_per_second()
                    && on(link).all(|(other, ..)| *other <= slightly_more)
            }
        };
        let held = spec.route.iter().copied().any(held_by);
        assert!(
            at_own_cap || held || spec.route.is_empty(),
            "{flow:?} could have more than {rate} B/s"
        );
        match instant.network.limiting_link(*flow) {
            Some(link) => assert!(held_by(link), "{flow:?} is not limited by {link:?}"),
            None => assert!(at_own_cap || spec.route.is_empty()),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn shares_are_max_min_fair_at_every_instant(world in worlds()) {
        simulate(&world, &[], |instant| assert_max_min_fair(&world, &instant));
    }

    #[test]
    fn the_order_of_flows_does_not_matter_to_the_bit(
        (world, order) in worlds().prop_flat_map(|world| {
            let places: Vec<usize> = (0..world.plan.len()).collect();
            (Just(world), Just(places).prop_shuffle())
        }),
    ) {
        let (network, ends) = simulate(&world, &[], |_| ());
        let plan = order.iter().map(|k| world.plan[*k].clone()).collect();
        let shuffled = World { capacities: world.capacities.clone(), plan };
        let (other_network, other_ends) = simulate(&shuffled, &[], |_| ());
        for (place, k) in order.into_iter().enumerate() {
            prop_assert_eq!(ends[k], other_ends[place], "flow {}", k);
        }
        prop_assert_eq!(network.usage(), other_network.usage());
    }

    #[test]
    fn looking_in_between_changes_nothing(
        world in worlds(),
        looks in prop::collection::vec(0..5_000_000_000_u64, 0..40),
    ) {
        let looks: Vec<SimTime> = looks.into_iter().map(SimTime::from_nanos).collect();
        let (_, ends) = simulate(&world, &[], |_| ());
        let (_, watched) = simulate(&world, &looks, |_| ());
        prop_assert_eq!(ends, watched);
    }

    #[test]
    fn what_a_flow_carries_is_the_integral_of_its_rate(world in worlds()) {
        // (since when, rate) of each flow, and the bytes that follow from it.
        let mut rates = vec![(SimTime::ZERO, 0.0); world.plan.len()];
        let mut integral = vec![0.0; world.plan.len()];
        let (_, ends) = simulate(&world, &[], |instant| {
            for (flow, k) in instant.live {
                let (since, rate) = rates[*k];
                integral[*k] += rate * instant.now.saturating_since(since).as_secs_f64();
                rates[*k] = (instant.now, instant.network.rate_bytes_per_second(*flow).unwrap_or(0.0));
            }
        });
        for (k, ended) in ends.iter().enumerate() {
            let (since, rate) = rates[k];
            // A flow to its own host is done at once, at no rate worth the name.
            if world.plan[k].spec.route.is_empty() && world.plan[k].spec.cap.is_none() {
                continue;
            }
            let bytes = integral[k] + rate * ended.at.saturating_since(since).as_secs_f64();
            // Half a nanosecond at the end, a byte begun when cut, and the floats of this sum.
            let slack = rate * 0.6e-9 + if ended.completed { 1e-6 } else { 1.0 };
            prop_assert!(
                (bytes - ended.carried as f64).abs() <= slack,
                "flow {} carried {} but its rates add up to {}", k, ended.carried, bytes
            );
        }
    }

    #[test]
    fn bytes_are_carried_or_cut_and_every_link_counts_them(world in worlds()) {
        let (network, ends) = simulate(&world, &[], |_| ());
        prop_assert_eq!((network.carrying(), network.live_flows()), (0, 0));
        let mut carried = vec![0; world.capacities.len()];
        for (planned, ended) in world.plan.iter().zip(&ends) {
            let Planned { at, spec, .. } = planned;
            prop_assert!(ended.at >= *at);
            prop_assert!(ended.carried <= spec.bytes);
            if ended.completed {
                prop_assert_eq!(ended.carried, spec.bytes);
                prop_assert!(ended.at >= *at + spec.latency);
            } else {
                prop_assert_eq!(Some(ended.at), planned.cut_at);
            }
            for link in spec.route.iter() {
                carried[link.0 as usize] += ended.carried;
            }
        }
        for (k, (usage, bytes)) in network.usage().into_iter().zip(carried).enumerate() {
            prop_assert_eq!(usage.bytes, bytes);
            prop_assert_eq!(usage.busy, busy(&world, &ends, ResourceId(u32::try_from(k).unwrap())));
        }
    }
}

/// The largest share of each link's bandwidth that the rates of its flows add up to, over the
/// instants after which time went on: what `usage` says without adding up.
fn brute_force_peaks(world: &World) -> (FlowNetwork, Vec<f64>) {
    let mut peaks = vec![0.0_f64; world.capacities.len()];
    let (mut loads, mut since) = (peaks.clone(), SimTime::ZERO);
    let (network, _) = simulate(world, &[], |instant| {
        if instant.now > since {
            for (peak, load) in peaks.iter_mut().zip(&loads) {
                *peak = peak.max(*load);
            }
        }
        since = instant.now;
        loads.fill(0.0);
        for (flow, k) in instant.live {
            let rate = instant.network.rate_bytes_per_second(*flow).unwrap_or(0.0);
            for link in world.plan[*k].spec.route.iter() {
                if let Capacity::Shared(most) = world.capacities[link.0 as usize] {
                    loads[link.0 as usize] += rate / most.as_bytes_per_second();
                }
            }
        }
    });
    (network, peaks)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn peak_use_is_the_largest_sum_of_rates(world in worlds()) {
        let (network, peaks) = brute_force_peaks(&world);
        for (k, (usage, peak)) in network.usage().into_iter().zip(peaks).enumerate() {
            prop_assert!((usage.peak - peak).abs() <= 1e-9, "link {}: {} not {}", k, usage.peak, peak);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// With a new bandwidth for some link at every other instant; the peak is then the largest sum
    /// of rates over the bandwidth of its time.
    #[test]
    fn shares_are_max_min_fair_while_bandwidths_change(
        world in worlds(),
        factors in prop::collection::vec((0..9_usize, prop_oneof![Just(0.5), Just(1.0), 0.1..3.0]), 1..40),
    ) {
        let mut now_world = world.clone();
        let mut network = FlowNetwork::new(world.capacities.clone());
        let mut live = Vec::new();
        let mut starts: Vec<usize> = (0..world.plan.len()).collect();
        starts.sort_by_key(|k| world.plan[*k].at);
        let mut starts = starts.into_iter().peekable();
        let mut factors = factors.into_iter().enumerate();
        let mut peaks = vec![0.0_f64; world.capacities.len()];
        let (mut loads, mut since) = (peaks.clone(), SimTime::ZERO);
        loop {
            let start = starts.peek().map(|k| world.plan[*k].at);
            let Some(now) = [start, network.next_event()].into_iter().flatten().min() else {
                break;
            };
            for done in network.advance(now) {
                live.retain(|(flow, _)| *flow != done.flow);
            }
            while let Some(k) = starts.next_if(|k| world.plan[*k].at == now) {
                live.push((network.start(now, world.plan[k].spec.clone()), k));
            }
            if let Some((turn, (link, factor))) = factors.next()
                && turn % 2 == 0
            {
                let link = link % world.capacities.len();
                let most = bandwidth(world.capacities[link].bandwidth().as_bytes_per_second() * factor);
                now_world.capacities[link] = match world.capacities[link] {
                    Capacity::Shared(_) => Capacity::Shared(most),
                    Capacity::PerFlow(_) => Capacity::PerFlow(most),
                };
                network.set_bandwidth(now, ResourceId(u32::try_from(link).unwrap()), Some(most));
            }
            network.settle(now);
            if now > since {
                for (peak, load) in peaks.iter_mut().zip(&loads) {
                    *peak = peak.max(*load);
                }
            }
            since = now;
            loads.fill(0.0);
            for (flow, k) in &live {
                let rate = network.rate_bytes_per_second(*flow).unwrap_or(0.0);
                for link in world.plan[*k].spec.route.iter().map(|link| link.0 as usize) {
                    if let Capacity::Shared(most) = now_world.capacities[link] {
                        loads[link] += rate / most.as_bytes_per_second();
                    }
                }
            }
            assert_max_min_fair(&now_world, &Instant { now, network: &network, live: &live });
        }
        for (k, (usage, peak)) in network.usage().into_iter().zip(peaks).enumerate() {
            prop_assert!((usage.peak - peak).abs() <= 1e-9, "link {}: {} not {}", k, usage.peak, peak);
        }
    }
}

/// The time covered by the carrying phases of the flows over `link`.
fn busy(world: &World, ends: &[Ended], link: ResourceId) -> SimDuration {
    let mut phases: Vec<(SimTime, SimTime)> = world
        .plan
        .iter()
        .zip(ends)
        .filter(|(planned, _)| planned.spec.bytes > 0 && planned.spec.route.contains(&link))
        .map(|(planned, ended)| (planned.at + planned.spec.latency, ended.at))
        .collect();
    phases.sort_unstable();
    let (mut covered, mut until) = (SimDuration::ZERO, SimTime::ZERO);
    for (begin, end) in phases {
        covered += end.saturating_since(begin.max(until));
        until = until.max(end);
    }
    covered
}

#[test]
fn the_virtual_clock_is_set_back_without_a_trace() {
    // Four flows at a time on 2⁴⁶ B/s, each of 2⁵⁶ B, a quarter apart: one ends every 1024 s, and the
    // clock that they share passes the 2⁵⁷ B at which it is set back. (With two at a time, the one
    // left would have the link alone for a moment and begin a new clock.)
    let most = 1 << 56;
    let mut network = FlowNetwork::new(vec![Capacity::Shared(bandwidth((1_u64 << 46) as f64))]);
    let spec = |bytes| FlowSpec {
        route: Arc::from([ResourceId(0)]),
        bytes,
        latency: SimDuration::ZERO,
        cap: None,
    };
    for quarters in 1..=4 {
        network.start(SimTime::ZERO, spec(most / 4 * quarters));
    }
    network.settle(SimTime::ZERO);
    for k in 1..24 {
        let now = network.next_event().unwrap();
        assert_eq!(now.to_string(), (1024 * k).to_string());
        assert_eq!(network.advance(now).len(), 1);
        network.start(now, spec(most));
        network.settle(now);
    }
}

#[test]
#[should_panic(expected = "runs back")]
fn time_never_runs_back() {
    let mut network = FlowNetwork::new(Vec::new());
    network.settle(SimTime::from_nanos(2));
    network.settle(SimTime::from_nanos(1));
}
