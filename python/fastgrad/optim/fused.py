"""Updates that run natively: all parameters of a group in one kernel call."""

from __future__ import annotations

from collections.abc import Callable
from operator import is_
from typing import Any

import numpy as np

from fastgrad.autograd import enable_grad
from fastgrad.errors import bad_type, bad_value
from fastgrad.optim.optimizer import Optimizer, Params
from fastgrad.tensor import Tensor

__all__ = ["FusedOptimizer"]

Arrays = list[np.ndarray]


def _is_dense(array: np.ndarray) -> bool:
    """Whether the elements lie in memory without gaps, in whatever order of the axes."""
    flags = array.flags
    return flags.aligned and (flags.forc or array.strides == np.empty_like(array).strides)


def _same_order(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two arrays of one shape have equal strides (of an axis of length 1 they say nothing)."""
    return all(n < 2 or s == t for n, s, t in zip(a.shape, a.strides, b.strides, strict=True))


class Update:
    """The arguments of one kernel call, and what is to be done when it has succeeded."""

    __slots__ = ("buffers", "first", "grads", "group", "new", "packed", "params", "states")

    def __init__(
        self,
        group: dict[str, Any],
        states: list[dict[str, Any]],
        params: Arrays,
        grads: Arrays,
        buffers: list[Arrays],
        first: list[bool],
    ) -> None:
        self.group = group
        self.states = states
        self.params = params
        self.grads = grads
        self.buffers = buffers  # one list per name of a buffer
        self.first = first  # True: the parameter's buffers have no content yet
        self.new: list[tuple[dict[str, Any], str, Tensor]] = []
        self.packed: list[tuple[np.ndarray, np.ndarray]] = []  # parameter's memory, what is updated instead


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
        ValueError
            If the memory of a parameter is read-only; no parameter is changed then.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        self._stepped = True
        updates: list[Update] = []
        changed: list[Tensor] = []
        for i, group in enumerate(self.param_groups):
            tensors = [p for p in group["params"] if p.grad is not None]
            if tensors:
                changed += tensors
                self._collect(updates, i, group, tensors)
        if len(updates) > 1:  # a single kernel call checks everything before it writes
            for update in updates:
                self._check(update)
        for update in updates:
            self._launch(update)
            for array, copy in update.packed:
                array[...] = copy
            for state, name, buffer in update.new:
                state[name] = buffer
            self._finish(update)
        for p in changed:
            p.version.count += 1
        return loss

    def _collect(self, updates: list[Update], i: int, group: dict[str, Any], tensors: list[Tensor]) -> None:
        """Append what the group needs to be updated: one kernel call, or more if arrays differ in kind."""
        params = [p.data for p in tensors]
        grads = [p.grad.data for p in tensors]  # type: ignore[union-attr]
        names = self._names(group)
        state = self.state
        states = [state[p] for p in tensors] if names else []
        try:
            buffers = [[s[name].data for s in states] for name in names]
        except (KeyError, AttributeError):  # none yet, or None in a state that torch saved
            pass
        else:
            ready = self._ready.get(i, ())
            arrays = params if not buffers else sum(buffers, params)
            if len(arrays) == len(ready) and all(map(is_, arrays, ready)):
                updates.append(Update(group, states, params, grads, buffers, [False] * len(params)))
                return
        split = self._prepare(group, names, states, params, grads)
        for update in split:
            self._check(update)
        if len(split) == 1 and not split[0].packed:
            self._ready[i] = sum(split[0].buffers, params)
        else:
            self._ready.pop(i, None)
        updates += split

    def _prepare(
        self,
        group: dict[str, Any],
        names: tuple[str, ...],
        states: list[dict[str, Any]],
        params: Arrays,
        grads: Arrays,
    ) -> list[Update]:
        """The group's kernel calls, one per dtype, with new buffers and packed copies as needed."""
        split: dict[Any, Update] = {}
        for k, (array, grad) in enumerate(zip(params, grads, strict=True)):
            update = split.get(array.dtype)
            if update is None:
                update = split[array.dtype] = Update(group, [], [], [], [[] for _ in names], [])
            dense = array
            if not _is_dense(array):
                dense = np.array(array, order="K")
                update.packed.append((array, dense))
            update.params.append(dense)
            update.grads.append(grad)
            if names:
                update.states.append(states[k])
                update.first.append(states[k].get(names[0]) is None)
            else:
                update.first.append(False)
            for column, name in zip(update.buffers, names, strict=True):
                column.append(self._buffer(update, states[k], name, dense))
        return list(split.values())

    def _buffer(self, update: Update, state: dict[str, Any], name: str, dense: np.ndarray) -> np.ndarray:
        """A parameter's buffer with the strides that the kernel will see in the parameter."""
        buffer = state.get(name)
        if buffer is None:
            buffer = Tensor(np.zeros_like(dense))
            update.new.append((state, name, buffer))
        elif buffer.data.shape == dense.shape and not _same_order(buffer.data, dense):
            # The parameter has got memory in another order since the buffer was made.
            fitting = np.empty_like(dense)
            fitting[...] = buffer.data
            buffer.data = fitting
        return buffer.data

    def _check(self, update: Update) -> None:
        """Raise what the kernel would raise, before an earlier kernel call has changed anything."""
        function = f"{type(self).__name__}.step"
        targets = list(update.params)
        for array, copy in update.packed:
            targets = [array if target is copy else target for target in targets]
        columns = [*update.buffers, update.grads]
        for k, array in enumerate(targets):
            if array.dtype.kind != "f":
                raise bad_type(function, "params", f"of dtype {array.dtype}", "float32 or float64")
            if not array.flags.writeable:
                raise bad_value(
                    function, "params", f"read-only memory of shape {array.shape}", "writable memory"
                )
            if array.size > 1 and any(
                s == 0 and n > 1 for s, n in zip(array.strides, array.shape, strict=True)
            ):
                raise bad_value(
                    function, "params", f"memory of strides {array.strides}", "one place per element"
                )
            for column in columns:
                other = column[k]
                if other.shape != array.shape:
                    raise bad_value(
                        function,
                        "params",
                        f"shape {array.shape}",
                        f"its gradient's and buffers' {other.shape}",
                    )
                if other.dtype != array.dtype:
                    raise bad_type(
                        function, "params", f"{array.dtype}", f"its gradient's and buffers' {other.dtype}"
                    )
            for column in update.buffers:
                if not column[k].flags.writeable:
                    raise bad_value(function, "state", "read-only memory", "writable memory")
