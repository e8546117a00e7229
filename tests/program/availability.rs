//! Clients that come and go: what they were doing goes on or is lost, to the nanosecond and the
//! byte, and their batteries give what their states draw.

use crate::desk::{Desk, argument};
use crate::tables::{Row, Tables, assert_same_bytes};
use proptest::prelude::*;

/// One client on a slow link, alone on the network; `GROUP` adds keys of its group.
/// A download of 2410 parameters and a header takes 0.5 s + 9672 B / 1000 B/s = 10.172 s.
const ALONE: &str = r#"
name = "alone"
GLOBAL

[data]
source = "digits"
test = 300
public = 0

[[clients]]
name = "site"
count = 1
model = "mlp-32"
device = { speed = "10 MFLOP/s", power = { idle = "1 W", busy = "10 W", transmit = "4 W", receive = "2 W" } BATTERY }
link = { up = "8 kbps", down = "8 kbps", latency = "500 ms" }
GROUP

[server]
up = "1 Gbps"
down = "1 Gbps"
detection_delay = "30 s"

[method]
preset = "fedavg"

[stop]
time = "1 h"
versions = 1
"#;

fn alone(global: &str, group: &str, battery: &str) -> String {
    let text = ALONE.replace("GLOBAL", global).replace("GROUP", group);
    text.replace("BATTERY", battery)
}

/// The desk with a record of when `site-0` is online.
fn desk_with(trace: &[(f64, f64)]) -> Desk {
    let desk = Desk::new();
    let rows = trace
        .iter()
        .map(|(from, to)| format!("site-0,{from},{to}\n"));
    let text = format!("client,start_s,end_s\n{}", rows.collect::<String>());
    desk.file("trace.csv", &text);
    desk
}

const TRACED: &str = "dropout = { kind = \"trace\", file = \"trace.csv\" }";

fn only(tables: &Tables) -> Row<'_> {
    let mut rows = tables.rows("participations");
    let row = rows.next().expect("a participation");
    assert!(rows.next().is_none(), "one participation");
    row
}

fn seconds(row: Row<'_>, column: &str) -> f64 {
    row.nanos(column) as f64 / 1e9
}

fn near(found: f64, expected: f64) {
    assert!(
        (found - expected).abs() < 2e-9,
        "{found}, expected {expected}"
    );
}

#[test]
fn work_that_is_resumed_goes_on_with_what_is_left_and_pays_the_latency_again() {
    let whole = desk_with(&[]).run(&alone("", "", ""), "out", &[]);
    let length = seconds(only(&whole), "compute_end_s") - seconds(only(&whole), "compute_start_s");
    assert!((2.0..20.0).contains(&length), "computing takes {length} s");

    // Away after 4.5 s of the download's bytes; after a second of computing; within the latency
    // of the upload, which has carried nothing by then.
    let upload = 20.672 + length + 10.0;
    let trace = [
        (0.0, 5.0),
        (15.0, 21.672),
        (31.672, upload + 0.25),
        (upload + 1.0, 900.0),
    ];
    let desk = desk_with(&trace);
    let resume = format!("{TRACED}\non_return = \"resume\"");
    let tables = desk.run(&alone("", &resume, ""), "out", &[]);
    let row = only(&tables);
    assert_eq!(row.text("outcome"), "merged");
    near(
        seconds(row, "download_end_s"),
        15.0 + 0.5 + (9672.0 - 4500.0) / 1000.0,
    );
    near(seconds(row, "compute_end_s"), upload);
    near(seconds(row, "upload_end_s"), upload + 1.0 + 10.172);

    let legs: Vec<_> = tables
        .rows("transfers")
        .map(|t| (t.count("size_bytes"), t.count("bytes"), t.text("outcome")))
        .collect();
    let expected = [
        (9672, 4500, "suspended"),
        (5172, 5172, "delivered"),
        (9672, 0, "suspended"),
        (9672, 9672, "delivered"),
    ];
    assert_eq!(legs, expected);
    assert_eq!(
        (row.count("down_bytes"), row.count("up_bytes")),
        (9672, 9672)
    );
    assert_eq!(row.count("train_flops"), only(&whole).count("train_flops"));

    let client = tables.rows("clients").next().expect("a client");
    near(seconds(client, "offline_s"), 10.0 + 10.0 + 0.75);
    near(seconds(client, "receiving_s"), 5.0 + 5.672);
    near(seconds(client, "computing_s"), length);
    near(seconds(client, "sending_s"), 0.25 + 10.172);
    let joules = 2.0 * 10.672 + 10.0 * length + 4.0 * 10.422;
    assert!((row.number("energy_joules") - joules).abs() < 1e-6);
    // What it learned is what it would have learned without a break.
    let accuracy = |tables: &Tables| tables.run().text("accuracy_personal_global").to_owned();
    assert_eq!(accuracy(&tables), accuracy(&whole));
}

