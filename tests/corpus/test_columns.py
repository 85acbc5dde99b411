import bz2
import csv
import gzip
import json
import os

import pytest

from wordsparse.corpus import blocks, columns, encode
from wordsparse.corpus.reading import sentences
from wordsparse.errors import InputError
from wordsparse.files import unpacking

ROWS = [
    {"id": 1, "text": "a b"},
    {"id": 2, "text": 'c, "d"\ne; f'},
    {"id": 3, "text": ""},
    {"id": 4, "text": "é 猫\tx"},
]
SENTENCES = [["a", "b"], ["c,", '"d"'], ["e;", "f"], ["é", "猫", "x"]]


def written(path, rows=ROWS, **options):
    """The rows as a file of the format that its name tells."""
    if ".parquet" in path.name:
        arrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
        pytest.importorskip("pyarrow.parquet").write_table(arrow.Table.from_pylist(rows), path)
        return path
    if ".jsonl" in path.name:
        data = "".join(json.dumps(row, ensure_ascii=row["id"] == 4) + "\n" for row in rows)
    else:
        with open(path, "w", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(file, list(rows[0]), **options)
            table.writeheader()
            table.writerows(rows)
        data = path.read_text()
    packed = {".gz": gzip.compress, ".bz2": bz2.compress}.get(path.suffix, bytes)(data.encode())
    path.write_bytes(packed)
    return path


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.jsonl", "t.jsonl.bz2", "t.parquet"])
@pytest.mark.parametrize("block_bytes", [1, 2**20])
def test_a_column_is_text(tmp_path, monkeypatch, name, block_bytes):
    monkeypatch.setattr(blocks, "BLOCK_BYTES", block_bytes)
    monkeypatch.setattr(columns, "ROWS", 2)
    path = written(tmp_path / name)
    assert list(sentences(path, column="text")) == SENTENCES
    corpus = encode(path, tmp_path / "out", column="text", tokens="simple", min_count=1)
    assert sorted(corpus.vocabulary.words) == sorted(["a", "b", "c", "d", "e", "f", "é", "猫", "x"])


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_header_tells_the_delimiter(tmp_path, delimiter):
    path = written(tmp_path / "t.tsv", delimiter=delimiter)
    assert list(sentences(path, column="text")) == SENTENCES
    assert list(sentences(path.rename(tmp_path / "t.txt"), "csv", column="text")) == SENTENCES


def test_a_directory_may_hold_several_formats(tmp_path):
    (tmp_path / "rows").mkdir()
    written(tmp_path / "rows" / "1.csv")
    written(tmp_path / "rows" / "2.jsonl")
    assert list(sentences(tmp_path / "rows", column="text")) == SENTENCES * 2
    (tmp_path / "rows" / "3.txt").write_text("text")
    with pytest.raises(InputError, match=r"3\.txt: its name does not say how its rows are stored: name the format csv"):
        sentences(tmp_path / "rows", column="text")


def test_a_list_of_tokens_is_a_sentence(tmp_path):
    for name in ("t.jsonl", "t.parquet"):
        path = written(tmp_path / name, [{"id": 1, "text": ["New York", "is"]}, {"id": 2, "text": None}])
        assert list(sentences(path, column="text")) == [["New York", "is"]]


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("t.csv", b"id,text\n1,a\n2,b,c\n", r"row 2 \(line 3\) has 3 cells, but the first line has 2"),
        ("t.csv", b"id,text\n1\n", "row 1 .* has 1 cells"),
        ("t.csv", b'id,text\n1,"a" b\n', r"row 1 \(line 2\) is not valid CSV"),
        ("t.csv", b'id,text\n1,"a b\n', "is not valid CSV: unexpected end of data"),
        ("t.csv", b"id,text\n1,\xff\n", "line 2 is not UTF-8 text"),
        ("t.csv", b"id,words\n1,a\n", "has no column 'text'; name one of its first line: 'id', 'words'"),
        ("t.csv", b"text,text\na,b\n", "has 2 columns 'text'"),
        ("t.csv", b"text\rid,a\n", "has no column 'text'"),  # the line ends of old Macs
        ("t.jsonl", b'{"text": "a"}\n\n{"text"\n', "line 3 is not a JSON object"),
        ("t.jsonl", b'{"text": "a"}\n["b"]\n', r"line 2 is not a JSON object, but \['b'\]"),
        (
            "t.jsonl",
            b'{"text": "a"}\n{"body": "b"}\n',
            "line 2 has no 'text'; it has 'body': name a column that every line has",
        ),
        ("t.jsonl", b'{"text": 7}\n', "row 1 holds 7, which is neither text nor a list of tokens"),
        ("t.jsonl", b"[" * 100_000, "line 1 is not a JSON object"),
        ("t.jsonl", b'{"text": ["a", 7]}\n', "a word must be a str, not 7"),
        ("t.jsonl", b'{"text": "a \\ud800"}\n', "is not valid Unicode text"),
        ("t.jsonl", gzip.compress(b"{}", mtime=0), "is compressed: give"),
        ("t.parquet", b"PAR1\x15 no such file", "cannot be read as Parquet"),
        ("t.parquet", b"words", "cannot be read as Parquet"),
    ],
)
def test_a_bad_row_is_named(tmp_path, name, data, said):
    if "parquet" in name:
        pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=said):
        encode(tmp_path / name, tmp_path / "out", column="text", min_count=1)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", ["text", "tokens", "long list"])
