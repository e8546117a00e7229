//! What no run may break, over random scenarios: nothing is lost, nothing counted twice,
//! and time runs forwards.

use crate::desk::Desk;
use crate::tables::{Row, Tables};
use crate::trace::trace_holds;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// As documented; every participation ends in exactly one of these.
const OUTCOMES: [&str; 12] = [
    "merged",
    "late",
    "surplus",
    "stale",
    "unused",
    "dropped_download",
    "dropped_compute",
    "dropped_upload",
    "lost_link",
    "unfit",
    "diverged",
    "unfinished",
];

const TRANSMIT_WATTS: f64 = 5.25;
const RECEIVE_WATTS: f64 = 3.5;
const BUSY_WATTS: f64 = 11.0;

/// Where a client's time goes, and what it draws there.
const STATES: [(&str, Option<&str>); 7] = [
    ("offline_s", None),
    ("computing_s", Some("power_busy_watts")),
    ("receiving_s", Some("power_receive_watts")),
    ("sending_s", Some("power_transmit_watts")),
    ("waiting_version_s", Some("power_idle_watts")),
    ("waiting_peer_s", Some("power_idle_watts")),
    ("unselected_s", Some("power_idle_watts")),
];

fn one_of(choices: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    prop::sample::select(choices)
}

/// A network and where the group `clinic` stands in it, in TOML.
fn network() -> impl Strategy<Value = (String, &'static str)> {
    let link = "bandwidth = \"80 kbps\", latency = \"5 ms\"";
    let line = format!("{{ kind = \"line\", nodes = 4, {link} }}");
    let sites = format!(
        "{{ kind = \"sites\", sites = 2, hosts = 2, local = {{ {link} }}, wide = {{ {link} }} }}"
    );
    let at = one_of(&["", "at = \"n2\"\n", "at = [\"n3\", \"n1\", \"n0\"]\n"]);
    let outages = "link = [{ link = \"*\", outages = { up = \"6 s\", down = \"1 s\" } }]";
    let steps = "steps = [{ at = \"1 s\", factor = 0.5 }, { at = \"2 s\", up = false }, \
                 { at = \"3 s\", up = true }]";
    let behaviour = prop::sample::select(vec![
        String::new(),
        format!(", {outages}"),
        format!(", failure = {{ kind = \"cut\", attempts = 2, backoff = \"500 ms\" }}, {outages}"),
        format!(", failure = {{ kind = \"cut\", resume = true, backoff = \"200 ms\" }}, {outages}"),
        format!(
            ", link = [{{ link = \"*\", profile = {{ kind = \"steps\", {steps}, repeat = \"5 s\" }} }}]"
        ),
        ", transport = \"cm02\", link = [{ link = \"*\", jitter = \"20 ms\", loss = 0.01, \
         background = { kind = \"on-off\", rate = \"30 kbps\", on = \"2 s\", off = \"1 s\" } }]"
            .to_owned(),
    ]);
    prop_oneof![
        1 => Just(("\"star\"".to_owned(), "")),
        2 => (at, behaviour.clone())
            .prop_map(move |(at, behaviour)| (format!("{line}{behaviour}"), at)),
        1 => behaviour.prop_map(move |behaviour| (format!("{sites}{behaviour}"), "")),
    ]
}

