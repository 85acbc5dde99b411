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
class Expected:
    """The expected contents of a shard file: its SHA-256 in hexadecimal digits, and ids below ``vocab_size``; where it
    holds ``pairs``, no sentences, and any values that are not negative."""

    sha256: str
    vocab_size: int
    pairs: bool = False


@dataclass(frozen=True)
class ShardContent:
    """The contents of a shard file: the SHA-256 of each of its blocks, and how many sentences."""

    digests: Sequence[bytes]
    sentences: int


class Shard:
    """The values of a shard file, as an array that supports slices only: ``shard[start:stop]`` reads the values.

    InputError if the file cannot be read or holds something else.

    Parameters
    ----------
    path : Path
    content : ShardContent or Expected
        The content of the file, where this process has written it; else its expected content, which is checked by
        reading it once.
    recent : Recent
        The cache that the shards of a corpus share.

    Attributes
    ----------
    size : int
        Number of values.
    """

    def __init__(self, path: Path, content: "ShardContent | Expected", recent: Recent) -> None:
        self.path, self._recent = path, recent
        self._file = descriptor_of(path)
        self.size = os.fstat(self._file).st_size // SHARD_DTYPE.itemsize
        weakref.finalize(self, os.close, self._file)
        self._content = content if isinstance(content, ShardContent) else self._checked(content)

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

    def _checked(self, expected: Expected) -> ShardContent:
        """Read the whole file once and check every value: compiled code uses the values as row numbers, unchecked."""
        digest, digests, sentences, last = hashlib.sha256(), [], 0, 0
        for number in range(-(-self.size // BLOCK_VALUES)):
            data = self._read(number)
            digest.update(data)
            digests.append(hashlib.sha256(data).digest())
            if not data or len(data) % SHARD_DTYPE.itemsize:
                raise InputError(f"{self.path}: was cut or altered: it has no whole number of values; encode again")
            values = np.frombuffer(data, SHARD_DTYPE)
            least, most = (0, 2**31) if expected.pairs else (END_OF_SENTENCE, expected.vocab_size)
            if values.min() < least or values.max() >= most:
                raise InputError(
                    f"{self.path}: holds an id outside the vocabulary of {expected.vocab_size:,} words: it was "
                    "altered; encode again"
                )
            sentences += int(np.count_nonzero(values == END_OF_SENTENCE))
            last = int(values[-1])
        if digest.hexdigest() != expected.sha256:
            raise InputError(
                f"{self.path}: its content does not match its checksum: it was altered or damaged; encode again"
            )
        if last != END_OF_SENTENCE and not expected.pairs:
            raise InputError(f"{self.path}: does not end where a sentence ends: it was altered; encode again")
        return ShardContent(digests, sentences)
