"""Softmax and its logarithm along one dimension."""

from __future__ import annotations

from typing import Any

from fastgrad import backend
from fastgrad.autograd.graph import is_recording, record, wrap
from fastgrad.nn.functional.arguments import as_floating, as_tensor, check_dim, implicit_dim
from fastgrad.tensor import Tensor

__all__ = ["log_softmax", "softmax"]

_empty = backend.xp.empty


def softmax(x: Tensor, dim: int | None = None, dtype: Any = None) -> Tensor:
    """Positive numbers that sum to one along `dim`: y_i = exp(x_i) / Σ_j exp(x_j).

    Parameters
    ----------
    x : Tensor
        Any shape.
    dim : int, optional
        The dimension along which the result sums to one. Without it, torch's old choice with a warning.
    dtype : numpy dtype, optional
        What `x` is converted to beforehand.

    Returns
    -------
    Tensor
        The shape of `x`.

    Raises
    ------
    TypeError
        If the dtype is not floating-point.
    IndexError
        If `dim` is out of range.

    Notes
    -----
    Source: ``torch.nn.functional.softmax``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.nn.functional.softmax(fg.zeros(1, 4), dim=1).numpy()
    array([[0.25, 0.25, 0.25, 0.25]], dtype=float32)
    """
    return _along("softmax", x, dim, dtype)


def log_softmax(x: Tensor, dim: int | None = None, dtype: Any = None) -> Tensor:
    """Logarithm of :func:`softmax`, finite where softmax underflows: y_i = x_i − log Σ_j exp(x_j).

    Parameters and errors are those of :func:`softmax`. Source: ``torch.nn.functional.log_softmax``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.nn.functional.log_softmax(fg.tensor([0.0, 1e4]), dim=0).numpy()
    array([-10000.,      0.], dtype=float32)
    """
    return _along("log_softmax", x, dim, dtype)


def _along(function: str, x: Any, dim: int | None, dtype: Any) -> Tensor:
    """Run the kernel over the last axis of a matrix, with `dim` brought there and put back."""
    x = as_tensor(function, "x", x)
    if dtype is not None and x.dtype != dtype:
        x = x.to(dtype)
    x = as_floating(function, "x", x)
    xd = x.data
    shape = xd.shape
    dim = implicit_dim(function, len(shape)) if dim is None else dim
    dim = check_dim(function, dim, len(shape))
    last = dim >= len(shape) - 1
    rows = xd if last else backend.xp.moveaxis(xd, dim, -1)
    moved = rows.shape
    length = moved[-1] if moved else 1
    if len(moved) != 2:
        rows = rows.reshape(xd.size // length if length else 0, length)
    out = _empty(rows.shape, xd.dtype, like=xd)
    kernels = backend.kernels
    (kernels.softmax_forward if function == "softmax" else kernels.log_softmax_forward)(out, rows)
    y = _back(out, moved, None if last else dim)
    if not is_recording(x):
        return wrap(y)

    def rule(dy: Any, needs: tuple[bool, ...]) -> tuple[Any, ...]:
        if not last:
            dy = backend.xp.moveaxis(dy, dim, -1)
        dx = _empty(out.shape, out.dtype, like=dy)
        kernels = backend.kernels
        backward = kernels.softmax_backward if function == "softmax" else kernels.log_softmax_backward
        backward(dx, dy.reshape(out.shape), out)
        return (_back(dx, moved, None if last else dim),)

    return record(y, (x,), rule, saves_output=True)


def _back(rows: Any, moved: tuple[int, ...], dim: int | None) -> Any:
    """The matrix `rows` in the shape it was made from, its last axis back at `dim`."""
    array = rows if rows.shape == moved else rows.reshape(moved)
    return array if dim is None else backend.xp.moveaxis(array, -1, dim)
