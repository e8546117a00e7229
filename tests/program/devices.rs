//! Devices: what a profile, cores, a background load and noise do to the computations of a run.

use crate::desk::Desk;
use crate::tables::{Row, Tables};

/// Two sites that learn alone: one computation after the other, from the start on.
const SITES: &str = r#"
name = "sites"
seed = 3
stop = { versions = 6 }

[data]
source = "digits"

[[clients]]
name = "site"
count = 2
model = "mlp-16"
device = { speed = "2 MFLOP/s"DEVICE }
link = { up = "1 Mbps", down = "1 Mbps" }
dropout = DROPOUT

[method]
preset = "local-only"
"#;

const SPEED: f64 = 2e6;

fn run(device: &str) -> Tables {
    run_with(device, "\"none\"")
}

fn run_with(device: &str, dropout: &str) -> Tables {
    let scenario = SITES.replace("DEVICE", device).replace("DROPOUT", dropout);
    Desk::new().run(&scenario, "out", &[])
}

/// Begin, end, and FLOPs of a computation.
fn computation(row: Row<'_>) -> (f64, f64, f64) {
    let seconds = |nanos: u64| nanos as f64 / 1e9;
    let start = seconds(row.nanos("compute_start_s"));
    let end = row.nanos_if("compute_end_s");
    let end = seconds(end.unwrap_or_else(|| row.nanos("end_s")));
    let flops = ["train_flops", "distill_flops", "infer_flops"].map(|kind| row.count(kind));
    (start, end, flops.into_iter().sum::<u64>() as f64)
}

fn near(found: f64, expected: f64) {
    // Half a nanosecond at this speed, and a FLOP for the rounding to whole ones.
    let off = (found - expected).abs();
    assert!(off <= 1.0 + 1e-9 * expected, "{found}, not {expected}");
}

/// FLOPs by a time at full speed for 3 s and at a quarter for 2 s, over and over.
fn by_the_time(seconds: f64) -> f64 {
    let (periods, within) = (seconds.div_euclid(5.0), seconds.rem_euclid(5.0));
    SPEED * (3.5 * periods + within.min(3.0) + (within - 3.0).max(0.0) / 4.0)
}

const TIDES: &str =
    ", speed_profile = { steps = [{ at = \"3 s\", factor = 0.25 }], repeat = \"5 s\" }";

#[test]
fn what_is_computed_is_the_integral_of_the_speed() {
    let tables = run(TIDES);
    let (mut last, mut spread) = (0.0, 0.0_f64);
    for row in tables.rows("participations") {
        let (start, end, flops) = computation(row);
        near(by_the_time(end) - by_the_time(start), flops);
        spread = spread.max((end - start - flops / SPEED).abs());
        last = end.max(last);
    }
    assert!(last > 15.0, "three tides at least, not {last} s");
    assert!(spread > 0.5, "the tide is felt, by more than {spread} s");
}

#[test]
fn what_a_cut_computation_had_done_is_the_integral_of_the_speed_too() {
    let tables = run_with(TIDES, "{ kind = \"per-participation\", rate = 0.7 }");
    let mut cut = 0;
    for row in tables.rows("participations") {
        let (start, end, flops) = computation(row);
        near(by_the_time(end) - by_the_time(start), flops);
        cut += u32::from(row.text("outcome") == "dropped_compute");
    }
    assert!(cut >= 4, "only {cut} were cut");
}

#[test]
fn training_takes_the_cores_that_it_can_use_and_the_load_leaves() {
    for (device, cores) in [
        ("", 1.0),
        (", cores = 4", 4.0),
        (", cores = 4, training_cores = 2", 2.0),
        (", load = 1", 0.5),
        (", cores = 4, load = 0.5", 3.5),
        (", cores = 4, training_cores = 2, load = 3", 1.0),
        (
            ", cores = 4, load = { steps = [{ at = \"0 s\", load = 6 }] }",
            4.0 / 7.0,
        ),
    ] {
        let tables = run(device);
        for row in tables.rows("participations") {
            let (start, end, flops) = computation(row);
            near((end - start) * SPEED * cores, flops);
        }
        let training = tables.rows("clients").map(|row| row.number("speed_flops"));
        let alone = if device.contains("training_cores") {
            2.0
        } else if device.contains("cores") {
            4.0
        } else {
            1.0
        };
        assert!(training.into_iter().all(|speed| speed == SPEED * alone));
    }
}

