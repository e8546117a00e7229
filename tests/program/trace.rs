//! The trace of a run tells what its tables tell, and nothing on a track overlaps.

use crate::desk::{Desk, ROOT};
use crate::tables::{Row, Table, Tables};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Something that lasts, in nanoseconds.
#[derive(Debug, Clone)]
pub struct Slice {
    pub process: String,
    pub thread: String,
    pub name: String,
    pub start: u64,
    pub end: u64,
    pub arguments: serde_json::Value,
}

/// A trace, read back.
#[derive(Debug, Default)]
pub struct Trace {
    pub slices: Vec<Slice>,
    /// Name, instant, arguments.
    pub marks: Vec<(String, u64, serde_json::Value)>,
    /// By counter: instants and values.
    pub counters: BTreeMap<String, Vec<(u64, f64)>>,
    pub threads: Vec<String>,
}

impl Trace {
    /// Reads a trace and holds it to the format: begins and ends alternate on every track, in
    /// order of time.
    pub fn read(directory: &Path) -> Self {
        let text = fs::read_to_string(directory.join("trace.json")).expect("a trace");
        let whole: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let told = whole["traceEvents"].as_array().expect("a list").len();
        let mut trace = Self::default();
        let mut names: BTreeMap<(u64, Option<u64>), String> = BTreeMap::new();
        let mut open: BTreeMap<u64, Slice> = BTreeMap::new();
        let mut last: BTreeMap<u64, u64> = BTreeMap::new();
        let lines = text.lines().skip(1).take(told);
        for line in lines {
            let line = line.trim_end_matches(',');
            let event: serde_json::Value = serde_json::from_str(line).expect("an event a line");
            let number = |key: &str| event[key].as_u64();
            let name = event["name"].as_str().unwrap_or_default().to_owned();
            let process = number("pid").expect("a process");
            let thread = number("tid");
            if event["ph"] == "M" {
                if name.ends_with("_name") {
                    let called = event["args"]["name"].as_str().expect("a name").to_owned();
                    assert!(names.insert((process, thread), called.clone()).is_none());
                    trace.threads.extend(thread.map(|_| called));
                }
                continue;
            }
            let at = nanoseconds(line);
            let track = || {
                let thread = thread.expect("a track");
                assert_ne!(thread, process, "it would be taken for the main thread");
                thread
            };
            match event["ph"].as_str().expect("a phase") {
                "B" => {
                    let slice = Slice {
                        process: names[&(process, None)].clone(),
                        thread: names[&(process, thread)].clone(),
                        name,
                        start: at,
                        end: at,
                        arguments: event["args"].clone(),
                    };
                    let before = last.get(&track()).copied().unwrap_or(0);
                    assert!(before <= at, "slices of a track do not overlap: {slice:?}");
                    assert!(open.insert(track(), slice).is_none(), "one at a time");
                }
                "E" => {
                    let mut slice = open.remove(&track()).expect("what ends has begun");
                    assert!(slice.start <= at, "{slice:?} ends at {at}");
                    slice.end = at;
                    last.insert(track(), at);
                    trace.slices.push(slice);
                }
                "i" => trace.marks.push((name, at, event["args"].clone())),
                "C" => {
                    let values = event["args"].as_object().expect("a value by name");
                    for (of, value) in values {
                        let counter = trace.counters.entry(format!("{name} {of}")).or_default();
                        counter.push((at, value.as_f64().expect("a number")));
                    }
                }
                other => panic!("no event of ours: {other}"),
            }
        }
        assert!(open.is_empty(), "everything ends");
        trace
    }
}

/// The time of an event: microseconds with three decimals, read without a double.
fn nanoseconds(line: &str) -> u64 {
    let text = line.strip_prefix("{\"ts\":").expect("a time comes first");
    let text = text.split(',').next().expect("a time");
    let (whole, part) = text.split_once('.').expect("three decimals");
    assert_eq!(part.len(), 3, "{text}");
    format!("{whole}{part}").parse().expect("digits")
}

/// Claims that trace and events tell what the tables tell.
pub fn trace_holds(tables: &Tables) {
    let trace = Trace::read(&tables.directory);
    slices_are_those_of_the_tables(tables, &trace);
    clients_spend_on_tracks_what_the_table_says(tables, &trace);
    counters_count(tables, &trace);
    events_hold(tables);
}

