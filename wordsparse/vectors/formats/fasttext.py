"""Reads fastText's binary ``model.bin`` of version 0.9 (12 in the file): words, their vectors, and n-grams.

    magic, version, dim, 7 others, buckets, shortest, longest, 1 other    14 int32, and a float64
    entries, words, labels; tokens, pruned n-grams (−1 for none)          3 int32, 2 int64
    each entry: its text, a zero byte, its count, 0 for a word            int64, int8
    1 if quantised; rows, dim, numbers                                    int8, 2 int64, and float32

Each word and each bucket of n-grams has a row. The vector of a word is the mean of its row and the rows of its n-grams.
The output matrix comes last and is not read.
"""

import logging
import mmap
import struct
from pathlib import Path

import numpy as np

from wordsparse.errors import CutShortError, InputError
from wordsparse.files import regular
from wordsparse.files.escaping import number_of
from wordsparse.types import Array
from wordsparse.vectors.formats.base import Format
from wordsparse.vectors.ngrams import LARGEST, Buckets, NgramVectors
from wordsparse.vectors.word_vectors import WordVectors

logger = logging.getLogger(__name__)

MAGIC, VERSION = (793_712_314).to_bytes(4, "little"), 12
HEAD, OF_ENTRY, OF_ROWS = struct.Struct("<14i8x3i2q"), struct.Struct("<qb"), struct.Struct("<bqq")
MAX_WORD, END = 2**16, b"</s>"  # the maximum size of a word; the end-of-line word, which has no n-grams
BLOCK = 2**14  # number of words whose vectors are computed at a time
CUT = "is cut short, or not a fastText model: copy it again, or use the .vec file that fastText writes next to it"


class FastText(Format):
    """The file format described in the docstring of this module."""

    name, about = "fasttext", "fastText's model.bin, which can only be read"

    def recognises(self, path: Path, start: bytes) -> bool:
        return start.startswith(MAGIC)

    def read(self, path: Path) -> WordVectors:
        with regular.opened(path) as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            try:
                return _read(data)
            except (struct.error, OverflowError):
                raise CutShortError(CUT) from None


def _read(data: mmap.mmap) -> WordVectors:
    _, version, dim, *_, buckets, shortest, longest, _, entries, words, labels, _, pruned = HEAD.unpack_from(data)
    if version != VERSION:
        raise InputError(f"is of version {version} of fastText's files, but only {VERSION} is read: use its .vec file")
    texts, counts, at = _entries(data, entries)
    quantised, *shape = OF_ROWS.unpack_from(data, at)
    if quantised or pruned != -1:
        raise InputError("is a quantised fastText model (.ftz): use the model from which it was made")
    fits = shape == [words + buckets, dim] and entries == words + labels and min(dim, words) >= 1
    begin = at + OF_ROWS.size
    if not fits or min(buckets, labels) < 0 or len(data) < begin + 4 * dim * shape[0]:
        raise CutShortError(CUT)
    rows = np.frombuffer(data, "<f4", dim * shape[0], begin).reshape(shape).astype(np.float32)
    if not max(rows.max(), -rows.min()) <= LARGEST:  # NaN fails this comparison, too
        raise InputError(f"holds numbers beyond {LARGEST:g}, or NaN: train the model again")
    if labels:
        logger.warning("the file is a classifier: its words are read, but not its %s", number_of(labels, "label"))
    ngrams = None
    if longest > 0 and buckets:
        index = Buckets(buckets, max(1, shortest), longest)
        ngrams = NgramVectors(index, rows[words:], np.zeros(dim, np.float32))
        for first in range(0, words, BLOCK):
            _add_ngrams(rows[first : min(first + BLOCK, words)], texts[first : first + BLOCK], index, rows[words:])
    vectors = WordVectors(_decoded(texts[:words]), rows[:words], np.array(counts[:words], np.int64))
    vectors.ngrams = ngrams
    return vectors


def _entries(data: mmap.mmap, number: int) -> tuple[list[bytes], list[int], int]:
    """Return the texts and counts of all entries of the vocabulary, and the position at which the vocabulary ends."""
    texts, counts, at = list[bytes](), list[int](), HEAD.size
    for _ in range(number):
        if (end := data.find(b"\0", at, at + MAX_WORD)) < 0:
            raise CutShortError(CUT)
        texts.append(data[at:end])
        counts.append(OF_ENTRY.unpack_from(data, end + 1)[0])
        at = end + 1 + OF_ENTRY.size
    return texts, counts, at


def _add_ngrams(rows: Array, texts: list[bytes], ngrams: Buckets, shared: Array) -> None:
    numbers = ngrams.numbers([b"" if text == END else b"<%b>" % text for text in texts[: len(rows)]])
    rows += numbers @ shared
    rows /= (1 + numbers.sum(1))[:, None]


def _decoded(texts: list[bytes]) -> list[str]:
    try:
        return [text.decode() for text in texts]
    except UnicodeDecodeError:
        logger.warning("words that are not UTF-8 are written with escapes, such as \\xff")
        return [text.decode(errors="backslashreplace") for text in texts]
