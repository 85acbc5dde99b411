"""Predicts which words occur next to given words, such as the next items of baskets or sessions.

Negative sampling with k negatives from π is optimal at o = log P/(k π) (Levy & Goldberg, 2014). Hence a model with the
loss bounded-ns gives P(word | basket) in proportion to π exp(o). A model with a memory of pairs fuses o with the pairs
and with the counts of items (:mod:`wordsparse.items.fusion`). Probabilities are normalised exactly over all words of
the vocabulary that are not excluded. The input of a basket is the mean of its words' inputs, with weights that fall
with age if the model's windows look one way. For a basket without a known word, P is in proportion to the words'
counts.

An explanation divides the score of a word among the words of the basket. The output o is linear in the inputs of these
words. The term of the pairs, c log(1 + r/ε), is divided in proportion to each word's part of r
(:mod:`wordsparse.items.memory`).
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from wordsparse import validation
from wordsparse.corpus import END_OF_SENTENCE, Vocabulary
from wordsparse.corpus.reading import RawText
from wordsparse.corpus.sources import is_frame
from wordsparse.corpus.tables.groups import text_of
from wordsparse.errors import InputError
from wordsparse.files.escaping import number_of
from wordsparse.items import features, memory
from wordsparse.items.fusion import Fusion
from wordsparse.kernels import CpuKernels
from wordsparse.layer.largest import take_in
from wordsparse.layer.losses import BoundedNS
from wordsparse.machine.threads import ordered_map, resolve_threads
from wordsparse.types import Array
from wordsparse.vectors.neighbours import products
from wordsparse.words.model import Model

# A thread ranks the words for BASKETS baskets at a time, in blocks of words. The first block has FIRST words, and each
# later block has WORDS words. A block fits into a cache.
BASKETS, FIRST, WORDS = 256, 64, 4096

logger = logging.getLogger(__name__)


class Explanation(NamedTuple):
    """A predicted word, and why it is predicted: "because you bought X".

    ``shares`` maps the known words of the basket to their shares of ``score``, largest first; the shares and
    ``constant`` add up to the score. The constant depends on the predicted word alone, such as on its count. For all
    words predicted for a basket, log ``probability`` − ``score`` is the same.
    """

    word: str
    probability: float
    score: float
    constant: float
    shares: dict[str, float]


class Predictor:
    """A predictor of the most probable next words of baskets. The prediction for a basket does not depend on other
    baskets.

    Only the words in ``candidates`` may be returned, but probabilities are always over all words that are not excluded.
    InputError is raised if no candidate is in the vocabulary, or if the loss of the model is not bounded-ns.
    """

    def __init__(self, model: Model, candidates: Iterable[object] | None = None) -> None:
        recipe = model.recipe
        if not isinstance(recipe.loss, BoundedNS):
            raise InputError("predict needs a model with the loss bounded-ns: train a model with it")
        self.model, counts = model, np.asarray(model.vocabulary.counts, np.float64)
        measure = recipe.base_measure(counts)
        log_measure = np.log(measure / measure.sum())
        self._scale = np.exp(-log_measure / 2).astype(np.float32)
        self._counts = counts_of(model)
        self._log_shares = _log_shares(self._counts)
        # A basket without a known word tells of no features, so a new item is as rare as an item seen once.
        is_new = np.arange(len(model)) >= model.trained_words
        self._log_of_unknown = _log_shares(np.where(is_new, 1, self._counts))
        self._constants = Fusion(1, 1, 0) if model.memory is None else Fusion.of(model.memory)
        self._pairs, self.log_counts = pairs_of(model), self._log_shares
        if self._pairs is None:
            self.log_counts = log_measure.astype(np.float32)
        self._hides: Array | None = None
        if candidates is not None:
            rows = counted(model, [_items("candidates", candidates)]).indices
            if not rows.size:
                raise InputError("none of the candidates is in the vocabulary: give words that the model knows")
            self._hides = np.full(len(model), -np.inf, np.float32)
            self._hides[rows] = 0

    def rank(self, baskets: Any, n: int, excluded: Any = None) -> tuple[Array, Array]:
        """Return the rows of the n most probable next words for each basket, (m, n), and the probabilities of these
        words.

        If there are fewer than n words, the result is padded with −1. Words of equal probability are ordered by row.
        ``baskets`` is a CSR matrix (m, V) with the count or weight of each word in each basket. ``excluded`` is a CSR
        matrix of the words that must not be returned; by default, the words of the basket.
        """
        rows, logs, _ = self.judged(baskets, n, excluded)
        return rows, np.exp(logs)

    def judged(self, baskets: Any, n: int, excluded: Any = None, wanted: Any = None) -> tuple[Array, Array, Array]:
        """Return the rows and the log probabilities of the n most probable next words, as :meth:`rank` does, and the
        log probability of each entry of the CSR matrix ``wanted`` (m, V)."""
        excluded, n = baskets if excluded is None else excluded, min(n, len(self.model))
        wanted = sp.csr_array(baskets.shape, dtype=np.float32) if wanted is None else wanted
        parts = [slice(start, start + BASKETS) for start in range(0, max(1, baskets.shape[0]), BASKETS)]
        threads = min(resolve_threads(self.model.threads), len(parts))
        ranked = ordered_map(lambda part: self._rank(baskets[part], n, excluded[part], wanted[part]), parts, threads)
        rows, logs, of_wanted = zip(*ranked, strict=True)
        return np.concatenate(rows), np.concatenate(logs), np.concatenate(of_wanted)

    def explained(self, basket: Any, answer: Sequence[tuple[str, float]]) -> list[Explanation]:
        """Explain an answer to a basket, CSR (1, V)."""
        names, items, weights, by = self.model.vocabulary.words, basket.indices, basket.data, self._constants
        rows = [self.model.vocabulary[word] for word, _ in answer]
        constants, shares = self._log_of_unknown[rows], np.empty((0, len(rows)))
        if len(items):
            of_words = by.temperature * self.rows_of(rows, by.output, by.popularity).astype(np.float64)
            each = sp.csr_array((weights, items, np.arange(len(items) + 1)), (len(items), len(names)))
            r = self.associations(each)[:, rows].toarray()
            total = r.sum(axis=0)
            of_pairs = by.temperature * by.pairs * np.log1p(total / by.epsilon) / np.where(total > 0, total, 1)
            outputs = self.model.input_rows[items] @ of_words[:, :-1].T
            constants, shares = of_words[:, -1], of_pairs * r + (weights / weights.sum())[:, None] * outputs
        order = np.argsort(-shares, axis=0, kind="stable")
        return [
            Explanation(
                *pair,
                float(constants[i] + shares[:, i].sum()),
                float(constants[i]),
                {names[items[j]]: float(shares[j, i]) for j in order[:, i]},
            )
            for i, pair in enumerate(answer)
        ]

    def inputs(self, baskets: Any) -> Array:
        """Return the input of each basket, with the constant feature, (m, dim + 1)."""
        sums = np.asarray(baskets.sum(axis=1))[:, None]
        inputs = np.ones((baskets.shape[0], self.model.dim + 1), np.float32)
        inputs[:, :-1] = (baskets @ self.model.input_rows) / np.where(sums == 0, 1, sums)
        return inputs

    def rows_of(self, words: Any, output: float = 1, popularity: float = 0) -> Array:
        """Return the rows whose products with :meth:`inputs` are ``output`` times the model's output o of a word, plus
        ``popularity`` times its log n, (words, dim + 1)."""
        rows = self.model.output_rows[words] * (np.float32(output) * self._scale[words])[:, None]
        rows[:, -1] += np.float32(popularity) * self.log_counts[words]
        return np.asarray(rows)

    def associations(self, baskets: Any) -> Any:
        if self._pairs is None:
            return sp.csr_array(baskets.shape, dtype=np.float32)
        return memory.associations(baskets, self._pairs, self._counts)

    def _rank(self, baskets: Any, n: int, excluded: Any, wanted: Any) -> tuple[Array, Array, Array]:
        (m, V), by, kernels = baskets.shape, self._constants, CpuKernels(1)
        inputs, is_unknown = self.inputs(baskets), are_unknown(baskets)
        a, b, c = (by.temperature * each for each in (by.output, by.popularity, by.pairs))
        associated = self.associations(baskets)
        associated.data = np.float32(c) * np.log1p(associated.data / np.float32(by.epsilon))
        ends = [0, *range(min(FIRST, V), V, WORDS), V]
        entries = zip(*(_cut(matrix, ends) for matrix in (associated, excluded, wanted)), strict=True)
        rows, best = np.full((m, n), -1), np.full((m, n), -np.inf, np.float32)
        top, total = np.full((m, 1), np.finfo(np.float32).min), np.zeros((m, 1))
        of_wanted = np.empty(wanted.nnz, np.float32)
        for (start, stop), (pairs, out, asked) in zip(pairwise(ends), entries, strict=True):
            logs = products(kernels, inputs, self.rows_of(slice(start, stop), a, b))
            logs[pairs.owners, pairs.words - start] += associated.data[pairs.places]
            logs[is_unknown] = self._log_of_unknown[start:stop]
            of_wanted[asked.places] = logs[asked.owners, asked.words - start]
            logs[out.owners, out.words - start] = -np.inf
            before, top = top, np.maximum(top, logs.max(axis=1, keepdims=True))
            take_in(rows, best, logs if self._hides is None else logs + self._hides[start:stop], start)
            logs -= top
            total = total * np.exp(before - top) + np.exp(logs, out=logs).sum(axis=1, keepdims=True)
        log_total = top + np.log(np.maximum(total, np.finfo(np.float32).tiny))
        owners = np.repeat(np.arange(m), np.diff(wanted.indptr))
        return rows, best - log_total, of_wanted - log_total[owners, 0]


def _log_shares(counts: Array) -> Array:
    return np.asarray(np.log(counts / counts.sum()), np.float32)


class _Entries(NamedTuple):
    """The entries of a CSR matrix in a block of columns: row, column, and place in the matrix's arrays."""

    owners: Array
    words: Array
    places: Array


