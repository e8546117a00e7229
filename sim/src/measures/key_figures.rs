//! The key figures of a run: traffic, accuracy, time, compute, energy, money, benefit and the
//! operator's load.

use super::accuracy::{Split, instants, mean_accuracy};
use super::benefit::{BenefitSplit, BenefitSummary};
use super::client_totals::{ClientTotals, Figure};
use super::kpi::Kpis;
use super::label_skew::{LabelSkew, PartitionSkew};
use super::straggler::{DurationTail, StragglerMark};
use super::time_to_target::TimeToTarget;
use crate::records::{CloseReason, RunBooks, VersionRecord};
use crate::scenario::{RawBenefit, RawScope};
use crate::time::{SimDuration, SimTime};
use crate::world::{
    ClientState, Outcome, Participation, TransferKind, TransferOutcome, TransferRecord,
};
use std::collections::BTreeSet;

/// Over the whole run.
const TOTAL: &str = "total";
/// Divided by the number of clients.
const CLIENT_MEAN: &str = "client_mean";
/// Up to the first time that the target was reached.
const TO_TARGET: &str = "to_target";

/// All key figures of a run.
#[must_use]
pub fn key_figures(
    books: &RunBooks,
    totals: &[ClientTotals],
    marks: &[StragglerMark],
    partition: &PartitionSkew,
    target: TimeToTarget,
) -> Kpis {
    let mut kpis = Kpis::default();
    time(books, target, &mut kpis);
    accuracy(books, &mut kpis);
    traffic(books, target, &mut kpis);
    compute_and_energy(books, totals, &mut kpis);
    money(books, totals, &mut kpis);
    benefit(books, &mut kpis);
    operator(books, &mut kpis);
    participations(books, marks, &mut kpis);
    client_time(books, &mut kpis);
    spread_of_data(partition, &mut kpis);
    kpis
}

fn time(books: &RunBooks, target: TimeToTarget, kpis: &mut Kpis) {
    kpis.add(
        "run_time",
        TOTAL,
        "s",
        books.accounts.ended_at.as_secs_f64(),
    );
    match target {
        TimeToTarget::NotReached => {
            for name in ["time_to_target", "target_before", "target_after"] {
                kpis.add_not_reached(name, TO_TARGET, "s");
            }
            kpis.add_not_reached("versions", TO_TARGET, "1");
        }
        TimeToTarget::NoTarget | TimeToTarget::Reached(_) => {
            let reached = target.reached();
            let at = reached.map(|reached| reached.at.as_secs_f64());
            let before = reached
                .and_then(|reached| reached.before)
                .map(SimTime::as_secs_f64);
            kpis.add("time_to_target", TO_TARGET, "s", at);
            kpis.add("target_before", TO_TARGET, "s", before);
            kpis.add("target_after", TO_TARGET, "s", at);
            let versions = reached.map(|reached| {
                let published = versions(books).filter(|v| v.closed <= reached.at);
                published
                    .filter(|v| v.reason != CloseReason::Failed)
                    .count() as f64
            });
            kpis.add("versions", TO_TARGET, "1", versions);
        }
    }
    let failed = failed_versions(books);
    let published = versions(books).count() as f64 - failed;
    kpis.add("versions", TOTAL, "1", published);
    kpis.add("failed_versions", TOTAL, "1", failed);
}

fn spread_of_data(partition: &PartitionSkew, kpis: &mut Kpis) {
    kpis.add("n_train_gini", TOTAL, "1", partition.size_gini);
    let mean = |figure: fn(&LabelSkew) -> f64| partition.mean(figure);
    kpis.add(
        "label_entropy",
        CLIENT_MEAN,
        "bit",
        mean(|skew| skew.entropy),
    );
    kpis.add(
        "label_divergence",
        CLIENT_MEAN,
        "bit",
        mean(|skew| skew.divergence),
    );
    kpis.add(
        "label_distance",
        CLIENT_MEAN,
        "1",
        mean(|skew| skew.distance),
    );
}

fn failed_versions(books: &RunBooks) -> f64 {
    let failed = versions(books).filter(|v| v.reason == CloseReason::Failed);
    failed.count() as f64
}

/// The versions of the root; without one, everybody's.
fn versions(books: &RunBooks) -> impl Iterator<Item = &VersionRecord> {
    let root = books.root();
    let versions = books.versions.iter();
    versions.filter(move |version| root.is_none_or(|root| version.aggregator == root))
}

