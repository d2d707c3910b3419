"""Recurrence with the same weights at every step: RNNCell, RNN."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from fastgrad.errors import bad_type, bad_value
from fastgrad.nn import functional as F
from fastgrad.nn import init
from fastgrad.nn.functional.activation import resolve
from fastgrad.nn.functional.arguments import as_floating, check_flag, check_unit
from fastgrad.nn.functional.recurrent import rnn_sequence
from fastgrad.nn.linear import check_size, new_parameter
from fastgrad.nn.module import Module
from fastgrad.nn.parameter import Parameter
from fastgrad.ops.join import cat, stack
from fastgrad.tensor import Tensor

__all__ = ["RNN", "RNNCell"]


def _check_nonlinearity(function: str, nonlinearity: str) -> str:
    if nonlinearity not in ("tanh", "relu"):
        raise bad_value(function, "nonlinearity", repr(nonlinearity), "'tanh' or 'relu'")
    return nonlinearity


def _check_state(function: str, argument: str, value: Any, x: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The initial state `value`, or zeros."""
    if value is None:
        return Tensor(np.zeros(shape, x.dtype, like=x.data))
    state = as_floating(function, argument, value)
    if state.shape != shape:
        raise bad_value(
            function, argument, f"of shape {state.shape}", f"shape {shape} for x of shape {x.shape}"
        )
    if state.dtype != x.dtype:
        raise bad_type(function, argument, f"of dtype {state.dtype}", f"{x.dtype}, the dtype of x")
    return state


class _Recurrent(Module):
    """What cell and layer share: sizes, and how parameters start."""

    def __init__(self, input_size: int, hidden_size: int, bias: bool, nonlinearity: str) -> None:
        super().__init__()
        name = type(self).__name__
        self.input_size = check_size(name, "input_size", input_size)
        self.hidden_size = check_size(name, "hidden_size", hidden_size, least=1)
        self.bias = bias
        self.nonlinearity = _check_nonlinearity(name, nonlinearity)

    def _add(self, suffix: str, inputs: int, dtype: Any, device: Any) -> None:
        """Register the weights and biases of one layer in one direction."""
        name, hidden = type(self).__name__, self.hidden_size
        self.register_parameter(f"weight_ih{suffix}", new_parameter(name, (hidden, inputs), dtype, device))
        self.register_parameter(f"weight_hh{suffix}", new_parameter(name, (hidden, hidden), dtype, device))
        for bias in (f"bias_ih{suffix}", f"bias_hh{suffix}"):
            self.register_parameter(bias, new_parameter(name, (hidden,), dtype, device) if self.bias else None)

    def reset_parameters(self) -> None:
        """Draw new initial values, uniform on ±1/√hidden_size."""
        bound = 1 / math.sqrt(self.hidden_size)
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def _check_input(self, value: Any, ndims: tuple[int, int]) -> Tensor:
        name = type(self).__name__
        x = as_floating(name, "x", value)
        if len(x.shape) not in ndims:
            raise bad_value(name, "x", f"of shape {x.shape}", f"{ndims[0]} or {ndims[1]} dimensions")
        if x.shape[-1] != self.input_size:
            raise bad_value(name, "x", f"of shape {x.shape}", f"shape (*, {self.input_size})")
        return x


class RNNCell(_Recurrent):
    """One step of a recurrent network: h′ = tanh(x w_ihᵀ + b_ih + h w_hhᵀ + b_hh), or with ReLU.

    Parameters
    ----------
    input_size, hidden_size : int
        Number of features of the input and of the state.
    bias : bool
        Whether there are b_ih and b_hh.
    nonlinearity : {"tanh", "relu"}
        The activation.
    device : device or str, optional
        Where the parameters are; by default the CPU.
    dtype : numpy dtype, optional
        float32 or float64; the default dtype by default.

    Attributes
    ----------
    weight_ih, weight_hh : Parameter
        Shapes (hidden_size, input_size) and (hidden_size, hidden_size); uniform on ±1/√hidden_size at first.
    bias_ih, bias_hh : Parameter or None
        Shape (hidden_size,); likewise.

    Raises
    ------
    ValueError
        If a size is too small or `nonlinearity` unknown.

    Notes
    -----
    Source: Elman 1990, "Finding structure in time"; ``torch.nn.RNNCell``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> cell = fg.nn.RNNCell(4, 3)
    >>> cell(fg.zeros(5, 4), fg.zeros(5, 3)).shape
    (5, 3)
    """

    weight_ih: Parameter
    weight_hh: Parameter
    bias_ih: Parameter | None
    bias_hh: Parameter | None

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, nonlinearity)
        self._add("", self.input_size, dtype, device)
        self.reset_parameters()

    def forward(self, x: Tensor, hx: Tensor | None = None) -> Tensor:
        """The state after `x` of shape (batch, input_size) or (input_size,), from `hx` or zeros."""
        x = self._check_input(x, (1, 2))
        hx = _check_state("RNNCell", "hx", hx, x, (*x.shape[:-1], self.hidden_size))
        z = F.linear(x, self.weight_ih, self.bias_ih) + F.linear(hx, self.weight_hh, self.bias_hh)
        return F.tanh(z) if self.nonlinearity == "tanh" else F.relu(z)

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        if not self.bias:
            text += ", bias=False"
        return text if self.nonlinearity == "tanh" else f"{text}, nonlinearity={self.nonlinearity}"


