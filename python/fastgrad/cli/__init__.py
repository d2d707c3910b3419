"""The command line of fastgrad: ``fastgrad compare`` and ``fastgrad doctor``.

Each file here has one subject: ``arguments`` (parsing), ``settings`` (what a run is), ``source`` and
``tables`` (data), ``contestants`` and ``training``, ``report`` (text and JSON), ``picture``, ``files``
(writing whole files or none) and ``doctor``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from fastgrad.cli.errors import UserError

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments after the program's name; ``sys.argv[1:]`` by default.

    Returns
    -------
    int
        0 on success, 2 for input that cannot be used (one line on stderr says why), 130 when interrupted.

    Raises
    ------
    SystemExit
        From the parser: status 0 for ``--help`` and ``--version``, 2 for arguments it does not understand.
    """
    from fastgrad.cli.arguments import build_parser, settings_from

    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal that lacks a letter gets "?", not a traceback
            stream.reconfigure(errors="replace")
    try:
        options = build_parser().parse_args(argv)
        if options.command == "doctor":
            from fastgrad.cli.doctor import doctor

            print(doctor())
        else:
            from fastgrad.cli.compare import compare

            compare(settings_from(options))
        sys.stdout.flush()
    except UserError as error:
        print(f"fastgrad: error: {error}", file=sys.stderr)
        return 2
    except MemoryError as error:
        print(f"fastgrad: error: out of memory: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("fastgrad: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader (head, less) went away: nothing is left to say, also not at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0
