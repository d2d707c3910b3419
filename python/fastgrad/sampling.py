"""Tensors of random numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastgrad import dtypes
from fastgrad.arrays import as_array
from fastgrad.creation import finish, size_of
from fastgrad.errors import bad_type, bad_value
from fastgrad.like import as_of
from fastgrad.ops.operands import as_tensor
from fastgrad.random import Generator, numpy_generator

if TYPE_CHECKING:
    from fastgrad.tensor import Tensor

__all__ = [
    "rand",
    "rand_like",
    "randint",
    "randn",
    "randn_like",
    "randperm",
]


def _floating(function: str, dtype: Any) -> np.dtype[Any]:
    found = dtypes.get_default_dtype() if dtype is None else dtypes.as_dtype(function, dtype)
    if found.kind != "f":
        raise bad_type(function, "dtype", str(found), "float32 or float64")
    return found


def rand(
    *size: Any,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Numbers from the uniform distribution on [0, 1).

    Parameters
    ----------
    size : ints or a tuple of int
        The shape.
    generator : Generator, optional
        Where they come from; by default the generator that `manual_seed` sets.
    dtype : numpy dtype, optional
        float32 or float64; the default dtype if left out.
    device : device or str, optional
        Where they are to be; by default the CPU. They are the same numbers everywhere.
    requires_grad : bool
        Whether backward passes compute its gradient.

    Returns
    -------
    Tensor

    Notes
    -----
    Source: ``torch.rand``; the numbers are others than torch's.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.rand(2, 3).shape
    (2, 3)
    """
    array = numpy_generator(generator).random(size_of("rand", size), _floating("rand", dtype).type)
    return finish("rand", as_array(array), requires_grad, device)


def randn(
    *size: Any,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Numbers from the normal distribution of mean 0 and variance 1, with the parameters of `rand`.

    Source: ``torch.randn``.

    >>> import fastgrad as fg
    >>> fg.randn(2, 3).shape
    (2, 3)
    """
    array = numpy_generator(generator).standard_normal(size_of("randn", size), _floating("randn", dtype).type)
    return finish("randn", as_array(array), requires_grad, device)


def rand_like(
    x: Any,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """`rand` in the shape and dtype of `x`, and where `x` is. Source: ``torch.rand_like``."""
    x = as_tensor("rand_like", "x", x)
    return rand(x.data.shape, generator=generator, **as_of(x, dtype, device, requires_grad))


def randn_like(
    x: Any,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """`randn` in the shape and dtype of `x`, and where `x` is. Source: ``torch.randn_like``."""
    x = as_tensor("randn_like", "x", x)
    return randn(x.data.shape, generator=generator, **as_of(x, dtype, device, requires_grad))


def randint(
    low: int,
    high: Any = None,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Any = dtypes.int64,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Integers from `low` (0 if left out) up to but not including `high`, all equally likely.

    Parameters
    ----------
    low, high : int
        ``randint(high, size)`` or ``randint(low, high, size)``.
    size : tuple of int
        The shape.
    generator : Generator, optional
        Where they come from; by default the generator that `manual_seed` sets.
    dtype : numpy dtype
        int64 by default.
    device : device or str, optional
        Where they are to be; by default the CPU. They are the same numbers everywhere.
    requires_grad : bool
        Whether backward passes compute its gradient (for floating-point dtypes).

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        If there is no integer in the range.

    Notes
    -----
    Source: ``torch.randint``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> int(fg.randint(3, 4, (1,)))
    3
    """
    if size is None:
        low, high, size = 0, low, high
    if not (isinstance(size, (tuple, list)) and isinstance(high, int) and isinstance(low, int)):
        raise bad_type(
            "randint",
            "size",
            repr(size),
            "a tuple of ints after the int or the two ints that limit the range",
        )
    if low >= high:
        raise bad_value("randint", "high", str(high), f"more than low={low}")
    array = numpy_generator(generator).integers(low, high, size_of("randint", (size,)))
    array = as_array(array).astype(dtypes.as_dtype("randint", dtype), copy=False)
    return finish("randint", array, requires_grad, device)


def randperm(n: int, *, generator: Generator | None = None, dtype: Any = dtypes.int64, device: Any = None) -> Tensor:
    """The integers from 0 to n − 1 in random order. Source: ``torch.randperm``.

    >>> import fastgrad as fg
    >>> fg.randperm(4).sort().values
    tensor([0, 1, 2, 3])
    """
    if n < 0:
        raise bad_value("randperm", "n", str(n), "at least 0")
    array = numpy_generator(generator).permutation(n).astype(dtypes.as_dtype("randperm", dtype), copy=False)
    return finish("randperm", array, False, device)
