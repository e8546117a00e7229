//! Books made up by hand, small enough to work every figure out on paper.

mod beyond_star;

pub(crate) use beyond_star::{peers, tiers};

use super::books::{
    AggregatorRecord, Benefit, ClientRecord, ClientScore, CloseReason, Evaluation, RunBooks,
    RunIdentity, RunStatus, Score, VersionRecord,
};
use crate::device::{Availability, Phase, Power};
use crate::kernel::ActorId;
use crate::network::{Access, Bandwidth, Connections, Effort, Network, Transport};
use crate::scenario::{RawScenario, RawSchedule};
use crate::time::{SimDuration, SimTime};
use crate::world::{
    Accounts, AggregatorAccount, ClientState, ClientTimes, End, Merge, Outcome, Participation,
    Span, Ticket, TransferKind, TransferOutcome, TransferRecord,
};

const SCENARIO: &str = r#"
name = "specimen"

[data]
source = "digits"

[[clients]]
name = "clinic"
count = 3
model = "mlp-32"
device = { speed = "5 GFLOP/s" }
link = { up = "5 Mbps", down = "20 Mbps" }

[[clients]]
name = "hospital"
count = 1
model = "mlp-64"
device = { speed = "50 GFLOP/s" }
link = { up = "5 Mbps", down = "20 Mbps" }

[method]
exchange = "parameters"

[evaluation]
every = "10 s"
target = { value = 0.8, hold = 2 }

[records]
benefit = ["equal-epochs"]

[cost]
currency = "EUR"
per_gb = 1000.0
per_kwh = 3.6e6
site_setup = 10.0
staff_hour = 60.0
incident_minutes = 1.0
"#;

pub(crate) fn seconds(seconds: f64) -> SimTime {
    SimTime::from_secs_f64(seconds).unwrap()
}

pub(crate) fn lasting(seconds: f64) -> SimDuration {
    SimDuration::from_secs_f64(seconds).unwrap()
}

/// Who, from which version, when selected, the ends of the three phases one after the other,
/// how it ended and when that was settled.
pub(crate) fn participation(
    id: u64,
    client: u32,
    start_version: u64,
    selected: f64,
    phase_ends: &[f64],
    outcome: Outcome,
    settled: f64,
) -> Participation {
    let mut phases = [Span::default(); 3];
    let mut start = selected;
    for (phase, end) in phases.iter_mut().zip(phase_ends) {
        phase.start = Some(seconds(start));
        phase.end = Some(seconds(*end));
        start = *end;
    }
    let cut = phases.iter_mut().find(|phase| phase.end.is_none());
    let was_cut = cut.is_some();
    if let Some(phase) = cut {
        phase.start = Some(seconds(start));
    }
    let end = if was_cut { settled } else { start };
    let merge = (outcome == Outcome::Merged).then(|| Merge {
        version: start_version + 1,
        start_published: seconds(selected),
    });
    Participation {
        id,
        ticket: Ticket {
            aggregator: ActorId(0),
            number: id,
        },
        client: ActorId(client + 1),
        attempt: 1,
        start_version,
        selected: seconds(selected),
        phases,
        end: Some(seconds(end)),
        cut_phase: outcome
            .is_drop()
            .then(|| [Phase::Download, Phase::Compute, Phase::Upload][phase_ends.len()]),
        outcome: Some(outcome),
        settled: Some(seconds(settled)),
        merge,
        down_bytes: 1000,
        up_bytes: if was_cut { 0 } else { 500 },
        flops: [100, 20, 10],
        energy_joules: 10.0,
        samples: 50,
        steps: 5,
    }
}