class RNN(_Recurrent):
    """Recurrence over a sequence: h_t = tanh(x_t w_ihᵀ + b_ih + h_{t−1} w_hhᵀ + b_hh), or with ReLU.

    Parameters
    ----------
    input_size, hidden_size : int
        Number of features of the input and of the state.
    num_layers : int
        Each layer's states are the next one's input.
    nonlinearity : {"tanh", "relu"}
        The activation.
    bias : bool
        Whether there are b_ih and b_hh.
    batch_first : bool
        Whether input and output are (batch, steps, features) instead of (steps, batch, features).
    dropout : float
        Probability of :class:`Dropout` between layers; with one layer there is a warning.
    bidirectional : bool
        Whether each layer also runs from the last step to the first, the states of both side by side.
    device : device or str, optional
        Where the parameters are; by default the CPU.
    dtype : numpy dtype, optional
        float32 or float64; the default dtype by default.

    Attributes
    ----------
    weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0, … : Parameter
        Those of layer 0, …; with ``_reverse`` behind them those of the other direction.

    Raises
    ------
    ValueError
        If a size is too small, `dropout` not between 0 and 1, or `nonlinearity` unknown.

    Notes
    -----
    Source: Elman 1990, "Finding structure in time"; ``torch.nn.RNN``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> y, h = fg.nn.RNN(4, 3, num_layers=2, bidirectional=True)(fg.zeros(7, 5, 4))
    >>> y.shape, h.shape
    ((7, 5, 6), (4, 5, 3))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, nonlinearity)
        self.num_layers = check_size("RNN", "num_layers", num_layers, least=1)
        self.batch_first = batch_first
        self.dropout = check_unit("RNN", "dropout", dropout)
        check_flag("RNN", "batch_first", batch_first)
        check_flag("RNN", "bidirectional", bidirectional)
        if self.dropout > 0 and self.num_layers == 1:
            warnings.warn(
                f"RNN(): dropout {dropout} is applied between layers, and num_layers is 1: nothing is dropped",
                UserWarning,
                stacklevel=2,
            )
        self.bidirectional = bidirectional
        inputs = self.input_size
        for layer in range(self.num_layers):
            for suffix in self._suffixes(layer):
                self._add(suffix, inputs, dtype, device)
            inputs = self.hidden_size * (2 if bidirectional else 1)
        self.reset_parameters()

    def _suffixes(self, layer: int) -> tuple[str, ...]:
        return (f"_l{layer}", f"_l{layer}_reverse") if self.bidirectional else (f"_l{layer}",)

    def forward(self, x: Tensor, hx: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Run over a sequence.

        Parameters
        ----------
        x : Tensor
            Shape (steps, batch, input_size), with ``batch_first`` (batch, steps, input_size); or
            (steps, input_size).
        hx : Tensor, optional
            States before the first step, zeros by default: shape (layers · directions, batch, hidden_size),
            without the batch for an `x` without one.

        Returns
        -------
        tuple of Tensor
            The last layer's states at all steps, shape (steps, batch, directions · hidden_size) with the
            dimensions in the order of `x`'s, and every layer's last state, in the shape of `hx`.

        Raises
        ------
        ValueError
            If a shape does not fit or there is no step.
        """
        x = self._check_input(x, (2, 3))
        batched = len(x.shape) == 3
        if not batched:
            x = x.unsqueeze(1)
        elif self.batch_first:
            x = x.transpose(0, 1)
        steps, batch, _ = x.shape
        if steps == 0:
            raise bad_value("RNN", "x", "without steps", "at least one step")
        directions = 2 if self.bidirectional else 1
        count = self.num_layers * directions
        middle = (batch,) if batched else ()
        state = _check_state("RNN", "hx", hx, x, (count, *middle, self.hidden_size))
        if not batched:
            state = state.unsqueeze(1)
        activation = resolve(self.nonlinearity)
        last = []
        for layer in range(self.num_layers):
            if layer and self.dropout:
                x = F.dropout(x, self.dropout, self.training)
            outputs = []
            for direction, suffix in enumerate(self._suffixes(layer)):
                y = rnn_sequence(
                    x,
                    state[layer * directions + direction],
                    getattr(self, f"weight_ih{suffix}"),
                    getattr(self, f"weight_hh{suffix}"),
                    getattr(self, f"bias_ih{suffix}"),
                    getattr(self, f"bias_hh{suffix}"),
                    activation,
                    reverse=direction == 1,
                )
                outputs.append(y)
                last.append(y[0] if direction else y[-1])
            x = cat(outputs, -1) if directions == 2 else outputs[0]
        h = stack(last)
        if not batched:
            return x.squeeze(1), h.squeeze(1)
        return (x.transpose(0, 1) if self.batch_first else x), h

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        usual = {"num_layers": 1, "bias": True, "batch_first": False, "dropout": 0.0, "bidirectional": False}
        for name, default in usual.items():
            if getattr(self, name) != default:
                text += f", {name}={getattr(self, name)}"
        return text
