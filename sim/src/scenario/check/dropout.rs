//! `dropout` and what composes with it: probabilities, lengths of time and shares that can be meant.

use super::findings::Findings;
use crate::scenario::quantity::Duration;
use crate::scenario::raw::{
    RawBattery, RawClientGroup, RawCurve, RawDropout, RawLogNormal, RawMoment, RawStage,
    RawWeibull, RawZones,
};
use crate::scenario::sampled::Sampled;

/// A client that came and went more often would cost memory for every switch.
const SHORTEST_MEAN_SECONDS: f64 = 1e-3;

/// Half a day: moved further, a window would be another day's.
const LONGEST_JITTER_SECONDS: f64 = 43_200.0;

const LEAVE_OUT: &str = "for clients that are always there leave `dropout` out";

pub(super) fn availability(path: &str, group: &RawClientGroup, findings: &mut Findings<'_>) {
    dropout(&format!("{path}.dropout"), &group.dropout, findings);
    for (place, device) in group.device.each() {
        if let Some(of) = &device.battery {
            battery(&format!("{path}.device{place}.battery"), of, findings);
        }
    }
    if let Some(hours) = &group.hours {
        jitter(&format!("{path}.hours.jitter"), hours.jitter, findings);
    }
    if let Some(join) = &group.join {
        moment(&format!("{path}.join"), join, true, findings);
    }
    if let Some(leave) = &group.leave {
        moment(&format!("{path}.leave"), leave, false, findings);
    }
    if let (join, Some(RawMoment::Sampled(Sampled::Constant(leave)))) = (&group.join, &group.leave)
    {
        let joined = match join {
            None => Duration::default(),
            Some(RawMoment::Sampled(Sampled::Constant(join))) => *join,
            Some(_) => return zones(path, group, findings),
        };
        if leave.seconds() <= joined.seconds() {
            findings.refuse(
                &format!("{path}.leave"),
                format!("the clients leave at {leave}, and join at {joined}"),
                "expected a later time",
                "remove the group if its clients are never there",
            );
        }
    }
    zones(path, group, findings);
}

fn dropout(path: &str, dropout: &RawDropout, findings: &mut Findings<'_>) {
    let at = |key: &str| format!("{path}.{key}");
    match dropout {
        RawDropout::None => {}
        RawDropout::PerParticipation { rate } => {
            findings.number(
                &at("rate"),
                *rate,
                |rate| (0.0..=1.0).contains(&rate),
                "a probability from 0 to 1",
                "0.1 cuts one participation in ten",
            );
        }
        RawDropout::Exponential { up, down } => {
            long_enough(&at("up"), *up, "mean time", findings);
            long_enough(&at("down"), *down, "mean time", findings);
        }
        RawDropout::Weibull { up, down } => {
            weibull(&at("up"), up, findings);
            weibull(&at("down"), down, findings);
        }
        RawDropout::Lognormal { up, down } => {
            log_normal(&at("up"), up, findings);
            log_normal(&at("down"), down, findings);
        }
        RawDropout::Diurnal { curve, dwell } => {
            daily(&at("curve"), curve, findings);
            long_enough(&at("dwell"), *dwell, "mean time", findings);
        }
        RawDropout::Windows { jitter: by, .. } => jitter(&at("jitter"), *by, findings),
        RawDropout::Trace { repeat, .. } => {
            if repeat.is_some_and(|repeat| repeat.is_zero()) {
                findings.refuse(
                    &at("repeat"),
                    "the records would begin again after 0 s",
                    "expected a time above zero",
                    "leave it out for records that are played once",
                );
            }
        }
    }
}

fn long_enough(path: &str, time: Duration, what: &str, findings: &mut Findings<'_>) {
    if time.seconds() < SHORTEST_MEAN_SECONDS {
        findings.refuse(
            path,
            format!("`{path}` is {time}"),
            format!("expected a {what} of a millisecond or more"),
            LEAVE_OUT,
        );
    }
}

fn weibull(path: &str, lengths: &RawWeibull, findings: &mut Findings<'_>) {
    findings.number(
        &format!("{path}.shape"),
        lengths.shape,
        |shape| (0.1..=100.0).contains(&shape),
        "a shape from 0.1 to 100",
        "1 is memoryless, below 1 what has lasted goes on lasting",
    );
    match (lengths.mean, lengths.scale) {
        (Some(mean), None) => long_enough(&format!("{path}.mean"), mean, "mean time", findings),
        (None, Some(scale)) => long_enough(&format!("{path}.scale"), scale, "scale", findings),
        (both, _) => findings.refuse(
            path,
            match both {
                Some(_) => format!("`{path}` has both `mean` and `scale`"),
                None => format!("`{path}` has neither `mean` nor `scale`"),
            },
            "expected one of them",
            "write { mean = \"2 h\", shape = 0.7 }",
        ),
    }
}

