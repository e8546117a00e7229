//! A network link that flows share fairly is a processor-sharing queue.

use crate::interval::Interval;
use fedstill_sim::kernel::{EventQueue, Stream, Streams};
use fedstill_sim::network::{Bandwidth, Graph, Link, Network, SharingPolicy};
use fedstill_sim::time::{SimDuration, SimTime};
use rand::RngExt;
use rand_distr::{Distribution, Exp1};
use std::collections::BTreeMap;

/// Bytes per second of the link that is shared.
const RATE: f64 = 1e6;

/// Mean length of a flow in bytes: one second alone on the link.
const MEAN: f64 = 1e6;

#[derive(Debug, Clone, Copy)]
enum Sizes {
    Constant,
    Exponential,
    /// Nine of ten are short: exponential of mean 1/2 or 11/2, with the squared coefficient of
    /// variation 2·(9/10·(1/2)² + 1/10·(11/2)²) − 1 = 5.5.
    Mixed,
}

impl Sizes {
    fn draw(self, stream: &mut Stream) -> u64 {
        let mut exponential = |mean: f64| {
            let draw: f64 = Exp1.sample(stream);
            draw * mean
        };
        let bytes = match self {
            Self::Constant => MEAN,
            Self::Exponential => exponential(MEAN),
            Self::Mixed => {
                let length = exponential(MEAN);
                length
                    * if stream.random::<f64>() < 0.9 {
                        0.5
                    } else {
                        5.5
                    }
            }
        };
        bytes.round() as u64
    }
}

enum Event {
    Arrival,
    Network,
}

/// Times from arrival to completion, in the order of completion, without the first tenth.
fn sojourns(sizes: Sizes, load: f64, flows: usize) -> Vec<f64> {
    let rate = Bandwidth::from_bits_per_second(8.0 * RATE).expect("a bandwidth");
    let mut graph = Graph::default();
    let from = graph.add_host("from").expect("a new name");
    let to = graph.add_host("to").expect("a new name");
    let link = Link::symmetric("link", rate, SimDuration::ZERO, SharingPolicy::SplitDuplex);
    graph.add_link(from, to, link).expect("two hosts");
    let mut network = Network::from_graph(graph);
    let streams = Streams::new(20_262);
    let mut gaps = streams.stream("link", "arrivals");
    let mut lengths = streams.stream("link", "sizes");
    let mut queue = EventQueue::new();
    queue.schedule(SimTime::ZERO, Event::Arrival);
    let (mut under_way, mut done) = (BTreeMap::new(), Vec::with_capacity(flows));
    let mut network_event = None;
    while done.len() < flows
        && let Some((now, event)) = queue.pop()
    {
        match event {
            Event::Arrival => {
                let bytes = sizes.draw(&mut lengths);
                let flow = network.transfer(now, from, to, bytes).expect("a route");
                under_way.insert(flow, now);
                let draw: f64 = Exp1.sample(&mut gaps);
                let gap = SimDuration::from_secs_f64(draw * MEAN / RATE / load).expect("a length");
                queue.schedule(now + gap, Event::Arrival);
            }
            Event::Network => {
                network_event = None;
                for end in network.advance(now) {
                    let arrived = under_way.remove(&end.delivery).expect("it was sent");
                    done.push(now.saturating_since(arrived).as_secs_f64());
                }
            }
        }
        if queue.peek_time() != Some(now) {
            network.settle(now);
            let next = network.next_event();
            if let Some(event) = network_event.take() {
                queue.cancel(event);
            }
            network_event = next.map(|time| queue.schedule(time, Event::Network));
        }
    }
    done.split_off(flows / 10)
}

/// M/G/1-PS: the mean sojourn is the mean service over 1 − ρ, whatever the distribution of sizes
/// (Kleinrock, *Queueing Systems* II, 1976, section 4.4).
fn sojourn_is_insensitive(sizes: Sizes) {
    // Where sizes vary more, more flows make an interval as narrow.
    let times = match sizes {
        Sizes::Constant | Sizes::Exponential => 1,
        Sizes::Mixed => 3,
    };
    for (load, flows) in [(0.3, 200_000), (0.5, 300_000), (0.7, 800_000)] {
        let flows = times * flows;
        let sojourns = sojourns(sizes, load, flows);
        let expected = MEAN / RATE / (1.0 - load);
        Interval::of_series(&sojourns).holds(expected, &format!("{sizes:?} at {load}"));
    }
}

#[test]
fn flows_of_one_size_share_a_link_as_a_processor_is_shared() {
    sojourn_is_insensitive(Sizes::Constant);
}

#[test]
fn flows_of_exponential_size_share_a_link_as_a_processor_is_shared() {
    sojourn_is_insensitive(Sizes::Exponential);
}

#[test]
fn flows_of_mixed_size_share_a_link_as_a_processor_is_shared() {
    sojourn_is_insensitive(Sizes::Mixed);
}
