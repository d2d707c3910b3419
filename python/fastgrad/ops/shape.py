"""The same elements in another shape;

the results are views of the argument's memory where that is possible.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from fastgrad.autograd.graph import Value, record_view
from fastgrad.errors import bad_type, bad_value
from fastgrad.ops.operands import as_tensor, check_dim, check_dims

if TYPE_CHECKING:
    from fastgrad.tensor import Tensor

__all__ = [
    "flatten",
    "reshape",
    "reshape_as",
    "sizes_of",
    "squeeze",
    "unflatten",
    "unsqueeze",
    "view",
    "view_as",
]

Needs = tuple[bool, ...]


def sizes_of(function: str, sizes: tuple[Any, ...], argument: str = "shape") -> tuple[int, ...]:
    """Sizes given one by one or as one sequence."""
    if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)):
        sizes = tuple(sizes[0])
    try:
        return tuple([n.__index__() for n in sizes])
    except AttributeError:
        raise bad_type(function, argument, str(sizes), "ints") from None


def _reshaped(function: str, x: Value, shape: tuple[int, ...]) -> Tensor:
    xd = x.data
    before = xd.shape
    try:
        y = xd.reshape(shape)
    except ValueError:
        expected = f"a shape for {xd.size} elements, at most one of its sizes -1"
        raise bad_value(function, "shape", str(shape), expected) from None

    def rule(dy: np.ndarray, needs: Needs) -> tuple[Any, ...]:
        return (dy.reshape(before),)

    rule.__qualname__ = function
    return record_view(y, x, rule)


def reshape(x: Any, *shape: Any) -> Tensor:
    """The elements in row-major order in another shape, as a view if the memory allows it, else as a copy.

    Parameters
    ----------
    x : Tensor
    shape : ints or a tuple of int
        One of them may be −1: as much as is left.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        If the number of elements differs.

    Notes
    -----
    Source: ``torch.reshape``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.arange(6).reshape(2, -1).shape
    (2, 3)
    """
    if not isinstance(x, Value):
        x = as_tensor("reshape", "x", x)
    return _reshaped("reshape", x, sizes_of("reshape", shape))


def reshape_as(x: Any, other: Any) -> Tensor:
    """``x.reshape(other.shape)``."""
    return reshape(x, other.shape)


def view(x: Any, *shape: Any) -> Tensor:
    """The elements in another shape, always as a view.

    Parameters
    ----------
    x : Tensor
    shape : ints, a tuple of int, or a dtype
        One size may be −1. A dtype of the same size shows the same bytes as another type.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        If the number of elements differs.
    RuntimeError
        If the memory layout does not allow a view of that shape.

    Notes
    -----
    Source: ``torch.Tensor.view``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.arange(4).view(2, 2)
    tensor([[0, 1],
            [2, 3]])
    """
    x = as_tensor("view", "x", x)
    y = _reshaped("view", x, sizes_of("view", shape))
    if y.base is None and y.data.size:
        raise RuntimeError(
            f"view(): shape {x.data.shape} with strides {x.data.strides} cannot be seen in shape "
            f"{y.data.shape} "
            "without copying. Use .reshape(...) instead."
        )
    return y


def view_as(x: Any, other: Any) -> Tensor:
    """``x.view(other.shape)``."""
    return view(x, other.shape)


def flatten(x: Any, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The dimensions from `start_dim` to `end_dim` as one.

    Parameters
    ----------
    x : Tensor
    start_dim, end_dim : int
        First and last of them.

    Returns
    -------
    Tensor
        At least one-dimensional.

    Raises
    ------
    IndexError
        If there is no such dimension.
    ValueError
        If `start_dim` comes after `end_dim`.

    Notes
    -----
    Source: ``torch.flatten``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.zeros(2, 3, 4).flatten(1).shape
    (2, 12)
    """
    x = as_tensor("flatten", "x", x)
    shape = x.data.shape
    first = check_dim("flatten", start_dim, len(shape), "start_dim")
    last = check_dim("flatten", end_dim, len(shape), "end_dim")
    if first > last:
        raise bad_value("flatten", "start_dim", str(start_dim), f"a dimension before end_dim={end_dim}")
    return _reshaped("flatten", x, (*shape[:first], math.prod(shape[first : last + 1]), *shape[last + 1 :]))


def unflatten(x: Any, dim: int, sizes: Any) -> Tensor:
    """Dimension `dim` as several of the given sizes, one of which may be −1.

    Notes
    -----
    Source: ``torch.unflatten``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.zeros(2, 12).unflatten(1, (3, -1)).shape
    (2, 3, 4)
    """
    x = as_tensor("unflatten", "x", x)
    shape = x.data.shape
    dim = check_dim("unflatten", dim, len(shape))
    inner = sizes_of("unflatten", (tuple(sizes),), "sizes")
    known = math.prod(n for n in inner if n != -1)
    if inner.count(-1) > 1 or (known != shape[dim] if -1 not in inner else known == 0 or shape[dim] % known):
        raise bad_value("unflatten", "sizes", str(inner), f"sizes whose product is {shape[dim]}")
    inner = tuple(shape[dim] // known if n == -1 else n for n in inner)
    return _reshaped("unflatten", x, (*shape[:dim], *inner, *shape[dim + 1 :]))


def squeeze(x: Any, dim: int | tuple[int, ...] | None = None) -> Tensor:
    """A view without dimensions of size 1.

    Parameters
    ----------
    x : Tensor
    dim : int or tuple of int, optional
        Only these, where they have size 1; all by default.

    Returns
    -------
    Tensor

    Raises
    ------
    IndexError
        If there is no such dimension.

    Notes
    -----
    Source: ``torch.squeeze``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.zeros(1, 3, 1).squeeze(0).shape
    (3, 1)
    """
    x = as_tensor("squeeze", "x", x)
    shape = x.data.shape
    dims = () if dim == () else check_dims("squeeze", dim, len(shape))
    return _reshaped("squeeze", x, tuple([n for i, n in enumerate(shape) if n != 1 or i not in dims]))


def unsqueeze(x: Any, dim: int) -> Tensor:
    """A view with a new dimension of size 1 at `dim`.

    Raises
    ------
    IndexError
        If `dim` is not a place in the result.

    Notes
    -----
    Source: ``torch.unsqueeze``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.zeros(3).unsqueeze(-1).shape
    (3, 1)
    """
    x = as_tensor("unsqueeze", "x", x)
    shape = x.data.shape
    dim = check_dim("unsqueeze", dim, len(shape) + 1)
    return _reshaped("unsqueeze", x, (*shape[:dim], 1, *shape[dim:]))