/// A group of clients, in TOML.
fn group(name: &'static str) -> impl Strategy<Value = String> {
    let count = 1..4_usize;
    let speed = one_of(&["200 kFLOP/s", "3 MFLOP/s", "50 MFLOP/s"]);
    let spread = one_of(&["0.0", "0.5", "1.5"]);
    // Parameters, gradients and activations of mlp-5 take about 600 bytes with SGD.
    let memory = prop_oneof![
        8 => Just(""),
        1 => Just(", memory = { dist = \"uniform\", low = \"300 B\", high = \"3 kB\" }"),
    ];
    let work = one_of(&[
        "",
        "",
        ", speed_profile = { steps = [{ at = \"1 s\", factor = 0.2 }, { at = \"1500 ms\", factor = 0 }], repeat = \"2 s\" }",
        ", cores = 2, training_cores = 1, load = 1.5, noise = { dist = \"lognormal\", median = 0.9, sigma = 0.3 }",
        ", load = { steps = [{ at = \"3 s\", load = 2 }], repeat = \"10 s\" }",
    ]);
    let up = one_of(&["2 kbps", "50 kbps", "1 Mbps"]);
    let latency = one_of(&["0 s", "3 ms", "400 ms"]);
    let dropout = one_of(&[
        "\"none\"",
        "{ kind = \"per-participation\", rate = 0.3 }",
        "{ kind = \"per-participation\", rate = 1.0 }",
        "{ kind = \"exponential\", up = \"4 s\", down = \"2 s\" }",
        "{ kind = \"exponential\", up = \"30 s\", down = \"1 s\" }",
        "{ kind = \"exponential\", up = \"3 s\", down = \"3 s\" }",
        "{ kind = \"weibull\", up = { mean = \"5 s\", shape = 0.5 }, down = { mean = \"2 s\", shape = 2.0 } }\nleave = \"40 s\"",
        "{ kind = \"per-participation\", rate = 0.5 }\nhours = \"00:00:00-00:00:07; 00:00:09-00:10:00\"",
        "{ kind = \"weibull\", up = { mean = \"9 s\", shape = 0.6 }, down = { mean = \"1 s\", shape = 2.0 } }",
        "{ kind = \"lognormal\", up = { median = \"6 s\", sigma = 0.5 }, down = { median = \"2 s\", sigma = 1.0 } }",
        "{ kind = \"diurnal\", curve = { mean = 0.6, amplitude = 0.4, peak = \"00:00\" }, dwell = \"5 s\" }",
        "\"none\"\nhours = \"00:00-00:01\"",
        "\"none\"\njoin = \"3 s\"\nleave = \"50 s\"",
    ]);
    let on_return = one_of(&["abandon", "resume"]);
    let access = one_of(&[
        "",
        "",
        ", jitter = { dist = \"exponential\", mean = \"30 ms\" }",
        ", outages = { up = \"5 s\", down = \"1 s\" }",
        ", cap = \"30 kbps\", loss = 0.02",
    ]);
    let battery = one_of(&[
        "",
        "",
        ", battery = { capacity = \"60 J\", charge = \"6 W\", level = \"50 %\" }",
        ", battery = { capacity = \"90 J\", charge = \"20 W\", windows = \"00:00-00:01\", least = \"30 %\" }",
    ]);
    let device = (speed, spread, memory, work, battery);
    (count, device, (up, latency, access), dropout, on_return).prop_map(
        move |(count, (speed, spread, memory, work, battery), (up, latency, access), dropout, back)| {
            format!(
                "[[clients]]\nname = \"{name}\"\ncount = {count}\nmodel = \"mlp-5\"\n\
                 device = {{ speed = {{ dist = \"lognormal\", median = \"{speed}\", sigma = {spread} }}{memory}{work}, \
                 power = {{ idle = \"2 W\", busy = \"{BUSY_WATTS} W\", \
                 transmit = \"{TRANSMIT_WATTS} W\", receive = \"{RECEIVE_WATTS} W\" }}{battery} }}\n\
                 link = {{ up = {{ dist = \"lognormal\", median = \"{up}\", sigma = {spread} }}, down = \"60 kbps\", latency = \"{latency}\"{access} }}\n\
                 on_return = \"{back}\"\ndropout = {dropout}\n"
            )
        },
    )
}

/// Sites by file, some of which tell their samples.
fn sites() -> impl Strategy<Value = String> {
    let samples = one_of(&[",,", "3,0,", "1,4,5", ",,6"]);
    let hours = one_of(&["", "00:00-24:00", "00:00-00:01"]);
    let row = (
        samples,
        hours,
        one_of(&["", "rural"]),
        one_of(&["", "20 kbps", "1e6"]),
    );
    prop::collection::vec(row, 1..4).prop_map(|rows| {
        let mut text = "name,group,up,speed,samples_0,samples_2,samples,hours\n".to_owned();
        for (number, (samples, hours, group, up)) in rows.into_iter().enumerate() {
            text += &format!("Ely {number},{group},{up},{number}.5e6,{samples},{hours}\n");
        }
        text
    })
}

