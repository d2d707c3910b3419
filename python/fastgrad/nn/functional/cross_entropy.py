"""Losses over classes: cross-entropy from logits and negative log-likelihood from log-probabilities."""

from __future__ import annotations

import math
from typing import Any

from fastgrad import backend
from fastgrad.autograd.graph import is_recording, named, record, wrap
from fastgrad.devices import check_same
from fastgrad.errors import bad_type, bad_value
from fastgrad.nn.functional.arguments import as_floating, as_tensor, check_int, check_reduction, check_unit, is_one
from fastgrad.tensor import Tensor

__all__ = ["cross_entropy", "nll_loss"]

_empty = backend.xp.empty
_int64 = backend.xp.dtype("int64")


def cross_entropy(
    x: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """Cross-entropy of softmax(x) with the target, computed from the logits in one pass.

    For class indices, l_i = −weight[t_i] · log softmax(x_i)[t_i], and the mean is Σ l_i / Σ weight[t_i].
    For class probabilities, l_i = −Σ_c weight_c t_ic log softmax(x_i)_c; the mean is over the examples.

    Parameters
    ----------
    x : Tensor
        Logits: shape (classes,), (batch, classes) or (batch, classes, d1, …).
    target : Tensor
        Class indices (integers, the shape of `x` without the classes) or probabilities (the shape of `x`).
    weight : Tensor, optional
        Shape (classes,).
    ignore_index : int
        Targets of this index count for nothing.
    reduction : {"mean", "sum", "none"}
        What is made of the examples' losses. The mean over nothing is NaN.
    label_smoothing : float
        Between 0 and 1: the share of the target spread evenly over the classes.

    Returns
    -------
    Tensor
        A scalar, or for ``"none"`` the shape of `x` without the classes.

    Raises
    ------
    ValueError
        If shapes do not fit each other or an option is out of its range.
    TypeError
        If a dtype cannot be used.
    IndexError
        If a class index is out of range.
    RuntimeError
        If class probabilities require a gradient, which is not supported.

    Notes
    -----
    Source: ``torch.nn.functional.cross_entropy``; label smoothing from Szegedy et al. 2016, "Rethinking the
    Inception architecture".

    Examples
    --------
    >>> import fastgrad as fg
    >>> loss = fg.nn.functional.cross_entropy(fg.zeros(3, 4), fg.tensor([0, 1, 2]))
    >>> round(loss.item(), 4)
    1.3863
    """
    if weight is None:  # the usual case is checked natively; what does not pass goes the long way
        try:
            recording = is_recording(x)
            loss, dx = backend.kernels.make_cross_entropy(
                x.data, target.data, ignore_index, label_smoothing, reduction, recording
            )
        except (AttributeError, TypeError, ValueError):
            pass
        else:
            if not recording:
                return wrap(loss)
            return record(loss, (x,), _cross_entropy_rule, (), False, (dx, reduction == "none"))
    label_smoothing = check_unit("cross_entropy", "label_smoothing", label_smoothing)
    ignore_index = check_int("cross_entropy", "ignore_index", ignore_index)
    x = as_floating("cross_entropy", "x", x)
    target = as_tensor("cross_entropy", "target", target)
    if target.data.dtype.kind == "f":
        if target.shape != x.shape:
            raise bad_value(
                "cross_entropy", "target", f"of shape {target.shape}", f"shape {x.shape} for probabilities"
            )
        if target.dtype != x.dtype:
            raise bad_type(
                "cross_entropy", "target", f"of dtype {target.dtype}", f"{x.dtype}, the dtype of x"
            )
        if ignore_index >= 0:
            raise bad_value(
                "cross_entropy", "ignore_index", repr(ignore_index), "left alone for class probabilities"
            )
        if is_recording(target):
            raise RuntimeError(
                "cross_entropy(): argument 'target' requires a gradient, expected one that does not"
            )
    return _class_loss("cross_entropy", x, target, weight, ignore_index, reduction, label_smoothing)


def nll_loss(
    x: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Tensor:
    """Negative log-likelihood of class indices: l_i = −weight[t_i] · x_i[t_i], the mean weighted.

    Parameters
    ----------
    x : Tensor
        Log-probabilities: shape (classes,), (batch, classes) or (batch, classes, d1, …).
    target : Tensor
        Class indices, of the shape of `x` without the classes.
    weight : Tensor, optional
        Shape (classes,).
    ignore_index : int
        Targets of this index count for nothing.
    reduction : {"mean", "sum", "none"}
        What is made of the examples' losses.

    Returns
    -------
    Tensor
        A scalar, or for ``"none"`` the shape of `target`.

    Raises
    ------
    ValueError
        If shapes do not fit each other or an option is unknown.
    TypeError
        If a dtype cannot be used.
    IndexError
        If a class index is out of range.

    Notes
    -----
    Source: ``torch.nn.functional.nll_loss``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.nn.functional.nll_loss(fg.tensor([[-0.5, -1.0]]), fg.tensor([1])).item()
    1.0
    """
    ignore_index = check_int("nll_loss", "ignore_index", ignore_index)
    x = as_floating("nll_loss", "x", x)
    target = as_tensor("nll_loss", "target", target)
    if target.data.dtype.kind == "f":
        raise bad_type("nll_loss", "target", f"of dtype {target.dtype}", "integer class indices")
    return _class_loss("nll_loss", x, target, weight, ignore_index, reduction, None)


def _class_loss(
    function: str,
    x: Tensor,
    target: Tensor,
    weight: Tensor | None,
    ignore_index: int,
    reduction: str,
    label_smoothing: float | None,
) -> Tensor:
    """Bring the classes to the last axis of a matrix, run the kernel, and put the axes back."""
    check_reduction(function, reduction)
    xd, td = x.data, target.data
    if weight is not None:
        weight = as_floating(function, "weight", weight)
    check_same(function, x=xd, target=td, weight=None if weight is None else weight.data)
    shape = xd.shape
    if not shape:
        raise bad_value(function, "x", "of shape ()", "shape (classes,) or (batch, classes, ...)")
    outer = shape[:1] + shape[2:] if len(shape) > 1 else ()
    classes = shape[1] if len(shape) > 1 else shape[0]
    if td.dtype.kind == "f":
        if len(shape) > 2:
            td = backend.xp.moveaxis(td, 1, -1)
        td = td.reshape(math.prod(outer), classes)
    else:
        if td.shape != outer:
            raise bad_value(
                function, "target", f"of shape {td.shape}", f"shape {outer} for x of shape {shape}"
            )
        if td.dtype != _int64:
            if td.dtype.kind not in "iu":
                raise bad_type(function, "target", f"of dtype {td.dtype}", "integer class indices")
            td = td.astype(_int64)
        td = td.reshape(-1)
    wd = None
    if weight is not None:
        wd = weight.data
        if wd.shape != (classes,):
            raise bad_value(function, "weight", f"of shape {wd.shape}", f"shape ({classes},)")
        if wd.dtype != xd.dtype:
            raise bad_type(function, "weight", f"of dtype {wd.dtype}", f"{xd.dtype}, the dtype of x")
    flat = xd
    if len(shape) != 2:
        flat = (backend.xp.moveaxis(xd, 1, -1) if len(shape) > 2 else xd).reshape(math.prod(outer), classes)
    loss = _empty((flat.shape[0],) if reduction == "none" else (), xd.dtype, like=xd)
    recording = is_recording(x)
    dx = _empty(flat.shape, xd.dtype, like=xd) if recording else None
    if label_smoothing is None:
        backend.kernels.nll_loss(loss, dx, flat, td, wd, ignore_index, reduction)
    else:
        backend.kernels.cross_entropy(loss, dx, flat, td, wd, ignore_index, label_smoothing, reduction)
    if reduction == "none":
        loss = loss.reshape(outer)
    if dx is None:
        return wrap(loss)
    gradient = dx
    if len(shape) > 2:
        gradient = backend.xp.moveaxis(dx.reshape(*outer, classes), -1, 1)
    elif len(shape) == 1:
        gradient = dx.reshape(shape)

    rule = _nll_loss_rule if label_smoothing is None else _cross_entropy_rule
    return record(loss, (x,), rule, (), False, (gradient, reduction == "none"))


@named("cross_entropy")
def _cross_entropy_rule(dy: Any, needs: tuple[bool, ...], gradient: Any, one_each: bool) -> Any:
    """The gradient that the forward pass has computed, times dy; `one_each` if there is a loss per example."""
    if one_each:
        return (gradient * (backend.xp.expand_dims(dy, 1) if gradient.ndim > 1 else dy),)
    return (gradient if is_one(dy) else gradient * dy,)


@named("nll_loss")
def _nll_loss_rule(dy: Any, needs: tuple[bool, ...], gradient: Any, one_each: bool) -> Any:
    return _cross_entropy_rule(dy, needs, gradient, one_each)
