"""New tensors from values and from other libraries' arrays."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from fastgrad import dtypes
from fastgrad.arrays import as_array, is_array, is_on_device, is_traced, row_major
from fastgrad.autograd.graph import Value, wrap
from fastgrad.devices import as_device, move
from fastgrad.errors import bad_type, bad_value

if TYPE_CHECKING:
    from fastgrad.tensor import Tensor

__all__ = [
    "as_tensor",
    "asarray",
    "finish",
    "from_dlpack",
    "from_numpy",
    "is_tensor",
    "scalar_tensor",
    "size_of",
    "tensor",
    "values_of",
]


# Numbers of DLPack: memory of a GPU, and memory that the processor sees too but CUDA manages.
_GPU = (2, 13)
_PYTHON = (list, tuple, int, float, bool)
_INTERFACES = ("__array_interface__", "__cuda_array_interface__", "__dlpack__")


def finish(function: str, array: np.ndarray, requires_grad: bool = False, device: Any = None) -> Tensor:
    """A new tensor over `array`, which nobody else holds, or over a copy on `device`."""
    if device is not None:
        array = move(array, as_device(function, device))
    t = wrap(array)
    if requires_grad:
        if array.dtype.kind != "f":
            raise RuntimeError(
                f"{function}(): only Tensors of floating point dtype can require gradients, not {array.dtype}"
            )
        t.requires_grad = True
    return t


def size_of(function: str, size: tuple[Any, ...]) -> tuple[int, ...]:
    """A shape given as ints one by one or as one sequence."""
    if len(size) == 1 and isinstance(size[0], (tuple, list)):
        size = tuple(size[0])
    try:
        shape = tuple([n.__index__() for n in size])
    except AttributeError:
        raise bad_type(function, "size", str(size), "ints") from None
    if any(n < 0 for n in shape):
        raise bad_value(function, "size", str(shape), "sizes of at least 0")
    return shape


def _values(function: str, data: Any, dtype: Any) -> np.ndarray:
    """`data` as an array of one of fastgrad's dtypes:

    as it is, if it is an array already and has the dtype.
    """
    wanted = None if dtype is None else dtypes.as_dtype(function, dtype)
    array: Any
    if isinstance(data, Value):
        array = data.data
    elif is_array(data):
        array = data
    elif isinstance(data, (str, bytes)) or data is None:
        raise bad_type(function, "data", f"a {type(data).__name__}", "numbers, nested lists of them, or an array")
    elif data.__class__ not in _PYTHON and (isinstance(data, np.generic) or any(hasattr(data, i) for i in _INTERFACES)):
        array = values_of(data)
        if isinstance(data, float):
            array = array.astype(dtypes.get_default_dtype())
    else:
        try:
            array = np.array(data)
        except ValueError as error:
            raise bad_value(
                function, "data", f"a {type(data).__name__} ({error})", "numbers, or lists of equal length"
            ) from None
        if array.dtype.kind == "f" and _is_python(data):
            array = np.array(data, wanted if wanted and wanted.kind == "f" else dtypes.get_default_dtype())
    known = dtypes.convert(function, "data", array)
    return known if wanted is None else dtypes.cast(function, "data", known, wanted)


def values_of(data: Any) -> Any:
    """The array behind a tensor or another library's array, or one with its values."""
    if isinstance(data, Value):
        return data.data
    return import_module("fastgrad.cuda.library").adopt(data) if _is_on_gpu(data) else np.asarray(data)


def _is_on_gpu(data: Any) -> bool:
    """Whether it is another library's array on a GPU."""
    if hasattr(data, "__dlpack_device__"):
        return int(data.__dlpack_device__()[0]) in _GPU
    return hasattr(data, "__cuda_array_interface__")


def _is_python(data: Any) -> bool:
    """Whether nested sequences hold Python's floats, rather than arrays that have a dtype of their own."""
    while isinstance(data, (list, tuple)) and data:
        data = data[0]
    return isinstance(data, (int, float, list, tuple, range)) or not hasattr(data, "dtype")