fn schedule() -> impl Strategy<Value = String> {
    let deadline = one_of(&["", ", deadline = \"2 s\"", ", deadline = \"20 s\""]);
    let over_select = one_of(&["1.0", "1.5"]);
    let synchronous = (deadline, over_select, 1..3_usize).prop_map(|(deadline, over, minimum)| {
        format!("{{ kind = \"synchronous\", over_select = {over}, minimum = {minimum}{deadline} }}")
    });
    let concurrency = one_of(&["", ", concurrency = 1", ", concurrency = 2"]);
    let stale = one_of(&["", ", max_staleness = 0", ", max_staleness = 2"]);
    let discount = one_of(&["constant", "polynomial", "hinge"]);
    let asynchronous = (concurrency, stale, discount).prop_map(|(concurrency, stale, discount)| {
        format!("{{ kind = \"asynchronous\", staleness = \"{discount}\"{concurrency}{stale} }}")
    });
    prop_oneof![synchronous, asynchronous]
}

prop_compose! {
    fn scenario()(
        seed in 0..1_000_000_u64,
        preset in one_of(&["fedavg", "fedmd", "fd", "local-only"]),
        lr in prop_oneof![9 => Just("0.05"), 1 => Just("1e30")],
        schedule in schedule(),
        selection in one_of(&["\"all\"", "{ kind = \"uniform\", fraction = 0.6 }"]),
        (topology, at) in network(),
        clinics in group("clinic"),
        hospitals in prop::option::of(group("hospital")),
        by_file in prop::bool::ANY,
        server in one_of(&["20 kbps", "10 Mbps"]),
        detection in one_of(&["0 s", "1 s", "30 s"]),
        every in one_of(&["", "every = \"3 s\"", "versions = 2"]),
        versions in 1..6_u32,
        time in one_of(&["5 s", "60 s", "10 min"]),
    ) -> String {
        let hospitals = hospitals.unwrap_or_default();
        let sites = match by_file {
            true => format!("[[clients]]\nname = \"site\"\nfile = \"sites.csv\"\nmodel = \"mlp-5\"\n\
                device = {{ power = {{ idle = \"1 W\", busy = \"{BUSY_WATTS} W\", \
                transmit = \"{TRANSMIT_WATTS} W\", receive = \"{RECEIVE_WATTS} W\" }} }}\n\
                link = {{ up = \"40 kbps\", down = \"60 kbps\" }}\n"),
            false => String::new(),
        };
        // One that says `minimum = 2` needs a cohort of two.
        let guest = format!("[[clients]]\nname = \"guest\"\ncount = 3\nmodel = \"mlp-5\"\n\
            device = {{ speed = \"1 MFLOP/s\", power = {{ idle = \"7 W\", busy = \"{BUSY_WATTS} W\", \
            transmit = \"{TRANSMIT_WATTS} W\", receive = \"{RECEIVE_WATTS} W\" }} }}\n\
            link = {{ up = \"30 kbps\", down = \"60 kbps\" }}\n");
        format!(
            "name = \"random\"\nseed = {seed}\n\
             data = {{ source = {{ kind = \"synthetic\", classes = 3, features = 4, samples = 150, separation = 2.0 }}, \
             test = 30, public = 20, partition = {{ kind = \"quantity\", alpha = 1.0 }} }}\n\
             server = {{ up = \"{server}\", down = \"{server}\", detection_delay = \"{detection}\", poll = \"2 s\" }}\n\
             evaluation = {{ {every} }}\n\
             stop = {{ versions = {versions}, time = \"{time}\" }}\n\
             network = {{ topology = {topology} }}\n\
             {clinics}{at}{hospitals}{sites}{guest}\
             [method]\npreset = \"{preset}\"\nschedule = {schedule}\nselection = {selection}\n\
             local = {{ epochs = 1, batch = 8, optimizer = {{ kind = \"sgd\", lr = {lr} }} }}\n"
        )
    }
}

