//! What aggregators compute.

use super::*;
use crate::device::Steps;

/// A root that wants these computations at the start.
fn root_that_learns(flops: &[u64]) -> World {
    let mut world = World::of(1.0, &[1.0], &[]);
    let wanted: Vec<u64> = flops.to_vec();
    world.play(0, move |_, message| match message {
        Message::Start => wanted
            .iter()
            .zip(1..)
            .map(|(flops, token)| learn(token, *flops))
            .collect(),
        _ => vec![],
    });
    world
}

#[test]
fn computations_of_an_aggregator_follow_each_other() {
    let (accounts, log) = root_that_learns(&[20, 10, 0]).run();
    // 20 FLOPs and then 10 at 10 a second.
    assert_eq!(
        told(&log, 0)[1..],
        [
            (2.0, "computed 1"),
            (3.0, "computed 2"),
            (3.0, "computed 3")
        ]
    );
    let root = &accounts.aggregators[0];
    assert_eq!(root.flops, [0, 30, 0]);
    assert_eq!(root.energy_joules, 24.0);
}

#[test]
fn the_end_of_the_run_counts_what_was_done_by_then() {
    let mut world = root_that_learns(&[20, 30, 10]);
    world.end = 3.5;
    let (accounts, _) = world.run();
    // The second was half done, the third not begun.
    let root = &accounts.aggregators[0];
    assert_eq!((root.flops[1], accounts.end), (35, End::TimeUp));
    assert_eq!(root.learned, [(at(0.0), at(2.0)), (at(2.0), at(3.5))]);
}

#[test]
fn work_falls_on_its_kinds_and_the_job_is_handed_over() {
    let mut world = World::of(1.0, &[1.0], &[]);
    world.play(0, |_, message| match message {
        Message::Start => vec![Action::Learn {
            token: Token(1),
            work: Work(vec![(WorkKind::Train, 5), (WorkKind::Infer, 7)]),
            job: Some(Box::new(|_| Box::new(42_u64))),
        }],
        Message::Computed { output, .. } => {
            let output = output.unwrap().downcast::<u64>().unwrap();
            assert_eq!(*output, 42);
            vec![learn(2, 10)]
        }
        _ => vec![],
    });
    world.end = 1.7;
    let (accounts, log) = world.run();
    assert_eq!(told(&log, 0)[1], (1.2, "computed 1"));
    assert_eq!(accounts.aggregators[0].flops, [5, 5, 7]);
}

#[test]
fn an_aggregators_speed_changes_as_its_profile_says() {
    // Half as fast from 1 s on: 10 FLOPs by then, the other 10 take 2 s.
    let steps = Steps::new(1.0, &[(lasting(1.0), 0.5)], None).unwrap();
    let mut world = root_that_learns(&[20]);
    world.root_processor = Some(Processor::new(FLOPS_PER_SECOND, 1).with_profile(Arc::new(steps)));
    let (accounts, log) = world.run();
    assert_eq!(told(&log, 0)[1], (3.0, "computed 1"));
    assert_eq!(accounts.aggregators[0].flops, [0, 20, 0]);
}

#[test]
fn a_run_goes_on_while_an_aggregator_computes() {
    let (accounts, _) = root_that_learns(&[5000]).run();
    assert_eq!((accounts.end, accounts.ended_at), (End::Stalled, at(500.0)));
}
