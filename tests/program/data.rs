//! Data of the user's own: known by their content, skewed as asked, told in the tables.

use crate::desk::{Desk, argument};
use crate::tables::{Tables, assert_same_bytes};
use std::fmt::Write as _;
use std::fs;

/// Two features that tell three classes apart, at four wards of unlike size.
fn wards(samples: usize, scale: f64, first: usize) -> String {
    let mut table = "ward,x,y,ill\n".to_owned();
    for sample in first..first + samples {
        let class = sample * 7 % 3;
        let wobble = |step: usize| (sample * step % 17) as f64 / 17.0 - 0.5;
        let ward = ["north", "north", "east", "south", "south", "south", "west"][sample % 7];
        let (x, y) = [(0.0, 0.0), (2.0, 0.0), (0.0, 2.0)][class];
        let (x, y) = ((x + wobble(5)) * scale, y + wobble(11));
        let name = ["none", "cold", "flu"][class];
        let _ = writeln!(table, "{ward},{x},{y},{name}");
    }
    table
}

/// A scenario over `wards.csv`, with these lines in `[data]` and in `[[clients]]`.
fn scenario(data: &str, clients: usize, client: &str) -> String {
    format!(
        r#"
name = "wards"

[data]
source = {{ kind = "csv", table = "wards.csv", label = "ill", client = "ward" }}
{data}

[[clients]]
name = "ward"
count = {clients}
model = "logistic"
device = {{ speed = "10 MFLOP/s" }}
link = {{ up = "1 Mbps", down = "1 Mbps" }}
{client}

[method]
preset = "fedavg"
local = {{ epochs = 5 }}

[stop]
versions = 3
"#
    )
}

fn sum(run: &Tables, table: &str, column: &str) -> u64 {
    run.rows(table).map(|row| row.number(column) as u64).sum()
}

#[test]
fn each_ward_of_a_table_is_a_client_and_the_tables_tell_what_it_holds() {
    let desk = Desk::new();
    desk.file("wards.csv", &wards(280, 1.0, 0));
    let natural = scenario("test = 70\npartition = \"natural\"", 4, "");
    let run = desk.run(&natural, "natural", &[]);
    assert_eq!(
        sum(&run, "clients", "n_train") + sum(&run, "clients", "n_test"),
        210
    );
    for client in run.rows("clients") {
        let of_client = |column: &str| -> u64 {
            let rows = run.rows("partition");
            rows.filter(|row| row.text("client_id") == client.text("client_id"))
                .map(|row| row.number(column) as u64)
                .sum()
        };
        assert_eq!(of_client("n_train"), client.number("n_train") as u64);
        assert_eq!(of_client("n_test"), client.number("n_test") as u64);
    }
    // Sorted: cold, flu, none.
    let first = run.rows("partition").next().expect("a ward holds samples");
    assert_eq!(
        (first.text("class"), first.text("class_name")),
        ("0", "cold")
    );
    let groups: Vec<&str> = run
        .rows("clients")
        .map(|row| row.text("data_group"))
        .collect();
    assert_eq!(groups, ["north", "east", "south", "west"]);
    // South has three of seven rows, east and west one each.
    let sizes: Vec<f64> = run
        .rows("clients")
        .map(|row| row.number("n_train"))
        .collect();
    assert!(
        sizes[2] > 2.0 * sizes[1] && sizes[2] > 2.0 * sizes[3],
        "{sizes:?}"
    );
    assert!(
        run.rows("clients")
            .all(|row| row.text("rotation_degrees").is_empty())
    );
    let gini = run
        .rows("kpis")
        .find(|row| row.text("kpi") == "n_train_gini");
    assert!(gini.expect("a key figure").number("value") > 0.1);
}

