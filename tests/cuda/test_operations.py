"""Each operation of tensors, on a GPU and on the processor."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fastgrad as fg
from tests.cuda.agreement import assert_agrees

RANDOM = np.random.default_rng(5)
VALUES: dict[str, np.ndarray] = {
    "x": RANDOM.normal(size=(3, 4)).astype("float32"),
    "y": RANDOM.normal(size=(3, 4)).astype("float32") + 3,
    "u": RANDOM.uniform(-0.9, 0.9, size=(3, 4)).astype("float32"),
    "p": RANDOM.uniform(0.5, 2, size=(3, 4)).astype("float32"),
    "v": RANDOM.normal(size=4).astype("float32"),
    "w": RANDOM.normal(size=(4, 5)),
    "q": RANDOM.normal(size=(3, 3)).astype("float32"),
    "b": RANDOM.normal(size=(2, 3, 4)).astype("float32"),
    "c": RANDOM.normal(size=(2, 4, 3)).astype("float32"),
    "one": np.float32([0.5]),
    "i": RANDOM.integers(0, 9, size=(3, 4)),
    "j": RANDOM.integers(1, 5, size=(3, 4)),
    "k": np.array([2, 0, 2]),
    "l": RANDOM.integers(0, 3, size=(3, 4)),
    "m": RANDOM.random((3, 4)) < 0.5,
    "n": RANDOM.random((3, 4)) < 0.5,
}


class Inputs:
    """The tensors as attributes."""

    def __init__(self, tensors: dict[str, fg.Tensor]) -> None:
        self.__dict__.update(tensors)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


def chain(x: fg.Tensor, change: Any) -> fg.Tensor:
    """Change a copy of x in place."""
    y = x * 1
    change(y)
    return y


def put(x: fg.Tensor, index: Any, value: Any) -> fg.Tensor:
    """A copy of x with x[index] = value."""
    return chain(x, lambda y: y.__setitem__(index, value))


UNARY = {
    "x": "abs absolute atan arctan ceil cos cosh erf exp exp2 expm1 floor neg negative round sigmoid sign sin sinh "
    "square tan tanh trunc relu isfinite isinf isnan nan_to_num logical_not all any argmax argmin argsort "
    "count_nonzero diff flatten max mean median min nonzero norm prod sort std sum t tril triu unbind var "
    "ravel clone contiguous detach numel nelement dim size stride tolist is_contiguous is_floating_point "
    "element_size double long int bool float byte",
    "u": "acos asin arccos arcsin",
    "p": "log log10 log1p log2 reciprocal rsqrt sqrt square",
    "i": "abs neg sign sum prod max argmax sort any",
    "m": "logical_not sum all any",
    "one": "item",
}
BINARY = (
    "add sub subtract mul multiply div divide true_divide floor_divide remainder fmod pow maximum minimum eq ne lt le "
    "gt ge isclose logical_and logical_or logical_xor"
)
BITWISE = "bitwise_and bitwise_or bitwise_xor"
REDUCTIONS = "all any argmax argmin logsumexp max mean median min norm prod std sum var amax amin"
ALONG = f"{REDUCTIONS} count_nonzero cumprod cumsum"


def method(name: str, x: str) -> Any:
    """A case: the method of one tensor."""
    return lambda t: getattr(getattr(t, x), name)()


def function(name: str, *of: str, **options: Any) -> Any:
    """A case: the function of fastgrad's of these tensors."""
    return lambda t: getattr(fg, name)(*(getattr(t, x) for x in of), **options)


CASES: dict[str, Any] = {f"{name}({x})": method(name, x) for x, names in UNARY.items() for name in names.split()}
for _name in BINARY.split():
    for _x, _y in (("p", "y"), ("p", "v"), ("i", "j")):
        CASES[f"{_name}({_x}, {_y})"] = function(_name, _x, _y)
for _name in BITWISE.split():
    for _x, _y in ("ij", "mn"):
        CASES[f"{_name}({_x}, {_y})"] = function(_name, _x, _y)
for _name in ALONG.split():
    for _dim in (0, -1):
        CASES[f"{_name}(b, {_dim})"] = function(_name, "b", dim=_dim)
for _name in REDUCTIONS.split():
    CASES[f"{_name}(b, 1, keepdim)"] = function(_name, "b", dim=1, keepdim=True)
