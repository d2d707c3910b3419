"""Rule 25: activations within 4 ULP in float32 over the whole range, every product within gamma_K |A| |B|."""

from __future__ import annotations

import numpy as np
import pytest

from tests.numerics import measure
from tests.reference import CASE_IDS, CASES

cases = pytest.mark.parametrize(("row", "parameters"), CASES, ids=CASE_IDS)


@cases
def test_value_in_float32(isa, row, parameters):
    worst = measure.forward32(row, parameters)
    assert worst.ulp <= row.ulp, worst


@cases
def test_derivative_in_float32(isa, row, parameters):
    worst = measure.derivative32(row, parameters)
    assert worst.ulp <= row.ulp, worst


@cases
def test_value_in_float64(isa, row, parameters):
    worst = measure.forward64(row, parameters)
    assert worst.ulp <= 8, worst


@cases
def test_derivative_in_float64(isa, row, parameters):
    worst = measure.derivative64(row, parameters)
    assert worst.ulp <= 8, worst


def test_products_in_float32(isa):
    errors = measure.product_errors(np.float32)
    assert max(errors.values()) <= 1.0, errors


@cases
def test_outputs_stay_in_range(isa, row, parameters):
    """What rounding may not do: leave the range, or turn the derivative of a saturated unit negative."""
    x = measure.inputs32(row, parameters)
    y = measure.run_forward(row, parameters, x)
    low, high = {
        "sigmoid": (0, 1),
        "tanh": (-1, 1),
        "relu": (0, np.inf),
        "relu6": (0, 6),
        "softsign": (-1, 1),
        "softplus": (0, np.inf),
        "logsigmoid": (-np.inf, 0),
        "hardtanh": parameters,
    }.get(row.name, (-np.inf, np.inf))
    finite = y[~np.isnan(y)]
    assert finite.min() >= low
    assert finite.max() <= high
    if row.name in ("sigmoid", "tanh", "selu", "celu", "softplus", "softsign", "logsigmoid"):
        saved = y if measure.reads(row, parameters) == "output" else x
        derivative = measure.run_derivative(row, parameters, saved)
        assert np.nanmin(derivative) >= 0
