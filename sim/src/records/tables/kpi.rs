//! `kpis.csv`: the key figures of a run, in long form.

use crate::measures::Measures;
use crate::records::books::RunBooks;
use crate::records::table::table;

table! {
    /// One row a key figure and scope.
    pub struct KpiRow<'a> in "kpis",
    key [kpi, scope],
    references [[] in "runs" []],
    /// What is measured; [the list](#key-figures) tells them all.
    kpi: &'a str;
    /// Of what: `total`, `client_mean` (the total divided by the number of clients), `to_target` (up to the first time that the target was reached), `global` and `personal` (whose models), or the twin and split of a benefit, as in `equal_epochs_matched`.
    scope: &'a str;
    /// Unit of the value: `1` for counts, shares and ratios, the currency for costs.
    unit: &'a str;
    /// The value; empty unless the status is `ok`.
    value: Option<f64>;
    /// `ok`, `not_reached` (the target was not reached by the end of the run: censored) or `undefined` (nothing to measure it by: no such model, price, twin or target).
    status: &'a str;
}

pub(super) fn rows<'a>(
    books: &'a RunBooks,
    measures: &'a Measures,
) -> impl Iterator<Item = KpiRow<'a>> {
    measures.kpis.all().iter().map(|kpi| KpiRow {
        run_id: &books.identity.run_id,
        kpi: &kpi.name,
        scope: kpi.scope,
        unit: &kpi.unit,
        value: kpi.value,
        status: kpi.status.name(),
    })
}