/// The phases of a participation that began: begin and, where completed, end.
fn phases(row: Row<'_>) -> Vec<(u64, Option<u64>)> {
    let span = |phase: &str| {
        let start = row.nanos_if(&format!("{phase}_start_s"))?;
        Some((start, row.nanos_if(&format!("{phase}_end_s"))))
    };
    ["download", "compute", "upload"]
        .into_iter()
        .filter_map(span)
        .collect()
}

fn ends_in_one_documented_way(row: Row<'_>) {
    let outcome = row.text("outcome");
    assert!(OUTCOMES.contains(&outcome), "{outcome}");
    assert_eq!(row.text("merged_version").is_empty(), outcome != "merged");
    assert_eq!(row.count("merge_count") > 0, outcome == "merged");
    let cut = outcome.strip_prefix("dropped_").unwrap_or_default();
    assert_eq!(row.text("cut_phase"), cut);
    let sum = |columns: &[&str]| -> u64 { columns.iter().map(|c| row.count(c)).sum() };
    let (bytes, flops) = (
        sum(&["down_bytes", "up_bytes"]),
        sum(&["train_flops", "distill_flops", "infer_flops"]),
    );
    let wasted = (row.count("wasted_bytes"), row.count("wasted_flops"));
    match outcome {
        "merged" | "unfinished" => assert_eq!(wasted, (0, 0), "{outcome}"),
        _ => assert_eq!(wasted, (bytes, flops), "{outcome}"),
    }
    if outcome == "merged" {
        let merged = row.count("merged_version");
        assert_eq!(
            row.count("staleness_versions"),
            merged - row.count("start_version") - 1
        );
    }
}

fn time_runs_forwards(row: Row<'_>, run_end: u64) {
    let (selected, end) = (row.nanos("selected_s"), row.nanos("end_s"));
    assert!(selected <= end && end <= run_end);
    assert_eq!(row.nanos("duration_s"), end - selected);
    let mut now = selected;
    for (start, completed) in phases(row) {
        assert!(now <= start && start <= end, "a phase begins at its time");
        now = completed.unwrap_or(end);
        assert!(start <= now && now <= end, "a phase ends at its time");
    }
}

/// When each client was away, as a trace's events tell.
fn absences(tables: &Tables) -> BTreeMap<String, Vec<(u64, u64)>> {
    let mut absences: BTreeMap<String, Vec<(u64, u64)>> = BTreeMap::new();
    if !tables.names().contains(&"events") {
        return absences;
    }
    let run_end = tables.run().nanos("end_s");
    for event in tables.rows("events") {
        let of_client = absences.entry(event.text("actor").to_owned()).or_default();
        match event.text("event") {
            "offline" => of_client.push((event.nanos("sim_s"), run_end)),
            "online" => of_client.last_mut().expect("it was away").1 = event.nanos("sim_s"),
            _ => {}
        }
    }
    absences
}

/// Bytes and energy of a participation are those of its transfers and its computation, which
/// stands still while its client is away, where that is known.
fn costs_what_its_parts_cost(row: Row<'_>, transfers: &[Row<'_>], away: Option<&[(u64, u64)]>) {
    let bytes: u64 = transfers
        .iter()
        .map(|transfer| transfer.count("bytes"))
        .sum();
    assert_eq!(row.count("down_bytes") + row.count("up_bytes"), bytes);
    let Some(away) = away else { return };
    let length = |transfer: &Row<'_>| transfer.nanos("end_s") - transfer.nanos("start_s");
    let (sent, received): (Vec<_>, Vec<_>) = transfers
        .iter()
        .partition(|transfer| transfer.text("from") == row.text("client_id"));
    let sending: u64 = sent.into_iter().map(length).sum();
    let receiving: u64 = received.into_iter().map(length).sum();
    let computing = row.nanos_if("compute_start_s").map_or(0, |start| {
        let end = row.nanos_if("compute_end_s");
        let end = end.unwrap_or_else(|| row.nanos("end_s"));
        let apart = |(from, until): &(u64, u64)| end.min(*until).saturating_sub(start.max(*from));
        end - start - away.iter().map(apart).sum::<u64>()
    });
    let expected = (TRANSMIT_WATTS * sending as f64
        + RECEIVE_WATTS * receiving as f64
        + BUSY_WATTS * computing as f64)
        / 1e9;
    let joules = row.number("energy_joules");
    assert!(joules >= 0.0);
    assert!(
        (joules - expected).abs() <= 1e-9 * expected,
        "{joules} J, expected {expected} J"
    );
}

