"""The backward pass: gradients flow from the results to the leaves, latest operation first."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from heapq import heappop, heappush
from sys import getrefcount
from typing import TYPE_CHECKING, Any

import numpy as np

from fastgrad.autograd.graph import Leaf, Node, Parts, Value, wrap
from fastgrad.autograd.mode import no_grad
from fastgrad.errors import bad_type, bad_value

if TYPE_CHECKING:
    from fastgrad.tensor import Tensor

__all__ = ["backward", "grad"]

_ndarray = np.ndarray
_accumulating = threading.Lock()
Edge = Node | Leaf
Grads = dict[Edge, Any]

_TWICE = (
    "Trying to backward through the graph a second time: what it had saved was freed by the first pass. "
    "Specify retain_graph=True on the first if you need to backward twice, or to access it later."
)
_CREATE_GRAPH = "double backward is not supported: create_graph=True cannot record the backward pass"


def _changed(node: Node) -> RuntimeError:
    assert node.versions is not None
    for version, saved in zip(node.versions, node.counts, strict=True):
        if version.count != saved:
            break
    return RuntimeError(
        "one of the variables needed for gradient computation has been modified by an inplace operation: "
        f"{node.name()} reads memory that is at version {version.count}; expected version {saved} instead"
    )


def run_hooks(hooks: dict[int, Any], g: Any) -> Any:
    """The gradient after all hooks have seen, and perhaps replaced, it."""
    with no_grad():
        for hook in tuple(hooks.values()):
            given = wrap(g)
            result = hook(given)
            if result is not None:
                if not isinstance(result, Value):
                    raise bad_type("hook", "result", type(result).__name__, "a Tensor or None")
                if result.data.shape != given.data.shape:
                    raise RuntimeError(f"hook has changed the shape of the gradient: {given.data.shape} to {result.data.shape}")
                g = result.data
                if g.dtype != given.data.dtype:
                    raise RuntimeError(f"hook has changed the dtype of the gradient: {given.data.dtype} to {g.dtype}")
    return g


def _sweep(grads: Grads, keep: bool, path: set[Edge] | None, captured: Grads | None) -> None:
    """Turn the gradients in `grads` into those of the leaves; `path` limits where they may go.

    Kept as a function of its own: when it returns, nothing but `grads` refers to the gradients it made.
    """
    heap = [edge.order for edge in grads if edge.__class__ is Node]
    heap.sort()
    nodes: dict[int, Any] = {edge.order: edge for edge in grads if edge.__class__ is Node}
    own: set[Edge] = set()  # sums that were made here and may be added to in place
    while heap:
        node = nodes.pop(heappop(heap))
        dy = grads.pop(node)
        if dy.__class__ is not _ndarray and dy.__class__ is not Parts:
            dy = np.asarray(dy)  # a numpy scalar, of a 0-dimensional operation
        if node.hooks is not None:
            dy = run_hooks(node.hooks, dy)
        if captured is not None and node in captured:
            captured[node] = dy
            if node not in path:  # type: ignore[operator]
                continue
        rule = node.rule
        if rule is None:
            raise RuntimeError(_TWICE)
        edges = node.edges
        versions = node.versions
        if versions is not None:
            for version, saved in zip(versions, node.counts):  # noqa: B905
                if version.count != saved:
                    raise _changed(node)
        if path is None:
            needs = (True,) if len(edges) == 1 else tuple([edge is not None for edge in edges])
        else:
            needs = tuple([edge in path or edge in captured for edge in edges])  # type: ignore[operator]
        results = rule(dy, needs)
        if not keep:
            node.free()
        i = 0
        for d in results:
            edge = edges[i]
            if d is None or edge is None or (path is not None and not needs[i]):
                i += 1
                continue
            i += 1
            if edge not in grads:
                grads[edge] = d
                if edge.__class__ is Node:
                    order = edge.order
                    nodes[order] = edge
                    heappush(heap, order)
            elif edge in own and d.__class__ is not Parts:
                prior = grads[edge]
                np.add(prior, d, prior)
            else:
                total = grads[edge] + d
                if total.__class__ is _ndarray:
                    own.add(edge)
                grads[edge] = total


def _pop(grads: Grads) -> tuple[Any, Any, bool]:
    """A leaf, its gradient, and whether nobody else holds the gradient's memory."""
    leaf, g = grads.popitem()
    if g.__class__ is not _ndarray:
        return leaf, np.asarray(g), False
    alone = getrefcount(g) == _ALONE
    base = g.base
    if alone and base is not None:
        # All of an array that only this view holds, as after a reshape.
        alone = base.__class__ is _ndarray and base.size == g.size and getrefcount(base) == _ALONE + 1
    return leaf, g, alone and g.flags.writeable


# What getrefcount says of an array that only a local name holds differs between versions of Python.
_ALONE = 0


def _measure_alone() -> int:
    g = np.empty(0)
    return getrefcount(g)


_ALONE = _measure_alone()


def _accumulate(t: Value, g: np.ndarray, alone: bool) -> None:
    """Add `g` to the gradient of a leaf; keep it as it is if that is the first and nobody else holds it."""
    before = t.grad
    data = t.data
    if before is None:
        if not alone or g.dtype != data.dtype:
            copy = np.empty_like(data) if g.shape == data.shape else np.empty(g.shape, data.dtype)
            copy[...] = g
            g = copy
        t.grad = wrap(g)
    elif before.data.flags.writeable and before.node is None:
        np.add(before.data, g, before.data)
        before.version.count += 1
    else:
        t.grad = wrap(np.asarray(before.data + g))


