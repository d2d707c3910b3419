"""Rule 17: more than 2**31 elements. Nine gigabytes of memory each, so only on request: ``pytest -m large``."""

from __future__ import annotations

import numpy as np
import pytest

from fastgrad import _cpu
from tests.kernels.common import blank

HUGE = 46341  # squared it is more than 2**31
pytestmark = pytest.mark.large


def test_rule_17_more_than_two_to_the_31_elements_of_an_input():
    """The inputs are broadcast views: the indices are large, whatever a kernel makes of them."""
    x, w = np.broadcast_to(np.float32(2), (HUGE, HUGE)), np.broadcast_to(np.float32(0.5), (1, HUGE))
    y = blank((HUGE, 1), np.float32)
    _cpu.linear_forward(y, None, x, w, None, None)
    assert (y == HUGE).all()
    loss, target = blank((), np.float32), np.broadcast_to(np.float32(1), x.shape)
    _cpu.pointwise_loss(loss, None, x, target, None, None, "mse_loss", 0.0, "mean")
    np.testing.assert_allclose(loss, 1.0, rtol=1e-3)


def test_rule_17_more_than_two_to_the_31_elements_of_an_output():
    y = np.zeros((HUGE, HUGE), np.float32)
    _cpu.activation_forward(y, np.broadcast_to(np.float32(3), y.shape), _cpu.Activation("relu"))
    assert y[-1, -1] == y[0, 0] == y[HUGE // 2, 5] == 3
    y[-1, -1] = 7
    out = blank((2, HUGE), np.float32)
    _cpu.gather_rows(out, y, np.array([HUGE - 1, 0]))
    assert out[0, -1] == 7
    assert out[1, -1] == 3
