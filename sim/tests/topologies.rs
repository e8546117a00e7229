//! Topologies from files and shapes, as a scenario of bare transfers has them.

use fedstill_sim::network::{HostId, Network};
use fedstill_sim::records::NetworkBooks;
use fedstill_sim::scenario::{Overrides, Plan, load};
use fedstill_sim::traffic;
use std::fs;
use std::io::Write as _;
use tempfile::TempDir;

const CSV: &str = "from,to,bandwidth,latency,sharing,weight
a,b,10 Mbps,5 ms,split-duplex,1
b,c,1 Gbps,20 ms,shared,1
a,c,1 Mbps,10 ms,fat-pipe,5
";

const JSON: &str = r#"{"directed": false, "multigraph": false, "graph": {"name": "x"},
"nodes": [{"id": "a"}, {"id": "b"}, {"id": "c"}],
"LINKS": [
{"source": "a", "target": "b", "bandwidth": "10 Mbps", "latency": "5 ms", "sharing": "split-duplex", "weight": 1},
{"source": "b", "target": "c", "bandwidth": "1 Gbps", "latency": "20 ms", "sharing": "shared", "weight": 1},
{"source": "a", "target": "c", "bandwidth": "1 Mbps", "latency": "10 ms", "sharing": "fat-pipe", "weight": 5.0}]}"#;

const GRAPHML: &str = r#"<?xml version='1.0' encoding='utf-8'?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
<key id="d3" for="edge" attr.name="weight" attr.type="long"/>
<key id="d2" for="edge" attr.name="sharing" attr.type="string"/>
<key id="d1" for="edge" attr.name="latency" attr.type="string"/>
<key id="d0" for="edge" attr.name="bandwidth" attr.type="string"/>
<graph edgedefault="undirected">
<node id="a"/><node id="b"/><node id="c"><data key="d9">a &amp; b</data></node>
<edge source="a" target="b"><data key="d0">10 Mbps</data><data key="d1">5 ms</data><data key="d2">split-duplex</data><data key="d3">1</data></edge>
<edge source="b" target="c"><data key="d0">1 Gbps</data><data key="d1">20 ms</data><data key="d2">shared</data><data key="d3">1</data></edge>
<edge source="a" target="c"><data key="d0">1 Mbps</data><data key="d1">10 ms</data><data key="d2"><![CDATA[fat-pipe]]></data><data key="d3">5</data></edge>
</graph></graphml>
"#;

/// A folder with a scenario of one transfer of 1 MB, and a topology file.
fn folder(network: &str, file: &str, text: &str, from: &str, to: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let scenario = format!(
        "name = \"net\"\n[network]\n{network}\n[[transfer]]\nfrom = \"{from}\"\nto = \"{to}\"\n\
         size = \"1 MB\"\nat = \"0.5 s\"\n"
    );
    fs::write(folder.path().join("scenario.toml"), scenario).expect("written");
    fs::write(folder.path().join(file), text).expect("written");
    folder
}

fn plan(folder: &TempDir) -> Plan {
    load(
        &[folder.path().join("scenario.toml")],
        &Overrides::default(),
    )
    .unwrap_or_else(|problems| panic!("{problems}"))
    .remove(0)
}

fn simulated(folder: &TempDir) -> NetworkBooks {
    let Plan::Network(run) = plan(folder) else {
        panic!("no run of a network");
    };
    traffic::run(&run).expect("it can be simulated")
}

fn of_file(file: &str, text: &str, route: &str) -> NetworkBooks {
    let network = format!("topology = {{ file = \"{file}\" }}\nroute = \"{route}\"");
    simulated(&folder(&network, file, text, "a", "c"))
}

#[test]
fn the_three_formats_give_the_same_network() {
    let seen = |file: &str, text: &str| {
        let books = of_file(file, text, "latency");
        let links = books.network.links().map(|link| format!("{link:?}"));
        (links.collect::<Vec<_>>(), books.transfers)
    };
    let csv = seen("x.csv", CSV);
    for key in ["links", "edges"] {
        assert_eq!(csv, seen("x.json", &JSON.replace("LINKS", key)));
    }
    assert_eq!(csv, seen("x.graphml", GRAPHML));
}

/// By hand: 1 MB over 1 Mbps is 8 s after 10 ms; over 10 Mbps it is 0.8 s after 25 ms.
#[test]
fn the_route_is_the_shortest_by_what_the_scenario_says() {
    for (route, end) in [("latency", "8.51"), ("hops", "8.51"), ("weight", "1.325")] {
        let books = of_file("x.csv", CSV, route);
        assert_eq!(books.transfers[0].end.unwrap().to_string(), end, "{route}");
    }
}

