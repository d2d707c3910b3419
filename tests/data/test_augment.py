"""Augmentation: known maps give known pictures, and a composition is one map and one pass."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance
from scipy import ndimage

import fastgrad as fg
from fastgrad.utils.data.augment import (
    Brightness,
    Colour,
    Compose,
    Contrast,
    Geometric,
    Noise,
    Reflect,
    Rotate,
    Shear,
    Shift,
    Zoom,
)

MODES = {"constant": "grid-constant", "nearest": "nearest", "reflect": "reflect"}


class Map(Geometric):
    """A given map for all pictures."""

    def __init__(self, map_, p=1.0):
        self.map = np.array(map_, float)
        super().__init__(p)

    def draw(self, rng, n, height, width):
        return np.tile(self.map, (n, 1, 1))


def random_map(rng):
    linear = np.eye(2) + rng.uniform(-0.5, 0.5, (2, 2))
    return np.vstack([np.column_stack([linear, rng.uniform(-3, 3, 2)]), [0, 0, 1]])


def by_scipy(picture, map_, order, border, fill=0.0):
    """The same with scipy, which wants to know where each point of the result comes from, counted from a corner."""
    middle = (np.array(picture.shape) - 1) / 2
    to_corner = np.block([[np.eye(2), middle[:, None]], [0, 0, 1]])
    back = to_corner @ np.linalg.inv(map_) @ np.linalg.inv(to_corner)
    return ndimage.affine_transform(picture, back, order=order, mode=MODES[border], cval=fill)


@pytest.mark.parametrize("dtype", ["u1", "f4", "f8"])
@pytest.mark.parametrize("border", MODES)
@pytest.mark.parametrize("order", [0, 1, 3])
@pytest.mark.parametrize("shape", [(3, 9, 12), (2, 3, 10, 7), (4, 1, 1), (2, 1, 5)])
def test_resampling_agrees_with_scipy(shape, order, border, dtype):
    rng = np.random.default_rng(0)
    scale = 255 if dtype == "u1" else 1
    x = (rng.random(shape) * scale).astype(dtype)
    for _ in range(4):
        map_ = random_map(rng)
        y = Compose([Map(map_)], order=order, border=border, fill=0.4 * scale)(x)
        assert y.dtype == dtype
        planes = x.reshape(-1, *shape[-2:]).astype("f8")
        wanted = np.stack([by_scipy(plane, map_, order, border, 0.4 * scale) for plane in planes]).reshape(shape)
        if order > 1:
            wanted = wanted.clip(0, scale)
        if order == 0:  # places half-way between two values may be rounded either way
            assert (np.abs(y - wanted) > 1e-5 * scale).mean() < 0.01
        else:
            tolerance = {"u1": 0.51, "f4": 2e-5, "f8": 1e-12}[dtype]
            np.testing.assert_allclose(y.astype("f8"), wanted, rtol=0, atol=tolerance)


@pytest.mark.parametrize("size", [(6, 6), (5, 5)])
@pytest.mark.parametrize("quarters", [-1, 1, 2])
def test_quarter_turns(quarters, size):
    x = np.random.default_rng(0).integers(0, 256, (4, 3, *size)).astype("u1")
    wanted = np.rot90(x, quarters, axes=(2, 3))
    for order in (0, 1):
        assert np.array_equal(Compose([Rotate((90 * quarters,) * 2)], order=order)(x), wanted)
    y = Rotate((90 * quarters,) * 2)(x.astype("f8") / 255)
    np.testing.assert_allclose(y, wanted / 255, rtol=0, atol=1e-12)


def test_reflections_are_exact():
    x = np.random.default_rng(0).random((4, 5, 6), dtype="f4")
    assert np.array_equal(Reflect(p=1)(x), x[:, :, ::-1])
    assert np.array_equal(Reflect("vertical", p=1)(x), x[:, ::-1])
    assert np.array_equal(Compose([Reflect(p=1), Reflect("vertical", p=1)])(x), x[:, ::-1, ::-1])


@pytest.mark.parametrize(("border", "mode"), [("constant", None), ("nearest", "edge"), ("reflect", "symmetric")])
@pytest.mark.parametrize("move", [(2, 0), (-1, 3), (7, -9)])
def test_whole_shifts_are_exact(move, border, mode):
    x = np.random.default_rng(0).random((2, 5, 6), dtype="f4")
    map_ = np.eye(3)
    map_[:2, 2] = move
    y = Compose([Map(map_)], border=border, fill=0.25)(x)
    keywords = {"constant_values": 0.25} if mode is None else {}
    wide = np.pad(x, ((0, 0), (10, 10), (10, 10)), mode or "constant", **keywords)
    assert np.array_equal(y, np.roll(wide, move, (1, 2))[:, 10:-10, 10:-10])


def test_whole_shifts_are_drawn_evenly():
    x = np.zeros((2000, 7, 7), "f4")
    x[:, 3, 3] = 1
    y = Shift(pixels=(2, 1), whole=True)(x)
    assert np.array_equal(np.unique(y), [0, 1])
    places = np.argwhere(y.mean(0) > 0)
    assert [tuple(p) for p in places] == [(i, j) for i in range(1, 6) for j in range(2, 5)]
    np.testing.assert_allclose(y.mean(0)[1:6, 2:5], 1 / 15, atol=0.03)


def test_shifts_by_fractions_of_the_size():
    rng = np.random.default_rng(0)
    maps = Shift(fraction=(0.1, 0.5)).draw(rng, 1000, 20, 10)
    reach = np.abs(maps[:, :2, 2]).max(0)
    assert (reach <= [2, 5]).all()
    np.testing.assert_allclose(reach, [2, 5], rtol=0.05)
    whole = Shift(fraction=0.1, whole=True).draw(rng, 1000, 20, 19)
    assert set(whole[:, 0, 2]) == {-2, -1, 0, 1, 2}
    assert set(whole[:, 1, 2]) == {-1, 0, 1}


def test_zoom_about_the_middle():
    x = np.random.default_rng(0).random((3, 8, 8))
    np.testing.assert_allclose(Zoom((0.5, 0.5))(x)[:, 2:6, 2:6], x.reshape(3, 4, 2, 4, 2).mean((2, 4)), atol=1e-12)
    assert np.array_equal(Zoom((0.5, 0.5))(x)[:, 0], np.zeros((3, 8)))


def test_shear_slants():
    x = np.zeros((1, 5, 5), "u1")
    x[:, :, 2] = 9
    assert np.array_equal(Shear((45, 45))(x)[0], 9 * np.eye(5, dtype="u1")[::-1])
    assert np.array_equal(Shear((45, 45), "vertical")(x.swapaxes(1, 2))[0], 9 * np.eye(5, dtype="u1")[::-1])


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_a_composition_is_the_one_map_of_its_product(seed):
    rng = np.random.default_rng(seed)
    x = rng.random((2, 9, 8))
    maps = [random_map(rng) for _ in range(3)]
    product = maps[2] @ maps[1] @ maps[0]
    together = Compose([Map(m) for m in maps])(x)
    np.testing.assert_allclose(together, Compose([Map(product)])(x), rtol=0, atol=1e-11)
    for y, picture in zip(together, x, strict=True):
        np.testing.assert_allclose(y, by_scipy(picture, product, 1, "constant"), rtol=0, atol=1e-10)


def test_there_and_back_is_nothing_lost():
    x = np.random.default_rng(0).random((3, 20, 20))
    assert np.abs(Compose([Rotate((30, 30)), Rotate((-30, -30))])(x) - x)[:, 5:15, 5:15].max() < 1e-12
    assert np.abs(Rotate((-30, -30))(Rotate((30, 30))(x)) - x)[:, 5:15, 5:15].max() > 0.01  # resampled twice


def test_each_picture_has_its_own_numbers():
    x = np.tile(np.random.default_rng(0).random((1, 9, 9)), (20, 1, 1))
    for step in (Rotate(20), Shift(2), Zoom(0.2), Shear(20), Brightness(0.2), Contrast(0.3), Noise(0.1)):
        assert len(np.unique(step(x).round(9), axis=0)) == 20
    assert len(np.unique(Colour(0.2)(x[:, None].repeat(2, 1)).round(9), axis=0)) == 20


def test_probability():
    x = np.random.default_rng(0).random((2000, 2, 3, 3))
    for step in (Rotate((90, 90), p=0.3), Reflect(p=0.3), Shift(1, p=0.3), Zoom((2, 2), p=0.3), Shear((9, 9), p=0.3)):
        unchanged = (step(x) == x).all((1, 2, 3)).mean()
        assert unchanged == pytest.approx(0.7, abs=0.05)
    for step in (Brightness((0.1, 0.1), p=0.3), Contrast((2, 2), p=0.3), Colour((2, 2), p=0.3), Noise(0.1, p=0.3)):
        unchanged = (step(x) == x).all((1, 2, 3)).mean()
        assert unchanged == pytest.approx(0.7, abs=0.05)
    assert np.array_equal(Compose([Rotate(90, p=0), Brightness(1, p=0)])(x), x)


def test_ranges_are_filled_and_kept():
    rng = np.random.default_rng(0)
    maps = Rotate((-10, 40)).draw(rng, 5000, 9, 9)
    angles = np.rad2deg(np.arctan2(maps[:, 1, 0], maps[:, 0, 0]))
    assert angles.min() >= -10
    assert angles.max() <= 40
    assert np.histogram(angles, 5, (-10, 40))[0].min() > 800
    factors = Zoom(0.2).draw(rng, 5000, 9, 9)[:, 0, 0]
    assert factors.min() >= 0.8
    assert factors.max() <= 1.2
    changes = ((Brightness(0.2), -0.2, 0.2), (Contrast((0.5, 0.7)), 0.5, 0.7), (Noise((0.1, 0.2)), 0.1, 0.2))
    for step, least, most in changes:
        drawn = step.draw(rng, 5000, 1)
        assert np.isclose([drawn.min(), drawn.max()], [least, most], atol=0.01).all()
        assert ((drawn >= least) & (drawn <= most)).all()


def test_brightness_and_contrast():
    x = np.random.default_rng(0).uniform(0.3, 0.7, (3, 2, 5, 5))
    np.testing.assert_allclose(Brightness((0.1, 0.1))(x), x + 0.1, atol=1e-15)
    middle = x.mean((1, 2, 3), keepdims=True)
    np.testing.assert_allclose(Contrast((0.5, 0.5))(x), middle + 0.5 * (x - middle), atol=1e-15)
    both = Compose([Brightness((0.1, 0.1)), Contrast((1.2, 1.2))])(x)
    np.testing.assert_allclose(both, middle + 0.1 + 1.2 * (x - middle), atol=1e-14)
    other = Compose([Contrast((1.2, 1.2)), Brightness((0.1, 0.1))])(x)
    np.testing.assert_allclose(other, middle + 0.1 + 1.2 * (x - middle), atol=1e-14)


def test_contrast_is_about_the_mean_after_resampling():
    x = np.ones((1, 4, 4))
    y = Compose([Contrast((0.5, 0.5)), Map([[1, 0, 0], [0, 1, 2], [0, 0, 1]])])(x)  # the left half comes from outside
    np.testing.assert_allclose(y[0], np.tile([0.25, 0.25, 0.75, 0.75], (4, 1)), atol=1e-15)


def test_saturation_and_contrast_agree_with_pillow():
    x = np.random.default_rng(0).integers(0, 256, (6, 3, 8, 8)).astype("u1")
    for factor in (0.0, 0.4, 1.7):
        y = Colour(gain=0, saturation=(factor, factor))(x)
        for ours, picture in zip(y, x, strict=True):
            wanted = np.asarray(ImageEnhance.Color(Image.fromarray(picture.transpose(1, 2, 0))).enhance(factor))
            assert np.abs(ours.transpose(1, 2, 0).astype(int) - wanted).max() <= 1  # Pillow rounds in between
        grey = Contrast((factor, factor))(x[:, 0])
        for ours, picture in zip(grey, x[:, 0], strict=True):
            wanted = np.asarray(ImageEnhance.Contrast(Image.fromarray(picture)).enhance(factor))
            assert np.abs(ours.astype(int) - wanted).max() <= 1


def test_channel_gains():
    x = np.random.default_rng(0).uniform(0.1, 0.5, (50, 4, 3, 3))
    y = Colour((0.5, 1.5))(x)
    gains = (y / x).mean((2, 3))
    np.testing.assert_allclose(y, gains[:, :, None, None] * x, rtol=1e-12)
    assert len(np.unique(gains.round(9))) == 200
    wide = 4 * x - 2
    z = Compose([Colour((1.2, 1.2))], limits=(-2, 2))(wide)
    np.testing.assert_allclose(z, np.minimum(-2 + 1.2 * (wide + 2), 2), atol=1e-14)  # gains are counted from black


def test_noise_comes_last_and_its_variances_add_up():
    x = np.full((40, 50, 50), 0.5)
    y = Compose([Noise(0.03), Noise(0.04), Contrast((0, 0))])(x)
    assert y.std() == pytest.approx(0.05, rel=0.02)
    assert y.mean() == pytest.approx(0.5, abs=1e-3)
    assert Noise(0.05)(np.full((40, 50, 50), 127, "u1")).std() == pytest.approx(0.05 * 255, rel=0.02)
    spread = Noise((0.01, 0.2))(x).std((1, 2))
    assert spread.max() > 5 * spread.min()


def test_results_stay_within_the_limits():
    rng = np.random.default_rng(0)
    step = [Brightness(1), Contrast(1), Noise(0.3)]
    y = Compose(step)(rng.random((50, 5, 5)))
    assert (y.min(), y.max()) == (0, 1)
    assert Compose(step)(rng.integers(0, 256, (50, 5, 5)).astype("u1")).max() == 255
    y = Compose(step, limits=(-3, 5))(rng.uniform(-3, 5, (50, 5, 5)))
    assert (y.min(), y.max()) == (-3, 5)
    y = Compose(step, limits=None)(rng.normal(size=(50, 5, 5)) * 10)
    assert y.min() < -3
    y = Compose([Map(random_map(rng))], order=3)((rng.random((5, 9, 9)) > 0.5).astype("f4"))
    assert (y.min(), y.max()) == (0, 1)


def test_values_of_any_size_may_be_moved():
    x = 100 * np.random.default_rng(0).normal(size=(3, 5, 5))
    assert np.array_equal(Reflect(p=1)(x), x[:, :, ::-1])


@pytest.mark.parametrize("dtype", ["u1", "f4", "f8"])
def test_tensors_in_tensors_out(dtype):
    x = (np.random.default_rng(0).random((4, 6, 6)) * 255).astype("u1").astype(dtype)
    change = Compose([Rotate(20)], generator=fg.Generator())
    wanted = change(x)
    change.generator.manual_seed(67280421310721)  # where a generator starts
    y = change(fg.tensor(x))
    assert isinstance(y, fg.Tensor)
    assert y.dtype == dtype
    assert np.array_equal(y.numpy(), wanted)


def test_input_is_not_changed_even_by_nothing():
    x = np.random.default_rng(0).random((4, 6, 6), dtype="f4")
    before = x.copy()
    for change in (Compose([Rotate(10), Noise(0.1)]), Rotate(0), Brightness(0), Reflect(p=0)):
        y = change(x)
        assert not np.shares_memory(x, y)
        y += 1
        assert np.array_equal(x, before)


def test_strided_pictures():
    x = np.random.default_rng(0).random((4, 3, 12, 14), dtype="f4")
    part = x[::2, ::-1, 1::2, ::3]
    change = Compose([Map(random_map(np.random.default_rng(1))), Contrast((0.5, 0.5))])
    assert np.array_equal(change(part), change(part.copy()))
    assert change(part).flags.c_contiguous


def test_one_picture():
    x = np.random.default_rng(0).random((3, 6, 6), dtype="f4")
    change = Compose([Reflect(p=1)])
    assert np.array_equal(change.one(x), x[:, :, ::-1])  # three channels
    assert np.array_equal(change.one(x[0]), x[0, :, ::-1])
    assert np.array_equal(Reflect(p=1).one(fg.tensor(x)).numpy(), x[:, :, ::-1])


def test_no_pictures():
    assert Compose([Rotate(5), Contrast(), Noise()])(np.empty((0, 6, 6))).shape == (0, 6, 6)


def test_whole_batches_are_announced():
    assert Compose([Rotate(5)]).batched
    assert Rotate(5).batched
    assert Noise().batched