#[test]
fn work_that_is_abandoned_is_cut_at_the_instant_of_leaving() {
    let tables = desk_with(&[(0.0, 5.0), (15.0, 900.0)]).run(&alone("", TRACED, ""), "out", &[]);
    let first = tables.rows("participations").next().expect("one");
    assert_eq!(first.text("outcome"), "dropped_download");
    near(seconds(first, "end_s"), 5.0);
    assert_eq!(first.count("down_bytes"), 4500);
}

#[test]
fn who_will_never_be_back_is_dropped_even_where_work_would_be_resumed() {
    let resume = format!("{TRACED}\non_return = \"resume\"");
    let tables = desk_with(&[(0.0, 5.0)]).run(&alone("", &resume, ""), "out", &[]);
    assert_eq!(only(&tables).text("outcome"), "dropped_download");
    near(seconds(only(&tables), "end_s"), 5.0);
}

#[test]
fn a_run_in_which_nobody_will_be_back_ends_at_once_as_stalled() {
    let stop = "versions = 1";
    let scenario = alone("", TRACED, "").replace(stop, "versions = 9");
    let tables = desk_with(&[(0.0, 5.0)]).run(&scenario, "out", &[]);
    // The loss is known 30 s after it; the version fails and nobody can be asked any more.
    assert_eq!(tables.run().text("status"), "stalled");
    near(seconds(tables.run(), "end_s"), 35.0);
    assert_eq!(tables.rows("versions").count(), 1);

    // Somebody who is away and will be back is waited for.
    let later = desk_with(&[(0.0, 5.0), (1000.0, 3000.0)]).run(&scenario, "out", &[]);
    assert_ne!(later.run().text("status"), "stalled");
    let back = later.rows("participations").nth(1).expect("it comes back");
    near(seconds(back, "selected_s"), 1005.0);
}

#[test]
fn an_empty_battery_cuts_work_at_the_instant_at_which_it_is_empty() {
    // 60 J: 20.344 J to receive for 10.172 s at 2 W, 39.656 J left for 3.9656 s at 10 W.
    let battery = ", battery = { capacity = \"100 J\", level = \"60 %\", empty = \"0 %\" }";
    let slow = alone("", "", battery).replace("10 MFLOP/s", "5 MFLOP/s");
    let tables = Desk::new().run(&slow, "out", &[]);
    let row = only(&tables);
    assert_eq!(row.text("outcome"), "dropped_compute");
    near(seconds(row, "end_s"), 10.172 + 3.9656);
    let flops = 5e6 * 3.9656;
    assert!((row.count("train_flops") as f64 - flops).abs() <= 1.0);
    let client = tables.rows("clients").next().expect("a client");
    assert!((client.number("energy_joules") - 60.0).abs() < 1e-7);
    assert!(client.number("battery_level") < 1e-9);
    near(
        seconds(client, "offline_s"),
        seconds(tables.run(), "end_s") - 14.1376,
    );
}

#[test]
fn a_battery_is_charged_in_its_windows_and_the_work_goes_on_at_the_level_of_resuming() {
    // As above, and plugged in from 00:01 with 5 W: 20 J take 4 s, and while the charger gives
    // 5 W the rest of the computation draws 10 W net 5 W for as long as there are 20 J: 4 s.
    let battery = ", battery = { capacity = \"100 J\", level = \"60 %\", empty = \"0 %\", resume = \"20 %\", \
                   charge = \"5 W\", windows = \"00:01-24:00\" }";
    let slow = alone("", "on_return = \"resume\"", battery).replace("10 MFLOP/s", "14 MFLOP/s");
    let tables = Desk::new().run(&slow, "out", &[]);
    let row = only(&tables);
    assert_eq!(row.text("outcome"), "merged");
    let client = tables.rows("clients").next().expect("a client");
    let length = seconds(client, "computing_s");
    let left = length - 3.9656;
    assert!((0.5..3.9).contains(&left), "{left} s are left");
    near(seconds(row, "compute_end_s"), 64.0 + left);
    near(seconds(client, "offline_s"), 64.0 - 14.1376);
    // Charged: from 60 s on 5 W, without a full battery to end it.
    let end = seconds(tables.run(), "end_s");
    let level = 60.0 + 5.0 * (end - 60.0) - client.number("energy_joules");
    assert!((client.number("battery_level") * 100.0 - level).abs() < 1e-6);
}

#[test]
fn who_has_too_little_in_the_battery_is_not_asked() {
    let battery =
        ", battery = { capacity = \"1 kJ\", level = \"40 %\", least = \"50 %\", charge = \"3 W\" }";
    let tables = Desk::new().run(&alone("", "", battery), "out", &[]);
    // 100 J at 3 W less 1 W are there after 50 s, when the aggregator looks again.
    near(seconds(only(&tables), "selected_s"), 50.0);
}

