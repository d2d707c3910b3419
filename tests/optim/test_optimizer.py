"""Groups of parameters, and what a step does."""

from __future__ import annotations

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.optim import SGD, Optimizer
from tests.optim.common import leaf


def test_groups_have_options_of_their_own():
    a, b, c = leaf([1.0]), leaf([1.0]), leaf([1.0])
    optimizer = SGD([{"params": [a]}, {"params": (p for p in [b]), "lr": 0.5}], lr=0.25)
    optimizer.add_param_group({"params": c, "lr": 1.0, "tag": "late"})
    for p in (a, b, c):
        p.grad = fg.tensor(np.ones(1))
    optimizer.step()
    assert [p.item() for p in (a, b, c)] == [0.75, 0.5, 0.0]
    assert optimizer.param_groups[2]["tag"] == "late"


def test_options_may_change_between_steps():
    w = leaf([1.0])
    optimizer = SGD([w], lr=0.5)
    w.grad = fg.tensor(np.ones(1))
    optimizer.step()
    optimizer.param_groups[0]["lr"] = 0.25
    optimizer.step()
    assert w.item() == 0.25


def test_named_parameters():
    a, b = leaf([1.0]), leaf([2.0])
    optimizer = SGD(iter([("a", a), ("b", b)]))
    assert optimizer.param_groups[0]["param_names"] == ["a", "b"]
    assert optimizer.param_groups[0]["params"][1] is b
    with pytest.raises(ValueError, match="names in every group"):
        optimizer.add_param_group({"params": [leaf([1.0])]})
    with pytest.raises(ValueError, match="a name for every Tensor"):
        SGD([("a", a), b])


def test_given_group_is_not_changed():
    group = {"params": [leaf([1.0])]}
    SGD([group])
    assert set(group) == {"params"}


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda w: w, TypeError, "argument 'params' is Tensor"),
        (lambda w: 3, TypeError, "argument 'params' is int"),
        (lambda w: [], ValueError, "argument 'params' is empty"),
        (lambda w: [w, w], ValueError, r"params\[1\].*already has"),
        (lambda w: [{"params": [w]}, {"params": [w]}], ValueError, r"params\[0\].*already has"),
        (lambda w: [w * 2], ValueError, "leaf"),
        (lambda w: [np.ones(3)], TypeError, r"params\[0\]' is ndarray"),
        (lambda w: [{"params": {w}}], TypeError, "a set, which has no order"),
        (lambda w: [{"parameters": [w]}], ValueError, "a dict with 'params'"),
        (lambda w: [{"params": [w]}, w], TypeError, "param_group"),
    ],
)
def test_bad_parameters(make, error, message):
    with pytest.raises(error, match=message):
        SGD(make(leaf([1.0])))


def test_refused_group_leaves_the_optimizer_as_it_was():
    a = leaf([1.0])
    optimizer = SGD([a])
    with pytest.raises(ValueError, match="already has"):
        optimizer.add_param_group({"params": [leaf([1.0]), a]})
    with pytest.raises(ValueError, match="lr"):
        optimizer.add_param_group({"params": [leaf([1.0])], "lr": -1})
    assert len(optimizer.param_groups) == 1


def test_step_of_a_network(kind):
    build, options = kind
    x, w = leaf(np.ones((4, 3))), leaf(np.arange(6.0).reshape(3, 2))
    optimizer = build([w], **options)
    before = (x.detach() @ w).sum().item()
    (x.detach() @ w).sum().backward()
    optimizer.step()
    assert (x.detach() @ w).sum().item() < before


def test_parameters_without_gradient_stay(kind):
    build, options = kind
    a, b = leaf([1.0]), leaf([1.0])
    optimizer = build([a, b], **options)
    for _ in range(3):
        a.grad = fg.tensor(np.ones(1))
        optimizer.step()
    assert b.item() == 1.0
    assert b not in optimizer.state
    assert a.item() < 1.0


def test_closure_gives_the_loss():
    w = leaf([2.0])
    optimizer = SGD([w], lr=0.5)

    def closure():
        optimizer.zero_grad()
        loss = (w * w).sum()
        loss.backward()
        return loss

    with fg.no_grad():
        loss = optimizer.step(closure)
    assert loss.item() == 4.0
    assert w.item() == 0.0


def test_zero_grad():
    w = leaf([2.0, 3.0])
    optimizer = SGD([w, leaf([1.0])])
    (w * w).sum().backward()
    optimizer.zero_grad(set_to_none=False)
    assert w.grad.tolist() == [0.0, 0.0]
    optimizer.zero_grad()
    assert w.grad is None


def test_change_is_noticed_by_a_later_backward(kind):
    build, options = kind
    w = leaf([2.0])
    optimizer = build([w], **options)
    loss = (w * w).sum()
    w.grad = fg.tensor(np.ones(1))
    optimizer.step()
    with pytest.raises(RuntimeError):
        loss.backward()


def test_nan_in_one_parameter_stays_there(kind):
    build, options = kind
    a, b = leaf([1.0, 2.0]), leaf([3.0])
    optimizer = build([a, b], **options)
    a.grad, b.grad = fg.tensor(np.array([np.nan, 1.0])), fg.tensor(np.ones(1))
    optimizer.step()
    assert np.isnan(a.detach().numpy()).tolist() == [True, False]
    assert np.isfinite(b.item())


def test_subclass_with_a_step_of_its_own():
    class Halve(Optimizer):
        def step(self, closure=None):
            for group in self.param_groups:
                for p in group["params"]:
                    p.data *= group["factor"]

    w = leaf([4.0])
    optimizer = Halve([w], {"factor": 0.5})
    optimizer.step()
    assert w.item() == 2.0
    with pytest.raises(NotImplementedError, match=r"Optimizer has no step\(\)"):
        Optimizer([w], {}).step()


def test_repr_names_groups_and_options():
    text = repr(SGD([leaf([1.0])], lr=0.5))
    assert text.startswith("SGD (\nParameter Group 0\n    dampening: 0\n")
    assert "    lr: 0.5\n" in text
    assert text.endswith("\n)")
