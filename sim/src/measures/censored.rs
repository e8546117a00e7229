//! Comparing a duration with the median of others, when some of them were cut short.
//!
//! A participation that was cut would have taken at least as long as it had taken by
//! then. A comparison is decided only where every possible value of what was cut
//! leads to the same answer.

use super::quantile::quantile;

/// A length of time in nanoseconds, or what is known of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Known {
    /// It took this long.
    Exactly(f64),
    /// It was cut: it would have taken at least this long.
    AtLeast(f64),
}

impl Known {
    /// The least that it can be.
    fn low(self) -> f64 {
        match self {
            Self::Exactly(value) | Self::AtLeast(value) => value,
        }
    }
}

/// Durations that others are compared with.
#[derive(Debug, Clone, Default)]
pub struct Reference {
    /// The least that each can be, ascending.
    lows: Vec<f64>,
    /// Those known exactly, ascending; the others can be as long as one likes.
    exact: Vec<f64>,
}

impl Reference {
    /// Adds a duration. Linear in the size of the reference.
    pub fn insert(&mut self, duration: Known) {
        let low = duration.low();
        self.lows.insert(place(&self.lows, low), low);
        if matches!(duration, Known::Exactly(_)) {
            self.exact.insert(place(&self.exact, low), low);
        }
    }

    /// Takes a duration out that was inserted. Linear in the size of the reference.
    pub fn remove(&mut self, duration: Known) {
        let low = duration.low();
        self.lows.remove(place(&self.lows, low));
        if matches!(duration, Known::Exactly(_)) {
            self.exact.remove(place(&self.exact, low));
        }
    }

    /// Whether `duration`, which is not one of these, exceeds `factor` times their median.
    #[must_use]
    pub fn exceeded_by(&self, duration: Known, factor: f64) -> Option<bool> {
        let least = quantile(&self.lows, 0.5)?;
        let most = self.greatest_median();
        match duration {
            Known::Exactly(value) if value <= factor * least => Some(false),
            Known::Exactly(value) | Known::AtLeast(value) if value > factor * most => Some(true),
            _ => None,
        }
    }

    /// Whether `duration`, which is one of these, exceeds `factor` times their median.
    ///
    /// If it was cut itself, the median moves with it: it is decided over every
    /// value that it can take.
    #[must_use]
    pub fn exceeded_by_member(&self, duration: Known, factor: f64) -> Option<bool> {
        let Known::AtLeast(bound) = duration else {
            return self.exceeded_by(duration, factor);
        };
        let own = place(&self.lows, bound);
        let others = self.lows.len() - 1;
        let at_least = |i: usize| self.lows[if i < own { i } else { i + 1 }];
        let at_most = |i: usize| self.exact.get(i).copied().unwrap_or(f64::INFINITY);
        if MedianWith::others(others, at_most).always_exceeded_from(bound, factor) {
            Some(true)
        } else if MedianWith::others(others, at_least).never_exceeded_from(bound, factor) {
            Some(false)
        } else {
            None
        }
    }

    /// The median if whatever was cut had gone on for ever.
    fn greatest_median(&self) -> f64 {
        let n = self.lows.len();
        let at = |i: usize| self.exact.get(i).copied().unwrap_or(f64::INFINITY);
        if n % 2 == 1 {
            at(n / 2)
        } else {
            f64::midpoint(at(n / 2 - 1), at(n / 2))
        }
    }
}

/// Where a value is or would be inserted.
fn place(sorted: &[f64], value: f64) -> usize {
    sorted.partition_point(|other| *other < value)
}

/// The median of fixed values and one more, x, as a function of x: with an odd number of
/// values in all, x held between the two middle ones of the others; with an even number,
/// the mean of that and the middle one of the others.
struct MedianWith {
    lower: f64,
    upper: f64,
    middle: Option<f64>,
}

impl MedianWith {
    /// The others are `at(0) <= at(1) <= ...`, `count` of them.
    fn others(count: usize, at: impl Fn(usize) -> f64) -> Self {
        let half = count / 2;
        let middle = (count % 2 == 1).then(|| at(half));
        let (below, above) = (half.checked_sub(1), count.div_ceil(2));
        Self {
            lower: below.map_or(0.0, &at),
            upper: if above < count {
                at(above)
            } else {
                f64::INFINITY
            },
            middle,
        }
    }

    fn median(&self, x: f64) -> f64 {
        let held = x.clamp(self.lower, self.upper);
        self.middle
            .map_or(held, |middle| f64::midpoint(held, middle))
    }

    /// Where x − factor · median(x) bends from `bound` on, with its values there.
    fn bends(&self, bound: f64, factor: f64) -> impl Iterator<Item = f64> {
        [bound, self.lower.max(bound), self.upper.max(bound)]
            .into_iter()
            .filter(|x| x.is_finite())
            .map(move |x| x - factor * self.median(x))
    }

    /// How x − factor · median(x) goes on after its last bend.
    fn last_slope(&self, factor: f64) -> f64 {
        match (self.upper.is_finite(), self.middle) {
            (true, _) => 1.0,
            (false, None) => 1.0 - factor,
            (false, Some(_)) => 1.0 - factor / 2.0,
        }
    }

    fn always_exceeded_from(&self, bound: f64, factor: f64) -> bool {
        self.last_slope(factor) >= 0.0 && self.bends(bound, factor).all(|excess| excess > 0.0)
    }

