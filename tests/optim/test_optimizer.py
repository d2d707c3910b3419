"""Groups, state, saving and loading, and what a step does with unusual memory."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.optim import SGD, Adam, AdamW, Optimizer

torch = pytest.importorskip("torch")

KINDS = {
    "sgd": (SGD, {"lr": 0.1, "momentum": 0.9}),
    "adam": (Adam, {"lr": 0.1, "amsgrad": True}),
    "adamw": (AdamW, {"lr": 0.1}),
}


def leaf(value, dtype="f8"):
    return fg.tensor(np.asarray(value, dtype), requires_grad=True)


def give_gradients(params, seed):
    rng = np.random.default_rng(seed)
    for p in params:
        p.grad = fg.tensor(rng.normal(size=p.shape).astype(p.data.dtype))


def values(params):
    return [p.detach().numpy().copy() for p in params]


def assert_equal(some, others):
    for a, b in zip(some, others, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.fixture(params=KINDS)
def kind(request):
    return KINDS[request.param]


# --- groups


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


# --- step


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


def test_replaced_data_and_state_are_used(kind):
    build, options = kind
    start = np.arange(6.0).reshape(2, 3)
    a, b = leaf(start), leaf(start)
    one, other = build([a], **options), build([b], **options)
    for i in range(6):
        give_gradients([a], i)
        give_gradients([b], i)
        if i == 2:  # the same values in other memory of another order
            b.data = np.array(b.data, order="F")
        if i == 4:
            one.state.clear()
            other.state.clear()
        one.step()
        other.step()
        np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy())


def test_float32_and_float64_in_one_group(kind):
    build, options = kind
    start = np.linspace(-1, 1, 5)
    a, b, c = leaf(start, "f4"), leaf(start, "f8"), leaf(start, "f4")
    alone = [leaf(start, "f4"), leaf(start, "f8"), leaf(start, "f4")]
    optimizer, single = build([a, b, c], **options), [build([p], **options) for p in alone]
    for seed in range(4):
        give_gradients([a, b, c], seed)
        for p, q in zip(alone, (a, b, c), strict=True):
            p.grad = q.grad
        optimizer.step()
        for s in single:
            s.step()
    assert_equal(values([a, b, c]), values(alone))
    assert [p.dtype for p in (a, b, c)] == [np.float32, np.float64, np.float32]


def views(dtype):
    """Memory that is dense in no order, dense in an unusual one, or unaligned."""
    big = np.arange(400, dtype=dtype) / 100
    raw = np.zeros(24 * big.itemsize + 1, np.uint8)[1:].view(dtype).reshape(4, 6)
    raw[...] = big[:24].reshape(4, 6)
    return {
        "columns": big.reshape(20, 20)[:, ::3],
        "reversed": big[:30][::-1],
        "step": big[::4],
        "permuted": big[:60].reshape(3, 4, 5).transpose(1, 0, 2),
        "one row": big.reshape(20, 20)[:1, :7],
        "one column": big.reshape(20, 20)[:7, :1],
        "unaligned": raw,
    }


@pytest.mark.parametrize("layout", views("f4"))
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_parameters_in_any_memory(kind, layout, dtype):
    build, options = kind
    view = views(dtype)[layout]
    a, b = fg.tensor(view.copy(), requires_grad=True), fg.tensor(view.copy(), requires_grad=True)
    rest = leaf([1.0], dtype)
    b.data = view
    one, other = build([a], **options), build([b, rest], **options)
    for seed in range(3):
        give_gradients([a], seed)
        b.grad = fg.tensor(np.asfortranarray(a.grad.numpy()))
        rest.grad = fg.tensor(np.ones(1, dtype))
        one.step()
        other.step()
    assert b.data is view
    np.testing.assert_array_equal(a.detach().numpy(), view)


def test_what_lies_between_the_elements_of_a_view_stays(kind):
    build, options = kind
    memory = np.ones((4, 6))
    w = leaf(np.ones((4, 3)))
    w.data = memory[:, ::2]
    give_gradients([w], 0)
    build([w], **options).step()
    assert (memory[:, 1::2] == 1).all()
    assert (memory[:, ::2] != 1).all()


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("layout", ["C", "strided"])
def test_read_only_memory_is_an_error_and_nothing_is_written(kind, groups, layout):
    build, options = kind
    a, b = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    optimizer = build([a, b] if groups == 1 else [{"params": [a]}, {"params": [b]}], **options)
    give_gradients([a, b], 0)
    memory = np.array([3.0, 0.0, 4.0, 0.0])[::2] if layout == "strided" else np.array([3.0, 4.0])
    memory.flags.writeable = False
    b.data = memory
    with pytest.raises(ValueError, match=r"read-only|writ"):
        optimizer.step()
    assert a.tolist() == [1.0, 2.0]
    assert b.tolist() == [3.0, 4.0]
    assert not any(optimizer.state.values())


@pytest.mark.parametrize("groups", [1, 2])
def test_memory_made_read_only_later(kind, groups):
    build, options = kind
    a, b = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    optimizer = build([a, b] if groups == 1 else [{"params": [a]}, {"params": [b]}], **options)
    give_gradients([a, b], 0)
    optimizer.step()
    optimizer.step()
    before = values([a, b])
    b.data.flags.writeable = False
    with pytest.raises(ValueError, match=r"read-only|writ"):
        optimizer.step()
    assert_equal(values([a, b]), before)


@pytest.mark.parametrize("steps_before", [0, 1])
@pytest.mark.parametrize(("wrong", "error"), [(np.ones(3), ValueError), (np.ones(2, "f4"), TypeError)])
def test_gradient_that_does_not_fit_is_an_error_and_nothing_is_written(kind, steps_before, wrong, error):
    build, options = kind
    a, b = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    optimizer = build([{"params": [a]}, {"params": [b]}], **options)
    give_gradients([a, b], 0)
    for _ in range(steps_before):
        optimizer.step()
    before = values([a, b])
    b.grad.data = wrong
    with pytest.raises(error, match=r"step\(\): argument 'params' is of"):
        optimizer.step()
    assert_equal(values([a, b]), before)


def test_memory_with_several_elements_in_one_place_is_an_error():
    w = leaf(np.zeros(3))
    w.data = np.lib.stride_tricks.as_strided(np.zeros(1), (3,), (0,))
    w.grad = fg.tensor(np.ones(3))
    with pytest.raises(ValueError, match="a place of its own"):
        SGD([w]).step()


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


# --- saving and loading


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


def test_repr_names_groups_and_options():
    text = repr(SGD([leaf([1.0])], lr=0.5))
    assert text.startswith("SGD (\nParameter Group 0\n    dampening: 0\n")
    assert "    lr: 0.5\n" in text
    assert text.endswith("\n)")
