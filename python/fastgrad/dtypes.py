"""The dtypes of tensors, what other dtypes become, and which one an operation on two of them gives.

fastgrad's dtypes are numpy's: ``fg.float32 == numpy.dtype("float32")``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fastgrad.arrays import check
from fastgrad.errors import bad_type, bad_value

__all__ = [
    "EXPECTED",
    "as_dtype",
    "bool",
    "cast",
    "category",
    "convert",
    "float32",
    "float64",
    "get_default_dtype",
    "int32",
    "int64",
    "promote",
    "set_default_dtype",
    "uint8",
]

float32 = np.dtype("float32")
float64 = np.dtype("float64")
int64 = np.dtype("int64")
int32 = np.dtype("int32")
uint8 = np.dtype("uint8")
bool = np.dtype("bool")

# The place of a dtype in the order in which the larger of two is what both fit into, as in torch.
_RANK = {bool: 0, uint8: 1, int32: 2, int64: 3, float32: 4, float64: 5}
# For a quick look whether a dtype is one of them.
KNOWN = frozenset(_RANK)
_CATEGORY = {"b": 0, "u": 1, "i": 1, "f": 2}
# Dtypes that numpy has and fastgrad has not, and the dtype that holds their every value.
_BECOMES = {"float16": float32, "int8": int64, "int16": int64, "uint16": int64, "uint32": int64}
_NAMES = {str(dtype): dtype for dtype in _RANK}
_ALIASES = {"float": float32, "double": float64, "long": int64, "int": int32}
EXPECTED = "float32, float64, int64, int32, uint8 or bool"

_default = float32


def set_default_dtype(dtype: Any) -> None:
    """Choose the dtype that Python floats become in new tensors.

    Parameters
    ----------
    dtype : numpy dtype
        ``fg.float32`` (as at the start) or ``fg.float64``.

    Raises
    ------
    TypeError
        For another dtype.

    Notes
    -----
    Source: ``torch.set_default_dtype``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.set_default_dtype(fg.float64)
    >>> fg.tensor(1.0).dtype
    dtype('float64')
    >>> fg.set_default_dtype(fg.float32)
    """
    global _default
    found = as_dtype("set_default_dtype", dtype)
    if found.kind != "f":
        raise bad_type("set_default_dtype", "dtype", str(found), "float32 or float64")
    _default = found


def get_default_dtype() -> np.dtype[Any]:
    """The dtype that Python floats become in new tensors.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.get_default_dtype()
    dtype('float32')
    """
    return _default


def as_dtype(function: str, dtype: Any) -> np.dtype[Any]:
    """One of fastgrad's dtypes from a dtype, its name, or the Python type ``float``, ``int`` or ``bool``.

    As in torch the name ``"float"`` is float32, ``"double"`` float64, ``"long"`` int64, ``"int"`` int32,
    while the Python types are those of Python's numbers: ``float`` is the default dtype, ``int`` int64.
    """
    if dtype is float:
        return _default
    if dtype is int:
        return int64
    found: Any
    if isinstance(dtype, str):
        found = _NAMES.get(dtype) or _ALIASES.get(dtype)
    elif dtype is None:
        found = None
    else:
        try:
            found = np.dtype(dtype)
        except TypeError:
            found = None
    if found is None or found not in _RANK:
        raise bad_type(function, "dtype", str(dtype), EXPECTED)
    return _NAMES[found.name]


def convert(function: str, argument: str, array: np.ndarray) -> np.ndarray:
    """`array` itself if its dtype is one of fastgrad's, else a copy in the dtype that holds its values.

    Raises
    ------
    TypeError
        If there is none: complex, object, text, uint64 and longdouble.

    Examples
    --------
    >>> convert("tensor", "data", np.zeros(2, "float16")).dtype
    dtype('float32')
    """
    dtype = array.dtype
    if dtype in _RANK:
        return array
    target: Any = _NAMES.get(dtype.name) or _BECOMES.get(dtype.name)
    if target is None:
        raise bad_type(function, argument, f"of dtype {dtype}", EXPECTED)
    return array.astype(target)


def cast(function: str, argument: str, array: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray:
    """`array` in `dtype`: itself if it has it, else a copy, with fractions cut off where `dtype` has none.

    Raises
    ------
    ValueError
        If `dtype` is an integer dtype and a value, nan and infinities among them, is outside its range.

    Examples
    --------
    >>> cast("tensor", "data", np.array([2.7]), uint8)
    array([2], dtype=uint8)
    """
    if array.dtype == dtype:
        return array
    if dtype.kind in "iu" and array.dtype.kind in "iuf" and array.size:
        info = np.iinfo(dtype)
        if array.dtype.kind == "f":
            whole = np.trunc(array)
            fits = (whole >= float(info.min)) & (whole < float(info.max) + 1.0)  # max + 1 is exact, a power of two
        elif np.can_cast(array.dtype, dtype):
            return array.astype(dtype)
        else:
            fits = (array >= info.min) & (array <= info.max)

        def check_fits(array: np.ndarray, fits: np.ndarray) -> None:
            if not fits.all():
                given = array[~fits].reshape(-1)[0] if array.ndim else array[()]
                expected = f"values between {info.min} and {info.max} for dtype {dtype}"
                raise bad_value(function, argument, given, expected)

        check(check_fits, array, fits)
    return array.astype(dtype)


def promote(a: np.dtype[Any], b: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype of an operation on two tensors that both have dimensions (or both have none).

    >>> promote(int64, float32)
    dtype('float32')
    """
    return a if _RANK[a] >= _RANK[b] else b


def category(dtype: np.dtype[Any]) -> int:
    """0 for bool, 1 for integers, 2 for floating-point numbers."""
    return _CATEGORY[dtype.kind]
