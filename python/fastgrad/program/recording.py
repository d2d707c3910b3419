"""Where a recording reaches into the rest of the library, and for how long.

While any thread records, tensors hand out stand-ins for their arrays to that thread, kernels are written down, and
modules and optimisers say when they are used. Outside recordings nothing of this exists, and costs nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from fastgrad import _tape, backend
from fastgrad.autograd.mode import state
from fastgrad.autograd.node import Value
from fastgrad.nn.module import Module
from fastgrad.optim.optimizer import Optimizer
from fastgrad.program.kernels import KERNELS
from fastgrad.program.makers import MAKERS
from fastgrad.program.recorder import Recorder
from fastgrad.tensor import Tensor
from fastgrad.traced import Traced

__all__ = ["array_of", "recording"]

_data, _grad = Value.__dict__["data"], Value.__dict__["grad"]  # the slots
_plain_call = Module.__call__
_lock = threading.Lock()
_active = 0


class _Kernels:
    """The kernels, written down where the calling thread records."""

    def __getattr__(self, name: str) -> Any:
        native = getattr(backend.native, name)
        maker = MAKERS.get(name)
        if name not in KERNELS and maker is None:
            return native

        def kernel(*args: Any) -> Any:
            recorder = state.recorder
            if recorder is None:
                return native(*args)
            return maker(recorder, *args) if maker is not None else recorder.kernel(name, args)

        self.__dict__[name] = kernel
        return kernel


def _get_data(t: Value) -> Any:
    array = _data.__get__(t)
    recorder = state.recorder
    if recorder is None:
        return array
    recorder.see(t, array)
    return recorder.trace(array)


def _set_data(t: Value, array: Any) -> None:
    recorder = state.recorder
    if recorder is None:
        _data.__set__(t, array)
        return
    try:
        _data.__get__(t)
    except AttributeError:
        recorder.made(t)
    else:
        if not recorder.is_made(t):
            recorder.refuse("the data of a tensor is replaced (change it in place: x.data[...] = y)")
    if isinstance(array, Traced):
        array = array.array
    else:
        recorder.trace(array)  # keeps it
    _data.__set__(t, array)


def _get_grad(t: Value) -> Any:
    grad = _grad.__get__(t)
    if state.recorder is not None:
        state.recorder.read_grad(t, grad)
    return grad


def _set_grad(t: Value, grad: Any) -> None:
    if state.recorder is not None:
        state.recorder.set_grad(t)
    _grad.__set__(t, grad)


def _call(module: Module, *args: Any, **kwargs: Any) -> Any:
    if state.recorder is not None:
        state.recorder.called(module)
    return _plain_call(module, *args, **kwargs)


def _get_groups(optimizer: Optimizer) -> Any:
    if state.recorder is not None:
        state.recorder.optimizes(optimizer)
    return vars(optimizer)["param_groups"]


def _set_groups(optimizer: Optimizer, groups: Any) -> None:
    vars(optimizer)["param_groups"] = groups


tensor: Any = Tensor  # the classes, to be changed
optimizer: Any = Optimizer


def _install() -> None:
    tensor.data, tensor.grad = property(_get_data, _set_data), property(_get_grad, _set_grad)
    optimizer.param_groups = property(_get_groups, _set_groups)
    Module.__call__ = _call  # type: ignore[method-assign,assignment]
    backend.kernels = _Kernels()  # type: ignore[assignment]


def _uninstall() -> None:
    del tensor.data, tensor.grad, optimizer.param_groups
    Module.__call__ = _plain_call  # type: ignore[method-assign]
    backend.kernels = backend.native


def _count(change: int) -> None:
    backend.native._recordings(change)
    _tape.set_recordings(_active)


@contextmanager
def recording(recorder: Recorder) -> Iterator[Recorder]:
    """Let `recorder` write down what this thread does."""
    global _active
    with _lock:
        if _active == 0:
            _install()
        _active += 1
        _count(1)
    state.recorder = recorder
    try:
        yield recorder
    finally:
        state.recorder = None
        with _lock:
            _active -= 1
            _count(-1)
            if _active == 0:
                _uninstall()


def array_of(t: Value) -> np.ndarray:
    """A tensor's array itself, recording or not."""
    return _data.__get__(t)  # type: ignore[no-any-return]
