"""The generated activation modules: parameters as attributes, names and text as torch's."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch

import fastgrad as fg
from fastgrad import _cpu, nn

MODULES = sorted({entry["module"] for entry in _cpu.activations()})


@pytest.mark.parametrize("name", MODULES)
def test_module_gives_what_torchs_gives(name: str) -> None:
    x = torch.linspace(-4, 4, 41, dtype=torch.float64)
    ours = getattr(nn, name)()(fg.from_numpy(x.numpy())).numpy()
    torch.testing.assert_close(torch.from_numpy(ours), getattr(torch.nn, name)()(x), rtol=1e-12, atol=1e-14)


def test_a_changed_parameter_takes_effect_as_in_torch() -> None:
    ours, theirs = nn.ELU(0.5), torch.nn.ELU(0.5)
    ours.alpha = theirs.alpha = 2.0
    assert ours(fg.tensor(-1.0)).item() == pytest.approx(theirs(torch.tensor(-1.0)).item(), rel=1e-6)
    assert repr(ours) == repr(theirs)


def test_a_parameter_outside_its_domain_changes_nothing() -> None:
    module = nn.CELU(1.5)
    with pytest.raises(ValueError, match=r"celu\(\): argument 'alpha' is 0.0, expected a number other than 0"):
        module.alpha = 0.0
    assert module.alpha == 1.5
    assert module.activation.parameters == (1.5,)


def test_unknown_variant_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="'approximate' is 'exact', expected 'none' or 'tanh'"):
        nn.GELU("exact")


@pytest.mark.parametrize("module", [nn.ReLU(), nn.Softplus(2.0, 5.0), nn.GELU("tanh"), nn.Hardtanh(-2.0, 0.5)])
def test_pickle_and_deepcopy(module: nn.Module) -> None:
    x = fg.linspace(-3, 3, 13)
    for other in (pickle.loads(pickle.dumps(module)), copy.deepcopy(module)):
        assert repr(other) == repr(module)
        assert (other(x) == module(x)).all()


@pytest.mark.parametrize("name", ["ReLU", "SiLU", "Sigmoid"])
def test_arguments_that_do_not_exist_are_errors(name: str) -> None:
    with pytest.raises(TypeError, match=name):
        getattr(nn, name)(inplace=True)
