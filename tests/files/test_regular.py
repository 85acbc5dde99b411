"""Special files in an untrusted directory are refused, and files are read up to a maximum size."""

import os
from pathlib import Path

import pytest

from wordsparse.cards.card import load_card
from wordsparse.errors import InputError
from wordsparse.evaluation.testsets import read_analogies, read_pairs
from wordsparse.files import regular
from wordsparse.vectors.formats import read_file

SPECIAL = {
    "named pipe": os.mkfifo,
    "character device": lambda path: path.symlink_to("/dev/zero"),
    "directory": Path.mkdir,
}
SINGLE = {"pairs": read_pairs, "analogies": read_analogies, "card": load_card, "vectors": read_file}


@pytest.mark.parametrize("kind", SPECIAL)
@pytest.mark.parametrize("read", SINGLE.values(), ids=SINGLE)
def test_only_regular_files_are_read(tmp_path, read, kind):
    # Without a limit, reading /dev/zero would never end, and reading a FIFO would block.
    SPECIAL[kind](tmp_path / "special")
    with pytest.raises(InputError, match=r"regular file|directory"):
        read(tmp_path / "special")
    for name, message in (("missing", "No such file"), ("x" * 300, "cannot be read")):
        with pytest.raises(InputError, match=message):
            read(tmp_path / name)


def test_a_file_is_read_to_its_bound_only(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(b"12345")
    assert regular.read_bytes(path, 5) == b"12345"
    with pytest.raises(InputError, match="more than 4 bytes"):
        regular.read_bytes(path, 4)
    path.write_bytes(b"\xef\xbb\xbfab")
    assert regular.read_text(path, 5) == "ab"
    path.write_bytes(b"\xff")
    with pytest.raises(InputError, match="not UTF-8"):
        regular.read_text(path, 5)
