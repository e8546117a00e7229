//! Jitter: latency that differs from transfer to transfer.

use std::fmt;
use std::sync::Arc;

use crate::kernel::Stream;
use crate::time::SimDuration;

/// A distribution of what a link adds to the latency of each transfer that crosses it.
#[derive(Clone)]
pub struct Jitter(Arc<dyn Fn(&mut Stream) -> SimDuration + Send + Sync>);

impl Jitter {
    /// Drawn by `draw`.
    pub fn new(draw: impl Fn(&mut Stream) -> SimDuration + Send + Sync + 'static) -> Jitter {
        Jitter(Arc::new(draw))
    }

    pub(super) fn draw(&self, stream: &mut Stream) -> SimDuration {
        (self.0)(stream)
    }
}

impl fmt::Debug for Jitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Jitter")
    }
}