#[test]
fn hours_are_in_the_clients_own_time_and_the_run_begins_when_it_says() {
    let group = "hours = \"Mon-Fri 08:00-17:00\"\ntime_zone = \"-05:00\"";
    let scenario = alone("start = \"Sun 12:50\"", group, "").replace("\"1 h\"", "\"2 d\"");
    let tables = Desk::new().run(&scenario, "out", &[]);
    // Monday, 08:00 there is 13:00 UTC: 24 h and ten minutes after the start.
    near(seconds(only(&tables), "selected_s"), 87_000.0);
}

#[test]
fn a_roll_out_brings_the_clients_in_stages_and_leaving_is_for_good() {
    let group = "join = [{ at = \"0 s\", share = 0.25 }, { at = \"100 s\", share = 0.75 }]\n\
                 leave = [{ at = \"200 s\", share = 0.5 }]";
    let scenario = alone("", group, "")
        .replace("count = 1", "count = 4")
        .replace("versions = 1", "versions = 20")
        .replace("\"1 h\"", "\"400 s\"");
    let tables = Desk::new().run(&scenario, "out", &[]);
    let selected = |client: &str| -> Vec<f64> {
        let own = tables
            .rows("participations")
            .filter(|row| row.text("client_id") == client);
        own.map(|row| seconds(row, "selected_s")).collect()
    };
    near(selected("site-0")[0], 0.0);
    assert!(selected("site-0").iter().all(|at| *at < 200.0));
    for late in ["site-1", "site-2", "site-3"] {
        assert!(selected(late)[0] >= 100.0 && selected(late)[0] < 130.0);
    }
    assert!(selected("site-1").iter().all(|at| *at < 200.0));
    assert!(selected("site-3").iter().any(|at| *at > 200.0));
}

/// Groups that come and go in every way there is.
const EVERY_KIND: &str = r#"
name = "every-kind"
seed = 5
start = "Fri 15:00"

[data]
source = { kind = "synthetic", classes = 3, features = 4, samples = 400, separation = 2.0 }
test = 60
public = 30

[server]
up = "200 kbps"
down = "200 kbps"
detection_delay = "3 s"
poll = "2 s"

[method]
preset = "fedmd"
schedule = { kind = "asynchronous" }

[evaluation]
every = "1 min"

[stop]
time = "20 min"
"#;

fn every_kind() -> (Desk, String) {
    let kinds = [
        "{ kind = \"weibull\", up = { mean = \"40 s\", shape = 0.6 }, down = { scale = \"5 s\", shape = 2.0 } }",
        "{ kind = \"lognormal\", up = { median = \"20 s\", sigma = 1.0 }, down = { median = \"4 s\", sigma = 0.5 } }",
        "{ kind = \"diurnal\", curve = { mean = 0.5, amplitude = 0.4, peak = \"16:00\" }, dwell = \"30 s\" }",
        "{ kind = \"windows\", windows = [\"Fri 15:00-15:10\", \"Fri 15:11-16:00\"], jitter = \"1 min\" }",
        "{ kind = \"trace\", file = \"trace.json\", pick = \"draw\" }",
        "{ kind = \"per-participation\", rate = 0.3 }",
        "{ kind = \"exponential\", up = \"30 s\", down = \"5 s\" }",
    ];
    let more = [
        "on_return = \"resume\"",
        "join = { dist = \"exponential\", mean = \"1 min\" }\non_return = \"resume\"",
        "time_zone = [\"+00:00\", \"+01:00\"]",
        "time_zone = [{ zone = \"+00:00\", share = 3.0 }, { zone = \"+00:01\", share = 1.0 }]\non_return = \"resume\"",
        "leave = \"15 min\"\non_return = \"resume\"",
        "hours = { windows = \"Fri 15:00-15:09; Fri 15:10-16:00\", jitter = \"30 s\" }\non_return = \"resume\"",
        "on_return = \"resume\"",
    ];
    let mut scenario = EVERY_KIND.to_owned();
    for (place, (kind, more)) in kinds.into_iter().zip(more).enumerate() {
        let battery = match place % 2 {
            0 => "",
            _ => {
                ", battery = { capacity = \"900 J\", level = { dist = \"uniform\", low = \"20 %\", high = \"100 %\" }, \
                  charge = \"5 W\", windows = \"15:05-15:09\" }"
            }
        };
        scenario += &format!(
            "\n[[clients]]\nname = \"group{place}\"\ncount = 3\nmodel = \"mlp-5\"\n\
             device = {{ speed = \"20 kFLOP/s\"{battery} }}\n\
             link = {{ up = \"4 kbps\", down = \"9 kbps\", latency = \"100 ms\" }}\n\
             dropout = {kind}\n{more}\n"
        );
    }
    let desk = Desk::new();
    desk.file(
        "trace.json",
        r#"{ "7": { "duration": 60, "active": [0, 40], "inactive": [30, 70], "finish_time": 90 },
             "9": { "duration": 90, "active": [10.5], "inactive": [80], "finish_time": 100 } }"#,
    );
    (desk, scenario)
}

