"""Tensors of random numbers whose distribution tensors describe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastgrad import dtypes
from fastgrad.arrays import as_array, check, to_host, whole
from fastgrad.creation import finish, size_of
from fastgrad.errors import bad_type, bad_value
from fastgrad.ops.operands import as_tensor
from fastgrad.random import Generator, numpy_generator

if TYPE_CHECKING:
    from fastgrad.tensor import Tensor

__all__ = ["bernoulli", "multinomial", "normal"]


def normal(mean: Any = 0.0, std: Any = 1.0, size: Any = None, *, generator: Generator | None = None) -> Tensor:
    """Numbers from normal distributions of the given means and standard deviations.

    Parameters
    ----------
    mean, std : Tensor or number
        Of shapes that broadcast; numbers need a `size`.
    size : tuple of int, optional
        The shape, where `mean` and `std` are numbers.
    generator : Generator, optional
        Where they come from; by default the generator that `manual_seed` sets.

    Returns
    -------
    Tensor
        Without a gradient.

    Raises
    ------
    ValueError
        If a standard deviation is negative.

    Notes
    -----
    Source: ``torch.normal``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.normal(5.0, 0.0, (2,))
    tensor([5., 5.])
    """
    m, s = as_tensor("normal", "mean", mean), as_tensor("normal", "std", std)
    md, sd = to_host(m.data), to_host(s.data)
    check(_check_std, sd)
    shape = np.broadcast_shapes(md.shape, sd.shape) if size is None else size_of("normal", (size,))
    dtype = md.dtype if md.dtype.kind == "f" else dtypes.get_default_dtype()
    drawn = numpy_generator(generator).standard_normal(shape, dtype.type)
    return finish("normal", as_array(drawn * sd + md).astype(dtype), device=s.device if m.device == "cpu" else m.device)


def bernoulli(p: Any, *, generator: Generator | None = None) -> Tensor:
    """1 with the probability that the tensor `p` says, else 0.

    Raises
    ------
    ValueError
        If a probability is not between 0 and 1.

    Notes
    -----
    Source: ``torch.bernoulli``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.bernoulli(fg.tensor([0.0, 1.0]))
    tensor([0., 1.])
    """
    p = as_tensor("bernoulli", "p", p)
    x = to_host(p.data)
    if x.dtype.kind != "f":
        raise bad_type("bernoulli", "p", f"of dtype {x.dtype}", "float32 or float64")
    check(_check_probabilities, x)
    drawn = numpy_generator(generator).random(x.shape)
    return finish("bernoulli", as_array(drawn < x).astype(x.dtype), device=p.device)


def _check_std(s: np.ndarray) -> None:
    if (s < 0).any():
        raise bad_value("normal", "std", "negative", "at least 0")


def _check_probabilities(x: np.ndarray) -> None:
    if not ((x >= 0) & (x <= 1)).all():
        raise bad_value("bernoulli", "p", "outside [0, 1]", "probabilities")


def _check_weights(x: np.ndarray) -> None:
    if not (np.isfinite(x) & (x >= 0)).all() or (x.sum(-1) <= 0).any():
        raise bad_value("multinomial", "p", "negative, not finite or all 0", "weights, some of them greater than 0")


def _pick(rows: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """The index in each row of weights that each number in [0, 1) falls on."""
    ends = np.cumsum(rows / rows.sum(-1, keepdims=True), -1)
    last = [int(np.flatnonzero(row)[-1]) for row in rows]
    picked = [np.minimum(np.searchsorted(e, d, "right"), top) for e, d, top in zip(ends, draws, last, strict=True)]
    return np.array(picked)


def multinomial(p: Any, num_samples: int, replacement: bool = False, *, generator: Generator | None = None) -> Tensor:
    """Indices drawn with probabilities proportional to `p`.

    Parameters
    ----------
    p : Tensor
        Weights of at least 0, shape (n,) or (rows, n).
    num_samples : int
        How many to draw from each row.
    replacement : bool
        Whether an index can be drawn again.
    generator : Generator, optional
        Where they come from; by default the generator that `manual_seed` sets.

    Returns
    -------
    Tensor
        int64, shape (num_samples,) or (rows, num_samples).

    Raises
    ------
    ValueError
        If weights are negative or no numbers, or fewer than `num_samples` can be drawn.

    Notes
    -----
    Without replacement the indices of the smallest E_i / p_i, with E_i from the exponential distribution,
    are taken. Source: ``torch.multinomial``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.multinomial(fg.tensor([0.0, 1.0]), 2, replacement=True)
    tensor([1, 1])
    """
    p = as_tensor("multinomial", "p", p)
    x = to_host(p.data).astype(np.float64)
    if x.ndim not in (1, 2):
        raise bad_value("multinomial", "p", f"of shape {x.shape}", "one or two dimensions")
    check(_check_weights, x)
    rng = numpy_generator(generator)
    rows = x.reshape(-1, x.shape[-1])
    if replacement:
        result = whole(_pick, rows, rng.random((len(rows), num_samples)))
    else:

        def check_count(rows: np.ndarray) -> None:
            if ((rows > 0).sum(-1) < num_samples).any():
                raise bad_value(
                    "multinomial", "num_samples", str(num_samples), "at most the number of weights that are not 0"
                )

        check(check_count, rows)
        with np.errstate(divide="ignore"):
            keys = rng.standard_exponential(rows.shape) / rows
        result = np.argsort(keys, -1)[:, :num_samples]
    result = result.astype(np.int64).reshape(*x.shape[:-1], num_samples)
    return finish("multinomial", result, device=p.device)
