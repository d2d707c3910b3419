"""Adam and AdamW, with L1 and AMSGrad."""

from __future__ import annotations

from typing import Any

from fastgrad import backend
from fastgrad.errors import bad_type, bad_value
from fastgrad.optim.fused import FusedOptimizer, Update
from fastgrad.optim.optimizer import Params, check_nonnegative

__all__ = ["Adam", "AdamW"]

_MOMENTS = ("exp_avg", "exp_avg_sq")
_AMSGRAD = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")


class Adam(FusedOptimizer):
    r"""Adam: steps scaled by running means of the gradient and of its square.

    .. math::
        g &= \pm dw + \text{weight\_decay} \cdot w + \text{l1} \cdot \operatorname{sign}(w) \\
        m &= \beta_1 m + (1 - \beta_1) g, \qquad v = \beta_2 v + (1 - \beta_2) g^2 \\
        w &= w - \text{lr} \cdot \frac{m}{1 - \beta_1^t}
             \Big/ \Big(\sqrt{v / (1 - \beta_2^t)} + \text{eps}\Big)

    With `amsgrad` the largest ``v`` so far stands in the last line.

    Parameters
    ----------
    params : iterable of Tensor, of (str, Tensor) or of dict
        What is optimised, see `Optimizer`.
    lr : float
        Learning rate, at least 0.
    betas : (float, float)
        How much of the two means is kept, each in [0, 1).
    eps : float
        Added to the denominator, at least 0.
    weight_decay : float
        Factor of the L2 penalty, at least 0.
    amsgrad : bool
        Divide by the largest mean of squares so far.
    maximize : bool
        Ascend: the gradient's sign is changed (the penalties' is not).
    decoupled_weight_decay : bool
        Both penalties act on ``w`` as in `AdamW`, and ``g`` is left alone.
    l1 : float
        Factor of the L1 penalty, at least 0.

    Raises
    ------
    ValueError
        If an option is out of its range.

    Notes
    -----
    Source: ``torch.optim.Adam``, which has no `l1`; Kingma and Ba, "Adam: a method for stochastic
    optimization", 2015; Reddi et al., "On the convergence of Adam and beyond", 2018.

    Examples
    --------
    >>> import fastgrad as fg
    >>> w = fg.tensor([4.0, -1.0], requires_grad=True)
    >>> optimizer = fg.optim.Adam([w], lr=0.5)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([ 3.5000, -0.5000], requires_grad=True)
    """

    _buffer_names = _AMSGRAD

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        decoupled_weight_decay: bool = False,
        l1: float = 0.0,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "decoupled_weight_decay": decoupled_weight_decay,
            "l1": l1,
        }
        super().__init__(params, defaults)

    def _check_options(self, options: dict[str, Any]) -> None:
        name = type(self).__name__
        check_nonnegative(name, options, "lr", "eps", "weight_decay", "l1")
        betas = options["betas"]
        if not isinstance(betas, (tuple, list)):
            raise bad_type(name, "betas", type(betas).__name__, "two numbers")
        if len(betas) != 2:
            raise bad_value(name, "betas", f"{len(betas)} numbers", "two numbers")
        check_nonnegative(name, {"betas[0]": betas[0], "betas[1]": betas[1]}, "betas[0]", "betas[1]")
        for i, beta in enumerate(betas):
            if not beta < 1:
                raise bad_value(name, f"betas[{i}]", beta, "a number in [0, 1)")

    def _names(self, group: dict[str, Any]) -> tuple[str, ...]:
        return _AMSGRAD if group["amsgrad"] else _MOMENTS

    def _launch(self, update: Update) -> None:
        group, buffers = update.group, update.buffers
        beta1, beta2 = group["betas"]
        backend.kernels.adam(
            update.params,
            update.grads,
            buffers[0],
            buffers[1],
            buffers[2] if group["amsgrad"] else None,
            [state.get("step", 0) + 1 for state in update.states],
            group["lr"],
            beta1,
            beta2,
            group["eps"],
            group["weight_decay"],
            group["l1"],
            group["decoupled_weight_decay"],
            group["maximize"],
        )

    def _finish(self, update: Update) -> None:
        for state in update.states:
            state["step"] = state.get("step", 0) + 1


class AdamW(Adam):
    r"""Adam with penalties that do not pass through the running means.

    .. math::
        w = w - \text{lr} \big(\text{weight\_decay} \cdot w + \text{l1} \cdot \operatorname{sign}(w)\big)

    comes first, then the step of `Adam` without penalties.

    Parameters
    ----------
    params, lr, betas, eps, amsgrad, maximize, l1
        As in `Adam`.
    weight_decay : float
        At least 0; here 0.01 unless given.

    Notes
    -----
    Source: ``torch.optim.AdamW``, which has no `l1`; Loshchilov and Hutter, "Decoupled weight decay
    regularization", 2019.

    Examples
    --------
    >>> import fastgrad as fg
    >>> w = fg.tensor([4.0], requires_grad=True)
    >>> optimizer = fg.optim.AdamW([w], lr=0.5, weight_decay=0.5)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.item()
    2.5
    """

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        l1: float = 0.0,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            maximize=maximize,
            decoupled_weight_decay=True,
            l1=l1,
        )

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over options and state; also those of an Adam, whose weight decay is decoupled from then on.

        Parameters
        ----------
        state_dict : dict
            As in `Optimizer.load_state_dict`.

        Raises
        ------
        ValueError
            If groups, or arrays, do not fit this optimiser's parameters; nothing is changed then.
        """
        super().load_state_dict(state_dict)
        for group in self.param_groups:
            group["decoupled_weight_decay"] = True
