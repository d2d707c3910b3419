"""People's own tables: a CSV or NPZ file becomes numbers and class labels, or an error that says where."""

from __future__ import annotations

import csv
import math
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fastgrad.cli.errors import UserError

__all__ = ["Table", "read_csv", "read_npz", "read_table"]


@dataclass(frozen=True)
class Table:
    """Rows of features with a class label each.

    Parameters
    ----------
    name : str
        What it is called in the output.
    x : ndarray of float64, shape (rows, features)
        The features, finite.
    columns : list of str
        The names of the features.
    labels : ndarray of int64 or str, shape (rows,)
        The class of each row.
    """

    name: str
    x: np.ndarray[Any, Any]
    columns: list[str]
    labels: np.ndarray[Any, Any]


def read_table(path: Path, target: str | None) -> Table:
    """Read the file at `path` by its suffix.

    Parameters
    ----------
    path : Path
        A ``.csv`` or ``.npz`` file.
    target : str or None
        The column or array with the labels; None means ``y`` of an npz and is an error for a csv.

    Returns
    -------
    Table

    Raises
    ------
    UserError
        If the file is missing, cannot be read or does not hold what is expected.
    """
    if path.is_dir():
        raise UserError(f"--data: {path} is a folder, expected a .csv or .npz file")
    if not path.exists():
        raise UserError(f"--data: {path} does not exist")
    readers = {".csv": read_csv, ".npz": read_npz}
    read = readers.get(path.suffix.lower())
    if read is None:
        raise UserError(f"--data: {path} ends in {path.suffix!r}, expected .csv or .npz")
    try:
        return read(path, target)
    except OSError as error:
        raise UserError(f"--data: cannot read {path}: {error.strerror or error}") from None


def read_csv(path: Path, target: str | None) -> Table:
    """Read a CSV file: a header line, then one row a line, every cell but the target a finite number.

    The separator is the one of comma, semicolon and tab that the header has most of.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _parse_csv(path, file.read(), target)
    except UnicodeDecodeError as error:
        raise UserError(f"--data: {path} is not UTF-8 text (byte {error.start})") from None
    except csv.Error as error:
        raise UserError(f"--data: {path} does not parse as CSV: {error}") from None


def _parse_csv(path: Path, text: str, target: str | None) -> Table:
    header_line = text.split("\n", 1)[0]
    separator = max(",;\t", key=header_line.count)
    rows = _rows(text, separator)
    _, header = next(rows, (0, []))
    header = [name.strip() for name in header]
    if not header:
        raise UserError(f"--data: {path} is empty, expected a header line and rows")
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated:
        raise UserError(f"--data: {path} has two columns named {repeated[0]!r}")
    if target is None:
        raise UserError(f"--target: missing, expected a column of {path}: {_some(header)}")
    if target not in header:
        raise UserError(f"--target: {path} has no column {target!r}, expected one of {_some(header)}")
    if len(header) < 2:
        raise UserError(f"--data: {path} has only the target column, expected features beside it")
    position = header.index(target)
    labels: list[str] = []
    features: list[list[float]] = []
    for line, row in rows:
        if len(row) != len(header):
            raise UserError(f"--data: {path}, line {line}: {len(row)} cells, expected {len(header)}")
        label = row.pop(position).strip()
        if not label:
            raise UserError(f"--data: {path}, line {line}, column {target!r}: empty, expected a class label")
        labels.append(label)
        features.append(_numbers(path, line, row, header, position))
    columns = [name for name in header if name != target]
    x = np.array(features, dtype=np.float64).reshape(len(features), len(columns))
    return Table(path.name, x, columns, _labels(f"{path}, column {target!r}", np.array(labels, dtype=str)))


def _rows(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not blank, each with the number of the line it ends on."""
    reader = csv.reader(
        text.splitlines(keepends=True), delimiter=separator, strict=True, skipinitialspace=True
    )
    for row in reader:
        if any(cell.strip() for cell in row):
            yield reader.line_num, row


def _numbers(path: Path, line: int, cells: list[str], header: list[str], position: int) -> list[float]:
    try:
        values = [float(cell) for cell in cells]
        if all(map(math.isfinite, values)):
            return values
    except ValueError:
        pass
    names = header[:position] + header[position + 1 :]
    for name, cell in zip(names, cells, strict=True):  # only now, to find the one to blame
        try:
            finite = math.isfinite(float(cell))
        except ValueError:
            finite = False
        if not finite:
            raise UserError(
                f"--data: {path}, line {line}, column {name!r}: {cell!r}, expected a finite number"
            )
    raise AssertionError("a row that does not parse has a cell that does not")


def read_npz(path: Path, target: str | None) -> Table:
    """Read an NPZ file: ``X`` (or ``x``) of shape (rows, …) and labels, ``y`` unless `target` names them."""
    try:
        file = np.load(path, allow_pickle=False)
        if isinstance(file, np.ndarray):  # a renamed .npy
            raise UserError(f"--data: {path} holds one array, expected the arrays X and y")
        with file:
            names = list(file.files)
            labels_name = "y" if target is None else target
            features_name = "X" if "X" in names else "x"
            for option, name in (("--target", labels_name), ("--data", features_name)):
                if name not in names:
                    wanted = "X" if option == "--data" else name
                    raise UserError(f"{option}: {path} has no array {wanted!r}, it holds {_some(names)}")
            if labels_name == features_name:
                raise UserError(f"--target: {target!r} holds the features")
            x, y = file[features_name], file[labels_name]
    except (ValueError, zipfile.BadZipFile, EOFError, KeyError) as error:
        raise UserError(f"--data: {path} does not parse as NPZ: {error}") from None
    where = f"{path}, array {features_name!r}"
    if x.ndim < 2 or x.dtype.kind not in "biuf":
        raise UserError(
            f"--data: {where} is {x.dtype} of shape {x.shape}, expected numbers of shape (rows, features)"
        )
    if y.shape != x.shape[:1]:
        raise UserError(f"--data: {path}, array {labels_name!r} has shape {y.shape}, expected ({len(x)},)")
    if y.dtype.kind not in "biufSU":
        raise UserError(f"--data: {path}, array {labels_name!r} is {y.dtype}, expected integers or strings")
    x = x.reshape(len(x), math.prod(x.shape[1:])).astype(np.float64)
    if not x.shape[1]:
        raise UserError(f"--data: {where} has no features")
    bad = np.argwhere(~np.isfinite(x))
    if len(bad):
        row, column = (int(number) for number in bad[0])
        raise UserError(
            f"--data: {where}, row {row}, column {column}: {x[row, column]}, expected a finite number"
        )
    columns = [str(number) for number in range(x.shape[1])]
    return Table(path.name, x, columns, _labels(f"{path}, array {labels_name!r}", y))


def _labels(where: str, values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Whole numbers as int64, other labels as strings; other numbers are a regression's target."""
    if values.dtype.kind in "bui":
        return values.astype(np.int64)
    if values.dtype.kind == "S":
        values = np.char.decode(values, "utf-8", "replace")
    try:
        numbers = values.astype(np.float64)
    except ValueError:
        return values.astype(str)
    wrong = ~np.isfinite(numbers) | (numbers != np.round(numbers)) | (np.abs(numbers) > 2**53)
    if wrong.any():
        example = values[int(np.argmax(wrong))]
        raise UserError(f"--target: {where} holds {example}, expected class labels (whole numbers or words)")
    return numbers.astype(np.int64)


def _some(names: list[str], most: int = 12) -> str:
    shown = ", ".join(repr(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown}, … ({len(names)} in all)"
