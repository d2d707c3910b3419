"""Training steps over random graphs: recorded and fused steps give the bits of eager ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import fastgrad as fg
from fastgrad import nn, optim
from fastgrad.nn import functional as F
from tests.program.common import device, same_bits

WIDTH = 4
OPERATIONS: dict[str, Any] = {
    "linear": lambda net, a, b, k: net[k % len(net)](a),
    "linear of both": lambda net, a, b, k: F.linear(a, net[k % len(net)].weight, b[0]),
    "matmul": lambda net, a, b, k: (a.T @ b) @ net[k % len(net)].weight if k % 2 else a @ net[0].weight,
    "add": lambda net, a, b, k: a + b,
    "multiply": lambda net, a, b, k: a * b,
    "subtract": lambda net, a, b, k: a - 0.5 * b.mean(0),
    "tanh": lambda net, a, b, k: a.tanh(),
    "relu": lambda net, a, b, k: F.relu(a),
    "sigmoid": lambda net, a, b, k: a.sigmoid(),
    "gelu": lambda net, a, b, k: F.gelu(a),
    "softmax": lambda net, a, b, k: a.softmax(k % 2),
    "reshape": lambda net, a, b, k: a.reshape((-1,) if k % 2 else (2, -1, WIDTH)).reshape(a.shape),
    "flip": lambda net, a, b, k: a[:, [3, 2, 1, 0]] if k % 2 else a.flip(0),
    "slices": lambda net, a, b, k: fg.cat([a[:, :k % 4], b[:, k % 4 :]], 1),
    "sum": lambda net, a, b, k: a + b.sum(k % 2, keepdim=True) * 0.25,
    "detach": lambda net, a, b, k: a.detach() + b,
    "where": lambda net, a, b, k: fg.where(a > b, a, b * 0.5),
    "in place": lambda net, a, b, k: a.clone().mul_(0.5).add_(b.detach()),
    "clipped": lambda net, a, b, k: a.clamp(-1.5, 1.5),
    "linear and activation": lambda net, a, b, k: (F.elu, F.silu, F.softplus)[k % 3](net[k % len(net)](a)),
}

steps = st.lists(
    st.tuples(st.sampled_from(sorted(OPERATIONS)), st.integers(0, 30), st.integers(0, 30), st.integers(0, 7)),
    min_size=1,
    max_size=12,
)


@given(
    steps=steps,
    roots=st.lists(st.integers(0, 30), min_size=1, max_size=3),
    optimizer=st.sampled_from(["sgd", "momentum", "adam", "none"]),
    dtype=st.sampled_from(["float32", "float64"]),
    zero=st.booleans(),
    leaves=st.integers(0, 2),
)
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_random_graph(
    steps: list[tuple[str, int, int, int]], roots: list[int], optimizer: str, dtype: str, zero: bool, leaves: int
) -> None:
    generator = np.random.default_rng(8)
    arrays = generator.standard_normal((4, 2, WIDTH, WIDTH)).astype(dtype)
    calls = [tuple(map(fg.tensor, pair)) for pair in arrays]

    def make() -> Any:
        net = nn.ModuleList([nn.Linear(WIDTH, WIDTH, bias=k < 2) for k in range(3)]).to(getattr(fg, dtype)).to(device())
        for p in list(net.parameters())[:leaves]:
            p.requires_grad_(False)
        params = [p for p in net.parameters() if p.requires_grad]
        opt: Any = {
            "sgd": lambda: optim.SGD(params, lr=0.01, weight_decay=0.1),
            "momentum": lambda: optim.SGD(params, lr=0.01, momentum=0.9, nesterov=True),
            "adam": lambda: optim.AdamW(params, lr=0.01),
            "none": lambda: None,
        }[optimizer]()

        def step(*xs: Any) -> Any:
            if opt is not None and zero:
                opt.zero_grad()
            else:
                for p in params:
                    p.grad = None
            values = [*xs, *(layer(xs[0]) for layer in net[:1])]
            for name, i, j, k in steps:
                values.append(OPERATIONS[name](net, values[i % len(values)], values[j % len(values)], k))
            chosen = [values[-1], *(values[i % len(values)] for i in roots)]
            loss = sum((v.square().mean() for v in chosen), start=net[2](xs[1]).mean())
            loss.backward()
            grads = [p.grad.clone() for p in params if p.grad is not None] if len(roots) == 2 else []
            if opt is not None:
                opt.step()
            return loss, chosen, grads

        def state() -> Any:
            given = [p.grad for p in params] if opt is None else opt.state_dict()["state"]
            return [*net.parameters()], given

        return step, state

    compiled = same_bits(make, calls)
    assert 1 <= len(compiled.programs) <= 2
