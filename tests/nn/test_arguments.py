"""Options of a wrong type: one error that names function and argument, whatever the option."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import pytest

import fastgrad as fg
from fastgrad import nn
from fastgrad.nn import functional as F

X, ROWS, TARGET = fg.ones(3), fg.ones(2, 3), fg.tensor([0, 1])

CASES: list[tuple[str, str, Callable[[Any], Any]]] = [
    ("cross_entropy", "label_smoothing", lambda v: F.cross_entropy(ROWS, TARGET, label_smoothing=v)),
    ("cross_entropy", "ignore_index", lambda v: F.cross_entropy(ROWS, TARGET, ignore_index=v)),
    ("nll_loss", "ignore_index", lambda v: F.nll_loss(ROWS, TARGET, ignore_index=v)),
    ("smooth_l1_loss", "beta", lambda v: F.smooth_l1_loss(X, X, beta=v)),
    ("huber_loss", "delta", lambda v: F.huber_loss(X, X, delta=v)),
    ("dropout", "p", lambda v: F.dropout(X, v)),
    ("softmax", "dim", lambda v: F.softmax(X, v)),
    ("embedding", "padding_idx", lambda v: F.embedding(TARGET, ROWS, v)),
    ("one_hot", "num_classes", lambda v: F.one_hot(TARGET, v)),
    ("CrossEntropyLoss", "label_smoothing", lambda v: nn.CrossEntropyLoss(label_smoothing=v)),
    ("NLLLoss", "ignore_index", lambda v: nn.NLLLoss(ignore_index=v)),
    ("SmoothL1Loss", "beta", lambda v: nn.SmoothL1Loss(beta=v)),
    ("HuberLoss", "delta", lambda v: nn.HuberLoss(delta=v)),
    ("Dropout", "p", nn.Dropout),
    ("RNN", "dropout", lambda v: nn.RNN(1, 1, dropout=v)),
    ("Linear", "in_features", lambda v: nn.Linear(v, 1)),
    ("Bilinear", "out_features", lambda v: nn.Bilinear(1, 1, v)),
    ("Embedding", "num_embeddings", lambda v: nn.Embedding(v, 1)),
    ("Embedding", "padding_idx", lambda v: nn.Embedding(3, 1, v)),
    ("LayerNorm", "normalized_shape", nn.LayerNorm),
    ("BatchNorm1d", "num_features", nn.BatchNorm1d),
    ("PReLU", "num_parameters", nn.PReLU),
]


@pytest.mark.parametrize(("function", "argument", "call"), CASES, ids=[f"{f}-{a}" for f, a, _ in CASES])
def test_an_option_that_is_no_number(function: str, argument: str, call: Callable[[Any], Any]) -> None:
    for value in ("0.5", ["a"]):
        with pytest.raises(TypeError, match=rf"{function}\(\).*'{argument}' is (a )?(str|list).*expected"):
            call(value)


BAD: list[tuple[str, str, type[Exception], Callable[[], Any]]] = [
    ("clip_grad_norm_", "max_norm", ValueError, lambda: nn.utils.clip_grad_norm_([X], -1)),
    ("clip_grad_norm_", "max_norm", ValueError, lambda: nn.utils.clip_grad_norm_([X], math.nan)),
    ("clip_grad_norm_", "max_norm", TypeError, lambda: nn.utils.clip_grad_norm_([X], "a")),  # type: ignore[arg-type]
    ("clip_grad_norm_", "norm_type", ValueError, lambda: nn.utils.clip_grad_norm_([X], 1, norm_type=-1)),
    ("clip_grad_value_", "clip_value", TypeError, lambda: nn.utils.clip_grad_value_([X], "a")),  # type: ignore[arg-type]
    ("LayerNorm", "eps", TypeError, lambda: nn.LayerNorm(4, eps="a")),  # type: ignore[arg-type]
    ("LayerNorm", "eps", ValueError, lambda: nn.LayerNorm(4, eps=-1)),
    ("BatchNorm1d", "eps", ValueError, lambda: nn.BatchNorm1d(4, eps=-1)),
    ("BatchNorm1d", "momentum", TypeError, lambda: nn.BatchNorm1d(3, momentum="a")),  # type: ignore[arg-type]
    ("RNN", "bidirectional", TypeError, lambda: nn.RNN(4, 3, bidirectional="a")),  # type: ignore[arg-type]
    ("Embedding", "max_norm", ValueError, lambda: nn.Embedding(3, 2, max_norm=-1)),
    ("embedding", "max_norm", ValueError, lambda: F.embedding(TARGET, ROWS, max_norm=-1)),
    ("Sequential", "args[0]", TypeError, lambda: nn.Sequential(3)),  # type: ignore[arg-type]
    ("Sequential", "args[0]['a']", TypeError, lambda: nn.Sequential({"a": 3})),  # type: ignore[dict-item]
    ("ModuleDict", "modules['a']", TypeError, lambda: nn.ModuleDict({"a": 3})),  # type: ignore[dict-item]
    ("one_hot", "index", IndexError, lambda: F.one_hot(fg.tensor([-1]))),
    ("constant_", "val", TypeError, lambda: nn.init.constant_(X, "a")),  # type: ignore[arg-type]
    ("normal_", "mean", TypeError, lambda: nn.init.normal_(X, "a", 1)),  # type: ignore[arg-type]
    ("uniform_", "b", TypeError, lambda: nn.init.uniform_(X, 0, "a")),  # type: ignore[arg-type]
    ("trunc_normal_", "std", TypeError, lambda: nn.init.trunc_normal_(X, 0, "a")),  # type: ignore[arg-type]
    ("orthogonal_", "gain", TypeError, lambda: nn.init.orthogonal_(ROWS, gain="a")),  # type: ignore[arg-type]
    ("xavier_normal_", "gain", TypeError, lambda: nn.init.xavier_normal_(ROWS, gain="a")),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(
    ("function", "argument", "error", "call"), BAD, ids=[f"{i}-{b[0]}-{b[1]}" for i, b in enumerate(BAD)]
)
def test_values_that_cannot_be_used(
    function: str, argument: str, error: type[Exception], call: Callable[[], Any]
) -> None:
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value).startswith(f"{function}(): argument '{argument}' is ")
    assert X.tolist() == [1, 1, 1]
    assert ROWS.tolist() == [[1, 1, 1], [1, 1, 1]]


def test_negative_class_without_a_number_of_classes() -> None:
    with pytest.raises(IndexError, match="is -1, expected a class index that is not negative"):
        F.one_hot(fg.tensor([-1]))


def test_dropout_of_a_single_layer_warns() -> None:
    with pytest.warns(UserWarning, match="num_layers is 1"):
        nn.RNN(4, 3, dropout=0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nn.RNN(4, 3, num_layers=2, dropout=0.5)
