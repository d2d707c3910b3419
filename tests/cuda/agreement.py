"""Comparing what is computed on a GPU with what the processor computes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import fastgrad as fg
from tests.cuda.conftest import KIND

Values = dict[str, np.ndarray]


def tensors_in(result: Any) -> Iterator[fg.Tensor]:
    """The tensors of a nested result."""
    if isinstance(result, fg.Tensor):
        yield result
    elif isinstance(result, dict):
        for each in result.values():
            yield from tensors_in(each)
    elif isinstance(result, (tuple, list)):
        for each in result:
            yield from tensors_in(each)


def on(device: str, values: Values) -> dict[str, Any]:
    """Tensors of these values on a device; those of floating point require gradients."""
    return {k: fg.tensor(x, device=device, requires_grad=x.dtype.kind == "f") for k, x in values.items()}


def assert_same(found: fg.Tensor, expected: fg.Tensor) -> None:
    """The same dtype, shape and values; bit for bit where the processor computes both."""
    assert found.device.type == "cuda"
    assert found.dtype == expected.dtype
    a, b = found.detach().cpu().numpy(), expected.detach().numpy()
    assert a.shape == b.shape
    if KIND == "standin" or b.dtype.kind != "f":
        np.testing.assert_array_equal(a, b)
    else:
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-6)


def assert_agrees(function: Callable[[Any], Any], values: Values) -> None:
    """function(tensors) gives the same on a GPU as on the processor, and so do the gradients of all inputs."""
    outcomes = []
    for device in ("cpu", "cuda"):
        fg.manual_seed(3)
        inputs = on(device, values)
        result = function(inputs)
        floats = [y for y in tensors_in(result) if y.requires_grad]
        for k, y in enumerate(floats):
            weights = np.random.default_rng(k).normal(size=y.shape).astype(y.dtype)
            y.backward(fg.tensor(weights, device=device), retain_graph=k < len(floats) - 1)
        outcomes.append((result, {k: x.grad for k, x in inputs.items() if x.grad is not None}))
    (expected, expected_grads), (found, grads) = outcomes
    plain, plain_found = list(tensors_in(expected)), list(tensors_in(found))
    assert len(plain) == len(plain_found)
    if not plain:
        assert found == expected
    for y, z in zip(plain_found, plain, strict=True):
        assert_same(y, z)
    assert grads.keys() == expected_grads.keys()
    for name, dx in grads.items():
        assert_same(dx, expected_grads[name])