CASES |= {
    "sum(b, two)": lambda t: fg.sum(t.b, dim=(0, 2)),
    "amax(b, two)": lambda t: t.b.amax((0, 1)),
    "amin": lambda t: t.x.amin(),
    "norm(b, 1)": lambda t: [fg.norm(t.b, p) for p in (0, 1, 3, float("inf"))],
    "addmm": lambda t: fg.addmm(t.v[:3], t.x, t.x.t()),
    "addmm, shares": lambda t: fg.addmm(t.q, t.x, t.y.T, beta=0.5, alpha=2),
    "allclose": lambda t: fg.allclose(t.x, t.x + 1e-9) and not fg.allclose(t.x, t.y),
    "equal": lambda t: fg.equal(t.x, t.x) and not fg.equal(t.x, t.y),
    "dtypes": lambda t: [t.x + t.i, t.i * 1.5, t.m + t.i, t.w.sum() * t.x, t.i / t.j, t.x * np.float64(2)],
    "scalars": lambda t: [
        2 - t.x, t.x / 3, 1 / t.p, 2**t.p, t.p**0.5, t.i // 2, 7 % t.j, t.m & True, 3 - t.i, -t.x, +t.x, ~t.m, abs(t.x),
    ],
    "bmm": lambda t: fg.bmm(t.b, t.c),
    "broadcast_to": lambda t: fg.broadcast_to(t.v, (3, 4)) * t.x,
    "cat": lambda t: fg.cat([t.x, t.y, t.x]),
    "concat": lambda t: fg.concat([t.x, t.w.T[:3].float()], dim=1),
    "concatenate": lambda t: fg.concatenate([t.x, t.i]),
    "chunk": lambda t: fg.chunk(t.x, 2, dim=1),
    "clamp": lambda t: fg.clamp(t.x, -0.5, 0.5),
    "clamp, one": lambda t: [t.x.clamp(min=0), t.x.clamp(max=0.25), t.i.clamp(2, 5)],
    "clamp, tensors": lambda t: fg.clamp(t.x, t.u - 1, t.p),
    "clip": lambda t: fg.clip(t.x, 0, 1),
    "cosine": lambda t: (t.x * t.y).sum(1) / (t.x.norm(dim=1) * t.y.norm(dim=1)),
    "diff, dim": lambda t: fg.diff(t.x, dim=0),
    "dot": lambda t: fg.dot(t.v, t.x[1]),
    "flip": lambda t: fg.flip(t.x, (0, 1)),
    "gather": lambda t: fg.gather(t.x, 0, t.l),
    "hstack": lambda t: fg.hstack([t.x, t.y]),
    "index_select": lambda t: fg.index_select(t.x, 0, t.k),
    "masked_fill": lambda t: fg.masked_fill(t.x, t.m, 7),
    "masked_select": lambda t: fg.masked_select(t.x, t.m),
    "matmul": lambda t: [t.x @ t.y.T, t.b @ t.c, t.v @ t.v, t.b @ t.v, t.x.double() @ t.w],
    "mm": lambda t: fg.mm(t.x, t.y.T),
    "mv": lambda t: fg.mv(t.x, t.v),
    "outer": lambda t: fg.outer(t.v, t.x[0]),
    "movedim": lambda t: fg.movedim(t.b, 0, 2),
    "moveaxis": lambda t: t.b.moveaxis(0, 1),
    "narrow": lambda t: fg.narrow(t.x, 1, 1, 2),
    "permute": lambda t: fg.permute(t.b, (2, 0, 1)).contiguous(),
    "repeat_interleave": lambda t: fg.repeat_interleave(t.x, 2, dim=1),
    "repeat_interleave, tensor": lambda t: fg.repeat_interleave(t.x, t.k, dim=0),
    "reshape": lambda t: fg.reshape(t.b.transpose(0, 1), (6, 4)),
    "roll": lambda t: [fg.roll(t.x, 2), fg.roll(t.x, 1, 0), t.x.roll((1, 2), (0, 1))],
    "std_mean": lambda t: [fg.std_mean(t.x), fg.var_mean(t.x, dim=0)],
    "var_mean": lambda t: fg.var_mean(t.b, dim=(0, 1), keepdim=True),
    "bitwise_not": lambda t: [fg.bitwise_not(t.i), fg.bitwise_not(t.m)],
    "round, decimals": lambda t: fg.round(t.x.detach(), decimals=1),
    "select": lambda t: fg.select(t.b, 1, 2),
    "sort, descending": lambda t: fg.sort(t.x, dim=0, descending=True),
    "argsort": lambda t: fg.argsort(t.x, dim=0, descending=True),
    "split": lambda t: fg.split(t.x, [1, 3], dim=1),
    "squeeze": lambda t: fg.squeeze(t.x.unsqueeze(1)),
    "stack": lambda t: fg.stack([t.x, t.y], dim=1),
    "swapaxes": lambda t: fg.swapaxes(t.b, 0, 2),
    "take_along_dim": lambda t: fg.take_along_dim(t.x, t.l, 0),
    "tile": lambda t: fg.tile(t.x, (2, 1)),
    "topk": lambda t: [fg.topk(t.x, 2), t.x.topk(2, dim=0, largest=False)],
    "transpose": lambda t: fg.transpose(t.b, 0, 2),
    "unflatten": lambda t: fg.unflatten(t.x, 1, (2, 2)),
    "unsqueeze": lambda t: fg.unsqueeze(t.x, 0),
    "vstack": lambda t: fg.vstack([t.x, t.y]),
    "where": lambda t: [fg.where(t.m, t.x, t.y), fg.where(t.m, t.x, 0), t.x.where(t.x > 0, t.y), fg.where(t.m)],
    "max, two": lambda t: [fg.max(t.x, t.u), fg.min(t.x, t.u)],
    "softmax": lambda t: [fg.softmax(t.x, 0), t.x.log_softmax(1), t.x.softmax(-1)],
    "index": lambda t: [t.x[1], t.x[:, 2], t.x[1, 2], t.x[::2, 1:], t.x[..., None], t.b[:, -1], t.x[[2, 0, 2]]],
    "index, tensors": lambda t: [t.x[t.k], t.x[:, t.k], t.x[t.k, t.k], t.x[t.m], t.x[t.x > 0], t.b[0, t.k], t.i[t.k]],
    "index, numpy": lambda t: [t.x[np.array([2, 0, 2])], t.x[np.array([True, False, True])]],
    "put": lambda t: [
        put(t.x, 1, t.v), put(t.x, (slice(None), 2), 5.0), put(t.x, t.m, 0.0), put(t.x, t.k[:2], t.y[:2]),
    ],
    "put, numbers": lambda t: [put(t.x, 0, [1.0, 2, 3, 4]), put(t.i, t.i > 3, -1), put(t.x, 1, np.ones(4))],
    "in place": lambda t: [
        chain(t.x, lambda y: y.add_(t.y)), chain(t.x, lambda y: y.sub_(t.y, alpha=2)), chain(t.x, lambda y: y.mul_(3)),
        chain(t.x, lambda y: y.div_(t.y)), chain(t.x, lambda y: y.neg_()), chain(t.p, lambda y: y.pow_(2)),
        chain(t.x, lambda y: y.clamp_(-1, 1)), chain(t.x, lambda y: y.clip_(0)), chain(t.x, lambda y: y.fill_(2)),
        chain(t.x, lambda y: y.zero_()), chain(t.x, lambda y: y.copy_(t.y)),
        chain(t.x, lambda y: y.masked_fill_(t.m, 1)),
        chain(t.i, lambda y: y.add_(t.j)), chain(t.x, lambda y: y.normal_()), chain(t.x, lambda y: y.uniform_(1, 2)),
    ],
    "views changed": lambda t: chain(t.x, lambda y: (y[0].mul_(2), y.T[1].add_(1), y.view(-1)[::3].zero_())),
    "views": lambda t: [
        t.x.view(2, 6), t.x.view_as(t.i.view(4, 3)), t.x.reshape_as(t.c[0]), t.v.expand(3, 4), t.v.expand_as(t.x),
        t.x.T, t.b.mT, t.x.repeat(2, 1), t.x.requires_grad_() * 1,
    ],
    "conversions": lambda t: [t.x.to(fg.float64), t.x.to(t.w), t.i.to(fg.float32), t.x.type_as(t.w), t.m.float()],
    "new": lambda t: [
        t.x.new_zeros(2), t.x.new_ones((2, 3)), t.x.new_full((2,), 7), t.x.new_tensor([1, 2]),
        fg.zeros_like(t.x), fg.ones_like(t.i), fg.full_like(t.x, 3), fg.empty_like(t.x).shape, t.x.new_empty(3).shape,
        fg.rand_like(t.x), fg.randn_like(t.x),
    ],
    "properties": lambda t: [
        t.x.shape, t.x.ndim, t.x.dtype, t.x.itemsize, t.x.nbytes, t.x.layout, t.x.is_sparse, t.x.is_leaf, t.x.output_nr,
        t.x.requires_grad,
    ],
    "python": lambda t: [
        len(t.x), bool(t.one), int(t.one), float(t.one), complex(t.one), t.k[0].__index__(), 2 in t.i, f"{t.v[0]:.3f}",
        [float(row.sum()) for row in t.x], t.x.tolist(), t.k[1].item(),
    ],
    "random": lambda t: [
        fg.multinomial(t.p.detach(), 2), fg.bernoulli(t.p.detach() / 2), fg.normal(t.x.detach(), 1.0),
    ],
}  # fmt: skip


def covered(name: str) -> bool:
    """Whether an operation is in a case of its name."""
    return any(case.replace(",", "(").split("(")[0] == name for case in CASES)


@pytest.mark.parametrize("name", CASES)
def test_gives_what_the_processor_gives(name: str) -> None:
    assert_agrees(lambda tensors: CASES[name](Inputs(tensors)), VALUES)


def test_no_operation_is_left_out() -> None:
    assert [name for name in fg.ops.__all__ if not covered(name)] == []


@pytest.mark.parametrize("name", ["x", "b"])
def test_without_elements(name: str) -> None:
    def compute(tensors: dict[str, fg.Tensor]) -> Any:
        x = tensors[name][..., :0]
        return [x.sum(), x + 1, x.exp(), x.sum(-1), fg.cat([x, x]), x.softmax(-1), x.T if x.ndim == 2 else x.mT]

    assert_agrees(compute, VALUES)