/// What the computations of each client took, over what they take without noise.
fn factors(tables: &Tables, client: &str) -> Vec<f64> {
    let own = tables.rows("participations");
    own.filter(|row| row.text("client_id") == client)
        .map(|row| {
            let (start, end, flops) = computation(row);
            flops / SPEED / (end - start)
        })
        .collect()
}

#[test]
fn noise_is_drawn_anew_for_each_computation_from_the_clients_own_stream() {
    let noise = ", noise = { dist = \"uniform\", low = 0.5, high = 1.0 }";
    let noisy = run(noise);
    let (one, other) = (factors(&noisy, "site-0"), factors(&noisy, "site-1"));
    let all: Vec<f64> = one.iter().chain(&other).copied().collect();
    assert_eq!((one.len(), other.len()), (6, 6));
    assert!(
        all.iter().all(|factor| (0.499..1.001).contains(factor)),
        "{all:?}"
    );
    let different: std::collections::BTreeSet<u64> = all.iter().map(|f| f.to_bits()).collect();
    assert_eq!(different.len(), 12, "{all:?}");
    // On a device of another speed profile the same factors are drawn.
    let slower = run(&format!(
        "{noise}, speed_profile = {{ steps = [{{ at = \"0 s\", factor = 0.5 }}] }}"
    ));
    for (found, expected) in factors(&slower, "site-1").into_iter().zip(&other) {
        assert!(
            (found - expected / 2.0).abs() < 1e-6,
            "{found}, not half of {expected}"
        );
    }
}

#[test]
fn a_resolved_scenario_keeps_what_its_device_does() {
    let device = format!(
        "{TIDES}, cores = 3, training_cores = 2, load = 0.5, noise = {{ dist = \"normal\", mean = 1.0, sd = 0.1 }}"
    );
    let desk = Desk::new();
    let scenario = SITES
        .replace("DEVICE", &device)
        .replace("DROPOUT", "\"none\"");
    let first = desk.run(&scenario, "first", &[]);
    let resolved = std::fs::read_to_string(first.directory.join("scenario.toml"));
    let again = desk.run(&resolved.expect("a resolved scenario"), "again", &[]);
    crate::tables::assert_same_bytes(&first, &again, "a resolved scenario repeats its run");
}

/// A fleet of a thousand that draws its devices; nobody learns for long.
const FLEET: &str = r#"
name = "fleet"
seed = 4
stop = { versions = 1 }

[data]
source = { kind = "synthetic", classes = 2, features = 2, samples = 2100, separation = 2.0 }
test = 10

[[clients]]
name = "phone"
count = 1000
model = "logistic"
device = DEVICE
link = { up = "1 Mbps", down = "1 Mbps" }

[method]
preset = "local-only"
"#;

fn fleet(device: &str) -> Tables {
    Desk::new().run(&FLEET.replace("DEVICE", device), "out", &[])
}

const MIX: &str = "{ memory = \"1 GB\", mix = [\
    { class = \"phone-low\", weight = 3 }, \
    { class = \"phone-high\", memory = \"3 GB\" }, \
    { name = \"own\", speed = \"1 GFLOP/s\", weight = 0 }] }";

