"""Binary cross-entropy, from probabilities and from logits."""

from __future__ import annotations

from typing import Any

from fastgrad import backend
from fastgrad.autograd.graph import is_recording, record, wrap
from fastgrad.devices import check_same
from fastgrad.errors import bad_type, bad_value
from fastgrad.nn.functional.arguments import as_floating, as_tensor, check_reduction, is_one
from fastgrad.tensor import Tensor

__all__ = ["binary_cross_entropy", "binary_cross_entropy_with_logits"]

_empty = backend.xp.empty


def binary_cross_entropy(
    x: Tensor, target: Tensor, weight: Tensor | None = None, reduction: str = "mean"
) -> Tensor:
    """Cross-entropy of probabilities: l = −weight (t log x + (1 − t) log(1 − x)), logarithms cut off at −100.

    Parameters
    ----------
    x : Tensor
        Probabilities, any shape.
    target : Tensor
        Probabilities (or 0 and 1), the shape of `x`.
    weight : Tensor, optional
        Factor of each element's loss; broadcasts to the shape of `x`.
    reduction : {"mean", "sum", "none"}
        What is made of the elements' losses.

    Returns
    -------
    Tensor
        A scalar, or for ``"none"`` the shape of `x`.

    Raises
    ------
    ValueError
        If shapes do not fit each other, `x` leaves [0, 1] or `reduction` is unknown.
    TypeError
        If a dtype cannot be used.
    RuntimeError
        If `target` requires a gradient, which is not supported.

    Notes
    -----
    Source: ``torch.nn.functional.binary_cross_entropy``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> round(fg.nn.functional.binary_cross_entropy(fg.tensor([0.5]), fg.tensor([1.0])).item(), 4)
    0.6931
    """
    return _binary("binary_cross_entropy", x, target, weight, None, reduction)


def binary_cross_entropy_with_logits(
    x: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """Cross-entropy of σ(x), finite for any logit: l = −weight (pos_weight t log σ(x) + (1 − t) log σ(−x)).

    Parameters
    ----------
    x : Tensor
        Logits, any shape.
    target, weight, reduction
        As in :func:`binary_cross_entropy`.
    pos_weight : Tensor, optional
        Factor of the positive part; broadcasts to the shape of `x`.

    Returns
    -------
    Tensor
        A scalar, or for ``"none"`` the shape of `x`.

    Raises
    ------
    ValueError, TypeError, RuntimeError
        As :func:`binary_cross_entropy`, with any `x` allowed.

    Notes
    -----
    Source: ``torch.nn.functional.binary_cross_entropy_with_logits``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.nn.functional.binary_cross_entropy_with_logits(fg.tensor([-120.0]), fg.tensor([1.0])).item()
    120.0
    """
    return _binary("binary_cross_entropy_with_logits", x, target, weight, pos_weight, reduction)


def _constant(function: str, argument: str, value: Any, x: Tensor) -> Any:
    """The array of a tensor that broadcasts to x, has its dtype and needs no gradient."""
    tensor = as_tensor(function, argument, value)
    if is_recording(tensor):
        raise RuntimeError(
            f"{function}(): argument '{argument}' requires a gradient, expected one that does not"
        )
    array = tensor.data
    if type(array) is not type(x.data):
        check_same(function, **{"x": x.data, argument: array})
    if array.dtype != x.dtype:
        if array.dtype.kind == "f":
            raise bad_type(function, argument, f"of dtype {array.dtype}", f"{x.dtype}, the dtype of x")
        array = array.astype(x.dtype)
    if array.shape != x.shape:
        try:
            array = backend.xp.broadcast_to(array, x.shape)
        except ValueError:
            expected = f"a shape that broadcasts to that of x, {x.shape}"
            raise bad_value(function, argument, f"of shape {array.shape}", expected) from None
    return array


def _binary(
    function: str, x: Any, target: Any, weight: Tensor | None, pos_weight: Tensor | None, reduction: str
) -> Tensor:
    """A binary cross-entropy: weights broadcast to x, the target has exactly its shape."""
    check_reduction(function, reduction)
    x, target = as_floating(function, "x", x), as_tensor(function, "target", target)
    xd = x.data
    if target.shape != x.shape:
        raise bad_value(function, "target", f"of shape {target.shape}", f"shape {x.shape}, that of x")
    td = _constant(function, "target", target, x)
    wd = None if weight is None else _constant(function, "weight", weight, x)
    pd = None if pos_weight is None else _constant(function, "pos_weight", pos_weight, x)
    loss = _empty(xd.shape if reduction == "none" else (), xd.dtype, like=xd)
    dx = _empty(xd.shape, xd.dtype, like=xd) if is_recording(x) else None
    backend.kernels.pointwise_loss(loss, dx, xd, td, wd, pd, function, 0.0, reduction)
    if dx is None:
        return wrap(loss)

    def rule(dy: Any, needs: tuple[bool, ...]) -> tuple[Any, ...]:
        return (dx[...] if is_one(dy) else dx * dy,)

    return record(loss, (x,), rule)
