"""Augmentation: what all random changes of pictures have in common, and their arguments."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastgrad.errors import bad_value
from fastgrad.optim.arguments import check_number
from fastgrad.utils.data.augment.levels import Levels

__all__ = ["Augmentation", "Geometric", "Pointwise", "check_range"]


def check_range(
    function: str, argument: str, value: Any, least: float, most: float, middle: float = 0.0
) -> tuple[float, float]:
    """A range given as (low, high), or as how far it reaches to both sides of `middle`; within [least, most]."""
    if isinstance(value, (tuple, list)):
        if len(value) != 2:
            raise bad_value(function, argument, value, "a number or a pair (low, high)")
        low, high = (check_number(function, f"{argument}[{i}]", end) for i, end in enumerate(value))
        if low > high:
            raise bad_value(function, argument, value, "low <= high")
    else:
        reach = check_number(function, argument, value, 0.0)
        low, high = middle - reach, middle + reach
    if low < least or high > most:
        raise bad_value(function, argument, value, f"a range within [{least:g}, {most:g}]")
    return low, high


class Augmentation:
    """Base of random changes of pictures: `Geometric` and `Pointwise` ones.

    Parameters
    ----------
    p : float
        The probability with which each picture is changed.

    Attributes
    ----------
    batched : bool
        True: it is applied to whole batches of pictures, each of which is changed in its own way.

    Notes
    -----
    Called by itself it is ``Compose([augmentation])``: `Compose` says what pictures may be, and where random numbers
    come from.
    """

    batched = True

    def __init__(self, p: float = 1.0) -> None:
        self.p = check_number(type(self).__name__, "p", p, 0.0)
        if self.p > 1.0:
            raise bad_value(type(self).__name__, "p", p, "a probability, at most 1")

    def _chosen(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Which of `n` pictures are to be changed."""
        return rng.random(n) < self.p

    def __call__(self, pictures: Any) -> Any:
        from fastgrad.utils.data.augment.compose import Compose

        return Compose([self])(pictures)

    def one(self, picture: Any) -> Any:
        """Change one picture, of shape H×W or C×H×W; see `Compose.one`."""
        from fastgrad.utils.data.augment.compose import Compose

        return Compose([self]).one(picture)

    def __repr__(self) -> str:
        given = {name: value for name, value in vars(self).items() if not name.startswith("_")}
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in given.items())})"


class Geometric(Augmentation):
    """Base of what moves the points of a picture by a linear map and a shift.

    A subclass defines ``draw(rng, n, height, width)`` that returns a float64 array of shape (n, 3, 3): what each of
    `n` pictures has done to its points (y, x, 1), with y downwards, x to the right, and the origin in the middle of the
    picture.

    Examples
    --------
    >>> import numpy as np
    >>> import fastgrad as fg
    >>> class Transpose(fg.data.augment.Geometric):
    ...     def draw(self, rng, n, height, width):
    ...         return np.tile(np.eye(3)[[1, 0, 2]], (n, 1, 1))
    >>> Transpose()(np.array([[[1, 2], [3, 4]]], np.uint8))
    array([[[1, 3],
            [2, 4]]], dtype=uint8)
    """

    def draw(self, rng: np.random.Generator, n: int, height: int, width: int) -> np.ndarray:
        """Maps for `n` pictures; every subclass defines its own."""
        raise NotImplementedError(f"{type(self).__name__} does not define draw()")

    def draw_chosen(self, rng: np.random.Generator, n: int, height: int, width: int) -> np.ndarray:
        """`draw`, with the identity for pictures that are not to be changed."""
        maps = np.array(self.draw(rng, n, height, width), np.float64)
        name = f"{type(self).__name__}.draw"
        if maps.shape != (n, 3, 3):
            raise bad_value(name, "result", f"of shape {maps.shape}", f"shape {(n, 3, 3)}")
        determinants = maps[:, 0, 0] * maps[:, 1, 1] - maps[:, 0, 1] * maps[:, 1, 0]
        bad = ~(np.isfinite(maps).all((1, 2)) & (np.abs(determinants) > 1e-9) & (maps[:, 2] == (0, 0, 1)).all(1))
        if bad.any():
            i = int(bad.argmax())
            expected = "a finite, invertible map with the last row (0, 0, 1)"
            raise bad_value(name, f"result[{i}]", maps[i].tolist(), expected)
        maps[~self._chosen(rng, n)] = np.eye(3)
        return maps


class Pointwise(Augmentation):
    """Base of what changes the values of a picture, each by itself.

    A subclass defines ``draw(rng, n, channels)``, which returns random numbers of shape (n, …), and ``act(levels,
    drawn)``, which enters what they mean for some of these pictures in a `Levels`. Its ``neutral`` is the number that
    changes nothing.
    """

    neutral: float = math.nan

    def draw(self, rng: np.random.Generator, n: int, channels: int) -> np.ndarray:
        """Random numbers for `n` pictures; every subclass defines its own."""
        raise NotImplementedError(f"{type(self).__name__} does not define draw()")

    def act(self, levels: Levels, drawn: np.ndarray) -> None:
        """Enter what the random numbers mean; every subclass defines its own."""
        raise NotImplementedError(f"{type(self).__name__} does not define act()")

    def draw_chosen(self, rng: np.random.Generator, n: int, channels: int) -> np.ndarray:
        """`draw`, with neutral numbers for pictures that are not to be changed."""
        drawn = np.array(self.draw(rng, n, channels), np.float64)
        drawn[~self._chosen(rng, n)] = self.neutral
        return drawn
