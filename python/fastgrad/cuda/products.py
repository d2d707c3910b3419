"""Who makes the products of matrices on a GPU: fastgrad's kernels, or cuBLAS where that is faster."""

from __future__ import annotations

import os
from typing import Any

from fastgrad.cuda import library
from fastgrad.errors import bad_type

__all__ = ["get_product_kernels", "measured_products", "set_product_kernels"]

_VARIABLE = "FASTGRAD_PRODUCT_KERNELS"


def set_product_kernels(kernels: str) -> None:
    """Choose what makes products of float32 matrices on GPUs, in all threads.

    Parameters
    ----------
    kernels : {"auto", "fastgrad", "cublas"}
        ``"auto"``, the default: every kind of large product (sizes, layouts, precision) is made by both a few times
        when it is first met, and the faster one is kept; small ones are fastgrad's, and those that are first met
        while a CUDA graph is captured. The others are used for all sizes. cuBLAS cannot take every layout: what it
        cannot is fastgrad's.

    Raises
    ------
    TypeError, ValueError
        If it is none of these names.
    RuntimeError
        If it is ``"cublas"`` and that was not found, or CUDA cannot be used.

    Notes
    -----
    The environment variable ``FASTGRAD_PRODUCT_KERNELS`` says it for a whole process.

    A choice stays as long as the process lives, so the same step has the same bits; another process may choose
    otherwise, and sums then differ by rounding. Name one of both for the same bits everywhere.
    """
    if not isinstance(kernels, str):
        raise bad_type("set_product_kernels", "kernels", f"a {type(kernels).__name__}", "a str")
    native = _native()
    if kernels == "cublas" and not native._has_library():
        raise RuntimeError(
            "set_product_kernels(): argument 'kernels' is 'cublas', expected 'auto' or 'fastgrad': cupy has loaded no "
            "cuBLAS"
        )
    native._set_product_kernels(kernels)


def get_product_kernels() -> str:
    """What `set_product_kernels` has set: ``"auto"``, ``"fastgrad"`` or ``"cublas"``."""
    name: str = _native()._product_kernels()
    return name


def measured_products() -> list[dict[str, Any]]:
    """What ``"auto"`` has measured so far.

    Returns
    -------
    list of dict
        Per kind of product: ``precision``; the sizes ``batch, m, n, k`` of (batch, m, k) times (batch, k, n); the
        seconds that ``fastgrad`` and ``cublas`` took; those of ``finish``, another kernel that does what is left to
        do behind cuBLAS where an activation or an update follows; ``used``, the name of the faster one. cuBLAS is
        charged with ``finish`` even where nothing follows: so eager and recorded steps have the same bits.
    """
    found: list[dict[str, Any]] = _native()._measured_products()
    return found


def _native() -> Any:
    library.cupy()  # or why CUDA cannot be used
    return library.kernels()


def load(native: Any) -> None:
    """Look for cuBLAS, the one that cupy has loaded by whichever way it was installed; obey the environment.

    Raises
    ------
    RuntimeError
        If ``FASTGRAD_PRODUCT_KERNELS`` is no name of kernels, or ``"cublas"`` and that is not there.
    """
    try:  # as an attribute, which is what makes cupy look in site-packages
        from cupy_backends.cuda.libs import cublas  # noqa: F401
    except ImportError:  # no such module, or a library that is missing
        pass
    else:
        any(native._load_library(f"libcublas.so.{version}") for version in (13, 12, 14))
    if name := os.environ.get(_VARIABLE):
        names = ("auto", "fastgrad", "cublas") if native._has_library() else ("auto", "fastgrad")
        if name not in names:
            expected = f"{', '.join(map(repr, names[:-1]))} or {names[-1]!r}"
            missing = ": cupy has loaded no cuBLAS" if name == "cublas" else ""
            raise RuntimeError(f"CUDA cannot be used: {_VARIABLE} is {name!r}, expected {expected}{missing}")
        native._set_product_kernels(name)
