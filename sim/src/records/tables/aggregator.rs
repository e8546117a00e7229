//! `aggregators.csv`: an aggregator as it was placed, and what its device did.

use crate::kernel::ActorId;
use crate::records::books::{CloseReason, RunBooks};
use crate::records::table::table;
use crate::time::SimDuration;
use std::collections::BTreeMap;

table! {
    /// One row an aggregator that is no client: the root, and those between it and the clients. None where clients learn from peers alone.
    pub struct AggregatorRow<'a> in "aggregators",
    key [aggregator_id],
    references [[] in "runs" []],
    /// The aggregator.
    aggregator_id: &'a str;
    /// Levels between it and the root of the hierarchy: 0 is the root.
    tier: u32;
    /// The aggregator above it; empty of the root.
    parent_id: Option<&'a str>;
    /// Node of the network where it stands.
    node: &'a str;
    /// Effective floating-point operations per second, all its cores together, while its speed profile says 1.
    speed_flops: f64, "FLOP/s";
    /// Draw when not computing.
    power_idle_watts: f64, "W";
    /// Draw when computing.
    power_busy_watts: f64, "W";
    /// Clients and aggregators directly below it.
    n_children: u64;
    /// Versions that it published.
    n_versions: u64;
    /// Versions that failed: too few contributions.
    n_failed: u64;
    /// FLOPs of learning from own data.
    train_flops: u64, "FLOP";
    /// FLOPs of learning from received knowledge.
    distill_flops: u64, "FLOP";
    /// FLOPs of predicting.
    infer_flops: u64, "FLOP";
    /// Time computing.
    computing_s: SimDuration, "s";
    /// The rest of the run.
    idle_s: SimDuration, "s";
    /// Energy over the whole run: seconds of each state times its draw.
    energy_joules: f64, "J";
    /// Bytes that it sent, in all attempts.
    sent_bytes: u64, "byte";
    /// Bytes that were sent to it, in all attempts.
    received_bytes: u64, "byte";
}

pub(super) fn rows(books: &RunBooks) -> impl Iterator<Item = AggregatorRow<'_>> {
    let mut versions: BTreeMap<ActorId, [u64; 2]> = BTreeMap::new();
    for version in &books.versions {
        let failed = usize::from(version.reason == CloseReason::Failed);
        versions.entry(version.aggregator).or_default()[failed] += 1;
    }
    let mut traffic: BTreeMap<ActorId, [u64; 2]> = BTreeMap::new();
    for transfer in &books.accounts.transfers {
        traffic.entry(transfer.from).or_default()[0] += transfer.effort.sent_bytes;
        traffic.entry(transfer.to).or_default()[1] += transfer.effort.sent_bytes;
    }
    let aggregators = books.aggregators.iter().zip(&books.accounts.aggregators);
    aggregators.map(move |(record, account)| {
        let of = |counts: &BTreeMap<ActorId, [u64; 2]>| {
            counts.get(&account.actor).copied().unwrap_or_default()
        };
        let [published, failed] = of(&versions);
        let [sent, received] = of(&traffic);
        AggregatorRow {
            run_id: &books.identity.run_id,
            aggregator_id: &record.name,
            tier: record.tier,
            parent_id: record.parent.map(|parent| books.actor_name(parent)),
            node: &record.node,
            speed_flops: record.flops_per_second,
            power_idle_watts: record.power.idle,
            power_busy_watts: record.power.busy,
            n_children: record.children,
            n_versions: published,
            n_failed: failed,
            train_flops: account.flops[0],
            distill_flops: account.flops[1],
            infer_flops: account.flops[2],
            computing_s: account.computing,
            idle_s: account.idle,
            energy_joules: account.energy_joules,
            sent_bytes: sent,
            received_bytes: received,
        }
    })
}
