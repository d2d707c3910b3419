"""Changes in place, of tensors and of views, give torch's values, histories and refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import fastgrad as fg
from tests.torch.agreement import agree

RNG = np.random.default_rng(5)
A, B, ROW = RNG.standard_normal((3, 4)), RNG.random((3, 4)) + 0.5, RNG.random(4) + 0.5
INT = RNG.integers(1, 6, (3, 4))


def iadd(m: Any, x: Any, w: Any) -> Any:
    y = x * 2
    y += w
    y -= w * w
    y *= w
    y /= w + 1
    return y * y


def leaf_parent(m: Any, x: Any, w: Any) -> Any:
    y = m.zeros(3, 4, dtype=m.float64)
    y.add_(x)
    y.mul_(w)
    return y


def older_users_keep_the_old_value(m: Any, x: Any, w: Any) -> Any:
    y = x * 2
    z = y + 1  # reads nothing of y's memory in backward
    y.mul_(w)
    return y, z


def numbers(m: Any, x: Any, w: Any) -> Any:
    y = x.clone()
    y.add_(3).sub_(1, alpha=0.5).mul_(2).div_(4).neg_().add_(w, alpha=2).clamp_(-3, 1).pow_(2)
    return y


def copy_fill_zero(m: Any, x: Any, w: Any) -> Any:
    y, z, u, v = x * 1, x * 2, x * 3, x * 4
    return y.copy_(w), z.fill_(2.0), u.zero_(), v.fill_(w.sum()), (x * 1).masked_fill_(x > 0, 7.0)


def write_rows(m: Any, x: Any, w: Any) -> Any:
    y = m.zeros(4, 3, 4, dtype=m.float64)
    for i in range(4):
        y[i] = x * i
    y[0, :, 1:3] = w[:, 1:3] if w.ndim == 2 else w[1:3]
    y[y > 1] = 1.5
    return y


def change_a_view(m: Any, x: Any, w: Any) -> Any:
    y = x * 2
    y[0].mul_(w[0] if w.ndim == 2 else w)
    y[:, 1:].add_(1)
    return y * y


def change_a_transposed_view(m: Any, x: Any, w: Any) -> Any:
    y = (x * 2).reshape(4, 3)
    v = y.T
    v += 1
    v *= w[:3, :3].sum() if w.ndim == 2 else w.sum()
    return y * y, v


def change_the_viewed(m: Any, x: Any, w: Any) -> Any:
    y = x * 2
    v = y[1]
    u = v[1:3].unsqueeze(0)
    y.mul_(w)
    return v * v, y, u


def change_one_view_read_another(m: Any, x: Any, w: Any) -> Any:
    y = x * 1
    flat, rows = y.view(-1), y[1:]
    rows.mul_(w[1:] if w.ndim == 2 else w)
    return flat * flat, rows, y


def fresh_base_gets_history_through_a_view(m: Any, x: Any, w: Any) -> Any:
    y = m.zeros(3, 4, dtype=m.float64)
    v = y[1]
    v.copy_(x[0])
    return y * 2, v


def view_of_a_changed_view(m: Any, x: Any, w: Any) -> Any:
    y = x * 1
    a = y[:2]
    b = a[:, 1:]
    b.mul_(3)
    a.add_(w[:2] if w.ndim == 2 else w)
    return a, b, y


def expanded_view_after_change(m: Any, x: Any, w: Any) -> Any:
    y = x[:, :1] * 1
    v = y.expand(3, 4)
    y.mul_(2)
    return v * v


CASES = [
    iadd,
    leaf_parent,
    older_users_keep_the_old_value,
    numbers,
    copy_fill_zero,
    write_rows,
    change_a_view,
    change_a_transposed_view,
    change_the_viewed,
    change_one_view_read_another,
    fresh_base_gets_history_through_a_view,
    view_of_a_changed_view,
    expanded_view_after_change,
]


@pytest.mark.parametrize("other", [B, ROW], ids=["same shape", "broadcast"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_in_place_agrees_with_torch(case: Any, other: np.ndarray) -> None:
    agree(case, [A, other])


def test_operand_that_shares_the_memory() -> None:
    """torch refuses y *= y at backward; here the operand's old values are kept."""

    def case(x: fg.Tensor) -> fg.Tensor:
        y = x * 1
        y *= y
        y += y
        y /= y.T + 3
        y[0] = y[1] * 2
        return y

    x = fg.tensor(A[:, :3], requires_grad=True)
    assert fg.autograd.gradcheck(case, x)
    y = 2 * (x * x)
    y = y / (y.T + 3)
    np.testing.assert_allclose(case(x).detach().numpy(), fg.stack([y[1] * 2, y[1], y[2]]).detach().numpy())


