//! The trace of clients that learn together.
//!
//! The server is a process with its versions and the counters; the aggregators below it are another;
//! every group of clients is a process with a track for each client, or with shared slots where
//! clients are many. Offline intervals have tracks of their own, since a client that is away may be
//! in the middle of something; so has what is passed to peers, since several receive at once.

use super::slots::{Interval, slots};
use super::writer::{Arguments, Process, Thread, TraceWriter};
use super::{MOST_OWN_TRACKS, links, under_way};
use crate::device::Phase;
use crate::kernel::ActorId;
use crate::measures::{Split, instants, mean_accuracy, outcome};
use crate::records::books::{CloseReason, RunBooks, VersionRecord};
use crate::scenario::RawScope;
use crate::time::SimTime;
use crate::world::{Participation, Ticket, TransferKind, TransferRecord};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Writes the trace of a run.
pub(in crate::records) fn write(books: &RunBooks, out: &mut dyn Write) -> io::Result<()> {
    let about = arguments([
        ("run_id", json!(books.identity.run_id)),
        ("scenario", json!(books.identity.scenario)),
        ("replication", json!(books.identity.replication)),
        ("status", json!(books.status.name())),
    ]);
    let mut trace = TraceWriter::new(out, &about)?;
    let server = trace.process(books.run_name())?;
    if let Some(root) = books.root() {
        versions(books, root, server, "versions", &mut trace)?;
        learned(books, root, server, "learning", &mut trace)?;
    }
    counters(books, server, &mut trace)?;
    control(books, server, &mut trace)?;
    let transfers = Transfers::of(books);
    aggregators(books, &transfers, &mut trace)?;
    clients(books, &transfers, &mut trace)?;
    let accounts = &books.accounts;
    links::write(&accounts.network, accounts.ended_at, &mut trace)?;
    trace.finish()
}