def _cut(matrix: Any, ends: list[int]) -> Iterator[_Entries]:
    """Yield the entries of a CSR matrix for each block of columns."""
    places = sp.csr_array((np.arange(matrix.nnz), matrix.indices, matrix.indptr), matrix.shape).tocsc()
    words = np.repeat(np.arange(matrix.shape[1]), np.diff(places.indptr))
    for first, last in pairwise(places.indptr[ends].tolist()):
        yield _Entries(places.indices[first:last], words[first:last], places.data[first:last])


def predict(
    model: Model,
    baskets: Any,
    n: int = 10,
    exclude: Any = None,
    candidates: Iterable[object] | None = None,
    is_explained: bool = False,
    **columns: str | None,
) -> Any:
    """Return the predictions for one basket, several baskets, or a table; see
    :meth:`wordsparse.words.model.Model.predict` and, if ``is_explained``, :meth:`wordsparse.words.model.Model.explain`.
    """
    n, predictor = validation.positive_int("n", n), Predictor(model, candidates)
    names: list[str] | None = None
    if columns.get("group_by") is not None or is_frame(baskets):
        named = [*grouped(model, baskets, **columns)]
        names, baskets = [name for name, _ in named], [words for _, words in named]
    elif any(columns.values()):
        raise InputError("column, group and weight name columns of a table: leave them out for lists and matrices")
    matrix, is_one = _matrix("baskets", baskets, model, names is not None)
    excluded = None
    if exclude is not None:
        excluded, is_flat = _matrix("exclude", exclude, model)
        if is_flat:
            excluded = sp.vstack([excluded] * matrix.shape[0], "csr")
        if excluded.shape != matrix.shape:
            raise InputError(
                f"exclude has {excluded.shape[0]:,} lists for {matrix.shape[0]:,} baskets: give one list per basket"
            )
    if unknown := int(are_unknown(matrix).sum()):
        logger.warning(
            "%s of %s with no item in the vocabulary; the answer is the most frequent items",
            f"{unknown:,}",
            number_of(matrix.shape[0], "basket"),
        )
    answers: Iterator[Any] = answers_of(model.vocabulary, *predictor.rank(matrix, n, excluded))
    if is_explained:
        answers = (predictor.explained(matrix[[i]], answer) for i, answer in enumerate(answers))
    if names is not None:
        return Answers(zip(names, answers, strict=True))
    return next(answers) if is_one else [*answers]


