//! What is sent outside participations.

use super::*;
use crate::world::{TransferKind, TransferOutcome};

fn control(to: u32, bytes: u64) -> Wanted {
    Action::Control {
        to: ActorId(to),
        what: "probe",
        bytes,
        payload: "probe",
    }
}

/// The root sends 1000 bytes, and the client answers with 500.
fn probe() -> World {
    let mut world = World::of(1000.0, &[1000.0], &[]);
    world.play(0, |_, message| match message {
        Message::Start => vec![control(1, 1000)],
        _ => vec![],
    });
    world.play(1, |_, message| match message {
        Message::Controlled { .. } => vec![control(0, 500)],
        _ => vec![],
    });
    world
}

#[test]
fn a_question_and_its_answer_take_time_and_bytes_and_no_participation() {
    let (accounts, log) = probe().run();
    assert_eq!(told(&log, 1), [(1.0, "controlled probe by 0")]);
    assert_eq!(told(&log, 0)[1..], [(1.5, "controlled probe by 1")]);
    assert!(accounts.participations.is_empty());
    for (transfer, bytes) in accounts.transfers.iter().zip([1000, 500]) {
        assert_eq!(
            (transfer.ticket, transfer.kind),
            (None, TransferKind::Control)
        );
        assert_eq!(transfer.effort.sent_bytes, bytes);
    }
    assert_eq!(accounts.transfers.len(), 2);
    assert_eq!(seconds(&accounts, 1), [0.0, 1.0, 0.5, 0.0, 0.0, 0.0]);
}

#[test]
fn a_question_to_one_that_is_away_is_lost_without_a_word() {
    let mut world = probe();
    world.online(1, &[(0.0, 0.5)]);
    let (accounts, log) = world.run();
    assert_eq!(log.len(), 1);
    let one = &accounts.transfers[0];
    assert_eq!(one.outcome, TransferOutcome::Missed);
    assert_eq!(
        (one.effort.sent_bytes, one.effort.received_bytes()),
        (1000, 0)
    );
}

#[test]
fn a_question_does_not_stop_a_client_that_computes() {
    let mut world = World::of(1000.0, &[1000.0], &[]);
    let own = ticket(0, 0);
    world.play(0, move |_, message| match message {
        Message::Start => vec![open(own, 1), send(1, own, 0), control(1, 1000)],
        Message::Arrived { ticket, .. } => vec![merged(ticket)],
        _ => vec![],
    });
    world.play(1, move |_, message| match message {
        Message::Arrived { ticket, .. } => vec![compute(ticket, 30)],
        Message::Computed { .. } => vec![send(0, own, 0)],
        _ => vec![],
    });
    let (accounts, log) = world.run();
    assert_eq!(
        told(&log, 1)[1..],
        [(1.0, "controlled probe by 0"), (3.0, "computed 0")]
    );
    assert_eq!(seconds(&accounts, 1), [0.0, 0.0, 0.0, 3.0, 0.0, 0.0]);
}
