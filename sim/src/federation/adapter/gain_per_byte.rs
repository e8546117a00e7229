//! How many public samples travel, and how often, following the gain per byte.
//!
//! At each look the gain is what the measure rose by since the last one, and r the gain per byte
//! sent since then, zero where the measure fell. r is compared with r̄, the exponential mean of those
//! before:
//!
//! - r > 0 and r ≥ r̄: bytes pay as well as ever, and more are spent: first knowledge is
//!   exchanged twice as often, up to every version, then `step` times as many samples travel;
//! - r < `tolerance`·r̄, or r = 0: they do not, and fewer are spent: first 1/`step` of the samples
//!   travel, then knowledge is exchanged half as often;
//! - between the two nothing changes, so that the ordinary decline of gains does not.
//!
//! Then r̄ ← (1−β)·r̄ + β·r. The rule is this project's own: multiplicative steps with a dead band, in
//! the manner of ADACOMM's communication periods (Wang and Joshi 2019, arXiv 1810.08313), for
//! which the loss decides and no bytes are counted.

/// The bounds and the pace of the rule.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct GainPerByteSettings {
    /// Fewest public samples.
    pub(crate) least_samples: usize,
    /// Most public samples.
    pub(crate) most_samples: usize,
    /// Factor from one number of samples to the next; above 1.
    pub(crate) step: f64,
    /// Most versions from one exchange to the next; a power of two.
    pub(crate) longest_interval: u64,
    /// Below this share of the mean gain per byte fewer bytes are spent.
    pub(crate) tolerance: f64,
    /// β, the share of the last gain per byte in the mean.
    pub(crate) smoothing: f64,
}

/// What travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ration {
    /// Public samples of an exchange.
    pub(crate) samples: usize,
    /// Versions from one exchange to the next: 1, 2, 4, ...
    pub(crate) every: u64,
}

impl Ration {
    /// Whether knowledge is exchanged for the version after this one.
    pub(crate) fn exchanges(&self, version: u64) -> bool {
        version.is_multiple_of(self.every)
    }
}

/// The rule, with what it has seen.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct GainPerByte {
    settings: GainPerByteSettings,
    ration: Ration,
    /// The measure at the last look after which bytes were counted.
    measure: Option<f64>,
    /// Bytes since then.
    bytes: u64,
    /// r̄, in measure per byte.
    mean: Option<f64>,
}

impl GainPerByte {
    /// Begins with this many samples every version.
    pub(crate) fn new(settings: GainPerByteSettings, samples: usize) -> Self {
        Self {
            settings,
            ration: Ration {
                samples: samples.clamp(settings.least_samples, settings.most_samples),
                every: 1,
            },
            measure: None,
            bytes: 0,
            mean: None,
        }
    }

    /// What travels from now on.
    pub(crate) fn ration(&self) -> Ration {
        self.ration
    }

    /// A look: the measure, higher being better (a loss is given negated), and the bytes sent since
    /// the last look. A measure that is not finite is passed over, and its bytes are kept.
    pub(crate) fn look(&mut self, measure: f64, bytes: u64) {
        self.bytes += bytes;
        if !measure.is_finite() {
            return;
        }
        let Some(before) = self.measure else {
            self.measure = Some(measure);
            self.bytes = 0;
            return;
        };
        if self.bytes == 0 {
            // Nothing was exchanged: what was learned in between counts with the next exchange.
            return;
        }
        let gain = (measure - before).max(0.0) / self.bytes as f64;
        (self.measure, self.bytes) = (Some(measure), 0);
        let Some(mean) = self.mean else {
            self.mean = Some(gain);
            return;
        };
        if gain == 0.0 || gain < self.settings.tolerance * mean {
            self.spend_less();
        } else if gain >= mean {
            self.spend_more();
        }
        self.mean = Some(mean + self.settings.smoothing * (gain - mean));
    }

