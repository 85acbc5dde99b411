"""Labelled rows in files: a plain parser decides what good files mean; bad ones are refused by line and column."""

import gzip
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

pytest.importorskip("sklearn", reason="it reads the lines")

from wordsparse.corpus import rows as reading
from wordsparse.corpus.rows import LabelledRows, read_data, write_text
from wordsparse.errors import InputError
from wordsparse.machine import memory


def plainly(content: str, header: bool) -> tuple[list[dict[int, float]], list[set[int]]]:
    """The features and the labels of each row, one number after the other."""
    rows: list[dict[int, float]] = []
    labels: list[set[int]] = []
    for line in (line for line in content.splitlines()[header:] if not line.lstrip().startswith("#")):
        line = line.partition("#")[0]
        parts = line.split()
        labelled = bool(parts) and ":" not in parts[0]
        labels.append({int(label) for label in parts[0].split(",")} if labelled else set())
        rows.append({int(f): float(v) for f, v in (part.split(":") for part in parts[labelled:])})
    return rows, labels


GOOD = {
    "header": ("3 5 4\n0,3 1:0.5 4:2\n2 0:1e-3\n 3:-7\n", True),
    "no header, unsorted labels, no end of line": ("3,0 1:0.5 4:2\n2 0:.5 1:5.", False),
    "tabs, carriage returns, comments": ("0\t1:1\t2:2 # 9:9 nan\r\n1  3:4 \r\n", False),
    "rows without anything": ("4 3 2\n0 1:1\n\n1\n 2:2\n", True),
    "a zero that is stored": ("1 0:0 1:0.0\n", False),
    "lines of comments, which are no rows": ("# qid\n0 1:1 # one\n\n  # two\n2 3:1\n# end\n", False),
}


@pytest.mark.parametrize("name", GOOD)
def test_good_files_are_read_as_a_plain_parser_does(name: str, tmp_path: Path) -> None:
    content, header = GOOD[name]
    path = tmp_path / "data.txt"
    path.write_text(content, newline="")
    data = read_data(path)
    rows, labels = plainly(content, header)
    assert (data.X.shape[0], data.Y.shape[0]) == (len(rows), len(labels))
    for i, (row, labelled) in enumerate(zip(rows, labels, strict=True)):
        part = slice(data.X.indptr[i], data.X.indptr[i + 1])
        assert dict(zip(data.X.indices[part].tolist(), data.X.data[part].tolist(), strict=True)) == pytest.approx(
            {feature: value for feature, value in row.items() if value}
        )
        assert set(data.Y.indices[data.Y.indptr[i] : data.Y.indptr[i + 1]].tolist()) == labelled
    assert data.X.has_sorted_indices
    assert data.Y.has_sorted_indices


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    X = sp.random_array((40, 30), density=0.2, rng=random, format="csr", dtype=np.float32)
    Y = sp.csr_array((sp.random_array((40, 9), density=0.2, rng=random, format="csr") > 0).astype(np.float32))
    write_text(tmp_path / "a.txt", LabelledRows(X, Y))
    data = read_data(tmp_path / "a.txt")
    assert (data.X != X).nnz == (data.Y != Y).nnz == 0
    assert (data.X.shape, data.Y.shape) == (X.shape, Y.shape)
    sp.save_npz(tmp_path / "x.npz", X)
    sp.save_npz(tmp_path / "y.npz", Y, compressed=False)
    saved = read_data(tmp_path / "x.npz", tmp_path / "y.npz")
    assert (saved.X != X).nnz == (saved.Y != Y).nnz == 0
    with gzip.open(tmp_path / "a.txt.gz", "wb") as file:
        file.write((tmp_path / "a.txt").read_bytes())
    assert (read_data(tmp_path / "a.txt.gz").X != X).nnz == 0


FORM = r"must be 'label,label feature:value …' of numbers, its features in ascending order"
BAD = {
    "1 2 3\n0 1:1\n0 1:x\n": f"line 3: {FORM} .could not convert string to float: b?'x'",
    "0 1:1\n0 1:1e39\n": "row 2: its feature 1 is no whole number from 0 to 2,147,483,646 with a finite",
    "0 1:1 5\n": f"line 1: {FORM}",
    "# one\n0 1:1\n# two\n2 3:1 3:2\n": f"line 4: {FORM}",
    "x" * 5000 + " 1:1\n": f"line 1: {FORM} .{{,100}}$",
    "0.5 1:1\n": "row 1: its label 0.5 is no whole number",
    "0 1:1\n\n0 2147483647:1\n": "row 3: its feature 2147483647 is no whole number from 0 to 2,147,483,646",
    "1 2 3\n3 1:1\n": "row 1: its label 3 is no whole number from 0 to 2",
    "1 2 3\n0 1:1\n0 1:1\n": "its first line states 1 rows, but 2 follow",
    "# nothing\n": "holds no rows",
    "1 9999999999 3\n": "line 1: more than",
}