fn accuracy(books: &RunBooks, kpis: &mut Kpis) {
    let last = instants(&books.evaluations).next_back();
    let value = |scope, split| mean_accuracy(last?, scope, split);
    kpis.add(
        "accuracy_on_global",
        "global",
        "1",
        value(RawScope::Global, Split::Global),
    );
    for (name, split) in [
        ("accuracy_on_global", Split::Global),
        ("accuracy_on_own", Split::Own),
        ("accuracy_on_matched", Split::Matched),
    ] {
        kpis.add(name, "personal", "1", value(RawScope::Personal, split));
    }
}

/// The bytes of a transfer, where it belongs.
type BytesOf<'a> = Box<dyn Fn(&TransferRecord) -> Option<u64> + 'a>;

/// Bytes and messages of one kind: what they are called, and the bytes of a transfer that belongs.
struct Traffic<'a> {
    bytes: &'static str,
    messages: &'static str,
    of: BytesOf<'a>,
}

impl<'a> Traffic<'a> {
    fn new(
        bytes: &'static str,
        messages: &'static str,
        of: impl Fn(&TransferRecord) -> Option<u64> + 'a,
    ) -> Self {
        let of = Box::new(of);
        Self {
            bytes,
            messages,
            of,
        }
    }

    /// What crossed the network, where `belongs`.
    fn sent(
        bytes: &'static str,
        messages: &'static str,
        belongs: impl Fn(&TransferRecord) -> bool + 'a,
    ) -> Self {
        Self::new(bytes, messages, move |one| {
            belongs(one).then_some(one.effort.sent_bytes)
        })
    }
}

fn traffic(books: &RunBooks, target: TimeToTarget, kpis: &mut Kpis) {
    for (up, down) in [root_traffic(books), edge_traffic(books)]
        .into_iter()
        .flatten()
    {
        count_traffic(books, &up, target, kpis);
        count_traffic(books, &down, target, kpis);
    }
    for (kind, bytes, messages) in [
        (TransferKind::Peer, "peer_bytes", "peer_messages"),
        (TransferKind::Control, "control_bytes", "control_messages"),
    ] {
        let mut transfers = books.accounts.transfers.iter();
        if transfers.any(|one| one.kind == kind) {
            let traffic = Traffic::sent(bytes, messages, |one| one.kind == kind);
            count_traffic(books, &traffic, target, kpis);
        }
    }
}

/// To and from the root; without one, what clients sent and what they received.
fn root_traffic(books: &RunBooks) -> Option<(Traffic<'_>, Traffic<'_>)> {
    let (up, down) = (["up_bytes", "up_messages"], ["down_bytes", "down_messages"]);
    Some(match books.root() {
        Some(root) => (
            Traffic::sent(up[0], up[1], move |one| one.to == root),
            Traffic::sent(down[0], down[1], move |one| one.from == root),
        ),
        None => (
            Traffic::sent(up[0], up[1], |one| books.client_place(one.from).is_some()),
            Traffic::new(down[0], down[1], |one| {
                books.client_place(one.to)?;
                let is_received = one.outcome == TransferOutcome::Delivered;
                is_received.then_some(one.effort.received_bytes())
            }),
        ),
    })
}

/// Between the aggregators below the root and what is below those, where there are any.
fn edge_traffic(books: &RunBooks) -> Option<(Traffic<'_>, Traffic<'_>)> {
    let root = books.root()?;
    if books.aggregators.len() < 2 {
        return None;
    }
    let is_edge = move |one: &TransferRecord, up: bool| {
        let Some(ticket) = one.ticket else {
            return false;
        };
        let is_work = matches!(one.kind, TransferKind::Client | TransferKind::Tier);
        is_work && ticket.aggregator != root && (one.to == ticket.aggregator) == up
    };
    Some((
        Traffic::sent("edge_up_bytes", "edge_up_messages", move |one| {
            is_edge(one, true)
        }),
        Traffic::sent("edge_down_bytes", "edge_down_messages", move |one| {
            is_edge(one, false)
        }),
    ))
}

