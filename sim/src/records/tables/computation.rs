//! `computations.csv`: bare computations on hosts.

use crate::records::network_books::NetworkBooks;
use crate::records::table::table;
use crate::time::SimTime;

table! {
    /// One row a bare computation that the scenario lists, in its order; only where some are listed.
    pub struct ComputationRow<'a> in "computations",
    key [computation_id],
    references [[] in "runs" []],
    /// Counts computations in the order in which the scenario lists them, from 0.
    computation_id: u64;
    /// The host that computed.
    host: &'a str;
    /// How much there was to compute.
    work_flops: f64, "FLOP";
    /// Cores that it could use at once.
    cores: u64;
    /// When it began.
    start_s: SimTime, "s";
    /// When it was done; empty where it never would be.
    end_s: Option<SimTime>, "s";
    /// How it ended: `done` or `unfinished`.
    outcome: &'a str;
}

pub(super) fn rows(books: &NetworkBooks) -> impl Iterator<Item = ComputationRow<'_>> {
    let computations = books.computations.iter().zip(0_u64..);
    computations.map(|(computation, computation_id)| ComputationRow {
        run_id: &books.identity.run_id,
        computation_id,
        host: &computation.host,
        work_flops: computation.flops,
        cores: u64::from(computation.cores),
        start_s: computation.start,
        end_s: computation.end,
        outcome: match computation.end {
            Some(_) => "done",
            None => "unfinished",
        },
    })
}
