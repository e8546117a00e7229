//! Every method, under every schedule, in every shape of federation, with and without dropout, with
//! one architecture and several: each combination runs to its end, keeps its books straight and
//! repeats its tables to the byte at one and two threads, or is refused with the reason before it
//! runs. The product is generated from what the program says that it knows.

use crate::desk::{Desk, fedstill};
use crate::tables::{Row, Tables, assert_same_bytes};
use std::collections::BTreeMap;

const SCHEDULES: [(&str, &str); 4] = [
    (
        "synchronous",
        "{ kind = \"synchronous\", deadline = \"20 s\" }",
    ),
    (
        "asynchronous",
        "{ kind = \"asynchronous\", staleness = \"polynomial\" }",
    ),
    ("buffered", "{ kind = \"buffered\", size = 2 }"),
    ("periodic", "{ kind = \"periodic\", every = \"2 s\" }"),
];

const SHAPES: [&str; 3] = ["star", "tree", "ring"];

/// A method, as `fedstill methods` lists it.
struct Method {
    name: String,
    needs_equal_models: bool,
}

/// What the program knows.
fn methods() -> Vec<Method> {
    let listed = fedstill(&["methods"]).well().stdout;
    let mut lines = listed.lines();
    let head = lines.next().expect("a head line");
    let equal = head.find("equal models").expect("a column for it");
    lines
        .map(|line| Method {
            name: line.split_whitespace().next().expect("a name").to_owned(),
            needs_equal_models: line[equal..].starts_with("yes"),
        })
        .collect()
}

fn scenario(method: &str, schedule: &str, shape: &str, drops: bool, mixed: bool) -> String {
    let dropout = match drops {
        true => "{ kind = \"exponential\", up = \"8 s\", down = \"2 s\" }",
        false => "\"none\"",
    };
    let second = if mixed { "mlp-8-6" } else { "mlp-6" };
    let (topology, of_shape) = match shape {
        "tree" => (
            "{ kind = \"tree\", tiers = [{ name = \"region\", fan_out = 2, bandwidth = \"20 Mbps\", latency = \"5 ms\" }, { name = \"edge\", fan_out = 1, bandwidth = \"9 Mbps\", latency = \"2 ms\" }] }",
            format!(
                "\n[[method.tier]]\nname = \"region\"\n\n[[method.tier]]\nname = \"edge\"\nschedule = {schedule}\n"
            ),
        ),
        "ring" => (
            "{ kind = \"ring\", nodes = 5, bandwidth = \"9 Mbps\", latency = \"2 ms\" }",
            String::new(),
        ),
        _ => ("\"star\"", String::new()),
    };
    let peers = match shape {
        "ring" => "peers = { kind = \"all\", graph = \"network\" }\n",
        _ => "",
    };
    let group = |name: &str, count: u32, model: &str| {
        format!(
            "[[clients]]\nname = \"{name}\"\ncount = {count}\nmodel = \"{model}\"\n\
             device = {{ speed = {{ dist = \"lognormal\", median = \"20 MFLOP/s\", sigma = 0.6 }}, power = {{ idle = \"1 W\", busy = \"4 W\" }} }}\n\
             link = {{ up = \"1 Mbps\", down = \"2 Mbps\", latency = \"10 ms\" }}\n\
             dropout = {dropout}\n\n"
        )
    };
    format!(
        "name = \"product\"\nseed = 4\n\
         data = {{ source = \"digits\", test = 60, public = 24, holdout = 0.0, partition = {{ kind = \"iid\", size = 12 }} }}\n\
         stop = {{ versions = 3, time = \"3 min\" }}\n\n\
         [network]\ntopology = {topology}\n\n{}{}\
         [server]\ndetection_delay = \"2 s\"\npoll = \"1 s\"\n\n\
         [method]\npreset = \"{method}\"\nschedule = {schedule}\n{peers}{of_shape}",
        group("phone", 3, "mlp-6"),
        group("board", 2, second),
    )
}

