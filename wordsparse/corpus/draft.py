"""The shards while a text is read: each block holds ids of the table that numbered it, and is renumbered at the end."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wordsparse.corpus._text import renumber
from wordsparse.corpus.shard import END_OF_SENTENCE, SHARD_DTYPE
from wordsparse.corpus.shards import SHARD_TOKENS, FileRecord, shard_name
from wordsparse.files.storage import writing
from wordsparse.machine.threads import in_order

Values = NDArray[np.int32]


class Draft:
    """The text as provisional ids in numbered shards, and what is counted on the way.

    Parameters
    ----------
    folder : Path
        Where the shards are written.
    output : Path
        What errors of writing name.

    Attributes
    ----------
    tokens, sentences : int
        Written so far.
    """

    def __init__(self, folder: Path, output: Path) -> None:
        self.tokens = self.sentences = 0
        self._folder, self._output = folder, output
        self._blocks: list[list[tuple[int, int]]] = []  # of each shard: number of values, and of the table
        self._room = 0  # values until the current shard is to be closed; 0: it is closed
        self._in_sentence = False

    def write(self, values: Values, table: int) -> None:
        """Append values, ids of the table with this number and END_OF_SENTENCE.

        An END_OF_SENTENCE at the beginning is left out where no sentence is open.
        """
        if values.size and values[0] == END_OF_SENTENCE and not self._in_sentence:
            values = values[1:]
        if values.size == 0:
            return
        self._in_sentence = bool(values[-1] != END_OF_SENTENCE)
        while values.size:
            if self._room == 0:
                self._blocks.append([])
                self._room = SHARD_TOKENS
            size = _end_of_shard(values, self._room)
            self._append(values[:size], table)
            closed = size >= self._room and values[size - 1] == END_OF_SENTENCE
            self._room = 0 if closed else max(1, self._room - size)
            values = values[size:]

    def end_sentence(self) -> None:
        """End the sentence that is open, if one is."""
        self.write(np.array([END_OF_SENTENCE], np.int32), 0)

    def renumbered(self, tables: Sequence[Values], threads: int) -> list[FileRecord]:
        """Pass each block's values through its table, in place, which is safe: the folder is a temporary one."""
        with writing(self._output):
            return [
                _renumbered(self._folder / shard_name(i), blocks, tables, threads)
                for i, blocks in enumerate(self._blocks)
            ]

    def _append(self, values: Values, table: int) -> None:
        with writing(self._output), open(self._folder / shard_name(len(self._blocks) - 1), "ab") as file:
            file.write(values.astype(SHARD_DTYPE, copy=False).data)
        self._blocks[-1].append((values.size, table))
        tokens = int(np.count_nonzero(values >= 0))
        self.tokens += tokens
        self.sentences += values.size - tokens


def _end_of_shard(values: Values, room: int) -> int:
    """How many of the values still belong to a shard that ends with the first sentence to end after ``room`` values."""
    if values.size < room:
        return values.size
    at_end = values[room - 1 :] == END_OF_SENTENCE
    first = int(at_end.argmax())
    return room + first if at_end[first] else values.size


def _renumbered(path: Path, blocks: Sequence[tuple[int, int]], tables: Sequence[Values], threads: int) -> FileRecord:
    with open(path, "r+b") as file:

        def renumbered(block: tuple[int, int, int]) -> bytes:
            start, size, table = block
            data = os.pread(file.fileno(), size * SHARD_DTYPE.itemsize, start * SHARD_DTYPE.itemsize)
            values = np.frombuffer(data, SHARD_DTYPE).astype(np.int32)
            renumber(values, tables[table])
            return values.astype(SHARD_DTYPE, copy=False).tobytes()

        placed, end = [], 0
        for size, table in blocks:
            placed.append((end, size, table))
            end += size
        digest = hashlib.sha256()
        for data in in_order(renumbered, placed, threads):
            file.write(data)
            digest.update(data)
        file.flush()
        os.fsync(file.fileno())
    return FileRecord(path.name, end * SHARD_DTYPE.itemsize, digest.hexdigest())
