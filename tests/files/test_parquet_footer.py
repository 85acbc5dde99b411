"""Sizes that a Parquet file states, read where pyarrow would end the process."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from wordsparse.errors import InputError
from wordsparse.files.parquet_footer import MOST_BYTES, column_chunks

READ = """
import sys
from wordsparse.corpus.reading import sentences
from wordsparse.errors import InputError
from wordsparse.words.model_directory import read_vectors
for path in sys.argv[1:]:
    for read in (read_vectors, lambda path: list(sentences(path, column="word"))):
        try:
            read(path)
        except InputError:
            pass
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    arrow = pytest.importorskip("pyarrow")
    columns = {"word": ["a", "b", None] * 50, "vector": [[1.0, 2.0]] * 150, "n": list(range(150)), "t": [b"x"] * 150}
    path = tmp_path / "t.parquet"
    pytest.importorskip("pyarrow.parquet").write_table(arrow.table(columns), path, row_group_size=40)
    return path


def test_sizes_are_those_that_pyarrow_states(table: Path) -> None:
    metadata = pytest.importorskip("pyarrow.parquet").read_metadata(table)
    found = column_chunks(table)
    expected = [metadata.row_group(g).column(i) for g in range(metadata.num_row_groups) for i in range(4)]
    assert [chunk.column for chunk in found] == [part.path_in_schema.partition(".")[0] for part in expected]
    for chunk, part in zip(found, expected, strict=True):
        width = {"BYTE_ARRAY": 2, "DOUBLE": 8, "INT64": 8}[part.physical_type]
        assert chunk.bytes == max(part.total_uncompressed_size, width * part.num_values)


def test_no_damage_of_a_footer_ends_the_process(table: Path, tmp_path: Path) -> None:
    # One byte in six hundred of a footer did: pyarrow throws where the metadata of a column is asked for.
    data, random = table.read_bytes(), np.random.default_rng(0)
    length = int.from_bytes(data[-8:-4], "little")
    paths = []
    for i in range(400):
        damaged = bytearray(data)
        damaged[random.integers(len(data) - 8 - length, len(data) - 8)] = random.integers(256)
        paths.append(tmp_path / f"{i}.parquet")
        paths[-1].write_bytes(damaged)
    assert subprocess.run([sys.executable, "-c", READ, *paths], timeout=100, check=False).returncode == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cut short"),
        (b"PAR1" + b"x" * 20, "cut short"),
        (b"PAR1\x00\x00\x00\x00\x00PAR1", "damaged"),
        (b"PAR1" + b"\x1c" * 100 + b"\x64\x00\x00\x00PAR1", "damaged"),
        (b"PAR1" + b"\x49\xff\xff\xff\xff\x7f\x0c\x06\x00\x00\x00PAR1", "damaged"),
        (b"PAR1" + bytes(MOST_BYTES + 1) + (MOST_BYTES + 1).to_bytes(4, "little") + b"PAR1", "larger groups"),
    ],
)
def test_damaged_footers_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "t.parquet").write_bytes(content)
    with pytest.raises(InputError, match=message):
        column_chunks(tmp_path / "t.parquet")
