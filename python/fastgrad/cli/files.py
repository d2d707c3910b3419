"""Output files that are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from fastgrad.cli.errors import UserError

__all__ = ["check_writable", "write_whole"]


def check_writable(option: str, path: Path) -> None:
    """Make sure that a file can be written at `path`, without leaving anything there.

    Parameters
    ----------
    option : str
        The option that named the path, for the message.
    path : Path
        The file to be written later.

    Raises
    ------
    UserError
        If the path is a folder, its folder is missing, or either cannot be written.
    """
    if path.is_dir():
        raise UserError(f"{option}: {path} is a folder, expected a file name")
    if path.exists() and not os.access(path, os.W_OK):
        raise UserError(f"{option}: {path} exists and cannot be overwritten")
    if _is_special(path):
        return
    folder = path.resolve().parent
    if not folder.is_dir():
        raise UserError(f"{option}: folder {folder} does not exist")
    try:
        handle, name = tempfile.mkstemp(dir=folder, prefix=".fastgrad-")
    except OSError as error:
        raise UserError(f"{option}: cannot write in {folder}: {error.strerror}") from None
    os.close(handle)
    os.unlink(name)


def write_whole(option: str, path: Path, write: Callable[[Path], object]) -> None:
    """Have `write` fill a temporary file beside `path` and put it in place in one move.

    Parameters
    ----------
    option : str
        The option that named the path, for the message.
    path : Path
        The file to be there afterwards; an older one is replaced. Devices and pipes are written directly.
    write : callable
        Called with the path of the file to fill; it has the suffix of `path`.

    Raises
    ------
    UserError
        If writing fails; what stood at `path` before is still there.
    """
    target = path.resolve()
    temporary: Path | None = None
    try:
        if _is_special(path):
            write(path)
            return
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=".fastgrad-", suffix=target.suffix)
        os.close(handle)
        temporary = Path(name)
        write(temporary)
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~mask)
        temporary.replace(target)
        temporary = None
    except OSError as error:
        raise UserError(f"{option}: cannot write {path}: {error.strerror or error}") from None
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _is_special(path: Path) -> bool:
    """A device or a pipe: it must not be replaced by a file."""
    return path.exists() and not path.is_file()
