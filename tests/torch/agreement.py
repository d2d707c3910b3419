"""Run the same lines with fastgrad and with torch, and compare values and gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

import fastgrad as fg

Case = Callable[..., Any]


def _flat(result: Any) -> list[Any]:
    if isinstance(result, (tuple, list)):
        return [each for part in result for each in _flat(part)]
    return [result]


def _array(value: Any) -> np.ndarray:
    return np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)


def agree(
    case: Case,
    arrays: Sequence[np.ndarray],
    rtol: float = 1e-12,
    atol: float = 1e-12,
    device: str = "cpu",
    torch_device: str = "cpu",
) -> None:
    """``case(module, *tensors)`` gives the same values, dtypes and, for floating-point inputs, gradients in both."""
    ours = [fg.tensor(a, device=device, requires_grad=a.dtype.kind == "f") for a in arrays]
    theirs = [torch.tensor(a, device=torch_device, requires_grad=a.dtype.kind == "f") for a in arrays]
    y, z = _flat(case(fg, *ours)), _flat(case(torch, *theirs))
    assert len(y) == len(z)
    rng = np.random.default_rng(0)
    dys, dzs = [], []
    for a, b in zip(y, z, strict=True):
        got, expected = _array(a), _array(b)
        assert got.shape == expected.shape
        assert got.dtype == expected.dtype
        np.testing.assert_allclose(got, expected, rtol, atol)
        if isinstance(b, torch.Tensor):
            assert a.requires_grad == b.requires_grad
            if b.requires_grad:
                dy = rng.standard_normal(expected.shape).astype(expected.dtype)
                dys.append((a, fg.tensor(dy, device=a.device)))
                dzs.append((b, torch.tensor(dy, device=b.device)))
    if not dys:
        return
    fg.autograd.backward([a for a, _ in dys], [dy for _, dy in dys])
    torch.autograd.backward([b for b, _ in dzs], [dy for _, dy in dzs])
    for x, x_ in zip(ours, theirs, strict=True):
        assert (x.grad is None) == (x_.grad is None)
        if x.grad is not None:
            assert x.grad.dtype == x.dtype
            np.testing.assert_allclose(_array(x.grad), _array(x_.grad), rtol, atol)