    fn spend_less(&mut self) {
        let GainPerByteSettings {
            least_samples,
            step,
            longest_interval,
            ..
        } = self.settings;
        if self.ration.samples > least_samples {
            let fewer = (self.ration.samples as f64 / step).round() as usize;
            self.ration.samples = fewer.clamp(least_samples, self.ration.samples - 1);
        } else {
            self.ration.every = (2 * self.ration.every).min(longest_interval);
        }
    }

    fn spend_more(&mut self) {
        let GainPerByteSettings {
            most_samples, step, ..
        } = self.settings;
        if self.ration.every > 1 {
            self.ration.every /= 2;
        } else if self.ration.samples < most_samples {
            let more = (self.ration.samples as f64 * step).round() as usize;
            self.ration.samples = more.clamp(self.ration.samples + 1, most_samples);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: GainPerByteSettings = GainPerByteSettings {
        least_samples: 100,
        most_samples: 800,
        step: 2.0,
        longest_interval: 4,
        tolerance: 0.5,
        smoothing: 0.5,
    };

    /// The rations after looks, as (samples, every).
    fn rations(samples: usize, looks: &[(f64, u64)]) -> Vec<(usize, u64)> {
        let mut adapter = GainPerByte::new(SETTINGS, samples);
        looks
            .iter()
            .map(|(measure, bytes)| {
                adapter.look(*measure, *bytes);
                (adapter.ration().samples, adapter.ration().every)
            })
            .collect()
    }

    #[test]
    fn the_ration_shrinks_as_gains_dry_up_and_grows_when_they_come_back() {
        // r in 1e-8 by hand, and r̄ after it.
        let looks = [
            (0.500, 0),         // where it begins
            (0.600, 1_000_000), // 10, r̄ 10
            (0.660, 1_000_000), // 6 of 10: in between, r̄ 8
            (0.680, 1_000_000), // 2 of 8: fewer, r̄ 5
            (0.690, 500_000),   // 2 of 5: fewer, r̄ 3.5
            (0.690, 250_000),   // 0: less often, r̄ 1.75
            (0.680, 250_000),   // fell: less often, r̄ 0.875
            (0.680, 250_000),   // 0, and no less to give, r̄ 0.4375
            (0.705, 250_000),   // 10: more often, r̄ 5.2
            (0.730, 250_000),   // 10: more often, r̄ 7.6
            (0.755, 250_000),   // 10: more samples
        ];
        let expected = [
            (400, 1),
            (400, 1),
            (400, 1),
            (200, 1),
            (100, 1),
            (100, 2),
            (100, 4),
            (100, 4),
            (100, 2),
            (100, 1),
            (200, 1),
        ];
        assert_eq!(rations(400, &looks), expected);
    }

    #[test]
    fn samples_stay_within_their_bounds() {
        let rising: Vec<(f64, u64)> = (0..9).map(|look| (f64::from(look * look), 10)).collect();
        assert_eq!(rations(300, &rising).last(), Some(&(800, 1)));
        assert_eq!(rations(300, &rising)[2..5], [(600, 1), (800, 1), (800, 1)]);
        assert_eq!(rations(10, &[(0.0, 0)]), [(100, 1)]);
    }

    #[test]
    fn looks_without_bytes_or_with_no_number_wait_for_the_next() {
        // As if looked at once: 0.1 of gain for 20 bytes, and then again.
        let waited = [
            (0.1, 0),
            (0.15, 0),
            (f64::NAN, 10),
            (0.2, 10),
            (0.25, 0),
            (0.3, 20),
        ];
        let mut adapter = GainPerByte::new(SETTINGS, 400);
        for (measure, bytes) in waited {
            adapter.look(measure, bytes);
        }
        assert!((adapter.mean.unwrap() - 0.005).abs() < 1e-12);
        assert_eq!((adapter.measure, adapter.bytes), (Some(0.3), 0));
    }

    #[test]
    fn intervals_nest() {
        let exchanged = |every| {
            let ration = Ration { samples: 1, every };
            (0..9).filter(move |version| ration.exchanges(*version))
        };
        assert!(exchanged(4).eq([0, 4, 8]));
        assert!(exchanged(2).eq([0, 2, 4, 6, 8]));
        assert!(exchanged(1).eq(0..9));
    }
}
