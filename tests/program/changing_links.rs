//! Links that change, fail and lose, through the whole program.

use crate::desk::{Desk, argument};
use crate::tables::{Table, Tables, assert_same_bytes};
use std::fs::{self, File};

/// Cells of a table in a run of bare transfers, by column.
fn cells(desk: &Desk, out: &str, table: &str, columns: &[&str]) -> Vec<Vec<String>> {
    let run = desk.runs(out).remove(0);
    let table = Table::read(&run.join(format!("{table}.csv")));
    let row = |row: crate::tables::Row<'_>| {
        columns
            .iter()
            .map(|column| row.text(column).to_owned())
            .collect()
    };
    table.rows().map(row).collect()
}

/// A line n0--n1--n2 of 1 MB/s links without latency.
fn bare(network: &str, transfers: &[(&str, &str, &str, &str)]) -> String {
    let mut scenario = format!(
        "name = \"net\"\nseed = 4\n[network]\n\
         topology = {{ kind = \"line\", nodes = 3, bandwidth = \"8 Mbps\", latency = \"0 s\" }}\n\
         {network}\n"
    );
    for (from, to, size, at) in transfers {
        scenario += &format!(
            "[[transfer]]\nfrom = \"{from}\"\nto = \"{to}\"\nsize = \"{size}\"\nat = \"{at}\"\n"
        );
    }
    scenario
}

fn run_bare(desk: &Desk, scenario: &str) {
    let file = desk.file("net.toml", scenario);
    desk.fedstill(&["run", &file, "--out", "out", "--quiet"])
        .well();
}

const TRANSFER: [&str; 5] = ["end_s", "outcome", "attempts", "bytes", "lost_bytes"];

/// Down from 1 s to 1.5 s and from 4 s to 5 s, with a back-off of 1 s and then 2 s.
#[test]
fn a_cut_transfer_is_tried_again_and_given_up() {
    let network = |attempts: u32| {
        format!(
            "failure = {{ kind = \"cut\", attempts = {attempts} }}\n[[network.link]]\n\
             link = \"n0--n1\"\nprofile = {{ kind = \"steps\", steps = [\
             {{ at = \"1 s\", up = false }}, {{ at = \"1.5 s\", up = true }}, \
             {{ at = \"4 s\", up = false }}, {{ at = \"5 s\", up = true }}] }}"
        )
    };
    let transfers = [("n0", "n2", "3 MB", "0 s")];
    for (attempts, expected) in [
        (5, ["9", "delivered", "3", "6000000", "3000000"]),
        (2, ["4", "lost", "2", "3000000", "3000000"]),
    ] {
        let desk = Desk::new();
        run_bare(&desk, &bare(&network(attempts), &transfers));
        assert_eq!(cells(&desk, "out", "transfers", &TRANSFER), [expected]);
        assert_eq!(cells(&desk, "out", "runs", &["status"]), [["completed"]]);
    }
}

/// n0--n1 fails for good at 1 s; n1--n2 has an endless profile.
#[test]
fn a_transfer_that_can_never_end_is_unfinished_and_hangs_nothing() {
    for failure in ["stall", "cut"] {
        let network = format!(
            "failure = \"{failure}\"\n[[network.link]]\nlink = \"n0--n1\"\n\
             profile = {{ kind = \"steps\", steps = [{{ at = \"1 s\", up = false }}] }}\n\
             [[network.link]]\nlink = \"n1--n2\"\nprofile = {{ kind = \"steps\", \
             steps = [{{ at = \"0.5 s\", factor = 0.5 }}], repeat = \"1 s\" }}"
        );
        let desk = Desk::new();
        let transfers = [
            ("n0", "n2", "3 MB", "0 s"),
            ("n1", "n2", "750 kB", "2 s"),
            ("n0", "n1", "1 MB", "3 s"),
        ];
        run_bare(&desk, &bare(&network, &transfers));
        // The mean bandwidth of n1--n2 is 0.75 MB/s.
        let lost = if failure == "cut" { "750000" } else { "0" };
        let expected = [
            ["", "unfinished", "1", "750000", lost],
            ["3", "delivered", "1", "750000", "0"],
            ["", "unfinished", "0", "0", "0"],
        ];
        assert_eq!(
            cells(&desk, "out", "transfers", &TRANSFER),
            expected,
            "{failure}"
        );
        assert_eq!(cells(&desk, "out", "runs", &["status"]), [["stalled"]]);
    }
}

