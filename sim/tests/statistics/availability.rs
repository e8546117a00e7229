//! Availability against renewal theory and daily curves.

use crate::interval::Interval;
use fedstill_sim::device::{Availability, DailyCurve, Diurnal, Lengths, Renewal};
use fedstill_sim::kernel::{Stream, Streams};
use fedstill_sim::time::{SimDuration, SimTime};
use statrs::function::gamma::gamma;
use std::f64::consts::TAU;
use std::sync::Arc;

const HOUR: u64 = 3_600_000_000_000;
const DAY: u64 = 24 * HOUR;

fn at(nanos: u64) -> SimTime {
    SimTime::from_nanos(nanos)
}

fn stream(client: usize) -> Stream {
    Streams::new(20_263).stream(&format!("client-{client}"), "availability")
}

fn seconds(value: f64) -> u64 {
    (value * 1e9) as u64
}

/// Laws of times online and offline with their means, in seconds.
fn laws() -> Vec<(&'static str, Lengths, Lengths, f64, f64)> {
    let weibull_mean = |scale: f64, shape: f64| scale * gamma(1.0 + 1.0 / shape);
    vec![
        (
            "exponential",
            Lengths::Exponential { mean: 40.0 },
            Lengths::Exponential { mean: 10.0 },
            40.0,
            10.0,
        ),
        (
            "Weibull",
            Lengths::Weibull {
                scale: 30.0,
                shape: 0.7,
            },
            Lengths::weibull_with_mean(25.0, 2.5),
            weibull_mean(30.0, 0.7),
            25.0,
        ),
        (
            "log-normal",
            Lengths::LogNormal {
                median: 20.0,
                sigma: 0.8,
            },
            Lengths::LogNormal {
                median: 15.0,
                sigma: 0.5,
            },
            20.0 * 0.32_f64.exp(),
            15.0 * 0.125_f64.exp(),
        ),
    ]
}

fn client(up: Lengths, down: Lengths, number: usize) -> Availability {
    Availability::Renewal(Box::new(Renewal::new(up, down, stream(number))))
}

#[test]
fn times_online_and_offline_have_their_means_and_the_fraction_online_follows() {
    for (name, up, down, mean_up, mean_down) in laws() {
        let (mut ups, mut downs, mut fractions) = (Vec::new(), Vec::new(), Vec::new());
        for number in 0..30 {
            let mut client = client(up, down, number);
            let horizon = at(seconds(3000.0 * (mean_up + mean_down)));
            let never = SimTime::MAX;
            let offline = client.offline_between(SimTime::ZERO, horizon);
            fractions.push(1.0 - offline.as_secs_f64() / horizon.as_secs_f64());
            // Whole intervals after the first switch, in turn.
            let mut lengths = [Vec::new(), Vec::new()];
            let mut time = client
                .next_offline(SimTime::ZERO, never)
                .expect("it leaves");
            time = client.next_online(time, never).expect("it comes");
            for _ in 0..2500 {
                let leaves = client.next_offline(time, never).expect("it leaves");
                let comes = client.next_online(leaves, never).expect("it comes");
                lengths[0].push(leaves.saturating_since(time).as_secs_f64());
                lengths[1].push(comes.saturating_since(leaves).as_secs_f64());
                time = comes;
            }
            let mean = |lengths: &[f64]| lengths.iter().sum::<f64>() / lengths.len() as f64;
            ups.push(mean(&lengths[0]));
            downs.push(mean(&lengths[1]));
        }
        Interval::of(&ups).holds(mean_up, &format!("{name}: time online"));
        Interval::of(&downs).holds(mean_down, &format!("{name}: time offline"));
        let fraction = mean_up / (mean_up + mean_down);
        Interval::of(&fractions).holds(fraction, &format!("{name}: fraction online"));
    }
}

#[test]
fn the_fraction_online_is_right_from_the_start() {
    // In equilibrium it is so at every instant: at once, early in a first interval, and later.
    const AFTER: [f64; 4] = [0.0, 5.0, 20.0, 60.0];
    const CLIENTS: usize = 20_000;
    for (name, up, down, mean_up, mean_down) in laws() {
        let mut parts = AFTER.map(|_| Vec::new());
        for part in 0..30 {
            let mut online = AFTER.map(|_| 0.0);
            for number in 0..CLIENTS {
                let mut client = client(up, down, CLIENTS * part + number);
                for (count, after) in online.iter_mut().zip(AFTER) {
                    *count += f64::from(u8::from(client.is_online(at(seconds(after)))));
                }
            }
            for (parts, count) in parts.iter_mut().zip(online) {
                parts.push(count / CLIENTS as f64);
            }
        }
        let fraction = mean_up / (mean_up + mean_down);
        for (parts, after) in parts.iter().zip(AFTER) {
            Interval::of(parts).holds(fraction, &format!("{name} after {after} s"));
        }
    }
}

