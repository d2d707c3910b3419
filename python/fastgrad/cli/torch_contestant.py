"""torch's side of the comparison: the same arithmetic, by the fastest of its update variants."""

from __future__ import annotations

import copy
import time
from typing import Any

import numpy as np

from fastgrad.cli.network import build_network
from fastgrad.cli.settings import Settings

__all__ = ["Torch", "find_torch"]

Array = np.ndarray[Any, Any]

# torch.optim.SGD can walk the parameters one by one, in lists, or in one fused kernel. Which is fastest
# depends on the sizes and on the version, so all three are tried before training and the best one runs.
VARIANTS: dict[str, dict[str, bool]] = {
    "loop": {"foreach": False, "fused": False},
    "foreach": {"foreach": True},
    "fused": {"fused": True},
}
TRIAL_ROUNDS, TRIAL_STEPS = 3, 10


def find_torch() -> tuple[Any, str]:
    """Import torch.

    Returns
    -------
    torch : module or None
        None where torch is missing or does not load.
    reason : str
        Why it is None; empty otherwise.
    """
    try:
        import torch
    except ModuleNotFoundError as error:
        return None, "not installed" if error.name == "torch" else f"installed, but lacks {error.name}"
    except (ImportError, OSError) as error:
        return None, f"installed, but does not load: {' '.join(str(error).split())}"
    return torch, ""


class Torch:
    """torch, starting from given weights.

    Parameters
    ----------
    torch : module
        As from `find_torch`.
    settings : Settings
        Activation, optimiser, dtype.
    sizes : list of int
        Features, hidden widths, classes.
    weights : dict of str to ndarray
        The initial parameters, by their names in ``state_dict``.
    threads : int
        For ``torch.set_num_threads``.
    """

    name = "torch"

    def __init__(
        self, torch: Any, settings: Settings, sizes: list[int], weights: dict[str, Array], threads: int
    ) -> None:
        self.torch = torch
        self.version = str(torch.__version__)
        self.settings = settings
        self.note = "optim.SGD"
        torch.set_num_threads(threads)
        self.network = build_network(torch.nn, sizes, settings.activation).to(getattr(torch, settings.dtype))
        # np.array: torch's own memory in C order, as its layers are laid out by default
        self.network.load_state_dict(
            {name: torch.from_numpy(np.array(w, order="C")) for name, w in weights.items()}
        )
        self._use(self.network, "loop")

    def tune(self, x: Array, y: Array) -> None:
        """Try the update variants on a copy of the network and keep the fastest.

        Parameters
        ----------
        x, y : ndarray
            One batch.
        """
        network, best = self.network, dict.fromkeys(VARIANTS, float("inf"))
        one = np.arange(len(y))
        many = np.tile(one, TRIAL_STEPS)
        copies = {name: copy.deepcopy(network) for name in VARIANTS}
        for _ in range(TRIAL_ROUNDS):
            for name in VARIANTS:
                self._use(copies[name], name)
                self.run(x, y, one, len(y))  # not timed: the first step allocates the momentum buffers
                start = time.perf_counter()
                self.run(x, y, many, len(y))
                best[name] = min(best[name], time.perf_counter() - start)
        fastest = min(best, key=best.__getitem__)
        self._use(network, fastest)
        self.note = f"optim.SGD, {fastest} update (the fastest of {', '.join(VARIANTS)})"

    def _use(self, network: Any, variant: str) -> None:
        settings = self.settings
        self.network = network
        self.parameters = list(network.parameters())
        self.optimiser = self.torch.optim.SGD(
            self.parameters,
            lr=settings.lr,
            momentum=settings.momentum,
            weight_decay=settings.l2,
            **VARIANTS[variant],
        )

    def run(self, x: Array, y: Array, order: Array, batch_size: int) -> list[float]:
        """Train on the rows that `order` names: gathered at once, which is faster than batch by batch."""
        rows = self.torch.from_numpy(order)
        batches = [self.torch.from_numpy(each).index_select(0, rows).split(batch_size) for each in (x, y)]
        losses = [self._step(*batch).detach() for batch in zip(*batches, strict=True)]
        result: list[float] = self.torch.stack(losses).tolist()
        return result

    def _step(self, x: Any, y: Any) -> Any:
        loss = self.torch.nn.functional.cross_entropy(self.network(x), y)
        self.optimiser.zero_grad()
        loss.backward()
        if (
            self.settings.l1
        ):  # torch's SGD has no L1: its gradient is added here, list-wise as torch does it fastest
            with self.torch.no_grad():
                gradients = [w.grad for w in self.parameters]
                self.torch._foreach_add_(
                    gradients, self.torch._foreach_sign(self.parameters), alpha=self.settings.l1
                )
        self.optimiser.step()
        return loss

    def weights(self) -> dict[str, Array]:
        """Copy the parameters out."""
        return {name: value.detach().numpy().copy() for name, value in self.network.state_dict().items()}

    def logits(self, x: Array) -> Array:
        """Compute the output for rows of features."""
        with self.torch.inference_mode():
            y: Array = self.network(self.torch.from_numpy(x)).numpy()
        return y
