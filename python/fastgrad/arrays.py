"""What a tensor's data can be (numpy's array, a GPU's, what stands for one in a recording), and what is done with each.

Operations call numpy's functions, which numpy itself hands on to whoever made the array. What it does not hand on is
here. The library of a GPU's arrays, cupy, is known as soon as the first of them can be.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from fastgrad import backend
from fastgrad.traced import Traced, TracedOnDevice

__all__ = [
    "address",
    "as_array",
    "base",
    "beside",
    "bytes_at",
    "bytes_like",
    "check",
    "clip_into",
    "full",
    "invoke",
    "is_array",
    "is_dense",
    "is_memory",
    "is_on_device",
    "is_start",
    "is_traced",
    "is_writable",
    "native_of",
    "number",
    "put_along",
    "row_major",
    "scattered",
    "set_library",
    "shape_at",
    "start",
    "strided",
    "to_host",
    "upload",
    "whole",
]

Array = np.ndarray


class _Nothing:
    """Stands for the class of a GPU's arrays until that is known."""


_library: Any = None
_device_native: Any = None
_device_class: Any = _Nothing
_memories: Any = (np.ndarray,)
_kinds: Any = (np.ndarray, Traced)
_kept = frozenset((np.ndarray, Traced, TracedOnDevice))
_on_device: Any = frozenset((TracedOnDevice,))


def set_library(library: Any, native: Any) -> None:
    """Let `library`, cupy, be what makes the arrays on a GPU, and `native` the module that computes with them."""
    global _library, _device_native, _device_class, _memories, _kinds, _kept, _on_device
    _library, _device_native, _device_class = library, native, library.ndarray
    _memories = (np.ndarray, _device_class)
    _kinds = (*_memories, Traced)
    _kept = frozenset((np.ndarray, _device_class, Traced, TracedOnDevice))
    _on_device = frozenset((_device_class, TracedOnDevice))


# Which kind


def is_array(x: Any) -> bool:
    """Whether x is an array of any kind."""
    return isinstance(x, _kinds)


def is_memory(x: Any) -> bool:
    """Whether x is an array itself, and does not stand for one."""
    return isinstance(x, _memories)


def is_traced(x: Any) -> bool:
    """Whether x stands for an array of a recording."""
    return isinstance(x, Traced)


def is_on_device(x: Any) -> bool:
    """Whether x is an array on a GPU, or stands for one."""
    return x.__class__ in _on_device


def is_dense(x: Any) -> bool:
    """Whether an array's elements lie aligned and without gaps, in C order or in Fortran order."""
    flags = x.flags
    return bool((flags.c_contiguous or flags.f_contiguous) and getattr(flags, "aligned", True))


def native_of(x: Any) -> Any:
    """The native module that computes with arrays like x."""
    return _device_native if is_on_device(x) else backend.native


def is_writable(x: Any) -> bool:
    """Whether an array's elements can be changed; those on a GPU always can."""
    return getattr(x.flags, "writeable", True)


# From one to the other


def as_array(x: Any) -> Any:
    """``np.asarray(x)``, which leaves arrays of the other kinds what they are."""
    return x if x.__class__ in _kept else np.asarray(x)


def to_host(x: Any) -> Any:
    """An array in the memory of the processor; of one on a GPU a copy in the same order of axes."""
    return x.get(order="A") if is_on_device(x) else x


def upload(values: Any) -> Any:
    """A copy on the current GPU, in the same order of axes."""
    return whole(lambda a: _library.array(a, order="K"), values)


def number(x: Any) -> Any:
    """The number in an array of the processor's that has no dimensions, for an operation on a GPU."""
    if not is_traced(x):
        return x[()]
    if not x.recorder.is_constant(x.array):
        x.recorder.refuse("a number that the CPU computes is used on a GPU (let it be a tensor there)")
    return x.array[()]


def beside(x: Any, values: Any) -> Any:
    """`values` in the memory where the array x is."""
    if not is_on_device(x):
        return to_host(values)
    if is_on_device(values):
        return values
    with x.device:
        return upload(values)


# What each does in its own way


def shape_at(x: Any, index: Any) -> tuple[int, ...]:
    """The shape of x[index]."""
    return x.recorder.shape_at(x, index) if is_traced(x) else x[index].shape  # type: ignore[no-any-return]


def row_major(x: Any) -> Any:
    """``np.ascontiguousarray(x)`` for any array but those of no dimensions, which stay as they are."""
    return x if x.flags.c_contiguous else x.copy()


def check(function: Callable[..., None], *arrays: Any) -> None:
    """function(*arrays), which raises for bad values: a recording repeats it in every run."""
    for x in arrays:
        if is_traced(x):
            x.recorder.check(function, arrays)
            return
    function(*arrays)


def whole(function: Callable[..., Array], *arrays: Any) -> Any:
    """function(*arrays), which a recording repeats as one: for what goes through Python objects."""
    for x in arrays:
        if is_traced(x):
            return x.recorder.compute(function, arrays, {})
    return function(*arrays)


