"""Operations of the user's own, with a forward and a backward."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastgrad.autograd.graph import Leaf, Value, Version, record_many, sum_to_shape, wrap
from fastgrad.autograd.mode import no_grad, state
from fastgrad.errors import bad_type

__all__ = ["Function", "FunctionCtx", "once_differentiable"]

Needs = tuple[bool, ...]


class FunctionCtx:
    """What `Function.forward` passes on to `Function.backward`; further attributes can be set on it.

    Attributes
    ----------
    needs_input_grad : tuple of bool
        For every argument of ``apply`` whether its gradient is wanted.
    """

    def __init__(self, needs_input_grad: Needs) -> None:
        self.needs_input_grad = needs_input_grad
        self._saved: list[tuple[np.ndarray, Version, int] | None] = []
        self._to_save: tuple[Any, ...] = ()
        self._not_differentiable: tuple[Value, ...] = ()
        self._dirty: tuple[Value, ...] = ()
        self._materialize = True

    def save_for_backward(self, *tensors: Any) -> None:
        """Keep arguments, results or other tensors for `saved_tensors`;

        changing them in place is an error there.
        """
        for i, t in enumerate(tensors):
            if t is not None and not isinstance(t, Value):
                raise bad_type("save_for_backward", f"tensors[{i}]", f"a {type(t).__name__}", "a Tensor or None")
        self._to_save = tensors

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """The tensors that were saved."""
        found: list[Any] = []
        for entry in self._saved:
            if entry is None:
                found.append(None)
                continue
            data, version, count = entry
            if version.count != count:
                raise RuntimeError(
                    "one of the variables needed for gradient computation has been modified by an "
                    "inplace operation: a tensor "
                    f"of shape {data.shape} is at version {version.count}; expected version {count} instead"
                )
            t = wrap(data)
            t.version = version
            found.append(t)
        return tuple(found)

    def mark_non_differentiable(self, *tensors: Any) -> None:
        """Say which results have no gradient."""
        self._not_differentiable = tensors

    def mark_dirty(self, *tensors: Any) -> None:
        """Say which arguments forward has changed in place (and returns)."""
        self._dirty = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Whether backward gets zeros (as at first), or else None, for a result that no gradient came to."""
        self._materialize = value

    def _keep(self) -> None:
        """Take over what is to be saved:

        memory and version, so that no result is kept alive by its own node.
        """
        self._saved = [None if t is None else (t.data, t.version, t.version.count) for t in self._to_save]
        self._to_save = ()


