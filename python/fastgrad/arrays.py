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
from fastgrad.traced import Traced

__all__ = [
    "address",
    "as_array",
    "beside",
    "check",
    "clip_into",
    "full",
    "is_array",
    "is_on_device",
    "is_traced",
    "is_writable",
    "row_major",
    "scattered",
    "set_library",
    "shape_at",
    "strided",
    "to_host",
    "whole",
]

Array = np.ndarray


class _Nothing:
    """Stands for the class of a GPU's arrays until that is known."""


_library: Any = None
_device_class: Any = _Nothing
_kinds: Any = (np.ndarray, Traced)
_kept = frozenset(_kinds)


def set_library(library: Any) -> None:
    """Let `library`, cupy, be what makes the arrays on a GPU."""
    global _library, _device_class, _kinds, _kept
    _library, _device_class = library, library.ndarray
    _kinds = (np.ndarray, Traced, _device_class)
    _kept = frozenset(_kinds)


# Which kind


def is_array(x: Any) -> bool:
    """Whether x is an array of any kind."""
    return isinstance(x, _kinds)


def is_traced(x: Any) -> bool:
    """Whether x stands for an array of a recording."""
    return x.__class__ is Traced


def is_on_device(x: Any) -> bool:
    """Whether x is an array on a GPU."""
    return x.__class__ is _device_class


def is_writable(x: Any) -> bool:
    """Whether an array's elements can be changed; those on a GPU always can."""
    return getattr(x.flags, "writeable", True)


# From one to the other


def as_array(x: Any) -> Any:
    """``np.asarray(x)``, which leaves arrays of the other kinds what they are."""
    return x if x.__class__ in _kept else np.asarray(x)


def to_host(x: Any) -> Any:
    """An array in the memory of the processor; of one on a GPU a copy in the same order of axes."""
    return x.get(order="A") if x.__class__ is _device_class else x


def beside(x: Any, values: Any) -> Any:
    """`values` in the memory where the array x is."""
    if x.__class__ is _device_class:
        if values.__class__ is not _device_class:
            with x.device:
                return _library.array(values)
        return values
    return to_host(values)


# What each does in its own way


def shape_at(x: Any, index: Any) -> tuple[int, ...]:
    """The shape of x[index]."""
    return x.recorder.shape_at(x, index) if x.__class__ is Traced else x[index].shape  # type: ignore[no-any-return]


def row_major(x: Any) -> Any:
    """``np.ascontiguousarray(x)`` for any array but those of no dimensions, which stay as they are."""
    return x if x.flags.c_contiguous else x.copy()


def check(function: Callable[..., None], *arrays: Any) -> None:
    """function(*arrays), which raises for bad values: a recording repeats it in every run."""
    for x in arrays:
        if x.__class__ is Traced:
            x.recorder.check(function, arrays)
            return
    function(*arrays)


def whole(function: Callable[..., Array], *arrays: Any) -> Any:
    """function(*arrays), which a recording repeats as one: for what goes through Python objects."""
    for x in arrays:
        if x.__class__ is Traced:
            return x.recorder.compute(function, arrays, {})
    return function(*arrays)


def address(x: Any) -> int:
    """Where an array's first element lies."""
    if x.__class__ is _device_class:
        return int(x.data.ptr)
    return (x.array if x.__class__ is Traced else x).__array_interface__["data"][0]  # type: ignore[no-any-return]


def strided(x: Any, shape: tuple[int, ...], strides: tuple[int, ...], offset: int = 0) -> Any:
    """A view of a contiguous array's memory; strides and offset in bytes."""
    if x.__class__ is Traced:
        return x.recorder.trace(np.ndarray(shape, x.dtype, x.array, offset, strides))
    if x.__class__ is _device_class:
        return _library.ndarray(shape, x.dtype, x.data + offset, strides)
    return np.ndarray(shape, x.dtype, x, offset, strides)


def scattered(shape: tuple[int, ...], index: Any, dy: Any) -> Any:
    """Zeros of a shape, to which the elements of dy are added at the places ``[index]``.

    On a GPU in the order of dy too, so that sums have the same bits in every run.
    """
    if dy.__class__ is not _device_class or not dy.size:
        dx = np.zeros(shape, dy.dtype, like=dy)
        if dy.size:
            np.add.at(dx, index, dy)
        return dx
    n = math.prod(shape)
    places = np.arange(n, dtype=np.int64, like=dy).reshape(shape)[index]
    dx = np.empty((n, 1), dy.dtype, like=dy)
    backend.kernels.embedding_backward(dx, row_major(dy).reshape(-1, 1), row_major(places).reshape(-1), -1)
    return dx.reshape(shape)


def full(shape: tuple[int, ...], value: Any, dtype: Any, *, like: Any = None) -> Any:
    """``np.full``, on the GPU of `like` if that is on one; cupy's does not take the arguments that numpy hands on."""
    y = np.empty(shape, dtype, like=like if like.__class__ is _device_class else None)
    y.fill(value)
    return y


def clip_into(x: Any, low: Any, high: Any) -> None:
    """Limit x in place; either limit may be None."""
    if x.__class__ is not _device_class:
        np.clip(x, low, high, out=x, casting="unsafe")
        return
    if low is not None:
        np.maximum(x, low, out=x, casting="unsafe")
    if high is not None:
        np.minimum(x, high, out=x, casting="unsafe")
