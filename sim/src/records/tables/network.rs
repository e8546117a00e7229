//! `links.csv` of any run; `transfers.csv` of a run of bare transfers, and its row among the runs.

use super::run::{FactorRow, RunRow};
use crate::network::{Network, ResourceId, SharingPolicy};
use crate::records::network_books::NetworkBooks;
use crate::records::table::table;
use crate::time::{SimDuration, SimTime};

table! {
    /// One row a transfer that the scenario lists, in its order.
    pub struct BareTransferRow<'a> in "transfers",
    key [transfer_id],
    references [[] in "runs" []],
    /// Counts transfers in the order in which the scenario lists them, from 0.
    transfer_id: u64;
    /// The host that sent.
    from: &'a str;
    /// The host that received.
    to: &'a str;
    /// How much was sent.
    size_bytes: u64, "byte";
    /// When it was sent.
    start_s: SimTime, "s";
    /// When its last byte arrived, or it was given up; empty where neither could ever happen.
    end_s: Option<SimTime>, "s";
    /// How it ended: `delivered`, `lost` (failed links had cut every attempt) or `unfinished` (a link on its way had failed for good, or there was no way any more).
    outcome: &'a str;
    /// Attempts to send it; 0 where it only waited for a route.
    attempts: u32;
    /// Bytes that crossed the network, in all attempts.
    bytes: u64, "byte";
    /// Those of them that came to nothing: sent in attempts that a failed link cut, and not kept.
    lost_bytes: u64, "byte";
    /// The link that held it to its rate at the end; empty where none did.
    limiting_link: Option<&'a str>;
}

table! {
    /// One row a link and direction; one a link whose directions share.
    pub struct LinkRow<'a> in "links",
    key [link, direction],
    references [[] in "runs" []],
    /// Name of the link; an access link has its host's.
    link: &'a str;
    /// `up` or `down` for an access link; else `forward` or `backward`, or `both` where the directions share.
    direction: &'a str;
    /// Where bytes came from; the link's first end where the directions share.
    from: &'a str;
    /// Where they went; the link's second end where the directions share.
    to: &'a str;
    /// What transfers on it share: `shared`, `split-duplex` or `fat-pipe`.
    sharing: &'a str;
    /// Its bandwidth.
    bandwidth_bps: f64, "bit/s";
    /// Its one-way latency.
    latency_s: SimDuration, "s";
    /// Bytes that it carried.
    bytes: u64, "byte";
    /// Time with at least one transfer on it.
    busy_s: SimDuration, "s";
    /// Bytes carried over those that it could have carried in the whole run with its bandwidth as it was over time, less background traffic; empty for a fat pipe, which has no such bound, and where it could have carried nothing.
    mean_use: Option<f64>, "1";
    /// The largest share of its bandwidth, less background traffic, that transfers took together for any length of time; empty for a fat pipe.
    peak_use: Option<f64>, "1";
}

pub(super) fn run(books: &NetworkBooks) -> RunRow<'_> {
    let identity = &books.identity;
    RunRow {
        run_id: &identity.run_id,
        config_id: &identity.config_id,
        scenario: &identity.scenario,
        number: identity.number,
        replication: identity.replication,
        seed_world: identity.seed_world,
        seed_dynamics: identity.seed_dynamics,
        status: books.status(),
        end_s: books.ended_at,
        n_clients: books.clients,
        n_versions: 0,
        n_failed_versions: 0,
        n_participations: 0,
        accuracy_global: None,
        accuracy_personal_global: None,
        accuracy_personal_own: None,
        accuracy_personal_matched: None,
        time_to_target_s: None,
        up_bytes: 0,
        down_bytes: 0,
        client_flops: 0,
        client_energy_joules: 0.0,
    }
}

pub(super) fn factors(books: &NetworkBooks) -> impl Iterator<Item = FactorRow<'_>> {
    books.identity.factors.iter().map(|(key, value)| FactorRow {
        run_id: &books.identity.run_id,
        key,
        value,
    })
}

pub(super) fn transfers(books: &NetworkBooks) -> impl Iterator<Item = BareTransferRow<'_>> {
    let transfers = books.transfers.iter().zip(0_u64..);
    transfers.map(|(transfer, transfer_id)| BareTransferRow {
        run_id: &books.identity.run_id,
        transfer_id,
        from: &transfer.from,
        to: &transfer.to,
        size_bytes: transfer.size_bytes,
        start_s: transfer.start,
        end_s: transfer.end,
        outcome: transfer.outcome.name(),
        attempts: transfer.effort.attempts,
        bytes: transfer.effort.sent_bytes,
        lost_bytes: transfer.effort.lost_bytes,
        limiting_link: transfer.limiting_link.as_deref(),
    })
}

/// Every link and direction of a network after a run of this length.
pub(super) fn links<'a>(
    run_id: &'a str,
    ended_at: SimTime,
    network: &'a Network,
) -> impl Iterator<Item = LinkRow<'a>> {
    network
        .links()
        .zip(0..)
        .map(move |((part, usage), number)| {
            let could = network.could_carry(ResourceId(number), ended_at);
            let bounded = part.policy != SharingPolicy::FatPipe && could > 0.0;
            LinkRow {
                run_id,
                link: part.link,
                direction: part.direction,
                from: part.from,
                to: part.to,
                sharing: match part.policy {
                    SharingPolicy::Shared => "shared",
                    SharingPolicy::SplitDuplex => "split-duplex",
                    SharingPolicy::FatPipe => "fat-pipe",
                },
                bandwidth_bps: part.bandwidth.as_bits_per_second(),
                latency_s: part.latency,
                bytes: usage.bytes,
                busy_s: usage.busy,
                peak_use: (part.policy != SharingPolicy::FatPipe).then_some(usage.peak),
                mean_use: bounded.then(|| usage.bytes as f64 / could),
            }
        })
}
