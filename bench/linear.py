"""``python -m bench linear``: y = relu(x wᵀ + b) and its gradients, over a grid of sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

import fastgrad as fg
from bench.harness import Contestant, contest, deviation
from bench.machine import Limits
from bench.options import Options
from bench.tables import microseconds, percent, rate, ratio, seconds, spread, table, title
from fastgrad import backend
from fastgrad.nn import functional as F

__all__ = ["Arrays", "names", "report", "run"]

# batch, out_features, in_features: from a control loop's layer to one that is all arithmetic
SIZES = (
    *((2**power,) * 3 for power in range(12)),  # 1 to 2048
    # one row: the weights are read once, so memory is the limit
    (1, 32, 32), (1, 100, 841), (1, 512, 512), (1, 2048, 2048),
    # the layers of the cases, with their odd widths
    (32, 32, 16), (64, 100, 100), (64, 100, 841), (64, 26, 100), (128, 256, 784), (128, 10, 128),
    (256, 512, 100), (256, 10, 512), (512, 1000, 2048), (512, 2048, 2048),
)  # fmt: skip
QUICK = 128 * 128 * 128
TOLERANCE = {"float32": 2e-5, "float64": 1e-12}
Array = np.ndarray[Any, Any]


def names() -> list[str]:
    """Give what ``--only`` chooses from."""
    return [_name(size) for size in SIZES]


def _name(size: tuple[int, int, int]) -> str:
    return "x".join(map(str, size))


def run(options: Options, limits: Limits) -> list[dict[str, Any]]:
    """Measure the sizes that were asked for, forward and backward."""
    rows = []
    for size in SIZES:
        if not options.wants(_name(size)) or (options.quick and np.prod(size) > QUICK):
            continue
        options.say(_name(size))
        arrays = Arrays(*size, options.dtype)
        flop = 2 * int(np.prod(size))
        for direction, contestants, work in (
            ("forward", _forward(arrays), flop),
            ("backward", _backward(arrays), 2 * flop),
        ):
            rows.append(
                {
                    "case": _name(size),
                    "threads": options.threads,
                    "direction": direction,
                    "dtype": options.dtype,
                    "flop": work,
                    "limit_seconds": work / limits.flops(options.dtype),
                    "outcomes": contest(contestants, TOLERANCE[options.dtype], options.effort),
                }
            )
    return rows


class Arrays:
    """The inputs, and what is right for them in float64."""

    def __init__(self, m: int, n: int, k: int, dtype: str) -> None:
        generator = np.random.default_rng(1)
        self.x = generator.standard_normal((m, k)).astype(dtype)
        self.w = (generator.standard_normal((n, k)) / np.sqrt(k)).astype(dtype)
        self.b = generator.standard_normal(n).astype(dtype)
        self.dy = generator.standard_normal((m, n)).astype(dtype)
        x, w, b, dy = (array.astype(np.float64) for array in (self.x, self.w, self.b, self.dy))
        z = x @ w.T + b
        # float32 may see the other side of 0 where z is next to it: there no gradient is asked for
        near = np.abs(z) < 1e-4
        self.dy[near] = 0
        dz = np.where(z > 0, dy, 0) * ~near
        self.y = np.maximum(z, 0)
        self.gradients = [dz @ w, dz.T @ x, dz.sum(axis=0)]


def _forward(arrays: Arrays) -> list[Contestant]:
    x, w, b = arrays.x, np.asfortranarray(arrays.w), arrays.b
    y = np.empty_like(arrays.dy)
    relu = backend.kernels.Activation("relu")
    tx, tb = fg.from_numpy(x), fg.from_numpy(b)
    tw = fg.from_numpy(w)
    px, pw, pb = (torch.from_numpy(array) for array in (arrays.x, arrays.w, arrays.b))

    def kernel() -> Array:
        backend.kernels.linear_forward(y, None, x, w, b, relu)
        return y

    def eager() -> Any:
        with fg.no_grad():
            return F.linear(tx, tw, tb, activation="relu")

    def peer() -> Any:
        with torch.no_grad():
            return torch.relu(torch.nn.functional.linear(px, pw, pb))

    return [
        Contestant("kernel", kernel, lambda: deviation([kernel()], [arrays.y])),
        Contestant("fastgrad", eager, lambda: deviation([eager().numpy()], [arrays.y])),
        Contestant("torch", peer, lambda: deviation([peer().numpy()], [arrays.y])),
    ]


def _backward(arrays: Arrays) -> list[Contestant]:
    x, w, b, dy = arrays.x, np.asfortranarray(arrays.w), arrays.b, arrays.dy
    dx, dw, db = np.empty_like(x), np.empty_like(w), np.empty_like(b)
    relu = backend.kernels.Activation("relu")
    saved = np.empty_like(dy)
    backend.kernels.linear_forward(saved, None, x, w, b, relu)

    def kernel() -> list[Array]:
        backend.kernels.linear_backward(dx, dw, db, dy, saved, x, w, relu)
        return [dx, dw, db]

    leaves = [fg.from_numpy(array).requires_grad_() for array in (x, w, b)]
    y, seed = F.linear(*leaves, activation="relu"), fg.from_numpy(dy)

    def eager() -> Any:
        return fg.autograd.grad(y, leaves, seed, retain_graph=True)

    inputs = [torch.from_numpy(array.copy()).requires_grad_() for array in (x, arrays.w, b)]
    output, cotangent = torch.relu(torch.nn.functional.linear(*inputs)), torch.from_numpy(dy)

    def peer() -> Any:
        return torch.autograd.grad(output, inputs, cotangent, retain_graph=True)

    right = arrays.gradients
    return [
        Contestant("kernel", kernel, lambda: deviation(kernel(), right)),
        Contestant("fastgrad", eager, lambda: deviation([one.numpy() for one in eager()], right)),
        Contestant("torch", peer, lambda: deviation([one.numpy() for one in peer()], right)),
    ]


def report(rows: Sequence[dict[str, Any]], threads: int) -> str:
    """Write the rows of one number of threads as a table."""
    header = ["batch x out x in", "", "kernel", "fastgrad", "torch", "torch / fastgrad", "kernel GFLOP/s",
              "of peak", "torch GFLOP/s", "spread"]  # fmt: skip
    cells = []
    for row in rows:
        outcomes = row["outcomes"]
        ours, torch_seconds = seconds(outcomes, "kernel"), seconds(outcomes, "torch")
        cells.append(
            [
                row["case"],
                row["direction"],
                *(microseconds(outcomes, name) for name in ("kernel", "fastgrad", "torch")),
                ratio(torch_seconds, seconds(outcomes, "fastgrad")),
                rate(row["flop"], ours),
                percent(row["limit_seconds"], ours),
                rate(row["flop"], torch_seconds),
                spread(outcomes, "kernel"),
            ]
        )
    dtype = rows[0]["dtype"] if rows else ""
    return table(title(f"relu(x w + b) and its gradients dx, dw, db, {dtype}", threads), header, cells)
