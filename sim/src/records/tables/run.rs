//! `runs.csv`, the run in one row, and `factors.csv`, what was swept or set in it.

use crate::measures::Measures;
use crate::records::books::{CloseReason, RunBooks};
use crate::records::table::table;
use crate::time::SimTime;

table! {
    /// One row: the run, how it ended, and its final figures.
    pub struct RunRow<'a> in "runs",
    key [],
    references [],
    /// Hash of the resolved scenario without seeds and replication: equal for the replications of a sweep point.
    config_id: &'a str;
    /// Name of the scenario.
    scenario: &'a str;
    /// Counts the runs of the scenario, from 1.
    number: u64;
    /// Counts the replications of a sweep point, from 0.
    replication: u32;
    /// Seed of data, devices, links, split and initial weights; up to 2^64 − 1, beyond what a double holds exactly.
    seed_world: u64;
    /// Seed of dropout, batches, selection and noise; up to 2^64 − 1, beyond what a double holds exactly.
    seed_dynamics: u64;
    /// How the run ended: `completed`, `target` (reached, and asked to stop there), `diverged` (training left the finite numbers at every client of a version) or `stalled` (nothing was left to happen, or a simulated year was over, before the stop condition).
    status: &'a str;
    /// Simulated time at the end.
    end_s: SimTime, "s";
    /// Number of clients.
    n_clients: u64;
    /// Number of versions published, failed ones left out.
    n_versions: u64;
    /// Number of versions that failed for want of contributions.
    n_failed_versions: u64;
    /// Number of participations.
    n_participations: u64;
    /// Final accuracy of the aggregator's own model on the global test set; empty where it has none.
    accuracy_global: Option<f64>, "1";
    /// Final accuracy on the global test set, mean over clients, each with the model that it would use.
    accuracy_personal_global: Option<f64>, "1";
    /// Final accuracy on the clients' own held-out samples, mean over clients that have any.
    accuracy_personal_own: Option<f64>, "1";
    /// Final accuracy on the global test set weighted by each client's label shares, mean over clients.
    accuracy_personal_matched: Option<f64>, "1";
    /// First evaluation of those in a row that reached the target; empty where the target was not reached (censored at `end_s`) or there is none.
    time_to_target_s: Option<SimTime>, "s";
    /// Bytes that crossed the network from clients.
    up_bytes: u64, "byte";
    /// Bytes that crossed the network to clients.
    down_bytes: u64, "byte";
    /// FLOPs of all clients: training, distillation and inference.
    client_flops: u64, "FLOP";
    /// Energy of all clients over the whole run, idle time included.
    client_energy_joules: f64, "J";
}

pub(super) fn row<'a>(books: &'a RunBooks, measures: &Measures) -> RunRow<'a> {
    let identity = &books.identity;
    let kpis = &measures.kpis;
    let failed = books
        .versions
        .iter()
        .filter(|v| v.reason == CloseReason::Failed);
    let failed = failed.count() as u64;
    RunRow {
        run_id: &identity.run_id,
        config_id: &identity.config_id,
        scenario: &identity.scenario,
        number: identity.number,
        replication: identity.replication,
        seed_world: identity.seed_world,
        seed_dynamics: identity.seed_dynamics,
        status: books.status.name(),
        end_s: books.accounts.ended_at,
        n_clients: books.clients.len() as u64,
        n_versions: books.versions.len() as u64 - failed,
        n_failed_versions: failed,
        n_participations: books.accounts.participations.len() as u64,
        accuracy_global: kpis.value("accuracy_on_global", "global"),
        accuracy_personal_global: kpis.value("accuracy_on_global", "personal"),
        accuracy_personal_own: kpis.value("accuracy_on_own", "personal"),
        accuracy_personal_matched: kpis.value("accuracy_on_matched", "personal"),
        time_to_target_s: measures.target.reached().map(|reached| reached.at),
        up_bytes: measures.totals.iter().map(|client| client.up_bytes).sum(),
        down_bytes: measures.totals.iter().map(|client| client.down_bytes).sum(),
        client_flops: measures.totals.iter().flat_map(|client| client.flops).sum(),
        client_energy_joules: measures.totals.iter().map(|client| client.joules).sum(),
    }
}

table! {
    /// One row a key of the scenario that was swept or set on the command line.
    pub struct FactorRow<'a> in "factors",
    key [key],
    references [[] in "runs" []],
    /// The key, dotted, as in `method.preset`.
    key: &'a str;
    /// Its value in this run; a string without quotes, anything else as TOML.
    value: &'a str;
}

pub(super) fn factors(books: &RunBooks) -> impl Iterator<Item = FactorRow<'_>> {
    books.identity.factors.iter().map(|(key, value)| FactorRow {
        run_id: &books.identity.run_id,
        key,
        value,
    })
}
