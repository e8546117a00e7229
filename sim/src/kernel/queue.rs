//! The event queue: what happens next, in one total order.

use crate::time::SimTime;
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// Names a scheduled event, to cancel it. Never names another event later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventId {
    slot: u32,
    sequence: u64,
}

/// Events ordered by (time, order of scheduling); nothing else decides.
///
/// Scheduling and popping cost O(log n); cancelling costs O(1) amortised: the
/// payload goes at once, the heap entry when it surfaces or when stale entries
/// outnumber live ones.
#[derive(Debug)]
pub struct EventQueue<T> {
    heap: BinaryHeap<Entry>,
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
    sequence: u64,
    live: usize,
    now: SimTime,
}

#[derive(Debug)]
struct Slot<T> {
    sequence: u64,
    payload: Option<T>,
}

/// Time in the high half, sequence in the low half: one comparison orders both.
#[derive(Debug, Clone, Copy)]
struct Entry {
    key: u128,
    slot: u32,
}

impl Entry {
    fn new(time: SimTime, sequence: u64, slot: u32) -> Self {
        let key = (u128::from(time.as_nanos()) << 64) | u128::from(sequence);
        Self { key, slot }
    }

    fn time(self) -> SimTime {
        SimTime::from_nanos((self.key >> 64) as u64)
    }

    fn sequence(self) -> u64 {
        self.key as u64
    }
}

// The standard heap pops its greatest entry; ours is the earliest.
impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        other.key.cmp(&self.key)
    }
}
impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}
impl Eq for Entry {}

impl<T> Default for EventQueue<T> {
    fn default() -> Self {
        Self {
            heap: BinaryHeap::new(),
            slots: Vec::new(),
            free: Vec::new(),
            sequence: 0,
            live: 0,
            now: SimTime::ZERO,
        }
    }
}

impl<T> EventQueue<T> {
    /// An empty queue at time zero.
    pub fn new() -> Self {
        Self::default()
    }

    /// The time of the last event popped.
    pub fn now(&self) -> SimTime {
        self.now
    }

    /// Number of events that are still to come.
    pub fn len(&self) -> usize {
        self.live
    }

    /// Whether nothing is still to come.
    pub fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// Schedules `payload` at `time`, after everything already scheduled there.
    ///
    /// # Panics
    /// If `time` lies before [`EventQueue::now`]: simulated time never runs back.
    pub fn schedule(&mut self, time: SimTime, payload: T) -> EventId {
        assert!(
            time >= self.now,
            "event scheduled at {time} s, before the present {} s",
            self.now
        );
        let sequence = self.sequence;
        self.sequence += 1;
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => {
                self.slots.push(Slot {
                    sequence: 0,
                    payload: None,
                });
                u32::try_from(self.slots.len() - 1).expect("fewer than 2^32 pending events")
            }
        };
        self.slots[slot as usize] = Slot {
            sequence,
            payload: Some(payload),
        };
        self.heap.push(Entry::new(time, sequence, slot));
        self.live += 1;
        EventId { slot, sequence }
    }

    /// Takes a scheduled event back; `None` if it has happened or was cancelled before.
    pub fn cancel(&mut self, event: EventId) -> Option<T> {
        let slot = &mut self.slots[event.slot as usize];
        if slot.sequence != event.sequence {
            return None;
        }
        let payload = slot.payload.take()?;
        self.free.push(event.slot);
        self.live -= 1;
        if self.heap.len() > 64 && self.heap.len() > 2 * self.live {
            self.drop_stale_entries();
        }
        Some(payload)
    }

    /// The time of the next event.
    pub fn peek_time(&mut self) -> Option<SimTime> {
        while let Some(entry) = self.heap.peek().copied() {
            if self.is_live(entry) {
                return Some(entry.time());
            }
            self.heap.pop();
        }
        None
    }

    /// Takes the next event and moves [`EventQueue::now`] to its time.
    pub fn pop(&mut self) -> Option<(SimTime, T)> {
        while let Some(entry) = self.heap.pop() {
            if !self.is_live(entry) {
                continue;
            }
            let payload = self.slots[entry.slot as usize].payload.take();
            self.free.push(entry.slot);
            self.live -= 1;
            self.now = entry.time();
            return payload.map(|payload| (self.now, payload));
        }
        None
    }

    fn is_live(&self, entry: Entry) -> bool {
        let slot = &self.slots[entry.slot as usize];
        slot.sequence == entry.sequence() && slot.payload.is_some()
    }

    fn drop_stale_entries(&mut self) {
        let mut entries = std::mem::take(&mut self.heap).into_vec();
        entries.retain(|entry| self.is_live(*entry));
        self.heap = BinaryHeap::from(entries);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(nanos: u64) -> SimTime {
        SimTime::from_nanos(nanos)
    }

    #[test]
    fn events_come_by_time_and_then_in_the_order_they_were_scheduled() {
        let mut queue = EventQueue::new();
        for (time, name) in [(5, 'a'), (3, 'b'), (5, 'c'), (3, 'd'), (4, 'e')] {
            queue.schedule(at(time), name);
        }
        let order: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(
            order,
            [
                (at(3), 'b'),
                (at(3), 'd'),
                (at(4), 'e'),
                (at(5), 'a'),
                (at(5), 'c')
            ]
        );
        assert_eq!(queue.now(), at(5));
    }

    #[test]
    fn a_cancelled_event_never_happens_and_cannot_be_cancelled_twice() {
        let mut queue = EventQueue::new();
        let first = queue.schedule(at(1), 'a');
        queue.schedule(at(2), 'b');
        assert_eq!(queue.cancel(first), Some('a'));
        assert_eq!(queue.cancel(first), None);
        // The freed slot is used again; the old name must not reach the new event.
        queue.schedule(at(3), 'c');
        assert_eq!(queue.cancel(first), None);
        assert_eq!(queue.len(), 2);
        assert_eq!(queue.pop(), Some((at(2), 'b')));
        assert_eq!(queue.pop(), Some((at(3), 'c')));
        assert_eq!(queue.pop(), None);
    }

    #[test]
    fn an_event_that_happened_cannot_be_cancelled() {
        let mut queue = EventQueue::new();
        let event = queue.schedule(at(1), ());
        queue.pop();
        assert_eq!(queue.cancel(event), None);
        assert!(queue.is_empty());
    }

    #[test]
    fn cancelling_many_events_keeps_the_heap_small_and_the_order_right() {
        let mut queue = EventQueue::new();
        let events: Vec<_> = (0..10_000).map(|i| queue.schedule(at(i), i)).collect();
        for (i, event) in events.into_iter().enumerate() {
            if i % 100 != 0 {
                queue.cancel(event);
            }
        }
        assert!(queue.heap.len() <= 2 * queue.len() + 1);
        let rest: Vec<u64> = std::iter::from_fn(|| queue.pop()).map(|(_, i)| i).collect();
        assert_eq!(rest, (0..100).map(|i| i * 100).collect::<Vec<_>>());
    }

    #[test]
    #[should_panic(expected = "before the present")]
    fn time_never_runs_back() {
        let mut queue = EventQueue::new();
        queue.schedule(at(2), ());
        queue.pop();
        queue.schedule(at(1), ());
    }
}
