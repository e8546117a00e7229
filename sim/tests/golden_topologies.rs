//! Routes over the topologies of `golden/topologies/` are those that NetworkX finds, in both formats.

use fedstill_sim::network::{Bandwidth, Network, Route};
use fedstill_sim::scenario::{Overrides, Plan, load};
use std::fs;
use std::path::PathBuf;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/topologies");

/// A pair of hosts and what NetworkX says of the ways between them.
struct Golden {
    from: String,
    to: String,
    latency_us: u64,
    links: usize,
    bandwidth_bps: f64,
    fewest_links: usize,
    their_latency_us: u64,
}

fn table(name: &str) -> Vec<Golden> {
    let mut reader = csv::Reader::from_path(format!("{FOLDER}/{name}.csv")).expect("a table");
    let rows = reader.records().map(|row| {
        let row = row.expect("a row");
        let number = |place: usize| row[place].parse::<u64>().expect("a whole number");
        Golden {
            from: row[0].to_owned(),
            to: row[1].to_owned(),
            latency_us: number(2),
            links: number(3) as usize,
            bandwidth_bps: number(4) as f64,
            fewest_links: number(5) as usize,
            their_latency_us: number(6),
        }
    });
    rows.collect()
}

/// The network of a file with routes by that measure.
fn network(file: &str, route: &str, pair: &Golden) -> Network {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path: PathBuf = folder.path().join("scenario.toml");
    let scenario = format!(
        "name = \"golden\"\n[network]\ntopology = {{ file = \"{FOLDER}/{file}\" }}\n\
         route = \"{route}\"\n[[transfer]]\nfrom = \"{}\"\nto = \"{}\"\nsize = \"1 MB\"\n",
        pair.from, pair.to
    );
    fs::write(&path, scenario).expect("written");
    let plans = load(&[path], &Overrides::default()).unwrap_or_else(|wrong| panic!("{wrong}"));
    let Some(Plan::Network(run)) = plans.into_iter().next() else {
        panic!("no run of a network");
    };
    Network::from_graph(run.scenario.graph().expect("a graph"))
}

fn route(network: &mut Network, pair: &Golden) -> Route {
    let host = |name: &str| network.connections().core().host(name).expect("a host");
    let (from, to) = (host(&pair.from), host(&pair.to));
    let there = network.route(from, to).expect("a way");
    let back = network.route(to, from).expect("a way back");
    assert_eq!(
        (there.latency, there.resources.len()),
        (back.latency, back.resources.len())
    );
    there
}

#[test]
fn routes_are_as_long_as_networkx_says_to_the_nanosecond() {
    for (name, pairs) in [("internet-203", 200), ("internet-1024", 400)] {
        let table = table(name);
        assert_eq!(table.len(), pairs);
        for format in ["json", "graphml"] {
            let file = format!("{name}.{format}");
            let mut by_latency = network(&file, "latency", &table[0]);
            let mut by_hops = network(&file, "hops", &table[0]);
            for pair in &table {
                let told = format!("{file}: {} to {}", pair.from, pair.to);
                let found = route(&mut by_latency, pair);
                assert_eq!(found.latency.as_nanos(), pair.latency_us * 1000, "{told}");
                assert_eq!(found.resources.len(), pair.links, "{told}");
                let bandwidth = found.bandwidth.map(Bandwidth::as_bits_per_second);
                assert_eq!(bandwidth, Some(pair.bandwidth_bps), "{told}");
                let found = route(&mut by_hops, pair);
                assert_eq!(
                    found.latency.as_nanos(),
                    pair.their_latency_us * 1000,
                    "{told}"
                );
                assert_eq!(found.resources.len(), pair.fewest_links, "{told}");
            }
        }
    }
}
