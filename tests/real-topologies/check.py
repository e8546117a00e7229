"""Runs bare transfers over measured topologies and compares their routes with NetworkX.

    pip install networkx==3.6.1 topohub==1.5.1
    python tests/real-topologies/check.py target/debug/fedstill

TopoHub (P. Jurkiewicz, SoftwareX 24, 2023) carries the Internet Topology Zoo, SNDlib, CAIDA's maps of
autonomous systems (2024-08) and optical backbones as node-link JSON. Its files are given to the program as
they are, and again as `networkx.write_graphml` writes them. They tell lengths in km but no bandwidths: the
scenario gives one for all, and light in fibre gives the latencies. Each transfer is alone, so that it takes
the latency of its route, which must be that of NetworkX's Dijkstra to the nanosecond, and its bytes over
the bandwidth.
"""

import csv
import json
import pathlib
import random
import subprocess
import sys
import tempfile

import networkx as nx
import topohub

PAIRS = 200
BYTES = 1_000_000
BITS_PER_SECOND = 10_000_000_000
PROGRAM = pathlib.Path(sys.argv[1]).resolve()
FOLDER = pathlib.Path(topohub.__file__).parent / "data"


def nanoseconds(edge):
    # 4.9 us a km; lengths have two decimals.
    return round(edge["dist"] * 100) * 49


def scenario(file, route, pairs):
    text = f'name = "real"\n[network]\nroute = "{route}"\n'
    text += f'topology = {{ file = "{file}", bandwidth = "10 Gbps", length = "dist" }}\n'
    for number, (one, other) in enumerate(pairs):
        text += f'[[transfer]]\nfrom = "{one}"\nto = "{other}"\nsize = "{BYTES} B"\nat = "{number * 10} s"\n'
    return text


def durations(folder, file, route, pairs):
    (folder / "scenario.toml").write_text(scenario(file, route, pairs))
    out = folder / f"{file}-{route}"
    done = subprocess.run(
        [PROGRAM, "run", folder / "scenario.toml", "--out", out, "--quiet"], capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"{file}: {done.stderr}")
    [table] = out.glob("**/transfers.csv")
    with open(table) as rows:
        return [
            round((float(row["end_s"]) - 10 * number) * 1e9)
            for number, row in enumerate(csv.DictReader(rows))
        ]


def check(path, folder):
    document = json.loads(path.read_text())
    graph = nx.node_link_graph(document, edges="edges")
    if not nx.is_connected(graph):
        return None
    draw = random.Random(str(path))
    pairs = [draw.sample(list(graph), 2) for _ in range(PAIRS)]
    sending = BYTES * 8 * 10**9 // BITS_PER_SECOND
    by_latency = lambda one, other, edge: nanoseconds(edge)
    # Of ways with as few links the fastest one.
    by_hops = lambda one, other, edge: 10**15 + nanoseconds(edge)
    length = nx.dijkstra_path_length
    expected = {
        "latency": [length(graph, *pair, by_latency) + sending for pair in pairs],
        "hops": [length(graph, *pair, by_hops) % 10**15 + sending for pair in pairs],
    }
    (folder / "x.json").write_bytes(path.read_bytes())
    plain = nx.Graph()
    plain.add_nodes_from((node, {"label": str(data.get("name"))}) for node, data in graph.nodes(data=True))
    plain.add_edges_from((one, other, {"dist": edge["dist"]}) for one, other, edge in graph.edges(data=True))
    nx.write_graphml(plain, folder / "x.graphml")
    worst = 0
    for file in ["x.json", "x.graphml"]:
        for route, wanted in expected.items():
            found = durations(folder, file, route, pairs)
            assert len(found) == len(wanted)
            worst = max(worst, *(abs(one - other) for one, other in zip(found, wanted)))
    return len(graph), graph.number_of_edges(), worst


def main():
    names = sorted(FOLDER.glob("topozoo/*.json")) + sorted(FOLDER.glob("sndlib/*.json"))
    names += sorted(FOLDER.glob("caida/**/*.json")) + sorted(FOLDER.glob("backbone/*.json"))
    checked, apart, worst = [], 0, 0
    for path in names:
        with tempfile.TemporaryDirectory() as folder:
            found = check(path, pathlib.Path(folder))
        if found is None:
            apart += 1
            continue
        nodes, links, off = found
        checked.append(nodes)
        worst = max(worst, off)
        if nodes >= 203:
            print(f"{path.relative_to(FOLDER)}: {nodes} nodes, {links} links, at most {off} ns off", flush=True)
    large = sum(nodes >= 203 for nodes in checked)
    print(f"{len(checked)} topologies, {large} of 203 nodes and more; {apart} not connected; at most {worst} ns off")


main()
