"""People's own tables: what is read from them, and what is said when they cannot be read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastgrad.cli.errors import UserError
from fastgrad.cli.settings import Settings
from fastgrad.cli.source import load, split, standardise
from fastgrad.cli.tables import Table, read_table


def write(tmp_path: Path, text: str | bytes, name: str = "t.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_csv(separator: str, ending: str, tmp_path: Path) -> None:
    rows = [
        ["a", "class", "b c"],
        ["1", "yes", "-2.5"],
        [" 3e2", '"no"', "4 "],
        ["", "", ""],
        ["5", "yes", "6"],
    ]
    text = "\ufeff" + ending.join(separator.join(row) for row in rows) + ending
    table = read_table(write(tmp_path, text), "class")
    np.testing.assert_array_equal(table.x, [[1, -2.5], [300, 4], [5, 6]])
    assert table.columns == ["a", "b c"]
    assert table.labels.tolist() == ["yes", "no", "yes"]


@pytest.mark.parametrize(
    ("cells", "labels"),
    [
        (["10", "9", "2"], [10, 9, 2]),
        (["1.0", "2", "3e0"], [1, 2, 3]),
        (["10", "9", "x"], ["10", "9", "x"]),
        (["-1", "1", "0"], [-1, 1, 0]),
    ],
)
def test_labels_are_numbers_where_all_are(cells: list[str], labels: list[Any], tmp_path: Path) -> None:
    text = "y,a\n" + "".join(f"{cell},1\n" for cell in cells)
    assert read_table(write(tmp_path, text), "y").labels.tolist() == labels


@pytest.mark.parametrize(
    ("text", "target", "words"),
    [
        ("", "y", "is empty"),
        ("a,y\n1,2\nx,3\n", "y", "line 3, column 'a': 'x', expected a finite number"),
        ("a,b,y\n1,2,0\n\n1,inf,3\n", "y", "line 4, column 'b': 'inf'"),
        ("a,y\n,3\n", "y", "line 2, column 'a': ''"),
        ("a,y\n1,\n", "y", "line 2, column 'y': empty"),
        ("a,y\n1,2,3\n", "y", "line 2: 3 cells, expected 2"),
        ("a,y\n1,2\n", "z", "no column 'z', expected one of 'a', 'y'"),
        ("a,y\n1,2\n", None, "--target: missing, expected a column of"),
        ("a,a,y\n1,2,3\n", "y", "two columns named 'a'"),
        ("y\n1\n", "y", "only the target column"),
        ("a,y\n1,0.5\n", "y", "holds 0.5, expected class labels"),
        ('a,y\n"1,2\n', "y", "does not parse as CSV"),
        (b"a,y\n\xff,1\n", "y", "is not UTF-8"),
    ],
)
def test_csv_that_cannot_be_used(text: str | bytes, target: str | None, words: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        read_table(write(tmp_path, text), target)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_npz(tmp_path: Path) -> None:
    x = np.arange(12).reshape(3, 2, 2).astype(np.int8)
    np.savez(tmp_path / "t.npz", x=x, kind=np.array([b"p", b"q", b"p"]))
    table = read_table(tmp_path / "t.npz", "kind")
    np.testing.assert_array_equal(table.x, x.reshape(3, 4))
    assert table.x.dtype == np.float64
    assert table.labels.tolist() == ["p", "q", "p"]


@pytest.mark.parametrize(
    ("arrays", "target", "words"),
    [
        ({"X": np.ones((3, 2))}, None, "no array 'y', it holds 'X'"),
        ({"y": np.ones(3)}, None, "no array 'X', it holds 'y'"),
        ({"X": np.ones((3, 2)), "y": np.ones(3)}, "label", "no array 'label'"),
        ({"X": np.ones((3, 2)), "y": np.ones(3)}, "X", "'X' holds the features"),
        ({"X": np.ones(3), "y": np.ones(3)}, None, "expected numbers of shape (rows, features)"),
        ({"X": np.array([["a"], ["b"]]), "y": np.ones(2)}, None, "expected numbers of shape"),
        ({"X": np.ones((3, 2)), "y": np.ones((3, 1))}, None, "has shape (3, 1), expected (3,)"),
        ({"X": np.array([[1.0], [np.nan]]), "y": np.ones(2)}, None, "row 1, column 0: nan"),
        ({"X": np.ones((2, 0)), "y": np.ones(2)}, None, "has no features"),
        ({"X": np.ones((2, 1)), "y": np.array([1, None])}, None, "does not parse as NPZ"),
        ({"X": np.ones((2, 1)), "y": np.array([0.0, np.inf])}, None, "holds inf, expected class labels"),
    ],
)
def test_npz_that_cannot_be_used(
    arrays: dict[str, Any], target: str | None, words: str, tmp_path: Path
) -> None:
    np.savez(tmp_path / "t.npz", **arrays)
    with pytest.raises(UserError) as error:
        read_table(tmp_path / "t.npz", target)
    assert words in str(error.value)


def test_files_that_are_none(tmp_path: Path) -> None:
    np.save(tmp_path / "plain.npy", np.ones(3))
    (tmp_path / "plain.npy").rename(tmp_path / "plain.npz")
    for path, words in (
        (write(tmp_path, "not a zip", "bad.npz"), "does not parse as NPZ"),
        (tmp_path / "plain.npz", "holds one array"),
        (write(tmp_path, "", "table.txt"), "expected .csv or .npz"),
        (tmp_path / "no.csv", "does not exist"),
        (tmp_path, "is a folder"),
    ):
        with pytest.raises(UserError) as error:
            read_table(path, "y")
        assert words in str(error.value)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (["a"] * 12, "has the label a, expected two or more"),
        (["a", "b"] * 4, "has 8 rows, expected at least 10"),
        ([str(row) for row in range(12)], "12 different labels in the 12 rows"),
    ],
)
def test_tables_that_are_no_classification_task(labels: list[str], words: str, tmp_path: Path) -> None:
    path = write(tmp_path, "a,y\n" + "".join(f"{row},{label}\n" for row, label in enumerate(labels)))
    with pytest.raises(UserError) as error:
        load(Settings(data=path, target="y"))
    assert words in str(error.value)


def test_split_keeps_the_share_of_every_class() -> None:
    y = np.array([0] * 50 + [1] * 30 + [2] * 10 + [3])
    train, test = split(y, seed=5)
    assert sorted([*train, *test]) == list(range(len(y)))
    assert np.bincount(y[test], minlength=4).tolist() == [10, 6, 2, 0]
    again = split(y, seed=5)
    np.testing.assert_array_equal(again[1], test)
    assert not np.array_equal(split(y, seed=6)[1], test)


def test_split_of_rare_classes_only() -> None:
    train, test = split(np.array([0, 1, 2, 0, 1, 2]), seed=0)
    assert len(test) == 1
    assert len(train) == 5


def test_scaling_knows_the_training_rows_alone() -> None:
    generator = np.random.default_rng(0)
    x = np.column_stack([generator.normal(5, 3, 50), np.full(50, 0.1), np.zeros(50)])
    table = Table("t", x, ["a", "b", "c"], np.zeros(50, np.int64))
    train, test = np.arange(40), np.arange(40, 50)
    x_train, x_test = standardise(table, train, test)
    np.testing.assert_allclose(x_train[:, 0].mean(), 0, atol=1e-12)
    np.testing.assert_allclose(x_train[:, 0].std(), 1)
    np.testing.assert_allclose(x_test[:, 0], (x[40:, 0] - x[:40, 0].mean()) / x[:40, 0].std())
    np.testing.assert_allclose(np.vstack([x_train, x_test])[:, 1:], 0, atol=1e-15)


def test_scaling_refuses_what_overflows() -> None:
    x = np.array([[1e300, 1.0], [-1e300, 2.0], [1e300, 3.0]])
    table = Table("t", x, ["big", "small"], np.zeros(3, np.int64))
    with pytest.raises(UserError, match="column 'big' holds numbers too large"):
        standardise(table, np.arange(2), np.arange(2, 3))
