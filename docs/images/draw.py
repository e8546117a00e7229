#!/usr/bin/env python3
"""Draws the pictures of the documents from tables that fedstill wrote.

    cargo run --release -- run scenarios/quickstart.toml --out runs
    cargo run --release -- run scenarios/methods-synchronous.toml scenarios/methods-asynchronous.toml --out runs
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
        x += 190
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


def main():
    folder, out = (Path(argument) for argument in sys.argv[1:3])
    found = runs(folder, "quickstart")
    if found:
        quickstart(found[0], out / "quickstart.svg")
    if runs(folder, "methods-synchronous") and runs(folder, "methods-asynchronous"):
        methods(folder, out / "methods.svg")


if __name__ == "__main__":
    main()
