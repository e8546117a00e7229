//! The key figures of a run: traffic, accuracy, time, compute, energy, money, benefit and the
//! operator's load.

use super::accuracy::{Split, instants, mean_accuracy};
use super::benefit::{BenefitSplit, BenefitSummary};
use super::client_totals::{ClientTotals, Figure};
use super::kpi::Kpis;
use super::straggler::{DurationTail, StragglerMark};
use super::time_to_target::TimeToTarget;
use crate::kernel::ActorId;
use crate::records::{CloseReason, RunBooks};
use crate::scenario::{RawBenefit, RawScope};
use crate::time::{SimDuration, SimTime};
use crate::world::{ClientState, Outcome, Participation};
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
                let published = books.versions.iter().filter(|v| v.closed <= reached.at);
                published
                    .filter(|v| v.reason != CloseReason::Failed)
                    .count() as f64
            });
            kpis.add("versions", TO_TARGET, "1", versions);
        }
    }
    let failed = failed_versions(books);
    kpis.add("versions", TOTAL, "1", books.versions.len() as f64 - failed);
    kpis.add("failed_versions", TOTAL, "1", failed);
}

fn failed_versions(books: &RunBooks) -> f64 {
    let failed = books
        .versions
        .iter()
        .filter(|v| v.reason == CloseReason::Failed);
    failed.count() as f64
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

/// Bytes and messages of one direction.
struct Direction {
    bytes: &'static str,
    messages: &'static str,
    is_up: bool,
}

fn traffic(books: &RunBooks, target: TimeToTarget, kpis: &mut Kpis) {
    let clients = books.clients.len() as f64;
    for direction in [
        Direction {
            bytes: "up_bytes",
            messages: "up_messages",
            is_up: true,
        },
        Direction {
            bytes: "down_bytes",
            messages: "down_messages",
            is_up: false,
        },
    ] {
        let sums = |until: SimTime| {
            books
                .accounts
                .transfers
                .iter()
                .filter(|t| (t.to == ActorId(0)) == direction.is_up && t.end <= until)
                .fold((0, 0), |(bytes, messages), t| {
                    (bytes + t.carried_bytes, messages + 1_u64)
                })
        };
        let (bytes, messages) = sums(SimTime::MAX);
        for (name, unit, sum) in [
            (direction.bytes, "byte", bytes),
            (direction.messages, "1", messages),
        ] {
            kpis.add(name, TOTAL, unit, sum as f64);
            kpis.add(name, CLIENT_MEAN, unit, sum as f64 / clients);
        }
        if target == TimeToTarget::NotReached {
            kpis.add_not_reached(direction.bytes, TO_TARGET, "byte");
            kpis.add_not_reached(direction.messages, TO_TARGET, "1");
        } else {
            let sums = target.reached().map(|reached| sums(reached.at));
            kpis.add(
                direction.bytes,
                TO_TARGET,
                "byte",
                sums.map(|sums| sums.0 as f64),
            );
            kpis.add(
                direction.messages,
                TO_TARGET,
                "1",
                sums.map(|sums| sums.1 as f64),
            );
        }
    }
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
    let sums: [(&str, SimDuration); 6] = [
        ("offline", times.iter().map(|t| t.offline()).sum()),
        ("computing", sum_in(books, ClientState::Computing)),
        ("transferring", sum_in(books, ClientState::Transferring)),
        (
            "waiting_version",
            sum_in(books, ClientState::WaitingForVersion),
        ),
        // No client waits for another where there is one aggregator.
        ("waiting_peer", SimDuration::ZERO),
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
mod tests {
    use super::super::Measures;
    use super::super::kpi::KpiStatus;
    use super::*;
    use crate::records::specimen;

    /// Name, scope and value.
    fn check(kpis: &Kpis, expected: &[(&str, &str, f64)]) {
        for (name, scope, value) in expected {
            let found = kpis.value(name, scope);
            let near = found.is_some_and(|found| (found - value).abs() < 1e-9);
            assert!(near, "{name} ({scope}) is {found:?} instead of {value}");
        }
    }

    fn status(kpis: &Kpis, name: &str, scope: &str) -> (KpiStatus, Option<f64>) {
        let kpi = kpis.get(name, scope).unwrap();
        (kpi.status, kpi.value)
    }

    #[test]
    fn the_figures_of_the_specimen_are_those_worked_out_by_hand() {
        let kpis = Measures::of(&specimen::synchronous()).kpis;
        check(
            &kpis,
            &[
                ("run_time", "total", 27.0),
                ("versions", "total", 2.0),
                ("failed_versions", "total", 0.0),
                // Eight downloads of 1000; six uploads of 500 and a quarter kilobyte.
                ("down_bytes", "total", 8000.0),
                ("down_bytes", "client_mean", 2000.0),
                ("up_bytes", "total", 3250.0),
                ("up_messages", "total", 7.0),
                // Seven times 100, 20, 10 and once 60, 20, 0.
                ("train_flops", "total", 760.0),
                ("distill_flops", "client_mean", 40.0),
                ("infer_flops", "total", 70.0),
                ("server_flops", "total", 2000.0),
                ("participation_energy", "total", 80.0),
                ("client_energy", "total", 407.0),
                // 11250 bytes at 1000 a GB, 1 a joule, 4 sites, one minute for one drop.
                ("cost_traffic", "total", 0.01125),
                ("cost_energy", "total", 407.0),
                ("cost_setup", "total", 40.0),
                ("cost_staff", "total", 1.0),
                ("cost", "total", 448.01125),
                ("accuracy_on_global", "global", 0.9),
                ("accuracy_on_global", "personal", 0.8),
                // Gains 0.2, 0.1, 0, −0.05 of sizes 10, 20, 30, 40: perfectly opposed.
                ("benefit_mean", "equal_epochs_matched", 0.0625),
                ("benefit_share_gaining", "equal_epochs_matched", 0.5),
                ("benefit_share_harmed", "equal_epochs_global", 0.25),
                (
                    "benefit_rank_correlation_with_n_train",
                    "equal_epochs_matched",
                    -1.0,
                ),
                ("dropped_participations", "total", 1.0),
                ("wasted_participations", "total", 1.0),
                ("wasted_bytes", "total", 1000.0),
                ("wasted_flops", "total", 80.0),
                ("peak_transfers", "total", 4.0),
                ("distinct_models", "total", 2.0),
                ("participations_merged", "total", 6.0),
                ("participations_unfinished", "total", 1.0),
                ("blame", "total", 6.0),
                ("undecided_stragglers", "total", 2.0),
                // 12 + 10 + 3 + 2, and 7 + 5 + 0 + 5.
                ("client_computing", "total", 27.0),
                ("client_waiting_version", "total", 17.0),
                ("client_transferring", "client_mean", 29.0 / 4.0),
            ],
        );
        assert_eq!(kpis.get("cost", "total").unwrap().unit, "EUR");
        assert_eq!(kpis.get("benefit_mean", "equal_time_matched"), None);
    }

    #[test]
    fn every_second_of_every_client_is_in_one_state() {
        let books = specimen::synchronous();
        let kpis = Measures::of(&books).kpis;
        let states = kpis
            .all()
            .iter()
            .filter(|kpi| kpi.unit == "s" && kpi.scope == "total");
        let states = states.filter(|kpi| kpi.name.starts_with("client_"));
        let sum: f64 = states.filter_map(|kpi| kpi.value).sum();
        assert!((sum - 4.0 * 27.0).abs() < 1e-9);
    }

    #[test]
    fn the_cost_to_the_target_is_that_at_the_start_of_the_held_streak() {
        // Mean 0.2 at 0 s, 0.8 at 10 s, 0.85 at 20 s. By 10 s: four downloads, uploads at 7 and 8 s.
        let kpis = Measures::of(&specimen::synchronous()).kpis;
        check(
            &kpis,
            &[
                ("time_to_target", "to_target", 10.0),
                ("target_before", "to_target", 0.0),
                ("target_after", "to_target", 10.0),
                ("down_bytes", "to_target", 4000.0),
                ("up_bytes", "to_target", 1000.0),
                ("up_messages", "to_target", 2.0),
                ("versions", "to_target", 0.0),
            ],
        );
    }

    #[test]
    fn a_target_that_is_not_held_is_censored_and_never_zero() {
        let mut books = specimen::synchronous();
        books.scenario.evaluation.target.as_mut().unwrap().hold = 3;
        // The third evaluation in a row is at 27 s, off the grid of 10 s.
        let kpis = Measures::of(&books).kpis;
        for (name, scope) in [
            ("time_to_target", "to_target"),
            ("target_before", "to_target"),
            ("up_bytes", "to_target"),
            ("versions", "to_target"),
        ] {
            assert_eq!(
                status(&kpis, name, scope),
                (KpiStatus::NotReached, None),
                "{name}"
            );
        }
        books.scenario.evaluation.target = None;
        let kpis = Measures::of(&books).kpis;
        let undefined = (KpiStatus::Undefined, None);
        assert_eq!(status(&kpis, "time_to_target", "to_target"), undefined);
        assert_eq!(status(&kpis, "up_bytes", "to_target"), undefined);
    }

    #[test]
    fn a_dip_starts_the_streak_anew() {
        let mut books = specimen::synchronous();
        let mut later = books.evaluations[1].clone();
        later.at = specimen::seconds(30.0);
        let mut latest = later.clone();
        latest.at = specimen::seconds(40.0);
        books.evaluations[2] = books.evaluations[0].clone();
        books.evaluations[2].at = specimen::seconds(20.0);
        books.evaluations.truncate(3);
        books.evaluations.extend([later, latest]);
        let kpis = Measures::of(&books).kpis;
        check(
            &kpis,
            &[
                ("target_before", "to_target", 20.0),
                ("time_to_target", "to_target", 30.0),
            ],
        );
    }

    #[test]
    fn what_has_nothing_behind_it_is_undefined() {
        let mut books = specimen::synchronous();
        books.scenario.cost = None;
        books.evaluations.clear();
        books.accounts.participations.clear();
        let kpis = Measures::of(&books).kpis;
        for (name, scope) in [
            ("cost", "total"),
            ("accuracy_on_global", "personal"),
            ("duration_p95_over_p50", "total"),
        ] {
            assert_eq!(
                status(&kpis, name, scope),
                (KpiStatus::Undefined, None),
                "{name}"
            );
        }
    }
}