/// The books of a run add up, whoever sends to whom.
fn books_hold(tables: &Tables, drops: bool, what: &str) {
    let mut carried: BTreeMap<(String, bool), u64> = BTreeMap::new();
    for transfer in tables.rows("transfers") {
        let (sent, lost) = (transfer.count("bytes"), transfer.count("lost_bytes"));
        assert!(lost <= sent, "{what}: lost more than was sent");
        if transfer.text("outcome") == "delivered" {
            assert_eq!(sent, transfer.count("size_bytes") + lost, "{what}");
        }
        assert!(
            transfer.nanos("start_s") <= transfer.nanos("end_s"),
            "{what}"
        );
        let of = transfer.text("participation_id").to_owned();
        let from = transfer.text("from").to_owned();
        *carried.entry((format!("{of} {from}"), true)).or_default() += sent;
    }
    for row in tables.rows("participations") {
        assert!(
            !row.text("outcome").is_empty(),
            "{what}: a participation without an end"
        );
        let id = row.text("participation_id");
        let sent_by = |who: &str| {
            let key = (format!("{id} {who}"), true);
            carried.get(&key).copied().unwrap_or(0)
        };
        assert_eq!(
            row.count("up_bytes"),
            sent_by(row.text("client_id")),
            "{what}: {id} up"
        );
        if row.text("client_id") != row.text("aggregator_id") {
            let down = sent_by(row.text("aggregator_id"));
            assert_eq!(row.count("down_bytes"), down, "{what}: {id} down");
        }
    }
    let mut last: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for version in tables.rows("versions") {
        let (number, close) = last.entry(version.text("aggregator_id")).or_default();
        assert_eq!(
            version.count("version"),
            *number + 1,
            "{what}: a version was skipped"
        );
        assert!(version.nanos("close_s") >= *close, "{what}: time ran back");
        (*number, *close) = (version.count("version"), version.nanos("close_s"));
    }
    let merged = |row: &Row<'_>| row.text("outcome") == "merged";
    let count = tables.rows("participations").filter(merged).count();
    let of_versions: u64 = tables.rows("versions").map(|v| v.count("n_merged")).sum();
    let peers = tables
        .rows("participations")
        .any(|row| row.text("client_id") == row.text("aggregator_id"));
    if !peers {
        assert_eq!(count as u64, of_versions, "{what}: contributions merged");
    }
    assert!(drops || count > 0, "{what}: nothing was ever merged");
}

#[test]
fn every_combination_runs_to_its_end_or_is_refused_with_the_reason() {
    let desk = Desk::new();
    let (mut ran, mut refused) = (0, Vec::new());
    for method in methods() {
        for (schedule_name, schedule) in SCHEDULES {
            for shape in SHAPES {
                for (drops, mixed) in [(false, false), (true, false), (false, true), (true, true)] {
                    let name = &method.name;
                    let what = format!("{name}, {schedule_name}, {shape}, {drops}, {mixed}");
                    let text = scenario(name, schedule, shape, drops, mixed);
                    let file = desk.file("product.toml", &text);
                    let checked = desk.fedstill(&["check", &file]);
                    if checked.status == Some(2) {
                        // Said with the place, and a way out; never a panic.
                        assert!(
                            checked.stderr.contains(" --> "),
                            "{what}\n{}",
                            checked.stderr
                        );
                        assert!(
                            checked.stderr.contains("help:"),
                            "{what}\n{}",
                            checked.stderr
                        );
                        refused.push((what, method.needs_equal_models && mixed));
                        continue;
                    }
                    assert_eq!(checked.status, Some(0), "{what}\n{}", checked.stderr);
                    assert!(
                        !(method.needs_equal_models && mixed),
                        "{what} should be refused"
                    );
                    let one = run(&desk, &file, &what, "1");
                    let two = run(&desk, &file, &what, "2");
                    assert_same_bytes(&one, &two, &what);
                    books_hold(&one, drops, &what);
                    let status = one.run().text("status").to_owned();
                    assert_eq!(status, "completed", "{what}");
                    ran += 1;
                }
            }
        }
    }
    assert!(ran > 100, "{ran} ran");
    // What equal models refuse is known; of the rest no more than a third may be refused.
    let for_other_reasons = refused.iter().filter(|(_, models)| !models).count();
    assert!(
        3 * for_other_reasons < ran,
        "{for_other_reasons} of {ran}: {refused:#?}"
    );
}

fn run(desk: &Desk, file: &str, what: &str, threads: &str) -> Tables {
    let out = format!("out-{threads}");
    let arguments = [
        "run",
        file,
        "--out",
        &out,
        "--quiet",
        "--force",
        "--threads",
        threads,
    ];
    let ended = desk.fedstill(&arguments);
    assert_eq!(ended.status, Some(0), "{what}\n{}", ended.stderr);
    let mut runs = desk.runs(&out);
    let tables = Tables::read(&runs.remove(0));
    std::fs::remove_dir_all(desk.path(&out)).expect("a folder of ours");
    tables
}
