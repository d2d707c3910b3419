"""Xavier and Kaiming: distributions scaled by the numbers of inputs and outputs."""

from __future__ import annotations

import math
from typing import Any

from fastgrad.errors import bad_value
from fastgrad.nn.functional.arguments import check_number
from fastgrad.nn.init.distributions import normal_, uniform_
from fastgrad.nn.init.gain import calculate_gain
from fastgrad.nn.init.writing import fans
from fastgrad.tensor import Tensor

__all__ = ["kaiming_normal_", "kaiming_uniform_", "xavier_normal_", "xavier_uniform_"]


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Uniform on ±gain·√(6 / (in + out)), which keeps the variance forward and backward about the same.

    Parameters
    ----------
    tensor : Tensor
        Shape (out, in) or (out, in, \\*field); overwritten.
    gain : float
        That of the nonlinearity, see :func:`calculate_gain`.
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
    Source: Glorot and Bengio 2010, "Understanding the difficulty of training deep feedforward neural
    networks".

    Examples
    --------
    >>> import fastgrad as fg
    >>> w = fg.nn.init.xavier_uniform_(fg.zeros(2, 4))
    >>> bool(abs(w.numpy()).max() <= 1)
    True
    """
    check_number("xavier_uniform_", "gain", gain)
    bound = gain * math.sqrt(6.0 / max(1, sum(fans("xavier_uniform_", tensor))))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Normal with standard deviation gain·√(2 / (in + out)).

    Parameters, errors and source are those of :func:`xavier_uniform_`.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.nn.init.xavier_normal_(fg.zeros(2, 4)).shape
    (2, 4)
    """
    check_number("xavier_normal_", "gain", gain)
    std = gain * math.sqrt(2.0 / max(1, sum(fans("xavier_normal_", tensor))))
    return normal_(tensor, 0.0, std, generator)


def _kaiming_std(function: str, tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    if mode not in ("fan_in", "fan_out"):
        raise bad_value(function, "mode", repr(mode), "'fan_in' or 'fan_out'")
    fan = fans(function, tensor)[mode == "fan_out"]
    return calculate_gain(nonlinearity, a) / math.sqrt(max(1, fan))


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Any = None,
) -> Tensor:
    """Uniform on ±gain·√(3 / fan), which keeps the variance through rectifiers.

    Parameters
    ----------
    tensor : Tensor
        Shape (out, in) or (out, in, \\*field); overwritten.
    a : float
        Slope of leaky ReLU for negative numbers.
    mode : {"fan_in", "fan_out"}
        Whether the variance is to be kept forward (fan = in) or backward (fan = out).
    nonlinearity : str
        What the gain is calculated for, see :func:`calculate_gain`.
    generator : Generator, optional
        Where the numbers come from; fastgrad's own by default.

    Returns
    -------
    Tensor
        `tensor`.

    Raises
    ------
    ValueError
        If the tensor has fewer than two dimensions, or `mode` or `nonlinearity` is unknown.

    Notes
    -----
    Source: He et al. 2015, "Delving deep into rectifiers".

    Examples
    --------
    >>> import fastgrad as fg
    >>> w = fg.nn.init.kaiming_uniform_(fg.zeros(2, 6), nonlinearity="relu")
    >>> bool(abs(w.numpy()).max() <= 1)
    True
    """
    bound = math.sqrt(3.0) * _kaiming_std("kaiming_uniform_", tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Any = None,
) -> Tensor:
    """Normal with standard deviation gain / √fan.

    Parameters, errors and source are those of :func:`kaiming_uniform_`.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.nn.init.kaiming_normal_(fg.zeros(2, 6), mode="fan_out").shape
    (2, 6)
    """
    std = _kaiming_std("kaiming_normal_", tensor, a, mode, nonlinearity)
    return normal_(tensor, 0.0, std, generator)
