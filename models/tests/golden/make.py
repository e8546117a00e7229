"""Writes the golden figures beside this file: losses, gradients and optimiser steps in float64,
by JAX's automatic differentiation and optax's optimisers (pip install jax optax; made with jax
0.10.2 and optax 0.2.8). A line is a name and its numbers."""

import pathlib
import random

import jax

jax.config.update("jax_enable_x64", True)
import jax.numpy as jnp
import optax

HERE = pathlib.Path(__file__).parent
draw = random.Random(20)


def dyadic(n, scale=2.0):
    """Numbers that float32 holds exactly, so that both sides start from the same input."""
    return [round(draw.gauss(0, scale) * 64) / 64 for _ in range(n)]


def write(name, table):
    lines = [" ".join([key, *(repr(float(v)) for v in jnp.ravel(jnp.asarray(values)))]) for key, values in table.items()]
    (HERE / name).write_text("\n".join(lines) + "\n")


def cross_entropy(z, labels):
    return optax.softmax_cross_entropy_with_integer_labels(z, labels).mean()


def soft_cross_entropy(z, t):
    return -(t * jax.nn.log_softmax(z)).sum(1).mean()


def kl(z, t, T):
    return (jax.scipy.special.rel_entr(t, jax.nn.softmax(z / T))).sum(1).mean()


# --- losses: batch 4, 3 classes ---
B, C = 4, 3
z = jnp.array(dyadic(B * C)).reshape(B, C)
labels = jnp.array([2, 0, 1, 1])
soft = jnp.array([[0.25, 0.5, 0.25], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.125, 0.125, 0.75]])
teacher = jnp.array(dyadic(B * C)).reshape(B, C)
target = jnp.array(dyadic(B * C)).reshape(B, C)
table = {"logits": z, "labels": labels, "soft": soft, "teacher": teacher, "target": target}
losses = {
    "cross_entropy": lambda z: cross_entropy(z, labels),
    "soft_cross_entropy": lambda z: soft_cross_entropy(z, soft),
    "distillation_logits_t2": lambda z: kl(z, jax.nn.softmax(teacher / 2), 2),
    "distillation_logits_t3_scaled": lambda z: 9 * kl(z, jax.nn.softmax(teacher / 3), 3),
    "mean_absolute_error": lambda z: jnp.abs(z - target).mean(),
    "mean_squared_error": lambda z: ((z - target) ** 2).mean(),
    "federated_distillation": lambda z: cross_entropy(z, labels) + 0.25 * soft_cross_entropy(z, soft),
}
for name, loss in losses.items():
    value, gradient = jax.value_and_grad(loss)(z)
    table[name] = [value]
    table[name + ".gradient"] = gradient
# KL differs from cross-entropy by a constant, which spares JAX the derivative of t·ln t at 0.
entropy = jnp.where(soft > 0, soft * jnp.log(jnp.where(soft > 0, soft, 1.0)), 0.0).sum() / B
value, gradient = jax.value_and_grad(lambda z: soft_cross_entropy(z, soft))(z)
table["distillation_probabilities"] = [value + entropy]
table["distillation_probabilities.gradient"] = gradient
write("losses.txt", table)

# --- a whole network: 4-6-5-3, batch 5 ---
widths = [4, 6, 5, 3]
count = sum(i * o + o for i, o in zip(widths, widths[1:]))
theta = jnp.array(dyadic(count, 0.5))
anchor = jnp.array(dyadic(count, 0.5))
x = jnp.array(dyadic(5 * 4, 1.0)).reshape(5, 4)
y = jnp.array([0, 2, 1, 2, 0])
guide = jnp.array(dyadic(5 * 3)).reshape(5, 3)


def network(theta):
    h, at = x, 0
    for place, (i, o) in enumerate(zip(widths, widths[1:])):
        w = theta[at : at + i * o].reshape(o, i)
        b = theta[at + i * o : at + i * o + o]
        at += i * o + o
        h = h @ w.T + b
        if place + 2 < len(widths):
            h = jax.nn.relu(h)
    return h


def objective(theta):
    return (
        cross_entropy(network(theta), y)
        + 0.5 * ((network(theta) - guide) ** 2).mean()
        + 0.25 * 0.5 * ((theta - anchor) ** 2).sum()
    )


value, gradient = jax.value_and_grad(objective)(theta)
write(
    "network.txt",
    {"parameters": theta, "anchor": anchor, "x": x, "labels": y, "guide": guide,
     "logits": network(theta), "objective": [value], "gradient": gradient},
)

