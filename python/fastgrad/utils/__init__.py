"""Tools around training."""

from __future__ import annotations

from fastgrad.utils import data

__all__ = ["data"]
