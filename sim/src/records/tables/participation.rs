//! `participations.csv`: one client working for one version, from its selection to its outcome.

use crate::device::Phase;
use crate::kernel::ActorId;
use crate::measures::{Measures, outcome, wasted};
use crate::records::books::{CloseReason, RunBooks};
use crate::records::table::table;
use crate::time::{SimDuration, SimTime};
use crate::world::Outcome;
use std::collections::BTreeMap;

table! {
    /// One row a participation: one client, or one aggregator below another, working for one version. The grain of all straggler statistics.
    pub struct ParticipationRow<'a> in "participations",
    key [participation_id],
    references [[] in "runs" []],
    /// Counts participations in the order in which they were opened, from 0.
    participation_id: u64;
    /// The aggregator that it works for: `server`, one of aggregators.csv, or, peer to peer, the client itself.
    aggregator_id: &'a str;
    /// Levels between that aggregator and the root of the hierarchy: 0 in a star, and peer to peer.
    tier: u32;
    /// The client: its group and its number in it, as in clients.csv; where one aggregator works for another, its aggregator_id in aggregators.csv.
    client_id: &'a str;
    /// The client's group; `none` of an aggregator.
    group: &'a str;
    /// Counts the client's participations for the same start version, from 1.
    attempt: u32;
    /// The version that it started from.
    start_version: u64;
    /// The version that it was first folded into; empty where it was not. With `aggregator_id` it names a row of versions.csv.
    merged_version: Option<u64>;
    /// Number of versions that it was folded into: 0 or 1, or with a store of contributions every version until the client's next one was folded.
    merge_count: u64;
    /// merged_version − start_version − 1: versions published in between.
    staleness_versions: Option<u64>, "version";
    /// From the publication of the start version to the first merge.
    staleness_s: Option<SimDuration>, "s";
    /// When the client was selected.
    selected_s: SimTime, "s";
    /// When it began to receive; empty where nothing was sent to it.
    download_start_s: Option<SimTime>, "s";
    /// When it had received everything; empty where that did not happen.
    download_end_s: Option<SimTime>, "s";
    /// When it began to compute; of an aggregator, when it had received everything.
    compute_start_s: Option<SimTime>, "s";
    /// When it had computed everything; of an aggregator, when its own versions were done and it sent.
    compute_end_s: Option<SimTime>, "s";
    /// When it began to send; empty where it had nothing to send.
    upload_start_s: Option<SimTime>, "s";
    /// When its contribution had arrived; peer to peer, when all that it passed on had ended.
    upload_end_s: Option<SimTime>, "s";
    /// When its work ended: arrival of the contribution, drop, refusal, or end of the run.
    end_s: SimTime, "s";
    /// From selection to the end of the work; of what was cut it is only a lower bound.
    duration_s: SimDuration, "s";
    /// The phase in which the client or its link was lost: `download`, `compute` or `upload`.
    cut_phase: Option<&'a str>;
    /// How it ended: `merged`, `late` (after its version's deadline), `surplus` (after enough were in), `superseded` (a newer one of the same client was folded instead), `stale` (refused for staleness), `rejected` (refused by a robust rule), `unused` (its version failed), `dropped_download`, `dropped_compute`, `dropped_upload` (the client was lost), `lost_link` (failed links had cut every attempt to transfer), `unfit` (the model does not fit the device's memory), `diverged` (training left the finite numbers) or `unfinished` (the run ended first).
    outcome: &'a str;
    /// Bytes that the client received, whole or in part.
    down_bytes: u64, "byte";
    /// Bytes that the client sent, whole or in part.
    up_bytes: u64, "byte";
    /// Bytes received and sent for nothing: all of them unless it was merged or is unfinished.
    wasted_bytes: u64, "byte";
    /// FLOPs of learning from own data; those of an aggregator are in aggregators.csv.
    train_flops: u64, "FLOP";
    /// FLOPs of learning from received knowledge.
    distill_flops: u64, "FLOP";
    /// FLOPs of predicting.
    infer_flops: u64, "FLOP";
    /// FLOPs spent for nothing: all of them unless it was merged or is unfinished.
    wasted_flops: u64, "FLOP";
    /// Energy that the client drew while transferring and computing for it.
    energy_joules: f64, "J";
    /// Own samples learned from; 0 unless the computation was completed.
    n_samples: u64;
    /// Optimiser steps made; 0 unless the computation was completed.
    local_steps: u64;
    /// From the arrival of the contribution to the decision on it; empty where none arrived.
    wait_s: Option<SimDuration>, "s";
    /// Whether duration_s exceeds the straggler factor times the median of its reference (its cohort under a synchronous schedule, elsewhere the last max(20, children) of its aggregator that ended before it; peer to peer all clients are one cohort, or one reference); empty where cut participations leave that open, or there is no reference.
    is_relative: Option<bool>;
    /// Whether its arrival was the one that closed the version; empty where the version did not close by an arrival after which all or enough were in.
    is_critical: Option<bool>;
    /// Of a critical one, the phase that exceeds the cohort's median of that phase most; empty where none does.
    critical_phase: Option<&'a str>;
    /// Of a critical one, its arrival minus the one before; empty where it was the only arrival.
    blame_s: Option<SimDuration>, "s";
}

