"""gensim's table of keys: reserved rows, attributes of keys, queries by cosines, and methods that add rows."""

import warnings
from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from wordsparse import validation
from wordsparse.errors import InputError, UnknownWordError, WrongTypeError
from wordsparse.types import Array
from wordsparse.vectors import queries
from wordsparse.vectors.evidence import FEW
from wordsparse.vectors.table import Key
from wordsparse.vectors.word_vectors import Neighbours as Found
from wordsparse.vectors.word_vectors import Query, WordVectors


class KeyTable(WordVectors):
    """A table of vectors with gensim's names, to which keys can be added.

    The cosine of two keys is computed in float64, nearest keys with equal cosines are ordered by row, and a zero vector
    has the cosine 0 with all other vectors. ``next_index`` is the first reserved row; reserved rows have the key None.
    ``expandos`` maps the names of attributes to arrays (V,) with a value per key; "count" holds the counts.
    """

    next_index: int
    expandos: dict[str, Array]
    respells = False

    def _begin(self, words: Any, vectors: Array) -> None:
        super()._begin(words, vectors)
        self.next_index, self.expandos = len(self.words), {}

    @property
    def index_to_key(self) -> list[Any]:
        """The key of each row, or None for reserved rows, which have no key yet."""
        return self.words

    @index_to_key.setter
    def index_to_key(self, keys: list[Any]) -> None:
        self.words = keys

    @property
    def key_to_index(self) -> dict[Any, int]:
        """The row of each key."""
        return self._row_of

    @key_to_index.setter
    def key_to_index(self, rows: dict[Any, int]) -> None:
        self._row_of = rows

    @property
    def counts(self) -> Array | None:
        """The attribute "count", (V,), or None if the counts are not known."""
        return self.expandos.get("count")

    @property
    def vector_size(self) -> int:
        """The number of dimensions."""
        return self.dim

    @property
    def norms(self) -> Array:
        """The Euclidean length of each vector, (V,). It is cached."""
        return super().norms

    @norms.setter
    def norms(self, _: None) -> None:
        """Discard the cached norms, as ``fill_norms(force=True)`` does; the assigned value has no effect."""
        self.fill_norms(force=True)

    def fill_norms(self, force: bool = False) -> None:
        """Discard the cached lengths of the vectors if ``force``, so that the next access recomputes them."""
        if force:
            self._norms = self._unit = None

    def get_normed_vectors(self) -> Array:
        """Return the vectors scaled to unit length, (V, vector_size); see ``unit``."""
        return self.unit

    def unit_normalize_all(self) -> None:
        """Scale every vector to unit length in place."""
        self.vectors = self.unit

    def has_index_for(self, key: object) -> bool:
        """Return whether there is a row for ``key``."""
        return self.find(key) is not None

    def get_index(self, key: Any, default: int | None = None) -> int:
        """Return the row of ``key``. Unless keys are numbers themselves, a whole number is a row number.

        If the key has no row and there is no ``default``, raise UnknownWordError, whose message names similar
        spellings.
        """
        row = self.find(key)
        if row is None:
            row = default
        if row is None:
            raise queries.unknown(self, key)
        return row

    def get_vector(self, key: Any, norm: bool = False) -> Array:
        """Return the vector of ``key``, (vector_size,) and read-only; ``norm`` scales the vector to unit length.

        The vector of a key without a row is composed from its n-grams; without n-grams, UnknownWordError is raised.
        """
        return self.vector(key, unit=norm)

    def get_mean_vector(
        self,
        keys: Sequence[Any] | Array,
        weights: ArrayLike | None = None,
        pre_normalize: bool = True,
        post_normalize: bool = False,
        ignore_missing: bool = True,
    ) -> Array:
        """Return the weighted mean of vectors, (vector_size,): their sum divided by the sum of absolute weights.

        ``keys`` may hold vectors, which are used unchanged. ``pre_normalize`` scales the vectors of keys to unit length
        first, ``post_normalize`` the mean. Raise InputError if there are no keys, or if the numbers of keys and
        weights differ, and UnknownWordError for an unknown key unless ``ignore_missing``.
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
            elif not ignore_missing or key in self or self.is_composed(key):
                total += factor * self.get_vector(key, norm=pre_normalize)
            else:
                continue
            weight += abs(factor)
        total /= weight or 1.0
        if post_normalize:
            total /= float(np.linalg.norm(total)) or 1.0
        return total.astype(self._vectors.dtype)

    def most_similar(
        self,
        positive: Any = None,
        negative: Any = None,
        topn: int | None = 10,
        clip_start: int = 0,
        clip_end: int | None = None,
        restrict_vocab: int | None = None,
        indexer: Any = None,
    ) -> Found | Array:
        """Return the keys nearest to the sum of positive vectors minus negative vectors, with their cosines.

        Unlike in gensim, keys with counts are ranked by evidence, as :meth:`similar` and :meth:`analogy` rank them.

        Vectors of keys are scaled to unit length. A pair (key, weight) replaces the weight 1 or −1 of a key. The result
        excludes the keys of the query. The search covers the rows from ``clip_start`` to ``clip_end``, or the first
        ``restrict_vocab`` rows. If ``topn`` is None, the result is the cosines of all searched rows, (rows,) float32.
        An ``indexer`` of gensim.similarities replaces the exact search. Raise InputError if there is no key or vector,
        or a key is unknown (UnknownWordError).
        """
        if topn is not None and validation.whole("topn", topn, -validation.LARGEST) < 1:
            return []
        query = self._query(_weighted(positive, 1.0, self) + _weighted(negative, -1.0, self))
        if indexer is not None and topn is not None:
            nearest: Found = indexer.most_similar(query.direction, topn)
            return nearest
        start, end = (0, restrict_vocab) if restrict_vocab else (clip_start, clip_end or None)
        searched = range(len(self.vectors))[start:end]
        if topn is None:
            part = slice(searched.start, searched.stop)
            return np.asarray(self.vectors[part] @ query.direction / self.divisors[part], np.float32)
        candidates = None if len(searched) == len(self.vectors) else searched
        return self._best(query, topn, candidates) if searched else []

    def similar_by_key(self, key: Key, topn: int | None = 10, restrict_vocab: int | None = None) -> Found | Array:
        """Return the result of :meth:`most_similar` for one key."""
        return self.most_similar([key], topn=topn, restrict_vocab=restrict_vocab)

    def similar_by_word(self, word: Key, topn: int | None = 10, restrict_vocab: int | None = None) -> Found | Array:
        """Return the result of :meth:`most_similar` for one key."""
        return self.similar_by_key(word, topn, restrict_vocab)

    def similar_by_vector(
        self, vector: Array, topn: int | None = 10, restrict_vocab: int | None = None
    ) -> Found | Array:
        """Return the result of :meth:`most_similar` for one vector (vector_size,)."""
        return self.most_similar([vector], topn=topn, restrict_vocab=restrict_vocab)

    def similarity(self, w1: Key, w2: Key) -> float:
        """Return the cosine of the vectors of two keys."""
        return _cosine(self.get_vector(w1), self.get_vector(w2))

    def distance(self, w1: Key, w2: Key) -> float:
        """Return 1 minus the cosine of the vectors of two keys."""
        return 1 - self.similarity(w1, w2)

    def _query(self, pairs: list[tuple[Any, float]]) -> Query:
        """Return the query for the weighted sum of ``pairs``. If a weight is negative, the query is an analogy."""
        keys, weights = zip(*pairs, strict=True) if pairs else ((), ())
        mean = self.get_mean_vector(keys, weights, post_normalize=True, ignore_missing=False)
        rows = [self.find(key) for key in keys if not isinstance(key, np.ndarray)]
        doubt = FEW if min(weights) < 0 else self.doubt_of(rows) if len(rows) == len(keys) else self.doubt
        return Query(mean, {row for row in rows if row is not None}, doubt)

    def add_vector(self, key: Key, vector: ArrayLike) -> int:
        """Give ``key`` the next reserved row, or a new row at the end, and return the row number.

        A new row at the end copies the whole table, so use ``add_vectors`` to add many keys.
        """
        row = self.next_index
        if row < len(self) and self.index_to_key[row] is None:
            self.index_to_key[row], self.key_to_index[key] = key, row
            self._vectors[row] = vector
            self.fill_norms(force=True)
        else:
            warnings.warn("adding one vector copies all vectors: add several at once with add_vectors", stacklevel=2)
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
        """Add a key with its vector, or a list of keys with an array of vectors, at the end.

        ``extras`` are attributes of the new keys. Existing keys keep their vectors and attributes unless ``replace``.
        Raise InputError if the numbers of keys, vectors and attributes differ, a vector does not have ``vector_size``
        numbers, or a number is not finite.
        """
        if not isinstance(keys, list | tuple | np.ndarray):
            keys, weights = [keys], np.reshape(weights, (1, -1))
        rows = validation.matrix("weights", weights, self.vector_size, self._vectors.dtype)
        if len(rows) != len(keys):
            raise InputError(f"{len(keys)} keys need a vector each, not {len(rows)}")
        added = {name: np.asarray(values) for name, values in (extras or {}).items()}
        if wrong := [name for name, values in added.items() if values.shape != (len(keys),)]:
            raise InputError(f"the attribute {wrong[0]!r} must have one value per key: {len(keys)} values")
        before = len(self)
        is_new = np.zeros(len(keys), bool)
        for place, key in enumerate(keys):
            if key not in self.key_to_index:
                is_new[place] = True
                self.key_to_index[key] = len(self.index_to_key)
                self.index_to_key.append(key)
        changes = is_new | replace
        places = [self.key_to_index[key] for key, change in zip(keys, changes, strict=True) if change]
        grown = np.zeros((len(self), self.vector_size), self._vectors.dtype)
        grown[:before] = self._vectors
        grown[places] = rows[changes]
        self.vectors = grown
        self.allocate_vecattrs(list(added), [values.dtype for values in added.values()])
        self.allocate_vecattrs()
        for name, values in added.items():
            self.expandos[name][places] = values[changes]

    def resize_vectors(self, seed: int = 0) -> None:
        """Make small random vectors for keys without vectors; other vectors do not change."""
        before = len(self._vectors)
        if before == len(self):
            return
        grown = np.random.default_rng(seed).random((len(self), self.vector_size), np.float32)
        grown = ((2 * grown - 1) / np.float32(self.vector_size)).astype(self._vectors.dtype, copy=False)
        grown[:before] = self._vectors
        self.vectors = grown
        self.allocate_vecattrs()

    def __setitem__(self, keys: Any, weights: Any) -> None:
        """Add or replace the vector of a key, or of each key in a list."""
        if not isinstance(keys, list):
            keys, weights = [keys], np.reshape(weights, (1, -1))
        self.add_vectors(keys, weights, replace=True)

    def allocate_vecattrs(self, attrs: Sequence[str] | None = None, types: Sequence[DTypeLike] | None = None) -> None:
        """Allocate attributes of these names and types (by default, all existing attributes), with a value per key."""
        names = list(self.expandos) if attrs is None else list(attrs)
        kinds = [self.expandos[name].dtype for name in names] if types is None else list(types)
        for name, kind in zip(names, kinds, strict=True):
            dtype, old = _attribute_dtype(kind), self.expandos.get(name)
            if old is not None and not np.can_cast(dtype, old.dtype):
                raise WrongTypeError(
                    f"the attribute {name!r} has the type {old.dtype}, not {dtype}: choose another name"
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
        self._rarity = None

    def get_vecattr(self, key: Any, attr: str) -> Any:
        """Return the attribute ``attr`` of ``key``; raise UnknownWordError (a KeyError) if one is missing."""
        if attr not in self.expandos:
            raise UnknownWordError(f"the keys have no attribute {attr!r}; set_vecattr gives them one")
        return self.expandos[attr][self.get_index(key)]

    def find(self, key: Any) -> int | None:
        """Return the row of ``key``; None if the key has no row."""
        row = self.key_to_index.get(key)
        if row is None and isinstance(key, Integral) and 0 <= int(key) < len(self.index_to_key):
            # If keys are numbers, a number that is not a key is an unknown key, not a row number.
            row = None if isinstance(self.index_to_key[0], Integral) else int(key)
        return row


def _attribute_dtype(kind: DTypeLike) -> np.dtype[Any]:
    """Return the dtype for values of a type: int64 for integers, and object for types that NumPy does not know."""
    if kind is int:
        return np.dtype(np.int64)
    if isinstance(kind, type) and not issubclass(kind, np.generic | int | float | bool | complex):
        return np.dtype(object)
    return np.dtype(kind)


def _weighted(items: Any, weight: float, table: KeyTable) -> list[tuple[Any, float]]:
    """Return the argument ``positive`` or ``negative`` of ``most_similar`` as pairs (key or vector, weight)."""
    if items is None:
        return []
    is_one = not isinstance(items, list | tuple | np.ndarray) or (isinstance(items, np.ndarray) and items.ndim == 1)
    pairs = []
    for item in [items] if is_one else items:
        is_pair = isinstance(item, tuple) and len(item) == 2
        has_weight = is_pair and (isinstance(item[0], np.ndarray) or item not in table.key_to_index)
        pairs.append((item[0], float(item[1])) if has_weight else (item, weight))
    return pairs


def _cosine(a: Array, b: Array) -> float:
    """Return the cosine of two vectors (d,). The cosine of a vector with itself is exactly 1, because √(x²) = x."""
    x, y = a.astype(np.float64), b.astype(np.float64)
    lengths = np.sqrt(np.dot(x, x) * np.dot(y, y))
    return float(np.dot(x, y) / lengths) if lengths > 0 else 0.0
