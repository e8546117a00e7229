//! Aggregators below aggregators.

use super::*;
use crate::kernel::Streams;
use crate::network::{Failure, LinkBehaviour, Profile, ResourceId, Retries, Step};
use crate::world::{Outcome, Participation, Plan, TransferKind};

const STATION: u32 = 2;

/// The root sends 1000 bytes to a station; that sends 500 to a client, which computes 20 FLOPs and
/// sends 1000 back; the station learns 30 FLOPs and sends 500 to the root.
fn two_tiers() -> World {
    let mut world = World::of(1000.0, &[1000.0], &[500.0]);
    let (outer, inner) = (ticket(0, 7), ticket(STATION, 3));
    world.play(0, move |_, message| match message {
        Message::Start => vec![open(outer, STATION), send(STATION, outer, 1000)],
        Message::Arrived { ticket, .. } => vec![merged(ticket)],
        _ => vec![],
    });
    world.play(STATION, move |_, message| match message {
        Message::Arrived { ticket, .. } if ticket == outer => {
            vec![open(inner, 1), send(1, inner, 500)]
        }
        Message::Arrived { ticket, .. } => {
            assert_eq!(ticket, inner);
            vec![merged(ticket), learn(1, 30)]
        }
        Message::Computed { .. } => vec![send(0, outer, 500)],
        _ => vec![],
    });
    world.play(1, move |_, message| match message {
        Message::Arrived { ticket, .. } => vec![compute(ticket, 20)],
        Message::Computed { .. } => vec![send(STATION, inner, 1000)],
        _ => vec![],
    });
    world
}

fn spans(participation: &Participation) -> [Option<(f64, f64)>; 3] {
    participation.phases.map(|span| {
        let (start, end) = (span.start?, span.end?);
        Some((start.as_secs_f64(), end.as_secs_f64()))
    })
}

#[test]
fn an_aggregator_works_from_its_download_until_it_sends() {
    let (accounts, log) = two_tiers().run();
    // 1000 bytes at 500 a second; then 500, 20 FLOPs at 10, 1000; then 30 FLOPs and 500 bytes.
    let [station, client] = accounts.participations.as_slice() else {
        panic!("two participations");
    };
    assert_eq!(
        spans(station),
        [Some((0.0, 2.0)), Some((2.0, 10.0)), Some((10.0, 11.0))]
    );
    assert_eq!(
        spans(client),
        [Some((2.0, 3.0)), Some((3.0, 5.0)), Some((5.0, 7.0))]
    );
    assert_eq!((station.down_bytes, station.up_bytes), (1000, 500));
    assert_eq!((client.down_bytes, client.up_bytes), (500, 1000));
    assert_eq!(station.outcome, Some(Outcome::Merged));
    assert_eq!(client.settled, Some(at(7.0)));
    assert_eq!(
        told(&log, STATION),
        [
            (2.0, "arrived knowledge for 0"),
            (7.0, "arrived knowledge for 2"),
            (10.0, "computed 1"),
        ]
    );
    let kinds: Vec<TransferKind> = accounts.transfers.iter().map(|one| one.kind).collect();
    use TransferKind::{Client, Tier};
    assert_eq!(kinds, [Tier, Client, Client, Tier]);
}

#[test]
fn the_peak_is_that_of_the_roots_link() {
    let mut world = World::of(1000.0, &[1000.0, 1000.0], &[500.0]);
    let outer = ticket(0, 0);
    world.play(0, move |_, message| match message {
        Message::Start => vec![open(outer, 3), send(3, outer, 1000)],
        _ => vec![],
    });
    world.play(3, move |_, message| match message {
        // Two at once below it, and one at the root.
        Message::Arrived { .. } => [1, 2]
            .into_iter()
            .flat_map(|client| {
                let inner = ticket(3, client.into());
                [open(inner, client), send(client, inner, 500)]
            })
            .chain([send(0, outer, 500)])
            .collect(),
        _ => vec![],
    });
    let (accounts, _) = world.run();
    assert_eq!((accounts.transfers.len(), accounts.peak_transfers), (4, 1));
}

