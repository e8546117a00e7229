//! Presence: when the clients of a group are there, and when their participations are cut.

use super::duration;
use crate::device::{
    Availability, Battery, BatteryKind, DailyCurve, Diurnal, DropRate, Lengths, Pattern, Renewal,
};
use crate::kernel::{Stream, Streams};
use crate::scenario::{
    Duration, Pick, RawBattery, RawClientGroup, RawCurve, RawDropout, RawLogNormal, RawMoment,
    RawStage, RawWeibull, RawZones, Share, WeekTime, Windows, Zone,
};
use crate::time::{SimDuration, SimTime};
use rand::RngExt;
use std::sync::Arc;

/// What the clients of a group have in common.
#[derive(Debug, Clone)]
pub(crate) struct GroupPresence {
    dropout: RawDropout,
    /// Of the kind `windows`.
    windows: Option<Arc<Pattern>>,
    /// Of the kind `diurnal`.
    curve: Option<DailyCurve>,
    hours: Option<(Arc<Pattern>, Duration)>,
    battery: Option<(RawBattery, Option<Arc<Pattern>>)>,
    zones: Option<RawZones>,
    start: WeekTime,
}

/// The battery of one client as it was drawn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClientBattery {
    /// In joules.
    pub(crate) capacity: f64,
    /// At the start, of 1.
    pub(crate) level: f64,
}

/// When one client is there.
#[derive(Debug, Clone)]
pub(crate) struct Presence {
    pub(crate) group: Arc<GroupPresence>,
    /// Its number in the group.
    pub(crate) index: usize,
    pub(crate) joins: SimTime,
    /// [`SimTime::MAX`] is never.
    pub(crate) leaves: SimTime,
}

impl GroupPresence {
    /// Of a group in a run that begins at `start`, as far as its devices have this battery.
    pub(crate) fn of(
        group: &RawClientGroup,
        battery: Option<&RawBattery>,
        start: WeekTime,
    ) -> Self {
        let windows = match &group.dropout {
            RawDropout::Windows { windows, .. } => Some(Arc::new(windows.pattern())),
            _ => None,
        };
        let curve = match &group.dropout {
            RawDropout::Diurnal { curve, .. } => Some(daily_curve(curve)),
            _ => None,
        };
        let hours = group.hours.as_ref();
        Self {
            dropout: group.dropout.clone(),
            windows,
            curve,
            hours: hours.map(|hours| (Arc::new(hours.windows.pattern()), hours.jitter)),
            battery: battery.map(|battery| {
                let windows = battery.windows.as_ref();
                let plugged = windows.map(|windows| Arc::new(windows.windows.pattern()));
                (battery.clone(), plugged)
            }),
            zones: group.time_zone.clone(),
            start,
        }
    }

    /// The same of one site with hours or a clock of its own.
    pub(crate) fn of_site(&self, hours: Option<&Windows>, zone: Option<Zone>) -> Self {
        let mut own = self.clone();
        if let Some(hours) = hours {
            own.hours = Some((Arc::new(hours.pattern()), Duration::default()));
        }
        if let Some(zone) = zone {
            own.zones = Some(RawZones::One(zone));
        }
        own
    }

    /// Where in the client's own week the run begins, in nanoseconds since Monday 00:00.
    pub(crate) fn local_start(&self, index: usize, name: &str, world: Streams) -> u64 {
        let zone = match &self.zones {
            None => Zone::default(),
            Some(RawZones::One(zone)) => *zone,
            Some(RawZones::InTurn(zones)) => zones[index % zones.len()],
            Some(RawZones::Shares(shares)) => {
                let sum: f64 = shares.iter().map(|share| share.share).sum();
                let mut left = world.stream(name, "time zone").random::<f64>() * sum;
                let drawn = shares.iter().find(|share| {
                    left -= share.share;
                    left < 0.0
                });
                drawn.or(shares.last()).map_or(Zone::default(), |s| s.zone)
            }
        };
        zone.local(self.start)
    }
}

