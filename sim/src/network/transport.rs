//! What a transfer makes of its route: how long it waits, what it may take, how much of it is payload.
//!
//! The three presets are the fluid default and two models of TCP that SimGrid has made usual. The
//! factors of LV08 were fitted to packet-level simulations (Velho & Legrand, *Accuracy study and
//! improvement of network simulation in the SimGrid framework*, SIMUTools 2009); the semantics and
//! defaults are those of SimGrid 3.32.

use std::fmt;

use crate::time::SimDuration;

/// The transport model of a network.
///
/// # Example
/// ```
/// use fedstill_sim::network::Transport;
/// // SimGrid's LV08 without acknowledgements on the way back.
/// let transport = Transport { crosstraffic: false, ..Transport::lv08() };
/// assert!(transport.check().is_ok());
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transport {
    /// A transfer waits this many times the sum of its latencies before its first byte moves.
    pub latency_factor: f64,
    /// Bytes of payload for each byte that the links carry.
    pub bandwidth_factor: f64,
    /// S in bytes of the weight w = Σ latency + Σ S / bandwidth of a transfer, whose share of a link
    /// is proportional to 1 / w (w = 1 s where Σ latency is 0). With `None` all shares are equal.
    pub weight_s: Option<f64>,
    /// The largest TCP window, in bytes: no rate above window / (2 · Σ latency). 0 for no bound.
    pub tcp_gamma: f64,
    /// Whether a transfer also takes 0.05 of its rate, for acknowledgements, on its way back.
    pub crosstraffic: bool,
    /// Whether a transfer stays bounded by its route's smallest bandwidth as it was at the start;
    /// otherwise it follows its links when they become faster.
    pub bandwidth_at_start: bool,
}

impl Transport {
    /// Latency, then a fair share of every link, whatever the round-trip time.
    pub const fn fluid() -> Transport {
        Transport {
            latency_factor: 1.0,
            bandwidth_factor: 1.0,
            weight_s: None,
            tcp_gamma: 0.0,
            crosstraffic: false,
            bandwidth_at_start: false,
        }
    }

    /// SimGrid's CM02: shares against round-trip times, a bounded window, acknowledgements.
    pub const fn cm02() -> Transport {
        Transport {
            weight_s: Some(0.0),
            tcp_gamma: 4_194_304.0,
            crosstraffic: true,
            bandwidth_at_start: true,
            ..Transport::fluid()
        }
    }

    /// SimGrid's LV08, its default: CM02 with factors fitted to TCP's slow start and headers.
    pub const fn lv08() -> Transport {
        Transport {
            latency_factor: 13.01,
            bandwidth_factor: 0.97,
            weight_s: Some(20_537.0),
            ..Transport::cm02()
        }
    }

    /// The same, once every factor is known to make sense.
    ///
    /// # Errors
    /// [`TransportError`] names the first factor that does not.
    pub fn check(self) -> Result<Transport, TransportError> {
        let factors = [
            ("latency_factor", self.latency_factor, 0.0, 1e6),
            ("bandwidth_factor", self.bandwidth_factor, 1e-3, 1.0),
            ("weight_s", self.weight_s.unwrap_or(0.0), 0.0, 1e9),
            ("tcp_gamma", self.tcp_gamma, 0.0, 1e15),
        ];
        match factors
            .into_iter()
            .find(|(_, value, low, high)| !(low..=high).contains(&value))
        {
            None => Ok(self),
            Some((factor, value, low, high)) => Err(TransportError {
                factor,
                value,
                low,
                high,
            }),
        }
    }

    /// Whether every flow on a link counts alike, so that whole-number shares will do.
    pub(super) const fn shares_evenly(&self) -> bool {
        self.weight_s.is_none() && !self.crosstraffic
    }

    /// How long a transfer waits on a route of that latency.
    pub(super) fn delay(&self, latency: SimDuration) -> SimDuration {
        if self.latency_factor == 1.0 {
            return latency;
        }
        let nanos = latency.as_nanos() as f64 * self.latency_factor;
        SimDuration::from_nanos(nanos.round() as u64)
    }

    /// The weight w in seconds of a transfer over links with these bandwidths, in bytes per second.
    pub(super) fn weight(
        &self,
        latency: SimDuration,
        bandwidths: impl Iterator<Item = f64>,
    ) -> f64 {
        match self.weight_s {
            Some(weight_s) if latency > SimDuration::ZERO => {
                latency.as_secs_f64() + bandwidths.map(|most| weight_s / most).sum::<f64>()
            }
            _ => 1.0,
        }
    }

    /// The rate, in bytes per second, that the window allows.
    pub(super) fn window_bound(&self, latency: SimDuration) -> Option<f64> {
        (self.tcp_gamma > 0.0 && latency > SimDuration::ZERO)
            .then(|| self.tcp_gamma / (2.0 * latency.as_secs_f64()))
    }
}

impl Default for Transport {
    fn default() -> Self {
        Transport::fluid()
    }
}

/// A factor outside the range in which it makes sense, or no number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TransportError {
    /// The field of [`Transport`].
    pub factor: &'static str,
    /// What it was.
    pub value: f64,
    /// The least that it can be.
    pub low: f64,
    /// The most that it can be.
    pub high: f64,
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TransportError {
            factor,
            value,
            low,
            high,
        } = self;
        write!(f, "{factor} = {value} is outside {low} to {high}")
    }
}

impl std::error::Error for TransportError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_factor_out_of_range_is_named() {
        for (wrong, message) in [
            (
                Transport {
                    bandwidth_factor: 0.0,
                    ..Transport::lv08()
                },
                "bandwidth_factor = 0 is outside 0.001 to 1",
            ),
            (
                Transport {
                    weight_s: Some(-1.0),
                    ..Transport::lv08()
                },
                "weight_s = -1 is outside 0 to 1000000000",
            ),
            (
                Transport {
                    latency_factor: f64::NAN,
                    ..Transport::fluid()
                },
                "latency_factor = NaN is outside 0 to 1000000",
            ),
        ] {
            assert_eq!(wrong.check().unwrap_err().to_string(), message);
        }
        for preset in [Transport::fluid(), Transport::cm02(), Transport::lv08()] {
            assert_eq!(preset.check(), Ok(preset));
        }
    }
}
