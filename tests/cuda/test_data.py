"""Data on the GPU, and data that goes there."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.utils.data import ConcatDataset, DataLoader, Dataset, Subset, TensorDataset, default_collate


def _set(device: str, rows: int = 10) -> TensorDataset:
    x = fg.arange(rows * 3, dtype=fg.float32).reshape(rows, 3)
    return TensorDataset(x.to(device), fg.arange(rows, device=device))


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize(
    "make",
    [
        lambda device: _set(device),
        lambda device: Subset(_set(device), [1, 3, 5, 7]),
        lambda device: ConcatDataset([_set(device), _set(device, 4)]),
    ],
    ids=["TensorDataset", "Subset", "ConcatDataset"],
)
def test_batches_of_tensors_on_the_gpu(make: Any, shuffle: bool) -> None:
    found = []
    for device in ("cpu", "cuda"):
        fg.manual_seed(0)
        found.append(list(DataLoader(make(device), batch_size=4, shuffle=shuffle)))
    for reference, batch in zip(*found, strict=True):
        for a, b in zip(reference, batch, strict=True):
            assert b.device == "cuda:0"
            assert fg.equal(a, b.cpu())


def test_elements_and_their_collation() -> None:
    data = _set("cuda")
    assert all(t.is_cuda for t in data[2])
    x, y = default_collate([data[2], data[5]])
    assert x.is_cuda
    assert y.tolist() == [2, 5]
    with pytest.raises(RuntimeError, match=r"cuda:0.*cpu|cpu.*cuda:0"):
        default_collate([fg.ones(2, device="cuda"), fg.ones(2)])


def test_data_on_the_gpu_is_not_changed_by_the_processor() -> None:
    with pytest.raises(RuntimeError, match="cuda:0"):
        fg.data.preprocess.Standardize().fit(fg.ones(3, 2, device="cuda"))


class Pair(NamedTuple):
    x: Any
    y: Any


class Elements(Dataset[Any]):
    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: Any) -> Any:
        return {"pair": Pair(np.float32(index), [fg.ones(2) * index]), "name": str(index)}


def test_pinned_batches() -> None:
    for batch in DataLoader(_set("cpu"), batch_size=4, pin_memory=True):
        assert all(t.is_pinned() for t in batch)
    for batch in DataLoader(_set("cuda"), batch_size=4, pin_memory=True):
        assert all(t.is_cuda for t in batch)
    (batch,) = DataLoader(Elements(), batch_size=4, pin_memory=True)
    assert batch["pair"].x.is_pinned()
    assert batch["pair"].y[0].is_pinned()
    assert batch["name"] == ["0", "1", "2", "3"]


def test_diagnostics() -> None:
    found = []
    for device in ("cpu", "cuda"):
        fg.manual_seed(0)
        net = fg.nn.Sequential(fg.nn.Linear(3, 4), fg.nn.Tanh(), fg.nn.Linear(4, 2)).to(device)
        optimizer = fg.optim.SGD(net.parameters(), lr=0.1)
        with fg.diagnostics.watch(net, optimizer, every=1) as record:
            for _ in range(2):
                optimizer.zero_grad()
                net(fg.ones(5, 3, device=device)).sum().backward()
                optimizer.step()
        found.append(record.to_dict())
    assert repr(found[0]) == repr(found[1])