def address(x: Any) -> int:
    """Where an array's first element lies."""
    if is_on_device(x):
        return int(x.data.ptr)
    return (x.array if is_traced(x) else x).__array_interface__["data"][0]  # type: ignore[no-any-return]


def invoke(function: Any, args: Any, kwargs: Any) -> Any:
    """function(*args, **kwargs); a method of numpy's arrays becomes that of a GPU's."""
    name = getattr(function, "__name__", "")
    if args and args[0].__class__ is _device_class and getattr(np.ndarray, name, None) is function:
        return getattr(args[0], name)(*args[1:], **kwargs)
    return function(*args, **kwargs)


def bytes_like(x: Any, nbytes: int) -> Any:
    """Memory for so many bytes where x is, as an array of bytes."""
    return np.empty(nbytes, np.uint8, like=x if is_on_device(x) else None)


def base(x: Any) -> Any:
    """The array that a view is of, after all."""
    while isinstance(x.base, _memories):
        x = x.base
    return x


def bytes_at(memory: Any, address: int, nbytes: int) -> Any:
    """Part of a block of a GPU's memory as an array of bytes."""
    pointer = _library.cuda.MemoryPointer(memory, address - memory.ptr)
    return _library.ndarray((nbytes,), np.uint8, pointer)


def strided(x: Any, shape: tuple[int, ...], strides: tuple[int, ...], offset: int = 0, dtype: Any = None) -> Any:
    """A view of a contiguous array's memory; strides and offset in bytes. On a GPU it has no ``base``."""
    if is_traced(x):
        return x.recorder.trace(strided(x.array, shape, strides, offset, dtype))
    dtype = x.dtype if dtype is None else dtype
    if is_on_device(x):
        return _library.ndarray(shape, dtype, x.data + offset, strides)
    return np.ndarray(shape, dtype, x, offset, strides)


def scattered(shape: tuple[int, ...], index: Any, dy: Any) -> Any:
    """Zeros of a shape, to which the elements of dy are added at the places ``[index]``.

    On a GPU in the order of dy too, so that sums have the same bits in every run.
    """
    if not is_on_device(dy) or not dy.size:
        dx = np.zeros(shape, dy.dtype, like=dy)
        if dy.size:
            np.add.at(dx, index, dy)
        return dx
    n = math.prod(shape)
    places = np.arange(n, dtype=np.int64, like=dy).reshape(shape)[index]
    dx = np.empty((n, 1), dy.dtype, like=dy)
    backend.kernels.embedding_backward(dx, row_major(dy).reshape(-1, 1), row_major(places).reshape(-1), -1)
    return dx.reshape(shape)


def put_along(x: Any, index: Any, values: Any, dim: int) -> None:
    """``np.put_along_axis``, which cupy has only since version 14."""
    if not is_on_device(x):
        np.put_along_axis(x, index, values, dim)
        return
    grid: list[Any] = list(np.ogrid[tuple(slice(n) for n in index.shape)])
    grid[dim] = index
    x[tuple(grid)] = values


def full(shape: tuple[int, ...], value: Any, dtype: Any, *, like: Any = None) -> Any:
    """``np.full``, on the GPU of `like` if that is on one; cupy's does not take the arguments that numpy hands on."""
    if is_traced(like):
        y = full(shape, value, dtype, like=like.array)
        return like.recorder.trace(y) if is_on_device(y) else y
    y = np.empty(shape, dtype, like=like if is_on_device(like) else None)
    y.fill(value)
    return y


_ones: dict[tuple[int, Any], Any] = {}


def start(x: Any) -> Any:
    """The gradient of x, an array of one element, with which backward begins: 1.

    On a GPU nobody changes it, and without dimensions it is always the same array, which `is_start` knows by that.
    """
    if is_traced(x):
        x = x.array
    if not is_on_device(x) or x.ndim:
        return full(x.shape, 1, x.dtype, like=x)
    key = (x.device.id, x.dtype)
    if key not in _ones:
        with x.device:
            _ones[key] = full((), 1, x.dtype, like=x)
            _library.cuda.get_current_stream().synchronize()  # other streams read it
    return _ones[key]


def is_start(dy: Any) -> bool:
    """Whether an array on a GPU is what `start` gave: 1, known without waiting for the GPU."""
    if is_traced(dy):
        dy = dy.array
    return not dy.ndim and dy is _ones.get((dy.device.id, dy.dtype))


def clip_into(x: Any, low: Any, high: Any) -> None:
    """Limit x in place; either limit may be None."""
    if not is_on_device(x):
        np.clip(x, low, high, out=x, casting="unsafe")
        return
    if low is not None:
        np.maximum(x, low, out=x, casting="unsafe")
    if high is not None:
        np.minimum(x, high, out=x, casting="unsafe")
