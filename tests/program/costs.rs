//! Bytes, FLOPs and seconds against figures worked out by hand.
//!
//! The model is `mlp-32-16` on digits (64 features, 10 classes): dense layers 64→32,
//! 32→16 and 16→10.
//!
//! Parameters: 64·32 + 32 + 32·16 + 16 + 16·10 + 10 = 2080 + 528 + 170 = 2778.
//!
//! Forward FLOPs of a sample, a multiply-add being 2, plus 1 an output for the bias and 1
//! for the ReLU of hidden layers: 2·64·32 + 2·32 + 2·32·16 + 2·16 + 2·16·10 + 10
//! = 4160 + 1056 + 330 = 5546. Backward is twice that, so training costs 16 638 a sample.

use crate::desk::Desk;
use crate::tables::{Row, Tables};

const PARAMETERS: u64 = 2778;
const FORWARD: u64 = 5546;
const TRAIN: u64 = 16_638;
/// In front of the values of every parcel.
const HEADER: u64 = 32;
const CLASSES: u64 = 10;
const PUBLIC: u64 = 120;

/// Two sites whose links never meet a rival on the server's.
const SITES: &str = r#"
name = "sites"

[data]
source = "digits"
test = 360
public = 120

[[clients]]
name = "site"
count = 2
model = "mlp-32-16"
device = { speed = "37 MFLOP/s" }
link = { up = "3 Mbps", down = "7 Mbps", latency = "13 ms" }

[server]
latency = "4 ms"

[method]
preset = "PRESET"

[stop]
versions = 3
"#;

fn run(preset: &str, more: &[&str]) -> Tables {
    let scenario = SITES.replace("PRESET", preset);
    Desk::new().run(&scenario, "out", more)
}

