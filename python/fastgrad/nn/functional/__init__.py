"""Functions without state: affine maps, activations, losses, softmax, dropout, normalisation, embedding."""

from __future__ import annotations

from fastgrad.nn.functional import activation as _activation
from fastgrad.nn.functional.activation import *  # noqa: F403
from fastgrad.nn.functional.binary_cross_entropy import binary_cross_entropy, binary_cross_entropy_with_logits
from fastgrad.nn.functional.cross_entropy import cross_entropy, nll_loss
from fastgrad.nn.functional.dropout import dropout
from fastgrad.nn.functional.embedding import embedding, one_hot
from fastgrad.nn.functional.linear import bilinear, linear
from fastgrad.nn.functional.normalization import batch_norm, layer_norm
from fastgrad.nn.functional.prelu import prelu
from fastgrad.nn.functional.regression_loss import huber_loss, l1_loss, mse_loss, smooth_l1_loss
from fastgrad.nn.functional.softmax import log_softmax, softmax

__all__ = [
    *_activation.__all__,
    "batch_norm",
    "bilinear",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "dropout",
    "embedding",
    "huber_loss",
    "l1_loss",
    "layer_norm",
    "linear",
    "log_softmax",
    "mse_loss",
    "nll_loss",
    "one_hot",
    "prelu",
    "smooth_l1_loss",
    "softmax",
]
