use super::*;
use proptest::prelude::*;

fn seconds(seconds: f64) -> SimTime {
    SimTime::from_secs_f64(seconds).unwrap()
}

fn length(seconds: f64) -> SimDuration {
    SimDuration::from_secs_f64(seconds).unwrap()
}

fn steps(initial: f64, steps: &[(f64, f64)], period: Option<f64>) -> Arc<Steps> {
    let steps: Vec<_> = steps.iter().map(|(at, to)| (length(*at), *to)).collect();
    Arc::new(Steps::new(initial, &steps, period.map(length)).unwrap())
}

/// A processor of one core and 1 GFLOP/s.
fn giga() -> Processor {
    Processor::new(1e9, 1)
}

#[test]
fn a_steady_processor_takes_work_over_speed() {
    assert_eq!(giga().completion(1, seconds(3.0), 2.5e9), seconds(5.5));
    assert_eq!(giga().work_between(1, seconds(3.0), seconds(5.5)), 2.5e9);
    let slow = Processor::new(3.0, 1);
    assert_eq!(
        slow.completion(1, SimTime::ZERO, 1.0),
        SimTime::from_nanos(333_333_333)
    );
}

#[test]
fn half_the_speed_for_two_seconds_costs_one() {
    let slowed = giga().with_profile(steps(1.0, &[(1.0, 0.5), (3.0, 1.0)], None));
    assert_eq!(slowed.completion(1, SimTime::ZERO, 2e9), seconds(3.0));
    assert_eq!(slowed.completion(1, SimTime::ZERO, 2.5e9), seconds(3.5));
    assert_eq!(slowed.completion(1, seconds(2.0), 1e9), seconds(3.5));
    assert_eq!(slowed.work_between(1, seconds(0.5), seconds(2.0)), 1e9);
}

/// Each period of 10 s holds 4 s at full speed and 6 s at a tenth: 4.6 GFLOP.
#[test]
fn a_repeated_profile_is_summed_over_whole_periods() {
    let day = giga().with_profile(steps(1.0, &[(4.0, 0.1)], Some(10.0)));
    let end = |from, work| day.completion(1, seconds(from), work);
    assert_eq!(end(0.0, 4.6e9), seconds(10.0));
    assert_eq!(end(0.0, 4.6e9 * 1e6), seconds(1e7));
    assert_eq!(end(0.0, 4.6e9 * 1e6 + 4.3e9), seconds(1e7 + 7.0));
    // From the middle: 0.5 to the end of the slow part, then whole periods.
    assert_eq!(end(5.0, 0.5e9 + 4.6e9 * 1000.0 + 1e9), seconds(10_011.0));
    let done = day.work_between(1, seconds(5.0), seconds(10_011.0));
    assert!((done - (0.5e9 + 4.6e9 * 1000.0 + 1e9)).abs() < 1.0);
}

#[test]
fn a_profile_that_stands_still_is_waited_for() {
    let halted = giga().with_profile(steps(0.0, &[(7.0, 1.0)], Some(10.0)));
    assert_eq!(halted.completion(1, SimTime::ZERO, 1e9), seconds(8.0));
    assert_eq!(halted.completion(1, SimTime::ZERO, 3e9), seconds(10.0));
    assert_eq!(halted.completion(1, SimTime::ZERO, 3.5e9), seconds(17.5));
    let dead = giga().with_profile(steps(1.0, &[(1.0, 0.0)], None));
    assert_eq!(dead.completion(1, SimTime::ZERO, 1e9), seconds(1.0));
    assert_eq!(dead.completion(1, SimTime::ZERO, 1.1e9), SimTime::MAX);
}

