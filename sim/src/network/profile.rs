//! Profiles: what a link is like at given times, held at the end or repeated.

use std::fmt;

use super::Bandwidth;
use crate::time::{SimDuration, SimTime};

/// Bytes that leave with each packet of a packet trace: the MTU of mahimahi.
pub const PACKET_BYTES: u64 = 1500;

/// A bandwidth at some time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rate {
    /// This many times the link's own; 0 lets nothing through.
    Times(f64),
    /// This, whatever the link's own is.
    Absolute(Bandwidth),
    /// Nothing gets through.
    Nothing,
}

impl Rate {
    /// The bandwidth of a link whose own is `own`; `None` lets nothing through, as does what
    /// lies below the least [`Bandwidth`].
    pub(super) fn of(self, own: Bandwidth) -> Option<Bandwidth> {
        match self {
            Rate::Times(1.0) => Some(own),
            Rate::Times(factor) => {
                let most = (own.as_bytes_per_second() * factor).min(1e15);
                Bandwidth::from_bytes_per_second(most).ok()
            }
            Rate::Absolute(bandwidth) => Some(bandwidth),
            Rate::Nothing => None,
        }
    }
}

/// What changes at a time; what is `None` stays as it was.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Step {
    /// From the start of the run, or of the period.
    pub at: SimDuration,
    /// The bandwidth from then on.
    pub bandwidth: Option<Rate>,
    /// The latency from then on.
    pub latency: Option<SimDuration>,
    /// Whether the link is up from then on.
    pub up: Option<bool>,
}

/// What a profile says of a link at an instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) bandwidth: Rate,
    /// `None` is the link's own.
    pub(super) latency: Option<SimDuration>,
    pub(super) up: bool,
}

/// The link as it is by itself.
const OWN: Point = Point {
    bandwidth: Rate::Times(1.0),
    latency: None,
    up: true,
};

/// What a link is like over time; shared by the links that follow it.
///
/// Before the first step, and again at the start of each period, a link is as it is by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// By time, the first at 0; neighbours differ.
    points: Vec<(SimDuration, Point)>,
    period: Option<SimDuration>,
}

/// Why steps make no profile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ProfileError {
    /// There is no step.
    Empty,
    /// The step of this number, from 0, is not later than the one before.
    RunsBack(usize),
    /// The step of this number does not lie within the period.
    BeyondPeriod(usize),
    /// The factor of the step of this number is negative or no number.
    Factor(usize, f64),
    /// The period has no length.
    NoPeriod,
}

impl fmt::Display for ProfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProfileError::Empty => f.write_str("there are no steps"),
            ProfileError::RunsBack(step) => {
                write!(f, "step {step} is not later than the one before")
            }
            ProfileError::BeyondPeriod(step) => write!(f, "step {step} lies beyond the period"),
            ProfileError::Factor(step, factor) => {
                write!(f, "the factor {factor} of step {step} is no factor")
            }
            ProfileError::NoPeriod => f.write_str("the period has no length"),
        }
    }
}

impl std::error::Error for ProfileError {}

impl Profile {
    /// A profile that goes through `steps`, and begins again after each `period`; without one the
    /// last step holds for ever.
    ///
    /// # Errors
    /// [`ProfileError`] names the first step that makes no sense.
    pub fn new(steps: &[Step], period: Option<SimDuration>) -> Result<Profile, ProfileError> {
        if steps.is_empty() {
            return Err(ProfileError::Empty);
        }
        if period == Some(SimDuration::ZERO) {
            return Err(ProfileError::NoPeriod);
        }
        let mut points = vec![(SimDuration::ZERO, OWN)];
        let mut before = None;
        for (number, step) in steps.iter().enumerate() {
            if before.is_some_and(|before| step.at <= before) {
                return Err(ProfileError::RunsBack(number));
            }
            if period.is_some_and(|period| step.at >= period) {
                return Err(ProfileError::BeyondPeriod(number));
            }
            if let Some(Rate::Times(factor)) = step.bandwidth
                && !(factor >= 0.0 && factor.is_finite())
            {
                return Err(ProfileError::Factor(number, factor));
            }
            before = Some(step.at);
            let (at, last) = points[points.len() - 1];
            let point = Point {
                bandwidth: step.bandwidth.unwrap_or(last.bandwidth),
                latency: step.latency.or(last.latency),
                up: step.up.unwrap_or(last.up),
            };
            if step.at == at {
                let place = points.len() - 1;
                points[place].1 = point;
            } else if point != last {
                points.push((step.at, point));
            }
        }
        Ok(Profile { points, period })
    }