@pytest.mark.parametrize("content", BAD)
def test_bad_lines_are_named(content: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.txt"
    path.write_text(content)
    with pytest.raises(InputError, match=f"bad.txt: ({BAD[content]})"):
        read_data(path)


def test_a_line_without_an_end_takes_little_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_LINE", 1000)
    (tmp_path / "long.txt").write_text("0 1:1\n0 " + "1:1 " * 1000)
    with pytest.raises(InputError, match=r"long\.txt: line 2 is longer than 1,000 bytes"):
        read_data(tmp_path / "long.txt")


def test_columns_that_no_memory_holds_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line of twenty bytes made a model of two thousand million labels: the process ran out of memory."""
    monkeypatch.setattr(memory, "least_left", lambda: (10**9, "available memory"))
    for content in ("1 2147483647 2147483647\n0 0:1\n", "2147483646 0:1\n", "0 2147483646:1\n"):
        (tmp_path / "y.txt").write_text(content)
        with pytest.raises(InputError, match=r"y\.txt: not enough memory: a model of .* needs about"):
            read_data(tmp_path / "y.txt")


def test_sizes_of_the_training_data_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "few.txt"
    path.write_text("0 1:1\n")
    data = read_data(path, n_features=7, n_labels=5)
    assert (data.X.shape, data.Y.shape) == ((1, 7), (1, 5))
    with pytest.raises(InputError, match="has 2 features, more than the 1 that are known"):
        read_data(path, n_features=1)


def broken(path: Path, **changed: object) -> Path:
    """An npz file of a small CSR matrix with some arrays replaced."""
    arrays = {
        "format": np.array(b"csr"),
        "shape": np.array([2, 3]),
        "data": np.ones(2, np.float32),
        "indices": np.array([0, 2], np.int32),
        "indptr": np.array([0, 1, 2], np.int32),
    }
    np.savez(path, **{**arrays, **changed})  # type: ignore[arg-type]
    return path


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"indices": np.array([0, 3])}, "out of range: 3 in row 1, but they go from 0 to 2"),
        ({"data": np.array([1, np.nan])}, "not a finite float32 number, first in row 1, column 2"),
        ({"indptr": np.array([0, 2])}, "is not a matrix saved by scipy.sparse.save_npz"),
        ({"format": np.array(b"nothing")}, "is not a matrix saved by scipy.sparse.save_npz"),
        ({"shape": np.array([2, 3, 4])}, "is not a matrix saved by scipy.sparse.save_npz"),
        ({"data": np.array([None, 1], object)}, "Object arrays cannot be loaded"),
    ],
)
def test_npz_files_are_not_trusted(changed: dict[str, object], message: str, tmp_path: Path) -> None:
    bad, good = broken(tmp_path / "bad.npz", **changed), broken(tmp_path / "good.npz")
    with pytest.raises(InputError, match=f"bad.npz: .*{message}"):
        read_data(bad, good)
    with pytest.raises(InputError, match=f"bad.npz: .*{message}"):
        read_data(good, bad)


def test_targets_belong_to_npz_files_of_as_many_rows(tmp_path: Path) -> None:
    X = broken(tmp_path / "x.npz")
    sp.save_npz(tmp_path / "y.npz", sp.csr_array((3, 4)))
    with pytest.raises(InputError, match=r"y.npz: has 3 rows, but .*x.npz has 2"):
        read_data(X, tmp_path / "y.npz")
    with pytest.raises(InputError, match="holds features only"):
        read_data(X)
    (tmp_path / "t.txt").write_text("0 1:1\n")
    with pytest.raises(InputError, match="is text, which holds its labels"):
        read_data(tmp_path / "t.txt", X)
    (tmp_path / "cut.npz").write_bytes(X.read_bytes()[:100])
    with pytest.raises(InputError, match=r"cut.npz: is not a matrix saved by scipy.sparse.save_npz"):
        read_data(tmp_path / "cut.npz", X)
