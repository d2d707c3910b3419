"""The state of numpy's global generator, kept and put back without taking it apart.

``numpy.random.get_state`` and ``set_state`` take 30 µs each, since they go through the state number by number. It lies
in memory that numpy tells the address of, so it can be copied instead, but for one thing: `randn` keeps a second number
for its next call elsewhere. Only where there is no such number the copy is all.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

__all__ = ["keep", "put_back"]

SIZE = 2500  # of the state in memory: 624 numbers of 32 bits, and a position among them


class _Kept(NamedTuple):
    state: dict[str, Any]
    memory: bytes | None  # None if that is not all


_last: tuple[Any, _Kept] | None = None


def _generator() -> Any:
    return np.random.get_bit_generator()  # type: ignore[attr-defined]  # numpy's stubs do not list it


def _read(generator: Any) -> bytes:
    from ctypes import string_at

    with generator.lock:
        return string_at(generator.ctypes.state_address, SIZE)


def _describes(memory: bytes, state: dict[str, Any]) -> bool:
    """Whether memory is laid out as expected, and all there is of a state."""
    if state["bit_generator"] != "MT19937" or state["has_gauss"]:
        return False
    return bool(memory == state["state"]["key"].tobytes() + np.int32(state["state"]["pos"]).tobytes())


def keep() -> _Kept:
    """The state, for `put_back`."""
    global _last
    generator = _generator()
    memory = _read(generator) if type(generator) is np.random.MT19937 else b""
    if _last is not None and _last[0] is generator and _last[1].memory == memory:
        return _last[1]  # nobody has drawn since it was put back, as there was no second number of a `randn` either
    state: Any = np.random.get_state(legacy=False)
    kept = _Kept(state, memory if _describes(memory, state) else None)
    _last = generator, kept
    return kept


def put_back(kept: _Kept) -> None:
    """Let numpy's global generator go on as if it had not been used since `keep`."""
    generator = _generator()
    if kept.memory is None or type(generator) is not np.random.MT19937:
        np.random.set_state(kept.state)
        return
    from ctypes import memmove

    np.random.seed(0)  # forgets the second number of a `randn`
    with generator.lock:
        memmove(generator.ctypes.state_address, kept.memory, SIZE)
