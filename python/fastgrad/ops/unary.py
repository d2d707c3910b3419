"""Functions of one operand, element by element: the gradient reads the argument, the result, or nothing."""

from __future__ import annotations

import math
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from fastgrad.arrays import as_array, is_on_device, whole
from fastgrad.autograd.graph import named, record
from fastgrad.autograd.mode import state
from fastgrad.errors import bad_type
from fastgrad.ops.operands import as_floating, as_tensor

if TYPE_CHECKING:
    from fastgrad.tensor import Tensor

__all__ = [
    "abs",
    "erf",
    "from_input",
    "from_output",
    "neg",
    "positive",
    "reciprocal",
    "rsqrt",
    "sign",
    "sqrt",
    "square",
]

Array = np.ndarray
Needs = tuple[bool, ...]


def from_input(function: str, ufunc: Any, x: Any, derivative: Callable[[Array, Array], Array]) -> Tensor:
    """``ufunc(x)``, whose gradient ``derivative(dy, x)`` reads x."""
    x = as_tensor(function, "x", x)
    xd = as_floating(x.data)

    def rule(dy: Array, needs: Needs) -> tuple[Any, ...]:
        return (derivative(dy, xd),)

    rule.__qualname__ = function
    return record(state.quiet(ufunc, xd), (x,), rule, (x,))


def from_output(function: str, ufunc: Any, x: Any, derivative: Callable[[Array, Array], Array]) -> Tensor:
    """``ufunc(x)``, whose gradient ``derivative(dy, y)`` reads the result y."""
    x = as_tensor(function, "x", x)
    y = as_array(state.quiet(ufunc, as_floating(x.data)))

    def rule(dy: Array, needs: Needs) -> tuple[Any, ...]:
        return (derivative(dy, y),)

    rule.__qualname__ = function
    return record(y, (x,), rule, (), True)


_rounded_erf = np.frompyfunc(math.erf, 1, 1)


def _rsqrt(x: Array) -> Array:
    return 1 / np.sqrt(x)  # type: ignore[no-any-return]


def _erf(x: Array) -> Array:
    if is_on_device(x):
        return whole(import_module("cupyx.scipy.special").erf, x)  # type: ignore[no-any-return]
    return whole(lambda x: np.asarray(_rounded_erf(x)).astype(x.dtype), x)  # type: ignore[no-any-return]


@named("neg")
def _neg_rule(dy: Array, needs: Needs) -> tuple[Any, ...]:
    return (-dy,)


@named("positive")
def _same_rule(dy: Array, needs: Needs) -> tuple[Any, ...]:
    return (dy,)


def neg(x: Any) -> Tensor:
    """The negative of each element.

    Raises
    ------
    TypeError
        For bool.

    Notes
    -----
    dx = −dy. Source: ``torch.neg``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> -fg.tensor([1.0, -2.0])
    tensor([-1.,  2.])
    """
    x = as_tensor("neg", "x", x)
    if x.data.dtype.kind == "b":
        raise bad_type("neg", "x", "of dtype bool", "a dtype of numbers; ~x or x.logical_not() negates a mask")
    return record(np.negative(x.data), (x,), _neg_rule)


def positive(x: Any) -> Tensor:
    """`x` itself; what ``+x`` calls. Source: ``torch.positive``."""
    return as_tensor("positive", "x", x)


def abs(x: Any) -> Tensor:
    """The absolute value of each element.

    Notes
    -----
    dx = dy · sign(x), which is 0 at 0. Source: ``torch.abs``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.abs(fg.tensor([1.0, -2.0]))
    tensor([1., 2.])
    """
    x = as_tensor("abs", "x", x)
    xd = x.data

    def rule(dy: Array, needs: Needs) -> tuple[Any, ...]:
        # Not np.sign: a NaN has sign 0, as in torch.
        return (dy * np.subtract(xd > 0, xd < 0, dtype=dy.dtype),)

    return record(np.abs(xd), (x,), rule, (x,))


def sign(x: Any) -> Tensor:
    """−1, 0 or 1 for each element. Its gradient is 0. Source: ``torch.sign``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.sign(fg.tensor([3.0, 0.0, -2.0]))
    tensor([ 1.,  0., -1.])
    """
    x = as_tensor("sign", "x", x)
    y = x.data if x.data.dtype.kind == "b" else np.nan_to_num(state.quiet(np.sign, x.data))

    def rule(dy: Array, needs: Needs) -> tuple[Any, ...]:
        return (np.zeros_like(dy),)

    return record(y, (x,), rule)


def square(x: Any) -> Tensor:
    """Each element times itself.

    Notes
    -----
    dx = 2 dy · x. Source: ``torch.square``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.square(fg.tensor([3.0, -2.0]))
    tensor([9., 4.])
    """
    x = as_tensor("square", "x", x)
    xd = x.data

    def rule(dy: Array, needs: Needs) -> tuple[Any, ...]:
        return (dy * (xd * 2),)

    return record(state.quiet(np.square, xd), (x,), rule, (x,))


def erf(x: Any) -> Tensor:
    """Gaussian error function of each element: 2/√π ∫₀ˣ e^(−t²) dt.

    Notes
    -----
    dx = dy · 2/√π · e^(−x²). Element by element in Python; activations such as gelu have kernels of their
    own. Source: ``torch.erf``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.erf(fg.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8427])
    """
    return from_input("erf", _erf, x, lambda dy, x: dy * (2 / math.sqrt(math.pi) * np.exp(-x * x)))


def sqrt(x: Any) -> Tensor:
    """Square root of each element; NaN below 0.

    Notes
    -----
    dx = dy / 2y. Source: ``torch.sqrt``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.sqrt(fg.tensor([4.0, 9.0]))
    tensor([2., 3.])
    """
    return from_output("sqrt", np.sqrt, x, lambda dy, y: dy / (y * 2))


def rsqrt(x: Any) -> Tensor:
    """One over the square root of each element: y = x^(−1/2).

    Notes
    -----
    dx = −dy · y³ / 2. Source: ``torch.rsqrt``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.rsqrt(fg.tensor([4.0, 16.0]))
    tensor([0.5000, 0.2500])
    """
    return from_output("rsqrt", _rsqrt, x, lambda dy, y: dy * (y * y * y * -0.5))


def reciprocal(x: Any) -> Tensor:
    """One over each element: y = 1 / x.

    Notes
    -----
    dx = −dy · y². Source: ``torch.reciprocal``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.reciprocal(fg.tensor([2.0, 4.0]))
    tensor([0.5000, 0.2500])
    """
    return from_output("reciprocal", np.reciprocal, x, lambda dy, y: -dy * (y * y))
