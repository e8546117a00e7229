//! `versions.csv`: what an aggregator published, and what it cost to wait for it.

use crate::kernel::ActorId;
use crate::records::books::RunBooks;
use crate::records::table::table;
use crate::time::{SimDuration, SimTime};
use crate::world::Outcome;
use std::collections::BTreeMap;

table! {
    /// One row a version and its aggregator; version 0, what the run starts from, has none.
    pub struct VersionRow<'a> in "versions",
    key [aggregator_id, version],
    references [[] in "runs" []],
    /// The aggregator: `server`, one of aggregators.csv, or, peer to peer, a client.
    aggregator_id: &'a str;
    /// Number of the version.
    version: u64;
    /// Levels between the aggregator and the root of the hierarchy: 0 in a star, and peer to peer.
    tier: u32;
    /// When work for the version began.
    open_s: SimTime, "s";
    /// When it was published, or given up.
    close_s: SimTime, "s";
    /// Why then: `all_arrived` (every selected client had delivered or was lost), `quorum` (enough had delivered), `deadline`, `arrival` (every contribution makes a version) or `failed` (too few contributions: the knowledge stays as it was).
    close_reason: &'a str;
    /// Clients selected for it.
    n_selected: u64;
    /// Contributions folded into it.
    n_merged: u64;
    /// The greatest staleness among them; 0 where there are none.
    max_staleness: u64, "version";
    /// FLOPs that the aggregator spent on it.
    server_flops: u64, "FLOP";
    /// Time that contributions first folded into it, or left unused by its failure, had waited since their arrival.
    idle_client_s: SimDuration, "s";
}

pub(super) fn rows(books: &RunBooks) -> impl Iterator<Item = VersionRow<'_>> {
    let mut idle: BTreeMap<(ActorId, u64), SimDuration> = BTreeMap::new();
    for participation in &books.accounts.participations {
        let version = match (participation.outcome, participation.merge) {
            (Some(Outcome::Merged), Some(merge)) => merge.version,
            (Some(Outcome::Unused), _) => participation.start_version + 1,
            _ => continue,
        };
        let key = (participation.ticket.aggregator, version);
        *idle.entry(key).or_default() += participation.wait().unwrap_or_default();
    }
    books.versions.iter().map(move |version| VersionRow {
        run_id: &books.identity.run_id,
        aggregator_id: books.actor_name(version.aggregator),
        version: version.version,
        tier: books.tier(version.aggregator),
        open_s: version.opened,
        close_s: version.closed,
        close_reason: version.reason.name(),
        n_selected: version.selected,
        n_merged: version.merged,
        max_staleness: version.max_staleness,
        server_flops: version.server_flops,
        idle_client_s: idle
            .get(&(version.aggregator, version.version))
            .copied()
            .unwrap_or_default(),
    })
}
