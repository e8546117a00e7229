"""Writes the golden figures of operations beside this file, in float64, by JAX's automatic
differentiation (pip install jax optax; made with jax 0.10.2). A line is a name and its numbers.

Every case is a small network: its layers as a scenario lists them are in ../operations.rs, under
the same name. Images are given channels × height × width, as data have them; inside, channels are
innermost, as in JAX's NHWC."""

import pathlib
import random

import jax

jax.config.update("jax_enable_x64", True)
import jax.numpy as jnp

HERE = pathlib.Path(__file__).parent
draw = random.Random(21)


def dyadic(n, scale=1.0):
    """Numbers that float32 holds exactly, so that both sides start from the same input."""
    return jnp.array([round(draw.gauss(0, scale) * 64) / 64 for _ in range(n)])


class Flat:
    """Takes parameters one after the other from a flat vector."""

    def __init__(self, theta):
        self.theta, self.at = theta, 0

    def __call__(self, *shape):
        n = 1
        for extent in shape:
            n *= extent
        self.at += n
        return self.theta[self.at - n : self.at].reshape(shape)


def dense(p, x, n, bias=True):
    x = x.reshape(x.shape[0], -1)
    w = p(n, x.shape[1])
    return x @ w.T + (p(n) if bias else 0)


def conv(p, x, n, k, stride=(1, 1), padding="VALID", groups=1, bias=True):
    """x: N H W C; weights as fedstill lays them: filters × rows × columns × channels."""
    w = p(n, k[0], k[1], x.shape[-1] // groups)
    y = jax.lax.conv_general_dilated(
        x, w, stride, padding, dimension_numbers=("NHWC", "OHWI", "NHWC"), feature_group_count=groups
    )
    return y + (p(n) if bias else 0)


def depthwise(p, x, k, stride=(1, 1), padding="SAME", bias=True):
    c = x.shape[-1]
    w = p(k[0], k[1], c)
    y = jax.lax.conv_general_dilated(
        x, w.transpose(2, 0, 1)[..., None], stride, padding,
        dimension_numbers=("NHWC", "OHWI", "NHWC"), feature_group_count=c,
    )
    return y + (p(c) if bias else 0)


def series(x):
    """time × channels as an image of one column."""
    return x[:, :, None, :]


def max_pool(x, k, stride=None, padding="VALID"):
    window, strides = (1, *k, 1), (1, *(stride or k), 1)
    return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, window, strides, padding)


def average_pool(x, k, stride=None, padding="VALID"):
    window, strides = (1, *k, 1), (1, *(stride or k), 1)
    sums = jax.lax.reduce_window(x, 0.0, jax.lax.add, window, strides, padding)
    counts = jax.lax.reduce_window(jnp.ones_like(x), 0.0, jax.lax.add, window, strides, padding)
    return sums / counts


def global_average(x):
    return x.mean(axis=tuple(range(1, x.ndim - 1)))


