"""Values that do not depend on the shape: constants, and numbers from one distribution."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastgrad.errors import bad_value
from fastgrad.nn.functional.arguments import check_number
from fastgrad.nn.init.writing import check_floating, fill, rng
from fastgrad.tensor import Tensor

__all__ = ["constant_", "normal_", "ones_", "trunc_normal_", "uniform_", "zeros_"]


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Any = None) -> Tensor:
    """Values from the uniform distribution on [`a`, `b`).

    Parameters
    ----------
    tensor : Tensor
        Floating-point, any shape; overwritten.
    a, b : float
        The bounds.
    generator : Generator, optional
        Where the numbers come from; fastgrad's own by default.

    Returns
    -------
    Tensor
        `tensor`.

    Raises
    ------
    ValueError
        If `a` > `b`.

    Notes
    -----
    Source: ``torch.nn.init.uniform_``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> w = fg.nn.init.uniform_(fg.zeros(100), -2.0, 2.0)
    >>> bool(abs(w.numpy()).max() <= 2)
    True
    """
    check_floating("uniform_", tensor)
    for name, value in (("a", a), ("b", b)):
        check_number("uniform_", name, value)
    if not a <= b:
        raise bad_value("uniform_", "b", repr(b), f"at least a = {a!r}")
    values = rng(generator).random(tensor.data.shape, dtype=tensor.data.dtype)
    values *= b - a
    values += a
    return fill("uniform_", tensor, values)


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> Tensor:
    """Values from a normal distribution.

    Parameters
    ----------
    tensor : Tensor
        Floating-point, any shape; overwritten.
    mean, std : float
        Mean and standard deviation.
    generator : Generator, optional
        Where the numbers come from; fastgrad's own by default.

    Returns
    -------
    Tensor
        `tensor`.

    Raises
    ------
    ValueError
        If `std` < 0.

    Notes
    -----
    Source: ``torch.nn.init.normal_``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.nn.init.normal_(fg.zeros(2), mean=3.0, std=0.0).numpy()
    array([3., 3.], dtype=float32)
    """
    check_floating("normal_", tensor)
    for name, value in (("mean", mean), ("std", std)):
        check_number("normal_", name, value)
    if not std >= 0:
        raise bad_value("normal_", "std", repr(std), "at least 0")
    values = rng(generator).standard_normal(tensor.data.shape, dtype=tensor.data.dtype)
    values *= std
    values += mean
    return fill("normal_", tensor, values)


def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Any = None,
) -> Tensor:
    """Values from a normal distribution, conditioned on [`a`, `b`].

    Drawn by rejection: from the normal itself where the interval holds much of it, else from the interval.

    Parameters
    ----------
    tensor : Tensor
        Floating-point, any shape; overwritten.
    mean, std : float
        Mean and standard deviation before conditioning.
    a, b : float
        The bounds, absolute, not in units of `std`.
    generator : Generator, optional
        Where the numbers come from; fastgrad's own by default.

    Returns
    -------
    Tensor
        `tensor`.

    Raises
    ------
    ValueError
        If `std` ≤ 0 or `a` ≥ `b`.

    Notes
    -----
    Source: ``torch.nn.init.trunc_normal_``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> w = fg.nn.init.trunc_normal_(fg.zeros(100), std=0.02, a=-0.04, b=0.04)
    >>> bool(abs(w.numpy()).max() <= 0.04)
    True
    """
    check_floating("trunc_normal_", tensor)
    for name, value in (("mean", mean), ("std", std), ("a", a), ("b", b)):
        check_number("trunc_normal_", name, value)
    if not std > 0:
        raise bad_value("trunc_normal_", "std", repr(std), "greater than 0")
    if not a < b:
        raise bad_value("trunc_normal_", "b", repr(b), f"greater than a = {a!r}")
    numbers = rng(generator)
    low, high = (a - mean) / std, (b - mean) / std
    size = tensor.data.size
    inside = 0.5 * (math.erf(high / math.sqrt(2)) - math.erf(low / math.sqrt(2)))
    # The point of the interval nearest to the mean; 40 units of exponent beyond it nothing is left.
    nearest = min(max(0.0, low), high)
    reach = math.sqrt(nearest**2 + 80)
    values = np.empty(0)
    while values.size < size:
        count = int((size - values.size) * 1.2) + 64
        if inside > 0.1:
            drawn = numbers.standard_normal(count)
            drawn = drawn[(drawn >= low) & (drawn <= high)]
        else:
            drawn = numbers.uniform(max(low, -reach), min(high, reach), count)
            drawn = drawn[numbers.random(count) < np.exp(0.5 * (nearest**2 - drawn**2))]
        values = np.concatenate([values, drawn])
    scaled = (values[:size] * std + mean).astype(tensor.data.dtype).clip(a, b)
    return fill("trunc_normal_", tensor, scaled.reshape(tensor.data.shape))


def constant_(tensor: Tensor, val: float) -> Tensor:
    """One value everywhere.

    Parameters
    ----------
    tensor : Tensor
        Any shape; overwritten.
    val : float
        The value.

    Returns
    -------
    Tensor
        `tensor`.

    Notes
    -----
    Source: ``torch.nn.init.constant_``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.nn.init.constant_(fg.zeros(2), 0.5).numpy()
    array([0.5, 0.5], dtype=float32)
    """
    check_number("constant_", "val", val)
    return fill("constant_", tensor, val)


def zeros_(tensor: Tensor) -> Tensor:
    """Zero everywhere; source ``torch.nn.init.zeros_``.

    >>> import fastgrad as fg
    >>> fg.nn.init.zeros_(fg.ones(2)).numpy()
    array([0., 0.], dtype=float32)
    """
    return fill("zeros_", tensor, 0)


def ones_(tensor: Tensor) -> Tensor:
    """One everywhere; source ``torch.nn.init.ones_``.

    >>> import fastgrad as fg
    >>> fg.nn.init.ones_(fg.zeros(2)).numpy()
    array([1., 1.], dtype=float32)
    """
    return fill("ones_", tensor, 1)
