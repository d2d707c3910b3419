"""Operations give torch's values and gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.torch.agreement import agree

RNG = np.random.default_rng(3)


def normal(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape)


def positive(*shape: int) -> np.ndarray:
    return RNG.random(shape) + 0.5


A, B, ROW, COLUMN, SCALAR = normal(3, 4), normal(3, 4), normal(4), normal(3, 1), np.array(1.7)
CUBE = normal(2, 3, 4)
INT = RNG.integers(-5, 6, (3, 4))
MASK = RNG.random((3, 4)) < 0.5
TIES = np.array([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]])
SPECIAL = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -2.5])
INDEX = np.array([2, 0, 2])

CASES: list[tuple[str, Any, tuple[np.ndarray, ...]]] = [
    # two operands
    ("add", lambda m, x, y: x + y, (A, B)),
    ("add row", lambda m, x, y: x + y, (A, ROW)),
    ("add column", lambda m, x, y: y + x, (A, COLUMN)),
    ("add scalar tensor", lambda m, x, y: x + y, (A, SCALAR)),
    ("add outer", lambda m, x, y: x + y, (ROW, COLUMN)),
    ("add number", lambda m, x: x + 2 + 0.5, (A,)),
    ("radd", lambda m, x: 2 + x, (A,)),
    ("add alpha", lambda m, x, y: m.add(x, y, alpha=3), (A, ROW)),
    ("add itself", lambda m, x: x + x, (A,)),
    ("add int tensor", lambda m, x, y: x + y, (A, INT)),
    ("add bool tensor", lambda m, x, y: x + y, (A, MASK)),
    ("sub", lambda m, x, y: x - y, (A, B)),
    ("sub broadcast", lambda m, x, y: x - y, (ROW, A)),
    ("sub number", lambda m, x: x - 2.5, (A,)),
    ("rsub", lambda m, x: 2 - x, (A,)),
    ("rsub float", lambda m, x: 2.5 - x, (SCALAR,)),
    ("sub alpha", lambda m, x, y: m.sub(x, y, alpha=0.5), (A, B)),
    ("mul", lambda m, x, y: x * y, (A, B)),
    ("mul broadcast", lambda m, x, y: x * y, (CUBE, ROW)),
    ("mul number", lambda m, x: 3 * x * 0.5, (A,)),
    ("mul itself", lambda m, x: x * x, (A,)),
    ("mul scalar tensors", lambda m, x, y: x * y, (SCALAR, SCALAR)),
    ("mul mask", lambda m, x, y: x * y, (A, MASK)),
    ("div", lambda m, x, y: x / y, (A, positive(3, 4))),
    ("div broadcast", lambda m, x, y: x / y, (ROW, COLUMN)),
    ("div number", lambda m, x: x / 4, (A,)),
    ("rdiv", lambda m, x: 4 / x, (positive(3),)),
    ("div by zero", lambda m, x: x / 0, (A,)),
    ("div floor", lambda m, x, y: m.div(x, y, rounding_mode="floor"), (A, B)),
    ("div trunc", lambda m, x, y: m.div(x, y, rounding_mode="trunc"), (A, B)),
    ("floordiv", lambda m, x: (x * 5).detach() // 2, (A,)),
    ("remainder", lambda m, x: x % 0.75, (A,)),
    ("remainder tensor", lambda m, x, y: x % y, (A, B)),
    ("fmod", lambda m, x, y: m.fmod(x, y), (A, B)),
    ("pow 2", lambda m, x: x**2, (A,)),
    ("pow 3", lambda m, x: x**3, (A,)),
    ("pow 1", lambda m, x: x**1, (A,)),
    ("pow 0", lambda m, x: x**0, (A,)),
    ("pow -2", lambda m, x: x**-2, (positive(3),)),
    ("pow half", lambda m, x: x**0.5, (positive(3),)),
    ("pow 2.5", lambda m, x: x**2.5, (positive(3),)),
    ("pow zero base", lambda m, x: x**2, (np.zeros(3),)),
    ("pow tensors", lambda m, x, y: x**y, (positive(3, 4), ROW)),
    ("pow tensors zero base", lambda m, x, y: x**y, (np.zeros(3), np.array([0.0, 1.0, 2.0]))),
    ("rpow", lambda m, x: 2**x, (A,)),
    ("maximum", lambda m, x, y: m.maximum(x, y), (A, ROW)),
    ("maximum ties", lambda m, x: m.maximum(x, x.flip(1)), (TIES,)),
    ("maximum nan", lambda m, x, y: m.maximum(x, y), (SPECIAL, np.ones(7))),
    ("minimum", lambda m, x, y: m.minimum(x, y), (A, B)),
    ("minimum nan", lambda m, x, y: m.minimum(x, y), (np.ones(7), SPECIAL)),
    # one operand
    *[
        (name, (lambda n: lambda m, x: getattr(m, n)(x))(name), (A,))
        for name in (
            "neg",
            "abs",
            "exp",
            "exp2",
            "expm1",
            "sin",
            "cos",
            "tan",
            "atan",
            "sinh",
            "cosh",
            "square",
            "erf",
            "sign",
            "floor",
            "ceil",
            "trunc",
            "round",
            "reciprocal",
        )
    ],
    *[
        (name, (lambda n: lambda m, x: getattr(m, n)(x))(name), (positive(3, 4),))
        for name in ("log", "log2", "log10", "log1p", "sqrt", "rsqrt")
    ],
    *[(name, (lambda n: lambda m, x: getattr(m, n)(x))(name), (A / 5,)) for name in ("asin", "acos")],
    *[
        (name + " special", (lambda n: lambda m, x: getattr(m, n)(x))(name), (SPECIAL,))
        for name in ("exp", "log", "sqrt", "abs", "square", "sign", "neg", "log1p", "expm1")
    ],
    ("round decimals", lambda m, x: m.round(x, decimals=1), (A,)),
    ("chain", lambda m, x: ((-x).exp() + 1).log().sqrt(), (A,)),
    # comparison and logic
    ("comparisons", lambda m, x, y: (x < y, x <= y, x > y, x >= y, x == y, x != y), (A, ROW)),
    ("comparisons with numbers", lambda m, x: (x < 0, x >= 0.5, x > 0, x == 1), (A,)),
    ("logic", lambda m, x, y: (x & y, x | ~y, x ^ y, m.logical_and(x, y), m.logical_not(x)), (MASK, ~MASK[:, :1])),
    ("integer bits", lambda m, x: (x & 3, x | 1, x ^ 2, ~x), (INT,)),
    ("isnan", lambda m, x: (m.isnan(x), m.isinf(x), m.isfinite(x)), (SPECIAL,)),
    # reductions
    ("sum", lambda m, x: x.sum(), (CUBE,)),
    ("sum dim", lambda m, x: (x.sum(0), x.sum(-1, keepdim=True), x.sum((0, 2)), x.sum(dim=[1])), (CUBE,)),
    ("sum dtype", lambda m, x: (x.sum(), x.bool().sum(), x.int().sum(0)), (INT,)),
    ("sum scalar", lambda m, x: (x.sum(), x.sum(0)), (SCALAR,)),
    ("sum empty", lambda m, x: (x.sum(), x.sum(0), x.sum(1)), (np.zeros((0, 3)),)),
    ("mean", lambda m, x: (x.mean(), x.mean(1), x.mean((0, 2), keepdim=True)), (CUBE,)),
    ("mean empty", lambda m, x: x.mean(), (np.zeros(0),)),
    ("var", lambda m, x: (x.var(), x.var(1), x.var((0, 2), keepdim=True), x.var(0, unbiased=False)), (CUBE,)),
    ("var correction", lambda m, x: (x.var(1, correction=0), x.var(correction=2), x.var(False)), (CUBE,)),
    ("var one element", lambda m, x: x.var(0), (normal(1, 3),)),
    ("std", lambda m, x: (x.std(), x.std(1), x.std((0, 2), keepdim=True), x.std(unbiased=False)), (CUBE,)),
    ("std zero", lambda m, x: x.std(1), (np.ones((2, 3)),)),
    ("var_mean", lambda m, x: m.var_mean(x, 1), (CUBE,)),
    ("std_mean", lambda m, x: m.std_mean(x, 1), (CUBE,)),
    ("logsumexp", lambda m, x: (x.logsumexp(0), x.logsumexp((0, 1)), x.logsumexp(-1, keepdim=True)), (CUBE,)),
    ("logsumexp large", lambda m, x: x.logsumexp(0), (np.array([1e4, 1e4 + 1, -1e4]),)),
    ("logsumexp -inf", lambda m, x: x.logsumexp(0), (np.array([-np.inf, -np.inf]),)),
    ("logsumexp one -inf", lambda m, x: x.logsumexp(0), (np.array([-np.inf, 1.0]),)),
    ("logsumexp inf", lambda m, x: x.logsumexp(0).detach(), (np.array([np.inf, 1.0]),)),
    ("prod", lambda m, x: (x.prod(), x.prod(1), x.prod(0, keepdim=True)), (CUBE,)),
    ("prod zeros", lambda m, x: (x.prod(), x.prod(0)), (np.array([[0.0, 2.0], [3.0, 0.0]]),)),
    ("cumsum", lambda m, x: (x.cumsum(0), x.cumsum(-1)), (CUBE,)),
    ("cumprod", lambda m, x: (x.cumprod(0), x.cumprod(-1)), (CUBE,)),
    ("cumprod zeros", lambda m, x: x.cumprod(0), (np.array([2.0, 0.0, 3.0, 0.0]),)),
    ("norm", lambda m, x: (x.norm(), x.norm(1), x.norm(3), x.norm(2, dim=1), x.norm(float("inf"), dim=0)), (A,)),
    ("norm zero", lambda m, x: x.norm(), (np.zeros(3),)),
    ("diff", lambda m, x: (x.diff(), x.diff(2, 0)), (A,)),
    ("max", lambda m, x: (x.max(), x.min()), (A,)),
    ("max ties", lambda m, x: (x.max(), x.min()), (TIES,)),
    ("max dim", lambda m, x: (x.max(1), x.max(0, keepdim=True), x.min(-1)), (CUBE,)),
    ("max dim ties", lambda m, x: (x.max(1), x.min(1)), (TIES,)),
    ("max nan", lambda m, x: (x.max(), x.min()), (SPECIAL,)),
    ("max dim nan", lambda m, x: (x.max(0), x.min(0)), (SPECIAL,)),
    ("max other", lambda m, x, y: (m.max(x, y), m.min(x, other=y)), (A, B)),
    ("max names", lambda m, x: (x.max(1).values, x.max(1).indices), (A,)),
    ("amax", lambda m, x: (x.amax(), x.amax(1), x.amax((0, 1), keepdim=True), x.amin(0)), (CUBE,)),
    ("amax ties", lambda m, x: (x.amax(1), x.amin(1)), (TIES,)),
    ("argmax", lambda m, x: (x.argmax(), x.argmax(1), x.argmin(0, keepdim=True), x.argmin()), (CUBE,)),
    ("sort", lambda m, x: (x.sort(), x.sort(0, descending=True), x.argsort(1)), (A,)),
    ("topk", lambda m, x: (x.topk(2), x.topk(2, dim=0, largest=False)), (A,)),
    ("median", lambda m, x: (x.median(), x.median(1), x.median(0, keepdim=True)), (A,)),
    ("all any", lambda m, x: (x.all(), x.any(), x.all(1), x.any(0, keepdim=True)), (MASK,)),
    ("count_nonzero", lambda m, x: (m.count_nonzero(x), m.count_nonzero(x, 1)), (INT,)),
    # shapes
    ("reshape", lambda m, x: (x.reshape(6, 4), x.reshape((-1,)), x.view(4, -1), m.reshape(x, (2, 12))), (CUBE,)),
    ("reshape of a transpose", lambda m, x: x.transpose(0, 2).reshape(-1, 2), (CUBE,)),
    ("flatten", lambda m, x: (x.flatten(), x.flatten(1), x.flatten(0, 1), m.flatten(x, -2)), (CUBE,)),
    ("flatten scalar", lambda m, x: x.flatten(), (SCALAR,)),
    ("unflatten", lambda m, x: (x.unflatten(2, (2, 2)), x.unflatten(-1, (-1, 2))), (CUBE,)),
    ("transpose", lambda m, x: (x.transpose(0, 2), m.transpose(x, -1, 1), x.mT, x.swapaxes(0, 1)), (CUBE,)),
    ("t", lambda m, x, y: (x.t(), x.T, y.t()), (A, ROW)),
    ("permute", lambda m, x: (x.permute(2, 0, 1), x.permute((0, 2, 1)), m.permute(x, (-1, 0, 1))), (CUBE,)),
    ("movedim", lambda m, x: (x.movedim(0, -1), x.movedim((0, 1), (2, 0))), (CUBE,)),
    ("squeeze", lambda m, x: (x.squeeze(), x.squeeze(1), x.squeeze(0), x.squeeze((0, 1))), (normal(3, 1, 4, 1),)),
    ("unsqueeze", lambda m, x: (x.unsqueeze(0), x.unsqueeze(-1), x[None], x[:, None]), (A,)),
    ("expand", lambda m, x: (x.expand(3, 5), x.expand(2, -1, 4), x.expand_as(x)), (COLUMN,)),
    ("broadcast_to", lambda m, x: m.broadcast_to(x, (2, 3, 4)), (COLUMN,)),
    ("repeat", lambda m, x: (x.repeat(2, 3), x.repeat(2, 1, 2), m.tile(x, (2,))), (A,)),
    ("repeat_interleave", lambda m, x: (x.repeat_interleave(2), x.repeat_interleave(3, dim=1)), (A,)),
    ("cat", lambda m, x, y: (m.cat([x, y]), m.cat((x, y, x), 1), m.cat([x, y], dim=-1)), (A, B)),
    ("cat dtypes", lambda m, x, y: m.cat([x, y]), (A, INT)),
    ("cat empty", lambda m, x: m.cat([x, m.zeros(0, dtype=x.dtype)]), (A,)),
    ("stack", lambda m, x, y: (m.stack([x, y]), m.stack((x, y), 1), m.stack([x, y], dim=-1)), (A, B)),
    ("vstack", lambda m, x, y: (m.vstack([x, y]), m.hstack([x, x]), m.hstack([y, y])), (A, ROW)),
    ("split", lambda m, x: (x.split(2), x.split([1, 3], dim=1), m.split(x, 3, -1)), (A,)),
    ("chunk", lambda m, x: (x.chunk(2), x.chunk(3, dim=1), m.chunk(x, 7)), (A,)),
    ("unbind", lambda m, x: (x.unbind(), x.unbind(1), list(x)), (A,)),
    ("flip", lambda m, x: (x.flip(0), x.flip((0, 1)), m.flip(x, (1,))), (A,)),
    ("roll", lambda m, x: (x.roll(1), x.roll(-2, 1), x.roll((1, 2), (0, 1))), (A,)),
    ("tril", lambda m, x: (x.tril(), x.triu(1), m.tril(x, -1)), (CUBE,)),
    # selection
    ("where", lambda m, c, x, y: (m.where(c, x, y), m.where(c, x, 0.0), m.where(c, 1, y)), (MASK, A, ROW)),
    ("where method", lambda m, c, x, y: x.where(c, y), (MASK, A, B)),
    ("where places", lambda m, c: m.where(c), (MASK,)),
    ("clamp", lambda m, x: (x.clamp(-0.5, 0.5), x.clamp(min=0), x.clamp(max=0.1), m.clamp(x, 1, -1)), (A,)),
    ("clamp ties", lambda m, x: x.clamp(2, 3), (TIES,)),
    ("clamp nan", lambda m, x: x.clamp(-1, 1), (SPECIAL,)),
    ("clamp int", lambda m, x: (x.clamp(-1, 1), x.clamp(min=0.5)), (INT,)),
    ("clamp tensors", lambda m, x, a, b: x.clamp(a, b), (A, -positive(4), positive(3, 1))),
    ("masked_fill", lambda m, x, c: (x.masked_fill(c, 2.0), m.masked_fill(x, c, 0)), (A, MASK)),
    ("masked_select", lambda m, x, c: (m.masked_select(x, c), x[c]), (A, MASK)),
    ("nonzero", lambda m, x: (x.nonzero(), x.nonzero(as_tuple=True)), (INT,)),
    ("nan_to_num", lambda m, x: m.nan_to_num(x, 1.0, 2.0, -2.0), (SPECIAL,)),
    ("gather", lambda m, x, i: (x.gather(1, i), m.gather(x, 0, i[:, :2] % 3)), (A, np.abs(INT) % 4)),
    ("index_select", lambda m, x, i: (x.index_select(0, i), m.index_select(x, 1, i)), (A, INDEX)),
    ("take_along_dim", lambda m, x, i: (m.take_along_dim(x, i, 1), m.take_along_dim(x, i)), (A, np.abs(INT) % 4)),
    ("narrow", lambda m, x: (x.narrow(0, 1, 2), x.select(1, 2), m.select(x, 0, -1)), (A,)),
    # products
    ("matmul", lambda m, x, y: x @ y.T, (A, B)),
    ("matmul vector", lambda m, x, y: (x @ y, y @ x.T, y @ y, m.dot(y, y), m.mv(x, y)), (A, ROW)),
    ("matmul batch", lambda m, x, y: (x @ y.mT, x @ y[0].T, x[0] @ y.mT, m.bmm(x, y.mT)), (CUBE, normal(2, 5, 4))),
    ("matmul broadcast batch", lambda m, x, y: x @ y, (normal(2, 1, 3, 4), normal(5, 4, 2))),
    ("matmul batch vector", lambda m, x, y: (x @ y, y[:3] @ x), (CUBE, ROW)),
    ("matmul int", lambda m, x: x @ x.T, (INT,)),
    ("matmul empty", lambda m, x, y: x @ y, (np.zeros((3, 0)), np.zeros((0, 2)))),
    (
        "addmm",
        lambda m, b, x, y: (m.addmm(b, x, y), m.addmm(b, x, y, beta=2, alpha=0.5)),
        (ROW, normal(3, 2), normal(2, 4)),
    ),
    ("outer", lambda m, x, y: m.outer(x, y), (ROW, normal(3))),
    # conversions
    ("to", lambda m, x: (x.float(), x.long(), x.to(m.float32).double(), x.bool(), x.int()), (A,)),
    ("clone", lambda m, x: (x.clone(), x.T.contiguous(), x.detach()), (A,)),
    ("int arithmetic", lambda m, x: (x + 1, x * 0.5, x / 2, x // 2, x % 3, x**2, -x, abs(x)), (INT,)),
    ("bool arithmetic", lambda m, x: (x + x, x * x, x + 1, x * 0.5), (MASK,)),
    ("int unary", lambda m, x: (x.exp(), (x + 6).sqrt(), x.sin()), (INT,)),
]


@pytest.mark.filterwarnings("ignore:var")  # torch warns of what both answer with NaN
@pytest.mark.parametrize(("case", "arrays"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_operation_agrees_with_torch(case: Any, arrays: tuple[np.ndarray, ...]) -> None:
    tolerance = 1e-6 if any(a.dtype.kind != "f" for a in arrays) else 1e-12
    agree(case, arrays, rtol=tolerance, atol=tolerance)
