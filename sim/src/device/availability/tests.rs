//! What holds of every kind of availability, and exact figures of those without chance.

use super::*;
use crate::kernel::Streams;

const SECOND: u64 = 1_000_000_000;
const HOUR: u64 = 3600 * SECOND;
const DAY: u64 = 24 * HOUR;
const NEVER: SimTime = SimTime::MAX;

fn at(nanos: u64) -> SimTime {
    SimTime::from_nanos(nanos)
}

fn seconds(seconds: u64) -> SimTime {
    at(seconds * SECOND)
}

fn stream(seed: u64) -> Stream {
    Streams::new(seed).stream("c", "availability")
}

fn hours(hours: u64) -> SimDuration {
    SimDuration::from_nanos(hours * HOUR)
}

fn two_hours_up_one_down(seed: u64) -> Availability {
    Availability::exponential(hours(2), hours(1), stream(seed))
}

fn weekdays_from_8_to_17(offset: u64) -> Availability {
    let days = (0..5).map(|day| (day * DAY + 8 * HOUR, day * DAY + 17 * HOUR));
    Availability::Pattern {
        pattern: Arc::new(Pattern::new(days, Some(7 * DAY))),
        offset,
    }
}

fn every_kind() -> Vec<Availability> {
    let weibull = Lengths::weibull_with_mean(3600.0, 0.6);
    let log_normal = Lengths::LogNormal {
        median: 1200.0,
        sigma: 1.0,
    };
    let hourly = DailyCurve::Hourly(Arc::new(std::array::from_fn(|hour| hour as f64 / 24.0)));
    let cosine = DailyCurve::Cosine {
        mean: 0.5,
        amplitude: 0.4,
        peak: 21 * HOUR,
    };
    let diurnal =
        |curve| Availability::Diurnal(Box::new(Diurnal::new(curve, hours(1), HOUR, stream(4))));
    let recorded = Pattern::new([(0, HOUR), (2 * HOUR, 3 * HOUR)], Some(5 * HOUR));
    vec![
        two_hours_up_one_down(1),
        Availability::Renewal(Box::new(Renewal::new(weibull, log_normal, stream(2)))),
        diurnal(hourly.clone()),
        diurnal(cosine),
        weekdays_from_8_to_17(3 * HOUR),
        Availability::Pattern {
            pattern: Arc::new(recorded),
            offset: 0,
        },
        weekdays_from_8_to_17(0)
            .and(two_hours_up_one_down(5))
            .and(Availability::Between {
                joins: at(DAY),
                leaves: at(3 * DAY),
            }),
    ]
}

#[test]
fn the_answer_for_a_time_does_not_depend_on_what_was_asked_before() {
    for (mut forwards, mut backwards) in every_kind().into_iter().zip(every_kind()) {
        let times: Vec<_> = (0..900).map(|i| seconds(i * 700)).collect();
        let ahead: Vec<_> = times.iter().map(|t| forwards.stretch(*t)).collect();
        let mut behind: Vec<_> = times
            .iter()
            .rev()
            .map(|t| {
                backwards.is_online(*t);
                backwards.stretch(*t)
            })
            .collect();
        behind.reverse();
        assert_eq!(ahead, behind);
        assert!(ahead.iter().any(|s| s.online) && ahead.iter().any(|s| !s.online));
    }
}

#[test]
fn a_stretch_holds_until_its_end_and_time_offline_adds_up() {
    for mut client in every_kind() {
        let (mut time, mut offline) = (SimTime::ZERO, SimDuration::ZERO);
        let end = at(6 * DAY);
        while time < end {
            let stretch = client.stretch(time);
            assert!(stretch.until > time);
            let last = at(stretch.until.min(end).as_nanos() - 1);
            let middle = at(time.as_nanos().midpoint(last.as_nanos()));
            for inside in [middle, last] {
                assert_eq!(client.is_online(inside), stretch.online);
            }
            if !stretch.online {
                offline += stretch.until.min(end).saturating_since(time);
            }
            time = stretch.until;
        }
        assert_eq!(client.offline_between(SimTime::ZERO, end), offline);
        let mut parts = SimDuration::ZERO;
        for hour in 0..6 * 24 {
            parts += client.offline_between(at(hour * HOUR), at((hour + 1) * HOUR));
        }
        assert_eq!(parts, offline);
    }
}

#[test]
fn next_online_and_next_offline_are_where_the_state_changes() {
    for mut client in every_kind() {
        for time in (0..200).map(|i| seconds(i * 2711)) {
            if client.is_online(time) {
                assert_eq!(client.next_online(time, NEVER), Some(time));
                if let Some(leaves) = client.next_offline(time, NEVER) {
                    assert!(client.is_online(at(leaves.as_nanos() - 1)));
                    assert!(!client.is_online(leaves));
                    assert_eq!(client.offline_between(time, leaves), SimDuration::ZERO);
                }
            } else if let Some(back) = client.next_online(time, NEVER) {
                assert!(!client.is_online(at(back.as_nanos() - 1)));
                assert!(client.is_online(back));
                let away = client.offline_between(time, back);
                assert_eq!(away, back.saturating_since(time));
            }
        }
    }
}