#[test]
fn what_an_aggregator_computes_is_in_its_own_account() {
    let (accounts, _) = two_tiers().run();
    let [root, station] = accounts.aggregators.as_slice() else {
        panic!("two aggregators");
    };
    assert_eq!((root.actor, station.actor), (ActorId(0), ActorId(STATION)));
    assert_eq!((root.flops, station.flops), ([0; 3], [0, 30, 0]));
    // 3 s of 8 W and 8 s of 1 W.
    assert_eq!(station.energy_joules, 32.0);
    assert_eq!(root.energy_joules, 11.0);
    assert_eq!(accounts.participations[0].flops, [0; 3]);
    assert_eq!(accounts.participations[0].energy_joules, 0.0);
    // Receiving 1 s of 2 W, computing 2 s of 8 W, sending 2 s of 4 W.
    assert_eq!(accounts.participations[1].energy_joules, 26.0);
    assert_eq!(seconds(&accounts, 1), [6.0, 1.0, 2.0, 2.0, 0.0, 0.0]);
}

#[test]
fn knowledge_without_bytes_goes_through_all_tiers_in_no_time() {
    let mut world = World::of(1000.0, &[1000.0], &[500.0]);
    let outer = ticket(0, 0);
    world.play(0, move |_, message| match message {
        Message::Start => vec![open(outer, STATION), send(STATION, outer, 0)],
        Message::Arrived { ticket, .. } => vec![merged(ticket)],
        _ => vec![],
    });
    world.play(STATION, move |_, message| match message {
        Message::Arrived { .. } => vec![learn(1, 50)],
        Message::Computed { .. } => vec![send(0, outer, 0)],
        _ => vec![],
    });
    let (accounts, _) = world.run();
    let station = &accounts.participations[0];
    assert_eq!(spans(station), [None, Some((0.0, 5.0)), None]);
    assert_eq!(station.arrival(), Some(at(5.0)));
    assert!(accounts.transfers.is_empty());
}

#[test]
fn a_client_stands_where_its_own_aggregator_does() {
    // Over the root's link of 1 byte/s nothing of this could pass in time.
    let mut world = World::of(1.0, &[1000.0], &[500.0]);
    world.latencies = vec![100.0, 0.25, 0.5];
    let inner = ticket(STATION, 0);
    world.play(0, |_, message| match message {
        Message::Start => vec![Action::Control {
            to: ActorId(STATION),
            what: "go",
            bytes: 0,
            payload: "go",
        }],
        _ => vec![],
    });
    world.play(STATION, move |_, message| match message {
        Message::Controlled { .. } => vec![
            Action::Open {
                ticket: inner,
                client: ActorId(1),
                start_version: 0,
                plan: Plan {
                    download_bytes: 1000,
                    flops: 10,
                    upload_bytes: 500,
                },
            },
            send(1, inner, 1000),
        ],
        _ => vec![],
    });
    world.play(1, move |_, message| match message {
        Message::Arrived { ticket, .. } => vec![Action::Refuse {
            ticket,
            outcome: Outcome::Unfit,
        }],
        _ => vec![],
    });
    let (accounts, log) = world.run();
    // 0.75 s and 1000 bytes at 500 a second, and 0.75 s back.
    assert_eq!(told(&log, STATION)[1..], [(3.5, "refused 0 unfit")]);
    assert_eq!(accounts.transfers[0].from, ActorId(STATION));
}

#[test]
fn a_cut_falls_by_the_durations_to_the_clients_own_aggregator() {
    // Download 1 s, computation 2 s, upload 1 s to a station; over the root's link they would
    // take 1000 s each, and the computation would hardly ever be the phase that is cut.
    let mut cut_computing = 0;
    for seed in 0..60 {
        let mut world = World::of(1.0, &[1000.0], &[1000.0]);
        world.change_sites = Box::new(move |sites| {
            let stream = Streams::new(seed).stream("1", "dropout");
            sites[0].drops = Some((crate::device::DropRate(1.0), stream));
        });
        let inner = ticket(STATION, 0);
        world.play(0, |_, message| match message {
            Message::Start => vec![Action::Control {
                to: ActorId(STATION),
                what: "go",
                bytes: 0,
                payload: "go",
            }],
            _ => vec![],
        });
        world.play(STATION, move |_, message| match message {
            Message::Controlled { .. } => {
                let plan = Plan {
                    download_bytes: 1000,
                    flops: 20,
                    upload_bytes: 1000,
                };
                let (client, start_version) = (ActorId(1), 0);
                let open = Action::Open {
                    ticket: inner,
                    client,
                    start_version,
                    plan,
                };
                vec![open, send(1, inner, 1000)]
            }
            _ => vec![],
        });
        world.play(1, move |_, message| match message {
            Message::Arrived { ticket, .. } => vec![compute(ticket, 20)],
            Message::Computed { .. } => vec![send(STATION, inner, 1000)],
            _ => vec![],
        });
        let (accounts, log) = world.run();
        let outcome = accounts.participations[0].outcome;
        cut_computing += u32::from(outcome == Some(Outcome::DroppedCompute));
        // The one that is told is the client's own aggregator.
        assert!(
            told(&log, STATION)
                .iter()
                .any(|(_, what)| *what == "lost 0")
        );
    }
    // Half of 60, give or take four standard deviations.
    assert!((15..=45).contains(&cut_computing), "{cut_computing}");
}

