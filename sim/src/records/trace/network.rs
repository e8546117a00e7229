//! The trace of bare transfers: a track for what each host sends, or shared slots where hosts are
//! many.

use super::slots::{Interval, slots};
use super::writer::{Arguments, TraceWriter};
use super::{MOST_OWN_TRACKS, links, under_way};
use crate::records::network_books::{BareTransfer, NetworkBooks};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

/// Writes the trace of a run of bare transfers.
pub(in crate::records) fn write(books: &NetworkBooks, out: &mut dyn Write) -> io::Result<()> {
    let mut about = Arguments::new();
    about.insert("run_id".to_owned(), json!(books.identity.run_id));
    about.insert("scenario".to_owned(), json!(books.identity.scenario));
    let mut trace = TraceWriter::new(out, &about)?;
    let network = trace.process("network")?;
    // What could never end is under way to the end.
    let end = |one: &BareTransfer| one.end.unwrap_or(books.ended_at).max(one.start);
    let spans = books.transfers.iter().map(|one| (one.start, end(one)));
    for (at, count) in under_way(spans) {
        trace.counter(network, at, ["transfers", "under way"], json!(count))?;
    }
    let senders: BTreeSet<&str> = books
        .transfers
        .iter()
        .map(|one| one.from.as_str())
        .collect();
    let own_tracks = senders.len() <= MOST_OWN_TRACKS;
    let mut rows: BTreeMap<&str, Vec<(usize, &BareTransfer)>> = BTreeMap::new();
    for numbered in books.transfers.iter().enumerate() {
        let row = if own_tracks {
            numbered.1.from.as_str()
        } else {
            "hosts"
        };
        rows.entry(row).or_default().push(numbered);
    }
    let hosts = trace.process("hosts")?;
    for (name, transfers) in rows {
        let interval = |(_, one): &(usize, &BareTransfer)| Interval {
            start: one.start,
            end: end(one),
        };
        let intervals: Vec<Interval> = transfers.iter().map(interval).collect();
        let mut lanes: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (place, slot) in slots(&intervals).into_iter().enumerate() {
            lanes.entry(slot).or_default().push(place);
        }
        for (slot, mut places) in lanes {
            let name = match slot {
                0 => name.to_owned(),
                _ => format!("{name} ({})", slot + 1),
            };
            let thread = trace.thread(hosts, &name)?;
            places.sort_by_key(|place| (intervals[*place].start, intervals[*place].end, *place));
            for place in places {
                let (number, one) = transfers[place];
                let mut about = Arguments::new();
                about.insert("transfer_id".to_owned(), json!(number));
                about.insert("from".to_owned(), json!(one.from));
                about.insert("to".to_owned(), json!(one.to));
                about.insert("size_bytes".to_owned(), json!(one.size_bytes));
                about.insert("bytes".to_owned(), json!(one.effort.sent_bytes));
                about.insert("attempts".to_owned(), json!(one.effort.attempts));
                about.insert("outcome".to_owned(), json!(one.outcome.name()));
                if let Some(link) = &one.limiting_link {
                    about.insert("limiting_link".to_owned(), json!(link));
                }
                let name = format!("to {}", one.to);
                trace.slice(thread, [one.start, end(one)], &name, about)?;
            }
        }
    }
    links::write(&books.network, books.ended_at, &mut trace)?;
    trace.finish()
}
