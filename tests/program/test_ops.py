"""Every operation in a recording: results and gradients of later calls are those of the eager tape, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fastgrad as fg
from tests.program.common import flat, same_bits
from tests.torch import test_ops, test_ops_indexing, test_ops_inplace
from tests.torch.test_ops_indexing import CUBE

A, B = test_ops_inplace.A, test_ops_inplace.B
# Whose results have shapes that depend on values.
REFUSED = ("where places", "masked_select", "nonzero")
CASES = [
    *[pytest.param(case, arrays, id=name) for name, case, arrays in test_ops.CASES if name not in REFUSED],
    *[pytest.param(lambda m, x, i=i: x[i], (CUBE,), id=f"index {i}") for i in test_ops_indexing.INDICES],
    *[pytest.param(case, (A, B), id=case.__name__) for case in test_ops_inplace.CASES],
]


def others(arrays: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
    """Other values of the same kind: those of every float array, turned round."""
    return tuple(np.roll(a, 1).reshape(a.shape) if a.dtype.kind == "f" else a for a in arrays)


@pytest.mark.parametrize(("case", "arrays"), CASES)
def test_operation(case: Any, arrays: tuple[np.ndarray, ...]) -> None:
    def make() -> Any:
        def function(*xs: Any) -> Any:
            leaves = [x.detach().requires_grad_() if x.dtype.kind == "f" else x for x in xs]
            ys = list(flat(case(fg, *leaves)))
            for y in ys:
                if isinstance(y, fg.Tensor) and y.requires_grad:
                    (y * y).sum().backward(retain_graph=True)
            return ys, [x.grad for x in leaves]

        return function, lambda: ()

    calls = [tuple(fg.tensor(a) for a in given) for given in (arrays, others(arrays), arrays)]
    compiled = same_bits(make, calls)
    assert len(compiled.programs) == 1


@pytest.mark.parametrize(("name", "case", "arrays"), [c for c in test_ops.CASES if c[0] in REFUSED], ids=REFUSED)
def test_shape_that_depends_on_values_is_refused(name: str, case: Any, arrays: tuple[np.ndarray, ...]) -> None:
    with pytest.raises(RuntimeError, match=r"is being recorded, and the shape of what \w+\(\) gives depends on values"):
        fg.compile(lambda *xs: case(fg, *xs))(*[fg.tensor(a) for a in arrays])
