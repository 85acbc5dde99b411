"""Filters apply tokenisers to blocks of text, in this process and in worker processes."""

import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.texts import sentences
from support.tokenizers import unigram

import wordsparse as ws
from wordsparse.corpus import blocks, reading
from wordsparse.errors import InputError, WordsparseError
from wordsparse.tokens.filtering import Filter
from wordsparse.tokens.records import tokenization
from wordsparse.tokens.tokenizers import tokenizer

LINES = ["The cat, the dog.", "", "a cat\tsat — naïve été", "x" * 50, "क़िताब, कलम।"] * 40


def encoded(source: Any, folder: Path, **options: Any) -> tuple[list[str], list[int], Any]:
    corpus = ws.encode(source, folder, min_count=1, **options)
    return corpus.vocabulary.words, np.concatenate(corpus.shards).tolist(), corpus.sentences


@pytest.mark.parametrize("tokens", ["simple", "split", "japanese", "file.json"])
def test_any_number_of_workers_gives_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tokens: str
) -> None:
    if tokens == "file.json":
        tokens = str(unigram(tmp_path / tokens, LINES))
    path = tmp_path / "text.txt"
    path.write_text("\n".join(LINES))  # the last line has no line end
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 500)
    monkeypatch.setattr(reading, "BLOCK_CHARACTERS", 500)
    split = tokenizer(**tokenization(tokens))
    wanted = [words for line in LINES if (words := split(line))]
    for threads in (1, 2, 3, 8):
        words, ids, number = encoded(path, tmp_path / f"{threads}", tokens=tokens, threads=threads)
        rows = " ".join("\n" if i == -2 else words[i] for i in ids).split("\n")
        assert [row.split() for row in rows if row.split()] == wanted
        assert number == len(wanted)
        assert encoded(iter(LINES), tmp_path / f"texts {threads}", tokens=tokens, threads=threads)[1] == ids
    assert list(sentences(path, tokens=tokens)) == wanted


def test_a_function_may_make_words_of_white_space_or_none(tmp_path: Path) -> None:
    def tokenize(line: str) -> list[str]:
        return [word for word in line.split(",") if word != "none"]

    text = iter(["a b,c,", "none", "a b,none,\u3000"])
    words, _, number = encoded(text, tmp_path / "encoded", tokens=tokenize, threads=2)
    assert sorted(words) == ["a b", "c", "\u3000"]
    assert number == 2


def test_a_tokeniser_that_fails_is_told_with_the_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def tokenize(line: str) -> list[str]:
        return line.split() if "bad" not in line else 1 / 0

    monkeypatch.setattr(blocks, "BLOCK_BYTES", 50)
    (tmp_path / "text.txt").write_text("good line\n" * 98 + "a bad line\n")
    (tmp_path / "rows.csv").write_text("text\n" + '"two\nlines"\n' * 3 + "bad\n")
    for given, options, where in (
        (tmp_path / "text.txt", {}, r"text\.txt: line 99: .*ZeroDivisionError"),
        (tmp_path / "rows.csv", {"column": "text"}, r"rows\.csv: row 4: the tokeniser fails"),
        (iter(["good", "a\nbad one"]), {}, r"^text 2: the tokeniser fails"),
    ):
        with pytest.raises(InputError, match=where):
            ws.encode(given, tmp_path / "encoded", tokens=tokenize, threads=2, **options)
        assert not (tmp_path / "encoded").exists()


class Reusing:
    """A tokeniser that returns the same list again and again."""

    def __init__(self) -> None:
        self.words: list[str] = []

    def __call__(self, text: str) -> list[str]:
        self.words[:] = text.split()
        return self.words


@pytest.mark.parametrize("group", [None, "g"])
def test_functions_may_return_any_iterable_of_words(tmp_path: Path, group: str | None) -> None:
    """Previously, each line of a block became its last line, and generators lost their words."""
    rows = [{"text": "the cat\nsat", "g": "1"}, {"text": "on mats", "g": "1"}]
    for number, tokens in enumerate((Reusing(), lambda text: map(str, text.split()), lambda text: (*text.split(),))):
        words = encoded(rows, tmp_path / f"{number}", tokens=tokens, column="text", group_by=group)[0]
        assert sorted(words) == ["cat", "mats", "on", "sat", "the"]


@pytest.mark.parametrize("group", [None, "g"])
@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        (str.lower, "row 1: the tokeniser fails .*returns 'the cat', not a list of words"),  # previously, letters
        (str.encode, "row 1: .*returns b'The cat', not a list"),
        (lambda text: None, "row 1: .*returns None, not a list"),
        (lambda text: [1, 2], "row 1: .*returns 1 as a word, not a str"),
        (lambda text: 1 / 0, "row 1: the tokeniser fails .ZeroDivisionError"),
        (lambda text: ["\ud800"], "not valid Unicode text"),
    ],
)
def test_functions_that_return_no_words_are_refused(
    tmp_path: Path, tokens: Any, message: str, group: str | None
) -> None:
    rows = [{"text": "The cat", "g": "1"}, {"text": "sat", "g": "1"}]
    with pytest.raises(InputError, match=message):
        ws.encode(rows, tmp_path / "encoded", tokens=tokens, column="text", group_by=group)


def test_a_word_may_hold_nul(tmp_path: Path) -> None:
    """Previously, this was an AssertionError."""
    assert encoded(iter(["a b"]), tmp_path / "encoded", tokens=lambda text: ["a\0b"])[0] == ["a\0b"]


def test_another_program_than_python_starts_no_worker(monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    """In a program that embeds Python, sys.executable may be this program, or no file."""
    for executable in ("/nonexistent/python", "/bin/true"):
        monkeypatch.setattr(sys, "executable", executable)
        with Filter(tokenizer("simple"), {"tokens": "simple"}, 2) as tokenize:
            assert [tokenize(b"One, two", True, str) for _ in range(3)] == [b"one two"] * 3
        assert f"{executable} does not start Python" in caplog.text


def test_calls_end_when_the_workers_are_closed() -> None:
    """Previously, an interruption waited for a worker that computed or was stopped."""
    with Filter(tokenizer("simple"), {"tokens": "simple"}, 2) as tokenize, ThreadPoolExecutor(1) as pool:
        assert [tokenize(b"One", True, str) for _ in range(2)] == [b"one"] * 2
        os.kill(tokenize._all[0]._process.pid, signal.SIGSTOP)
        call = pool.submit(tokenize, b"two", True, str)
        tokenize.close()
        with pytest.raises(WordsparseError):
            call.result()


def test_a_worker_that_dies_is_told() -> None:
    with Filter(tokenizer("simple"), {"tokens": "simple"}, 2) as tokenize:
        assert tokenize(b"One, two", True, str) == b"one two"
        assert not tokenize._all  # a short text starts no worker process
        results = []
        threads = [threading.Thread(target=lambda: results.append(tokenize(b"a1\nb", True, str))) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert results == [b"a\nb"] * 2
        for worker in tokenize._all:
            worker._process.kill()
        with pytest.raises(WordsparseError, match="line 0: the process of the tokeniser ended with status -9"):
            tokenize(b"c", True, "line {}".format)