#[test]
fn each_client_draws_its_device_by_weight_and_keeps_it_when_others_change() {
    let tables = fleet(MIX);
    let mut high = 0;
    for client in tables.rows("clients") {
        match client.text("device") {
            "phone-low" => {
                // Of two cores; what stands beside the mix holds for every device in it.
                assert_eq!(client.number("speed_flops"), 2.0 * 1.1e9);
                assert_eq!(client.count("memory_bytes"), 1_000_000_000);
            }
            "phone-high" => {
                assert_eq!(client.number("speed_flops"), 4.0 * 5e9);
                assert_eq!(client.count("memory_bytes"), 3_000_000_000);
                high += 1;
            }
            other => panic!("{other} has weight 0"),
        }
    }
    // Four standard deviations of the binomial with n = 1000 and p = 1/4.
    assert!(
        (f64::from(high) - 250.0).abs() < 4.0 * (1000.0 * 0.25 * 0.75_f64).sqrt(),
        "{high}"
    );
    // Another figure of one class changes nobody's class.
    let other = fleet(&MIX.replace("3 GB", "2 GB"));
    let classes = |tables: &Tables| -> Vec<String> {
        let clients = tables.rows("clients");
        clients
            .map(|client| client.text("device").to_owned())
            .collect()
    };
    assert_eq!(classes(&tables), classes(&other));
}

#[test]
fn a_resolved_scenario_holds_the_figures_of_its_classes() {
    let desk = Desk::new();
    let scenario = FLEET
        .replace("DEVICE", MIX)
        .replace("count = 1000", "count = 10");
    let first = desk.run(&scenario, "first", &[]);
    let resolved = std::fs::read_to_string(first.directory.join("scenario.toml"));
    let resolved = resolved.expect("a resolved scenario");
    assert!(!resolved.contains("class = "), "{resolved}");
    assert!(resolved.contains("\"1.1 GFLOP/s\""), "{resolved}");
    let again = desk.run(&resolved, "again", &[]);
    crate::tables::assert_same_bytes(&first, &again, "a resolved scenario repeats its run");
}

#[test]
fn own_keys_win_over_the_class_and_a_name_alone_replaces_everything() {
    let board = |device: &str, more: &[&str]| {
        let scenario = FLEET
            .replace("DEVICE", device)
            .replace("count = 1000", "count = 1");
        let tables = Desk::new().run(&scenario, "out", more);
        let client = tables.rows("clients").next().expect("one client");
        (
            client.text("device").to_owned(),
            client.count("cores"),
            client.text("memory_bytes").to_owned(),
            client.number("power_busy_watts"),
        )
    };
    let four = |memory: &str, busy: f64| ("raspberry-pi-4".to_owned(), 4, memory.to_owned(), busy);
    assert_eq!(board("\"raspberry-pi-4\"", &[]), four("4000000000", 7.2));
    let own = "{ class = \"raspberry-pi-4\", memory = \"2 GB\", power = { busy = \"6 W\" } }";
    assert_eq!(board(own, &[]), four("2000000000", 6.0));
    let set = ["--set", "clients.0.device=raspberry-pi-4"];
    assert_eq!(
        board("{ speed = \"1 GFLOP/s\", memory = \"1 MB\" }", &set),
        four("4000000000", 7.2)
    );
    let part = ["--set", "clients.0.device.memory=2 GB"];
    assert_eq!(board("\"raspberry-pi-4\"", &part), four("2000000000", 7.2));
}

#[test]
fn the_library_is_listed_and_each_class_explained() {
    let list = crate::desk::fedstill(&["devices"]).well().stdout;
    assert!(list.lines().count() > 10, "{list}");
    for class in ["microcontroller", "phone-low", "cloud-gpu"] {
        assert!(list.contains(class), "{list}");
        let one = crate::desk::fedstill(&["devices", class]).well().stdout;
        assert!(
            one.contains("[device.power]") && one.contains("# "),
            "{one}"
        );
    }
    let unknown = crate::desk::fedstill(&["devices", "abacus"]);
    assert_eq!(unknown.status, Some(2));
    assert!(
        unknown.stderr.contains("known: microcontroller"),
        "{}",
        unknown.stderr
    );
}
