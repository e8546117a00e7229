//! Claims about selection that hold for several rules, and about those that are a line long.

use super::*;
use crate::kernel::Streams;
use crate::scenario::{Duration, RawPreferred};
use crate::time::SimDuration;

pub(super) fn clients(count: u32) -> Vec<ActorId> {
    (1..=count).map(ActorId).collect()
}

/// Children from 1 on with these numbers of samples, and no estimates.
pub(super) fn with_samples(samples: &[u64]) -> Vec<(ActorId, Registration)> {
    let registrations = samples.iter().map(|samples| Registration {
        samples: *samples,
        estimate: None,
    });
    (1..).map(ActorId).zip(registrations).collect()
}

/// Children of 10 samples with these estimates, in seconds until ready and of the upload.
pub(super) fn with_estimates(estimates: &[(f64, f64)]) -> Vec<(ActorId, Registration)> {
    let registrations = estimates.iter().map(|(ready, upload)| Registration {
        samples: 10,
        estimate: Some(TimeEstimate {
            download: SimDuration::ZERO,
            compute: seconds(*ready),
            upload: seconds(*upload),
        }),
    });
    (1..).map(ActorId).zip(registrations).collect()
}

pub(super) fn seconds(seconds: f64) -> SimDuration {
    SimDuration::from_secs_f64(seconds).expect("a length of time")
}

pub(super) fn stream() -> Stream {
    Streams::new(1).stream("server", "selection")
}

pub(super) fn loss(mean: f64) -> Option<LossReport> {
    Some(LossReport {
        mean,
        mean_square: mean * mean,
    })
}

fn selector(rule: &RawSelection, children: Vec<(ActorId, Registration)>) -> Selector {
    Selector::new(rule, children, stream())
}

fn uniform(count: usize) -> RawSelection {
    RawSelection::Uniform {
        count: Some(count),
        fraction: None,
    }
}

fn power_of_choice(count: usize, candidates: usize) -> RawSelection {
    RawSelection::PowerOfChoice {
        count: Some(count),
        fraction: None,
        candidates: Some(candidates),
    }
}

fn availability(prefer: RawPreferred, least: f64) -> RawSelection {
    RawSelection::Availability {
        count: Some(2),
        fraction: None,
        prefer,
        least,
    }
}

fn oort() -> RawSelection {
    RawSelection::Oort {
        count: Some(2),
        fraction: None,
        exploration: 0.9,
        exploration_decay: 0.98,
        least_exploration: 0.2,
        penalty: 2.0,
        clip: 0.95,
        cut_off: 0.95,
        pace: None,
        window: 20,
    }
}

/// One of each kind that picks two.
fn every_rule_of_two() -> Vec<RawSelection> {
    let (count, fraction) = (Some(2), None);
    vec![
        uniform(2),
        RawSelection::DataShare { count, fraction },
        RawSelection::RoundRobin { count, fraction },
        power_of_choice(2, 4),
        oort(),
        RawSelection::Tifl {
            count,
            fraction,
            tiers: 3,
            interval: 2,
            credits: Some(2),
        },
        availability(RawPreferred::Reliable, 0.4),
        availability(RawPreferred::Rare, 0.0),
    ]
}

fn fedcs(deadline: f64) -> RawSelection {
    RawSelection::FedCs {
        count: None,
        fraction: None,
        deadline: Some(Duration::from_seconds(deadline)),
        uploads: crate::scenario::RawUploads::AtOnce,
    }
}

fn picked(clients: &[u32]) -> Vec<ActorId> {
    clients.iter().copied().map(ActorId).collect()
}

/// How often each child of 10 000 draws of `count` is picked.
pub(super) fn frequencies(
    children: u32,
    mut draw: impl FnMut(Vec<ActorId>) -> Vec<ActorId>,
) -> Vec<f64> {
    let mut counts = vec![0.0; children as usize];
    for _ in 0..10_000 {
        for client in draw(clients(children)) {
            counts[client.index() - 1] += 1.0;
        }
    }
    counts
}

