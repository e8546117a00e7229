//! `events.csv`: everything that happened, in one order.

use crate::device::Phase;
use crate::measures::{Split, instants, mean_accuracy, outcome};
use crate::records::books::RunBooks;
use crate::records::link_changes::{LinkChanges, open, state};
use crate::records::network_books::NetworkBooks;
use crate::records::table::table;
use crate::scenario::RawScope;
use crate::time::SimTime;
use crate::world::{Participation, Ticket};
use std::collections::BTreeMap;

table! {
    /// One row an event, in order of time; written with `--trace` alone. At one instant links change and clients come and go first, what was under way goes on, then versions close, outcomes are decided, versions open, and new participations begin.
    pub struct EventRow<'a> in "events",
    key [event_id],
    references [[] in "runs" [], [participation_id] in "participations" [participation_id]],
    /// Counts events, from 0.
    event_id: u64;
    /// When it happened.
    sim_s: SimTime, "s";
    /// What happened: `version_open`, `version_close`, `selected`, `transfer_start`, `transfer_end`, `compute_start`, `compute_end` (also where the computation was cut), `outcome`, `offline`, `online`, `evaluation`, `link_change` (also at the start, of links that differ from their own) or `run_end`.
    event: &'a str;
    /// Who did it, or whom it befell: a client_id or an aggregator_id; of a transfer the sender; of `link_change` `network`; without an aggregator above all, of `evaluation` and `run_end` `federation`.
    actor: &'a str;
    /// The other one: the client that was selected; of a transfer the receiver.
    other: Option<&'a str>;
    /// The participation that it belongs to.
    participation_id: Option<u64>;
    /// The version that was opened, closed or evaluated; of `selected` the version that the client starts from; of `outcome` the version that it was merged into.
    version: Option<u64>;
    /// Of `transfer_start` the length of the buffer, of `transfer_end` the bytes that crossed the network in all attempts.
    bytes: Option<u64>, "byte";
    /// Of `version_open` the clients selected for it over its life, of `version_close` the contributions folded into it, of `compute_end` the FLOPs spent, of `evaluation` the mean accuracy of the clients' models on the global test set, of `link_change` the bit/s that it has for transfers from then on.
    value: Option<f64>;
    /// Of `transfer_start` what is sent, of `transfer_end` how it ended, of `version_close` why, of `outcome` which, of `run_end` the status of the run, of `link_change` `up` or `down`.
    detail: Option<&'a str>;
    /// Of `link_change` the link and direction, of `transfer_end` the one that held it to its rate at the end.
    link: Option<&'a str>;
}

/// The actor of what befalls links.
const NETWORK: &str = "network";

/// When, and its place within the instant.
type Moment = (SimTime, Stage, u64, u32);

/// The order of causes and effects within an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Links,
    /// Clients leave, and come back.
    Availability,
    /// Steps of participations that were open before.
    Step,
    Close,
    Outcome,
    Open,
    /// Participations that begin, with all that happens to them at that instant.
    Begin,
    Evaluation,
    End,
}