fn participations_hold(tables: &Tables) {
    let scenario = String::from_utf8_lossy(&tables.bytes()["scenario.toml"]);
    let resumes = scenario.contains("on_return = \"resume\"");
    let run_end = tables.run().nanos("end_s");
    let mut transfers: BTreeMap<u64, Vec<Row<'_>>> = BTreeMap::new();
    for transfer in tables.rows("transfers") {
        // What was sent is what was received and what was lost.
        let received = transfer.count("bytes") - transfer.count("lost_bytes");
        let size = transfer.count("size_bytes");
        assert!(if transfer.text("outcome") == "delivered" {
            received == size
        } else {
            received <= size
        });
        assert!(transfer.nanos("start_s") <= transfer.nanos("end_s"));
        let of = transfers.entry(transfer.count("participation_id"));
        of.or_default().push(transfer);
    }
    let away = absences(tables);
    let away_is_known = !resumes || tables.names().contains(&"events");
    let mut last_selected = 0;
    for (id, row) in (0..).zip(tables.rows("participations")) {
        assert_eq!(row.count("participation_id"), id);
        ends_in_one_documented_way(row);
        time_runs_forwards(row, run_end);
        let of_client = away.get(row.text("client_id"));
        let of_client = away_is_known.then(|| of_client.map(Vec::as_slice).unwrap_or_default());
        costs_what_its_parts_cost(row, &transfers.remove(&id).unwrap_or_default(), of_client);
        assert!(last_selected <= row.nanos("selected_s"));
        last_selected = row.nanos("selected_s");
    }
    assert!(
        transfers.is_empty(),
        "a transfer belongs to a participation"
    );
}

fn clients_hold(tables: &Tables) {
    let run = tables.run();
    let sums = ["down_bytes", "up_bytes", "n_selected", "n_merged"];
    let mut total = [0; 4];
    for client in tables.rows("clients") {
        let spent: u64 = STATES.iter().map(|(state, _)| client.nanos(state)).sum();
        assert_eq!(spent, run.nanos("end_s"), "{}", client.text("client_id"));
        let own: Vec<Row<'_>> = tables
            .rows("participations")
            .filter(|row| row.text("client_id") == client.text("client_id"))
            .collect();
        let sum = |column: &str| own.iter().map(|row| row.count(column)).sum::<u64>();
        // What participations drew is what was drawn in the states of work.
        let drawn: f64 = own.iter().map(|row| row.number("energy_joules")).sum();
        let working = STATES[1..4].iter().map(|(state, power)| {
            let watts = power.map_or(0.0, |power| client.number(power));
            watts * client.nanos(state) as f64 / 1e9
        });
        let working: f64 = working.sum();
        assert!(
            (drawn - working).abs() <= 1e-9 * working,
            "{drawn} J, not {working} J"
        );
        let merged = own
            .iter()
            .filter(|row| row.text("outcome") == "merged")
            .count() as u64;
        let expected = [sum("down_bytes"), sum("up_bytes"), own.len() as u64, merged];
        assert_eq!(sums.map(|column| client.count(column)), expected);
        let flops = sum("train_flops") + sum("distill_flops") + sum("infer_flops");
        assert_eq!(client.count("client_flops"), flops);
        for (total, part) in total.iter_mut().zip(expected) {
            *total += part;
        }
        // A client works for one version at a time.
        for pair in own.windows(2) {
            assert!(pair[0].nanos("end_s") <= pair[1].nanos("selected_s"));
        }
    }
    let [down, up, participations, _] = total;
    let told = ["down_bytes", "up_bytes", "n_participations"].map(|column| run.count(column));
    assert_eq!(told, [down, up, participations]);
}

