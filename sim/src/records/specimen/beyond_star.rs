//! Books of a hierarchy and of peers.

use super::{lasting, participation, seconds, synchronous, transfers, version};
use crate::device::Power;
use crate::kernel::ActorId;
use crate::network::Effort;
use crate::records::books::{AggregatorRecord, CloseReason, RunBooks};
use crate::world::{
    AggregatorAccount, Outcome, Participation, Span, Ticket, TransferKind, TransferOutcome,
    TransferRecord,
};

/// The aggregator between the root and two clinics.
const EDGE: ActorId = ActorId(5);

/// Two clinics work for an edge server, which works for the root as a hospital does: one version
/// each. The root asks a clinic something besides.
pub(crate) fn tiers() -> RunBooks {
    use Outcome::Merged;
    let mut books = synchronous();
    let mut participations = vec![
        participation(0, 4, 0, 0.0, &[1.0, 9.0, 11.0], Merged, 13.0),
        participation(1, 3, 0, 0.0, &[1.0, 2.0, 13.0], Merged, 13.0),
        participation(2, 0, 0, 1.0, &[2.0, 5.0, 7.0], Merged, 8.0),
        participation(3, 1, 0, 1.0, &[2.0, 6.0, 8.0], Merged, 8.0),
    ];
    for one in &mut participations[2..] {
        one.ticket.aggregator = EDGE;
    }
    participations[0].flops = [0; 3];
    participations[0].energy_joules = 0.0;
    books.accounts.transfers = transfers(&participations);
    for one in &mut books.accounts.transfers {
        let ticket = one.ticket.expect("of a participation");
        one.kind = match ticket.number {
            0 => TransferKind::Tier,
            _ => TransferKind::Client,
        };
    }
    let question = TransferRecord {
        ticket: None,
        kind: TransferKind::Control,
        from: ActorId(0),
        to: ActorId(3),
        what: "question",
        size_bytes: 70,
        effort: Effort {
            attempts: 1,
            sent_bytes: 70,
            lost_bytes: 70,
        },
        start: seconds(14.0),
        end: seconds(15.0),
        outcome: TransferOutcome::Missed,
        limiting_link: None,
    };
    books.accounts.transfers.push(question);
    books.accounts.participations = participations;
    books.accounts.aggregators.push(AggregatorAccount {
        actor: EDGE,
        flops: [0, 500, 50],
        computing: lasting(1.0),
        idle: lasting(26.0),
        energy_joules: 56.0,
        learned: vec![(seconds(8.0), seconds(9.0))],
    });
    books.aggregators[0].children = 3;
    books.aggregators.push(AggregatorRecord {
        name: "edge-0".to_owned(),
        tier: 1,
        parent: Some(ActorId(0)),
        children: 2,
        node: "branch".to_owned(),
        flops_per_second: 550.0,
        power: Power {
            idle: 2.0,
            busy: 4.0,
            transmit: 0.0,
            receive: 0.0,
        },
        synchronous: true,
    });
    books.versions = vec![
        version(1, 0.0, 13.0, CloseReason::AllArrived, 2, 2),
        version(1, 1.0, 8.0, CloseReason::AllArrived, 2, 2),
    ];
    books.versions[1].aggregator = EDGE;
    books
}

/// Three clinics without anybody above them. The first passes 250 bytes to each of the others, of
/// which the third is offline then; the second passes 500 to the first; the third takes very long.
pub(crate) fn peers() -> RunBooks {
    use Outcome::{Merged, Unfinished};
    let mut books = synchronous();
    let mut participations = vec![
        participation(0, 0, 0, 0.0, &[0.0, 5.0, 7.0], Merged, 7.0),
        participation(1, 1, 0, 0.0, &[0.0, 6.0, 8.0], Merged, 8.0),
        participation(2, 2, 0, 0.0, &[0.0], Unfinished, 27.0),
    ];
    for one in &mut participations {
        one.ticket.aggregator = one.client;
        one.phases[0] = Span::default();
        one.down_bytes = 0;
    }
    let passed = |of: &Participation, to, bytes, end, outcome| TransferRecord {
        ticket: Some(Ticket { ..of.ticket }),
        kind: TransferKind::Peer,
        from: of.client,
        to: ActorId(to),
        what: "parameters",
        size_bytes: bytes,
        effort: Effort {
            attempts: 1,
            sent_bytes: bytes,
            lost_bytes: match outcome {
                TransferOutcome::Missed => bytes,
                _ => 0,
            },
        },
        start: of.phases[2].start.expect("it sent"),
        end: seconds(end),
        outcome,
        limiting_link: None,
    };
    let [first, second, _] = &participations[..] else {
        unreachable!("three of them");
    };
    books.accounts.transfers = vec![
        passed(first, 2, 250, 6.0, TransferOutcome::Delivered),
        passed(first, 3, 250, 7.0, TransferOutcome::Missed),
        passed(second, 1, 500, 8.0, TransferOutcome::Delivered),
    ];
    books.accounts.participations = participations;
    books.accounts.aggregators.clear();
    books.aggregators.clear();
    books.versions = vec![
        version(1, 0.0, 7.0, CloseReason::Arrival, 1, 1),
        version(1, 0.0, 8.0, CloseReason::Arrival, 1, 1),
    ];
    for (version, client) in books.versions.iter_mut().zip(1..) {
        version.aggregator = ActorId(client);
    }
    books
}
