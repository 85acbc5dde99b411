"""Predicts which words occur next to given words, such as the next items of baskets or sessions.

Negative sampling with k negatives from π is optimal at o = log P/(k π) (Levy & Goldberg, 2014). Hence a model with the
loss bounded-ns gives P(word | basket) in proportion to π exp(o), normalised exactly over the whole vocabulary. The
input of a basket is the mean of its words' inputs, as in training. For a basket without a known word, P is in
proportion to the words' counts.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import scipy.sparse as sp

from wordsparse import validation
from wordsparse.corpus import Vocabulary
from wordsparse.corpus.reading import RawText
from wordsparse.corpus.sources import is_frame
from wordsparse.corpus.tables.groups import text_of
from wordsparse.errors import InputError
from wordsparse.files.escaping import number_of
from wordsparse.kernels import CpuKernels
from wordsparse.layer.largest import take_in
from wordsparse.layer.losses import BoundedNS
from wordsparse.machine.threads import ordered_map, resolve_threads
from wordsparse.types import Array
from wordsparse.words.model import Model
from wordsparse.words.options import Options

# A thread ranks the words for BASKETS baskets at a time, in blocks of words. The first block has FIRST words, and each
# later block has WORDS words. A block fits into a cache.
BASKETS, FIRST, WORDS = 256, 64, 4096
# A block of words is padded to a multiple of PANEL, so that the kernel computes all scores in tiles of the same width.
# Hence the rounding of a basket's scores does not depend on the number of baskets.
PANEL = 32

logger = logging.getLogger(__name__)


class Predictor:
    """A predictor of the most probable next words of baskets. The prediction for a basket does not depend on other
    baskets.

    Only the words in ``candidates`` may be returned, but probabilities are always over all words. InputError is raised
    if no candidate is in the vocabulary, or if the loss of the model is not bounded-ns.
    """

    def __init__(self, model: Model, candidates: Iterable[object] | None = None) -> None:
        recipe = Options.from_dict(model.options).used_recipe()
        if not isinstance(recipe.loss, BoundedNS):
            raise InputError("predict needs a model with the loss bounded-ns: train a model with it")
        self.model, counts = model, np.asarray(model.vocabulary.counts, np.float64)
        measure = recipe.base_measure(counts)
        log_measure = np.log(measure / measure.sum())
        self._log_measure, self._scale = log_measure.astype(np.float32), np.exp(-log_measure / 2).astype(np.float32)
        self._log_shares = np.log(counts / counts.sum()).astype(np.float32)
        self._hides: Array | None = None
        if candidates is not None:
            rows = counted(model.vocabulary, [_items("candidates", candidates)]).indices
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
        excluded, n = baskets if excluded is None else excluded, min(n, len(self.model))
        parts = [slice(start, start + BASKETS) for start in range(0, max(1, baskets.shape[0]), BASKETS)]
        threads = min(resolve_threads(self.model.threads), len(parts))
        ranked = ordered_map(lambda part: self._rank(baskets[part], n, excluded[part]), parts, threads)
        rows, probabilities = zip(*ranked, strict=True)
        return np.concatenate(rows), np.concatenate(probabilities)

    def _rank(self, baskets: Any, n: int, excluded: Any) -> tuple[Array, Array]:
        model, kernels = self.model, CpuKernels(1)
        m, V = baskets.shape
        sums = np.asarray(baskets.sum(axis=1))[:, None]
        is_unknown = are_unknown(baskets)
        inputs = np.ones((m, model.dim + 1), np.float32)
        inputs[:, :-1] = (baskets @ model.input_rows) / np.where(sums == 0, 1, sums)
        order = np.argsort(excluded.indices, kind="stable")
        words, owners = excluded.indices[order], np.repeat(np.arange(m), np.diff(excluded.indptr))[order]
        ends = [0, *range(min(FIRST, V), V, WORDS), V]
        rows, best = np.full((m, n), -1), np.full((m, n), -np.inf, np.float32)
        top, total = np.full((m, 1), -np.inf, np.float32), np.zeros((m, 1))
        space = np.empty((m, min(V, WORDS)), np.float32)
        for (start, stop), (first, last) in zip(pairwise(ends), pairwise(np.searchsorted(words, ends)), strict=True):
            outputs = model.output_rows[start:stop]
            if missing := -len(outputs) % PANEL:
                outputs = np.pad(outputs, ((0, missing), (0, 0)))
            logs = kernels.matmul(inputs, outputs.T)[:, : stop - start]
            logs *= self._scale[start:stop]
            logs += self._log_measure[start:stop]
            logs[is_unknown] = self._log_shares[start:stop]
            before, top = top, np.maximum(top, logs.max(axis=1, keepdims=True))
            shares = np.subtract(logs, top, out=space[:, : stop - start])
            total = total * np.exp(before - top) + np.exp(shares, out=shares).sum(axis=1, keepdims=True)
            if self._hides is not None:
                logs += self._hides[start:stop]
            logs[owners[first:last], words[first:last] - start] = -np.inf
            take_in(rows, best, logs, start)
        return rows, np.exp(best - top - np.log(total))


def predict(
    model: Model,
    baskets: Any,
    n: int = 10,
    exclude: Any = None,
    candidates: Iterable[object] | None = None,
    **columns: str | None,
) -> Any:
    """Return the predictions for one basket, several baskets, or a table; see
    :meth:`wordsparse.words.model.Model.predict`."""
    n, predictor = validation.positive_int("n", n), Predictor(model, candidates)
    names: list[str] | None = None
    if columns.get("group") is not None or is_frame(baskets):
        named = [*grouped(model, baskets, **columns)]
        names, baskets = [name for name, _ in named], [words for _, words in named]
    elif any(columns.values()):
        raise InputError("column, group and weight name columns of a table: leave them out for lists and matrices")
    matrix, is_one = _matrix("baskets", baskets, model.vocabulary, names is not None)
    excluded = None
    if exclude is not None:
        excluded, is_flat = _matrix("exclude", exclude, model.vocabulary)
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
    answers = answers_of(model.vocabulary, *predictor.rank(matrix, n, excluded))
    if names is not None:
        return dict(zip(names, answers, strict=True))
    return next(answers) if is_one else [*answers]


def are_unknown(baskets: Any) -> Array:
    """Return a mask of the baskets (the rows of a CSR matrix) without any word of the vocabulary."""
    return np.asarray(baskets.sum(axis=1) == 0)


def answers_of(vocabulary: Vocabulary, rows: Array, probabilities: Array) -> Iterator[list[tuple[str, float]]]:
    """Yield the words and probabilities for each basket, from a result of :meth:`Predictor.rank`."""
    for ranked, shares in zip(rows.tolist(), probabilities.tolist(), strict=True):
        yield [(vocabulary.words[row], share) for row, share in zip(ranked, shares, strict=True) if row >= 0]


def grouped(model: Model, source: Any, format: str | None = None, **columns: str | None) -> Iterator[Any]:
    """Yield the name and the words of each group of rows in the table that :func:`log_of` returns."""
    for name, placed in log_of(model, source, format, **columns).baskets():
        yield name, [word for word, _ in placed]


def log_of(model: Model, source: Any, format: str | None = None, **columns: str | None) -> RawText:
    """Return the user's table as a text with grouped rows. A column that is not given is the column used in training,
    except for ``order``: without ``order``, the rows of a group keep their order in the table."""
    names: dict[str, Any] = {name: model.call.get(name) for name in ("column", "group", "weight")}
    names |= {name: column for name, column in columns.items() if column is not None}
    if names["column"] is None or names["group"] is None:
        raise InputError(
            "name the columns of the items and of their baskets: --column and --group-by (column=, group=)"
        )
    return RawText(source, format, model.cell_split, **names)


def counted(vocabulary: Vocabulary, baskets: Sequence[Sequence[object]]) -> Any:
    """Return how often each basket holds each word of the vocabulary, CSR (m, V) float32."""
    rows = [
        [row for item in basket if (row := _row(vocabulary, item, number)) is not None]
        for number, basket in enumerate(baskets)
    ]
    starts = np.cumsum([0, *map(len, rows)])
    columns = np.fromiter((row for of_basket in rows for row in of_basket), np.int64, int(starts[-1]))
    matrix = sp.csr_array((np.ones(columns.size, np.float32), columns, starts), (len(rows), len(vocabulary)))
    matrix.sum_duplicates()
    return matrix


def _row(vocabulary: Vocabulary, item: object, number: int) -> int | None:
    return vocabulary.get(item if type(item) is str else text_of(f"basket {number}", item) or "")


def _matrix(name: str, given: Any, vocabulary: Vocabulary, are_lists: bool = False) -> tuple[Any, bool]:
    """Return baskets as CSR (m, V), and whether ``given`` is a single list of items. With ``are_lists``, ``given`` is
    never read as a single list."""
    if sp.issparse(given):
        matrix = validation.csr(name, given, np.dtype(np.float32))
        if matrix.shape[1] != len(vocabulary) or (matrix.data < 0).any():
            raise InputError(
                f"{name} must have a column for each of the {len(vocabulary):,} words, and no number below 0"
            )
        matrix.eliminate_zeros()
        return matrix, False
    items = _items(name, given)
    is_one = not are_lists and all(isinstance(item, str) or not isinstance(item, Iterable) for item in items)
    lists = [items] if is_one else [_items(f"{name}[{i}]", item) for i, item in enumerate(items)]
    return counted(vocabulary, lists), is_one


def _items(name: str, given: Any) -> list[Any]:
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise InputError(f"{name} must be a list of items, not {given!r:.40}: split a text first")
    return list(given)
