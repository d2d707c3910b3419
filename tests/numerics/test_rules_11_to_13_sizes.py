"""Rules 11 to 13: no rows, no columns, one of each; stale outputs; a bad row.

Every size from 0 to 33 into NaN-filled outputs is in tests/kernels/test_linear.py and test_matmul.py.
"""

from __future__ import annotations

import numpy as np
import pytest

import fastgrad as fg
import fastgrad.nn.functional as F
from tests import reference_linear as ref
from tests.accuracy import gamma
from tests.kernels.common import dtypes, normal
from tests.numerics.public import gradients


@dtypes
@pytest.mark.parametrize(("n", "k", "m"), [(0, 3, 4), (3, 0, 4), (3, 4, 0), (0, 0, 0), (1, 1, 1), (1, 5, 7), (5, 1, 1)])
@pytest.mark.parametrize("activation", [None, "relu", "gelu"])
def test_rule_11_empty_and_single_linear_layers(isa, dtype, n, k, m, activation):
    x, w, b = normal((n, k), dtype), normal((m, k), dtype, 1), normal(m, dtype, 2)
    y, (dx, dw, db) = gradients(lambda *a: F.linear(*a, activation=activation), x, w, b)
    assert y.shape == (n, m)
    assert (dx.shape, dw.shape, db.shape) == (x.shape, w.shape, b.shape)
    assert y.dtype == dx.dtype == dw.dtype == db.dtype == dtype
    if k == 0 and activation is None:
        assert (y == b).all()
    if n == 0:
        assert not dw.any()
        assert not db.any()
    if activation is None:
        np.testing.assert_allclose(y, ref.linear(x, w, b), rtol=1e-5, atol=1e-5)
        for got, truth in zip((dx, dw, db), ref.linear_backward(np.ones((n, m)), x, w), strict=True):
            np.testing.assert_allclose(got, truth, rtol=1e-5, atol=1e-5)


@dtypes
def test_rule_11_public_layers_round_the_register_tile(isa, dtype):
    """A Latin square of the sizes 0 to 33: every pair of two of m, n, k occurs once."""
    x, w = normal((33, 33), dtype), normal((33, 33), dtype, 1)
    for m in range(34):
        for n in range(34):
            k = (m + n) % 34
            y = F.linear(fg.tensor(x[:m, :k]), fg.tensor(w[:n, :k])).numpy()
            error = np.abs(y - ref.linear(x[:m, :k], w[:n, :k]))
            assert (error <= 2 * gamma(k, dtype) * ref.linear_bound(x[:m, :k], w[:n, :k])).all(), (m, n, k)


@dtypes
def test_rule_12_stale_memory_never_reaches_a_result(isa, dtype):
    """What a freed array leaves behind is NaN; results made in its place are the same as before."""
    x, w, b = normal((40, 30), dtype), normal((20, 30), dtype, 1), normal(20, dtype, 2)
    clean = gradients(lambda *a: F.linear(*a, activation="tanh"), x, w, b)
    for _ in range(5):
        stale = [np.full(shape, np.nan, dtype) for shape in ((40, 20), (40, 30), (20, 30), (20,))]
        del stale
        y, grads = gradients(lambda *a: F.linear(*a, activation="tanh"), x, w, b)
        assert np.array_equal(y, clean[0])
        assert all(np.array_equal(a, b) for a, b in zip(grads, clean[1], strict=True))


@dtypes
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_rule_13_a_bad_row_stays_in_its_row(isa, dtype, bad):
    x, w = normal((9, 12), dtype), normal((8, 12), dtype, 1)
    w[2] = 0.0
    clean = F.linear(fg.tensor(x), fg.tensor(w)).numpy().copy()
    x[4, 3] = bad
    y = F.linear(fg.tensor(x), fg.tensor(w)).numpy()
    others = np.arange(9) != 4
    assert np.array_equal(y[others], clean[others])
    assert not np.isfinite(y[4]).any()
    assert np.isnan(y[4, 2]), "0 * inf is NaN"