/// What every participation cost, told by its start version.
fn each(tables: &Tables, mut claim: impl FnMut(u64, Row<'_>)) {
    assert_eq!(
        tables.table("participations").len(),
        6,
        "two sites, three versions"
    );
    for participation in tables.rows("participations") {
        assert_eq!(participation.text("outcome"), "merged");
        claim(participation.count("start_version"), participation);
    }
}

fn assert_bytes(participation: Row<'_>, down: u64, up: u64) {
    let found = ["down_bytes", "up_bytes"].map(|column| participation.count(column));
    assert_eq!(found, [down, up]);
}

/// FLOPs of training, distillation and inference.
fn assert_flops(participation: Row<'_>, expected: [u64; 3]) {
    let columns = ["train_flops", "distill_flops", "infer_flops"];
    assert_eq!(columns.map(|column| participation.count(column)), expected);
}

/// Own samples of a site: 1797 − 360 − 120 = 1317 over two sites are 659 and 658; a fifth
/// is held out, 132 each, and 527 and 526 are left.
fn own_samples(participation: Row<'_>) -> u64 {
    let samples = participation.count("n_samples");
    assert!([526, 527].contains(&samples), "{samples}");
    samples
}

#[test]
fn fedavg_sends_its_parameters_both_ways_and_trains_five_epochs() {
    let tables = run("fedavg", &[]);
    for client in tables.rows("clients") {
        assert_eq!(client.count("n_parameters"), PARAMETERS);
    }
    each(&tables, |_, participation| {
        let bytes = 4 * PARAMETERS + HEADER;
        assert_eq!(bytes, 11_144);
        assert_bytes(participation, bytes, bytes);
        let samples = own_samples(participation);
        assert_flops(participation, [5 * samples * TRAIN, 0, 0]);
        // Batches of 10: 53 a pass, the last one not full.
        assert_eq!(participation.count("local_steps"), 5 * 53);
    });
    // Two models times 2778 parameters, a multiply and an add each.
    for version in tables.rows("versions") {
        assert_eq!(version.count("server_flops"), 2 * 2 * PARAMETERS);
    }
}

#[test]
fn fedmd_sends_logits_of_every_public_sample_once_there_is_a_consensus() {
    let tables = run("fedmd", &[]);
    each(&tables, |start_version, participation| {
        let logits = 4 * PUBLIC * CLASSES + HEADER;
        assert_eq!(logits, 4832);
        let (down, digest) = match start_version {
            0 => (HEADER, 0),
            _ => (logits, PUBLIC * TRAIN),
        };
        assert_bytes(participation, down, logits);
        let samples = own_samples(participation);
        assert_flops(
            participation,
            [2 * samples * TRAIN, digest, PUBLIC * FORWARD],
        );
        // Two passes in batches of 5 (106 each), and one over the public samples in
        // batches of 120/8 = 15.
        let digested = if start_version == 0 { 0 } else { 8 };
        assert_eq!(participation.count("local_steps"), 2 * 106 + digested);
    });
}

#[test]
fn fd_sends_a_row_a_class() {
    let tables = run("fd", &[]);
    each(&tables, |start_version, participation| {
        let rows = 4 * CLASSES * CLASSES + HEADER;
        assert_eq!(rows, 432);
        let down = if start_version == 0 { HEADER } else { rows };
        assert_bytes(participation, down, rows);
        let samples = own_samples(participation);
        assert_flops(participation, [samples * TRAIN, 0, 0]);
    });
}

#[test]
fn learning_alone_sends_nothing_and_leaves_no_transfer() {
    let tables = run("local-only", &[]);
    each(&tables, |_, participation| {
        assert_bytes(participation, 0, 0);
        let samples = own_samples(participation);
        assert_flops(participation, [samples * TRAIN, 0, 0]);
    });
    assert_eq!(tables.table("transfers").len(), 0);
}

#[test]
fn fd_sends_the_factor_fewer_bytes_than_fedavg_that_the_formulas_predict() {
    let total = |tables: &Tables, column: &str| tables.run().count(column);
    let (fedavg, fd) = (run("fedavg", &[]), run("fd", &[]));
    let up = |tables: &Tables| total(tables, "up_bytes");
    let down = |tables: &Tables| total(tables, "down_bytes");
    // Six participations; of fd's downloads two are a header alone.
    assert_eq!((up(&fedavg), down(&fedavg)), (6 * 11_144, 6 * 11_144));
    assert_eq!((up(&fd), down(&fd)), (6 * 432, 4 * 432 + 2 * 32));
    // Without the headers: |θ| / C² = 27.78.
    let values = |bytes: u64| (bytes - 6 * HEADER) as f64;
    let factor = values(up(&fedavg)) / values(up(&fd));
    assert!((factor - 27.78).abs() < 1e-12, "{factor}");
}

/// Seconds between two cells.
fn between(row: Row<'_>, start: &str, end: &str) -> f64 {
    (row.nanos(end) - row.nanos(start)) as f64 / 1e9
}

fn assert_seconds(found: f64, expected: f64, what: &str) {
    // A completion is rounded once, to a nanosecond.
    assert!(
        (found - expected).abs() <= 1e-9,
        "{what}: {found} s, expected {expected}"
    );
}

#[test]
fn computing_takes_the_flops_at_the_devices_speed() {
    for preset in ["fedavg", "fedmd", "fd", "local-only"] {
        each(&run(preset, &[]), |_, participation| {
            let flops: u64 = ["train_flops", "distill_flops", "infer_flops"]
                .map(|column| participation.count(column))
                .iter()
                .sum();
            let found = between(participation, "compute_start_s", "compute_end_s");
            assert_seconds(found, flops as f64 / 37e6, preset);
        });
    }
}

#[test]
fn a_transfer_without_rivals_takes_the_latency_and_its_bytes_at_the_narrowest_link() {
    for preset in ["fedavg", "fedmd", "fd"] {
        each(&run(preset, &[]), |_, participation| {
            // 13 ms at the site and 4 ms at the server.
            let seconds = |bytes: u64, bandwidth: f64| 0.017 + bytes as f64 * 8.0 / bandwidth;
            let down = between(participation, "download_start_s", "download_end_s");
            assert_seconds(
                down,
                seconds(participation.count("down_bytes"), 7e6),
                "down",
            );
            let up = between(participation, "upload_start_s", "upload_end_s");
            assert_seconds(up, seconds(participation.count("up_bytes"), 3e6), "up");
        });
    }
}

#[test]
fn two_downloads_share_a_server_that_is_narrower_than_both() {
    let tables = run("fedavg", &["--set", "server.up=1 Mbps"]);
    let first: Vec<_> = tables
        .rows("participations")
        .filter(|participation| participation.count("start_version") == 0)
        .collect();
    assert_eq!(first.len(), 2);
    for participation in first {
        // Both begin at once and have half of 1 Mbps each.
        let found = between(participation, "download_start_s", "download_end_s");
        assert_seconds(found, 0.017 + 11_144.0 * 8.0 / 0.5e6, "shared");
    }
}
