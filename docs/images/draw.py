#!/usr/bin/env python3
"""Draws the pictures of the documents from tables that fedstill wrote.

    cargo run --release -- run scenarios/quickstart.toml --out runs
    cargo run --release -- run scenarios/methods-synchronous.toml scenarios/methods-asynchronous.toml --out runs
    cargo run --release -- run scenarios/regions.toml --out runs
    python3 docs/images/draw.py runs docs/images

Needs Python alone. A picture whose runs are not there is left as it is.
"""

import csv
import sys
from collections import defaultdict
from pathlib import Path

INK, SOFT, GRID = "#222222", "#666666", "#dddddd"
# Okabe and Ito's palette, which colour-blind readers can tell apart.
LINES = ["#0072b2", "#d55e00", "#009e73", "#cc79a7"]
STATES = [
    ("computing_s", "computing", "#0072b2"),
    ("receiving_s", "receiving", "#56b4e9"),
    ("sending_s", "sending", "#009e73"),
    ("waiting_version_s", "waiting for the version", "#e69f00"),
    ("unselected_s", "unselected", "#bbbbbb"),
    ("offline_s", "offline", "#444444"),
]


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def runs(folder, scenario):
    """The run directories of a scenario, by number."""
    found = (Path(folder) / scenario).glob("*-*")
    return sorted(found, key=lambda path: int(path.name.split("-")[0]))


def mean_accuracy(run, group):
    """(time, mean accuracy over the group's clients on the global test set)."""
    return [
        (float(row["sim_s"]), float(row["value"]))
        for row in rows(run / "fairness.csv")
        if row["group_by"] == "client"
        and row["group"] == group
        and row["quantity"] == "accuracy"
        and row["statistic"] == "mean"
        and row["split"] == "global"
    ]


class Picture:
    def __init__(self, width, height):
        self.size = (width, height)
        self.parts = []

    def text(self, x, y, words, anchor="start", size=13, fill=INK, weight="normal"):
        self.parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" '
            f'fill="{fill}" font-weight="{weight}">{words}</text>'
        )

    def line(self, x1, y1, x2, y2, stroke=GRID, width=1):
        self.parts.append(
            f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
            f'stroke="{stroke}" stroke-width="{width}"/>'
        )

    def rect(self, x, y, width, height, fill):
        self.parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{fill}"/>'
        )

    def dot(self, x, y, radius, fill):
        self.parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{fill}"/>')

    def halo(self, x, y, words, size, weight="normal"):
        """Text that stays readable over lines."""
        self.parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" '
            f'stroke="#ffffff" stroke-width="4" stroke-linejoin="round">{words}</text>'
        )
        self.text(x, y, words, size=size, weight=weight)

    def curve(self, points, stroke, width=2.2, dash="", opacity=1):
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        dash = f' stroke-dasharray="{dash}"' if dash else ""
        self.parts.append(
            f'<polyline points="{path}" fill="none" stroke="{stroke}" stroke-width="{width}" '
            f'stroke-linejoin="round" opacity="{opacity}"{dash}/>'
        )

    def save(self, path):
        width, height = self.size
        body = "\n".join(self.parts)
        path.write_text(
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" font-family="DejaVu Sans, Helvetica, Arial, sans-serif">\n'
            f'<rect width="{width}" height="{height}" fill="#ffffff"/>\n{body}\n</svg>\n',
            encoding="utf-8",
        )


class Axes:
    """A frame for curves: time across, accuracy from 0 to 1 upwards."""

    def __init__(self, picture, x, y, width, height, longest):
        self.picture, self.x, self.y, self.width, self.height = picture, x, y, width, height
        self.longest = longest

    def at(self, time, accuracy):
        return (
            self.x + time / self.longest * self.width,
            self.y + (1 - accuracy) * self.height,
        )

    def frame(self, step, per_label, unit):
        for tenths in (0, 2, 4, 6, 8, 10):
            _, y = self.at(0, tenths / 10)
            self.picture.line(self.x, y, self.x + self.width, y)
            self.picture.text(self.x - 8, y + 4, f"{tenths / 10:.1f}", "end", 12, SOFT)
        time = 0.0
        while time <= self.longest:
            x, y = self.at(time, 0)
            self.picture.line(x, y, x, y + 4, SOFT)
            self.picture.text(x, y + 18, f"{time / per_label:g}", "middle", 12, SOFT)
            time += step
        _, bottom = self.at(0, 0)
        self.picture.text(self.x + self.width / 2, bottom + 36, f"simulated time, {unit}", "middle", 12, SOFT)

    def labels(self, ends):
        """Names at the ends of curves, moved apart where they would meet."""
        placed = sorted(((self.at(0, value)[1], name, colour) for name, value, colour in ends))
        below = -1e9
        for y, name, colour in placed:
            y = max(y, below + 15)
            self.picture.text(self.x + self.width + 8, y + 4, name, "start", 12, colour, "bold")
            below = y


