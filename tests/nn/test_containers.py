"""Sequential, ModuleList and ModuleDict as collections."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import fastgrad as fg
from fastgrad import nn


def layers(library: Any, n: int) -> list[Any]:
    return [library.Linear(i + 1, i + 1) for i in range(n)]


def names(module: Any) -> list[tuple[str, str]]:
    return [(name, repr(child)) for name, child in module.named_children()]


EDITS = {
    "append": lambda m, lib: m.append(lib.Identity()),
    "extend": lambda m, lib: m.extend([lib.Identity(), lib.Linear(9, 9)]),
    "insert": lambda m, lib: m.insert(1, lib.Identity()),
    "insert at the end": lambda m, lib: m.insert(len(m), lib.Identity()),
    "set": lambda m, lib: m.__setitem__(1, lib.Identity()),
    "set from the end": lambda m, lib: m.__setitem__(-1, lib.Identity()),
    "delete": lambda m, lib: m.__delitem__(1),
    "delete from the end": lambda m, lib: m.__delitem__(-1),
    "delete slice": lambda m, lib: m.__delitem__(slice(1, 3)),
    "pop": lambda m, lib: m.pop(1),
    "pop last": lambda m, lib: m.pop(-1),
}


@pytest.mark.parametrize("kind", ["Sequential", "ModuleList"])
@pytest.mark.parametrize("edit", EDITS)
def test_edits_are_torchs(kind: str, edit: str) -> None:
    results = []
    for library in (nn, torch.nn):
        items = layers(library, 4)
        module = getattr(library, kind)(*([items] if kind == "ModuleList" else items))
        EDITS[edit](module, library)
        results.append(names(module))
        assert [name for name, _ in module.named_children()] == [str(i) for i in range(len(module))]
    assert results[0] == results[1]


@pytest.mark.parametrize("kind", ["Sequential", "ModuleList"])
def test_indexing_slicing_iterating(kind: str) -> None:
    items = layers(nn, 4)
    module = getattr(nn, kind)(*([items] if kind == "ModuleList" else items))
    assert module[0] is items[0]
    assert module[-1] is items[3]
    assert list(module) == items
    assert len(module) == 4
    part = module[1:3]
    assert type(part) is type(module)
    assert list(part) == items[1:3]
    assert list(module[::-2]) == items[::-2]
    with pytest.raises(IndexError, match=r"is 4.*between -4 and 3"):
        module[4]
    with pytest.raises(TypeError, match="str"):
        module["0"]


def test_sequential_from_a_mapping_keeps_names() -> None:
    net = nn.Sequential({"hidden": nn.Linear(2, 3), "out": nn.Linear(3, 1)})
    assert list(net.state_dict()) == ["hidden.weight", "hidden.bias", "out.weight", "out.bias"]
    assert net.hidden is net[0]
    assert list(dict(net[1:].named_children())) == ["out"]
    assert net(fg.zeros(4, 2)).shape == (4, 1)
    del net[0]
    assert list(dict(net.named_children())) == ["out"]


def test_things_that_are_no_modules_are_refused() -> None:
    with pytest.raises(TypeError, match="Module"):
        nn.Sequential(nn.Linear(1, 1), print)
    with pytest.raises(TypeError, match="Module"):
        nn.Sequential().append("relu")
    for call in (
        lambda m: m.append(3),
        lambda m: m.extend([nn.Identity(), 3]),
        lambda m: m.extend(3),
        lambda m: m.insert(0, 3),
        lambda m: m.__setitem__(0, 3),
    ):
        module = nn.ModuleList([nn.Identity()])
        with pytest.raises(TypeError, match="Module"):
            call(module)
        assert len(module) == 1


def test_inserting_from_the_end() -> None:
    for module in (nn.Sequential(*layers(nn, 3)), nn.ModuleList(layers(nn, 3))):
        module.insert(-1, nn.Identity())
        assert [type(child).__name__ for child in module] == ["Linear", "Linear", "Identity", "Linear"]
        with pytest.raises(IndexError, match="insert"):
            module.insert(9, nn.Identity())


def test_module_list_adds() -> None:
    a, b = nn.ModuleList(layers(nn, 2)), nn.ModuleList(layers(nn, 1))
    c = a + b
    assert list(c) == [*a, *b]
    a += b
    assert list(a) == list(c)
    with pytest.raises(NotImplementedError, match="ModuleList"):
        a(fg.zeros(1))


def test_module_dict() -> None:
    d = nn.ModuleDict({"a": nn.Linear(1, 1)})
    d["b"] = nn.Identity()
    d.update([("c", nn.Flatten())])
    d.update(nn.ModuleDict({"d": nn.Identity()}))
    assert list(d) == list(d.keys()) == ["a", "b", "c", "d"]
    assert [*d.values()] == [d[name] for name in d]
    assert dict(d.items())["a"] is d["a"] is d.a
    assert len(d) == 4
    assert "a" in d
    assert "z" not in d
    assert isinstance(d.pop("c"), nn.Flatten)
    del d["d"]
    assert list(d.state_dict()) == ["a.weight", "a.bias"]
    for wrong in ("c", "keys"):
        with pytest.raises(KeyError, match=wrong):
            d[wrong]
        with pytest.raises(KeyError, match=wrong):
            del d[wrong]
    with pytest.raises(KeyError, match="keys"):
        d["keys"] = nn.Identity()
    with pytest.raises(TypeError, match="Module"):
        d.update({"e": nn.Identity(), "f": 3})
    assert list(d) == ["a", "b"]
    d.clear()
    assert len(d) == 0
