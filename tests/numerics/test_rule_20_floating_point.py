"""Rule 20: import and calls leave rounding and subnormals as they were, on every thread; subnormals are kept."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import fastgrad as fg
import fastgrad.nn.functional as F
from fastgrad import _cpu
from tests.kernels.common import blank
from tests.reference import ACTIVATIONS

PROBE = """
import threading
import numpy as np

def state():
    tiny, one = np.full(64, 1e-40, np.float32), np.full(64, 1.0, np.float32)
    half = np.full(64, 2.0**-24, np.float32)
    up = np.nextafter(np.float32(1), np.float32(2))
    assert (tiny * one == tiny).all() and (tiny > 0).all(), "subnormals are zero"
    assert (np.full(64, 1e-20, np.float32) * np.float32(1e-20) > 0).all(), "subnormal results are flushed"
    assert (one + half == one).all() and (one * up + half == up + 2 * half).all(), "not rounding to nearest even"
    assert (-one - half == -one).all()

def on_a_thread():
    failed = []
    def work():
        try: state()
        except AssertionError as error: failed.append(error)
    thread = threading.Thread(target=work); thread.start(); thread.join()
    assert not failed, failed

state(); on_a_thread()
import fastgrad as fg
from fastgrad import _cpu
state(); on_a_thread()
for isa in _cpu.build()["isas_supported"]:
    _cpu._set_isa(isa)
    _cpu.set_num_threads(4)
    x = fg.randn(300, 300, requires_grad=True)
    for name in ("tanh", "gelu", "softplus"):
        fg.nn.functional.linear(x, x, activation=name).sum().backward()
    fg.nn.functional.cross_entropy(x, fg.zeros(300, dtype=fg.int64)).backward()
    state(); on_a_thread()
print("kept")
"""


def test_rule_20_import_and_calls_leave_the_floating_point_state():
    done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, timeout=300, check=False)
    assert done.stdout.strip() == "kept", done.stderr


TINY = np.float32(1e-40)
SLOPES = {"gelu": 0.5, "gelu_tanh": 0.5, "silu": 0.5, "mish": 0.6, "hardswish": 0.5, "selu": 1.0507009873554805}


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize(
    "row", [r for r in ACTIVATIONS if r.name not in ("sigmoid", "softplus", "logsigmoid")], ids=lambda r: r.name
)
def test_rule_20_activations_keep_subnormals(isa, row, threads):
    _cpu.set_num_threads(threads)
    x = np.full(200_001, TINY)  # enough for every thread
    y = blank(x.shape, np.float32)
    _cpu.activation_forward(y, x, _cpu.Activation(row.name))
    np.testing.assert_allclose(y, float(TINY) * SLOPES.get(row.name, 1.0), rtol=1e-4)
    public = getattr(F, row.name.removesuffix("_tanh"))(fg.tensor(x[:9]))
    assert (public.numpy() > 0).all()


@pytest.mark.parametrize("threads", [1, 4])
def test_rule_20_products_sums_and_updates_keep_subnormals(isa, threads):
    _cpu.set_num_threads(threads)
    m, n, k = 257, 300, 40
    y = blank((m, n), np.float32)
    _cpu.matmul(y, np.full((m, k), np.float32(1e-20)), np.full((k, n), np.float32(1e-21)))
    np.testing.assert_allclose(y, 40e-41, rtol=1e-3)
    p, g = np.full(100_001, TINY), np.full(100_001, TINY)
    _cpu.sgd([p], [g], None, 0.5, 0.0, 0.0, 0.0, 0.0, False, False, [False])
    np.testing.assert_allclose(p, 0.5e-40, rtol=1e-3)
    out = blank(p.shape, np.float32)
    _cpu.dropout(out, p, 0.0, 1, 1)
    assert np.array_equal(out, p)
