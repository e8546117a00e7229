//! The key figures of the specimen, worked out by hand.

use super::*;
use crate::measures::KpiStatus;
use crate::measures::Measures;
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
            ("client_energy", "total", 428.0),
            // 11250 bytes at 1000 a GB, 1 a joule, 4 sites, one minute for one drop.
            ("cost_traffic", "total", 0.01125),
            ("cost_energy", "total", 428.0),
            ("cost_setup", "total", 40.0),
            ("cost_staff", "total", 1.0),
            ("cost", "total", 469.01125),
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
            // 3 + 2 + 1 + 2, and 5 + 4 + 0 + 12.
            ("client_receiving", "client_mean", 8.0 / 4.0),
            ("client_sending", "total", 21.0),
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

#[test]
fn a_hierarchy_tells_the_traffic_of_its_root_from_that_of_its_edge() {
    let kpis = Measures::of(&specimen::tiers()).kpis;
    check(
        &kpis,
        &[
            // The root's own versions.
            ("versions", "total", 1.0),
            // Two downloads of 1000, two uploads of 500, and a question of 70, at either level.
            ("down_bytes", "total", 2070.0),
            ("down_messages", "total", 3.0),
            ("up_bytes", "total", 1000.0),
            ("edge_down_bytes", "total", 2000.0),
            ("edge_up_bytes", "total", 1000.0),
            ("edge_up_messages", "total", 2.0),
            ("control_bytes", "total", 70.0),
            ("control_messages", "client_mean", 0.25),
            // Three clients; the edge server has computed nothing of its own.
            ("train_flops", "total", 300.0),
        ],
    );
    assert!(kpis.get("peer_bytes", "total").is_none());
    let star = Measures::of(&specimen::synchronous()).kpis;
    for absent in ["edge_up_bytes", "peer_bytes", "control_bytes"] {
        assert!(star.get(absent, "total").is_none(), "{absent}");
    }
}

#[test]
fn among_peers_what_was_sent_is_more_than_what_was_received() {
    let kpis = Measures::of(&specimen::peers()).kpis;
    check(
        &kpis,
        &[
            ("up_bytes", "total", 1000.0),
            ("up_messages", "total", 3.0),
            // One of 250 came to one that was offline.
            ("down_bytes", "total", 750.0),
            ("down_messages", "total", 2.0),
            ("peer_bytes", "total", 1000.0),
            ("versions", "total", 2.0),
        ],
    );
}
