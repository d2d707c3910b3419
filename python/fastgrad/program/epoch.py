"""A whole epoch of a compiled function: batches gathered and replayed in one native call."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fastgrad import dtypes
from fastgrad.arrays import beside, is_dense, is_memory, is_on_device, to_host
from fastgrad.autograd.graph import wrap
from fastgrad.autograd.mode import state
from fastgrad.autograd.node import Value
from fastgrad.errors import bad_index, bad_type, bad_value
from fastgrad.program.ir import leaves, map_leaves

if TYPE_CHECKING:
    from fastgrad.compile import CompiledFunction

__all__ = ["run_epoch"]


def run_epoch(step: CompiledFunction, arrays: Any, order: Any, batch_size: int, drop_last: bool) -> Any:
    """See `CompiledFunction.run_epoch`."""
    if state.recorder is not None:
        state.recorder.refuse("run_epoch() is called")
    columns = _columns(arrays)
    rows = _order(order, len(columns[0]))
    placed = beside(columns[0], rows)  # on a GPU, where the columns are there
    batch_size = _batch_size(batch_size)
    full = len(rows) // batch_size
    steps = full if drop_last else -(-len(rows) // batch_size)
    if steps == 0:
        raise bad_value("run_epoch", "order", f"of {len(rows)} rows", f"at least {batch_size if drop_last else 1}")
    results = _Results(steps, batch_size)
    done = 0
    while done < steps:
        # This step may record: it is the first, or something has changed that the program depends on.
        batch = placed[done * batch_size : (done + 1) * batch_size]
        results.put(done, step(*[wrap(column[batch]) for column in columns]))
        done += 1
        if done < full:
            program = step._last_program(columns)
            memory = None if program is None else results.memory(program.fresh)
            if program is not None and memory is not None:
                done += program.native.epoch(columns, placed, batch_size, done, full, memory)
    return results.answer()


def _columns(arrays: Any) -> list[np.ndarray]:
    given = arrays if isinstance(arrays, (tuple, list)) else (arrays,)
    if not given:
        raise bad_value("run_epoch", "arrays", "empty", "at least one Tensor")
    columns: list[np.ndarray] = []
    for x in given:
        if not isinstance(x, Value) and not is_memory(x):
            raise bad_type("run_epoch", "arrays", f"a {type(x).__name__}", "Tensors")
        if isinstance(x, Value) and x.node is not None:
            raise bad_value("run_epoch", "arrays", "a Tensor that requires gradients", "data: x.detach()")
        array = x.data if isinstance(x, Value) else x
        if dtypes.convert("run_epoch", "arrays", array) is not array:
            expected = "float32, float64, int64, int32, uint8 or bool"
            raise bad_type("run_epoch", "arrays", f"an array of dtype {array.dtype}", expected)
        if array.ndim == 0 or len(array) != len(columns[0] if columns else array):
            expected = "one row per example in every array"
            raise bad_value("run_epoch", "arrays", f"an array of shape {array.shape}", expected)
        if columns and (is_on_device(array) != is_on_device(columns[0])):
            raise bad_value("run_epoch", "arrays", "on the CPU and on a GPU", "all in one place")
        columns.append(array if array.flags.c_contiguous and is_dense(array) else array.copy("C"))
    return columns


def _order(order: Any, count: int) -> np.ndarray:
    if order is None:
        return np.arange(count)
    rows = np.asarray(to_host(order.data if isinstance(order, Value) else order))
    if rows.ndim != 1 or (rows.size and rows.dtype.kind not in "iu"):
        raise bad_type("run_epoch", "order", f"{rows.dtype} of shape {rows.shape}", "integers in one dimension")
    outside = (rows < 0) | (rows >= count)
    if outside.any():
        raise bad_index("run_epoch", "order", f"row {rows[outside][0]}", f"rows of arrays of length {count}")
    return rows.astype(np.int64)  # a copy: nobody changes it any more


def _batch_size(size: Any) -> int:
    if isinstance(size, bool) or not hasattr(size, "__index__"):
        raise bad_type("run_epoch", "batch_size", f"a {type(size).__name__}", "an int")
    number = operator.index(size)
    if number < 1:
        raise bad_value("run_epoch", "batch_size", str(number), "at least 1")
    return number


class _Results:
    """What each step returns, one under the other."""

    def __init__(self, steps: int, batch_size: int) -> None:
        self.steps = steps
        self.batch_size = batch_size
        self.structure: Any = None
        self.stacks: list[np.ndarray | None] = []  # per leaf of the structure; None for what is no array

    def put(self, step: int, result: Any) -> None:
        """The result of one step."""
        found = [x.data if isinstance(x, Value) else x for x in leaves(result)]
        if step == 0:
            self.structure = result
            self.stacks = [_lines(self.steps, x) if is_memory(x) else None for x in found]
        given, expected = _kinds(found), [None if s is None else (s.shape[1:], s.dtype) for s in self.stacks]
        if given != expected:
            raise bad_value(
                "run_epoch", "batch_size", f"{self.batch_size}, and step {step} returns {_text(given)}",
                f"{_text(expected)} as from the steps before, or drop_last",
            )  # fmt: skip
        for stack, x in zip(self.stacks, found, strict=True):
            if stack is not None:
                stack[step] = x

    def memory(self, fresh: Sequence[int]) -> list[np.ndarray] | None:
        """The stacks in the order in which a program numbers its results; None if not all are its own and whole."""
        numbered = {n: stack for n, stack in zip(fresh, self.stacks, strict=True) if stack is not None}
        return None if -1 in numbered else [numbered[number] for number in sorted(numbered)]

    def answer(self) -> Any:
        """All results in the structure of one."""
        stacks = iter(self.stacks)

        def stacked(x: Any) -> Any:
            stack = next(stacks)
            return x if stack is None else wrap(stack) if isinstance(x, Value) else stack

        return map_leaves(stacked, self.structure)


def _lines(count: int, x: Any) -> Any:
    """Room for so many arrays like x."""
    return np.empty((count, *x.shape), x.dtype, like=x if is_on_device(x) else None)


def _kinds(found: Sequence[Any]) -> list[Any]:
    return [(x.shape, x.dtype) if is_memory(x) else None for x in found]


def _text(kinds: Sequence[Any]) -> str:
    arrays = [f"{dtype} of shape {shape}" for shape, dtype in (kind for kind in kinds if kind is not None)]
    return ", ".join(arrays) or "no array"
