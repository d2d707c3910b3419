"""Updates that run natively: all parameters of a group in one kernel call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fastgrad._tape import are_same, count_changes, with_gradients
from fastgrad.arrays import beside, is_on_device, is_writable
from fastgrad.autograd import enable_grad, mode
from fastgrad.autograd.graph import wrap
from fastgrad.errors import bad_type, bad_value
from fastgrad.optim.arguments import check_number
from fastgrad.optim.optimizer import Optimizer, Params
from fastgrad.tensor import Tensor

__all__ = ["FusedOptimizer"]

Arrays = list[np.ndarray]


def _is_dense(array: np.ndarray) -> bool:
    """Whether the elements lie in memory without gaps, in whatever order of the axes."""
    flags = array.flags
    if not (is_on_device(array) or flags.aligned):
        return False
    return flags.c_contiguous or flags.f_contiguous or array.strides == np.empty_like(array).strides


def _give_order(buffer: Tensor, param: np.ndarray) -> None:
    """Copy a buffer if its memory order or device is not that of its parameter (which may have got other memory)."""
    a, b = beside(param, buffer.data), param
    if a is not buffer.data:  # the parameter was moved to another device
        buffer.data = a
    # Of an axis of length 1 the stride says nothing.
    if a.shape == b.shape and any(
        n > 1 and s != t for n, s, t in zip(a.shape, a.strides, b.strides, strict=True)
    ):
        buffer.data = np.empty_like(param, dtype=a.dtype)
        buffer.data[...] = a


class Update:
    """The arguments of one kernel call, and what is to be done when it has succeeded."""

    __slots__ = ("buffers", "first", "grads", "group", "new", "packed", "params", "states", "tensors")

    def __init__(
        self,
        group: dict[str, Any],
        tensors: list[Tensor],
        states: list[dict[str, Any]],
        params: Arrays,
        grads: Arrays,
        buffers: list[Arrays],
        first: list[bool],
    ) -> None:
        self.group = group
        self.tensors = tensors
        self.states = states  # one per tensor, or empty where the rule has no state
        self.params = params
        self.grads = grads
        self.buffers = buffers  # one list per name of a buffer
        self.first = first  # True: the parameter's buffers have no content yet
        self.new: Sequence[tuple[dict[str, Any], str, Tensor]] = ()
        self.packed: Sequence[
            tuple[np.ndarray, np.ndarray]
        ] = ()  # parameter's memory, what is updated instead

    def is_sound(self) -> bool:
        """Whether what may have changed since the arrays were checked is still right."""
        for array, grad in zip(self.params, self.grads, strict=True):
            if not is_writable(array) or grad.shape != array.shape or grad.dtype != array.dtype:
                return False
        return all(is_writable(array) for column in self.buffers for array in column)


class FusedOptimizer(Optimizer):
    """An optimiser whose arithmetic is one kernel over lists of arrays.

    A step collects the arrays of a group and calls the kernel once. Only when the arrays differ from
    those of the step before it looks at them: state is made for new parameters, float32 and
    float64 are separated, and what is not dense in memory is updated through a packed copy.
    """

    def __init__(self, params: Params, defaults: dict[str, Any]) -> None:
        self._stepped = False
        # Per group the arrays that were last found fit to go to the kernel as they are.
        self._ready: dict[int, Arrays] = {}
        super().__init__(params, defaults)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._ready = {}

    def _names(self, group: dict[str, Any]) -> tuple[str, ...]:
        """The buffers that a group with these options needs."""
        raise NotImplementedError

    def _launch(self, update: Update) -> None:
        """Call the kernel."""
        raise NotImplementedError

    def _finish(self, update: Update) -> None:
        """Note in the states that the kernel has run."""

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient, in one native call per group.

        Parameters
        ----------
        closure : callable, optional
            Computes the loss and the gradients anew; it is called first.

        Returns
        -------
        Tensor or None
            What `closure` returned.

        Raises
        ------
        TypeError
            If `closure` cannot be called or a group's learning rate is not a number.
        ValueError
            If the memory of a parameter is read-only; no parameter is changed then.
        """
        loss = None
        if closure is not None:
            if not callable(closure):
                raise bad_type(f"{type(self).__name__}.step", "closure", type(closure).__name__, "a callable")
            with enable_grad():
                loss = closure()
        for i, group in enumerate(self.param_groups):
            if type(group["lr"]) is not float:  # options may be changed at any time
                argument = f"param_groups[{i}]['lr']"
                check_number(f"{type(self).__name__}.step", argument, group["lr"], finite=False)
        self._stepped = True
        recorder = mode.state.recorder
        updates: list[Update] = []
        try:
            if recorder is not None:  # what is made here stays, and is no part of a recorded step
                mode.state.recorder = None
            for i, group in enumerate(self.param_groups):
                self._collect(updates, i, group)
        finally:
            if recorder is not None:
                mode.state.recorder = recorder
        if len(updates) > 1:  # a single kernel call checks everything before it writes
            for update in updates:
                if not update.is_sound():
                    self._check(update)
        for update in updates:
            if recorder is not None:
                recorder.announce(self, update)
            self._launch(update)
            for array, copy in update.packed:
                array[...] = copy
            for state, name, buffer in update.new:
                state[name] = buffer
            self._finish(update)
            count_changes(update.tensors)
        return loss

    def _collect(self, updates: list[Update], i: int, group: dict[str, Any]) -> None:
        """Append what the group needs to be updated: one kernel call, or more if arrays differ in kind."""
        tensors, params, grads = with_gradients(group["params"])
        if not tensors:
            return
        names = self._names(group)
        states: list[dict[str, Any]] = []
        buffers: list[Arrays] = []
        arrays = params
        if names:
            states = [self.state[p] for p in tensors]
            try:
                buffers = [[s[name].data for s in states] for name in names]
            except (KeyError, AttributeError):  # none yet, or None in a state that torch saved
                arrays = []
            else:
                arrays = [array for column in (params, *buffers) for array in column]
        ready = self._ready.get(i)
        if ready is not None and are_same(arrays, ready):
            updates.append(Update(group, tensors, states, params, grads, buffers, [False] * len(states)))
            return
        split = self._prepare(group, names, tensors, states)
        for update in split:
            self._check(update)
        if len(split) == 1 and not split[0].packed:
            self._ready[i] = [array for column in (params, *split[0].buffers) for array in column]
        else:
            self._ready.pop(i, None)
        updates += split

    def _prepare(
        self,
        group: dict[str, Any],
        names: tuple[str, ...],
        tensors: list[Tensor],
        states: list[dict[str, Any]],
    ) -> list[Update]:
        """The group's kernel calls, one per dtype, with new buffers and packed copies as needed."""
        split: dict[Any, Update] = {}
        for k, p in enumerate(tensors):
            array = p.data
            update = split.get(array.dtype)
            if update is None:
                update = split[array.dtype] = Update(group, [], [], [], [], [[] for _ in names], [])
            update.tensors.append(p)
            dense = array
            if not _is_dense(array):
                dense = array.copy("K")
                update.packed = [*update.packed, (array, dense)]
            update.params.append(dense)
            update.grads.append(p.grad.data)  # type: ignore[union-attr]
            update.first.append(bool(names) and states[k].get(names[0]) is None)
            if names:
                update.states.append(states[k])
            for column, name in zip(update.buffers, names, strict=True):
                buffer = states[k].get(name)
                if buffer is None:
                    buffer = wrap(np.zeros_like(dense))
                    update.new = [*update.new, (states[k], name, buffer)]
                _give_order(buffer, dense)
                column.append(buffer.data)
        return list(split.values())

    def _check(self, update: Update) -> None:
        """Raise what the kernel would raise, before an earlier kernel call has changed anything."""
        function = f"{type(self).__name__}.step"
        for k, p in enumerate(update.tensors):
            array, state = p.data, [column[k] for column in update.buffers]
            if array.dtype.kind != "f":
                raise bad_type(function, "params", f"of dtype {array.dtype}", "float32 or float64")
            for memory in (array, *state):
                if not is_writable(memory):
                    given = f"in read-only memory (shape {array.shape})"
                    raise bad_value(function, "params", given, "writable memory, also of the state")
            if array.size > 0 and 0 in [s for s, n in zip(array.strides, array.shape, strict=True) if n > 1]:
                given = f"memory with strides {array.strides}"
                raise bad_value(function, "params", given, "a place of its own for each element")
            for other in (update.grads[k], *state):
                if other.shape != array.shape:
                    expected = f"the shape {other.shape} of its gradient or state"
                    raise bad_value(function, "params", f"of shape {array.shape}", expected)
                if other.dtype != array.dtype:
                    expected = f"the dtype {other.dtype} of its gradient or state"
                    raise bad_type(function, "params", f"of dtype {array.dtype}", expected)
