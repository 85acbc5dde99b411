"""Words and their vectors: validation, queries, and conversion to and from files and gensim."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from os import PathLike
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from wordsparse import optional
from wordsparse.errors import InputError
from wordsparse.vectors.lookup import Key
from wordsparse.vectors.neighbours import Neighbours

if TYPE_CHECKING:
    from gensim.models import KeyedVectors


class WordVectors(Neighbours):
    """A set of words or other keys with one vector each; it also has the methods of gensim's KeyedVectors.

    Parameters
    ----------
    words : iterable of hashable, length V
        Distinct, most frequent first.
    vectors : array (V, dim)
        One row for each word, finite; stored as float32 in C order, without a copy if it has this form already.
    counts : array (V,), optional
        Number of occurrences of each word, not negative; stored as int64 in the attribute "count".

    Raises
    ------
    InputError
        If the sizes do not agree, a word occurs twice or is not hashable, or a number is not finite.
    """

    def __init__(self, words: Iterable[Key], vectors: npt.ArrayLike, counts: npt.ArrayLike | None = None) -> None:
        with np.errstate(over="ignore"):  # a number beyond float32 becomes inf, which is refused below
            matrix: npt.NDArray[np.float32] = np.ascontiguousarray(vectors, dtype=np.float32)
        try:
            super().__init__(words, matrix)
        except TypeError as error:
            raise InputError(f"words must be hashable: {error}") from error
        if counts is not None:
            self.expandos["count"] = _whole_numbers(counts)
        self._check()

    @property
    def words(self) -> list[Any]:
        """The words, most frequent first: ``index_to_key``."""
        return self.index_to_key

    @property
    def counts(self) -> npt.NDArray[np.int64] | None:
        """Number of occurrences of each word, (V,); None if unknown."""
        return self.expandos.get("count")

    @property
    def dim(self) -> int:
        """Length of a vector: ``vector_size``."""
        return self.vector_size

    def row(self, word: Key) -> int:
        """The row of ``word`` in ``vectors``; see ``get_index``."""
        return self.get_index(word)

    def __repr__(self) -> str:
        shown = ", ".join(f"{word!r:.20}" for word in self.index_to_key[:3])
        more = ", …" if len(self) > 3 else ""
        return f"<{type(self).__name__} of {len(self):,} words, dim {self.vector_size}: {shown}{more}>"

    def vectors_for_all(
        self, keys: Iterable[Key], allow_inference: bool = True, copy_vecattrs: bool = False
    ) -> WordVectors:
        """The vectors of the known keys, in their order, without duplicates.

        ``allow_inference`` takes composed vectors too; ``copy_vecattrs`` copies the attributes of the keys, 0 for
        composed ones.
        """
        has_vector = self.has_vector if allow_inference else self.has_index_for
        known = [key for key in dict.fromkeys(keys) if has_vector(key)]
        if not known:
            raise InputError("none of the given keys is in the vocabulary")
        chosen = WordVectors(known, np.stack([self.get_vector(key) for key in known]))
        if copy_vecattrs:
            has_row = np.array([key in self for key in known])
            rows = [self.get_index(key) for key in known if key in self]
            for name, values in self.expandos.items():
                chosen.expandos[name] = np.zeros(len(known), values.dtype)
                chosen.expandos[name][has_row] = values[rows]
        return chosen

    def save_word2vec_format(
        self,
        fname: str | PathLike[str],
        fvocab: str | PathLike[str] | None = None,
        binary: bool = False,
        total_vec: int | None = None,
        write_header: bool = True,
        prefix: str = "",
        append: bool = False,
        sort_attr: str = "count",
    ) -> None:
        """Write a word2vec file; see :func:`wordsparse.vectors.formats.gensim_options.save`."""
        from wordsparse.vectors.formats import gensim_options  # the formats know this class

        gensim_options.save(self, fname, fvocab, binary, total_vec, write_header, prefix, append, sort_attr)

    @classmethod
    def load_word2vec_format(
        cls,
        fname: str | PathLike[str],
        fvocab: str | PathLike[str] | None = None,
        binary: bool = False,
        encoding: str = "utf8",
        unicode_errors: str = "strict",
        limit: int | None = None,
        datatype: npt.DTypeLike = np.float32,
        no_header: bool = False,
    ) -> Self:
        """Read a word2vec file; see :func:`wordsparse.vectors.formats.gensim_options.load`."""
        from wordsparse.vectors.formats import gensim_options

        read: Callable[..., Any] = gensim_options.load
        loaded: WordVectors = read(fname, fvocab, binary, encoding, unicode_errors, limit, datatype, no_header)
        return cls._taken_over(loaded)

    def keyed_vectors(self) -> KeyedVectors:
        """A copy as ``gensim.models.KeyedVectors``, with the attribute "count" if the counts are known.

        Raises
        ------
        MissingDependencyError
            If gensim is not installed.
        """
        # add_vectors would copy the matrix three times.
        keyed = keyed_vectors_class()(vector_size=self.dim)
        keyed.index_to_key = list(self.words)
        keyed.key_to_index = dict(self.key_to_index)
        keyed.vectors = self.vectors.copy()
        if self.counts is not None:
            keyed.allocate_vecattrs(["count"], [np.int64])
            keyed.expandos["count"][:] = self.counts
        return keyed

    @classmethod
    def _taken_over(cls, other: WordVectors) -> Self:
        """``other`` as an instance of this class, which shares its arrays."""
        own = cls.__new__(cls)
        own.__dict__.update(other.__dict__)
        return own

    def _check(self) -> None:
        """Raise InputError if the sizes do not agree, a word is repeated, or a number is invalid."""
        if self.vectors.ndim != 2 or len(self.vectors) != len(self.words) or self.vectors.size == 0:
            raise InputError(f"{len(self.words)} words need as many vectors, not an array {self.vectors.shape}")
        if len(self.key_to_index) != len(self.words):
            row = next(row for row, word in enumerate(self.words) if self.key_to_index[word] != row)
            word = self.words[row]
            raise InputError(f"the word {word!r} occurs twice (words {row + 1} and {self.key_to_index[word] + 1})")
        if self.counts is not None and (self.counts.shape != (len(self),) or self.counts.min() < 0):
            raise InputError(f"counts must be {len(self)} numbers, none negative")
        with np.errstate(invalid="ignore"):
            # A float64 sum of float32 numbers cannot overflow, so it is finite if and only if all of them are.
            finite = np.isfinite(self.vectors.sum(axis=1, dtype=np.float64))
        if not finite.all():
            row = int(finite.argmin())
            raise InputError(f"the vector of {self.words[row]!r} (word {row + 1}) holds a number that is not finite")


def keyed_vectors_class() -> type[KeyedVectors]:
    """gensim's class; MissingDependencyError if gensim is not installed."""
    found: type[KeyedVectors] = optional.load("KeyedVectors", "gensim.models").KeyedVectors
    return found


def _whole_numbers(counts: npt.ArrayLike) -> npt.NDArray[np.int64]:
    array = np.asarray(counts)
    if array.dtype.kind not in "iu":
        raise InputError(f"counts must be whole numbers, not {array.dtype}")
    return array.astype(np.int64, copy=False)
