"""The same elements with the dimensions in another order, or repeated without being copied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastgrad.autograd.graph import Value, named, record_view, sum_to_shape
from fastgrad.errors import bad_value
from fastgrad.ops.operands import as_tensor, check_dim, check_dims
from fastgrad.ops.shape import sizes_of

if TYPE_CHECKING:
    from fastgrad.tensor import Tensor

__all__ = ["broadcast_to", "expand", "expand_as", "movedim", "permute", "reverse_dims", "t", "transpose"]

Needs = tuple[bool, ...]


@named("t")
def _t_rule(dy: np.ndarray, needs: Needs) -> tuple[Any, ...]:
    return (dy.T,)


def transpose(x: Any, dim0: int, dim1: int) -> Tensor:
    """A view with two dimensions exchanged.

    Parameters
    ----------
    x : Tensor
    dim0, dim1 : int
        The two.

    Returns
    -------
    Tensor

    Raises
    ------
    IndexError
        If there is no such dimension.

    Notes
    -----
    Source: ``torch.transpose``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.zeros(2, 3, 4).transpose(0, 2).shape
    (4, 3, 2)
    """
    x = as_tensor("transpose", "x", x)
    ndim = x.data.ndim
    a, b = check_dim("transpose", dim0, ndim, "dim0"), check_dim("transpose", dim1, ndim, "dim1")

    def rule(dy: np.ndarray, needs: Needs) -> tuple[Any, ...]:
        return (dy.swapaxes(a, b),) if ndim else (dy,)

    return record_view(x.data.swapaxes(a, b) if ndim else x.data[...], x, rule)


def t(x: Any) -> Tensor:
    """A matrix transposed; a vector or scalar as it is.

    Raises
    ------
    ValueError
        If `x` has more than two dimensions.

    Notes
    -----
    Source: ``torch.t``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.zeros(2, 3).t().shape
    (3, 2)
    """
    x = as_tensor("t", "x", x)
    if x.data.ndim > 2:
        raise bad_value("t", "x", f"of shape {x.data.shape}", "at most two dimensions")
    return record_view(x.data.T, x, _t_rule)


def reverse_dims(x: Value) -> Tensor:
    """A view with all dimensions in the reverse order; ``Tensor.T``."""
    return record_view(x.data.T, x, _t_rule)


def permute(x: Any, *dims: Any) -> Tensor:
    """A view with the dimensions in another order.

    Parameters
    ----------
    x : Tensor
    dims : ints or a tuple of int
        All dimensions in their new order.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        If a dimension is missing or given twice.
    IndexError
        If there is no such dimension.

    Notes
    -----
    Source: ``torch.permute``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.zeros(2, 3, 4).permute(2, 0, 1).shape
    (4, 2, 3)
    """
    x = as_tensor("permute", "x", x)
    given = sizes_of("permute", dims, "dims")
    order = [check_dim("permute", d, x.data.ndim, "dims") for d in given]
    if sorted(order) != list(range(x.data.ndim)):
        raise bad_value("permute", "dims", str(given), f"each of the {x.data.ndim} dimensions once")
    back = sorted(range(len(order)), key=order.__getitem__)

    def rule(dy: np.ndarray, needs: Needs) -> tuple[Any, ...]:
        return (dy.transpose(back),)

    return record_view(x.data.transpose(order), x, rule)


def movedim(x: Any, source: Any, destination: Any) -> Tensor:
    """A view with dimensions moved to other places, the rest in their order.

    Notes
    -----
    Source: ``torch.movedim``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.zeros(2, 3, 4).movedim(0, -1).shape
    (3, 4, 2)
    """
    x = as_tensor("movedim", "x", x)
    ndim = x.data.ndim
    before, after = check_dims("movedim", source, ndim), check_dims("movedim", destination, ndim)
    if len(before) != len(after):
        raise bad_value("movedim", "destination", str(destination), f"as many dimensions as source={source}")
    order = [d for d in range(ndim) if d not in before]
    for place, d in sorted(zip(after, before, strict=True)):
        order.insert(place, d)
    return permute(x, order)


def expand(x: Any, *sizes: Any) -> Tensor:
    """A view in which dimensions of size 1 are repeated, without copying, to the given sizes.

    Parameters
    ----------
    x : Tensor
    sizes : ints or a tuple of int
        −1 leaves a size as it is; further dimensions may come in front.

    Returns
    -------
    Tensor
        Read-only: several elements share one place in memory.

    Raises
    ------
    ValueError
        If a size other than 1 would change.

    Notes
    -----
    The gradient is summed over what was repeated. Source: ``torch.Tensor.expand``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.tensor([[1], [2]]).expand(-1, 3)
    tensor([[1, 1, 1],
            [2, 2, 2]])
    """
    x = as_tensor("expand", "x", x)
    before = x.data.shape
    given = sizes_of("expand", sizes, "sizes")
    lead = len(given) - len(before)
    shape = tuple([before[i - lead] if n == -1 and i >= lead else n for i, n in enumerate(given)])
    if lead < 0 or any(n < 0 for n in shape) or any(m not in (1, n) for m, n in zip(before, shape[lead:], strict=True)):
        raise bad_value("expand", "sizes", str(given), f"sizes that {before} can be repeated to")

    def rule(dy: np.ndarray, needs: Needs) -> tuple[Any, ...]:
        return (sum_to_shape(dy, before),)

    return record_view(np.broadcast_to(x.data, shape), x, rule)


def expand_as(x: Any, other: Any) -> Tensor:
    """``x.expand(other.shape)``."""
    return expand(x, other.shape)


def broadcast_to(x: Any, shape: Any) -> Tensor:
    """``x.expand(shape)``, under numpy's name."""
    return expand(x, shape)
