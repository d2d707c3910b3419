"""Exponential functions and logarithms, element by element."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from fastgrad.ops.unary import from_input, from_output

if TYPE_CHECKING:
    from fastgrad.tensor import Tensor

__all__ = ["exp", "exp2", "expm1", "log", "log1p", "log2", "log10"]


def exp(x: Any) -> Tensor:
    """e to the power of each element: y = e^x.

    Notes
    -----
    dx = dy · y. Source: ``torch.exp``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.exp(fg.tensor([0.0, 1.0]))
    tensor([1.0000, 2.7183])
    """
    return from_output("exp", np.exp, x, lambda dy, y: dy * y)


def exp2(x: Any) -> Tensor:
    """2 to the power of each element: y = 2^x.

    Notes
    -----
    dx = dy · y · ln 2. Source: ``torch.exp2``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.exp2(fg.tensor([0.0, 0.5]))
    tensor([1.0000, 1.4142])
    """
    return from_output("exp2", np.exp2, x, lambda dy, y: dy * (y * math.log(2)))


def expm1(x: Any) -> Tensor:
    """y = e^x − 1, accurate near 0.

    Notes
    -----
    dx = dy · (y + 1). Source: ``torch.expm1``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.expm1(fg.tensor([0.0, 1.0]))
    tensor([0.0000, 1.7183])
    """
    return from_output("expm1", np.expm1, x, lambda dy, y: dy * (y + 1))


def log(x: Any) -> Tensor:
    """Natural logarithm of each element; −inf at 0, NaN below.

    Notes
    -----
    dx = dy / x. Source: ``torch.log``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.log(fg.tensor([1.0, 2.0]))
    tensor([0.0000, 0.6931])
    """
    return from_input("log", np.log, x, lambda dy, x: dy / x)


def log2(x: Any) -> Tensor:
    """Logarithm to the base 2 of each element.

    Notes
    -----
    dx = dy / (x ln 2). Source: ``torch.log2``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.log2(fg.tensor([1.0, 5.0]))
    tensor([0.0000, 2.3219])
    """
    return from_input("log2", np.log2, x, lambda dy, x: dy / (x * math.log(2)))


def log10(x: Any) -> Tensor:
    """Logarithm to the base 10 of each element.

    Notes
    -----
    dx = dy / (x ln 10). Source: ``torch.log10``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.log10(fg.tensor([1.0, 50.0]))
    tensor([0.0000, 1.6990])
    """
    return from_input("log10", np.log10, x, lambda dy, x: dy / (x * math.log(10)))


def log1p(x: Any) -> Tensor:
    """y = ln(1 + x), accurate near 0.

    Notes
    -----
    dx = dy / (1 + x). Source: ``torch.log1p``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.log1p(fg.tensor([0.0, 1.0]))
    tensor([0.0000, 0.6931])
    """
    return from_input("log1p", np.log1p, x, lambda dy, x: dy / (x + 1))
