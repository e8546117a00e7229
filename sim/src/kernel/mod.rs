//! The event kernel: one queue, actors in lockstep with it, seeded random
//! streams, and a pool that computes beside simulated time. It knows neither
//! networks nor learning.

mod pool;
mod queue;
mod random;
mod stage;

pub use pool::{Cancellation, ComputePool, Job, JobHandle, JobOutput};
pub use queue::{EventId, EventQueue};
pub use random::{Stream, Streams};
pub use stage::{ActorId, Behaviour, Stage};