/// Whether a count of 10 000 is within the 99 % interval about the probability.
pub(super) fn is_about(count: f64, probability: f64) -> bool {
    let deviation = (10_000.0 * probability * (1.0 - probability)).sqrt();
    (count - 10_000.0 * probability).abs() <= 2.576 * deviation
}

#[test]
fn over_selection_takes_more_and_waits_for_what_the_rule_picks() {
    let thirty = || with_samples(&[5; 30]);
    let cohort = selector(&uniform(10), thirty()).cohort(clients(30), 1.2);
    assert_eq!((cohort.clients.len(), cohort.wanted), (12, 10));
    let few = selector(&uniform(10), thirty()).cohort(clients(11), 1.2);
    assert_eq!((few.clients.len(), few.wanted), (11, 10));
    let all = selector(&RawSelection::All, thirty()).cohort(clients(30), 1.2);
    assert_eq!((all.clients.len(), all.wanted), (30, 25));
    let rest = selector(&uniform(10), thirty()).cohort(clients(4), 1.2);
    assert_eq!((rest.clients.len(), rest.wanted), (4, 4));
}

#[test]
fn every_rule_over_selects_and_makes_do_with_fewer_than_it_wants() {
    for rule in every_rule_of_two() {
        let mut selector = selector(&rule, with_samples(&[5; 9]));
        // ⌈2·1.4⌉ are taken, and 2 waited for.
        let cohort = selector.cohort(clients(9), 1.4);
        assert_eq!((cohort.clients.len(), cohort.wanted), (3, 2), "{rule:?}");
        let one = selector.cohort(picked(&[7]), 1.4);
        assert_eq!((one.clients, one.wanted), (picked(&[7]), 1), "{rule:?}");
        assert_eq!(selector.draw(clients(9), 1).len(), 1, "{rule:?}");
        assert_eq!(selector.draw(clients(9), 0), [], "{rule:?}");
        assert_eq!(selector.draw(Vec::new(), 2), [], "{rule:?}");
        assert_eq!(selector.draw(clients(9), 20), clients(9), "{rule:?}");
    }
}

#[test]
fn a_rule_that_takes_all_it_can_waits_for_its_share_of_them() {
    let children = with_estimates(&[(1.0, 0.5), (2.0, 0.5), (9.0, 0.5), (2.5, 0.5)]);
    let cohort = selector(&fedcs(3.0), children).cohort(clients(4), 1.5);
    // Of the four, three fit; ⌊3/1.5⌋ are waited for.
    assert_eq!(cohort.clients, picked(&[1, 2, 4]));
    assert_eq!(cohort.wanted, 2);
}

#[test]
fn the_same_reports_and_seed_give_the_same_cohorts() {
    // As an edge aggregator's children may be numbered.
    let ids = [3, 8, 21, 34, 55, 89];
    for rule in every_rule_of_two().into_iter().chain([fedcs(3.0)]) {
        let run = || {
            let children = with_samples(&[4, 9, 1, 30, 2, 7]).into_iter().zip(ids);
            let children = children.map(|((_, registration), id)| (ActorId(id), registration));
            let mut selector = Selector::new(&rule, children, stream());
            let mut cohorts = Vec::new();
            for version in 0..12_u32 {
                let cohort = selector.cohort(picked(&ids), 1.2).clients;
                for child in &cohort {
                    let now = SimTime::ZERO + seconds(f64::from(version * 100));
                    selector.opened(*child, now);
                    match (child.0 + version) % 3 {
                        0 => selector.lost(*child),
                        rest => {
                            let later = now + seconds(f64::from(child.0));
                            selector.arrived(*child, loss(f64::from(rest)), later);
                        }
                    }
                }
                selector.published();
                cohorts.push(cohort);
            }
            cohorts
        };
        let cohorts = run();
        assert_eq!(cohorts, run(), "{rule:?}");
        for cohort in cohorts {
            assert!(cohort.windows(2).all(|pair| pair[0] < pair[1]), "{rule:?}");
        }
    }
}

#[test]
fn a_uniform_draw_takes_each_candidate_equally_often_and_none_twice() {
    let mut selector = selector(&uniform(3), with_samples(&[5; 10]));
    let counts = frequencies(10, |there| selector.cohort(there, 1.0).clients);
    assert!(counts.iter().all(|count| is_about(*count, 0.3)));
}