    /// The bandwidth of a packet trace: at each of `milliseconds` one packet of 1500 bytes may
    /// leave, counted in bins of length `bin`, over a period that ends with the last of them
    /// (Netravali et al., *Mahimahi: Accurate Record-and-Replay for HTTP*, USENIX ATC 2015).
    ///
    /// A bin holds what leaves after its start and up to its end.
    ///
    /// # Errors
    /// [`ProfileError::Empty`] without packets, [`ProfileError::NoPeriod`] where the last leaves
    /// at 0 or `bin` has no length, [`ProfileError::RunsBack`] where time does.
    pub fn of_packets(
        milliseconds: &[u64],
        bin: SimDuration,
        repeats: bool,
    ) -> Result<Profile, ProfileError> {
        let last = *milliseconds.last().ok_or(ProfileError::Empty)?;
        let period = last.saturating_mul(1_000_000);
        let bin = bin.as_nanos();
        if period == 0 || bin == 0 {
            return Err(ProfileError::NoPeriod);
        }
        if !milliseconds.is_sorted() {
            let back = milliseconds.windows(2).position(|pair| pair[1] < pair[0]);
            return Err(ProfileError::RunsBack(back.map_or(0, |place| place + 1)));
        }
        let mut steps = Vec::new();
        let (mut left, mut start) = (milliseconds, 0);
        while start < period {
            let end = start.saturating_add(bin).min(period);
            let count = left.partition_point(|at| at * 1_000_000 <= end);
            left = &left[count..];
            let bytes = (count as u64 * PACKET_BYTES) as f64;
            let rate = bytes * 1e9 / (end - start) as f64;
            steps.push(Step {
                at: SimDuration::from_nanos(start),
                bandwidth: Some(match Bandwidth::from_bytes_per_second(rate) {
                    Ok(bandwidth) => Rate::Absolute(bandwidth),
                    Err(_) => Rate::Nothing,
                }),
                ..Step::default()
            });
            // Nothing leaves until the next packet: one step over, however many bins.
            start = match left.first() {
                Some(next) if count == 0 => {
                    let before = (next * 1_000_000).saturating_sub(1) / bin * bin;
                    before.max(end)
                }
                _ => end,
            };
        }
        let period = repeats.then(|| SimDuration::from_nanos(period));
        Profile::new(&steps, period)
    }

    /// The period's number and the time since it began.
    fn phase(&self, time: SimTime) -> (u64, SimDuration) {
        let nanos = time.as_nanos();
        match self.period.map(SimDuration::as_nanos) {
            Some(period) => (nanos / period, SimDuration::from_nanos(nanos % period)),
            None => (0, SimDuration::from_nanos(nanos)),
        }
    }

    /// When a period begins; `None` beyond the end of time.
    fn begin(&self, number: u64) -> Option<SimTime> {
        let period = self.period.map_or(0, SimDuration::as_nanos);
        number.checked_mul(period).map(SimTime::from_nanos)
    }

    fn place(&self, offset: SimDuration) -> usize {
        self.points.partition_point(|(at, _)| *at <= offset) - 1
    }

    /// What it says at `time`.
    pub(super) fn at(&self, time: SimTime) -> Point {
        let (_, offset) = self.phase(time);
        self.points[self.place(offset)].1
    }

    /// When it next says something else, after `time`; `None` is never.
    pub(super) fn next_change(&self, time: SimTime) -> Option<SimTime> {
        self.next_that(time, |before, after| before != after)
    }

    /// When the link next fails or comes back, after `time`.
    pub(super) fn next_flip(&self, time: SimTime) -> Option<SimTime> {
        self.next_that(time, |before, after| before.up != after.up)
    }

    fn next_that(
        &self,
        time: SimTime,
        differs: impl Fn(&Point, &Point) -> bool,
    ) -> Option<SimTime> {
        let (number, offset) = self.phase(time);
        let here = self.place(offset);
        let now = self.points[here].1;
        let from = self.begin(number)?;
        let later = self.points[here + 1..].iter();
        if let Some((at, _)) = later.clone().find(|(_, point)| differs(&now, point)) {
            return from.checked_add(*at);
        }
        self.period?;
        let next = self.begin(number.checked_add(1)?)?;
        let again = self.points[..here].iter();
        let (at, _) = again.clone().find(|(_, point)| differs(&now, point))?;
        next.checked_add(*at)
    }