fn log_normal(path: &str, lengths: &RawLogNormal, findings: &mut Findings<'_>) {
    let median = format!("{path}.median");
    long_enough(&median, lengths.median, "median", findings);
    findings.number(
        &format!("{path}.sigma"),
        lengths.sigma,
        |sigma| (0.0..=5.0).contains(&sigma),
        "a number from 0 to 5",
        "it is the standard deviation of the natural logarithm: at 1 a mean is 1.6 medians, at 5 \
         it is 268 000 of them",
    );
}

fn daily(path: &str, curve: &RawCurve, findings: &mut Findings<'_>) {
    let probability = |value: f64| (0.0..=1.0).contains(&value);
    match curve {
        RawCurve::Hourly(hours) => {
            if hours.len() != 24 {
                findings.refuse(
                    path,
                    format!("the curve has {} values", hours.len()),
                    "expected 24 probabilities, one for each hour from midnight",
                    "or a table such as { mean = 0.5, amplitude = 0.3, peak = \"21:00\" }",
                );
            }
            for (hour, value) in hours.iter().enumerate() {
                findings.number(
                    &format!("{path}.{hour}"),
                    *value,
                    probability,
                    "a probability from 0 to 1",
                    "0.3 is there in three of ten cases at that hour",
                );
            }
            if hours.iter().all(|value| *value == 0.0) {
                findings.refuse(
                    path,
                    "the curve is 0 all day: no client is ever there",
                    "expected a probability above 0 at some hour",
                    "remove the group if its clients are never there",
                );
            }
        }
        RawCurve::Cosine(cosine) => {
            let mean = findings.number(
                &format!("{path}.mean"),
                cosine.mean,
                |mean| mean > 0.0 && mean <= 1.0,
                "a probability above 0, at most 1",
                "0.3 is there for three tenths of the day",
            );
            let most = cosine.mean.min(1.0 - cosine.mean);
            if mean {
                findings.number(
                    &format!("{path}.amplitude"),
                    cosine.amplitude,
                    |amplitude| (0.0..=most).contains(&amplitude),
                    &format!("a number from 0 to {most}"),
                    "mean − amplitude and mean + amplitude are probabilities",
                );
            }
        }
    }
}

fn jitter(path: &str, jitter: Duration, findings: &mut Findings<'_>) {
    if jitter.seconds() > LONGEST_JITTER_SECONDS {
        findings.refuse(
            path,
            format!("`{path}` is {jitter}"),
            "expected at most 12 h",
            "it moves a client's windows earlier or later; a `time_zone` moves them further",
        );
    }
}

fn moment(path: &str, moment: &RawMoment, all: bool, findings: &mut Findings<'_>) {
    let RawMoment::Stages(stages) = moment else {
        return;
    };
    if stages.is_empty() {
        findings.refuse(
            path,
            format!("`{path}` has no stages"),
            "expected one or more",
            "write [{ at = \"0 s\", share = 0.1 }, { at = \"2 d\", share = 0.9 }]",
        );
        return;
    }
    let mut fine = true;
    for (index, stage) in stages.iter().enumerate() {
        fine &= findings.number(
            &format!("{path}.{index}.share"),
            stage.share,
            |share| share > 0.0 && share <= 1.0,
            "a share above 0, at most 1",
            "0.1 is a tenth of the group's clients",
        );
    }
    if let Some(place) = stages.windows(2).position(|pair| pair[1].at < pair[0].at) {
        let [earlier, later] = [place, place + 1].map(|stage| stages[stage].at);
        findings.refuse(
            &format!("{path}.{}.at", place + 1),
            format!("the stage at {later} comes after the one at {earlier}"),
            "expected stages in order of time",
            "the first clients of the group are those of the first stage",
        );
    }
    let sum: f64 = stages.iter().map(|stage: &RawStage| stage.share).sum();
    let expected = match all {
        true if (sum - 1.0).abs() > 1e-9 => "expected shares that add up to 1",
        false if sum > 1.0 + 1e-9 => "expected shares that add up to 1 or less",
        _ => return,
    };
    if fine {
        findings.refuse(
            path,
            format!("the shares of `{path}` add up to {sum}"),
            expected,
            match all {
                true => "every client of a group joins at some time",
                false => "clients that are in no stage stay",
            },
        );
    }
}

fn battery(path: &str, battery: &RawBattery, findings: &mut Findings<'_>) {
    if let Some(windows) = &battery.windows {
        jitter(&format!("{path}.windows.jitter"), windows.jitter, findings);
    }
    if battery.resume.percent() <= battery.empty.percent() {
        findings.refuse(
            &format!("{path}.resume"),
            format!(
                "the device goes off at {} and comes back at {}",
                battery.empty, battery.resume
            ),
            "expected a level above the one at which it goes off",
            "5 % and 20 % are the defaults",
        );
    }
}

fn zones(path: &str, group: &RawClientGroup, findings: &mut Findings<'_>) {
    if let Some(RawZones::Shares(shares)) = &group.time_zone {
        for (index, share) in shares.iter().enumerate() {
            findings.number(
                &format!("{path}.time_zone.{index}.share"),
                share.share,
                |share| share > 0.0,
                "a number above 0",
                "shares are relative to one another: 2 is twice as likely as 1",
            );
        }
    }
}
