"""Tensors in another dtype or memory: the values stay, the gradient is converted back."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from fastgrad import dtypes
from fastgrad.arrays import is_on_device, row_major
from fastgrad.autograd.graph import Value, named, record, wrap
from fastgrad.devices import CPU, as_device, device, move, of
from fastgrad.errors import bad_type, bad_value

if TYPE_CHECKING:
    from fastgrad.tensor import Tensor

__all__ = [
    "clone",
    "contiguous",
    "cpu",
    "cuda",
    "detach",
    "half",
    "is_pinned",
    "pin_memory",
    "targets",
    "to",
    "type_",
]

_DEVICES = ("cpu", "cuda", "mps", "meta")  # torch's; as_device says which of them there are

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


def _converted(x: Value, dtype: np.dtype[Any], where: device, copy: bool, non_blocking: bool) -> Tensor:
    xd = x.data
    before, source = xd.dtype, of(xd)
    if before == dtype and source == where:
        return clone(x) if copy else x  # type: ignore[return-value]

    def rule(dy: np.ndarray, needs: Needs) -> tuple[Any, ...]:
        return (move(dy if dy.dtype == before else dy.astype(before), source),)

    rule.__qualname__ = "to_copy"
    if before != dtype:
        with np.errstate(all="ignore"):
            xd = xd.astype(dtype)
    y = move(xd, where, non_blocking)
    # No gradient comes through integers.
    return record(y, (x,), rule) if dtype.kind == "f" else wrap(y)


def targets(function: str, args: tuple[Any, ...], dtype: Any, where: Any) -> tuple[Any, device | None, list[bool]]:
    """What the arguments of ``to`` say: a dtype or None, a device or None, and the flags given by position."""
    flags: list[bool] = []
    for arg in args:
        if isinstance(arg, Value):
            dtype, where = arg.data.dtype, of(arg.data)
        elif isinstance(arg, bool):
            flags.append(arg)
        elif isinstance(arg, (device, int)) or (isinstance(arg, str) and arg.partition(":")[0] in _DEVICES):
            where = arg
        elif arg is not None:
            dtype = arg
    kind = None if dtype is None else dtypes.as_dtype(function, dtype)
    return kind, None if where is None else as_device(function, where), flags


def to(
    x: Any, *args: Any, dtype: Any = None, device: Any = None, copy: bool = False, non_blocking: bool = False
) -> Tensor:
    """The tensor in another dtype or on another device; itself if it has and is that already.

    The gradient flows back to where it came from.

    Parameters
    ----------
    x : Tensor
    args : dtype, device, tensor
        ``to(dtype)``, ``to(device)``, ``to(device, dtype)``, or ``to(other)`` for dtype and device of another
        tensor; then perhaps `non_blocking` and `copy`.
    dtype : numpy dtype, optional
        The new dtype.
    device : device or str, optional
        Where it is to be.
    copy : bool
        Whether to copy in any case.
    non_blocking : bool
        Not to wait until the GPU has read memory that `pin_memory` gave. Copies to the CPU are ready in any case.

    Returns
    -------
    Tensor

    Raises
    ------
    TypeError
        If the dtype is not one of fastgrad's.
    RuntimeError
        If the device is a GPU and CUDA cannot be used, and why.

    Notes
    -----
    Source: ``torch.Tensor.to``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.tensor([1, 2]).to(fg.float64)
    tensor([1., 2.], dtype=float64)
    """
    kind, where, flags = targets("to", args, dtype, device)
    non_blocking, copy = (flags + [non_blocking, copy][len(flags) :])[:2]
    return _converted(x, kind or x.data.dtype, where or of(x.data), copy, non_blocking)


def cpu(x: Any) -> Tensor:
    """The tensor in the memory of the CPU: itself, if it is there. Source: ``torch.Tensor.cpu``."""
    return _converted(x, x.data.dtype, CPU, False, False)


def cuda(x: Any, device: Any = None, non_blocking: bool = False) -> Tensor:
    """The tensor on a GPU, by default the current one: itself, if it is there.

    Raises
    ------
    RuntimeError
        If CUDA cannot be used, and why.

    Notes
    -----
    Source: ``torch.Tensor.cuda``.
    """
    where = as_device("cuda", "cuda" if device is None else device)
    if where.type != "cuda":
        raise bad_value("cuda", "device", repr(device), "a GPU")
    return _converted(x, x.data.dtype, where, False, non_blocking)


def pin_memory(x: Any) -> Tensor:
    """The tensor in memory that a GPU can read by itself, so that ``.to("cuda", non_blocking=True)`` does not wait.

    Source: ``torch.Tensor.pin_memory``.
    """
    if of(x.data).type != "cpu":
        raise bad_value("pin_memory", "x", f"on {of(x.data)}", "a tensor on the CPU")
    if is_pinned(x):
        return x  # type: ignore[no-any-return]
    return record(import_module("fastgrad.cuda.pinned").pin(x.data), (x,), _clone_rule)


def is_pinned(x: Any) -> bool:
    """Whether the tensor is in memory that a GPU can read by itself. Source: ``torch.Tensor.is_pinned``."""
    return not is_on_device(x.data) and import_module("fastgrad.cuda.pinned").is_pinned(x.data)


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
        return f"fastgrad.{'cuda.' if is_on_device(x.data) else ''}{names[x.data.dtype.name]}Tensor"
    return to(x, dtype)