fn arguments<const N: usize>(entries: [(&str, Value); N]) -> Arguments {
    let entries = entries.into_iter();
    let present = entries.filter(|(_, value)| !value.is_null());
    present
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

fn versions<W: Write>(
    books: &RunBooks,
    aggregator: ActorId,
    process: Process,
    name: &str,
    trace: &mut TraceWriter<W>,
) -> io::Result<()> {
    let published = books.versions.iter();
    let published: Vec<&VersionRecord> = published
        .filter(|version| version.aggregator == aggregator)
        .collect();
    let intervals: Vec<Interval> = published
        .iter()
        .map(|version| Interval {
            start: version.opened,
            end: version.closed,
        })
        .collect();
    for (slot, versions) in by_slot(&intervals).into_iter().enumerate() {
        let thread = trace.thread(process, &numbered(name, slot))?;
        for place in versions {
            let version = published[place];
            let name = format!("version {}", version.version);
            let about = arguments([
                ("version", json!(version.version)),
                ("close_reason", json!(version.reason.name())),
                ("selected", json!(version.selected)),
                ("merged", json!(version.merged)),
                ("max_staleness", json!(version.max_staleness)),
                ("server_flops", json!(version.server_flops)),
            ]);
            trace.slice(thread, [version.opened, version.closed], &name, about)?;
            if matches!(version.reason, CloseReason::Deadline | CloseReason::Failed) {
                let about = arguments([("version", json!(version.version))]);
                trace.mark(thread, version.closed, version.reason.name(), about)?;
            }
        }
    }
    Ok(())
}

/// What an aggregator computed, one after the other.
fn learned<W: Write>(
    books: &RunBooks,
    aggregator: ActorId,
    process: Process,
    name: &str,
    trace: &mut TraceWriter<W>,
) -> io::Result<()> {
    let mut accounts = books.accounts.aggregators.iter();
    let learned = accounts.find(|one| one.actor == aggregator);
    let learned = learned.map_or(&[][..], |one| one.learned.as_slice());
    if learned.is_empty() {
        return Ok(());
    }
    let thread = trace.thread(process, name)?;
    for &(start, end) in learned {
        trace.slice(thread, [start, end], "learn", arguments([]))?;
    }
    Ok(())
}

/// What was sent outside participations.
fn control<W: Write>(
    books: &RunBooks,
    server: Process,
    trace: &mut TraceWriter<W>,
) -> io::Result<()> {
    let transfers = books.accounts.transfers.iter();
    let control = transfers.filter(|one| one.kind == TransferKind::Control);
    sent(
        books,
        &control.collect::<Vec<_>>(),
        server,
        "control",
        trace,
    )
}

/// Transfers that may overlap, each named for its receiver.
fn sent<W: Write>(
    books: &RunBooks,
    transfers: &[&TransferRecord],
    process: Process,
    name: &str,
    trace: &mut TraceWriter<W>,
) -> io::Result<()> {
    let lasting = transfers.iter().map(|one| Interval {
        start: one.start,
        end: one.end,
    });
    let intervals: Vec<Interval> = lasting.collect();
    for (slot, places) in by_slot(&intervals).into_iter().enumerate() {
        let thread = trace.thread(process, &numbered(name, slot))?;
        for place in places {
            let one = transfers[place];
            let to = books.actor_name(one.to);
            let about = arguments([
                ("from", json!(books.actor_name(one.from))),
                ("to", json!(to)),
                ("what", json!(one.what)),
                ("bytes", json!(one.effort.sent_bytes)),
                ("outcome", json!(one.outcome.name())),
                ("limiting_link", json!(one.limiting_link)),
            ]);
            trace.slice(thread, [one.start, one.end], &format!("to {to}"), about)?;
        }
    }
    Ok(())
}

/// Each aggregator below the root: its work for the one above it, its versions, what it computed.
fn aggregators<W: Write>(
    books: &RunBooks,
    transfers: &Transfers<'_>,
    trace: &mut TraceWriter<W>,
) -> io::Result<()> {
    if books.aggregators.len() < 2 {
        return Ok(());
    }
    let process = trace.process("aggregators")?;
    let mut work: BTreeMap<ActorId, Vec<&Participation>> = BTreeMap::new();
    for participation in &books.accounts.participations {
        if books.client_place(participation.client).is_none() {
            work.entry(participation.client)
                .or_default()
                .push(participation);
        }
    }
    for account in books.accounts.aggregators.iter().skip(1) {
        let name = books.actor_name(account.actor);
        let participations = work.remove(&account.actor).unwrap_or_default();
        worked(books, &participations, transfers, process, name, trace)?;
        versions(
            books,
            account.actor,
            process,
            &format!("{name} versions"),
            trace,
        )?;
        learned(
            books,
            account.actor,
            process,
            &format!("{name} learning"),
            trace,
        )?;
    }
    Ok(())
}

/// Participations on as many tracks as it takes, one at least, so that all are there to be seen.
fn worked<W: Write>(
    books: &RunBooks,
    participations: &[&Participation],
    transfers: &Transfers<'_>,
    process: Process,
    name: &str,
    trace: &mut TraceWriter<W>,
) -> io::Result<()> {
    let blocks: Vec<Interval> = participations
        .iter()
        .map(|one| whole(one, books.accounts.ended_at))
        .collect();
    let mut lanes = by_slot(&blocks);
    if lanes.is_empty() {
        lanes.push(Vec::new());
    }
    for (slot, places) in lanes.into_iter().enumerate() {
        let thread = trace.thread(process, &numbered(name, slot))?;
        for place in places {
            participation(books, participations[place], transfers, thread, trace)?;
        }
    }
    Ok(())
}

fn counters<W: Write>(
    books: &RunBooks,
    server: Process,
    trace: &mut TraceWriter<W>,
) -> io::Result<()> {
    let ended = books.accounts.ended_at;
    let participations = books.accounts.participations.iter();
    let participations = participations.filter(|one| books.client_place(one.client).is_some());
    let at_work = participations.map(|one| (one.selected, one.end.unwrap_or(ended)));
    for (at, count) in under_way(at_work) {
        trace.counter(server, at, ["clients", "at work"], json!(count))?;
    }
    let transfers = books.accounts.transfers.iter();
    for (at, count) in under_way(transfers.map(|one| (one.start, one.end))) {
        trace.counter(server, at, ["transfers", "under way"], json!(count))?;
    }
    for evaluation in instants(&books.evaluations) {
        if let Some(accuracy) = mean_accuracy(evaluation, RawScope::Personal, Split::Global) {
            let name = ["accuracy", "mean of clients"];
            trace.counter(server, evaluation.at, name, json!(accuracy))?;
        }
    }
    Ok(())
}

/// Participations and offline intervals of those who share tracks.
#[derive(Default)]
struct Row<'a> {
    participations: Vec<&'a Participation>,
    passed: Vec<&'a TransferRecord>,
    offline: Vec<(usize, Interval)>,
}