def group_norm(p, x, groups):
    """Statistics over all places and the channels of a group; scale and shift by channel."""
    n, c = x.shape[0], x.shape[-1]
    g = x.reshape(n, -1, groups, c // groups)
    mean = g.mean(axis=(1, 3), keepdims=True)
    variance = ((g - mean) ** 2).mean(axis=(1, 3), keepdims=True)
    y = ((g - mean) / jnp.sqrt(variance + 1e-5)).reshape(x.shape)
    return y * p(c) + p(c)


def series_layer_norm(p, x):
    mean = x.mean(axis=-1, keepdims=True)
    variance = ((x - mean) ** 2).mean(axis=-1, keepdims=True)
    return (x - mean) / jnp.sqrt(variance + 1e-5) * p(x.shape[-1]) + p(x.shape[-1])


def gru(p, x, h, sequence=False):
    """PyTorch's GRU: gates in the order reset, update, new."""
    w, u, b, c = p(3 * h, x.shape[-1]), p(3 * h, h), p(3 * h), p(3 * h)
    state, states = jnp.zeros((x.shape[0], h)), []
    for t in range(x.shape[1]):
        i, s = x[:, t] @ w.T + b, state @ u.T + c
        r = jax.nn.sigmoid(i[:, :h] + s[:, :h])
        z = jax.nn.sigmoid(i[:, h : 2 * h] + s[:, h : 2 * h])
        n = jnp.tanh(i[:, 2 * h :] + r * s[:, 2 * h :])
        state = (1 - z) * n + z * state
        states.append(state)
    return jnp.stack(states, axis=1) if sequence else state


relu, gelu = jax.nn.relu, lambda x: jax.nn.gelu(x, approximate=True)
S = "SAME"


def shortcut_block(p, x):
    body = conv(p, x, 4, (3, 3), (2, 2), S)
    body = conv(p, relu(body), 4, (3, 3), padding=S)
    return relu(body + conv(p, x, 4, (1, 1), (2, 2)))


# name: input shape as a scenario has it, network from input to features; `dense 3` follows.
CASES = {
    "dense": ((7,), lambda p, x: relu(dense(p, relu(dense(p, x, 6)), 5, bias=False))),
    "tanh": ((6,), lambda p, x: jnp.tanh(dense(p, x, 5))),
    "gelu": ((6,), lambda p, x: gelu(dense(p, x, 5))),
    "relu_first": ((6,), lambda p, x: jnp.tanh(relu(x))),
    "conv_valid": ((2, 6, 5), lambda p, x: relu(conv(p, x, 3, (3, 2)))),
    "conv_same_pool": ((1, 7, 6), lambda p, x: relu(conv(p, max_pool(relu(conv(p, x, 3, (5, 5), padding=S)), (2, 2)), 4, (3, 3), padding=S))),
    "conv_stride_padding": ((3, 8, 7), lambda p, x: conv(p, x, 4, (3, 3), (2, 3), ((1, 1), (1, 1)))),
    "conv_even_same": ((2, 5, 6), lambda p, x: conv(p, conv(p, x, 2, (2, 4), (2, 2), S), 3, (2, 2), padding=S)),
    "conv_groups": ((4, 5, 5), lambda p, x: conv(p, relu(conv(p, x, 6, (3, 3), padding=S, groups=2)), 4, (1, 1), bias=False)),
    "depthwise": ((3, 6, 6), lambda p, x: conv(p, relu(depthwise(p, conv(p, x, 4, (1, 1)), (3, 3), (2, 2))), 5, (1, 1))),
    "conv1d": ((9, 3), lambda p, x: conv(p, max_pool(relu(conv(p, series(x), 4, (3, 1), padding=S)), (2, 1)), 5, (3, 1), (2, 1), ((1, 1), (0, 0)))),
    "depthwise_conv1d": ((8, 3), lambda p, x: depthwise(p, conv(p, series(x), 4, (1, 1)), (5, 1))),
    "overlapping_max": ((2, 7, 7), lambda p, x: max_pool(conv(p, x, 3, (3, 3), padding=S), (3, 3), (2, 2), S)),
    "average": ((2, 7, 7), lambda p, x: average_pool(conv(p, x, 3, (3, 3), padding=S), (3, 3), (2, 2), S)),
    "global_average": ((2, 5, 4), lambda p, x: global_average(relu(conv(p, x, 4, (3, 3), padding=S)))),
    "group_norm": ((2, 5, 5), lambda p, x: relu(group_norm(p, conv(p, x, 6, (3, 3), padding=S), 3))),
    "layer_norm_image": ((2, 4, 4), lambda p, x: gelu(group_norm(p, conv(p, x, 3, (3, 3)), 1))),
    "layer_norm_flat": ((6,), lambda p, x: relu(series_layer_norm(p, dense(p, x, 5)))),
    "layer_norm_series": ((5, 3), lambda p, x: series_layer_norm(p, gru(p, x, 4, sequence=True))),
    "residual": ((2, 5, 5), lambda p, x: (lambda y: relu(y + conv(p, relu(conv(p, y, 3, (3, 3), padding=S)), 3, (3, 3), padding=S)))(relu(conv(p, x, 3, (3, 3), padding=S)))),
    "shortcut": ((3, 6, 6), shortcut_block),
    "nested": ((2, 4, 4), lambda p, x: (lambda y: (lambda inner: y + jnp.tanh(inner))(y + conv(p, y, 3, (3, 3), padding=S)))(conv(p, x, 3, (1, 1)))),
    "gru": ((6, 3), lambda p, x: gru(p, x, 4)),
    "gru_stack": ((5, 2), lambda p, x: gru(p, gru(p, x, 3, sequence=True), 4)),
}

BATCH, CLASSES = 3, 3


class Count:
    """Hands out zeros and counts them."""

    def __init__(self):
        self.at = 0

    def __call__(self, *shape):
        n = 1
        for extent in shape:
            n *= extent
        self.at += n
        return jnp.zeros(shape)


lines = []
for name, (shape, body) in CASES.items():
    size = 1
    for extent in shape:
        size *= extent
    data = dyadic(BATCH * size)
    x = data.reshape(BATCH, *shape)
    if len(shape) == 3:
        x = x.transpose(0, 2, 3, 1)
    counter = Count()
    dense(counter, body(counter, x), CLASSES)
    theta = dyadic(counter.at, 0.5)
    target = dyadic(BATCH * CLASSES)

    def logits(theta):
        p = Flat(theta)
        return dense(p, body(p, x), CLASSES)

    def objective(theta):
        return ((logits(theta) - target.reshape(BATCH, CLASSES)) ** 2).mean()

    value, gradient = jax.value_and_grad(objective)(theta)
    figures = {"x": data, "parameters": theta, "target": target, "logits": logits(theta),
               "objective": [value], "gradient": gradient}
    for key, values in figures.items():
        lines.append(" ".join([f"{name}.{key}", *(repr(float(v)) for v in jnp.ravel(jnp.asarray(values)))]))
(HERE / "operations.txt").write_text("\n".join(lines) + "\n")