def quickstart(run, path):
    clients = rows(run / "clients.csv")
    groups = list(dict.fromkeys(client["group"] for client in clients))
    summary = rows(run / "runs.csv")[0]
    end = float(summary["end_s"])
    picture = Picture(900, 360)
    picture.text(20, 28, "Mean accuracy on the global test set, by group", size=14, weight="bold")
    axes = Axes(picture, 55, 50, 330, 245, end)
    axes.frame(60, 60, "min")
    ends = []
    for group, colour in zip(groups, LINES):
        points = mean_accuracy(run, group)
        picture.curve([axes.at(*point) for point in points], colour)
        ends.append((group, points[-1][1], colour))
    axes.labels(ends)

    picture.text(500, 28, "Where the clients’ time went", size=14, weight="bold")
    left, width = 565, 310
    for place, group in enumerate(groups):
        members = [client for client in clients if client["group"] == group]
        y = 62 + place * 56
        picture.text(left - 10, y + 20, group, "end", 13)
        picture.text(left - 10, y + 35, f"{len(members)} sites", "end", 11, SOFT)
        x = left
        for column, _, colour in STATES:
            share = sum(float(client[column]) for client in members) / (end * len(members))
            picture.rect(x, y, share * width, 36, colour)
            if share > 0.08:
                ink = "#222222" if colour in ("#e69f00", "#bbbbbb", "#56b4e9") else "#ffffff"
                picture.text(x + share * width / 2, y + 23, f"{100 * share:.0f} %", "middle", 12, ink)
            x += share * width
    y = 62 + len(groups) * 56 + 16
    x = left
    for place, (_, name, colour) in enumerate(STATES):
        if place == 2:
            x, y = left, y + 24
        if place == 4:
            x, y = left, y + 24
        picture.rect(x, y - 10, 12, 12, colour)
        picture.text(x + 18, y, name, size=12)
        x += 150
    picture.save(path)


METHODS = ["fedavg", "fedmd", "fd", "local-only"]


def by_method(folder, scenario):
    """Accuracy over time of every replication, and mean bytes, by method."""
    curves, traffic = defaultdict(list), defaultdict(list)
    for run in runs(folder, scenario):
        factors = {row["key"]: row["value"] for row in rows(run / "factors.csv")}
        summary = rows(run / "runs.csv")[0]
        method = factors["method.preset"]
        curves[method].append(mean_accuracy(run, "all"))
        traffic[method].append(int(summary["up_bytes"]) + int(summary["down_bytes"]))
    return curves, traffic


def methods(folder, path):
    picture = Picture(900, 380)
    for place, kind in enumerate(("synchronous", "asynchronous")):
        curves, traffic = by_method(folder, f"methods-{kind}")
        longest = max(point[0] for runs in curves.values() for run in runs for point in run)
        x = 55 + place * 450
        picture.text(x - 35, 28, f"{kind.capitalize()}: mean client accuracy", size=14, weight="bold")
        axes = Axes(picture, x, 50, 270, 265, longest)
        axes.frame(120, 60, "min")
        ends = []
        for method, colour in zip(METHODS, LINES):
            grid = defaultdict(list)
            for run in curves[method]:
                picture.curve([axes.at(*point) for point in run], colour, 1, opacity=0.3)
                for time, value in run:
                    grid[time].append(value)
            mean = [(time, sum(values) / len(values)) for time, values in sorted(grid.items())]
            picture.curve([axes.at(*point) for point in mean], colour)
            megabytes = sum(traffic[method]) / len(traffic[method]) / 1e6
            amount = f"{megabytes:.0f} MB" if megabytes >= 10 else f"{megabytes:.1f} MB"
            name = method if megabytes == 0 else f"{method}, {amount}"
            ends.append((name, mean[-1][1], colour))
        axes.labels(ends)
    picture.save(path)


