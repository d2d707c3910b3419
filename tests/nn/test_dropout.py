"""Dropout."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import fastgrad as fg
from fastgrad.nn import functional as F
from tests.nn.compare import DTYPES, normal


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_kept_elements_are_scaled_and_gradients_pass_the_same_mask(dtype: str, p: float) -> None:
    fg.manual_seed(3)
    x = fg.tensor(normal(0, 100, 200, dtype=dtype), requires_grad=True)
    y = F.dropout(x, p)
    kept = y.detach().numpy() != 0
    share = kept.mean()
    # Five standard deviations of the share of 20 000 independent draws.
    assert abs(share - (1 - p)) < 5 * np.sqrt(p * (1 - p) / kept.size)
    np.testing.assert_allclose(y.detach().numpy(), np.where(kept, x.detach().numpy() / (1 - p), 0), rtol=1e-6)
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), kept / (1 - p), rtol=1e-6)


def test_masks_of_successive_calls_are_independent() -> None:
    fg.manual_seed(0)
    a, b = (F.dropout(fg.ones(10_000)).numpy() != 0 for _ in range(2))
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.05


def test_seed_repeats_the_mask_whatever_the_number_of_threads() -> None:
    masks = []
    for threads in (1, 2, 3):
        fg.set_num_threads(threads)
        fg.manual_seed(5)
        F.dropout(fg.ones(7))
        masks.append(F.dropout(fg.ones(300, 400), 0.3).numpy())
    np.testing.assert_array_equal(masks[0], masks[1])
    np.testing.assert_array_equal(masks[0], masks[2])


def test_mask_does_not_depend_on_the_layout() -> None:
    x = normal(0, 20, 30)
    results = []
    for array in (x, np.asfortranarray(x), np.repeat(x, 2, axis=1)[:, ::2]):
        fg.manual_seed(1)
        results.append(F.dropout(fg.from_numpy(array)).numpy())
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


def test_nothing_happens_in_evaluation_or_with_probability_zero() -> None:
    x = fg.ones(5)
    assert F.dropout(x, 0.5, training=False) is x
    assert F.dropout(x, 0.0) is x
    layer = fg.nn.Dropout(0.5)
    assert layer.eval()(x) is x
    assert (layer.train()(fg.ones(1000)).numpy() == 0).any()


def test_probability_one_is_torchs() -> None:
    values = np.array([1.0, -2.0, np.nan])
    x, t = fg.tensor(values, requires_grad=True), torch.tensor(values, requires_grad=True)
    y, u = F.dropout(x, 1.0), torch.nn.functional.dropout(t, 1.0)
    np.testing.assert_array_equal(y.detach().numpy(), u.detach().numpy())
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), np.zeros(3))


def test_gradcheck() -> None:
    def dropped(x: fg.Tensor) -> fg.Tensor:
        fg.manual_seed(2)
        return F.dropout(x, 0.4)

    assert fg.autograd.gradcheck(dropped, (fg.tensor(normal(0, 4, 5), requires_grad=True),))


def test_module_shows_and_checks_its_probability() -> None:
    assert "p=0.3" in repr(fg.nn.Dropout(0.3))
    for p in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match="between 0 and 1"):
            fg.nn.Dropout(p)
        with pytest.raises(ValueError, match="between 0 and 1"):
            F.dropout(fg.ones(2), p)
    with pytest.raises(TypeError, match="int64"):
        F.dropout(fg.tensor([1]))


def test_empty_input() -> None:
    assert F.dropout(fg.zeros(0, 3)).shape == (0, 3)
