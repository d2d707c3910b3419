"""Saving and loading, also from and to torch."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.optim import SGD, Adam, AdamW, Optimizer
from tests.optim.common import assert_equal, give_gradients, leaf, values

torch = pytest.importorskip("torch")


def trained(kind, steps, seed=0):
    build, options = kind
    rng = np.random.default_rng(seed)
    params = [leaf(rng.normal(size=(3, 4))), leaf(rng.normal(size=4)), leaf(rng.normal(size=()))]
    optimizer = build([{"params": params[:2]}, {"params": params[2:], "lr": 0.01}], **options)
    for i in range(steps):
        give_gradients(params, i)
        optimizer.step()
    return params, optimizer


@pytest.mark.parametrize("way", ["dict", "pickled dict", "deepcopy", "pickle"])
def test_training_goes_on_from_what_was_saved(kind, way):
    params, optimizer = trained(kind, 3)
    if way in ("deepcopy", "pickle"):
        both = (params, optimizer)
        others, other = copy.deepcopy(both) if way == "deepcopy" else pickle.loads(pickle.dumps(both))
        assert others[0] is other.param_groups[0]["params"][0]
    else:
        others, other = trained(kind, 0)
        for p, q in zip(others, params, strict=True):
            p.data = np.array(q.data, order="F")
        saved = optimizer.state_dict()
        other.load_state_dict(pickle.loads(pickle.dumps(saved)) if "pickled" in way else saved)
    for i in range(10, 13):
        for opt, ps in ((optimizer, params), (other, others)):
            give_gradients(ps, i)
            opt.step()
    assert_equal(values(params), values(others))
    for p, q in zip(params, others, strict=True):
        assert p is not q
        for name, value in optimizer.state[p].items():
            assert np.asarray(value) == pytest.approx(np.asarray(other.state[q][name]), abs=0)


def test_loaded_arrays_are_copies(kind):
    _, optimizer = trained(kind, 2)
    others, other = trained(kind, 0)
    saved = optimizer.state_dict()
    other.load_state_dict(saved)
    before = copy.deepcopy(saved)
    give_gradients(others, 5)
    other.step()
    for i, state in saved["state"].items():
        for name, value in state.items():
            np.testing.assert_array_equal(np.asarray(value), np.asarray(before["state"][i][name]))


def test_layout_of_the_dict_is_torchs(kind):
    params, optimizer = trained(kind, 1)
    theirs = [torch.tensor(p.detach().numpy(), requires_grad=True) for p in params]
    build, options = kind
    reference = getattr(torch.optim, build.__name__)(
        [{"params": theirs[:2]}, {"params": theirs[2:], "lr": 0.01}], **options
    )
    for p in theirs:
        p.grad = torch.ones_like(p)
    reference.step()
    ours, wanted = optimizer.state_dict(), reference.state_dict()
    assert ours.keys() == wanted.keys()
    assert [g["params"] for g in ours["param_groups"]] == [g["params"] for g in wanted["param_groups"]]
    assert {i: set(s) for i, s in ours["state"].items()} == {i: set(s) for i, s in wanted["state"].items()}
    switches = {"foreach", "fused", "capturable", "differentiable"}
    for mine, other in zip(ours["param_groups"], wanted["param_groups"], strict=True):
        assert set(mine) - {"l1"} == set(other) - switches
        assert all(mine[key] == other[key] for key in set(mine) & set(other))


def test_state_goes_to_torch_and_back(kind):
    build, options = kind
    params, optimizer = trained(kind, 3)
    saved = optimizer.state_dict()
    for state in saved["state"].values():
        for name, value in state.items():
            if isinstance(value, fg.Tensor):
                state[name] = torch.tensor(value.numpy())
    for group in saved["param_groups"]:
        assert group.pop("l1") == 0
        group.update({"foreach": None, "fused": None, "capturable": False, "differentiable": False})
    theirs = [torch.tensor(p.detach().numpy(), requires_grad=True) for p in params]
    reference = getattr(torch.optim, build.__name__)(
        [{"params": theirs[:2]}, {"params": theirs[2:]}], **options
    )
    reference.load_state_dict(saved)
    others, other = trained(kind, 0)
    for p, q in zip(others, params, strict=True):
        p.data = q.data.copy()
    other.load_state_dict(reference.state_dict())
    for i in range(3):
        give_gradients(others, i)
        for p, v in zip(others, theirs, strict=True):
            v.grad = torch.tensor(p.grad.numpy())
        other.step()
        reference.step()
    for p, v in zip(others, theirs, strict=True):
        np.testing.assert_allclose(p.detach().numpy(), v.detach().numpy(), rtol=1e-12)


def test_adamw_stays_adamw_after_loading_adam():
    w = leaf([1.0])
    optimizer = AdamW([w])
    optimizer.load_state_dict(Adam([leaf([1.0])]).state_dict())
    assert optimizer.param_groups[0]["decoupled_weight_decay"] is True


def test_state_is_cast_to_the_parameter():
    a, b = leaf([1.0, 2.0], "f8"), leaf([1.0, 2.0], "f4")
    one, other = SGD([a], momentum=0.9), SGD([b], momentum=0.9)
    give_gradients([a, b], 0)
    one.step()
    other.load_state_dict(one.state_dict())
    assert other.state[b]["momentum_buffer"].dtype == np.float32
    other.step()


def test_state_of_a_tensor_that_is_no_parameter_any_more_is_not_saved(kind):
    params, optimizer = trained(kind, 1)
    optimizer.param_groups[0]["params"][0] = leaf([1.0])
    saved = optimizer.state_dict()
    assert set(saved["state"]) == {1, 2}
    assert params[0] in optimizer.state


def test_bad_dicts_change_nothing():
    w, v = leaf([1.0, 2.0]), leaf([1.0, 2.0, 3.0])
    optimizer = SGD([w], momentum=0.9, lr=0.5)
    give_gradients([w, v], 0)
    optimizer.step()
    other = SGD([v], momentum=0.9, lr=0.25)
    other.step()
    before = copy.deepcopy(optimizer.state_dict())
    with pytest.raises(ValueError, match=r"momentum_buffer.*shape \(3,\), expected shape \(2,\)"):
        optimizer.load_state_dict(other.state_dict())
    with pytest.raises(ValueError, match=r"groups of \[2\] parameters, expected groups of \[1\]"):
        optimizer.load_state_dict(SGD([leaf([1.0]), leaf([1.0])]).state_dict())
    with pytest.raises(ValueError, match="state and param_groups"):
        optimizer.load_state_dict({"state": {}})
    bad = copy.deepcopy(before)
    bad["param_groups"][0]["lr"] = -1
    with pytest.raises(ValueError, match="lr"):
        optimizer.load_state_dict(bad)
    after = optimizer.state_dict()
    assert after["param_groups"] == before["param_groups"]
    np.testing.assert_array_equal(
        after["state"][0]["momentum_buffer"].numpy(), before["state"][0]["momentum_buffer"].numpy()
    )


def test_state_of_other_optimizers_is_kept():
    class Counting(Optimizer):
        def step(self, closure=None):
            for p in self.param_groups[0]["params"]:
                self.state[p]["rows"] = fg.tensor(np.arange(2.0))
                self.state[p]["notes"] = {"seen": [1, 2]}
            self.state["global"] = {"count": 3}

    one, other = (Counting([leaf(np.ones((2, 3)))], {}) for _ in range(2))
    one.step()
    other.load_state_dict(one.state_dict())
    state = other.state[other.param_groups[0]["params"][0]]
    assert state["rows"].tolist() == [0.0, 1.0]
    assert state["notes"] == {"seen": [1, 2]}
    assert other.state["global"] == {"count": 3}
