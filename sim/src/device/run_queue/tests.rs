use super::*;
use crate::device::Steps;
use crate::kernel::{Stream, Streams};
use crate::time::SimDuration;
use proptest::prelude::*;
use rand::RngExt;
use rand_distr::{Distribution, Exp1};
use std::sync::Arc;

fn seconds(seconds: f64) -> SimTime {
    SimTime::from_secs_f64(seconds).unwrap()
}

/// Completions of tasks (begin, FLOPs, cores that each can use), in the order listed.
fn ends(processor: Processor, tasks: &[(f64, f64, u32)]) -> Vec<SimTime> {
    let mut queue = RunQueue::new(processor);
    let mut under_way = BTreeMap::new();
    let mut ends = vec![SimTime::ZERO; tasks.len()];
    let mut waiting = tasks.iter().enumerate().peekable();
    loop {
        let begins = waiting.peek().map(|(_, (at, ..))| seconds(*at));
        let Some(now) = begins.into_iter().chain(queue.next_completion()).min() else {
            return ends;
        };
        for done in queue.advance(now) {
            ends[under_way.remove(&done).unwrap()] = now;
        }
        while let Some((place, (_, flops, parallelism))) =
            waiting.next_if(|(_, (at, ..))| seconds(*at) == now)
        {
            under_way.insert(queue.begin(now, *flops, *parallelism), place);
        }
    }
}

#[test]
fn three_tasks_share_two_cores() {
    let dual = Processor::new(1e9, 2);
    let three = [(0.0, 1e9, 1); 3];
    assert_eq!(ends(dual.clone(), &three), [seconds(1.5); 3]);
    // Two have a core each, as if the other were not there.
    assert_eq!(ends(dual, &three[..2]), [seconds(1.0); 2]);
}

/// One core; the second comes at 1 s. Half speed each until the first's last half is done at 2 s.
#[test]
fn who_comes_later_slows_who_is_there_and_is_faster_alone() {
    let tasks = [(0.0, 1.5e9, 1), (1.0, 1e9, 1)];
    let found = ends(Processor::new(1e9, 1), &tasks);
    assert_eq!(found, [seconds(2.0), seconds(2.5)]);
}

/// Four cores: one task of up to four, two of one each. Level 2: the wide one has two cores
/// until the narrow ones are done at 1 s, and four from then on.
#[test]
fn a_wide_task_takes_the_cores_that_narrow_ones_leave() {
    let tasks = [(0.0, 6e9, 4), (0.0, 1e9, 1), (0.0, 1e9, 1)];
    let found = ends(Processor::new(1e9, 4), &tasks);
    assert_eq!(found, [seconds(2.0), seconds(1.0), seconds(1.0)]);
}

#[test]
fn no_work_is_done_at_once() {
    let tasks = [(1.0, 0.0, 1), (1.0, 1e9, 1), (2.0, -0.0, 1)];
    let found = ends(Processor::new(1e9, 1), &tasks);
    assert_eq!(found, [seconds(1.0), seconds(2.0), seconds(2.0)]);
}

#[test]
fn who_is_cancelled_has_done_its_share_and_leaves_the_rest_to_others() {
    let mut queue = RunQueue::new(Processor::new(1e9, 1));
    let gone = queue.begin(SimTime::ZERO, 5e9, 1);
    let stays = queue.begin(SimTime::ZERO, 2e9, 1);
    assert_eq!(queue.cancel(seconds(2.0), gone), Some(1e9));
    assert_eq!(queue.cancel(seconds(2.0), gone), None);
    assert_eq!(queue.next_completion(), Some(seconds(3.0)));
    assert_eq!(queue.advance(seconds(3.0)), [stays]);
    assert!(queue.is_empty());
}

/// Half-width of the 99 % interval from 20 batch means: t(0.995, 19) · s/√20.
const T_995_19: f64 = 2.861;

/// Mean time that computations spend on a processor to which they come at random (Poisson)
/// with work drawn by `work` (mean 1 s): the mean and the half-width of its interval.
fn mean_sojourn(load: f64, seed: u64, work: impl Fn(&mut Stream) -> f64) -> (f64, f64) {
    const BATCHES: usize = 20;
    const TASKS: usize = 10_000;
    let mut arrivals = Streams::new(seed).stream("processor", "arrivals");
    let mut works = Streams::new(seed).stream("processor", "works");
    let mut queue = RunQueue::new(Processor::new(1e9, 1));
    let mut begun = BTreeMap::new();
    // The first tenth, from the empty processor on, is left out.
    let warm_up = BATCHES * TASKS / 10;
    let mut sojourns = vec![0.0; BATCHES * TASKS];
    let (mut next, mut number) = (0.0, 0_usize);
    while number < warm_up + sojourns.len() || !begun.is_empty() {
        let arrival = (number < warm_up + sojourns.len()).then(|| seconds(next));
        let now = arrival.into_iter().chain(queue.next_completion()).min();
        let now = now.expect("something is under way");
        for task in queue.advance(now) {
            let (place, since): (usize, SimTime) = begun.remove(&task).unwrap();
            if place >= warm_up {
                sojourns[place - warm_up] = now.saturating_since(since).as_secs_f64();
            }
        }
        if arrival == Some(now) {
            let task = queue.begin(now, work(&mut works) * 1e9, 1);
            begun.insert(task, (number, now));
            number += 1;
            let gap: f64 = Exp1.sample(&mut arrivals);
            next += gap / load;
        }
    }
    let means: Vec<f64> = sojourns
        .chunks(TASKS)
        .map(|batch| batch.iter().sum::<f64>() / TASKS as f64)
        .collect();
    let mean = means.iter().sum::<f64>() / BATCHES as f64;
    let squares: f64 = means.iter().map(|batch| (batch - mean).powi(2)).sum();
    let deviation = (squares / (BATCHES - 1) as f64).sqrt();
    (mean, T_995_19 * deviation / (BATCHES as f64).sqrt())
}