impl Presence {
    /// When the client called `name` is online.
    pub(super) fn availability(
        &self,
        name: &str,
        world: Streams,
        dynamics: Streams,
    ) -> Availability {
        let group = &*self.group;
        let stream = || dynamics.stream(name, "availability");
        let local = || group.local_start(self.index, name, world);
        let moved =
            |pattern: &Arc<Pattern>, jitter: Duration, purpose: &str| Availability::Pattern {
                pattern: Arc::clone(pattern),
                offset: jittered(local(), jitter, world.stream(name, purpose)),
            };
        let renewal = |up, down| Availability::Renewal(Box::new(Renewal::new(up, down, stream())));
        let mut availability = match &group.dropout {
            RawDropout::None | RawDropout::PerParticipation { .. } => Availability::Always,
            RawDropout::Exponential { up, down } => {
                Availability::exponential(duration(*up), duration(*down), stream())
            }
            RawDropout::Weibull { up, down } => renewal(weibull(up), weibull(down)),
            RawDropout::Lognormal { up, down } => renewal(log_normal(up), log_normal(down)),
            RawDropout::Diurnal { dwell, .. } => {
                let curve = group.curve.clone().expect("made with the group");
                let diurnal = Diurnal::new(curve, duration(*dwell), local(), stream());
                Availability::Diurnal(Box::new(diurnal))
            }
            RawDropout::Windows { jitter, .. } => {
                let windows = group.windows.as_ref().expect("made with the group");
                moved(windows, *jitter, "windows jitter")
            }
            RawDropout::Trace { pick, traces, .. } => {
                let place = traces.named(name).unwrap_or_else(|| match pick {
                    Pick::InOrder => self.index,
                    Pick::Cycle => self.index % traces.len(),
                    Pick::Draw => stream().random_range(0..traces.len()),
                });
                let pattern = traces.pattern(place).expect("the number was checked");
                Availability::Pattern {
                    pattern: Arc::clone(pattern),
                    offset: 0,
                }
            }
        };
        if let Some((hours, jitter)) = &group.hours {
            availability = availability.and(moved(hours, *jitter, "hours jitter"));
        }
        if self.joins > SimTime::ZERO || self.leaves < SimTime::MAX {
            availability = availability.and(Availability::Between {
                joins: self.joins,
                leaves: self.leaves,
            });
        }
        availability
    }

    /// The battery of the client called `name`, whose device draws `idle` watts at first.
    pub(super) fn battery(
        &self,
        drawn: ClientBattery,
        idle: f64,
        name: &str,
        world: Streams,
    ) -> Battery {
        let (battery, plugged) = self.group.battery.as_ref().expect("made with the group");
        let level = |share: Share| share.percent() / 100.0 * drawn.capacity;
        let plugged = plugged.as_ref().map(|pattern| {
            let local = self.group.local_start(self.index, name, world);
            let jitter = battery
                .windows
                .as_ref()
                .map_or(Duration::default(), |w| w.jitter);
            let stream = world.stream(name, "charging jitter");
            (Arc::clone(pattern), jittered(local, jitter, stream))
        });
        let kind = BatteryKind {
            capacity: drawn.capacity,
            empty: level(battery.empty),
            resume: level(battery.resume),
            least: battery.least.map_or(0.0, level),
            charge: battery.charge.watts(),
            plugged,
        };
        Battery::new(Arc::new(kind), drawn.level * drawn.capacity, idle)
    }

    /// How often the client's participations are cut.
    pub(super) fn drops(&self, name: &str, dynamics: Streams) -> Option<(DropRate, Stream)> {
        match self.group.dropout {
            RawDropout::PerParticipation { rate } => {
                Some((DropRate(rate), dynamics.stream(name, "dropout")))
            }
            _ => None,
        }
    }
}

/// The stage of a client among `count`, where the moments come in stages; `None` is in none.
pub(super) fn stage(stages: &[RawStage], index: usize, count: usize) -> Option<SimTime> {
    let mut share = 0.0;
    let stage = stages.iter().find(|stage| {
        share += stage.share;
        // The first half of 7 clients are 4.
        (index as f64) < (share * count as f64).round()
    });
    stage.map(|stage| SimTime::ZERO + duration(stage.at))
}

