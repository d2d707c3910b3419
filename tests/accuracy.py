"""How the tests measure errors: in units in the last place, and against the rounding bound of a sum of
products.

Also the inputs on which activations are measured, and the truth there: float64 formulas, and mpmath where
float64 is not enough (close to a root of the derivative, and for float64 kernels).
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
from mpmath import mp

from tests.reference import Array, Row

UNIT_ROUNDOFF = {np.dtype(np.float32): 2.0**-24, np.dtype(np.float64): 2.0**-53}
PATTERN_STRIDE = 40009  # a prime: 107,350 of the 2**32 patterns
CLOSE_STRIDE = 1009  # a prime: 183,000 of the patterns between 2**-4 and 2**7, of either sign


def ulp_error(got: Array, truth: Array) -> Array:
    """|got - truth| in units in the last place of the truth, in got's precision.

    The unit of a subnormal is the smallest subnormal. NaN agrees with NaN only (error inf otherwise), an
    infinity with the same infinity or with a truth that overflows the precision. Zeros of either sign agree.
    """
    dtype = got.dtype
    largest = float(np.finfo(dtype).max)
    truth = np.asarray(truth, np.float64)
    with np.errstate(all="ignore"):
        clipped = np.minimum(np.abs(truth), largest).astype(dtype)
        unit = np.spacing(
            np.where(np.isnan(truth), dtype.type(1), np.minimum(clipped, np.nextafter(dtype.type(largest), 0)))
        ).astype(np.float64)
        error = np.abs(got.astype(np.float64) - truth) / unit
    overflows = np.isinf(got) & (np.abs(truth) > largest) & (np.sign(got) == np.sign(truth))
    agree = (np.isnan(got) & np.isnan(truth)) | (got == truth) | overflows
    return np.where(agree, 0.0, np.where(np.isnan(error), np.inf, error))


def gamma(k: int, dtype: Any) -> float:
    """Higham's gamma_k = k u / (1 - k u): the rounding error of a sum of k products, in any order."""
    u = UNIT_ROUNDOFF[np.dtype(dtype)]
    return k * u / (1.0 - k * u)


def neighbours(centre: float, count: int, dtype: Any = np.float32) -> Array:
    """The `count` floats on each side of a value, and itself."""
    dtype = np.dtype(dtype)
    integer = np.dtype(np.int32 if dtype.itemsize == 4 else np.int64)
    bits = np.array(centre, dtype).view(integer)
    steps = np.arange(-count, count + 1, dtype=integer)
    if centre == 0.0:  # subnormals on both sides, and both zeros
        up = np.arange(0, count + 1, dtype=integer).view(dtype)
        return np.concatenate([up, -up])
    return (bits + steps).view(dtype)


@cache
def float32_patterns() -> Array:
    """A stride through all float32 bit patterns (NaNs and subnormals with them), and the special values."""
    patterns = np.arange(0, 2**32, PATTERN_STRIDE, dtype=np.uint64).astype(np.uint32).view(np.float32)
    info = np.finfo(np.float32)
    special = np.array([0.0, info.tiny, info.smallest_subnormal, info.max, np.inf, 1e20, 1.0, info.eps], np.float32)
    x = np.concatenate([patterns, special, -special, np.array([np.nan], np.float32)])
    # What is hard happens for magnitudes between 2**-4 and 2**7: look closer there.
    ends = np.array([2.0**-4, 2.0**7], np.float32).view(np.uint32)
    close = np.arange(ends[0], ends[1], CLOSE_STRIDE, dtype=np.uint32).view(np.float32)
    x = np.concatenate([x, close, -close, neighbours(0.0, 64)])
    x.setflags(write=False)
    return x


@cache
def inputs32(row: Row, parameters: tuple[float, ...]) -> Array:
    """Every input on which this activation is measured in float32."""
    parts = [float32_patterns()]
    parts += [neighbours(point, 64) for point in row.kinks(*parameters)]
    parts += [neighbours(point, 2000) for point in row.points(*parameters)]
    x = np.concatenate(parts)
    x.setflags(write=False)
    return x


@cache
def inputs64(row: Row, parameters: tuple[float, ...]) -> Array:
    """A few hundred float64 inputs over all magnitudes."""
    magnitudes = np.concatenate([10.0 ** np.linspace(-305, 300, 41), np.linspace(0.01, 45.0, 60), [90.0, 300.0]])
    parts = [magnitudes, -magnitudes, [0.0]]
    parts += [neighbours(point, 2, np.float64) for point in (*row.kinks(*parameters), *row.points(*parameters))]
    return np.concatenate(parts)


def exact_value(row: Row, x: float, parameters: tuple[float, ...]) -> Any:
    """The definition with 50 digits, as an mpf."""
    with mp.workdps(50):
        return +row.exact(mp.mpf(x), *parameters)


def exact_derivative(row: Row, x: float, parameters: tuple[float, ...]) -> Any:
    """The slope of the definition with 50 digits; at a kink what the row says."""
    kinks = row.kinks(*parameters)
    if x in kinks:
        return mp.mpf(kinks[x])
    # The step is absolute and must not vanish beside a large x; nor may a slope of exp(-2|x|) beside a
    # saturated value.
    digits = 50 + max(0, math.frexp(x)[1]) + (2 * int(abs(x)) if abs(x) < 400 else 0)
    with mp.workdps(digits):
        # Step to the side away from the kinks, so that the difference never straddles one.
        nearest = min(kinks, key=lambda kink: abs(kink - x), default=None)
        direction = 0 if nearest is None else (1 if x > nearest else -1)
        return +mp.diff(lambda v: row.exact(v, *parameters), mp.mpf(x), direction=direction)


@cache
def truth32(row: Row, parameters: tuple[float, ...]) -> tuple[Array, Array]:
    """Value and derivative, in float64, at every one of `inputs32`."""
    x32 = inputs32(row, parameters)
    with np.errstate(all="ignore"):  # converting a signalling NaN says so
        x = x32.astype(np.float64)
        value, derivative = row.forward(x, *parameters), np.array(row.derivative(x, *parameters))
    for point in row.points(*parameters):  # float64 is not enough here: 1e-16 is many units of a derivative of 1e-9
        for i in np.flatnonzero(np.abs(x - point) < 1e-5):
            derivative[i] = float(exact_derivative(row, float(x[i]), parameters))
    return value, derivative


@cache
def truth64(row: Row, parameters: tuple[float, ...]) -> tuple[Array, Array]:
    """Value and derivative, rounded once from 50 digits, at every one of `inputs64`."""
    x = inputs64(row, parameters)
    value = np.array([float(exact_value(row, v, parameters)) for v in x])
    return value, np.array([float(exact_derivative(row, v, parameters)) for v in x])
