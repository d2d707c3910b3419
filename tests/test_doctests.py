"""The examples in the docstrings of the installed package do what they say."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import fastgrad

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(fastgrad.__path__, "fastgrad.")
    if not module.name.endswith(("__main__", "._cpu"))
)


@pytest.mark.parametrize("name", ["fastgrad", *MODULES])
def test_doctests(name: str) -> None:
    fastgrad.manual_seed(0)
    result = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert result.failed == 0
