//! The two measures in which the water of progressive filling rises.
//!
//! With equal shares the level of a link is the rate of its flows, a whole number, and nothing is
//! rounded but the quotient. With weights it is rate × weight, a float: rates are then exact to the
//! 2⁻⁵³ of a float. Both sum whole numbers only, so the order of flows is without effect.

use super::class::{Class, Classes};
use super::crossing::{Crossing, WHOLE};
use super::fill::Basin;
use super::fixed::Rate;

/// How a link's level and the rates at that level are reckoned.
pub(super) trait Filling {
    /// What rises; ordered.
    type Level: Copy + Ord;
    /// In how many parts capacity is counted.
    const PARTS: u128;

    /// What a flow takes on this link, in parts of its rate.
    fn parts(crossing: Crossing) -> u128;

    /// The rate of the flows of `class` that no cap holds down.
    fn rate(level: Self::Level, class: &Class) -> Rate;

    /// The level at which the classes of `basin` use up what is left of it; `None` if their caps do
    /// not.
    fn level_of(basin: &Basin, classes: &Classes) -> Option<Self::Level>;
}

/// Every flow counts alike and takes its whole rate on each of its links.
pub(super) struct Even;

impl Filling for Even {
    type Level = Rate;
    const PARTS: u128 = 1;

    fn parts(_: Crossing) -> u128 {
        1
    }

    fn rate(level: Rate, _: &Class) -> Rate {
        level
    }

    fn level_of(basin: &Basin, classes: &Classes) -> Option<Rate> {
        let flows: usize = basin
            .classes
            .iter()
            .map(|class| classes.slots[*class].caps.len())
            .sum();
        let mut level = Rate(basin.left.checked_div(flows as u128)?);
        loop {
            let (mut capped, mut caps) = (0, 0);
            for class in &basin.classes {
                let (count, sum) = classes.slots[*class].caps.up_to(level);
                capped += count;
                caps += sum;
            }
            let next = Rate((basin.left - caps).checked_div((flows - capped) as u128)?);
            if next == level {
                return Some(level);
            }
            level = next;
        }
    }
}

/// Flows count by their share, and take parts of their rate on their way back.
pub(super) struct Weighted;

/// Rate × weight; at least zero, and never NaN.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Height(f64);

impl Eq for Height {}

impl Ord for Height {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Height {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Filling for Weighted {
    type Level = Height;
    const PARTS: u128 = WHOLE as u128;

    fn parts(crossing: Crossing) -> u128 {
        u128::from(crossing.parts)
    }

    fn rate(Height(level): Height, class: &Class) -> Rate {
        Rate((level * class.share.0 as f64) as u128).min(Rate::UNLIMITED)
    }

    /// Newton's method as with equal shares. Each step is a function of which flows are capped, and
    /// more of them are with each higher level, so it ends whatever the floats round to.
    fn level_of(basin: &Basin, classes: &Classes) -> Option<Height> {
        let mut level = Height(-1.0);
        loop {
            let (mut shares, mut caps) = (0, 0);
            for class in &basin.classes {
                let class = &classes.slots[*class];
                let parts = Self::parts(class.crossing(basin.resource));
                let (count, sum) = if level.0 < 0.0 {
                    (0, 0)
                } else {
                    class.caps.up_to(Self::rate(level, class))
                };
                shares += parts * class.share.0 * (class.caps.len() - count) as u128;
                caps += parts * sum;
            }
            if shares == 0 {
                return None;
            }
            let next = Height(basin.left.saturating_sub(caps) as f64 / shares as f64);
            if next <= level {
                return Some(level);
            }
            level = next;
        }
    }
}