fn slices_are_those_of_the_tables(tables: &Tables, trace: &Trace) {
    let mut expected: Vec<(u64, &str, u64, u64)> = Vec::new();
    for row in tables.rows("participations") {
        let id = row.count("participation_id");
        for phase in ["download", "compute", "upload"] {
            if let Some(start) = row.nanos_if(&format!("{phase}_start_s")) {
                let end = row.nanos_if(&format!("{phase}_end_s"));
                expected.push((id, phase, start, end.unwrap_or(row.nanos("end_s"))));
            }
        }
        if let Some(wait) = row.nanos_if("wait_s").filter(|wait| *wait > 0) {
            expected.push((id, "wait", row.nanos("end_s"), row.nanos("end_s") + wait));
        }
    }
    let of_clients = trace.slices.iter().filter_map(|slice| {
        let id = slice.arguments["participation_id"].as_u64()?;
        Some((id, slice.name.as_str(), slice.start, slice.end))
    });
    let mut found: Vec<_> = of_clients.collect();
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected, "a slice a phase");
    let outcomes: BTreeMap<u64, &str> = trace
        .marks
        .iter()
        .filter_map(|(name, _, about)| Some((about["participation_id"].as_u64()?, name.as_str())))
        .collect();
    let rows = tables.rows("participations");
    let told: BTreeMap<u64, &str> = rows
        .map(|row| (row.count("participation_id"), row.text("outcome")))
        .collect();
    assert_eq!(outcomes, told, "every participation has its outcome");
    let versions: Vec<(u64, u64, u64)> = trace
        .slices
        .iter()
        .filter(|slice| slice.process == "server")
        .map(|slice| {
            (
                slice.arguments["version"].as_u64().expect("a number"),
                slice.start,
                slice.end,
            )
        })
        .collect();
    let mut told: Vec<(u64, u64, u64)> = tables
        .rows("versions")
        .map(|row| {
            (
                row.count("version"),
                row.nanos("open_s"),
                row.nanos("close_s"),
            )
        })
        .collect();
    let mut versions = versions;
    versions.sort_unstable();
    told.sort_unstable();
    assert_eq!(versions, told, "a slice a version");
}

fn overlap(one: &Slice, other: &Slice) -> u64 {
    let (start, end) = (one.start.max(other.start), one.end.min(other.end));
    end.saturating_sub(start)
}

fn clients_spend_on_tracks_what_the_table_says(tables: &Tables, trace: &Trace) {
    let mut of_client: BTreeMap<&str, Vec<&Slice>> = BTreeMap::new();
    for slice in &trace.slices {
        if let Some(client) = slice.arguments["client"].as_str() {
            of_client.entry(client).or_default().push(slice);
        }
    }
    for row in tables.rows("clients") {
        let slices = of_client.remove(row.text("client_id")).unwrap_or_default();
        let named = |name: &'static str| slices.iter().filter(move |slice| slice.name == name);
        // Offline takes precedence over whatever else goes on.
        let spent = |name| -> u64 {
            let online = |slice: &&Slice| {
                let away: u64 = named("offline")
                    .map(|offline| overlap(slice, offline))
                    .sum();
                slice.end - slice.start - away
            };
            named(name).map(online).sum()
        };
        let offline: u64 = named("offline").map(|slice| slice.end - slice.start).sum();
        let client = row.text("client_id");
        assert_eq!(row.nanos("offline_s"), offline, "{client} offline");
        assert_eq!(
            row.nanos("computing_s"),
            spent("compute"),
            "{client} computes"
        );
        assert_eq!(
            row.nanos("receiving_s"),
            spent("download"),
            "{client} receives"
        );
        assert_eq!(row.nanos("sending_s"), spent("upload"), "{client} sends");
        assert_eq!(
            row.nanos("waiting_version_s"),
            spent("wait"),
            "{client} waits"
        );
    }
    assert!(
        of_client.is_empty(),
        "clients of the table alone: {of_client:?}"
    );
}

fn counters_count(tables: &Tables, trace: &Trace) {
    let last = |name: &str| trace.counters.get(name).and_then(|values| values.last());
    for (name, table) in [
        ("clients at work", "participations"),
        ("transfers under way", "transfers"),
    ] {
        let count = tables.table(table).len();
        assert_eq!(last(name).is_some(), count > 0, "{name}");
        assert!(
            last(name).is_none_or(|(_, value)| *value == 0.0),
            "{name} ends at none"
        );
    }
    let most = trace
        .counters
        .get("transfers under way")
        .into_iter()
        .flatten();
    let most = most.map(|(_, value)| *value).fold(0.0, f64::max);
    let kpi = tables
        .rows("kpis")
        .find(|row| row.text("kpi") == "peak_transfers");
    let peak = kpi.expect("a key figure").number("value");
    // Those that begin and end at one instant are counted there, and may be more than lasted.
    assert!(most <= peak, "{most} at once, the peak is {peak}");
    for values in trace.counters.values() {
        assert!(
            values.is_sorted_by(|(one, _), (other, _)| one < other),
            "one value an instant"
        );
    }
}