/// Energy is the time in each state times the draw there: from `clients.csv` alone.
fn energy_holds(tables: &Tables) {
    let near = |found: f64, expected: f64, whose: &str| {
        let off = (found - expected).abs();
        assert!(
            off <= 1e-9 * expected,
            "{whose}: {found} J, not {expected} J"
        );
    };
    let mut total = 0.0;
    for client in tables.rows("clients") {
        let drawn = STATES.iter().map(|(state, power)| {
            let watts = power.map_or(0.0, |power| client.number(power));
            watts * client.nanos(state) as f64 / 1e9
        });
        let joules = client.number("energy_joules");
        near(joules, drawn.sum(), client.text("client_id"));
        total += joules;
    }
    near(
        tables.run().number("client_energy_joules"),
        total,
        "all clients",
    );
}

/// What a link has carried is what was sent over it, to the byte.
fn links_hold(tables: &Tables) {
    let end = tables.run().nanos("end_s");
    let mut carried: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    // The node of everyone, as the access links say it.
    let mut nodes: BTreeMap<&str, &str> = BTreeMap::new();
    for link in tables.rows("links") {
        let (name, direction) = (link.text("link"), link.text("direction"));
        let bytes = link.count("bytes");
        carried.insert((name, direction), bytes);
        if direction == "up" {
            assert_eq!(link.text("from"), name);
            nodes.insert(name, link.text("to"));
        }
        // A flow's last byte and its whole nanosecond are rounded.
        let busy = link.nanos("busy_s");
        let most = link.number("bandwidth_bps") / 8.0 * (busy as f64 / 1e9) + 1.0;
        assert!(busy <= end && bytes as f64 <= most * (1.0 + 1e-9), "{name}");
        // Empty where the link could carry nothing: a run without length, or a link always down.
        if !link.text("mean_use").is_empty() {
            assert!(link.number("mean_use") <= 1.0 + 1e-9, "{name}");
        }
    }
    let mut expected: BTreeMap<(String, &str), u64> = BTreeMap::new();
    for transfer in tables.rows("transfers") {
        let (from, to) = (transfer.text("from"), transfer.text("to"));
        let bytes = transfer.count("bytes");
        *expected.entry((from.to_owned(), "up")).or_default() += bytes;
        *expected.entry((to.to_owned(), "down")).or_default() += bytes;
        let limiting = transfer.text("limiting_link");
        let known = limiting.rsplit_once('/');
        assert!(limiting.is_empty() || known.is_some_and(|link| carried.contains_key(&link)));
        // Between the root of a tree and an edge node is the one link between them.
        for (edge, root, direction) in [(to, from, "forward"), (from, to, "backward")] {
            if nodes[root] == "root" && nodes[edge].starts_with("edge-") {
                let link = format!("root--{}", nodes[edge]);
                *expected.entry((link, direction)).or_default() += bytes;
            }
        }
        // Along a line n0 .. n3 every link between the two nodes is crossed once.
        let place = |host: &str| -> Option<u32> { nodes[host].strip_prefix('n')?.parse().ok() };
        if let (Some(from), Some(to)) = (place(from), place(to)) {
            let (low, high) = (from.min(to), from.max(to));
            let direction = if from < to { "forward" } else { "backward" };
            for node in low..high {
                let link = format!("n{node}--n{}", node + 1);
                *expected.entry((link, direction)).or_default() += bytes;
            }
        }
    }
    for ((link, direction), bytes) in carried {
        // The routes of the sites are left to other tests.
        if !link.contains("site-") {
            let expected = expected.get(&(link.to_owned(), direction));
            assert_eq!(bytes, expected.copied().unwrap_or(0), "{link} {direction}");
        }
    }
}

