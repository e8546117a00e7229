//! A day's rhythm: online with a probability that depends on the time of day.

use super::Stretch;
use crate::kernel::Stream;
use crate::time::{SimDuration, SimTime};
use rand::RngExt;
use rand_distr::{Distribution, Exp1};
use std::f64::consts::TAU;
use std::sync::Arc;

const HOUR: u64 = 3_600_000_000_000;
const DAY: u64 = 24 * HOUR;

/// The probability of being online over the day.
#[derive(Debug, Clone, PartialEq)]
pub enum DailyCurve {
    /// One probability for each hour, from the one that begins at midnight.
    Hourly(Arc<[f64; 24]>),
    /// mean + amplitude · cos(2π (time − peak) / day).
    Cosine {
        /// Probability over the whole day.
        mean: f64,
        /// How far it rises above the mean, and falls below it.
        amplitude: f64,
        /// Time of day at which it is highest, in nanoseconds.
        peak: u64,
    },
}

/// A client that follows a daily curve.
///
/// At random instants, memoryless and `dwell` apart in the mean, the client draws how reluctant it
/// is: a uniform number in [0, 1). It is online while the curve lies above that. So the probability
/// of being online at a time of day is the curve's there, whatever the dwell; and a client whose
/// curve is flat at p stays online for dwell/(1 − p) and offline for dwell/p in the mean.
#[derive(Debug, Clone)]
pub struct Diurnal {
    stream: Stream,
    curve: DailyCurve,
    dwell: f64,
    /// The time of day at time zero, in nanoseconds.
    offset: u64,
    /// The end of each spell and the reluctance in it, ascending; the last lies beyond every
    /// question so far.
    spells: Vec<(SimTime, f64)>,
}

impl Diurnal {
    /// A client with a mean time between draws; the run begins at the time of day `offset`.
    pub fn new(curve: DailyCurve, dwell: SimDuration, offset: u64, stream: Stream) -> Self {
        Self {
            stream,
            curve,
            dwell: dwell.as_secs_f64(),
            offset: offset % DAY,
            spells: Vec::new(),
        }
    }

    pub(super) fn stretch(&mut self, time: SimTime) -> Stretch {
        while self
            .spells
            .last()
            .is_none_or(|(end, _)| *end <= time && *end < SimTime::MAX)
        {
            let begin = self.spells.last().map_or(SimTime::ZERO, |(end, _)| *end);
            let draw: f64 = Exp1.sample(&mut self.stream);
            let length = SimDuration::from_secs_f64(draw * self.dwell).unwrap_or(SimDuration::MAX);
            let length = length.max(SimDuration::from_nanos(1));
            self.spells.push((begin + length, self.stream.random()));
        }
        let spell = self.spells.partition_point(|(end, _)| *end <= time);
        let Some((end, reluctance)) = self.spells.get(spell).copied() else {
            // The end of time.
            return Stretch {
                online: false,
                until: SimTime::MAX,
            };
        };
        let time_of_day = (time.as_nanos() % DAY + self.offset) % DAY;
        let (online, left) = self.curve.above(reluctance, time_of_day);
        let until = left.map_or(SimTime::MAX, |left| time + SimDuration::from_nanos(left));
        Stretch {
            online,
            until: until.min(end),
        }
    }
}

impl DailyCurve {
    /// Whether the curve lies above a level at a time of day, and for how long that stays so;
    /// `None` is for ever.
    pub(super) fn above(&self, level: f64, time_of_day: u64) -> (bool, Option<u64>) {
        match self {
            Self::Hourly(curve) => {
                // Less than a day, so the hour is below 24.
                let hour = (time_of_day / HOUR) as usize;
                let above = |hours: &usize| level < curve[(hour + hours) % 24];
                let now = above(&0);
                let change = (1..24).find(|hours| above(hours) != now);
                let into_hour = time_of_day % HOUR;
                (now, change.map(|hours| hours as u64 * HOUR - into_hour))
            }
            Self::Cosine {
                mean,
                amplitude,
                peak,
            } => {
                let height = (level - mean) / amplitude;
                if *amplitude == 0.0 {
                    return (level < *mean, None);
                } else if !(-1.0..1.0).contains(&height) {
                    return (height < 0.0, None);
                }
                // Above it within this far of the peak, on both sides.
                let half = (height.acos() / TAU * DAY as f64).round() as u64;
                let begin = (peak + DAY - half) % DAY;
                let into = (time_of_day + DAY - begin) % DAY;
                match into < 2 * half {
                    true => (true, Some(2 * half - into)),
                    false => (false, Some(DAY - into)),
                }
            }
        }
    }
}
