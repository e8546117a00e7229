//! When a run first reached its target accuracy, looked up on the grid of evaluations.

use super::accuracy::{instants, mean_accuracy};
use crate::records::{Evaluation, RunBooks};
use crate::scenario::RawTarget;
use crate::time::SimTime;

/// The grid points around the first time that the target was reached and then held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TargetReached {
    /// The last evaluation below the target; `None` where the first was at it already.
    pub before: Option<SimTime>,
    /// The first evaluation of the streak.
    pub at: SimTime,
}

/// How a run and its target stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeToTarget {
    /// The scenario names no target.
    NoTarget,
    /// It was reached and held.
    Reached(TargetReached),
    /// It was not reached, or not held before the run ended: censored.
    NotReached,
}

impl TimeToTarget {
    /// Of a run.
    #[must_use]
    pub fn of(books: &RunBooks) -> Self {
        let evaluation = &books.scenario.evaluation;
        let Some(target) = &evaluation.target else {
            return Self::NoTarget;
        };
        // The evaluation at the end of a run may lie off the grid.
        let step = evaluation
            .every
            .map_or(1, |every| every.nanoseconds().max(1));
        let grid = instants(&books.evaluations).filter(|found| found.at.as_nanos() % step == 0);
        match first_held(grid, target) {
            Some(reached) => Self::Reached(reached),
            None => Self::NotReached,
        }
    }

    /// When it was reached, if it was.
    #[must_use]
    pub fn reached(self) -> Option<TargetReached> {
        match self {
            Self::Reached(reached) => Some(reached),
            Self::NoTarget | Self::NotReached => None,
        }
    }
}

fn first_held<'a>(
    grid: impl Iterator<Item = &'a Evaluation>,
    target: &RawTarget,
) -> Option<TargetReached> {
    let mut before = None;
    let mut streak: Option<(SimTime, u32)> = None;
    for evaluation in grid {
        let value = mean_accuracy(evaluation, target.scope, target.split.into());
        if value.is_some_and(|value| value >= target.value) {
            let (at, held) = streak.map_or((evaluation.at, 1), |(at, held)| (at, held + 1));
            if held >= target.hold.max(1) {
                return Some(TargetReached { before, at });
            }
            streak = Some((at, held));
        } else {
            before = Some(evaluation.at);
            streak = None;
        }
    }
    None
}
