"""The losses in every layout and with any number of threads."""

from __future__ import annotations

import numpy as np

from tests.kernels.common import broadcasts, dtypes, layouts, normal, same_bits, same_for_any_threads
from tests.kernels.test_losses import cross_entropy, nll_loss, pairs, pointwise
from tests.reference_linear import log_softmax


@dtypes
def test_losses_take_any_layout(isa, dtype):
    n, c = 11, 13
    x, target = normal((n, c), dtype), np.arange(n) % c
    soft = np.random.default_rng(0).dirichlet(np.ones(c), n).astype(dtype)
    weight = np.abs(normal(c, dtype, 2))
    log_p = log_softmax(x).astype(dtype)

    def same(function, expected, *arguments, what):
        for a, b in zip(function(*arguments), expected, strict=True):
            assert same_bits(a, b), what

    for function, scores, goal in (
        (cross_entropy, x, target), (cross_entropy, x, soft), (nll_loss, log_p, target),
    ):  # fmt: skip
        expected = function(scores, goal, weight)
        for name, v in layouts(scores).items():
            same(function, expected, v, goal, weight, what=f"x {name}")
        for name, v in layouts(goal).items():
            same(function, expected, scores, v, weight, what=f"target {name}")
        for name, v in layouts(weight).items():
            same(function, expected, scores, goal, v, what=f"weight {name}")
        for name, v in broadcasts(x.shape, dtype).items():
            same(function, function(v.copy(), goal, weight), v, goal, weight, what=f"x broadcast {name}")
    for kind in ("mse_loss", "huber_loss", "binary_cross_entropy_with_logits"):
        x, target = pairs(kind, (5, 6, 7), dtype)
        w, parameter = (np.abs(normal(x.shape, dtype)), 0.0) if kind.startswith("binary") else (None, 1.0)
        expected = pointwise(kind, x, target, w, w, parameter)
        for name, v in layouts(x).items():
            same(pointwise, expected, kind, v, target, w, w, parameter, what=f"{kind} x {name}")
        for name, v in layouts(target).items():
            same(pointwise, expected, kind, x, v, w, w, parameter, what=f"{kind} target {name}")
        if w is not None:
            for name, v in (layouts(w)).items():
                same(pointwise, expected, kind, x, target, v, w, parameter, what=f"{kind} weight {name}")
                same(pointwise, expected, kind, x, target, w, v, parameter, what=f"{kind} pos_weight {name}")
            for name, v in broadcasts(x.shape, dtype).items():
                v = np.abs(v) if name == "none" else v
                e = pointwise(kind, x, target, v.copy(), w, parameter)
                same(pointwise, e, kind, x, target, v, w, parameter, what=f"{kind} weight broadcast {name}")


@dtypes
def test_any_number_of_threads_gives_the_same_bits(isa, dtype):
    for n, c in ((3000, 10), (40, 3000), (1, 50_000)):
        x, target = normal((n, c), dtype) * 3, np.arange(n) % c
        soft = np.abs(normal((n, c), dtype, 1))
        weight = np.abs(normal(c, dtype, 2))
        for reduction in ("none", "mean", "sum"):
            same_for_any_threads(
                lambda x=x, target=target, soft=soft, weight=weight, reduction=reduction: (
                    *cross_entropy(x, target, weight, 1, 0.125, reduction),
                    *cross_entropy(x, soft, weight, reduction=reduction),
                    *nll_loss(x, target, weight, reduction=reduction),
                )
            )
    for kind in ("mse_loss", "l1_loss", "binary_cross_entropy_with_logits"):
        x, target = pairs(kind, (100_003,), dtype)
        for reduction in ("none", "mean", "sum"):
            same_for_any_threads(lambda x=x, t=target, k=kind, r=reduction: pointwise(k, x, t, reduction=r))
