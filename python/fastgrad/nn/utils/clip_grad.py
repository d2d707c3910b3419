"""Limits on the size of gradients, applied in place after ``backward``."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from fastgrad.arrays import as_array, beside, clip_into, is_on_device, is_traced, is_writable
from fastgrad.autograd.mode import state
from fastgrad.errors import bad_type, bad_value
from fastgrad.nn.functional.arguments import check_nonnegative
from fastgrad.tensor import Tensor

__all__ = ["clip_grad_norm_", "clip_grad_value_"]


def _gradients(function: str, parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    tensors = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    for tensor in tensors:
        if not isinstance(tensor, Tensor):
            raise bad_type(function, "parameters", f"an iterable with a {type(tensor).__name__}", "Tensors")
    grads = [grad for tensor in tensors if (grad := tensor.grad) is not None]
    if not all(is_writable(grad.data) for grad in grads):
        raise bad_value(
            function, "parameters", "a parameter with a read-only gradient", "one that can be written"
        )
    return grads


def _norm(g: Any, norm_type: float) -> Any:
    return np.linalg.norm(g.ravel(order="A" if is_on_device(g) else "K"), norm_type)


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
) -> Tensor:
    """Scale the gradients so that the norm of all together is at most `max_norm`.

    Parameters
    ----------
    parameters : Tensor or iterable of Tensor
        Those without a gradient are left out.
    max_norm : float
        The limit. Every gradient is multiplied by min(1, max_norm / (norm + 1e-6)).
    norm_type : float
        The p of the norm; ``inf`` for the largest absolute value.
    error_if_nonfinite : bool
        Whether a norm that is NaN or infinite is an error.

    Returns
    -------
    Tensor
        The norm before clipping, a scalar.

    Raises
    ------
    RuntimeError
        If the norm is not finite and that is to be an error; nothing was scaled.
    TypeError
        If something is not a Tensor, or `max_norm` or `norm_type` not a number.
    ValueError
        If `max_norm` or `norm_type` is negative or NaN.

    Notes
    -----
    Source: Pascanu et al. 2013, "On the difficulty of training recurrent neural networks";
    ``torch.nn.utils.clip_grad_norm_``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> x = fg.tensor([3.0, 4.0], requires_grad=True)
    >>> (x * x.detach()).sum().backward()
    >>> fg.nn.utils.clip_grad_norm_([x], max_norm=1.0).item()
    5.0
    >>> x.grad.numpy().round(3)
    array([0.6, 0.8], dtype=float32)
    """
    grads = _gradients("clip_grad_norm_", parameters)
    max_norm = check_nonnegative("clip_grad_norm_", "max_norm", max_norm)
    norm_type = check_nonnegative("clip_grad_norm_", "norm_type", norm_type)
    if not grads:
        return Tensor(np.zeros((), np.float32))
    # The order "K" keeps the memory's own: no copy of Fortran-ordered gradients.
    with np.errstate(all="ignore"):
        norms: Any = np.stack([beside(grads[0].data, _norm(grad.data, norm_type)) for grad in grads])
        total: Any = np.linalg.norm(norms, norm_type)
        factor: Any = max_norm / (total.astype(np.float64) + 1e-6)
    if error_if_nonfinite and not math.isfinite(total):
        raise RuntimeError(
            f"clip_grad_norm_(): the norm of the gradients is {total}, expected a finite one "
            "(error_if_nonfinite=False lets it pass)"
        )
    # A recorded step multiplies in any case, which costs no bit: it does the same whatever the values are. So does one
    # on a GPU, as a look at the factor would wait for it.
    if is_traced(factor) or is_on_device(factor) or not factor >= 1.0:
        factor = np.minimum(factor, 1.0)  # NaN stays
        for grad in grads:
            share = beside(grad.data, factor.astype(grad.data.dtype))
            state.quiet(np.multiply, grad.data, share, grad.data)
            grad.version.count += 1
    return Tensor(as_array(total.astype(np.result_type(*(grad.data.dtype for grad in grads)))))


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float) -> None:
    """Cut every element of the gradients off at ±`clip_value`.

    Parameters
    ----------
    parameters : Tensor or iterable of Tensor
        Those without a gradient are left out.
    clip_value : float
        The limit, at least 0.

    Raises
    ------
    ValueError
        If `clip_value` is negative.
    TypeError
        If something is not a Tensor.

    Notes
    -----
    Source: ``torch.nn.utils.clip_grad_value_``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> x = fg.tensor([3.0, -0.25], requires_grad=True)
    >>> (x * x.detach()).sum().backward()
    >>> fg.nn.utils.clip_grad_value_([x], 0.5)
    >>> x.grad.numpy()
    array([ 0.5 , -0.25], dtype=float32)
    """
    clip_value = check_nonnegative("clip_grad_value_", "clip_value", clip_value)
    for grad in _gradients("clip_grad_value_", parameters):
        clip_into(grad.data, -clip_value, clip_value)
        grad.version.count += 1