#[test]
fn the_name_of_the_file_is_no_part_of_the_run_but_its_content_is() {
    let id = |file: &str, text: &str| {
        let network = format!("topology = {{ file = \"{file}\" }}");
        plan(&folder(&network, file, text, "a", "c"))
            .run_id()
            .to_owned()
    };
    assert_eq!(id("x.csv", CSV), id("y.csv", CSV));
    assert_ne!(
        id("x.csv", CSV),
        id("x.csv", &CSV.replace("20 ms", "21 ms"))
    );
}

#[test]
fn a_resolved_scenario_beside_its_inputs_is_the_same_run() {
    let first = folder("topology = { file = \"x.csv\" }", "x.csv", CSV, "a", "c");
    let Plan::Network(run) = plan(&first) else {
        panic!("no run of a network");
    };
    let again = tempfile::tempdir().expect("a temporary folder");
    fs::create_dir(again.path().join("inputs")).expect("a folder");
    for input in &run.inputs {
        fs::write(again.path().join(&input.path), &*input.content).expect("written");
    }
    fs::write(again.path().join("scenario.toml"), run.resolved_toml()).expect("written");
    assert_eq!(plan(&again).run_id(), run.run_id);
}

#[test]
fn links_without_bandwidth_take_the_scenarios() {
    let plain = r#"{"nodes": [{"id": 1}, {"id": 2}], "links": [{"source": 1, "target": 2}]}"#;
    let network = "topology = { file = \"x.json\", bandwidth = \"8 Mbps\", latency = \"10 ms\" }";
    let books = simulated(&folder(network, "x.json", plain, "1", "2"));
    assert_eq!(books.transfers[0].end.unwrap().to_string(), "1.51");
}

/// The Internet Topology Zoo's files were written through yEd: drawings nested in the data of nodes
/// and edges, a stray quotation mark among the keys, labels for names, and no bandwidths.
#[test]
fn a_drawing_beside_the_links_of_a_graphml_file_is_passed_over() {
    let graphml = r##"<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns" xmlns:y="http://www.yworks.com/xml/graphml">
  <key for="node" id="d50" yfiles.type="nodegraphics"/>
  <key for="edge" id="d51" yfiles.type="edgegraphics"/>"
  <key attr.name="Access" attr.type="boolean" for="graph" id="d5" />
  <key attr.name="label" attr.type="string" for="edge" id="d29" />
  <key attr.name="label" attr.type="string" for="node" id="d28" />
  <graph edgedefault="undirected">
    <data key="d5">False</data>
    <node id="0">
      <data key="d50"><y:ShapeNode><y:Fill color="#FFCC00"/><y:NodeLabel>North</y:NodeLabel></y:ShapeNode></data>
      <data key="d28">North</data>
    </node>
    <node id="1"><data key="d28">South</data></node>
    <node id="2"><data key="d28">Middle</data></node>
    <edge source="0" target="2">
      <data key="d51"><y:PolyLineEdge><y:Arrows source="none" target="none"/></y:PolyLineEdge></data>
    </edge>
    <edge source="1" target="2"><data key="d29">old</data></edge>
  </graph>
</graphml>
"##;
    let network =
        "topology = { file = \"zoo.graphml\", bandwidth = \"10 Mbps\", latency = \"5 ms\" }";
    let books = simulated(&folder(network, "zoo.graphml", graphml, "0", "1"));
    // Sent at 0.5 s; twice 5 ms, and 1 MB at 1.25 MB/s.
    let end = books.transfers[0].end.expect("delivered");
    assert_eq!(end.as_nanos(), 1_310_000_000);
    assert_eq!(books.network.links().count(), 4);
}

