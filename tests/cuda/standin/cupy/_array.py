"""An array class like cupy's, over numpy's memory, as strict as cupy's: no numpy array takes part in anything."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import cupy

from ._memory import MemoryPointer

SCALARS = (bool, int, float, complex, np.generic)
Order = {"C": "C", "F": "F", "A": "A", "K": "K", None: "C"}


class Flags:
    """All that cupy tells: nothing of writing and alignment."""

    __slots__ = ("c_contiguous", "f_contiguous", "owndata")

    def __init__(self, array: ndarray) -> None:
        flags = array._a.flags
        self.c_contiguous, self.f_contiguous = flags.c_contiguous, flags.f_contiguous
        self.owndata = array.base is None


def refuse(x: Any) -> Any:
    raise TypeError(f"Unsupported type {type(x)}")


def inner(x: Any, indices: bool = False) -> Any:
    """What numpy is to compute with; numpy's own arrays are refused, but as indices."""
    if isinstance(x, ndarray):
        return x._a
    if isinstance(x, (list, tuple)):
        return type(x)([inner(each, indices) for each in x])
    if isinstance(x, np.ndarray) and not indices:
        refuse(x)
    if hasattr(x, "__array_ufunc__") and not isinstance(x, (np.ndarray, np.generic)):
        refuse(x)  # as an argument of a function of cupy's it is unknown
    return x


def outer(y: Any, *sources: Any) -> Any:
    """A result of numpy's as an array on the device: a view where it is one."""
    if isinstance(y, tuple):
        return tuple(outer(each, *sources) for each in y)
    if isinstance(y, list):
        return [outer(each, *sources) for each in y]
    if not isinstance(y, (np.ndarray, np.generic)):
        return y
    for x in sources:
        if isinstance(x, ndarray) and isinstance(y, np.ndarray) and np.shares_memory(x.data.mem.bytes, y):
            return x._view(y)
    return fresh(np.asarray(y))


def fresh(values: np.ndarray, order: str = "K") -> ndarray:
    """A new array on the device with these values."""
    like = np.empty_like(values, order=order)  # type: ignore[call-overload]
    dense = like.strides if like.flags.forc else None
    x = ndarray(values.shape, values.dtype, strides=dense)
    x._a[...] = values
    return x


