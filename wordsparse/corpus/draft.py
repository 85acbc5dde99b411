"""Shards with provisional ids. The shards are written while a text is read, and renumbered when the whole text has been
read.

Words are numbered in several word tables, one for each thread that runs at the same time. A shard consists of runs, and
all ids in a run come from the same word table.
"""

import bisect
import functools
import hashlib
import itertools
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from wordsparse.corpus._text import WordTable
from wordsparse.corpus.shards import (
    END_OF_SENTENCE,
    OUT_OF_VOCABULARY,
    SHARD_DTYPE,
    SHARD_TOKENS,
    shard_name,
)
from wordsparse.corpus.vocabulary import Vocabulary
from wordsparse.files.storage import writing
from wordsparse.machine.threads import ordered_map

Values = NDArray[np.int32]
BLOCK_VALUES = 2**18
SPECIALS = np.array([END_OF_SENTENCE, OUT_OF_VOCABULARY], np.int32)


class Draft:
    """A text that is being written to numbered shards in ``folder``, as provisional ids. ``tokens`` and ``sentences``
    are the numbers of tokens and sentences written so far.

    If writing fails, the message names ``output``.
    """

    def __init__(self, folder: Path, output: Path) -> None:
        self.tokens = self.sentences = 0
        self.folder, self._output = folder, output
        self._runs: list[list[tuple[int, int]]] = []  # for each shard, the size and the table of each run
        self._remaining = 0  # number of values until the open shard may be closed; 0 if no shard is open
        self._in_sentence = False

    def write(self, values: Values, table: int) -> None:
        """Append values: ids from the word table with the index ``table``, and END_OF_SENTENCE.

        A leading END_OF_SENTENCE is dropped if no sentence is open.
        """
        if values.size and values[0] == END_OF_SENTENCE and not self._in_sentence:
            values = values[1:]
        if values.size == 0:
            return
        self._in_sentence = bool(values[-1] != END_OF_SENTENCE)
        while values.size:
            if self._remaining == 0:
                self._runs.append([])
                self._remaining = SHARD_TOKENS
            size = _end_of_shard(values, self._remaining)
            self._append(values[:size], table)
            closed = size >= self._remaining and values[size - 1] == END_OF_SENTENCE
            self._remaining = 0 if closed else max(1, self._remaining - size)
            values = values[size:]

    def end_sentence(self) -> None:
        """End the open sentence, if there is one."""
        self.write(np.array([END_OF_SENTENCE], np.int32), 0)

    def blocks(self, tables: Sequence[Values | None]) -> Iterator[Callable[[], Values]]:
        """Yield functions that return the values of the text, block by block. A block ends at the end of a sentence,
        unless the sentence is longer than a block. Each id is replaced with its entry in ``tables``, which has one
        array per word table, or None if the ids of this word table stay the same."""
        for i, runs in enumerate(self._runs):
            with open(self.folder / shard_name(i), "rb") as file:
                yield from _blocks(file, runs, tables)

    def renumbered(self, tables: Sequence[Values | None], threads: int) -> list[str]:
        """Replace each id with its entry in ``tables``, as :meth:`blocks` does. Return the checksums of the files."""
        digests = [hashlib.sha256() for _ in self._runs]
        self.change(tables, threads, lambda values: values, lambda i, data: digests[i].update(data))
        return [digest.hexdigest() for digest in digests]

    def change(
        self,
        tables: Sequence[Values | None],
        threads: int,
        function: Callable[[Values], Values],
        seen: Callable[[int, bytes], object] = lambda shard, data: None,
    ) -> None:
        """Replace each of the :meth:`blocks` with the result of a function, which is not longer, and pass the shard's
        number and the data to ``seen``. All ids of the result are from the first word table.

        The files are changed in place, which is safe because they lie in a temporary directory.
        """

        def changed(block: Callable[[], Values]) -> bytes:
            return function(block()).astype(SHARD_DTYPE, copy=False).tobytes()

        for i, runs in enumerate(self._runs):
            with writing(self._output), open(self.folder / shard_name(i), "r+b") as file:
                for data in ordered_map(changed, _blocks(file, runs, tables), threads):
                    file.write(data)
                    seen(i, data)
                file.truncate()
                self._runs[i] = [(file.tell() // SHARD_DTYPE.itemsize, 0)]
                os.fsync(file.fileno())

    def _append(self, values: Values, table: int) -> None:
        with writing(self._output), open(self.folder / shard_name(len(self._runs) - 1), "ab") as file:
            file.write(values.astype(SHARD_DTYPE, copy=False).data)
        self._runs[-1].append((values.size, table))
        tokens = int(np.count_nonzero(values >= 0))
        self.tokens += tokens
        self.sentences += values.size - tokens


class ReadText:
    """A text that has been read. ``tables`` are the word tables that numbered the words of the text. The tables are
    merged into the first table, ``words``."""

    def __init__(self, draft: Draft, tables: Sequence[WordTable]) -> None:
        self.draft, self.words = draft, tables[0]
        # For each table after the first, an array that maps ids of this table to ids of the first table. The last two
        # entries map END_OF_SENTENCE and OUT_OF_VOCABULARY to themselves.
        self.merged = [np.append(tables[0].absorb(other), SPECIALS) for other in tables[1:]]

    @property
    def distinct_words(self) -> int:
        return int(np.count_nonzero(self.words.counts()))

    def vocabulary(self, min_count: int, max_vocab: int | None, known: Collection[str]) -> tuple[Vocabulary, Values]:
        """Return a vocabulary and the provisional id of each of its words. The vocabulary consists of the ``max_vocab``
        most frequent words that occur at least ``min_count`` times, and of all ``known`` words in the text. Raise
        InputError if the vocabulary is empty."""
        # Rare words become strings only if they are needed: to find ``known`` words among them, or for the error
        # message.
        words, times, ids = self.words.ranked(1 if known else min_count)
        often = int(np.count_nonzero(times >= min_count))
        first, wanted = min(often, max_vocab or often), set(known)
        chosen = [*range(first), *(i for i in range(first, len(words)) if words[i] in wanted)]
        if not chosen:
            words, times, _ = self.words.ranked(1)
            Vocabulary.from_counts(dict(zip(words, times.tolist(), strict=True)), min_count)  # raises the error
        return Vocabulary([words[i] for i in chosen], times[chosen]), ids[chosen]

    def most_frequent(self, most: int) -> tuple[list[str], NDArray[np.int64]]:
        """Return the most frequent words of the text, at most ``most`` words, and their counts."""
        words, times, _ = self.words.ranked(1, most)
        return words, times

    def maps(self, ids: Values) -> list[Values]:
        """Return one array per word table. The array maps each id of the table to the position in ``ids`` of the same
        word, or to OUT_OF_VOCABULARY. The array's last two entries map END_OF_SENTENCE and OUT_OF_VOCABULARY to
        themselves."""
        table = np.full(len(self.words) + 2, OUT_OF_VOCABULARY, np.int32)
        table[ids] = np.arange(len(ids), dtype=np.int32)
        table[END_OF_SENTENCE] = END_OF_SENTENCE
        return [table, *(table[merged] for merged in self.merged)]


def _end_of_shard(values: Values, remaining: int) -> int:
    """Return how many of the values belong to the open shard, which needs at least ``remaining`` more values and then
    ends at the next END_OF_SENTENCE. If no such END_OF_SENTENCE follows, all values belong to the shard."""
    if values.size < remaining:
        return values.size
    at_end = values[remaining - 1 :] == END_OF_SENTENCE
    first = int(at_end.argmax())
    return remaining + first if at_end[first] else values.size


def _blocks(
    file: IO[bytes], runs: Sequence[tuple[int, int]], tables: Sequence[Values | None]
) -> Iterator[Callable[[], Values]]:
    """Yield functions that return the blocks of a shard, as :meth:`Draft.blocks` does."""
    ends = list(itertools.accumulate(size for size, _ in runs))
    start, width = 0, SHARD_DTYPE.itemsize
    while start < ends[-1]:
        data = os.pread(file.fileno(), BLOCK_VALUES * width, start * width)
        values = np.frombuffer(data, SHARD_DTYPE).astype(np.int32)
        at_end = np.flatnonzero(values == END_OF_SENTENCE)
        values = values[: at_end[-1] + 1] if at_end.size else values
        first = bisect.bisect_right(ends, start)
        yield functools.partial(_numbered, values, [end - start for end in ends[first:]], runs[first:], tables)
        start += values.size


def _numbered(
    values: Values, ends: Sequence[int], runs: Sequence[tuple[int, int]], tables: Sequence[Values | None]
) -> Values:
    """Replace each id with its entry in the table of its run, in place. ``ends`` are the ends of the runs."""
    at = 0
    for end, (_, table) in zip(ends, runs, strict=True):
        if at >= values.size:
            break
        if (of_run := tables[table]) is not None:
            values[at:end] = of_run.take(values[at:end])
        at = end
    return values
