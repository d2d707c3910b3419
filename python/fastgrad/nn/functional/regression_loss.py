"""Losses of the difference between two tensors: squared, absolute, and the two between."""

from __future__ import annotations

import warnings
from typing import Any

from fastgrad import backend
from fastgrad.autograd.graph import is_recording, record, sum_to_shape, wrap
from fastgrad.devices import check_same
from fastgrad.dtypes import promote
from fastgrad.errors import bad_type, bad_value
from fastgrad.nn.functional.arguments import as_floating, as_tensor, check_number, check_reduction, is_one
from fastgrad.tensor import Tensor

__all__ = ["huber_loss", "l1_loss", "mse_loss", "smooth_l1_loss"]

_empty = backend.xp.empty


def mse_loss(x: Tensor, target: Tensor, reduction: str = "mean", weight: Tensor | None = None) -> Tensor:
    """Squared error: l = (x − target)².

    Parameters
    ----------
    x : Tensor
        Any shape.
    target : Tensor
        The shape of `x`; one that only broadcasts with it is used with a warning. It may require a gradient.
    reduction : {"mean", "sum", "none"}
        What is made of the elements' losses. The mean over nothing is NaN.
    weight : Tensor, optional
        Factor of each element's loss, in the loss's shape; the mean is divided by its sum.

    Returns
    -------
    Tensor
        A scalar, or for ``"none"`` the broadcast shape.

    Raises
    ------
    ValueError
        If the shapes do not fit each other or `reduction` is unknown.
    TypeError
        If a dtype cannot be used.

    Notes
    -----
    Source: ``torch.nn.functional.mse_loss``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.nn.functional.mse_loss(fg.tensor([1.0, 3.0]), fg.tensor([0.0, 0.0])).item()
    5.0
    """
    return _regression("mse_loss", x, target, reduction, 0.0, weight)


def l1_loss(x: Tensor, target: Tensor, reduction: str = "mean", weight: Tensor | None = None) -> Tensor:
    """Absolute error: l = \\|x − target\\|, with gradient 0 where they are equal.

    Parameters and errors are those of :func:`mse_loss`. Source: ``torch.nn.functional.l1_loss``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.nn.functional.l1_loss(fg.tensor([1.0, 3.0]), fg.tensor([0.0, 0.0])).item()
    2.0
    """
    return _regression("l1_loss", x, target, reduction, 0.0, weight)


def smooth_l1_loss(x: Tensor, target: Tensor, reduction: str = "mean", beta: float = 1.0) -> Tensor:
    """Squared, then absolute: with e = \\|x − target\\|, l = e² / (2β) for e < β, otherwise e − β/2.

    Parameters
    ----------
    x, target : Tensor
        As in :func:`mse_loss`.
    reduction : {"mean", "sum", "none"}
        As in :func:`mse_loss`.
    beta : float
        Where one form passes into the other, at least 0; 0 is :func:`l1_loss`.

    Returns
    -------
    Tensor
        A scalar, or for ``"none"`` the broadcast shape.

    Raises
    ------
    ValueError
        If β < 0, and as in :func:`mse_loss`.

    Notes
    -----
    Source: Girshick 2015, "Fast R-CNN"; ``torch.nn.functional.smooth_l1_loss``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.nn.functional.smooth_l1_loss(fg.tensor([0.5, 3.0]), fg.zeros(2), reduction="none").numpy()
    array([0.125, 2.5  ], dtype=float32)
    """
    beta = check_number("smooth_l1_loss", "beta", beta)
    if not beta >= 0:
        raise bad_value("smooth_l1_loss", "beta", repr(beta), "at least 0")
    return _regression("smooth_l1_loss", x, target, reduction, beta, None)