def tensor(data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A new tensor with a copy of `data`.

    Parameters
    ----------
    data : number, nested sequences of numbers, ndarray or Tensor
        The values.
    dtype : numpy dtype, optional
        By default that of an array (float16 becomes float32, small and unsigned integers int64); for
        Python's numbers int64, bool, or for floats the default dtype.
    device : device or str, optional
        Where it is to be; by default where `data` is.
    requires_grad : bool
        Whether backward passes compute its gradient.

    Returns
    -------
    Tensor

    Raises
    ------
    TypeError
        If the values are no numbers or of a dtype that tensors do not have.
    ValueError
        If sequences differ in length, or a value is outside the range of an integer dtype.
    RuntimeError
        If integers are to require a gradient.

    Notes
    -----
    Source: ``torch.tensor``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    tensor([[1., 2.],
            [3., 4.]], requires_grad=True)
    """
    array: Any = _values("tensor", data, dtype)
    there = array if device is None else move(array, as_device("tensor", device))
    if there is not array:
        array = row_major(there)
    elif is_traced(array) or is_on_device(array):
        array = array.copy("C")
    elif isinstance(data, (Value, np.ndarray)) or array.base is not None:
        array = np.array(array, order="C")
    return finish("tensor", array, requires_grad)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """`data` as a tensor: itself, or over the same memory, where type and dtype allow it, else a copy.

    Notes
    -----
    Source: ``torch.as_tensor``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> import numpy as np
    >>> array = np.zeros(2, "float32")
    >>> fg.as_tensor(array).fill_(1).numpy() is array
    True
    """
    if isinstance(data, Value):
        if dtype is None and device is None:
            return data  # type: ignore[return-value]
        kind = None if dtype is None else dtypes.as_dtype("as_tensor", dtype)
        return data.to(dtype=kind, device=device)  # type: ignore[attr-defined, no-any-return]
    return finish("as_tensor", _values("as_tensor", data, dtype), False, device)


def asarray(
    data: Any, *, dtype: Any = None, device: Any = None, copy: bool | None = None, requires_grad: bool = False
) -> Tensor:
    """As `as_tensor`, or with ``copy=True`` as `tensor`. Source: ``torch.asarray``."""
    if copy:
        return tensor(data, dtype=dtype, device=device, requires_grad=requires_grad)
    t = as_tensor(data, dtype, device)
    return t.requires_grad_() if requires_grad else t


def scalar_tensor(value: float, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor without dimensions. Source: ``torch.scalar_tensor``."""
    return tensor(float(value) if dtype is None else value, dtype=dtype, device=device, requires_grad=requires_grad)


def from_numpy(array: np.ndarray) -> Tensor:
    """A tensor over the memory of an ndarray: no copy, changes of one are changes of the other.

    Parameters
    ----------
    array : ndarray
        Of any memory layout. A read-only array gives a tensor that cannot be changed in place.

    Returns
    -------
    Tensor

    Raises
    ------
    TypeError
        If it is no ndarray or has a dtype that tensors do not have.

    Notes
    -----
    Source: ``torch.from_numpy``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> import numpy as np
    >>> array = np.zeros(2)
    >>> fg.from_numpy(array).add_(1)
    tensor([1., 1.], dtype=float64)
    >>> array
    array([1., 1.])
    """
    if is_on_device(array) or not is_array(array):
        raise bad_type("from_numpy", "array", f"a {type(array).__name__}", "an ndarray")
    if dtypes.convert("from_numpy", "array", array) is not array:
        raise bad_type("from_numpy", "array", f"of dtype {array.dtype}", dtypes.EXPECTED)
    return wrap(as_array(array))


def from_dlpack(source: Any) -> Tensor:
    """A tensor over the memory of any object with ``__dlpack__``, as torch's, jax's and cupy's arrays have.

    Raises
    ------
    TypeError
        If it has none, or its dtype is not one of fastgrad's.
    ValueError
        If the memory is neither the CPU's nor an NVIDIA GPU's.
    RuntimeError
        If it is a GPU's, which cannot be used here.

    Notes
    -----
    Source: ``torch.from_dlpack``, the array API's interchange protocol.

    Examples
    --------
    >>> import fastgrad as fg
    >>> import numpy as np
    >>> fg.from_dlpack(np.ones(2))
    tensor([1., 1.], dtype=float64)
    """
    if isinstance(source, Value):
        return source.detach()  # type: ignore[attr-defined, no-any-return]
    if not hasattr(source, "__dlpack__") or not hasattr(source, "__dlpack_device__"):
        raise bad_type("from_dlpack", "source", f"a {type(source).__name__}", "an object with __dlpack__")
    kind = int(source.__dlpack_device__()[0])
    if kind in _GPU:
        array = import_module("fastgrad.cuda.library").adopt(source)
        if dtypes.convert("from_dlpack", "source", array) is not array:
            raise bad_type("from_dlpack", "source", f"of dtype {array.dtype}", dtypes.EXPECTED)
        return wrap(array)
    if kind not in (1, 3):
        given = f"on device {source.__dlpack_device__()}"
        raise bad_value("from_dlpack", "source", given, "memory of the CPU or of an NVIDIA GPU")
    return from_numpy(np.from_dlpack(source))


def is_tensor(x: Any) -> bool:
    """Whether `x` is a Tensor. Source: ``torch.is_tensor``."""
    return isinstance(x, Value)
