"""Data sets, and batches from them; `preprocess` and `augment` hold what is done to data before a network sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastgrad.utils.data.collate import default_collate, default_convert
from fastgrad.utils.data.dataloader import DataLoader
from fastgrad.utils.data.dataset import Dataset, Subset, TensorDataset, random_split

if TYPE_CHECKING:
    from fastgrad.utils.data import augment as augment
    from fastgrad.utils.data import preprocess as preprocess

__all__ = [
    "DataLoader",
    "Dataset",
    "Subset",
    "TensorDataset",
    "default_collate",
    "default_convert",
    "random_split",
]

_LATER = ("augment", "preprocess")


def __getattr__(name: str) -> Any:
    """Import what not every program needs when it is first used."""
    if name in _LATER:
        from importlib import import_module

        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