def test_in_place_on_integers_and_float32() -> None:
    def case(m: Any, x: Any, y: Any) -> Any:
        z, u = x.clone(), y.detach().float()
        z += 2
        z *= x
        z -= x[0]
        u += x
        u *= y.detach()
        return z, u

    agree(case, [INT, A], rtol=1e-6)


REFUSED = [
    ("leaf", lambda m, x: x.add_(1)),
    ("view of a leaf", lambda m, x: x[0].mul_(2)),
    ("setitem of a leaf", lambda m, x: x.__setitem__(0, 1.0)),
    ("copy to a leaf", lambda m, x: x.copy_(m.zeros(2))),
    ("zero a leaf", lambda m, x: x.zero_()),
    ("result saved", lambda m, x: [y := x.exp(), y.add_(1), y.sum().backward()]),
    ("argument saved", lambda m, x: [y := x * 1, z := y * y, y.add_(1), z.sum().backward()]),
    ("view of an argument saved", lambda m, x: [y := x * 1, z := y * y, y[0].add_(1), z.sum().backward()]),
]


@pytest.mark.parametrize(("name", "case"), REFUSED, ids=[name for name, _ in REFUSED])
def test_refused_as_in_torch(name: str, case: Any) -> None:
    x, x_ = fg.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError):
        case(torch, x_)
    with pytest.raises(RuntimeError, match=r"in-place operation|inplace operation"):
        case(fg, x)
    assert x.tolist() == [1.0, 1.0]


def test_view_made_without_recording_is_refused() -> None:
    x = fg.ones(2, requires_grad=True) * 2
    with fg.no_grad():
        v = x[0]
    with pytest.raises(RuntimeError, match="no_grad"):
        v.mul_(x[1])


def test_leaves_change_without_recording() -> None:
    w = fg.ones(2, requires_grad=True)
    with fg.no_grad():
        w -= 0.25
        w[0] = 5
    assert w.tolist() == [5.0, 0.75]
    assert w.is_leaf
    assert w._version == 2


BAD = [
    (lambda x: x.add_(fg.ones(3)), ValueError, r"add_\(\): argument 'y' is of shape \(3,\)"),
    (lambda x: x[0].add_(fg.ones(2)), ValueError, r"add_\(\)"),
    (lambda x: x.copy_(fg.ones(3, 2)), ValueError, r"copy_\(\): argument 'source'"),
    (lambda x: x.long().add_(0.5), TypeError, r"add_\(\): argument 'x' is of dtype int64"),
    (lambda x: x.long().div_(2), TypeError, r"div_\(\)"),
    (lambda x: x.fill_(fg.ones(2)), ValueError, r"fill_\(\)"),
    (lambda x: x.expand(3, 2).add_(1), ValueError, "read-only"),
    (lambda x: x.__setitem__(7, 1.0), IndexError, "setitem"),
    (lambda x: x.__setitem__(slice(None), fg.ones(3)), ValueError, "setitem"),
    (lambda x: x.masked_fill_(fg.ones(2), 1.0), TypeError, "mask"),
    (lambda x: x.clamp_(), ValueError, "clamp_"),
    (lambda x: x.add_("a"), TypeError, "argument 'y'"),
]


@pytest.mark.parametrize(("case", "error", "message"), BAD, ids=[message for _, _, message in BAD])
def test_bad_arguments_change_nothing(case: Any, error: type[Exception], message: str) -> None:
    x = fg.ones(2)
    with pytest.raises(error, match=message):
        case(x)
    assert x.tolist() == [1.0, 1.0]
    assert x._version == 0
