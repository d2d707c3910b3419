"""linear_forward and linear_backward: every small size, large ones, layouts, fusion, threads, errors."""

from __future__ import annotations

import numpy as np
import pytest

from fastgrad import _cpu
from tests import reference_linear as ref
from tests.accuracy import gamma
from tests.kernels.common import (
    assert_close,
    blank,
    broadcasts,
    dtypes,
    layouts,
    normal,
    rejects,
    same_bits,
    same_for_any_threads,
    unchanged,
)
from tests.kernels.sizes import LIMIT, Grid
from tests.reference import CASE_IDS, CASES, Array

LARGE = [
    (128, 256, 784),
    (64, 100, 841),
    (1, 1000, 37),
    (257, 3, 129),
    (5, 513, 300),
    (48, 70, 2000),
    (97, 1, 1),
]


def forward(x: Array, w: Array, b: Array | None = None, activation=None, with_z: bool = False) -> tuple[Array, ...]:
    y = blank((x.shape[0], w.shape[0]), x.dtype)
    z = blank(y.shape, x.dtype) if with_z else None
    with unchanged(x, w, b):
        _cpu.linear_forward(y, z, x, w, b, activation)
    return (y, z) if with_z else (y,)


def backward(dy: Array, x: Array, w: Array, activation=None, saved=None, dw_order: str = "C") -> tuple[Array, ...]:
    dx, db = blank(x.shape, x.dtype), blank(w.shape[0], x.dtype)
    dw = np.asarray(blank(w.shape, x.dtype), order=dw_order)
    with unchanged(dy, x, w, saved):
        _cpu.linear_backward(dx, dw, db, dy, saved, x, w, activation)
    return dx, dw, db


def check_forward(y: Array, x: Array, w: Array, b: Array | None, what: str = "") -> None:
    slack = 2 * gamma(x.shape[1] + 1, y.dtype)  # twice: numpy's own float64 product is not exact either
    error = np.abs(y - ref.linear(x, w, b))
    assert (error <= slack * ref.linear_bound(x, w, b)).all(), (what, float(error.max()))


def check_backward(got: tuple[Array, ...], dz: Array, x: Array, w: Array, what: str = "") -> None:
    truth = ref.linear_backward(dz, x, w)
    bound = ref.linear_backward(np.abs(ref.f64(dz)), np.abs(ref.f64(x)), np.abs(ref.f64(w)))
    for name, value, exact, scale, terms in zip(
        ("dx", "dw", "db"), got, truth, bound, (w.shape[0], x.shape[0], x.shape[0]), strict=True
    ):
        slack = 2 * gamma(terms + 1, value.dtype)
        assert (np.abs(value - exact) <= slack * scale).all(), (what, name)


@dtypes
def test_forward_at_every_small_size(isa, dtype):
    x, w, b = normal((LIMIT, LIMIT), dtype, 1), normal((LIMIT, LIMIT), dtype, 2), normal(LIMIT, dtype, 3)
    grid = Grid(dtype)
    for k in range(LIMIT + 1):
        with_bias = k % 3 != 1
        grid.clear()
        weights = [np.asarray(w[:n, :k], order="CF"[(n + k) % 2]) for n in range(LIMIT + 1)]
        for m in range(LIMIT + 1):
            rows = np.ascontiguousarray(x[:m, :k])
            for n in range(LIMIT + 1):
                bias = b[:n] if with_bias else None
                _cpu.linear_forward(grid.at(m, n), None, rows, weights[n], bias, None)
        bias = b if with_bias else None
        grid.check(ref.linear(x[:, :k], w[:, :k], bias), ref.linear_bound(x[:, :k], w[:, :k], bias), k + 1)


@dtypes
def test_input_gradient_at_every_small_size(isa, dtype):
    w, dy = normal((LIMIT, LIMIT), dtype, 5), normal((LIMIT, LIMIT), dtype, 6)
    grid = Grid(dtype)
    for n in range(LIMIT + 1):  # the dimension that is summed over
        grid.clear()
        weights = [np.asarray(w[:n, :k], order="CF"[(n + k) % 2]) for k in range(LIMIT + 1)]
        for m in range(LIMIT + 1):
            g = np.ascontiguousarray(dy[:m, :n])
            for k in range(LIMIT + 1):
                _cpu.linear_backward(grid.at(m, k), None, None, g, None, None, weights[k], None)
        grid.check(ref.f64(dy)[:, :n] @ ref.f64(w)[:n], np.abs(ref.f64(dy)[:, :n]) @ np.abs(ref.f64(w)[:n]), n)


