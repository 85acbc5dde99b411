"""Words and their vectors: neighbours, analogies, and the way to gensim's KeyedVectors."""

import difflib
from collections.abc import Collection, Iterable
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from wordsparse import optional
from wordsparse.errors import InputError

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

# Close spellings are looked for among this many of the most frequent words: a few milliseconds.
_SPELLING_CANDIDATES = 50_000


class WordVectors:
    """A fixed set of words with one vector each.

    Parameters
    ----------
    words : iterable of str, length V
        Distinct, not empty, most frequent first.
    vectors : array (V, dim)
        One row a word, finite; kept as float32 in C order, without a copy where it is that already.
    counts : array (V,), optional
        How often each word occurred, not negative; kept as int64.

    Raises
    ------
    InputError
        If the sizes do not agree, a word is empty, occurs twice or is not valid Unicode, or a number is not
        finite.
    """

    def __init__(self, words: Iterable[str], vectors: npt.ArrayLike, counts: npt.ArrayLike | None = None) -> None:
        self.words: list[str] = list(words)
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes inf and is refused below, by name
            self.vectors: npt.NDArray[np.float32] = np.ascontiguousarray(vectors, dtype=np.float32)
        self.counts: npt.NDArray[np.int64] | None = None if counts is None else _whole_numbers(counts)
        self._rows = {word: row for row, word in enumerate(self.words)}
        self._check()

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return int(self.vectors.shape[1])

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self._rows

    def __getitem__(self, word: str) -> npt.NDArray[np.float32]:
        """The vector of ``word``, (dim,) float32, a view; InputError if the word is not known."""
        vector: npt.NDArray[np.float32] = self.vectors[self.row(word)]
        return vector

    def row(self, word: str) -> int:
        """The row of ``word`` in ``vectors``.

        Raises
        ------
        InputError
            If the word is not known; the message names close spellings.
        """
        try:
            return self._rows[word]
        except KeyError:
            raise InputError(self._unknown(word)) from None

    @cached_property
    def unit(self) -> npt.NDArray[np.float32]:
        """The vectors scaled to length one, (V, dim) float32; a zero vector stays zero. Computed once."""
        # In float64: the square of a large float32 number is no float32 number.
        norms = np.sqrt(np.einsum("ij,ij->i", self.vectors, self.vectors, dtype=np.float64))
        norms[norms == 0] = 1
        unit = np.empty_like(self.vectors)
        np.divide(self.vectors, norms[:, None], out=unit, casting="same_kind")
        return unit

    def similar(self, word: str, n: int = 10) -> list[tuple[str, float]]:
        """The ``n`` words whose vectors have the largest cosine with that of ``word``, and the cosines.

        Raises
        ------
        InputError
            If the word is not known or ``n`` is below 1.
        """
        row = self.row(word)
        return self._nearest(self.unit[row], n, {row})

    def analogy(self, a: str, b: str, c: str, n: int = 10) -> list[tuple[str, float]]:
        """Words x such that ``a`` is to ``b`` as ``c`` is to x: the cosines of x with b - a + c (3CosAdd).

        The sum is taken over vectors of length one; the three given words are left out.

        Raises
        ------
        InputError
            If a word is not known or ``n`` is below 1.
        """
        rows = [self.row(word) for word in (a, b, c)]
        target = self.unit[rows[1]] - self.unit[rows[0]] + self.unit[rows[2]]
        length = float(np.linalg.norm(target))
        return self._nearest(target / np.float32(length or 1), n, set(rows))

    def keyed_vectors(self) -> "KeyedVectors":
        """The same as a ``gensim.models.KeyedVectors``, with the attribute "count" where counts are known.

        Raises
        ------
        MissingDependencyError
            If gensim is not installed.
        """
        # Not by add_vectors, which copies the matrix three times.
        keyed = keyed_vectors_class()(vector_size=self.dim)
        keyed.index_to_key = list(self.words)
        keyed.key_to_index = dict(self._rows)
        keyed.vectors = self.vectors.copy()
        if self.counts is not None:
            keyed.allocate_vecattrs(["count"], [np.int64])
            keyed.expandos["count"][:] = self.counts
        return keyed

    def _check(self) -> None:
        """Refuse what the other methods could not live with."""
        if self.vectors.ndim != 2 or len(self.vectors) != len(self.words) or self.vectors.size == 0:
            raise InputError(f"{len(self.words)} words need as many vectors, not an array {self.vectors.shape}")
        if len(self._rows) != len(self.words):
            row = next(row for row, word in enumerate(self.words) if self._rows[word] != row)
            word = self.words[row]
            raise InputError(f"the word {word!r} occurs twice (words {row + 1} and {self._rows[word] + 1})")
        if "" in self._rows:
            raise InputError(f"word {self._rows[''] + 1} is empty")
        try:
            "".join(self.words).encode()
        except UnicodeEncodeError as error:
            raise InputError(f"a word is not valid Unicode: {error}") from None
        if self.counts is not None and (self.counts.shape != (len(self),) or self.counts.min() < 0):
            raise InputError(f"counts must be {len(self)} numbers, none negative")
        with np.errstate(invalid="ignore"):
            # A float64 sum of float32 numbers cannot overflow: it is finite exactly if they all are.
            finite = np.isfinite(self.vectors.sum(axis=1, dtype=np.float64))
        if not finite.all():
            row = int(finite.argmin())
            raise InputError(f"the vector of {self.words[row]!r} (word {row + 1}) holds a number that is not finite")

    def _unknown(self, word: str) -> str:
        """What to say about a word that is not there, with close spellings where there are any."""
        candidates = [
            known
            for known in self.words[:_SPELLING_CANDIDATES]
            if abs(len(known) - len(word)) <= 2 and known[0].lower() == word[:1].lower()
        ]
        close = difflib.get_close_matches(word, candidates, n=3)
        hint = f"; close to it: {', '.join(close)}" if close else ""
        return f"the word {word!r} is not in the vocabulary{hint}"

    def _nearest(self, query: npt.NDArray[np.float32], n: int, left_out: Collection[int]) -> list[tuple[str, float]]:
        """The ``n`` words of largest unit · query, (dim,), but for the rows left out; ties by frequency."""
        if n < 1:
            raise InputError(f"the number of words to show must be at least 1, not {n}")
        cosines = self.unit @ query
        cosines[list(left_out)] = -np.inf
        n = min(n, len(self) - len(left_out))
        top = np.argpartition(-cosines, n)[:n]
        top = top[np.lexsort((top, -cosines[top]))]
        return [(self.words[row], float(cosines[row])) for row in top]


def keyed_vectors_class() -> "type[KeyedVectors]":
    """gensim's class; MissingDependencyError if gensim is not installed."""
    found: type[KeyedVectors] = optional.load("KeyedVectors", "gensim.models").KeyedVectors
    return found


def _whole_numbers(counts: npt.ArrayLike) -> npt.NDArray[np.int64]:
    array = np.asarray(counts)
    if array.dtype.kind not in "iu":
        raise InputError(f"counts must be whole numbers, not {array.dtype}")
    return array.astype(np.int64, copy=False)
