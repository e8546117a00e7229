//! `docs/tables.md`: the tables told to people, from the same declarations as the data package.

use super::table::Row;
use super::table::{Column, Reference, Table};
use super::tables::{BareEventRow, BareTransferRow, EventRow, LinkRow, TABLES};
use std::fmt::Write;

/// Before the tables.
const OPENING: &str = "\
# The tables of a run

<!-- Made from the declarations in sim/src/records/tables; do not edit. To make it anew:
     FEDSTILL_UPDATE=1 cargo test -p fedstill-sim the_tables_page_is_current -->

`fedstill run scenario.toml --out DIR` writes one directory a run, `DIR/<scenario>/<number>-<run_id>/`, \
and `DIR/runs.csv`, the rows of all complete runs. A directory appears under its name only when it is \
whole. Beside the tables it holds `scenario.toml` (resolved: running it gives the same tables), `inputs/` \
(the files that the scenario reads), `datapackage.json` (what this page says, for programs) and \
`manifest.json` (program version, processor, checksums, wall-clock figures).

CSV: UTF-8, comma, one header line, `.` decimals, line feeds. An empty cell is a missing value; no table \
holds NaN or infinity, and no key is empty. Every table begins with `run_id`, so that tables of many runs \
can be stacked and joined. Instants and lengths of simulated time are exact decimals in seconds, to the \
nanosecond. All clients together are the group `all`; what belongs to no model or no samples says `none`.
";

/// Before the tables of bare transfers.
const BARE_TRANSFERS: &str = "
# The tables of bare transfers

A run of a scenario with `[[transfer]]` and no method has runs.csv and factors.csv as above (no clients, no \
versions: zeros and empty cells), and those that follow; its transfers.csv differs from that of a run with \
clients.
";

/// After the tables.
const CLOSING: &str = "\
## Key figures

The rows of kpis.csv. `total` is over the run, `client_mean` the total divided by the number of clients, \
`to_target` up to the first time that the target was reached.

| kpi | scopes | meaning |
| --- | --- | --- |
| `run_time` | total | simulated time |
| `time_to_target` | to_target | first of as many evaluations in a row as the target's `hold` that reach its value, on the grid of evaluations; a target that is not reached is `not_reached` and empty, never 0 |
| `target_before`, `target_after` | to_target | the grid points around the crossing: the last evaluation below the target (undefined where the first one reached it) and the first that reached it |
| `versions` | total, to_target | versions published by the root aggregator, or without one by all; failed ones left out |
| `failed_versions` | total | of those, versions with too few contributions |
| `accuracy_on_global` | global, personal | final accuracy on the global test set of the aggregator's model, and mean over clients |
| `accuracy_on_own`, `accuracy_on_matched` | personal | final accuracy on the other splits of evaluations.csv, mean over clients that have samples of the split |
| `up_bytes`, `down_bytes`, `up_messages`, `down_messages` | total, client_mean, to_target | what crossed the network to and from the root aggregator; without one what clients sent, and what they received; to_target counts transfers that had ended by then |
| `edge_up_bytes`, `edge_down_bytes`, `edge_up_messages`, `edge_down_messages` | total, client_mean, to_target | the same to and from the aggregators below the root, from and to what is below those; only where there are such |
| `peer_bytes`, `peer_messages`, `control_bytes`, `control_messages` | total, client_mean, to_target | what crossed the network between peers, and outside participations; only where there is any; counted among the figures above too where it has an end there |
| `train_flops`, `distill_flops`, `infer_flops` | total, client_mean | compute of the clients |
| `server_flops` | total | compute of the aggregators for their versions |
| `participation_energy` | total, client_mean | energy while transferring and computing for participations |
| `client_energy` | total, client_mean | energy over the whole run: seconds of each state times its draw, nothing offline |
| `cost_traffic`, `cost_energy`, `cost_setup`, `cost_staff`, `cost` | total | the scenario's prices times bytes (both ways), client energy, clients, and incidents (failed versions and dropped participations); `cost` is their sum; undefined without `[cost]` |
| `benefit_mean`, `benefit_share_gaining`, `benefit_share_harmed`, `benefit_rank_correlation_with_n_train` | twin and split | final accuracy minus the local-only twin's: mean, share of clients above +0.01, share below −0.01, Spearman's correlation with the number of training samples (mean ranks for ties); only for the twins asked for |
| `n_train_gini` | total | Gini coefficient of the clients' numbers of training samples |
| `label_entropy`, `label_divergence`, `label_distance` | client_mean | those columns of clients.csv, mean over clients |
| `dropped_participations`, `wasted_participations` | total | those whose client was lost; those that came to nothing (neither merged nor unfinished) |
| `wasted_bytes`, `wasted_flops` | total | all that wasted participations had spent |
| `peak_transfers` | total | most transfers under way at once to or from the root aggregator, or without one at all |
| `distinct_models` | total | architectures to maintain |
| `participations`, `participations_<outcome>` | total | number in all, and of each outcome |
| `duration_p50`, `duration_p95_over_p50`, `duration_p99_over_p50` | total | median duration of delivered participations, and the ratios of its tail; quantiles of type 7 (Hyndman and Fan 1996) |
| `relative_stragglers`, `undecided_stragglers` | total | participations whose `is_relative` is true, is empty |
| `blame` | total | sum of `blame_s` |
| `client_offline`, `client_computing`, `client_receiving`, `client_sending`, `client_waiting_version`, `client_waiting_peer`, `client_unselected` | total, client_mean | the clients' seconds in each state |

