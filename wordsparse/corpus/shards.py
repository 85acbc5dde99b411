"""The encoded corpus on disk: a directory with a manifest, a vocabulary and shards of raw little-endian int32 values.

A value of a shard is a word's id (0 … V−1), OUT_OF_VOCABULARY or END_OF_SENTENCE. Sentences never span shards. If words
are weighed by the age of their rows, the directory also holds the weight of each value, as little-endian float32.

A shard is compared with its checksum when it is opened. When values are read later, only their range, and the size and
the time of the last change of the file, are checked. Shards are not memory-mapped, because the process would die
(SIGBUS) if a mapped file were truncated. Shards stay open, so they can still be read after they have been deleted.
"""

import hashlib
import itertools
import os
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from wordsparse.corpus.vocabulary import Vocabulary
from wordsparse.errors import InputError, ReadError
from wordsparse.files.regular import descriptor_of, sha256_of, version_of
from wordsparse.files.storage import read_manifest, synced, trusting, write_manifest
from wordsparse.tokens import records

OUT_OF_VOCABULARY = -1
"""The value that stands for a token outside the vocabulary. Out-of-vocabulary tokens are stored so that positions and
token counts are exact."""
END_OF_SENTENCE = -2
"""The value after the last token of each sentence."""

SHARD_DTYPE = np.dtype("<i4")
MOST_VALUES = 2**28  # number of values per read; Linux reads fewer than 2**31 bytes (2**29 values) at once

SHARD_TOKENS = 2**26
"""The number of values after which a shard is closed at the next end of a sentence."""

FORMAT = "wordsparse corpus"
VERSION = 1
MANIFEST = "corpus.json"
VOCABULARY, WEIGHTS = "vocabulary.json", "weights.f32"
ABOUT = ("tokens", "sentences", "distinct_words", "min_count", "max_vocab", "tokenization")
"""The names of the attributes of an encoded corpus that its manifest stores."""


class Values(Protocol):
    """The values of a shard. The values are read from a file, held in an array, or composed of parts of other
    shards."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Return (size,)."""

    def __getitem__(self, values: slice, /) -> NDArray[np.int32]:
        """Return the values of a slice of step 1."""


