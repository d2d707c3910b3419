"""A whole epoch of a compiled function: batches gathered and replayed in one native call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

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
    if isinstance(batch_size, bool) or not hasattr(batch_size, "__index__"):
        raise bad_type("run_epoch", "batch_size", f"a {type(batch_size).__name__}", "an int")
    if batch_size < 1:
        raise bad_value("run_epoch", "batch_size", str(batch_size), "at least 1")
    full = len(rows) // batch_size
    steps = full if drop_last else -(-len(rows) // batch_size)
    if steps == 0:
        raise bad_value("run_epoch", "order", f"of {len(rows)} rows", f"at least {batch_size if drop_last else 1}")
    results = _Results(steps)
    done = 0
    while done < steps:
        # This step may record: it is the first, or something has changed that the program depends on.
        batch = rows[done * batch_size : (done + 1) * batch_size]
        results.put(done, step(*[wrap(column[batch]) for column in columns]))
        done += 1
        if done < full:
            program = step._last_program(len(columns))
            if program is not None:
                done += program.native.epoch(columns, rows, batch_size, done, full, results.memory(program.fresh))
    return results.answer()


def _columns(arrays: Any) -> list[np.ndarray]:
    given = arrays if isinstance(arrays, (tuple, list)) else (arrays,)
    if not given:
        raise bad_value("run_epoch", "arrays", "empty", "at least one Tensor")
    columns: list[np.ndarray] = []
    for x in given:
        if not isinstance(x, (Value, np.ndarray)):
            raise bad_type("run_epoch", "arrays", f"a {type(x).__name__}", "Tensors")
        array = x.data if isinstance(x, Value) else x
        if array.ndim == 0 or len(array) != len(columns[0] if columns else array):
            expected = "one row per example in every array"
            raise bad_value("run_epoch", "arrays", f"an array of shape {array.shape}", expected)
        columns.append(array if array.flags.c_contiguous and array.flags.aligned else array.copy("C"))
    return columns


def _order(order: Any, count: int) -> np.ndarray:
    if order is None:
        return np.arange(count)
    rows = order.data if isinstance(order, Value) else np.asarray(order)
    if rows.ndim != 1 or rows.dtype.kind not in "iu":
        raise bad_type("run_epoch", "order", f"{rows.dtype} of shape {rows.shape}", "integers in one dimension")
    rows = np.ascontiguousarray(rows, np.int64)
    if rows.size and not (rows.min() >= 0 and rows.max() < count):
        wrong = rows[(rows < 0) | (rows >= count)][0]
        raise bad_index("run_epoch", "order", str(wrong), f"rows between 0 and {count - 1}")
    return rows


def _array(x: Any) -> np.ndarray | None:
    return x.data if isinstance(x, Value) else x if isinstance(x, np.ndarray) else None


class _Results:
    """What each step returns, one under the other."""

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.structure: Any = None
        self.stacks: list[np.ndarray | None] = []  # per leaf of the structure; None for what is no array

    def put(self, step: int, result: Any) -> None:
        """The result of one step."""
        found = list(leaves(result))
        if not self.stacks:
            self.structure = result
            for array in map(_array, found):
                self.stacks.append(None if array is None else np.empty((self.steps, *array.shape), array.dtype))
        for stack, array in zip(self.stacks, map(_array, found), strict=True):
            if stack is not None and array is not None:
                if array.shape != stack.shape[1:]:
                    given = f"a result of shape {array.shape} in step {step}"
                    raise bad_value("run_epoch", "batch_size", given, f"shape {stack.shape[1:]}, or drop_last")
                stack[step] = array

    def memory(self, fresh: Sequence[int]) -> list[np.ndarray]:
        """The stacks in the order in which a program numbers its results."""
        numbered: dict[int, np.ndarray] = {}
        for number, stack in zip(fresh, self.stacks, strict=True):
            if stack is not None:
                if number < 0:
                    raise bad_value(
                        "run_epoch", "step", "one that returns part of a tensor, or a tensor from outside",
                        "one whose results are computed anew in every step",
                    )  # fmt: skip
                numbered[number] = stack
        return [numbered[number] for number in sorted(numbered)]

    def answer(self) -> Any:
        """All results in the structure of one."""
        stacks = iter(self.stacks)

        def stacked(x: Any) -> Any:
            stack = next(stacks)
            return x if stack is None else wrap(stack) if isinstance(x, Value) else stack

        return map_leaves(stacked, self.structure)
