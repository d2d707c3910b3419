"""``python -m bench losses``: every loss together with its gradient."""

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
from fastgrad.nn import functional as F

__all__ = ["names", "report", "run"]

CLASS_LOSSES = ("cross_entropy", "nll_loss")
POINT_LOSSES = (
    "mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
)  # fmt: skip
SHAPES = ((64, 10), (512, 1000), (4096, 1000))
QUICK_SHAPES = SHAPES[:1]
TOLERANCE = 1e-5
Array = np.ndarray[Any, Any]


def names() -> list[str]:
    """Give what ``--only`` chooses from."""
    return [*CLASS_LOSSES, *POINT_LOSSES]


def run(options: Options, limits: Limits) -> list[dict[str, Any]]:
    """Measure the losses that were asked for."""
    rows = []
    for shape in QUICK_SHAPES if options.quick else SHAPES:
        for name in names():
            if not options.wants(name):
                continue
            options.say(f"{name}, {shape}")
            x, target = _inputs(name, shape)
            # x is read and its gradient written; a target of the same shape is read as well
            moved = 2 * x.nbytes + target.nbytes
            rows.append(
                {
                    "case": name,
                    "threads": options.threads,
                    "shape": list(shape),
                    "bytes": moved,
                    "limit_seconds": moved / limits.bytes(moved),
                    "outcomes": contest(_contestants(name, x, target), TOLERANCE, options.effort),
                }
            )
    return rows


def _inputs(name: str, shape: tuple[int, int]) -> tuple[Array, Array]:
    generator = np.random.default_rng(3)
    x = generator.standard_normal(shape)
    if name in CLASS_LOSSES:
        if name == "nll_loss":
            x -= np.log(np.exp(x).sum(axis=1, keepdims=True))
        return x.astype(np.float32), generator.integers(0, shape[1], shape[0])
    if name.startswith("binary"):
        target = generator.uniform(0, 1, shape)
        x = 1 / (1 + np.exp(-x)) if name == "binary_cross_entropy" else x
    else:
        target = generator.standard_normal(shape)
    return x.astype(np.float32), target.astype(np.float32)


def _contestants(name: str, x: Array, target: Array) -> list[Contestant]:
    ours, theirs = getattr(F, name), getattr(torch.nn.functional, name)
    exact = torch.from_numpy(x.astype(np.float64)).requires_grad_()
    exact_target = torch.from_numpy(target if target.dtype == np.int64 else target.astype(np.float64))
    loss = theirs(exact, exact_target)
    loss.backward()
    right = [loss.detach().numpy(), exact.grad.numpy()]

    leaf, labels = fg.from_numpy(x).requires_grad_(), fg.from_numpy(target)

    def eager() -> Any:
        leaf.grad = None
        y = ours(leaf, labels)
        y.backward()
        return y

    peer_leaf, peer_labels = torch.from_numpy(x.copy()).requires_grad_(), torch.from_numpy(target)

    def peer() -> Any:
        peer_leaf.grad = None
        y = theirs(peer_leaf, peer_labels)
        y.backward()
        return y

    def error(call: Any, input_: Any) -> float:
        y = call()
        return deviation([np.asarray(y.detach().numpy()), np.asarray(input_.grad.numpy())], right)

    return [
        Contestant("fastgrad", eager, lambda: error(eager, leaf)),
        Contestant("torch", peer, lambda: error(peer, peer_leaf)),
    ]


def report(rows: Sequence[dict[str, Any]], threads: int) -> str:
    """Write the rows of one number of threads as a table."""
    header = ["loss", "shape", "fastgrad", "torch", "torch / fastgrad", "GB/s", "of copying", "spread"]
    cells = []
    for row in rows:
        outcomes = row["outcomes"]
        ours = seconds(outcomes, "fastgrad")
        cells.append(
            [
                row["case"],
                "x".join(map(str, row["shape"])),
                *(microseconds(outcomes, name) for name in ("fastgrad", "torch")),
                ratio(seconds(outcomes, "torch"), ours),
                rate(row["bytes"], ours),
                percent(row["limit_seconds"], ours),
                spread(outcomes, "fastgrad"),
            ]
        )
    return table(title("Losses, value and gradient", threads), header, cells)
