//! Clients and the server in topologies of every kind: where they stand, which way their bytes go,
//! and how long that takes by hand.

use crate::desk::{Desk, ROOT, argument};
use crate::tables::{Row, Table, Tables, assert_same_bytes, assert_same_rows};

/// Groups of clients that send 32 + 4·3·3 = 68 bytes a version (class logits of three classes).
fn scenario(network: &str, server: &str, groups: &str) -> String {
    format!(
        r#"
name = "placed"
seed = 4
stop = {{ versions = 2 }}
network = {{ {network} }}

[server]
up = "1 Gbps"
down = "1 Gbps"
{server}

[data]
source = {{ kind = "synthetic", classes = 3, features = 4, samples = 330, separation = 3.0 }}
test = 60

[method]
preset = "fd"
{groups}"#
    )
}

fn group(name: &str, count: usize, more: &str) -> String {
    format!(
        "[[clients]]\nname = \"{name}\"\ncount = {count}\nmodel = \"mlp-5\"\n\
         device = {{ speed = \"1 MFLOP/s\" }}\n\
         link = {{ up = \"1 Mbps\", down = \"4 Mbps\", latency = \"20 ms\" }}\n{more}\n"
    )
}

const LINK: &str = "bandwidth = \"800 kbps\", latency = \"10 ms\"";

fn run(scenario: &str) -> Tables {
    Desk::new().run(scenario, "out", &[])
}

/// The node where the access link of each client ends, in the order of clients.
fn nodes(tables: &Tables) -> Vec<String> {
    let rows = tables.rows("links");
    rows.filter(|row| row.text("direction") == "up" && row.text("link") != "server")
        .map(|row| format!("{} {}", row.text("link"), row.text("to")))
        .collect()
}

/// Milliseconds of each transfer: of one client nobody is in the way of another.
fn lengths(tables: &Tables) -> Vec<f64> {
    let rows = tables.rows("transfers");
    rows.map(|row| (row.nanos("end_s") - row.nanos("start_s")) as f64 / 1e6)
        .collect()
}

/// By hand for one client: 20 ms for its own latency and 10 ms a link; then, at the least bandwidth
/// on the way, 800 kbps, 32 bytes down (a client alone has no teacher) and 68 up.
#[test]
fn a_route_goes_up_through_the_topology_and_down() {
    let tiers = format!(
        "tiers = [{{ name = \"region\", fan_out = 2, {LINK} }}, {{ name = \"site\", fan_out = 2, {LINK} }}]"
    );
    for (topology, server, at, links) in [
        (format!("{{ kind = \"tree\", {tiers} }}"), "", "", 2),
        (
            format!("{{ kind = \"tree\", {tiers} }}"),
            "at = \"site-3\"",
            "",
            4,
        ),
        (
            format!("{{ kind = \"tree\", {tiers} }}"),
            "at = \"region-0\"",
            "at = \"site-1\"",
            1,
        ),
        (
            format!("{{ kind = \"ring\", nodes = 6, {LINK} }}"),
            "",
            "at = \"n4\"",
            2,
        ),
        (
            format!("{{ kind = \"line\", nodes = 4, {LINK} }}"),
            "",
            "at = \"n3\"",
            3,
        ),
        (
            format!("{{ kind = \"complete\", nodes = 4, {LINK} }}"),
            "",
            "at = \"n3\"",
            1,
        ),
        (
            format!(
                "{{ kind = \"sites\", sites = 2, hosts = 2, local = {{ {LINK} }}, wide = {{ {LINK} }} }}"
            ),
            "",
            "",
            2,
        ),
        // At a router: the local links of the site are not on the way.
        (
            format!(
                "{{ kind = \"sites\", sites = 2, hosts = 2, local = {{ {LINK} }}, wide = {{ {LINK} }} }}"
            ),
            "",
            "at = \"site-1\"",
            1,
        ),
    ] {
        let tables = run(&scenario(
            &format!("topology = {topology}"),
            server,
            &group("c", 1, at),
        ));
        let latency = 20.0 + 10.0 * f64::from(links);
        let of = |bytes: f64| latency + bytes * 8.0 / 800.0;
        let expected = [of(32.0), of(68.0), of(32.0), of(68.0)];
        assert_eq!(lengths(&tables), expected, "{topology} {server} {at}");
        let crossed = tables.rows("links").filter(|row| row.count("bytes") > 0);
        // Both directions of the links on the way, of the client's own and of the server's.
        assert_eq!(crossed.count(), 2 * (links as usize + 2), "{topology}");
    }
}

