//! Learning-rate schedules: a factor of the learning rate, as a function of a count.

use std::f64::consts::PI;

/// How the learning rate changes with a count t of steps or of versions, from t = 0.
///
/// The factors are those of optax and PyTorch.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Schedule {
    /// The course after the warm-up, which counts from its end.
    pub course: Course,
    /// Over so many counts the factor rises from 1/warmup to 1; 0 for no warm-up.
    pub warmup: u64,
}

/// The course of a learning rate after its warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub enum Course {
    /// 1.
    #[default]
    Constant,
    /// factor^⌊t/every⌋.
    Step {
        /// Counts between drops.
        every: u64,
        /// What is left by each.
        factor: f64,
    },
    /// factor^t.
    Exponential {
        /// What is left by each count.
        factor: f64,
    },
    /// floor + (1 − floor)·½(1 + cos πt/length), and floor from t = length on (Loshchilov and
    /// Hutter 2017, without restarts).
    Cosine {
        /// Counts until the floor.
        length: u64,
        /// The factor at the end.
        floor: f64,
    },
}

impl Schedule {
    /// The factor of the learning rate at a count.
    pub fn factor(&self, count: u64) -> f64 {
        if count < self.warmup {
            return (count + 1) as f64 / self.warmup as f64;
        }
        let count = count - self.warmup;
        match self.course {
            Course::Constant => 1.0,
            Course::Step { every, factor } => factor.powf((count / every.max(1)) as f64),
            Course::Exponential { factor } => factor.powf(count as f64),
            Course::Cosine { length, floor } => {
                let share = count.min(length) as f64 / length.max(1) as f64;
                floor + (1.0 - floor) * 0.5 * (1.0 + (PI * share).cos())
            }
        }
    }
}
