"""Several ranks encode a text to the bytes that one process writes."""

import gzip
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.mpi import launched, needs_mpi
from support.thread_ranks import ThreadRanks, on_ranks

import wordsparse as ws
from wordsparse.distributed.encoding import encode, share
from wordsparse.distributed.ranks import ONE
from wordsparse.errors import InputError


def words(n: int, seed: int) -> str:
    """Lines of 0 to 11 words, some of letters beyond ASCII; the last line has no end."""
    random = np.random.default_rng(seed)
    lines = (" ".join(f"wé{word}" for word in random.zipf(1.6, random.integers(0, 12)) % 300) for _ in range(n))
    return "\n".join(lines)


@pytest.fixture
def text(tmp_path: Path) -> Path:
    """A large file, a compressed one, an almost empty one, one without a line end, and one of line ends."""
    folder = tmp_path / "text"
    folder.mkdir()
    (folder / "a.txt").write_text(words(400, 0), encoding="utf-8-sig")
    (folder / "b.txt.gz").write_bytes(gzip.compress(words(100, 1).encode()))
    (folder / "c.txt").write_text("wé1")
    (folder / "d.txt").write_text(" ".join(words(50, 2).split()))
    (folder / "e.txt").write_text("\n \n\n")
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


OPTIONS: list[dict[str, Any]] = [
    {},
    {"min_count": 1, "threads": 2},
    {"min_count": 1, "max_vocab": 7},
    {"min_count": 500, "known": ["wé77", "unseen"]},
    {"format": "text8"},
    {"tokens": "simple", "min_count": 1},
    {"phrases": 1, "min_count": 1},
]


@pytest.mark.parametrize("options", OPTIONS, ids=map(str, OPTIONS))
@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_the_bytes_are_those_of_one_process(
    size: int, options: dict[str, Any], text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("corpus.draft", "corpus.shards"):
        monkeypatch.setattr(f"wordsparse.{module}.SHARD_TOKENS", 97)
    alone = ws.encode(text, tmp_path / "alone", **options)

    def work(ranks: ThreadRanks) -> str:
        return encode(ranks, text, tmp_path / "shared", **options).sha256

    assert on_ranks(size, work) == [alone.sha256] * size
    assert content(tmp_path / "shared") == content(tmp_path / "alone")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["alone", "shared", "text"]


def test_shares_are_whole_lines_and_alike(text: Path) -> None:
    file = text / "a.txt"
    size = file.stat().st_size
    cut = [share([file], True, number, 5) for number in range(5)]
    ends = [(part.start, part.stop) for share in cut for part in share]
    assert ends[0][0] == 0
    assert ends[-1][1] is None or ends[-1][1] == size
    for (_, stop), (start, _) in itertools.pairwise(ends):
        assert stop == start
        assert file.read_bytes()[start - 1 : start] == b"\n"
        assert abs(start * 5 / size - round(start * 5 / size)) < 0.1
    (whole,) = share([file], False, 0, 2) + share([file], False, 1, 2)
    assert (whole.start, whole.stop) == (0, None)


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (b"a b c\n" * 40 + b"\xff\xfe d\n" * 3, r"rank 2 of 3: .*text.txt: is not UTF-8 text \(byte 240: "),
        (b"\n" * 9, "the text holds no token"),
        (b"a b\n" * 3, "none of the 2 distinct words occurs 5 times or more"),
    ],
)
def test_an_error_is_raised_on_all_ranks_and_nothing_is_left(file: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes(file)

    def work(ranks: ThreadRanks) -> None:
        with pytest.raises(InputError, match=message):
            encode(ranks, path, tmp_path / "encoded", threads=1)

    on_ranks(3, work)
    assert [found.name for found in tmp_path.iterdir()] == ["text.txt"]


def test_ranks_with_other_texts_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of the same names and sizes, of which a block in the middle differs."""
    monkeypatch.setattr("wordsparse.distributed.encoding.SAMPLE_BYTES", 64)
    monkeypatch.setattr("wordsparse.distributed.encoding.SAMPLES", 8)
    names = ["a.txt", "b.txt"]
    for number, word in enumerate((b"cat", b"cat", b"dog")):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "a.txt").write_bytes(b"a b c\n" * 300)
        (folder / "b.txt").write_bytes(b"e f g\n" * 75 + word + b" " + b"h i j\n" * 225)

    def work(ranks: ThreadRanks) -> str:
        with pytest.raises(InputError) as error:
            encode(ranks, [tmp_path / str(ranks.rank) / name for name in names], tmp_path / "encoded")
        return str(error.value)

    (message,) = set(on_ranks(3, work))
    assert message.startswith("the ranks differ in text: 2 files of 3,604 bytes with the digest ")
    assert "on rank 2 (" in message
    assert not (tmp_path / "encoded").exists()


def test_a_stream_is_read_by_one_rank(tmp_path: Path) -> None:
    sentences = [["a", "b"], ["b", "c"]]

    def work(ranks: ThreadRanks) -> list[str]:
        return encode(ranks, list(sentences), tmp_path / "encoded", min_count=1).vocabulary.words

    assert on_ranks(2, work) == [["b", "a", "c"]] * 2
    assert encode(ONE, sentences, tmp_path / "alone", min_count=1).tokens == 4


@needs_mpi
def test_processes_encode_together(text: Path, tmp_path: Path) -> None:
    alone = ws.encode(text, tmp_path / "alone", min_count=1)
    asked = ["-m", "wordsparse", "encode", text, "--min-count", 1, "-o", tmp_path / "shared"]
    run = launched(3, *asked)
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith(f"{alone.tokens:,} tokens in {alone.sentences:,} sentences")
    assert run.stdout.count("\n") == 1
    assert content(tmp_path / "shared") == content(tmp_path / "alone")
    again = launched(3, *asked)
    assert again.returncode == 2
    assert again.stderr.count("\n") == 1
    assert "shared" in again.stderr