/// At the server's own node nothing of the topology is crossed: 32 bytes down at 4 Mbps take
/// 0.064 ms, 68 up at 1 Mbps 0.544 ms.
#[test]
fn a_client_at_the_servers_node_meets_the_server_there() {
    let network = format!("topology = {{ kind = \"line\", nodes = 4, {LINK} }}");
    let tables = run(&scenario(
        &network,
        "at = \"n2\"",
        &group("c", 1, "at = \"n2\""),
    ));
    assert_eq!(lengths(&tables), [20.064, 20.544, 20.064, 20.544]);
}

#[test]
fn clients_take_the_edge_nodes_in_turn_and_groups_the_nodes_that_they_name() {
    let network = format!("topology = {{ kind = \"ring\", nodes = 3, {LINK} }}");
    let named = group("a", 4, "at = [\"n2\", \"n0\"]");
    let tables = run(&scenario(&network, "", &(named + &group("b", 3, ""))));
    // Those that do not say are counted with all clients: b-0 is the fifth.
    let expected = [
        "a-0 n2", "a-1 n0", "a-2 n2", "a-3 n0", "b-0 n1", "b-1 n2", "b-2 n0",
    ];
    assert_eq!(nodes(&tables), expected);
    // Nodes that a group names are taken in turn by its own clients, whoever comes before.
    let behind = group("a", 3, "") + &group("b", 3, "at = [\"n2\", \"n0\"]");
    let tables = run(&scenario(&network, "", &behind));
    let expected = ["a-0 n0", "a-1 n1", "a-2 n2", "b-0 n2", "b-1 n0", "b-2 n2"];
    assert_eq!(nodes(&tables), expected);
    let tables = run(&scenario(
        &network,
        "",
        &(group("a", 4, "") + &group("b", 3, "")),
    ));
    let expected = [
        "a-0 n0", "a-1 n1", "a-2 n2", "a-3 n0", "b-0 n1", "b-1 n2", "b-2 n0",
    ];
    assert_eq!(nodes(&tables), expected);
}

/// Two clients behind one link of 800 kbps: both upload 68 bytes at once and take twice as long;
/// the link that holds them up is named as `links.csv` names it.
#[test]
fn clients_behind_one_link_share_it() {
    let network = format!("topology = {{ kind = \"line\", nodes = 2, {LINK} }}");
    let tables = run(&scenario(&network, "", &group("c", 2, "at = \"n1\"")));
    let uploads: Vec<_> = tables
        .rows("transfers")
        .filter(|row| row.text("to") == "server")
        .collect();
    assert_eq!(uploads.len(), 4);
    for upload in uploads {
        let length = upload.nanos("end_s") - upload.nanos("start_s");
        assert_eq!(length, 30_000_000 + 2 * 680_000);
        assert_eq!(upload.text("limiting_link"), "n0--n1/backward");
    }
    let shared = tables
        .rows("links")
        .find(|row| row.text("link") == "n0--n1" && row.text("direction") == "backward");
    let shared = shared.expect("the link has a row");
    assert_eq!((shared.text("from"), shared.text("to")), ("n1", "n0"));
    assert_eq!(shared.count("bytes"), 4 * 68);
    assert_eq!(shared.nanos("busy_s"), 2 * 2 * 680_000);
}

/// A topology drawn by chance is the same for the run that its resolved scenario repeats, and
/// another one in another replication.
#[test]
fn federations_over_drawn_topologies_and_files_are_repeated_by_their_resolved_scenarios() {
    let desk = Desk::new();
    desk.file(
        "edges.csv",
        "from,to,bandwidth,latency,sharing\nhq,a,1 Mbps,5 ms,shared\na,b,2 Mbps,1 ms,split-duplex\nhq,b,1 Mbps,9 ms,fat-pipe\n",
    );
    for (out, topology, at) in [
        (
            "file",
            "{ file = \"edges.csv\" }".to_owned(),
            "at = [\"b\", \"a\"]",
        ),
        (
            "geometric",
            format!("{{ kind = \"geometric\", nodes = 20, radius = 0.4, {LINK} }}"),
            "",
        ),
        (
            "small",
            format!(
                "{{ kind = \"small-world\", nodes = 20, neighbours = 4, rewiring = 0.3, {LINK} }}"
            ),
            "",
        ),
        (
            "free",
            format!("{{ kind = \"scale-free\", nodes = 20, links_per_node = 2, {LINK} }}"),
            "at = \"n7\"",
        ),
    ] {
        let text = scenario(
            &format!("topology = {topology}, route = \"hops\""),
            "",
            &group("c", 6, at),
        );
        let first = desk.run(&text, out, &[]);
        let resolved = argument(&first.directory.join("scenario.toml"));
        let again = format!("{out}-again");
        desk.fedstill(&["run", &resolved, "--out", &again, "--quiet"])
            .well();
        let second = Tables::read(&desk.runs(&again)[0]);
        assert_same_bytes(&first, &second, out);
    }
}

