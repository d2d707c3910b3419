"""Run the same computation in fastgrad and torch, and compare values and gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

import fastgrad as fg

torch.set_num_threads(1)

DTYPES = ["float32", "float64"]
# Relative to the largest element: sums are taken in another order than torch's.
TOLERANCE = {"float32": 2e-5, "float64": 1e-12}


def close(ours: Any, theirs: Any, tolerance: float | None = None) -> None:
    """Assert the same shape and dtype, and the same numbers up to rounding; NaN equals NaN."""
    a = ours.detach().numpy() if isinstance(ours, fg.Tensor) else np.asarray(ours)
    b = theirs.detach().numpy() if isinstance(theirs, torch.Tensor) else np.asarray(theirs)
    assert a.shape == b.shape
    assert a.dtype == b.dtype
    finite = np.abs(b[np.isfinite(b)])
    scale = max(1.0, float(finite.max())) if finite.size else 1.0
    if tolerance is None:
        tolerance = TOLERANCE.get(str(a.dtype), 0.0)
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * scale)


def agree(
    ours: Callable[..., Any],
    theirs: Callable[..., Any],
    arrays: Sequence[np.ndarray],
    constants: Sequence[np.ndarray | None] = (),
) -> None:
    """Assert that ``ours(*arrays, *constants)`` is torch's result, and so are the gradients in `arrays`.

    The gradient taken is that of a randomly weighted sum of the result's elements.
    """
    a = [fg.tensor(array, requires_grad=True) for array in arrays]
    b = [torch.tensor(array, requires_grad=True) for array in arrays]
    y = ours(*a, *(None if c is None else fg.tensor(c) for c in constants))
    t = theirs(*b, *(None if c is None else torch.tensor(c) for c in constants))
    close(y, t)
    v = np.random.default_rng(7).standard_normal(t.shape).astype(str(t.dtype).removeprefix("torch."))
    if t.ndim:
        y.backward(fg.tensor(v))
        t.backward(torch.tensor(v))
    else:
        y.backward()
        t.backward()
    for p, q in zip(a, b, strict=True):
        close(p.grad, q.grad)


def same_parameters(module: fg.nn.Module, torch_module: torch.nn.Module) -> None:
    """Copy torch's state into `module`."""
    module.load_state_dict({name: value.numpy() for name, value in torch_module.state_dict().items()})


def modules_agree(module: fg.nn.Module, torch_module: torch.nn.Module, *arrays: np.ndarray) -> None:
    """Assert that both modules give the same output and gradients from torch's parameters."""
    same_parameters(module, torch_module)
    assert [(k, tuple(v.shape)) for k, v in module.state_dict().items()] == [
        (k, tuple(v.shape)) for k, v in torch_module.state_dict().items()
    ]
    agree(module, torch_module, arrays)
    for (name, p), (torch_name, q) in zip(
        module.named_parameters(), torch_module.named_parameters(), strict=True
    ):
        assert name == torch_name
        close(p.grad, q.grad)


def normal(seed: int, *shape: int, dtype: str = "float64") -> np.ndarray:
    """Standard normal numbers."""
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)
