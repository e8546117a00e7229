//! `transfers.csv`: what crossed the network.

use crate::records::books::RunBooks;
use crate::records::table::table;
use crate::time::SimTime;
use crate::world::{Participation, Ticket};
use std::collections::BTreeMap;

table! {
    /// One row a transfer.
    pub struct TransferRow<'a> in "transfers",
    key [transfer_id],
    references [[] in "runs" [], [participation_id] in "participations" [participation_id]],
    /// Counts transfers in the order in which they ended, from 0.
    transfer_id: u64;
    /// The participation that it belongs to: of what passes between peers the sender's; empty where kind is `control`.
    participation_id: Option<u64>;
    /// The sender: a client_id or an aggregator_id.
    from: &'a str;
    /// The receiver: a client_id or an aggregator_id.
    to: &'a str;
    /// What was sent.
    what: &'a str;
    /// Length of the buffer that the receiver would decode; after a suspension, of what was left of it.
    size_bytes: u64, "byte";
    /// Bytes that crossed the network, in all attempts: fewer than size_bytes where it was cut or suspended, more where failed links made it begin again.
    bytes: u64, "byte";
    /// Those of them that came to nothing: sent in attempts that a failed link cut, and not kept.
    lost_bytes: u64, "byte";
    /// Attempts to send it; 0 where it only waited for a route.
    attempts: u32;
    /// When it was sent.
    start_s: SimTime, "s";
    /// When it ended.
    end_s: SimTime, "s";
    /// How it ended: `delivered`, `cut` (the client was lost), `suspended` (the client went away; a later row carries the rest), `lost` (failed links had cut every attempt), `missed` (nobody was online to take it) or `unfinished` (the run ended first).
    outcome: &'a str;
    /// The link that held it to its rate at the end; empty where none did.
    limiting_link: Option<&'a str>;
    /// Between whom: `client` (a client and the aggregator that it works for), `tier` (an aggregator and the one above it), `peer` (a client and another) or `control` (outside participations).
    kind: &'a str;
}

pub(super) fn rows(books: &RunBooks) -> impl Iterator<Item = TransferRow<'_>> {
    let ids: BTreeMap<Ticket, u64> = books
        .accounts
        .participations
        .iter()
        .map(|Participation { ticket, id, .. }| (*ticket, *id))
        .collect();
    let transfers = books.accounts.transfers.iter().zip(0_u64..);
    transfers.map(move |(transfer, transfer_id)| TransferRow {
        run_id: &books.identity.run_id,
        transfer_id,
        participation_id: transfer.ticket.map(|ticket| ids[&ticket]),
        from: books.actor_name(transfer.from),
        to: books.actor_name(transfer.to),
        what: transfer.what,
        size_bytes: transfer.size_bytes,
        bytes: transfer.effort.sent_bytes,
        lost_bytes: transfer.effort.lost_bytes,
        attempts: transfer.effort.attempts,
        start_s: transfer.start,
        end_s: transfer.end,
        outcome: transfer.outcome.name(),
        limiting_link: transfer.limiting_link.as_deref(),
        kind: transfer.kind.name(),
    })
}