#[test]
fn a_resolved_scenario_repeats_its_run_wherever_it_lies_and_refuses_other_data() {
    let desk = Desk::new();
    let table = desk.file("wards.csv", &wards(140, 1.0, 0));
    let text = scenario("test = 35\nnormalise = \"standard\"", 3, "");
    let first = desk.run(&text, "first", &[]);
    let resolved = argument(&first.directory.join("scenario.toml"));
    desk.fedstill(&["run", &resolved, "--out", "second", "--quiet"])
        .well();
    let second = Tables::read(&desk.runs("second")[0]);
    assert_same_bytes(&first, &second, "from the resolved scenario");
    // The same content under another name is the same run.
    fs::copy(&table, desk.path("copy.csv")).expect("a copy");
    let copied = desk.run(&text.replace("wards.csv", "copy.csv"), "copied", &[]);
    assert_eq!(copied.run_id(), first.run_id());
    // Another content is another run, and not the one that was resolved.
    desk.file("wards.csv", &wards(140, 1.0, 1));
    let other = desk.run(&text, "other", &[]);
    assert_ne!(other.run_id(), first.run_id());
    let refused = desk.fedstill(&["run", &resolved, "--out", "third"]);
    assert_eq!(refused.status, Some(2), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("another content"),
        "{}",
        refused.stderr
    );
    assert!(desk.runs("third").is_empty());
}

#[test]
fn normalisation_never_looks_at_the_test_set() {
    let desk = Desk::new();
    desk.file("wards.csv", &wards(140, 1000.0, 0));
    let mut runs = Vec::new();
    for (out, scale) in [("near", 1000.0), ("far", 1e6)] {
        desk.file("test.csv", &wards(70, scale, 200));
        let text = scenario("normalise = \"standard\"", 3, "")
            .replace("table =", "test_table = \"test.csv\", table =");
        runs.push(desk.run(&text, out, &[]));
    }
    let scores = |run: &Tables, split: &str| -> Vec<String> {
        run.rows("evaluations")
            .filter(|row| row.text("split") == split)
            .map(|row| row.text("value").to_owned())
            .collect()
    };
    assert_eq!(scores(&runs[0], "own"), scores(&runs[1], "own"));
    assert_ne!(scores(&runs[0], "global"), scores(&runs[1], "global"));
}

#[test]
fn a_feature_a_thousand_times_the_other_is_learned_from_once_it_is_scaled() {
    let desk = Desk::new();
    desk.file("wards.csv", &wards(420, 1000.0, 0));
    let accuracy = |normalise: &str| {
        let data = format!("test = 105\nnormalise = \"{normalise}\"");
        let run = desk.run(&scenario(&data, 3, ""), normalise, &[]);
        let kpi = run
            .rows("kpis")
            .find(|row| row.text("kpi") == "accuracy_on_global" && row.text("scope") == "global");
        kpi.expect("a key figure").number("value")
    };
    let [plain, standard] = ["none", "standard"].map(accuracy);
    assert!(standard > 0.95, "{standard}");
    assert!(plain < standard, "{plain}");
}

const TURNED: &str = r#"
name = "turned"

[data]
source = "digits"
partition = { kind = "iid", size = 300, replacement = true }

[[clients]]
name = "upright"
count = 1
model = "mlp-32"
device = { speed = "100 MFLOP/s" }
link = { up = "1 Mbps", down = "1 Mbps" }

[[clients]]
name = "turned"
count = 2
model = "mlp-32"
data = { rotation = [90, 180] }
device = { speed = "100 MFLOP/s" }
link = { up = "1 Mbps", down = "1 Mbps" }

[[clients]]
name = "renamed"
count = 1
model = "mlp-32"
data = { concept_shift = { share = 1.0 } }
device = { speed = "100 MFLOP/s" }
link = { up = "1 Mbps", down = "1 Mbps" }

[method]
preset = "local-only"
local = { epochs = 10, optimizer = { kind = "sgd", lr = 0.2 } }

[stop]
versions = 3
"#;