/// Four clients, two versions under a synchronous schedule, a third cut short by the end at 27 s.
pub(crate) fn synchronous() -> RunBooks {
    use ClientState::{Computing, Receiving, Sending, Unselected, WaitingForVersion};
    use Outcome::{DroppedCompute, Merged, Unfinished};
    let mut participations = vec![
        participation(0, 0, 0, 0.0, &[1.0, 5.0, 7.0], Merged, 13.0),
        participation(1, 1, 0, 0.0, &[1.0, 6.0, 8.0], Merged, 13.0),
        participation(2, 2, 0, 0.0, &[1.0], DroppedCompute, 4.0),
        participation(3, 3, 0, 0.0, &[1.0, 2.0, 13.0], Merged, 13.0),
        participation(4, 0, 1, 13.0, &[14.0, 18.0, 20.0], Merged, 21.0),
        participation(5, 1, 1, 13.0, &[14.0, 19.0, 21.0], Merged, 21.0),
        participation(6, 3, 1, 13.0, &[14.0, 15.0, 16.0], Merged, 21.0),
        participation(7, 0, 2, 21.0, &[22.0, 26.0], Unfinished, 27.0),
    ];
    participations[2].flops = [60, 20, 0];
    participations[7].up_bytes = 250;
    let times = [
        times(&[
            (0.0, Receiving),
            (1.0, Computing),
            (5.0, Sending),
            (7.0, WaitingForVersion),
            (13.0, Receiving),
            (14.0, Computing),
            (18.0, Sending),
            (20.0, WaitingForVersion),
            (21.0, Receiving),
            (22.0, Computing),
            (26.0, Sending),
        ]),
        times(&[
            (0.0, Receiving),
            (1.0, Computing),
            (6.0, Sending),
            (8.0, WaitingForVersion),
            (13.0, Receiving),
            (14.0, Computing),
            (19.0, Sending),
            (21.0, Unselected),
        ]),
        times(&[(0.0, Receiving), (1.0, Computing), (4.0, Unselected)]),
        times(&[
            (0.0, Receiving),
            (1.0, Computing),
            (2.0, Sending),
            (13.0, Receiving),
            (14.0, Computing),
            (15.0, Sending),
            (16.0, WaitingForVersion),
            (21.0, Unselected),
        ]),
    ];
    RunBooks {
        class_names: ["a", "b", "c"].map(str::to_owned).to_vec(),
        identity: identity(),
        scenario: toml::from_str(SCENARIO).unwrap(),
        status: RunStatus::Completed,
        accounts: Accounts {
            offline: None,
            end: End::TimeUp,
            ended_at: seconds(27.0),
            transfers: transfers(&participations),
            participations,
            client_times: times.to_vec(),
            battery_levels: vec![Some(0.25)],
            aggregators: vec![AggregatorAccount {
                actor: ActorId(0),
                flops: [0, 2000, 0],
                computing: lasting(2.0),
                idle: lasting(25.0),
                energy_joules: 2.0 * 300.0 + 25.0 * 100.0,
                learned: Vec::new(),
            }],
            peak_transfers: 4,
            messages: 99,
            network: network(),
        },
        versions: vec![
            version(1, 0.0, 13.0, CloseReason::AllArrived, 4, 3),
            version(2, 13.0, 21.0, CloseReason::AllArrived, 3, 3),
        ],
        evaluations: vec![
            evaluation(0.0, 0, [10, 20, 30, 20]),
            evaluation(10.0, 0, [80, 80, 85, 75]),
            evaluation(20.0, 1, [90, 80, 80, 90]),
            evaluation(27.0, 2, [90, 60, 70, 100]),
        ],
        clients: clients(),
        aggregators: vec![AggregatorRecord {
            name: "server".to_owned(),
            tier: 0,
            parent: None,
            children: 4,
            node: "core".to_owned(),
            flops_per_second: 1000.0,
            power: Power {
                idle: 100.0,
                busy: 300.0,
                transmit: 0.0,
                receive: 0.0,
            },
            synchronous: true,
        }],
        keeps_store: false,
    }
}

pub(crate) const ASYNCHRONOUS_MERGE_COUNTS: [u64; 7] = [3, 1, 2, 3, 0, 1, 1];

/// Two of the clients under an asynchronous schedule with a store: versions 1 to 6.
pub(crate) fn asynchronous() -> RunBooks {
    use Outcome::{DroppedUpload, Merged};
    let mut books = synchronous();
    books.scenario.method.schedule = RawSchedule::Asynchronous {
        concurrency: None,
        mixing: 0.6,
        staleness: crate::scenario::RawStaleness::Constant,
        max_staleness: None,
    };
    books.aggregators[0].synchronous = false;
    books.keeps_store = true;
    books.accounts.participations = vec![
        participation(0, 0, 0, 0.0, &[1.0, 3.0, 4.0], Merged, 4.0),
        participation(1, 1, 0, 0.0, &[1.0, 4.0, 5.0], Merged, 5.0),
        participation(2, 1, 2, 5.0, &[6.0, 9.0, 10.0], Merged, 10.0),
        participation(3, 0, 1, 4.0, &[5.0, 8.0, 12.0], Merged, 12.0),
        participation(4, 0, 4, 12.0, &[13.0, 16.0], DroppedUpload, 18.0),
        participation(5, 1, 3, 10.0, &[11.0, 18.0, 19.0], Merged, 19.0),
        participation(6, 1, 5, 19.0, &[20.0, 23.0, 24.0], Merged, 24.0),
    ];
    for (place, merged, published) in [(1, 2, 0.0), (3, 4, 4.0), (5, 5, 10.0)] {
        books.accounts.participations[place].merge = Some(Merge {
            version: merged,
            start_published: seconds(published),
        });
    }
    books.accounts.transfers = transfers(&books.accounts.participations);
    let closes = [4.0, 5.0, 10.0, 12.0, 19.0, 24.0];
    books.versions = (1..)
        .zip(closes)
        .map(|(number, close)| version(number, 0.0, close, CloseReason::Arrival, 1, 1))
        .collect();
    books
}

fn identity() -> RunIdentity {
    RunIdentity {
        run_id: "0123456789abcdef".to_owned(),
        config_id: "fedcba9876543210".to_owned(),
        scenario: "specimen".to_owned(),
        number: 3,
        replication: 1,
        seed_world: u64::MAX,
        seed_dynamics: 7,
        factors: vec![
            ("method.preset".to_owned(), "\"fd\"".to_owned()),
            ("data.partition.alpha".to_owned(), "0.1".to_owned()),
        ],
    }
}

