//! How fast a link can carry bytes.

use std::fmt;

/// A bandwidth: positive and finite, from 10⁻³ to 10¹⁵ bytes per second.
///
/// # Example
/// ```
/// use fedstill_sim::network::Bandwidth;
/// let dsl = Bandwidth::from_bits_per_second(10e6).unwrap();
/// assert_eq!(dsl.as_bytes_per_second(), 1.25e6);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Bandwidth {
    bytes_per_second: f64,
}

/// The number is no bandwidth: NaN, zero, negative, or outside 10⁻³ to 10¹⁵ bytes per second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BandwidthError {
    /// What was asked for, in bytes per second.
    pub bytes_per_second: f64,
}

impl fmt::Display for BandwidthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = self.bytes_per_second;
        write!(f, "a bandwidth of {found} B/s is outside 0.001 to 1e15 B/s")
    }
}

impl std::error::Error for BandwidthError {}

impl Bandwidth {
    /// A bandwidth in bytes per second.
    ///
    /// # Errors
    /// [`BandwidthError`] outside 10⁻³ to 10¹⁵ B/s, or for NaN.
    pub fn from_bytes_per_second(bytes_per_second: f64) -> Result<Self, BandwidthError> {
        if (1e-3..=1e15).contains(&bytes_per_second) {
            Ok(Bandwidth { bytes_per_second })
        } else {
            Err(BandwidthError { bytes_per_second })
        }
    }

    /// A bandwidth in bits per second.
    ///
    /// # Errors
    /// [`BandwidthError`] outside 8·10⁻³ to 8·10¹⁵ bit/s, or for NaN.
    pub fn from_bits_per_second(bits_per_second: f64) -> Result<Self, BandwidthError> {
        Self::from_bytes_per_second(bits_per_second / 8.0)
    }

    /// Bytes per second.
    pub const fn as_bytes_per_second(self) -> f64 {
        self.bytes_per_second
    }

    /// Bits per second.
    pub const fn as_bits_per_second(self) -> f64 {
        self.bytes_per_second * 8.0
    }

    /// The smaller of the two.
    pub const fn min(self, other: Bandwidth) -> Bandwidth {
        if other.bytes_per_second < self.bytes_per_second {
            other
        } else {
            self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_carries_nothing_is_no_bandwidth() {
        for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-4, 1e16] {
            assert!(Bandwidth::from_bytes_per_second(wrong).is_err(), "{wrong}");
        }
        let error = Bandwidth::from_bits_per_second(-8.0).unwrap_err();
        assert_eq!(
            error.to_string(),
            "a bandwidth of -1 B/s is outside 0.001 to 1e15 B/s"
        );
    }
}
