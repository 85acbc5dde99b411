"""gensim's readers of text: iterables of lists of words, which can be iterated over repeatedly."""

import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wordsparse.corpus.sources import opened
from wordsparse.errors import InputError

MAX_SENTENCE = 10_000
"""Maximum number of words in a list from a reader; longer lines are split."""
_BLOCK = 2**20


class LineSentence:
    """The lines of a file, each a sentence of words separated by white space.

    Parameters
    ----------
    source : path or binary file
        A file may be compressed (.gz, .bz2, .xz, .zst). An open file is read from its beginning each time.
    max_sentence_length : int
        Longer lines are split.
    limit : int, optional
        Maximum number of lines to read.
    """

    def __init__(self, source: Any, max_sentence_length: int = MAX_SENTENCE, limit: int | None = None) -> None:
        self.source, self.max_sentence_length, self.limit = source, max_sentence_length, limit

    def __iter__(self) -> Iterator[list[str]]:
        for line in itertools.islice(lines(self.source), self.limit):
            words, longest = line.split(), self.max_sentence_length
            yield from (words[start : start + longest] for start in range(0, len(words), longest))


class PathLineSentences:
    """The lines of the files of a directory in the order of their names, or of one file; see LineSentence.

    Raises
    ------
    InputError
        If there is no such file or directory.
    """

    def __init__(
        self, source: str | os.PathLike[str], max_sentence_length: int = MAX_SENTENCE, limit: int | None = None
    ) -> None:
        self.source, self.max_sentence_length, self.limit = source, max_sentence_length, limit
        path = Path(source)
        if not path.exists():
            raise InputError(f"{path}: no such file or directory; check its name")
        self.input_files = sorted(str(file) for file in path.iterdir()) if path.is_dir() else [str(path)]

    def __iter__(self) -> Iterator[list[str]]:
        for file in self.input_files:
            yield from LineSentence(file, self.max_sentence_length, self.limit)


class Text8Corpus:
    """A file of words without sentences, such as text8, in lists of ``max_sentence_length`` words."""

    def __init__(self, fname: str | os.PathLike[str], max_sentence_length: int = MAX_SENTENCE) -> None:
        self.fname, self.max_sentence_length = fname, max_sentence_length

    def __iter__(self) -> Iterator[list[str]]:
        words: list[str] = []
        rest = b""
        with opened(Path(self.fname)) as file:
            while block := file.read(_BLOCK):
                block = rest + block
                end = 1 + max(block.rfind(b" "), block.rfind(b"\n"))
                rest = block[end:]
                words += block[:end].decode().split()
                while len(words) >= self.max_sentence_length:
                    yield words[: self.max_sentence_length]
                    words = words[self.max_sentence_length :]
        words += rest.decode().split()
        if words:
            yield words


def lines(source: Any) -> Iterator[str]:
    """The lines of a file of text, which may be compressed, or of an open file from its beginning."""
    if hasattr(source, "seek"):
        source.seek(0)
        yield from (line if isinstance(line, str) else line.decode() for line in source)
        return
    with opened(Path(source)) as file:
        rest = b""
        while block := file.read(_BLOCK):
            *whole, rest = (rest + block).split(b"\n")
            yield from (line.decode() for line in whole)
        if rest:
            yield rest.decode()
