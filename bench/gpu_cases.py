"""What is trained on a GPU: the cases of `bench.cases`, larger batches, and other precisions."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from bench.cases import CASES, Case

__all__ = ["EPOCHS", "GPU_CASES", "SHARES", "GpuCase", "by_name"]

# of what the steps changed, how much an error may be, by the precision of the products
SHARES = {"float32": 1e-2, "tf32": 3e-2, "bf16": 1e-1}


@dataclass(frozen=True)
class GpuCase(Case):
    """A training step on a GPU.

    Parameters
    ----------
    precision : str
        ``"float32"``; ``"tf32"``, where products may round their factors; ``"bf16"``, under autocast.
    against_eager, against_graphs : float or None
        How many times faster than torch it should be: than its faster eager step, than its fastest one that is compiled
        or replayed as a graph.
    """

    precision: str = "float32"
    against_eager: float | None = None
    against_graphs: float | None = None

    @property
    def parameters(self) -> int:
        """How many weights and biases there are."""
        return sum((inputs + 1) * outputs for inputs, outputs in pairwise(self.sizes))

    @property
    def bytes(self) -> int:
        """Fewest bytes that a step moves.

        The batch is read and the parameters are read and written once; what the hidden layers give is written by the
        forward and read by the backward pass.
        """
        target = 8 if self.loss == "cross_entropy" else 4 * self.sizes[-1]
        hidden = (2 if self.precision == "bf16" else 4) * sum(self.sizes[1:-1])
        return self.batch * (4 * self.sizes[0] + target + 2 * hidden) + 2 * 4 * self.parameters


_TARGETS = {"online": (20, 1.5), "tiny": (20, 1.5), "rl": (20, 1.5), "lecture": (8, 1.3), "mnist": (8, 1.3),
            "wide": (1.0, 1.0), "wide-tf32": (1.05, 1.0), "wide-bf16": (1.05, 1.0), "rl-65536": (3, 2),
            "lecture-65536": (3, 2), "field": (3, 2)}  # fmt: skip


def _case(name: str, like: str, batch: int | None = None, precision: str = "float32") -> GpuCase:
    (case,) = (case for case in CASES if case.name == like)
    return GpuCase(name, case.sizes, case.activation, batch or case.batch, case.loss, precision,
                   *_TARGETS.get(name, (None, None)))  # fmt: skip


GPU_CASES = (
    *(_case(case.name, case.name) for case in CASES),
    _case("wide-tf32", "wide", precision="tf32"),
    _case("wide-bf16", "wide", precision="bf16"),
    _case("rl-4096", "rl", 4096),
    _case("rl-65536", "rl", 65536),
    _case("lecture-4096", "lecture", 4096),
    _case("lecture-65536", "lecture", 65536),
    # a function of two coordinates, as in physics-informed networks and fields
    GpuCase("field", (2, 64, 64, 64, 64, 1), "tanh", 2**18, "mse_loss", "float32", *_TARGETS["field"]),
)
EPOCHS = {"epoch-tiny": 512, "epoch-mnist": 128}  # steps in an epoch of the case after the hyphen


def by_name(name: str) -> GpuCase:
    """Find a case."""
    (case,) = (case for case in GPU_CASES if case.name == name)
    return case
