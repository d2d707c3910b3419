"""Cross-entropy and negative log-likelihood."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import fastgrad as fg
from fastgrad.nn import functional as F
from tests.nn.compare import DTYPES, agree, close, normal

REDUCTIONS = ["mean", "sum", "none"]
# Shape of x and of the class indices: without a batch, with one, with further dimensions.
SHAPES = [
    ((4,), ()),
    ((5, 4), (5,)),
    ((3, 4, 2), (3, 2)),
    ((2, 4, 3, 2), (2, 3, 2)),
    ((0, 4), (0,)),
    ((5, 1), (5,)),
]


def classes(seed: int, shape: tuple[int, ...], count: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, count, shape)


def probabilities(seed: int, shape: tuple[int, ...], dtype: str = "float64") -> np.ndarray:
    p = np.abs(normal(seed, *shape)) + 0.1
    return (p / p.sum(1 if len(shape) > 1 else 0, keepdims=True)).astype(dtype)


def both(name: str, **options: Any) -> tuple[Any, Any]:
    return (
        lambda *a: getattr(F, name)(*a, **options),
        lambda *a: getattr(torch.nn.functional, name)(*a, **options),
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(("shape", "target"), SHAPES)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.2, 1.0])
def test_class_indices(
    dtype: str, reduction: str, shape: tuple, target: tuple, weighted: bool, smoothing: float
) -> None:
    count = shape[1] if len(shape) > 1 else shape[0]
    weight = np.abs(normal(3, count, dtype=dtype)) if weighted else None
    functions = both("cross_entropy", reduction=reduction, label_smoothing=smoothing)
    agree(*functions, [normal(0, *shape, dtype=dtype)], [classes(1, target, count), weight])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", [shape for shape, _ in SHAPES])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_class_probabilities(
    dtype: str, reduction: str, shape: tuple, weighted: bool, smoothing: float
) -> None:
    count = shape[1] if len(shape) > 1 else shape[0]
    weight = np.abs(normal(3, count, dtype=dtype)) if weighted else None
    functions = both("cross_entropy", reduction=reduction, label_smoothing=smoothing)
    agree(*functions, [normal(0, *shape, dtype=dtype)], [probabilities(1, shape, dtype), weight])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(("shape", "target"), SHAPES)
@pytest.mark.parametrize("weighted", [False, True])
def test_nll_loss(dtype: str, reduction: str, shape: tuple, target: tuple, weighted: bool) -> None:
    count = shape[1] if len(shape) > 1 else shape[0]
    weight = np.abs(normal(3, count, dtype=dtype)) if weighted else None
    functions = both("nll_loss", reduction=reduction)
    agree(*functions, [normal(0, *shape, dtype=dtype)], [classes(1, target, count), weight])


@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss"])
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("ignore_index", [-100, 2, -1])
@pytest.mark.parametrize("weighted", [False, True])
def test_ignored_targets(name: str, reduction: str, ignore_index: int, weighted: bool) -> None:
    target = classes(1, (6, 2), 4)
    target[1, 0] = target[4, 1] = ignore_index
    weight = np.abs(normal(3, 4)) if weighted else None
    functions = both(name, reduction=reduction, ignore_index=ignore_index)
    agree(*functions, [normal(0, 6, 4, 2)], [target, weight])


@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss"])
def test_nothing_to_average_is_nan_and_the_sum_zero(name: str) -> None:
    loss = getattr(F, name)
    for x, target in (
        (fg.zeros(3, 4), fg.tensor([-100] * 3)),
        (fg.zeros(0, 4), fg.zeros(0, dtype=fg.int64)),
    ):
        assert math.isnan(loss(x, target).item())
        assert loss(x, target, reduction="sum").item() == 0


@pytest.mark.parametrize("dtype", DTYPES)
def test_large_logits_stay_finite(dtype: str) -> None:
    x = np.array([[1e4, -1e4, 0], [-1e4, -1e4, 1e4]], dtype)
    agree(*both("cross_entropy", reduction="none"), [x], [np.array([1, 2])])


@pytest.mark.parametrize("dtype", DTYPES)
def test_infinite_logits_are_nan_in_their_row_only(dtype: str) -> None:
    x = np.array([[np.inf, 0, 0], [-np.inf] * 3, [0, 1, 2], [-np.inf, 0, 0]], dtype)
    agree(*both("cross_entropy", reduction="none"), [x], [np.array([1, 2, 0, 1])])


@pytest.mark.parametrize("kind", ["uint8", "int32", "int64"])
def test_class_indices_of_any_integer_dtype(kind: str) -> None:
    target = classes(1, (5,), 4)
    close(
        F.cross_entropy(fg.tensor(normal(0, 5, 4)), fg.tensor(target.astype(kind))),
        torch.nn.functional.cross_entropy(torch.tensor(normal(0, 5, 4)), torch.tensor(target)),
    )


@settings(max_examples=40, deadline=None)
@given(
    shape=st.lists(st.integers(1, 6), min_size=2, max_size=4),
    reduction=st.sampled_from(REDUCTIONS),
    smoothing=st.sampled_from([0.0, 0.1]),
    layout=st.sampled_from(["C", "F", "reversed"]),
)
def test_any_shape_and_layout(shape: list[int], reduction: str, smoothing: float, layout: str) -> None:
    x = normal(0, *shape)
    x = {"C": x, "F": np.asfortranarray(x), "reversed": x[::-1]}[layout]
    target = classes(1, (shape[0], *shape[2:]), shape[1])
    a = fg.from_numpy(x).requires_grad_()
    b = torch.tensor(x.copy(), requires_grad=True)
    y = F.cross_entropy(a, fg.tensor(target), reduction=reduction, label_smoothing=smoothing)
    t = torch.nn.functional.cross_entropy(
        b, torch.tensor(target), reduction=reduction, label_smoothing=smoothing
    )
    close(y, t)
    (3 * y).sum().backward()
    (3 * t).sum().backward()
    close(a.grad, b.grad)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss"])
def test_gradcheck(name: str, reduction: str) -> None:
    weight = fg.tensor(np.abs(normal(2, 4)))
    target = fg.tensor(classes(1, (3, 2), 4))
    x = fg.tensor(normal(0, 3, 4, 2), requires_grad=True)
    assert fg.autograd.gradcheck(lambda x: getattr(F, name)(x, target, weight, reduction=reduction), (x,))


def test_gradient_is_not_shared_with_what_backward_keeps() -> None:
    x = fg.tensor(normal(0, 3, 4), requires_grad=True)
    loss = F.cross_entropy(x, fg.tensor([0, 1, 2]))
    loss.backward(retain_graph=True)
    first = x.grad.numpy().copy()
    x.grad *= 5
    x.grad = None
    loss.backward()
    np.testing.assert_array_equal(x.grad.numpy(), first)


@pytest.mark.parametrize("options", [{}, {"reduction": "sum", "ignore_index": 1}, {"label_smoothing": 0.1}])
def test_module_is_torchs(options: dict) -> None:
    weight = np.abs(normal(3, 4))
    agree(
        fg.nn.CrossEntropyLoss(fg.tensor(weight), **options),
        torch.nn.CrossEntropyLoss(torch.tensor(weight), **options),
        [normal(0, 5, 4)],
        [classes(1, (5,), 4)],
    )
    assert list(fg.nn.CrossEntropyLoss(fg.tensor(weight)).state_dict()) == ["weight"]
    assert fg.nn.CrossEntropyLoss().state_dict() == {}
    assert repr(fg.nn.CrossEntropyLoss()) == "CrossEntropyLoss()"
    if "label_smoothing" not in options:
        agree(
            fg.nn.NLLLoss(fg.tensor(weight), **options),
            torch.nn.NLLLoss(torch.tensor(weight), **options),
            [normal(0, 5, 4)],
            [classes(1, (5,), 4)],
        )


@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss"])
def test_wrong_arguments_name_function_and_argument(name: str) -> None:
    loss = getattr(F, name)
    x, target = fg.zeros(5, 4), fg.tensor([0, 1, 2, 3, 0])
    for arguments, options, argument in (
        ((x, fg.tensor([0, 1])), {}, "target"),
        ((x, target.reshape(5, 1)), {}, "target"),
        ((fg.zeros(()), target), {}, "x"),
        ((x, target), {"weight": fg.ones(5)}, "weight"),
        ((x, target), {"reduction": "average"}, "reduction"),
    ):
        with pytest.raises(ValueError, match=rf"{name}\(\).*'{argument}'.*expected"):
            loss(*arguments, **options)
    with pytest.raises(TypeError, match=rf"{name}\(\).*'x'.*int64"):
        loss(target, target)
    with pytest.raises(TypeError, match=rf"{name}\(\).*'weight'.*float64"):
        loss(x, target, fg.ones(4, dtype=fg.float64))
    for wrong in (4, -1, -101):
        with pytest.raises(IndexError, match=rf"{name}\(\).*'target' is {wrong}"):
            loss(x, fg.tensor([0, 1, wrong, 0, 0]))


def test_wrong_options_of_cross_entropy() -> None:
    x, p = fg.zeros(5, 4), fg.full((5, 4), 0.25)
    with pytest.raises(ValueError, match="label_smoothing"):
        F.cross_entropy(x, p, label_smoothing=1.5)
    with pytest.raises(ValueError, match="label_smoothing"):
        fg.nn.CrossEntropyLoss(label_smoothing=-0.1)
    with pytest.raises(ValueError, match="ignore_index"):
        F.cross_entropy(x, p, ignore_index=1)
    with pytest.raises(ValueError, match="target"):
        F.cross_entropy(x, fg.zeros(5, 3))
    with pytest.raises(TypeError, match=r"target.*float64"):
        F.cross_entropy(x, p.double())
    with pytest.raises(RuntimeError, match=r"target.*gradient"):
        F.cross_entropy(x, p.requires_grad_())
    with pytest.raises(TypeError, match=r"nll_loss\(\).*target"):
        F.nll_loss(x, fg.zeros(5))
