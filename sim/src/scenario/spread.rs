//! A plain number that may differ from client to client: one, a list, or a range.

use rand::{Rng, RngExt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A number of each client: the same for all, a list to go through, or drawn from a range.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "expected a number, a list of numbers, or a range such as { low = -45, high = 45 }"
)]
pub enum Spread {
    /// The same for all clients.
    Constant(f64),
    /// Client i of the group has number i; after the last the list begins again.
    List(Vec<f64>),
    /// Drawn for each client, every number of the range being equally likely.
    Range(Range),
}

/// A range of numbers, every one being equally likely.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// The smallest.
    pub low: f64,
    /// The largest.
    pub high: f64,
}

impl Spread {
    /// The number of the client with this index in its group.
    pub(crate) fn draw(&self, index: usize, stream: &mut impl Rng) -> f64 {
        match self {
            Self::Constant(number) => *number,
            Self::List(numbers) => numbers
                .get(index % numbers.len().max(1))
                .copied()
                .unwrap_or_default(),
            Self::Range(Range { low, high }) => low + (high - low) * stream.random::<f64>(),
        }
    }

    /// The first number that can occur and does not hold to a rule, or why there is none at all.
    pub(crate) fn wrong(&self, holds: impl Fn(f64) -> bool) -> Option<String> {
        let wrong = |number: f64| !(number.is_finite() && holds(number));
        match self {
            Self::Constant(number) => wrong(*number).then(|| number.to_string()),
            Self::List(numbers) if numbers.is_empty() => Some("an empty list".to_owned()),
            Self::List(numbers) => numbers
                .iter()
                .find(|number| wrong(**number))
                .map(f64::to_string),
            Self::Range(Range { low, high }) if low > high => {
                Some(format!("a range from {low} down to {high}"))
            }
            Self::Range(Range { low, high }) => [low, high]
                .into_iter()
                .find(|end| wrong(**end))
                .map(f64::to_string),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Streams;

    #[test]
    fn a_list_begins_again_and_a_range_stays_within_its_ends() {
        let mut stream = Streams::new(1).stream("site-0", "rotation");
        let list = Spread::List(vec![0.0, 90.0, 180.0]);
        let drawn: Vec<f64> = (0..5).map(|index| list.draw(index, &mut stream)).collect();
        assert_eq!(drawn, [0.0, 90.0, 180.0, 0.0, 90.0]);
        let range = Spread::Range(Range {
            low: -45.0,
            high: 45.0,
        });
        let drawn: Vec<f64> = (0..1000).map(|_| range.draw(0, &mut stream)).collect();
        assert!(drawn.iter().all(|angle| angle.abs() <= 45.0));
        // Four standard errors of the mean of a uniform draw of width 90.
        let mean = drawn.iter().sum::<f64>() / 1000.0;
        assert!(mean.abs() < 4.0 * 90.0 / 12_f64.sqrt() / 1000_f64.sqrt());
        assert!(range.wrong(|_| true).is_none());
    }

    #[test]
    fn what_can_occur_and_must_not_is_told() {
        let positive = |number: f64| number >= 0.0;
        assert_eq!(Spread::Constant(-1.0).wrong(positive).unwrap(), "-1");
        assert_eq!(Spread::List(vec![1.0, -2.0]).wrong(positive).unwrap(), "-2");
        assert_eq!(
            Spread::List(vec![]).wrong(positive).unwrap(),
            "an empty list"
        );
        let range = |low, high| Spread::Range(Range { low, high });
        assert_eq!(range(-1.0, 1.0).wrong(positive).unwrap(), "-1");
        assert_eq!(
            range(2.0, 1.0).wrong(positive).unwrap(),
            "a range from 2 down to 1"
        );
        assert!(Spread::Constant(f64::NAN).wrong(|_| true).is_some());
    }
}