fn events_hold(tables: &Tables) {
    let events: Vec<Row<'_>> = tables.rows("events").collect();
    let named = |name: &'static str| {
        events
            .iter()
            .filter(move |event| event.text("event") == name)
    };
    assert!(
        events.is_sorted_by_key(|event| event.nanos("sim_s")),
        "in order of time"
    );
    for (number, event) in (0..).zip(&events) {
        assert_eq!(event.count("event_id"), number);
    }
    for (event, table) in [
        ("selected", "participations"),
        ("outcome", "participations"),
        ("transfer_start", "transfers"),
        ("transfer_end", "transfers"),
        ("version_open", "versions"),
        ("version_close", "versions"),
        ("run_end", "runs"),
    ] {
        assert_eq!(named(event).count(), tables.table(table).len(), "{event}");
    }
    let sum = |rows: &mut dyn Iterator<Item = u64>| -> u64 { rows.sum() };
    let carried = sum(&mut named("transfer_end").map(|event| event.count("bytes")));
    let told = sum(&mut tables.rows("transfers").map(|row| row.count("bytes")));
    assert_eq!(carried, told);
    assert_eq!(
        events.last().map(|event| event.text("event")),
        Some("run_end")
    );
    // A participation goes its way: what comes later in the table came later.
    let mut steps: BTreeMap<u64, Vec<&str>> = BTreeMap::new();
    for event in &events {
        if let Some(id) = event.count_if("participation_id") {
            steps.entry(id).or_default().push(event.text("event"));
        }
    }
    for (id, steps) in steps {
        assert_eq!(steps.first(), Some(&"selected"), "{id}: {steps:?}");
        assert_eq!(steps.last(), Some(&"outcome"), "{id}: {steps:?}");
        let level = |name: &str| match name {
            "transfer_start" | "compute_start" => 1,
            "transfer_end" | "compute_end" => -1,
            _ => 0,
        };
        let mut open = 0;
        for step in &steps {
            open += level(step);
            assert!(
                (0..=1).contains(&open),
                "{id}: one after the other: {steps:?}"
            );
        }
        assert_eq!(open, 0, "{id}: {steps:?}");
    }
    // What a link had told of it holds until it changes.
    let mut links: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
    for event in named("link_change") {
        let state = (event.text("detail"), event.text("value"));
        assert!(
            event.text("detail") == "up" || event.number("value") == 0.0,
            "{state:?}"
        );
        links.insert(event.text("link"), state);
    }
    // A client leaves and comes back in turn.
    let mut away: BTreeMap<&str, bool> = BTreeMap::new();
    for event in events
        .iter()
        .filter(|event| ["offline", "online"].contains(&event.text("event")))
    {
        let leaves = event.text("event") == "offline";
        let before = away.insert(event.text("actor"), leaves).unwrap_or(false);
        assert_ne!(before, leaves, "{}", event.text("actor"));
    }
}

/// Clients that come and go, learning asynchronously: versions and waits of every length.
const SITES: &str = r#"
name = "sites"
seed = 3

[data]
source = { kind = "synthetic", classes = 3, features = 4, samples = 3000, separation = 2.0 }
test = 30
public = 20

[[clients]]
name = "clinic"
count = COUNT
model = "mlp-5"
device = { speed = { dist = "lognormal", median = "300 kFLOP/s", sigma = 0.8 } }
link = { up = "50 kbps", down = "60 kbps", latency = "3 ms" }
dropout = { kind = "exponential", up = "4 s", down = "2 s" }

[[clients]]
name = "hospital"
count = 3
model = "mlp-8"
device = { speed = "5 MFLOP/s" }
link = { up = "1 Mbps", down = "1 Mbps" }

[method]
preset = "fedmd"
schedule = { kind = "SCHEDULE" }

[stop]
versions = 6
time = "5 min"
"#;

fn sites(count: usize, schedule: &str) -> String {
    let scenario = SITES.replace("COUNT", &count.to_string());
    scenario.replace("SCHEDULE", schedule)
}