#[test]
fn a_check_tells_the_time_over_the_topology() {
    let desk = Desk::new();
    let network = format!("topology = {{ kind = \"line\", nodes = 4, {LINK} }}");
    let file = desk.file(
        "x.toml",
        &scenario(&network, "", &group("c", 1, "at = \"n3\"")),
    );
    let ended = desk.fedstill(&["check", "--json", &file]).well();
    let told: serde_json::Value = serde_json::from_str(&ended.stdout).expect("JSON");
    let seconds = told["seconds"][1].as_f64().expect("seconds");
    // Twice 50 ms and 68 bytes at 800 kbps, and the computation.
    let computing = told["flops"][1].as_f64().expect("FLOPs") / 1e6;
    assert!(
        (seconds - computing - 0.10136).abs() < 1e-8,
        "{seconds} {computing}"
    );
}

/// What a scenario of clients carries when transfers are listed beside it.
fn with_transfers(network: &str, groups: &str, transfers: &[(&str, &str, &str)]) -> String {
    let mut text = scenario(network, "latency = \"1 ms\"", groups);
    for (from, to, at) in transfers {
        text.push_str(&format!(
            "[[transfer]]\nfrom = \"{from}\"\nto = \"{to}\"\nsize = \"100 kB\"\nat = \"{at}\"\n"
        ));
    }
    text
}

/// A table of a run of bare transfers, whose directory holds fewer tables than a federation's.
fn table(desk: &Desk, out: &str, name: &str) -> Table {
    let runs = desk.runs(out);
    assert_eq!(runs.len(), 1, "{runs:?}");
    Table::read(&runs[0].join(format!("{name}.csv")))
}

/// By hand: 100 kB take 1 s at 800 kbps, 0.8 s at 1 Mbps and 0.2 s at 4 Mbps; a client adds 20 ms,
/// the server 1 ms, a link 10 ms.
#[test]
fn transfers_beside_clients_go_between_them_the_server_and_nodes() {
    let network = format!("topology = {{ kind = \"line\", nodes = 3, {LINK} }}");
    let text = with_transfers(
        &network,
        &(group("a", 1, "at = \"n2\"") + &group("b", 2, "at = \"n0\"")),
        &[
            ("a-0", "server", "0 s"),
            ("server", "b-1", "10 s"),
            ("a-0", "b-0", "20 s"),
            ("n1", "a-0", "30 s"),
            ("n0", "n2", "40 s"),
            ("b-0", "b-1", "50 s"),
        ],
    );
    let desk = Desk::new();
    let file = desk.file("x.toml", &text);
    let checked = desk.fedstill(&["check", &file]).well().stdout;
    assert!(
        checked.contains("6 transfers") && checked.contains("nothing is learned"),
        "{checked}"
    );
    desk.fedstill(&["run", &file, "--out", "out", "--quiet"])
        .well();
    let transfers = table(&desk, "out", "transfers");
    let ends: Vec<&str> = transfers.rows().map(|row| row.text("end_s")).collect();
    let expected = ["1.041", "10.221", "21.06", "31.03", "41.02", "50.84"];
    assert_eq!(ends, expected);
    let runs = table(&desk, "out", "runs");
    assert_eq!(
        runs.rows().map(|row| row.count("n_clients")).sum::<u64>(),
        3
    );
    let links = table(&desk, "out", "links");
    let up = links
        .rows()
        .find(|row| row.text("link") == "a-0" && row.text("direction") == "up");
    assert_eq!(up.map(|row| row.count("bytes")), Some(200_000));

    let resolved = argument(&desk.runs("out")[0].join("scenario.toml"));
    desk.fedstill(&["run", &resolved, "--out", "again", "--quiet"])
        .well();
    assert_same_rows(&transfers, &table(&desk, "again", "transfers"), "repeated");
    assert_same_rows(&links, &table(&desk, "again", "links"), "repeated");
}

