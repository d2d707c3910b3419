"""Watching changes no bit of what is learned, and sees the same in eager and recorded steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import diagnostics, nn
from tests.diagnostics.common import MODELS, Training, batch, same


@pytest.mark.parametrize("adam", [False, True], ids=["sgd", "adam"])
@pytest.mark.parametrize("model", MODELS)
def test_weights_and_numbers(model: str, adam: bool) -> None:
    expected = Training(model, adam=adam)
    losses = expected.run(13)
    records = []
    for options in ({}, {"recorded": True}, {"recorded": True, "fuse": False}):
        training = Training(model, adam=adam, **options)
        record = diagnostics.watch(training.net, training.opt, every=4)
        assert training.run(13) == losses
        assert training.weights() == expected.weights()
        records.append(record)
    assert records[0].steps == [0, 4, 8, 12]
    assert same(records[0].to_dict(), records[1].to_dict())
    assert same(records[0].to_dict(), records[2].to_dict())


def test_there_are_two_programs_and_the_one_that_does_not_observe_is_the_usual_one() -> None:
    unwatched, training = Training("mlp", recorded=True), Training("mlp", recorded=True)
    unwatched.run(3)
    (usual,) = unwatched.step.programs
    with diagnostics.watch(training.net, training.opt, every=3):
        training.run(10)
        other, observing = sorted(training.step.programs, key=lambda program: "see_end" in program.commands)
        assert observing.commands.count("see_activations") == 3
        assert observing.commands.count("see_gradient") == 3
        assert other.commands == [*usual.commands, "_next_step"]
    training.run(2)
    assert len(training.step.programs) == 3
    assert training.step.programs[-1].commands == usual.commands


def test_a_program_from_before_fits_again_afterwards() -> None:
    training = Training("mlp", recorded=True)
    training.run(3)
    with diagnostics.watch(training.net, training.opt, every=2) as record:
        training.run(6)
    training.run(6)
    assert record.steps == [0, 2, 4]
    assert len(training.step.programs) == 3


def test_run_epoch() -> None:
    x, y = (fg.cat([batch(i)[k] for i in range(12)]) for k in (0, 1))
    expected, training = Training("mlp"), Training("mlp", recorded=True)
    losses = expected.run(12)
    eager = Training("mlp")
    eager_record = diagnostics.watch(eager.net, eager.opt, every=5)
    eager.run(12)
    record = diagnostics.watch(training.net, training.opt, every=5)
    assert training.step.run_epoch((x, y), batch_size=9).tolist() == losses
    assert training.weights() == expected.weights()
    assert record.steps == [0, 5, 10]
    assert same(record.to_dict(), eager_record.to_dict())


def test_gradients_that_are_added_up_over_several_calls_are_one_step() -> None:
    records = []
    for recorded in (False, True):
        training = Training("mlp")
        net, opt = training.net, training.opt

        def add_up(x: Any, y: Any, net: Any = net) -> None:
            (fg.nn.functional.cross_entropy(net(x), y) / 3).backward()

        call = fg.compile(add_up) if recorded else add_up
        record = diagnostics.watch(net, opt, every=2)
        opt.zero_grad()
        for i in range(12):
            call(*batch(i))
            if i % 3 == 2:
                opt.step()
                opt.zero_grad()
        assert record.steps == [0, 2]
        assert record["0"].rows == [27, 27]
        records.append(record)
        if recorded:
            assert len(call.programs) == 4  # the first of three or another one, observed or not
    assert same(records[0].to_dict(), records[1].to_dict())
    assert np.all(records[0]["0"].update_ratio > 0)


def test_steps_that_the_user_ends() -> None:
    """Without an optimiser of fastgrad's: the update is written by hand."""
    records = []
    for recorded in (False, True):
        training = Training("mlp")
        net = training.net
        record = diagnostics.watch(net, every=3)

        def step(x: Any, y: Any, net: Any = net, record: Any = record) -> None:
            net.zero_grad()
            fg.nn.functional.cross_entropy(net(x), y).backward()
            with fg.no_grad():
                for p in net.parameters():
                    p -= 0.1 * p.grad
            record.step()

        call = fg.compile(step) if recorded else step
        for i in range(8):
            call(*batch(i))
        assert record.steps == [0, 3, 6]
        records.append(record)
        record.detach()
        call(*batch(9))
        assert len(record) == 3
    assert same(records[0].to_dict(), records[1].to_dict())
    expected = 0.1 * records[0]["2"].weight_gradient
    change = records[0]["2"].update_norm / np.sqrt(56)  # root mean square beside 0.1 · mean absolute value
    assert np.all((change > expected) & (change < 3 * expected))


def test_the_gradient_of_weights_is_the_one_that_the_optimizer_finds() -> None:
    """Clipped, that is; and it stays what it was where gradients are kept."""
    results = []
    for recorded in (False, True):
        training = Training("mlp")
        net, opt = training.net, training.opt

        def step(x: Any, y: Any, net: Any = net, opt: Any = opt) -> None:
            opt.zero_grad()
            fg.nn.functional.cross_entropy(net(x), y).backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1e-3)
            opt.step()

        call = fg.compile(step, keep_grads=True) if recorded else step
        record = diagnostics.watch(net, opt, every=2)
        for i in range(5):
            call(*batch(i))
        mean = np.abs(net[2].weight.grad.numpy()).mean(dtype=np.float64)
        assert record["2"].weight_gradient[-1] == pytest.approx(mean, rel=1e-12)
        assert mean < 1e-3
        results.append((training.weights(), record.to_dict()))
    assert results[0][0] == results[1][0]
    assert same(results[0][1], results[1][1])
