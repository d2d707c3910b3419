"""The functions make_<kernel>, which give a kernel outputs that they make themselves, as a recording sees them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastgrad.program.recorder import Recorder

__all__ = ["MAKERS"]


def make_linear_forward(
    recorder: Recorder, x: Any, w: Any, b: Any, activation: Any, recording: bool, precision: Any = None
) -> tuple[Any, Any]:
    """The result, and what backward is to get: the result, or what the activation was applied to, or nothing."""
    y = recorder.empty(x, (x.shape[0], w.shape[0]))
    reads = "nothing" if activation is None or not recording else activation.reads
    z = recorder.empty(y) if reads == "input" else None
    recorder.kernel("linear_forward", (y, z, x, w, b, activation, precision))
    return y, y if reads == "output" else z


def make_linear_backward(
    recorder: Recorder,
    needs: tuple[bool, ...],
    dy: Any,
    saved: Any,
    x: Any,
    w: Any,
    b: Any,
    activation: Any,
    precision: Any = None,
) -> tuple[Any, ...]:
    """The gradients that `needs` says are wanted."""
    dx = recorder.empty(dy, (dy.shape[0], w.shape[1])) if needs[0] else None
    dw = recorder.empty(w) if needs[1] else None
    db = recorder.empty(b) if b is not None and needs[2] else None
    recorder.kernel("linear_backward", (dx, dw, db, dy, saved, x, w, activation, precision))
    return (dx, dw) if b is None else (dx, dw, db)


def make_cross_entropy(recorder: Recorder, *args: Any) -> Any:
    """Not made here: the function has a longer way too, whose kernel is recorded."""
    raise TypeError


MAKERS: dict[str, Callable[..., Any]] = {
    "make_linear_forward": make_linear_forward,
    "make_linear_backward": make_linear_backward,
    "make_cross_entropy": make_cross_entropy,
}
