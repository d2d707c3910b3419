"""RNN and RNNCell."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import fastgrad as fg
from tests.nn.compare import DTYPES, close, modules_agree, normal, same_parameters


def run_both(ours: fg.nn.RNN, theirs: torch.nn.RNN, x: np.ndarray, hx: np.ndarray | None) -> None:
    """Compare outputs, last states and all gradients."""
    same_parameters(ours, theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert repr(ours) == repr(theirs)
    arrays = [x] if hx is None else [x, hx]
    a = [fg.tensor(array, requires_grad=True) for array in arrays]
    b = [torch.tensor(array, requires_grad=True) for array in arrays]
    (y, h), (t, u) = ours(*a), theirs(*b)
    close(y, t)
    close(h, u)
    v, w = (normal(i, *tensor.shape, dtype=str(x.dtype)) for i, tensor in enumerate((t, u)))
    ((y * fg.tensor(v)).sum() + (h * fg.tensor(w)).sum()).backward()
    ((t * torch.tensor(v)).sum() + (u * torch.tensor(w)).sum()).backward()
    for p, q in zip([*a, *ours.parameters()], [*b, *theirs.parameters()], strict=True):
        close(p.grad, q.grad)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
@pytest.mark.parametrize(("layers", "both_ways"), list(itertools.product([1, 2, 3], [False, True])))
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("given_state", [True, False])
def test_rnn_is_torchs(
    dtype: str, nonlinearity: str, layers: int, both_ways: bool, bias: bool, given_state: bool
) -> None:
    options = {"num_layers": layers, "nonlinearity": nonlinearity, "bias": bias, "bidirectional": both_ways}
    ours = fg.nn.RNN(3, 4, **options, dtype=dtype)
    theirs = torch.nn.RNN(3, 4, **options, dtype=getattr(torch, dtype))
    hx = normal(1, layers * (1 + both_ways), 2, 4, dtype=dtype) if given_state else None
    run_both(ours, theirs, normal(0, 5, 2, 3, dtype=dtype), hx)


@pytest.mark.parametrize("both_ways", [False, True])
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("batched", [False, True])
@pytest.mark.parametrize("given_state", [True, False])
def test_batch_first_and_inputs_without_a_batch(
    both_ways: bool, batch_first: bool, batched: bool, given_state: bool
) -> None:
    options = {"num_layers": 2, "batch_first": batch_first, "bidirectional": both_ways}
    ours = fg.nn.RNN(3, 4, **options, dtype="float64")
    theirs = torch.nn.RNN(3, 4, **options, dtype=torch.float64)
    batch = (2,) if batched else ()
    hx = normal(1, 2 * (1 + both_ways), *batch, 4) if given_state else None
    shape = (2, 5, 3) if batch_first else (5, 2, 3)
    run_both(ours, theirs, normal(0, *(shape if batched else (5, 3))), hx)


@settings(max_examples=25, deadline=None)
@given(
    steps=st.integers(1, 6),
    batch=st.integers(0, 3),
    inputs=st.integers(1, 4),
    hidden=st.integers(1, 4),
    layers=st.integers(1, 2),
    both_ways=st.booleans(),
)
def test_any_size(steps: int, batch: int, inputs: int, hidden: int, layers: int, both_ways: bool) -> None:
    options = {"num_layers": layers, "bidirectional": both_ways}
    ours = fg.nn.RNN(inputs, hidden, **options, dtype="float64")
    theirs = torch.nn.RNN(inputs, hidden, **options, dtype=torch.float64)
    hx = normal(1, layers * (1 + both_ways), batch, hidden)
    run_both(ours, theirs, normal(0, steps, batch, inputs), hx)


@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
@pytest.mark.parametrize("both_ways", [False, True])
def test_gradcheck(nonlinearity: str, both_ways: bool) -> None:
    rnn = fg.nn.RNN(2, 3, nonlinearity=nonlinearity, bidirectional=both_ways, dtype="float64")
    x = fg.tensor(normal(0, 4, 2, 2), requires_grad=True)
    hx = fg.tensor(normal(1, 1 + both_ways, 2, 3), requires_grad=True)
    assert fg.autograd.gradcheck(lambda x, hx, *weights: rnn(x, hx), (x, hx, *rnn.parameters()))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
@pytest.mark.parametrize("batch", [(5,), ()])
def test_cell_is_torchs(bias: bool, nonlinearity: str, batch: tuple[int, ...]) -> None:
    ours = fg.nn.RNNCell(3, 4, bias, nonlinearity, dtype="float64")
    theirs = torch.nn.RNNCell(3, 4, bias, nonlinearity, dtype=torch.float64)
    modules_agree(ours, theirs, normal(0, *batch, 3), normal(1, *batch, 4))
    assert repr(ours) == repr(theirs)
    close(ours(fg.tensor(normal(0, *batch, 3))), theirs(torch.tensor(normal(0, *batch, 3))))


def test_an_unrolled_cell_is_the_layer() -> None:
    rnn = fg.nn.RNN(3, 4, dtype="float64")
    cell = fg.nn.RNNCell(3, 4, dtype="float64")
    cell.load_state_dict({name.removesuffix("_l0"): value for name, value in rnn.state_dict().items()})
    x = fg.tensor(normal(0, 6, 2, 3))
    y, _ = rnn(x)
    h = fg.zeros(2, 4, dtype=fg.float64)
    states = []
    for step in x:
        h = cell(step, h)
        states.append(h)
    close(fg.stack(states), y.detach().numpy())
    y.sum().backward()
    fg.stack(states).sum().backward()
    for p, q in zip(rnn.parameters(), cell.parameters(), strict=True):
        close(p.grad, q.grad.numpy())


def test_dropout_acts_between_layers_while_training_only() -> None:
    rnn = fg.nn.RNN(3, 4, num_layers=2, dropout=0.5)
    with pytest.warns(UserWarning, match="num_layers is 1"):
        single = fg.nn.RNN(3, 4, dropout=0.5)
    x = fg.tensor(normal(0, 5, 2, 3, dtype="float32"))
    assert not np.array_equal(rnn(x)[0].detach().numpy(), rnn(x)[0].detach().numpy())
    assert np.array_equal(single(x)[0].detach().numpy(), single(x)[0].detach().numpy())
    rnn.eval()
    assert np.array_equal(rnn(x)[0].detach().numpy(), rnn(x)[0].detach().numpy())
    rnn = fg.nn.RNN(3, 4, num_layers=2, dropout=1.0)
    # With everything dropped the second layer sees no input.
    again = fg.tensor(normal(9, 5, 2, 3, dtype="float32"))
    assert np.array_equal(rnn(x)[0].detach().numpy(), rnn(again)[0].detach().numpy())


def test_initial_values_are_within_torchs_bound() -> None:
    for module in (fg.nn.RNN(50, 100, num_layers=2), fg.nn.RNNCell(50, 100)):
        values = fg.nn.utils.parameters_to_vector(module.parameters()).detach().numpy()
        assert np.abs(values).max() <= 0.1
        assert abs(values.std() - 0.1 / np.sqrt(3)) < 0.002


def test_wrong_arguments() -> None:
    rnn, cell = fg.nn.RNN(3, 4), fg.nn.RNNCell(3, 4)
    for call, argument in (
        (lambda: rnn(fg.zeros(5, 2, 2)), "x"),
        (lambda: rnn(fg.zeros(3)), "x"),
        (lambda: rnn(fg.zeros(0, 2, 3)), "x"),
        (lambda: rnn(fg.zeros(5, 2, 3), fg.zeros(2, 2, 4)), "hx"),
        (lambda: rnn(fg.zeros(5, 3), fg.zeros(1, 2, 4)), "hx"),
        (lambda: cell(fg.zeros(2, 2)), "x"),
        (lambda: cell(fg.zeros(2, 3), fg.zeros(2, 3)), "hx"),
        (lambda: fg.nn.RNN(3, 0), "hidden_size"),
        (lambda: fg.nn.RNN(3, 4, num_layers=0), "num_layers"),
        (lambda: fg.nn.RNN(3, 4, nonlinearity="gelu"), "nonlinearity"),
        (lambda: fg.nn.RNN(3, 4, dropout=2.0), "dropout"),
    ):
        with pytest.raises(ValueError, match=f"RNN.*'{argument}'"):
            call()
    with pytest.raises(TypeError, match=r"RNN.*'hx'.*float64"):
        rnn(fg.zeros(5, 2, 3), fg.zeros(1, 2, 4, dtype=fg.float64))
