"""Comparison of gradients with differences of function values."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fastgrad.arrays import beside, is_writable, to_host
from fastgrad.autograd.backward import grad
from fastgrad.autograd.graph import Value, wrap
from fastgrad.errors import bad_type, bad_value

__all__ = ["GradcheckError", "gradcheck"]

Array = np.ndarray


class GradcheckError(RuntimeError):
    """The gradients that a function gives are not those of its values."""


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    fast_mode: bool = False,
) -> bool:
    r"""Whether the gradients of `func` agree with its central differences.

    For every differentiable input x and output y the matrix J = ∂y/∂x that backward gives is compared,
    element by element, with N = (y(x + eps) − y(x − eps)) / (2 eps): right is \|J − N\| ≤ atol + rtol ·
    \|N\|.

    Parameters
    ----------
    func : callable
        Takes the inputs and returns a Tensor or a tuple of Tensors.
    inputs : Tensor or tuple
        Its arguments. Those Tensors that require a gradient are checked; they should be float64.
    eps : float
        Half the difference between two values of an input.
    atol, rtol : float
        Absolute and relative tolerance.
    raise_exception : bool
        Whether to raise, or else to return False, if the gradients differ.
    nondet_tol : float
        How much two backward passes over the same values may differ.
    check_undefined_grad : bool
        Also let the gradient of each output arrive alone, where there are several.
    check_grad_dtypes : bool
        Also require that gradients have the dtype of their inputs.
    fast_mode : bool
        Compare vᵀJu for random unit vectors u and v only: a few evaluations instead of two for every element.

    Returns
    -------
    bool

    Raises
    ------
    GradcheckError
        If the gradients differ.
    ValueError
        If no input requires a gradient, or one has elements that share memory.
    TypeError
        If `func` does not return Tensors.

    Notes
    -----
    Source: ``torch.autograd.gradcheck``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> x = fg.randn(3, dtype=fg.float64, requires_grad=True)
    >>> fg.autograd.gradcheck(lambda x: (x * x).sum(), x)
    True
    """
    args: tuple[Any, ...] = (inputs,) if isinstance(inputs, Value) else tuple(inputs)
    checked = [x for x in args if isinstance(x, Value) and x.node is not None]
    _check_inputs(checked)
    try:
        outputs = _outputs(func, args)
        differentiable = [i for i, y in enumerate(outputs) if y.node is not None]
        compare = _fast if fast_mode else _full
        compare(func, args, checked, outputs, differentiable, eps, atol, rtol)
        _check_backward(func, args, checked, differentiable, nondet_tol, check_grad_dtypes, check_undefined_grad)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def _check_inputs(checked: Sequence[Any]) -> None:
    if not checked:
        raise bad_value(
            "gradcheck",
            "inputs",
            "without any that requires a gradient",
            "at least one with requires_grad=True",
        )
    for i, x in enumerate(checked):
        if x.data.dtype != np.float64:
            warnings.warn(
                f"gradcheck(): input {i} is {x.data.dtype}; differences need float64 to be exact enough",
                stacklevel=3,
            )
        if not is_writable(x.data):
            raise bad_value("gradcheck", f"inputs[{i}]", "read-only memory", "memory that can be written")
        if any(s == 0 and n > 1 for s, n in zip(x.data.strides, x.data.shape, strict=True)):
            raise bad_value(
                "gradcheck", f"inputs[{i}]", f"of strides {x.data.strides}", "one place in memory per element"
            )


def _outputs(func: Callable[..., Any], args: tuple[Any, ...]) -> list[Any]:
    result = func(*args)
    outputs = list(result) if isinstance(result, (tuple, list)) else [result]
    for y in outputs:
        if not isinstance(y, Value):
            raise bad_type("gradcheck", "func", f"returning a {type(y).__name__}", "a function that returns Tensors")
    return [y for y in outputs if y.data.dtype.kind == "f"]


def _values(func: Callable[..., Any], args: tuple[Any, ...]) -> list[Array]:
    return [np.array(to_host(y.data), np.float64) for y in _outputs(func, args)]


def _difference(
    func: Callable[..., Any], args: tuple[Any, ...], x: Any, step: Array | float, at: Any, eps: float
) -> list[Array]:
    """Central difference of all outputs for a step of ``x[at]``."""
    xd = x.data
    before = to_host(xd[at].copy())
    try:
        xd[at] = beside(xd, before + np.asarray(step) * eps)
        upper = _values(func, args)
        xd[at] = beside(xd, before - np.asarray(step) * eps)
        lower = _values(func, args)
    finally:
        xd[at] = beside(xd, before)
    with np.errstate(invalid="ignore"):
        return [(u - low) / (2 * eps) for u, low in zip(upper, lower, strict=True)]


def _grads(y: Any, checked: Sequence[Any], dy: Array) -> list[Array]:
    found = grad(y, checked, wrap(beside(y.data, dy)), retain_graph=True, allow_unused=True)
    return [np.zeros(x.data.shape) if g is None else to_host(g.data) for x, g in zip(checked, found, strict=True)]


def _report(analytical: Any, numerical: Any, out: int, inp: int, note: str = "") -> GradcheckError:
    return GradcheckError(
        f"Jacobian mismatch for output {out} with respect to input {inp},{note}\n"
        f"numerical:\n{np.asarray(numerical)}\nanalytical:\n{np.asarray(analytical)}"
    )


def _full(
    func: Any,
    args: Any,
    checked: Sequence[Any],
    outputs: list[Any],
    differentiable: list[int],
    eps: float,
    atol: float,
    rtol: float,
) -> None:
    """Compare the whole matrices."""
    for inp, x in enumerate(checked):
        columns = [_difference(func, args, x, 1.0, at, eps) for at in np.ndindex(x.data.shape)]
        for out, y in enumerate(outputs):
            numerical = np.array([column[out].reshape(-1) for column in columns]).reshape(x.data.size, y.data.size)
            analytical = np.zeros_like(numerical)
            if out in differentiable:
                for k, at in enumerate(np.ndindex(y.data.shape)):
                    dy = np.zeros(y.data.shape, y.data.dtype)
                    dy[at] = 1
                    analytical[:, k] = _grads(y, [x], dy)[0].reshape(-1)
            if not np.allclose(analytical, numerical, rtol, atol):
                raise _report(analytical, numerical, out, inp)


def _unit(rng: np.random.Generator, x: Array) -> Array:
    """A random direction whose elements are all positive, so that its sum tells how errors add up "
    "along it."""
    u = rng.random(x.shape) + 1e-3
    return np.asarray(u / np.sqrt((u * u).sum())) if u.size else u