class Function:
    """Base class of operations with a backward of their own.

    A subclass defines two static methods and is used through `apply`:

    - ``forward(ctx, *args)`` computes the result, a Tensor or a tuple of them; or ``forward(*args)`` together
      with ``setup_context(ctx, inputs, output)``.
    - ``backward(ctx, *dys)`` gets the gradient of every result and returns one for every argument of forward,
      None for those that have none.

    Neither is recorded.

    Notes
    -----
    Source: ``torch.autograd.Function``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> class Cube(fg.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x**3
    ...
    ...     @staticmethod
    ...     def backward(ctx, dy):
    ...         (x,) = ctx.saved_tensors
    ...         return 3 * x**2 * dy
    >>> x = fg.tensor(2.0, requires_grad=True)
    >>> y = Cube.apply(x)
    >>> y.backward()
    >>> y, x.grad
    (tensor(8., grad_fn=<CubeBackward>), tensor(12.))
    """

    def __init__(self) -> None:
        raise RuntimeError(f"{type(self).__name__} is not made into objects; call {type(self).__name__}.apply(...)")

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the result."""
        raise NotImplementedError("a subclass of fastgrad.autograd.Function has to define forward")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        """Save for backward, where forward is defined without `ctx`."""
        raise NotImplementedError("setup_context")

    @staticmethod
    def backward(ctx: Any, *dys: Any) -> Any:
        """Compute the gradients of forward's arguments."""
        raise NotImplementedError("a subclass of fastgrad.autograd.Function has to define backward")

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Run forward and record backward.

        Parameters
        ----------
        args
            What forward takes after `ctx`; gradients flow to the Tensors among them (not to those inside
            lists).

        Returns
        -------
        Tensor or tuple of Tensor
            What forward returned.

        Raises
        ------
        RuntimeError
            In backward, if the number or a shape of the gradients is wrong.
        """
        ctx = FunctionCtx(tuple([isinstance(a, Value) and a.node is not None for a in args]))
        with no_grad():
            if cls.setup_context is Function.setup_context:
                output = cls.forward(ctx, *args)
            else:
                output = cls.forward(*args)
                cls.setup_context(ctx, args, output)
        ctx._keep()
        if not state.enabled or True not in ctx.needs_input_grad:
            return output
        several = isinstance(output, tuple)
        results = _record(cls, ctx, args, output if several else (output,))
        return results if several else results[0]


def _record(cls: type[Function], ctx: FunctionCtx, args: tuple[Any, ...], outputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """The outputs as results of one node that runs ``cls.backward``."""
    excluded = {id(t) for t in ctx._not_differentiable}
    places = [
        i for i, t in enumerate(outputs) if isinstance(t, Value) and t.data.dtype.kind == "f" and id(t) not in excluded
    ]
    positions = [i for i, a in enumerate(args) if isinstance(a, Value)]
    parents = tuple([args[i] for i in positions])
    shapes = [(t.data.shape, t.data.dtype) if isinstance(t, Value) else None for t in outputs]
    wanted = [(p.data.shape, p.data.dtype) for p in parents]
    dirty = {id(t) for t in ctx._dirty}
    for t in ctx._dirty:
        if t.node.__class__ is Leaf:
            raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")
        if t.base is not None:
            raise RuntimeError(f"{cls.__name__}: mark_dirty() of a view is not supported; change a copy")
        if any(alias() is not None for alias in t.version.aliases or ()):
            raise RuntimeError(f"{cls.__name__}: mark_dirty() of a tensor with views is not supported; change a copy")
    ctx._not_differentiable = ctx._dirty = ()

    def rule(dys: tuple[Any, ...], needs: Needs) -> tuple[Any, ...]:
        given: list[Any] = [None] * len(outputs_shapes)
        for i, dy in zip(places, dys, strict=True):
            given[i] = None if dy is None else wrap(dy)
        if ctx._materialize:
            for i, known in enumerate(outputs_shapes):
                if given[i] is None and known is not None:
                    given[i] = wrap(np.zeros(*known, like=next(dy for dy in dys if dy is not None)))
        with no_grad():
            grads = cls.backward(ctx, *given)
        return _checked(cls, grads if isinstance(grads, tuple) else (grads,), positions, n_args, wanted)

    outputs_shapes, n_args = shapes, len(args)
    rule.__qualname__ = cls.__name__ + "Backward"
    recorded = record_many([outputs[i].data for i in places], parents, rule)
    results = list(outputs)
    for i, t in zip(places, recorded, strict=True):
        given = outputs[i]
        if id(given) in dirty:
            given.version.count += 1
            given.node = t.node
        else:
            t.version = given.version
            results[i] = t
    return tuple(results)


def _checked(
    cls: type[Function],
    grads: tuple[Any, ...],
    positions: list[int],
    n_args: int,
    wanted: list[tuple[Any, Any]],
) -> tuple[Any, ...]:
    """What backward returned, as arrays of the parents' shapes and dtypes."""
    if len(grads) > n_args and all(g is None for g in grads[n_args:]):
        grads = grads[:n_args]
    if len(grads) != n_args:
        raise RuntimeError(
            f"function {cls.__name__}Backward returned an incorrect number of gradients (expected "
            f"{n_args}, got {len(grads)})"
        )
    result: list[Any] = []
    for i, (shape, dtype) in zip(positions, wanted, strict=True):
        g = grads[i]
        if g is None:
            result.append(None)
            continue
        if not isinstance(g, Value):
            raise bad_type(f"{cls.__name__}.backward", f"gradient {i}", f"a {type(g).__name__}", "a Tensor or None")
        array = g.data
        if array.shape != shape:
            if _repeats(shape, array.shape):
                array = sum_to_shape(array, shape)
            else:
                raise RuntimeError(
                    f"Function {cls.__name__}Backward returned an invalid gradient at index {i} - got "
                    f"{array.shape} but expected "
                    f"shape compatible with {shape}"
                )
        result.append(array if array.dtype == dtype else array.astype(dtype))
    return tuple(result)


def _repeats(shape: tuple[int, ...], longer: tuple[int, ...]) -> bool:
    """Whether an array of `shape` could be broadcast to `longer`."""
    lead = len(longer) - len(shape)
    return lead >= 0 and all(n in (1, m) for n, m in zip(shape, longer[lead:], strict=True))


def once_differentiable(backward: Any) -> Any:
    """Decorator for a backward that cannot be differentiated itself: any, here, so it changes nothing."""
    return backward
