"""gensim's reader of lines: an iterable of lists of words, which can be iterated over repeatedly."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wordsparse.corpus.tables.files import lines_of

MAX_SENTENCE = 10_000
"""Maximum number of words in a list from a reader; longer lines are split."""


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
        for line in itertools.islice(self._lines(), self.limit):
            words, longest = line.split(), self.max_sentence_length
            yield from (words[start : start + longest] for start in range(0, len(words), longest))

    def _lines(self) -> Iterator[str]:
        if not hasattr(self.source, "seek"):
            yield from lines_of(Path(self.source))
            return
        self.source.seek(0)
        yield from (line if isinstance(line, str) else line.decode() for line in self.source)
