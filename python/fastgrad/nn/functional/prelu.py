"""PReLU: a leaky ReLU whose slope is learned."""

from __future__ import annotations

import math
from typing import Any

from fastgrad import backend
from fastgrad.autograd.graph import is_recording, record, wrap
from fastgrad.devices import check_same
from fastgrad.errors import bad_type, bad_value
from fastgrad.nn.functional.arguments import as_floating
from fastgrad.tensor import Tensor

__all__ = ["prelu"]

_empty = backend.xp.empty


def prelu(x: Tensor, weight: Tensor) -> Tensor:
    """Leaky ReLU with learned slopes: y = x for x > 0, else weight · x.

    Parameters
    ----------
    x : Tensor
        Any shape; dimension 1 holds the channels (where there is none, there is one channel).
    weight : Tensor
        Shape (1,) or (channels,), or a scalar.

    Returns
    -------
    Tensor
        The shape of `x`.

    Raises
    ------
    ValueError
        If the number of slopes fits neither.
    TypeError
        If the dtypes are not both float32 or both float64.

    Notes
    -----
    Source: He et al. 2015, "Delving deep into rectifiers"; ``torch.nn.functional.prelu``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.nn.functional.prelu(fg.tensor([[-2.0, -2.0]]), fg.tensor([0.5, 0.25])).numpy()
    array([[-1. , -0.5]], dtype=float32)
    """
    x, weight = as_floating("prelu", "x", x), as_floating("prelu", "weight", weight)
    xd, wd = x.data, weight.data
    if type(xd) is not type(wd):
        check_same("prelu", x=xd, weight=wd)
    if wd.dtype != xd.dtype:
        raise bad_type("prelu", "weight", f"of dtype {wd.dtype}", f"{xd.dtype}, the dtype of x")
    channels = xd.shape[1] if xd.ndim > 1 else 1
    if wd.ndim > 1 or wd.size not in (1, channels):
        raise bad_value("prelu", "weight", f"of shape {wd.shape}", f"shape (1,) or ({channels},)")
    slopes = wd.reshape(wd.size)
    folded = (1, 1, xd.size) if wd.size == 1 else (xd.shape[0], channels, math.prod(xd.shape[2:]))
    flat = xd.reshape(folded)
    y = _empty(folded, xd.dtype, like=xd)
    backend.kernels.prelu_forward(y, flat, slopes)
    result = y.reshape(xd.shape)
    if not is_recording(x, weight):
        return wrap(result)

    def rule(dy: Any, needs: tuple[bool, ...]) -> tuple[Any, ...]:
        dx = _empty(folded, xd.dtype, like=dy) if needs[0] else None
        da = _empty(slopes.shape, xd.dtype, like=dy) if needs[1] else None
        backend.kernels.prelu_backward(dx, da, dy.reshape(folded), flat, slopes)
        return (
            None if dx is None else dx.reshape(xd.shape),
            None if da is None else da.reshape(wd.shape),
        )

    return record(result, (x, weight), rule, saved=(x, weight))
