"""Matrix products, by the native kernel where there are matrices of floating-point numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from fastgrad import backend
from fastgrad.autograd.graph import Value, record, sum_to_shape
from fastgrad.autograd.mode import state
from fastgrad.devices import check_same
from fastgrad.errors import bad_type, bad_value
from fastgrad.ops.operands import as_tensor

if TYPE_CHECKING:
    from fastgrad.tensor import Tensor

__all__ = ["addmm", "bmm", "dot", "matmul", "mm", "mv", "outer", "rmatmul"]

Array = np.ndarray
Needs = tuple[bool, ...]
_empty = np.empty


def product(a: Array, b: Array, precision: str | None) -> Array:
    """(m, k) @ (k, n), or a batch of them with one leading dimension, of equal dtype."""
    if a.dtype.kind != "f":
        return np.matmul(a, b)  # type: ignore[no-any-return]
    y = _empty((*a.shape[:-1], b.shape[-1]), a.dtype, like=a)
    backend.kernels.matmul(y, a, b, precision)
    return y


def _shape_error(function: str, x: Array, y: Array) -> Exception:
    check_same(function, x=x, y=y)
    if x.dtype != y.dtype:
        return bad_type(function, "y", f"of dtype {y.dtype}", f"{x.dtype}, the dtype of x")
    return bad_value(function, "y", f"of shape {y.shape}", f"a shape that can be multiplied from the left by {x.shape}")


def matmul(x: Any, y: Any) -> Tensor:
    """Matrix product: z_ij = Σ_k x_ik y_kj.

    Parameters
    ----------
    x : Tensor
        Shape (k,), (m, k) or (\\*, m, k).
    y : Tensor
        Shape (k,), (k, n) or (\\*, k, n); the leading dimensions of both broadcast.

    Returns
    -------
    Tensor
        Shape (\\*, m, n), without m or n where the argument was a vector.

    Raises
    ------
    ValueError
        If the shapes do not fit, or an argument has no dimensions.
    TypeError
        If the dtypes differ.

    Notes
    -----
    dx = dz yᵀ, dy = xᵀ dz. Source: ``torch.matmul``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.tensor([[1.0, 2.0]]) @ fg.tensor([[3.0], [4.0]])
    tensor([[11.]])
    """
    if not (isinstance(x, Value) and isinstance(y, Value)):
        x, y = as_tensor("matmul", "x", x), as_tensor("matmul", "y", y)
    xd, yd = x.data, y.data
    if xd.ndim != 2 or yd.ndim != 2:
        return _matmul_other(x, y)
    if xd.dtype != yd.dtype or xd.shape[1] != yd.shape[0] or type(xd) is not type(yd):
        raise _shape_error("matmul", xd, yd)
    precision = state.precision
    z = product(xd, yd, precision)

    def rule(dz: Array, needs: Needs) -> tuple[Any, ...]:
        dx = product(dz, yd.T, precision) if needs[0] else None
        return dx, product(xd.T, dz, precision) if needs[1] else None

    return record(z, (x, y), rule, _read(x, y))


def _read(x: Value, y: Value) -> tuple[Value, ...]:
    if x.node is None:
        return (x,)
    return (y,) if y.node is None else (x, y)


def rmatmul(x: Any, y: Any) -> Tensor:
    """``y @ x``: what the operator calls when the tensor is on its right."""
    return matmul(y, x)


def _matmul_other(x: Tensor, y: Tensor) -> Tensor:
    """Vectors become matrices for the time of the product; batches broadcast to one leading dimension."""
    xd, yd = x.data, y.data
    fit = xd.dtype == yd.dtype and xd.ndim and yd.ndim and xd.shape[-1] == yd.shape[-2 if yd.ndim > 1 else 0]
    if not fit or type(xd) is not type(yd):
        raise _shape_error("matmul", xd, yd)
    if xd.ndim <= 2 and yd.ndim <= 2:
        if xd.ndim == 1:
            z = matmul(x.unsqueeze(0), y.unsqueeze(1) if yd.ndim == 1 else y)
            return z.reshape(()) if yd.ndim == 1 else z.squeeze(0)
        return matmul(x, y.unsqueeze(1)).squeeze(1)
    if yd.ndim <= 2:  # one matrix for all: a single larger product
        z = matmul(x.reshape(math.prod(xd.shape[:-1]), xd.shape[-1]), y if yd.ndim == 2 else y.unsqueeze(1))
        return z.reshape(*xd.shape[:-1], *yd.shape[1:])
    if xd.ndim == 1:
        return _matmul_other(x.unsqueeze(0), y).squeeze(-2)
    try:
        lead = np.broadcast_shapes(xd.shape[:-2], yd.shape[:-2])
    except ValueError:
        raise _shape_error("matmul", xd, yd) from None
    count = math.prod(lead)

    def batch(array: Array) -> Array:
        full = array if array.shape[:-2] == lead else np.broadcast_to(array, (*lead, *array.shape[-2:]))
        return full if full.ndim == 3 else full.reshape(count, *array.shape[-2:])

    xb, yb, precision = batch(xd), batch(yd), state.precision
    z3 = product(xb, yb, precision)

    def rule(dz: Array, needs: Needs) -> tuple[Any, ...]:
        dz = dz.reshape(z3.shape)
        dx = dy = None
        if needs[0]:
            dx = product(dz, yb.swapaxes(1, 2), precision)
            dx = sum_to_shape(dx.reshape(*lead, *xd.shape[-2:]), xd.shape)
        if needs[1]:
            dy = product(xb.swapaxes(1, 2), dz, precision)
            dy = sum_to_shape(dy.reshape(*lead, *yd.shape[-2:]), yd.shape)
        return dx, dy

    rule.__qualname__ = "matmul"
    return record(z3.reshape(*lead, *z3.shape[1:]), (x, y), rule, _read(x, y))


def _checked(function: str, x: Any, y: Any, dims_x: int, dims_y: int) -> tuple[Tensor, Tensor]:
    x, y = as_tensor(function, "x", x), as_tensor(function, "y", y)
    for name, z, dims in (("x", x, dims_x), ("y", y, dims_y)):
        if z.data.ndim != dims:
            raise bad_value(function, name, f"of shape {z.data.shape}", f"{dims} dimensions")
    if x.data.dtype != y.data.dtype or type(x.data) is not type(y.data):
        raise _shape_error(function, x.data, y.data)
    return x, y


def mm(x: Any, y: Any) -> Tensor:
    """Product of two matrices; see `matmul`. Source: ``torch.mm``."""
    return matmul(*_checked("mm", x, y, 2, 2))


def bmm(x: Any, y: Any) -> Tensor:
    """Products of a batch of matrices, shapes (batch, m, k) and (batch, k, n). Source: ``torch.bmm``."""
    x, y = _checked("bmm", x, y, 3, 3)
    if x.data.shape[0] != y.data.shape[0]:
        raise _shape_error("bmm", x.data, y.data)
    return matmul(x, y)


def mv(x: Any, y: Any) -> Tensor:
    """Product of a matrix and a vector. Source: ``torch.mv``."""
    return matmul(*_checked("mv", x, y, 2, 1))


def dot(x: Any, y: Any) -> Tensor:
    """Inner product of two vectors: Σ x_i y_i.

    Notes
    -----
    Source: ``torch.dot``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.dot(fg.tensor([1.0, 2.0]), fg.tensor([3.0, 4.0]))
    tensor(11.)
    """
    return matmul(*_checked("dot", x, y, 1, 1))


def outer(x: Any, y: Any) -> Tensor:
    """Outer product of two vectors: z_ij = x_i y_j. Source: ``torch.outer``."""
    x, y = as_tensor("outer", "x", x), as_tensor("outer", "y", y)
    if x.data.ndim != 1 or y.data.ndim != 1:
        raise bad_value("outer", "x", f"of shape {x.data.shape} beside {y.data.shape}", "two vectors")
    return x.unsqueeze(1) * y  # type: ignore[no-any-return]


def addmm(b: Any, x: Any, y: Any, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """z = beta · b + alpha · x y for matrices x and y. Source: ``torch.addmm``."""
    z = mm(x, y)
    z = z if alpha == 1 else z * alpha
    if beta == 0:
        return z
    return as_tensor("addmm", "b", b) * beta + z if beta != 1 else z + b