#[test]
fn a_site_that_learns_alone_does_well_on_its_own_kind_of_data_and_ill_on_the_pools() {
    let desk = Desk::new();
    let run = desk.run(TURNED, "turned", &[]);
    let score = |client: &str, split: &str| {
        let rows = run.rows("evaluations").filter(|row| {
            row.text("model_id") == client
                && row.text("split") == split
                && row.text("measure") == "accuracy"
        });
        rows.last().expect("a score").number("value")
    };
    assert!((score("upright-0", "global") - score("upright-0", "matched")).abs() < 0.05);
    for client in ["turned-0", "turned-1", "renamed-0"] {
        let (global, matched) = (score(client, "global"), score(client, "matched"));
        assert!(matched > 0.8, "{client}: {matched}");
        assert!(global < 0.5, "{client}: {global}");
        assert!(score(client, "own") > 0.75, "{client}");
    }
    let turned: Vec<&str> = run
        .rows("clients")
        .map(|row| row.text("rotation_degrees"))
        .collect();
    assert_eq!(turned, ["0.0", "90.0", "180.0", "0.0"]);
}

/// Every way in which the data of a site can differ, at once, under a method that sends models.
const EVERYTHING: &str = r#"
name = "everything"

[data]
source = "digits"
public = 100
partition = { kind = "dirichlet", alpha = 1.0 }
normalise = "standard"

[[clients]]
name = "plain"
count = 2
model = "mlp-16"
device = { speed = "100 MFLOP/s" }
link = { up = "1 Mbps", down = "1 Mbps" }

[[clients]]
name = "skewed"
count = 4
model = "mlp-16"
device = { speed = "100 MFLOP/s" }
link = { up = "1 Mbps", down = "1 Mbps" }

[clients.data]
rotation = { low = -30, high = 30 }
contrast = { low = 0.5, high = 1.5 }
brightness = 0.1
noise = [0.0, 0.1]
label_noise = 0.2
concept_shift = { share = 0.5, concepts = 2 }
missing_classes = [3, "4"]
missing_feature_share = 0.25

[method]
preset = "fedavg"

[stop]
versions = 3
"#;

#[test]
fn skewed_sites_give_the_same_bytes_on_any_number_of_threads_and_from_the_resolved_scenario() {
    let desk = Desk::new();
    for (out, preset) in [("fedavg", "fedavg"), ("fedmd", "fedmd")] {
        let text = EVERYTHING.replace("fedavg", preset);
        let one = desk.run(&text, &format!("{out}-1"), &["--threads", "1"]);
        let four = desk.run(&text, &format!("{out}-4"), &["--threads", "4"]);
        assert_same_bytes(&one, &four, "threads");
        let resolved = argument(&one.directory.join("scenario.toml"));
        let again = format!("{out}-again");
        desk.fedstill(&["run", &resolved, "--out", &again, "--quiet"])
            .well();
        let again = Tables::read(&desk.runs(&again)[0]);
        assert_same_bytes(&one, &again, "from the resolved scenario");
        for row in one.rows("partition") {
            let missing = row.text("client_id").starts_with("skewed")
                && ["3", "4"].contains(&row.text("class"));
            // A site whose concept has shifted may call other classes so.
            let client = one
                .rows("clients")
                .find(|client| client.text("client_id") == row.text("client_id"));
            let renames = client.expect("a client").text("n_renamed_classes") != "0";
            assert!(!missing || renames, "{}", row.text("client_id"));
        }
    }
}

#[test]
fn a_group_with_skewed_data_moves_no_other_clients_draws() {
    let desk = Desk::new();
    let plain: String = {
        let (head, rest) = EVERYTHING
            .split_once("[clients.data]")
            .expect("it has sites");
        let (_, method) = rest.split_once("[method]").expect("it has a method");
        format!("{head}[method]{method}")
    };
    let skewed = desk.run(EVERYTHING, "skewed", &[]);
    let plain = desk.run(&plain, "plain", &[]);
    for column in ["n_train", "n_test", "label_entropy"] {
        let of = |run: &Tables| -> Vec<String> {
            let rows = run.rows("clients").take(2);
            rows.map(|row| row.text(column).to_owned()).collect()
        };
        assert_eq!(of(&skewed), of(&plain), "{column}");
    }
}
