"""Affine maps: linear (with a fused activation) and bilinear."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from fastgrad import backend
from fastgrad.autograd.graph import is_recording, named, record, wrap
from fastgrad.autograd.mode import state
from fastgrad.devices import check_same
from fastgrad.errors import bad_type, bad_value
from fastgrad.nn.functional.activation import resolve
from fastgrad.nn.functional.arguments import as_floating
from fastgrad.tensor import Tensor

if TYPE_CHECKING:
    from fastgrad._cpu import Activation

__all__ = ["bilinear", "linear"]

_Activation = backend.kernels.Activation


def linear(
    x: Tensor, w: Tensor, b: Tensor | None = None, activation: str | Activation | None = None
) -> Tensor:
    """Affine map and activation in one pass: y = f(x wᵀ + b).

    Parameters
    ----------
    x : Tensor
        Shape (\\*, in_features), with any number of leading dimensions.
    w : Tensor
        Shape (out_features, in_features) in any memory order, or (in_features,) for one output without a
        dimension of its own.
    b : Tensor, optional
        Shape (out_features,).
    activation : str or Activation, optional
        Name of an activation with its default parameters, or one with its own; none by default.

    Returns
    -------
    Tensor
        Shape (\\*, out_features).

    Raises
    ------
    ValueError
        If shapes do not fit each other or the name is unknown.
    TypeError
        If the dtypes are not all float32 or all float64.

    Notes
    -----
    Source: ``torch.nn.functional.linear``; the activation is fastgrad's.

    Examples
    --------
    >>> import fastgrad as fg
    >>> x, w, b = fg.tensor([[1.0, 2.0]]), fg.tensor([[3.0, 4.0], [-1.0, 0.0]]), fg.tensor([0.5, 0.0])
    >>> fg.nn.functional.linear(x, w, b, activation="relu").numpy()
    array([[11.5,  0. ]], dtype=float32)
    """
    if activation is not None and type(activation) is not _Activation:
        activation = resolve(activation)
    precision = state.precision
    try:
        xd, wd = x.data, w.data
        shape = None
        if xd.ndim != 2:
            shape = xd.shape
            if not shape or shape[-1] != wd.shape[1]:
                raise ValueError
            xd = xd.reshape(math.prod(shape[:-1]), shape[-1])
        if b is None:
            bd = None
            parents: tuple[Tensor, ...] = (x, w)
            recording = is_recording(x, w)
        else:
            bd = b.data
            parents = (x, w, b)
            recording = is_recording(x, w, b)
        y, saved = backend.kernels.make_linear_forward(xd, wd, bd, activation, recording, precision)
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        return _linear_other(x, w, b, activation, error)
    result = y if shape is None else y.reshape(*shape[:-1], y.shape[1])
    if not recording:
        return wrap(result)
    needs_dx, needs_dw = x.node is not None, w.node is not None
    # dx reads w, dw reads x; what nobody will read may change before backward.
    reads = ((x, w) if needs_dw else (w,)) if needs_dx else (x,) if needs_dw else ()
    constants = (saved, xd if needs_dw else None, wd, bd, activation, precision, shape)
    return record(result, parents, _linear_rule, reads, saved is y, constants)


@named("linear")
def _linear_rule(
    dy: Any,
    needs: tuple[bool, ...],
    saved: Any,
    x: Any,
    w: Any,
    b: Any,
    activation: Any,
    precision: Any,
    shape: tuple[int, ...] | None,
) -> Any:
    """The gradients of x, of `shape` unless that is None for two dimensions, of w, and of b if there is one."""
    if shape is None:
        return backend.kernels.make_linear_backward(needs, dy, saved, x, w, b, activation, precision)
    dy = dy.reshape(math.prod(shape[:-1]), dy.shape[-1])
    dx, *others = backend.kernels.make_linear_backward(needs, dy, saved, x, w, b, activation, precision)
    return (None if dx is None else dx.reshape(shape), *others)


def _linear_other(x: Any, w: Any, b: Any, activation: Activation | None, error: Exception) -> Tensor:
    """The arguments that the straight path does not take, with `error`: no tensors, a vector of weights, wrong ones."""
    tensors = isinstance(x, Tensor) and isinstance(w, Tensor) and (b is None or isinstance(b, Tensor))
    x, w = as_floating("linear", "x", x), as_floating("linear", "w", w)
    b = None if b is None else as_floating("linear", "b", b)
    if w.data.ndim == 2 and not tensors:
        return linear(x, w, b, activation)
    if w.data.ndim != 1 or (b is not None and b.shape != ()):
        raise _linear_error(x, w, b, error) from None
    return linear(x, w.reshape(1, -1), None if b is None else b.reshape(1), activation).squeeze(-1)


def _linear_error(x: Tensor, w: Tensor, b: Tensor | None, error: Exception) -> Exception:
    """What is wrong with the arguments of ``linear``; `error` if it is nothing about shapes or dtypes."""
    named = [("x", x), ("w", w)] if b is None else [("x", x), ("w", w), ("b", b)]
    check_same("linear", **{name: tensor.data for name, tensor in named})
    for name, tensor in named:
        as_floating("linear", name, tensor)
        if tensor.dtype != x.dtype:
            return bad_type("linear", name, f"of dtype {tensor.dtype}", f"{x.dtype}, the dtype of x")
    if len(w.shape) not in (1, 2):
        return bad_value("linear", "w", f"of shape {w.shape}", "shape (out_features, in_features)")
    if not x.shape or x.shape[-1] != w.shape[-1]:
        return bad_value(
            "linear", "x", f"of shape {x.shape}", f"shape (*, {w.shape[-1]}) for w of shape {w.shape}"
        )
    if b is not None and b.shape != w.shape[:-1]:
        return bad_value(
            "linear", "b", f"of shape {b.shape}", f"shape {w.shape[:-1]} for w of shape {w.shape}"
        )
    return error


def bilinear(x1: Tensor, x2: Tensor, w: Tensor, b: Tensor | None = None) -> Tensor:
    """Bilinear form per output: y_o = Σ_ij x1_i w_oij x2_j + b_o.

    Parameters
    ----------
    x1 : Tensor
        Shape (\\*, in1_features).
    x2 : Tensor
        Shape (\\*, in2_features), with the leading dimensions of `x1`.
    w : Tensor
        Shape (out_features, in1_features, in2_features).
    b : Tensor, optional
        Shape (out_features,).

    Returns
    -------
    Tensor
        Shape (\\*, out_features).

    Raises
    ------
    ValueError
        If shapes do not fit each other.
    TypeError
        If the dtypes are not all float32 or all float64.

    Notes
    -----
    Source: ``torch.nn.functional.bilinear``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> x = fg.tensor([[1.0, 2.0]])
    >>> fg.nn.functional.bilinear(x, x, fg.ones(1, 2, 2)).numpy()
    array([[9.]], dtype=float32)
    """
    x1, x2 = as_floating("bilinear", "x1", x1), as_floating("bilinear", "x2", x2)
    w = as_floating("bilinear", "w", w)
    if len(w.shape) != 3:
        raise bad_value(
            "bilinear", "w", f"of shape {w.shape}", "shape (out_features, in1_features, in2_features)"
        )
    out_features, in1, in2 = w.shape
    if not x1.shape or x1.shape[-1] != in1:
        raise bad_value(
            "bilinear", "x1", f"of shape {x1.shape}", f"shape (*, {in1}) for w of shape {w.shape}"
        )
    if x2.shape != (*x1.shape[:-1], in2):
        raise bad_value("bilinear", "x2", f"of shape {x2.shape}", f"shape {(*x1.shape[:-1], in2)}")
    if b is not None and b.shape != (out_features,):
        raise bad_value("bilinear", "b", f"of shape {b.shape}", f"shape ({out_features},)")
    products = x1.unsqueeze(-1) * x2.unsqueeze(-2)
    return linear(products.reshape(*x1.shape[:-1], in1 * in2), w.reshape(out_features, in1 * in2), b)
