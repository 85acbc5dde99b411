"""One shard of an encoded corpus, read in blocks. Every read is checked against the checksums taken at opening.

The file is not memory-mapped: if a mapped file is truncated, the process dies (SIGBUS), and if it is altered, compiled
code receives invalid row numbers. A file that is deleted can still be read, because it stays open.
"""

import hashlib
import os
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from wordsparse.errors import InputError, ReadError
from wordsparse.files.regular import descriptor_of

OUT_OF_VOCABULARY = -1
"""The value of a token outside the vocabulary; it keeps the positions and the number of tokens exact."""
END_OF_SENTENCE = -2
"""The value after the last token of each sentence."""

SHARD_DTYPE = np.dtype("<i4")
BLOCK_VALUES = 2**18

_CACHED_BLOCKS = 3  # in all shards of a corpus together: consecutive slices share blocks


class Values(Protocol):
    """The values of a shard, wherever they are: a file, an array, or parts of other shards."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(size,)."""

    def __getitem__(self, values: slice, /) -> NDArray[np.int32]:
        """The values of a slice of step 1."""


class Recent:
    """A cache of the blocks of a corpus that were read last, newest first: (shard, index, values)."""

    def __init__(self) -> None:
        self.blocks: tuple[tuple[Any, int, NDArray[np.int32]], ...] = ()


@dataclass(frozen=True)
class ShardContent:
    """The contents of a shard file: the SHA-256 of each of its blocks, and how many sentences."""

    digests: Sequence[bytes]
    sentences: int


class Shard:
    """The values of a shard file, as an array that supports slices only: ``shard[start:stop]`` reads the values.

    InputError if the file cannot be read.

    Parameters
    ----------
    path : Path
    content : ShardContent
        The content of the file, which this process has written; :meth:`checked` finds that of another one.
    recent : Recent
        The cache that the shards of a corpus share.

    Attributes
    ----------
    size : int
        Number of values.
    """

    def __init__(self, path: Path, content: ShardContent, recent: Recent) -> None:
        self.path, self._content, self._recent = path, content, recent
        self._file = descriptor_of(path)
        self.size = os.fstat(self._file).st_size // SHARD_DTYPE.itemsize
        weakref.finalize(self, os.close, self._file)

    @property
    def sentences(self) -> int:
        return self._content.sentences

    @property
    def shape(self) -> tuple[int]:
        return (self.size,)

    def __len__(self) -> int:
        return self.size

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return self[:].astype(dtype or np.int32, copy=False)

    def __getitem__(self, values: slice) -> NDArray[np.int32]:
        """The values, read-only; ReadError if the file has changed since it was opened."""
        start, stop, step = values.indices(self.size)
        if step != 1:
            raise IndexError("a shard supports slices of step 1 only")
        first, last = start // BLOCK_VALUES, -(-stop // BLOCK_VALUES)
        blocks = [self._block(number) for number in range(first, last)]
        found = blocks[0] if len(blocks) == 1 else np.concatenate([np.empty(0, np.int32), *blocks])
        begin = start - first * BLOCK_VALUES
        return found[begin : begin + max(0, stop - start)]

    def _block(self, number: int) -> NDArray[np.int32]:
        recent = self._recent.blocks
        for shard, other, values in recent:
            if shard is self and other == number:
                return values
        data = self._read(number)
        if hashlib.sha256(data).digest() != self._content.digests[number]:
            raise ReadError(f"{self.path}: has changed since it was opened: it was cut or altered")
        values = np.frombuffer(data, SHARD_DTYPE).astype(np.int32, copy=False)
        self._recent.blocks = ((self, number, values), *recent[: _CACHED_BLOCKS - 1])
        return values

    def _read(self, number: int) -> bytes:
        size = BLOCK_VALUES * SHARD_DTYPE.itemsize
        try:
            return os.pread(self._file, size, number * size)
        except OSError as error:
            raise ReadError(f"{self.path}: cannot be read: {error.strerror or error}") from error

    @classmethod
    def checked(cls, path: Path, recent: Recent, sha256: str, vocab_size: int, pairs: bool) -> "Shard":
        """The shard of a file with this SHA-256 whose ids are below ``vocab_size``, and which ends with a sentence; or
        one of counted ``pairs``, which has any values that are not negative.

        The whole file is read once: compiled code uses the values as row numbers, unchecked. InputError if it holds
        something else.
        """
        shard = cls(path, ShardContent([], 0), recent)
        digest, digests, sentences, last = hashlib.sha256(), [], 0, 0
        for number in range(-(-shard.size // BLOCK_VALUES)):
            data = shard._read(number)
            digest.update(data)
            digests.append(hashlib.sha256(data).digest())
            if not data or len(data) % SHARD_DTYPE.itemsize:
                raise InputError(f"{path}: was cut or altered: it has no whole number of values; encode again")
            values = np.frombuffer(data, SHARD_DTYPE)
            least, most = (0, 2**31) if pairs else (END_OF_SENTENCE, vocab_size)
            if values.min() < least or values.max() >= most:
                raise InputError(
                    f"{path}: holds an id outside the vocabulary of {vocab_size:,} words: it was altered; encode again"
                )
            sentences += int(np.count_nonzero(values == END_OF_SENTENCE))
            last = int(values[-1])
        if digest.hexdigest() != sha256:
            raise InputError(
                f"{path}: its content does not match its checksum: it was altered or damaged; encode again"
            )
        if last != END_OF_SENTENCE and not pairs:
            raise InputError(f"{path}: does not end where a sentence ends: it was altered; encode again")
        shard._content = ShardContent(digests, sentences)
        return shard
