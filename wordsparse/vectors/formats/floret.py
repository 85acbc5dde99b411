"""floret's table of hashed n-grams, for spaCy: ``spacy init vectors en FILE OUT --mode floret``.

A text file: a line ``rows dim shortest longest hashes seed < >``, then the number of each row and its numbers. The
vector of any word is the mean of the rows of ``<word>`` and of its n-grams; each has HASHES rows, by its MurmurHash.
Here the rows are fitted to finished vectors, scaled to length one, by a ridge problem, so that known words keep theirs
as nearly as the rows can hold them.
"""

from collections.abc import Sequence
from itertools import chain
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from wordsparse.vectors.formats.base import Content, Format
from wordsparse.vectors.formats.word2vec import check_words, text_rows
from wordsparse.vectors.ngrams import members, ngrams_of
from wordsparse.vectors.ridge import ridge_rows

SHORTEST, LONGEST = 3, 5
HASHES, SEED = 2, 0
FEWEST, MOST = 2**12, 200_000
"""Bounds of the number of rows, between which it is the number of words."""
RIDGE, STEPS = 1e-3, 25
# Of MurmurHash3.
_C1, _C2 = np.uint64(0x87C37B91114253D5), np.uint64(0x4CF5AD432745937F)

Words = NDArray[np.uint64]


class Floret(Format):
    """See the head of this file."""

    name, about, suffixes = "floret", "hashed n-grams for spaCy, with vectors of unknown words too", (".floret",)
    target = "stream"
    compressible = composes = True
    readable = False

    def check(self, content: Content) -> None:
        check_words(content.words)

    def write(self, content: Content, target: IO[bytes], precision: str) -> None:
        rows = min(max(len(content.words), FEWEST), MOST)
        target.write(f"{rows} {content.dim} {SHORTEST} {LONGEST} {HASHES} {SEED} < >\n".encode())
        target.writelines(text_rows(map(str, range(rows)), fitted(content, rows)))


def fitted(content: Content, rows: int) -> NDArray[np.float32]:
    """The rows of the table, (rows, dim), for vectors of length one."""
    places, sizes = hashed_rows(content.words, rows)
    lengths = np.linalg.norm(content.vectors.astype(np.float64), axis=1, keepdims=True)
    unit = np.divide(content.vectors, np.where(lengths > 0, lengths, 1)).astype(np.float32)
    return ridge_rows(members(places, sizes, rows), unit, np.ones(len(content.words)), ridge=RIDGE, steps=STEPS)


def hashed_rows(words: Sequence[str], rows: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The rows of each word in turn, each as often as it counts, and how many each word has."""
    parts = [[f"<{word}>", *ngrams_of(word, SHORTEST, LONGEST)] for word in words]
    numbers: dict[str, int] = {}
    of_words = np.fromiter((numbers.setdefault(part, len(numbers)) for part in chain(*parts)), np.int64)
    places: Any = hashed([part.encode() for part in numbers], SEED)[:, :HASHES] % np.uint32(rows)
    return places[of_words].astype(np.int32).ravel(), np.fromiter(map(len, parts), np.int32) * np.int32(HASHES)


def hashed(texts: Sequence[bytes], seed: int) -> NDArray[np.uint32]:
    """MurmurHash3 (Austin Appleby, public domain) of each text, 128 bits as four numbers, (n, 4)."""
    found = np.empty((len(texts), 4), np.uint32)
    sizes = np.fromiter(map(len, texts), np.int64, len(texts))
    for size in np.unique(sizes).tolist():
        places = np.flatnonzero(sizes == size)
        data = b"".join(texts[place] for place in places.tolist())
        letters = np.frombuffer(data, np.uint8).reshape(len(places), size)
        found[places] = _of_one_size(letters, seed)
    return found


def _of_one_size(letters: NDArray[np.uint8], seed: int) -> NDArray[np.uint32]:
    """The hashes of texts (n, size), as (n, 4)."""
    n, size = letters.shape
    whole = size // 16 * 16
    # The last block is filled with zeros; it is mixed in only where it holds a letter.
    padded = np.zeros((n, whole + 16), np.uint8)
    padded[:, :size] = letters
    blocks: Any = padded.view("<u8").astype(np.uint64, copy=False)
    first, second = np.full(n, seed, np.uint64), np.full(n, seed, np.uint64)
    for at in range(0, whole // 8, 2):
        first ^= _turned(blocks[:, at] * _C1, 31) * _C2
        first = (_turned(first, 27) + second) * np.uint64(5) + np.uint64(0x52DCE729)
        second ^= _turned(blocks[:, at + 1] * _C2, 33) * _C1
        second = (_turned(second, 31) + first) * np.uint64(5) + np.uint64(0x38495AB5)
    second ^= _turned(blocks[:, -1] * _C2, 33) * _C1
    first ^= _turned(blocks[:, -2] * _C1, 31) * _C2
    first ^= np.uint64(size)
    second ^= np.uint64(size)
    first += second
    second += first
    first, second = _mixed(first), _mixed(second)
    first += second
    second += first
    return np.stack([first, second], axis=1).astype("<u8").view("<u4").astype(np.uint32)


def _turned(words: Words, bits: int) -> Words:
    return (words << np.uint64(bits)) | (words >> np.uint64(64 - bits))


def _mixed(words: Words) -> Words:
    """Each word with all its bits mixed into all others."""
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        words = (words ^ (words >> np.uint64(33))) * np.uint64(factor)
    return words ^ (words >> np.uint64(33))
