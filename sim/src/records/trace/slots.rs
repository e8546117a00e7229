//! Slots: what lasts is put side by side, so that nothing on one track overlaps.

use crate::time::SimTime;
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

/// Something that lasts; it may end at the instant at which it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Interval {
    pub(super) start: SimTime,
    pub(super) end: SimTime,
}

/// The slot of each interval, from 0, in the order given.
///
/// Greedy interval partitioning: in order of their begin, each takes the lowest slot that is free.
/// This needs no more slots than there are intervals under way at once. One that begins at the
/// instant at which another ends may follow it in its slot.
pub(super) fn slots(intervals: &[Interval]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..intervals.len()).collect();
    order.sort_by_key(|place| (intervals[*place].start, intervals[*place].end, *place));
    let mut slots = vec![0; intervals.len()];
    let mut busy: BinaryHeap<Reverse<(SimTime, usize)>> = BinaryHeap::new();
    let mut free: BTreeSet<usize> = BTreeSet::new();
    let mut opened = 0;
    for place in order {
        let Interval { start, end } = intervals[place];
        while let Some(&Reverse((until, slot))) = busy.peek()
            && until <= start
        {
            busy.pop();
            free.insert(slot);
        }
        let slot = free.pop_first().unwrap_or_else(|| {
            opened += 1;
            opened - 1
        });
        slots[place] = slot;
        busy.push(Reverse((end, slot)));
    }
    slots
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn interval(start: u64, length: u64) -> Interval {
        Interval {
            start: SimTime::from_nanos(start),
            end: SimTime::from_nanos(start + length),
        }
    }

    #[test]
    fn the_lowest_free_slot_is_taken_and_one_may_follow_at_once() {
        let intervals = [
            interval(0, 10),
            interval(2, 3),
            interval(5, 1),
            interval(10, 5),
            interval(10, 0),
        ];
        // The one without length comes first of those that begin at 10.
        assert_eq!(slots(&intervals), [0, 1, 1, 0, 0]);
    }

    proptest! {
        #[test]
        fn nothing_in_a_slot_overlaps_and_no_slot_is_wasted(
            drawn in prop::collection::vec((0..60_u64, 0..20_u64), 0..60),
        ) {
            let intervals: Vec<Interval> =
                drawn.iter().map(|(start, length)| interval(*start, *length)).collect();
            let slots = slots(&intervals);
            for (i, a) in intervals.iter().enumerate() {
                for (j, b) in intervals.iter().enumerate().skip(i + 1) {
                    let apart = a.end <= b.start || b.end <= a.start;
                    prop_assert!(slots[i] != slots[j] || apart);
                }
            }
            // One without length is there at its instant.
            let is_there = |one: &&Interval, at| one.start <= at && (at < one.end || at == one.start);
            let at_once = |at: SimTime| intervals.iter().filter(|one| is_there(one, at)).count();
            let most = intervals.iter().map(|one| at_once(one.start)).max().unwrap_or(0);
            let used = slots.iter().max().map_or(0, |most| most + 1);
            prop_assert!(used <= most.max(1));
        }
    }
}