/// M/G/1 with processor sharing: the mean sojourn is the mean service over 1 − ρ, whatever the
/// distribution of the service (Kleinrock 1976, volume 2, section 4.4).
#[test]
fn random_arrivals_stay_as_long_as_processor_sharing_says_whatever_their_work() {
    let exponential = |stream: &mut Stream| -> f64 { Exp1.sample(stream) };
    let deterministic = |_: &mut Stream| 1.0;
    // Two exponentials of mean 1/2 and 3, four to one: mean 1, squared coefficient of variation 3.
    let hyperexponential = |stream: &mut Stream| {
        let draw: f64 = Exp1.sample(stream);
        draw * if stream.random::<f64>() < 0.8 {
            0.5
        } else {
            3.0
        }
    };
    type Work<'a> = &'a dyn Fn(&mut Stream) -> f64;
    let works: [(&str, Work<'_>); 3] = [
        ("exponential", &exponential),
        ("deterministic", &deterministic),
        ("hyperexponential", &hyperexponential),
    ];
    for load in [0.3, 0.5, 0.7] {
        for (name, work) in works {
            let (mean, half_width) = mean_sojourn(load, 7, work);
            let expected = 1.0 / (1.0 - load);
            assert!(
                (mean - expected).abs() <= half_width,
                "{name} work at load {load}: {mean} ± {half_width} s, not {expected} s"
            );
            // Wide intervals would prove nothing.
            assert!(half_width < 0.06 * expected, "{name}: ± {half_width}");
        }
    }
}

/// Arrivals see time averages (PASTA), and in M/M/1-PS the number present is geometric.
#[test]
fn arrivals_see_a_geometric_number_of_others() {
    let load: f64 = 0.5;
    let mut stream = Streams::new(3).stream("processor", "arrivals");
    let mut queue = RunQueue::new(Processor::new(1e9, 1));
    let mut next = 0.0;
    let mut seen = [0_u32; 4];
    const ARRIVALS: u32 = 100_000;
    for _ in 0..ARRIVALS {
        let gap: f64 = Exp1.sample(&mut stream);
        next += gap / load;
        let arrival = seconds(next);
        while let Some(end) = queue.next_completion().filter(|end| *end <= arrival) {
            queue.advance(end);
        }
        if let Some(count) = seen.get_mut(queue.len()) {
            *count += 1;
        }
        let work: f64 = Exp1.sample(&mut stream);
        queue.begin(arrival, work * 1e9, 1);
    }
    for (others, count) in seen.into_iter().enumerate() {
        let share = f64::from(count) / f64::from(ARRIVALS);
        let expected = (1.0 - load) * load.powi(others as i32);
        assert!((share - expected).abs() < 0.01, "{others}: {share}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// While all of them are busy, the progress of computations adds up to what the cores do;
    /// it never falls, and everyone ends with all its work done.
    #[test]
    fn progress_adds_up_to_what_the_cores_do(
        cores in 1..4_u32,
        works in prop::collection::vec(1e6..1e9_f64, 4..12),
        factor in 0.1..2.0_f64,
        asked in prop::collection::vec(0..400_000_000_u64, 1..6),
    ) {
        let half = SimDuration::from_nanos(100_000_000);
        let profile = Steps::new(1.0, &[(half, factor)], Some(half + half)).unwrap();
        let processor = Processor::new(1e9, cores).with_profile(Arc::new(profile));
        let mut queue = RunQueue::new(processor.clone());
        let tasks: Vec<_> = works.iter().map(|work| queue.begin(SimTime::ZERO, *work, 1)).collect();
        let mut asked = asked;
        asked.sort_unstable();
        let mut before = vec![0.0; tasks.len()];
        for nanos in asked {
            let now = SimTime::from_nanos(nanos);
            if queue.next_completion().is_none_or(|end| end <= now) {
                break;
            }
            let done: Vec<f64> = tasks.iter().map(|task| queue.done(now, *task).unwrap()).collect();
            prop_assert!(done.iter().zip(&before).all(|(now, before)| now >= before));
            let sum: f64 = done.iter().sum();
            let could = processor.work_between(1, SimTime::ZERO, now) * f64::from(cores);
            prop_assert!((sum - could).abs() <= 1e-9 * could + 1e-3, "{sum} of {could}");
            before = done;
        }
        let mut ended = Vec::new();
        let mut last = SimTime::ZERO;
        while let Some(now) = queue.next_completion() {
            prop_assert!(now >= last);
            last = now;
            ended.extend(queue.advance(now));
        }
        // Equal shares end in the order of work.
        let order: Vec<f64> = ended.iter().map(|task| works[task.0 as usize]).collect();
        prop_assert!(order.len() == works.len() && order.windows(2).all(|pair| pair[0] <= pair[1] + 2.0));
        // Together they take no less than their work at full speed, and, one core apart, no more.
        let all: f64 = works.iter().sum();
        let could = processor.work_between(1, SimTime::ZERO, last) * f64::from(cores);
        prop_assert!(could >= all - 1e2 && last < SimTime::MAX);
    }
}
