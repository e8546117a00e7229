//! Clients that pass what they learned to each other.

use super::*;
use crate::device::{Battery, BatteryKind, DropRate};
use crate::kernel::Streams;
use crate::world::{Outcome, Plan, TransferKind, TransferOutcome};

/// Client 1 computes 20 FLOPs and passes 3000 bytes to client 2 and 1500 to client 3. It asks to
/// be told when it is back if it is cut.
fn one_to_two(links: [[f64; 2]; 3]) -> World {
    let mut world = World::of_peers(&links);
    let own = ticket(1, 0);
    world.play(1, move |_, message| match message {
        Message::Start => vec![open(own, 1), compute(own, 20)],
        Message::Computed { .. } => vec![pass(own, &[(2, 3000), (3, 1500)])],
        Message::Sent { ticket, .. } => vec![merged(ticket)],
        Message::Cut(_) => vec![Action::Await(Token(9))],
        _ => vec![],
    });
    world
}

const EVEN: [[f64; 2]; 3] = [[1000.0, 1000.0]; 3];

fn outcomes(accounts: &Accounts) -> Vec<(u32, TransferOutcome, u64, u64)> {
    let transfers = accounts.transfers.iter();
    transfers
        .map(|one| {
            assert_eq!(one.kind, TransferKind::Peer);
            let effort = one.effort;
            (
                one.to.0,
                one.outcome,
                effort.sent_bytes,
                effort.received_bytes(),
            )
        })
        .collect()
}

#[test]
fn two_passes_share_the_senders_link() {
    let (accounts, log) = one_to_two(EVEN).run();
    // From 2 s on 500 bytes/s each, so that 1500 are there at 5 s; then the other 1500 at 1000.
    assert_eq!(told(&log, 2)[1..], [(6.5, "passed model by 1")]);
    assert_eq!(told(&log, 3)[1..], [(5.0, "passed model by 1")]);
    assert_eq!(
        told(&log, 1)[1..],
        [(2.0, "computed 0"), (6.5, "sent, missed []")]
    );
    let own = &accounts.participations[0];
    let [download, _, upload] = own.phases;
    assert_eq!((upload.start, upload.end), (Some(at(2.0)), Some(at(6.5))));
    assert_eq!(
        (download.start, own.down_bytes, own.up_bytes),
        (None, 0, 4500)
    );
    assert_eq!(
        (own.outcome, own.end),
        (Some(Outcome::Merged), Some(at(6.5)))
    );
    // One device sends, however many receive: 2 s of 8 W and 4.5 s of 4 W.
    assert_eq!(own.energy_joules, 34.0);
    assert_eq!(seconds(&accounts, 1), [0.0, 0.0, 4.5, 2.0, 0.0, 0.0]);
    assert_eq!(seconds(&accounts, 2), [2.0, 4.5, 0.0, 0.0, 0.0, 0.0]);
    assert_eq!(seconds(&accounts, 3), [3.5, 3.0, 0.0, 0.0, 0.0, 0.0]);
    assert_eq!(accounts.peak_transfers, 2);
}

#[test]
fn a_receiver_on_a_slow_link_leaves_the_rest_to_the_other() {
    let mut links = EVEN;
    links[2][1] = 200.0;
    let (_, log) = one_to_two(links).run();
    // 1500 at 200; 3000 at 800.
    assert_eq!(told(&log, 2)[1].0, 2.0 + 3.75);
    assert_eq!(told(&log, 3)[1].0, 2.0 + 7.5);
    assert_eq!(told(&log, 1)[2].0, 9.5);
}

#[test]
fn what_arrives_where_nobody_is_online_is_lost_and_the_sender_knows() {
    let mut world = one_to_two(EVEN);
    world.online(3, &[(0.0, 4.0), (6.0, 900.0)]);
    world.online(2, &[(0.0, 4.0), (6.0, 900.0)]);
    let (accounts, log) = world.run();
    // Client 2 is away in the middle alone.
    assert_eq!(told(&log, 1)[2], (6.5, "sent, missed [3]"));
    assert_eq!(told(&log, 2)[1..], [(6.5, "passed model by 1")]);
    assert_eq!(told(&log, 3).len(), 1);
    assert_eq!(
        outcomes(&accounts),
        [
            (3, TransferOutcome::Missed, 1500, 0),
            (2, TransferOutcome::Delivered, 3000, 3000),
        ]
    );
    assert_eq!(accounts.participations[0].up_bytes, 4500);
    // Received from 2 to 4 s, and no longer as far as it could tell.
    assert_eq!(seconds(&accounts, 3)[1], 2.0);
}

