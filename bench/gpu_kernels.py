"""Kernels on a GPU by themselves: linear layers over a few large sizes, and activations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from bench.activations import TOLERANCE as ACTIVATION_TOLERANCE
from bench.activations import torch_function
from bench.gpu_limits import GpuLimits
from bench.gpu_timing import contest
from bench.harness import Contestant, Effort, deviation
from bench.linear import TOLERANCE as LINEAR_TOLERANCE
from bench.linear import Arrays
from bench.peers.torch_gpu import DEVICE
from fastgrad import backend
from fastgrad.cuda import library

__all__ = ["activations", "linear"]

# batch, out_features, in_features: the widths of small networks in large batches, and layers that are all arithmetic
SIZES = (
    (2**18, 64, 64), (2**16, 128, 128), (2**16, 100, 841), (8192, 512, 512), (512, 2048, 2048), (2048, 2048, 2048),
)  # fmt: skip
ACTIVATIONS = ("relu", "tanh", "sigmoid", "gelu")
ELEMENTS = 2**25  # several times the cache

Array = np.ndarray[Any, Any]


def linear(effort: Effort, limits: GpuLimits, quick: bool) -> Iterator[dict[str, Any]]:
    """Measure y = relu(x wᵀ + b) and its gradients."""
    for m, n, k in ((256, 64, 64),) if quick else SIZES:
        arrays = Arrays(m, n, k, "float32")
        flop, moved = 2 * m * n * k, 4 * (m * k + n * k + n + m * n)
        # backward reads what the forward pass read, but for b, and y and dy; it writes dx, dw and db
        backward_moved = 4 * (2 * m * k + 2 * n * k + n + 2 * m * n)
        for direction, work, bytes_, builders in (
            ("forward", flop, moved, _linear_forward(arrays)),
            ("backward", 2 * flop, backward_moved, _linear_backward(arrays)),
        ):
            yield {
                "part": "linear",
                "case": f"{m}x{n}x{k}",
                "direction": direction,
                "flop": work,
                "bytes": bytes_,
                "limit_seconds": limits.seconds(work, bytes_),
                "outcomes": contest(builders, LINEAR_TOLERANCE["float32"], effort),
            }


def _linear_forward(arrays: Arrays) -> dict[str, Callable[[], Contestant]]:
    def ours() -> Contestant:
        y, x, w, b = _on_gpu(np.empty_like(arrays.dy), arrays.x, np.asfortranarray(arrays.w), arrays.b)
        relu = backend.kernels.Activation("relu")

        def kernel() -> Any:
            backend.kernels.linear_forward(y, None, x, w, b, relu)
            return y

        return Contestant("kernel", kernel, lambda: deviation([kernel().get()], [arrays.y]))

    def peer() -> Contestant:
        x, w, b = (torch.from_numpy(array).to(DEVICE) for array in (arrays.x, arrays.w, arrays.b))

        def forward() -> Any:
            with torch.no_grad():
                return torch.relu_(torch.nn.functional.linear(x, w, b))

        return Contestant("torch", forward, lambda: deviation([forward().cpu().numpy()], [arrays.y]))

    return {"kernel": ours, "torch": peer}


def _linear_backward(arrays: Arrays) -> dict[str, Callable[[], Contestant]]:
    def ours() -> Contestant:
        x, w, b, dy = _on_gpu(arrays.x, np.asfortranarray(arrays.w), arrays.b, arrays.dy)
        dx, dw, db, saved = (library.cupy().empty_like(array) for array in (x, w, b, dy))
        relu = backend.kernels.Activation("relu")
        backend.kernels.linear_forward(saved, None, x, w, b, relu)

        def kernel() -> Any:
            backend.kernels.linear_backward(dx, dw, db, dy, saved, x, w, relu)
            return [dx, dw, db]

        return Contestant(
            "kernel", kernel, lambda: deviation([one.get() for one in kernel()], arrays.gradients)
        )

    def peer() -> Contestant:
        leaves = [
            torch.from_numpy(array).to(DEVICE).requires_grad_() for array in (arrays.x, arrays.w, arrays.b)
        ]
        y, dy = torch.relu(torch.nn.functional.linear(*leaves)), torch.from_numpy(arrays.dy).to(DEVICE)

        def backward() -> Any:
            return torch.autograd.grad(y, leaves, dy, retain_graph=True)

        return Contestant(
            "torch",
            backward,
            lambda: deviation([one.cpu().numpy() for one in backward()], arrays.gradients),
        )

    return {"kernel": ours, "torch": peer}


def activations(effort: Effort, limits: GpuLimits, quick: bool) -> Iterator[dict[str, Any]]:
    """Measure activations over an array that no cache holds."""
    count = 1024 if quick else ELEMENTS
    x, dy = np.random.default_rng(2).standard_normal((2, count), dtype=np.float32)
    for name in ACTIVATIONS:
        exact = torch.from_numpy(x.astype(np.float64)).requires_grad_()
        y = torch_function(name)(exact)
        y.backward(torch.from_numpy(dy.astype(np.float64)))
        for direction, arrays, builders in (
            ("forward", 2, _activation(name, x, None, y.detach().numpy())),
            ("backward", 3, _activation(name, x, dy, exact.grad.numpy())),
        ):
            moved = arrays * x.nbytes
            yield {
                "part": "activation",
                "case": name,
                "direction": direction,
                "flop": 0,
                "bytes": moved,
                "limit_seconds": limits.seconds(0, moved),
                "outcomes": contest(builders, ACTIVATION_TOLERANCE, effort),
            }


def _activation(
    name: str, x: Array, dy: Array | None, right: Array
) -> dict[str, Callable[[], Contestant]]:
    """Forward where there is no dy."""

    def ours() -> Contestant:
        given, result, seed = _on_gpu(x, np.empty_like(x), x if dy is None else dy)
        activation = backend.kernels.Activation(name)
        y = library.cupy().empty_like(given)
        backend.kernels.activation_forward(y, given, activation)
        saved = {"output": y, "input": given, "nothing": None}[activation.reads]

        def kernel() -> Any:
            if dy is None:
                backend.kernels.activation_forward(result, given, activation)
            else:
                backend.kernels.activation_backward(result, seed, saved, activation)
            return result

        return Contestant("kernel", kernel, lambda: deviation([kernel().get()], [right]))

    def peer() -> Contestant:
        leaf = torch.from_numpy(x).to(DEVICE).requires_grad_()
        function = torch_function(name)
        if dy is None:

            def work() -> Any:
                with torch.no_grad():
                    return function(leaf)

        else:
            y, seed = function(leaf), torch.from_numpy(dy).to(DEVICE)

            def work() -> Any:
                return torch.autograd.grad(y, leaf, seed, retain_graph=True)[0]

        return Contestant("torch", work, lambda: deviation([work().cpu().numpy()], [right]))

    return {"kernel": ours, "torch": peer}


def _on_gpu(*arrays: Array) -> list[Any]:
    """Copy arrays to the GPU, axes in the same order in memory."""
    return [library.upload(array, 0) for array in arrays]
