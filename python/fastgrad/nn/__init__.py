"""Layers, losses and what holds them together, with torch's names."""

from __future__ import annotations

from fastgrad.nn import activation as _activation
from fastgrad.nn import functional, init, utils
from fastgrad.nn.activation import *  # noqa: F403
from fastgrad.nn.binary_loss import BCELoss, BCEWithLogitsLoss
from fastgrad.nn.containers import ModuleDict, ModuleList
from fastgrad.nn.dropout import Dropout
from fastgrad.nn.embedding import Embedding
from fastgrad.nn.flatten import Flatten, Unflatten
from fastgrad.nn.linear import Bilinear, Identity, Linear
from fastgrad.nn.loss import CrossEntropyLoss, HuberLoss, L1Loss, MSELoss, NLLLoss, SmoothL1Loss
from fastgrad.nn.module import Module
from fastgrad.nn.normalization import BatchNorm1d, LayerNorm
from fastgrad.nn.parameter import Parameter
from fastgrad.nn.prelu import PReLU
from fastgrad.nn.recurrent import RNN, RNNCell
from fastgrad.nn.sequential import Sequential
from fastgrad.nn.softmax import LogSoftmax, Softmax

__all__ = [
    *_activation.__all__,
    "RNN",
    "BCELoss",
    "BCEWithLogitsLoss",
    "BatchNorm1d",
    "Bilinear",
    "CrossEntropyLoss",
    "Dropout",
    "Embedding",
    "Flatten",
    "HuberLoss",
    "Identity",
    "L1Loss",
    "LayerNorm",
    "Linear",
    "LogSoftmax",
    "MSELoss",
    "Module",
    "ModuleDict",
    "ModuleList",
    "NLLLoss",
    "PReLU",
    "Parameter",
    "RNNCell",
    "Sequential",
    "SmoothL1Loss",
    "Softmax",
    "Unflatten",
    "functional",
    "init",
    "utils",
]