pub(super) fn rows<'a>(
    books: &'a RunBooks,
    measures: &'a Measures,
) -> impl Iterator<Item = ParticipationRow<'a>> {
    let counts = merge_counts(books);
    let marked = books.accounts.participations.iter().zip(&measures.marks);
    marked
        .zip(counts)
        .map(|((participation, mark), merge_count)| {
            let [download, compute, upload] = participation.phases;
            let (wasted_bytes, wasted_flops) = wasted(participation);
            let merge = participation.merge;
            let end = participation.end.unwrap_or(books.accounts.ended_at);
            ParticipationRow {
                run_id: &books.identity.run_id,
                participation_id: participation.id,
                aggregator_id: books.actor_name(participation.ticket.aggregator),
                tier: books.tier(participation.ticket.aggregator),
                client_id: books.actor_name(participation.client),
                group: books.group_name(participation.client),
                attempt: participation.attempt,
                start_version: participation.start_version,
                merged_version: merge.map(|merge| merge.version),
                merge_count,
                staleness_versions: merge.map(|merge| {
                    merge
                        .version
                        .saturating_sub(participation.start_version + 1)
                }),
                staleness_s: merge
                    .zip(participation.settled)
                    .map(|(merge, settled)| settled.saturating_since(merge.start_published)),
                selected_s: participation.selected,
                download_start_s: download.start,
                download_end_s: download.end,
                compute_start_s: compute.start,
                compute_end_s: compute.end,
                upload_start_s: upload.start,
                upload_end_s: upload.end,
                end_s: end,
                duration_s: end.saturating_since(participation.selected),
                cut_phase: participation.cut_phase.map(Phase::name),
                outcome: outcome(participation).name(),
                down_bytes: participation.down_bytes,
                up_bytes: participation.up_bytes,
                wasted_bytes,
                train_flops: participation.flops[0],
                distill_flops: participation.flops[1],
                infer_flops: participation.flops[2],
                wasted_flops,
                energy_joules: participation.energy_joules,
                n_samples: participation.samples,
                local_steps: participation.steps,
                wait_s: participation.wait(),
                is_relative: mark.is_relative,
                is_critical: mark.is_critical,
                critical_phase: mark.critical_phase.map(Phase::name),
                blame_s: mark.blame,
            }
        })
}

/// How many versions each participation was folded into, in the ledger's order.
fn merge_counts(books: &RunBooks) -> Vec<u64> {
    let participations = &books.accounts.participations;
    let mut counts = vec![0; participations.len()];
    // Published versions of each aggregator in order; a failed one folds nothing.
    let mut folds: BTreeMap<ActorId, Vec<u64>> = BTreeMap::new();
    for version in &books.versions {
        if version.reason != CloseReason::Failed {
            let folds = folds.entry(version.aggregator).or_default();
            folds.push(version.version);
        }
    }
    folds.values_mut().for_each(|folds| folds.sort_unstable());
    let mut merged: Vec<(u64, usize)> = participations
        .iter()
        .enumerate()
        .filter(|(_, p)| p.outcome == Some(Outcome::Merged))
        .filter_map(|(place, p)| Some((p.merge?.version, place)))
        .collect();
    merged.sort_unstable();
    // Backwards: the version from which a client's next contribution stands in the store.
    let mut replaced_at = BTreeMap::new();
    for (version, place) in merged.into_iter().rev() {
        let participation = &participations[place];
        let aggregator = participation.ticket.aggregator;
        let next = replaced_at.insert((aggregator, participation.client), version);
        counts[place] = if books.keeps_store {
            let folds = folds.get(&aggregator).map_or(&[][..], Vec::as_slice);
            let from = folds.partition_point(|fold| *fold < version);
            let to = next.map_or(folds.len(), |next| {
                folds.partition_point(|fold| *fold < next)
            });
            (to - from) as u64
        } else {
            1
        };
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::specimen;

    #[test]
    fn a_stored_contribution_counts_until_the_next_one_of_its_client() {
        let mut books = specimen::asynchronous();
        assert_eq!(merge_counts(&books), specimen::ASYNCHRONOUS_MERGE_COUNTS);
        books.keeps_store = false;
        let merged = books.accounts.participations.iter();
        let once: Vec<u64> = merged.map(|p| u64::from(p.merge.is_some())).collect();
        assert_eq!(merge_counts(&books), once);
    }
}
