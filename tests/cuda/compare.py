"""Comparison of what two devices computed: the same bits from the stand-in, close numbers from a GPU's kernels."""

from __future__ import annotations

from typing import Any

import numpy as np

import fastgrad as fg
from fastgrad.cuda import library

# Operations of tests/torch that make tensors of their own, on the CPU.
ON_THE_CPU = ("cat empty", "leaf_parent", "write_rows", "fresh_base_gets_history_through_a_view")
IS_STANDIN = library.kernels().__name__ == "kernels"


def assert_close(a: Any, b: Any) -> None:
    """Two arrays or numbers are equal, or close if a GPU's kernels computed one: they add up in another order."""
    if IS_STANDIN:
        np.testing.assert_array_equal(a, b)
    else:
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-6)


def assert_same(result: Any, reference: Any, where: str) -> None:
    """A result on the device `where` is the reference's twin."""
    if not isinstance(reference, fg.Tensor):
        assert type(result) is type(reference)
        if reference is not None:
            assert_close(result, reference)
        return
    assert isinstance(result, fg.Tensor)
    assert str(result.device) == where
    assert (result.dtype, result.shape) == (reference.dtype, reference.shape)
    assert result.requires_grad == reference.requires_grad
    assert_close(result.detach().cpu().numpy(), reference.detach().numpy())
