"""Preprocessing: whitened real data have the covariance I, and every stage agrees with an independent formula."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

import fastgrad as fg
from fastgrad.utils.data.preprocess import Center, Compose, Standardize, Whiten

METHODS = ("zca", "pca", "cholesky")
REAL = {"digits": load_digits().data, "breast cancer": load_breast_cancer().data}  # the first has constant pixels


def covariance(z):
    """The lecture's Cov(X) = (1/N) X Xᵀ, with examples as rows; the mean is part of what is tested."""
    z = z.astype(np.float64)
    return z.T @ z / len(z)


def varying(x):
    return x.std(0) > 0


def stages():
    return [Center(), Standardize(), Whiten("zca", eps=0.1), Whiten("pca", n_components=2), Whiten("cholesky")]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("batch", [None, 100])
@pytest.mark.parametrize("name", REAL)
def test_covariance_of_whitened_real_data_is_the_identity(name, batch, dtype, method):
    x = REAL[name].astype(dtype)
    whiten = Whiten(method)
    if batch is None:
        whiten.fit(x)
    else:
        for start in range(0, len(x), batch):
            whiten.partial_fit(x[start : start + batch])
    z = whiten(x)
    assert z.dtype == dtype
    wanted = np.eye(x.shape[1]) * varying(x) if method != "pca" else np.eye(varying(x).sum())
    np.testing.assert_allclose(covariance(z), wanted, rtol=0, atol=1e-6)
    np.testing.assert_allclose(z.astype("f8").mean(0), 0, atol=1e-6)


@pytest.mark.parametrize("name", REAL)
@pytest.mark.parametrize("stage", [Center(), Standardize(), *map(Whiten, METHODS)], ids=repr)
def test_inverse_gives_the_data_back(stage, name):
    x = REAL[name]
    back = stage.inverse_transform(stage.fit_transform(x))
    np.testing.assert_allclose(back, x, rtol=0, atol=1e-10)
    constant = ~varying(x)
    assert np.array_equal(back[:, constant], x[:, constant])


def test_zca_is_the_inverse_square_root_of_the_covariance():
    x = REAL["digits"][:, varying(REAL["digits"])]
    values, vectors = np.linalg.eigh(np.cov(x.T, bias=True))
    for eps in (0.0, 0.5):
        whiten = Whiten("zca", eps=eps).fit(x)
        np.testing.assert_allclose(whiten.weight, vectors * (values + eps) ** -0.5 @ vectors.T, rtol=0, atol=1e-9)
        np.testing.assert_allclose(whiten.inverse, vectors * (values + eps) ** 0.5 @ vectors.T, rtol=0, atol=1e-9)


def test_cholesky_weight_is_lower_triangular():
    x = REAL["breast cancer"]
    whiten = Whiten("cholesky", eps=0.25).fit(x)
    assert np.array_equal(np.triu(whiten.weight, 1), np.zeros((30, 30)))
    np.testing.assert_allclose(whiten.inverse @ whiten.inverse.T, np.cov(x.T, bias=True) + 0.25 * np.eye(30), rtol=1e-9)
    np.testing.assert_allclose(whiten.weight @ whiten.inverse, np.eye(30), atol=1e-9)


@pytest.mark.parametrize("n_components", [None, 5])
def test_pca_agrees_with_scikit_learn(n_components):
    x = REAL["breast cancer"]
    peer = PCA(n_components, whiten=True).fit(x)
    wanted = peer.transform(x) * np.sqrt(len(x) / (len(x) - 1))  # it divides by N − 1
    whiten = Whiten("pca", n_components=n_components).fit(x)
    ours = whiten(x)
    signs = np.sign((ours * wanted).sum(0))
    np.testing.assert_allclose(ours, wanted * signs, rtol=0, atol=1e-7)
    np.testing.assert_allclose(whiten.inverse_transform(ours), peer.inverse_transform(peer.transform(x)), atol=1e-7)
    largest = np.abs(whiten.weight).argmax(1)
    assert (whiten.weight[np.arange(len(largest)), largest] > 0).all()


def test_standardize_agrees_with_scikit_learn():
    x = REAL["digits"]
    peer = StandardScaler().fit(x)
    standardize = Standardize().fit(x)
    np.testing.assert_allclose(standardize.std, peer.scale_, rtol=1e-14)
    np.testing.assert_allclose(standardize(x), peer.transform(x), rtol=0, atol=1e-13)


