"""Options of a wrong type: one error that names function and argument, whatever the option."""

from __future__ import annotations

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