#[test]
fn a_draw_by_data_share_goes_by_samples_each_time_among_those_left() {
    let rule = |count| RawSelection::DataShare {
        count: Some(count),
        fraction: None,
    };
    let mut one = selector(&rule(1), with_samples(&[1, 2, 7]));
    let counts = frequencies(3, |there| one.cohort(there, 1.0).clients);
    for (count, probability) in counts.into_iter().zip([0.1, 0.2, 0.7]) {
        assert!(is_about(count, probability), "{count} of {probability}");
    }
    let mut two = selector(&rule(2), with_samples(&[1, 2, 7]));
    let counts = frequencies(3, |there| two.cohort(there, 1.0).clients);
    // First client 1: 0.1; or 2 and then 1 of 1 and 7; or 3 and then 1 of 1 and 2.
    let first = 0.1 + 0.2 / 8.0 + 0.7 / 3.0;
    // Not client 3: 1 and then 2 of 2 and 7, or 2 and then 1 of 1 and 7.
    let third = 1.0 - (0.1 * 2.0 / 9.0 + 0.2 / 8.0);
    assert!(is_about(counts[0], first), "{counts:?}");
    assert!(is_about(counts[2], third), "{counts:?}");
}

#[test]
fn a_client_without_samples_is_drawn_when_nobody_else_is_left() {
    let rule = RawSelection::DataShare {
        count: Some(2),
        fraction: None,
    };
    let mut selector = selector(&rule, with_samples(&[0, 1, 0, 1000]));
    for _ in 0..100 {
        assert_eq!(selector.draw(clients(4), 2), picked(&[2, 4]));
    }
    let counts = frequencies(4, |there| selector.draw(there, 3));
    assert!(is_about(counts[0], 0.5), "{counts:?}");
}

#[test]
fn round_robin_goes_on_after_the_last_and_passes_over_who_is_away() {
    let rule = RawSelection::RoundRobin {
        count: Some(2),
        fraction: None,
    };
    let mut selector = selector(&rule, with_samples(&[5; 5]));
    assert_eq!(selector.draw(clients(5), 2), picked(&[1, 2]));
    assert_eq!(selector.draw(clients(5), 2), picked(&[3, 4]));
    assert_eq!(selector.draw(clients(5), 2), picked(&[1, 5]));
    assert_eq!(selector.draw(picked(&[1, 4, 5]), 2), picked(&[4, 5]));
    assert_eq!(selector.draw(clients(5), 1), picked(&[1]));
}

fn reporting(rule: &RawSelection, samples: &[u64], losses: &[Option<f64>]) -> Selector {
    let mut selector = selector(rule, with_samples(samples));
    for (child, mean) in clients(losses.len() as u32).into_iter().zip(losses) {
        if let Some(mean) = mean {
            selector.opened(child, SimTime::ZERO);
            selector.arrived(child, loss(*mean), SimTime::ZERO + seconds(1.0));
        }
    }
    selector
}

#[test]
fn power_of_choice_keeps_the_highest_losses_and_tries_the_unknown_first() {
    let losses = [Some(0.5), Some(2.0), None, Some(1.0), Some(0.1)];
    let mut selector = reporting(&power_of_choice(2, 5), &[10; 5], &losses);
    assert_eq!(selector.draw(clients(5), 2), picked(&[2, 3]));
    let mut selector = reporting(&power_of_choice(3, 5), &[10; 5], &losses);
    assert_eq!(selector.draw(clients(5), 3), picked(&[2, 3, 4]));
    // The last report counts.
    selector.opened(ActorId(2), SimTime::ZERO);
    selector.arrived(ActorId(2), loss(0.01), SimTime::ZERO + seconds(1.0));
    assert_eq!(selector.draw(clients(5), 3), picked(&[1, 3, 4]));
}