/// Half of 8 Mbit/s for half the time, a quarter of that taken by others: 0.5 · 0.75 + 0.5 · 0.25 MB/s.
#[test]
fn use_is_told_against_the_bandwidth_as_it_was() {
    let network = "[[network.link]]\nlink = \"n0--n1\"\ndirection = \"forward\"\n\
         background = { kind = \"constant\", rate = \"2 Mbps\" }\n\
         profile = { kind = \"steps\", steps = [{ at = \"1 s\", factor = 0.5 }], repeat = \"2 s\" }";
    let desk = Desk::new();
    let transfers = [("n0", "n1", "1 MB", "0 s"), ("n2", "n1", "250 kB", "1.5 s")];
    run_bare(&desk, &bare(network, &transfers));
    let expected = [
        ["2", "delivered", "1", "1000000", "0"],
        ["1.75", "delivered", "1", "250000", "0"],
    ];
    assert_eq!(cells(&desk, "out", "transfers", &TRANSFER), expected);
    let links = cells(
        &desk,
        "out",
        "links",
        &["direction", "mean_use", "peak_use"],
    );
    assert_eq!(links[0], ["forward", "1.0", "1.0"]);
    assert_eq!(links[1], ["backward", "0.0", "0.0"]);
    assert_eq!(links[3], ["backward", "0.125", "1.0"]);
}

/// A trace of more than 100 MB is refused before it is read.
#[test]
fn a_trace_of_100_megabytes_is_taken_for_a_mistake() {
    let desk = Desk::new();
    let file = File::create(desk.path("long.mahi")).expect("a file");
    file.set_len(100_000_001).expect("a sparse file");
    let network = "[[network.link]]\nlink = \"*\"\n\
         profile = { kind = \"mahimahi\", file = \"long.mahi\" }";
    let scenario = bare(network, &[("n0", "n1", "1 MB", "0 s")]);
    let file = desk.file("net.toml", &scenario);
    let ended = desk.fedstill(&["run", &file, "--out", "out", "--quiet"]);
    assert_eq!(ended.status, Some(2));
    assert_eq!(
        ended.stderr.matches("error:").count(),
        1,
        "{}",
        ended.stderr
    );
    assert!(
        ended.stderr.contains("has 100000001 bytes"),
        "{}",
        ended.stderr
    );
}

/// Two clients with mlp-5 on 4 features and 3 classes: 43 parameters, 204 bytes each way.
fn federation(network: &str, link: &str, more: &str) -> String {
    let group = |name: &str, count: usize, link: &str| {
        format!(
            "[[clients]]\nname = \"{name}\"\ncount = {count}\nmodel = \"mlp-5\"\n\
             device = {{ speed = \"1 MFLOP/s\" }}\n[clients.link]\n{link}\n"
        )
    };
    format!(
        "name = \"sites\"\nseed = 8\n[data]\n\
         source = {{ kind = \"synthetic\", classes = 3, features = 4, samples = 330, \
         separation = 3.0 }}\ntest = 60\npublic = 30\nholdout = 0.0\n{}{}\n\
         [network]\n{network}\n[server]\ndetection_delay = \"7 s\"\n\
         [method]\npreset = \"fedavg\"\n{more}",
        group("sure", 1, "up = \"1 Mbps\"\ndown = \"1 Mbps\""),
        group("shaky", 2, link),
    )
}

/// 125 B/s; up until 1 s, and from 1.5 s to 2.5 s: 125 bytes, and from 2 s another 62.
#[test]
fn a_participation_whose_link_fails_too_often_is_lost_and_the_aggregator_learns_of_it() {
    let link = "up = \"1 kbps\"\ndown = \"1 kbps\"\nprofile.both = { kind = \"steps\", steps = [\
         { at = \"1 s\", up = false }, { at = \"1.5 s\", up = true }, \
         { at = \"2.5 s\", up = false }, { at = \"20 s\", up = true }] }";
    let failure = "failure = { kind = \"cut\", attempts = 2 }";
    let desk = Desk::new();
    let tables: Tables = desk.run(
        &federation(failure, link, "[stop]\nversions = 1\n"),
        "out",
        &[],
    );
    let lost: Vec<_> = tables
        .rows("participations")
        .filter(|row| row.text("outcome") == "lost_link")
        .collect();
    assert_eq!(lost.len(), 2);
    for row in lost {
        assert_eq!(row.text("cut_phase"), "download");
        assert_eq!(row.text("end_s"), "2.5");
        assert_eq!(row.text("down_bytes"), "187");
        assert_eq!(row.text("wasted_bytes"), "187");
    }
    let cut: Vec<_> = tables
        .rows("transfers")
        .filter(|row| row.text("outcome") == "lost")
        .map(|row| {
            (
                row.text("attempts").to_owned(),
                row.text("lost_bytes").to_owned(),
            )
        })
        .collect();
    assert_eq!(cut, vec![("2".to_owned(), "187".to_owned()); 2]);
    let versions: Vec<_> = tables.rows("versions").collect();
    assert_eq!(versions[0].text("close_s"), "9.5");
    assert_eq!(versions[0].text("n_merged"), "1");
}

