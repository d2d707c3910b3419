"""Changes of brightness, contrast and colour, and noise."""

from __future__ import annotations

import numpy as np

from fastgrad.errors import bad_value
from fastgrad.utils.data.augment.base import Pointwise, check_range
from fastgrad.utils.data.augment.levels import Levels

__all__ = ["Brightness", "Colour", "Contrast", "Noise"]

# How bright red, green and blue are: ITU-R BT.601, as in Pillow's mode "L".
_LUMA = np.array([0.299, 0.587, 0.114])


class Brightness(Pointwise):
    """Make pictures brighter or darker: y = x + b.

    Parameters
    ----------
    amount : float or pair of float
        The range of b as part of the distance from black to white: (low, high), or up to so much either way.
    p : float
        The probability with which each picture is changed.

    Raises
    ------
    ValueError
        If amounts are beyond ±1, or `p` is no probability.

    Examples
    --------
    >>> import numpy as np
    >>> import fastgrad as fg
    >>> fg.data.augment.Brightness((0.2, 0.2))(np.array([[[0, 100, 250]]], np.uint8))
    array([[[ 51, 151, 255]]], dtype=uint8)
    """

    neutral = 0.0

    def __init__(self, amount: float | tuple[float, float] = 0.2, p: float = 1.0) -> None:
        self.amount = check_range("Brightness", "amount", amount, -1.0, 1.0)
        super().__init__(p)

    def draw(self, rng: np.random.Generator, n: int, channels: int) -> np.ndarray:
        """One b for each picture."""
        return rng.uniform(*self.amount, n)

    def act(self, levels: Levels, drawn: np.ndarray) -> None:
        """Add it to all channels."""
        levels.offset += drawn[:, None] * levels.unit


class Contrast(Pointwise):
    """Raise or lower the contrast of pictures about their mean m: y = m + f (x − m).

    Parameters
    ----------
    amount : float or pair of float
        The range of f: (low, high), or by how much it is below or above 1 at most.
    p : float
        The probability with which each picture is changed.

    Raises
    ------
    ValueError
        If factors are negative or above 100, or `p` is no probability.

    Examples
    --------
    >>> import numpy as np
    >>> import fastgrad as fg
    >>> fg.data.augment.Contrast((0.5, 0.5))(np.array([[[0, 100, 200]]], np.uint8))
    array([[[ 50, 100, 150]]], dtype=uint8)
    """

    neutral = 1.0

    def __init__(self, amount: float | tuple[float, float] = 0.2, p: float = 1.0) -> None:
        self.amount = check_range("Contrast", "amount", amount, 0.0, 100.0, 1.0)
        super().__init__(p)

    def draw(self, rng: np.random.Generator, n: int, channels: int) -> np.ndarray:
        """One f for each picture."""
        return rng.uniform(*self.amount, n)

    def act(self, levels: Levels, drawn: np.ndarray) -> None:
        """Enlarge all channels alike."""
        if (drawn == 1.0).all():
            return
        middle = levels.means().mean(1)
        levels.gain *= drawn[:, None, None]
        levels.offset = levels.offset * drawn[:, None] + ((1.0 - drawn) * middle)[:, None]


class Colour(Pointwise):
    """Change the colour of pictures with channels: the gain of each channel, then the saturation.

    With red, green and blue, y = grey + s (g x − grey), where grey is the luminance of g x.

    Parameters
    ----------
    gain : float or pair of float
        The range of the gain g, drawn for each channel: (low, high), or by how much it is below or above 1 at most.
    saturation : float or pair of float
        The range of s, in the same way; 0 leaves grey. Anything but 0 or (1, 1) needs three channels.
    p : float
        The probability with which each picture is changed.

    Raises
    ------
    ValueError
        If factors are negative or above 100, `p` is no probability, or pictures lack the channels.

    Examples
    --------
    >>> import numpy as np
    >>> import fastgrad as fg
    >>> red = np.array([[[[200]], [[100]], [[100]]]], np.uint8)
    >>> fg.data.augment.Colour(gain=0, saturation=(0, 0))(red).ravel()
    array([130, 130, 130], dtype=uint8)
    """

    neutral = 1.0

    def __init__(
        self,
        gain: float | tuple[float, float] = 0.1,
        saturation: float | tuple[float, float] = 0.0,
        p: float = 1.0,
    ) -> None:
        self.gain = check_range("Colour", "gain", gain, 0.0, 100.0, 1.0)
        self.saturation = check_range("Colour", "saturation", saturation, 0.0, 100.0, 1.0)
        super().__init__(p)

    def draw(self, rng: np.random.Generator, n: int, channels: int) -> np.ndarray:
        """One saturation and one gain for each channel, for each picture."""
        wanted = 3 if self.saturation != (1.0, 1.0) else 2
        if channels < wanted or (wanted == 3 and channels != 3):
            expected = "shape N×3×H×W, for the saturation" if wanted == 3 else "shape N×C×H×W with C >= 2"
            raise bad_value("Colour", "pictures", f"of {channels} channel{'s' * (channels > 1)}", expected)
        return np.hstack([rng.uniform(*self.saturation, (n, 1)), rng.uniform(*self.gain, (n, channels))])

    def act(self, levels: Levels, drawn: np.ndarray) -> None:
        """Scale distances from black by the gains, and those from grey by the saturation."""
        gains = drawn[:, 1:]
        change = np.einsum("ni,ij->nij", gains, np.eye(gains.shape[1]))
        offset = (1.0 - gains) * levels.black
        levels.then(change, offset)
        if gains.shape[1] == 3 and (drawn[:, 0] != 1.0).any():
            s = drawn[:, :1, None]
            levels.then(s * np.eye(3) + (1.0 - s) * _LUMA, np.zeros_like(offset))


class Noise(Pointwise):
    """Add normally distributed noise to each value by itself, after all else.

    Parameters
    ----------
    std : float or pair of float
        Its standard deviation as part of the distance from black to white: a number, or a range (low, high) from which
        each picture gets its own.
    p : float
        The probability with which each picture is changed.

    Raises
    ------
    ValueError
        If `std` is negative or above 1, or `p` is no probability.

    Examples
    --------
    >>> import numpy as np
    >>> import fastgrad as fg
    >>> noisy = fg.data.augment.Noise(0.1)(np.full((1, 100, 100), 0.5))
    >>> round(float(noisy.std()), 2)
    0.1
    """

    neutral = 0.0

    def __init__(self, std: float | tuple[float, float] = 0.05, p: float = 1.0) -> None:
        ends = std if isinstance(std, (tuple, list)) else (std, std)
        self.std = check_range("Noise", "std", ends, 0.0, 1.0)
        super().__init__(p)

    def draw(self, rng: np.random.Generator, n: int, channels: int) -> np.ndarray:
        """One standard deviation for each picture."""
        return rng.uniform(*self.std, n)

    def act(self, levels: Levels, drawn: np.ndarray) -> None:
        """Add up variances."""
        levels.noise = np.hypot(levels.noise, drawn * levels.unit)
