"""Rotations, reflections, shifts, zooms and shears."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastgrad.errors import bad_type, bad_value
from fastgrad.ops.operands import check_flag
from fastgrad.optim.arguments import check_number
from fastgrad.utils.data.augment.base import Geometric, check_range

__all__ = ["Reflect", "Rotate", "Shear", "Shift", "Zoom"]


def _identities(n: int) -> np.ndarray:
    return np.tile(np.eye(3), (n, 1, 1))


def _check_axis(function: str, axis: Any) -> str:
    if axis not in ("horizontal", "vertical"):
        raise bad_value(function, "axis", repr(axis), "'horizontal' or 'vertical'")
    return str(axis)


class Rotate(Geometric):
    """Rotate pictures about their middle.

    Parameters
    ----------
    degrees : float or pair of float
        The range of angles: (low, high), or up to so many degrees to either side. Positive is counter-clockwise.
    p : float
        The probability with which each picture is changed.

    Raises
    ------
    ValueError
        If angles are beyond ±180 degrees, or `p` is no probability.

    Examples
    --------
    >>> import numpy as np
    >>> import fastgrad as fg
    >>> fg.data.augment.Rotate((90, 90))(np.array([[[1, 2], [3, 4]]], np.uint8))
    array([[[2, 4],
            [1, 3]]], dtype=uint8)
    """

    def __init__(self, degrees: float | tuple[float, float], p: float = 1.0) -> None:
        self.degrees = check_range("Rotate", "degrees", degrees, -180.0, 180.0)
        super().__init__(p)

    def draw(self, rng: np.random.Generator, n: int, height: int, width: int) -> np.ndarray:
        """One rotation for each picture."""
        angle = np.deg2rad(rng.uniform(*self.degrees, n))
        maps = _identities(n)
        maps[:, 0, 0] = maps[:, 1, 1] = np.cos(angle)
        maps[:, 1, 0] = np.sin(angle)
        maps[:, 0, 1] = -np.sin(angle)
        return maps


class Reflect(Geometric):
    """Mirror pictures: left and right change places, or top and bottom.

    Parameters
    ----------
    axis : str
        ``"horizontal"`` (left and right change places) or ``"vertical"``.
    p : float
        The probability with which each picture is changed.

    Raises
    ------
    ValueError
        If `axis` is another name, or `p` is no probability.

    Examples
    --------
    >>> import numpy as np
    >>> import fastgrad as fg
    >>> fg.data.augment.Reflect(p=1)(np.array([[[1, 2], [3, 4]]], np.uint8))
    array([[[2, 1],
            [4, 3]]], dtype=uint8)
    """

    def __init__(self, axis: str = "horizontal", p: float = 0.5) -> None:
        self.axis = _check_axis("Reflect", axis)
        super().__init__(p)

    def draw(self, rng: np.random.Generator, n: int, height: int, width: int) -> np.ndarray:
        """One reflection for each picture."""
        maps = _identities(n)
        k = int(self.axis == "horizontal")
        maps[:, k, k] = -1.0
        return maps


class Shift(Geometric):
    """Shift pictures up or down, and left or right.

    Parameters
    ----------
    pixels : float or pair of float, optional
        How far at most, vertically and horizontally, or both alike.
    fraction : float or pair of float, optional
        The same in parts of the height and of the width. One of the two is given.
    whole : bool
        Whether shifts are by whole pixels, which keeps pictures sharp.
    p : float
        The probability with which each picture is changed.

    Raises
    ------
    TypeError
        If both or none of `pixels` and `fraction` are given, or something is no number.
    ValueError
        If a distance is negative, or `p` is no probability.

    Examples
    --------
    >>> import numpy as np
    >>> import fastgrad as fg
    >>> fg.manual_seed(0).initial_seed()
    0
    >>> fg.data.augment.Shift((0, 1), whole=True)(np.array([3 * [[1, 2, 3]]], np.uint8))
    array([[[0, 1, 2],
            [0, 1, 2],
            [0, 1, 2]]], dtype=uint8)
    """

    def __init__(
        self,
        pixels: float | tuple[float, float] | None = None,
        fraction: float | tuple[float, float] | None = None,
        whole: bool = False,
        p: float = 1.0,
    ) -> None:
        if (pixels is None) == (fraction is None):
            raise bad_type("Shift", "pixels", f"{pixels!r} and fraction {fraction!r}", "one of the two")
        name, reach = ("fraction", fraction) if pixels is None else ("pixels", pixels)
        both = reach if isinstance(reach, (tuple, list)) else (reach, reach)
        if len(both) != 2:
            raise bad_value("Shift", name, reach, "a number or a pair (vertical, horizontal)")
        vertical, horizontal = (check_number("Shift", name, end, 0.0) for end in both)
        self.pixels = None if pixels is None else (vertical, horizontal)
        self.fraction = None if fraction is None else (vertical, horizontal)
        self.whole = check_flag("Shift", "whole", whole)
        super().__init__(p)

    def draw(self, rng: np.random.Generator, n: int, height: int, width: int) -> np.ndarray:
        """One shift for each picture."""
        reach = np.array(self.pixels) if self.fraction is None else np.multiply(self.fraction, (height, width))
        maps = _identities(n)
        if self.whole:
            most = np.floor(reach).astype(np.int64)
            maps[:, :2, 2] = rng.integers(-most, most, (n, 2), endpoint=True)
        else:
            maps[:, :2, 2] = rng.uniform(-1.0, 1.0, (n, 2)) * reach
        return maps


class Zoom(Geometric):
    """Enlarge or reduce pictures about their middle.

    Parameters
    ----------
    factor : float or pair of float
        The range of factors: (low, high), or by how much they are below or above 1 at most. Above 1 enlarges.
    p : float
        The probability with which each picture is changed.

    Raises
    ------
    ValueError
        If factors are not between 0.01 and 100, or `p` is no probability.

    Examples
    --------
    >>> import numpy as np
    >>> import fastgrad as fg
    >>> fg.data.augment.Zoom((3, 3))(np.eye(3, dtype=np.uint8)[None] * 90)
    array([[[50, 60, 40],
            [60, 90, 60],
            [40, 60, 50]]], dtype=uint8)
    """

    def __init__(self, factor: float | tuple[float, float], p: float = 1.0) -> None:
        self.factor = check_range("Zoom", "factor", factor, 0.01, 100.0, 1.0)
        super().__init__(p)

    def draw(self, rng: np.random.Generator, n: int, height: int, width: int) -> np.ndarray:
        """One factor for each picture."""
        maps = _identities(n)
        maps[:, 0, 0] = maps[:, 1, 1] = rng.uniform(*self.factor, n)
        return maps


class Shear(Geometric):
    """Slant pictures: rows are moved sideways in proportion to their height, or columns up and down.

    Parameters
    ----------
    degrees : float or pair of float
        The range of angles by which upright lines (or level ones) are slanted: (low, high), or up to so many degrees to
        either side. Positive slants upright lines to the right, like italics, and level ones upwards.
    axis : str
        ``"horizontal"`` or ``"vertical"``: along which points move.
    p : float
        The probability with which each picture is changed.

    Raises
    ------
    ValueError
        If angles are beyond ±80 degrees, `axis` is another name, or `p` is no probability.

    Examples
    --------
    >>> import numpy as np
    >>> import fastgrad as fg
    >>> line = np.zeros((1, 3, 3), np.uint8)
    >>> line[:, :, 1] = 1
    >>> fg.data.augment.Shear((45, 45))(line)
    array([[[0, 0, 1],
            [0, 1, 0],
            [1, 0, 0]]], dtype=uint8)
    """

    def __init__(self, degrees: float | tuple[float, float], axis: str = "horizontal", p: float = 1.0) -> None:
        self.degrees = check_range("Shear", "degrees", degrees, -80.0, 80.0)
        self.axis = _check_axis("Shear", axis)
        super().__init__(p)

    def draw(self, rng: np.random.Generator, n: int, height: int, width: int) -> np.ndarray:
        """One shear for each picture."""
        slant = -np.tan(np.deg2rad(rng.uniform(*self.degrees, n)))
        maps = _identities(n)
        if self.axis == "horizontal":
            maps[:, 1, 0] = slant
        else:
            maps[:, 0, 1] = slant
        return maps
