"""What preprocessing says to bad input: which argument, where, and what to do."""

from __future__ import annotations

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.utils.data.preprocess import Center, Compose, Standardize, Whiten

X = np.random.default_rng(0).normal(size=(30, 4))
KINDS = [Center, Standardize, Whiten]


def with_value(value, row, column, shape=(30, 4)):
    x = np.ones(shape)
    x[(row, *np.atleast_1d(column))] = value
    return x


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite(kind, value):
    x = with_value(value, 3, 2)
    name = kind.__name__
    message = rf"'x' is {value} at row 3, column 2, expected finite numbers"
    with pytest.raises(ValueError, match=rf"^{name}.fit\(\): argument {message}"):
        kind().fit(x)
    with pytest.raises(ValueError, match=rf"^{name}.partial_fit\(\): argument {message}"):
        kind().partial_fit(x)
    with pytest.raises(ValueError, match=rf"^{name}.transform\(\): argument {message}"):
        kind().fit(X).transform(x)
    with pytest.raises(ValueError, match=r"inverse_transform\(\): argument 'y' is .* at row 3, column 2"):
        kind().fit(X).inverse_transform(x)


def test_place_in_data_with_several_axes_and_many_rows():
    with pytest.raises(ValueError, match=r"is nan at row 1500, column \(1, 0\)"):
        Center().fit(with_value(np.nan, 1500, (1, 0), (2000, 2, 2)))


@pytest.mark.parametrize("kind", KINDS)
def test_failure_changes_nothing(kind):
    stage = kind().fit(X)
    before = stage(X)
    for attempt in (stage.fit, stage.partial_fit, lambda x: stage.fit_batches([X[:10], x])):
        with pytest.raises(ValueError, match="nan"):
            attempt(with_value(np.nan, 29, 3))
        assert np.array_equal(stage(X), before)
        assert stage.count == 30


@pytest.mark.parametrize("kind", KINDS)
def test_unfitted(kind):
    stage = kind()
    for use in (stage, stage.transform, stage.inverse_transform):
        with pytest.raises(RuntimeError, match=rf"this {kind.__name__} is not fitted; call fit\(x\) first"):
            use(X)
    for look in (stage.state_dict, lambda: stage.mean):
        with pytest.raises(RuntimeError, match="not fitted"):
            look()
    assert stage.count == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        ([[1.0, 2.0]], TypeError, "'x' is a list, expected an ndarray or Tensor"),
        (np.array([["a"]]), TypeError, "'x' is of dtype <U1, expected numbers"),
        (np.array([[1, 2], [3]], dtype=object), TypeError, "of dtype object"),
        (np.ones((2, 2), complex), TypeError, "of dtype complex128"),
        (np.array(1.0), ValueError, r"'x' is of shape \(\), expected shape \(examples, \*features\)"),
        (np.ones((0, 3)), ValueError, r"of shape \(0, 3\), expected at least one row and one feature"),
        (np.ones((3, 0)), ValueError, r"of shape \(3, 0\)"),
        (fg.ones(3, 2, requires_grad=True), ValueError, r"requires a gradient, .* detach\(\) it first"),
    ],
)
def test_bad_data(kind, x, error, message):
    with pytest.raises(error, match=message):
        kind().fit(x)


def test_another_shape_than_at_fit():
    stage = Center().fit(X)
    with pytest.raises(ValueError, match=r"Center.transform\(\): argument 'x' is of shape \(2, 5\), expected shape"):
        stage(np.ones((2, 5)))
    with pytest.raises(ValueError, match=r"partial_fit\(\): .* shape \(4,\), expected shape \(examples, 4\)"):
        stage.partial_fit(np.ones(4))
    pca = Whiten("pca", n_components=2).fit(X)
    with pytest.raises(ValueError, match=r"'y' is of shape \(30, 4\), expected shape \(examples, 2\)"):
        pca.inverse_transform(X)


