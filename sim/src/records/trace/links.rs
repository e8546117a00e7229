//! Links that change: when they had failed, and what they had for transfers.

use super::MOST_OWN_TRACKS;
use super::writer::{Arguments, TraceWriter};
use crate::network::Network;
use crate::records::link_changes::{LinkChanges, open};
use crate::time::SimTime;
use serde_json::json;
use std::io::{self, Write};

/// Writes a counter for each link that changes, and a track for each that failed; of the first
/// hundred, and nothing where none does.
pub(super) fn write<W: Write>(
    network: &Network,
    ended: SimTime,
    trace: &mut TraceWriter<W>,
) -> io::Result<()> {
    let links = LinkChanges::of(network, ended);
    if links.changes.is_empty() {
        return Ok(());
    }
    let process = trace.process("links")?;
    for (name, changes) in links.by_link().take(MOST_OWN_TRACKS) {
        for change in changes {
            trace.counter(process, change.at, [name, "bit/s"], json!(open(change)))?;
        }
        if changes.iter().all(|change| change.up) {
            continue;
        }
        let thread = trace.thread(process, name)?;
        let mut failed = None;
        for change in changes {
            match (failed, change.up) {
                (None, false) => failed = Some(change.at),
                (Some(since), true) => {
                    failed = None;
                    trace.slice(thread, [since, change.at], "down", Arguments::new())?;
                }
                _ => {}
            }
        }
        if let Some(since) = failed {
            trace.slice(thread, [since, ended], "down", Arguments::new())?;
        }
    }
    Ok(())
}
