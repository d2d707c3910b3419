"""``python -m fastgrad``: the same as the console command ``fastgrad``."""

from __future__ import annotations

import sys

from fastgrad.cli import main

if __name__ == "__main__":
    sys.exit(main())