#[test]
fn threads_and_a_resolved_scenario_change_no_byte_of_clients_that_come_and_go() {
    let (desk, scenario) = every_kind();
    let one = desk.run(&scenario, "one", &["--threads", "1"]);
    let two = desk.run(&scenario, "two", &["--threads", "2"]);
    assert_same_bytes(&one, &two, "one and two threads");
    let outcomes = |wanted: &str| {
        let rows = one.rows("transfers");
        rows.filter(|row| row.text("outcome") == wanted).count()
    };
    assert!(outcomes("suspended") > 0 && outcomes("cut") > 0);
    let resolved = argument(&one.directory.join("scenario.toml"));
    desk.fedstill(&["run", &resolved, "--out", "again", "--quiet"])
        .well();
    let again = Tables::read(&desk.runs("again")[0]);
    assert_same_bytes(&one, &again, "the resolved scenario");
}

#[test]
fn adding_what_composes_moves_no_draw_of_the_kind_itself() {
    let plain = "dropout = { kind = \"exponential\", up = \"10 s\", down = \"10 s\" }";
    let always =
        format!("{plain}\nhours = \"00:00-24:00\"\njoin = \"0 s\"\ntime_zone = \"+03:00\"");
    let run = |group: &str| Desk::new().run(&alone("", group, ""), "out", &[]);
    let (plain, always) = (run(plain), run(&always));
    let columns = |tables: &Tables| {
        let rows = tables.rows("participations");
        rows.map(|row| (row.nanos("selected_s"), row.nanos("end_s")))
            .collect::<Vec<_>>()
    };
    assert_eq!(columns(&plain), columns(&always));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    /// Of every client: its states add up to the run, its energy is that of its states, what its
    /// participations drew is what it drew in the states of work, and without a charger its
    /// battery lost what it drew.
    #[test]
    fn the_books_of_clients_that_come_and_go_are_exact(seed in 0..1_000_000_u64, synchronous: bool) {
        let (desk, scenario) = every_kind();
        let mut scenario = scenario
            .replace("seed = 5", &format!("seed = {seed}"))
            .replace("charge = \"5 W\"", "charge = \"0 W\"")
            .replace("{ dist = \"uniform\", low = \"20 %\", high = \"100 %\" }", "\"90 %\"");
        if synchronous {
            scenario = scenario.replace("\"asynchronous\"", "\"synchronous\", deadline = \"90 s\"");
        }
        let tables = desk.run(&scenario, "out", &[]);
        let end = tables.run().nanos("end_s");
        for client in tables.rows("clients") {
            let work = [
                ("computing_s", "power_busy_watts"),
                ("receiving_s", "power_receive_watts"),
                ("sending_s", "power_transmit_watts"),
            ];
            let idle = ["waiting_version_s", "waiting_peer_s", "unselected_s"];
            let at_work: u64 = work.iter().map(|(state, _)| client.nanos(state)).sum();
            let idling: u64 = idle.iter().map(|state| client.nanos(state)).sum();
            prop_assert_eq!(at_work + idling + client.nanos("offline_s"), end);
            let working: f64 = work
                .iter()
                .map(|(state, power)| client.number(power) * seconds(client, state))
                .sum();
            let whole = working + client.number("power_idle_watts") * idling as f64 / 1e9;
            let near = |found: f64, expected: f64| (found - expected).abs() <= 1e-9 * expected.max(1.0);
            prop_assert!(near(client.number("energy_joules"), whole));
            let own = || tables.rows("participations").filter(|row| row.text("client_id") == client.text("client_id"));
            let drawn: f64 = own().map(|row| row.number("energy_joules")).sum();
            prop_assert!(near(drawn, working), "{} J, not {}", drawn, working);
            if !client.text("battery_level").is_empty() {
                let level = 0.9 - whole / 900.0;
                prop_assert!((client.number("battery_level") - level).abs() < 1e-9);
                prop_assert!(level > 0.05 - 1e-9);
            }
            for row in own() {
                let id = row.count("participation_id");
                let legs = tables.rows("transfers").filter(|leg| leg.count("participation_id") == id);
                let carried: u64 = legs.map(|leg| leg.count("bytes")).sum();
                prop_assert_eq!(carried, row.count("down_bytes") + row.count("up_bytes"));
                prop_assert!(!row.text("outcome").is_empty());
            }
        }
    }
}
