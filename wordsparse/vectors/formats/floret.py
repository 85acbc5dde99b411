"""floret's table of hashed n-grams, for spaCy: ``spacy init vectors en FILE OUT --mode floret``.

A text file: a line ``rows dim shortest longest hashes seed < >``, then the number of each row and its numbers. The
vector of any word is the mean of the rows of ``<word>`` and of its n-grams, each of which has HASHES rows by its
MurmurHash. Here the rows are fitted to finished vectors, scaled to length one, by a ridge problem, so that known words
keep theirs as nearly as the rows can hold them.
"""

from collections.abc import Sequence
from itertools import chain
from typing import IO, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from wordsparse.vectors.formats.base import Content, Format
from wordsparse.vectors.formats.murmur import hashed
from wordsparse.vectors.formats.word2vec import check_words, text_rows
from wordsparse.vectors.ngrams import members, ngrams_of
from wordsparse.vectors.ridge import ridge_rows

SHORTEST, LONGEST = 3, 5
HASHES, SEED = 2, 0
FEWEST, MOST = 2**12, 200_000
"""Of the rows: as many as words between these bounds."""
RIDGE, STEPS = 1e-3, 25


class Floret(Format):
    """See the head of this file."""

    name, about, suffixes = "floret", "hashed n-grams for spaCy, with vectors of unknown words too", (".floret",)
    target: ClassVar[Literal["stream"]] = "stream"
    compressible = composes = True
    readable = False

    def check(self, content: Content) -> None:
        """Refuse words that spaCy would not look up."""
        check_words(content.words)

    def write(self, content: Content, target: IO[bytes], precision: str) -> None:
        """Fit the rows, and write them."""
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
