"""New values for a tensor or part of it, in place."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from fastgrad.arrays import as_array, beside, shape_at
from fastgrad.devices import check_same
from fastgrad.dtypes import cast
from fastgrad.errors import bad_index, bad_type, bad_value
from fastgrad.ops.change import change
from fastgrad.ops.indexing import getitem, place_index, plain_index, two_steps
from fastgrad.ops.inplace import check_broadcast
from fastgrad.ops.operands import as_tensor, fit
from fastgrad.random import Generator, numpy_generator

if TYPE_CHECKING:
    from fastgrad.tensor import Tensor

__all__ = ["copy_", "fill_", "masked_fill_", "normal_", "setitem", "uniform_", "zero_"]

Array = np.ndarray
Needs = tuple[bool, ...]


def _only_source(source: Array) -> Callable[..., Any]:
    """The rule of a tensor that was overwritten with `source`."""

    def rule(dy: Array, needs: Needs) -> tuple[Any, ...]:
        return None, fit(dy, source) if needs[1] else None

    return rule


def copy_(x: Any, source: Any, non_blocking: bool = False) -> Tensor:
    """Overwrite with the elements of `source`, converted to the dtype of `x`.

    Parameters
    ----------
    x : Tensor
        What is changed.
    source : Tensor, ndarray or number
        Of a shape that broadcasts to that of `x`.
    non_blocking : bool
        For torch's sake; copies of memory are done when this returns.

    Returns
    -------
    Tensor
        `x`.

    Raises
    ------
    RuntimeError
        If operations are recorded and `x` is a leaf that requires a gradient.
    ValueError
        If `source` does not broadcast to `x` or the memory of `x` is read-only.

    Notes
    -----
    Source: ``torch.Tensor.copy_``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.zeros(2).copy_(fg.tensor([1, 2]))
    tensor([1., 2.])
    """
    b = as_tensor("copy_", "source", source)
    check_broadcast("copy_", x.data, b.data, "source")
    rule = _only_source(b.data)
    rule.__qualname__ = "copy"
    return change("copy_", x, lambda: np.copyto(x.data, beside(x.data, b.data), casting="unsafe"), (b,), rule)


def fill_(x: Any, value: Any) -> Tensor:
    """Overwrite every element with one value (a number or a 0-dimensional tensor).

    Source: ``torch.Tensor.fill_``.

    >>> import fastgrad as fg
    >>> fg.zeros(2).fill_(7)
    tensor([7., 7.])
    """
    b = as_tensor("fill_", "value", value)
    if b.data.ndim:
        raise bad_value("fill_", "value", f"of shape {b.data.shape}", "a number or a tensor without dimensions")
    cast("fill_", "value", b.data, x.data.dtype)
    rule = _only_source(b.data)
    rule.__qualname__ = "fill"
    return change("fill_", x, lambda: np.copyto(x.data, beside(x.data, b.data), casting="unsafe"), (b,), rule)


def zero_(x: Any) -> Tensor:
    """Overwrite every element with 0. Source: ``torch.Tensor.zero_``.

    >>> import fastgrad as fg
    >>> fg.ones(2).zero_()
    tensor([0., 0.])
    """

    def rule(dy: Array, needs: Needs) -> tuple[Any, ...]:
        return (None,)

    rule.__qualname__ = "zero"
    return change("zero_", x, lambda: x.data.fill(0), (), rule)


def masked_fill_(x: Any, mask: Any, value: Any) -> Tensor:
    """Overwrite with one value where `mask`, which broadcasts to `x`, is true.

    Source: ``torch.Tensor.masked_fill_``.
    """
    mask = as_tensor("masked_fill_", "mask", mask)
    if mask.data.dtype.kind != "b":
        raise bad_type("masked_fill_", "mask", f"of dtype {mask.data.dtype}", "bool")
    check_broadcast("masked_fill_", x.data, mask.data, "mask")
    b = as_tensor("masked_fill_", "value", value)
    check_same("masked_fill_", x=x.data, mask=mask.data)
    where, source = mask.data.copy(), beside(x.data, b.data)
    cast("masked_fill_", "value", source, x.data.dtype)

    def rule(dy: Array, needs: Needs) -> tuple[Any, ...]:
        kept = np.where(where, dy.dtype.type(0), dy) if needs[0] else None
        return kept, fit(np.where(where, dy, dy.dtype.type(0)), b_array) if needs[1] else None

    b_array = b.data
    rule.__qualname__ = "masked_fill"
    return change("masked_fill_", x, lambda: np.copyto(x.data, source, casting="unsafe", where=where), (b,), rule)


def setitem(x: Any, index: Any, value: Any) -> None:
    """Overwrite part of a tensor: ``x[index] = value``.

    Parameters
    ----------
    x : Tensor
        What is changed.
    index : int, slice, None, Ellipsis, integer array, mask, or a tuple of those
        As in `getitem`.
    value : Tensor, ndarray or number
        Of a shape that broadcasts to that of ``x[index]``; converted to the dtype of `x`.

    Raises
    ------
    IndexError
        If an index is out of range or of a type that is no index.
    RuntimeError
        If operations are recorded and `x` is a leaf that requires a gradient.
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> import fastgrad as fg
    >>> x = fg.zeros(2, 2)
    >>> x[0] = fg.tensor([1.0, 2.0])
    >>> x
    tensor([[1., 2.],
            [0., 0.]])
    """
    index, basic = plain_index(index)
    steps = None if basic else two_steps(index, x.data.ndim)
    if steps is not None:
        return setitem(getitem(x, steps[0]), steps[1], value)
    if not basic:
        index = place_index("setitem", x.data, index)
    b = as_tensor("setitem", "value", value)
    data, source = x.data, b.data
    try:
        shape = shape_at(data, index)
    except IndexError as error:
        raise bad_index("setitem", "index", f"{index!r} ({error})", f"an index into shape {data.shape}") from None
    while source.ndim > len(shape) and source.shape[0] == 1:
        source = source[0]
    if len(source.shape) > len(shape) or any(
        n not in (1, m) for m, n in zip(shape[len(shape) - source.ndim :], source.shape, strict=True)
    ):
        raise bad_value("setitem", "value", f"of shape {b.data.shape}", f"a shape that broadcasts to {shape}")
    if b.version is x.version:
        source = source.copy()

    def write() -> None:
        data[index] = beside(data, source).astype(data.dtype, copy=False)

    def rule(dy: Array, needs: Needs) -> tuple[Any, ...]:
        dx = None
        if needs[0]:
            dx = dy.copy()
            dx[index] = 0
        return dx, fit(as_array(dy[index]), source).reshape(b_shape) if needs[1] else None

    b_shape = b.data.shape
    change("setitem", x, write, (b,), rule)


def _zero(dy: np.ndarray, needs: tuple[bool, ...]) -> tuple[Any, ...]:
    return (None,)


def uniform_(x: Any, low: float = 0.0, high: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Overwrite with numbers from the uniform distribution on [low, high).

    Source: ``torch.Tensor.uniform_``.
    """
    if not low <= high:
        raise bad_value("uniform_", "high", repr(high), f"at least low={low!r}")
    values = numpy_generator(generator).random(x.data.shape) * (high - low) + low
    return change("uniform_", x, lambda: np.copyto(x.data, beside(x.data, values), casting="unsafe"), (), _zero)


def normal_(x: Any, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Overwrite with numbers from the normal distribution. Source: ``torch.Tensor.normal_``."""
    if not std >= 0:
        raise bad_value("normal_", "std", repr(std), "at least 0")
    values = numpy_generator(generator).standard_normal(x.data.shape) * std + mean
    return change("normal_", x, lambda: np.copyto(x.data, beside(x.data, values), casting="unsafe"), (), _zero)
