"""Fitted preprocessing saved, loaded, copied and pickled; and the module under both of its names."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.utils.data.preprocess import Center, Compose, Preprocessor, Standardize, Whiten

X = np.random.default_rng(0).normal(size=(40, 2, 2)) * [[1.0, 2.0], [3.0, 0.0]] + 1.0


def all_kinds():
    return [
        Center(),
        Standardize(),
        Whiten("zca"),
        Whiten("pca"),
        Whiten("pca", n_components=2),
        Whiten("cholesky", eps=0.5),
        Compose([Standardize(), Whiten("pca", n_components=2)]),
    ]


@pytest.mark.parametrize("stage", all_kinds(), ids=repr)
def test_saved_and_loaded_through_a_file(stage, tmp_path):
    stage.fit(X)
    np.savez(tmp_path / "state.npz", **stage.state_dict())
    twin = copy.deepcopy(stage).reset()
    with np.load(tmp_path / "state.npz") as file:
        twin.load_state_dict(dict(file))
    assert np.array_equal(twin(X), stage(X))
    assert np.array_equal(twin.inverse_transform(twin(X)), stage.inverse_transform(stage(X)))
    if not isinstance(stage, Compose):
        more = np.ones((3, 2, 2))
        assert np.array_equal(twin.partial_fit(more)(X), stage.partial_fit(more)(X))
        assert twin.count == 43


def test_state_may_be_of_tensors():
    stage = Standardize().fit(X)
    twin = Standardize()
    twin.load_state_dict({name: fg.tensor(array) for name, array in stage.state_dict().items()})
    assert np.array_equal(twin(X), stage(X))


def test_state_is_a_copy():
    stage = Standardize().fit(X)
    before = stage(X)
    for array in stage.state_dict().values():
        array[...] = 9
    assert np.array_equal(stage(X), before)
    state = stage.state_dict()
    twin = Standardize()
    twin.load_state_dict(state)
    for array in state.values():
        array[...] = 9
    assert np.array_equal(twin(X), before)


@pytest.mark.parametrize("stage", all_kinds(), ids=repr)
def test_pickled(stage):
    stage.fit(X)
    assert np.array_equal(pickle.loads(pickle.dumps(stage))(X), stage(X))


def broken(**changes):
    state = {**Whiten().fit(X).state_dict(), **changes}
    return {name: value for name, value in state.items() if value is not None}


@pytest.mark.parametrize(
    ("state", "error", "message"),
    [
        ([1], TypeError, r"Whiten.load_state_dict\(\): argument 'state_dict' is a list, expected a mapping"),
        ({}, ValueError, "is with nothing, expected the names high, inverse, low, mean, rows, scatter, shape, weight"),
        (broken(mean=None), ValueError, "is with high, inverse, low, rows, "),
        (broken(std=np.ones(4)), ValueError, "std"),
        (broken(mean=np.ones(3)), ValueError, r"state_dict\['mean'\]' is of shape \(3,\), expected shape \(4,\)"),
        (broken(shape=np.array([5])), ValueError, r"\['mean'\]' is of shape \(4,\), expected shape \(5,\)"),
        (broken(weight=np.eye(3)), ValueError, r"\['weight'\]' is of shape \(3, 3\), expected shape \(4, 4\)"),
        (broken(low=np.array(["a"] * 4)), TypeError, r"\['low'\]' is of dtype <U1, expected numbers"),
    ],
)
def test_state_that_does_not_fit(state, error, message):
    stage = Whiten().fit(X)
    before = stage(X)
    with pytest.raises(error, match=message):
        stage.load_state_dict(state)
    assert np.array_equal(stage(X), before)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda state: [state], TypeError, r"Compose.load_state_dict\(\): argument 'state_dict' is a list"),
        (lambda state: {"2.mean": 1}, ValueError, r"is with '2.mean', expected names that begin with 0. to 1."),
        (lambda state: {"mean": 1}, ValueError, "is with 'mean'"),
        (lambda state: {k: v for k, v in state.items() if k != "1.std"}, ValueError, "Standardize.load_state_dict"),
    ],
)
def test_state_that_does_not_fit_a_composition(change, error, message):
    stage = Compose([Center(), Standardize()]).fit(X)
    state = Compose([Center(), Standardize()]).fit(3 * X + 1).state_dict()
    before = stage(X)
    with pytest.raises(error, match=message):
        stage.load_state_dict(change(state))
    assert np.array_equal(stage(X), before)


def test_a_preprocessor_of_ones_own():
    class Logarithm(Preprocessor):
        def reset(self):
            return self

        def partial_fit(self, x):
            return self

        def transform(self, x):
            return np.log(x)

        def inverse_transform(self, y):
            return np.exp(y)

    x = np.exp(np.random.default_rng(0).normal(size=(30, 3)))
    both = Compose([Logarithm(), Standardize()]).fit(x)
    np.testing.assert_allclose(both(x), (np.log(x) - np.log(x).mean(0)) / np.log(x).std(0), rtol=1e-9)
    np.testing.assert_allclose(both.inverse_transform(both(x)), x, rtol=1e-12)
    assert Logarithm().fit(x).fit_batches([x]).fit_transform(x).shape == x.shape
    with pytest.raises(ValueError, match=r"Logarithm.fit_batches\(\): argument 'batches' is empty"):
        Logarithm().fit_batches([])


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("reset", ()),
        ("partial_fit", (X,)),
        ("transform", (X,)),
        ("inverse_transform", (X,)),
        ("state_dict", ()),
        ("load_state_dict", ({},)),
    ],
)
def test_what_a_subclass_must_define(name, arguments):
    class Nothing(Preprocessor):
        pass

    with pytest.raises(NotImplementedError, match=rf"Nothing does not define {name}\(\)"):
        getattr(Nothing(), name)(*arguments)


CODE = """
import sys
import fastgrad as fg
late = ("scipy", "PIL", "matplotlib", "sklearn", "fastgrad.utils.data.preprocess", "fastgrad.utils.data.augment")
assert not [name for name in late if name in sys.modules]
assert {{"preprocess", "augment"}} <= set(dir(fg.data))
{first}
import fastgrad.data.preprocess, fastgrad.data.augment, fastgrad.utils.data.preprocess, fastgrad.utils.data.augment
import fastgrad.data.preprocess.whiten
from fastgrad.utils.data.preprocess import Whiten
assert fastgrad.data is fastgrad.utils.data
assert fg.data.preprocess is fastgrad.data.preprocess is fastgrad.utils.data.preprocess
assert fg.data.augment is fastgrad.data.augment is fastgrad.utils.data.augment
assert sys.modules["fastgrad.data.augment"] is sys.modules["fastgrad.utils.data.augment"]
assert fg.data.preprocess.Whiten is Whiten is fastgrad.data.preprocess.whiten.Whiten
assert fastgrad.data.preprocess.__name__ == fastgrad.data.preprocess.__spec__.name == "fastgrad.utils.data.preprocess"
assert not [name for name in ("scipy", "PIL", "matplotlib", "sklearn") if name in sys.modules]
"""


@pytest.mark.parametrize(
    "first",
    [
        "fg.data.preprocess",
        "import fastgrad.data.preprocess",
        "from fastgrad.data.augment import Compose",
        "import fastgrad.utils.data.preprocess",
    ],
)
def test_one_module_under_both_names_imported_when_it_is_used(first):
    subprocess.run([sys.executable, "-c", CODE.format(first=first)], check=True)


def test_names_that_are_not_there():
    with pytest.raises(AttributeError, match=r"'fastgrad.utils.data' has no attribute 'prepare'"):
        fg.data.prepare  # noqa: B018
    with pytest.raises(ModuleNotFoundError, match=r"fastgrad\.utils\.data\.prepare"):
        import fastgrad.data.prepare  # noqa: F401
