"""Hostile files and disks as a user meets them: bombs, files that change while they are read, and full disks."""

import os
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.texts import SHORT, disk_of, write_text

import wordsparse as ws
from wordsparse.corpus import EncodedCorpus
from wordsparse.corpus.blocks import read_blocks
from wordsparse.corpus.tables.arrow import parquet_blocks
from wordsparse.corpus.tables.files import csv_blocks
from wordsparse.errors import InputError, ReadError, WordsparseError
from wordsparse.labels import TextClassifier

# Parquet files of some kilobytes, as (size of a value, number of rows, options of the writer). pyarrow unpacks a column
# of large values at once, and a value that is stored once as often as rows use it.
BOMBS = {
    "large": (2**26 + 2**24, 1, {"use_dictionary": False, "write_statistics": False}),
    "dictionary": (2**20, 1500, {}),
    "repeated": (2**24, 60, {"store_schema": False}),
}
PEAK = """
import sys
from wordsparse.cli import main
status = main(sys.argv[1:])
print(open("/proc/self/status").read().split("VmHWM:")[1].split()[0])
sys.exit(status)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc/self/status is Linux's")
@pytest.mark.parametrize(("kind", "most"), [("large", 200_000), ("dictionary", 400_000), ("repeated", 1_400_000)])
def test_a_bomb_is_refused_before_it_fills_the_memory(tmp_path, kind, most):
    """Previously, the dictionary was read as valid, in as much memory as all its cells would need."""
    size, rows, options = BOMBS[kind]
    cells = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array(["a b " * (size // 4)]))
    pq.write_table(pa.table({"text": cells}), tmp_path / "bomb.parquet", compression="zstd", **options)
    command = [sys.executable, "-c", PEAK, "encode", "bomb.parquet", "--column", "text", "-o", "out"]
    done = subprocess.run(command, capture_output=True, cwd=tmp_path, check=False, text=True)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "bomb.parquet: unpacks to more than 67,108,864 bytes" in done.stderr
    assert int(done.stdout) < most  # kB
    assert os.listdir(tmp_path) == ["bomb.parquet"]


def replaced(path):
    other = path.with_name("other")
    other.write_bytes(bytes(4_000_000))
    os.replace(other, path)


def rewritten(path):
    with path.open("r+b") as file:
        file.seek(-50_000, os.SEEK_END)
        file.write(b"z" * 10)


def appended(path):
    with path.open("ab") as file:
        file.write(b"new words\n")


CHANGES = {"cut": lambda path: os.truncate(path, 1000), "appended": appended, "rewritten": rewritten}
READERS = {
    "text": read_blocks,
    "csv": lambda path: csv_blocks(path, ["text"]),
    "parquet": lambda path: parquet_blocks(path, ["text"]),
}


def written(path, kind):
    """Write a file of 3 MB, which readers read in parts, and set its time to the past."""
    lines = [f"w{number:06d} b c d" for number in range(200_000)]
    if kind == "parquet":
        pq.write_table(pa.table({"text": lines}), path, compression="none", use_dictionary=False, row_group_size=9999)
    else:
        path.write_text("\n".join(["text", *lines, ""]))
    os.utime(path, (1, 1))


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("kind", READERS)
def test_a_file_that_is_written_to_while_it_is_read_is_refused(tmp_path, kind, change):
    """Previously, a text that was cut, or written anew in place, was trained on without a word, half old and half
    new."""
    written(tmp_path / "file", kind)
    blocks = READERS[kind](tmp_path / "file")
    next(blocks)
    CHANGES[change](tmp_path / "file")
    with pytest.raises(InputError, match=r"file: (was changed while it was read|cannot be read)"):
        list(blocks)


@pytest.mark.parametrize("kind", READERS)
def test_a_file_that_is_replaced_while_it_is_read_is_read_as_it_was(tmp_path, kind):
    written(tmp_path / "file", kind)
    expected = list(READERS[kind](tmp_path / "file"))
    blocks = READERS[kind](tmp_path / "file")
    first = next(blocks)
    replaced(tmp_path / "file")
    assert [first, *blocks] == expected


def test_a_shard_that_is_written_to_while_it_is_read_is_refused(tmp_path):
    ws.encode(write_text(tmp_path / "text"), tmp_path / "corpus", min_count=1)
    (shard,) = EncodedCorpus.open(tmp_path / "corpus").shards
    os.utime(shard.path, (1, 1))  # stands for a change between ids of the vocabulary
    with pytest.raises(ReadError, match="was cut or altered"):
        shard[:10]


SAVED = {
    "model": lambda model, path: model.save(path, overwrite=True),
    "index": lambda model, path: ws.Search(model, ["w1 w2", "w3"]).save(path, overwrite=True),
    "labels": lambda _, path: TextClassifier().fit(["aa bb", "cc dd"] * 9, ["x", "y"] * 9).save(path, overwrite=True),
    "encoded": lambda _, path: ws.encode([["a", "b"] * 5000], path / "new", min_count=1),
}


@pytest.mark.parametrize("kind", SAVED)
def test_a_full_disk_leaves_the_old_state_and_no_temporary_file(tmp_path, kind):
    def content():
        return {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    model = ws.train(write_text(tmp_path / "text"), progress=False, **SHORT)
    if kind == "encoded":
        (tmp_path / "out").mkdir()
    else:
        SAVED[kind](model, tmp_path / "out")
    before, names = content(), sorted(tmp_path.rglob("*"))
    with disk_of(100), pytest.raises(WordsparseError, match="writing failed"):
        SAVED[kind](model, tmp_path / "out")
    assert content() == before
    assert sorted(tmp_path.rglob("*")) == names
