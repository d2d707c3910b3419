"""Matrices with a structure: identity, orthogonal, sparse."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastgrad.arrays import to_host
from fastgrad.errors import bad_value
from fastgrad.nn.functional.arguments import check_number
from fastgrad.nn.init.distributions import normal_
from fastgrad.nn.init.writing import check_matrix, fans, fill, rng
from fastgrad.tensor import Tensor

__all__ = ["eye_", "orthogonal_", "sparse_"]


def eye_(tensor: Tensor) -> Tensor:
    """The identity matrix, as far as the shape goes.

    Parameters
    ----------
    tensor : Tensor
        Two dimensions; overwritten.

    Returns
    -------
    Tensor
        `tensor`.

    Raises
    ------
    ValueError
        If the tensor has not two dimensions.

    Notes
    -----
    Source: ``torch.nn.init.eye_``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.nn.init.eye_(fg.ones(2, 3)).numpy()
    array([[1., 0., 0.],
           [0., 1., 0.]], dtype=float32)
    """
    check_matrix("eye_", tensor)
    return fill("eye_", tensor, np.eye(*tensor.data.shape))


def orthogonal_(tensor: Tensor, gain: float = 1, generator: Any = None) -> Tensor:
    """A random matrix with orthonormal rows or columns, whichever are fewer, times `gain`.

    Parameters
    ----------
    tensor : Tensor
        Shape (out, in, \\*), the dimensions after the first taken as one; overwritten.
    gain : float
        Factor.
    generator : Generator, optional
        Where the numbers come from; fastgrad's own by default.

    Returns
    -------
    Tensor
        `tensor`.

    Raises
    ------
    ValueError
        If the tensor has fewer than two dimensions.

    Notes
    -----
    Source: Saxe et al. 2013, "Exact solutions to the nonlinear dynamics of learning in deep linear neural
    networks"; ``torch.nn.init.orthogonal_``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> w = fg.nn.init.orthogonal_(fg.zeros(3, 5)).numpy()
    >>> bool(abs(w @ w.T - [[1, 0, 0], [0, 1, 0], [0, 0, 1]]).max() < 1e-6)
    True
    """
    fans("orthogonal_", tensor)
    check_number("orthogonal_", "gain", gain)
    rows = tensor.data.shape[0]
    columns = math.prod(tensor.data.shape[1:])
    gaussian = rng(generator).standard_normal((max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(gaussian)
    # The signs of r's diagonal make the distribution uniform over the orthogonal matrices.
    q *= np.sign(np.diag(r))
    return fill("orthogonal_", tensor, (gain * (q if rows >= columns else q.T)).reshape(tensor.data.shape))


def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Any = None) -> Tensor:
    """Normal numbers, with a share of every column set to zero.

    Parameters
    ----------
    tensor : Tensor
        Two dimensions; overwritten.
    sparsity : float
        The share of each column, between 0 and 1, rounded up to whole rows, chosen at random.
    std : float
        Standard deviation of the other numbers.
    generator : Generator, optional
        Where the numbers come from; fastgrad's own by default.

    Returns
    -------
    Tensor
        `tensor`.

    Raises
    ------
    ValueError
        If the tensor has not two dimensions or `sparsity` is not between 0 and 1.

    Notes
    -----
    Source: Martens 2010, "Deep learning via Hessian-free optimization"; ``torch.nn.init.sparse_``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> int((fg.nn.init.sparse_(fg.zeros(10, 3), sparsity=0.25).numpy() == 0).sum())
    9
    """
    check_matrix("sparse_", tensor)
    check_number("sparse_", "sparsity", sparsity)
    check_number("sparse_", "std", std)
    if not 0 <= sparsity <= 1:
        raise bad_value("sparse_", "sparsity", repr(sparsity), "between 0 and 1")
    normal_(tensor, 0.0, std, generator)
    rows = tensor.data.shape[0]
    order = rng(generator).permuted(np.broadcast_to(np.arange(rows)[:, None], tensor.data.shape), axis=0)
    return fill("sparse_", tensor, np.where(order < math.ceil(sparsity * rows), 0, to_host(tensor.data)))