    /// Whether it never again lets anything through, from `time` on, to a link whose own bandwidth
    /// is `own` and of which `taken` is always taken.
    pub(super) fn is_over(&self, time: SimTime, open: impl Fn(&Point) -> bool) -> bool {
        let first = match self.period {
            Some(_) => 0,
            None => self.place(self.phase(time).1),
        };
        !self.points[first..].iter().any(|(_, point)| open(point))
    }

    /// Every bandwidth that it says, by time.
    pub fn rates(&self) -> impl Iterator<Item = Rate> {
        self.points.iter().map(|(_, point)| point.bandwidth)
    }

    /// The bandwidth that it holds for ever and since when; `None` where it repeats.
    pub fn held(&self) -> Option<(SimDuration, Rate)> {
        if self.period.is_some() {
            return None;
        }
        let last = self.points.last()?.1.bandwidth;
        let same = self.points.iter().rev();
        let same = same.take_while(|(_, point)| point.bandwidth == last);
        same.last().map(|(since, _)| (*since, last))
    }

    /// Whether it ever says something of the latency.
    pub(super) fn changes_latency(&self) -> bool {
        self.points.iter().any(|(_, point)| point.latency.is_some())
    }

    /// Whether the link ever fails by it.
    pub(super) fn can_fail(&self) -> bool {
        self.points.iter().any(|(_, point)| !point.up)
    }

    /// The integral over [`from`, `until`] of `value`, a rate a second, in that rate's unit.
    pub(super) fn integral(
        &self,
        from: SimTime,
        until: SimTime,
        value: impl Fn(&Point) -> f64 + Copy,
    ) -> f64 {
        if until <= from {
            return 0.0;
        }
        self.integral_until(until, value) - self.integral_until(from, value)
    }

    fn integral_until(&self, until: SimTime, value: impl Fn(&Point) -> f64 + Copy) -> f64 {
        let (number, offset) = self.phase(until);
        let whole = match self.period {
            Some(period) if number > 0 => number as f64 * self.within(period, value),
            _ => 0.0,
        };
        whole + self.within(offset, value)
    }

    fn within(&self, until: SimDuration, value: impl Fn(&Point) -> f64) -> f64 {
        let ends = self.points[1..].iter().map(|(at, _)| *at);
        let ends = ends.chain([SimDuration::MAX]);
        self.points
            .iter()
            .zip(ends)
            .take_while(|((at, _), _)| *at < until)
            .map(|((at, point), end)| {
                value(point) * end.min(until).saturating_sub(*at).as_secs_f64()
            })
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: f64) -> SimTime {
        SimTime::from_secs_f64(seconds).unwrap()
    }

    fn length(seconds: f64) -> SimDuration {
        SimDuration::from_secs_f64(seconds).unwrap()
    }

    fn factor(at: f64, factor: f64) -> Step {
        Step {
            at: length(at),
            bandwidth: Some(Rate::Times(factor)),
            ..Step::default()
        }
    }

    fn times(profile: &Profile, at: f64) -> Rate {
        profile.at(seconds(at)).bandwidth
    }

    #[test]
    fn a_step_holds_until_the_next_and_the_last_for_ever() {
        let down = Step {
            at: length(2.0),
            up: Some(false),
            ..Step::default()
        };
        let profile = Profile::new(&[factor(1.0, 0.5), down, factor(3.0, 2.0)], None).unwrap();
        assert_eq!(profile.at(SimTime::ZERO), OWN);
        assert_eq!(times(&profile, 1.5), Rate::Times(0.5));
        // What a step does not name stays: the bandwidth at 2 s, the failure at 3 s.
        let late = profile.at(seconds(2.0));
        assert_eq!((late.bandwidth, late.up), (Rate::Times(0.5), false));
        assert_eq!(profile.at(seconds(1e9)).bandwidth, Rate::Times(2.0));
        assert_eq!(profile.next_change(SimTime::ZERO), Some(seconds(1.0)));
        assert_eq!(profile.next_change(seconds(1.0)), Some(seconds(2.0)));
        assert_eq!(profile.next_flip(SimTime::ZERO), Some(seconds(2.0)));
        assert_eq!(profile.next_change(seconds(3.0)), None);
        assert!(profile.can_fail() && !profile.changes_latency());
    }

