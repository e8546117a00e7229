"""Writes the NumPy files beside this one (pip install numpy; made with numpy 2.4.6).

Every array counts from 0, so that a test can tell a value from its place."""

import pathlib

import numpy as np

HERE = pathlib.Path(__file__).parent


def save(name, array, **options):
    np.save(HERE / name, array, **options)


def count(*shape, dtype):
    return np.arange(np.prod(shape)).reshape(shape).astype(dtype)


save("rows.npy", count(3, 4, dtype="<f4"))
save("columns.npy", np.asfortranarray(count(3, 4, dtype="<f4")))
save("big-endian.npy", count(3, 4, dtype=">f8"))
save("cube-by-columns.npy", np.asfortranarray(count(3, 2, 5, dtype="<i2")))
save("pixels.npy", count(3, 2, 5, dtype="u1"))
save("channels-last.npy", count(2, 6, 5, 3, dtype="u1"))
save("labels.npy", np.array([0, 2, 1], dtype="<i8"))
save("labels-f4.npy", np.array([[0], [2], [1]], dtype="<f4"))
save("pair.npy", np.array([0, 1], dtype="u1"))
save("names.npy", np.array(["no", "yes", "no"]))
save("objects.npy", np.array([0, "a", None], dtype=object), allow_pickle=True)
save("records.npy", np.zeros(3, dtype=[("a", "<f4"), ("b", "<i4")]))
save("half.npy", count(3, 4, dtype="<f2"))
save("one-hot.npy", np.eye(3, dtype="<f4"))
save("empty.npy", np.zeros((0, 4), dtype="<f4"))
save("infinite.npy", np.array([[0.0, 1.0], [np.inf, 1.0], [0.0, 0.0]], dtype="<f4"))
arrays = {
    "x_train": count(3, 2, 5, dtype="u1"),
    "y_train": np.array([0, 2, 1]),
    "x_test": count(2, 2, 5, dtype="u1"),
    "y_test": np.array([1, 1]),
}
np.savez(HERE / "stored.npz", **arrays)
np.savez_compressed(HERE / "compressed.npz", **arrays)
