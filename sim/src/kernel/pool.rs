//! The compute pool: jobs run in wall time beside simulated time.
//!
//! A job starts when its simulated start is reached and is collected when its
//! simulated end is. What a job reads is fixed at its start, so results do not
//! depend on when or where it ran. Waiting jobs run by earliest simulated end,
//! since that is when they are needed. The collecting thread works too: with one
//! thread a job runs when it is collected, with n threads n−1 run beside.

use crate::time::SimTime;
use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;

/// What a job hands over; the actor that started it knows the type.
pub type JobOutput = Box<dyn Any + Send>;

/// Work to be done in wall time.
pub type Job = Box<dyn FnOnce(&Cancellation) -> JobOutput + Send>;

/// Tells a job that nobody wants its result any more.
#[derive(Debug, Clone, Default)]
pub struct Cancellation(Arc<AtomicBool>);

impl Cancellation {
    /// Whether to stop; a job asks between steps.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A job that was handed to the pool. Dropping it cancels the job.
#[derive(Debug)]
pub struct JobHandle {
    key: Key,
    shared: Arc<Shared>,
    task: Arc<Task>,
}

/// Runs jobs on a fixed number of threads.
#[derive(Debug)]
pub struct ComputePool {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
    submitted: u64,
}

/// Simulated end, then order of submission.
type Key = (SimTime, u64);

struct Shared {
    queue: Mutex<Queue>,
    /// Signalled to workers when a job is queued or the pool closes.
    queued: Condvar,
    /// Signalled to collectors when a job is finished.
    finished: Condvar,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shared")
    }
}

#[derive(Default)]
struct Queue {
    waiting: BTreeMap<Key, (Job, Arc<Task>)>,
    closed: bool,
    /// Who sleeps: a signal is a call of the operating system whether it is heard or not, and
    /// jobs can be as short as a few of those.
    idle_workers: usize,
    waiting_collectors: usize,
}

/// What the pool and the handle both see of a job.
#[derive(Debug, Default)]
struct Task {
    cancellation: Cancellation,
    result: Mutex<Option<Result<JobOutput, JobOutput>>>,
}

impl ComputePool {
    /// A pool in which `threads` threads work, the collecting one among them.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn new(threads: usize) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            queued: Condvar::new(),
            finished: Condvar::new(),
        });
        let mut workers = Vec::new();
        for number in 1..threads {
            let shared = Arc::clone(&shared);
            let worker = std::thread::Builder::new()
                .name(format!("compute-{number}"))
                .spawn(move || shared.work_until_closed())?;
            workers.push(worker);
        }
        Ok(Self {
            shared,
            workers,
            submitted: 0,
        })
    }

    /// Hands a job over that is needed at the simulated time `needed_at`.
    pub fn submit(&mut self, needed_at: SimTime, job: Job) -> JobHandle {
        let key = (needed_at, self.submitted);
        self.submitted += 1;
        let task = Arc::new(Task::default());
        let mut queue = self.shared.lock();
        queue.waiting.insert(key, (job, Arc::clone(&task)));
        let is_awaited = queue.idle_workers > 0;
        drop(queue);
        if is_awaited {
            self.shared.queued.notify_one();
        }
        JobHandle {
            key,
            shared: Arc::clone(&self.shared),
            task,
        }
    }
}

impl Drop for ComputePool {
    fn drop(&mut self) {
        {
            let mut queue = self.shared.lock();
            queue.closed = true;
            queue.waiting.clear();
        }
        self.shared.queued.notify_all();
        for worker in self.workers.drain(..) {
            // A worker never panics: jobs are caught and their panic is handed over.
            let _ = worker.join();
        }
    }
}

impl JobHandle {
    /// The job's result; runs it, or others, here while it is not there yet.
    ///
    /// # Panics
    /// With the job's own panic, if it panicked.
    pub fn collect(self) -> JobOutput {
        let mut queue = self.shared.lock();
        loop {
            if let Some(result) = self.task.take_result() {
                drop(queue);
                return result.unwrap_or_else(|panic| resume_unwind(panic));
            }
            // This job first, then whatever is needed soonest.
            let next = queue
                .waiting
                .remove(&self.key)
                .or_else(|| queue.waiting.pop_first().map(|(_, entry)| entry));
            queue = match next {
                Some((job, task)) => {
                    drop(queue);
                    task.run(job);
                    self.shared.lock_and_tell()
                }
                None => {
                    queue.waiting_collectors += 1;
                    let mut queue = wait(&self.shared.finished, queue);
                    queue.waiting_collectors -= 1;
                    queue
                }
            };
        }
    }
}

