"""cross_entropy, nll_loss and pointwise_loss with their gradients: oracle, extremes, layouts, threads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fastgrad import _cpu
from tests import reference_losses as oracle
from tests.kernels.common import (
    assert_close,
    blank,
    broadcasts,
    dtypes,
    normal,
    rejects,
    same_bits,
    unchanged,
)
from tests.reference import Array
from tests.reference_linear import log_softmax

REDUCTIONS = ("none", "mean", "sum")
SIZES = [(1, 1), (1, 10), (5, 1), (7, 2), (33, 10), (3, 17), (2, 1000), (300, 3), (16, 33)]


def cross_entropy(x, target, weight=None, ignore_index=-100, label_smoothing=0.0, reduction="mean", grad=True):
    loss = blank(x.shape[:1] if reduction == "none" else (), x.dtype)
    dx = blank(x.shape, x.dtype) if grad else None
    with unchanged(x, target, weight):
        _cpu.cross_entropy(loss, dx, x, target, weight, ignore_index, label_smoothing, reduction)
    return loss, dx


def nll_loss(x, target, weight=None, ignore_index=-100, reduction="mean"):
    loss, dx = blank(x.shape[:1] if reduction == "none" else (), x.dtype), blank(x.shape, x.dtype)
    with unchanged(x, target, weight):
        _cpu.nll_loss(loss, dx, x, target, weight, ignore_index, reduction)
    return loss, dx


def pointwise(kind, x, target, weight=None, pos_weight=None, parameter=0.0, reduction="mean", grad=True):
    loss = blank(x.shape if reduction == "none" else (), x.dtype)
    dx = blank(x.shape, x.dtype) if grad else None
    with unchanged(x, target, weight, pos_weight):
        _cpu.pointwise_loss(loss, dx, x, target, weight, pos_weight, kind, parameter, reduction)
    return loss, dx


def check(got: tuple[Array, Array], truth: tuple[Array, Array], scale: Any, dx_scale: Any, what: object) -> None:
    assert_close(got[0], truth[0], scale=scale, units=16, what=f"loss {what}")
    assert_close(got[1], truth[1], scale=dx_scale, units=16, what=f"dx {what}")


def targets(n: int, c: int, dtype: Any) -> dict[str, Array]:
    """Indices, indices with some ignored, all ignored, probabilities."""
    rng = np.random.default_rng(n + c)
    index = rng.integers(0, c, n)
    return {
        "index": index,
        "some": np.where(rng.random(n) < 0.4, -100, index),
        "ignored": np.full(n, -100),
        "probabilities": rng.dirichlet(np.ones(c), n).astype(dtype),
    }


def gradient_scale(n: int, target: Array, weight: Array | None, reduction: str) -> float:
    """The largest factor of a softmax in the gradient: what its rounding errors are proportional to."""
    w = np.ones(2000) if weight is None else weight
    divisor = 1.0
    if reduction == "mean":
        divisor = float(w[target[target >= 0]].sum()) if target.ndim == 1 else n
    return float(w.max()) / (divisor or 1.0)


@dtypes
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_cross_entropy_and_nll(isa, dtype, reduction):
    for n, c in SIZES:
        x = normal((n, c), dtype) * dtype(3)
        weight = np.random.default_rng(1).random(c).astype(dtype) + dtype(0.25)
        for kind, target in targets(n, c, dtype).items():
            for w in (None, weight):
                for smoothing in (0.0, 0.125, 1.0):
                    options = dict(weight=w, label_smoothing=smoothing, reduction=reduction)
                    truth = oracle.cross_entropy(x, target, **options)
                    size = np.abs(oracle.cross_entropy(x, target, **options | {"reduction": "none"})[0])
                    scale = 8 + (size if reduction == "none" else size.sum() if reduction == "sum" else size.max())
                    dx_scale = gradient_scale(n, target, w, reduction)
                    what = (n, c, kind, w is not None, smoothing)
                    check(cross_entropy(x, target, **options), truth, scale, 4 * dx_scale, what)
                    alone, _ = cross_entropy(x, target, **options, grad=False)
                    assert same_bits(alone, cross_entropy(x, target, **options)[0]), what
                    if kind != "probabilities" and smoothing == 0 and n > 1:  # gradients in the place of scores
                        loss, dx = blank(alone.shape, dtype), x.copy()
                        _cpu.cross_entropy(loss, dx, dx, target, w, -100, 0.0, reduction)
                        expected = cross_entropy(x, target, **options)
                        assert same_bits(loss, expected[0]), what
                        assert same_bits(dx, expected[1]), what
                if kind != "probabilities":
                    log_p = log_softmax(x).astype(dtype)
                    truth = oracle.nll_loss(log_p, target, w, reduction=reduction)
                    size = np.abs(log_p).sum() if reduction == "sum" else np.abs(log_p).max()
                    check(nll_loss(log_p, target, w, reduction=reduction), truth, size, 0, (n, c, kind))


@dtypes
def test_no_rows_and_another_ignored_index(isa, dtype):
    """Rule 6: with N = 0 or everything ignored the mean is NaN and the sum 0; any index can be the ignored one."""
    for function in (cross_entropy, nll_loss):
        for target in (np.zeros(0, np.int64), np.full(4, 2)):
            x = normal((len(target), 5), dtype)
            for reduction, expected in (("mean", np.nan), ("sum", 0.0), ("none", np.zeros(len(target)))):
                loss, dx = function(x, target, ignore_index=2, reduction=reduction)
                np.testing.assert_array_equal(loss, expected)
                np.testing.assert_array_equal(dx, np.zeros(x.shape))
    loss, dx = cross_entropy(np.zeros((0, 5), dtype), np.zeros((0, 5), dtype), reduction="mean")
    assert np.isnan(loss)
    for reduction, expected in (("mean", np.nan), ("sum", 0.0)):
        loss, _ = pointwise("mse_loss", np.zeros((0, 3), dtype), np.zeros((0, 3), dtype), reduction=reduction)
        np.testing.assert_array_equal(loss, expected)


@dtypes
def test_cross_entropy_of_extreme_rows(isa, dtype):
    """Rule 5: finite on +-1e4; a row with +inf or of -inf only is NaN in that row only."""
    inf = np.inf
    x = np.array(
        [
            [1e4, -1e4, 0],
            [-1e4, -1e4, -1e4],
            [1, inf, 2],
            [-inf, -inf, -inf],
            [1, -inf, 2],
            [np.nan, 0, 0],
            [1, 2, 3],
        ],
        dtype,
    )
    target = np.array([1, 0, 0, 1, 2, 1, 2])
    loss, dx = cross_entropy(x, target, reduction="none")
    truth, dx_truth = oracle.cross_entropy(x, target, reduction="none")
    bad = np.array([2, 3, 5])
    good = np.setdiff1d(np.arange(7), bad)
    assert np.isnan(loss[bad]).all()
    assert np.isnan(dx[bad]).all()
    assert_close(loss[good], truth[good])
    assert_close(dx[good], dx_truth[good])
    assert loss[0] == 2e4
    assert np.isposinf(cross_entropy(x[4:5], np.array([1]), reduction="none")[0])


def entropy_call(**changes: Any) -> dict[str, Any]:
    """A call of cross_entropy with some arguments changed."""
    call = dict(loss=blank((), np.float32), dx=blank((4, 5), np.float32), x=normal((4, 5), np.float32))
    call |= dict(target=np.array([0, 1, 2, 4]), weight=None, ignore_index=-100, label_smoothing=0.0)
    return call | dict(reduction="mean") | changes


def pointwise_call(**changes: Any) -> dict[str, Any]:
    """A call of pointwise_loss with some arguments changed."""
    x = normal((3, 4), np.float32)
    call = dict(loss=blank((), np.float32), dx=blank((3, 4), np.float32), x=x, target=x, weight=None)
    return call | dict(pos_weight=None, kind="huber_loss", parameter=1.0, reduction="mean") | changes


def test_bad_arguments(isa):
    """Rule 6: an index out of range is an error before any write; rule 8: so are bad beta and delta."""
    for index in (5, -1, 2**40, -(2**63)):
        call = entropy_call(target=np.array([0, 1, index, 2]))
        rejects(IndexError, "cross_entropy", "target", call)
        del call["label_smoothing"]
        rejects(IndexError, "nll_loss", "target", call)
    for bad in (1.5, -0.1, float("nan")):
        rejects(ValueError, "cross_entropy", "label_smoothing", entropy_call(label_smoothing=bad))
    rejects(ValueError, "cross_entropy", "reduction", entropy_call(reduction="average"))
    rejects(ValueError, "cross_entropy", "loss", entropy_call(loss=blank(4, np.float32)))
    rejects(ValueError, "cross_entropy", "loss", entropy_call(reduction="none"))
    kernel, half = "pointwise_loss", np.full((3, 4), 0.5, np.float32)
    x = half.copy()
    for bad in (0.0, -1.0, float("nan")):
        rejects(ValueError, kernel, "parameter|delta", pointwise_call(parameter=bad))
    for bad in (-0.5, float("nan")):
        rejects(ValueError, kernel, "parameter|beta", pointwise_call(kind="smooth_l1_loss", parameter=bad))
    for bad in (1.5, -0.001):
        x[1, 2] = bad
        rejects(ValueError, kernel, "x", pointwise_call(kind="binary_cross_entropy", x=x, target=half))
        rejects(ValueError, kernel, "target", pointwise_call(kind="binary_cross_entropy", x=half, target=x))
    rejects(ValueError, kernel, "kind", pointwise_call(kind="hinge_loss"))
    rejects(ValueError, kernel, "reduction", pointwise_call(reduction=""))
    rejects(ValueError, kernel, "weight", pointwise_call(weight=half))
    rejects(
        ValueError,
        kernel,
        "pos_weight",
        pointwise_call(kind="binary_cross_entropy", x=half, target=half, pos_weight=half),
    )


def pairs(kind: str, shape: tuple[int, ...], dtype: Any) -> tuple[Array, Array]:
    """Inputs and targets for a loss, with equal ones, kinks and extremes among them."""
    rng = np.random.default_rng(5)
    x, target = (np.asarray(rng.standard_normal(shape) * 2, dtype) for _ in range(2))
    flat_x, flat_t = x.reshape(-1), target.reshape(-1)
    if kind.startswith("binary"):
        flat_t[:] = rng.random(x.size)
        flat_t[::3], flat_t[1::5] = 0, 1
        if kind == "binary_cross_entropy":
            flat_x[:] = rng.random(x.size)
            flat_x[::7], flat_x[2::11], flat_x[3::13] = 0, 1, 1e-30
        else:
            flat_x[::7], flat_x[2::11], flat_x[3::13], flat_x[4::17] = 120, -120, 1e4, -1e4
    else:
        flat_t[::7] = flat_x[::7]
        flat_t[1::7] = flat_x[1::7] + 1
    return x, target


@dtypes
@pytest.mark.parametrize(("kind", "parameter"), oracle.POINTWISE)
def test_pointwise(isa, dtype, kind, parameter):
    for shape in ((), (1,), (37,), (3, 1000), (5, 4, 3), *((n,) for n in range(2, 36))):
        x, target = pairs(kind, shape, dtype)
        weight, pos_weight = (np.asarray(np.abs(normal(shape, dtype, i)) + dtype(0.5)) for i in (3, 4))
        weights: list[dict[str, Any]] = [{}]
        if kind.startswith("binary"):
            weights.append({"weight": weight})
        if kind.endswith("logits"):
            weights.append({"weight": weight, "pos_weight": pos_weight})
            weights.append({"pos_weight": broadcasts(shape, dtype, 4)["first"]} if shape else {})
        for w in weights:
            for reduction in REDUCTIONS:
                truth = oracle.pointwise(kind, x, target, parameter=parameter, reduction=reduction, **w)
                got = pointwise(kind, x, target, parameter=parameter, reduction=reduction, **w)
                parts, slopes = oracle.pointwise(kind, x, target, parameter=parameter, reduction="none", **w)
                divisor = max(x.size, 1) if reduction == "mean" else 1
                # The difference of x and target is rounded before anything else happens to it.
                size = np.abs(x) + np.abs(target) + 1
                scale = size * (1 if kind.endswith(("entropy", "logits")) else np.abs(slopes)) + np.abs(parts)
                if reduction != "none":
                    scale = scale.sum() / divisor
                slope_scale = (size if kind.startswith(("mse", "smooth", "huber")) else 1) / (parameter or 1)
                what = (shape, reduction, list(w))
                check(got, truth, scale, slope_scale / divisor + np.abs(truth[1]), what)
                alone, _ = pointwise(kind, x, target, parameter=parameter, reduction=reduction, grad=False, **w)
                assert same_bits(alone, got[0])


@dtypes
def test_bce_with_logits_is_finite_far_out(isa, dtype):
    """Rule 7: finite at logits +-120 with either target."""
    x = np.array([120, 120, -120, -120, 1e4, -1e4, 100, -100], dtype)
    target = np.array([0, 1, 0, 1, 1, 0, 1, 0], dtype)
    loss, dx = pointwise("binary_cross_entropy_with_logits", x, target, reduction="none")
    truth, slope = oracle.pointwise("binary_cross_entropy_with_logits", x, target, reduction="none")
    assert np.isfinite(loss).all()
    assert_close(loss, truth, scale=0)
    assert_close(dx, slope, scale=0)
    assert loss[:4].tolist() == [120, loss[1], loss[2], 120]
    assert 0 < dx[6] * -1 < 1e-43 if dtype is np.float32 else True
