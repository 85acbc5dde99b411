"""Rows that share a value become a basket: from files, frames and mappings, in the order of a column."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet
import pytest

import wordsparse as ws
from wordsparse.cli import main
from wordsparse.corpus import baskets
from wordsparse.corpus.reading import RawText, joined
from wordsparse.errors import InputError

ROWS: list[dict[str, Any]] = [
    {"user": 2, "item": "Toy Story", "at": "2026-01-03"},
    {"user": 10, "item": "Heat", "at": "2026-01-02T10:00:00+01:00"},
    {"user": 2, "item": "Alien", "at": "2025-12-31"},
    {"user": None, "item": "Jaws", "at": "2026-01-01"},
    {"user": 10, "item": "Jaws", "at": "2026-01-02 08:30"},
    {"user": 2, "item": None, "at": "2026-01-01"},
]
AS_THEY_COME = [["Heat", "Jaws"], ["Toy Story", "Alien"]]
SORTED = [["Jaws", "Heat"], ["Alien", "Toy Story"]]


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    """The rows as a file of the format that its name tells."""
    if path.suffix == ".parquet":
        pa.parquet.write_table(pa.Table.from_pylist(rows), path)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        with open(path, "w", newline="") as file:
            table = csv.DictWriter(file, list(rows[0]))
            table.writeheader()
            table.writerows(rows)
    return path


def grouped(source: Any, **how: Any) -> list[list[str]]:
    """The baskets of a source."""
    return list(joined(RawText(source, column="item", group="user", **how).pieces()))


@pytest.mark.parametrize("kind", ["t.csv", "t.jsonl", "t.parquet", "pandas", "polars", "arrow", "mappings"])
def test_rows_of_any_kind_become_baskets(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(baskets, "PIECE", 1)
    makers: dict[str, Any] = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "arrow": pa.Table.from_pylist}
    source = written(tmp_path / kind, ROWS) if "." in kind else makers.get(kind, list)(ROWS)
    assert grouped(source) == AS_THEY_COME
    assert grouped(source, order="at") == SORTED
    assert "rows without 'user' are left out: 1" in caplog.text


def test_rows_of_several_files_are_one_basket(tmp_path: Path) -> None:
    for number, row in enumerate(ROWS[:3]):
        written(tmp_path / f"{number}.csv", [row])
    assert grouped([tmp_path], order="at") == [["Heat"], ["Alien", "Toy Story"]]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["10", "9", "1e1"], [1, 0, 2]),  # numbers, and not their digits
        ([2**62 + 1, 2**62, 2**62 + 2], [1, 0, 2]),
        ([3.0, 2, np.int64(1)], [2, 1, 0]),
        ([pd.Timestamp("2026-02-01"), pd.Timestamp("2026-01-01"), pd.Timestamp("2026-03-01", tz="UTC")], [1, 0, 2]),
    ],
)
def test_numbers_and_dates_have_an_order(cells: list[Any], expected: list[int]) -> None:
    rows = [{"user": "u", "item": i, "at": cell} for i, cell in enumerate(cells)]
    assert grouped(rows, order="at") == [[str(i) for i in expected]]


def test_words_are_what_a_tokeniser_or_a_list_says() -> None:
    rows = [{"user": 1.0, "item": "The Cat."}, {"user": 1, "item": ["a b", "c"]}, {"user": "1", "item": "sat"}]
    assert grouped(rows) == [["The Cat.", "a b", "c", "sat"]]
    assert grouped(rows, tokens="simple") == [["the", "cat", "a b", "c", "sat"]]


@pytest.mark.parametrize(
    ("how", "cells", "message"),
    [
        ({"column": "item", "group": "user", "order": "at"}, ["12/31/2026"], "row 1: '12/31/2026' in 'at' is neither"),
        ({"column": "item", "group": "user", "order": "at"}, [1, None], "row 2: None in 'at' is neither"),
        ({"column": "item", "group": "user", "order": "at"}, [1, "2026-01-01"], "a date, but a number stands before"),
        ({"column": "item", "group": "users"}, [1], "row 1 has no 'users'"),
        ({"column": "item", "group": "user", "order": "when"}, [1], "row 1 has no 'when'"),
        ({"column": "at", "group": "user"}, [b"x"], "neither text nor a number"),
        ({"group": "user"}, [1], "name the column that holds the words or items too"),
        ({"column": "item", "order": "at"}, [1], "name their column too"),
    ],
)
@pytest.mark.parametrize("frame", [False, True])
def test_what_cannot_be_grouped_is_refused(how: dict[str, Any], cells: list[Any], message: str, frame: bool) -> None:
    rows: Any = [{"user": "u", "item": "i", "at": cell} for cell in cells]
    if frame:
        rows, message = pd.DataFrame(rows), message.replace("row 1 has no", "the data frame has no column")
        message = "needs the name of the column" if "column" not in how else message
    with pytest.raises(InputError, match=message):
        list(RawText(rows, **how).pieces())
    with pytest.raises(InputError, match="grouped by 'user' are not used one by one, as 'at' needs"):
        next(RawText(ROWS, column="item", group="user").rows("at"))


def test_baskets_are_trained_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Rows of one item each ended in a sentence about windows, which named no remedy."""
    random = np.random.default_rng(0)
    rows = [{"user": i % 100, "item": f"i{random.integers(10)}", "at": i} for i in range(1000)]
    path, asked = str(written(tmp_path / "t.csv", rows)), ["--column", "item", "--for", "items", "--dim", "3", "-q"]
    assert main(["train", path, *asked, "-o", str(tmp_path / "m")]) == 1
    assert "--group-by COLUMN" in capsys.readouterr().err
    assert main(["train", path, *asked, "-o", str(tmp_path / "m2"), "--group-by", "user", "--order-by", "at"]) == 0
    assert ws.load(tmp_path / "m2").training.text["sentences"] == 100  # type: ignore[union-attr]
    assert main(["train", path, *asked, "-o", str(tmp_path / "m3"), "--group-by", "buyer"]) == 2
    assert "has no column 'buyer'; name one of its first line: 'user', 'item', 'at'" in capsys.readouterr().err


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.Table.from_pylist])
def test_a_frame_is_a_text(make: Any) -> None:
    """Its rows were Series or Arrow's columns, and its columns those of the message."""
    frame = make([{"text": "The cat sat."}, {"text": None}, {"text": "the dog sat"}] * 20)
    model = ws.train(frame, column="text", tokens="simple", dim=3, progress=False)
    assert sorted(model) == ["cat", "dog", "sat", "the"]
    with pytest.raises(InputError, match="needs the name of the column"):
        ws.train(frame)
    with pytest.raises(InputError, match="has no column 'body'; name one of its own: 'text'"):
        ws.train(frame, column="body")
