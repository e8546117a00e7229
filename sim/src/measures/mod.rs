//! What is measured over the books of a run: stragglers, fairness, benefit and key figures.
//!
//! Everything here is a pure function of [`RunBooks`]; nothing is written.

mod accuracy;
mod benefit;
mod censored;
mod client_totals;
mod fairness;
mod inequality;
mod key_figures;
mod kpi;
mod label_skew;
mod quantile;
mod straggler;
mod time_to_target;

pub use accuracy::{Split, instants, mean_accuracy};
pub use benefit::{BenefitSplit, BenefitSummary, NOTICEABLE, benefit_of};
pub use censored::{Known, Reference};
pub use client_totals::ClientTotals;
pub use fairness::{ALL, FairnessFigure, Grouping, NONE, fairness};
pub use inequality::{Spread, standard_deviation_beyond_chance};
pub use key_figures::key_figures;
pub(crate) use key_figures::{outcome, wasted};
pub use kpi::{Kpi, KpiStatus, Kpis};
pub use label_skew::{LabelSkew, PartitionSkew};
pub use quantile::{median, quantile};
pub use straggler::{DurationTail, StragglerMark, is_delivered, straggler_marks};
pub use time_to_target::{TargetReached, TimeToTarget};

use crate::records::RunBooks;

/// All measures of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Measures {
    /// Straggler marks, in the ledger's order.
    pub marks: Vec<StragglerMark>,
    /// What each client spent, in child order.
    pub totals: Vec<ClientTotals>,
    /// Fairness of accuracy at every evaluation, of the rest at the end.
    pub fairness: Vec<FairnessFigure>,
    /// How the samples are spread over the clients.
    pub partition: PartitionSkew,
    /// When the target was reached.
    pub target: TimeToTarget,
    /// The key figures.
    pub kpis: Kpis,
}

impl Measures {
    /// Of a run that has ended.
    #[must_use]
    pub fn of(books: &RunBooks) -> Self {
        let marks = straggler_marks(books);
        let totals = ClientTotals::of(books);
        let fairness = fairness(books, &totals);
        let partition = PartitionSkew::of(books);
        let target = TimeToTarget::of(books);
        let kpis = key_figures(books, &totals, &marks, &partition, target);
        Self {
            marks,
            totals,
            fairness,
            partition,
            target,
            kpis,
        }
    }
}
