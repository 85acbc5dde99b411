"""Keys and their vectors: the row of a key, further attributes of keys, and the addition of rows.

The names are those of gensim's KeyedVectors, so that programs written for it work unchanged.
"""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from numbers import Integral
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from wordsparse import validation
from wordsparse.errors import InputError, UnknownWordError, WrongTypeError
from wordsparse.types import Array
from wordsparse.vectors.ngrams import Subwords

Key: TypeAlias = Hashable

# Similar spellings are searched among this many of the most frequent words, which takes a few milliseconds.
_SPELLING_CANDIDATES = 50_000


class KeyTable:
    """Distinct keys, one vector each, and further attributes of each key.

    Parameters
    ----------
    keys : iterable of hashable, length V
    vectors : array (V, vector_size)
        Floating-point numbers; not copied.

    Attributes
    ----------
    index_to_key : list, length V
        The key of each row; None for a row that is reserved and has no key yet.
    key_to_index : dict
        The row of each key.
    expandos : dict of str to array (V,)
        Attributes of the keys, such as "count".
    next_index : int
        The first reserved row that has no key yet.
    subwords : Subwords or None
        Composes the vectors of words that have no row; None if such words have no vector. ``in`` and ``get_index``
        know the keys that have a row only.
    split : callable or None
        Splits a query that has no row into words, as the text of the vectors was split; None if that is not known.
    """

    def __init__(self, keys: Iterable[Key], vectors: Array) -> None:
        self.index_to_key: list[Any] = list(keys)
        self.key_to_index: dict[Any, int] = {key: row for row, key in enumerate(self.index_to_key)}
        self.expandos: dict[str, Array] = {}
        self.next_index = len(self.index_to_key)
        self.subwords: Subwords | None = None
        self.split: Callable[[str], Sequence[str]] | None = None
        self.vectors = vectors

    @property
    def vectors(self) -> Array:
        """The matrix (V, vector_size), one row a key. After an in-place change call ``fill_norms(force=True)``."""
        return self._vectors

    @vectors.setter
    def vectors(self, vectors: Array) -> None:
        self._vectors = vectors
        self._norms: Array | None = None
        self._unit: Array | None = None

    @property
    def vector_size(self) -> int:
        """Length of a vector."""
        return int(self._vectors.shape[1])

    @property
    def norms(self) -> Array:
        """The Euclidean length of each vector, (V,); computed once."""
        if self._norms is None:
            # In float64: the square of a large float32 number overflows float32.
            squares = np.einsum("ij,ij->i", self._vectors, self._vectors, dtype=np.float64)
            self._norms = np.sqrt(squares)
        return self._norms

    @norms.setter
    def norms(self, _: None) -> None:
        """Discard them, like ``fill_norms(force=True)``."""
        self.fill_norms(force=True)

    def fill_norms(self, force: bool = False) -> None:
        """If ``force``, discard the cached lengths of the vectors; the next access computes them again."""
        if force:
            self._norms = self._unit = None

    @property
    def unit(self) -> Array:
        """The vectors scaled to length one, (V, vector_size); a zero vector stays zero. Computed once."""
        if self._unit is None:
            self._unit = np.empty_like(self._vectors)
            np.divide(self._vectors, self._divisors()[:, None], out=self._unit, casting="same_kind")
        return self._unit

    def get_normed_vectors(self) -> Array:
        """The vectors scaled to length one, (V, vector_size); see ``unit``."""
        return self.unit

    def unit_normalize_all(self) -> None:
        """Scale every vector to length one in place."""
        self.vectors = self.unit

    def __len__(self) -> int:
        return len(self.index_to_key)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.index_to_key)

    def __contains__(self, key: object) -> bool:
        return self.has_index_for(key)

    def is_composed(self, key: object) -> bool:
        """Whether ``key`` has no row and its vector is composed from n-grams, which it shares with other words."""
        return self._find(key) is None and self._composed(key) is not None

    def has_vector(self, key: object) -> bool:
        """Whether ``key`` has a row or a composed vector."""
        return key in self or self.is_composed(key)

    def has_index_for(self, key: object) -> bool:
        """Whether there is a row for ``key``."""
        return self._find(key) is not None

    def get_index(self, key: Any, default: int | None = None) -> int:
        """The row of ``key``. A whole number that is not a key is a row number, unless keys are numbers themselves.

        Raises
        ------
        UnknownWordError
            If there is no such row and no ``default``; the message names close spellings.
        """
        row = self._find(key)
        if row is None:
            row = default
        if row is None:
            raise UnknownWordError(self._unknown(key))
        return row

    def meant(self, query: Key) -> Sequence[Key]:
        """The keys that a query stands for: itself if it has a row, else the words into which ``split`` splits it."""
        if self.split is None or not isinstance(query, str) or query in self:
            return [query]
        return self.split(query) or [query]

    def get_vector(self, key: Any, norm: bool = False) -> Array:
        """The vector of ``key``, (vector_size,), read-only; scaled to length one if ``norm``.

        A key without a row is composed from its n-grams, if there are any; UnknownWordError otherwise.
        """
        row = self._find(key)
        composed = self._composed(key) if row is None else None
        vector: Array = self._vectors[self.get_index(key)] if composed is None else composed
        if norm:
            divisor = float(np.linalg.norm(composed)) if composed is not None else self.norms[row]
            divisor = divisor or 1.0
            vector = np.divide(vector, divisor, out=np.empty_like(vector), casting="same_kind")
        vector.flags.writeable = False  # a write would invalidate the cached lengths
        return vector

    def __getitem__(self, key: Any) -> Array:
        """The vector of a key, (vector_size,), or the vectors of a list of keys, (n, vector_size)."""
        if isinstance(key, list | np.ndarray) or (isinstance(key, tuple) and key not in self.key_to_index):
            return np.vstack([self.get_vector(one) for one in key])
        return self.get_vector(key)

    def get_mean_vector(
        self,
        keys: Sequence[Any] | Array,
        weights: ArrayLike | None = None,
        pre_normalize: bool = True,
        post_normalize: bool = False,
        ignore_missing: bool = True,
    ) -> Array:
        """The mean of vectors, (vector_size,), divided by the sum of the weights' magnitudes.

        Parameters
        ----------
        keys : sequence of keys or vectors
            A vector (vector_size,) is used unchanged.
        weights : array (n,), optional
        pre_normalize, post_normalize : bool
            Scale the vectors of keys to length one before taking the mean; scale the mean to length one.
        ignore_missing : bool
            Ignore keys without a vector.

        Raises
        ------
        InputError
            If there are no keys, or another number of weights; UnknownWordError for a missing key that is not ignored.
        """
        if len(keys) == 0:
            raise InputError("a mean needs at least one key: name a word")
        factors = np.ones(len(keys)) if weights is None else np.asarray(weights, np.float64)
        if factors.shape != (len(keys),):
            raise InputError(f"{len(keys)} keys need a weight each, not an array {factors.shape}")
        total, weight = np.zeros(self.vector_size), 0.0
        for key, factor in zip(keys, factors.tolist(), strict=True):
            if isinstance(key, np.ndarray):
                total += factor * key
            elif not ignore_missing or self.has_vector(key):
                total += factor * self.get_vector(key, norm=pre_normalize)
            else:
                continue
            weight += abs(factor)
        total /= weight or 1.0
        if post_normalize:
            total /= float(np.linalg.norm(total)) or 1.0
        return total.astype(self._vectors.dtype)

    def add_vector(self, key: Key, vector: ArrayLike) -> int:
        """Give ``key`` the next reserved row, or a new one at the end, and return its number.

        A new row copies the whole table: add many with ``add_vectors``.
        """
        row = self.next_index
        if row < len(self) and self.index_to_key[row] is None:
            self.index_to_key[row], self.key_to_index[key] = key, row
            self._vectors[row] = vector
            self.fill_norms(force=True)
        else:
            warnings.warn("each vector that is added alone copies all of them: use add_vectors", stacklevel=2)
            row = len(self)
            self.add_vectors([key], [vector])
        self.next_index = row + 1
        return row

    def add_vectors(
        self,
        keys: Any,
        weights: Any,
        extras: Mapping[str, Array] | None = None,
        replace: bool = False,
    ) -> None:
        """Add keys with their vectors at the end.

        Parameters
        ----------
        keys : key or list of keys, length n
        weights : array (n, vector_size) or list of vectors
        extras : mapping of str to array (n,), optional
            Attributes of these keys.
        replace : bool
            Replace the vectors and attributes of existing keys; otherwise existing keys are unchanged.

        Raises
        ------
        InputError
            If the numbers of keys, vectors and attributes differ, a vector has another length or a number is not
            finite.
        """
        if not isinstance(keys, list | tuple | np.ndarray):
            keys, weights = [keys], np.reshape(weights, (1, -1))
        rows = validation.matrix("weights", weights, self.vector_size, self._vectors.dtype)
        if len(rows) != len(keys):
            raise InputError(f"{len(keys)} keys need a vector each, not {len(rows)}")
        added = {name: np.asarray(values) for name, values in (extras or {}).items()}
        if wrong := [name for name, values in added.items() if values.shape != (len(keys),)]:
            raise InputError(f"the attribute {wrong[0]!r} must have one value a key, {len(keys)} of them")
        before = len(self)
        is_new = np.zeros(len(keys), bool)
        for place, key in enumerate(keys):
            if key not in self.key_to_index:
                is_new[place] = True
                self.key_to_index[key] = len(self.index_to_key)
                self.index_to_key.append(key)
        taken = is_new | replace
        places = [self.key_to_index[key] for key, take in zip(keys, taken, strict=True) if take]
        grown = np.zeros((len(self), self.vector_size), self._vectors.dtype)
        grown[:before] = self._vectors
        grown[places] = rows[taken]
        self.vectors = grown
        self.allocate_vecattrs(list(added), [values.dtype for values in added.values()])
        self.allocate_vecattrs()
        for name, values in added.items():
            self.expandos[name][places] = values[taken]

    def resize_vectors(self, seed: int = 0) -> None:
        """Make a small random vector for each key without one; the others are unchanged."""
        before = len(self._vectors)
        if before == len(self):
            return
        grown = np.random.default_rng(seed).random((len(self), self.vector_size), np.float32)
        grown = ((2 * grown - 1) / np.float32(self.vector_size)).astype(self._vectors.dtype, copy=False)
        grown[:before] = self._vectors
        self.vectors = grown
        self.allocate_vecattrs()

    def sort_by_descending_frequency(self) -> None:
        """Sort the rows by descending attribute "count"; of equally frequent keys, the last comes first.

        Raises
        ------
        UnknownWordError
            If the counts are not known.
        """
        if not len(self):
            return
        order = np.lexsort((-np.arange(len(self)), -self._attribute("count")))
        self.index_to_key = [self.index_to_key[row] for row in order]
        self.key_to_index = {key: row for row, key in enumerate(self.index_to_key)}
        self.expandos = {name: values[order] for name, values in self.expandos.items()}
        self.vectors = self._vectors[order]

    def __setitem__(self, keys: Any, weights: Any) -> None:
        """Add or replace the vector of a key, or of each of a list of keys."""
        if not isinstance(keys, list):
            keys, weights = [keys], np.reshape(weights, (1, -1))
        self.add_vectors(keys, weights, replace=True)

    def allocate_vecattrs(self, attrs: Sequence[str] | None = None, types: Sequence[DTypeLike] | None = None) -> None:
        """Allocate attributes of these names and types, one value for each key; without names, all existing ones."""
        names = list(self.expandos) if attrs is None else list(attrs)
        kinds = [self.expandos[name].dtype for name in names] if types is None else list(types)
        for name, kind in zip(names, kinds, strict=True):
            dtype, old = _attribute_dtype(kind), self.expandos.get(name)
            if old is not None and not np.can_cast(dtype, old.dtype):
                raise WrongTypeError(
                    f"the attribute {name!r} holds {old.dtype}, which cannot hold {dtype}: choose another name"
                )
            if old is None or len(old) != len(self):
                grown = np.zeros(len(self), dtype if old is None else old.dtype)
                if old is not None:
                    grown[: len(old)] = old[: len(self)]
                self.expandos[name] = grown

    def set_vecattr(self, key: Any, attr: str, val: Any) -> None:
        """Set the attribute ``attr`` of ``key``; the first value of an attribute determines its type."""
        row = self.get_index(key)
        self.allocate_vecattrs([attr], [type(val)])
        self.expandos[attr][row] = val

    def get_vecattr(self, key: Any, attr: str) -> Any:
        """The attribute ``attr`` of ``key``; UnknownWordError, a KeyError, if there is no such key or attribute."""
        return self._attribute(attr)[self.get_index(key)]

    def _attribute(self, name: str) -> Array:
        """The values of an attribute, (V,)."""
        if name not in self.expandos:
            raise UnknownWordError(f"the keys have no attribute {name!r}; set_vecattr gives them one")
        return self.expandos[name]

    def _find(self, key: Any) -> int | None:
        """The row of ``key``, None if it has none."""
        row = self.key_to_index.get(key)
        if row is None and isinstance(key, Integral) and 0 <= int(key) < len(self.index_to_key):
            # If the keys are numbers, a number that is not a key is missing and is not a row number.
            row = None if isinstance(self.index_to_key[0], Integral) else int(key)
        return row

    def _composed(self, key: object) -> Array | None:
        """The vector of a key without a row, (vector_size,); None if it has none."""
        return self.subwords.vector(key) if self.subwords is not None and isinstance(key, str) else None

    def _divisors(self) -> Array:
        """The divisors that scale each vector to length one, (V,) float64; 1 for a zero vector."""
        return np.where(self.norms > 0, self.norms, 1.0)

    def _unknown(self, key: object) -> str:
        """The error message for a missing key, with similar spellings if there are any."""
        if not isinstance(key, str):
            return f"{key!r:.80} is not in the vocabulary"
        candidates = [
            known
            for known in self.index_to_key[:_SPELLING_CANDIDATES]
            if isinstance(known, str) and abs(len(known) - len(key)) <= 2 and known[:1].lower() == key[:1].lower()
        ]
        close = difflib.get_close_matches(key, candidates, n=3)
        hint = f"; close to it: {', '.join(close)}" if close else ""
        why = ", and none of its n-grams is known" if self.subwords is not None else ""
        return f"the word {key!r} is not in the vocabulary{why}{hint}"


def _attribute_dtype(kind: DTypeLike) -> np.dtype[Any]:
    """The dtype that stores values of a Python type or dtype: int64 for integers, object for types unknown to NumPy."""
    if kind is int:
        return np.dtype(np.int64)
    if isinstance(kind, type) and not issubclass(kind, np.generic | int | float | bool | complex):
        return np.dtype(object)
    return np.dtype(kind)