fn clients<W: Write>(
    books: &RunBooks,
    transfers: &Transfers<'_>,
    trace: &mut TraceWriter<W>,
) -> io::Result<()> {
    // Groups in the order of their first clients, as everywhere.
    let mut groups: Vec<&str> = Vec::new();
    let mut group_of = Vec::with_capacity(books.clients.len());
    let mut known: BTreeMap<&str, usize> = BTreeMap::new();
    for client in &books.clients {
        let group = *known.entry(&client.group).or_insert_with(|| {
            groups.push(&client.group);
            groups.len() - 1
        });
        group_of.push(group);
    }
    let own_tracks = books.clients.len() <= MOST_OWN_TRACKS;
    // By group, and by client where each has tracks of its own.
    let mut rows: BTreeMap<(usize, usize), Row<'_>> = BTreeMap::new();
    let row = |client: usize| (group_of[client], if own_tracks { client } else { 0 });
    if own_tracks {
        for client in 0..books.clients.len() {
            rows.entry(row(client)).or_default();
        }
    }
    for participation in &books.accounts.participations {
        if let Some(client) = books.client_place(participation.client) {
            let row = rows.entry(row(client)).or_default();
            row.participations.push(participation);
        }
    }
    for transfer in &books.accounts.transfers {
        let sender = books.client_place(transfer.from);
        if let Some(client) = sender.filter(|_| transfer.kind == TransferKind::Peer) {
            let row = rows.entry(row(client)).or_default();
            row.passed.push(transfer);
        }
    }
    for (client, intervals) in books.accounts.offline.iter().flatten().enumerate() {
        for &(start, end) in intervals {
            let row = rows.entry(row(client)).or_default();
            row.offline.push((client, Interval { start, end }));
        }
    }
    let mut process: Option<(usize, Process)> = None;
    for ((group, client), row) in rows {
        let within = match process {
            Some((same, process)) if same == group => process,
            _ => trace.process(groups[group])?,
        };
        process = Some((group, within));
        let name = match own_tracks {
            true => books.clients[client].name.as_str(),
            false => groups[group],
        };
        if own_tracks || !row.participations.is_empty() {
            worked(books, &row.participations, transfers, within, name, trace)?;
        }
        if own_tracks {
            let actor = ActorId(u32::try_from(client + 1).expect("few have tracks of their own"));
            versions(books, actor, within, &format!("{name} versions"), trace)?;
        }
        sent(
            books,
            &row.passed,
            within,
            &format!("{name} passing"),
            trace,
        )?;
        let intervals: Vec<Interval> = row.offline.iter().map(|(_, interval)| *interval).collect();
        for (slot, places) in by_slot(&intervals).into_iter().enumerate() {
            let thread = trace.thread(within, &numbered(&format!("{name} offline"), slot))?;
            for place in places {
                let (client, Interval { start, end }) = row.offline[place];
                let about = arguments([("client", json!(books.clients[client].name))]);
                trace.slice(thread, [start, end], "offline", about)?;
            }
        }
    }
    Ok(())
}

/// The pieces of each slot in order of time.
fn by_slot(intervals: &[Interval]) -> Vec<Vec<usize>> {
    let mut lanes: Vec<Vec<usize>> = Vec::new();
    for (place, slot) in slots(intervals).into_iter().enumerate() {
        if slot >= lanes.len() {
            lanes.resize(slot + 1, Vec::new());
        }
        lanes[slot].push(place);
    }
    for lane in &mut lanes {
        lane.sort_by_key(|place| (intervals[*place].start, intervals[*place].end, *place));
    }
    lanes
}

/// The first slot has the plain name; more of them are numbered from 2.
fn numbered(name: &str, slot: usize) -> String {
    match slot {
        0 => name.to_owned(),
        _ => format!("{name} ({})", slot + 1),
    }
}

/// From its selection until its outcome was decided.
fn whole(participation: &Participation, ended: SimTime) -> Interval {
    let end = participation.end.unwrap_or(ended);
    Interval {
        start: participation.selected,
        end: participation.settled.unwrap_or(end).max(end),
    }
}

fn participation<W: Write>(
    books: &RunBooks,
    one: &Participation,
    transfers: &Transfers<'_>,
    thread: Thread,
    trace: &mut TraceWriter<W>,
) -> io::Result<()> {
    let client = books.actor_name(one.client);
    let outcome = outcome(one).name();
    let end = one.end.unwrap_or(books.accounts.ended_at);
    let about = || {
        arguments([
            ("participation_id", json!(one.id)),
            ("client", json!(client)),
            ("start_version", json!(one.start_version)),
            ("outcome", json!(outcome)),
        ])
    };
    for phase in [Phase::Download, Phase::Compute, Phase::Upload] {
        let span = one.phases[phase as usize];
        let Some(start) = span.start else { continue };
        let mut about = about();
        match phase {
            Phase::Compute => {
                let [train, distill, infer] = one.flops;
                about.extend(arguments([
                    ("flops", json!(train + distill + infer)),
                    ("train_flops", json!(train)),
                    ("distill_flops", json!(distill)),
                    ("infer_flops", json!(infer)),
                ]));
            }
            _ => {
                let bytes = match phase {
                    Phase::Download => one.down_bytes,
                    _ => one.up_bytes,
                };
                let transfer = transfers.last(one.ticket, phase);
                let link = transfer.and_then(|one| one.limiting_link.as_deref());
                about.extend(arguments([
                    ("bytes", json!(bytes)),
                    ("what", json!(transfer.map(|one| one.what))),
                    ("attempts", json!(transfer.map(|one| one.effort.attempts))),
                    ("limiting_link", json!(link)),
                ]));
            }
        }
        if one.cut_phase == Some(phase) {
            about.insert("cut".to_owned(), json!(true));
        }
        trace.slice(
            thread,
            [start, span.end.unwrap_or(end)],
            phase.name(),
            about,
        )?;
    }
    let settled = one.settled.unwrap_or(end);
    if let Some(arrival) = one.arrival().filter(|arrival| *arrival < settled) {
        trace.slice(thread, [arrival, settled], "wait", about())?;
    }
    let merged = one.merge.map(|merge| merge.version);
    let mut about = about();
    about.extend(arguments([("merged_version", json!(merged))]));
    trace.mark(thread, settled.max(end), outcome, about)
}

