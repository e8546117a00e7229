"""Writes numerics.txt beside this file: decompositions and a density ratio in float64 by numpy, and
the training of FedTGP's generator by JAX (pip install numpy jax; made with numpy 2.4.6 and jax
0.10.2). A line is a name and its numbers."""

import pathlib
import random

import jax

jax.config.update("jax_enable_x64", True)
import jax.numpy as jnp
import numpy as np

HERE = pathlib.Path(__file__).parent
draw = random.Random(21)
table = {}


def dyadic(rows, columns, scale=1.0):
    """Numbers that float32 holds exactly, so that both sides start from the same input."""
    return np.array([[round(draw.gauss(0, scale) * 64) / 64 for _ in range(columns)] for _ in range(rows)])


def signed(vectors):
    """Columns whose number of largest size is positive."""
    largest = vectors[np.abs(vectors).argmax(0), np.arange(vectors.shape[1])]
    return np.sign(largest)


# --- singular values: 7 x 5 with a falling spectrum; ranks by energy are printed for the test ---
a = dyadic(7, 5) * np.array([2.0, 1.0, 1.0, 0.5, 0.5])
u, s, vt = np.linalg.svd(a, full_matrices=False)
table["matrix"], table["singular"] = a, s
print("kept energy by rank:", np.cumsum(s**2) / (s**2).sum())
for rank in range(1, 6):
    table[f"product.{rank}"] = (u[:, :rank] * s[:rank]) @ vt[:rank]
sign = signed(u)
table["left"], table["right"] = (u * sign)[:, :3], (vt * sign[:, None])[:3]

# --- principal components ---
centred = a - a.mean(0)
_, s, vt = np.linalg.svd(centred, full_matrices=False)
axes = (vt.T * signed(vt.T)).T
table["components"], table["projected"], table["variances"] = axes[:3], centred @ axes[:3].T, s[:3] ** 2 / 6
few = a[:3] - a[:3].mean(0)
_, s, vt = np.linalg.svd(few, full_matrices=False)
table["components.few"] = (vt.T * signed(vt.T)).T[:2]

# --- KuLSIF (Kanamori, Suzuki & Sugiyama 2012) ---
own, reference, query = dyadic(5, 3), dyadic(6, 3, 2.0), dyadic(4, 3)
width, ridge, n, m = 1.5, 0.1, 6, 5
distance = lambda x, y: np.linalg.norm(x[:, None] - y[None], axis=2)
kernel = lambda x, y: np.exp(-distance(x, y) ** 2 / (2 * width**2))
alpha = -np.linalg.solve(
    kernel(reference, reference) / n + ridge * np.eye(n), kernel(reference, own).sum(1) / (n * m * ridge)
)
table["own"], table["reference"], table["query"] = own, reference, query
table["ratio"] = kernel(query, reference) @ alpha + kernel(query, own).sum(1) / (m * ridge)
table["median"] = [np.median(distance(own, own)[np.triu_indices(m, 1)])]

# --- FedTGP's generator: 4 classes (nobody has the last), width 3, 5 hidden units, 3 steps ---
C, d, hidden, lr = 4, 3, 5, 0.1
count = d * C + d * hidden + hidden + hidden * d + d
theta = jnp.array(dyadic(1, count)[0])
rows, classes = jnp.array(dyadic(7, d)), jnp.array([0, 1, 2, 2, 1, 0, 1])


def prototypes(theta):
    embedding, at = theta[: d * C].reshape(d, C).T, d * C
    w, b = theta[at : at + d * hidden].reshape(hidden, d), theta[at + d * hidden : at + (d + 1) * hidden]
    at += (d + 1) * hidden
    v, c = theta[at : at + hidden * d].reshape(d, hidden), theta[at + hidden * d :]
    return jax.nn.relu(embedding @ w.T + b) @ v.T + c


means = np.array([np.asarray(rows)[np.asarray(classes) == k].mean(0) for k in range(3)])
gaps = distance(means, means) + np.diag([np.inf] * 3)
margin = min(gaps.min(1).max(), 100.0)


def loss(theta):
    distances = jnp.sqrt(((rows[:, None] - prototypes(theta)[None]) ** 2).sum(2))
    logits = -(distances + margin * jax.nn.one_hot(classes, C))
    return -(jax.nn.log_softmax(logits) * jax.nn.one_hot(classes, C)).sum(1).mean()


table["generator"], table["prototypes"], table["contributions"] = theta, prototypes(theta), rows
table["classes"], table["margin"] = classes, [margin]
for _ in range(3):
    last, gradient = jax.value_and_grad(loss)(theta)
    theta = theta - lr * gradient
table["generator.loss"], table["generator.after"] = [last], theta
table["prototypes.after"] = prototypes(theta)

lines = [" ".join([key, *(repr(float(v)) for v in np.ravel(values))]) for key, values in table.items()]
(HERE / "numerics.txt").write_text("\n".join(lines) + "\n")
