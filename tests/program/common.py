"""Eager, recorded and fused: the same bits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

import fastgrad as fg

__all__ = ["assert_same", "bits", "device", "flat", "on", "same_bits"]

_device = "cpu"


def device() -> str:
    """Where the tests' networks and arguments are."""
    return _device


@contextmanager
def on(name: str) -> Iterator[None]:
    """Let networks and arguments be on another device."""
    global _device
    before, _device = _device, name
    try:
        yield
    finally:
        _device = before


def flat(result: Any) -> Iterator[Any]:
    """The leaves of nested tuples, lists and dicts."""
    if isinstance(result, dict):
        result = list(result.values())
    if isinstance(result, (tuple, list)):
        for part in result:
            yield from flat(part)
    else:
        yield result


def bits(result: Any) -> list[Any]:
    """Shape, dtype and bytes of every array in a result; other values as they are.

    Sign and payload of NaN say nothing: processors take those of either operand.
    """
    found: list[Any] = []
    for x in flat(result):
        array = x.detach().cpu().numpy() if isinstance(x, fg.Tensor) else x
        if isinstance(array, np.ndarray):
            known = np.where(np.isnan(array), np.nan, array).astype(array.dtype) if array.dtype.kind == "f" else array
            found.append((array.shape, array.dtype, known.tobytes()))
        else:
            found.append(array)
    return found


def same_bits(make: Callable[[], tuple[Any, Callable[[], Any]]], calls: Sequence[tuple[Any, ...]]) -> Any:
    """Run a function eagerly, recorded and fused, and expect the same bits of results and state.

    Parameters
    ----------
    make : callable
        Gives ``function, state``: the function anew, and what to call for the arrays that it has changed so far.
    calls : sequence of tuple
        The arguments of each call.

    Returns
    -------
    CompiledFunction
        The fused one.
    """
    expected = None
    compiled = None
    calls = [tuple(x.to(_device) if isinstance(x, fg.Tensor) else x for x in args) for args in calls]
    for way in ("eager", "recorded", "fused"):
        fg.manual_seed(5)
        function, state = make()
        if way != "eager":
            function = compiled = fg.compile(function, fuse=way == "fused")
        got = [(bits(function(*args)), bits(state())) for args in calls]
        if expected is None:
            expected = got
        for number, (here, there) in enumerate(zip(got, expected, strict=True)):
            assert_same([*here[0], *here[1]], [*there[0], *there[1]], f"{way}, call {number}", way == "fused")
    return compiled


def assert_same(here: list[Any], there: list[Any], what: str, fused: bool = True) -> None:
    """The same bits, or close numbers from fused steps of a GPU, which add up over the batch in another order."""
    if _device == "cpu" or not fused:
        assert here == there, what
        return
    assert len(here) == len(there), what
    for a, b in zip(here, there, strict=True):
        if not isinstance(a, tuple) or a[1].kind != "f":
            assert a == b, what
            continue
        assert a[:2] == b[:2], what
        x, y = (np.frombuffer(each[2], each[1]) for each in (a, b))
        close = 1e-5 if a[1] == np.float32 else 1e-12
        np.testing.assert_allclose(x, y, rtol=close, atol=close, err_msg=what)
