"""The recorder: writes down what a function does to arrays while it runs once."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastgrad import backend
from fastgrad.arrays import address, full, invoke, is_memory, is_on_device
from fastgrad.autograd.node import Leaf, Value
from fastgrad.program.draws import Draw, Drawing
from fastgrad.program.ir import Command, Ref, leaves, map_leaves, overlap
from fastgrad.program.kernels import KERNELS
from fastgrad.program.memories import Memories
from fastgrad.program.surroundings import hooks_of

__all__ = ["Recorder", "Update"]

# Functions of numpy that look at shapes and dtypes only.
_METADATA = frozenset({
    np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.common_type, np.min_scalar_type,
    np.shares_memory, np.may_share_memory, np.iscomplexobj, np.isrealobj,
})  # fmt: skip
# Those whose result has a shape that depends on values.
_SHAPES_FROM_VALUES = frozenset({
    np.nonzero, np.argwhere, np.flatnonzero, np.unique, np.extract, np.compress, np.trim_zeros, np.bincount,
    np.union1d, np.intersect1d, np.setdiff1d, np.ndarray.nonzero, np.ndarray.compress,
})  # fmt: skip
_UNDEFINED: frozenset[Any] = frozenset({np.empty_like, np.empty})
_CHANGING = frozenset({np.copyto, np.put, np.put_along_axis, np.place, np.putmask, np.fill_diagonal})


@dataclass(eq=False)
class Update:
    """A step of an optimiser on one group of parameters."""

    optimizer: Any
    group: dict[str, Any]
    tensors: tuple[Any, ...]


class Recorder(Memories):
    """What a function does to arrays, in order.

    Attributes
    ----------
    commands : list of Command
        What it has done so far.
    draws : list of Draw
        Random numbers taken.
    updates : list of Update
        Steps of optimisers.
    """

    def __init__(self, function: str) -> None:
        super().__init__(function)
        self.commands: list[Command] = []
        self.draws: list[Draw] = []
        self.updates: list[Update] = []
        self._update: Any = None

    # Computations

    def compute(
        self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], changes: int = 0, like: Any = None
    ) -> Any:
        """Run a numpy function and write it down; the first `changes` arguments are changed by it.

        What has no array among its arguments makes one where `like` is.
        """
        plain, options = self._plain(args), self._plain(kwargs)
        if function in _METADATA:
            return function(*plain, **options)
        if is_on_device(like) and not any(map(is_memory, leaves((plain, options)))):
            function = _made_like(function, self.example)
        name = getattr(function, "__name__", "numpy")
        if function in _SHAPES_FROM_VALUES or (function is operator.getitem and _is_masked(plain[1])):
            self.refuse(f"the shape of what {name}() gives depends on values")
        if function in _CHANGING:
            changes = 1
        changed = [a for a in leaves(plain[:changes]) if is_memory(a)]
        changed += [a for a in leaves(options.get("out")) if is_memory(a)]
        if function is operator.setitem:
            if _is_masked(plain[1]) and np.ndim(plain[2]):
                self.refuse("how many elements are assigned depends on values")
            if self._assign(*plain):
                return None
        for array in leaves((plain, options)):
            if is_memory(array):
                self.buffer(array)  # a result in the same memory is a view
        for array in changed:
            self._will_write(array)
        arrays = [a for a in leaves((plain, options)) if is_memory(a)]
        folds = arrays and not changed and all(self.is_constant(a) for a in arrays)
        result = invoke(function, plain, options)
        if getattr(function, "makes", function) in _UNDEFINED:
            self._defined.add(self.buffer(result))
            return self.trace(result)
        fresh: list[np.ndarray] = []
        results = map_leaves(lambda x: self._result(name, x, changed, fresh), result)
        if (fresh or changed) and not folds and not self._as_kernel(function, plain, options, fresh):
            given = self._refs(plain), self._refs(options)
            reads = [x for x in leaves(given) if isinstance(x, Ref)]
            written = [self.ref(a) for a in (*changed, *fresh)]
            made = [self.ref(a) for a in fresh]
            self._define(made)
            self.commands.append(Command(name, function, *given, written, reads, results=made))
        return results

    def _result(self, name: str, x: Any, changed: list[np.ndarray], fresh: list[np.ndarray]) -> Any:
        if isinstance(x, np.generic):
            x = np.asarray(x)
        if not is_memory(x):
            if x is None:
                return None
            self.refuse(f"{name}() reads values")
        if x.dtype.hasobject:
            self.refuse(f"{name}() makes Python objects")
        if not any(x is c for c in changed) and not self.is_known(x):
            fresh.append(x)
        return self.trace(x)

    def check(self, function: Callable[..., None], arrays: tuple[Any, ...]) -> None:
        """Run what checks or observes values, and write it down."""
        plain = self._plain(arrays)
        function(*plain)
        given = self._refs(plain)
        reads = [x for x in given if isinstance(x, Ref)]
        self.commands.append(Command(function.__name__, function, given, {}, [], reads))

    def gradients(self, results: Any) -> tuple[Any, ...]:
        """What a backward rule has returned."""
        return tuple([self._gradient(d) for d in results])

    def _gradient(self, d: Any) -> Any:
        if isinstance(d, np.generic) or (is_memory(d) and not self.is_known(d)):
            self.refuse("a rule computes a gradient from arrays that are not recorded")
        return self.trace(d)

    def _assign(self, target: np.ndarray, index: Any, value: Any) -> bool:
        """x[index] = value as a copy, where the index gives a view and nothing is converted."""
        view: Any = target[index] if _is_basic(index) else None
        if not is_memory(view):
            if not _is_basic(index):
                return False
            view = target[(*index, ...) if isinstance(index, tuple) else (index, ...)]
        if not is_memory(value):
            value = np.asarray(value).astype(view.dtype)
            if is_on_device(view) and not value.ndim:
                value = full((), value[()], view.dtype, like=view)
        if value.dtype != view.dtype or is_on_device(value) != is_on_device(view):
            return False
        self.copy(view, np.broadcast_to(value, view.shape) if value.shape != view.shape else value)
        return True

    def _as_kernel(self, function: Any, args: Any, options: Any, fresh: list[np.ndarray]) -> bool:
        """Write down what is a plain copy as one."""
        if function is np.ndarray.copy or (function in (np.array, np.ascontiguousarray) and len(fresh) == 1):
            source, (target,) = args[0], fresh
            same_place = is_on_device(source) == is_on_device(target)
            if same_place and source.shape == target.shape and source.dtype == target.dtype:
                self.note("copy", (target, source))
                return True
        return False

    def copy(self, to: np.ndarray, source: np.ndarray) -> None:
        """to[...] = source."""
        if address(to) == address(source) and self.ref(to).layout == self.ref(source).layout:
            return  # the end of x[i] += y: the sum is there already
        self._will_write(to)
        if overlap(to, source):
            apart = source.copy("K")
            self.note("copy", (apart, source))
            source = apart
        to[...] = source
        self.note("copy", (to, source))

    # Kernels

    def kernel(self, name: str, args: tuple[Any, ...]) -> Any:
        """Run a kernel and write it down."""
        plain = self._plain(args)
        for i in KERNELS[name].changes:
            for array in leaves(plain[i]):
                if is_memory(array):
                    self._will_write(array)
        result = getattr(backend.native, name)(*plain)
        self.note(name, plain)
        return result

    def note(self, name: str, args: tuple[Any, ...]) -> None:
        """Write a kernel down that has run."""
        kernel = KERNELS[name]
        given = self._refs(args)
        if self.example is not None and any(isinstance(x, Ref) and not x.buffer.on_device for x in leaves(given)):
            self.refuse(f"{name}() computes on the CPU, beside what is on a GPU")
        written: list[Ref] = []
        changed: list[Ref] = []
        read: list[Ref] = []
        for i, arg in enumerate(given):
            refs = [x for x in leaves(arg) if isinstance(x, Ref)]
            (written if i in kernel.writes else changed if i in kernel.changes else read).extend(refs)
        update, self._update = self._update, None
        self._define(written)
        self.commands.append(Command(name, None, given, {}, written + changed, changed + read, update))

    def announce(self, optimizer: Any, update: Any) -> None:
        """The next kernel is this update of an optimiser's, whose options are read anew in every run."""
        if update.packed:
            self.refuse("a parameter has gaps in memory")
        for p in update.tensors:
            self.see(p, p.data.array)
            self.read_grad(p, p.grad)
        self._update = Update(optimizer, update.group, tuple(update.tensors))
        self.updates.append(self._update)

    def generator(self, generator: Any) -> Any:
        """numpy's generator behind one of fastgrad's, whose numbers are drawn anew in every run."""
        return Drawing(self, generator)

    def draw(self, generator: Any, count: int, seed: int, offset: int) -> tuple[int, int]:
        """Counters of random numbers, to be drawn anew in every run."""
        draw = Draw(generator, count)
        self.draws.append(draw)
        return draw.ints(seed, offset)

    # Tensors

    def see(self, t: Value, array: np.ndarray) -> None:
        """A tensor's array is read."""
        if id(t) not in self._made and id(t) not in self.seen:
            self.seen[id(t)] = (t, array, t.node, t.version.count)
            if isinstance(t.node, Leaf):
                self.hooks[id(t)] = t.node, hooks_of(t.node)
            self._fixed.add(self.buffer(array))

    def is_fresh(self, array: np.ndarray) -> bool:
        """Whether the array's memory holds nothing but what commands have written."""
        buffer = self.buffer(array)
        first = next((c for c in self.commands if c.touches(buffer)), None)
        return first is not None and not first.is_reading(buffer) and buffer.start is None

    def is_written(self, array: np.ndarray) -> bool:
        """Whether any command writes the array's memory."""
        buffer = self.buffer(array)
        return any(c.is_writing(buffer) for c in self.commands)


def _made_like(function: Any, example: Any) -> Any:
    """A function that makes arrays, which makes them on the GPU of another one."""

    def make(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs, like=example)

    make.__name__ = function.__name__
    make.makes = function  # type: ignore[attr-defined]
    return make


def _is_masked(index: Any) -> bool:
    return any(is_memory(part) and part.dtype == np.bool_ and part.ndim for part in leaves(index))


def _is_basic(index: Any) -> bool:
    """Whether an index selects a view."""
    for part in index if isinstance(index, tuple) else (index,):
        if isinstance(part, bool) or not isinstance(part, (int, slice, np.integer, type(None), type(Ellipsis))):
            return False
    return True