class ndarray:
    """As ``cupy.ndarray``; ``_a`` sees the same memory."""

    __slots__ = ("__weakref__", "_a", "base", "data")
    __array_priority__ = 100

    def __init__(
        self, shape: Any, dtype: Any = float, memptr: Any = None, strides: Any = None, order: str = "C"
    ) -> None:
        shape = (shape,) if isinstance(shape, int) else tuple(shape)
        dtype = np.dtype(dtype)
        size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        self.data: MemoryPointer = cupy.cuda.alloc(size) if memptr is None else memptr
        self.base: ndarray | None = None
        mem = self.data.mem
        offset = self.data.ptr - mem.ptr
        self._a: np.ndarray = np.ndarray(shape, dtype, mem.bytes, offset, strides, order)  # type: ignore[call-overload]

    def _view(self, a: np.ndarray) -> ndarray:
        v = object.__new__(type(self))
        v._a = a
        v.base = self if self.base is None else self.base
        v.data = self.data + (a.__array_interface__["data"][0] - self.data.ptr)
        return v

    # What it is

    dtype = property(lambda self: self._a.dtype)
    ndim = property(lambda self: self._a.ndim)
    size = property(lambda self: self._a.size)
    itemsize = property(lambda self: self._a.itemsize)
    nbytes = property(lambda self: self._a.nbytes)
    strides = property(lambda self: self._a.strides)
    flags = property(lambda self: Flags(self))
    T = property(lambda self: self._view(self._a.T))
    device = property(lambda self: self.data.device)

    @property
    def shape(self) -> tuple[int, ...]:
        return self._a.shape

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        return {
            "shape": self.shape,
            "typestr": self.dtype.str,
            "descr": self.dtype.descr,
            "stream": cupy.cuda.get_current_stream().ptr or 1,
            "version": 3,
            "strides": None if self._a.flags.c_contiguous else self.strides,
            "data": (self.data.ptr if self.size else 0, False),
        }

    def __dlpack__(
        self, *, stream: Any = None, max_version: Any = None, dl_device: Any = None, copy: Any = None
    ) -> Any:
        return self._a.__dlpack__()

    def __dlpack_device__(self) -> tuple[int, int]:
        return 2, self.data.device_id

    # Between the two memories

    def get(self, stream: Any = None, order: str = "C", out: Any = None, blocking: bool = True) -> np.ndarray:
        cupy.cuda.runtime.synchronizations += 1
        if out is None:
            return self._a.copy("F" if order == "A" and self._a.flags.f_contiguous else "C" if order == "A" else order)
        out[...] = self._a
        return out

    def set(self, arr: np.ndarray, stream: Any = None) -> None:
        if not isinstance(arr, np.ndarray):
            raise TypeError("Only numpy.ndarray can be set to cupy.ndarray")
        if self.dtype != arr.dtype or self.shape != arr.shape:
            raise ValueError("shape or dtype mismatch")
        self._a[...] = arr

    def __array__(self, dtype: Any = None) -> Any:
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Please use `.get()` to construct one.")

    def __reduce__(self) -> Any:
        return cupy.array, (self.get(),)

    def __copy__(self) -> ndarray:
        return self.copy()

    def __deepcopy__(self, memo: Any) -> ndarray:
        return self.copy()

    def item(self) -> Any:
        return self.get().item()

    def tolist(self) -> Any:
        return self.get().tolist()

    def __bool__(self) -> bool:
        return bool(self.get())

    def __int__(self) -> int:
        return int(self.get())

    def __float__(self) -> float:
        return float(self.get())

    def __complex__(self) -> complex:
        return complex(self.get())

    def __repr__(self) -> str:
        return repr(self.get())

    def __format__(self, spec: str) -> str:
        return format(self.get(), spec)

    def __len__(self) -> int:
        return len(self._a)

    def __iter__(self) -> Iterator[ndarray]:
        return iter([self[i] for i in range(len(self._a))])

    __hash__ = None  # type: ignore[assignment]

    # Parts

    def __getitem__(self, index: Any) -> ndarray:
        part = inner(index, indices=True)
        found = self._a[part]
        if isinstance(found, np.generic):  # numpy's number is a view here
            found = self._a[(*part, ...) if isinstance(part, tuple) else (part, ...)]
        return outer(found, self)  # type: ignore[no-any-return]

    def __setitem__(self, index: Any, value: Any) -> None:
        if not isinstance(value, (ndarray, *SCALARS)):
            refuse(value)
        self._a[inner(index, indices=True)] = inner(value)

    def scatter_add(self, slices: Any, value: Any) -> None:
        np.add.at(self._a, inner(slices, indices=True), inner(value))

    # Copies and conversions

    def astype(
        self, dtype: Any, order: str = "K", casting: Any = None, subok: Any = None, copy: bool = True
    ) -> ndarray:
        if not copy and self.dtype == np.dtype(dtype):
            return self
        with np.errstate(all="ignore"):
            return fresh(self._a.astype(dtype, order=order), order)  # type: ignore[call-overload]

    def copy(self, order: str = "C") -> ndarray:
        return fresh(self._a, order)

    def view(self, dtype: Any = None, type: Any = None) -> ndarray:
        return self._view(self._a.view() if dtype is None else self._a.view(dtype))

    def fill(self, value: Any) -> None:
        if not isinstance(value, SCALARS):
            refuse(value)
        self._a.fill(value)

    def reshape(self, *shape: Any, order: str = "C", copy: Any = None) -> ndarray:
        return outer(self._a.reshape(*shape, order=order), self)  # type: ignore[no-any-return]

    def transpose(self, *axes: Any) -> ndarray:
        return self._view(self._a.transpose(*axes))

    def dot(self, b: ndarray, out: Any = None) -> ndarray:
        return outer(self._a.dot(inner(b)))  # type: ignore[no-any-return]

    # numpy's protocols

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        function = getattr(cupy, ufunc.__name__, None)
        if method != "__call__":
            function = getattr(function, method, None)
        if function is None:
            return NotImplemented
        if "out" in options:
            (options["out"],) = options["out"]
        for x in (*inputs, *([options["out"]] if "out" in options else ())):
            if not isinstance(x, (ndarray, np.ndarray, *SCALARS)):
                return NotImplemented
        return function(*inputs, **options)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        try:
            module = functools.reduce(getattr, function.__module__.split(".")[1:], cupy)
            own = getattr(module, function.__name__)
        except AttributeError:
            return NotImplemented
        if not all(issubclass(t, (ndarray, np.ndarray)) for t in types):
            return NotImplemented
        return own(*args, **kwargs)