class Answers(dict[Any, list[tuple[str, float]]]):
    """A dict of answers by the names of groups. A name that is a whole number is found as an int and as text."""

    def __missing__(self, name: object) -> list[tuple[str, float]]:
        other = str(name) if isinstance(name, int | np.integer) else name
        if isinstance(name, str) and name.removeprefix("-").isdecimal():
            other = int(name)
        if other is name or other not in self:
            raise KeyError(name)
        return self[other]


def are_unknown(baskets: Any) -> Array:
    """Return a mask of the baskets (the rows of a CSR matrix) without any word of the vocabulary."""
    return np.asarray(baskets.sum(axis=1) == 0)


def answers_of(vocabulary: Vocabulary, rows: Array, probabilities: Array) -> Iterator[list[tuple[str, float]]]:
    """Yield the words and probabilities for each basket, from a result of :meth:`Predictor.rank`."""
    for ranked, shares in zip(rows.tolist(), probabilities.tolist(), strict=True):
        yield [(vocabulary.words[row], share) for row, share in zip(ranked, shares, strict=True) if row >= 0]


def grouped(model: Model, source: Any, format: str | None = None, **columns: str | None) -> Iterator[Any]:
    """Yield the name and the words of each group of rows in the table that :func:`log_of` returns. For a model of
    sessions, rows are sorted by the column used in training, unless ``columns`` has another ``order``."""
    if is_ordered(model):
        columns["order_by"] = columns.get("order_by") or model.call.get("order_by")
    for name, placed in log_of(model, source, format, **columns).baskets():
        yield name, [word for word, _ in placed]