/// The instant of a client, drawn by `draw` where it is sampled.
pub(super) fn instant<E>(
    moment: &RawMoment,
    index: usize,
    count: usize,
    draw: impl FnOnce(&crate::scenario::Sampled<Duration>) -> Result<f64, E>,
) -> Result<Option<SimTime>, E> {
    match moment {
        RawMoment::Stages(stages) => Ok(stage(stages, index, count)),
        RawMoment::Sampled(sampled) => {
            let seconds = draw(sampled)?;
            let after = SimDuration::from_secs_f64(seconds).unwrap_or(SimDuration::MAX);
            Ok(Some(SimTime::ZERO + after))
        }
    }
}

/// The offset of a pattern that is moved by up to `jitter`, earlier or later.
fn jittered(local: u64, jitter: Duration, mut stream: Stream) -> u64 {
    const WEEK: u64 = 7 * 86_400 * 1_000_000_000;
    let most = jitter.nanoseconds().min(WEEK);
    if most == 0 {
        return local;
    }
    (local + WEEK + most - stream.random_range(0..=2 * most)) % WEEK
}

fn weibull(lengths: &RawWeibull) -> Lengths {
    let shape = lengths.shape;
    match (lengths.mean, lengths.scale) {
        (Some(mean), _) => Lengths::weibull_with_mean(mean.seconds(), shape),
        (None, scale) => Lengths::Weibull {
            scale: scale.unwrap_or_default().seconds(),
            shape,
        },
    }
}

fn log_normal(lengths: &RawLogNormal) -> Lengths {
    Lengths::LogNormal {
        median: lengths.median.seconds(),
        sigma: lengths.sigma,
    }
}

fn daily_curve(curve: &RawCurve) -> DailyCurve {
    match curve {
        RawCurve::Hourly(hours) => {
            let hour = |hour: usize| hours.get(hour).copied().unwrap_or_default();
            DailyCurve::Hourly(Arc::new(std::array::from_fn(hour)))
        }
        RawCurve::Cosine(cosine) => DailyCurve::Cosine {
            mean: cosine.mean,
            amplitude: cosine.amplitude,
            peak: cosine.peak.nanoseconds(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_roll_out_takes_the_clients_in_order_and_all_of_them() {
        let stage_of = |at: f64, share| RawStage {
            at: Duration::from_seconds(at),
            share,
        };
        let stages = [stage_of(0.0, 0.1), stage_of(60.0, 0.4), stage_of(90.0, 0.5)];
        let joined = |index| stage(&stages, index, 20).map(SimTime::as_secs_f64);
        let times: Vec<_> = (0..20).filter_map(joined).collect();
        let expected: Vec<f64> = [vec![0.0; 2], vec![60.0; 8], vec![90.0; 10]].concat();
        assert_eq!(times, expected);
        // Shares that fall short leave the last ones out.
        assert_eq!(stage(&stages[..2], 10, 20), None);
        // Thirds of whole clients: all have a place.
        let thirds = [
            stage_of(0.0, 1.0 / 3.0),
            stage_of(1.0, 1.0 / 3.0),
            stage_of(2.0, 1.0 / 3.0),
        ];
        assert!((0..7).all(|index| stage(&thirds, index, 7).is_some()));
    }

    #[test]
    fn jitter_moves_by_as_much_as_it_says_and_both_ways() {
        const HOUR: u64 = 3600 * 1_000_000_000;
        let jitter = Duration::from_seconds(1800.0);
        let moved = |seed| {
            let stream = Streams::new(seed).stream("c", "hours jitter");
            jittered(24 * HOUR, jitter, stream) as f64 / HOUR as f64 - 24.0
        };
        let shifts: Vec<f64> = (0..400).map(moved).collect();
        assert!(shifts.iter().all(|shift| shift.abs() <= 0.5));
        let mean = shifts.iter().sum::<f64>() / 400.0;
        // Four standard deviations of the mean of 400 uniform draws in ±1/2.
        assert!(mean.abs() < 4.0 * (1.0 / 12.0_f64 / 400.0).sqrt(), "{mean}");
        assert!(shifts.iter().any(|s| *s < -0.4) && shifts.iter().any(|s| *s > 0.4));
    }
}
