"""A plain recurrent layer over a whole sequence, as one operation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastgrad import backend
from fastgrad.autograd import mode
from fastgrad.autograd.graph import is_recording, record, wrap
from fastgrad.devices import check_same
from fastgrad.tensor import Tensor

if TYPE_CHECKING:
    from fastgrad._cpu import Activation

__all__ = ["rnn_sequence"]

_empty = backend.xp.empty
_empty_like = backend.xp.empty_like
_add = backend.xp.add


def rnn_sequence(
    x: Tensor,
    h0: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None,
    b_hh: Tensor | None,
    activation: Activation,
    reverse: bool = False,
) -> Tensor:
    """All states of one layer in one direction: y_t = f(x_t w_ihᵀ + b_ih + y_{t−1} w_hhᵀ + b_hh).

    The inputs' products for all steps are one matrix product, and so are the weights' gradients: backward
    computes dL/dw = Σ_t dz_tᵀ y_{t−1} with the steps stacked.

    Parameters
    ----------
    x : Tensor
        Shape (steps, batch, input_size), at least one step.
    h0 : Tensor
        Shape (batch, hidden_size): the state before the first step.
    w_ih, w_hh : Tensor
        Shapes (hidden_size, input_size) and (hidden_size, hidden_size).
    b_ih, b_hh : Tensor or None
        Shape (hidden_size,); both or neither.
    activation : Activation
        One whose derivative reads its output (tanh, relu).
    reverse : bool
        Whether the steps are taken from the last to the first.

    Returns
    -------
    Tensor
        Shape (steps, batch, hidden_size), in the order of `x`.

    Notes
    -----
    Source: Elman 1990, "Finding structure in time"; one layer and direction of ``torch.nn.RNN``.
    """
    xd, hd, wi, wh = x.data, h0.data, w_ih.data, w_hh.data
    if not type(xd) is type(hd) is type(wi) is type(wh):
        check_same("RNN", x=xd, hx=hd, weight_ih=wi, weight_hh=wh)
    bi = None if b_ih is None else b_ih.data
    bh = None if b_hh is None else b_hh.data
    steps, batch, _ = xd.shape
    hidden = wh.shape[0]
    flat = xd.reshape(steps * batch, xd.shape[2])
    precision = mode.state.precision
    # Each step's part of z that needs no state; y overwrites it step by step.
    y = _empty((steps, batch, hidden), xd.dtype, like=xd)
    backend.kernels.linear_forward(y.reshape(steps * batch, hidden), None, flat, wi, bi, None, precision)
    order = range(steps - 1, -1, -1) if reverse else range(steps)
    state = hd
    quiet = mode.state.quiet
    product = _empty((batch, hidden), xd.dtype, like=xd)
    for t in order:
        backend.kernels.linear_forward(product, None, state, wh, bh, None, precision)
        state = y[t]
        quiet(_add, state, product, state)
        backend.kernels.activation_forward(state, state, activation)
    parents = (x, h0, w_ih, w_hh) if b_ih is None or b_hh is None else (x, h0, w_ih, w_hh, b_ih, b_hh)
    if not is_recording(*parents):
        return wrap(y)

    def rule(dy: Any, needs: tuple[bool, ...]) -> tuple[Any, ...]:
        dz = _empty(y.shape, y.dtype, like=dy)
        dh = None
        for t in reversed(order):
            backend.kernels.activation_backward(dz[t], dy[t] if dh is None else dy[t] + dh, y[t], activation)
            if t != order[0] or needs[1]:
                dh = _empty((batch, hidden), y.dtype, like=dy)
                backend.kernels.linear_backward(dh, None, None, dz[t], None, None, wh, None, precision)
        rows = dz.reshape(steps * batch, hidden)
        dx = _empty(flat.shape, flat.dtype, like=dy) if needs[0] else None
        dwi = _empty_like(wi) if needs[2] else None
        dwh = _empty_like(wh) if needs[3] else None
        dbi = _empty_like(bi) if bi is not None and needs[4] else None
        dbh = _empty_like(bh) if bh is not None and needs[5] else None
        if dx is not None or dwi is not None or dbi is not None:
            backend.kernels.linear_backward(dx, dwi, dbi, rows, None, flat, wi, None, precision)
        if dwh is not None or dbh is not None:
            parts = (y[1:], hd[None]) if reverse else (hd[None], y[:-1])
            before = backend.xp.concatenate(parts).reshape(steps * batch, hidden)
            backend.kernels.linear_backward(None, dwh, dbh, rows, None, before, wh, None, precision)
        dx = None if dx is None else dx.reshape(xd.shape)
        gradients = (dx, dh if needs[1] else None, dwi, dwh)
        return gradients if bi is None else (*gradients, dbi, dbh)

    return record(y, parents, rule, saved=(x, h0, w_ih, w_hh), saves_output=True)
