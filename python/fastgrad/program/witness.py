"""What a recording notes of the tape: tensors, their gradients, modules; and how it refuses what cannot be recorded."""

from __future__ import annotations

import linecache
import os
import sys
from typing import Any, NoReturn

import numpy as np

from fastgrad.autograd.node import Value
from fastgrad.program.surroundings import describe, hooks_of

__all__ = ["Witness"]

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


class Witness:
    """What a function has seen while it was recorded.

    Attributes
    ----------
    function : str
        The function's name, for errors.
    seen : dict
        Tensors that existed before and were read: (tensor, its array, its node, the version's count).
    grads, grads_read : dict
        Tensors whose ``.grad`` was set, and those whose ``.grad`` was read before that, with what it was.
    modules : dict
        Modules that were called, with what they were like.
    hooks : dict
        Where gradients of tensors from outside end, and optimisers, with the hooks there.
    originals : dict
        Which argument a tensor is (by identity) that a stand-in is recorded for.
    """

    def __init__(self, function: str) -> None:
        self.function = function
        self.seen: dict[int, tuple[Value, np.ndarray, Any, int]] = {}
        self.grads: dict[int, Value] = {}
        self.grads_read: dict[int, tuple[Value, Any]] = {}
        self.modules: dict[int, tuple[Any, dict[str, Any]]] = {}
        self.hooks: dict[int, tuple[Any, Any]] = {}
        self.originals: dict[int, int] = {}
        self._made: dict[int, Value] = {}  # tensors made while recording; alive, so that no identity comes twice

    def made(self, t: Value) -> None:
        """A tensor has come into being."""
        self._made[id(t)] = t

    def is_made(self, t: Value) -> bool:
        """Whether the tensor has come into being while recording."""
        return id(t) in self._made

    def read_grad(self, t: Value, grad: Any) -> None:
        """A tensor's ``.grad`` is read."""
        self._refuse_original(t)
        if id(t) not in self._made and id(t) not in self.grads and id(t) not in self.grads_read:
            self.grads_read[id(t)] = (t, grad)

    def set_grad(self, t: Value) -> None:
        """A tensor's ``.grad`` is set."""
        self._refuse_original(t)
        if id(t) not in self._made:
            self.grads[id(t)] = t

    def _refuse_original(self, t: Value) -> None:
        i = self.originals.get(id(t))
        if i is not None:
            self.refuse(f"the gradient of argument {i} is used otherwise than through the argument")

    def called(self, module: Any) -> None:
        """A module is called."""
        if id(module) not in self.modules:
            for each in module.modules():
                self.modules[id(each)] = each, describe(each)

    def optimizes(self, optimizer: Any) -> None:
        """An optimiser is used."""
        if id(optimizer) not in self.hooks:
            self.hooks[id(optimizer)] = optimizer, hooks_of(optimizer)

    def refuse(self, what: str) -> NoReturn:
        """Raise: this cannot be part of a recording. The error names the line of the user's that did it."""
        frame = sys._getframe(1)
        while frame.f_back is not None and _is_ours(frame.f_code.co_filename):
            frame = frame.f_back
        where, line = frame.f_code.co_filename, frame.f_lineno
        text = linecache.getline(where, line).strip()
        raise RuntimeError(
            f"{self.function}() is being recorded, and {what}, at {where}:{line}"
            + (f": `{text}`" if text else "")
            + "; a recorded step does the same whatever the values are, expected one that returns what is to be "
            "read, or chooses with fg.where"
        )


def _is_ours(filename: str) -> bool:
    begins = (_PACKAGE, "<__array_function__", "<frozen")
    return filename.startswith(begins) or f"{os.sep}numpy{os.sep}" in filename
