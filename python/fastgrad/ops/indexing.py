"""Parts of a tensor: slices (views), index arrays and masks (copies), gathered and scattered elements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastgrad.arrays import beside, check, is_array, is_on_device, scattered
from fastgrad.autograd.graph import Value, record, record_view
from fastgrad.devices import check_same
from fastgrad.errors import bad_index, bad_value
from fastgrad.ops.operands import as_tensor, check_dim

if TYPE_CHECKING:
    from fastgrad.tensor import Tensor

__all__ = [
    "getitem",
    "narrow",
    "place_index",
    "plain_index",
    "select",
    "two_steps",
]

Array = np.ndarray
Needs = tuple[bool, ...]
_INTEGERS = (int, slice, type(None), type(Ellipsis))


def plain_index(index: Any) -> tuple[Any, bool]:
    """`index` as numpy wants it, and whether it selects a view (integers, slices, None and ... only)."""
    if index.__class__ in _INTEGERS:
        return index, True
    parts = index if isinstance(index, tuple) else (index,)
    plain: list[Any] = []
    basic = True
    for part in parts:
        if isinstance(part, Value):
            part = part.data
        elif isinstance(part, (list, range)):
            part = np.asarray(part, dtype=None if len(part) else np.int64)
        if is_array(part):
            if part.dtype.kind == "u":  # a mask in old torch programs; here, as in numpy, numbers
                part = part.astype(np.int64)
            if part.dtype.kind not in "ib":
                raise bad_index("getitem", "index", f"an array of dtype {part.dtype}", "integers or bool")
            if part.ndim == 0 and part.dtype.kind == "i":
                part = int(part)
            else:
                basic = False
        elif isinstance(part, (bool, np.bool_)):
            basic = False
        elif isinstance(part, slice):
            part = slice(*[v.data.item() if isinstance(v, Value) else v for v in (part.start, part.stop, part.step)])
            if part.step is not None and part.step <= 0:
                raise bad_value("getitem", "index", f"a slice of step {part.step}", "a step greater than 0")
        elif part is not None and part is not Ellipsis and not hasattr(part, "__index__"):
            raise bad_index("getitem", "index", f"a {type(part).__name__}", "integers, slices, None, ... or arrays")
        plain.append(part)
    return tuple(plain), basic


def two_steps(index: tuple[Any, ...], ndim: int) -> tuple[tuple[Any, ...], tuple[Any, ...]] | None:
    """An index of arrays beside integers or None as a view's index and the arrays' index into that view.

    numpy would broadcast the integers with the arrays, and put the dimensions of both in front if a slice
    stands between them; torch takes the integers first. None if the index needs no such care.
    """
    if not any(part is None or (isinstance(part, int) and not isinstance(part, bool)) for part in index):
        return None
    used = sum(map(_width, index))
    first: list[Any] = []
    second: list[Any] = []
    for part in index if any(p is Ellipsis for p in index) else (*index, Ellipsis):
        if part is Ellipsis:
            rest = [slice(None)] * (ndim - used)
            first += rest
            second += rest
        elif is_array(part):
            first += [slice(None)] * (part.ndim if part.dtype.kind == "b" else 1)
            second.append(part)
        elif isinstance(part, (bool, np.bool_)):
            first.append(None)
            second.append(np.array([part]))
        else:
            first.append(part)
            if part is None or isinstance(part, slice):
                second.append(slice(None))
    return tuple(first), tuple(second)


def _takes(part: Any) -> bool:
    """Whether this part of an index uses up dimensions."""
    return part is not None and part is not Ellipsis and not isinstance(part, (bool, np.bool_))


def place_index(function: str, x: Array, index: tuple[Any, ...]) -> tuple[Any, ...]:
    """An index of arrays with all of them on the GPU where x is, and within range: cupy wraps around."""
    if not is_on_device(x) and not any(map(is_on_device, index)):
        return index
    placed: list[Any] = []
    axis, rest = 0, x.ndim - sum(map(_width, index))
    for part in index:
        if is_array(part):
            if is_on_device(part):
                check_same(function, x=x, index=part)
            if part.dtype.kind == "i" and part.size:
                _check_range(function, part, x.shape[axis], axis)
            part = beside(x, part)
        axis += rest if part is Ellipsis else _width(part)
        placed.append(part)
    return tuple(placed)


def _check_range(function: str, index: Any, n: int, axis: int) -> None:
    def check_range(index: Any) -> None:
        low, high = int(index.min()), int(index.max())
        if low < -n or high >= n:
            given = low if low < -n else high
            raise bad_index(function, "index", str(given), f"between {-n} and {n - 1} in dimension {axis}")

    check(check_range, index)


def _width(part: Any) -> int:
    """How many dimensions this part of an index uses up."""
    if is_array(part) and part.dtype.kind == "b":
        return int(part.ndim)
    return int(_takes(part))


def getitem(x: Any, index: Any) -> Tensor:
    """Part of a tensor: ``x[index]``.

    Parameters
    ----------
    x : Tensor
    index : int, slice, None, Ellipsis, integer array, mask, or a tuple of those
        Integers and slices give a view; arrays of integers and masks a copy.

    Returns
    -------
    Tensor

    Raises
    ------
    IndexError
        If an index is out of range or of a type that is no index.
    ValueError
        For a slice with a negative step (as in torch; see `flip`).

    Notes
    -----
    The gradient of an element that was picked several times is the sum. Source: ``torch.Tensor.__getitem__``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> x = fg.tensor([[1, 2, 3], [4, 5, 6]])
    >>> x[:, 1]
    tensor([2, 5])
    >>> x[x > 3]
    tensor([4, 5, 6])
    """
    index, basic = plain_index(index)
    xd = x.data
    if not basic:
        steps = two_steps(index, xd.ndim)
        if steps is not None:
            return getitem(getitem(x, steps[0]), steps[1])
        index = place_index("getitem", xd, index)
    if basic and index.__class__ is slice and index.step is not None and index.step <= 0:
        raise bad_value("getitem", "index", f"a slice of step {index.step}", "a step greater than 0")
    try:
        # The Ellipsis keeps a single element an array, and so a view.
        if not basic:
            y = xd[index]
        elif index.__class__ is tuple:
            whole = index if Ellipsis in index else (*index, Ellipsis)
            y = xd[whole]
        else:
            y = xd[index, ...] if index is not Ellipsis else xd[...]
    except IndexError as error:
        raise bad_index("getitem", "index", f"{index!r} ({error})", f"an index into shape {xd.shape}") from None
    shape, dtype = xd.shape, xd.dtype

    def rule(dy: Array, needs: Needs) -> tuple[Any, ...]:
        if not basic:
            return (scattered(shape, index, dy),)
        dx = np.zeros(shape, dtype, like=dy)
        dx[index] = dy
        return (dx,)

    return record_view(y, x, rule) if basic else record(y, (x,), rule)


def select(x: Any, dim: int, index: int) -> Tensor:
    """A view of `x` at one place of dimension `dim`, without that dimension. Source: ``torch.select``."""
    x = as_tensor("select", "x", x)
    dim = check_dim("select", dim, x.data.ndim)
    return getitem(x, (*(slice(None),) * dim, index))


def narrow(x: Any, dim: int, start: int, length: int) -> Tensor:
    """A view of `length` places of dimension `dim` from `start` on.

    Raises
    ------
    IndexError
        If they are not all there.

    Notes
    -----
    Source: ``torch.narrow``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.arange(5).narrow(0, 1, 3)
    tensor([1, 2, 3])
    """
    x = as_tensor("narrow", "x", x)
    dim = check_dim("narrow", dim, x.data.ndim)
    n = x.data.shape[dim]
    start = start + n if start < 0 else start
    if length < 0 or not 0 <= start <= n - length:
        raise bad_index("narrow", "start", f"{start} with length={length}", f"a range within size {n}")
    return getitem(x, (*(slice(None),) * dim, slice(start, start + length)))
