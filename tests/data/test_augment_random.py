"""Augmentation is repeated by its seed; contact sheets show it."""

from __future__ import annotations

import pickle
import sys

import numpy as np
import pytest
from PIL import Image

import fastgrad as fg
from fastgrad.utils.data.augment import (
    Brightness,
    Colour,
    Compose,
    Contrast,
    Noise,
    Reflect,
    Rotate,
    Shift,
    contact_sheet,
)

STEPS = [Rotate(20), Shift(2, p=0.5), Reflect(), Contrast(0.5), Brightness(0.2, p=0.5), Noise(0.1)]
X = np.random.default_rng(0).random((300, 12, 12), dtype="f4")


def test_repeated_by_the_seed_of_the_default_generator():
    change = Compose(STEPS)
    fg.manual_seed(3)
    first, second = change(X), change(X)
    fg.manual_seed(3)
    assert np.array_equal(change(X), first)
    assert np.array_equal(change(X), second)
    assert not np.array_equal(first, second)


def test_a_generator_of_its_own():
    change = Compose(STEPS, generator=fg.Generator().manual_seed(5))
    fg.manual_seed(3)
    state = fg.get_rng_state()
    first = change(X)
    assert fg.get_rng_state() == state
    change.generator.manual_seed(5)
    assert np.array_equal(change(X), first)
    change.generator.manual_seed(6)
    assert not np.array_equal(change(X), first)


def test_the_size_of_pieces_changes_nothing(monkeypatch):
    results = []
    for piece in (1, 2**10, 2**20):
        monkeypatch.setattr("fastgrad.utils.data.augment.compose._PIECE", piece)
        results.append(Compose(STEPS, generator=fg.Generator().manual_seed(5))(X))
    assert np.array_equal(results[0], results[1])
    assert np.array_equal(results[0], results[2])


def test_pickled():
    change = Compose([*STEPS, Contrast((0.5, 2))], order=0, border="reflect", generator=fg.Generator().manual_seed(5))
    twin = pickle.loads(pickle.dumps(change))
    assert np.array_equal(twin(X), change(X))
    assert repr(twin) == repr(change)


def test_text():
    assert repr(Rotate(10)) == "Rotate(degrees=(-10.0, 10.0), p=1.0)"
    assert repr(Shift(fraction=0.1, whole=True)) == "Shift(pixels=None, fraction=(0.1, 0.1), whole=True, p=1.0)"
    text = "Compose([Noise(std=(0.1, 0.1), p=0.5)], order=1, border='nearest', fill=0, limits=(0.0, 1.0))"
    assert repr(Compose([Noise(0.1, p=0.5)], border="nearest")) == text


def cells(sheet, rows, columns, height, width, gap):
    """The pictures of a sheet, (rows, columns, height, width, …), and what is around them."""
    rest = sheet.copy()
    found = []
    for i in range(rows):
        for j in range(columns):
            y, x = gap + i * (height + gap), gap + j * (width + gap)
            found.append(sheet[y : y + height, x : x + width])
            rest[y : y + height, x : x + width] = 255
    assert (rest == 255).all()
    return np.array(found).reshape(rows, columns, *found[0].shape)


def test_contact_sheet_of_grey_pictures():
    sheet = contact_sheet(X, Reflect(p=1), rows=3, columns=4, scale=2, gap=1)
    assert sheet.dtype == np.uint8
    assert sheet.shape == (3 * 25 + 1, 4 * 25 + 1)
    pictures = cells(sheet, 3, 4, 24, 24, 1)
    large = np.rint(X[:3] * 255).repeat(2, 1).repeat(2, 2)
    assert np.array_equal(pictures[:, 0], large)
    for j in range(1, 4):
        assert np.array_equal(pictures[:, j], large[:, :, ::-1])


def test_contact_sheet_of_colours_and_its_file(tmp_path):
    x = np.random.default_rng(0).integers(0, 256, (2, 3, 5, 6)).astype("u1")
    sheet = contact_sheet(fg.tensor(x), Compose([Colour(0.5)]), columns=5, path=tmp_path / "sheet.png")
    pictures = cells(sheet, 2, 5, 5, 6, 2)
    assert pictures.shape == (2, 5, 5, 6, 3)
    assert np.array_equal(pictures[:, 0], x.transpose(0, 2, 3, 1))
    assert len(np.unique(pictures.reshape(10, -1), axis=0)) == 10
    with Image.open(tmp_path / "sheet.png") as image:
        assert np.array_equal(np.asarray(image), sheet)


def test_contact_sheet_of_values_beyond_black_and_white():
    x = np.random.default_rng(0).normal(size=(2, 1, 4, 4))
    fixed = contact_sheet(x, Compose([Brightness((0.1, 0.1))], limits=(-9, 9)), columns=2, gap=0)
    assert np.array_equal(fixed[:4, :4], np.rint((x[0, 0] + 9) * 255 / 18))
    spread = contact_sheet(x, Compose([Reflect(p=1)], limits=None), columns=2, gap=0)
    assert (spread.min(), spread.max()) == (0, 255)
    assert np.array_equal(spread[:, 4:], spread[:, 3::-1])
    flat = contact_sheet(np.full((1, 2, 2), 7.0), Compose([Reflect()], limits=None), columns=2, gap=0)
    assert np.array_equal(flat, np.zeros((2, 4)))


def test_contact_sheet_of_any_callable():
    sheet = contact_sheet(X[:1], lambda pictures: 1 - pictures, columns=2, gap=0)
    np.testing.assert_allclose(sheet[:, :12].astype(int) + sheet[:, 12:], 255, atol=1)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"pictures": [[1]]}, TypeError, "'pictures' is a list, expected an ndarray or Tensor"),
        ({"pictures": X[0]}, ValueError, r"is of shape \(12, 12\), expected shape N×H×W, N×1×H×W or N×3×H×W"),
        ({"pictures": X[None]}, ValueError, "of shape"),
        ({"pictures": X[:0]}, ValueError, "with N >= 1"),
        ({"augmentation": 3}, TypeError, "'augmentation' is a int, expected a callable"),
        ({"augmentation": lambda x: x[:, 1:]}, ValueError, r"returns an array of shape \(2700, 11, 12\), expected"),
        ({"augmentation": lambda x: None}, ValueError, "a callable that returns a NoneType"),
        ({"rows": 0}, ValueError, "'rows' is 0, expected between 1 and 300, the number of pictures"),
        ({"rows": 301}, ValueError, "'rows' is 301"),
        ({"columns": 1}, ValueError, "'columns' is 1, expected at least 2"),
        ({"columns": 2.5}, TypeError, "'columns' is 2.5, expected an integer"),
        ({"scale": 0}, ValueError, "'scale' is 0"),
        ({"gap": -1}, ValueError, "'gap' is -1"),
    ],
)
def test_bad_sheets(arguments, error, message):
    arguments = {"pictures": X, "augmentation": Reflect(), **arguments}
    with pytest.raises(error, match=rf"^contact_sheet\(\).*{message}"):
        contact_sheet(**arguments)


def test_without_pillow_or_scipy(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "PIL", None)
    monkeypatch.setitem(sys.modules, "scipy", None)
    contact_sheet(X[:1], Rotate(5))
    with pytest.raises(ImportError, match=r"contact_sheet\(\): a path needs Pillow, .* pip install pillow"):
        contact_sheet(X[:1], Rotate(5), path=tmp_path / "sheet.png")
    with pytest.raises(ImportError, match=r"order=3 needs scipy, which is not installed: pip install scipy"):
        Compose([Rotate(5)], order=3)(X)
