"""What the kernel tests share: inputs in every layout, outputs of NaN, checks of what is written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from fastgrad import _cpu
from tests.accuracy import UNIT_ROUNDOFF
from tests.reference import Array

dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
THREADS = (1, 2, 3, 4, 8)


def normal(shape: Any, dtype: Any, seed: int = 0) -> Array:
    """Standard normal numbers, the same for the same arguments."""
    return np.asarray(np.random.default_rng(seed).standard_normal(shape)).astype(dtype)


def blank(shape: Any, dtype: Any) -> Array:
    """An output buffer full of NaN, so that a kernel that reads or forgets an element is found out."""
    return np.full(shape, np.nan, dtype)


def unaligned(a: Array) -> Array:
    """The same numbers at an address that is no multiple of the element size."""
    raw = np.empty(a.nbytes + 1, np.uint8)
    b = raw[1:].view(a.dtype).reshape(a.shape)
    b[...] = a
    return b


def layouts(a: Array) -> dict[str, Array]:
    """The same numbers in every layout an input may have; what lies between the elements is NaN."""
    a = np.ascontiguousarray(a)
    every = tuple(slice(None, None, -1) for _ in a.shape)
    filler = np.nan if a.dtype.kind == "f" else 99
    wide = np.full([2 * n for n in a.shape], filler, a.dtype)
    strided = wide[tuple(slice(None, None, 2) for _ in a.shape)]
    strided[...] = a
    padded = np.full([n + 3 for n in a.shape], filler, a.dtype)[tuple(slice(1, n + 1) for n in a.shape)]
    padded[...] = a
    frozen = a.copy()
    frozen.setflags(write=False)
    views = {
        "c": a,
        "fortran": np.asfortranarray(a),
        "transposed": a.T.copy().T,
        "reversed": a[every].copy()[every],
        "strided": strided,
        "padded": padded,
        "unaligned": unaligned(a),
        "read-only": frozen,
    }
    for name, view in views.items():
        assert view.shape == a.shape, name
        assert view.tobytes() == a.tobytes(), name
    return views


def broadcasts(shape: tuple[int, ...], dtype: Any, seed: int = 0) -> dict[str, Array]:
    """Arrays of stride 0: along the first axis, along the last, and along all."""
    return {
        "first": np.broadcast_to(normal(shape[1:], dtype, seed), shape),
        "last": np.broadcast_to(normal((*shape[:-1], 1), dtype, seed), shape),
        "all": np.broadcast_to(normal((), dtype, seed), shape),
    }


def base(a: Array) -> Array:
    """The array that owns the memory, so that a check sees the gaps of a strided view too."""
    while isinstance(a.base, np.ndarray):
        a = a.base
    return a


@contextmanager
def unchanged(*arrays: Array | None) -> Iterator[None]:
    """Inside, not a bit of these arrays' memory (gaps with it) may change."""
    owners = [base(a) for a in arrays if a is not None]
    before = [a.tobytes() for a in owners]
    yield
    for i, (a, bits) in enumerate(zip(owners, before, strict=True)):
        assert a.tobytes() == bits, f"argument {i} was written to"


def same_bits(a: Array, b: Array) -> bool:
    """Equal to the bit, the sign of zero included; of a NaN neither sign nor payload mean anything."""
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    nan = np.isnan(a)
    return bool((nan == np.isnan(b)).all()) and np.where(nan, 0, a).tobytes() == np.where(nan, 0, b).tobytes()


def assert_close(got: Array, truth: Any, scale: Any = 1.0, units: float = 8.0, what: str = "") -> None:
    """|got - truth| <= units * u * (|truth| + scale), u the unit roundoff; NaN and inf must agree."""
    assert got.shape == np.shape(truth), (what, got.shape, np.shape(truth))
    truth = np.asarray(truth, np.float64)
    with np.errstate(all="ignore"):
        error = np.abs(got.astype(np.float64) - truth)
        bound = units * UNIT_ROUNDOFF[got.dtype] * (np.abs(truth) + scale) + np.finfo(got.dtype).smallest_subnormal
        bad = ~((error <= bound) | (got == truth) | (np.isnan(got) & np.isnan(truth)))
    if bad.any():
        i = tuple(int(j) for j in np.argwhere(bad)[0])
        raise AssertionError(
            f"{what} {int(bad.sum())} of {bad.size} wrong; first at {i}: {got[i]!r}, true {truth[i]!r}"
        )


def rejects(
    error: type[Exception] | tuple[type[Exception], ...],
    kernel: str,
    argument: str,
    arguments: dict[str, Any],
) -> None:
    """The call raises an error that names kernel and argument, and writes nothing at all."""
    arrays: list[Array] = []
    for value in arguments.values():
        arrays += [v for v in (value if isinstance(value, list) else [value]) if isinstance(v, np.ndarray)]
    with unchanged(*(a for a in arrays if a.dtype != object)):
        named = f"({kernel}|{arguments.get('kind', kernel)})"  # a loss goes by its own name
        pattern = rf"(?s)\b{named}\b.*\b({argument})\b"
        with pytest.raises(error) as caught:
            getattr(_cpu, kernel)(*arguments.values())
    assert re.search(pattern, str(caught.value)), f"{kernel} and {argument} are not named in: {caught.value}"


def same_for_any_threads(run: Callable[[], tuple[Array, ...]], counts: Sequence[int] = THREADS) -> None:
    """run() gives the same bits with one thread, with each of the other counts, and again with one."""
    before = _cpu.get_num_threads()
    try:
        _cpu.set_num_threads(1)
        expected = run()
        for count in (*counts, 1):
            _cpu.set_num_threads(count)
            for i, (a, b) in enumerate(zip(run(), expected, strict=True)):
                assert same_bits(a, b), f"result {i} differs with {count} threads"
    finally:
        _cpu.set_num_threads(before)