def test_center_subtracts_the_mean():
    x = REAL["digits"]
    center = Center().fit(x)
    np.testing.assert_allclose(center.mean, x.mean(0), rtol=1e-14, atol=1e-15)
    assert np.array_equal(center(x), x - center.mean)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_any_division_into_batches_gives_the_same(data):
    rows = data.draw(st.integers(2, 40))
    shape = data.draw(st.sampled_from([(3,), (2, 2), ()]))
    seed = data.draw(st.integers(0, 2**32 - 1))
    offset = data.draw(st.sampled_from([0.0, 1e6]))
    x = np.random.default_rng(seed).normal(size=(rows, *shape)) + offset
    cuts = sorted(data.draw(st.lists(st.integers(1, rows - 1), max_size=5, unique=True)))
    for kind in (Center, Standardize, lambda: Whiten(eps=1.0)):
        whole, parts, listed = kind().fit(x), kind(), kind()
        batches = np.split(x, cuts)
        for batch in batches:
            parts.partial_fit(batch)
        listed.fit_batches(batches)
        for streamed in (parts, listed):
            assert streamed.count == rows
            np.testing.assert_allclose(streamed.mean, whole.mean, rtol=1e-14, atol=1e-14)
            np.testing.assert_allclose(streamed(x), whole(x), rtol=0, atol=1e-7)


def test_streaming_is_exact_where_sums_of_squares_are_not():
    """E[x²] − E[x]² has no right digit here: 1e9² needs 60 bits beside a variance of about 1."""
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(10_000, 2)).round(6)
    x = noise + np.array([1e9, -1e9])
    exact = x - np.array([1e9, -1e9])
    whiten = Whiten().fit_batches(np.array_split(x, 333))
    np.testing.assert_allclose(whiten.covariance, np.cov(exact.T, bias=True), rtol=0, atol=1e-7)


def test_float32_batches_are_added_up_in_float64():
    x = (np.random.default_rng(0).normal(size=(200_000, 1)) + 100).astype("f4")
    standardize = Standardize().fit_batches(np.array_split(x, 20))
    assert standardize.mean[0] == pytest.approx(x.astype("f8").mean(), rel=1e-14)
    assert standardize.std[0] == pytest.approx(x.astype("f8").std(), rel=1e-13)


def test_constant_features():
    x = np.array([[0.1, 1.0, 7.0], [0.1, 2.0, 7.0], [0.1, 6.0, 7.0]])
    standardize = Standardize().fit(x)
    assert standardize.std.tolist() == [1.0, np.std([1.0, 2.0, 6.0]), 1.0]
    for stage in (standardize, *map(Whiten, METHODS)):
        z = stage.fit(x)(x)
        if z.shape[1] == 3:
            assert np.array_equal(z[:, [0, 2]], np.zeros((3, 2)))
        else:
            assert z.shape == (3, 1)  # one component, for the one feature that varies
        np.testing.assert_allclose(np.sort(z.std(0))[-1], 1.0, rtol=1e-12)
        assert np.array_equal(stage.inverse_transform(z)[:, [0, 2]], x[:, [0, 2]])


def test_constant_features_are_recognised_in_batches_too():
    x = np.full((1000, 1), 0.1, "f4")
    standardize = Standardize().fit_batches(np.array_split(x, 7))
    assert standardize.std[0] == 1.0
    assert np.array_equal(standardize(x), np.zeros((1000, 1)))
    standardize.partial_fit(np.array([[0.2]], "f4"))
    assert standardize.std[0] != 1.0


def test_data_without_any_variation():
    x = np.ones((4, 3))
    for stage in (Center(), Standardize(), Whiten(), Whiten("cholesky")):
        assert np.array_equal(stage.fit_transform(x), np.zeros((4, 3)))
        assert np.array_equal(stage.inverse_transform(np.zeros((4, 3))), x)


@pytest.mark.parametrize("stage", stages(), ids=repr)
def test_kind_and_dtype_of_the_result(stage):
    x = np.random.default_rng(0).integers(0, 255, (50, 3))
    stage.fit(x)
    reference = stage(x.astype("f8"))
    for dtype, expected in (("u1", "f4"), ("i8", "f4"), ("f4", "f4"), ("f8", "f8"), ("f2", "f2")):
        y = stage(x.astype(dtype))
        assert isinstance(y, np.ndarray)
        assert y.dtype == expected
        np.testing.assert_allclose(y, reference, rtol=0, atol=0.1 if dtype == "f2" else 1e-4)
    y = stage(fg.tensor(x.astype("f4")))
    assert isinstance(y, fg.Tensor)
    assert np.array_equal(y.numpy(), stage(x.astype("f4")))
    back = stage.inverse_transform(y)
    assert isinstance(back, fg.Tensor)
    assert np.array_equal(back.numpy(), stage.inverse_transform(y.numpy()))


