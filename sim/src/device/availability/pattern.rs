//! Intervals online that are written down: recorded once, or repeated day by day or week by week.

use super::Stretch;
use crate::time::SimTime;

/// Intervals online, once or with a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// Begin and end of each interval in turn, in nanoseconds, ascending.
    edges: Box<[u64]>,
    period: Option<u64>,
}

impl Pattern {
    /// Online in these intervals `[begin, end)`, in nanoseconds; after a `period` again.
    ///
    /// Intervals that touch become one. What lies beyond the period is left out.
    ///
    /// # Panics
    /// If the intervals are not in order, overlap, or end before they begin, or the period is zero.
    #[must_use]
    pub fn new(intervals: impl IntoIterator<Item = (u64, u64)>, period: Option<u64>) -> Self {
        assert_ne!(period, Some(0), "a period has a length");
        let mut edges: Vec<u64> = Vec::new();
        for (begin, end) in intervals {
            let end = period.map_or(end, |period| end.min(period));
            if period.is_some_and(|period| begin >= period) {
                continue;
            }
            assert!(begin < end, "an interval ends after it begins");
            match edges.last_mut() {
                Some(last) if *last == begin => *last = end,
                last => {
                    assert!(last.is_none_or(|last| *last < begin), "intervals in order");
                    edges.extend([begin, end]);
                }
            }
        }
        Self {
            edges: edges.into(),
            period,
        }
    }

    /// The state at `time` when the run begins `offset` nanoseconds into the pattern.
    pub fn stretch(&self, time: SimTime, offset: u64) -> Stretch {
        let begun = u128::from(time.as_nanos()) + u128::from(offset);
        let place = match self.period {
            // The remainder is smaller than the period.
            Some(period) => (begun % u128::from(period)) as u64,
            None => u64::try_from(begun).unwrap_or(u64::MAX),
        };
        let passed = self.edges.partition_point(|edge| *edge <= place);
        let next = self.edges.get(passed).copied().or_else(|| {
            // The first edge of the next round, where the end of this one changes nothing.
            Some(self.period? + self.edges.first()?)
        });
        let for_ever = self.edges.as_ref() == [0, self.period.unwrap_or(u64::MAX)];
        Stretch {
            online: !passed.is_multiple_of(2),
            until: match next {
                Some(next) if !for_ever => {
                    SimTime::from_nanos(time.as_nanos().saturating_add(next - place))
                }
                _ => SimTime::MAX,
            },
        }
    }
}