fn count_traffic(books: &RunBooks, traffic: &Traffic<'_>, target: TimeToTarget, kpis: &mut Kpis) {
    let clients = books.clients.len() as f64;
    let sums = |until: SimTime| {
        let transfers = books.accounts.transfers.iter();
        transfers
            .filter(|one| one.end <= until)
            .filter_map(&traffic.of)
            .fold((0, 0), |(bytes, messages), one| {
                (bytes + one, messages + 1_u64)
            })
    };
    let (bytes, messages) = sums(SimTime::MAX);
    for (name, unit, sum) in [
        (traffic.bytes, "byte", bytes),
        (traffic.messages, "1", messages),
    ] {
        kpis.add(name, TOTAL, unit, sum as f64);
        kpis.add(name, CLIENT_MEAN, unit, sum as f64 / clients);
    }
    if target == TimeToTarget::NotReached {
        kpis.add_not_reached(traffic.bytes, TO_TARGET, "byte");
        kpis.add_not_reached(traffic.messages, TO_TARGET, "1");
        return;
    }
    let sums = target.reached().map(|reached| sums(reached.at));
    let bytes = sums.map(|sums| sums.0 as f64);
    kpis.add(traffic.bytes, TO_TARGET, "byte", bytes);
    let messages = sums.map(|sums| sums.1 as f64);
    kpis.add(traffic.messages, TO_TARGET, "1", messages);
}

fn compute_and_energy(books: &RunBooks, totals: &[ClientTotals], kpis: &mut Kpis) {
    let clients = totals.len() as f64;
    for (place, name) in ["train_flops", "distill_flops", "infer_flops"]
        .into_iter()
        .enumerate()
    {
        let sum: u64 = totals.iter().map(|client| client.flops[place]).sum();
        kpis.add(name, TOTAL, "FLOP", sum as f64);
        kpis.add(name, CLIENT_MEAN, "FLOP", sum as f64 / clients);
    }
    let server: u64 = books
        .versions
        .iter()
        .map(|version| version.server_flops)
        .sum();
    kpis.add("server_flops", TOTAL, "FLOP", server as f64);
    let energies: [(&str, Figure); 2] = [
        ("participation_energy", |client| client.participation_joules),
        ("client_energy", |client| client.joules),
    ];
    for (name, energy) in energies {
        let sum: f64 = totals.iter().map(energy).sum();
        kpis.add(name, TOTAL, "J", sum);
        kpis.add(name, CLIENT_MEAN, "J", sum / clients);
    }
}

/// Prices times quantities: bytes on the wire, the clients' energy over the whole run, one set-up
/// a client, and staff time for each failed version and dropped participation.
fn money(books: &RunBooks, totals: &[ClientTotals], kpis: &mut Kpis) {
    let parts = ["cost_traffic", "cost_energy", "cost_setup", "cost_staff"];
    let Some(price) = &books.scenario.cost else {
        for name in parts.into_iter().chain(["cost"]) {
            kpis.add(name, TOTAL, "currency", None);
        }
        return;
    };
    let bytes: u64 = totals
        .iter()
        .map(|client| client.down_bytes + client.up_bytes)
        .sum();
    let joules: f64 = totals.iter().map(|client| client.joules).sum();
    let incidents = failed_versions(books) + count(books, |p| outcome(p).is_drop());
    let costs = [
        price.per_gb * bytes as f64 / 1e9,
        price.per_kwh * joules / 3.6e6,
        price.site_setup * totals.len() as f64,
        price.staff_hour * price.incident_minutes / 60.0 * incidents,
    ];
    let currency = match price.currency.as_str() {
        "" => "currency",
        name => name,
    };
    for (name, cost) in parts.into_iter().zip(costs) {
        kpis.add(name, TOTAL, currency.to_owned(), cost);
    }
    kpis.add(
        "cost",
        TOTAL,
        currency.to_owned(),
        costs.iter().sum::<f64>(),
    );
}

fn benefit(books: &RunBooks, kpis: &mut Kpis) {
    let asked: BTreeSet<RawBenefit> = books.scenario.records.benefit.iter().copied().collect();
    for twin in asked {
        let (matched, global) = match twin {
            RawBenefit::EqualEpochs => ("equal_epochs_matched", "equal_epochs_global"),
            RawBenefit::EqualTime => ("equal_time_matched", "equal_time_global"),
        };
        for (scope, split) in [
            (matched, BenefitSplit::Matched),
            (global, BenefitSplit::Global),
        ] {
            let found = BenefitSummary::of(books, twin, split);
            kpis.add("benefit_mean", scope, "1", found.map(|b| b.mean));
            kpis.add(
                "benefit_share_gaining",
                scope,
                "1",
                found.map(|b| b.share_gaining),
            );
            kpis.add(
                "benefit_share_harmed",
                scope,
                "1",
                found.map(|b| b.share_harmed),
            );
            let correlation = found.and_then(|b| b.rank_correlation_with_size);
            kpis.add(
                "benefit_rank_correlation_with_n_train",
                scope,
                "1",
                correlation,
            );
        }
    }
}