#[test]
fn every_kind_of_topology_runs() {
    let link = "bandwidth = \"8 Mbps\", latency = \"10 ms\"";
    for (kind, from, to) in [
        (
            format!(
                "{{ kind = \"tree\", tiers = [{{ name = \"region\", fan_out = 2, {link} }}, {{ fan_out = 3, {link} }}] }}"
            ),
            "root",
            "tier2-5",
        ),
        (
            format!("{{ kind = \"ring\", nodes = 5, {link} }}"),
            "n0",
            "n2",
        ),
        (
            format!("{{ kind = \"line\", nodes = 3, {link} }}"),
            "n0",
            "n2",
        ),
        (
            format!(
                "{{ kind = \"sites\", sites = 2, hosts = 2, local = {{ {link} }}, wide = {{ {link} }} }}"
            ),
            "core",
            "site-1-1",
        ),
    ] {
        let books = simulated(&folder(&format!("topology = {kind}"), "none", "", from, to));
        // Two links of 10 ms, then 1 s of bytes.
        assert_eq!(
            books.transfers[0].end.unwrap().to_string(),
            "1.52",
            "{kind}"
        );
    }
    for kind in [
        format!("{{ kind = \"complete\", nodes = 5, {link} }}"),
        format!("{{ kind = \"geometric\", nodes = 50, radius = 0.4, {link} }}"),
        format!("{{ kind = \"small-world\", nodes = 50, neighbours = 4, rewiring = 0.2, {link} }}"),
        format!("{{ kind = \"scale-free\", nodes = 50, links_per_node = 2, {link} }}"),
    ] {
        let books = simulated(&folder(
            &format!("topology = {kind}"),
            "none",
            "",
            "n1",
            "n4",
        ));
        assert!(
            books.transfers[0].end.unwrap().as_secs_f64() > 1.5,
            "{kind}"
        );
    }
}

/// A sparse file costs nothing to make; were it read, this test would take 300 MB.
#[test]
fn a_hundred_megabytes_of_junk_are_refused_by_their_size() {
    for name in ["x.csv", "x.json", "x.graphml"] {
        let network = format!("topology = {{ file = \"{name}\" }}");
        let folder = folder(&network, name, "<", "a", "b");
        let file = fs::File::create(folder.path().join(name)).expect("a file");
        file.set_len(100_000_000).expect("a long file");
        let problems = load(
            &[folder.path().join("scenario.toml")],
            &Overrides::default(),
        );
        let message = problems.expect_err("junk").to_string();
        assert!(message.contains("100000000 bytes, too many"), "{message}");
    }
}

/// A node that the file marks is where a server stands.
#[test]
fn a_file_says_where_the_server_stands() {
    let json = r#"{"nodes": [{"id": "a"}, {"id": "b", "server": true}, {"id": "c", "server": false}],
        "links": [{"source": "a", "target": "b"}, {"source": "b", "target": "c"}]}"#;
    let graphml = r#"<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
        <key id="d0" for="node" attr.name="server" attr.type="boolean"/>
        <graph edgedefault="undirected"><node id="a"/><node id="b"><data key="d0">True</data></node>
        <node id="c"><data key="d0">False</data></node>
        <edge source="a" target="b"/><edge source="b" target="c"/></graph></graphml>"#;
    for (file, text) in [("x.json", json), ("x.graphml", graphml)] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join(file), text).expect("written");
        let scenario = format!(
            "name = \"net\"\ndata = {{ source = \"digits\" }}\nstop = {{ versions = 1 }}\n\
             network = {{ topology = {{ file = \"{file}\", bandwidth = \"8 Mbps\", latency = \"10 ms\" }} }}\n\
             [[clients]]\nname = \"c\"\ncount = 1\nmodel = \"mlp-5\"\nat = \"a\"\n\
             device = {{ speed = \"1 GFLOP/s\" }}\nlink = {{ up = \"8 Mbps\", down = \"8 Mbps\" }}\n\
             [method]\npreset = \"fedavg\"\n\
             [[transfer]]\nfrom = \"c-0\"\nto = \"server\"\nsize = \"1 MB\"\n"
        );
        fs::write(folder.path().join("scenario.toml"), scenario).expect("written");
        let Plan::Transfers(run) = plan(&folder) else {
            panic!("no run of transfers beside clients");
        };
        let books = fedstill_sim::federation::run_transfers(&run).expect("it can be simulated");
        let end = books.transfers[0].end.expect("it ends");
        assert_eq!(end.to_string(), "1.01", "one link of the file, from a to b");
    }
}

/// 40 MB of text below the limit: one message, short, whatever the format.
#[test]
fn junk_below_the_limit_gets_one_short_message() {
    for file in ["x.csv", "x.json", "x.graphml"] {
        for piece in ["abc,def ", "<a>", "[[[[", "&a;"] {
            let text = piece.repeat(2_000_000 / piece.len());
            let network = format!("topology = {{ file = \"{file}\" }}");
            let folder = folder(&network, file, &text, "a", "b");
            let problems = load(
                &[folder.path().join("scenario.toml")],
                &Overrides::default(),
            );
            let message = problems.expect_err("junk").to_string();
            assert!(message.len() < 1000, "{file} of {piece}: {}", message.len());
            assert_eq!(message.matches("error: ").count(), 1, "{message}");
        }
    }
}

