"""Tables of every kind are read as text, baskets, labelled texts, counted pairs and edges."""

import csv
import io
import json
import math
import os
import sqlite3
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet
import pytest
from pyarrow import dataset
from support.texts import PACKED, sentences

import wordsparse as ws
from wordsparse import optional
from wordsparse.cli import main
from wordsparse.corpus import blocks, encode
from wordsparse.corpus.reading import RawText, joined
from wordsparse.corpus.sources import find_files
from wordsparse.corpus.tables import files, groups, table_blocks, table_rows
from wordsparse.corpus.tables.hive import NULL
from wordsparse.counts.tables import Words
from wordsparse.counts.tables import pairs as counted_pairs
from wordsparse.errors import InputError, WordsparseError
from wordsparse.files import unpacking
from wordsparse.graphs.options import GraphOptions
from wordsparse.graphs.reading import read_graph
from wordsparse.labels import read_texts

Rows = list[dict[str, Any]]
FILES = ["t.csv", "t.tsv", "t.csv.gz", "t.csv.xz", "t.jsonl", "t.jsonl.bz2", "t.ndjson.zst", "t.parquet"]
FRAMES: dict[str, Any] = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "arrow": pa.Table.from_pylist}
KINDS = [*FILES, *FRAMES, "mappings"]