    #[test]
    fn a_period_begins_with_the_link_as_it_is_by_itself() {
        let profile = Profile::new(&[factor(1.0, 0.5)], Some(length(4.0))).unwrap();
        assert_eq!(times(&profile, 3.999), Rate::Times(0.5));
        assert_eq!(times(&profile, 4.0), Rate::Times(1.0));
        assert_eq!(times(&profile, 401.0), Rate::Times(0.5));
        assert_eq!(profile.next_change(seconds(401.5)), Some(seconds(404.0)));
        // 1 s of 1 and 3 s of 0.5 a period of 4 s: 10 over 16 s, 10.75 by 17 s and a half.
        let rate = |point: &Point| match point.bandwidth {
            Rate::Times(factor) => factor,
            _ => f64::NAN,
        };
        assert_eq!(profile.integral(SimTime::ZERO, seconds(16.0), rate), 10.0);
        assert_eq!(profile.integral(seconds(0.5), seconds(17.5), rate), 10.75);
    }

    #[test]
    fn steps_that_change_nothing_are_no_changes() {
        let profile = Profile::new(
            &[
                factor(0.0, 2.0),
                factor(1.0, 2.0),
                factor(2.0, 3.0),
                factor(3.0, 2.0),
            ],
            Some(length(4.0)),
        )
        .unwrap();
        assert_eq!(profile.next_change(SimTime::ZERO), Some(seconds(2.0)));
        // 3 s to 6 s: the same on both sides of the period's end.
        assert_eq!(profile.next_change(seconds(3.0)), Some(seconds(6.0)));
        assert_eq!(profile.next_flip(SimTime::ZERO), None);
    }

    #[test]
    fn packets_are_counted_in_bins_and_none_is_lost() {
        // 12 packets in 12 ms, one each: 1.5 MB/s in every bin, so a constant.
        let constant: Vec<u64> = (1..=12).collect();
        for bin in [1, 3, 4, 12, 100] {
            let bin = SimDuration::from_nanos(bin * 1_000_000);
            let profile = Profile::of_packets(&constant, bin, true).unwrap();
            let rate = Bandwidth::from_bytes_per_second(1.5e6).unwrap();
            assert_eq!(times(&profile, 0.0), Rate::Absolute(rate));
            assert_eq!(profile.next_change(SimTime::ZERO), None, "{bin:?}");
        }
        // Bursts and gaps: what is carried over whole periods is what left.
        let stamps = [0, 0, 3, 3, 3, 40, 977, 978];
        let bytes = |point: &Point| match point.bandwidth {
            Rate::Absolute(rate) => rate.as_bytes_per_second(),
            _ => 0.0,
        };
        for bin in [1, 7, 100, 5000] {
            let bin = SimDuration::from_nanos(bin * 1_000_000);
            let profile = Profile::of_packets(&stamps, bin, true).unwrap();
            let carried = profile.integral(SimTime::ZERO, seconds(9.78), bytes);
            assert!(
                (carried - 10.0 * 8.0 * 1500.0).abs() < 1e-6,
                "{bin:?}: {carried}"
            );
        }
    }

    #[test]
    fn steps_that_make_no_sense_are_named() {
        let period = Some(length(2.0));
        for (steps, period, wrong) in [
            (vec![], None, ProfileError::Empty),
            (
                vec![factor(1.0, 1.0), factor(1.0, 2.0)],
                None,
                ProfileError::RunsBack(1),
            ),
            (
                vec![factor(2.0, 1.0)],
                period,
                ProfileError::BeyondPeriod(0),
            ),
            (vec![factor(0.0, -1.0)], None, ProfileError::Factor(0, -1.0)),
            (
                vec![factor(0.0, 1.0)],
                Some(length(0.0)),
                ProfileError::NoPeriod,
            ),
        ] {
            assert_eq!(Profile::new(&steps, period), Err(wrong));
        }
        let bin = length(0.1);
        let packets = |stamps| Profile::of_packets(stamps, bin, true);
        assert_eq!(packets(&[]), Err(ProfileError::Empty));
        assert_eq!(packets(&[0, 0]), Err(ProfileError::NoPeriod));
        assert_eq!(packets(&[2, 1]), Err(ProfileError::RunsBack(1)));
    }
}
