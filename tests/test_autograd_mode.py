"""Recording is turned on and off, thread by thread."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

import fastgrad as fg


def leaf(*values: float) -> fg.Tensor:
    return fg.tensor(list(values), dtype=fg.float64, requires_grad=True)


def test_no_grad_and_enable_grad() -> None:
    x = leaf(1.0)

    @fg.no_grad()
    def quiet() -> bool:
        return (x * 2).requires_grad

    @fg.no_grad
    def bare() -> bool:
        return fg.is_grad_enabled()

    @fg.enable_grad()
    def loud() -> bool:
        return (x * 2).requires_grad

    assert (quiet(), bare(), loud()) == (False, False, True)
    with fg.no_grad():
        assert not fg.is_grad_enabled()
        assert loud()
        with fg.enable_grad():
            assert (x * 2).requires_grad
        assert not (x * 2).requires_grad
        assert fg.ones(1, requires_grad=True).requires_grad
    assert fg.is_grad_enabled()
    assert quiet.__name__ == "quiet"


def test_no_grad_ends_with_an_exception() -> None:
    with pytest.raises(KeyError), fg.no_grad():
        raise KeyError
    assert fg.is_grad_enabled()


def test_no_grad_on_a_generator() -> None:
    @fg.no_grad()
    def values() -> Any:
        got = yield fg.is_grad_enabled()
        try:
            yield got, fg.is_grad_enabled()
        except ValueError:
            yield "caught", fg.is_grad_enabled()
        return "end"

    generator = values()
    assert next(generator) is False
    assert fg.is_grad_enabled()
    assert generator.send(3) == (3, False)
    assert generator.throw(ValueError()) == ("caught", False)
    assert fg.is_grad_enabled()
    with pytest.raises(StopIteration, match="end"):
        next(generator)


def test_set_grad_enabled() -> None:
    with fg.set_grad_enabled(False):
        assert not fg.is_grad_enabled()
    fg.set_grad_enabled(False)
    try:
        assert not fg.is_grad_enabled()
    finally:
        fg.set_grad_enabled(True)

    @fg.set_grad_enabled(False)
    def decorated() -> bool:
        return fg.is_grad_enabled()

    assert fg.is_grad_enabled()
    assert not decorated()
    with pytest.raises(TypeError, match="mode"):
        fg.set_grad_enabled(1)  # type: ignore[arg-type]


def test_recording_is_a_switch_of_each_thread() -> None:
    seen = []
    with fg.no_grad():
        thread = threading.Thread(target=lambda: seen.append(fg.is_grad_enabled()))
        thread.start()
        thread.join()
    assert seen == [True]


def test_threads_add_to_one_gradient() -> None:
    w = fg.zeros(1000, dtype=fg.float64, requires_grad=True)

    def work() -> None:
        for _ in range(50):
            (w * 1).sum().backward()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(w.grad.tolist()) == {200.0}


def test_numpy_warns_as_before() -> None:
    """Operations are quiet about infinities; numpy's own settings stay the caller's."""
    x = leaf(0.0)
    (x.log() + 1 / x + (x * 1e308).exp()).sum().backward()
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        np.ones(1) / np.zeros(1)