def huber_loss(
    x: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Tensor | None = None
) -> Tensor:
    """Huber's loss: with e = \\|x − target\\|, l = e²/2 for e ≤ δ, else δ (e − δ/2).

    Parameters
    ----------
    x, target, reduction, weight
        As in :func:`mse_loss`, except that the mean with weights is over the elements.
    delta : float
        Where one form passes into the other, greater than 0.

    Returns
    -------
    Tensor
        A scalar, or for ``"none"`` the broadcast shape.

    Raises
    ------
    ValueError
        If δ ≤ 0, and as in :func:`mse_loss`.

    Notes
    -----
    Source: Huber 1964, "Robust estimation of a location parameter"; ``torch.nn.functional.huber_loss``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.nn.functional.huber_loss(fg.tensor([0.5, 3.0]), fg.zeros(2), reduction="none").numpy()
    array([0.125, 2.5  ], dtype=float32)
    """
    delta = check_number("huber_loss", "delta", delta)
    if not delta > 0:
        raise bad_value("huber_loss", "delta", repr(delta), "greater than 0")
    return _regression("huber_loss", x, target, reduction, delta, weight)


def _regression(
    function: str, x: Any, target: Any, reduction: str, parameter: float, weight: Tensor | None
) -> Tensor:
    """A loss of x − target: its gradient in the target is that in x with the other sign."""
    check_reduction(function, reduction)
    x, target = as_tensor(function, "x", x), as_tensor(function, "target", target)
    if x.dtype != target.dtype or x.dtype.kind != "f":
        dtype = promote(x.dtype, target.dtype)
        if dtype.kind != "f":
            raise bad_type(function, "x", f"of dtype {x.dtype}", "float32 or float64")
        x, target = x.to(dtype), target.to(dtype)
    xd, td = x.data, target.data
    if type(xd) is not type(td):
        check_same(function, x=xd, target=td)
    if xd.shape != td.shape:
        try:
            shape = backend.xp.broadcast_shapes(xd.shape, td.shape)
        except ValueError:
            raise bad_value(
                function, "target", f"of shape {td.shape}", f"shape {xd.shape}, that of x"
            ) from None
        warnings.warn(
            f"{function}(): argument 'target' is of shape {td.shape}, x of shape {xd.shape}: broadcast",
            UserWarning,
            stacklevel=3,
        )
        xd, td = backend.xp.broadcast_to(xd, shape), backend.xp.broadcast_to(td, shape)
    if weight is not None:
        return _weighted(
            function, x, target, reduction, parameter, as_floating(function, "weight", weight), xd.shape
        )
    loss = _empty(xd.shape if reduction == "none" else (), xd.dtype, like=xd)
    recording = is_recording(x, target)
    dx = _empty(xd.shape, xd.dtype, like=xd) if recording else None
    backend.kernels.pointwise_loss(loss, dx, xd, td, None, None, function, parameter, reduction)
    if dx is None:
        return wrap(loss)
    x_shape, target_shape = x.shape, target.shape

    def rule(dy: Any, needs: tuple[bool, ...]) -> tuple[Any, ...]:
        # A view where nothing is to be computed: the kept gradient must not become somebody's own.
        gradient = dx[...] if is_one(dy) else dx * dy
        return (
            sum_to_shape(gradient, x_shape) if needs[0] else None,
            sum_to_shape(-gradient, target_shape) if needs[1] else None,
        )

    return record(loss, (x, target), rule)


def _weighted(
    function: str,
    x: Tensor,
    target: Tensor,
    reduction: str,
    parameter: float,
    weight: Tensor,
    shape: tuple[int, ...],
) -> Tensor:
    """A regression loss whose elements count differently."""
    if weight.shape != shape:
        raise bad_value(function, "weight", f"of shape {weight.shape}", f"shape {shape}, that of the loss")
    loss = _regression(function, x, target, "none", parameter, None) * weight
    if reduction == "none":
        return loss
    if reduction == "sum":
        return loss.sum()
    # As in torch, where Huber's is the one weighted loss whose mean is over the elements.
    return loss.mean() if function == "huber_loss" else loss.sum() / weight.sum()