/// Links and devices drawn by chance are those that the federation would have.
#[test]
fn the_network_that_transfers_test_is_the_one_in_which_clients_would_learn() {
    let groups = group("c", 5, "").replace(
        "up = \"1 Mbps\"",
        "up = { dist = \"lognormal\", median = \"1 Mbps\", sigma = 0.8 }",
    );
    let network =
        format!("topology = {{ kind = \"geometric\", nodes = 12, radius = 0.5, {LINK} }}");
    let desk = Desk::new();
    let learning = desk.run(&with_transfers(&network, &groups, &[]), "learning", &[]);
    let text = with_transfers(&network, &groups, &[("c-1", "c-2", "0 s")]);
    let file = desk.file("x.toml", &text);
    desk.fedstill(&["run", &file, "--out", "moving", "--quiet"])
        .well();
    let moving = table(&desk, "moving", "links");
    let drawn = |links: &Table| -> Vec<String> {
        let columns = [
            "link",
            "direction",
            "from",
            "to",
            "bandwidth_bps",
            "latency_s",
        ];
        let row = |row: Row<'_>| columns.map(|column| row.text(column)).join(" ");
        links.rows().map(row).collect()
    };
    assert_eq!(drawn(learning.table("links")), drawn(&moving));
}

/// The 203 nodes of `sim/tests/golden/topologies/` and where NetworkX's shortest ways from the node
/// that they mark as the server's lead: node, latency in microseconds, smallest bandwidth.
fn internet() -> (String, Vec<(String, f64, f64)>) {
    let folder = format!("{ROOT}/sim/tests/golden/topologies/internet-203");
    let table = Table::read(std::path::Path::new(&format!("{folder}.csv")));
    let server = table.rows().next().expect("a row").text("from").to_owned();
    let rows = table.rows().filter(|row| row.text("from") == server);
    let row = |row: Row<'_>| {
        let number = |column| row.number(column);
        (
            row.text("to").to_owned(),
            number("latency_us"),
            number("bandwidth_bps"),
        )
    };
    (folder.clone(), rows.map(row).collect())
}

#[test]
fn clients_in_a_network_of_203_nodes_are_as_far_as_networkx_says() {
    let (folder, ways) = internet();
    for format in ["json", "graphml"] {
        let network = format!("topology = {{ file = \"{folder}.{format}\" }}");
        for (node, latency, bandwidth) in &ways[..3] {
            let group = group("c", 1, &format!("at = \"{node}\""));
            let tables = run(&scenario(&network, "", &group));
            let own = bandwidth.min(1e6);
            let upload = (20e3 + latency) * 1e3 + 68.0 * 8.0 / own * 1e9;
            let found = tables.rows("transfers").nth(1).expect("an upload");
            let length = found.nanos("end_s") - found.nanos("start_s");
            assert_eq!(length, upload.round() as u64, "{format}: {node}");
        }
    }
    // Sixty at the hosts in turn: everyone takes part.
    let network = format!("topology = {{ file = \"{folder}.graphml\" }}");
    let tables = run(&scenario(&network, "", &group("c", 60, "")));
    let merged = tables
        .rows("participations")
        .filter(|row| row.text("outcome") == "merged");
    assert_eq!(merged.count(), 120);
    assert_eq!(
        tables.table("links").len(),
        2 * 61 + {
            let edges = std::fs::read_to_string(format!("{folder}.graphml")).expect("a file");
            let shared = edges.matches(">shared<").count();
            2 * edges.matches("<edge ").count() - shared
        }
    );
}

/// Each bare transfer alone: latency and 1 MB at the smallest bandwidth, to the nanosecond.
#[test]
fn bare_transfers_over_203_nodes_take_as_long_as_networkx_says() {
    let (folder, ways) = internet();
    let desk = Desk::new();
    let server = Table::read(std::path::Path::new(&format!("{folder}.csv")));
    let server = server.rows().next().expect("a row").text("from").to_owned();
    let mut text =
        format!("name = \"net\"\n[network]\ntopology = {{ file = \"{folder}.json\" }}\n");
    for (number, (node, ..)) in ways.iter().enumerate() {
        text.push_str(&format!(
            "[[transfer]]\nfrom = \"{server}\"\nto = \"{node}\"\nsize = \"1 MB\"\nat = \"{number} s\"\n"
        ));
    }
    let file = desk.file("net.toml", &text);
    desk.fedstill(&["run", &file, "--out", "out", "--quiet"])
        .well();
    let transfers = table(&desk, "out", "transfers");
    assert_eq!(transfers.len(), 100);
    for (row, (node, latency, bandwidth)) in transfers.rows().zip(&ways) {
        let length = row.nanos("end_s") - row.nanos("start_s");
        let expected = latency * 1e3 + 8e6 / bandwidth * 1e9;
        assert_eq!(length, expected.round() as u64, "{node}");
    }
}