def made(kind: str, rows: Rows, folder: Path) -> Any:
    """Return the rows as a table of the given kind."""
    if "." not in kind:
        return FRAMES.get(kind, iter)(rows)
    path = folder / kind
    if ".parquet" in kind:
        pa.parquet.write_table(pa.Table.from_pylist(rows), path, row_group_size=2)
        return path
    if "json" in kind:
        text = "".join(json.dumps(row, ensure_ascii=i % 2 == 0) + "\n" for i, row in enumerate(rows))
    else:
        file = io.StringIO()
        table = csv.DictWriter(file, list(rows[0]), delimiter="\t" if ".tsv" in kind else ",")
        table.writeheader()
        table.writerows(rows)
        text = file.getvalue()
    path.write_bytes(PACKED.get(path.suffix, bytes)(text.encode()))
    return path


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=[1, 2**20], ids=["small blocks", "blocks"])
def small(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", request.param)
    monkeypatch.setattr(files, "ROWS", min(request.param + 1, 1024))
    monkeypatch.setattr(groups, "PIECE", request.param)


TEXTS: Rows = [
    {"id": 1, "text": "a b 007"},
    {"id": 2, "text": 'c, "d"\ne; f'},
    {"id": 3, "text": ""},
    {"id": 4, "text": "é 猫\tNA"},
    {"id": 5, "text": None},
    {"id": 6, "text": "nul\0 a"},
]
SENTENCES = [["a", "b", "007"], ["c,", '"d"'], ["e;", "f"], ["é", "猫", "NA"], ["nul\0", "a"]]


@pytest.mark.usefixtures("small")
def test_a_column_is_text(kind: str, tmp_path: Path) -> None:
    """The compiled scanner and Python give the same tokens, and words stay as they are written."""
    assert list(sentences(made(kind, TEXTS, tmp_path), column="text")) == SENTENCES
    corpus = encode(made(kind, TEXTS, tmp_path), tmp_path / "out", column="text", min_count=1)
    plain = encode(SENTENCES, tmp_path / "plain", min_count=1)
    assert corpus.sha256 == plain.sha256
    simple = encode(made(kind, TEXTS, tmp_path), tmp_path / "simple", column="text", tokens="simple", min_count=1)
    assert sorted(simple.vocabulary.words) == sorted({*"abcdefé猫", "na", "nul"})


@pytest.mark.usefixtures("small")
def test_a_row_of_text_occurs_as_often_as_its_weight(kind: str, tmp_path: Path) -> None:
    rows = [{**row, "n": 1 + i % 3} for i, row in enumerate(TEXTS)]
    expected = sorted(tokens for tokens, times in zip(SENTENCES, (1, 2, 2, 1, 3), strict=True) for _ in range(times))
    assert sorted(sentences(made(kind, rows, tmp_path), column="text", weight_column="n")) == expected
    corpus = encode(made(kind, rows, tmp_path), tmp_path / "out", column="text", weight_column="n", min_count=1)
    plain = encode(expected, tmp_path / "plain", min_count=1)
    assert dict(zip(corpus.vocabulary.words, corpus.vocabulary.counts, strict=True)) == dict(
        zip(plain.vocabulary.words, plain.vocabulary.counts, strict=True)
    )


LISTS: Rows = [{"id": 1, "text": ["New York", "is"]}, {"id": 2, "text": None}, {"id": 3, "text": ["x", ""]}]


def test_cells_have_other_types_too(tmp_path: Path) -> None:
    """pandas reads lists in Parquet files as NumPy arrays; polars has categorical columns, and Arrow dictionaries."""
    lists = pd.DataFrame({"text": [np.array(["New York", "is"]), np.array(["x", "y"]), None]})
    assert encode(lists, tmp_path / "lists", column="text", min_count=1).tokens == 4
    texts = pl.DataFrame({"text": ["a b", None, "a b", "c"]}, schema={"text": pl.Categorical})
    assert encode(texts, tmp_path / "texts", column="text", min_count=1).vocabulary.words == ["a", "b", "c"]
    words = pa.array(["a b", None, "c"])
    for name, cells in (("plain", words), ("dictionary", words.dictionary_encode())):
        pa.parquet.write_table(pa.table({"text": cells}), tmp_path / "t.parquet")
        assert list(sentences(tmp_path / "t.parquet", column="text")) == [["a", "b"], ["c"]]
        assert encode(tmp_path / "t.parquet", tmp_path / name, column="text", min_count=1).tokens == 3


@pytest.mark.parametrize("kind", ["t.jsonl", "t.parquet", *FRAMES, "mappings"])
def test_a_list_of_tokens_is_a_sentence(kind: str, tmp_path: Path) -> None:
    assert list(sentences(made(kind, LISTS, tmp_path), column="text")) == [["New York", "is"], ["x"]]
    corpus = encode(made(kind, LISTS, tmp_path), tmp_path / "out", column="text", min_count=1)
    assert sorted(corpus.vocabulary.words) == ["New York", "is", "x"]


BASKETS: Rows = [
    {"user": 2, "item": "Toy Story", "at": "2026-01-03"},
    {"user": 10, "item": "Heat", "at": "2026-01-02T10:00:00+01:00"},
    {"user": 2, "item": "Alien", "at": "2025-12-31"},
    {"user": None, "item": "Jaws", "at": "2026-01-01"},
    {"user": 10, "item": "Jaws", "at": "2026-01-02 08:30"},
    {"user": 2, "item": None, "at": "2026-01-01"},
]


def grouped(source: Any, **how: Any) -> list[list[str]]:
    """Return the baskets of a source."""
    return list(joined(RawText(source, column="item", group_by="user", **how).pieces()))


@pytest.mark.usefixtures("small")
def test_rows_become_baskets(kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert grouped(made(kind, BASKETS, tmp_path)) == [["Heat", "Jaws"], ["Toy Story", "Alien"]]
    assert grouped(made(kind, BASKETS, tmp_path), order_by="at") == [["Jaws", "Heat"], ["Alien", "Toy Story"]]
    assert "rows without 'user' are left out: 1" in caplog.text
    weighted = [row | {"n": 1 + i % 3} for i, row in enumerate(BASKETS)]
    times = [row for row in weighted for _ in range(row["n"])]
    for order in (None, "at"):
        assert grouped(made(kind, weighted, tmp_path), order_by=order, weight_column="n") == grouped(
            times, order_by=order
        )


LABELLED: Rows = [
    {"text": "the cat", "tags": "a, b"},
    {"text": "a; b", "tags": "b"},
    {"text": "x", "tags": ""},
]


@pytest.mark.parametrize("name", FILES)
def test_rows_are_labelled_texts_pairs_and_edges(name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    labelled = read_texts(made(name, LABELLED, tmp_path), "text", "tags")
    assert labelled == (["the cat", "a; b", "x"], [["a", "b"], ["b"], []])
    assert "1 of 3 texts have no label" in caplog.text
    pairs = [{"word": "007", "context": "NA", "count": 2.5}, {"word": "b", "context": "007", "count": 1}]
    known = Words()
    blocks = list(counted_pairs([made(name, pairs, tmp_path)], known))
    texts = [[[*known.numbers][number] for block in blocks for number in block[column]] for column in (0, 1)]
    assert texts == [["007", "b"], ["NA", "007"]]
    assert [count for block in blocks for count in block[2]] == [2.5, 1]
    edges = [{"source": "007", "target": "NA", "weight": 2}, {"source": "NA", "target": "b", "weight": 1}]
    nodes, graph = read_graph([made(name, edges, tmp_path)], GraphOptions(ends="source,target", edge_weight="weight"))
    assert nodes == ["007", "NA", "b"]
    assert graph.toarray().tolist() == [[0, 2, 0], [2, 0, 1], [0, 1, 0]]


def test_the_header_tells_the_delimiter(tmp_path: Path) -> None:
    for mark in files.DELIMITERS:
        path = tmp_path / "t.txt"
        path.write_text(f'id{mark}text\n1{mark}"a{mark} b"\n\n2{mark}c\n')
        assert list(sentences(path, "csv", column="text")) == [[*f"a{mark} b".split()], ["c"]]
    path.write_text(f"{'x' * 200_000},text\n1,a b\n")
    assert list(sentences(path, "csv", column="text")) == [["a", "b"]]


def test_files_of_several_formats_are_one_table(tmp_path: Path) -> None:
    for number, row in enumerate(BASKETS[:3]):
        made(["0.csv", "1.jsonl", "2.parquet"][number], [row], tmp_path)
    assert grouped(tmp_path, order_by="at") == [["Heat"], ["Alien", "Toy Story"]]
    (tmp_path / "3.txt").write_text("text")
    with pytest.raises(InputError, match=r"3\.txt: its name does not say how its rows are stored: name the format csv"):
        sentences(tmp_path, column="text")


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("t.csv", b"id,text\n1,a\n2,b,c\n", "row 2 has 3 cells, but there are 2 columns"),
        ("t.csv", b'id,text\n1,"a\nb"\n\n1\n', "row 3 has 1 cells"),
        ("t.csv", b'id,text\n1,"a" b\n', r"row 1 \(line 2\) is not valid CSV"),
        ("t.csv", b'id,text\n1,a\n2,"a b\n', r"row 2 .* is not valid CSV: unexpected end of data"),
        ("t.csv", b"id,text\n1,\xff\n", "line 2 is not UTF-8 text"),
        ("t.csv", b"id,words\n1,a\n", "has no column 'text'; name one of its columns: 'id', 'words'"),
        ("t.csv", b"text,text\na,b\n", "has 2 columns 'text'"),
        ("t.csv", b"text\rid,a\n", "has no column 'text'"),  # old Macs end lines with \r
        ("t.jsonl", b'{"text": "a"}\n\n{"text"\n', "line 3 is not a JSON object"),
        ("t.jsonl", b'{"text": "a"}\n["b"]\n', r"line 2 is \['b'\], not a mapping \(a JSON object\)"),
        ("t.jsonl", b'{"text": "a"}, {"text": "b"}\n', "line 1 is not a JSON object"),
        ("t.jsonl", b'{"text": "a"}\n{"body": "b"}\n', "line 2 has no 'text'; it has the keys 'body': name a column"),
        ("t.jsonl", b'{"text": "a"}\n\n{"text": 7}\n', "row 3 holds 7, which is neither text nor a list of tokens"),
        ("t.jsonl", b"[" * 100_000, "line 1 is not a JSON object"),
        ("t.jsonl", b'{"text": ["a", 7]}\n', "a word must be a str, not 7"),
        ("t.jsonl", b'{"text": "a \\ud800"}\n', "is not valid Unicode text"),
        ("t.parquet", b"PAR1\x15 no such file", "cannot be read as Parquet"),
        ("t.parquet", b"words", "cannot be read as Parquet"),
    ],
)
def test_a_bad_row_is_named(name: str, data: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=message):
        encode(tmp_path / name, tmp_path / "out", column="text", min_count=1)
    assert not (tmp_path / "out").exists()


def test_a_line_has_a_bounded_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LINE_BYTES", 1000)
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 100)
    (tmp_path / "t.jsonl").write_bytes(b'{"text": "a"}\n{"text": "' + b"a " * 10_000)
    with pytest.raises(InputError, match="line 2 has more than 1,000 bytes"):
        list(sentences(tmp_path / "t.jsonl", column="text"))