#[test]
fn candidates_of_power_of_choice_are_drawn_by_samples_even_for_one_replacement() {
    let losses = [Some(3.0), Some(2.0), Some(1.0)];
    // Of two candidates by 1, 2 and 7 samples: client 1 is among them with probability
    // 0.1 + 0.2/8 + 0.7/3, and else client 2 is.
    let first = 0.1 + 0.2 / 8.0 + 0.7 / 3.0;
    for (count, candidates) in [(1, 2), (4, 8)] {
        let rule = power_of_choice(count, candidates);
        let mut selector = reporting(&rule, &[1, 2, 7], &losses);
        let counts = frequencies(3, |there| selector.draw(there, 1));
        assert!(is_about(counts[0], first), "{counts:?}");
        assert!(is_about(counts[1], 1.0 - first), "{counts:?}");
    }
}

#[test]
fn where_nobody_has_reported_power_of_choice_draws_its_candidates_alike() {
    let mut selector = selector(&power_of_choice(1, 4), with_samples(&[10; 4]));
    let counts = frequencies(4, |there| selector.draw(there, 1));
    assert!(counts.iter().all(|count| is_about(*count, 0.25)));
}

/// Client 1 completed three of three (4/5), client 2 one of three (2/5), client 3 none of none (1/2).
fn with_history(rule: &RawSelection) -> Selector {
    let mut selector = selector(rule, with_samples(&[10; 3]));
    for (child, delivered) in [(1, true), (1, true), (1, true), (2, true), (2, false)] {
        selector.opened(ActorId(child), SimTime::ZERO);
        match delivered {
            true => selector.arrived(ActorId(child), None, SimTime::ZERO),
            false => selector.lost(ActorId(child)),
        }
    }
    selector.opened(ActorId(2), SimTime::ZERO);
    selector.lost(ActorId(2));
    selector
}

#[test]
fn the_reliable_are_drawn_by_the_share_that_they_completed() {
    let mut selector = with_history(&availability(RawPreferred::Reliable, 0.0));
    let counts = frequencies(3, |there| selector.draw(there, 1));
    for (count, share) in counts.into_iter().zip([0.8, 0.4, 0.5]) {
        assert!(is_about(count, share / 1.7), "{count} of {share}");
    }
}

#[test]
fn below_the_least_share_clients_only_fill_up() {
    let mut selector = with_history(&availability(RawPreferred::Reliable, 0.45));
    assert_eq!(selector.draw(clients(3), 2), picked(&[1, 3]));
    assert_eq!(selector.draw(picked(&[1, 2]), 2), picked(&[1, 2]));
    let mut strict = with_history(&availability(RawPreferred::Reliable, 0.9));
    assert_eq!(strict.draw(clients(3), 2), picked(&[1, 3]));
}

#[test]
fn the_rare_come_first() {
    let mut selector = with_history(&availability(RawPreferred::Rare, 0.0));
    assert_eq!(selector.draw(clients(3), 1), picked(&[2]));
    assert_eq!(selector.draw(clients(3), 2), picked(&[2, 3]));
}

#[test]
fn a_report_tells_the_duration_and_version_as_the_aggregator_saw_them() {
    let mut selector = selector(&uniform(1), with_samples(&[10]));
    let child = ActorId(1);
    selector.published();
    selector.opened(child, SimTime::ZERO + seconds(3.0));
    selector.published();
    selector.arrived(child, loss(0.5), SimTime::ZERO + seconds(10.5));
    selector.opened(child, SimTime::ZERO + seconds(11.0));
    selector.lost(child);
    let report = selector.reports.of(child);
    assert_eq!(report.duration, Some(seconds(7.5)));
    assert_eq!(report.version, Some(1));
    assert_eq!((report.opened, report.delivered, report.lost), (2, 1, 1));
    assert_eq!(report.utility(), Some(5.0));
    assert_eq!(report.completed_share(), 0.5);
}

#[test]
fn a_fraction_is_rounded_and_never_nobody() {
    let size = |fraction| {
        let rule = RawSelection::Uniform {
            count: None,
            fraction: Some(fraction),
        };
        selector(&rule, with_samples(&[5; 34])).size()
    };
    assert_eq!(size(0.1), 3);
    assert_eq!(size(0.001), 1);
}