/// States with their beginnings, up to 27 s.
fn times(states: &[(f64, ClientState)]) -> ClientTimes {
    let mut availability = Availability::Always;
    let mut times = ClientTimes::default();
    for (at, state) in states {
        times.enter(*state, seconds(*at), &mut availability);
    }
    times.enter(times.state(), seconds(27.0), &mut availability);
    times
}

/// A transfer for every phase that moved bytes, by end.
fn transfers(participations: &[Participation]) -> Vec<TransferRecord> {
    let mut transfers = Vec::new();
    for participation in participations {
        let (client, ticket) = (participation.client, participation.ticket);
        let server = ticket.aggregator;
        for (place, from, to, bytes, size) in [
            (0, server, client, participation.down_bytes, 1000),
            (2, client, server, participation.up_bytes, 500),
        ] {
            let span = participation.phases[place];
            if let Some(start) = span.start {
                let outcome = match (span.end, participation.outcome) {
                    (Some(_), _) => TransferOutcome::Delivered,
                    (None, Some(Outcome::Unfinished)) => TransferOutcome::Unfinished,
                    (None, _) => TransferOutcome::Cut,
                };
                transfers.push(TransferRecord {
                    ticket: Some(ticket),
                    kind: TransferKind::Client,
                    from,
                    to,
                    what: "parameters",
                    size_bytes: size,
                    effort: Effort {
                        attempts: 1,
                        sent_bytes: bytes,
                        lost_bytes: 0,
                    },
                    start,
                    end: span.end.or(participation.settled).unwrap(),
                    outcome,
                    limiting_link: Some("server up".to_owned()).filter(|_| place == 0),
                });
            }
        }
    }
    transfers.sort_by_key(|transfer| transfer.end);
    transfers
}

fn version(
    version: u64,
    opened: f64,
    closed: f64,
    reason: CloseReason,
    selected: u64,
    merged: u64,
) -> VersionRecord {
    VersionRecord {
        aggregator: ActorId(0),
        version,
        opened: seconds(opened),
        closed: seconds(closed),
        reason,
        selected,
        merged,
        max_staleness: 0,
        server_flops: 1000,
    }
}

/// Correct answers of each client to 100 questions of the global test set; 10 of its own each.
fn evaluation(at: f64, version: u64, correct: [u64; 4]) -> Evaluation {
    let score = |samples, correct| Score {
        samples,
        correct,
        loss: 0.5,
    };
    Evaluation {
        at: seconds(at),
        version,
        global: Some(score(100, correct[0])),
        clients: correct
            .iter()
            .map(|correct| ClientScore {
                global: score(100, *correct),
                own: Some(score(10, correct / 10)),
                matched_accuracy: Some(*correct as f64 / 100.0),
            })
            .collect(),
    }
}

/// A star of the server and the four clients in which nothing has moved.
fn network() -> Network {
    let mbps = |rate: f64| Bandwidth::from_bits_per_second(rate * 1e6).unwrap();
    let names = ["server", "clinic-0", "clinic-1", "clinic-2", "hospital-0"];
    let access = names.map(|name| Access {
        name: name.to_owned(),
        up: mbps(5.0),
        down: mbps(20.0),
        latency: lasting(0.03),
    });
    Network::new(Connections::star(access), Transport::fluid())
}

fn clients() -> Vec<ClientRecord> {
    let names = ["clinic-0", "clinic-1", "clinic-2", "hospital-0"];
    let benefits = [0.2, 0.1, 0.0, -0.05];
    names
        .into_iter()
        .zip(benefits)
        .zip(1..)
        .map(|((name, benefit), size)| ClientRecord {
            name: name.to_owned(),
            group: name.split('-').next().unwrap().to_owned(),
            model: if name == "hospital-0" {
                "mlp-64"
            } else {
                "mlp-32"
            }
            .to_owned(),
            parameters: 2410,
            n_train: 10 * size,
            n_test: 10,
            label_counts: vec![5 * size, 5 * size, 0],
            device: None,
            cores: 1,
            test_label_counts: vec![5, 0, 5],
            data_group: None,
            data_site: None,
            flops_per_second: 5e9,
            memory_bytes: None,
            power: Power {
                idle: 2.0,
                busy: 8.0,
                transmit: 4.0,
                receive: 3.0,
            },
            link: (5e6, 2e7, 0.03),
            benefit: [
                Some(Benefit {
                    matched: Some(benefit),
                    global: benefit,
                    epochs: 10,
                    capped: false,
                }),
                None,
            ],
        })
        .collect()
}

#[test]
fn the_specimen_scenario_is_valid() {
    let scenario: RawScenario = toml::from_str(SCENARIO).unwrap();
    assert_eq!(scenario.clients.len(), 2);
}
