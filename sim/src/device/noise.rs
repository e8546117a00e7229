//! Noise: what a single computation's speed is of its device's.

use std::fmt;

/// Draws a factor on the speed of each computation of one client, in the client's own order.
pub struct SpeedNoise(Box<dyn FnMut() -> f64 + Send>);

impl SpeedNoise {
    /// Noise with a factor above zero at each call.
    pub fn new(factors: impl FnMut() -> f64 + Send + 'static) -> Self {
        Self(Box::new(factors))
    }

    /// The factor of the next computation.
    pub fn draw(&mut self) -> f64 {
        (self.0)()
    }
}

impl fmt::Debug for SpeedNoise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SpeedNoise")
    }
}
