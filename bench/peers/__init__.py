"""The libraries that train the cases of ``bench step``, each in a file of its own.

A peer is built from a case, its initial arrays and an optimiser. With one, ``step()`` trains on the batch once and
``results()`` are the weights and biases, shaped (out, in) and (out,); without one (None), ``step()`` is a forward
pass that records nothing for gradients, and ``results()`` are the logits.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.util import find_spec

from bench.cases import Case, Start, start
from bench.optimizers import Optimizer
from bench.peers.protocol import Peer

__all__ = ["Peer", "peers"]


def peers(case: Case, optimizer: Optimizer | None, quick: bool) -> Iterator[Peer]:
    """Build every peer that is installed, fastgrad first.

    Parameters
    ----------
    case : Case
        What to train.
    optimizer : Optimizer or None
        How; None for a forward pass alone.
    quick : bool
        Leave out what takes seconds to compile.
    """
    from bench.peers.fastgrad_peer import Eager, Recorded
    from bench.peers.numpy_peer import ByHand

    def begin() -> Start:  # every peer owns its arrays: some train in place
        return start(case)

    yield Eager(case, begin(), optimizer)
    yield Recorded(case, begin(), optimizer)
    yield ByHand(case, begin(), optimizer)
    if find_spec("torch") is not None:
        from bench.peers.torch_peer import Compiled, Plain

        yield Plain(case, begin(), optimizer, fused=False)
        if optimizer is not None:
            yield Plain(case, begin(), optimizer, fused=True)
        if not quick:
            try:
                yield Compiled(case, begin(), optimizer)
            except RuntimeError as error:  # no C++ compiler, for one
                print(f"torch.compile left out: {str(error).splitlines()[0]}", file=sys.stderr)
    if find_spec("jax") is not None and not quick:
        from bench.peers.jax_peer import Jitted

        yield Jitted(case, begin(), optimizer)