#[test]
fn an_aggregator_whose_link_fails_for_good_is_lost_and_told() {
    let mut world = two_tiers();
    // The station's way up is resource 2·2; it fails at 10.5 s, half through the upload.
    let step = Step {
        at: lasting(10.5),
        bandwidth: None,
        latency: None,
        up: Some(false),
    };
    let behaviour = LinkBehaviour {
        profile: Some(Arc::new(Profile::new(&[step], None).unwrap())),
        ..LinkBehaviour::default()
    };
    world.conduct = Some(Conduct {
        links: vec![(ResourceId(4), behaviour)],
        caps: Vec::new(),
        failure: Failure::Cut(Retries {
            attempts: 1,
            backoff: lasting(1.0),
            factor: 1.0,
            longest: lasting(1.0),
            resume: false,
        }),
        segment_bytes: 1448.0,
        streams: Streams::new(1),
    });
    let (accounts, log) = world.run();
    let station = &accounts.participations[0];
    assert_eq!(station.outcome, Some(Outcome::LostLink));
    assert_eq!(station.up_bytes, 250);
    assert_eq!(told(&log, STATION).last(), Some(&(10.5, "cut 7")));
    assert_eq!(told(&log, 0).last(), Some(&(12.5, "lost 7")));
}

#[test]
fn aggregators_are_always_there_when_the_roll_is_called() {
    let mut world = World::of(1.0, &[1.0, 1.0], &[1.0]);
    world.online(1, &[(5.0, 9.0)]);
    world.play(0, |_, message| match message {
        Message::Start => vec![Action::RollCall {
            token: Token(0),
            children: vec![ActorId(1), ActorId(2), ActorId(3)],
        }],
        _ => vec![],
    });
    let (_, log) = world.run();
    assert_eq!(told(&log, 0)[1], (0.0, "there [2, 3]"));
}

#[test]
fn a_deserted_aggregator_does_not_end_the_run_of_another() {
    // Station 3 has nobody left; station 4 looks for client 2 every 10 s, which comes at 35 s.
    let mut world = World::of(1.0, &[1.0, 1.0], &[1.0, 1.0]);
    world.online(1, &[(0.0, 1.0)]);
    world.online(2, &[(35.0, 900.0)]);
    world.end = 200.0;
    world.play(0, |_, message| match message {
        Message::Start => [3, 4]
            .map(|station| Action::Control {
                to: ActorId(station),
                what: "go",
                bytes: 0,
                payload: "go",
            })
            .into(),
        _ => vec![],
    });
    for (station, child) in [(4, 2), (3, 1)] {
        world.play(station, move |now, message| match message {
            Message::Controlled { .. } | Message::Wake(_) if now >= at(1.0) => {
                vec![Action::RollCall {
                    token: Token(0),
                    children: vec![ActorId(child)],
                }]
            }
            Message::CheckedIn { children, .. } if !children.is_empty() => vec![],
            _ => vec![Action::Wake {
                token: Token(1),
                at: now + lasting(10.0),
            }],
        });
    }
    let (accounts, log) = world.run();
    let last = told(&log, 4).last().copied();
    assert_eq!(last, Some((40.0, "there [2]")));
    // Once that has found its client, the other alone keeps nothing alive.
    assert_eq!(accounts.end, End::Stalled);
    assert!(accounts.ended_at <= at(50.0));
}
