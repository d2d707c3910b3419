"""Rules 14 to 16 at the public functions: layouts, read-only arrays, dtypes."""

from __future__ import annotations

import numpy as np
import pytest

import fastgrad as fg
import fastgrad.nn.functional as F
from tests.kernels.common import broadcasts, dtypes, layouts, normal, unchanged


def tensors_of(view: np.ndarray) -> list[fg.Tensor]:
    """A tensor that shares the view's memory and layout, where numpy can say so, and one that copies it."""
    shared = [fg.from_numpy(view)] if view.flags.writeable else []
    return [*shared, fg.tensor(view)]


@dtypes
def test_rule_14_all_layouts_agree_and_inputs_stay_as_they_are(isa, dtype):
    x, w, b = normal((6, 9), dtype), normal((5, 9), dtype, 1), normal(5, dtype, 2)
    target, small = np.arange(6) % 5, 64 * np.finfo(dtype).eps

    def run(x, w, b):
        y = F.linear(x, w, b, activation="silu")
        return [y, F.softmax(y, -1), F.log_softmax(y, 0), F.cross_entropy(y, fg.tensor(target)), F.mse_loss(y, y * 2)]

    def agree(x, w, b, expected, what):
        for a, e in zip(run(x, w, b), expected, strict=True):
            np.testing.assert_allclose(a.numpy(), e, rtol=small, atol=small, err_msg=what)

    expected = [a.numpy() for a in run(*(fg.tensor(a) for a in (x, w, b)))]
    for i, array in enumerate((x, w, b)):
        for name, view in layouts(array).items():
            with unchanged(view):
                for tensor in tensors_of(view):
                    arguments = [fg.tensor(a) for a in (x, w, b)]
                    arguments[i] = tensor
                    agree(*arguments, expected, f"{'xwb'[i]} {name}")
    for name, view in broadcasts(x.shape, dtype).items():
        same = [a.numpy() for a in run(fg.tensor(view.copy()), fg.tensor(w), fg.tensor(b))]
        agree(fg.tensor(view), fg.tensor(w), fg.tensor(b), same, f"broadcast {name}")
        expanded = fg.tensor(view.copy()[:1]).expand(6, 9) if name == "first" else fg.tensor(view)
        agree(expanded, fg.tensor(w), fg.tensor(b), same, f"expanded {name}")


def test_rule_14_empty_arrays_in_every_layout(isa):
    for view in layouts(np.zeros((0, 4), np.float32)).values():
        assert F.linear(fg.tensor(view), fg.ones(3, 4)).shape == (0, 3)
        assert F.gelu(fg.tensor(view)).shape == (0, 4)


def test_rule_15_read_only_memory(isa):
    frozen = normal((4, 5), np.float32)
    frozen.setflags(write=False)
    x = fg.from_numpy(frozen)
    before = frozen.copy()
    assert F.linear(x, fg.ones(3, 5)).shape == (4, 3)
    p = fg.from_numpy(frozen).requires_grad_()
    p.grad = fg.ones(4, 5)
    for optimizer in (fg.optim.SGD([p], lr=0.1), fg.optim.SGD([p], lr=0.1, momentum=0.9), fg.optim.Adam([p])):
        with pytest.raises(ValueError, match=r"read-only|writ"):
            optimizer.step()
    with fg.no_grad(), pytest.raises(ValueError, match=r"read-only|writ"):
        p += 1
    assert np.array_equal(frozen, before)


@pytest.mark.parametrize(
    ("given", "becomes"),
    [
        ("f2", "f4"), ("i1", "i8"), ("i2", "i8"), ("u2", "i8"), ("u4", "i8"), (">f4", "f4"), (">f8", "f8"),
        (">i8", "i8"), (">i4", "i4"), ("f4", "f4"), ("f8", "f8"), ("i8", "i8"), ("i4", "i4"), ("u1", "u1"), ("?", "?"),
    ],
)  # fmt: skip
def test_rule_16_dtypes_that_convert_safely(given, becomes):
    a = np.array([[0, 1], [1, 0]]).astype(given)
    t = fg.tensor(a)
    assert t.dtype == np.dtype(becomes)
    assert t.numpy().tolist() == a.tolist()


@pytest.mark.parametrize("dtype", ["u8", "c8", "c16", "O", "U3", "S3", "M8[s]"])
def test_rule_16_dtypes_that_do_not(dtype):
    a = np.zeros(3, dtype)
    with pytest.raises(TypeError) as caught:
        fg.tensor(a)
    assert str(a.dtype) in str(caught.value)
    with pytest.raises(TypeError):
        fg.from_numpy(a)
