//! Devices: how fast a client computes, what it draws, and when it is there.

mod availability;
mod battery;
mod dropout;
mod noise;
mod processor;
mod run_queue;
mod steps;

pub use availability::{Availability, DailyCurve, Diurnal, Lengths, Pattern, Renewal, Stretch};
pub use battery::{Battery, BatteryKind};
pub use dropout::{CutPoint, DropRate, Phase};
pub use noise::SpeedNoise;
pub use processor::Processor;
pub use run_queue::{RunQueue, TaskId};
pub use steps::{Steps, StepsError};

use crate::time::{SimDuration, SimTime};

/// What a client computes on.
#[derive(Debug, Clone, PartialEq)]
pub struct Device {
    /// What computes.
    pub processor: Processor,
    /// Cores that training uses at once.
    pub training_cores: u32,
    /// Memory that training may use, in bytes; `None` is no limit.
    pub memory_bytes: Option<u64>,
    /// Draw in each state.
    pub power: Power,
}

/// Total draw of a device in each state, in watts. Offline it draws nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Power {
    /// Neither computing nor transferring.
    pub idle: f64,
    /// Computing.
    pub busy: f64,
    /// Sending.
    pub transmit: f64,
    /// Receiving.
    pub receive: f64,
}

impl Device {
    /// Effective FLOP/s in training: all its cores together, while the speed profile says 1 and
    /// nothing else runs.
    pub fn training_speed(&self) -> f64 {
        self.processor.core_speed() * f64::from(self.training_cores)
    }

    /// How long `flops` take at the speed of this time, rounded once to a nanosecond; any work
    /// takes one at least, so that time moves on.
    pub fn compute_time(&self, now: SimTime, flops: u64) -> SimDuration {
        let least = SimDuration::from_nanos(flops.min(1));
        let speed = self.processor.speed_at(self.training_cores, now);
        let time = SimDuration::from_secs_f64(flops as f64 / speed);
        time.unwrap_or(SimDuration::MAX).max(least)
    }

    /// When a training of `flops` that begins now ends, whatever its speed will be: rounded
    /// once; any work takes a nanosecond at least.
    pub fn completion(&self, now: SimTime, flops: f64) -> SimTime {
        let least = SimDuration::from_nanos(u64::from(flops > 0.0));
        let end = self.processor.completion(self.training_cores, now, flops);
        end.max(now + least)
    }

    /// The FLOPs that training does between two times: the integral of the speed.
    pub fn flops_between(&self, from: SimTime, until: SimTime) -> f64 {
        self.processor
            .work_between(self.training_cores, from, until)
    }

    /// FLOP/s in training on the average between two times.
    pub fn mean_speed(&self, from: SimTime, until: SimTime) -> f64 {
        let seconds = until.saturating_since(from).as_secs_f64();
        if self.processor.is_steady() || seconds == 0.0 {
            return self.processor.speed_at(self.training_cores, from);
        }
        self.flops_between(from, until) / seconds
    }

    /// Whether a working set fits.
    pub fn fits(&self, bytes: u64) -> bool {
        self.memory_bytes.is_none_or(|memory| bytes <= memory)
    }
}
