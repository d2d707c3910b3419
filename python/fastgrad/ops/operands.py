"""How the arguments of operations become arrays of one dtype, and their gradients find the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastgrad import dtypes
from fastgrad.arrays import as_array, is_array, is_on_device, number, to_host
from fastgrad.autograd.graph import Value, sum_to_shape, wrap
from fastgrad.autograd.mode import state
from fastgrad.devices import check_same
from fastgrad.errors import bad_index, bad_type, bad_value

if TYPE_CHECKING:
    from fastgrad.tensor import Tensor

__all__ = [
    "as_floating",
    "as_tensor",
    "binary_operands",
    "broadcast_error",
    "check_dim",
    "check_dims",
    "check_flag",
    "fit",
    "operate",
    "scalar_dtype",
    "together",
]


def as_tensor(function: str, argument: str, x: Any) -> Tensor:
    """`x` itself if it is a tensor, else one over its values."""
    if isinstance(x, Value):
        return x  # type: ignore[return-value]
    if isinstance(x, (int, float)) and not isinstance(x, np.generic):
        return wrap(np.array(x, scalar_dtype(x)))
    if is_array(x) or isinstance(x, (np.generic, list, tuple)):
        array = as_array(x)
        if isinstance(x, (list, tuple)) and array.dtype.kind == "f":
            array = array.astype(dtypes.get_default_dtype())
        return wrap(dtypes.convert(function, argument, array))
    raise bad_type(function, argument, f"a {type(x).__name__}", "a Tensor, an array or a number")


def scalar_dtype(x: Any) -> np.dtype[Any]:
    """The dtype of a tensor made from this Python number."""
    if isinstance(x, bool):
        return dtypes.bool
    return dtypes.int64 if isinstance(x, int) else dtypes.get_default_dtype()


def binary_operands(
    function: str, x: Any, y: Any, floating: bool = False
) -> tuple[Tensor, Tensor, np.ndarray, np.ndarray]:
    """Two arguments as tensors, and their arrays in the dtype of the result.

    Tensors with dimensions decide the dtype; 0-dimensional ones and, after them, Python numbers change it
    only if they are of a higher category (bool < integer < floating point). With `floating` integers become
    the default dtype.
    """
    number_x = isinstance(x, (int, float))
    number_y = isinstance(y, (int, float))
    a, b = (
        as_tensor(function, "x", float(x) if isinstance(x, np.float64) else x),
        as_tensor(function, "y", float(y) if isinstance(y, np.float64) else y),
    )
    dx, dy = a.data.dtype, b.data.dtype
    rank_x = 0 if number_x else 1 if a.data.ndim == 0 else 2
    rank_y = 0 if number_y else 1 if b.data.ndim == 0 else 2
    if rank_x == rank_y:
        dtype = dtypes.promote(dx, dy)
    else:
        strong, weak = (dx, dy) if rank_x > rank_y else (dy, dx)
        dtype = dtypes.promote(strong, weak) if dtypes.category(weak) > dtypes.category(strong) else strong
    if floating and dtype.kind != "f":
        dtype = dtypes.get_default_dtype()
    xd = a.data if dx == dtype else a.data.astype(dtype)
    yd = b.data if dy == dtype else b.data.astype(dtype)
    if is_on_device(xd) or is_on_device(yd):
        xd, yd = together(function, x=xd, y=yd)
    return a, b, xd, yd


def together(function: str, **arrays: Any) -> list[Any]:
    """Arrays for one operation on a GPU, by the names of the arguments, or an error if they are not all there.

    Those of the processor's that have no dimensions may take part; they become numpy's scalars.
    """
    check_same(function, **{name: array for name, array in arrays.items() if is_on_device(array) or array.ndim})
    return [array if is_on_device(array) else number(array) for array in arrays.values()]


def operate(
    function: str, ufunc: Any, x: Any, y: Any, floating: bool = False
) -> tuple[Any, Tensor, Tensor, np.ndarray, np.ndarray]:
    """Any operands, converted and broadcast:

    the ufunc's result, the operands, and their arrays in its dtype.
    """
    a, b, xd, yd = binary_operands(function, x, y, floating)
    try:
        return state.quiet(ufunc, xd, yd), a, b, xd, yd
    except ValueError:
        raise broadcast_error(function, xd, yd) from None
    except TypeError:
        raise bad_type(function, "x", f"of dtype {xd.dtype}", "a dtype of numbers") from None


def as_floating(x: np.ndarray) -> np.ndarray:
    """`x`, integers converted to the default dtype."""
    return x if x.dtype.kind == "f" else x.astype(dtypes.get_default_dtype())


def fit(dy: Any, parent: np.ndarray) -> np.ndarray:
    """The gradient of a broadcast and perhaps converted operand, in the operand's own shape and dtype."""
    dy = sum_to_shape(dy, parent.shape)
    if is_on_device(dy) and not is_on_device(parent):
        dy = to_host(dy)
    return dy if dy.dtype == parent.dtype else dy.astype(parent.dtype)  # type: ignore[no-any-return]


def broadcast_error(function: str, x: np.ndarray, y: np.ndarray) -> ValueError:
    """What to raise for two shapes that do not broadcast."""
    return bad_value(function, "y", f"of shape {y.shape}", f"a shape that broadcasts with {x.shape}, the shape of x")


def check_dim(function: str, dim: Any, ndim: int, argument: str = "dim") -> int:
    """The dimension `dim` counted from the front; a 0-dimensional tensor counts as having one."""
    try:
        dim = dim.__index__()
    except AttributeError:
        raise bad_type(function, argument, f"a {type(dim).__name__}", "an int") from None
    n = max(ndim, 1)
    if not -n <= dim < n:
        raise bad_index(function, argument, str(dim), f"between {-n} and {n - 1}")
    return dim % n  # type: ignore[no-any-return]


def check_flag(function: str, argument: str, value: Any) -> bool:
    """`value` as a bool; the integers 0 and 1 are taken too."""
    if not isinstance(value, (bool, np.bool_, int, np.integer)):
        raise bad_type(function, argument, f"a {type(value).__name__}", "True or False")
    if value not in (0, 1):
        raise bad_value(function, argument, repr(value), "True or False")
    return bool(value)


def check_dims(function: str, dim: Any, ndim: int) -> tuple[int, ...]:
    """A dimension, or several different ones, counted from the front; None is all of them."""
    if dim is None:
        return tuple(range(ndim))
    if not isinstance(dim, (tuple, list)):
        return (check_dim(function, dim, ndim),)
    dims = tuple([check_dim(function, d, ndim) for d in dim]) or tuple(range(ndim))
    if len(set(dims)) != len(dims):
        raise bad_value(function, "dim", str(tuple(dim)), "every dimension once")
    return dims
