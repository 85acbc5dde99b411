"""Shards with provisional ids. The shards are written while a text is read, and renumbered when the whole text has been
read.

Words are numbered in several word tables, one for each thread that runs at the same time. A shard consists of runs, and
all ids in a run come from the same word table.
"""

import bisect
import hashlib
import itertools
import os
from collections.abc import Collection, Sequence
from pathlib import Path

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

    def renumbered(self, tables: Sequence[Values], threads: int) -> list[str]:
        """Replace each id with its entry in ``tables``, which has one array per word table. Return the checksums of the
        files.

        The files are changed in place, which is safe because they lie in a temporary directory.
        """
        with writing(self._output):
            return [
                _renumbered(self.folder / shard_name(i), runs, tables, threads) for i, runs in enumerate(self._runs)
            ]

    def _append(self, values: Values, table: int) -> None:
        with writing(self._output), open(self.folder / shard_name(len(self._runs) - 1), "ab") as file:
            file.write(values.astype(SHARD_DTYPE, copy=False).data)
        self._runs[-1].append((values.size, table))
        tokens = int(np.count_nonzero(values >= 0))
        self.tokens += tokens
        self.sentences += values.size - tokens


class ReadText:
    """A text that has been read. ``tables`` are the word tables that numbered the words of the text. The tables are
    merged into the first table."""

    def __init__(self, draft: Draft, tables: Sequence[WordTable]) -> None:
        self.draft, self._words = draft, tables[0]
        # For each table after the first, an array that maps ids of this table to ids of the first table.
        self._merged = [tables[0].absorb(other) for other in tables[1:]]

    @property
    def distinct_words(self) -> int:
        return len(self._words)

    def vocabulary(self, min_count: int, max_vocab: int | None, known: Collection[str]) -> tuple[Vocabulary, Values]:
        """Return a vocabulary and the provisional id of each of its words. The vocabulary consists of the ``max_vocab``
        most frequent words that occur at least ``min_count`` times, and of all ``known`` words in the text. Raise
        InputError if the vocabulary is empty."""
        # Rare words become strings only if they are needed: to find ``known`` words among them, or for the error
        # message.
        words, times, ids = self._words.ranked(1 if known else min_count)
        often = int(np.count_nonzero(times >= min_count))
        first, wanted = min(often, max_vocab or often), set(known)
        chosen = [*range(first), *(i for i in range(first, len(words)) if words[i] in wanted)]
        if not chosen:
            words, times, _ = self._words.ranked(1)
            Vocabulary.from_counts(dict(zip(words, times.tolist(), strict=True)), min_count)  # raises the error
        return Vocabulary([words[i] for i in chosen], times[chosen]), ids[chosen]

    def most_frequent(self, most: int) -> tuple[list[str], NDArray[np.int64]]:
        """Return the most frequent words of the text, at most ``most`` words, and their counts."""
        words, times, _ = self._words.ranked(1, most)
        return words, times

    def maps(self, ids: Values) -> list[Values]:
        """Return one array per word table. The array maps each id of the table to the position in ``ids`` of the same
        word, or to OUT_OF_VOCABULARY. The array's last two entries map END_OF_SENTENCE and OUT_OF_VOCABULARY to
        themselves."""
        table = np.full(len(self._words) + 2, OUT_OF_VOCABULARY, np.int32)
        table[ids] = np.arange(len(ids), dtype=np.int32)
        table[END_OF_SENTENCE] = END_OF_SENTENCE
        specials = np.arange(-2, 0, dtype=np.int32)
        return [table, *(table[np.append(merged, specials)] for merged in self._merged)]


def _end_of_shard(values: Values, remaining: int) -> int:
    """Return how many of the values belong to the open shard, which needs at least ``remaining`` more values and then
    ends at the next END_OF_SENTENCE. If no such END_OF_SENTENCE follows, all values belong to the shard."""
    if values.size < remaining:
        return values.size
    at_end = values[remaining - 1 :] == END_OF_SENTENCE
    first = int(at_end.argmax())
    return remaining + first if at_end[first] else values.size


def _renumbered(path: Path, runs: Sequence[tuple[int, int]], tables: Sequence[Values], threads: int) -> str:
    """Renumber a shard, block by block. Return the checksum of the shard."""
    starts = list(itertools.accumulate((size for size, _ in runs), initial=0))
    width = SHARD_DTYPE.itemsize
    with open(path, "r+b") as file:

        def renumbered(start: int) -> bytes:
            data = os.pread(file.fileno(), BLOCK_VALUES * width, start * width)
            values = np.frombuffer(data, SHARD_DTYPE).astype(np.int32)
            at, run = 0, bisect.bisect_right(starts, start) - 1
            while at < values.size:
                end = min(values.size, starts[run + 1] - start)
                values[at:end] = tables[runs[run][1]].take(values[at:end])
                at, run = end, run + 1
            return values.astype(SHARD_DTYPE, copy=False).tobytes()

        digest = hashlib.sha256()
        for data in ordered_map(renumbered, range(0, starts[-1], BLOCK_VALUES), threads):
            file.write(data)
            digest.update(data)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()