@dtypes
def test_weight_and_bias_gradients_at_every_small_size(isa, dtype):
    x, dy = normal((LIMIT, LIMIT), dtype, 4), normal((LIMIT, LIMIT), dtype, 6)
    grids, sums = (Grid(dtype), Grid(dtype, "F")), Grid(dtype)
    for m in range(LIMIT + 1):  # the dimension that is summed over
        weights = grids[m % 2]
        weights.clear()
        sums.clear()
        rows = [np.ascontiguousarray(x[:m, :k]) for k in range(LIMIT + 1)]
        for n in range(LIMIT + 1):
            g = np.ascontiguousarray(dy[:m, :n])
            for k in range(LIMIT + 1):
                db = sums.at(1, n).reshape(n) if k == n else None
                _cpu.linear_backward(None, weights.at(n, k), db, g, None, rows[k], None, None)
        g, v = ref.f64(dy)[:m], ref.f64(x)[:m]
        weights.check(g.T @ v, np.abs(g).T @ np.abs(v), m)
        sums.check(g.sum(axis=0)[None], np.abs(g).sum(axis=0)[None], m, rows=(1,))


@dtypes
@pytest.mark.parametrize(("m", "n", "k"), LARGE)
def test_large_sizes(isa, dtype, m, n, k):
    x, w, b, dy = (
        normal((m, k), dtype),
        normal((n, k), dtype, 1),
        normal(n, dtype, 2),
        normal((m, n), dtype, 3),
    )
    for order in "CF":
        weight = np.asarray(w, order=order)
        check_forward(*forward(x, weight, b), x, w, b, order)
        check_forward(*forward(x, weight), x, w, None, order)
        got = backward(dy, x, weight, dw_order=order)
        check_backward(got, dy, x, w, order)


@dtypes
def test_layouts(isa, dtype):
    m, n, k = 19, 23, 37
    x, w, b, dy = (
        normal((m, k), dtype),
        normal((n, k), dtype, 1),
        normal(n, dtype, 2),
        normal((m, n), dtype, 3),
    )
    for name, v in (layouts(x) | broadcasts(x.shape, dtype)).items():
        check_forward(*forward(v, w, b), v, w, b, f"x {name}")
        check_backward(backward(dy, v, w), dy, v, w, f"x {name}")
    for name, v in (layouts(w) | broadcasts(w.shape, dtype)).items():
        check_forward(*forward(x, v, b), x, v, b, f"w {name}")
        check_backward(backward(dy, x, v), dy, x, v, f"w {name}")
    for name, v in (layouts(b) | broadcasts(b.shape, dtype)).items():
        check_forward(*forward(x, w, v), x, w, v, f"b {name}")
    for name, v in (layouts(dy) | broadcasts(dy.shape, dtype)).items():
        check_backward(backward(v, x, w), v, x, w, f"dy {name}")
    together = [layouts(a)["strided"] for a in (x, w, b)]
    check_forward(*forward(*together), x, w, b, "all strided")


@dtypes
@pytest.mark.parametrize(("m", "n", "k"), [(7, 5, 3), (33, 47, 29), (64, 100, 130), (1, 17, 8), (0, 3, 4), (3, 4, 0)])
def test_fused_activation_is_the_unfused_one_bit_for_bit(isa, dtype, m, n, k):
    x, w, b, dy = (
        normal((m, k), dtype),
        normal((n, k), dtype, 1),
        normal(n, dtype, 2),
        normal((m, n), dtype, 3),
    )
    w = np.asfortranarray(w)
    (z,) = forward(x, w, b)
    for (row, parameters), label in zip(CASES, CASE_IDS, strict=True):
        activation = _cpu.Activation(row.name, *parameters)
        y = blank(z.shape, dtype)
        _cpu.activation_forward(y, z, activation)
        fused, kept = forward(x, w, b, activation, with_z=True)
        assert same_bits(fused, y), label
        assert same_bits(kept, z), label
        assert same_bits(*forward(x, w, b, activation), y), label
        saved = {"output": y, "input": z, "nothing": None}[activation.reads]
        dz = blank(z.shape, dtype)
        _cpu.activation_backward(dz, dy, saved, activation)
        for order in "CF":
            fused_gradients = backward(dy, x, w, activation, saved, order)
            for name, a, c in zip(("dx", "dw", "db"), fused_gradients, backward(dz, x, w, dw_order=order), strict=True):
                assert same_bits(a, c), (label, name, order)


