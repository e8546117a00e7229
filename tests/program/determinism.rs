//! The tables follow from the scenario, its seeds and the program, and from nothing else.

use crate::desk::Desk;
use crate::tables::{Table, Tables, assert_same_bytes};

/// Uneven sites that drop out in both ways; `MODEL` is the second group's architecture.
const SITES: &str = r#"
name = "sites"
seed = 11

[data]
source = "digits"
test = 200
public = 60
partition = { kind = "dirichlet", alpha = 0.5, min_samples = 8 }

[[clients]]
name = "clinic"
count = 5
model = "mlp-12"
device = { speed = { dist = "lognormal", median = "20 MFLOP/s", sigma = 0.8 }, memory = { dist = "uniform", low = "1 GB", high = "2 GB" } }
link = { up = { dist = "lognormal", median = "1 Mbps", sigma = 0.5 }, down = "4 Mbps", latency = { dist = "uniform", low = "5 ms", high = "50 ms" } }
dropout = { kind = "exponential", up = "1 min", down = "10 s" }

[[clients]]
name = "hospital"
count = 3
model = "MODEL"
device = { speed = "90 MFLOP/s" }
link = { up = "20 Mbps", down = "20 Mbps", latency = "8 ms" }
dropout = { kind = "per-participation", rate = 0.2 }

[server]
up = "8 Mbps"
down = "8 Mbps"
detection_delay = "3 s"

[method]
preset = "PRESET"
schedule = { kind = "SCHEDULE" }

[stop]
versions = VERSIONS

[records]
benefit = ["equal-epochs", "equal-time"]
benefit_max_epochs = 8
"#;

fn sites(preset: &str, schedule: &str) -> String {
    let model = if preset == "fedavg" {
        "mlp-12"
    } else {
        "mlp-20-8"
    };
    let versions = if schedule == "synchronous" { "4" } else { "16" };
    SITES
        .replace("MODEL", model)
        .replace("PRESET", preset)
        .replace("SCHEDULE", schedule)
        .replace("VERSIONS", versions)
}

/// A group by file, and the file: sites that tell their samples, and one that does not.
const BY_FILE: (&str, &str) = (
    r#"
[[clients]]
name = "site"
file = "sites.csv"
model = "mlp-12"
link = { up = { dist = "lognormal", median = "1 Mbps", sigma = 0.5 }, down = "4 Mbps" }
dropout = { kind = "weibull", up = { mean = "30 s", shape = 0.7 }, down = { mean = "5 s", shape = 1.0 } }
"#,
    "name,speed,latency,samples_0,samples_8,samples\n\
     Ely,12 MFLOP/s,20 ms,9,14,\n\
     March,40 MFLOP/s,,,,25\n\
     Soham,25 MFLOP/s,5 ms,,,\n",
);

/// Claims that the number of threads and a repetition change no byte.
fn tables_depend_on_the_scenario_alone(preset: &str) {
    for schedule in ["synchronous", "asynchronous"] {
        let desk = Desk::new();
        let scenario = sites(preset, schedule);
        desk.file("sites.csv", BY_FILE.1);
        let scenario = format!("{scenario}{}", BY_FILE.0);
        let one = desk.run(&scenario, "one", &["--threads", "1", "--trace"]);
        let two = desk.run(&scenario, "two", &["--threads", "2", "--trace"]);
        let again = desk.run(&scenario, "again", &["--threads", "2", "--trace"]);
        let what = format!("{preset}, {schedule}");
        let dropped = |tables: &Tables| {
            let mut outcomes = tables.rows("participations");
            outcomes.any(|row| row.text("outcome").starts_with("dropped"))
        };
        assert!(dropped(&one), "{what}: nobody dropped out");
        assert_same_bytes(&one, &two, &format!("{what}, one and two threads"));
        assert_same_bytes(&two, &again, &format!("{what}, again"));
    }
}

#[test]
fn threads_and_repetition_change_no_byte_of_fedavg() {
    tables_depend_on_the_scenario_alone("fedavg");
}

#[test]
fn threads_and_repetition_change_no_byte_of_fedmd() {
    tables_depend_on_the_scenario_alone("fedmd");
}

#[test]
fn threads_and_repetition_change_no_byte_of_fd() {
    tables_depend_on_the_scenario_alone("fd");
}

#[test]
fn threads_and_repetition_change_no_byte_of_learning_alone() {
    tables_depend_on_the_scenario_alone("local-only");
}

/// A table without the columns that name the run.
fn figures(tables: &Tables, name: &str) -> Table {
    tables
        .table(name)
        .without(&["run_id", "seed_world", "seed_dynamics"])
}

#[test]
fn another_seed_is_another_world_and_another_course_of_the_same_configuration() {
    let desk = Desk::new();
    let scenario = sites("fedmd", "synchronous");
    let one = desk.run(&scenario, "one", &[]);
    let other = desk.run(&scenario, "other", &["--seed", "12"]);
    assert_ne!(one.run_id(), other.run_id());
    assert_eq!(one.run().text("config_id"), other.run().text("config_id"));
    for name in [
        "clients",
        "evaluations",
        "fairness",
        "kpis",
        "participations",
        "transfers",
        "versions",
        "runs",
    ] {
        assert!(figures(&one, name) != figures(&other, name), "{name}");
    }
}

