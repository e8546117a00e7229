//! Many clients that come and go, and pass models round a ring for long: what must hold in the end.

use super::*;
use crate::device::{Battery, BatteryKind};
use crate::kernel::Streams;
use crate::world::{Outcome, TransferOutcome};

const CLIENTS: u32 = 6;
const CAPACITY: f64 = 1e6;

/// Each client, when it is online, computes, passes to both neighbours, and begins again.
fn ring(seed: u64, on_return: OnReturn) -> World {
    let mut world = World::of_peers(&[[1000.0, 800.0]; CLIENTS as usize]);
    world.on_return = on_return;
    world.end = 5000.0;
    for client in 1..=CLIENTS {
        let stream = Streams::new(seed).stream(&client.to_string(), "presence");
        world.availabilities[client as usize - 1] =
            Availability::exponential(lasting(60.0), lasting(15.0), stream);
        let (before, after) = ((client + CLIENTS - 2) % CLIENTS + 1, client % CLIENTS + 1);
        let mut number = 0;
        world.play(client, move |_, message| match message {
            Message::Start | Message::Cut(_) => vec![Action::Await(Token(0))],
            Message::Online(_) => {
                number += 1;
                let own = ticket(client, number);
                vec![open(own, client), compute(own, 50 + 30 * u64::from(client))]
            }
            Message::Computed { token, .. } => {
                let own = ticket(client, token.0);
                vec![pass(own, &[(before, 3000), (after, 5000)])]
            }
            Message::Sent { ticket, .. } => {
                vec![
                    merged(ticket),
                    Action::WaitForPeers,
                    Action::Await(Token(0)),
                ]
            }
            _ => vec![],
        });
    }
    world.change_sites = Box::new(|sites| {
        for site in sites {
            let kind = BatteryKind {
                capacity: CAPACITY,
                empty: 0.0,
                resume: 1.0,
                least: 0.0,
                charge: 0.0,
                plugged: None,
            };
            site.battery = Some(Box::new(Battery::new(Arc::new(kind), CAPACITY, POWER.idle)));
        }
    });
    world
}

#[test]
fn every_pass_ends_in_one_way_and_every_joule_is_somebodys() {
    for (seed, on_return) in [
        (1, OnReturn::Abandon),
        (2, OnReturn::Abandon),
        (3, OnReturn::Resume),
    ] {
        let (accounts, log) = ring(seed, on_return).run();
        let count = |outcome| {
            let transfers = accounts.transfers.iter();
            transfers.filter(|one| one.outcome == outcome).count()
        };
        let told = |what: &str| log.iter().filter(|line| line.2.starts_with(what)).count();
        assert_eq!(told("passed"), count(TransferOutcome::Delivered));
        let names = log.iter().filter(|line| line.2.starts_with("sent"));
        let missed = names.map(|line| {
            line.2
                .split(", ")
                .skip(1)
                .filter(|n| *n != "missed []")
                .count()
        });
        let missed: usize = missed.sum();
        // One that was missed in a participation that was cut or never ended is told to nobody.
        assert!(missed > 20 && missed <= count(TransferOutcome::Missed));
        let lost: u64 = accounts
            .transfers
            .iter()
            .map(|one| one.effort.lost_bytes)
            .sum();
        let of_missed = accounts.transfers.iter();
        let of_missed = of_missed.filter(|one| one.outcome == TransferOutcome::Missed);
        assert_eq!(
            lost,
            of_missed.map(|one| one.effort.sent_bytes).sum::<u64>()
        );
        let ended = |outcome| {
            let participations = accounts.participations.iter();
            participations
                .filter(|one| one.outcome == Some(outcome))
                .count()
        };
        assert_eq!(told("sent"), ended(Outcome::Merged));
        assert_eq!(
            told("cut"),
            ended(Outcome::DroppedUpload) + ended(Outcome::DroppedCompute)
        );
        assert_eq!(told("cut") > 20, on_return == OnReturn::Abandon);
        assert_eq!(
            count(TransferOutcome::Suspended) > 20,
            on_return == OnReturn::Resume
        );
        for client in 1..=CLIENTS {
            let watts = [
                POWER.idle,
                POWER.receive,
                POWER.transmit,
                POWER.busy,
                POWER.idle,
                POWER.idle,
            ];
            let spent = seconds(&accounts, client);
            let joules: f64 = spent
                .iter()
                .zip(watts)
                .map(|(time, watts)| time * watts)
                .sum();
            let level = accounts.battery_levels[client as usize - 1].unwrap();
            assert!((CAPACITY * (1.0 - level) - joules).abs() < 1e-6 * joules);
            // What participations drew is what sending and computing drew.
            let own = accounts
                .participations
                .iter()
                .filter(|one| one.client.0 == client);
            let drawn: f64 = own.map(|one| one.energy_joules).sum();
            let work = spent[2] * POWER.transmit + spent[3] * POWER.busy;
            assert!((drawn - work).abs() < 1e-6 * work, "{drawn} J of {work} J");
            assert!(spent[5] == 0.0 && spent[1] >= 0.0);
        }
    }
}