class Shard:
    """The values of a shard file, as an array that supports only slices of step 1. ``shard[start:stop]`` reads values.

    Every id is below ``words``, the size of the vocabulary. InputError is raised if the file cannot be read.
    """

    def __init__(self, path: Path, words: int) -> None:
        self.path, self._words = path, words
        self._file = descriptor_of(path)
        self._version = version_of(self._file)
        self.shape = (self._version[0] // SHARD_DTYPE.itemsize,)
        weakref.finalize(self, os.close, self._file)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return self[:].astype(dtype or np.int32, copy=False)

    def __getitem__(self, values: slice) -> NDArray[np.int32]:
        """Return the values, read-only. Raise ReadError if the file has been cut or altered since it was opened."""
        start, stop, _ = values.indices(self.shape[0])
        width = SHARD_DTYPE.itemsize
        ends = [*range(start, stop, MOST_VALUES), max(start, stop)]
        try:
            parts = (os.pread(self._file, (b - a) * width, a * width) for a, b in itertools.pairwise(ends))
            data = b"".join(parts)
        except OSError as error:
            raise ReadError(f"{self.path}: cannot be read: {error.strerror or error}") from error
        if len(data) == (ends[-1] - start) * width and version_of(self._file) == self._version:
            ids = np.frombuffer(data, SHARD_DTYPE).astype(np.int32, copy=False)
            # The ids must be checked, because compiled code uses ids as row numbers without any check.
            if not ids.size or (ids.min() >= END_OF_SENTENCE and ids.max() < self._words):
                return ids
        raise ReadError(f"{self.path}: was cut or altered since it was opened: encode the text again")


def shard_name(index: int) -> str:
    """Return the file name of the shard with this number, counted from 0."""
    return f"shard-{index:05d}.i32"


@dataclass(frozen=True, eq=False)
class EncodedCorpus:
    """An encoded corpus that is open for reading. Every file was checked when the corpus was opened.

    Attributes
    ----------
    path : Path
    vocabulary : Vocabulary
    tokens : int
        Number of tokens in the text, including tokens outside the vocabulary.
    sentences : int
    distinct_words : int
        Number of distinct words in the text, before ``min_count`` and ``max_vocab`` are applied.
    min_count : int
    max_vocab : int or None
    shards : sequence of Values
    sha256 : str
        Checksum of the content (vocabulary and shards), which identifies the encoded corpus.
    tokenization : dict or None
        The record of the tokeniser (:mod:`wordsparse.tokens.records`); None if the tokeniser is unknown.
    weights : array or None
        The weight of each value in the concatenation of all shards, by the age of its row, float32; None if all values
        count alike.
    advice : str or None
        Advice about the tokeniser, if this process encoded the text and its words look wrongly split.
    """

    path: Path
    vocabulary: Vocabulary
    tokens: int
    sentences: int
    distinct_words: int
    min_count: int
    max_vocab: int | None
    shards: Sequence[Values]
    sha256: str = ""
    tokenization: dict[str, Any] | None = field(default=None, repr=False)  # may hold a whole tokenizer file
    weights: NDArray[np.float32] | None = field(default=None, repr=False)
    advice: str | None = field(default=None, repr=False)

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> "EncodedCorpus":
        """Open the encoded corpus at ``path``, after reading each file once to check it. Raise InputError if ``path``
        is not an encoded corpus or has another version, or if a file is missing, altered or truncated."""
        folder = Path(path)
        if not (folder / MANIFEST).is_file():
            raise InputError(f"{folder}: is not an encoded corpus (there is no {MANIFEST} in it): make one with encode")
        manifest = read_manifest(folder / MANIFEST, FORMAT, VERSION)
        with trusting(folder / MANIFEST):
            checksums = [str(entry["sha256"]) for entry in manifest["files"]]
            about = records.restored(folder, {name: manifest[name] for name in ABOUT})
        has_weights = (folder / WEIGHTS).is_file()
        names = _names(len(checksums), has_weights)
        for name, checksum in zip(names, checksums, strict=True):
            if sha256_of(folder / name) != checksum:
                raise InputError(f"{folder / name}: does not match its checksum: it was altered; encode the text again")
        vocabulary = Vocabulary.load(folder / VOCABULARY)
        return cls(
            path=folder,
            vocabulary=vocabulary,
            **about,
            shards=[Shard(folder / name, len(vocabulary)) for name in names[1 : len(names) - has_weights]],
            sha256=_content_digest(checksums),
            weights=np.fromfile(folder / WEIGHTS, "<f4") if has_weights else None,
        )

    def identity(self) -> dict[str, Any]:
        """Return the checksum and the attributes that identify the encoded text, as a dict that JSON can store."""
        return {name: getattr(self, name) for name in ("sha256", *ABOUT)}


def write_corpus_manifest(folder: Path, of_shards: list[str], weights: Any = None, **about: Any) -> str:
    """Write the weights, if any, and the manifest of ``folder``, which already holds the vocabulary and the shards.
    Return the digest of the content.

    ``of_shards`` are the checksums of the shards. ``about`` holds the attributes listed in ABOUT.
    """
    checksums = [sha256_of(folder / VOCABULARY), *of_shards]
    if weights is not None:
        with synced(folder / WEIGHTS) as file:
            file.write(weights.astype("<f4").tobytes())
        checksums.append(sha256_of(folder / WEIGHTS))
    files = [
        {"name": name, "bytes": (folder / name).stat().st_size, "sha256": checksum}
        for name, checksum in zip(_names(len(checksums), weights is not None), checksums, strict=True)
    ]
    about = records.written(folder, about)
    write_manifest(folder / MANIFEST, {"format": FORMAT, "version": VERSION, **about, "files": files})
    return _content_digest(checksums)


def _names(files: int, has_weights: bool) -> list[str]:
    """Return the file names of an encoded corpus: the vocabulary, the shards, and the weights if there are any."""
    return [VOCABULARY, *map(shard_name, range(files - 1 - has_weights)), *([WEIGHTS] if has_weights else [])]


def _content_digest(checksums: Sequence[str]) -> str:
    """Return a digest that identifies the vocabulary and shards of an encoded corpus."""
    return hashlib.sha256("".join(checksums).encode()).hexdigest()


def is_encoded(path: str | os.PathLike[str]) -> bool:
    """Return whether a path is the directory of an encoded corpus. Return False for a str that is too long to be a
    path."""
    try:
        return bool(os.fspath(path)) and (Path(path) / MANIFEST).is_file()
    except (OSError, ValueError):
        return False