def log_of(model: Model, source: Any, format: str | None = None, **columns: str | None) -> RawText:
    """Return the user's table as a text with grouped rows. A column that is not given is the column used in training,
    except for ``order``: without ``order``, the rows of a group keep their order in the table."""
    names: dict[str, Any] = {name: model.call.get(name) for name in ("column", "group_by", "weight_column")}
    names |= {name: column for name, column in columns.items() if column is not None}
    if names["column"] is None or names["group_by"] is None:
        raise InputError(
            "name the columns of the items and of their baskets: --column and --group-by (column=, group_by=)"
        )
    return RawText(source, format, model.cell_split, **names)


def counted(model: Model, baskets: Sequence[Sequence[object]]) -> Any:
    """Return the weight of each word of the vocabulary in each basket, CSR (m, V) float32: how often the basket holds
    the word or, if the model's windows look one way, a weight that falls with the number of words after it."""
    lists = [
        [row for item in basket if (row := _row(model.vocabulary, item, number)) is not None]
        for number, basket in enumerate(baskets)
    ]
    sizes = [*map(len, lists)]
    rows = np.fromiter((row for of_basket in lists for row in of_basket), np.int64, sum(sizes))
    return weighed(model, rows, np.repeat(np.arange(len(lists)), sizes), len(lists))


def weighed(model: Model, rows: Array, owners: Array, m: int) -> Any:
    """Return the matrix of :func:`counted` for m baskets. ``rows`` are the rows of all words in order, and ``owners``
    the numbers of their baskets."""
    return memory.histories(rows, owners, (m, len(model)), is_ordered(model))


def by_pairs(rows: Array, owners: Array, shape: tuple[int, int], is_ordered: bool, n: int) -> Array:
    """Return the n words that are associated most with each basket by the pairs of these baskets alone, (m, n), padded
    with −1. ``shape`` is (m, V)."""
    ends = np.searchsorted(owners, np.arange(1, shape[0] + 1))
    pairs = memory.counted(np.insert(rows, ends, END_OF_SENTENCE).astype(np.int32), shape[1], is_ordered)
    counts = np.bincount(rows, minlength=shape[1])
    return memory.ranked(memory.histories(rows, owners, shape, is_ordered), pairs, counts, n)


def is_ordered(model: Model) -> bool:
    """Return whether the order of the words in a basket matters: whether windows look one way."""
    return bool(model.options.get("direction") == "after")


def counts_of(model: Model) -> Array:
    """Return how often each word occurs, (V,) float64; if words were weighed by age, the sum of the weights."""
    counts = model.vocabulary.counts if model.memory is None else model.memory.get("counts", model.vocabulary.counts)
    return np.asarray(counts, np.float64)


def matrix_of_features(model: Model) -> Any:
    """Return the features of the words of a model with features, CSR (V, features) float32 of ones."""
    assert model.memory is not None
    indptr, indices = (model.memory[f"feature_{name}"] for name in ("indptr", "indices"))
    shape = len(model), int(indices.max(initial=-1)) + 1
    return sp.csr_array((np.ones(len(indices), np.float32), indices, indptr), shape)


def popularity_by_features(model: Model) -> Array:
    """Return the popularity of the new items by the counts of trained items with the same features, (new items,)."""
    return features.popularity(matrix_of_features(model), counts_of(model)[: model.trained_words])


def pairs_of(model: Model) -> Any:
    """Return the pairs that a model remembers, CSR, or None."""
    if model.memory is None:
        return None
    data, indices, indptr = (model.memory[name] for name in ("data", "indices", "indptr"))
    return sp.csr_array((data, indices, indptr), (len(model), len(model)))


def _row(vocabulary: Vocabulary, item: object, number: int) -> int | None:
    return vocabulary.get(item if type(item) is str else text_of(f"basket {number}", item) or "")


def _matrix(name: str, given: Any, model: Model, are_lists: bool = False) -> tuple[Any, bool]:
    """Return baskets as CSR (m, V), and whether ``given`` is a single list of items. With ``are_lists``, ``given`` is
    never read as a single list."""
    if sp.issparse(given):
        matrix = validation.csr(name, given, np.dtype(np.float32))
        if matrix.shape[1] != len(model) or (matrix.data < 0).any():
            raise InputError(f"{name} must have a column for each of the {len(model):,} words, and no number below 0")
        matrix.eliminate_zeros()
        return matrix, False
    items = _items(name, given)
    is_one = not are_lists and all(isinstance(item, str) or not isinstance(item, Iterable) for item in items)
    lists = [items] if is_one else [_items(f"{name}[{i}]", item) for i, item in enumerate(items)]
    return counted(model, lists), is_one


def _items(name: str, given: Any) -> list[Any]:
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise InputError(f"{name} must be a list of items, not {given!r:.40}: split a text first")
    return list(given)
