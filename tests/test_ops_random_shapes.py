"""Random shapes and memory layouts: operations agree with torch in float64 and leave their arguments alone."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import numpy as np
import torch
from hypothesis import assume, given, settings
from hypothesis.extra.numpy import array_shapes, broadcastable_shapes

import fastgrad as fg

LAYOUTS = ("C", "F", "reversed", "strided", "broadcast")


def laid_out(rng: np.random.Generator, shape: tuple[int, ...], layout: str) -> np.ndarray:
    """Random values between 0.5 and 2 of a shape, somewhere in memory."""
    if layout == "F":
        return np.asfortranarray(rng.uniform(0.5, 2, shape))
    if layout == "reversed":
        return np.asarray(rng.uniform(0.5, 2, shape))[(*(slice(None, None, -1) for _ in shape), ...)]
    if layout == "strided":
        wide = np.asarray(rng.uniform(0.5, 2, tuple(2 * n for n in shape)))
        return wide[(*(slice(None, None, 2) for _ in shape), ...)]
    if layout == "broadcast" and shape:
        return np.broadcast_to(rng.uniform(0.5, 2, shape[1:]), shape)
    return np.asarray(rng.uniform(0.5, 2, shape))


def check(case: Any, arrays: list[np.ndarray]) -> None:
    before = [a.copy() for a in arrays]
    ours = [fg.from_numpy(a).requires_grad_() for a in arrays]
    theirs = [torch.tensor(np.array(a, order="C"), requires_grad=True) for a in arrays]
    y, z = case(fg, *ours), case(torch, *theirs)
    assert y.shape == tuple(z.shape)
    np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), 1e-12)
    y.backward(fg.ones_like(y))
    z.backward(torch.ones_like(z))
    for x, x_, a in zip(ours, theirs, before, strict=True):
        np.testing.assert_allclose(x.grad.numpy(), x_.grad.numpy(), 1e-10, 1e-12)
        np.testing.assert_array_equal(x.data, a)


BINARY = [
    lambda m, x, y: x + y,
    lambda m, x, y: x - y,
    lambda m, x, y: x * y,
    lambda m, x, y: x / y,
    lambda m, x, y: x**y,
    lambda m, x, y: m.maximum(x, y),
    lambda m, x, y: m.where(x > y, x * 2, y),
    lambda m, x, y: (x * 2 + y).exp() * y,
]


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from(BINARY), st.sampled_from(LAYOUTS), st.sampled_from(LAYOUTS))
def test_binary(data: Any, case: Any, first: str, second: str) -> None:
    shape = data.draw(array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
    other = data.draw(broadcastable_shapes(shape, max_dims=4, max_side=4))
    rng = np.random.default_rng(0)
    check(case, [laid_out(rng, shape, first), laid_out(rng, other, second)])


REDUCTIONS = ("sum", "mean", "amax", "logsumexp", "var", "std", "prod")


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from(REDUCTIONS), st.sampled_from(LAYOUTS), st.booleans())
def test_reductions(data: Any, name: str, layout: str, keepdim: bool) -> None:
    shape = data.draw(array_shapes(min_dims=1, max_dims=4, min_side=2, max_side=4))
    # The spread of equal values is rounding, and its square root's gradient anything.
    assume(name not in ("var", "std") or layout != "broadcast")
    several = name != "prod"
    dims = data.draw(
        st.lists(
            st.integers(-len(shape), len(shape) - 1),
            min_size=1,
            max_size=len(shape) if several else 1,
            unique_by=lambda d: d % len(shape),
        )
    )
    dim: Any = tuple(dims) if several else dims[0]
    check(lambda m, x: getattr(x, name)(dim=dim, keepdim=keepdim), [laid_out(np.random.default_rng(1), shape, layout)])


@settings(max_examples=50, deadline=None)
@given(st.data(), st.sampled_from(LAYOUTS), st.sampled_from(LAYOUTS))
def test_matmul(data: Any, first: str, second: str) -> None:
    m, k, n = (data.draw(st.integers(0, 5)) for _ in range(3))
    batch = data.draw(array_shapes(min_dims=0, max_dims=2, min_side=1, max_side=3))
    other = data.draw(broadcastable_shapes(batch, max_dims=2, max_side=3)) if batch else ()
    rng = np.random.default_rng(2)
    check(lambda lib, x, y: x @ y, [laid_out(rng, (*batch, m, k), first), laid_out(rng, (*other, k, n), second)])


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from(LAYOUTS))
def test_chains_of_views(data: Any, layout: str) -> None:
    """Random transpositions, reshapes, slices and squeezes, one after the other."""
    shape = data.draw(array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4))
    steps = data.draw(
        st.lists(st.sampled_from(["T", "flat", "slice", "unsqueeze", "flip", "index", "cat"]), max_size=5)
    )

    def case(m: Any, x: Any) -> Any:
        y = x * 1
        for step in steps:
            if step == "T":
                y = y.transpose(0, -1)
            elif step == "flat":
                y = y.reshape(-1)
            elif step == "slice":
                y = y[..., ::2]
            elif step == "unsqueeze":
                y = y.unsqueeze(0)
            elif step == "flip":
                y = y.flip(-1)
            elif step == "index":
                y = y[[0, -1, 0]]
            else:
                y = m.cat([y, y * 2], -1)
        return y * y

    check(case, [laid_out(np.random.default_rng(3), shape, layout)])