    fn never_exceeded_from(&self, bound: f64, factor: f64) -> bool {
        self.last_slope(factor) <= 0.0 && self.bends(bound, factor).all(|excess| excess <= 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Known::{AtLeast, Exactly};
    use proptest::prelude::*;

    fn reference(durations: &[Known]) -> Reference {
        let mut reference = Reference::default();
        for duration in durations {
            reference.insert(*duration);
        }
        reference
    }

    #[test]
    fn without_cuts_it_is_a_plain_comparison() {
        let five = reference(&[1.0, 2.0, 4.0, 6.0, 9.0].map(Exactly));
        assert_eq!(five.exceeded_by_member(Exactly(6.0), 1.5), Some(false));
        assert_eq!(five.exceeded_by_member(Exactly(9.0), 1.5), Some(true));
        let four = reference(&[1.0, 2.0, 4.0, 9.0].map(Exactly));
        assert_eq!(four.exceeded_by_member(Exactly(4.0), 1.5), Some(false));
        assert_eq!(four.exceeded_by_member(Exactly(9.0), 1.5), Some(true));
        assert_eq!(Reference::default().exceeded_by(Exactly(9.0), 1.5), None);
    }

    #[test]
    fn one_cut_among_five_moves_the_median_between_its_neighbours() {
        // The median is 3 or, if the cut one had gone on beyond 4, it is 4.
        let five = reference(&[
            Exactly(1.0),
            Exactly(3.0),
            Exactly(4.0),
            AtLeast(2.0),
            Exactly(5.5),
        ]);
        assert_eq!(five.exceeded_by_member(Exactly(4.0), 1.5), Some(false));
        assert_eq!(five.exceeded_by_member(Exactly(5.5), 1.5), None);
        assert_eq!(five.exceeded_by_member(Exactly(5.5), 1.3), Some(true));
        // Itself it can be anything from 2 on.
        assert_eq!(five.exceeded_by_member(AtLeast(2.0), 1.5), None);
    }

    #[test]
    fn a_cut_one_is_a_straggler_once_it_has_taken_too_long_already() {
        let five = reference(&[
            Exactly(1.0),
            Exactly(2.0),
            Exactly(2.0),
            Exactly(3.0),
            AtLeast(3.5),
        ]);
        assert_eq!(five.exceeded_by_member(AtLeast(3.5), 1.5), Some(true));
        assert_eq!(five.exceeded_by(AtLeast(3.5), 1.5), Some(true));
        assert_eq!(five.exceeded_by(AtLeast(2.5), 1.5), None);
    }

    #[test]
    fn alone_nobody_exceeds_the_median_and_of_two_only_beyond_it() {
        assert_eq!(
            reference(&[AtLeast(3.0)]).exceeded_by_member(AtLeast(3.0), 1.5),
            Some(false)
        );
        // Of 1 and x the median is (1 + x)/2, and x > 1.5 (1 + x)/2 from x = 3 on.
        let pair = |x| reference(&[Exactly(1.0), AtLeast(x)]);
        assert_eq!(pair(2.9).exceeded_by_member(AtLeast(2.9), 1.5), None);
        assert_eq!(pair(3.1).exceeded_by_member(AtLeast(3.1), 1.5), Some(true));
        assert_eq!(pair(3.1).exceeded_by_member(AtLeast(3.1), 2.0), Some(false));
    }

    #[test]
    fn when_most_are_cut_nothing_can_be_said_of_the_long_ones() {
        let five = reference(&[
            AtLeast(1.0),
            AtLeast(1.0),
            AtLeast(1.0),
            Exactly(9.0),
            Exactly(1.0),
        ]);
        assert_eq!(five.exceeded_by_member(Exactly(9.0), 1.5), None);
        assert_eq!(five.exceeded_by_member(Exactly(1.0), 1.5), Some(false));
    }

    #[test]
    fn what_is_taken_out_counts_no_more() {
        let mut window = reference(&[Exactly(1.0), AtLeast(7.0), Exactly(3.0)]);
        window.remove(AtLeast(7.0));
        window.remove(Exactly(1.0));
        assert_eq!(window.exceeded_by(Exactly(4.6), 1.5), Some(true));
        assert_eq!(window.exceeded_by(Exactly(4.5), 1.5), Some(false));
    }

    fn known() -> impl Strategy<Value = Known> {
        (0_u32..12, any::<bool>()).prop_map(|(v, cut)| {
            if cut {
                AtLeast(f64::from(v))
            } else {
                Exactly(f64::from(v))
            }
        })
    }

    proptest! {
        /// Against trying out completions of what was cut, on a grid and far beyond it.
        #[test]
        fn a_decision_holds_for_every_completion(
            durations in prop::collection::vec(known(), 1..6),
            factor in prop::sample::select(vec![1.0, 1.25, 1.5, 2.0, 3.0]),
        ) {
            let tries = |known: &Known| match *known {
                Exactly(value) => vec![value],
                AtLeast(value) => {
                    let mut tries: Vec<f64> = (0..40).map(|i| value + f64::from(i)).step_by(3).collect();
                    tries.extend([value + 1.0, 1e9]);
                    tries
                }
            };
            let mut answers = [false; 2];
            let mut stack = vec![Vec::new()];
            while let Some(chosen) = stack.pop() {
                match durations.get(chosen.len()) {
                    Some(next) => stack.extend(tries(next).into_iter().map(|value| {
                        let mut longer = chosen.clone();
                        longer.push(value);
                        longer
                    })),
                    None => {
                        let mine = chosen[0];
                        let mut sorted = chosen;
                        sorted.sort_by(f64::total_cmp);
                        let median = quantile(&sorted, 0.5).unwrap();
                        answers[usize::from(mine > factor * median)] = true;
                    }
                }
                if answers == [true, true] {
                    break;
                }
            }
            let decided = reference(&durations).exceeded_by_member(durations[0], factor);
            match answers {
                [true, true] => prop_assert_eq!(decided, None),
                [true, false] => prop_assert_ne!(decided, Some(true)),
                _ => prop_assert_ne!(decided, Some(false)),
            }
        }
    }
}