#[test]
fn what_is_left_of_the_first_interval_has_the_mean_of_renewal_theory() {
    // E[X²]/(2·E[X]) (Cox 1962): the mean of the excess life.
    let weibull = |scale: f64, shape: f64| {
        let moment = |n: f64| scale.powf(n) * gamma(1.0 + n / shape);
        (
            Lengths::Weibull { scale, shape },
            moment(2.0) / (2.0 * moment(1.0)),
        )
    };
    let log_normal = |median: f64, sigma: f64| {
        let moment = |n: f64| median.powf(n) * (n * n * sigma * sigma / 2.0).exp();
        (
            Lengths::LogNormal { median, sigma },
            moment(2.0) / (2.0 * moment(1.0)),
        )
    };
    for (lengths, expected) in [
        weibull(30.0, 0.7),
        weibull(25.0, 2.5),
        log_normal(20.0, 0.8),
    ] {
        // The same law for both states, so that every first interval is one of it.
        let part = |part: usize| {
            let rest = |number: usize| {
                let mut client = client(lengths, lengths, 20_000 * (part + 1) + number);
                client.stretch(SimTime::ZERO).until.as_secs_f64()
            };
            (0..20_000).map(rest).sum::<f64>() / 20_000.0
        };
        let parts: Vec<f64> = (0..30).map(part).collect();
        Interval::of(&parts).holds(expected, &format!("{lengths:?}: rest"));
    }
}

/// Share of 30 parts of clients that are online at a time of day, on the third day.
fn online_at(curve: &DailyCurve, dwell: u64, hour: f64) -> Interval {
    let dwell = SimDuration::from_nanos(dwell);
    let time = at(2 * DAY + (hour * HOUR as f64) as u64);
    let online = |part: usize| {
        let there = (0..1500).filter(|number| {
            let stream = stream(1500 * part + number);
            // The run begins at 03:00 of the client's own day.
            let diurnal = Diurnal::new(curve.clone(), dwell, 3 * HOUR, stream);
            let mut client = Availability::Diurnal(Box::new(diurnal));
            client.is_online(time)
        });
        there.count() as f64 / 1500.0
    };
    Interval::of(&(0..30).map(online).collect::<Vec<_>>())
}

#[test]
fn a_client_is_online_with_the_probability_of_the_hour_whatever_the_dwell() {
    let hours: [f64; 24] = std::array::from_fn(|hour| 0.3 + 0.6 * hour as f64 / 23.0);
    let curve = DailyCurve::Hourly(Arc::new(hours));
    for (hour, dwell) in (0..24).zip([HOUR / 4, HOUR, 12 * HOUR].into_iter().cycle()) {
        let expected = hours[(hour + 3) % 24];
        let what = format!("{hour} h after the start, dwell {dwell}");
        online_at(&curve, dwell, hour as f64 + 0.5).holds(expected, &what);
    }
}

#[test]
fn a_client_follows_a_cosine_and_is_there_most_at_its_peak() {
    let curve = DailyCurve::Cosine {
        mean: 0.6,
        amplitude: 0.3,
        peak: 21 * HOUR,
    };
    for hour in [0.0, 3.7, 8.0, 12.25, 18.0, 21.5] {
        let expected = 0.6 + 0.3 * (TAU * (hour + 3.0 - 21.0) / 24.0).cos();
        online_at(&curve, 2 * HOUR, hour).holds(expected, &format!("{hour} h after the start"));
    }
}

#[test]
fn the_dwell_of_a_flat_curve_is_the_mean_time_until_a_draw_goes_the_other_way() {
    let (probability, dwell) = (0.7, 600.0);
    let curve = DailyCurve::Cosine {
        mean: probability,
        amplitude: 0.0,
        peak: 0,
    };
    let (mut ups, mut downs) = (Vec::new(), Vec::new());
    for number in 0..30 {
        let dwell = SimDuration::from_nanos(seconds(dwell));
        let diurnal = Diurnal::new(curve.clone(), dwell, 0, stream(number));
        let mut client = Availability::Diurnal(Box::new(diurnal));
        let never = SimTime::MAX;
        let mut time = client
            .next_offline(SimTime::ZERO, never)
            .expect("it leaves");
        time = client.next_online(time, never).expect("it comes");
        let (mut up, mut down) = (0.0, 0.0);
        for _ in 0..1000 {
            let leaves = client.next_offline(time, never).expect("it leaves");
            let comes = client.next_online(leaves, never).expect("it comes");
            up += leaves.saturating_since(time).as_secs_f64();
            down += comes.saturating_since(leaves).as_secs_f64();
            time = comes;
        }
        ups.push(up / 1000.0);
        downs.push(down / 1000.0);
    }
    Interval::of(&ups).holds(dwell / (1.0 - probability), "time online");
    Interval::of(&downs).holds(dwell / probability, "time offline");
}