/// One core: a load of 1 is a rival, one of 0.3 takes three tenths, one of 1.5 leaves a third.
#[test]
fn background_tasks_take_their_fair_share_and_no_more_than_they_ask_for() {
    for (cores, parallelism, load, left) in [
        (1, 1, 0.3, 0.7),
        (1, 1, 1.0, 0.5),
        (1, 1, 1.2, 0.4),
        (1, 1, 1.5, 1.0 / 3.0),
        (1, 1, 4.0, 0.2),
        (4, 4, 1.0, 3.0),
        (4, 4, 6.0, 4.0 / 7.0),
        (4, 1, 3.0, 1.0),
        (4, 1, 3.5, 0.875),
        (4, 1, 4.0, 0.8),
        (4, 2, 2.5, 1.5),
    ] {
        let processor = Processor::new(1e9, cores).with_load(steps(load, &[], None));
        let speed = processor.speed_at(parallelism, SimTime::ZERO);
        assert!(
            (speed - left * 1e9).abs() < 1e-3,
            "{cores} cores under a load of {load}: {speed}"
        );
    }
}

/// Speed in steps of 2 s out of 5, load in steps of 3 s out of 7: together every 35 s.
#[test]
fn profile_and_load_of_different_periods_work_together() {
    let processor = giga()
        .with_profile(steps(1.0, &[(2.0, 0.5)], Some(5.0)))
        .with_load(steps(0.0, &[(3.0, 1.0)], Some(7.0)));
    let mut expected = 0.0;
    for second in 0..350 {
        let factor = if second % 5 < 2 { 1.0 } else { 0.5 };
        let share = if second % 7 < 3 { 1.0 } else { 0.5 };
        expected += factor * share * 1e9;
        let until = seconds(f64::from(second + 1));
        let done = processor.work_between(1, SimTime::ZERO, until);
        assert!((done - expected).abs() < 1e-3, "{done} by {until} s");
        assert_eq!(processor.completion(1, SimTime::ZERO, expected), until);
    }
}

prop_compose! {
    fn any_steps(highest: f64)(
        initial in 0.1..highest,
        lengths in prop::collection::vec((1..5_000_000_000_u64, 0.0..highest), 0..5),
        rest in 1..5_000_000_000_u64,
        repeats in any::<bool>(),
    ) -> Arc<Steps> {
        let mut at = 0;
        let mut steps = Vec::new();
        for (length, value) in lengths {
            at += length;
            steps.push((SimDuration::from_nanos(at), value));
        }
        steps.push((SimDuration::from_nanos(at + rest), initial));
        let period = repeats.then(|| SimDuration::from_nanos(at + 2 * rest));
        Arc::new(Steps::new(initial, &steps, period).unwrap())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Asked at any times, progress never falls, parts add up to the whole, and what is done by
    /// the completion is the work, to a nanosecond's worth.
    #[test]
    fn progress_is_the_integral_of_the_speed(
        profile in any_steps(3.0),
        load in any_steps(5.0),
        cores in 1..5_u32,
        parallelism in 1..5_u32,
        from in 0..30_000_000_000_u64,
        work in 1.0..1e11_f64,
        mut times in prop::collection::vec(0..200_000_000_000_u64, 1..20),
    ) {
        let processor = Processor::new(1e9, cores).with_profile(profile).with_load(load);
        let from = SimTime::from_nanos(from);
        times.sort_unstable();
        let (mut before, mut sum) = (from, 0.0);
        for after in times {
            let after = from + SimDuration::from_nanos(after);
            let part = processor.work_between(parallelism, before, after);
            prop_assert!(part >= 0.0);
            sum += part;
            let whole = processor.work_between(parallelism, from, after);
            prop_assert!((whole - sum).abs() <= 1e-12 * whole + 1e-3, "{whole} is not {sum}");
            before = after;
        }
        let end = processor.completion(parallelism, from, work);
        let done = processor.work_between(parallelism, from, end);
        // Half a nanosecond at most 4 cores of three times 1 GFLOP/s.
        prop_assert!((done - work).abs() <= 6.1 + 1e-12 * work, "{done} of {work} by {end} s");
    }
}