#[test]
fn a_federation_that_waits_for_a_link_that_failed_for_good_is_stalled() {
    let link = "up = \"1 kbps\"\ndown = \"1 kbps\"\n\
         profile.up = { kind = \"steps\", steps = [{ at = \"1 s\", up = false }] }";
    let more = "[stop]\nversions = 3\n[evaluation]\nevery = \"1 s\"\n";
    let desk = Desk::new();
    let tables = desk.run(&federation("", link, more), "out", &[]);
    assert_eq!(tables.run().text("status"), "stalled");
    let unfinished = tables
        .rows("transfers")
        .filter(|row| row.text("outcome") == "unfinished");
    assert_eq!(unfinished.count(), 2);
}

/// Everything switched on: two threads give the tables of one, and the resolved scenario repeats
/// them with its files beside it.
#[test]
fn links_that_do_everything_give_the_same_tables_again() {
    let desk = Desk::new();
    let stamps: String = (0..400)
        .map(|k| format!("{}\n", 40 * k + k * k % 37))
        .collect();
    desk.file("up.mahi", &stamps);
    desk.file("down.txt", "0 0.5\n3 0\n4.5 2\n9 1\n");
    desk.file(
        "core.csv",
        "time_s,bandwidth,latency,up\n2,200 kbps,20 ms,\n5,,,false\n6.5,,,true\n",
    );
    let link = "up = \"100 kbps\"\ndown = \"100 kbps\"\nlatency = \"30 ms\"\nloss = 0.01\n\
         jitter = { dist = \"exponential\", mean = \"40 ms\" }\n\
         cap = { dist = \"lognormal\", median = \"40 kbps\", sigma = 0.3 }\n\
         outages = { up = \"4 s\", down = \"1 s\" }\n\
         profile.up = { kind = \"mahimahi\", file = \"up.mahi\" }\n\
         profile.down = { kind = \"seconds-mbps\", file = \"down.txt\" }";
    let network = "topology = { kind = \"ring\", nodes = 4, bandwidth = \"300 kbps\", \
         latency = \"5 ms\" }\nfailure = { kind = \"cut\", attempts = 4, resume = true }\n\
         mss = \"1000 B\"\n[[network.link]]\nlink = \"*\"\nloss = 0.001\n\
         background = { kind = \"on-off\", rate = \"150 kbps\", on = \"2 s\", off = \"3 s\" }\n\
         outages = { up = \"10 s\", down = \"2 s\" }\n[[network.link]]\n\
         link = [\"n0--n1\", \"n2--n3\"]\njitter = \"10 ms\"\n\
         profile = { kind = \"csv\", file = \"core.csv\", repeat = \"12 s\" }";
    let scenario = federation(network, link, "[stop]\nversions = 6\n");
    let one = desk.run(&scenario, "one", &["--threads", "1"]);
    let two = desk.run(&scenario, "two", &["--threads", "2"]);
    assert_same_bytes(&one, &two, "with two threads");
    let resolved = argument(&one.directory.join("scenario.toml"));
    desk.fedstill(&["run", &resolved, "--out", "again", "--quiet"])
        .well();
    let again = Tables::read(&desk.runs("again").remove(0));
    assert_same_bytes(&one, &again, "from the resolved scenario");
    // Of a file its content counts: another trace is another run.
    let inputs = one.directory.join("inputs");
    assert_eq!(
        fs::read(inputs.join("up.mahi")).expect("an input"),
        stamps.as_bytes()
    );
    desk.file("up.mahi", &stamps.replace("40\n", "41\n"));
    let other = desk.run(&scenario, "other", &[]);
    assert_ne!(one.run_id(), other.run_id());
    // It mattered: something was cut and sent again.
    let tried: Vec<u32> = one
        .rows("transfers")
        .map(|row| row.text("attempts").parse().expect("a number"))
        .collect();
    assert!(tried.iter().any(|attempts| *attempts > 1), "{tried:?}");
}
