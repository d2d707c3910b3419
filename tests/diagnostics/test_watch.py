"""What watch puts on a network and takes off again, what it counts, and what it refuses."""

from __future__ import annotations

import copy
import gc
import pickle
import subprocess
import sys
import weakref
from typing import Any

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import diagnostics, nn
from tests.diagnostics.common import MODELS, Branches, Training, batch


def hooks(net: Any) -> list[Any]:
    return [(name, module._hooks, module._direct) for name, module in net.named_modules()]


@pytest.mark.parametrize("model", MODELS)
def test_nothing_stays_after_detach(model: str) -> None:
    training = Training(model)
    before, attributes = hooks(training.net), vars(training.opt).keys()
    record = diagnostics.watch(training.net, training.opt, every=2)
    assert hooks(training.net) != before
    training.run(3)
    record.detach()
    record.detach()
    assert hooks(training.net) == before
    assert all(leaf.node.hooks is None and leaf.node.post_hooks is None for leaf in training.net.parameters())
    assert vars(training.opt).keys() == attributes
    training.run(2)
    assert record.steps == [0, 2]
    diagnostics.watch(training.net, training.opt).detach()  # as often as one likes


def test_between_observed_steps_modules_have_no_hooks() -> None:
    training = Training("mlp")
    before = hooks(training.net)
    record = diagnostics.watch(training.net, training.opt, every=3)
    on = []
    for i in range(7):
        on.append(hooks(training.net) != before)
        training.run(1, i)
    assert on == [True, False, False] * 2 + [True]
    record.detach()


def test_hooks_of_the_users_stay_and_count() -> None:
    training = Training("mlp")
    calls: list[int] = []
    training.net[0].register_forward_hook(lambda module, args, y: calls.append(1))
    training.net[1].register_forward_hook(lambda module, args, y: y * 2)
    training.net[2].register_full_backward_hook(lambda module, dx, dy: calls.append(2))
    plain = Training("mlp")
    plain.net[1].register_forward_hook(lambda module, args, y: y * 2)
    with diagnostics.watch(training.net, training.opt, every=2) as record:
        training.run(4)
    plain.run(4)
    assert training.weights() == plain.weights()
    assert calls == [1, 2] * 4
    assert list(record.layers) == ["0", "2", "3", "4"]  # what the hook on backward returns is another tensor


def test_evaluation_does_not_count() -> None:
    training = Training("branches")
    record = diagnostics.watch(training.net, training.opt, every=1)
    x, _ = batch(50)
    training.run(1)
    with fg.no_grad():
        training.net(x)
    training.net.eval()
    training.net(x)
    training.net.train()
    training.run(1)
    assert record["head"].rows == [9, 9]


def test_the_mode_of_the_network_decides_not_that_of_a_layer() -> None:
    training = Training("branches")
    training.net.right[1].eval()  # keeps its statistics
    record = diagnostics.watch(training.net, training.opt, every=1)
    training.run(1)
    assert record["right.1"].title == "right.1 BatchNorm1d + elu"
    assert record["right.1"].rows == [9]


def test_the_mode_decides_in_a_recorded_step_of_a_part_too() -> None:
    training = Training("branches")
    net, opt = training.net, training.opt
    x, _ = batch(0)

    @fg.compile
    def step(x: Any) -> None:
        opt.zero_grad()
        net.left(x).sum().backward()
        opt.step()

    record = diagnostics.watch(net, opt, every=1)
    for mode in (True, True, False, True):
        net.training = mode
        step(x)
    assert record["left.0"].rows == [9, 9, 0, 9]
    assert len(step.programs) == 2


def test_a_call_without_an_activation_behind_it_counts_too() -> None:
    """A part of the network that is called alone, by something that is no module."""
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    record = diagnostics.watch(net, every=1)
    y = net[0](fg.ones(5, 3))
    y.sum().backward()
    record.step()
    np.testing.assert_allclose(record["0"].activation_mean, y.detach().numpy().mean(), rtol=1e-6)
    assert record["0"].gradient.tolist() == [1.0]
    assert record["0"].activation == ""
    assert list(record.layers) == ["0"]


def test_an_activation_on_something_else_has_a_line_of_its_own() -> None:
    net = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5), nn.Tanh(), nn.Flatten(), nn.Linear(4, 2))
    with diagnostics.watch(net, every=1) as record:
        net(fg.ones(5, 3))
        record.step()
    assert [layer.title for layer in record] == ["0 Linear", "2 Tanh", "4 Linear"]
    assert record["2"].high == 0.99


