"""Arguments that cannot be used: an error that names function and argument."""

from __future__ import annotations

import numpy as np
import pytest

from fastgrad.utils.data import DataLoader, Subset, TensorDataset

X = TensorDataset(np.arange(3))

BAD = [
    ("DataLoader", "shuffle", TypeError, lambda: DataLoader(X, shuffle="a")),
    ("DataLoader", "drop_last", ValueError, lambda: DataLoader(X, drop_last=3)),
    ("Subset[]", "indices[0]", IndexError, lambda: Subset(range(3), [7])[0]),
    ("Subset[]", "index", IndexError, lambda: Subset(range(3), [1])[1]),
    ("Subset", "indices[1]", TypeError, lambda: Subset(range(3), [0, "a"])),
    ("Subset", "indices", TypeError, lambda: Subset(range(3), 3)),
    ("TensorDataset[]", "index", IndexError, lambda: X[5]),
]


@pytest.mark.parametrize(("function", "argument", "error", "call"), BAD, ids=[f"{b[0]}-{b[1]}" for b in BAD])
def test_error_names_function_and_argument(function, argument, error, call):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value).startswith(f"{function}(): argument '{argument}' is ")


@pytest.mark.parametrize("flag", [False, True, 0, 1, np.True_])
def test_flags(flag):
    assert len(DataLoader(X, 2, shuffle=flag, drop_last=flag)) == (1 if flag else 2)
