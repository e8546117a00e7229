//! A processor: cores of one speed, a profile of that speed over time, and a background load.
//!
//! Computations share the cores fairly. Speeds are constant between steps, so what is done
//! by a time, and when something is done, are sums over steps: nothing here is an event.

use super::Steps;
use crate::time::{SimDuration, SimTime};
use std::sync::Arc;

/// What computations run on.
///
/// Each core is fully used by whoever needs it. Computations and background tasks share the
/// cores max-min fairly: all get equally many, but none more than it can use, and what one
/// leaves is shared by the others.
#[derive(Debug, Clone, PartialEq)]
pub struct Processor {
    /// FLOP/s of a core while the profile says 1.
    core_speed: f64,
    cores: u32,
    /// Factor on the speed of every core; `None` is 1.
    profile: Option<Arc<Steps>>,
    /// Cores that background tasks ask for; `None` is 0.
    load: Option<Arc<Steps>>,
}

/// Computations that can use equally many cores each: how many cores, and how many of them.
pub(super) type Group = (u32, usize);

impl Processor {
    /// `cores` cores of `core_speed` FLOP/s each, with nothing else to do.
    pub fn new(core_speed: f64, cores: u32) -> Self {
        debug_assert!(core_speed > 0.0 && cores > 0);
        Self {
            core_speed,
            cores,
            profile: None,
            load: None,
        }
    }

    /// The same with a factor on its speed that changes over time.
    #[must_use]
    pub fn with_profile(mut self, profile: Arc<Steps>) -> Self {
        self.profile = Some(profile).filter(|profile| **profile != Steps::constant(1.0));
        self
    }

    /// The same with a background load, in cores that it asks for.
    ///
    /// A load of 2.3 stands for three tasks of one core: two that would keep a core busy for
    /// ever, and one that asks for three tenths of a core. They compete with computations as
    /// computations do with each other.
    #[must_use]
    pub fn with_load(mut self, load: Arc<Steps>) -> Self {
        self.load = Some(load).filter(|load| **load != Steps::constant(0.0));
        self
    }

    /// Whether its speed never changes by itself.
    pub fn is_steady(&self) -> bool {
        let steady =
            |steps: &Option<Arc<Steps>>| steps.as_ref().is_none_or(|steps| steps.is_constant());
        steady(&self.profile) && steady(&self.load)
    }

    /// FLOP/s of one core while the profile says 1.
    pub fn core_speed(&self) -> f64 {
        self.core_speed
    }

    /// Number of cores.
    pub fn cores(&self) -> u32 {
        self.cores
    }

    /// FLOP/s of a computation on up to `parallelism` cores that has the processor for itself,
    /// background aside, at a time.
    pub fn speed_at(&self, parallelism: u32, time: SimTime) -> f64 {
        self.speed(&[(parallelism, 1)], parallelism, time).0
    }

    /// FLOPs that such a computation gets done between two times.
    pub fn work_between(&self, parallelism: u32, from: SimTime, until: SimTime) -> f64 {
        self.integral(&[(parallelism, 1)], parallelism, from, until)
    }

    /// When such a computation that begins at `from` has done `flops`, rounded once;
    /// [`SimTime::MAX`] is never.
    pub fn completion(&self, parallelism: u32, from: SimTime, flops: f64) -> SimTime {
        self.reach(&[(parallelism, 1)], parallelism, from, flops)
    }

    /// FLOPs that each computation on up to `parallelism` cores gets done between two times
    /// while exactly these groups compute.
    pub(super) fn integral(
        &self,
        groups: &[Group],
        parallelism: u32,
        from: SimTime,
        until: SimTime,
    ) -> f64 {
        let (mut now, mut done) = (from, 0.0);
        if let Some(cycle) = self.cycle(from) {
            let length = cycle.as_nanos();
            let whole = until.saturating_since(from).as_nanos() / length;
            if whole > 1 {
                let in_a_cycle = self.walk(groups, parallelism, from, from + cycle);
                done = in_a_cycle * whole as f64;
                now = from + SimDuration::from_nanos(whole * length);
            }
        }
        done + self.walk(groups, parallelism, now, until)
    }

    /// The same step by step.
    fn walk(&self, groups: &[Group], parallelism: u32, from: SimTime, until: SimTime) -> f64 {
        let (mut now, mut done) = (from, 0.0);
        while now < until {
            let (rate, end) = self.speed(groups, parallelism, now);
            let end = end.unwrap_or(until).min(until);
            done += end.saturating_since(now).as_secs_f64() * rate;
            now = end;
        }
        done
    }

