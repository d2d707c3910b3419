"""``python -m bench activations``: every activation, forward and backward, small and large."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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

__all__ = ["names", "report", "run", "torch_function"]

SIZES = {"small": 64 * 100, "large": 2048 * 2048}
QUICK_SIZES = {"small": 640}
TOLERANCE = 2e-6
Array = np.ndarray[Any, Any]


def names() -> list[str]:
    """Give what ``--only`` chooses from."""
    return [entry["name"] for entry in backend.kernels.activations()]


def torch_function(name: str) -> Callable[[Any], Any]:
    """Give torch's activation of that name."""
    if name == "gelu_tanh":
        return lambda x: torch.nn.functional.gelu(x, approximate="tanh")
    # tanh and sigmoid are deprecated in torch's functional module
    return getattr(torch, name) if name in ("tanh", "sigmoid") else getattr(torch.nn.functional, name)


def _our_function(name: str) -> Callable[[Any], Any]:
    if name == "gelu_tanh":
        return lambda x: F.gelu(x, approximate="tanh")
    return getattr(F, name)  # type: ignore[no-any-return]


def run(options: Options, limits: Limits) -> list[dict[str, Any]]:
    """Measure the activations that were asked for."""
    rows = []
    for size, count in (QUICK_SIZES if options.quick else SIZES).items():
        for name in names():
            if not options.wants(name):
                continue
            options.say(f"{name}, {count} elements")
            x, dy = np.random.default_rng(2).standard_normal((2, count)).astype(np.float32)
            forward, backward = _contestants(name, 3 * x, dy)
            for direction, contestants, arrays in (("forward", forward, 2), ("backward", backward, 3)):
                moved = arrays * x.nbytes
                rows.append(
                    {
                        "case": name,
                        "threads": options.threads,
                        "direction": direction,
                        "size": size,
                        "elements": count,
                        "bytes": moved,
                        "limit_seconds": moved / limits.bytes(moved),
                        "outcomes": contest(contestants, TOLERANCE, options.effort),
                    }
                )
    return rows


def _contestants(name: str, x: Array, dy: Array) -> tuple[list[Contestant], list[Contestant]]:
    ours, theirs = _our_function(name), torch_function(name)
    exact = torch.from_numpy(x.astype(np.float64)).requires_grad_()
    right = theirs(exact)
    right.backward(torch.from_numpy(dy.astype(np.float64)))
    y_right, dx_right = [right.detach().numpy()], [exact.grad.numpy()]

    activation = backend.kernels.Activation(name)
    y, dx = np.empty_like(x), np.empty_like(x)
    backend.kernels.activation_forward(y, x, activation)
    saved = {"output": y, "input": x, "nothing": None}[activation.reads]

    def kernel() -> Array:
        backend.kernels.activation_forward(y, x, activation)
        return y

    def kernel_backward() -> Array:
        backend.kernels.activation_backward(dx, dy, saved, activation)
        return dx

    leaf = fg.from_numpy(x).requires_grad_()
    output, seed = ours(leaf), fg.from_numpy(dy)

    def eager() -> Any:
        with fg.no_grad():
            return ours(leaf)

    def eager_backward() -> Any:
        return fg.autograd.grad(output, [leaf], seed, retain_graph=True)[0]

    peer_leaf = torch.from_numpy(x.copy()).requires_grad_()
    peer_output, peer_seed = theirs(peer_leaf), torch.from_numpy(dy)

    def peer() -> Any:
        with torch.no_grad():
            return theirs(peer_leaf)

    def peer_backward() -> Any:
        return torch.autograd.grad(peer_output, [peer_leaf], peer_seed, retain_graph=True)[0]

    forward = [
        Contestant("kernel", kernel, lambda: deviation([kernel()], y_right)),
        Contestant("fastgrad", eager, lambda: deviation([eager().numpy()], y_right)),
        Contestant("torch", peer, lambda: deviation([peer().numpy()], y_right)),
    ]
    backward = [
        Contestant("kernel", kernel_backward, lambda: deviation([kernel_backward()], dx_right)),
        Contestant("fastgrad", eager_backward, lambda: deviation([eager_backward().numpy()], dx_right)),
        Contestant("torch", peer_backward, lambda: deviation([peer_backward().numpy()], dx_right)),
    ]
    return forward, backward


def report(rows: Sequence[dict[str, Any]], threads: int) -> str:
    """Write the rows of one number of threads as a table."""
    header = ["activation", "", "elements", "kernel", "fastgrad", "torch", "torch / fastgrad", "kernel GB/s",
              "of copying", "torch GB/s", "spread"]  # fmt: skip
    cells = []
    for row in rows:
        outcomes = row["outcomes"]
        ours, torch_seconds = seconds(outcomes, "kernel"), seconds(outcomes, "torch")
        cells.append(
            [
                row["case"],
                row["direction"],
                str(row["elements"]),
                *(microseconds(outcomes, name) for name in ("kernel", "fastgrad", "torch")),
                ratio(torch_seconds, seconds(outcomes, "fastgrad")),
                rate(row["bytes"], ours),
                percent(row["limit_seconds"], ours),
                rate(row["bytes"], torch_seconds),
                spread(outcomes, "kernel"),
            ]
        )
    return table(title("Activations", threads), header, cells)