## How stragglers are told

*Relative*: a participation is one if its duration exceeds `records.straggler_factor` times the median of \
its reference, itself included under a synchronous schedule. Of a participation that was cut (or diverged, \
or was unfinished at the end of the run) only a lower bound is known; the mark is true or false only where \
every possible value of the cut ones gives the same answer, and empty elsewhere. `unfit` participations \
have no duration to compare and are no reference.

*Critical*: only in versions with close_reason `all_arrived` or `quorum` whose closing instant is that of \
an arrival. Of several arrivals at that instant it is the one with the highest participation_id, and its \
`blame_s` is 0.

*Tail*: the quantile ratios among the key figures. What was cut is left out of them.
";

/// The page, in Markdown.
#[must_use]
pub fn tables_page() -> String {
    let mut page = OPENING.to_owned();
    for written in TABLES {
        describe(&written.table, &mut page).expect("a string takes every text");
    }
    describe(&EventRow::TABLE, &mut page).expect("a string takes every text");
    page.push('\n');
    page.push_str(CLOSING);
    page.push_str(BARE_TRANSFERS);
    for table in [BareTransferRow::TABLE, LinkRow::TABLE, BareEventRow::TABLE] {
        describe(&table, &mut page).expect("a string takes every text");
    }
    page
}

fn describe(table: &Table, page: &mut String) -> std::fmt::Result {
    writeln!(page, "\n## {}\n\n{}\n", table.file, table.grain)?;
    writeln!(page, "Primary key: {}.", list(table.primary_key))?;
    for Reference {
        columns,
        table,
        keys,
    } in table.references
    {
        write!(page, "Foreign key: {} in {table}.csv", list(columns))?;
        match columns == keys {
            true => writeln!(page, ".")?,
            false => writeln!(page, " as {}.", list(keys))?,
        }
    }
    writeln!(
        page,
        "\n| column | type | unit | meaning |\n| --- | --- | --- | --- |"
    )?;
    for column in table.columns {
        let Column {
            name,
            kind,
            unit,
            meaning,
            required,
        } = column;
        let kind = kind.name();
        let optional = if *required { "" } else { ", may be empty" };
        let unit = unit.unwrap_or_default();
        writeln!(page, "| `{name}` | {kind}{optional} | {unit} | {meaning} |")?;
    }
    Ok(())
}

fn list(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measures::Measures;
    use crate::records::specimen;
    use std::fs;
    use std::path::Path;

    #[test]
    fn the_tables_page_is_current() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/tables.md");
        if std::env::var_os("FEDSTILL_UPDATE").is_some() {
            fs::write(&path, tables_page()).unwrap();
        }
        let kept = fs::read_to_string(&path).unwrap();
        assert!(
            kept == tables_page(),
            "docs/tables.md is out of date; make it anew as its first lines say"
        );
    }

    #[test]
    fn every_key_figure_is_explained() {
        let books = specimen::synchronous();
        for kpi in Measures::of(&books).kpis.all() {
            let name = match kpi.name.split_once('_') {
                Some(("participations", _)) => "participations_<outcome>",
                _ => &kpi.name,
            };
            assert!(CLOSING.contains(&format!("`{name}`")), "{name} is missing");
        }
    }
}
