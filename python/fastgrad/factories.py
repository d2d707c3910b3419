"""New tensors that are filled with one value, or count."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from fastgrad import arrays, dtypes
from fastgrad.arrays import to_host
from fastgrad.creation import finish, size_of
from fastgrad.devices import made
from fastgrad.errors import bad_type, bad_value
from fastgrad.ops.operands import as_tensor

if TYPE_CHECKING:
    from fastgrad.tensor import Tensor

__all__ = [
    "arange",
    "empty",
    "eye",
    "full",
    "linspace",
    "logspace",
    "ones",
    "zeros",
]


def _dtype(function: str, dtype: Any) -> np.dtype[Any]:
    return dtypes.get_default_dtype() if dtype is None else dtypes.as_dtype(function, dtype)


def zeros(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of zeros.

    Parameters
    ----------
    size : ints or a tuple of int
        The shape.
    dtype : numpy dtype, optional
        The default dtype if left out.
    device : device or str, optional
        Where it is to be; by default the CPU.
    requires_grad : bool
        Whether backward passes compute its gradient.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        For a negative size.

    Notes
    -----
    Source: ``torch.zeros``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.zeros(2, 3)
    tensor([[0., 0., 0.],
            [0., 0., 0.]])
    """
    array = made("zeros", device, np.zeros, size_of("zeros", size), _dtype("zeros", dtype))
    return finish("zeros", array, requires_grad)


def ones(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of ones, with the parameters of `zeros`. Source: ``torch.ones``.

    >>> import fastgrad as fg
    >>> fg.ones(2, dtype=fg.int64)
    tensor([1, 1])
    """
    array = made("ones", device, arrays.full, size_of("ones", size), 1, _dtype("ones", dtype))
    return finish("ones", array, requires_grad)


def empty(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor whose values are whatever the memory holds, with the parameters of `zeros`.

    Source: ``torch.empty``.
    """
    array = made("empty", device, np.empty, size_of("empty", size), _dtype("empty", dtype))
    return finish("empty", array, requires_grad)


def full(size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor with one value everywhere.

    Parameters
    ----------
    size : int or tuple of int
        The shape.
    fill_value : number
        The value.
    dtype : numpy dtype, optional
        That of the value if left out: bool, int64, or the default dtype.
    device : device or str, optional
        Where it is to be; by default the CPU.
    requires_grad : bool
        Whether backward passes compute its gradient.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        If `fill_value` is not one number, or outside the range of an integer `dtype`.

    Notes
    -----
    Source: ``torch.full``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.full((2,), 7)
    tensor([7, 7])
    """
    value = as_tensor("full", "fill_value", fill_value).data
    if value.ndim:
        raise bad_value("full", "fill_value", f"of shape {value.shape}", "a number")
    chosen = value.dtype if dtype is None else dtypes.as_dtype("full", dtype)
    shape = size_of("full", (size,))
    number = dtypes.cast("full", "fill_value", to_host(value), chosen)[()]
    return finish("full", made("full", device, arrays.full, shape, number, chosen), requires_grad)


def arange(
    start: float,
    end: float | None = None,
    step: float = 1,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Numbers from `start` (0 if only one is given) up to but not including `end`, `step` apart.

    Parameters
    ----------
    start, end, step : number
        ``arange(end)`` or ``arange(start, end, step)``.
    dtype : numpy dtype, optional
        int64 if all of them are ints, else the default dtype.
    device : device or str, optional
        Where it is to be; by default the CPU.
    requires_grad : bool
        Whether backward passes compute its gradient.

    Returns
    -------
    Tensor
        Of ⌈(end − start) / step⌉ elements.

    Raises
    ------
    ValueError
        If the step is 0 or leads away from `end`.

    Notes
    -----
    Source: ``torch.arange``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.arange(3)
    tensor([0, 1, 2])
    >>> fg.arange(1, 2, 0.5)
    tensor([1.0000, 1.5000])
    """
    start, end = (0, start) if end is None else (start, end)
    limits = [v.item() if hasattr(v, "item") else v for v in (start, end, step)]
    for name, value in zip(("start", "end", "step"), limits, strict=True):
        if not isinstance(value, (int, float)) or not math.isfinite(value):
            raise bad_type("arange", name, repr(value), "a finite number")
    first, last, step = limits
    if step == 0 or (last - first) * step < 0:
        raise bad_value("arange", "step", repr(step), f"a step that leads from {first!r} to {last!r}")
    whole = all(isinstance(v, int) for v in limits)
    chosen = (
        (dtypes.int64 if whole else dtypes.get_default_dtype()) if dtype is None else dtypes.as_dtype("arange", dtype)
    )
    count = -((first - last) // step) if whole else math.ceil((last - first) / step)
    if whole:
        array = np.arange(first, first + count * step, step, dtype=np.int64).astype(chosen, copy=False)
    else:
        array = (np.arange(count) * step + first).astype(chosen)
    return finish("arange", array, requires_grad, device)


def linspace(
    start: float,
    end: float,
    steps: int,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """`steps` numbers at equal distances from `start` to `end`, both included.

    Raises
    ------
    ValueError
        If `steps` is negative.

    Notes
    -----
    Source: ``torch.linspace``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.linspace(0, 1, 5)
    tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000])
    """
    if steps < 0:
        raise bad_value("linspace", "steps", str(steps), "at least 0")
    array = np.linspace(float(start), float(end), steps, dtype=np.float64).astype(_dtype("linspace", dtype))
    return finish("linspace", array, requires_grad, device)


def logspace(
    start: float,
    end: float,
    steps: int,
    base: float = 10.0,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """`steps` powers of `base`, their exponents at equal distances from `start` to `end`.

    Source: ``torch.logspace``.
    """
    if steps < 0:
        raise bad_value("logspace", "steps", str(steps), "at least 0")
    array = (float(base) ** np.linspace(float(start), float(end), steps)).astype(_dtype("logspace", dtype))
    return finish("logspace", array, requires_grad, device)


def eye(n: int, m: int | None = None, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A matrix with ones on its diagonal, square if `m` is not given.

    Notes
    -----
    Source: ``torch.eye``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    rows, columns = size_of("eye", (n, n if m is None else m))
    return finish("eye", np.eye(rows, columns, dtype=_dtype("eye", dtype)), requires_grad, device)
