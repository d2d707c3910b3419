"""Rules 5 to 8 at the public functions; tests/kernels/test_losses.py holds the kernels to the same on every detail."""

from __future__ import annotations

import numpy as np
import pytest

import fastgrad as fg
import fastgrad.nn.functional as F
from tests import reference_losses as oracle
from tests.kernels.common import assert_close, dtypes
from tests.numerics.public import gradients

INF = np.inf
ROWS = [[1e4, -1e4, 0], [-1e4, -1e4, -1e4], [1, INF, 2], [-INF, -INF, -INF], [1, -INF, 2], [1, 2, 3]]
GOOD = [0, 1, 4, 5]


@dtypes
def test_rule_05_log_softmax_and_cross_entropy_on_extreme_rows(isa, dtype):
    x, target = np.array(ROWS, dtype), np.array([1, 0, 0, 1, 2, 2])
    y, _ = gradients(lambda v: F.log_softmax(v, -1), x)
    assert np.isnan(y[[2, 3]]).all()
    assert not np.isnan(y[GOOD]).any()
    assert np.isfinite(y[[0, 1, 5]]).all()
    loss, (dx,) = gradients(lambda v: F.cross_entropy(v, fg.tensor(target), reduction="none"), x)
    truth, slope = oracle.cross_entropy(x[GOOD], target[GOOD], reduction="none")
    assert np.isnan(loss[[2, 3]]).all()
    assert np.isnan(dx[[2, 3]]).all()
    assert_close(loss[GOOD], truth)
    assert_close(dx[GOOD], slope)


@dtypes
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_rule_06_cross_entropy_and_its_arguments(isa, dtype, reduction):
    rng = np.random.default_rng(0)
    x, weight = rng.standard_normal((7, 4)).astype(dtype), (rng.random(4) + 0.5).astype(dtype)
    index = np.array([0, 3, 2, 1, 3, 3, 0])
    for target, ignored in ((index, -100), (index, 3), (rng.dirichlet(np.ones(4), 7).astype(dtype), -100)):
        for smoothing in (0.0, 0.25):
            options = dict(ignore_index=ignored, label_smoothing=smoothing, reduction=reduction)
            loss, (dx,) = gradients(
                lambda v, t=target, o=options: F.cross_entropy(v, fg.tensor(t), weight=fg.tensor(weight), **o), x
            )
            truth, slope = oracle.cross_entropy(x, target, weight, **options)
            assert_close(loss, truth, scale=16)
            assert_close(dx, slope, scale=4)


@dtypes
def test_rule_06_nothing_to_average(isa, dtype):
    for x, target in (
        (np.zeros((0, 4), dtype), np.zeros(0, np.int64)),
        (np.ones((3, 4), dtype), np.full(3, -100)),
    ):
        for function in (F.cross_entropy, F.nll_loss):
            loss, (dx,) = gradients(lambda v, f=function, t=target: f(v, fg.tensor(t)), x)
            assert np.isnan(loss)
            assert not dx.any()
            loss, (dx,) = gradients(lambda v, f=function, t=target: f(v, fg.tensor(t), reduction="sum"), x)
            assert loss == 0
            assert not dx.any()


@pytest.mark.parametrize("bad", [4, -1, 2**40])
def test_rule_06_an_index_out_of_range_is_an_error(bad):
    x = fg.zeros(2, 4, requires_grad=True)
    for function in (F.cross_entropy, F.nll_loss):
        with pytest.raises(IndexError, match="target"):
            function(x, fg.tensor(np.array([1, bad])))


@dtypes
def test_rule_07_bce_with_logits_far_out(isa, dtype):
    x, target = np.array([120, 120, -120, -120, 0], dtype), np.array([0, 1, 0, 1, 1], dtype)
    for pos in (None, np.full(5, 3, dtype)):
        w = None if pos is None else fg.tensor(pos)
        loss, (dx,) = gradients(
            lambda v, w=w: F.binary_cross_entropy_with_logits(v, fg.tensor(target), pos_weight=w, reduction="none"), x
        )
        truth, slope = oracle.pointwise("binary_cross_entropy_with_logits", x, target, pos_weight=pos, reduction="none")
        assert np.isfinite(loss).all()
        assert_close(loss, truth, scale=0)
        assert_close(dx, slope, scale=0)


def test_rule_08_bad_beta_and_delta():
    x, target = fg.zeros(3), fg.ones(3)
    for delta in (0.0, -1.0):
        with pytest.raises(ValueError, match="delta"):
            F.huber_loss(x, target, delta=delta)
    with pytest.raises(ValueError, match="beta"):
        F.smooth_l1_loss(x, target, beta=-1.0)


@dtypes
def test_rule_08_beta_zero_is_l1(isa, dtype):
    x, target = np.random.default_rng(0).standard_normal((2, 50)).astype(dtype)
    target[:5] = x[:5]
    for reduction in ("none", "mean", "sum"):
        a = gradients(lambda v, r=reduction: F.smooth_l1_loss(v, fg.tensor(target), beta=0.0, reduction=r), x)
        b = gradients(lambda v, r=reduction: F.l1_loss(v, fg.tensor(target), reduction=r), x)
        assert np.array_equal(a[0], b[0])
        assert np.array_equal(a[1], b[1])
        assert not a[1][0][:5].any()