def test_singular_covariance_names_rank_and_features():
    x = np.column_stack([X, X[:, 0] + 2 * X[:, 2], np.ones(30)])
    with pytest.raises(ValueError, match=r"Whiten.fit\(\): argument 'x' is of rank 4 with 5 features") as caught:
        Whiten().fit(x)
    text = str(caught.value)
    assert "columns 0, 2 and 4 depend on each other linearly" in text
    assert "give eps > 0 (such as" in text
    assert "n_components <= 4" in text
    with pytest.raises(ValueError, match=r"Whiten.partial_fit\(\): argument 'x' is of rank 4"):
        Whiten("cholesky").partial_fit(x).transform(x)
    with pytest.raises(ValueError, match="columns 0 and 1 depend"):
        Whiten("pca").fit(np.column_stack([X[:, 0], X[:, 0]]).astype("f4"))
    with pytest.raises(ValueError, match=r"columns 0, 1, 2, 3, 4, 5, 6, 7 and 12 more depend"):
        Whiten().fit(np.tile(X[:, :1], 20) * np.arange(1, 21))


def test_too_few_rows():
    with pytest.raises(ValueError, match=r"of rank 3 with 4 features that vary \(4 rows are too few\)"):
        Whiten().fit(X[:4])
    for stage in (Whiten(), Whiten(eps=1.0), Standardize()):
        with pytest.raises(ValueError, match=r"fit\(\): argument 'x' is 1 row in all, expected at least 2"):
            stage.fit(X[:1])
        stage.partial_fit(X[:1])
        with pytest.raises(ValueError, match=r"partial_fit\(\): argument 'x' is 1 row in all"):
            stage.transform(X)
    assert np.array_equal(Center().fit(X[:1])(X[:1]), np.zeros((1, 4)))


def test_numbers_too_large_to_square():
    x = X.copy()
    x[5, 1] = 1e200
    with pytest.raises(ValueError, match=r"'x' is as large as 1e\+200 in column 1, expected numbers whose squares"):
        Standardize().fit(x)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"method": "ZCA"}, ValueError, "'method' is 'ZCA', expected 'zca', 'pca' or 'cholesky'"),
        ({"eps": -1}, ValueError, "'eps' is -1, expected a finite number >= 0"),
        ({"eps": np.nan}, ValueError, "'eps' is nan"),
        ({"eps": "1"}, TypeError, "'eps' is a str, expected a number"),
        ({"n_components": 2}, ValueError, "'n_components' is 2, expected None with method='zca'"),
        ({"method": "pca", "n_components": 0}, ValueError, "'n_components' is 0, expected at least 1"),
        ({"method": "pca", "n_components": 0.5}, TypeError, "'n_components' is 0.5, expected an integer or None"),
    ],
)
def test_bad_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        Whiten(**arguments)


def test_more_components_than_features_that_vary():
    with pytest.raises(ValueError, match=r"is 4 features of 4 that vary, expected at least 5, the components wanted"):
        Whiten("pca", n_components=5).fit(X)
    with pytest.raises(ValueError, match=r"is 0 features of 3 that vary, expected at least 1"):
        Whiten("pca").fit(np.ones((4, 3)))


def test_no_batches():
    for stage in (Center(), Compose([Center(), Whiten()])):
        with pytest.raises(ValueError, match=r"Center.fit_batches\(\): argument 'batches' is empty"):
            stage.fit_batches([])


@pytest.mark.parametrize(
    ("stages", "error", "message"),
    [
        ([], ValueError, "'stages' is empty"),
        (Center(), TypeError, "'stages' is a Center, expected a list of Preprocessors"),
        ([Center(), np.log], TypeError, r"'stages\[1\]' is a ufunc, expected a Preprocessor such as Center\(\)"),
        ([Center], TypeError, r"'stages\[0\]' is the class Center"),
        ([STAGE := Center(), STAGE], ValueError, r"'stages\[1\]' is there already"),
    ],
)
def test_bad_compositions(stages, error, message):
    with pytest.raises(error, match=message):
        Compose(stages)


def test_compositions_need_one_pass_per_stage():
    both = Compose([Center(), Whiten()])
    with pytest.raises(RuntimeError, match=r"2 stages need as many passes over the data; call fit_batches"):
        both.partial_fit(X)
    with pytest.raises(TypeError, match=r"'batches' is a generator, expected a list or data loader, .* 2 times"):
        both.fit_batches(x for x in [X])
    one = Compose([Center()])
    assert np.array_equal(one.partial_fit(X)(X), Center().fit(X)(X))
    assert np.array_equal(one.fit_batches(iter([X]))(X), Center().fit(X)(X))


def test_inside_a_recorded_step():
    stage = Center().fit(X)

    @fg.compile
    def step(x):
        return stage(x)

    with pytest.raises(RuntimeError, match=r"Center.transform\(\): change data before the recorded step"):
        step(fg.tensor(X))