class Tree:
    """The links of a run as a tree below the node where the server stands."""

    def __init__(self, links):
        self.use, self.joined, self.clients = defaultdict(dict), defaultdict(list), defaultdict(list)
        self.root = next(row["to"] for row in links if row["link"] == "server" and row["direction"] == "up")
        for row in links:
            self.use[row["link"]][row["direction"]] = float(row["mean_use"])
            if row["direction"] == "up" and row["link"] != "server":
                self.clients[row["to"]].append(row["link"])
            elif row["direction"] in ("forward", "both"):
                self.joined[row["from"]].append((row["to"], row["link"], row))
                self.joined[row["to"]].append((row["from"], row["link"], row))
        self.below, self.level = {self.root: []}, {self.root: 0}
        open_nodes = [self.root]
        for node in open_nodes:
            for child, link, row in self.joined[node]:
                if child not in self.below:
                    self.below[node].append((child, link, row))
                    self.below[child], self.level[child] = [], self.level[node] + 1
                    open_nodes.append(child)

    def leaves(self, node):
        """The nodes without others below, from left to right."""
        if not self.below[node]:
            return [node]
        return [leaf for child, *_ in self.below[node] for leaf in self.leaves(child)]


# Mean use of a link's busier direction, and the colour of links that reach it.
USES = [(0.0, "#bbbbbb"), (0.05, "#56b4e9"), (0.2, "#e69f00"), (0.4, "#d55e00")]


def colour_of(use):
    return [colour for least, colour in USES if use >= least][-1]


def rate(bits_per_second):
    value = float(bits_per_second)
    for unit, size in (("Gbps", 1e9), ("Mbps", 1e6), ("kbps", 1e3)):
        if value >= size:
            return f"{value / size:g} {unit}"
    return f"{value:g} bit/s"


def regions(run, path):
    tree = Tree(rows(run / "links.csv"))
    limited = defaultdict(int)
    transfers = rows(run / "transfers.csv")
    for transfer in transfers:
        # A link whose directions share has no direction in its name.
        limited[transfer["limiting_link"].split("/")[0]] += 1
    leaves = tree.leaves(tree.root)
    slots = sum(max(len(tree.clients[leaf]), 3) + 1 for leaf in leaves)
    picture = Picture(900, 430)
    picture.text(20, 28, "How busy each link was, and what held the transfers up", size=14, weight="bold")
    left, step = 30, 800 / slots
    top, gap = 75, 100
    places, x = {}, left
    for leaf in leaves:
        width = step * max(len(tree.clients[leaf]), 3)
        places[leaf] = x + width / 2
        x += width + step

    def across(node):
        if node not in places:
            places[node] = sum(across(child) for child, *_ in tree.below[node]) / len(tree.below[node])
        return places[node]

    def down(node):
        return top + gap * tree.level[node]

    across(tree.root)
    labels = []
    for node in tree.below:
        for child, link, row in tree.below[node]:
            use = max(tree.use[link].values())
            ends = (places[node], down(node)), (places[child], down(child))
            picture.line(*ends[0], *ends[1], colour_of(use), 2 + 10 * use)
            labels.append((ends, use, row, limited[link]))
        members = tree.clients[node]
        for number, client in enumerate(members):
            use = max(tree.use[client].values())
            end = places[node] + (number - (len(members) - 1) / 2) * step, down(node) + gap
            picture.line(places[node], down(node), *end, colour_of(use), 1.2 + 10 * use)
            picture.dot(*end, 4.5, "#0072b2")
    for node in tree.below:
        picture.dot(places[node], down(node), 6, INK)
        name = f"{node} (server)" if node == tree.root else node
        picture.halo(places[node] + 10, down(node) - 8, name, 12, "bold")
    for (_, (x, y)), use, row, count in labels:
        if use < USES[1][0]:
            continue
        picture.halo(x + 10, y - 38, f"{rate(row['bandwidth_bps'])}, {100 * use:.0f} % used", 11)
        limits = f"limits {100 * count / len(transfers):.0f} % of transfers"
        picture.halo(x + 10, y - 24, limits, 11)
    y, x = 415, 30
    picture.text(x, y, "mean use of the busier direction", size=12, fill=SOFT)
    x += 225
    for (least, colour), (most, _) in zip(USES, USES[1:] + [(1.0, "")]):
        picture.line(x, y - 4, x + 22, y - 4, colour, 5)
        picture.text(x + 28, y, f"{100 * least:.0f} to {100 * most:.0f} %", size=12)
        x += 115
    picture.dot(x + 6, y - 4, 4.5, "#0072b2")
    picture.text(x + 18, y, "a client", size=12)
    picture.save(path)


def main():
    folder, out = (Path(argument) for argument in sys.argv[1:3])
    found = runs(folder, "quickstart")
    if found:
        quickstart(found[0], out / "quickstart.svg")
    if runs(folder, "methods-synchronous") and runs(folder, "methods-asynchronous"):
        methods(folder, out / "methods.svg")
    found = runs(folder, "regions")
    if found:
        regions(found[0], out / "regions.svg")


if __name__ == "__main__":
    main()
