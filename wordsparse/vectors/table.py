"""The table of words and their vectors, which validates words and vectors and finds the row of each word."""

from collections.abc import Callable, Hashable, Iterable, Iterator
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from wordsparse.errors import InputError
from wordsparse.types import Array
from wordsparse.validation import non_negative
from wordsparse.vectors.compact import CompactRows, norms_of, unit_of
from wordsparse.vectors.evidence import DOUBT, rarity
from wordsparse.vectors.ngrams import NgramVectors
from wordsparse.vectors.weights import weights

Key: TypeAlias = Hashable


class VectorTable:
    """The base class of :class:`wordsparse.WordVectors`, whose docstring describes the parameters and attributes."""

    def __init__(
        self, words: Iterable[Key], vectors: npt.ArrayLike | CompactRows, counts: npt.ArrayLike | None = None
    ) -> None:
        matrix: Any = vectors
        if not isinstance(vectors, CompactRows):
            with np.errstate(over="ignore"):  # a number beyond float32 becomes inf, which is refused below
                matrix = np.ascontiguousarray(vectors, dtype=np.float32)
        try:
            self._begin(words, matrix)
        except TypeError as error:
            raise InputError(f"words must be hashable, such as str or tuple: {error}") from error
        self._counts: npt.NDArray[np.int64] | None = None if counts is None else _whole_numbers(counts)
        self._check()

    def _begin(self, words: Iterable[Key], vectors: Array) -> None:
        """Store the words and their vectors, without checks."""
        self.words: list[Any] = list(words)
        self._row_of: dict[Any, int] = {word: row for row, word in enumerate(self.words)}
        self._counts = None
        self.ngrams: NgramVectors | None = None
        self.split: Callable[[str], list[str]] | None = None
        self.tokens = "split"
        self._weights: npt.NDArray[np.float32] | None = None
        self._doubt: float | None = None
        self._rarity: Any = None  # the counts, and what _evidence returns for them
        self._composed: set[str] = set()  # the words that new_compositions has returned
        self.vectors = vectors

    def __getstate__(self) -> dict[str, Any]:
        """Copy or pickle this table without the cache of the encoder."""
        return vars(self) | {"_encoder": None}

    @property
    def vectors(self) -> Array:
        """The matrix (V, dim), one row per word."""
        return self._vectors

    @vectors.setter
    def vectors(self, vectors: Array) -> None:
        self._vectors = vectors
        self._norms: Array | None = None
        self._unit: Any = None
        self._encoder: Any = None

    @property
    def respells(self) -> bool:
        """Whether unknown words are looked up in other spellings. True if the training text was split at white
        space."""
        return self.tokens == "split"

    @property
    def counts(self) -> npt.NDArray[np.int64] | None:
        """The number of occurrences of each word, (V,); None if the counts are unknown."""
        return self._counts

    @property
    def dim(self) -> int:
        """Number of dimensions of a vector."""
        return int(self._vectors.shape[1])

    @property
    def rarity(self) -> npt.NDArray[np.float32] | None:
        """1 divided by the count of each word, (V,), for the ranking of neighbours; None if the counts are unknown, or
        :attr:`doubt` is set to 0. See :mod:`wordsparse.vectors.evidence`. The array is computed once."""
        return None if self._doubt == 0 else self._evidence()[0]

    @property
    def doubt(self) -> float:
        """The count at which the cosines of a word are multiplied by √½ in the ranking of the neighbours of a vector;
        0 if the counts are unknown."""
        return self._evidence()[1] if self._doubt is None else self._doubt

    @doubt.setter
    def doubt(self, doubt: float) -> None:
        """Set another number, such as the number of a larger vocabulary; 0 ranks neighbours by cosine."""
        self._doubt = non_negative("doubt", doubt)

    def _evidence(self) -> tuple[npt.NDArray[np.float32] | None, float]:
        """Return the rarity and the doubt of the counts, which are computed once."""
        counts = self.counts
        if self._rarity is None or self._rarity[0] is not counts:
            found = rarity(counts)
            total = 0.0 if counts is None or found is None else float(counts.sum(dtype=np.float64))
            self._rarity = counts, found, DOUBT * total
        return self._rarity[1], self._rarity[2]

    @property
    def weights(self) -> npt.NDArray[np.float32]:
        """The weight of each word in the vector of a text, (V,): see :mod:`wordsparse.vectors.weights`."""
        return weights(self.counts, len(self)) if self._weights is None else self._weights

    @weights.setter
    def weights(self, weights: npt.NDArray[np.float32] | None) -> None:
        self._weights, self._encoder = weights, None

    @cached_property
    def has_capitals(self) -> bool:
        """Whether any word in the table has a capital letter."""
        return any(isinstance(word, str) and word != word.lower() for word in self.words)

    @property
    def norms(self) -> Array:
        """The Euclidean norm of each vector, (V,); computed once."""
        if self._norms is None:
            self._norms = norms_of(self._vectors)
        return self._norms

    @property
    def unit(self) -> Array:
        """The vectors scaled to unit length, (V, dim); a zero vector stays zero. The array is computed once."""
        if self._unit is None:
            self._unit = unit_of(self._vectors, self.divisors)
        unit: Array = self._unit
        return unit

    def some_unit(self, rows: Array) -> Array:
        """Return some rows of :attr:`unit`, (n, dim), without making the whole array."""
        if self.is_compact:
            return np.asarray(self.unit[rows])
        return np.asarray(unit_of(self._vectors[rows], self.divisors[rows]))

    @property
    def is_compact(self) -> bool:
        """Whether the vectors are 8-bit or float16 numbers, whose rows are converted to float32 when they are used."""
        vectors: Any = self._vectors
        return isinstance(vectors, CompactRows)

    def __len__(self) -> int:
        return len(self.words)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.words)

    def __contains__(self, word: object) -> bool:
        return self.find(word) is not None

    def __repr__(self) -> str:
        shown = ", ".join(f"{word!r:.20}" for word in self.words[:3])
        more = ", …" if len(self) > 3 else ""
        return f"<{type(self).__name__} of {len(self):,} words, dim {self.dim}: {shown}{more}>"

    def find(self, word: Any) -> int | None:
        """Return the row of ``word`` in ``vectors``, or None if the word has no row."""
        return self._row_of.get(word)

    def most_frequent(self, n: int) -> npt.NDArray[np.intp]:
        """Return the rows of the ``n`` most frequent words, most frequent first. If counts are unknown, return the
        first n rows."""
        if self.counts is None:
            return np.arange(min(n, len(self)))
        return np.argsort(-self.counts, kind="stable")[:n]

    def telling_words(self, n: int) -> list[Any]:
        """Return n frequent words that mean something by themselves: from rank 300 on, of at least five letters. If
        there are none, return the n most frequent words."""
        words = [self.words[row] for row in self.most_frequent(len(self)).tolist()]
        return [word for word in words[300:] if isinstance(word, str) and len(word) >= 5][:n] or words[:n]

    @property
    def divisors(self) -> Array:
        """The divisors that scale each vector to unit length, (V,) float64; 1 for a zero vector."""
        return np.where(self.norms > 0, self.norms, 1.0)

    def _check(self) -> None:
        """Raise InputError if the sizes do not agree, a word is repeated, or a number is invalid."""
        if self.vectors.ndim != 2 or len(self.vectors) != len(self.words) or self.vectors.size == 0:
            raise InputError(f"{len(self.words)} words need one vector each, not an array {self.vectors.shape}")
        if len(self._row_of) != len(self.words):
            row = next(row for row, word in enumerate(self.words) if self._row_of[word] != row)
            word = self.words[row]
            raise InputError(
                f"the word {word!r:.80} occurs twice (words {row + 1} and {self._row_of[word] + 1}); leave one out"
            )
        if self.counts is not None and (self.counts.shape != (len(self),) or self.counts.min() < 0):
            raise InputError(f"counts must be {len(self)} numbers of 0 or more: give one number per word")
        finite = np.isfinite(norms_of(self.vectors))  # a norm in float64 is finite exactly if all numbers are
        if not finite.all():
            row = int(finite.argmin())
            raise InputError(
                f"the vector of {self.words[row]!r} (word {row + 1}) holds a number that is not finite; omit the word"
            )


def _whole_numbers(counts: npt.ArrayLike) -> npt.NDArray[np.int64]:
    array = np.asarray(counts)
    if array.dtype.kind not in "iu":
        raise InputError(f"counts must be whole numbers, not {array.dtype}")
    return array.astype(np.int64, copy=False)
