"""The gradient of a recurrent weight is the sum over time; where its terms arrive, the task is learned."""

from __future__ import annotations

import numpy as np
import pytest
from examples.common import Result
from examples.recurrence import GUESS, KINDS, STEPS, Adder, adding_problem, gradients_over_time

import fastgrad as fg
from tests.examples.common import quick


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Result:
    return quick("recurrence", tmp_path_factory.mktemp("pictures"))


@pytest.mark.parametrize("kind", KINDS)
def test_sum_over_time(result: Result, kind: str) -> None:
    found = result.numbers[kind]
    assert found["apart"] < 1e-12
    assert found["apart from nn.RNN"] < 1e-12
    assert len(found["terms"]) == STEPS
    assert found["terms"][0] == 0.0  # before the first step the state is 0
    assert min(found["terms"][1:]) > 0


def test_terms_vanish_with_small_random_weights_alone(result: Result) -> None:
    for kind, found in result.numbers.items():
        first, last = found["terms"][STEPS // 5], found["terms"][-1]
        if kind == "ReLU, identity":
            assert first > 0.01 * last
        else:
            assert first < 1e-8 * last


def test_learned_where_they_arrive(result: Result) -> None:
    last = {kind: found["errors"][0][-1] for kind, found in result.numbers.items()}
    assert last["ReLU, identity"] < 0.5 * GUESS
    assert last["ReLU, U(±1/√32)"] > 0.7 * GUESS
    assert last["tanh, U(±1/√32)"] > 0.7 * GUESS


def test_adding_problem() -> None:
    x, y = (part.numpy() for part in adding_problem(500, seed=1))
    assert x.shape == (500, STEPS, 2)
    assert (x[:, : STEPS // 2, 1].sum(1) == 1).all()
    assert (x[:, STEPS // 2 :, 1].sum(1) == 1).all()
    np.testing.assert_allclose(np.where(x[:, :, 1] == 1, x[:, :, 0], 0).sum(1), y, rtol=1e-6)
    assert abs(y.var() - GUESS) < 0.03


def test_gradients_over_time_of_a_loop_in_numpy() -> None:
    """dh_{t−1} = (dh_t ∘ (1 − h_t²)) W, from the last step to the first."""
    fg.manual_seed(0)
    net = Adder("tanh", None)
    data = adding_problem(50, seed=2)
    weights = {name: p.detach().numpy().astype(np.float64) for name, p in net.named_parameters()}
    x, y = (part.numpy().astype(np.float64) for part in data)
    h, states = np.zeros((50, 32)), []
    for t in range(STEPS):
        z = x[:, t] @ weights["rnn.weight_ih_l0"].T + weights["rnn.bias_ih_l0"]
        h = np.tanh(z + h @ weights["rnn.weight_hh_l0"].T + weights["rnn.bias_hh_l0"])
        states.append(h)
    answer = h @ weights["answer.weight"].T + weights["answer.bias"]
    dh = 2 * (answer - y[:, None]) / len(y) * weights["answer.weight"]
    expected = []
    for h in reversed(states):
        expected.append(np.abs(dh).mean())
        dh = (dh * (1 - h**2)) @ weights["rnn.weight_hh_l0"]
    np.testing.assert_allclose(gradients_over_time(net, data), expected[::-1], rtol=1e-3)
