//! `fairness.csv`: how evenly accuracy, work, bytes and energy are spread, in long form.

use crate::measures::Measures;
use crate::records::books::RunBooks;
use crate::records::table::table;
use crate::time::SimTime;

table! {
    /// One row a statistic of a quantity over clients or groups at one instant. A statistic that is undefined (the spread of one value, the shares of nothing) has no row.
    pub struct FairnessRow<'a> in "fairness",
    key [sim_s, model_scope, group_by, group, quantity, split, statistic],
    references [[] in "runs" []],
    /// When: every evaluation for accuracy, the end of the run for the rest.
    sim_s: SimTime, "s";
    /// Whose models: `personal`, or `none` where no model is involved.
    model_scope: &'a str;
    /// Over what: `client` (over clients) or `group` (over the means of the groups).
    group_by: &'a str;
    /// Which clients or groups: `all`, or the clients of the group named.
    group: &'a str;
    /// What is spread: `accuracy`, `participations`, `merged_participations`, `bytes` (received and sent), `participation_energy_joules` or `energy_joules` (the client's whole).
    quantity: &'a str;
    /// `mean`, `standard_deviation` (denominator n), `standard_deviation_beyond_chance` (split `own` only: √max(0, variance − mean p(1−p)/n), the binomial part taken out), `worst_decile_mean` (of the ⌈n/10⌉ lowest), `best_minus_worst`, `gini`, `jain`, or `entropy` (of the shares, divided by ln n).
    statistic: &'a str;
    /// Samples: `global`, `own`, `matched` as in evaluations.csv, or `none` where no model is involved.
    split: &'a str;
    /// How many clients or groups.
    n: u64;
    /// The figure, in the unit of the quantity; gini, jain and entropy have none.
    value: f64;
}

pub(super) fn rows<'a>(
    books: &'a RunBooks,
    measures: &'a Measures,
) -> impl Iterator<Item = FairnessRow<'a>> {
    measures.fairness.iter().map(|figure| FairnessRow {
        run_id: &books.identity.run_id,
        sim_s: figure.at,
        model_scope: figure.model_scope,
        group_by: figure.grouping.name(),
        group: &figure.group,
        quantity: figure.quantity,
        statistic: figure.statistic,
        split: figure.split,
        n: figure.n,
        value: figure.value,
    })
}