fn operator(books: &RunBooks, kpis: &mut Kpis) {
    kpis.add(
        "dropped_participations",
        TOTAL,
        "1",
        count(books, |p| outcome(p).is_drop()),
    );
    kpis.add(
        "wasted_participations",
        TOTAL,
        "1",
        count(books, |p| outcome(p).is_waste()),
    );
    let wasted = books.accounts.participations.iter().map(wasted);
    let (bytes, flops) = wasted.fold((0, 0), |sum, w| (sum.0 + w.0, sum.1 + w.1));
    kpis.add("wasted_bytes", TOTAL, "byte", bytes as f64);
    kpis.add("wasted_flops", TOTAL, "FLOP", flops as f64);
    kpis.add(
        "peak_transfers",
        TOTAL,
        "1",
        books.accounts.peak_transfers as f64,
    );
    let models: BTreeSet<&str> = books
        .clients
        .iter()
        .map(|client| client.model.as_str())
        .collect();
    kpis.add("distinct_models", TOTAL, "1", models.len() as f64);
}

/// Bytes and FLOPs that a participation spent for nothing.
pub(crate) fn wasted(participation: &Participation) -> (u64, u64) {
    if outcome(participation).is_waste() {
        let bytes = participation.down_bytes + participation.up_bytes;
        (bytes, participation.flops.iter().sum())
    } else {
        (0, 0)
    }
}

fn participations(books: &RunBooks, marks: &[StragglerMark], kpis: &mut Kpis) {
    kpis.add(
        "participations",
        TOTAL,
        "1",
        books.accounts.participations.len() as f64,
    );
    for which in Outcome::ALL {
        let name = format!("participations_{}", which.name());
        kpis.add(name, TOTAL, "1", count(books, |p| outcome(p) == which));
    }
    let tail = DurationTail::of(&books.accounts.participations);
    kpis.add("duration_p50", TOTAL, "s", tail.map(|tail| tail.p50));
    kpis.add(
        "duration_p95_over_p50",
        TOTAL,
        "1",
        tail.and_then(|tail| tail.p95_over_p50()),
    );
    kpis.add(
        "duration_p99_over_p50",
        TOTAL,
        "1",
        tail.and_then(|tail| tail.p99_over_p50()),
    );
    let relative = marks
        .iter()
        .filter(|mark| mark.is_relative == Some(true))
        .count();
    let undecided = marks
        .iter()
        .filter(|mark| mark.is_relative.is_none())
        .count();
    let blame: SimDuration = marks.iter().filter_map(|mark| mark.blame).sum();
    kpis.add("relative_stragglers", TOTAL, "1", relative as f64);
    kpis.add("undecided_stragglers", TOTAL, "1", undecided as f64);
    kpis.add("blame", TOTAL, "s", blame.as_secs_f64());
}

fn client_time(books: &RunBooks, kpis: &mut Kpis) {
    let times = &books.accounts.client_times;
    let sums: [(&str, SimDuration); 7] = [
        ("offline", times.iter().map(|t| t.offline()).sum()),
        ("computing", sum_in(books, ClientState::Computing)),
        ("receiving", sum_in(books, ClientState::Receiving)),
        ("sending", sum_in(books, ClientState::Sending)),
        (
            "waiting_version",
            sum_in(books, ClientState::WaitingForVersion),
        ),
        ("waiting_peer", sum_in(books, ClientState::WaitingForPeer)),
        ("unselected", sum_in(books, ClientState::Unselected)),
    ];
    for (state, sum) in sums {
        let seconds = sum.as_secs_f64();
        kpis.add(format!("client_{state}"), TOTAL, "s", seconds);
        kpis.add(
            format!("client_{state}"),
            CLIENT_MEAN,
            "s",
            seconds / times.len() as f64,
        );
    }
}

fn sum_in(books: &RunBooks, state: ClientState) -> SimDuration {
    books
        .accounts
        .client_times
        .iter()
        .map(|times| times.in_state(state))
        .sum()
}

fn count(books: &RunBooks, holds: impl Fn(&Participation) -> bool) -> f64 {
    books
        .accounts
        .participations
        .iter()
        .filter(|p| holds(p))
        .count() as f64
}

/// The outcome; what never got one was ended by the run's end.
pub(crate) fn outcome(participation: &Participation) -> Outcome {
    participation.outcome.unwrap_or(Outcome::Unfinished)
}

#[cfg(test)]
mod tests;