# --- optimisers: 6 parameters, 12 given gradients ---
start = jnp.array(dyadic(6))
gradients = [jnp.array(dyadic(6)) for _ in range(12)]
rules = {
    "sgd": optax.sgd(0.1),
    "sgd_momentum_decay": optax.chain(optax.add_decayed_weights(0.05), optax.sgd(0.1, momentum=0.9)),
    "sgd_decay": optax.chain(optax.add_decayed_weights(0.05), optax.sgd(0.1)),
    "nesterov": optax.sgd(0.1, momentum=0.9, nesterov=True),
    "nesterov_decay": optax.chain(optax.add_decayed_weights(0.05), optax.sgd(0.1, momentum=0.9, nesterov=True)),
    "adam": optax.adam(0.01),
    "adamw": optax.adamw(0.02, b1=0.8, b2=0.99, eps=1e-3, weight_decay=0.05),
    "clip_norm": optax.chain(optax.clip_by_global_norm(2.5), optax.sgd(0.1, momentum=0.9)),
    "clip_value": optax.chain(optax.clip(0.75), optax.sgd(0.1, momentum=0.9)),
    "step": optax.sgd(optax.exponential_decay(0.1, 4, 0.5, staircase=True)),
    "exponential": optax.sgd(optax.exponential_decay(0.1, 1, 0.9)),
    "cosine": optax.sgd(optax.cosine_decay_schedule(0.1, 8, alpha=0.1)),
    "warmup_cosine": optax.sgd(
        optax.join_schedules(
            [optax.linear_schedule(0.025, 0.1, 3), optax.cosine_decay_schedule(0.1, 6)], [4]
        )
    ),
    "adam_decay": optax.chain(optax.add_decayed_weights(0.05), optax.adam(0.02, b1=0.8, b2=0.99, eps=1e-3)),
}
table = {"start": start, "gradients": jnp.stack(gradients)}
for name, rule in rules.items():
    parameters, state, path = start, rule.init(start), []
    for gradient in gradients:
        step, state = rule.update(gradient, state, parameters)
        parameters = optax.apply_updates(parameters, step)
        path.append(parameters)
    table[name] = jnp.stack(path)
write("optimizers.txt", table)

# --- terms on features and parameters, on the network above: the features are its 5 hidden units ---
feature_targets = jnp.array(dyadic(5 * 5, 1.0)).reshape(5, 5)
present = jnp.array([1, 0, 1, 1, 0])
direction = jnp.array(dyadic(count, 0.5))
soft5 = jnp.array([[0.25, 0.5, 0.25], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.125, 0.125, 0.75], [0.0, 0.5, 0.5]])


def features(theta):
    h, at = x, 0
    for i, o in zip(widths[:-1], widths[1:-1]):
        w = theta[at : at + i * o].reshape(o, i)
        h = jax.nn.relu(h @ w.T + theta[at + i * o : at + i * o + o])
        at += i * o + o
    return h


def feature_error(theta):
    # FedProto's authors replace the target of a row without one by the row itself.
    to = jnp.where(present[:, None] == 1, feature_targets, features(theta))
    return ((features(theta) - to) ** 2).mean()


def probability_error(theta):
    rows = ((jax.nn.softmax(network(theta)) - soft5) ** 2).sum(1)
    return (rows * (soft5.sum(1) > 0)).sum() / 5


teacher5 = jnp.array(dyadic(5 * 3)).reshape(5, 3)
head_rows = jnp.array(dyadic(2 * 5, 1.0)).reshape(2, 5)
head_targets = jnp.array([[0.5, 0.25, 0.25], [0.0, 0.75, 0.25]])


def head_error(theta):
    at = count - 18
    logits = head_rows @ theta[at : at + 15].reshape(3, 5).T + theta[at + 15 :]
    return ((jax.nn.softmax(logits) - head_targets) ** 2).sum(1).mean()


cases = {
    "feature": lambda t: cross_entropy(network(t), y) + 0.75 * feature_error(t),
    "linear": lambda t: cross_entropy(network(t), y) + 0.5 * (direction * t).sum(),
    "linear_proximal": lambda t: cross_entropy(network(t), y)
    + 0.5 * (direction * t).sum()
    + 0.25 * 0.5 * ((t - anchor) ** 2).sum(),
    "head": lambda t: cross_entropy(network(t), y) + 2.0 * head_error(t),
    "fedhkd": lambda t: cross_entropy(network(t), y) + 0.75 * feature_error(t) + 2.0 * head_error(t),
    "probability": lambda t: cross_entropy(network(t), y) + 0.5 * probability_error(t),
    # FedGKT: CE + alpha T^2 KL; FML: alpha CE + (1 - alpha) KL.
    "fedgkt": lambda t: cross_entropy(network(t), y)
    + 0.5 * 9 * kl(network(t), jax.nn.softmax(teacher5 / 3), 3),
    "fml": lambda t: 0.25 * cross_entropy(network(t), y) + 0.75 * kl(network(t), jax.nn.softmax(teacher5), 1),
}
table = {"targets": feature_targets, "present": present, "direction": direction, "soft": soft5,
         "teacher": teacher5, "head_rows": head_rows, "head_targets": head_targets, "features": features(theta)}
for name, loss in cases.items():
    value, gradient = jax.value_and_grad(loss)(theta)
    table[name] = [value]
    table[name + ".gradient"] = gradient
# FedKD's adaptive term: KL and feature error over the sum of both cross-entropies, as constants.
sum_of_ce = cross_entropy(network(theta), y) + cross_entropy(teacher5, y)
adaptive = lambda t: cross_entropy(network(t), y) + (
    kl(network(t), jax.nn.softmax(teacher5), 1) + ((features(t) - feature_targets) ** 2).mean()
) / sum_of_ce
value, gradient = jax.value_and_grad(adaptive)(theta)
table["fedkd"], table["fedkd.gradient"], table["fedkd.sum"] = [value], gradient, [sum_of_ce]
write("terms.txt", table)