pub(super) fn rows<'a>(
    books: &'a RunBooks,
    links: &'a LinkChanges,
) -> impl Iterator<Item = EventRow<'a>> {
    let mut events: Vec<(Moment, EventRow<'a>)> = Vec::new();
    for (number, change) in (0_u64..).zip(&links.changes) {
        let mut row = event(books, change.at, "link_change", NETWORK);
        row.value = Some(open(change));
        row.detail = Some(state(change));
        row.link = Some(links.name(change.resource));
        events.push(((change.at, Stage::Links, number, 0), row));
    }
    participations(books, &mut events);
    transfers(books, &mut events);
    for version in &books.versions {
        let mut open = event(
            books,
            version.opened,
            "version_open",
            books.actor_name(version.aggregator),
        );
        open.version = Some(version.version);
        open.value = Some(version.selected as f64);
        events.push(((version.opened, Stage::Open, version.version, 0), open));
        let mut close = event(
            books,
            version.closed,
            "version_close",
            books.actor_name(version.aggregator),
        );
        close.version = Some(version.version);
        close.value = Some(version.merged as f64);
        close.detail = Some(version.reason.name());
        let stage = match version.opened == version.closed {
            // It closes after it has opened, whatever its length.
            true => (version.closed, Stage::Open, version.version, 1),
            false => (version.closed, Stage::Close, version.version, 0),
        };
        events.push((stage, close));
    }
    for (place, intervals) in (0_u64..).zip(books.accounts.offline.iter().flatten()) {
        let client = &books.clients[place as usize].name;
        for &(start, end) in intervals {
            let moment = (start, Stage::Availability, place, 0);
            events.push((moment, event(books, start, "offline", client)));
            if end < books.accounts.ended_at {
                let moment = (end, Stage::Availability, place, 1);
                events.push((moment, event(books, end, "online", client)));
            }
        }
    }
    for (number, evaluation) in (0_u64..).zip(instants(&books.evaluations)) {
        let mut row = event(books, evaluation.at, "evaluation", books.run_name());
        row.version = Some(evaluation.version);
        row.value = mean_accuracy(evaluation, RawScope::Personal, Split::Global);
        events.push(((evaluation.at, Stage::Evaluation, number, 0), row));
    }
    let ended = books.accounts.ended_at;
    let mut end = event(books, ended, "run_end", books.run_name());
    end.detail = Some(books.status.name());
    events.push(((ended, Stage::End, 0, 0), end));
    // Stable: what even the moment leaves open keeps the order in which it was gathered.
    events.sort_by_key(|(moment, _)| *moment);
    (0..)
        .zip(events)
        .map(|(event_id, (_, row))| EventRow { event_id, ..row })
}

fn event<'a>(
    books: &'a RunBooks,
    at: SimTime,
    event: &'static str,
    actor: &'a str,
) -> EventRow<'a> {
    EventRow {
        run_id: &books.identity.run_id,
        event_id: 0,
        sim_s: at,
        event,
        actor,
        other: None,
        participation_id: None,
        version: None,
        bytes: None,
        value: None,
        detail: None,
        link: None,
    }
}

/// Steps of one participation at one instant follow each other, from selection to outcome.
fn moment(one: &Participation, at: SimTime, step: u32) -> Moment {
    let stage = match (one.selected == at, step) {
        (true, _) => Stage::Begin,
        (false, OUTCOME) => Stage::Outcome,
        (false, _) => Stage::Step,
    };
    (at, stage, one.id, step)
}

const COMPUTE_START: u32 = 100;
const COMPUTE_END: u32 = 101;
const UPLOAD: u32 = 200;
const OUTCOME: u32 = u32::MAX;

fn participations<'a>(books: &'a RunBooks, events: &mut Vec<(Moment, EventRow<'a>)>) {
    for one in &books.accounts.participations {
        let client = books.actor_name(one.client);
        let end = one.end.unwrap_or(books.accounts.ended_at);
        let mut add = |at: SimTime, step: u32, mut row: EventRow<'a>| {
            row.participation_id = Some(one.id);
            events.push((moment(one, at, step), row));
        };
        let mut selected = event(
            books,
            one.selected,
            "selected",
            books.actor_name(one.ticket.aggregator),
        );
        selected.other = Some(client);
        selected.version = Some(one.start_version);
        add(one.selected, 0, selected);
        let compute = one.phases[Phase::Compute as usize];
        if let Some(start) = compute.start {
            add(
                start,
                COMPUTE_START,
                event(books, start, "compute_start", client),
            );
            let stop = compute.end.unwrap_or(end);
            let mut row = event(books, stop, "compute_end", client);
            row.value = Some(one.flops.iter().sum::<u64>() as f64);
            add(stop, COMPUTE_END, row);
        }
        let settled = one.settled.unwrap_or(end).max(end);
        let mut row = event(books, settled, "outcome", client);
        row.detail = Some(outcome(one).name());
        row.version = one.merge.map(|merge| merge.version);
        add(settled, OUTCOME, row);
    }
}

