"""Saving, loading and resuming schedules."""

from __future__ import annotations

import copy
import pickle

import pytest

from fastgrad.optim import lr_scheduler
from tests.optim.common import CHAINED, both, lrs, optimizers

torch = pytest.importorskip("torch")


ALL = {
    **CHAINED,
    "one cycle": lambda o, s: s.OneCycleLR(o, 1.0, total_steps=100),
    "plateau": lambda o, s: s.ReduceLROnPlateau(o, patience=1),
}


def advance(optimizer, scheduler, epochs):
    for i in range(epochs):
        optimizer.step()
        scheduler.step(*([1.0 + i] if "Plateau" in type(scheduler).__name__ else []))


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("source", ["fastgrad", "torch"])
def test_state_goes_on_where_it_was(name, source):
    a, ours, b, theirs = both(ALL[name], momentum=0.9)
    advance(a, ours, 9)
    advance(b, theirs, 9)
    new, _ = optimizers(momentum=0.9)
    loaded = ALL[name](new, lr_scheduler)
    loaded.load_state_dict(copy.deepcopy((ours if source == "fastgrad" else theirs).state_dict()))
    new.load_state_dict(a.state_dict())
    assert loaded.get_last_lr() == ours.get_last_lr()
    advance(a, ours, 9)
    advance(new, loaded, 9)
    assert lrs(new) == lrs(a)
    assert "optimizer" not in ours.state_dict()


@pytest.mark.parametrize("name", [name for name in ALL if "lambda" not in name])
def test_pickle_with_the_optimizer(name):
    a, ours, *_ = both(ALL[name], momentum=0.9)
    advance(a, ours, 5)
    new, loaded = pickle.loads(pickle.dumps((a, ours)))
    assert loaded.optimizer is new
    advance(a, ours, 5)
    advance(new, loaded, 5)
    assert lrs(new) == lrs(a)


@pytest.mark.parametrize(
    "name", ["step 7", "exponential", "linear down", "cosine back", "lambda", "milestones"]
)
def test_resuming_with_last_epoch_equals_torch(name):
    kinds = {"step 7": ("StepLR", (7, 0.3)), "exponential": ("ExponentialLR", (0.9,))}
    kinds |= {"linear down": ("LinearLR", (1.0, 0.1, 20)), "lambda": ("LambdaLR", (lambda t: 0.9**t,))}
    kinds |= {
        "cosine back": ("CosineAnnealingLR", (7, 0.01)),
        "milestones": ("MultiStepLR", ([3, 10, 11], 0.5)),
    }
    kind, arguments = kinds[name]
    a, ours, b, theirs = both(lambda o, s: getattr(s, kind)(o, *arguments))
    advance(a, ours, 9)
    advance(b, theirs, 9)
    ours = getattr(lr_scheduler, kind)(a, *arguments, last_epoch=8)
    theirs = getattr(torch.optim.lr_scheduler, kind)(b, *arguments, last_epoch=8)
    for _ in range(12):
        assert lrs(a) == lrs(b)
        advance(a, ours, 1)
        advance(b, theirs, 1)


class Warmup:
    """A callable object, whose attributes are a part of the state."""

    def __init__(self, epochs):
        self.epochs = epochs

    def __call__(self, epoch):
        return min(1.0, (epoch + 1) / self.epochs)


def test_lambda_objects_are_saved():
    a, _ = optimizers()
    one = lr_scheduler.LambdaLR(a, Warmup(4))
    b, _ = optimizers()
    other = lr_scheduler.LambdaLR(b, Warmup(100))
    advance(a, one, 2)
    other.load_state_dict(one.state_dict())
    advance(b, other, 1)
    assert lrs(b) == [0.5, 0.03]