/// The last transfer of each participation and phase.
struct Transfers<'a>(BTreeMap<(Ticket, bool), &'a TransferRecord>);

impl<'a> Transfers<'a> {
    fn of(books: &'a RunBooks) -> Self {
        let transfers = books.accounts.transfers.iter();
        let entry = |one: &'a TransferRecord| {
            let ticket = one.ticket?;
            let upload = one.kind == TransferKind::Peer || one.to == ticket.aggregator;
            Some(((ticket, upload), one))
        };
        Self(transfers.filter_map(entry).collect())
    }

    fn last(&self, ticket: Ticket, phase: Phase) -> Option<&'a TransferRecord> {
        self.0.get(&(ticket, phase == Phase::Upload)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::specimen;
    use std::collections::BTreeSet;

    /// Tracks and slices of a trace: the name of each track, and its slices by begin and end.
    fn tracks(books: &RunBooks) -> BTreeMap<String, Vec<(f64, f64)>> {
        let mut text = Vec::new();
        write(books, &mut text).unwrap();
        let trace: Value = serde_json::from_slice(&text).unwrap();
        let mut names: BTreeMap<u64, String> = BTreeMap::new();
        let mut tracks: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
        let mut begun: BTreeMap<u64, f64> = BTreeMap::new();
        for event in trace["traceEvents"].as_array().unwrap() {
            let Some(thread) = event["tid"].as_u64() else {
                continue;
            };
            let seconds = event["ts"].as_f64().map(|at| at / 1e6);
            match event["ph"].as_str().unwrap() {
                "M" if event["name"] == "thread_name" => {
                    let name = event["args"]["name"].as_str().unwrap().to_owned();
                    assert!(tracks.insert(name.clone(), Vec::new()).is_none(), "{name}");
                    names.insert(thread, name);
                }
                "B" => assert!(begun.insert(thread, seconds.unwrap()).is_none()),
                "E" => {
                    let slice = (begun.remove(&thread).unwrap(), seconds.unwrap());
                    let track = tracks.get_mut(&names[&thread]).unwrap();
                    let before = track.last().map_or(0.0, |(_, end)| *end);
                    assert!(before <= slice.0, "{}: {slice:?}", names[&thread]);
                    track.push(slice);
                }
                _ => {}
            }
        }
        tracks
    }

    #[test]
    fn an_aggregator_below_the_root_has_its_work_versions_and_learning() {
        let tracks = tracks(&specimen::tiers());
        let names: BTreeSet<&str> = tracks.keys().map(String::as_str).collect();
        let expected = [
            "versions",
            "control",
            "edge-0",
            "edge-0 versions",
            "edge-0 learning",
            "clinic-0",
            "clinic-1",
            "clinic-2",
            "hospital-0",
        ];
        assert_eq!(names, BTreeSet::from(expected));
        assert_eq!(
            tracks["edge-0"],
            [(0.0, 1.0), (1.0, 9.0), (9.0, 11.0), (11.0, 13.0)]
        );
        assert_eq!(tracks["edge-0 versions"], [(1.0, 8.0)]);
        assert_eq!(tracks["edge-0 learning"], [(8.0, 9.0)]);
        assert_eq!(tracks["versions"], [(0.0, 13.0)]);
        assert_eq!(tracks["control"], [(14.0, 15.0)]);
    }

    #[test]
    fn what_is_passed_to_several_peers_at_once_is_side_by_side() {
        let tracks = tracks(&specimen::peers());
        // From 5 s on until 6 and until 7.
        assert_eq!(tracks["clinic-0 passing"], [(5.0, 6.0)]);
        assert_eq!(tracks["clinic-0 passing (2)"], [(5.0, 7.0)]);
        assert_eq!(tracks["clinic-0"], [(0.0, 5.0), (5.0, 7.0)]);
        assert_eq!(tracks["clinic-1 versions"], [(0.0, 8.0)]);
        assert!(!tracks.contains_key("versions"));
    }
}
