//! Something that is on and off in turn, for exponential times: outages and bursts of background
//! traffic.

use rand::RngExt;
use rand_distr::{Distribution, Exp1};

use crate::kernel::Stream;
use crate::time::{SimDuration, SimTime};

/// Memoryless times on and off in turn, in equilibrium at time zero.
///
/// A function of time alone: switches are drawn in their own order from a stream of their own and
/// kept, so the answer for a time is the same whenever and however often it is asked.
#[derive(Clone, Debug)]
pub struct OnOff {
    stream: Stream,
    mean_on: f64,
    mean_off: f64,
    starts_on: bool,
    /// When it switches, ascending; the last lies beyond every question so far.
    switches: Vec<SimTime>,
}

impl OnOff {
    /// On and off for exponential times of these means.
    ///
    /// It is on at time zero with probability on / (on + off); the first time is exponential too,
    /// since what is left of one is.
    pub fn new(mean_on: SimDuration, mean_off: SimDuration, mut stream: Stream) -> OnOff {
        let (mean_on, mean_off) = (mean_on.as_secs_f64(), mean_off.as_secs_f64());
        let starts_on = stream.random::<f64>() * (mean_on + mean_off) < mean_on;
        OnOff {
            stream,
            mean_on,
            mean_off,
            starts_on,
            switches: Vec::new(),
        }
    }

    /// Number of switches at or before `time`; draws as many as are needed to know.
    fn switches_until(&mut self, time: SimTime) -> usize {
        while self.switches.last().is_none_or(|last| *last <= time) {
            let last = self.switches.last().copied().unwrap_or(SimTime::ZERO);
            if last == SimTime::MAX {
                break;
            }
            let mean = if self.on_after(self.switches.len()) {
                self.mean_on
            } else {
                self.mean_off
            };
            let draw: f64 = Exp1.sample(&mut self.stream);
            let length = SimDuration::from_secs_f64(draw * mean).unwrap_or(SimDuration::MAX);
            // A nanosecond at least, so that time moves on.
            self.switches
                .push(last + length.max(SimDuration::from_nanos(1)));
        }
        self.switches.partition_point(|switch| *switch <= time)
    }

    fn on_after(&self, switches: usize) -> bool {
        self.starts_on == switches.is_multiple_of(2)
    }

    /// Whether it is on at `time`.
    pub(super) fn is_on(&mut self, time: SimTime) -> bool {
        let passed = self.switches_until(time);
        self.on_after(passed)
    }

    /// When it next switches, after `time`; `None` is never.
    pub(super) fn next_switch(&mut self, time: SimTime) -> Option<SimTime> {
        let passed = self.switches_until(time);
        let next = self.switches.get(passed).copied();
        next.filter(|next| *next < SimTime::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Streams;

    fn outages(seed: u64) -> OnOff {
        let seconds = |s: u64| SimDuration::from_nanos(s * 1_000_000_000);
        OnOff::new(
            seconds(30),
            seconds(10),
            Streams::new(seed).stream("n0--n1", "outages"),
        )
    }

    #[test]
    fn the_answer_for_a_time_does_not_depend_on_what_was_asked_before() {
        let times: Vec<SimTime> = (0..500)
            .map(|k| SimTime::from_nanos(k * 7_300_000_000))
            .collect();
        let (mut forwards, mut backwards) = (outages(1), outages(1));
        let ahead: Vec<bool> = times.iter().map(|time| forwards.is_on(*time)).collect();
        let behind: Vec<bool> = times
            .iter()
            .rev()
            .map(|time| backwards.is_on(*time))
            .collect();
        assert!(ahead.iter().eq(behind.iter().rev()));
        assert!(ahead.contains(&true) && ahead.contains(&false));
    }

    /// The share of time on is on / (on + off) = 3/4. Over T it has, for an alternating renewal
    /// process of exponential times u and d, variance 2u²d²/(u+d)³/T (Takács 1959): the deviation
    /// of 200 000 s is below 2.58 standard deviations, the 99 % interval.
    #[test]
    fn the_share_of_time_on_is_that_of_the_means() {
        let whole = 200_000.0;
        let end = SimTime::from_secs_f64(whole).unwrap();
        let (u, d): (f64, f64) = (30.0, 10.0);
        let deviation = (2.0 * u * u * d * d / (u + d).powi(3) / whole).sqrt();
        for seed in 1..=5 {
            let mut link = outages(seed);
            let (mut on, mut now) = (0.0, SimTime::ZERO);
            while now < end {
                let next = link.next_switch(now).unwrap().min(end);
                if link.is_on(now) {
                    on += next.saturating_since(now).as_secs_f64();
                }
                now = next;
            }
            let share = on / whole;
            assert!(
                (share - 0.75).abs() < 2.58 * deviation,
                "seed {seed}: {share}"
            );
        }
    }
}