fn versions_hold(tables: &Tables) {
    let run_end = tables.run().nanos("end_s");
    let (mut number, mut now) = (0, 0);
    for version in tables.rows("versions") {
        number += 1;
        assert_eq!(version.count("version"), number, "the counter never skips");
        let (open, close) = (version.nanos("open_s"), version.nanos("close_s"));
        assert!(now <= close && open <= close && close <= run_end);
        now = close;
        let merged: Vec<Row<'_>> = tables
            .rows("participations")
            .filter(|row| row.count_if("merged_version") == Some(number))
            .collect();
        assert_eq!(version.count("n_merged"), merged.len() as u64);
        let failed = version.text("close_reason") == "failed";
        assert_eq!(
            failed,
            merged.is_empty(),
            "what nothing was folded into has failed"
        );
        let staleness = merged.iter().map(|row| row.count("staleness_versions"));
        assert_eq!(version.count("max_staleness"), staleness.max().unwrap_or(0));
        for row in merged {
            // Folded when it had arrived, at the instant of publication.
            let waited = row.nanos_if("wait_s").unwrap_or(close - row.nanos("end_s"));
            assert_eq!(row.nanos("end_s") + waited, close);
        }
    }
    let mut instants = tables.rows("evaluations").map(|row| row.nanos("sim_s"));
    assert!(
        instants.by_ref().is_sorted(),
        "evaluations in order of time"
    );
    assert!(
        tables
            .rows("evaluations")
            .all(|row| row.nanos("sim_s") <= run_end)
    );
}

fn cells_are_described_and_finite(tables: &Tables) {
    let package = tables.package();
    let resources = package["resources"].as_array().expect("a list");
    let told: Vec<&str> = resources
        .iter()
        .filter_map(|table| table["name"].as_str())
        .collect();
    let mut expected = told.clone();
    expected.sort_unstable();
    assert_eq!(expected, tables.names(), "every table is told once");
    for (name, resource) in told.iter().zip(resources) {
        let table = tables.table(name);
        let fields = resource["schema"]["fields"].as_array().expect("a list");
        let columns: Vec<&str> = fields
            .iter()
            .filter_map(|field| field["name"].as_str())
            .collect();
        assert_eq!(columns, table.columns, "{name}");
        for row in table.rows() {
            for (field, cell) in fields.iter().zip(row.cells) {
                let (column, kind) = (&field["name"], field["type"].as_str());
                let required = field["constraints"]["required"] == true;
                assert!(!(required && cell.is_empty()), "{name}: {column} is empty");
                let right = cell.is_empty()
                    || match kind {
                        Some("number") => cell.parse::<f64>().is_ok_and(f64::is_finite),
                        Some("integer") => cell.parse::<u64>().is_ok(),
                        Some("boolean") => cell == "true" || cell == "false",
                        _ => true,
                    };
                assert!(right, "{name}: {column} holds {cell}, no {kind:?}");
            }
        }
        let key = resource["schema"]["primaryKey"].as_array().expect("a key");
        let key: Vec<&str> = key.iter().filter_map(|column| column.as_str()).collect();
        let cells = |row: Row<'_>| {
            key.iter()
                .map(|c| row.text(c).to_owned())
                .collect::<Vec<_>>()
        };
        let keys: std::collections::BTreeSet<_> = table.rows().map(cells).collect();
        assert_eq!(keys.len(), table.len(), "{name}: two rows of one key");
        assert!(
            keys.iter().flatten().all(|cell| !cell.is_empty()),
            "{name}: an empty key"
        );
    }
}

/// Claims what must hold of every run, and of its trace where it has one.
pub fn run_holds(tables: &Tables) {
    participations_hold(tables);
    clients_hold(tables);
    energy_holds(tables);
    links_hold(tables);
    versions_hold(tables);
    cells_are_described_and_finite(tables);
    if tables.names().contains(&"events") {
        trace_holds(tables);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_nothing_is_counted_twice_and_time_runs_forwards(
        scenario in scenario(),
        sites in sites(),
    ) {
        let desk = Desk::new();
        desk.file("sites.csv", &sites);
        run_holds(&desk.run(&scenario, "out", &["--trace"]));
    }
}
