"""What all kernels have in common: every argument is checked before anything is written; and the module."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastgrad import _cpu
from tests.kernels.common import blank, normal, rejects, same_bits, unaligned

ROOT = Path(__file__).parents[2]
F = np.float32
INDEX = np.array([0, 2, 1, 2])
GELU = _cpu.Activation("gelu")


def x(*shape: int) -> np.ndarray:
    return np.abs(normal(shape, F)) / 4


# Per kernel a call, its arguments by name and in order, and how many of them are outputs.
CALLS: dict[str, tuple[int, dict[str, Any]]] = {
    "linear_forward": (2, dict(y=x(4, 3), z=x(4, 3), x=x(4, 5), w=x(3, 5), b=x(3), activation=GELU)),
    "linear_backward": (
        3,
        dict(dx=x(4, 5), dw=x(3, 5), db=x(3), dy=x(4, 3), saved=x(4, 3), x=x(4, 5), w=x(3, 5), activation=GELU),
    ),
    "linear_grad_input": (1, dict(dx=x(4, 5), dz=x(4, 3), w=x(3, 5), saved=x(4, 5), activation=GELU)),
    "matmul": (1, dict(y=x(4, 3), a=x(4, 5), b=x(5, 3))),
    "activation_forward": (1, dict(y=x(4, 3), x=x(4, 3), activation=GELU)),
    "activation_backward": (1, dict(dx=x(4, 3), dy=x(4, 3), saved=x(4, 3), activation=GELU)),
    "prelu_forward": (1, dict(y=x(2, 3, 4), x=x(2, 3, 4), a=x(3))),
    "prelu_backward": (2, dict(dx=x(2, 3, 4), da=x(3), dy=x(2, 3, 4), x=x(2, 3, 4), a=x(3))),
    "softmax_forward": (1, dict(y=x(4, 3), x=x(4, 3))),
    "log_softmax_forward": (1, dict(y=x(4, 3), x=x(4, 3))),
    "softmax_backward": (1, dict(dx=x(4, 3), dy=x(4, 3), y=x(4, 3))),
    "log_softmax_backward": (1, dict(dx=x(4, 3), dy=x(4, 3), y=x(4, 3))),
    "cross_entropy": (
        2,
        dict(loss=x(4), dx=x(4, 3), x=x(4, 3), target=INDEX, weight=x(3), ignore_index=-100, label_smoothing=0.0,
             reduction="none"),
    ),
    "nll_loss": (
        2, dict(loss=x(4), dx=x(4, 3), x=x(4, 3), target=INDEX, weight=x(3), ignore_index=-100, reduction="none"),
    ),
    "pointwise_loss": (
        2,
        dict(loss=x(4, 3), dx=x(4, 3), x=x(4, 3), target=x(4, 3), weight=x(4, 3), pos_weight=x(4, 3),
             kind="binary_cross_entropy_with_logits", parameter=0.0, reduction="none"),
    ),
    "dropout": (1, dict(y=x(4, 3), x=x(4, 3), p=0.5, seed=1, offset=0)),
    "gather_rows": (1, dict(out=x(4, 3), x=x(5, 3), index=INDEX)),
    "embedding_backward": (1, dict(dw=x(5, 3), dy=x(4, 3), index=INDEX, padding_idx=-1)),
}  # fmt: skip
OPTIONAL = {"z", "b", "dx", "dw", "db", "da", "weight", "pos_weight"}
BAD_DTYPES = ("f2", "i4", "c8", "O", ">f4", "?", "U3")


def call(kernel: str, **changes: Any) -> dict[str, Any]:
    arguments = {k: v.copy() if isinstance(v, np.ndarray) else v for k, v in CALLS[kernel][1].items()}
    return arguments | changes


def array_arguments(outputs: bool | None = None) -> list[tuple[str, str]]:
    found = []
    for kernel, (count, arguments) in CALLS.items():
        for i, (name, value) in enumerate(arguments.items()):
            if isinstance(value, np.ndarray) and outputs in (None, i < count):
                found.append((kernel, name))
    return found


def test_every_kernel_is_called_here():
    """A new kernel must be put into the table above."""
    others = {"sgd", "adam", "activations", "build", "get_num_threads", "set_num_threads", "fma_peak", "Activation"}
    others |= {"linear_sgd", "linear_adam", "copy"}  # test_linear_update.py, test_copy.py
    others |= {"elementwise", "Program", "Programs", "Compiled"}  # tests/program
    public = {name for name in dir(_cpu) if not name.startswith("_")}
    making = {name for name in public if name.startswith("make_")}  # tests/kernels/test_make.py
    assert public - others - making == set(CALLS)
    assert {name.removeprefix("make_") for name in making} <= set(CALLS)


@pytest.mark.parametrize("kernel", CALLS)
def test_the_calls_are_valid(isa, kernel):
    getattr(_cpu, kernel)(*call(kernel).values())


@pytest.mark.parametrize(("kernel", "name"), array_arguments())
def test_wrong_types_and_dtypes(kernel, name):
    good = CALLS[kernel][1][name]
    for bad in (good.tolist(), "text", 3, 1.5, object(), memoryview(good)):
        rejects(TypeError, kernel, name, call(kernel, **{name: bad}))
    if (kernel, name) != ("gather_rows", "x"):  # which takes any dtype
        for dtype in BAD_DTYPES:
            rejects(TypeError, kernel, name, call(kernel, **{name: good.astype(dtype)}))
    if good.dtype == F:
        # float64 among float32: which of the arguments is blamed is open
        rejects(TypeError, kernel, r"\w+", call(kernel, **{name: good.astype(np.float64)}))
    if name not in OPTIONAL and name != "saved":
        rejects((TypeError, ValueError), kernel, name, call(kernel, **{name: None}))


@pytest.mark.parametrize(("kernel", "name"), array_arguments())
def test_wrong_shapes(kernel, name):
    good = CALLS[kernel][1][name]
    wider = np.concatenate([good, good[..., :1]], axis=-1)
    for bad in (good[None, None], wider, good[..., :-1].copy()):
        if kernel == "linear_forward" and name == "b" and bad.ndim == 1 and bad.shape == good.shape:
            continue
        rejects((ValueError, IndexError), kernel, r"\w+", call(kernel, **{name: bad}))


@pytest.mark.parametrize(("kernel", "name"), array_arguments(outputs=True))
def test_outputs_must_be_plain_memory(kernel, name):
    good = CALLS[kernel][1][name]
    frozen = good.copy()
    frozen.setflags(write=False)
    rejects(ValueError, kernel, name, call(kernel, **{name: frozen}))
    wide = blank([2 * n for n in good.shape], F)[tuple(slice(None, None, 2) for _ in good.shape)]
    rejects(ValueError, kernel, name, call(kernel, **{name: wide}))
    rejects(ValueError, kernel, name, call(kernel, **{name: good[::-1].copy()[::-1]}))
    if kernel != "gather_rows":  # which moves bytes
        rejects(ValueError, kernel, name, call(kernel, **{name: unaligned(good)}))
    rejects(ValueError, kernel, name, call(kernel, **{name: np.broadcast_to(F(0), good.shape)}))
    if good.ndim > 1 and name != "dw":
        rejects(ValueError, kernel, name, call(kernel, **{name: np.asfortranarray(good)}))


def refuses_overlap(kernel: str, name: str, other: str) -> None:
    """The output `name` lies one element off the argument `other`: nobody can take that for "the same array"."""
    good, value = CALLS[kernel][1][name], CALLS[kernel][1][other]
    memory = np.resize(np.frombuffer(value.tobytes(), np.uint8), good.nbytes + value.nbytes + 64)
    shift = value.dtype.itemsize
    output = memory[shift : shift + good.nbytes].view(F).reshape(good.shape)
    overlapped = memory[: value.nbytes].view(value.dtype).reshape(value.shape)
    assert np.shares_memory(output, overlapped)
    rejects(ValueError, kernel, f"{name}|{other}", call(kernel, **{name: output, other: overlapped}))


def others(kernel: str, name: str) -> dict[str, np.ndarray]:
    return {k: v for k, v in CALLS[kernel][1].items() if k != name and isinstance(v, np.ndarray)}


@pytest.mark.parametrize(("kernel", "name"), array_arguments(outputs=True))
def test_outputs_must_not_overlap_anything(kernel, name):
    for other, value in others(kernel, name).items():
        if value.dtype == F:
            refuses_overlap(kernel, name, other)


@pytest.mark.parametrize("kernel", [k for k, (_, v) in CALLS.items() if {"index", "target"} & set(v)])
def test_outputs_must_not_overlap_indices(kernel):
    """In a process of its own: indices that are overwritten after they were checked lead anywhere."""
    code = "import sys; from tests.kernels.test_bindings import refuses_overlap; refuses_overlap(*sys.argv[1:])"
    for name, other in [(k, o) for j, k in array_arguments(outputs=True) if j == kernel for o in others(kernel, k)]:
        if other in ("index", "target"):
            done = subprocess.run(
                [sys.executable, "-c", code, kernel, name, other], cwd=ROOT, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr


def test_the_number_of_arguments_is_checked():
    for kernel, (_, arguments) in CALLS.items():
        values = list(arguments.values())
        for wrong in (values[:-1], [*values, None, None], []):
            with pytest.raises(TypeError):
                getattr(_cpu, kernel)(*wrong)


def test_arguments_can_be_named():
    for kernel, (outputs, arguments) in CALLS.items():
        by_place, by_name = call(kernel), call(kernel)
        getattr(_cpu, kernel)(*by_place.values())
        first, *others = by_name
        getattr(_cpu, kernel)(by_name[first], **{name: by_name[name] for name in reversed(others)})
        for name in list(arguments)[:outputs]:
            assert same_bits(by_place[name], by_name[name])
        with pytest.raises(TypeError, match=rf"{kernel}\(\) has no argument 'nonsense'"):
            getattr(_cpu, kernel)(**by_name, nonsense=1)
        with pytest.raises(TypeError, match=rf"{kernel}\(\) got argument '{first}' twice"):
            getattr(_cpu, kernel)(*by_name.values(), **{first: None})
        del by_name[others[-1]]
        with pytest.raises(TypeError, match=rf"{kernel}\(\) lacks argument '{others[-1]}'"):
            getattr(_cpu, kernel)(**by_name)


def test_numbers_and_texts_are_checked():
    rejects(TypeError, "dropout", "p", call("dropout", p="half"))
    rejects(TypeError, "dropout", "seed", call("dropout", seed=-1))
    rejects(TypeError, "dropout", "seed", call("dropout", seed=2**64))
    rejects(TypeError, "dropout", "offset", call("dropout", offset=0.5))
    rejects(TypeError, "cross_entropy", "ignore_index", call("cross_entropy", ignore_index=None))
    rejects(TypeError, "cross_entropy", "reduction", call("cross_entropy", reduction=None))


def test_an_activation_is_an_activation():
    for kernel in ("linear_forward", "linear_backward", "activation_forward", "activation_backward"):
        for bad in ("relu", 1, {"name": "relu"}):
            rejects(TypeError, kernel, "activation", call(kernel, activation=bad))
    rejects(TypeError, "activation_forward", "activation", call("activation_forward", activation=None))


def test_threads_can_be_set():
    for n in (1, 2, 7):
        _cpu.set_num_threads(n)
        assert _cpu.get_num_threads() == n
    for bad in (0, -1, 10**9, 2**80):
        with pytest.raises(ValueError, match="set_num_threads"):
            _cpu.set_num_threads(bad)
    for bad in (1.5, "2", None):
        with pytest.raises(TypeError, match="set_num_threads"):
            _cpu.set_num_threads(bad)
    assert _cpu.get_num_threads() == 7


def test_build_tells_what_was_built(isa):
    build = _cpu.build()
    assert build["isa"] == isa
    assert set(build["isas_supported"]) <= set(build["isas"])
    assert "baseline" in build["isas_supported"]
    assert build["compiler"]
    with pytest.raises((ValueError, RuntimeError), match="sse9"):
        _cpu._set_isa("sse9")
    assert _cpu.build()["isa"] == isa


def imports_with(isa: str) -> subprocess.CompletedProcess[str]:
    code = "from fastgrad import _cpu; print(_cpu.build()['isa'])"
    environment = os.environ | {"FASTGRAD_ISA": isa}
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize("name", _cpu.build()["isas_supported"])
def test_the_environment_chooses_the_instruction_set(name):
    assert imports_with(name).stdout.strip() == name


@pytest.mark.parametrize("name", ["nonsense", "neon" if "neon" not in _cpu.build()["isas"] else "avx512"])
def test_an_instruction_set_that_does_not_run_here_is_an_error(name):
    done = imports_with(name)
    assert done.returncode != 0
    assert "FASTGRAD_ISA" in done.stderr
    assert name in done.stderr


def test_python_runs_while_a_kernel_does():
    a = normal((1500, 1500), F)
    y = blank((1500, 1500), F)
    started, finished, count = threading.Event(), threading.Event(), 0

    def multiply() -> None:
        started.set()
        for _ in range(3):
            _cpu.matmul(y, a, a)
        finished.set()

    thread = threading.Thread(target=multiply)
    thread.start()
    started.wait()
    while not finished.is_set():
        count += 1
    thread.join()
    assert count > 100
    assert np.isfinite(y).all()


def test_many_threads_at_once_get_the_same_bits(isa):
    """Rule 24."""
    a, w, dy = normal((64, 100), F), np.asfortranarray(normal((50, 100), F, 1)), normal((64, 50), F, 2)

    def run() -> list[np.ndarray]:
        y, z, dx, dw = blank((64, 50), F), blank((64, 50), F), blank((64, 100), F), blank((50, 100), F)
        loss, dl = blank((), F), blank((64, 50), F)
        _cpu.linear_forward(y, z, a, w, None, GELU)
        _cpu.linear_backward(dx, dw, None, dy, z, a, w, GELU)
        _cpu.cross_entropy(loss, dl, y, np.arange(64) % 50, None, -100, 0.0, "mean")
        drop = blank((64, 50), F)
        _cpu.dropout(drop, dy, 0.5, 3, 4)
        return [y, z, dx, dw, loss, dl, drop]

    expected, wrong = run(), []
    _cpu.set_num_threads(2)

    def work() -> None:
        for _ in range(20):
            wrong.extend(i for i, (p, q) in enumerate(zip(run(), expected, strict=True)) if not same_bits(p, q))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
