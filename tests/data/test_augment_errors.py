"""What augmentation says to bad input."""

from __future__ import annotations

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.utils.data.augment import (
    Augmentation,
    Brightness,
    Colour,
    Compose,
    Contrast,
    Geometric,
    Noise,
    Pointwise,
    Reflect,
    Rotate,
    Shear,
    Shift,
    Zoom,
)

X = np.random.default_rng(0).random((4, 6, 6), dtype="f4")


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Rotate("10"), TypeError, r"Rotate\(\): argument 'degrees' is a str, expected a number"),
        (lambda: Rotate(-10), ValueError, "'degrees' is -10, expected a finite number >= 0"),
        (lambda: Rotate(181), ValueError, r"'degrees' is 181, expected a range within \[-180, 180\]"),
        (lambda: Rotate((10, -10)), ValueError, r"'degrees' is \(10, -10\), expected low <= high"),
        (lambda: Rotate((1, 2, 3)), ValueError, r"expected a number or a pair \(low, high\)"),
        (lambda: Rotate((0, np.nan)), ValueError, r"'degrees\[1\]' is nan"),
        (lambda: Rotate(10, p=1.5), ValueError, r"Rotate\(\): argument 'p' is 1.5, expected a probability, at most 1"),
        (lambda: Noise(0.1, p=-0.1), ValueError, r"Noise\(\): argument 'p' is -0.1, expected a finite number >= 0"),
        (lambda: Noise(0.1, p="half"), TypeError, "'p' is a str"),
        (lambda: Reflect("left"), ValueError, "'axis' is 'left', expected 'horizontal' or 'vertical'"),
        (lambda: Shift(), TypeError, "'pixels' is None and fraction None, expected one of the two"),
        (lambda: Shift(1, 0.5), TypeError, "'pixels' is 1 and fraction 0.5"),
        (lambda: Shift((1, 2, 3)), ValueError, r"'pixels' is \(1, 2, 3\), expected a number or a pair \(vertical, hor"),
        (lambda: Shift(fraction=-1), ValueError, "'fraction' is -1"),
        (lambda: Shift(1, whole="yes"), TypeError, "'whole' is a str"),
        (lambda: Zoom(1), ValueError, r"'factor' is 1, expected a range within \[0.01, 100\]"),
        (lambda: Shear(89), ValueError, r"'degrees' is 89, expected a range within \[-80, 80\]"),
        (lambda: Shear(10, "x"), ValueError, "'axis' is 'x'"),
        (lambda: Brightness(2), ValueError, r"'amount' is 2, expected a range within \[-1, 1\]"),
        (lambda: Contrast(1.5), ValueError, r"'amount' is 1.5, expected a range within \[0, 100\]"),
        (lambda: Colour((-1, 1)), ValueError, "'gain' is"),
        (lambda: Colour(saturation=2), ValueError, "'saturation' is 2"),
        (lambda: Noise(-1), ValueError, r"'std' is \(-1, -1\), expected a range within \[0, 1\]"),
        (lambda: Compose(Rotate(1)), TypeError, "'steps' is a Rotate, expected a list of augmentations"),
        (lambda: Compose([]), ValueError, "'steps' is empty"),
        (lambda: Compose([Rotate(1), np.flip]), TypeError, r"'steps\[1\]' is a \w+, expected an augmentation such as"),
        (lambda: Compose([Rotate]), TypeError, r"'steps\[0\]' is the class Rotate"),
        (lambda: Compose([Compose([Rotate(1)])]), TypeError, r"'steps\[0\]' is a Compose"),
        (lambda: Compose([Augmentation()]), TypeError, r"'steps\[0\]' is a Augmentation"),
        (lambda: Compose([Rotate(1)], order=6), ValueError, "'order' is 6, expected an integer from 0 to 5"),
        (lambda: Compose([Rotate(1)], order="linear"), ValueError, "'order' is 'linear'"),
        (lambda: Compose([Rotate(1)], border="wrap"), ValueError, "'border' is 'wrap', expected 'constant', 'nearest'"),
        (lambda: Compose([Rotate(1)], fill=None), TypeError, "'fill' is a NoneType"),
        (lambda: Compose([Rotate(1)], limits=1), ValueError, r"'limits' is 1, expected a pair \(black, white\)"),
        (lambda: Compose([Rotate(1)], limits=(1, 0)), ValueError, "expected black < white"),
        (lambda: Compose([Rotate(1)], generator=3), TypeError, "'generator' is a int, expected a Generator"),
    ],
)
def test_bad_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    ("pictures", "error", "message"),
    [
        ([[0]], TypeError, "'pictures' is a list, expected an ndarray or Tensor"),
        (X[0], ValueError, r"'pictures' is of shape \(6, 6\), expected shape N×H×W or N×C×H×W"),
        (X[None, None], ValueError, r"of shape \(1, 1, 4, 6, 6\)"),
        (X[:, :, :0], ValueError, r"of shape \(4, 6, 0\)"),
        (X.astype("i8"), TypeError, "'pictures' is of dtype int64, expected uint8, float32 or float64"),
        (X.astype("f2"), TypeError, "of dtype float16"),
        (X.astype("O"), TypeError, "of dtype object"),
        (fg.tensor(X, requires_grad=True), ValueError, r"requires a gradient, .* detach\(\) it first"),
    ],
)
def test_bad_pictures(pictures, error, message):
    with pytest.raises(error, match=rf"^Compose\(\): argument {message}" if message.startswith("'") else message):
        Rotate(10)(pictures)


