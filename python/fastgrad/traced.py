"""Traced: what stands for an array while a step is being recorded.

It holds a real array, so everything is computed as usual, and tells the recorder of every operation on it. It is no
ndarray: whatever would take its values out of the recording unseen fails, and says where.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

__all__ = ["Traced", "TracedOnDevice"]

_COPYING = (
    "all", "any", "argmax", "argmin", "argsort", "astype", "choose", "clip", "compress", "conj", "copy", "cumprod",
    "cumsum", "diagonal", "dot", "flatten", "max", "mean", "min", "nonzero", "prod", "ravel", "repeat", "reshape",
    "round", "searchsorted", "squeeze", "std", "sum", "swapaxes", "take", "trace", "transpose", "var", "view",
)  # fmt: skip
_CHANGING = ("fill", "partition", "put", "sort")
_READING = ("__array__", "__bool__", "__complex__", "__float__", "__index__", "__int__", "item", "tobytes", "tolist")


class Traced(NDArrayOperatorsMixin):
    """An array of a recording.

    Parameters
    ----------
    array : ndarray
        The values.
    recorder : Recorder
        Who is told of operations.
    """

    __slots__ = ("array", "recorder")
    __array_priority__ = 900  # below a Tensor's

    def __init__(self, array: np.ndarray, recorder: Any) -> None:
        self.array = array
        self.recorder = recorder

    # What is known without reading a value

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    @property
    def strides(self) -> tuple[int, ...]:
        return self.array.strides

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.array.dtype

    @property
    def ndim(self) -> int:
        return self.array.ndim

    @property
    def size(self) -> int:
        return self.array.size

    @property
    def itemsize(self) -> int:
        return self.array.itemsize

    @property
    def nbytes(self) -> int:
        return self.array.nbytes

    @property
    def flags(self) -> Any:
        return self.array.flags

    @property
    def ctypes(self) -> Any:
        return self.array.ctypes

    @property
    def base(self) -> Any:
        base = self.array.base
        return self.recorder.trace(base)

    @property
    def T(self) -> Traced:
        return self.recorder.trace(self.array.T)  # type: ignore[no-any-return]

    def __len__(self) -> int:
        return len(self.array)

    def __iter__(self) -> Iterator[Traced]:
        return iter([self[i] for i in range(len(self.array))])

    # Computations

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        function = ufunc if method == "__call__" else getattr(ufunc, method)
        return self.recorder.compute(function, inputs, options, 1 if method == "at" else 0)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return self.recorder.compute(function, args, kwargs, like=self.array)

    def __getitem__(self, index: Any) -> Any:
        return self.recorder.compute(operator.getitem, (self, index), {})

    def __setitem__(self, index: Any, value: Any) -> None:
        self.recorder.compute(operator.setitem, (self, index, value), {}, 1)

    def __repr__(self) -> str:
        return f"<recorded array of shape {self.shape}, {self.dtype}>"


class TracedOnDevice(Traced):
    """An array of a recording on a GPU."""

    __slots__ = ()

    @property
    def device(self) -> Any:
        return self.array.device

    @property
    def data(self) -> Any:
        return self.array.data

    def get(self, *args: Any, **kwargs: Any) -> Any:
        return self.recorder.refuse("a tensor is copied from the GPU, which waits for it")


def _copying(name: str) -> Callable[..., Any]:
    function = getattr(np.ndarray, name)

    def method(self: Traced, *args: Any, **kwargs: Any) -> Any:
        return self.recorder.compute(function, (self, *args), kwargs)

    return method


def _changing(name: str) -> Callable[..., Any]:
    function = getattr(np.ndarray, name)

    def method(self: Traced, *args: Any, **kwargs: Any) -> None:
        self.recorder.compute(function, (self, *args), kwargs, 1)

    return method


def _reading(name: str) -> Callable[..., Any]:
    def method(self: Traced, *args: Any, **kwargs: Any) -> Any:
        return self.recorder.refuse(f"{name}() reads a value")

    return method


for _names, _make in ((_COPYING, _copying), (_CHANGING, _changing), (_READING, _reading)):
    for _name in _names:
        _method = _make(_name)
        _method.__name__ = _name
        setattr(Traced, _name, _method)