def _path_to(grads: Grads, wanted: Grads) -> set[Edge]:
    """The nodes between the roots and the wanted ones, without the latter unless they lead to another."""
    found: set[Edge] = set()
    nodes: dict[int, Node] = {}
    oldest = max((edge.order for edge in wanted if isinstance(edge, Node)), default=None)
    only_nodes = all(isinstance(edge, Node) for edge in wanted)
    pending = [edge for edge in grads if isinstance(edge, Node)]
    while pending:
        node = pending.pop()
        if node.order in nodes:
            continue
        nodes[node.order] = node
        if node.rule is None and node not in wanted:
            raise RuntimeError(_TWICE)
        for edge in node.edges:
            # An older node cannot lead to a wanted one.
            if isinstance(edge, Node) and not (only_nodes and oldest is not None and edge.order > oldest):
                pending.append(edge)
    for order in sorted(nodes, reverse=True):  # oldest first
        node = nodes[order]
        if any(edge in found or edge in wanted for edge in node.edges if edge is not None):
            found.add(node)
    return found


def _roots(function: str, tensors: Sequence[Any], gradients: Any) -> Grads:
    """The nodes to start from with the gradients that come to them."""
    if gradients is None:
        if len(tensors) == 1 and isinstance(tensors[0], Value):  # the usual case
            t = tensors[0]
            if t.node is not None and t.data.size == 1:
                return {t.node: np.ones(t.data.shape, t.data.dtype)}
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
            raise RuntimeError(f"{function}(): a tensor of shape {data.shape} does not require grad and does not have a grad_fn")
        if g is None:
            if data.size != 1:
                raise RuntimeError(f"{function}(): grad can be implicitly created only for scalar outputs, not for shape {data.shape}")
            array = np.ones(data.shape, data.dtype)
        else:
            array = g.data if isinstance(g, Value) else np.asarray(g)
            if array.shape != data.shape:
                raise RuntimeError(f"{function}(): mismatch in shape: a gradient has shape {array.shape} and its output {data.shape}")
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
        dy_i, each of the shape of its output; may be left out (or None) for an output of one element, where it is 1.
    retain_graph : bool, optional
        Keep what the operations saved, so that another backward pass can follow.
    create_graph : bool
        Must be False: the backward pass itself is not recorded.
    inputs : Tensor or sequence of Tensor, optional
        Only these get a gradient (they may be results of operations too); all leaves by default.

    Raises
    ------
    RuntimeError
        If an output requires no gradient or is no scalar and has no gradient given, if the graph was used up by an
        earlier pass, if memory that an operation reads was changed in place, or for ``create_graph=True``.

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
    with np.errstate(all="ignore"):
        _sweep(grads, bool(retain_graph), None, None)
    while grads:
        leaf, g, alone = _pop(grads)
        if leaf.hooks is not None:
            g, alone = run_hooks(leaf.hooks, g), False
        t = leaf.tensor()
        if t is not None:
            with _accumulating:
                _accumulate(t, g, alone)
            if leaf.post_hooks is not None:
                with no_grad():
                    for hook in tuple(leaf.post_hooks.values()):
                        hook(t)


def _backward_to(grads: Grads, targets: Sequence[Any], keep: bool) -> None:
    """Add gradients to the ``.grad`` of `targets` only."""
    if not targets:
        raise RuntimeError("backward(): argument 'inputs' is empty, expected at least one Tensor")
    found = _gradients("backward", grads, targets, keep)
    with _accumulating:
        for t in dict.fromkeys(targets):
            g = found[t.node]
            if g is not None:
                _accumulate(t, g, False)


def _gradients(function: str, grads: Grads, targets: Sequence[Any], keep: bool) -> Grads:
    """What arrives at each of `targets`, None where nothing does."""
    captured: Grads = {}
    for t in targets:
        if not isinstance(t, Value):
            raise bad_type(function, "inputs", type(t).__name__, "Tensors")
        if t.node is None:
            raise RuntimeError(f"{function}(): one of the inputs, of shape {t.data.shape}, does not require grad")
        captured[t.node] = None
    path = _path_to(grads, captured)
    with np.errstate(all="ignore"):
        _sweep(grads, keep, path, captured)
    for leaf, g in grads.items():
        if leaf in captured:
            captured[leaf] = run_hooks(leaf.hooks, g) if leaf.hooks is not None else g
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
        raise RuntimeError("grad(): argument 'is_grads_batched' is True, expected False: batched gradients are not supported")
    if materialize_grads and allow_unused is False:
        raise bad_value("grad", "allow_unused", "False", "True or left out with materialize_grads=True")
    targets = _as_tuple(inputs)
    if not targets:
        raise bad_value("grad", "inputs", "empty", "at least one Tensor")
    captured = _gradients("grad", _roots("grad", _as_tuple(outputs), grad_outputs), targets, bool(retain_graph))
    result: list[Tensor | None] = []
    for t in targets:
        g = captured[t.node]
        if g is None and materialize_grads:
            g = np.zeros_like(t.data)
        if g is None and not allow_unused:
            raise RuntimeError(
                "One of the differentiated Tensors appears to not have been used in the graph. "
                "Set allow_unused=True if this is the desired behavior."
            )
        result.append(None if g is None else wrap(np.array(g, t.data.dtype, order="K")))
    return tuple(result)
