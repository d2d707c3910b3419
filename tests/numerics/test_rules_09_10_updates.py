"""Rules 9 and 10 at fastgrad.optim; tests/kernels/test_update.py holds the kernels to the same."""

from __future__ import annotations

import numpy as np
import pytest

import fastgrad as fg
from tests import reference_updates as oracle
from tests.kernels.common import assert_close, dtypes


def parameter(values: np.ndarray) -> fg.Tensor:
    return fg.tensor(values, requires_grad=True)


@dtypes
def test_rule_09_l1_of_zero_and_nan(isa, dtype):
    p = parameter(np.array([0.0, -0.0, 2.0, -3.0, 1.0], dtype))
    p.grad = fg.tensor(np.array([0.0, 0.0, 0.0, 0.0, np.nan], dtype))
    fg.optim.SGD([p], lr=1.0, l1=0.5).step()
    assert p.detach().numpy()[:4].tolist() == [0.0, 0.0, 1.5, -2.5]
    assert np.isnan(p.detach().numpy()[4])


@dtypes
@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("maximize", [False, True])
def test_rule_10_sgd_step_by_step(isa, dtype, nesterov, maximize):
    """Weight decay before momentum, the first buffer undampened, the ascent of maximize."""
    rng = np.random.default_rng(0)
    options = dict(lr=0.1, momentum=0.9, dampening=0.0 if nesterov else 0.5, weight_decay=0.25, l1=0.125)
    options |= dict(nesterov=nesterov, maximize=maximize)
    truth, buffer = rng.standard_normal(37).astype(dtype), None
    p = parameter(truth)
    optimizer = fg.optim.SGD([p], **options)
    for step in range(4):
        g = rng.standard_normal(37).astype(dtype)
        p.grad = fg.tensor(g)
        optimizer.step()
        truth, buffer = oracle.sgd(truth, g, buffer, first=step == 0, **options)
        assert_close(p.detach().numpy(), truth, scale=4 * (step + 1))


def test_rule_10_what_sgd_refuses():
    p = parameter(np.ones(3, np.float32))
    with pytest.raises(ValueError, match="nesterov"):
        fg.optim.SGD([p], lr=0.1, nesterov=True)
    with pytest.raises(ValueError, match="nesterov"):
        fg.optim.SGD([p], lr=0.1, momentum=0.9, dampening=0.1, nesterov=True)
    with pytest.raises(ValueError, match="params"):
        fg.optim.SGD([p, p], lr=0.1)
    with pytest.raises(ValueError, match="params"):
        fg.optim.SGD([{"params": [p]}, {"params": [p]}], lr=0.1)