#[test]
fn the_seed_of_the_dynamics_leaves_the_world_as_it_was() {
    let desk = Desk::new();
    let scenario = sites("fedmd", "synchronous");
    let one = desk.run(&scenario, "one", &[]);
    let other = desk.run(&scenario, "other", &["--set", "seed_dynamics=12"]);
    let world = [
        "client_id",
        "n_train",
        "n_test",
        "label_entropy",
        "speed_flops",
        "memory_bytes",
        "link_up_bps",
        "link_latency_s",
    ];
    assert_eq!(
        columns(&one, "clients", &world),
        columns(&other, "clients", &world)
    );
    assert_eq!(at_the_start(&one), at_the_start(&other));
    assert!(figures(&one, "participations") != figures(&other, "participations"));
}

#[test]
fn the_order_of_unrelated_keys_is_of_no_account() {
    let desk = Desk::new();
    let scenario = sites("fedmd", "asynchronous");
    // Tables the other way round, and within a table the keys the other way round; the
    // groups of clients stay in their order, which numbers them.
    let mut tables: Vec<Vec<&str>> = vec![Vec::new()];
    for line in scenario.lines() {
        let group_goes_on =
            line == "[[clients]]" && tables.last().is_some_and(|t| t.contains(&line));
        if line.starts_with('[') && !group_goes_on {
            tables.push(Vec::new());
        }
        if let Some(table) = tables.last_mut() {
            table.push(line);
        }
    }
    let head = tables.remove(0).into_iter().rev();
    let mut reordered: Vec<&str> = head.collect();
    for table in tables.into_iter().rev() {
        for part in table.split_inclusive(|line| line.is_empty()) {
            reordered.push(part[0]);
            reordered.extend(part[1..].iter().rev());
        }
    }
    let reordered = reordered.join("\n");
    assert_ne!(reordered, scenario);
    let one = desk.run(&scenario, "one", &[]);
    let other = desk.run(&reordered, "other", &[]);
    assert_same_bytes(&one, &other, "keys in another order");
}

/// Some columns of a table.
fn columns(tables: &Tables, name: &str, columns: &[&str]) -> Vec<Vec<String>> {
    let cells =
        |row: crate::tables::Row<'_>| columns.iter().map(|c| row.text(c).to_owned()).collect();
    tables.rows(name).map(cells).collect()
}

/// Accuracy and loss of every personal model on the global test set before anything was learned.
fn at_the_start(tables: &Tables) -> Vec<Vec<String>> {
    let mut rows = columns(
        tables,
        "evaluations",
        &[
            "sim_s",
            "model_scope",
            "model_id",
            "split",
            "measure",
            "n",
            "value",
        ],
    );
    let start = rows[0][0].clone();
    rows.retain(|row| row[0] == start && row[1] == "personal" && row[3] == "global");
    rows
}

#[test]
fn a_group_added_at_the_end_leaves_the_others_devices_links_and_initial_weights() {
    let desk = Desk::new();
    let few = sites("local-only", "synchronous");
    let added = r#"
[[clients]]
name = "latecomer"
count = 2
model = "mlp-6"
device = { speed = { dist = "lognormal", median = "20 MFLOP/s", sigma = 0.8 } }
link = { up = "1 Mbps", down = "1 Mbps" }
"#;
    let few = desk.run(&few, "few", &[]);
    let more = desk.run(
        &format!("{}{added}", sites("local-only", "synchronous")),
        "more",
        &[],
    );
    // The split of the data depends on all clients; what a client is does not.
    let is = [
        "client_id",
        "group",
        "model",
        "n_parameters",
        "speed_flops",
        "memory_bytes",
        "link_up_bps",
        "link_down_bps",
        "link_latency_s",
        "power_idle_watts",
        "power_busy_watts",
        "power_transmit_watts",
        "power_receive_watts",
    ];
    let (before, after) = (
        columns(&few, "clients", &is),
        columns(&more, "clients", &is),
    );
    assert_eq!((before.len(), after.len()), (8, 10));
    assert_eq!(before, after[..8]);
    let speeds: std::collections::BTreeSet<_> = after.iter().map(|row| &row[4]).collect();
    assert_eq!(speeds.len(), 5 + 1 + 2, "every drawn device is its own");
    // The same weights score the same on the same test set: 8 clients, accuracy and loss.
    let (before, after) = (at_the_start(&few), at_the_start(&more));
    assert_eq!((before.len(), after.len()), (16, 20));
    assert_eq!(before, after[..16]);
    let losses: std::collections::BTreeSet<_> = after.iter().map(|row| &row[6]).collect();
    assert!(
        losses.len() > 10,
        "every client has weights of its own: {after:?}"
    );
}
