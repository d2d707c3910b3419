"""Stochastic gradient descent with momentum, L1 and L2."""

from __future__ import annotations

from numbers import Real
from typing import Any

from fastgrad import backend
from fastgrad.errors import bad_type, bad_value
from fastgrad.optim.fused import FusedOptimizer, Update
from fastgrad.optim.optimizer import Params, check_nonnegative

__all__ = ["SGD"]

_MOMENTUM = ("momentum_buffer",)


class SGD(FusedOptimizer):
    r"""Stochastic gradient descent, with momentum if wanted.

    .. math::
        g &= \pm dw + \text{weight\_decay} \cdot w + \text{l1} \cdot \operatorname{sign}(w) \\
        v &= \text{momentum} \cdot v + (1 - \text{dampening}) \cdot g \\
        w &= w - \text{lr} \cdot v

    The first ``v`` is ``g`` itself. With `nesterov`, ``w`` moves along ``g + momentum · v``; without
    momentum along ``g``. ``sign(±0) = 0``.

    Parameters
    ----------
    params : iterable of Tensor, of (str, Tensor) or of dict
        What is optimised, see `Optimizer`.
    lr : float
        Learning rate, at least 0.
    momentum : float
        How much of ``v`` is kept, at least 0.
    dampening : float
        How much of a gradient is kept from ``v``.
    weight_decay : float
        Factor of the L2 penalty ½ Σ w², at least 0.
    nesterov : bool
        Nesterov's momentum; needs `momentum` above 0 and no `dampening`.
    maximize : bool
        Ascend: the gradient's sign is changed (the penalties' is not).
    l1 : float
        Factor of the L1 penalty Σ \|w\|, at least 0.

    Raises
    ------
    ValueError
        If an option is out of its range.

    Notes
    -----
    Source: ``torch.optim.SGD``, which has no `l1`; Sutskever et al., "On the importance of
    initialization and momentum in deep learning", 2013.

    Examples
    --------
    >>> import fastgrad as fg
    >>> w = fg.tensor([4.0], requires_grad=True)
    >>> optimizer = fg.optim.SGD([w], lr=0.25, momentum=0.5)
    >>> for _ in range(2):
    ...     optimizer.zero_grad()
    ...     (w * w).sum().backward()
    ...     optimizer.step()
    >>> w.item()
    0.0
    """

    _buffer_names = _MOMENTUM

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        l1: float = 0.0,
    ) -> None:
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
            "l1": l1,
        }
        super().__init__(params, defaults)

    def _check_options(self, options: dict[str, Any]) -> None:
        check_nonnegative("SGD", options, "lr", "momentum", "weight_decay", "l1")
        if not isinstance(options["dampening"], Real):
            raise bad_type("SGD", "dampening", type(options["dampening"]).__name__, "a number")
        if options["nesterov"] and (options["momentum"] == 0 or options["dampening"] != 0):
            given = f"True with momentum {options['momentum']} and dampening {options['dampening']}"
            raise bad_value("SGD", "nesterov", given, "momentum > 0 and dampening 0 with it")

    def _names(self, group: dict[str, Any]) -> tuple[str, ...]:
        return _MOMENTUM if group["momentum"] != 0 else ()

    def _launch(self, update: Update) -> None:
        group = update.group
        backend.kernels.sgd(
            update.params,
            update.grads,
            update.buffers[0] if update.buffers else None,
            group["lr"],
            group["momentum"],
            group["dampening"],
            group["weight_decay"],
            group["l1"],
            group["nesterov"],
            group["maximize"],
            update.first,
        )