@dtypes
def test_fused_backward_takes_any_layout(isa, dtype):
    x, w, dy = normal((9, 11), dtype), normal((13, 11), dtype, 1), normal((9, 13), dtype, 3)
    for name in ("tanh", "silu"):
        activation = _cpu.Activation(name)
        y, z = forward(x, w, None, activation, with_z=True)
        saved = y if activation.reads == "output" else z
        expected = backward(dy, x, w, activation, saved)
        for layout, v in layouts(saved).items():
            for a, b in zip(backward(dy, x, w, activation, v), expected, strict=True):
                assert same_bits(a, b), (name, "saved", layout)
        for layout, v in layouts(dy).items():
            for a, b in zip(backward(v, x, w, activation, saved), expected, strict=True):
                assert same_bits(a, b), (name, "dy", layout)


@dtypes
@pytest.mark.parametrize("name", [None, "tanh", "gelu"])
def test_each_gradient_alone_is_the_same(isa, dtype, name):
    m, n, k = 21, 35, 18
    x, w, dy = normal((m, k), dtype), np.asfortranarray(normal((n, k), dtype, 1)), normal((m, n), dtype, 2)
    activation = None if name is None else _cpu.Activation(name)
    saved = None if activation is None else normal((m, n), dtype, 3) / 4
    full = backward(dy, x, w, activation, saved)
    for wanted in range(8):
        got = [blank(a.shape, dtype) if wanted >> i & 1 else None for i, a in enumerate(full)]
        needs_x, needs_w = got[1] is not None, got[0] is not None
        _cpu.linear_backward(*got, dy, saved, x if needs_x else None, w if needs_w else None, activation)
        for i, (a, b) in enumerate(zip(got, full, strict=True)):
            assert a is None or same_bits(a, b), (wanted, i)


@dtypes
def test_any_number_of_threads_gives_the_same_bits(isa, dtype):
    for m, n, k in ((256, 192, 300), (1, 700, 900), (700, 5, 400), (13, 11, 6000)):
        x, w, b, dy = (
            normal((m, k), dtype),
            normal((n, k), dtype, 1),
            normal(n, dtype, 2),
            normal((m, n), dtype, 3),
        )
        w = np.asfortranarray(w)
        activation = _cpu.Activation("silu")

        def run(x=x, w=w, b=b, dy=dy, activation=activation):
            y, z = forward(x, w, b, activation, with_z=True)
            return (y, z, *backward(dy, x, w, activation, z, "F"))

        same_for_any_threads(run)


@dtypes
def test_one_bad_row_stays_in_its_row(isa, dtype):
    x, w, b = normal((40, 50), dtype), normal((30, 50), dtype, 1), normal(30, dtype, 2)
    w[3] = 0.0  # 0 * inf must be NaN: no zero is skipped
    (clean,) = forward(x, w, b)
    for bad, row in ((np.nan, 0), (np.inf, 17), (-np.inf, 39)):
        v = x.copy()
        v[row, 7] = bad
        (y,) = forward(v, w, b)
        others = np.arange(40) != row
        assert same_bits(y[others], clean[others])
        assert np.isnan(y[row, 3])
        assert not np.isfinite(y[row]).any()


def arguments(dtype=np.float32, **changes):
    """A valid call of linear_backward with an activation, with some arguments changed."""
    valid = dict(
        dx=blank((3, 5), dtype),
        dw=blank((4, 5), dtype),
        db=blank(4, dtype),
        dy=normal((3, 4), dtype),
        saved=normal((3, 4), dtype),
        x=normal((3, 5), dtype),
        w=normal((4, 5), dtype),
        activation=_cpu.Activation("tanh"),
    )
    return valid | changes


def test_missing_inputs_are_errors(isa):
    either = (ValueError, TypeError)
    rejects(either, "linear_backward", "w", arguments(w=None))
    rejects(either, "linear_backward", "x", arguments(x=None))
    rejects(either, "linear_backward", "saved", arguments(saved=None))
    rejects(either, "linear_backward", "dy", arguments(dy=None))
    _cpu.linear_backward(*arguments(dx=None, w=None).values())
    _cpu.linear_backward(*arguments(dw=None, x=None).values())


def test_subnormals_are_kept(isa):
    tiny = np.float32(1e-40)
    x, w = np.full((3, 1), tiny, np.float32), np.ones((2, 1), np.float32)
    (y,) = forward(x, w, np.full(2, tiny, np.float32))
    assert_close(y, np.full((3, 2), 2e-40), scale=1e-36)
    assert (y == tiny + tiny).all()


@dtypes
def test_weight_gradient_in_shares_of_few_rows(isa, dtype):
    """So many threads get so few of the packed rows that a register is wider than a tile."""
    dy, x, w = normal((3000, 128), dtype, 1), normal((3000, 256), dtype, 2), normal((128, 256), dtype, 3)
    same_for_any_threads(lambda: backward(dy, x, w, dw_order="F"), (18, 37))
