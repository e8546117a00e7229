//! The flows of one class in order of their own cap, with counts and sums.
//!
//! Water-filling asks again and again "how many flows have a cap of at most λ, and what do these
//! caps add up to?". Entries lie sorted in short chunks that know their count and sum: n flows cost
//! O(n / chunk + chunk) for each question, insertion and removal, which for the tens of thousands of
//! flows that a link carries at once is a few hundred sequential steps.

use super::fixed::Rate;
use super::flow::FlowId;

/// A chunk that grows past this is cut in two.
const CHUNK: usize = 128;

#[derive(Debug)]
struct Chunk {
    entries: Vec<(Rate, FlowId)>,
    sum: u128,
}

/// Sorted multiset of (cap, flow).
#[derive(Debug, Default)]
pub(super) struct CapOrder {
    chunks: Vec<Chunk>,
    len: usize,
}

impl CapOrder {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The chunk in which `entry` is, or belongs.
    fn chunk_of(&self, entry: (Rate, FlowId)) -> usize {
        let after = self
            .chunks
            .partition_point(|chunk| chunk.entries[0] <= entry);
        after.saturating_sub(1)
    }

    pub(super) fn insert(&mut self, cap: Rate, flow: FlowId) {
        self.len += 1;
        if self.chunks.is_empty() {
            self.chunks.push(Chunk {
                entries: vec![(cap, flow)],
                sum: cap.0,
            });
            return;
        }
        let at = self.chunk_of((cap, flow));
        let chunk = &mut self.chunks[at];
        let place = chunk.entries.partition_point(|entry| *entry < (cap, flow));
        chunk.entries.insert(place, (cap, flow));
        chunk.sum += cap.0;
        if chunk.entries.len() > CHUNK {
            let upper = chunk.entries.split_off(CHUNK / 2);
            let sum = upper.iter().map(|(cap, _)| cap.0).sum();
            chunk.sum -= sum;
            self.chunks.insert(
                at + 1,
                Chunk {
                    entries: upper,
                    sum,
                },
            );
        }
    }

    /// # Panics
    /// If the flow is not there with that cap.
    pub(super) fn remove(&mut self, cap: Rate, flow: FlowId) {
        let at = self.chunk_of((cap, flow));
        let chunk = &mut self.chunks[at];
        let place = chunk
            .entries
            .binary_search(&(cap, flow))
            .unwrap_or_else(|_| unreachable!("flow {flow:?} is not in its class"));
        chunk.entries.remove(place);
        chunk.sum -= cap.0;
        self.len -= 1;
        if chunk.entries.is_empty() {
            self.chunks.remove(at);
        }
    }

    /// Number and sum of the caps that are at most `level`.
    pub(super) fn up_to(&self, level: Rate) -> (usize, u128) {
        let (mut count, mut sum) = (0, 0);
        for chunk in &self.chunks {
            let last = chunk.entries[chunk.entries.len() - 1].0;
            if last <= level {
                count += chunk.entries.len();
                sum += chunk.sum;
            } else {
                let part = chunk.entries.partition_point(|(cap, _)| *cap <= level);
                count += part;
                sum += chunk.entries[..part]
                    .iter()
                    .map(|(cap, _)| cap.0)
                    .sum::<u128>();
                break;
            }
        }
        (count, sum)
    }

    /// The flows whose cap is above `low` and at most `high`, by cap and then in flow order.
    pub(super) fn between(&self, low: Rate, high: Rate) -> impl Iterator<Item = (Rate, FlowId)> {
        let first = self
            .chunks
            .partition_point(|chunk| chunk.entries[chunk.entries.len() - 1].0 <= low);
        self.chunks[first..]
            .iter()
            .flat_map(|chunk| chunk.entries.iter().copied())
            .skip_while(move |(cap, _)| *cap <= low)
            .take_while(move |(cap, _)| *cap <= high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_sums_agree_with_a_plain_list_while_flows_come_and_go() {
        let mut order = CapOrder::default();
        let mut plain: Vec<(Rate, FlowId)> = Vec::new();
        // A multiplicative walk through all residues gives caps in no order, with repeats.
        for number in 0..2_000_u64 {
            let cap = Rate(u128::from(number * 7_919 % 613));
            let flow = FlowId::new(number, number as u32);
            order.insert(cap, flow);
            plain.push((cap, flow));
            if number % 3 == 2 {
                let (cap, flow) = plain.remove((number * 31) as usize % plain.len());
                order.remove(cap, flow);
            }
        }
        plain.sort();
        assert_eq!(order.len(), plain.len());
        for level in (0..620).step_by(7).map(Rate) {
            let below: Vec<u128> = plain
                .iter()
                .filter(|e| e.0 <= level)
                .map(|e| e.0.0)
                .collect();
            assert_eq!(order.up_to(level), (below.len(), below.iter().sum()));
            let high = Rate(level.0 + 40);
            let between: Vec<_> = plain
                .iter()
                .copied()
                .filter(|e| e.0 > level && e.0 <= high)
                .collect();
            assert_eq!(order.between(level, high).collect::<Vec<_>>(), between);
        }
        for (cap, flow) in plain {
            order.remove(cap, flow);
        }
        assert!(order.is_empty());
    }
}