@pytest.mark.parametrize("form", ["text", "tokens", "long list"])
def test_the_text_of_a_parquet_file_is_bounded(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Previously, a file of 2 KB unpacked to 60 GB, because thousands of cells share one stored value."""
    monkeypatch.setattr(unpacking, "ALWAYS_ALLOWED", 2**20)
    times, text = (2**21, "ab") if form == "long list" else (1000, "ab " * 10_000)
    word = pa.DictionaryArray.from_arrays(pa.array([0] * times, pa.int32()), [text])
    cells = word if form == "text" else pa.ListArray.from_arrays([0, times // 2, times], word)
    path = tmp_path / "t.parquet"
    pa.parquet.write_table(pa.table({"text": cells}), path, compression="zstd", store_schema=False)
    assert path.stat().st_size < 5000
    with pytest.raises(InputError, match=r"unpacks to more than 1,048,576 bytes"):
        list(sentences(path, column="text"))


def test_cells_of_parquet_that_are_no_text(tmp_path: Path) -> None:
    for cells, message in (
        ([{"a": "b"}], "row 1 holds {'a': 'b'}, which is neither text nor a list"),
        ([b"x"], "neither text nor a list"),
        ([b"a\xff"], r"row 1: is not UTF-8 text"),
    ):
        path = tmp_path / "t.parquet"
        array = pa.array(cells)
        if cells == [b"a\xff"]:
            array = pa.Array.from_buffers(pa.string(), 1, array.buffers())
        pa.parquet.write_table(pa.table({"text": array}), path)
        with pytest.raises(InputError, match=message):
            encode(path, tmp_path / "out", column="text", min_count=1)
    with pytest.raises(InputError, match=message):  # previously UnicodeDecodeError
        list(RawText(path, column="text", group_by="text").pieces())
    with pytest.raises(InputError, match="has no column 'body'; name one of its columns: 'text'"):
        list(sentences(path, column="body"))
    os.mkfifo(tmp_path / "fifo.parquet")
    with pytest.raises(InputError, match="is no regular file"):
        list(sentences(tmp_path / "fifo.parquet", column="text"))


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["10", "9", "1e1"], [1, 0, 2]),  # sorted as numbers, not as text
        ([2**62 + 1, 2**62, 2**62 + 2], [1, 0, 2]),
        ([3.0, 2, np.int64(1)], [2, 1, 0]),
        ([2**64 - 1, np.uint64(2**64 - 2), 2**70 + 1, 2**70], [1, 0, 3, 2]),
        ([np.int64(2**62 + 1), np.int64(2**62)], [1, 0]),
        ([Decimal("1700000000.123456789"), "1700000000.123456788", 1e308, "-inf"], [3, 1, 0, 2]),
        (["2026-01-01T00:00:00.000000002", "2026-01-01T00:00:00.000000001", "2026-01-01"], [2, 1, 0]),
        ([pd.Timestamp(1_700_000_000_000_000_000 + ns) for ns in (999, 998, 1000, 1)], [3, 1, 0, 2]),
        ([pd.Timestamp("2026-02-01"), pd.Timestamp("2026-01-01"), pd.Timestamp("2026-03-01", tz="UTC")], [1, 0, 2]),
    ],
)
def test_numbers_and_dates_have_an_order(cells: list[Any], expected: list[int]) -> None:
    rows = [{"user": "u", "item": i, "at": cell} for i, cell in enumerate(cells)]
    assert grouped(rows, order_by="at") == [[str(i) for i in expected]]


def test_cells_of_baskets_are_split_by_a_tokeniser_or_are_lists() -> None:
    rows = [{"user": 1.0, "item": "The Cat."}, {"user": 1, "item": ["a b", "c"]}, {"user": "1", "item": "sat"}]
    assert grouped(rows) == [["The Cat.", "a b", "c", "sat"]]
    assert grouped(rows, tokens="simple") == [["the", "cat", "a b", "c", "sat"]]


def test_cells_in_lists_are_read_as_single_cells() -> None:
    """Previously, the number 1.0 in a list was the item 1.0, NumPy's integers were refused, and 2**63 was an
    OverflowError."""
    cells = [1.0, np.int64(2), 2**63, None, float("nan"), Decimal("1.5"), "a b", True]
    alone = [{"user": 1, "item": cell} for cell in cells]
    assert grouped([{"user": 1, "item": cells}]) == grouped(alone) == [["1", "2", str(2**63), "1.5", "a b", "True"]]
    with pytest.raises(InputError, match=r"row 1 holds \['a'\], which is neither text nor a number"):
        grouped([{"user": 1, "item": [["a"]]}])


def test_a_text_with_a_lone_surrogate_is_named(tmp_path: Path) -> None:
    """Previously, one tokeniser did not name the row, and another left the character out."""
    (tmp_path / "rows.jsonl").write_text('{"text": "a cat"}\n{"text": "a \\ud800"}\n')
    for tokens in ("split", "unicode"):
        with pytest.raises(InputError, match=r"rows\.jsonl: row 2 holds 'a \\ud800', which is not valid Unicode text"):
            list(RawText(tmp_path / "rows.jsonl", tokens=tokens, column="text").pieces())


@pytest.mark.parametrize(
    ("how", "cells", "message"),
    [
        (
            {"column": "item", "group_by": "user", "order_by": "at"},
            ["12/31/2026"],
            "row 1: '12/31/2026' in 'at' is neither",
        ),
        ({"column": "item", "group_by": "user", "order_by": "at"}, [1, None], "row 2: (None|nan) in 'at' is neither"),
        (
            {"column": "item", "group_by": "user", "order_by": "at"},
            [1, "2026-01-01"],
            "a date, but a number is expected",
        ),
        ({"column": "item", "group_by": "users"}, [1], "row 1 has no 'users'"),
        ({"column": "item", "group_by": "user", "order_by": "when"}, [1], "row 1 has no 'when'"),
        ({"column": "at", "group_by": "user"}, [b"x"], "neither text nor a number"),
        ({"group_by": "user"}, [1], "needs the name of the column"),
        ({"column": "item", "order_by": "at"}, [1], "name their column too"),
        ({"weight_column": "at"}, [1], "needs the name of the column"),
        *(
            (
                {"column": "item", "weight_column": "at", **group},
                [1, cell],
                f"row 2: .* in 'at' is no weight: give a {numbers}",
            )
            for group, numbers, cells in (
                ({}, "whole number", [1.5, "0.2"]),
                ({"group_by": "user"}, "number above 0", []),
            )
            for cell in (0, -1, math.nan, math.inf, "two", None, 100_001, *cells)
        ),
    ],
)
@pytest.mark.parametrize("frame", [False, True])
def test_what_cannot_be_grouped_is_refused(how: dict[str, Any], cells: list[Any], message: str, frame: bool) -> None:
    rows: Any = [{"user": "u", "item": "i", "at": cell} for cell in cells]
    if frame:
        rows, message = pd.DataFrame(rows), message.replace("row 1 has no", "the data frame has no column")
    with pytest.raises(InputError, match=message):
        list(RawText(rows, **how).pieces())
    with pytest.raises(InputError, match="the column 'at' needs single rows, but rows are grouped by 'user'"):
        next(RawText(BASKETS, column="item", group_by="user").rows(["at"]))


def test_a_directory_in_which_no_rows_can_be_sorted_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Previously, the message for a read-only directory was ``disk I/O error``, as for a broken disk."""

    def broken(*_: Any, **__: Any) -> Any:
        raise sqlite3.OperationalError("disk I/O error")

    text = RawText([{"word": "a", "user": 1}], column="word", group_by="user")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(sqlite3, "connect", broken)
    with pytest.raises(WordsparseError, match=f"sorted on disk: {tmp_path}: disk I/O error; set TMPDIR to another"):
        list(text.pieces())
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(
        WordsparseError, match=f"none of {tmp_path}, .*, /tmp, . can be written to; set TMPDIR to a dir"
    ):
        list(text.pieces())


@pytest.mark.parametrize("missing", [Decimal("sNaN"), pd.NA, pd.NaT])
def test_a_value_that_cannot_be_compared_is_missing(missing: object) -> None:
    rows = [{"user": "u", "item": "i", "at": 1}, {"user": missing, "item": "j", "at": 1}]
    assert grouped(rows) == [["i"]]
    with pytest.raises(InputError, match="in 'at' is neither a number nor a date"):
        grouped([{"user": "u", "item": "i", "at": missing}], order_by="at")


def test_baskets_are_trained_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Previously, the error for rows with one item each spoke of windows, and did not mention --group-by."""
    random = np.random.default_rng(0)
    rows = [{"user": i % 100, "item": f"i{random.integers(10)}", "at": i} for i in range(1000)]
    path, asked = str(made("t.csv", rows, tmp_path)), ["--column", "item", "--for", "items", "--dim", "3", "-q"]
    assert main(["train", path, *asked, "-o", str(tmp_path / "m")]) == 1
    assert "--group-by COLUMN" in capsys.readouterr().err
    assert main(["train", path, *asked, "-o", str(tmp_path / "m2"), "--group-by", "user", "--order-by", "at"]) == 0
    assert ws.load(tmp_path / "m2").training.text["sentences"] == 100
    assert main(["train", path, *asked, "-o", str(tmp_path / "m3"), "--group-by", "buyer"]) == 2
    assert "has no column 'buyer'; name one of its columns: 'user', 'item', 'at'" in capsys.readouterr().err


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl"])
def test_names_of_directories_are_columns(suffix: str, tmp_path: Path) -> None:
    """Previously, --order-by month found no column in ``lake/month=2/part.parquet``."""
    lake = tmp_path / "lake"
    for month, item in ((10, "c"), (2, "b"), (1, "a")):
        folder = lake / f"shop=A%20{month % 2}" / f"month={month:02}"
        folder.mkdir(parents=True)
        made(f"part{suffix}", [{"user": user, "item": item} for user in "xy"], folder)
    paths = find_files([lake])
    rows = [row for block in table_blocks(paths, ["month", "item", "shop"]) for _, row in block.rows()]
    if suffix == ".parquet":
        expected = dataset.dataset(lake, partitioning="hive").to_table().select(["month", "item", "shop"]).to_pylist()
        assert sorted(rows) == sorted(tuple(row.values()) for row in expected)
    assert sorted(set(rows)) == [(1, "a", "A 1"), (2, "b", "A 0"), (10, "c", "A 0")]
    how: Any = {"column": "item", "group_by": "user", "order_by": "month"}
    assert [words for words, _ in RawText(lake, **how).pieces() if words] == [["a", "b", "c"]] * 2
    assert [*table_rows(paths[0], ["month"])] == [(f"{paths[0]}: row {i}", (2,)) for i in (1, 2)]
    with pytest.raises(InputError, match=r"is a table, whose columns are 'user', 'item', 'shop', 'month'"):
        RawText(lake)


@pytest.mark.parametrize("texts", [["1", "-02"], ["7", "x"], ["+2"], [str(2**31)], ["%31", NULL], ["2026-01"]])
def test_types_of_columns_in_names_of_directories_are_pyarrows(texts: list[str], tmp_path: Path) -> None:
    for text in texts:
        (tmp_path / f"k={text}").mkdir()
        made("a.parquet", [{"a": 1}], tmp_path / f"k={text}")
    cells = [cell for block in table_blocks(find_files([tmp_path]), ["k"]) for cell in block.cells()[0]]
    assert cells == dataset.dataset(tmp_path, partitioning="hive").to_table()["k"].to_pylist()


def test_a_column_of_a_file_precedes_a_name_of_its_directory(tmp_path: Path) -> None:
    (tmp_path / "item=b").mkdir()
    path = made("a.csv", [{"item": "a"}], tmp_path / "item=b")
    assert [row for _, row in table_rows(path, ["item"])] == [("a",)]


def test_a_directory_of_tables_is_trained_on(tmp_path: Path) -> None:
    """Previously, --resume with a directory asked for --column again."""
    rows = [{"user": i % 40, "item": f"i{i % 7}"} for i in range(400)]
    options = ["--column", "item", "--group-by", "user", "--for", "items", "--dim", "3"]
    for name, more in (("old", options), ("new", ["--resume"])):
        (tmp_path / name / "day=1").mkdir(parents=True)
        made("part.parquet", rows, tmp_path / name / "day=1")
        rows.append({"user": 1, "item": "i9"})
        assert main(["train", str(tmp_path / name), *more, "-o", str(tmp_path / "m"), "-q"]) == 0
    assert "i9" in ws.load(tmp_path / "m")


@pytest.mark.parametrize("make", FRAMES.values(), ids=list(FRAMES))
def test_a_frame_is_a_text(make: Any) -> None:
    """Previously, iterating over a data frame gave column names or Arrow columns in place of rows."""
    frame = make([{"text": "The cat sat."}, {"text": None}, {"text": "the dog sat"}] * 20)
    model = ws.train(frame, column="text", tokens="simple", dim=3, progress=False)
    assert sorted(model) == ["cat", "dog", "sat", "the"]
    with pytest.raises(InputError, match="needs the name of the column"):
        ws.train(frame)
    with pytest.raises(InputError, match="has no column 'body'; name one of its columns: 'text'"):
        ws.train(frame, column="body")


COMMANDS: list[Any] = [ws.encode, ws.count, lambda text, output: ws.train(text, output=output)]
if optional.installed("gensim"):  # without gensim's test sets, compare refuses these first
    COMMANDS.append(ws.compare)


@pytest.mark.parametrize("name", ["t.csv", "t.tsv.gz", "t.jsonl.bz2", "t.ndjson", "t.parquet"])
def test_a_table_without_a_column_is_refused(name: str, tmp_path: Path) -> None:
    """Previously, models were trained on the commas of CSV and the keys of JSON, with only a logged warning."""
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("a text beside the table")
    path = made(f"texts/{name}", TEXTS[:5], tmp_path)
    for call in (*COMMANDS, lambda text, output: ws.advise(text)):
        with pytest.raises(
            InputError, match=r"'text'.*--column NAME \(column=\).*--group-by.*--format lines"
        ) as caught:
            call(tmp_path / "texts", tmp_path / "out.parquet")
        assert str(caught.value).startswith(f"{path}: is a table, whose columns are ")
    with pytest.raises(InputError, match=f"{name}: is a table, whose columns are"):
        read_texts(path)
    for how in ({"format": "lines"}, {"column": "text"}):
        if name != "t.parquet" or "column" in how:
            assert list(sentences(path, **how))
    assert [each.name for each in tmp_path.iterdir()] == ["texts"]


def test_format_lines_reads_a_table_as_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A resumed run remembers --format lines for its own table; another table needs the option again."""
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("the cat sat on the mat\n" * 40)
    model, how = str(tmp_path / "m"), ["--format", "lines", "--dim", "3", "--epochs", "2", "-q"]
    assert main(["train", str(tmp_path / "a.csv"), "-o", model, *how]) == 0
    assert main(["train", str(tmp_path / "a.csv"), "-o", model, "--resume", "--epochs", "3", "-q"]) == 0
    assert main(["train", str(tmp_path / "b.csv"), "-o", model, "--resume", "-q"]) == 2
    assert "b.csv: is a table" in capsys.readouterr().err
    for command in ("documents", "infer"):
        asked = [command, model, str(tmp_path / "b.csv"), "-o", str(tmp_path / "out.npz")]
        assert main(asked) == 2
        assert "b.csv: is a table, whose columns are 'the cat sat on the mat'" in capsys.readouterr().err
    assert main(["documents", model, str(tmp_path / "b.csv"), "-o", str(tmp_path / "d.npy"), "--format", "lines"]) == 0
    assert len(np.load(tmp_path / "d.npy")) == 40


def test_tables_are_read_in_bounded_blocks(tmp_path: Path) -> None:
    for kind in ("t.csv", "t.jsonl", "t.parquet", "pandas", "mappings"):
        rows = [{"text": f"a{i}"} for i in range(5000)]
        table = made(kind, rows, tmp_path)
        source, is_frame = [table] if "." in kind else table, kind == "pandas"
        sizes = [len(block.numbers) for block in table_blocks(source, ["text"], is_frame=is_frame)]
        assert sum(sizes) == 5000
        assert kind == "t.jsonl" or max(sizes) <= 1024  # a block holds 2**20 bytes: the whole JSON file


def test_items_of_few_groups_are_left_out(caplog: pytest.LogCaptureFixture) -> None:
    rows = [(1, "a"), (1, "a"), (1, "b"), (2, "b"), ("2", "c"), (3, "c"), (3, "b")]
    table = [{"user": user, "item": item} for user, item in rows]
    assert grouped(table, min_groups=2) == [["b"], ["b", "c"], ["c", "b"]]
    assert "fewer than 2 groups have are left out: 2" in caplog.text
    assert grouped(table, min_groups=1) == grouped(table)
    with pytest.raises(InputError, match="min_groups counts groups of rows"):
        RawText([["a"]], min_groups=2)
