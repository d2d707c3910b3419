"""One call of a compiled function: its arguments taken apart, and the recording of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fastgrad.arrays import is_array, is_dense, is_on_device, is_writable, native_of
from fastgrad.autograd.graph import wrap
from fastgrad.autograd.mode import state
from fastgrad.autograd.node import Leaf, Node, Value
from fastgrad.devices import check_current
from fastgrad.program.build import Built, build
from fastgrad.program.ir import leaves, map_leaves, overlap
from fastgrad.program.recorder import Recorder
from fastgrad.program.recording import recording
from fastgrad.program.surface import Argument, Result
from fastgrad.traced import Traced

__all__ = ["Call", "plain_key", "record"]


def plain_key(arrays: Sequence[Any]) -> Any:
    """The key of a call whose arguments are different Tensors with these arrays."""
    return native_of(arrays[0]) if arrays else None, (tuple, tuple(range(len(arrays)))), (dict, ())


class Call:
    """The arguments of a call.

    Attributes
    ----------
    key : hashable
        What a program depends on but for shapes, dtypes and memory: the device, the structure of the arguments, which
        of them are the same object, and whatever is no array.
    arrays : tuple
        The Tensors and ndarrays among the arguments, each once.
    dense : tuple
        The same, those with gaps in memory copied.
    """

    def __init__(self, function: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.function = function
        self.args, self.kwargs = args, kwargs
        places: dict[int, int] = {}
        found: list[Any] = []

        def describe(x: Any) -> Any:
            kind = x.__class__
            if kind is tuple or kind is list or (isinstance(x, tuple) and hasattr(x, "_fields")):
                return kind, tuple([describe(y) for y in x])
            if kind is dict:
                return kind, tuple([(key, describe(y)) for key, y in x.items()])
            if isinstance(x, Value) or is_array(x):
                if id(x) not in places:
                    places[id(x)] = len(found)
                    found.append(x)
                return places[id(x)]
            if kind in (float, complex):
                return kind, repr(x)  # 0.0 is not -0.0, and nan is nan
            if isinstance(x, np.generic):
                return kind, x.tobytes()
            try:
                hash(x)
            except TypeError:
                return kind, _Same(x)
            return kind, x

        structure = describe(args), describe(kwargs)
        self.key = native_of(_array(found[0])) if found else None, *structure
        self.arrays = tuple(found)
        self.dense = tuple([_dense(x) for x in found])
        for i, x in enumerate(found):
            if isinstance(x, Value) and isinstance(x.node, Node):
                raise RuntimeError(
                    f"{function}(): argument {i} is the result of an operation that the tape has recorded, expected a "
                    "tensor without history: x.detach()"
                )
            if isinstance(x, Value) and x.node is not None and x.grad is not None:
                raise RuntimeError(
                    f"{function}(): argument {i} has a gradient already, expected None: a recorded call gives it one"
                )

    @property
    def is_plain(self) -> bool:
        """Whether the arguments are nothing but Tensors, all different."""
        return not self.kwargs and len(self.arrays) == len(self.args) and all(isinstance(x, Value) for x in self.args)

    def copy_back(self) -> None:
        """Give the arguments that were copied what has become of the copies."""
        for x, copy in zip(self.arrays, self.dense, strict=True):
            if x is copy:
                continue
            if isinstance(x, Value):
                x.grad = copy.grad if copy.grad is not None else x.grad
                if copy.version.count:
                    x.data[...] = copy.data
                    x.version.count += copy.version.count
            elif is_writable(x):
                x[...] = copy


class _Same:
    """An object as part of a key, equal to itself alone."""

    __slots__ = ("x",)

    def __init__(self, x: Any) -> None:
        self.x = x  # kept alive, so that no other object gets its identity

    def __hash__(self) -> int:
        return id(self.x)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.x is other.x


def _array(x: Any) -> np.ndarray:
    return x.data if isinstance(x, Value) else x


def _dense(x: Any) -> Any:
    array = _array(x)
    if is_dense(array):
        return x
    copy = array.copy("C")
    if not isinstance(x, Value):
        return copy
    t = wrap(copy)
    if x.node is not None:
        t.node = Leaf(t)
    return t


class _StandIns:
    """What the function gets for its arguments while it is recorded: the same values in memory of their own."""

    def __init__(self, call: Call, recorder: Recorder) -> None:
        self.call = call
        self.given: dict[int, Any] = {}
        self.arguments: list[Argument] = []
        self.tensors: dict[int, int] = {}  # which argument a stand-in stands for
        for i, x in enumerate(call.arrays):
            check_current(call.function, str(i), _array(call.dense[i]))
            copy = _array(call.dense[i]).copy("K")
            recorder.argument(copy)
            requires_grad = isinstance(x, Value) and x.node is not None
            self.arguments.append(Argument(copy, isinstance(x, Value), requires_grad))
            if not isinstance(x, Value):
                self.given[id(x)] = recorder.trace(copy)
                continue
            t = wrap(copy)
            if requires_grad:
                leaf = Leaf(t)
                leaf.hooks, leaf.post_hooks = x.node.hooks, x.node.post_hooks
                t.node = leaf
            self.given[id(x)] = t
            self.tensors[id(t)] = i
            recorder.originals[id(x)] = i
            recorder.made(t)
        self.args = map_leaves(lambda x: self.given.get(id(x), x), call.args)
        self.kwargs = map_leaves(lambda x: self.given.get(id(x), x), call.kwargs)

    def check(self, recorder: Recorder) -> None:
        """Raise if the function changes memory that an argument shares with something else."""
        others = [(array, recorder.is_written(array)) for _, array, _, _ in recorder.seen.values()]
        for i, (x, argument) in enumerate(zip(self.call.arrays, self.arguments, strict=True)):
            array, is_written = _array(x), recorder.is_written(argument.array)
            if any((is_written or written) and overlap(array, other) for other, written in others):
                raise RuntimeError(
                    f"{self.call.function}(): argument {i} shares memory with something else that the function uses, "
                    "and the function changes it, expected memory of its own: x.clone()"
                )
            others.append((array, is_written))

    def finish(self, recorder: Recorder) -> list[tuple[Any, int, Any]]:
        """Let the arguments have what has become of their stand-ins; what a replay has to do to their ``.grad``."""
        effects: list[tuple[Any, int, Any]] = []
        for i, (x, argument) in enumerate(zip(self.call.arrays, self.arguments, strict=True)):
            if recorder.is_written(argument.array):
                _array(x)[...] = argument.array
                if isinstance(x, Value):
                    x.version.count += 1
            if argument.requires_grad:
                grad = self.given[id(x)].grad
                if grad is not None:
                    x.grad = grad
                    effects.append((None, i, grad))
        return effects


def record(function: Callable[..., Any], call: Call, fused: bool, keep_grads: bool) -> tuple[Any, Built]:
    """Run the function, and make a program of what it does.

    Returns
    -------
    result : object
        The function's.
    built : Built
    """
    recorder = Recorder(call.function)
    grad_enabled, precision = state.enabled, state.precision
    inputs = _StandIns(call, recorder)
    with recording(recorder):
        result = function(*inputs.args, **inputs.kwargs)
    inputs.check(recorder)
    if recorder.example is not None:
        for i, argument in enumerate(inputs.arguments):
            if not is_on_device(argument.array):
                raise RuntimeError(
                    f"{call.function}(): argument {i} is on the CPU, expected the GPU, where the function computes"
                )
    grads = _settle_grads(recorder, keep_grads)
    held = [recorder.buffer(g.data) for _, _, g in grads if g is not None]
    results = [_result(recorder, inputs, held, x) for x in leaves(result)]
    values = iter([r.value for r in results])
    answer = map_leaves(lambda _: next(values), result)
    single = len(results) == 1 and results[0].value is answer
    flat = type(answer) is tuple and [id(x) for x in answer] == [id(r.value) for r in results]
    rebuild = None if flat or single else _rebuilder(answer)
    del result, held
    effects = grads + inputs.finish(recorder)
    built = build(recorder, inputs.arguments, results, effects, fused, single, grad_enabled, precision)
    if rebuild is not None:
        built.native.rebuild = rebuild
    return answer, built


def _rebuilder(answer: Any) -> Callable[[tuple[Any, ...]], Any]:
    """What puts the returned values back into tuples, lists and dicts."""
    skeleton = map_leaves(lambda _: None, answer)

    def rebuild(values: tuple[Any, ...]) -> Any:
        rest = iter(values)
        return map_leaves(lambda _: next(rest), skeleton)

    return rebuild


def _settle_grads(recorder: Recorder, keep_grads: bool) -> list[tuple[Any, int, Any]]:
    """What the ``.grad`` of each tensor is after a call.

    A gradient that an optimiser has used up is dropped, if the next call begins by clearing it: nobody adds to it then.
    """
    used = {id(p) for update in recorder.updates for p in update.tensors}
    effects: list[tuple[Any, int, Any]] = []
    for t in recorder.grads.values():
        grad = t.grad
        drops = not keep_grads and id(t) in used and id(t) not in recorder.grads_read
        if grad is not None and drops and recorder.is_fresh(grad.data):
            t.grad = grad = None
        effects.append((t, -1, grad))
    return effects


def _holds_made(recorder: Recorder, x: Any) -> bool:
    """Whether an object has tensors in it that a replay would not compute anew."""
    if isinstance(x, (tuple, list, set)):
        held = iter(x)
    else:
        held = iter((x if isinstance(x, dict) else getattr(x, "__dict__", {})).values())
    return any(isinstance(y, Traced) or (isinstance(y, Value) and recorder.is_made(y)) for y in held)


def _result(recorder: Recorder, inputs: _StandIns, held: list[Any], x: Any) -> Result:
    """How a returned value comes to be in a replay."""
    if isinstance(x, Value):
        argument = inputs.tensors.get(id(x), -1)
        if argument >= 0:
            return Result(inputs.call.arrays[argument], argument=argument)
        if not recorder.is_made(x):
            return Result(x)
        array = x.data
    elif isinstance(x, Traced):
        array = x.array
    else:
        if _holds_made(recorder, x):
            raise RuntimeError(
                f"{inputs.call.function}(): returns tensors in a {type(x).__name__}, expected them alone or in tuples, "
                "named tuples, lists and dicts"
            )
        return Result(x)
    fixed = [recorder.buffer(each) for _, each, _, _ in recorder.seen.values()]
    fixed += [recorder.buffer(each.array) for each in inputs.arguments]
    buffer = recorder.buffer(array)
    if not recorder.is_fresh(array) or buffer in held or buffer in fixed:
        copy = np.empty_like(array)  # a result is nobody else's memory
        recorder.copy(copy, array)
        array = copy
    return Result(wrap(array) if isinstance(x, Value) else array, array, isinstance(x, Value))
