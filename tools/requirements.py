"""Print what extras of the installed package require, a line each, for ``pip install -r``.

``pip install '.[lint]'`` would compile everything again where only the tools are missing.
"""

from __future__ import annotations

import importlib.metadata
import sys

from packaging.requirements import Requirement


def main() -> None:
    extras = sys.argv[1:]
    for line in importlib.metadata.requires("fastgrad") or ():
        requirement = Requirement(line)
        if requirement.marker and any(requirement.marker.evaluate({"extra": extra}) for extra in extras):
            requirement.marker = None
            print(requirement)


if __name__ == "__main__":
    main()