#[test]
fn a_sender_that_goes_away_is_cut_and_told_when_it_is_back() {
    let mut world = one_to_two(EVEN);
    world.online(1, &[(0.0, 4.0), (10.0, 900.0)]);
    let (accounts, log) = world.run();
    assert_eq!(
        told(&log, 1)[1..],
        [(2.0, "computed 0"), (4.0, "cut 0"), (10.0, "online 9")]
    );
    let own = &accounts.participations[0];
    assert_eq!(own.outcome, Some(Outcome::DroppedUpload));
    assert_eq!(
        outcomes(&accounts),
        [
            (2, TransferOutcome::Cut, 1000, 1000),
            (3, TransferOutcome::Cut, 1000, 1000),
        ]
    );
    // 2 s of 8 W and 2 s of 4 W.
    assert_eq!((own.up_bytes, own.energy_joules), (2000, 24.0));
    assert_eq!(seconds(&accounts, 2), [8.0, 2.0, 0.0, 0.0, 0.0, 0.0]);
}

#[test]
fn a_sender_that_comes_back_to_its_work_goes_on_with_what_is_left() {
    let mut world = one_to_two(EVEN);
    world.online(1, &[(0.0, 4.0), (10.0, 900.0)]);
    world.on_return = OnReturn::Resume;
    let (accounts, log) = world.run();
    // From 10 s on the other 500 and 2000: 500 each until 11 s, then 1500 at 1000.
    assert_eq!(told(&log, 3)[1].0, 11.0);
    assert_eq!(told(&log, 1)[2], (12.5, "sent, missed []"));
    assert_eq!(
        outcomes(&accounts),
        [
            (2, TransferOutcome::Suspended, 1000, 1000),
            (3, TransferOutcome::Suspended, 1000, 1000),
            (3, TransferOutcome::Delivered, 500, 500),
            (2, TransferOutcome::Delivered, 2000, 2000),
        ]
    );
    let own = &accounts.participations[0];
    assert_eq!((own.up_bytes, own.energy_joules), (4500, 34.0));
    assert_eq!(seconds(&accounts, 1), [0.0, 0.0, 4.5, 2.0, 0.0, 0.0]);
    assert_eq!(seconds(&accounts, 2)[1], 4.5);
}

#[test]
fn the_end_of_the_run_accounts_what_was_passed_by_then() {
    let mut world = one_to_two(EVEN);
    world.end = 4.0;
    let (accounts, _) = world.run();
    let own = &accounts.participations[0];
    assert_eq!(own.outcome, Some(Outcome::Unfinished));
    assert_eq!((own.up_bytes, own.energy_joules), (2000, 24.0));
}

#[test]
fn passing_to_nobody_ends_at_once_and_no_bytes_leave_no_trace() {
    let mut world = World::of_peers(&EVEN);
    world.online(3, &[(5.0, 900.0)]);
    for (client, to) in [(1, vec![]), (2, vec![(1, 0), (3, 0)])] {
        let own = ticket(client, 0);
        world.play(client, move |_, message| match message {
            Message::Start => vec![open(own, client), compute(own, 20)],
            Message::Computed { .. } => vec![pass(own, &to)],
            Message::Sent { ticket, .. } => vec![merged(ticket)],
            _ => vec![],
        });
    }
    let (accounts, log) = world.run();
    assert_eq!(
        told(&log, 1)[2..],
        [(2.0, "sent, missed []"), (2.0, "passed model by 2")]
    );
    assert_eq!(told(&log, 2)[2..], [(2.0, "sent, missed [3]")]);
    assert!(accounts.transfers.is_empty());
    assert_eq!(accounts.participations[1].arrival(), Some(at(2.0)));
}

#[test]
fn waiting_for_a_peer_gives_way_to_receiving_and_that_to_computing() {
    let mut world = World::of_peers(&EVEN[..2]);
    for (client, other, flops) in [(1, 2, 10), (2, 1, 40)] {
        let own = ticket(client, 0);
        world.play(client, move |_, message| match message {
            Message::Start => vec![open(own, client), compute(own, flops)],
            Message::Computed { .. } => vec![pass(own, &[(other, 1000)])],
            Message::Sent { .. } if client == 1 => vec![Action::WaitForPeers],
            Message::Passed { .. } if client == 1 => vec![
                merged(own),
                Action::Wake {
                    token: Token(0),
                    at: at(9.0),
                },
            ],
            _ => vec![],
        });
    }
    let (accounts, _) = world.run();
    // Client 1 computes until 1 s, sends until 2, waits, receives from 4 to 5, and is free.
    assert_eq!(seconds(&accounts, 1), [4.0, 1.0, 1.0, 1.0, 0.0, 2.0]);
    // Client 2 receives from 1 to 2 s while it computes.
    assert_eq!(seconds(&accounts, 2), [4.0, 0.0, 1.0, 4.0, 0.0, 0.0]);
}

