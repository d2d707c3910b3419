"""Binary cross-entropy from probabilities and from logits."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import fastgrad as fg
from fastgrad.nn import functional as F
from tests.nn.compare import DTYPES, agree, close, normal

REDUCTIONS = ["mean", "sum", "none"]
NAMES = ["binary_cross_entropy", "binary_cross_entropy_with_logits"]


def unit(seed: int, *shape: int, dtype: str = "float64") -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.02, 0.98, shape).astype(dtype)


def scores(name: str, seed: int, *shape: int, dtype: str = "float64") -> np.ndarray:
    return unit(seed, *shape, dtype=dtype) if name == NAMES[0] else normal(seed, *shape, dtype=dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", [(), (7,), (3, 4), (2, 3, 4), (0, 3)])
@pytest.mark.parametrize("weight", [None, "same", "row"])
@pytest.mark.parametrize("name", NAMES)
def test_function_is_torchs(dtype: str, reduction: str, shape: tuple, weight: str | None, name: str) -> None:
    w = None
    if weight is not None:
        w = unit(2, *(shape if weight == "same" else shape[-1:]), dtype=dtype)
    agree(
        lambda x, t, w: getattr(F, name)(x, t, w, reduction=reduction),
        lambda x, t, w: getattr(torch.nn.functional, name)(x, t, w, reduction=reduction),
        [scores(name, 0, *shape, dtype=dtype)],
        [unit(1, *shape, dtype=dtype), w],
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weight", [None, (3, 4)])
@pytest.mark.parametrize("pos_weight", [(4,), (3, 4), (1,)])
def test_pos_weight(dtype: str, reduction: str, weight: tuple | None, pos_weight: tuple) -> None:
    w = None if weight is None else unit(2, *weight, dtype=dtype)
    agree(
        lambda x, t, w, p: F.binary_cross_entropy_with_logits(x, t, w, reduction, p),
        lambda x, t, w, p: torch.nn.functional.binary_cross_entropy_with_logits(
            x, t, w, reduction=reduction, pos_weight=p
        ),
        [normal(0, 3, 4, dtype=dtype)],
        [unit(1, 3, 4, dtype=dtype), w, 5 * unit(3, *pos_weight, dtype=dtype)],
    )


@pytest.mark.parametrize("dtype", DTYPES)
def test_logits_far_out_stay_finite(dtype: str) -> None:
    x = np.array([120, -120, 120, -120, 1e4, -1e4], dtype)
    target = np.array([1, 1, 0, 0, 0, 1], dtype)
    agree(
        lambda x, t: F.binary_cross_entropy_with_logits(x, t, reduction="none"),
        lambda x, t: torch.nn.functional.binary_cross_entropy_with_logits(x, t, reduction="none"),
        [x],
        [target],
    )


@pytest.mark.parametrize("dtype", DTYPES)
def test_probabilities_of_zero_and_one(dtype: str) -> None:
    p = np.array([0, 1, 0, 1, 0.5], dtype)
    target = np.array([0, 1, 1, 0, 1], dtype)
    x, t = fg.tensor(p, requires_grad=True), torch.tensor(p, requires_grad=True)
    y = F.binary_cross_entropy(x, fg.tensor(target), reduction="none")
    u = torch.nn.functional.binary_cross_entropy(t, torch.tensor(target), reduction="none")
    close(y, u)
    y.sum().backward()
    u.sum().backward()
    # The divisor is kept from zero by 1e-12, which torch rounds to float32.
    close(x.grad, t.grad, 1e-7)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("name", NAMES)
def test_gradcheck(name: str, reduction: str) -> None:
    target, weight = fg.tensor(unit(1, 4, 3)), fg.tensor(unit(2, 3))
    x = fg.tensor(scores(name, 0, 4, 3), requires_grad=True)
    assert fg.autograd.gradcheck(lambda x: getattr(F, name)(x, target, weight, reduction), (x,))


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_modules_are_torchs(reduction: str) -> None:
    weight, pos = unit(2, 4), unit(3, 4)
    agree(
        fg.nn.BCELoss(fg.tensor(weight), reduction=reduction),
        torch.nn.BCELoss(torch.tensor(weight), reduction=reduction),
        [unit(0, 3, 4)],
        [unit(1, 3, 4)],
    )
    ours = fg.nn.BCEWithLogitsLoss(fg.tensor(weight), reduction=reduction, pos_weight=fg.tensor(pos))
    theirs = torch.nn.BCEWithLogitsLoss(
        torch.tensor(weight), reduction=reduction, pos_weight=torch.tensor(pos)
    )
    agree(ours, theirs, [normal(0, 3, 4)], [unit(1, 3, 4)])
    assert list(ours.state_dict()) == list(theirs.state_dict()) == ["weight", "pos_weight"]
    assert repr(ours) == repr(theirs)
    assert fg.nn.BCELoss().state_dict() == {}


def test_integer_targets_are_taken() -> None:
    x = normal(0, 3)
    close(
        F.binary_cross_entropy_with_logits(fg.tensor(x), fg.tensor([0, 1, 1])),
        torch.nn.functional.binary_cross_entropy_with_logits(
            torch.tensor(x), torch.tensor([0.0, 1.0, 1.0]).double()
        ),
    )


@pytest.mark.parametrize("name", NAMES)
def test_wrong_arguments_name_function_and_argument(name: str) -> None:
    loss = getattr(F, name)
    x = fg.full((3, 4), 0.5)
    for arguments, options, argument in (
        ((x, fg.zeros(3, 5)), {}, "target"),
        ((x, fg.zeros(4)), {}, "target"),
        ((x, x), {"weight": fg.ones(5)}, "weight"),
        ((x, x), {"weight": fg.ones(2, 3, 4)}, "weight"),
        ((x, x), {"reduction": "average"}, "reduction"),
    ):
        with pytest.raises(ValueError, match=rf"{name}\(\).*'{argument}'.*expected"):
            loss(*arguments, **options)
    with pytest.raises(TypeError, match=rf"{name}\(\).*'x'.*int64"):
        loss(fg.tensor([1]), fg.tensor([1]))
    with pytest.raises(TypeError, match=rf"{name}\(\).*'target'.*float64"):
        loss(x, x.double())
    with pytest.raises(RuntimeError, match=r"target.*gradient"):
        loss(x, x.clone().requires_grad_())


@pytest.mark.parametrize("value", [-0.1, 1.5])
def test_a_probability_out_of_range_is_an_error(value: float) -> None:
    with pytest.raises(ValueError, match=r"binary_cross_entropy\(\).*'x'"):
        F.binary_cross_entropy(fg.tensor([0.5, value]), fg.zeros(2))