def _fast(
    func: Any,
    args: Any,
    checked: Sequence[Any],
    outputs: list[Any],
    differentiable: list[int],
    eps: float,
    atol: float,
    rtol: float,
) -> None:
    """Compare one number per matrix. The tolerance of an element becomes that of a sum over all elements."""
    rng = np.random.default_rng(0)
    us = [_unit(rng, x.data) for x in checked]
    vs = [_unit(rng, y.data) for y in outputs]
    numerical = [_difference(func, args, x, u, ..., eps) for x, u in zip(checked, us, strict=True)]
    for out, (y, v) in enumerate(zip(outputs, vs, strict=True)):
        grads = (
            _grads(y, checked, v.astype(y.data.dtype))
            if out in differentiable
            else [np.zeros(x.data.shape) for x in checked]
        )
        for inp, (u, g) in enumerate(zip(us, grads, strict=True)):
            a, n = float((g * u).sum()), float((numerical[inp][out] * v).sum())
            if not np.allclose(a, n, rtol, atol * u.sum() * v.sum()):
                raise _report(
                    a,
                    n,
                    out,
                    inp,
                    " in a random direction (fast_mode=True; without it the matrices are shown),",
                )


def _check_backward(
    func: Any,
    args: Any,
    checked: Sequence[Any],
    differentiable: list[int],
    nondet_tol: float,
    dtypes: bool,
    alone: bool,
) -> None:
    """Two passes agree;

    gradients have their inputs' shapes (and dtypes); a pass from each output alone succeeds.
    """
    if not differentiable:
        return
    outputs = _outputs(func, args)
    dys = [wrap(np.ones_like(outputs[i].data)) for i in differentiable]
    roots = [outputs[i] for i in differentiable]
    first = grad(roots, checked, dys, retain_graph=True, allow_unused=True)
    second = grad(roots, checked, dys, retain_graph=True, allow_unused=True)
    for inp, (x, a, b) in enumerate(zip(checked, first, second, strict=True)):
        if a is None or b is None:
            continue
        if not np.allclose(to_host(a.data), to_host(b.data), 0, nondet_tol, equal_nan=True):
            raise GradcheckError(f"Backward is not reentrant: two passes give different gradients of input {inp}")
        if a.data.shape != x.data.shape:
            raise GradcheckError(f"the gradient of input {inp} has shape {a.data.shape}, expected {x.data.shape}")
        if dtypes and a.data.dtype != x.data.dtype:
            raise GradcheckError(f"the gradient of input {inp} is {a.data.dtype}, expected {x.data.dtype}")
    if alone and len(roots) > 1:
        for y, dy in zip(roots, dys, strict=True):
            grad(y, checked, dy, retain_graph=True, allow_unused=True)