#[test]
fn without_a_root_everybody_starts_and_can_wait_to_be_online() {
    let mut world = World::of_peers(&EVEN);
    world.online(2, &[(3.0, 4.0), (50.0, 60.0)]);
    world.online(3, &[]);
    for client in 1..=3 {
        world.play(client, |_, message| match message {
            Message::Start => vec![
                Action::Await(Token(1)),
                Action::RollCall {
                    token: Token(2),
                    children: vec![ActorId(1), ActorId(2), ActorId(3)],
                },
            ],
            _ => vec![],
        });
    }
    let (accounts, log) = world.run();
    let starts: Vec<u32> = log[..3].iter().map(|line| line.1).collect();
    assert_eq!(starts, [1, 2, 3]);
    assert_eq!(told(&log, 1)[1..], [(0.0, "online 1"), (0.0, "there [1]")]);
    assert_eq!(told(&log, 2)[1..], [(0.0, "there [1]"), (3.0, "online 1")]);
    assert_eq!(told(&log, 3)[1..], [(0.0, "there [1]")]);
    assert!(accounts.aggregators.is_empty());
}

#[test]
fn a_drop_in_the_upload_cuts_every_pass_at_the_same_share() {
    let mut dropped_upload = 0;
    for seed in 0..60 {
        let mut world = World::of_peers(&EVEN);
        world.change_sites = Box::new(move |sites| {
            let stream = Streams::new(seed).stream("1", "dropout");
            sites[0].drops = Some((DropRate(1.0), stream));
        });
        let own = ticket(1, 0);
        world.play(1, move |_, message| match message {
            Message::Start => {
                let plan = Plan {
                    download_bytes: 0,
                    flops: 20,
                    upload_bytes: 2000,
                };
                let (client, start_version) = (ActorId(1), 0);
                let open = Action::Open {
                    ticket: own,
                    client,
                    start_version,
                    plan,
                };
                vec![open, compute(own, 20)]
            }
            Message::Computed { .. } => vec![pass(own, &[(2, 1000), (3, 1000)])],
            _ => vec![],
        });
        let (accounts, log) = world.run();
        assert_eq!(told(&log, 1).last().unwrap().1, "cut 0");
        assert_eq!(told(&log, 2).len() + told(&log, 3).len(), 2);
        if accounts.participations[0].outcome == Some(Outcome::DroppedUpload) {
            dropped_upload += 1;
            let [one, other] = accounts.transfers.as_slice() else {
                panic!("two passes");
            };
            assert_eq!(one.effort, other.effort);
            assert!(one.effort.sent_bytes < 1000);
        }
    }
    // 2 s of each phase: half of 60, give or take four standard deviations.
    assert!((15..=45).contains(&dropped_upload), "{dropped_upload}");
}

#[test]
fn batteries_give_what_sending_and_receiving_draw() {
    let mut world = one_to_two(EVEN);
    world.change_sites = Box::new(|sites| {
        for site in sites {
            let kind = BatteryKind {
                capacity: 1000.0,
                empty: 0.0,
                resume: 1.0,
                least: 0.0,
                charge: 0.0,
                plugged: None,
            };
            site.battery = Some(Box::new(Battery::new(Arc::new(kind), 1000.0, POWER.idle)));
        }
    });
    let (accounts, _) = world.run();
    // 2 s of 8 W and 4.5 of 4; 2 s of 1 W and 4.5 of 2; 3.5 s of 1 W and 3 of 2.
    let left = accounts
        .battery_levels
        .iter()
        .map(|level| 1000.0 * level.unwrap());
    for (left, drawn) in left.zip([34.0, 11.0, 9.5]) {
        assert!((left - (1000.0 - drawn)).abs() < 1e-9, "{left}");
    }
}

#[test]
fn a_client_that_does_not_fit_ends_its_own_participation() {
    let mut world = World::of_peers(&EVEN);
    let own = ticket(1, 0);
    world.play(1, move |_, message| match message {
        Message::Start => vec![
            open(own, 1),
            Action::Refuse {
                ticket: own,
                outcome: Outcome::Unfit,
            },
        ],
        _ => vec![],
    });
    let (accounts, log) = world.run();
    assert_eq!(accounts.participations[0].outcome, Some(Outcome::Unfit));
    assert_eq!(told(&log, 1).len(), 1);
}