def test_bad_single_pictures():
    with pytest.raises(ValueError, match=r"Compose.one\(\): .* of shape \(6,\), expected shape H×W or C×H×W"):
        Rotate(10).one(X[0, 0])
    with pytest.raises(TypeError, match=r"Compose.one\(\): argument 'picture' is a list"):
        Compose([Rotate(10)]).one([0])


@pytest.mark.parametrize("value", [1.5, -0.1, np.nan, np.inf])
def test_values_beyond_the_limits(value):
    x = X.copy()
    x[2, 3, 4] = value
    message = rf"'pictures' is {value:g} at picture 2, channel 0, row 3, column 4, expected values in \[0, 1\]; or give"
    with pytest.raises(ValueError, match=message):
        Brightness()(x)
    with pytest.raises(ValueError, match=message):
        Compose([Rotate(5)], order=3)(x)
    with pytest.raises(ValueError, match=r"'fill' is 300, expected within \[0, 255\], black and white"):
        Compose([Rotate(5)], fill=300)((X * 255).astype("u1"))


def test_colours_need_channels():
    with pytest.raises(ValueError, match=r"Colour\(\): argument 'pictures' is of 1 channel, expected shape N×C×H×W"):
        Colour()(X)
    with pytest.raises(ValueError, match=r"is of 4 channels, expected shape N×3×H×W, for the saturation"):
        Colour(saturation=0.1)(X[None])
    assert Colour(0.1)(X[None]).shape == (1, 4, 6, 6)


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (np.eye(3), r"Bad.draw\(\): argument 'result' is of shape \(3, 3\), expected shape \(4, 3, 3\)"),
        (np.zeros((4, 3, 3)), r"'result\[0\]' is .*, expected a finite, invertible map with the last row \(0, 0, 1\)"),
        (np.tile(np.ones((3, 3)), (4, 1, 1)), "invertible"),
        (np.stack([np.eye(3)] * 3 + [np.full((3, 3), np.nan)]), r"'result\[3\]' is "),
        (np.tile(np.array([[1.0, 0, 0], [0, 1, 0], [1, 0, 1]]), (4, 1, 1)), "last row"),
    ],
)
def test_bad_maps_of_ones_own(result, message):
    class Bad(Geometric):
        def draw(self, rng, n, height, width):
            return result

    with pytest.raises(ValueError, match=message):
        Bad()(X)


def test_what_a_subclass_must_define():
    class Still(Geometric):
        pass

    class Plain(Pointwise):
        pass

    class Half(Pointwise):
        def draw(self, rng, n, channels):
            return np.zeros(n)

    with pytest.raises(NotImplementedError, match=r"Still does not define draw\(\)"):
        Still()(X)
    with pytest.raises(NotImplementedError, match=r"Plain does not define draw\(\)"):
        Plain()(X)
    with pytest.raises(NotImplementedError, match=r"Half does not define act\(\)"):
        Half()(X)


def test_values_of_ones_own():
    class Negative(Pointwise):
        neutral = 0.0

        def draw(self, rng, n, channels):
            return np.ones(n)

        def act(self, levels, drawn):
            gain = (1 - 2 * drawn)[:, None, None] * np.eye(levels.offset.shape[1])
            levels.then(gain, drawn[:, None] * (2 * levels.black + levels.unit) * np.ones_like(levels.offset))

    np.testing.assert_allclose(Negative()(X), 1 - X, atol=1e-6)
    np.testing.assert_allclose(Compose([Negative(), Negative()], limits=(-1, 3))(X), X, atol=1e-6)
    assert np.array_equal(Negative()(np.array([[[0, 100]]], "u1")), [[[255, 155]]])


def test_inside_a_recorded_step():
    @fg.compile
    def step(x):
        return Rotate(10)(x)

    with pytest.raises(RuntimeError, match=r"Compose\(\): change data before the recorded step"):
        step(fg.tensor(X))
