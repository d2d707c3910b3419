"""The backward pass: gradients flow from the results to the leaves, latest operation first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fastgrad import _tape
from fastgrad._tape import accumulate, pop, sweep
from fastgrad.arrays import as_array, full
from fastgrad.autograd.engine import Grads, path_to, run_hooks, run_post_hooks
from fastgrad.autograd.graph import wrap
from fastgrad.autograd.hooks import retains_grad
from fastgrad.autograd.node import Leaf, Value
from fastgrad.devices import check_same
from fastgrad.errors import bad_type, bad_value

if TYPE_CHECKING:
    from fastgrad.tensor import Tensor

__all__ = ["backward", "grad"]

_CREATE_GRAPH = "double backward is not supported: create_graph=True cannot record the backward pass"


def _roots(function: str, tensors: Sequence[Any], gradients: Any) -> Grads:
    """The nodes to start from with the gradients that come to them."""
    if gradients is None:
        if len(tensors) == 1 and (usual := _tape.seed(tensors[0])) is not None:
            return usual
        gradients = (None,) * len(tensors)
    elif isinstance(gradients, Value) or not isinstance(gradients, (tuple, list)):
        gradients = (gradients,)
    if len(gradients) != len(tensors):
        raise bad_value(function, "grad_outputs", f"{len(gradients)} gradients", f"{len(tensors)}, one per output")
    grads: Grads = {}
    for t, g in zip(tensors, gradients, strict=True):
        if not isinstance(t, Value):
            raise bad_type(function, "outputs", type(t).__name__, "Tensors")
        data = t.data
        if t.node is None:
            raise RuntimeError(
                f"{function}(): a tensor of shape {data.shape} does not require grad and does not have a grad_fn"
            )
        if g is None:
            if data.size != 1:
                raise RuntimeError(
                    f"{function}(): grad can be implicitly created only for scalar outputs, not for shape {data.shape}"
                )
            array = full(data.shape, 1, data.dtype, like=data)
        else:
            array = g.data if isinstance(g, Value) else as_array(g)
            if array.shape != data.shape:
                raise RuntimeError(
                    f"{function}(): mismatch in shape: a gradient has shape {array.shape} and its output {data.shape}"
                )
            check_same(function, output=data, gradient=array)
            if array.dtype != data.dtype:
                array = array.astype(data.dtype)
        grads[t.node] = grads[t.node] + array if t.node in grads else array
    return grads


def _as_tuple(value: Any) -> tuple[Any, ...]:
    return (value,) if isinstance(value, Value) else tuple(value)


def backward(
    tensors: Tensor | Sequence[Tensor],
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Tensor | Sequence[Tensor] | None = None,
) -> None:
    """Add the gradients of `tensors` to the ``.grad`` of the leaves they were computed from.

    For leaf x and outputs y_i with gradients dy_i: ``x.grad += Σ_i dy_i · ∂y_i/∂x``.

    Parameters
    ----------
    tensors : Tensor or sequence of Tensor
        The outputs.
    grad_tensors : Tensor or sequence, optional
        dy_i, each of the shape of its output; may be left out (or None) for an output of one element, where
        it is 1.
    retain_graph : bool, optional
        Keep what the operations saved, so that another backward pass can follow.
    create_graph : bool
        Must be False: the backward pass itself is not recorded.
    inputs : Tensor or sequence of Tensor, optional
        Only these get a gradient (they may be results of operations too); all leaves by default.

    Raises
    ------
    RuntimeError
        If an output requires no gradient or is no scalar and has no gradient given, if the graph was used up
        by an earlier pass, if memory that an operation reads was changed in place, or for
        ``create_graph=True``.

    Notes
    -----
    Source: ``torch.autograd.backward``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> x = fg.tensor([1.0, 2.0], requires_grad=True)
    >>> fg.autograd.backward((x * x).sum())
    >>> x.grad.tolist()
    [2.0, 4.0]
    """
    if create_graph:
        raise RuntimeError(_CREATE_GRAPH)
    grads = _roots("backward", _as_tuple(tensors), grad_tensors)
    if inputs is not None:
        _backward_to(grads, _as_tuple(inputs), bool(retain_graph))
        return
    _tape.backward(grads, bool(retain_graph))


def _backward_to(grads: Grads, targets: Sequence[Any], keep: bool) -> None:
    """Add gradients to the ``.grad`` of `targets` only."""
    if not targets:
        raise RuntimeError("backward(): argument 'inputs' is empty, expected at least one Tensor")
    found = _gradients("backward", grads, targets, keep)
    for t in dict.fromkeys(targets):
        g = found[t.node]
        if g is None or retains_grad(t):  # the latter has kept it on its way
            continue
        with np.errstate(all="ignore"):
            accumulate(t, g, False)
        if isinstance(t.node, Leaf) and t.node.post_hooks is not None:
            run_post_hooks(t.node.post_hooks, t)


def _gradients(function: str, grads: Grads, targets: Sequence[Any], keep: bool) -> Grads:
    """What arrives at each of `targets`, None where nothing does; the arrays of leaves are held by nobody else."""
    captured: Grads = {}
    for t in targets:
        if not isinstance(t, Value):
            raise bad_type(function, "inputs", type(t).__name__, "Tensors")
        if t.node is None:
            raise RuntimeError(f"{function}(): one of the inputs, of shape {t.data.shape}, does not require grad")
        captured[t.node] = None
    path = path_to(grads, captured)
    with np.errstate(all="ignore"):
        sweep(grads, keep, path, captured)
    while grads:
        leaf, g, alone = pop(grads)
        if leaf in captured:
            if leaf.hooks is not None:
                g, alone = run_hooks(leaf.hooks, g), False
            captured[leaf] = g if alone else g.copy("K")
    return captured


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor | None, ...]:
    """The gradients of `outputs` with respect to `inputs`, without touching any ``.grad``.

    Parameters
    ----------
    outputs : Tensor or sequence of Tensor
        What is differentiated.
    inputs : Tensor or sequence of Tensor
        Leaves or results of operations.
    grad_outputs : Tensor or sequence, optional
        A gradient per output, of its shape; 1 for an output of one element by default.
    retain_graph : bool, optional
        Keep what the operations saved, so that another backward pass can follow.
    create_graph, is_grads_batched : bool
        Must be False.
    allow_unused : bool, optional
        Give None for an input that no output depends on, instead of an error.
    materialize_grads : bool
        Give zeros for such an input.

    Returns
    -------
    tuple of Tensor or None
        One per input.

    Raises
    ------
    RuntimeError
        As `backward`, and if an input is unused and that is not allowed.

    Notes
    -----
    Source: ``torch.autograd.grad``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> x = fg.tensor(3.0, requires_grad=True)
    >>> fg.autograd.grad(x * x, x)
    (tensor(6.),)
    """
    if create_graph:
        raise RuntimeError(_CREATE_GRAPH)
    if is_grads_batched:
        raise RuntimeError(
            "grad(): argument 'is_grads_batched' is True, expected False: batched gradients are not supported"
        )
    if materialize_grads and allow_unused is False:
        raise bad_value("grad", "allow_unused", "False", "True or left out with materialize_grads=True")
    targets = _as_tuple(inputs)
    if not targets:
        raise bad_value("grad", "inputs", "empty", "at least one Tensor")
    captured = _gradients("grad", _roots("grad", _as_tuple(outputs), grad_outputs), targets, bool(retain_graph))
    result: list[Tensor | None] = []
    given: set[Any] = set()  # a leaf's array is the caller's; asked for again, it gets a copy
    for t in targets:
        g = captured[t.node]
        if g is None and materialize_grads:
            g = np.zeros_like(t.data)
        if g is None and not allow_unused:
            raise RuntimeError(
                "One of the differentiated Tensors appears to not have been used in the graph. "
                "Set allow_unused=True if this is the desired behavior."
            )
        if g is not None:
            if not isinstance(t.node, Leaf) or t.node in given or g.dtype != t.data.dtype:
                g = g.astype(t.data.dtype, order="K")
            given.add(t.node)
        result.append(None if g is None else wrap(g))
    return tuple(result)
