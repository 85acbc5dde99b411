"""gensim's reader of lines: an iterable of lists of words that can be read repeatedly."""

import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wordsparse.corpus.sources import opened
from wordsparse.errors import MissingFileError

MAX_SENTENCE = 10_000
"""The maximum number of words in a sentence, by default; longer lines are split."""
_BLOCK = 2**20


class LineSentence:
    """The lines of a file, each a sentence of words separated by white space.

    ``source`` is the path of a file, possibly compressed (.gz, .bz2, .xz, .zst), or an open file, which is read from
    its beginning each time. Lines of more than ``max_sentence_length`` words are split. At most ``limit`` lines are
    read.
    """

    def __init__(self, source: Any, max_sentence_length: int = MAX_SENTENCE, limit: int | None = None) -> None:
        self.source, self.max_sentence_length, self.limit = source, max_sentence_length, limit

    def __iter__(self) -> Iterator[list[str]]:
        for line in itertools.islice(lines(self.source), self.limit):
            words, longest = line.split(), self.max_sentence_length
            yield from (words[start : start + longest] for start in range(0, len(words), longest))


def lines(source: Any) -> Iterator[str]:
    """Yield the lines of a text file, which may be compressed, or of an open file from its beginning."""
    if hasattr(source, "seek"):
        source.seek(0)
        yield from (line if isinstance(line, str) else line.decode() for line in source)
        return
    if not os.path.exists(source):
        raise MissingFileError(f"{source}: no such file; check its name")
    with opened(Path(source)) as file:
        rest = b""
        while block := file.read(_BLOCK):
            *whole, rest = (rest + block).split(b"\n")
            yield from (line.decode() for line in whole)
        if rest:
            yield rest.decode()