#[test]
fn opening_hours_begin_and_end_to_the_nanosecond_in_the_clients_own_time() {
    // The run begins on Monday at 00:00 UTC; the client's clock is two hours ahead.
    let mut client = weekdays_from_8_to_17(2 * HOUR);
    assert_eq!(
        client.next_online(SimTime::ZERO, NEVER),
        Some(at(6 * HOUR)),
        "eight o'clock there is six here"
    );
    assert!(!client.is_online(at(6 * HOUR - 1)) && client.is_online(at(6 * HOUR)));
    assert!(client.is_online(at(15 * HOUR - 1)) && !client.is_online(at(15 * HOUR)));
    // From Friday evening to Monday morning.
    let friday = at(4 * DAY + 15 * HOUR);
    assert_eq!(
        client.next_online(friday, NEVER),
        Some(at(7 * DAY + 6 * HOUR))
    );
    let week = client.offline_between(SimTime::ZERO, at(7 * DAY));
    assert_eq!(week, hours(7 * 24 - 5 * 9));
}

#[test]
fn intervals_that_touch_are_one_also_over_the_end_of_the_period() {
    let night = Pattern::new([(0, 6 * HOUR), (22 * HOUR, DAY)], Some(DAY));
    let mut client = Availability::Pattern {
        pattern: Arc::new(night),
        offset: 0,
    };
    assert_eq!(
        client.next_offline(at(23 * HOUR), NEVER),
        Some(at(DAY + 6 * HOUR))
    );
    let whole = Pattern::new([(0, 9 * HOUR), (9 * HOUR, DAY)], Some(DAY));
    let mut client = Availability::Pattern {
        pattern: Arc::new(whole),
        offset: 5,
    };
    assert_eq!(client.next_offline(SimTime::ZERO, NEVER), None);
}

#[test]
fn a_recorded_trace_ends_for_good_or_begins_again() {
    let intervals = [(10, 20), (30, 40)].map(|(a, b)| (a * SECOND, b * SECOND));
    let online = |client: &mut Availability| -> Vec<u64> {
        let there = |s: &u64| client.is_online(seconds(*s));
        (0..100).filter(there).collect()
    };
    let mut once = Availability::Pattern {
        pattern: Arc::new(Pattern::new(intervals, None)),
        offset: 0,
    };
    let first: Vec<u64> = (10..20).chain(30..40).collect();
    assert_eq!(online(&mut once), first);
    assert_eq!(once.next_online(seconds(40), NEVER), None);
    let mut repeated = Availability::Pattern {
        pattern: Arc::new(Pattern::new(intervals, Some(50 * SECOND))),
        offset: 0,
    };
    let again = first.iter().map(|s| s + 50);
    let both: Vec<u64> = first.iter().copied().chain(again).collect();
    assert_eq!(online(&mut repeated), both);
    assert_eq!(repeated.next_online(seconds(90), NEVER), Some(seconds(110)));
}

#[test]
fn who_has_left_never_comes_back_and_who_has_not_joined_is_away() {
    let mut client = Availability::Between {
        joins: seconds(100),
        leaves: seconds(200),
    };
    assert_eq!(client.next_online(SimTime::ZERO, NEVER), Some(seconds(100)));
    assert_eq!(client.next_offline(seconds(100), NEVER), Some(seconds(200)));
    assert_eq!(client.next_online(seconds(200), NEVER), None);
    // Together with opening hours that begin only after it has left.
    let mut never = weekdays_from_8_to_17(0).and(client);
    assert_eq!(never.next_online(SimTime::ZERO, NEVER), None);
}

#[test]
fn two_patterns_that_never_meet_are_not_looked_at_beyond_the_horizon() {
    let daily = |begin: u64, end: u64| Availability::Pattern {
        pattern: Arc::new(Pattern::new([(begin * HOUR, end * HOUR)], Some(DAY))),
        offset: 0,
    };
    let mut client = daily(1, 2).and(daily(3, 4));
    let found = client.next_online(SimTime::ZERO, at(30 * DAY));
    assert!(found > Some(at(30 * DAY)) && found < Some(at(31 * DAY)));
}

#[test]
fn a_flat_cosine_is_one_probability_and_full_swing_reaches_0_and_1() {
    let flat = DailyCurve::Cosine {
        mean: 0.5,
        amplitude: 0.0,
        peak: 0,
    };
    assert_eq!(flat.above(0.49, HOUR), (true, None));
    assert_eq!(flat.above(0.5, HOUR), (false, None));
    let full = DailyCurve::Cosine {
        mean: 0.5,
        amplitude: 0.5,
        peak: 6 * HOUR,
    };
    // Half way up at midnight, above it until noon.
    assert_eq!(full.above(0.5, 0), (true, Some(12 * HOUR)));
    assert_eq!(full.above(0.5, 12 * HOUR), (false, Some(12 * HOUR)));
    // cos(2π/6) = 1/2: above 3/4 within four hours of the peak.
    assert_eq!(full.above(0.75, 2 * HOUR + 1), (true, Some(8 * HOUR - 1)));
    assert!(full.above(0.0, 18 * HOUR + 1).0);
}

#[test]
fn the_end_of_time_is_reached_and_not_passed() {
    let centuries = SimDuration::from_nanos(u64::MAX / 3);
    let mut client = Availability::exponential(centuries, centuries, stream(1));
    let _ = client.stretch(SimTime::MAX);
    assert!(client.stretch(at(u64::MAX - 1)).until > at(u64::MAX - 1));
}