def test_input_is_not_changed():
    x = np.random.default_rng(0).normal(size=(20, 3))
    before = x.copy()
    for stage in stages():
        stage.inverse_transform(stage.fit_transform(x)[:, :])
        assert np.array_equal(x, before)


def test_axes_after_the_first_are_features():
    x = np.random.default_rng(0).normal(size=(60, 2, 3))
    flat = x.reshape(60, 6)
    for stage in (Center(), Standardize(), Whiten(), Whiten("cholesky")):
        z = stage.fit_transform(x)
        assert z.shape == x.shape
        assert stage.mean.shape == (2, 3)
        np.testing.assert_allclose(z.reshape(60, 6), stage.fit_transform(flat), rtol=0, atol=1e-12)
    pca = Whiten("pca", n_components=4).fit(x)
    assert pca(x).shape == (60, 4)
    assert pca.inverse_transform(pca(x)).shape == x.shape
    targets = x[:, 0, 0]
    assert Standardize().fit_transform(targets).std() == pytest.approx(1)
    assert Whiten().fit_transform(targets).shape == (60,)


def test_strided_data_and_many_pieces(monkeypatch):
    x = np.asfortranarray(np.random.default_rng(0).normal(size=(5000, 6)))[::-1, ::2]
    whole = Whiten().fit(np.ascontiguousarray(x))
    monkeypatch.setattr("fastgrad.utils.data.preprocess.rows._PIECE", 1)  # then pieces are as small as can be
    pieces = Whiten().fit(x)
    np.testing.assert_allclose(pieces.weight, whole.weight, rtol=0, atol=1e-13)
    np.testing.assert_allclose(pieces(x), whole(x), rtol=0, atol=1e-12)


def test_no_rows_to_transform():
    for stage in stages():
        stage.fit(np.random.default_rng(0).normal(size=(9, 3)))
        assert len(stage(np.empty((0, 3)))) == 0


def test_rank_deficient_data_with_fewer_components():
    x = np.random.default_rng(0).normal(size=(50, 2)) @ np.array([[1.0, 2.0, 3.0], [0.0, 1.0, 1.0]])
    pca = Whiten("pca", n_components=2).fit(x)
    np.testing.assert_allclose(covariance(pca(x)), np.eye(2), atol=1e-9)
    np.testing.assert_allclose(pca.inverse_transform(pca(x)), x, atol=1e-9)


def test_eps_bounds_what_is_blown_up():
    x = np.random.default_rng(0).normal(size=(50, 2)) @ np.array([[1.0, 2.0, 3.0], [0.0, 1.0, 1.0]])
    values = np.sort(np.linalg.eigvalsh(np.cov(x.T, bias=True)).clip(0))
    for method in ("zca", "pca"):
        z = Whiten(method, eps=0.1).fit_transform(x)
        np.testing.assert_allclose(np.sort(np.linalg.eigvalsh(covariance(z))), values / (values + 0.1), atol=1e-12)
    lower = np.linalg.cholesky(np.cov(x.T, bias=True) + 0.1 * np.eye(3))
    np.testing.assert_allclose(Whiten("cholesky", eps=0.1).fit(x).inverse, lower, rtol=1e-9, atol=1e-12)


def test_composition_is_fitted_stage_by_stage():
    x = REAL["breast cancer"]
    both = Compose([Standardize(), Whiten("pca", n_components=3)])
    z = both.fit_transform(x)
    by_hand = Whiten("pca", n_components=3).fit_transform(Standardize().fit_transform(x))
    assert np.array_equal(z, by_hand)
    assert np.array_equal(both(x), z)
    assert both.inverse_transform(z).shape == x.shape
    loader = fg.data.DataLoader(fg.data.TensorDataset(x, np.arange(len(x))), batch_size=64)
    np.testing.assert_allclose(Compose(both.stages).fit_batches(loader)(x), z, rtol=0, atol=1e-8)
    nested = Compose([Center(), Compose([Standardize(), Whiten()])])
    np.testing.assert_allclose(covariance(nested.fit_batches([x[:300], x[300:]])(x)), np.eye(30), atol=1e-6)


def test_whole_batches_are_announced():
    assert all(stage.batched for stage in [*stages(), Compose([Center()])])


def test_refitting_forgets():
    x = np.random.default_rng(0).normal(size=(20, 3))
    for stage in [*stages(), Compose([Center(), Standardize()])]:
        stage.fit(x * 7 + 5)
        stage.fit(x)
        fresh = stage.transform(x)
        assert np.array_equal(stage.reset().fit(x)(x), fresh)
