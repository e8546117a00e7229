//! The books of a run of bare transfers: everything that its tables are made from.

use super::books::RunIdentity;
use crate::network::{Effort, Network};
use crate::time::SimTime;
use crate::world::TransferOutcome;
use serde::Serialize;
use std::fmt;
use std::path::{Path, PathBuf};

/// A run of bare transfers that has ended.
#[derive(Debug)]
pub struct NetworkBooks {
    /// Which run this is.
    pub identity: RunIdentity,
    /// Clients that stand in the network.
    pub clients: u64,
    /// When the last transfer or computation ended, or nothing was left to happen.
    pub ended_at: SimTime,
    /// In the order in which the scenario lists them.
    pub transfers: Vec<BareTransfer>,
    /// Bare computations, in the order in which the scenario lists them.
    pub computations: Vec<BareComputation>,
    /// As it stood at the end: what every link has carried.
    pub network: Network,
}

impl NetworkBooks {
    /// How the run ended: `completed`, or `stalled` where a transfer or a computation could never end.
    #[must_use]
    pub fn status(&self) -> &'static str {
        let is_unfinished = |one: &BareTransfer| one.outcome == TransferOutcome::Unfinished;
        let never_done = |one: &BareComputation| one.end.is_none();
        if self.transfers.iter().any(is_unfinished) || self.computations.iter().any(never_done) {
            "stalled"
        } else {
            "completed"
        }
    }
}

/// A bare transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BareTransfer {
    /// The host that sent.
    pub from: String,
    /// The host that received.
    pub to: String,
    /// How much.
    pub size_bytes: u64,
    /// When it was sent.
    pub start: SimTime,
    /// When its last byte arrived, or it was given up; `None` where neither could ever happen.
    pub end: Option<SimTime>,
    /// How it ended.
    pub outcome: TransferOutcome,
    /// Attempts, and the bytes that crossed the network in them.
    pub effort: Effort,
    /// The link that held it to its rate at the end; `None` where none did.
    pub limiting_link: Option<String>,
}

/// A bare computation.
#[derive(Debug, Clone, PartialEq)]
pub struct BareComputation {
    /// What it ran on.
    pub host: String,
    /// How much it computed.
    pub flops: f64,
    /// Cores that it could use at once.
    pub cores: u32,
    /// When it began.
    pub start: SimTime,
    /// When it was done; `None` is never.
    pub end: Option<SimTime>,
}

/// A run of bare transfers and computations at a glance.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NetworkSummary {
    /// Hash of the resolved scenario with its seeds.
    pub run_id: String,
    /// Name of the scenario.
    pub scenario: String,
    /// Counts the runs of the scenario.
    pub number: u64,
    /// Counts the replications of a sweep point.
    pub replication: u32,
    /// How it ended.
    pub status: &'static str,
    /// When the last transfer ended, or nothing was left to happen.
    pub end_s: SimTime,
    /// Number of transfers.
    pub transfers: usize,
    /// Bytes that arrived.
    pub bytes: u64,
    /// Number of computations.
    pub computations: usize,
    /// The link and direction with the most bytes, and how many.
    pub busiest_link: Option<(String, u64)>,
    /// Where the tables are.
    pub directory: PathBuf,
}

impl NetworkSummary {
    /// Of a run whose records lie in `directory`.
    #[must_use]
    pub fn new(books: &NetworkBooks, directory: &Path) -> Self {
        let links = books.network.links();
        // The first of equals.
        let busiest = links.reduce(|most, link| {
            if link.1.bytes > most.1.bytes {
                link
            } else {
                most
            }
        });
        Self {
            run_id: books.identity.run_id.clone(),
            scenario: books.identity.scenario.clone(),
            number: books.identity.number,
            replication: books.identity.replication,
            status: books.status(),
            end_s: books.ended_at,
            transfers: books.transfers.len(),
            computations: books.computations.len(),
            bytes: books
                .transfers
                .iter()
                .map(|one| one.effort.received_bytes())
                .sum(),
            busiest_link: busiest
                .filter(|(_, usage)| usage.bytes > 0)
                .map(|(part, usage)| (format!("{} {}", part.link, part.direction), usage.bytes)),
            directory: directory.to_owned(),
        }
    }
}

/// A few lines of text without the last line feed.
impl fmt::Display for NetworkSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let carried = || {
            format!(
                "{} transfers, {:.3} MB",
                self.transfers,
                self.bytes as f64 / 1e6
            )
        };
        let computed = || format!("{} computations", self.computations);
        let what = match (self.transfers, self.computations) {
            (_, 0) => carried(),
            (0, _) => computed(),
            _ => format!("{}, {}", carried(), computed()),
        };
        writeln!(
            f,
            "{} #{}  {}: {what}, in {:.6} s of simulated time",
            self.scenario,
            self.number,
            self.status,
            self.end_s.as_secs_f64()
        )?;
        if let Some((link, bytes)) = &self.busiest_link {
            writeln!(f, "  busiest link {link}, {:.3} MB", *bytes as f64 / 1e6)?;
        }
        write!(f, "  tables in {}", self.directory.display())
    }
}
