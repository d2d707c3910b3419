"""How a change of a tensor's memory is recorded, under the version-counter rule.

Every change counts up the version that all tensors over the same memory share; an operation that had saved
the memory for its backward pass then refuses to run it. While operations are recorded a changed tensor gets
the change as its history, and so do the views of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from fastgrad.arrays import address, is_writable, scattered, strided
from fastgrad.autograd.graph import Leaf, Node, Value, Version, make_node
from fastgrad.autograd.mode import state
from fastgrad.errors import bad_value

if TYPE_CHECKING:
    from fastgrad.tensor import Tensor

__all__ = ["change"]

Array = np.ndarray
Needs = tuple[bool, ...]


def _root(x: Value) -> Value:
    """The tensor whose memory `x` views, in the end."""
    while x.base is not None:
        x = x.base
    return x


def _place(root: Array, view: Array) -> tuple[int, tuple[int, ...]] | None:
    """Where `view` lies in the memory of `root` (offset and strides in bytes); None if `root` has gaps."""
    if root.strides != np.empty_like(root).strides:
        return None
    return address(view) - address(root), view.strides


def _view_rule(root: Array, view: Array, offset: int, strides: tuple[int, ...]) -> Callable[..., Any]:
    """The rule of a view, whatever operations made it, known only by its place in the root's memory."""
    shape, layout, dtype, size, part_shape = root.shape, root.strides, root.dtype, root.size, view.shape
    overlaps = any(s == 0 and n > 1 for s, n in zip(strides, part_shape, strict=True))

    def rule(dy: Array, needs: Needs) -> tuple[Any, ...]:
        if overlaps:
            places = np.arange(size, dtype=np.int64, like=dy)
            where = strided(places, part_shape, _scaled(strides, dtype), offset * 8 // dtype.itemsize)
            flat = scattered((size,), where, dy)
        else:
            flat = np.zeros(size, dtype, like=dy)
            strided(flat, part_shape, strides, offset)[...] = dy
        return (strided(flat, shape, layout),)

    rule.__qualname__ = "as_strided"
    return rule


def _scaled(strides: tuple[int, ...], dtype: np.dtype[Any]) -> tuple[int, ...]:
    return tuple([s * 8 // dtype.itemsize for s in strides])


def _slices_rule(root: Array, view: Array, offset: int, strides: tuple[int, ...], rule: Any) -> Callable[..., Any]:
    """The rule of a root of which a view was changed:

    outside the view the gradient passes, inside `rule` holds.
    """
    shape, layout, dtype, size, part_shape = root.shape, root.strides, root.dtype, root.size, view.shape

    def slices(dy: Array, needs: Needs) -> tuple[Any, ...]:
        flat = np.empty(size, dtype, like=dy)
        whole = strided(flat, shape, layout)
        whole[...] = dy
        part = strided(flat, part_shape, strides, offset)
        dx, *others = rule(part.copy(), needs)
        part[...] = 0 if dx is None else dx
        return (whole, *others)

    slices.__qualname__ = "copy_slices"
    return slices


def change(
    function: str,
    x: Any,
    write: Callable[[], Any],
    parents: tuple[Value, ...] = (),
    rule: Callable[..., Any] | None = None,
    saved: tuple[Value, ...] = (),
) -> Tensor:
    """Change the memory of `x` by calling `write`, and record it.

    Parameters
    ----------
    function : str
        The operation's name, for errors.
    x : Tensor
        What is changed.
    write : callable
        Writes into ``x.data``, or raises without having written.
    parents : tuple of Tensor
        The other operands.
    rule : callable
        ``rule(dy, needs)`` gives the gradients of the old `x` and of the parents.
    saved : tuple of Tensor
        Operands whose memory the rule reads; none of them may share that of `x`.

    Returns
    -------
    Tensor
        `x`.

    Raises
    ------
    RuntimeError
        If recording is on and `x` is a leaf that requires a gradient or a view of one.
    ValueError
        If the memory is read-only.
    """
    if not is_writable(x.data):
        raise bad_value(function, "x", "read-only memory", "memory that can be written")
    recording = state.enabled and (x.node is not None or any([p.node is not None for p in parents]))
    if not recording:
        write()
        x.version.count += 1
        return x  # type: ignore[no-any-return]
    root = _root(x)
    aliases = _live_aliases(x.version, root)
    _check_history(x, root, aliases)
    place = None if root is x else _place(root.data, x.data)
    if root is not x and place is None:
        raise RuntimeError(
            f"{function}(): an in-place change of a view of shape {x.data.shape} is recorded only "
            "where the viewed tensor's memory "
            f"has no gaps; its strides are {root.data.strides}. Change a copy, or the viewed tensor itself."
        )
    write()
    version = x.version
    version.count += 1
    untracked = [alias for alias in aliases if alias.node is None] if root.node is not None else []
    others = tuple([p.node for p in parents])
    assert rule is not None
    if place is None:
        x.node = make_node((x.node, *others), rule, saved)
    else:
        root.node = make_node((root.node, *others), _slices_rule(root.data, x.data, *place, rule), saved)
    for alias in aliases:
        where = _place(root.data, alias.data)
        if alias in untracked:
            continue
        if where is None:
            alias.node = make_node((root.node,), _gone)
        else:
            alias.node = make_node((root.node,), _view_rule(root.data, alias.data, *where))
    return x  # type: ignore[no-any-return]


def _gone(dy: Array, needs: Needs) -> tuple[Any, ...]:
    raise RuntimeError(
        "backward through a view that was taken before the tensor it views was changed in place; take the view again"
    )


def _live_aliases(version: Version, root: Value) -> list[Value]:
    """The views of `root` that somebody still holds."""
    if version.aliases is None:
        return []
    alive = [alias() for alias in version.aliases]
    return [alias for alias in alive if alias is not None and _root(alias) is root]


def _check_history(x: Value, root: Value, aliases: list[Value]) -> None:
    if x.node.__class__ is Leaf:
        raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")
    if root.node.__class__ is Leaf:
        raise RuntimeError("a view of a leaf Variable that requires grad is being used in an in-place operation.")
    if root is not x and x.node is None and isinstance(root.node, Node):
        raise RuntimeError(
            "a view that was created in no_grad mode is being modified in place with grad mode "
            "enabled. Create it outside "
            "no_grad, or modify it inside."
        )
    for alias in aliases:
        if alias.node.__class__ is Leaf:
            raise RuntimeError(
                "a tensor of which a view is a leaf Variable that requires grad is being used in an in-place operation."
            )