/// What a file that broke off anywhere does: a message or a network, never a panic.
#[test]
fn a_file_that_breaks_off_anywhere_is_no_panic() {
    let json = JSON.replace("LINKS", "links");
    for (file, text) in [("x.csv", CSV), ("x.json", &json), ("x.graphml", GRAPHML)] {
        let network = format!("topology = {{ file = \"{file}\" }}");
        let folder = folder(&network, file, text, "a", "c");
        for end in (0..text.len()).step_by(3) {
            let mut cut = fs::File::create(folder.path().join(file)).expect("a file");
            cut.write_all(&text.as_bytes()[..end]).expect("written");
            drop(cut);
            if let Err(problems) = load(
                &[folder.path().join("scenario.toml")],
                &Overrides::default(),
            ) {
                assert!(problems.to_string().contains("help: "), "{problems}");
            }
        }
    }
}

/// A ring of 203 nodes: every host is reached, the farthest over 101 links.
#[test]
fn routes_in_a_larger_topology_are_found() {
    let kind =
        "topology = { kind = \"ring\", nodes = 203, bandwidth = \"1 Gbps\", latency = \"1 ms\" }";
    let Plan::Network(run) = plan(&folder(kind, "none", "", "n0", "n1")) else {
        panic!("no run of a network");
    };
    let mut network = Network::from_graph(run.scenario.graph().expect("a ring"));
    let longest = (1..203)
        .map(|host| network.route(HostId(0), HostId(host)).expect("a route"))
        .map(|route| route.resources.len())
        .max();
    assert_eq!(longest, Some(101));
}

#[test]
fn a_router_of_a_file_is_passed_and_sends_nothing() {
    let json = r#"{"nodes": [{"id": "a"}, {"id": "b", "router": true}, {"id": "c"}],
        "links": [{"source": "a", "target": "b"}, {"source": "b", "target": "c"}]}"#;
    let graphml = r#"<graphml><key id="d0" for="node" attr.name="router" attr.type="boolean"/>
        <graph edgedefault="undirected">
        <node id="a"/><node id="b"><data key="d0">True</data></node><node id="c"/>
        <edge source="a" target="b"/><edge source="b" target="c"/></graph></graphml>"#;
    for (file, text) in [("x.json", json), ("x.graphml", graphml)] {
        let network = format!(
            "topology = {{ file = \"{file}\", bandwidth = \"8 Mbps\", latency = \"1 s\" }}"
        );
        let books = simulated(&folder(&network, file, text, "a", "c"));
        assert_eq!(books.transfers[0].end.unwrap().to_string(), "3.5", "{file}");
        let from_it = folder(&network, file, text, "b", "c");
        let wrong = load(
            &[from_it.path().join("scenario.toml")],
            &Overrides::default(),
        );
        let wrong = wrong.expect_err("a router sends nothing").to_string();
        assert!(wrong.contains("`b`"), "{file}: {wrong}");
    }
}

/// By hand: 1 MB over 10 Mbps is 0.8 s, after 100 km of fibre 0.49 ms; at 6 us a km 0.6 ms. A link's
/// own latency wins over its length, and its length over the scenario's latency for all.
#[test]
fn the_latency_of_a_link_without_one_is_that_of_its_length() {
    let json = r#"{"nodes": [{"id": 0}, {"id": 1}, {"id": 2}],
        "edges": [{"source": 0, "target": 1, "dist": 100.0},
                  {"source": 1, "target": 2, "dist": 5000, "latency": "1 ms"}]}"#;
    let graphml = r#"<graphml><key id="d7" for="edge" attr.name="dist" attr.type="double"/>
        <graph edgedefault="undirected"><node id="0"/><node id="1"/><node id="2"/>
        <edge source="0" target="1"><data key="d7">100.0</data></edge>
        <edge source="1" target="2"><data key="d7">5000</data><data key="latency">1 ms</data></edge>
        </graph></graphml>"#;
    for (file, text) in [("x.json", json), ("x.graphml", graphml)] {
        let end = |keys: &str, to: &str| {
            let network = format!(
                "topology = {{ file = \"{file}\", bandwidth = \"10 Mbps\", latency = \"30 ms\"{keys} }}"
            );
            let books = simulated(&folder(&network, file, text, "0", to));
            books.transfers[0].end.unwrap().to_string()
        };
        assert_eq!(end(", length = \"dist\"", "1"), "1.30049", "{file}");
        let slower = ", length = \"dist\", latency_per_km = \"6 us\"";
        assert_eq!(end(slower, "1"), "1.3006", "{file}");
        assert_eq!(end(", length = \"dist\"", "2"), "1.30149", "{file}");
        assert_eq!(end("", "1"), "1.33", "{file}");
    }
}