    /// When each computation on up to `parallelism` cores has done `flops` more, if exactly these
    /// groups compute from `from` on.
    pub(super) fn reach(
        &self,
        groups: &[Group],
        parallelism: u32,
        from: SimTime,
        flops: f64,
    ) -> SimTime {
        let mut left = flops;
        if left <= 0.0 {
            return from;
        }
        let mut now = from;
        let mut cycle: Option<Cycle> = None;
        loop {
            let (rate, mut end) = self.speed(groups, parallelism, now);
            if cycle.is_none() {
                cycle = self.cycle(now).map(|length| Cycle::new(now, length));
            }
            if let Some(cycle) = &cycle {
                end = Some(end.map_or(cycle.end, |end| end.min(cycle.end)));
            }
            let length = SimDuration::from_secs_f64(left / rate);
            match (length.map(|length| now + length), end) {
                (Ok(done), None) => return done,
                (Err(_), None) => return SimTime::MAX,
                (Ok(done), Some(end)) if done <= end => return done,
                (_, Some(end)) => {
                    let work = rate * end.saturating_since(now).as_secs_f64();
                    left -= work;
                    // Rounding may leave nothing a moment before the step.
                    if left <= 0.0 || end == SimTime::MAX {
                        return end;
                    }
                    now = end;
                    if let Some(cycle) = &mut cycle {
                        now = cycle.went_on(work, &mut left, now);
                    }
                }
            }
        }
    }

    /// FLOP/s of each computation on up to `parallelism` cores at a time, and when that may
    /// change next by itself.
    fn speed(&self, groups: &[Group], parallelism: u32, time: SimTime) -> (f64, Option<SimTime>) {
        let at = |steps: &Option<Arc<Steps>>, otherwise| match steps {
            Some(steps) => steps.at(time),
            None => (otherwise, None),
        };
        let (factor, profile_changes) = at(&self.profile, 1.0);
        let (load, load_changes) = at(&self.load, 0.0);
        let most = f64::from(parallelism.min(self.cores));
        let cores = most.min(fair_share(f64::from(self.cores), load, groups));
        let change = profile_changes.into_iter().chain(load_changes).min();
        (self.core_speed * cores * factor, change)
    }

    /// The length after which speeds repeat themselves from `time` on: none where they still
    /// have to settle, or no longer change.
    fn cycle(&self, time: SimTime) -> Option<SimDuration> {
        let of = |steps: &Option<Arc<Steps>>| match steps {
            Some(steps) => steps.recurrence(time),
            None => Some(0),
        };
        match (of(&self.profile)?, of(&self.load)?) {
            (0, 0) => None,
            (0, cycle) | (cycle, 0) => Some(SimDuration::from_nanos(cycle)),
            (one, other) => {
                let both = (one / greatest_common_divisor(one, other)).checked_mul(other)?;
                Some(SimDuration::from_nanos(both))
            }
        }
    }
}

fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// Cores that each gets who could use more: the level of max-min fairness, infinite where
/// everyone gets all that it can use.
///
/// Filling goes in ascending order of demand (Bertsekas and Gallager 1992, section 6.5.2).
fn fair_share(cores: f64, load: f64, groups: &[Group]) -> f64 {
    let asked: f64 = groups
        .iter()
        .map(|(parallelism, count)| f64::from(*parallelism) * *count as f64)
        .sum();
    if asked + load <= cores {
        return f64::INFINITY;
    }
    let whole = load.floor();
    let mut demands: Vec<(f64, f64)> = groups
        .iter()
        .map(|(parallelism, count)| (f64::from(*parallelism), *count as f64))
        .collect();
    demands.push((1.0, whole));
    demands.push((load - whole, 1.0));
    demands.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut left = cores;
    let mut sharers: f64 = demands.iter().map(|(_, count)| count).sum();
    for (demand, count) in demands {
        if demand * sharers > left {
            return left / sharers;
        }
        left -= demand * count;
        sharers -= count;
    }
    f64::INFINITY
}

/// A cycle of speeds that is being gone through, to leave out all whole ones that follow.
struct Cycle {
    end: SimTime,
    length: SimDuration,
    done: f64,
}

impl Cycle {
    fn new(start: SimTime, length: SimDuration) -> Self {
        Self {
            end: start + length,
            length,
            done: 0.0,
        }
    }

    /// Time has gone on to `now` with `work` done and `left` to do; gives the time from which to
    /// go on, which is later where whole cycles are left out.
    fn went_on(&mut self, work: f64, left: &mut f64, now: SimTime) -> SimTime {
        self.done += work;
        if now < self.end {
            return now;
        }
        // One cycle fewer than fit, so that rounding cannot pass the end.
        let whole = ((*left / self.done).floor() - 1.0).max(0.0);
        let nanos = whole * self.length.as_nanos() as f64;
        let next = if nanos < u64::MAX as f64 {
            *left -= whole * self.done;
            now + SimDuration::from_nanos(whole as u64 * self.length.as_nanos())
        } else {
            SimTime::MAX
        };
        *self = Self::new(next, self.length);
        next
    }
}

#[cfg(test)]
mod tests;
