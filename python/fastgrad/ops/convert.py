"""Tensors in another dtype or memory: the values stay, the gradient is converted back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastgrad import dtypes
from fastgrad.autograd.graph import Value, named, record, wrap
from fastgrad.creation import check_device
from fastgrad.errors import bad_type
from fastgrad.traced import row_major

if TYPE_CHECKING:
    from fastgrad.tensor import Tensor

__all__ = ["clone", "contiguous", "cpu", "cuda", "detach", "half", "to", "type_"]

Needs = tuple[bool, ...]


@named("clone")
def _clone_rule(dy: np.ndarray, needs: Needs) -> tuple[Any, ...]:
    return (dy,)


def clone(x: Any, *, memory_format: Any = None) -> Tensor:
    """A copy that the gradient passes through. Source: ``torch.clone``.

    >>> import fastgrad as fg
    >>> x = fg.ones(2)
    >>> x.clone().zero_(), x
    (tensor([0., 0.]), tensor([1., 1.]))
    """
    return record(x.data.copy("K"), (x,), _clone_rule)


def detach(x: Any) -> Tensor:
    """The same memory without the history: no gradient flows through the result.

    Changes in place count for both tensors.

    Notes
    -----
    Source: ``torch.Tensor.detach``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.ones(2, requires_grad=True).detach().requires_grad
    False
    """
    t = wrap(x.data)
    t.version = x.version
    return t


def contiguous(x: Any, memory_format: Any = None) -> Tensor:
    """The tensor itself if its elements lie in row-major order without gaps, else a copy for which "
    "that is so."""
    if x.data.flags.c_contiguous:
        return x  # type: ignore[no-any-return]
    return record(row_major(x.data), (x,), _clone_rule)


def _converted(x: Value, dtype: np.dtype[Any], copy: bool) -> Tensor:
    before = x.data.dtype
    if before == dtype:
        return clone(x) if copy else x  # type: ignore[return-value]

    def rule(dy: np.ndarray, needs: Needs) -> tuple[Any, ...]:
        return (dy.astype(before),)

    rule.__qualname__ = "to_copy"
    with np.errstate(all="ignore"):
        y = x.data.astype(dtype)
    # No gradient comes through integers.
    return record(y, (x,), rule) if dtype.kind == "f" else wrap(y)


def to(
    x: Any, *args: Any, dtype: Any = None, device: Any = None, copy: bool = False, non_blocking: bool = False
) -> Tensor:
    """The tensor in another dtype; itself if it has that already.

    Parameters
    ----------
    x : Tensor
    args : dtype, device, tensor
        ``to(dtype)``, ``to(device)``, ``to(device, dtype)``, or ``to(other)`` for the dtype of another
        tensor.
    dtype : numpy dtype, optional
        The new dtype.
    device : str, optional
        ``"cpu"``.
    copy : bool
        Whether to copy in any case.
    non_blocking : bool
        For torch's sake; the result is ready when this returns.

    Returns
    -------
    Tensor

    Raises
    ------
    TypeError
        If the dtype is not one of fastgrad's.
    ValueError
        If the device is not one of this build's.

    Notes
    -----
    Source: ``torch.Tensor.to``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.tensor([1, 2]).to(fg.float64)
    tensor([1., 2.], dtype=float64)
    """
    for arg in args:
        if isinstance(arg, Value):
            dtype = arg.data.dtype
        elif isinstance(arg, bool):
            continue  # non_blocking and copy, given by position
        elif isinstance(arg, str) and arg.partition(":")[0] in ("cpu", "cuda", "mps", "meta"):
            device = arg
        elif arg is not None:
            dtype = arg
    check_device("to", device)
    return _converted(x, x.data.dtype if dtype is None else dtypes.as_dtype("to", dtype), copy)


def cpu(x: Any) -> Tensor:
    """The tensor itself, which is in the memory of the CPU."""
    return x  # type: ignore[no-any-return]


def cuda(x: Any, device: Any = None) -> Tensor:
    """An error that says that this build computes on the CPU."""
    check_device("cuda", "cuda")
    return x  # type: ignore[no-any-return]


def half(x: Any) -> Tensor:
    """An error that says which dtypes there are."""
    raise bad_type("half", "dtype", "float16", "float32 or float64, the floating-point dtypes of fastgrad")


def type_(x: Any, dtype: Any = None) -> Any:
    """The name of the tensor's type, as ``"fastgrad.FloatTensor"``; or, with a dtype, what `to` gives.

    Source: ``torch.Tensor.type``.
    """
    if dtype is None:
        names = {
            "float32": "Float",
            "float64": "Double",
            "int64": "Long",
            "int32": "Int",
            "uint8": "Byte",
            "bool": "Bool",
        }
        return f"fastgrad.{names[x.data.dtype.name]}Tensor"
    return to(x, dtype)
