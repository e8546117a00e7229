//! Devices: how fast a client computes, what it draws, and when it is there.

mod availability;
mod battery;
mod dropout;

pub use availability::{Availability, DailyCurve, Diurnal, Lengths, Pattern, Renewal, Stretch};
pub use battery::{Battery, BatteryKind};
pub use dropout::{CutPoint, DropRate, Phase};

use crate::time::SimDuration;

/// What a client computes on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Device {
    /// Effective floating-point operations per second.
    pub flops_per_second: f64,
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
    /// How long `flops` take, rounded once to a nanosecond; any work takes one at least, so
    /// that time moves on.
    pub fn compute_time(&self, flops: u64) -> SimDuration {
        let least = SimDuration::from_nanos(flops.min(1));
        let time = SimDuration::from_secs_f64(flops as f64 / self.flops_per_second);
        time.unwrap_or(SimDuration::MAX).max(least)
    }

    /// The FLOPs done in `time`: the integral of the speed.
    pub fn flops_in(&self, time: SimDuration) -> u64 {
        (time.as_secs_f64() * self.flops_per_second).round() as u64
    }

    /// Whether a working set fits.
    pub fn fits(&self, bytes: u64) -> bool {
        self.memory_bytes.is_none_or(|memory| bytes <= memory)
    }
}