def test_the_text_of_a_parquet_file_is_bounded(tmp_path, monkeypatch, kind):
    """Two kilobytes held sixty gigabytes: a value that stands once in the file, and in thousands of cells."""
    monkeypatch.setattr(unpacking, "ALWAYS_ALLOWED", 2**20)
    arrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    times, text = (2**21, "ab") if kind == "long list" else (1000, "ab " * 100_000)
    word = arrow.DictionaryArray.from_arrays(arrow.array([0] * times, arrow.int32()), [text])
    cells = word if kind == "text" else arrow.ListArray.from_arrays([0, times // 2, times], word)
    path = tmp_path / "t.parquet"
    options = {"compression": "zstd", "store_schema": False, "dictionary_pagesize_limit": 2**30}
    pytest.importorskip("pyarrow.parquet").write_table(arrow.table({"text": cells}), path, **options)
    assert path.stat().st_size < 5000
    pool = arrow.default_memory_pool()
    before = pool.max_memory()
    with pytest.raises(InputError, match=r"unpacks to more than 1,048,576 bytes.*raise --max-expansion"):
        list(sentences(path, column="text"))
    assert pool.max_memory() < max(before, 2**24) + 2**24


def test_cells_of_parquet_that_are_no_text(tmp_path):
    arrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    write_table = pytest.importorskip("pyarrow.parquet").write_table
    none = {"text": ["a b", None, "c", None], "words": [["d", "e"], None, [], ["f"]]}
    write_table(arrow.table(none), tmp_path / "none.parquet")
    assert list(sentences(tmp_path / "none.parquet", column="text")) == [["a", "b"], ["c"]]
    assert list(sentences(tmp_path / "none.parquet", column="words")) == [["d", "e"], ["f"]]
    write_table(arrow.table({"text": [{"a": "b"}]}), tmp_path / "struct.parquet")
    with pytest.raises(InputError, match="the column 'text' holds struct"):
        list(sentences(tmp_path / "struct.parquet", column="text"))
    with pytest.raises(InputError, match="has no column 'body'; name one of its own: 'text', 'words'"):
        list(sentences(tmp_path / "none.parquet", column="body"))
    write_table(arrow.table(none), tmp_path / "bytes.parquet", store_schema=False)
    content = (tmp_path / "bytes.parquet").read_bytes()
    (tmp_path / "bytes.parquet").write_bytes(content.replace(b"words", b"wo\x8fds"))
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        list(sentences(tmp_path / "bytes.parquet", column="text"))
    os.mkfifo(tmp_path / "fifo.parquet")
    with pytest.raises(InputError, match="a regular file is expected"):
        list(sentences(tmp_path / "fifo.parquet", column="text"))


def test_a_line_has_a_bounded_size(tmp_path, monkeypatch):
    monkeypatch.setattr(columns, "LINE_BYTES", 1000)
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 100)
    (tmp_path / "t.jsonl").write_bytes(b'{"text": "a"}\n{"text": "' + b"a " * 10_000)
    with pytest.raises(InputError, match="line 2 has more than 1,000 bytes"):
        list(sentences(tmp_path / "t.jsonl", column="text"))


def test_a_name_of_a_column_may_be_long(tmp_path):
    (tmp_path / "t.csv").write_text(f"{'x' * 200_000},text\n1,a b\n")
    assert list(sentences(tmp_path / "t.csv", column="text")) == [["a", "b"]]


def test_rows_that_are_read_as_text_are_pointed_out(tmp_path, caplog):
    """A model was trained on the braces of JSON, without a word."""
    path = written(tmp_path / "t.jsonl.bz2")
    list(sentences(path))
    assert f"{path}: read as plain text; --column NAME (column=) reads one of its columns" in caplog.text
    caplog.clear()
    list(sentences(path, "lines"))
    list(sentences(path, column="text"))
    assert not caplog.records