impl Drop for JobHandle {
    fn drop(&mut self) {
        self.task.cancellation.cancel();
        self.shared.lock().waiting.remove(&self.key);
    }
}

impl Task {
    fn run(&self, job: Job) {
        let result = catch_unwind(AssertUnwindSafe(|| job(&self.cancellation)));
        *self.result.lock().unwrap_or_else(|e| e.into_inner()) = Some(result);
    }

    fn take_result(&self) -> Option<Result<JobOutput, JobOutput>> {
        self.result.lock().unwrap_or_else(|e| e.into_inner()).take()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        // Nothing panics while it holds the lock, so poison cannot be meant.
        self.queue.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Looks into the queue again after a job was run, and wakes whoever may wait for its result:
    /// the lock orders the result before the waiter's next look.
    fn lock_and_tell(&self) -> MutexGuard<'_, Queue> {
        let queue = self.lock();
        if queue.waiting_collectors > 0 {
            self.finished.notify_all();
        }
        queue
    }

    fn work_until_closed(&self) {
        let mut queue = self.lock();
        while !queue.closed {
            queue = match queue.waiting.pop_first() {
                Some((_, (job, task))) => {
                    drop(queue);
                    task.run(job);
                    self.lock_and_tell()
                }
                None => {
                    queue.idle_workers += 1;
                    let mut queue = wait(&self.queued, queue);
                    queue.idle_workers -= 1;
                    queue
                }
            };
        }
    }
}

fn wait<'a>(signal: &Condvar, queue: MutexGuard<'a, Queue>) -> MutexGuard<'a, Queue> {
    signal.wait(queue).unwrap_or_else(|e| e.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;
    use std::sync::mpsc;

    fn value(output: JobOutput) -> u64 {
        *output.downcast().expect("jobs in these tests return u64")
    }

    #[test]
    fn every_job_gives_its_own_result_whatever_the_number_of_threads() {
        for threads in [1, 2, 4] {
            let mut pool = ComputePool::new(threads).unwrap();
            let handles: Vec<_> = (0..100_u64)
                .map(|i| {
                    pool.submit(
                        SimTime::from_nanos(100 - i),
                        Box::new(move |_| Box::new(i * i)),
                    )
                })
                .collect();
            let squares: Vec<u64> = handles.into_iter().map(|h| value(h.collect())).collect();
            assert_eq!(squares, (0..100).map(|i| i * i).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_job_runs_beside_the_thread_that_submitted_it() {
        let mut pool = ComputePool::new(2).unwrap();
        let (sender, receiver) = mpsc::channel();
        let handle = pool.submit(
            SimTime::ZERO,
            Box::new(move |_| {
                sender.send(()).unwrap();
                Box::new(1_u64)
            }),
        );
        // Arrives although nobody collects.
        receiver.recv().unwrap();
        assert_eq!(value(handle.collect()), 1);
    }

    #[test]
    fn a_dropped_handle_cancels_its_job() {
        let mut pool = ComputePool::new(2).unwrap();
        let (started, has_started) = mpsc::channel();
        let (stopped, has_stopped) = mpsc::channel();
        let running = pool.submit(
            SimTime::ZERO,
            Box::new(move |cancellation| {
                started.send(()).unwrap();
                while !cancellation.is_cancelled() {
                    std::thread::yield_now();
                }
                stopped.send(()).unwrap();
                Box::new(0_u64)
            }),
        );
        has_started.recv().unwrap();
        drop(running);
        has_stopped.recv().unwrap();
    }

    #[test]
    fn a_waiting_job_that_is_cancelled_never_runs() {
        static RUNS: AtomicUsize = AtomicUsize::new(0);
        let mut pool = ComputePool::new(1).unwrap();
        let job = || -> Job {
            Box::new(|_| {
                RUNS.fetch_add(1, Ordering::SeqCst);
                Box::new(0_u64)
            })
        };
        let cancelled = pool.submit(SimTime::ZERO, job());
        let kept = pool.submit(SimTime::from_nanos(1), job());
        drop(cancelled);
        kept.collect();
        assert_eq!(RUNS.load(Ordering::SeqCst), 1);
    }

    #[test]
    #[should_panic(expected = "the job's own words")]
    fn a_panic_in_a_job_reaches_the_collector() {
        let mut pool = ComputePool::new(2).unwrap();
        let handle = pool.submit(SimTime::ZERO, Box::new(|_| panic!("the job's own words")));
        handle.collect();
    }
}