def test_attributes_of_ones_own_modules_are_no_activations() -> None:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(fg.ones(3, 3))
            self.activation = nn.Tanh()
            self.nonlinearity = "relu"

        def forward(self, x: Any) -> Any:
            return self.activation(x @ self.weight)

    net = Block()
    with diagnostics.watch(net, every=1) as record:
        net(fg.ones(4, 3))
        record.step()
    assert [layer.title for layer in record] == ["Block", "activation Tanh"]
    assert np.isnan(record[""].saturation[0])
    assert record["activation"].saturation[0] == 1.0


def test_layers_by_name() -> None:
    training = Training("branches")
    with diagnostics.watch(training.net, training.opt, every=1, layers=["right.3", "left.0", "right"]) as record:
        training.run(1)
    assert list(record.layers) == ["left.0", "right", "right.3"]
    assert record["right"].module == "Sequential"
    assert np.isnan(record["right"].weight_norm[0])
    assert record["left.0"].activation == ""  # its Tanh is not watched


def test_copies_are_not_watched() -> None:
    training = Training("mlp")
    record = diagnostics.watch(training.net, training.opt, every=1)
    x, _ = batch(3)
    for net in (copy.deepcopy(training.net), pickle.loads(pickle.dumps(training.net))):
        assert net(x).tolist() == training.net(x).tolist()
    assert copy.deepcopy(training.opt).step.__self__ is not training.opt
    record.detach()
    assert training.net[0]._hooks is None


def test_a_network_goes_when_the_record_does() -> None:
    training = Training("mlp", recorded=True)
    record = diagnostics.watch(training.net, training.opt, every=2)
    training.run(3)
    net = weakref.ref(training.net)
    record.detach()
    del training
    gc.collect()
    assert net() is None
    assert len(record) == 2


def test_two_parts_of_a_network_are_watched_each_by_itself() -> None:
    training = Training("branches")
    first = diagnostics.watch(training.net.left, training.opt, every=2)
    second = diagnostics.watch(training.net.right, training.opt, every=3)
    training.run(7)
    assert (first.steps, second.steps) == ([0, 2, 4, 6], [0, 3, 6])
    assert list(first.layers) == ["0"]
    first.detach()
    training.run(3, 7)
    assert (first.steps, second.steps) == ([0, 2, 4, 6], [0, 3, 6, 9])


def test_importing_fastgrad_does_not_load_it() -> None:
    code = (
        "import sys, fastgrad as fg; assert 'fastgrad.diagnostics' not in sys.modules; fg.diagnostics.watch; "
        "assert 'matplotlib' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="module 'fastgrad' has no attribute 'diagnosis'"):
        fg.diagnosis  # noqa: B018


def raises(kind: Any, text: str, *args: Any, **options: Any) -> None:
    with pytest.raises(kind) as caught:
        diagnostics.watch(*args, **options)
    assert str(caught.value) == f"watch(): {text}"


def test_errors() -> None:
    net = Branches()
    raises(TypeError, "argument 'net' is a int, expected a Module", 3)
    raises(TypeError, "argument 'optimizer' is a float, expected an Optimizer or None", net, 0.1)
    raises(ValueError, "argument 'every' is 0, expected at least 1", net, every=0)
    raises(TypeError, "argument 'every' is a float, expected an int", net, every=2.5)
    raises(ValueError, "argument 'bins' is -1, expected at least 1", net, bins=-1)
    raises(TypeError, "argument 'layers' is a str, expected a list of names", net, layers="head")
    raises(ValueError, "argument 'layers' is empty, expected at least one name", net, layers=[])
    names = ", ".join(repr(name) for name, _ in net.named_modules())
    raises(ValueError, f"argument 'layers' is with 'heads', expected some of {names}", net, layers=["heads"])
    raises(
        ValueError, "argument 'net' is a Flatten without layers, expected parameters or activations", nn.Flatten()
    )
    record = diagnostics.watch(net)
    raises(RuntimeError, "layer '0' is watched already, expected detach() of that record first", net.left)
    record.detach()


def test_errors_of_a_record() -> None:
    training = Training("mlp")
    record = diagnostics.watch(training.net, training.opt)
    with pytest.raises(RuntimeError, match=r"step\(\): the record has an optimizer, whose step\(\) ends a step"):
        record.step()
    with pytest.raises(ValueError, match=r"argument 'name' is '0', expected the name of an observed layer: none"):
        record["0"]
    training.run(1)
    with pytest.raises(ValueError, match=r"'name' is '1', expected the name of an observed layer: '0', '2', '4'"):
        record["1"]
