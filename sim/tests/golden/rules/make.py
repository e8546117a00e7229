"""Writes rules.txt beside this file: figures of rules that are tedious by hand, in float64
(pip install numpy; made with numpy 2.4.6). A line is a name and its numbers.

Each is found in another way than the rule finds it: gradients by central differences of the
loss itself, the geometric median by Newton's method."""

import pathlib

import numpy as np

HERE = pathlib.Path(__file__).parent
draw = np.random.default_rng(21)
table = {}


def dyadic(values):
    """Numbers that float32 holds exactly, so that both sides start from the same input."""
    return np.round(values * 1024) / 1024


# --- KT-pFL: 4 children, 4 samples, 3 classes ---
predictions = dyadic(draw.dirichlet([0.5] * 3, size=(4, 4)))
table["knowledge_coefficients.predictions"] = predictions


def loss(row, own, penalty=0.7):
    teacher = np.einsum("m,msc->sc", row, predictions)
    return np.mean((teacher - predictions[own]) ** 2) + penalty * np.mean((row - 1 / len(row)) ** 2)


def gradient(row, own, h=1e-4):
    # The loss is quadratic: central differences are exact but for rounding.
    return np.array([(loss(row + h * e, own) - loss(row - h * e, own)) / (2 * h) for e in np.eye(len(row))])


def authors_rate(slopes):
    """The learning rate of the authors' code, github.com/cugzj/KT-pFL, told in other words."""
    size, rate = np.abs(slopes).mean(), 1.0
    for _ in range(5):
        for too_far, factor in ((lambda s: s > 0.01, 1 / 5), (lambda s: s < 0.01, 5)):
            if too_far(size):
                size, rate = size * factor, rate * factor
    return rate


for name, rate_of in (("fixed", lambda slopes: 2.0), ("rescaled", authors_rate)):
    c = np.full((4, 4), 1 / 4)
    for step in (1, 2, 3):
        slopes = [gradient(c[own], own) for own in range(4)]
        stepped = np.array([c[own] - rate_of(slopes[own]) * slopes[own] for own in range(4)])
        c = np.exp(5 * stepped)
        c /= c.sum(axis=1, keepdims=True)
        table[f"knowledge_coefficients.{name}.{step}"] = c

# --- Geometric median: 8 weighted points in 3 dimensions, one far away ---
points = dyadic(draw.normal(size=(8, 3)))
points[4] += 100
weights = dyadic(draw.uniform(0.5, 1.5, size=8))
x = np.median(points, axis=0)


def far(x):
    return (weights * np.linalg.norm(x - points, axis=1)).sum()


for _ in range(100):
    away = x - points
    length = np.linalg.norm(away, axis=1)
    unit = away / length[:, None]
    slope = (weights[:, None] * unit).sum(axis=0)
    bend = sum(w / l * (np.eye(3) - np.outer(u, u)) for w, l, u in zip(weights, length, unit))
    step = np.linalg.solve(bend, slope)
    while far(x - step) > far(x) and np.linalg.norm(step) > 1e-15:
        step /= 2
    x = x - step
assert np.linalg.norm(slope) < 1e-12 and length.min() > 0.01  # not one of the points
table["geometric_median.points"] = points
table["geometric_median.weights"] = weights
table["geometric_median"] = x

lines = [" ".join([key, *(repr(float(v)) for v in np.ravel(values))]) for key, values in table.items()]
(HERE / "rules.txt").write_text("\n".join(lines) + "\n")
