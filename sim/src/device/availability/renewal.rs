//! Alternating independent times online and offline, in equilibrium from the start.

use super::Stretch;
use crate::kernel::Stream;
use crate::time::{SimDuration, SimTime};
use rand::RngExt;
use rand_distr::{Distribution, Exp1, Gamma, LogNormal, Weibull};
use statrs::function::gamma::gamma;

/// How long a client stays online, or offline; lengths in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Lengths {
    /// Memoryless.
    Exponential {
        /// Mean.
        mean: f64,
    },
    /// Weibull: with a shape below 1 what has lasted goes on lasting, above 1 it wears out.
    Weibull {
        /// Scale λ.
        scale: f64,
        /// Shape k.
        shape: f64,
    },
    /// Log-normal.
    LogNormal {
        /// Median.
        median: f64,
        /// Standard deviation of the logarithm.
        sigma: f64,
    },
}

impl Lengths {
    /// Weibull lengths with this mean.
    #[must_use]
    pub fn weibull_with_mean(mean: f64, shape: f64) -> Self {
        let scale = mean / gamma(1.0 + 1.0 / shape);
        Self::Weibull { scale, shape }
    }

    /// The mean, in seconds.
    #[must_use]
    pub fn mean(self) -> f64 {
        match self {
            Self::Exponential { mean } => mean,
            Self::Weibull { scale, shape } => scale * gamma(1.0 + 1.0 / shape),
            Self::LogNormal { median, sigma } => median * (sigma * sigma / 2.0).exp(),
        }
    }

    fn draw(self, stream: &mut Stream) -> f64 {
        match self {
            Self::Exponential { mean } => {
                let draw: f64 = Exp1.sample(stream);
                draw * mean
            }
            Self::Weibull { scale, shape } => Weibull::new(scale, shape)
                .expect("scale and shape are checked")
                .sample(stream),
            Self::LogNormal { median, sigma } => LogNormal::new(median.ln(), sigma)
                .expect("median and sigma are checked")
                .sample(stream),
        }
    }

    /// What is left of the length under way at a time that has nothing to do with it.
    ///
    /// Such a time falls into a length with a probability proportional to it, and anywhere in it
    /// alike: the rest is a draw of density x·f(x)/mean times a uniform one (D. R. Cox, *Renewal
    /// Theory*, 1962, section 5.4). For the Weibull law y = (x/λ)ᵏ turns that density into
    /// Gamma(1 + 1/k, 1); a log-normal law of logarithm N(μ, σ²) into N(μ + σ², σ²). Exponential
    /// lengths have no memory: the rest is one of them.
    fn draw_rest(self, stream: &mut Stream) -> f64 {
        let whole = match self {
            Self::Exponential { .. } => return self.draw(stream),
            Self::Weibull { scale, shape } => {
                let weighted: f64 = Gamma::new(1.0 + 1.0 / shape, 1.0)
                    .expect("the shape is checked")
                    .sample(stream);
                scale * weighted.powf(1.0 / shape)
            }
            Self::LogNormal { median, sigma } => LogNormal::new(median.ln() + sigma * sigma, sigma)
                .expect("median and sigma are checked")
                .sample(stream),
        };
        whole * stream.random::<f64>()
    }
}

/// Alternating online and offline intervals, known as far as anyone has asked.
#[derive(Debug, Clone)]
pub struct Renewal {
    stream: Stream,
    up: Lengths,
    down: Lengths,
    starts_online: bool,
    /// Times at which the state switches, ascending; the last lies beyond every question so far.
    switches: Vec<SimTime>,
}

impl Renewal {
    /// Times online and offline of these lengths, in equilibrium at time zero.
    ///
    /// The state there is online with probability up/(up+down) of the means; the first interval
    /// is then the rest of one that began before.
    ///
    /// # Panics
    /// When the first interval is drawn, if a mean, scale, shape or median is not above zero, or
    /// a sigma below zero.
    pub fn new(up: Lengths, down: Lengths, mut stream: Stream) -> Self {
        let starts_online = stream.random::<f64>() < up.mean() / (up.mean() + down.mean());
        Self {
            stream,
            up,
            down,
            starts_online,
            switches: Vec::new(),
        }
    }

    pub(super) fn stretch(&mut self, time: SimTime) -> Stretch {
        let passed = self.switches_until(time);
        Stretch {
            online: self.online_after(passed),
            until: self.switches.get(passed).copied().unwrap_or(SimTime::MAX),
        }
    }

    /// Number of switches at or before `time`; draws as many as are needed to know.
    fn switches_until(&mut self, time: SimTime) -> usize {
        while self
            .switches
            .last()
            .is_none_or(|last| *last <= time && *last < SimTime::MAX)
        {
            let lengths = if self.online_after(self.switches.len()) {
                self.up
            } else {
                self.down
            };
            let (last, length) = match self.switches.last() {
                None => (SimTime::ZERO, lengths.draw_rest(&mut self.stream)),
                Some(last) => (*last, lengths.draw(&mut self.stream)),
            };
            let length = SimDuration::from_secs_f64(length).unwrap_or(SimDuration::MAX);
            // A nanosecond at least, so that time moves on.
            let length = length.max(SimDuration::from_nanos(1));
            self.switches.push(last + length);
        }
        self.switches.partition_point(|switch| *switch <= time)
    }

    fn online_after(&self, switches: usize) -> bool {
        self.starts_online == switches.is_multiple_of(2)
    }
}
