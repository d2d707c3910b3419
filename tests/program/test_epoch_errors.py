"""What run_epoch says of what it cannot use, and that nothing is trained then."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fastgrad as fg
from tests.program.test_epoch import ROWS, Training, examples, one_by_one

WRONG: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "float order": ({"order": np.ones(4)}, TypeError, r"argument 'order' is float64 of shape \(4,\), expected"),
    "bool order": ({"order": np.ones(ROWS, bool)}, TypeError, r"argument 'order' is bool of shape"),
    "order of two dimensions": ({"order": np.zeros((2, 4), int)}, TypeError, r"'order' is int64 of shape \(2, 4\)"),
    "a number": ({"order": 3}, TypeError, r"argument 'order' is int64 of shape \(\)"),
    "words": ({"order": ["a", "b"]}, TypeError, r"argument 'order' is <U1 of shape"),
    "row too large": ({"order": [0, ROWS]}, IndexError, f"argument 'order' is row {ROWS}, expected rows of arrays"),
    "row in a later batch": ({"order": [0, 1, 2, 3, 4, 5, -1]}, IndexError, r"argument 'order' is row -1, expected"),
    "unsigned": ({"order": np.array([2**63 + 5], np.uint64)}, IndexError, rf"'order' is row {2**63 + 5}, expected"),
    "empty order": ({"order": []}, ValueError, r"argument 'order' is of 0 rows, expected at least 1"),
    "empty tensor": ({"order": fg.zeros(0, dtype=fg.int64)}, ValueError, r"'order' is of 0 rows, expected at least 1"),
    "no whole batch": ({"order": [1, 2], "drop_last": True}, ValueError, r"'order' is of 2 rows, expected at least 4"),
    "no rows": ({"arrays": examples(0)}, ValueError, r"argument 'order' is of 0 rows, expected at least 1"),
    "batch of none": ({"batch_size": 0}, ValueError, r"argument 'batch_size' is 0, expected at least 1"),
    "batch below none": ({"batch_size": np.int64(-2)}, ValueError, r"argument 'batch_size' is -2, expected at least 1"),
    "half a batch": ({"batch_size": 2.5}, TypeError, r"argument 'batch_size' is a float, expected an int"),
    "true": ({"batch_size": True}, TypeError, r"argument 'batch_size' is a bool, expected an int"),
    "lengths": (
        {"arrays": (fg.ones(5, 5), fg.ones(6))}, ValueError,
        r"argument 'arrays' is an array of shape \(6,\), expected one row per example in every array",
    ),
    "scalar": ({"arrays": (fg.ones(()), fg.ones(()))}, ValueError, r"'arrays' is an array of shape \(\), expected"),
    "no arrays": ({"arrays": ()}, ValueError, r"argument 'arrays' is empty, expected at least one Tensor"),
    "lists": ({"arrays": ([1.0, 2.0], [1, 2])}, TypeError, r"argument 'arrays' is a list, expected Tensors"),
    "dict": ({"arrays": {"x": 1}}, TypeError, r"argument 'arrays' is a dict, expected Tensors"),
    "objects": (
        {"arrays": (np.array([[1, "a"]] * 5, object), fg.ones(5))}, TypeError, r"run_epoch\(\): argument .*object",
    ),
    "half precision": (
        {"arrays": (np.ones((5, 5), np.float16), fg.ones(5))}, TypeError,
        r"argument 'arrays' is an array of dtype float16, expected float32",
    ),
    "requires gradients": (
        {"arrays": (fg.ones(5, 5, requires_grad=True), fg.ones(5))}, ValueError,
        r"argument 'arrays' is a Tensor that requires gradients, expected data: x.detach\(\)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("recorded", [False, True])
def test_what_cannot_be_used_trains_nothing(name: str, recorded: bool) -> None:
    change, error, words = WRONG[name]
    t = Training()
    if recorded:
        t.step.run_epoch(examples(), None, 4)
    before = t.state()
    arguments: dict[str, Any] = {"arrays": examples(), "order": None, "batch_size": 4, "drop_last": False}
    with pytest.raises(error, match=words):
        t.step.run_epoch(**{**arguments, **change})
    assert t.state() == before
    t.step.run_epoch(**arguments)


def test_targets_that_are_no_classes_name_the_step_that_saw_them() -> None:
    """The steps before are complete, and the wrong one has changed nothing."""
    there, here = Training(), Training()
    x, target = examples()
    wrong = target.clone()
    wrong[10] = 3
    for t in (there, here):
        t.step.run_epoch((x, target), None, 4)
    with pytest.raises(IndexError, match="cross_entropy"):
        here.step.run_epoch((x, wrong), None, 4)
    one_by_one(there.eager, (x, target), range(8), 4)
    assert here.state() == there.state()
    for t in (there, here):
        t.step.run_epoch((x, target), None, 4)
    assert here.state() == there.state()


def test_a_step_that_cannot_be_recorded_says_why() -> None:
    t = Training(give=lambda loss, y, target: loss.item())
    with pytest.raises(RuntimeError, match=r"(?s)step\(\).*item\(\).*is being recorded|is being recorded.*item"):
        t.step.run_epoch(examples(), None, 4)


def test_an_epoch_inside_a_recording_is_refused() -> None:
    t = Training()
    arrays = examples()
    outer = fg.compile(lambda: t.step.run_epoch(arrays, None, 4))
    for _ in range(2):
        with pytest.raises(RuntimeError, match=r"run_epoch\(\) is called, at .*test_epoch_errors"):
            outer()
        t.step.run_epoch(arrays, None, 4)


def test_wrong_number_of_arrays() -> None:
    t = Training()
    before = t.state()
    with pytest.raises(TypeError, match="argument"):
        t.step.run_epoch((examples()[0],), None, 4)
    assert t.state() == before


def test_a_last_batch_with_other_results_says_so() -> None:
    t = Training(give=lambda loss, y, target: (loss, y))
    with pytest.raises(
        ValueError,
        match=r"run_epoch\(\): argument 'batch_size' is 4, and step 5 returns float32 of shape \(\), float32 of shape "
        r"\(3, 3\), expected float32 of shape \(\), float32 of shape \(4, 3\) as from the steps before, or drop_last",
    ):
        t.step.run_epoch(examples(), None, 4)
    t.step.run_epoch(examples(), None, 4, drop_last=True)