def _method(name: str, signature: str) -> Callable[..., Any]:
    """A method that does what numpy's does, with no more arguments than cupy's."""
    check = eval(f"lambda {signature}: None")

    def method(self: ndarray, *args: Any, **options: Any) -> Any:
        check(*args, **options)
        out = options.get("out")
        options = {key: inner(value) for key, value in options.items()}
        with np.errstate(all="ignore"):
            result = getattr(self._a, name)(*[inner(x, indices=name == "take") for x in args], **options)
        return out if out is not None else outer(result, self)

    method.__name__ = name
    return method


_REDUCTION = "axis=None, dtype=None, out=None, keepdims=False"
for _name, _signature in {
    "all": "axis=None, out=None, keepdims=False",
    "any": "axis=None, out=None, keepdims=False",
    "argmax": "axis=None, out=None, *, keepdims=False",
    "argmin": "axis=None, out=None, *, keepdims=False",
    "argsort": "axis=-1, kind=None",
    "clip": "min=None, max=None, out=None",
    "cumprod": "axis=None, dtype=None, out=None",
    "cumsum": "axis=None, dtype=None, out=None",
    "flatten": "order='C'",
    "max": "axis=None, out=None, keepdims=False",
    "mean": _REDUCTION,
    "min": "axis=None, out=None, keepdims=False",
    "nonzero": "",
    "prod": _REDUCTION,
    "ravel": "order='C'",
    "repeat": "repeats, axis=None",
    "round": "decimals=0, out=None",
    "squeeze": "axis=None",
    "sum": _REDUCTION,
    "swapaxes": "axis1, axis2",
    "take": "indices, axis=None, out=None",
}.items():
    setattr(ndarray, _name, _method(_name, _signature))


def _operator(name: str, ufunc: str, kind: str) -> Callable[..., Any]:
    def operate(self: ndarray, other: Any) -> Any:
        if getattr(other, "__array_ufunc__", self) is None:
            return NotImplemented
        function = getattr(cupy, ufunc)
        if kind == "i":
            return function(self, other, out=self)
        return function(other, self) if kind == "r" else function(self, other)

    return operate


for _name, _ufunc in {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "true_divide", "floordiv": "floor_divide",
    "mod": "remainder", "pow": "power", "matmul": "matmul", "and": "bitwise_and", "or": "bitwise_or",
    "xor": "bitwise_xor",
}.items():  # fmt: skip
    for _kind in ("", "r", "i"):
        if (_kind, _name) != ("i", "matmul"):
            setattr(ndarray, f"__{_kind}{_name}__", _operator(_name, _ufunc, _kind))
for _name, _ufunc in {
    "eq": "equal", "ne": "not_equal", "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal",
}.items():  # fmt: skip
    setattr(ndarray, f"__{_name}__", _operator(_name, _ufunc, ""))
for _name, _ufunc in {"neg": "negative", "abs": "absolute", "invert": "invert"}.items():
    setattr(ndarray, f"__{_name}__", lambda self, _ufunc=_ufunc: getattr(cupy, _ufunc)(self))
