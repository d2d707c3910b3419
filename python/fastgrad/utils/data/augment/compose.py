"""Compose: several augmentations as one resampling and one pass over the values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastgrad.autograd.graph import wrap
from fastgrad.errors import bad_type, bad_value
from fastgrad.optim.arguments import check_number
from fastgrad.random import Generator, numpy_generator
from fastgrad.tensor import Tensor
from fastgrad.utils.data.arrays import array_of
from fastgrad.utils.data.augment.base import Augmentation, Geometric, Pointwise
from fastgrad.utils.data.augment.levels import Levels
from fastgrad.utils.data.augment.resample import BORDERS, resample

__all__ = ["Compose"]

# Values of pictures that are worked on at a time: what lies between stays in the cache, and malloc keeps its memory.
_PIECE = 2**14


class Compose:
    """Augmentations one after the other, done at once.

    The maps of all geometric steps are multiplied into one per picture, in the order of the steps, and each picture is
    resampled once. Then its values are changed in one pass: by the pointwise steps, in their order, and by noise; what
    is then outside of the limits is cut off. Each picture has its own random numbers.

    Parameters
    ----------
    steps : sequence of Augmentation
        At least one.
    order : int
        Of the interpolation: 0 nearest value, 1 linear, 2 to 5 splines (by scipy).
    border : str
        What there is outside of a picture: ``"constant"``, ``"nearest"`` (the values at the edge go on) or
        ``"reflect"`` (b a | a b c | c b).
    fill : float
        The constant, in the unit of the pictures.
    limits : (float, float) or None
        Black and white of pictures of floats; of uint8 they are 0 and 255. With pointwise steps or splines, values
        outside are an error in what comes in, and are cut off in what goes out. With None black is 0, white 1, and any
        value may be there.
    generator : Generator, optional
        Where random numbers come from; else what `fastgrad.manual_seed` seeds.

    Attributes
    ----------
    batched : bool
        True: it is applied to whole batches.

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If there is no step, or an argument is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> import fastgrad as fg
    >>> from fastgrad.data.augment import Compose, Contrast, Noise, Rotate, Shift
    >>> change = Compose([Rotate(10), Shift(2), Contrast(0.2, p=0.5), Noise(0.02)])
    >>> pictures = np.random.default_rng(0).random((100, 28, 28), dtype=np.float32)
    >>> fg.manual_seed(1).initial_seed()
    1
    >>> first = change(pictures)
    >>> first.shape, first.dtype
    ((100, 28, 28), dtype('float32'))
    >>> fg.manual_seed(1).initial_seed()
    1
    >>> bool((change(pictures) == first).all())
    True
    """

    batched = True

    def __init__(
        self,
        steps: Sequence[Augmentation],
        order: int = 1,
        border: str = "constant",
        fill: float = 0.0,
        limits: tuple[float, float] | None = (0.0, 1.0),
        generator: Generator | None = None,
    ) -> None:
        if not isinstance(steps, (list, tuple)):
            raise bad_type("Compose", "steps", f"a {type(steps).__name__}", "a list of augmentations")
        if not steps:
            raise bad_value("Compose", "steps", "empty", "at least one augmentation")
        for i, step in enumerate(steps):
            if not isinstance(step, (Geometric, Pointwise)):
                given = f"the class {step.__name__}" if isinstance(step, type) else f"a {type(step).__name__}"
                raise bad_type("Compose", f"steps[{i}]", given, "an augmentation such as Rotate(10)")
        if isinstance(order, bool) or order not in range(6):
            raise bad_value("Compose", "order", repr(order), "an integer from 0 to 5")
        if border not in BORDERS:
            raise bad_value("Compose", "border", repr(border), "'constant', 'nearest' or 'reflect'")
        if generator is not None and not isinstance(generator, Generator):
            raise bad_type("Compose", "generator", f"a {type(generator).__name__}", "a Generator")
        self.steps: list[Any] = list(steps)
        self.order, self.border, self.generator = int(order), border, generator
        self.fill = check_number("Compose", "fill", fill)
        self.limits: tuple[float, float] | None = None
        if limits is not None:
            if not isinstance(limits, (tuple, list)) or len(limits) != 2:
                raise bad_value("Compose", "limits", repr(limits), "a pair (black, white) or None")
            black, white = (check_number("Compose", f"limits[{i}]", end) for i, end in enumerate(limits))
            if not black < white:
                raise bad_value("Compose", "limits", limits, "black < white")
            self.limits = black, white

    def __call__(self, pictures: Any) -> Any:
        """Change a batch of pictures.

        Parameters
        ----------
        pictures : ndarray or Tensor
            uint8, float32 or float64, of shape N×H×W or N×C×H×W.

        Returns
        -------
        ndarray or Tensor
            Of the same kind, shape and dtype; `pictures` stay as they are.

        Raises
        ------
        TypeError
            If `pictures` is something else, or of another dtype.
        ValueError
            If it is of another shape, or has values beyond the limits.
        """
        array = array_of("Compose", "pictures", pictures)
        if array.ndim not in (3, 4) or 0 in array.shape[1:]:
            raise bad_value("Compose", "pictures", f"of shape {array.shape}", "shape N×H×W or N×C×H×W")
        out = self._changed(array if array.ndim == 4 else array[:, None]).reshape(array.shape)
        return wrap(out) if isinstance(pictures, Tensor) else out

    def one(self, picture: Any) -> Any:
        """Change one picture.

        Parameters
        ----------
        picture : ndarray or Tensor
            As in a batch, but of shape H×W or C×H×W.

        Returns
        -------
        ndarray or Tensor
            Of the same kind, shape and dtype.

        Raises
        ------
        TypeError, ValueError
            As for a batch.
        """
        array = array_of("Compose.one", "picture", picture)
        if array.ndim not in (2, 3):
            raise bad_value("Compose.one", "picture", f"of shape {array.shape}", "shape H×W or C×H×W")
        out = self(array[None])[0]
        return wrap(out) if isinstance(picture, Tensor) else out

    def _changed(self, pictures: np.ndarray) -> np.ndarray:
        """The result for pictures of shape (n, channels, height, width)."""
        dtype = pictures.dtype
        if dtype not in (np.uint8, np.float32, np.float64):
            raise bad_type("Compose", "pictures", f"of dtype {dtype}", "uint8, float32 or float64")
        n, channels, height, width = pictures.shape
        limits = (0.0, 255.0) if dtype == np.uint8 else self.limits
        pointwise = any(isinstance(step, Pointwise) for step in self.steps)
        clip = limits is not None and (pointwise or self.order > 1 or dtype == np.uint8)
        if limits is not None and clip:
            self._check_values(pictures, limits)
        rng = numpy_generator(self.generator)
        maps, drawn = np.tile(np.eye(3), (n, 1, 1)), []
        for step in self.steps:
            if isinstance(step, Geometric):
                maps = step.draw_chosen(rng, n, height, width) @ maps
            else:
                drawn.append((step, step.draw_chosen(rng, n, channels)))
        work = np.dtype(np.float64 if dtype == np.float64 else np.float32)
        black, white = limits or (0.0, 1.0)
        out = np.empty_like(pictures, order="C")
        step_size = max(1, _PIECE // (channels * height * width))
        for i in range(0, n, step_size):
            piece = slice(i, i + step_size)
            y = resample(pictures[piece].astype(work, copy=False), maps[piece], self.order, self.border, self.fill)
            if pointwise:
                levels = Levels(y, black, white - black)
                for step, numbers in drawn:
                    step.act(levels, numbers[piece])
                levels.apply(rng)
            if clip:
                np.clip(y, black, white, out=y)
            out[piece] = np.rint(y) if dtype == np.uint8 else y
        return out

    def _check_values(self, pictures: np.ndarray, limits: tuple[float, float]) -> None:
        low, high = limits
        if not low <= self.fill <= high:
            raise bad_value("Compose", "fill", f"{self.fill:g}", f"within [{low:g}, {high:g}], black and white")
        if pictures.size and not (pictures.min() >= low and pictures.max() <= high):
            place = tuple(int(i) for i in np.argwhere(~((pictures >= low) & (pictures <= high)))[0])
            n, channel, row, column = place
            where = f"picture {n}, channel {channel}, row {row}, column {column}"
            expected = f"values in [{low:g}, {high:g}]; or give limits=(black, white), or None for any values"
            raise bad_value("Compose", "pictures", f"{pictures[place]:g} at {where}", expected)

    def __repr__(self) -> str:
        steps = ", ".join(map(repr, self.steps))
        outside = f"border={self.border!r}, fill={self.fill:g}"
        return f"Compose([{steps}], order={self.order}, {outside}, limits={self.limits})"
