"""What the recorder has to know of each kernel: which arguments it writes, and how much it computes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastgrad.program.ir import Command, Ref

__all__ = ["KERNELS", "Kernel", "flop"]


def _none(args: tuple[Any, ...]) -> int:
    return 0


def _product(*sizes: int) -> int:
    return 2 * math.prod(sizes)


def _forward(args: tuple[Any, ...]) -> int:
    y, _, x = args[:3]
    return _product(y.shape[0], y.shape[1], x.shape[1])


def _backward(args: tuple[Any, ...]) -> int:
    dx, dw, _, dy = args[:4]
    wide = (dx if dx is not None else dw).shape[1] if dx is not None or dw is not None else 0
    return _product(dy.shape[0], dy.shape[1], wide) * ((dx is not None) + (dw is not None))


def _grad_input(args: tuple[Any, ...]) -> int:
    dx, dz = args[:2]
    return _product(dz.shape[0], dz.shape[1], dx.shape[1])


def _update(args: tuple[Any, ...]) -> int:
    refs = [a for a in args if isinstance(a, Ref)]
    dz, x = refs[-2:]
    return _product(dz.shape[0], dz.shape[1], x.shape[1])


def _matmul(args: tuple[Any, ...]) -> int:
    y, a = args[:2]
    return _product(a.shape[-1], *y.shape)


@dataclass(frozen=True)
class Kernel:
    """A kernel's contract.

    Parameters
    ----------
    writes : tuple of int
        The positions of the arguments that it writes from scratch.
    changes : tuple of int
        Of those that it reads and writes.
    flop : callable
        The floating-point operations of its matrix products, from its arguments.
    """

    writes: tuple[int, ...] = ()
    changes: tuple[int, ...] = ()
    flop: Callable[[tuple[Any, ...]], int] = _none


KERNELS = {
    "linear_forward": Kernel((0, 1), flop=_forward),
    "linear_backward": Kernel((0, 1, 2), flop=_backward),
    "linear_grad_input": Kernel((0,), flop=_grad_input),
    "linear_sgd": Kernel((), (0, 1, 2, 3), _update),
    "linear_adam": Kernel((), (0, 1, 2, 3), _update),
    "matmul": Kernel((0,), flop=_matmul),
    "activation_forward": Kernel((0,)),
    "activation_backward": Kernel((0,)),
    "prelu_forward": Kernel((0,)),
    "prelu_backward": Kernel((0, 1)),
    "softmax_forward": Kernel((0,)),
    "softmax_backward": Kernel((0,)),
    "log_softmax_forward": Kernel((0,)),
    "log_softmax_backward": Kernel((0,)),
    "cross_entropy": Kernel((0, 1)),
    "nll_loss": Kernel((0, 1)),
    "pointwise_loss": Kernel((0, 1)),
    "dropout": Kernel((0,)),
    "gather_rows": Kernel((0,)),
    "embedding_backward": Kernel((0,)),
    "sgd": Kernel((), (0, 2)),
    "adam": Kernel((), (0, 2, 3, 4)),
    "copy": Kernel((0,)),
    "elementwise": Kernel((0,)),
}


def flop(command: Command) -> int:
    """The floating-point operations of the command's matrix products."""
    return KERNELS[command.name].flop(command.args) if command.function is None else 0
