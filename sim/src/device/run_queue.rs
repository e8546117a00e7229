//! Computations that share one processor, from when each begins until it is done.

use super::Processor;
use super::processor::Group;
use crate::time::SimTime;
use std::collections::{BTreeMap, BTreeSet};

/// Names a computation of a [`RunQueue`]; counts them in the order in which they began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TaskId(u64);

/// The computations under way on a processor, which they share (processor sharing).
///
/// Those that can use equally many cores are equally fast, so they have one clock in common,
/// which counts the FLOPs that each of them has done: a computation is done when the clock
/// has gone on by its work. An arrival or an end costs the logarithm of their number.
#[derive(Debug)]
pub struct RunQueue {
    processor: Processor,
    now: SimTime,
    /// By the cores that each can use.
    classes: BTreeMap<u32, Class>,
    tasks: BTreeMap<TaskId, Task>,
    begun: u64,
}

#[derive(Debug, Default)]
struct Class {
    /// FLOPs that a computation has done that was there since the class was last empty.
    clock: f64,
    /// Clock readings at which computations are done; as bits, which order non-negative floats.
    ends: BTreeSet<(u64, TaskId)>,
}

#[derive(Debug, Clone, Copy)]
struct Task {
    parallelism: u32,
    flops: f64,
    /// Reading of its class's clock when it is done.
    end: f64,
}

impl RunQueue {
    /// A processor with nothing to do but its background load.
    pub fn new(processor: Processor) -> Self {
        Self {
            processor,
            now: SimTime::ZERO,
            classes: BTreeMap::new(),
            tasks: BTreeMap::new(),
            begun: 0,
        }
    }

    /// Begins a computation of `flops` on up to `parallelism` cores.
    ///
    /// Every completion up to `now` has been taken by [`advance`](Self::advance).
    pub fn begin(&mut self, now: SimTime, flops: f64, parallelism: u32) -> TaskId {
        debug_assert!(flops >= 0.0 && parallelism > 0);
        self.settle(now);
        let id = TaskId(self.begun);
        self.begun += 1;
        let class = self.classes.entry(parallelism).or_default();
        // No zero of the other sign, whose bits come last.
        let end = class.clock + flops + 0.0;
        class.ends.insert((end.to_bits(), id));
        let task = Task {
            parallelism,
            flops,
            end,
        };
        self.tasks.insert(id, task);
        id
    }

    /// When the next computation is done if none begins before; `None` where none ever is.
    pub fn next_completion(&self) -> Option<SimTime> {
        let groups = self.groups();
        let firsts = self.classes.iter().filter_map(|(parallelism, class)| {
            let (end, _) = class.ends.first()?;
            Some(self.end_of(&groups, *parallelism, class, *end))
        });
        firsts.min().filter(|time| *time < SimTime::MAX)
    }

    /// Goes on to `now`, which is no later than the next completion; gives what is done then,
    /// in the order of beginning.
    pub fn advance(&mut self, now: SimTime) -> Vec<TaskId> {
        let groups = self.groups();
        let mut done = Vec::new();
        for (parallelism, class) in &self.classes {
            let ended = class
                .ends
                .iter()
                .take_while(|(end, _)| self.end_of(&groups, *parallelism, class, *end) <= now);
            done.extend(ended.map(|(_, id)| *id));
        }
        self.settle(now);
        for id in &done {
            self.remove(*id);
        }
        done.sort();
        done
    }

    /// Takes a computation off the processor; gives the FLOPs that it had done.
    pub fn cancel(&mut self, now: SimTime, id: TaskId) -> Option<f64> {
        let done = self.done(now, id)?;
        self.settle(now);
        self.remove(id);
        Some(done)
    }

    /// FLOPs that a computation under way has done by a time no earlier than the last change.
    pub fn done(&self, at: SimTime, id: TaskId) -> Option<f64> {
        let task = self.tasks.get(&id)?;
        let class = self.classes.get(&task.parallelism)?;
        let groups = self.groups();
        let since = self
            .processor
            .integral(&groups, task.parallelism, self.now, at);
        let left = task.end - (class.clock + since);
        Some((task.flops - left).clamp(0.0, task.flops))
    }

    /// Number of computations under way.
    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Whether nothing is under way.
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    fn end_of(&self, groups: &[Group], parallelism: u32, class: &Class, end: u64) -> SimTime {
        let left = f64::from_bits(end) - class.clock;
        self.processor.reach(groups, parallelism, self.now, left)
    }

    fn groups(&self) -> Vec<Group> {
        let groups = self.classes.iter();
        groups
            .map(|(parallelism, class)| (*parallelism, class.ends.len()))
            .collect()
    }

    /// Brings every clock up to `now`.
    fn settle(&mut self, now: SimTime) {
        if now <= self.now {
            return;
        }
        let groups = self.groups();
        for (parallelism, class) in &mut self.classes {
            class.clock += self
                .processor
                .integral(&groups, *parallelism, self.now, now);
        }
        self.now = now;
    }

    fn remove(&mut self, id: TaskId) {
        let Some(task) = self.tasks.remove(&id) else {
            return;
        };
        if let Some(class) = self.classes.get_mut(&task.parallelism) {
            class.ends.remove(&(task.end.to_bits(), id));
            // An empty class is forgotten, and its clock with it.
            if class.ends.is_empty() {
                self.classes.remove(&task.parallelism);
            }
        }
    }
}

#[cfg(test)]
mod tests;
