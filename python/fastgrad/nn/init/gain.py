"""How much a nonlinearity shrinks what passes through it."""

from __future__ import annotations

import math

from fastgrad.errors import bad_value

__all__ = ["calculate_gain"]

_LINEAR_LIKE = ("linear", "conv1d", "conv2d", "conv3d", "sigmoid")


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """Factor that keeps the variance through a nonlinearity.

    Parameters
    ----------
    nonlinearity : str
        ``"linear"``, ``"sigmoid"`` (1), ``"tanh"`` (5/3), ``"relu"`` (√2), ``"leaky_relu"``
        (√(2 / (1 + slope²))), ``"selu"`` (3/4).
    param : float, optional
        The slope of ``"leaky_relu"``; 0.01 by default.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        For another name or a slope that is no number.

    Notes
    -----
    Source: He et al. 2015, "Delving deep into rectifiers"; ``torch.nn.init.calculate_gain``.

    Examples
    --------
    >>> calculate_gain("leaky_relu", 0.2) == (2 / (1 + 0.2**2)) ** 0.5
    True
    """
    if nonlinearity in _LINEAR_LIKE:
        return 1.0
    if nonlinearity == "tanh":
        return 5.0 / 3
    if nonlinearity == "relu":
        return math.sqrt(2.0)
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, (int, float)):
            raise bad_value("calculate_gain", "param", repr(param), "a number, the negative slope")
        return math.sqrt(2.0 / (1 + slope**2))
    if nonlinearity == "selu":
        return 0.75
    raise bad_value(
        "calculate_gain",
        "nonlinearity",
        repr(nonlinearity),
        "linear, sigmoid, tanh, relu, leaky_relu or selu",
    )
