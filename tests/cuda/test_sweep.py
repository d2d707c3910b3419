"""Every operation on the GPU gives what it gives on the CPU, there, and so does its gradient."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import fastgrad as fg
import fastgrad.nn.functional as F
from fastgrad.nn import functional
from tests.cuda.cases import EXPRESSIONS, OPERATIONS, tensors
from tests.cuda.compare import assert_same

# What is no operation: what a tensor is, and what the tests beside this one are about.
NOT_OPERATIONS = {
    "backward", "base", "cuda", "data", "data_ptr", "device", "dim", "dtype", "element_size", "get_device", "grad",
    "grad_fn", "half", "is_contiguous", "is_cuda", "is_floating_point", "is_leaf", "is_pinned", "is_sparse", "item",
    "itemsize", "layout", "mT", "nbytes", "ndim", "nelement", "node", "numel", "numpy", "output_nr", "pin_memory",
    "register_hook", "register_post_accumulate_grad_hook", "requires_grad", "requires_grad_", "retain_grad",
    "retains_grad", "shape", "size", "stride", "tolist", "version", "T",
}  # fmt: skip
CALLS = [
    (name, arguments)
    for name, _, each in (line.partition(": ") for line in OPERATIONS.strip().splitlines())
    for arguments in each.split("; ")
]
NAMES = {name for name, _ in CALLS}
TEXTS = [text for line in EXPRESSIONS.strip().splitlines() for text in line.split("; ")]
ACTIVATIONS = sorted(set(functional.activation.__all__) - {"activate", "bind", "resolve"})


def _flat(result: Any) -> Iterator[Any]:
    if isinstance(result, (tuple, list)) and any(isinstance(each, fg.Tensor) for each in result):
        for each in result:
            yield from _flat(each)
    else:
        yield result


def _run(text: str, device: str, **names: Any) -> tuple[list[Any], dict[str, Any]]:
    """The results of an expression, and the gradients of the tensors in it."""
    given = tensors(device)
    fg.manual_seed(0)
    results = list(_flat(eval(text, {**names, **given, "fg": fg, "F": F, "np": np})))
    roots = [r for r in results if isinstance(r, fg.Tensor) and r.requires_grad and r.numel()]
    if roots:
        weights = [fg.arange(r.numel(), dtype=fg.float64).reshape(r.shape).to(r.dtype) + 1 for r in roots]
        fg.autograd.backward(roots, [w.to(r.device) for w, r in zip(weights, roots, strict=True)])
    return results, {name: t.grad for name, t in given.items() if t.is_leaf}


def _compare(text: str, **names: Any) -> None:
    expected, expected_grads = _run(text, "cpu", **names)
    results, grads = _run(text, "cuda", **names)
    assert len(results) == len(expected)
    where = "cpu" if ".cpu" in text else "cuda:0"
    for result, reference in zip(results, expected, strict=True):
        assert_same(result, reference, where)
    for name, reference in expected_grads.items():
        assert_same(grads[name], reference, "cuda:0")


def test_every_operation_is_here() -> None:
    methods = {name for name in dir(fg.Tensor) if not name.startswith("_")} - NOT_OPERATIONS
    same = {id(getattr(fg.Tensor, name)) for name in NAMES if hasattr(fg.Tensor, name)}
    same |= {id(getattr(fg, name)) for name in NAMES if hasattr(fg, name)}
    missing = {name for name in methods if id(getattr(fg.Tensor, name)) not in same}
    missing |= {name for name in fg.ops.__all__ if id(getattr(fg, name)) not in same}
    assert not missing
    others = set(functional.__all__) - set(functional.activation.__all__) - {"activate", "bind", "resolve"}
    assert others == {name for name in others if f"F.{name}(" in EXPRESSIONS}


@pytest.mark.parametrize(("name", "arguments"), CALLS, ids=[f"{name}({arguments})" for name, arguments in CALLS])
def test_operations(name: str, arguments: str) -> None:
    function = getattr(fg, name, None) if name not in ("bool", "float", "int", "long", "double") else None
    function = function or getattr(fg.Tensor, name)
    _compare(f"function({arguments})" if name != "cpu" else f"{arguments}.cpu()", function=function)


@pytest.mark.parametrize("text", TEXTS)
def test_expressions(text: str) -> None:
    _compare(text)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations(name: str) -> None:
    _compare("function(x)", function=getattr(F, name))


@pytest.mark.parametrize(
    "make",
    [
        lambda **where: fg.zeros(2, 3, **where), lambda **where: fg.ones(2, dtype=fg.int64, **where),
        lambda **where: fg.full((2, 2), 7.5, **where), lambda **where: fg.arange(5, **where),
        lambda **where: fg.linspace(0, 1, 5, **where), lambda **where: fg.logspace(0, 1, 3, **where),
        lambda **where: fg.eye(3, 2, **where), lambda **where: fg.rand(3, **where),
        lambda **where: fg.randn(3, **where),
        lambda **where: fg.randint(0, 9, (4,), **where), lambda **where: fg.randperm(5, **where),
        lambda **where: fg.tensor([[1, 2], [3, 4]], **where), lambda **where: fg.tensor(1.5, **where),
        lambda **where: fg.as_tensor(np.ones((2, 3))[::-1], **where),
        lambda **where: fg.asarray([1.0], copy=True, **where),
        lambda **where: fg.scalar_tensor(2, **where), lambda **where: fg.empty(0, **where),
        lambda **where: fg.zeros_like(fg.ones(3), **where), lambda **where: fg.full_like(fg.ones(3), 2, **where),
        lambda **where: fg.rand_like(fg.ones(3), **where), lambda **where: fg.ones(3).new_zeros(2, **where),
    ],
)  # fmt: skip
def test_factories(make: Any) -> None:
    for name in ("cuda", fg.device("cuda"), "cuda:0", 0):
        fg.manual_seed(0)
        expected = make(device="cpu")
        fg.manual_seed(0)
        assert_same(make(device=name), expected, "cuda:0")