#[test]
fn a_trace_tells_what_the_tables_tell() {
    for schedule in ["synchronous", "asynchronous"] {
        let desk = Desk::new();
        let tables = desk.run(&sites(6, schedule), "out", &["--trace"]);
        trace_holds(&tables);
        let trace = Trace::read(&tables.directory);
        // Who was never away has no track for it.
        let mut expected = vec!["versions".to_owned()];
        expected.extend((0..6).map(|client| format!("clinic-{client}")));
        let away = tables
            .rows("clients")
            .filter(|row| row.nanos("offline_s") > 0);
        expected.extend(away.map(|row| format!("{} offline", row.text("client_id"))));
        expected.extend((0..3).map(|client| format!("hospital-{client}")));
        let mut threads = trace.threads.clone();
        threads.sort();
        expected.sort();
        assert_eq!(threads, expected, "{schedule}");
        let offline = trace.slices.iter().filter(|slice| slice.name == "offline");
        assert!(offline.count() > 2, "they come and go");
    }
}

#[test]
fn many_clients_share_as_many_slots_as_were_busy_at_once() {
    let scenario = sites(150, "asynchronous");
    let scenario = scenario.replace(
        "kind = \"asynchronous\"",
        "kind = \"asynchronous\", concurrency = 4",
    );
    let desk = Desk::new();
    let tables = desk.run(&scenario, "out", &["--trace"]);
    trace_holds(&tables);
    let trace = Trace::read(&tables.directory);
    let working = |thread: &&String| !thread.contains("offline") && !thread.contains("versions");
    let slots = trace.threads.iter().filter(working).count();
    assert!(
        (1..=8).contains(&slots),
        "four at once of two groups: {slots} slots"
    );
    let clients: std::collections::BTreeSet<&str> = tables
        .rows("participations")
        .map(|row| row.text("client_id"))
        .collect();
    assert!(clients.len() > slots, "one after the other in a slot");
}

#[test]
fn asking_for_a_trace_changes_no_other_file() {
    let desk = Desk::new();
    let scenario = sites(6, "synchronous");
    let plain = desk.run(&scenario, "plain", &[]);
    let traced = desk.run(&scenario, "traced", &["--trace"]);
    assert_eq!(plain.run_id(), traced.run_id());
    assert_eq!(plain.bytes().len() + 2, traced.bytes().len());
    for (file, bytes) in plain.bytes() {
        // The data package tells of the table of events, too.
        if *file != "datapackage.json" {
            assert!(bytes == &traced.bytes()[file], "{file} differs");
        }
    }
    let package = traced.package();
    let resources = package["resources"].as_array().expect("a list");
    assert!(resources.iter().any(|table| table["name"] == "events"));
}

#[test]
fn a_run_without_its_trace_is_run_again_for_it_and_one_with_it_is_kept() {
    let desk = Desk::new();
    let plain = desk.run(&sites(2, "synchronous"), "out", &[]);
    let again = |arguments: &[&str]| {
        let mut all = vec!["run", "out.toml", "--out", "out"];
        all.extend(arguments);
        desk.fedstill(&all).well().stderr
    };
    let said = again(&["--trace"]);
    assert!(
        said.contains("run again for its trace, in place of out"),
        "{said}"
    );
    let runs = desk.runs("out");
    assert_eq!(runs.as_slice(), std::slice::from_ref(&plain.directory));
    let traced = Tables::read(&runs[0]);
    assert_eq!(traced.names().len(), plain.names().len() + 1);
    for arguments in [&["--trace"][..], &[]] {
        let said = again(arguments);
        assert!(said.contains("already at"), "{said}");
        Trace::read(&desk.runs("out")[0]);
    }
    again(&["--force"]);
    assert!(!desk.runs("out")[0].join("trace.json").exists());
}

#[test]
fn bare_transfers_have_a_track_for_each_host_that_sends() {
    let desk = Desk::new();
    let scenario = format!("{ROOT}/scenarios/backbone.toml");
    desk.fedstill(&["run", &scenario, "--out", "out", "--quiet", "--trace"])
        .well();
    let directory = desk.runs("out").remove(0);
    let trace = Trace::read(&directory);
    let table = |name: &str| Table::read(&directory.join(format!("{name}.csv")));
    let transfers = table("transfers");
    assert_eq!(trace.slices.len(), transfers.len());
    for (id, row) in (0..).zip(transfers.rows()) {
        let mut slices = trace.slices.iter();
        let slice = slices.find(|slice| slice.arguments["transfer_id"].as_u64() == Some(id));
        let slice = slice.expect("every transfer is there");
        assert_eq!(slice.name, format!("to {}", row.text("to")));
        assert!(slice.thread.starts_with(row.text("from")), "{slice:?}");
        assert_eq!(
            (slice.start, slice.end),
            (row.nanos("start_s"), row.nanos("end_s"))
        );
    }
    let events = table("events");
    assert_eq!(events.len(), 2 * transfers.len());
    assert!(events.rows().is_sorted_by_key(|event| event.nanos("sim_s")));
}
