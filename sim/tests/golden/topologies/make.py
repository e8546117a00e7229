"""Writes the golden topologies and tables of this folder with NetworkX.

    pip install networkx==3.6.1
    python make.py

Two graphs of autonomous systems as `random_internet_as_graph` grows them (Elmokashfi, Kvalbein,
Dovrolis 2010: a clique of tier-1 systems, middle systems, content providers and customers, joined
by transit and peering links), with latencies and bandwidths by kind of system. Each is written by
`node_link_data` and by `write_graphml`, and its table tells what NetworkX's Dijkstra finds between
sampled pairs.
"""

import csv
import json
import random

import networkx as nx

# Bit/s of a link by the kind of its smaller end, and the span of its latency in microseconds.
SIZE = {"T": 0, "M": 1, "CP": 2, "C": 3}
BANDWIDTH = ["100 Gbps", "10 Gbps", "2500 Mbps", "800 Mbps"]
BITS_PER_SECOND = [100e9, 10e9, 2.5e9, 800e6]
LATENCY_US = [(5_000, 90_000), (2_000, 40_000), (1_000, 20_000), (300, 9_000)]


def internet(nodes, seed):
    """The graph with what a topology needs, its latencies and bandwidths in numbers beside."""
    grown = nx.random_internet_as_graph(nodes, seed=seed)
    draw = random.Random(seed)
    graph = nx.Graph()
    kinds = {node: kind for node, kind in grown.nodes(data="type")}
    providers = [node for node in grown if kinds[node] == "CP"]
    for node in grown:
        graph.add_node(node, kind=kinds[node])
        if kinds[node] == "T":
            graph.nodes[node]["router"] = True
        if node == providers[0]:
            graph.nodes[node]["server"] = True
    numbers = {}
    for one, other in grown.edges():
        size = max(SIZE[kinds[one]], SIZE[kinds[other]])
        latency = draw.randint(*LATENCY_US[size])
        graph.add_edge(
            one,
            other,
            bandwidth=BANDWIDTH[size],
            latency=f"{latency} us",
            sharing=draw.choice(["split-duplex", "split-duplex", "shared"]),
        )
        numbers[one, other] = numbers[other, one] = (latency, BITS_PER_SECOND[size])
    return graph, numbers, providers[0]


def table(graph, numbers, server, pairs, seed):
    """Sampled pairs of hosts, the server's first: the shortest by latency and by links."""
    draw = random.Random(seed)
    hosts = [node for node in graph if graph.nodes[node]["kind"] != "T"]
    others = [host for host in hosts if host != server]
    sampled = [(server, host) for host in draw.sample(others, pairs // 2)]
    sampled += [tuple(draw.sample(hosts, 2)) for _ in range(pairs - len(sampled))]
    # Of equals the other measure decides, as in fedstill: one number for both.
    by_latency = lambda one, other, _: numbers[one, other][0] * 10**6 + 1
    by_hops = lambda one, other, _: 10**12 + numbers[one, other][0]
    for one, other in sampled:
        latency, links = divmod(nx.dijkstra_path_length(graph, one, other, by_latency), 10**6)
        ways = list(nx.all_shortest_paths(graph, one, other, by_latency))
        assert len(ways) == 1, "the bandwidth is that of one way"
        way = ways[0]
        bandwidth = min(numbers[pair][1] for pair in zip(way, way[1:]))
        fewest, latency_of_fewest = divmod(
            nx.dijkstra_path_length(graph, one, other, by_hops), 10**12
        )
        assert nx.shortest_path_length(graph, one, other) == fewest
        yield [one, other, latency, links, int(bandwidth), fewest, latency_of_fewest]


for nodes, seed, pairs in [(203, 203, 200), (1024, 1024, 400)]:
    graph, numbers, server = internet(nodes, seed)
    assert nx.is_connected(graph)
    name = f"internet-{nodes}"
    with open(f"{name}.json", "w") as file:
        json.dump(nx.node_link_data(graph, edges="links"), file)
        file.write("\n")
    nx.write_graphml(graph, f"{name}.graphml")
    with open(f"{name}.csv", "w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow("from,to,latency_us,links,bandwidth_bps,fewest_links,their_latency_us".split(","))
        rows.writerows(table(graph, numbers, server, pairs, seed))
    print(name, graph.number_of_edges(), "links, server at", server)
