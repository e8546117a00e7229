"""Writes half.txt beside this file: f32 values and the nearest float16 and bfloat16, as bits in hex
(pip install numpy ml_dtypes; made with numpy 2.4.6 and ml_dtypes 0.6.0)."""

import pathlib

import ml_dtypes
import numpy as np

draw = np.random.default_rng(20)
f16 = np.arange(0, 0x7C00, 97, dtype=np.uint16)
bf16 = np.arange(0x3000, 0x4800, 61, dtype=np.uint16)
neighbours = [
    (f16.view(np.float16), (f16 + 1).view(np.float16)),
    (bf16.view(ml_dtypes.bfloat16), (bf16 + 1).view(ml_dtypes.bfloat16)),
]
# Halfway between two neighbours, where ties go to even, and one step of f32 to each side.
halfway = np.concatenate([(a.astype(np.float64) + b.astype(np.float64)) / 2 for a, b in neighbours])
halfway = halfway.astype(np.float32)
values = np.concatenate([
    halfway,
    np.nextafter(halfway, np.float32(0)),
    np.nextafter(halfway, np.float32(np.inf)),
    np.exp(draw.normal(0, 8, 400)),
    # Subnormals of float16, and about its greatest (65504; from 65520 on it is infinity).
    [0.0, 2**-24, 2**-25, 2**-26, 1.5 * 2**-25, 65504, 65519, 65520, 70000, 3.3895314e38, 3.4e38],
]).astype(np.float32)
values = np.concatenate([values, -values])
with np.errstate(over="ignore"):
    columns = values, values.astype(np.float16), values.astype(ml_dtypes.bfloat16)
kinds = np.uint32, np.uint16, np.uint16
bits = [column.view(kind) for column, kind in zip(columns, kinds)]
lines = [f"{a:08x} {b:04x} {c:04x}" for a, b, c in zip(*bits)]
pathlib.Path(__file__).with_name("half.txt").write_text("\n".join(lines) + "\n")
