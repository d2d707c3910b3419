"""Circular and hyperbolic functions and their inverses, element by element."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastgrad.ops.unary import from_input, from_output

if TYPE_CHECKING:
    from fastgrad.tensor import Tensor

__all__ = ["acos", "asin", "atan", "cos", "cosh", "sin", "sinh", "tan"]


def sin(x: Any) -> Tensor:
    """Sine of each element (radians).

    Notes
    -----
    dx = dy · cos x. Source: ``torch.sin``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.sin(fg.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8415])
    """
    return from_input("sin", np.sin, x, lambda dy, x: dy * np.cos(x))


def cos(x: Any) -> Tensor:
    """Cosine of each element (radians).

    Notes
    -----
    dx = −dy · sin x. Source: ``torch.cos``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.cos(fg.tensor([0.0, 1.0]))
    tensor([1.0000, 0.5403])
    """
    return from_input("cos", np.cos, x, lambda dy, x: dy * -np.sin(x))


def tan(x: Any) -> Tensor:
    """Tangent of each element (radians).

    Notes
    -----
    dx = dy · (1 + y²). Source: ``torch.tan``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.tan(fg.tensor([0.0, 1.0]))
    tensor([0.0000, 1.5574])
    """
    return from_output("tan", np.tan, x, lambda dy, y: dy * (y * y + 1))


def asin(x: Any) -> Tensor:
    """Inverse sine of each element, in radians; NaN outside [−1, 1].

    Notes
    -----
    dx = dy / √(1 − x²). Source: ``torch.asin``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.asin(fg.tensor([0.0, 1.0]))
    tensor([0.0000, 1.5708])
    """
    return from_input("asin", np.arcsin, x, lambda dy, x: dy / np.sqrt(1 - x * x))


def acos(x: Any) -> Tensor:
    """Inverse cosine of each element, in radians; NaN outside [−1, 1].

    Notes
    -----
    dx = −dy / √(1 − x²). Source: ``torch.acos``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.acos(fg.tensor([0.0, 1.0]))
    tensor([1.5708, 0.0000])
    """
    return from_input("acos", np.arccos, x, lambda dy, x: -dy / np.sqrt(1 - x * x))


def atan(x: Any) -> Tensor:
    """Inverse tangent of each element, in radians.

    Notes
    -----
    dx = dy / (1 + x²). Source: ``torch.atan``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.atan(fg.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7854])
    """
    return from_input("atan", np.arctan, x, lambda dy, x: dy / (x * x + 1))


def sinh(x: Any) -> Tensor:
    """Hyperbolic sine of each element.

    Notes
    -----
    dx = dy · cosh x. Source: ``torch.sinh``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.sinh(fg.tensor([0.0, 1.0]))
    tensor([0.0000, 1.1752])
    """
    return from_input("sinh", np.sinh, x, lambda dy, x: dy * np.cosh(x))


def cosh(x: Any) -> Tensor:
    """Hyperbolic cosine of each element.

    Notes
    -----
    dx = dy · sinh x. Source: ``torch.cosh``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.cosh(fg.tensor([0.0, 1.0]))
    tensor([1.0000, 1.5431])
    """
    return from_input("cosh", np.cosh, x, lambda dy, x: dy * np.sinh(x))
