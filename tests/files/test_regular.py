"""Special files in an untrusted directory are refused, and files are read up to a maximum size."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import wordsparse as ws
from wordsparse.cards.card import load_card
from wordsparse.corpus import EncodedCorpus
from wordsparse.errors import InputError
from wordsparse.evaluation.testsets import read_analogies, read_pairs
from wordsparse.files import regular, storage
from wordsparse.training.checkpoints import Checkpoint
from wordsparse.vectors.word_vectors import read_file

SPECIAL: dict[str, Callable[[Path], None]] = {
    "named pipe": os.mkfifo,
    "character device": lambda path: path.symlink_to("/dev/zero"),
    "directory": Path.mkdir,
}
SINGLE = {"pairs": read_pairs, "analogies": read_analogies, "card": load_card, "vectors": read_file}


@pytest.mark.parametrize("kind", SPECIAL)
@pytest.mark.parametrize("read", SINGLE.values(), ids=SINGLE)
def test_only_regular_files_are_read(tmp_path: Path, read: Callable[[Path], object], kind: str) -> None:
    # `evaluate --pairs /dev/zero` grew without bound, and a FIFO blocked it.
    SPECIAL[kind](tmp_path / "special")
    with pytest.raises(InputError, match=kind):
        read(tmp_path / "special")
    for name, said in (("missing", "No such file"), ("x" * 300, "cannot be read")):
        with pytest.raises(InputError, match=said):
            read(tmp_path / name)


@pytest.mark.parametrize("kind", SPECIAL)
@pytest.mark.parametrize("what", ["model", "corpus"])
def test_special_files_in_a_directory_are_refused(whole: Path, tmp_path: Path, what: str, kind: str) -> None:
    # A model with vocabulary.json → /dev/zero was hashed without end; input.npy as a FIFO blocked.
    for file in sorted(path.name for path in (whole / what).iterdir()):
        shutil.copytree(whole / what, tmp_path / what)
        (tmp_path / what / file).unlink()
        SPECIAL[kind](tmp_path / what / file)
        with pytest.raises(InputError, match=file):
            (ws.load if what == "model" else EncodedCorpus.open)(tmp_path / what)
        shutil.rmtree(tmp_path / what)


@pytest.mark.parametrize("kind", SPECIAL)
def test_special_files_in_a_checkpoint_are_refused(tmp_path: Path, kind: str) -> None:
    content = {"request": {"options": {}, "text": {}}, "run_state": {}, "state": {"sha256": "0"}, "count": 1}
    storage.write_manifest(tmp_path / "checkpoint.json", {"format": "wordsparse-checkpoint", "version": 1, **content})
    SPECIAL[kind](tmp_path / "state.bin")
    with pytest.raises(InputError, match=r"state\.bin"):
        Checkpoint.open(tmp_path)


def test_links_to_regular_files_are_followed(whole: Path, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    for file in (whole / "model").iterdir():
        (tmp_path / "model" / file.name).symlink_to(file)
    assert ws.load(tmp_path / "model").vocabulary.words == ws.load(whole / "model").vocabulary.words


def test_a_file_is_read_to_its_bound_only(tmp_path: Path) -> None:
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


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "1" * 5000])
def test_numbers_that_are_not_json_are_refused(tmp_path: Path, number: str) -> None:
    path = tmp_path / "f"
    path.write_text(f'{{"n": [{number}]}}')
    with pytest.raises(InputError, match="not valid JSON"):
        storage.read_json(path, 10**6)
    path.write_text(json.dumps({"n": 1e308}))
    assert storage.read_json(path, 10**6) == {"n": 1e308}