fn transfers<'a>(books: &'a RunBooks, events: &mut Vec<(Moment, EventRow<'a>)>) {
    let participations = &books.accounts.participations;
    let places: BTreeMap<Ticket, usize> = participations
        .iter()
        .enumerate()
        .map(|(place, one)| (one.ticket, place))
        .collect();
    // A transfer that was tried again follows the one before.
    let mut tried: BTreeMap<(Ticket, bool), u32> = BTreeMap::new();
    for transfer in &books.accounts.transfers {
        let one = transfer
            .ticket
            .map(|ticket| &participations[places[&ticket]]);
        let step = match (transfer.ticket, one) {
            (Some(ticket), Some(one)) => {
                let upload = transfer.from == one.client;
                let tries = tried.entry((ticket, upload)).or_default();
                let step = if upload { UPLOAD } else { 1 } + 2 * (*tries).min(40);
                *tries += 1;
                step
            }
            _ => 1,
        };
        let moment = |at, step| match one {
            Some(one) => moment(one, at, step),
            // After the participations' own.
            None => (at, Stage::Step, u64::MAX, step),
        };
        let between = |at, name| {
            let mut row = event(books, at, name, books.actor_name(transfer.from));
            row.other = Some(books.actor_name(transfer.to));
            row.participation_id = one.map(|one| one.id);
            row
        };
        let mut start = between(transfer.start, "transfer_start");
        start.bytes = Some(transfer.size_bytes);
        start.detail = Some(transfer.what);
        events.push((moment(transfer.start, step), start));
        let mut end = between(transfer.end, "transfer_end");
        end.bytes = Some(transfer.effort.sent_bytes);
        end.detail = Some(transfer.outcome.name());
        end.link = transfer.limiting_link.as_deref();
        events.push((moment(transfer.end, step + 1), end));
    }
}

table! {
    /// One row an event of a run of bare transfers, in order of time; at one instant links change first, and ends come before begins. Written with `--trace` alone.
    pub struct BareEventRow<'a> in "events",
    key [event_id],
    references [[] in "runs" [], [transfer_id] in "transfers" [transfer_id]],
    /// Counts events, from 0.
    event_id: u64;
    /// When it happened.
    sim_s: SimTime, "s";
    /// What happened: `transfer_start`, `transfer_end` (missing where it could never happen) or `link_change` (also at the start, of links that differ from their own).
    event: &'a str;
    /// The transfer.
    transfer_id: Option<u64>;
    /// The host that sent.
    actor: Option<&'a str>;
    /// The host that received.
    other: Option<&'a str>;
    /// Of `transfer_start` how much is to be sent, of `transfer_end` the bytes that crossed the network in all attempts.
    bytes: Option<u64>, "byte";
    /// Of `link_change` the bit/s that it has for transfers from then on.
    value: Option<f64>;
    /// Of `transfer_end` how it ended, of `link_change` `up` or `down`.
    detail: Option<&'a str>;
    /// Of `link_change` the link and direction, of `transfer_end` the one that held it to its rate at the end.
    link: Option<&'a str>;
}

pub(super) fn bare_rows<'a>(
    books: &'a NetworkBooks,
    links: &'a LinkChanges,
) -> impl Iterator<Item = BareEventRow<'a>> {
    let mut events: Vec<((SimTime, u32, u64), BareEventRow<'a>)> = Vec::new();
    for (number, change) in (0_u64..).zip(&links.changes) {
        let row = BareEventRow {
            run_id: &books.identity.run_id,
            event_id: 0,
            sim_s: change.at,
            event: "link_change",
            transfer_id: None,
            actor: None,
            other: None,
            bytes: None,
            value: Some(open(change)),
            detail: Some(state(change)),
            link: Some(links.name(change.resource)),
        };
        events.push(((change.at, 0, number), row));
    }
    for (transfer_id, one) in (0_u64..).zip(&books.transfers) {
        let row = |sim_s, event, link| BareEventRow {
            run_id: &books.identity.run_id,
            event_id: 0,
            sim_s,
            event,
            transfer_id: Some(transfer_id),
            actor: Some(&one.from),
            other: Some(&one.to),
            bytes: Some(one.size_bytes),
            value: None,
            detail: None,
            link,
        };
        let start = row(one.start, "transfer_start", None);
        events.push(((one.start, 2, transfer_id), start));
        let Some(ended) = one.end else { continue };
        let mut end = row(ended, "transfer_end", one.limiting_link.as_deref());
        end.bytes = Some(one.effort.sent_bytes);
        end.detail = Some(one.outcome.name());
        // One without length ends after it has begun.
        let rank = if one.start == ended { 3 } else { 1 };
        events.push(((ended, rank, transfer_id), end));
    }
    events.sort_by_key(|(moment, _)| *moment);
    (0..)
        .zip(events)
        .map(|(event_id, (_, row))| BareEventRow { event_id, ..row })
}
