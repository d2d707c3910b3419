"""The experiments of the lecture, one file each: ``python -m examples`` lists and runs them.

An experiment is a function ``run(options) -> Result``: it computes, draws one picture, and hands back the
tables to print. What they share: ``common`` (options, results, tables, data), ``style`` (pictures),
``letters`` (the letters A-Z as pictures), ``command`` (the command line) and ``pages`` (docs/gallery).
"""

from __future__ import annotations

__all__ = ["EXPERIMENTS"]

# In the lecture's order.
EXPERIMENTS = (
    "backprop_blocks",
    "vanishing_gradients",
    "saturation",
    "preprocessing",
    "augmentation",
    "regularisation",
    "learning_rate",
    "example_order",
    "recurrence",
    "datasets",
)
