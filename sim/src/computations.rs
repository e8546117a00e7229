//! Bare computations on hosts: no clients, no learning, no actors.

use crate::device::{RunQueue, TaskId};
use crate::records::BareComputation;
use crate::scenario::{NetworkScenario, RawCompute, RawHost};
use crate::time::SimTime;
use std::collections::BTreeMap;

/// Carries out the computations of a scenario until the last one has ended; gives them in the
/// order listed. Hosts know nothing of each other, and computations nothing of transfers.
pub(crate) fn carry_out(scenario: &NetworkScenario) -> Vec<BareComputation> {
    let mut computations: Vec<BareComputation> = scenario.compute.iter().map(begun).collect();
    for host in &scenario.host {
        let listed = scenario.compute.iter().enumerate();
        let own = listed.filter(|(_, listed)| listed.on == host.name);
        for (place, end) in ends(host, own.collect()) {
            computations[place].end = Some(end);
        }
    }
    computations
}

fn begun(listed: &RawCompute) -> BareComputation {
    BareComputation {
        host: listed.on.clone(),
        flops: listed.work.flops(),
        cores: listed.cores,
        start: start(listed),
        end: None,
    }
}

fn start(listed: &RawCompute) -> SimTime {
    SimTime::from_nanos(listed.at.nanoseconds())
}

/// Places and ends of the computations of one host, without those that never end.
fn ends(host: &RawHost, mut listed: Vec<(usize, &RawCompute)>) -> Vec<(usize, SimTime)> {
    let mut queue = RunQueue::new(host.processor());
    // Stable: those of one instant begin in the order given.
    listed.sort_by_key(|(_, listed)| start(listed));
    let mut waiting = listed.into_iter().peekable();
    let mut under_way: BTreeMap<TaskId, usize> = BTreeMap::new();
    let mut ends = Vec::new();
    loop {
        let next_start = waiting.peek().map(|(_, listed)| start(listed));
        let Some(now) = next_start.into_iter().chain(queue.next_completion()).min() else {
            return ends;
        };
        for done in queue.advance(now) {
            ends.extend(under_way.remove(&done).map(|place| (place, now)));
        }
        while let Some((place, listed)) = waiting.next_if(|(_, listed)| start(listed) == now) {
            let task = queue.begin(now, listed.work.flops(), listed.cores);
            under_way.insert(task, place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Overrides, Plan, load};
    use std::path::Path;

    /// The files that the whole program runs too.
    #[test]
    fn computations_end_when_the_reference_says() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/conformance");
        for case in ["cores", "speed-profile"] {
            let path = folder.join(format!("{case}.toml"));
            let plans = load(&[path], &Overrides::default()).unwrap();
            let [Plan::Network(run)] = plans.as_slice() else {
                panic!("{case} is one run of bare computations");
            };
            let found: Vec<f64> = carry_out(&run.scenario)
                .iter()
                .map(|one| one.end.unwrap().as_secs_f64())
                .collect();
            let expected = folder.join(format!("{case}.finish.txt"));
            let expected = std::fs::read_to_string(expected).unwrap();
            assert_eq!(found.len(), expected.lines().count(), "{case}");
            for (found, expected) in found.iter().zip(expected.lines()) {
                let expected: f64 = expected.parse().unwrap();
                assert!((found - expected).abs() <= 1e-9, "{case}: {found} s");
            }
        }
    }
}
