//! `trace.json`: a run to look at, for <https://ui.perfetto.dev>.
//!
//! Made from the books after the run, so that a run without a trace pays nothing for it. One track
//! is one slot: nothing on it overlaps.

mod federation;
mod links;
mod network;
mod slots;
mod writer;

pub(super) use federation::write as write_federation;
pub(super) use network::write as write_network;

/// Its file in a run's directory.
pub(super) const TRACE: &str = "trace.json";

/// With more clients (or hosts) than these, a track for each would be too many to look at and to
/// load: then those of a group share as many slots as were busy at once.
const MOST_OWN_TRACKS: usize = 100;

use crate::time::SimTime;
use std::collections::BTreeMap;

/// How many are under way from each instant on: those that begin count at once, those that end no
/// longer.
fn under_way(spans: impl IntoIterator<Item = (SimTime, SimTime)>) -> Vec<(SimTime, i64)> {
    let mut changes: BTreeMap<SimTime, i64> = BTreeMap::new();
    for (start, end) in spans {
        *changes.entry(start).or_default() += 1;
        *changes.entry(end).or_default() -= 1;
    }
    let mut count = 0;
    let levels = changes.into_iter().map(|(at, change)| {
        count += change;
        (at, count)
    });
    levels.collect()
}
