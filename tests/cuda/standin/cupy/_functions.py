"""Functions like cupy's: numpy's, on arrays of the device only, with no more arguments than cupy's take."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from ._array import SCALARS, fresh, inner, ndarray, outer, refuse
from ._memory import MemoryPointer, owner_of

# The functions that numpy hands on, each with the arguments that cupy's has.
_SIGNATURES = """
all(a, axis=None, out=None, keepdims=False)
any(a, axis=None, out=None, keepdims=False)
argmax(a, axis=None, dtype=None, out=None, keepdims=False)
argmin(a, axis=None, dtype=None, out=None, keepdims=False)
argsort(a, axis=-1, kind=None)
argwhere(a)
array_equal(a1, a2, equal_nan=False)
bincount(x, weights=None, minlength=None)
broadcast_to(array, shape)
clip(a, a_min, a_max, out=None)
concatenate(tup, axis=0, out=None, *, dtype=None, casting="same_kind")
copyto(dst, src, casting="same_kind", where=None)
count_nonzero(a, axis=None)
cumprod(a, axis=None, dtype=None, out=None)
cumsum(a, axis=None, dtype=None, out=None)
empty_like(prototype, dtype=None, order="K", subok=None, shape=None)
expand_dims(a, axis)
flatnonzero(a)
flip(a, axis=None)
isclose(a, b, rtol=1e-05, atol=1e-08, equal_nan=False)
max(a, axis=None, out=None, keepdims=False)
mean(a, axis=None, dtype=None, out=None, keepdims=False)
min(a, axis=None, out=None, keepdims=False)
moveaxis(a, source, destination)
nan_to_num(x, copy=True, nan=0.0, posinf=None, neginf=None)
nonzero(a)
ones_like(a, dtype=None, order="K", subok=None, shape=None)
prod(a, axis=None, dtype=None, out=None, keepdims=False)
put_along_axis(arr, indices, values, axis)
repeat(a, repeats, axis=None)
roll(a, shift, axis=None)
round(a, decimals=0, out=None)
searchsorted(a, v, side="left", sorter=None)
sort(a, axis=-1, kind=None)
squeeze(a, axis=None)
stack(tup, axis=0, out=None, *, dtype=None, casting="same_kind")
sum(a, axis=None, dtype=None, out=None, keepdims=False)
take(a, indices, axis=None, out=None)
take_along_axis(a, indices, axis)
tril(m, k=0)
triu(m, k=0)
unique(ar, return_index=False, return_inverse=False, return_counts=False, axis=None, *, equal_nan=True)
where(condition, x=None, y=None)
zeros_like(a, dtype=None, order="K", subok=None, shape=None)
"""
_CHANGES = {"copyto": "dst", "put_along_axis": "arr"}
_LIKE = ("empty_like", "ones_like", "zeros_like")


def _function(definition: str) -> Callable[..., Any]:
    name = definition.partition("(")[0]
    numpys = getattr(np, name)
    signature = inspect.signature(eval(f"lambda {definition[len(name) + 1 : -1]}: None"))
    needed = [p.name for p in signature.parameters.values() if p.default is p.empty]
    if name == "where":
        needed = list(signature.parameters)

    def function(*args: Any, **options: Any) -> Any:
        given = dict(signature.bind(*args, **options).arguments)
        first = next(iter(given.values()))
        if name == "copyto":
            source = given["src"]
            if isinstance(source, np.ndarray):
                if source.size != 1:
                    raise ValueError("non-scalar numpy.ndarray cannot be used for copyto")
                given["src"] = source.reshape(())[()]
        elif not isinstance(first, (ndarray, list, tuple, *SCALARS)):
            refuse(first)
        plain = {key: inner(x, indices=key == "indices" and name == "take") for key, x in given.items()}
        plain = {key: x for key, x in plain.items() if x is not None or key in needed}
        out = given.get("out")
        positional = [plain.pop(key) for key in needed if key in plain]
        while positional and positional[-1] is None:
            positional.pop()
        with np.errstate(all="ignore"):
            result = numpys(*positional, **plain)
        if name in _CHANGES or out is not None:
            return out
        if name in _LIKE:
            return fresh(result)
        if name == "array_equal":
            result = np.asarray(result)
        return outer(result, *(x for x in given.values() if isinstance(x, ndarray)))

    function.__name__ = name
    function.__signature__ = signature  # type: ignore[attr-defined]
    return function


functions = {line.partition("(")[0]: _function(line) for line in _SIGNATURES.split("\n") if line}


class ufunc:
    """As cupy's: few have reductions, none takes numpy's arrays."""

    def __init__(self, numpys: np.ufunc) -> None:
        self.numpys = numpys
        self.__name__ = numpys.__name__

    def __call__(self, *args: Any, out: Any = None, dtype: Any = None, casting: str = "same_kind") -> Any:
        if any(isinstance(x, np.ndarray) for x in (*args, out)):
            refuse(np.empty(0))
        extra = {} if dtype is None else {"dtype": np.dtype(dtype)}
        with np.errstate(all="ignore"):
            y = self.numpys(*map(inner, args), out=None if out is None else inner(out), casting=casting, **extra)
        return out if out is not None else outer(y)

    def reduce(self, array: Any, axis: Any = 0, dtype: Any = None, out: Any = None, keepdims: bool = False) -> Any:
        if self.__name__ not in ("add", "multiply"):
            raise NotImplementedError(f"`cupy_{self.__name__}.reduce` is not supported yet")
        return (array.sum if self.__name__ == "add" else array.prod)(axis, dtype, out, keepdims)

    def at(self, a: Any, indices: Any, b: Any = None) -> None:
        if self.__name__ != "add":
            raise NotImplementedError(f"`cupy_{self.__name__}.at` is not supported yet")
        a.scatter_add(indices, b)


_UFUNCS = """
absolute add arccos arcsin arctan bitwise_and bitwise_or bitwise_xor ceil cos cosh divide equal exp exp2 expm1 floor
floor_divide fmod greater greater_equal invert isfinite isinf isnan less less_equal log log10 log1p log2 logical_and
logical_not logical_or logical_xor matmul maximum minimum multiply negative not_equal power reciprocal remainder sign
sin sinh sqrt square subtract tan tanh true_divide trunc
"""
functions.update({name: ufunc(getattr(np, name)) for name in _UFUNCS.split()})


def array(
    obj: Any,
    dtype: Any = None,
    copy: Any = True,
    order: str = "K",
    subok: bool = False,
    ndmin: int = 0,
    blocking: bool = False,
) -> Any:
    if not isinstance(obj, (ndarray, np.ndarray)) and hasattr(obj, "__cuda_array_interface__"):
        obj = _from_interface(obj.__cuda_array_interface__)
    if isinstance(obj, ndarray):
        if not copy and (dtype is None or obj.dtype == np.dtype(dtype)):
            return obj
        return fresh(obj._a if dtype is None else obj._a.astype(dtype), order)
    values = np.asarray(obj) if dtype is None else np.asarray(obj, dtype)
    return fresh(values, order)


def _from_interface(interface: dict[str, Any]) -> ndarray:
    address, shape = interface["data"][0], interface["shape"]
    if not address:
        return ndarray(shape, interface["typestr"])
    memory = owner_of(address)
    return ndarray(shape, interface["typestr"], MemoryPointer(memory, address - memory.ptr), interface["strides"])


def asarray(a: Any, dtype: Any = None, order: Any = None, *, blocking: bool = False) -> ndarray:
    return array(a, dtype, copy=False)  # type: ignore[no-any-return]


def from_dlpack(array: Any, /, *, device: Any = None, copy: Any = None) -> ndarray:
    if array.__dlpack_device__()[0] != 2:
        raise TypeError("CPU arrays cannot be directly imported to CuPy")
    return _from_interface(array.__cuda_array_interface__)


def _new(make: Callable[..., Any]) -> Callable[..., Any]:
    def function(shape: Any, dtype: Any = float, order: str = "C") -> ndarray:
        return fresh(make(shape, dtype, order))

    function.__name__ = make.__name__
    return function


empty, zeros, ones = _new(np.empty), _new(np.zeros), _new(np.ones)


def full(shape: Any, fill_value: Any, dtype: Any = None, order: str = "C") -> ndarray:
    return fresh(np.full(shape, inner(fill_value), dtype, order))  # type: ignore[call-overload]


def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = None) -> ndarray:
    return fresh(np.arange(start, dtype=dtype) if stop is None else np.arange(start, stop, step, dtype))


functions.update(
    array=array, asarray=asarray, from_dlpack=from_dlpack, empty=empty, zeros=zeros, ones=ones, full=full, arange=arange
)
