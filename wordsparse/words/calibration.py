"""Gives a model its memory of pairs (:mod:`wordsparse.words.item_memory`) and its new items, and chooses the constants
of its predictions by held-out last items."""

import logging
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import scipy.sparse as sp

from wordsparse.corpus import OUT_OF_VOCABULARY, Vocabulary
from wordsparse.items import features, fusion, memory
from wordsparse.items.features import Features
from wordsparse.kernels import CpuKernels, Csr
from wordsparse.layer.losses import BoundedNS
from wordsparse.machine.threads import resolve_threads
from wordsparse.types import Array
from wordsparse.words.item_memory import ItemMemory, histories
from wordsparse.words.model import Model
from wordsparse.words.prediction import Predictor, counts_of, is_ordered
from wordsparse.words.source import Piece

__all__ = ["POSITIONS", "Features", "features_of", "read_features", "with_features", "with_memory", "without_new_items"]

# The words are cut into BLOCKS blocks of at most MOST words. The words with the highest output in their block may be
# among the first words of a history. So may the FREQUENT most frequent words. SAMPLE is the size of the sample of the
# other words.
BLOCKS, MOST, FREQUENT, SAMPLE = 100, 4096, 20, 512
# The number of positions of the training text that are read at a time.
POSITIONS = 2**17
# A number that is added to an association of 0, and a number above all associations.
TINY, HUGE = np.float32(1e-30), np.float32(1e30)

read_features = features.read
logger = logging.getLogger(__name__)


def with_memory(
    model: Model,
    pieces: Iterable[Piece],
    weights: Array | None,
    held_out: tuple[Array, Array, Array],
    before: Model | None,
    is_on_same_text: bool,
) -> Model:
    """Return the model with its memory, and with calibrated constants if last items are held out.

    ``pieces`` are the pieces of a pass over the training text, and ``weights`` the weights of its values by age.
    ``held_out`` has the items of histories, the number of the history of each item, and the last item of each history.
    The memory of the earlier model ``before`` is kept, and pairs are added unless it ``is_on_same_text``.
    """
    V, kept = len(model), None if before is None else before.memory
    known, constants = (None, fusion.Fusion()) if kept is None else (kept.pairs, kept.constants)
    ids, of_ids = _text(() if is_on_same_text and known is not None else pieces, weights)
    threads = resolve_threads(model.threads)
    pairs = memory.counted(ids, V, is_ordered(model), of_ids, known, threads)
    counts = None if of_ids is None else _weighed_counts(ids, of_ids, V, before)
    model = replace(model, memory=ItemMemory(pairs, constants, counts))
    items, owners, lasts = held_out
    if len(lasts) and isinstance(model.recipe.loss, BoundedNS):
        constants = fusion.chosen(_contenders(model, items, owners, lasts))
        model.report["next"] = constants.as_dict()
        model = replace(model, memory=ItemMemory(pairs, constants, counts))
    return model


def with_features(model: Model, given: Features) -> Model:
    """Return the model with new items in place of those that it has: the items in ``given`` that have a feature of
    several words of its training text. If these are the new items that it has, return the model as it is.

    The rows of a new item are fitted to its features. The last number of its output row also holds the log of its
    fitted popularity, relative to the mean, because no pairs tell of it. As its count, predictions take the geometric
    mean of all counts.
    """
    assert model.memory is not None
    V, kept = model.trained_words, model.memory
    known = given.of(model.vocabulary.words[:V])
    is_fitted = known.matrix[V:] @ features.are_shared(known.matrix, V) > 0
    rows = np.append(np.arange(V), V + np.flatnonzero(is_fitted))
    words, matrix, new = [known.items[row] for row in rows.tolist()], known.matrix[rows], len(rows) - V
    if words == [*model.vocabulary.words] and kept.features is not None and _are_equal(matrix, kept.features):
        return model
    vocabulary = Vocabulary(words, [*model.vocabulary.counts[:V].tolist(), *[1] * new])
    roots, before = _roots(model, vocabulary), _roots(model, model.vocabulary)[:V]
    counts, input_rows, output_rows = counts_of(model)[:V], model.input_rows[:V], model.output_rows[:V]
    logs, outputs = np.log(counts), output_rows / before[:, None]
    outputs[:, -1] += logs - logs.mean()
    of_new = features.fitted(matrix, np.hstack([input_rows, outputs]), counts, CpuKernels(model.threads))
    logger.info(
        "new items with vectors from features: %s; left out, because they share no feature with an item of the log: %s",
        f"{new:,}",
        f"{len(is_fitted) - new:,}",
    )
    counts = np.append(counts, np.full(new, np.exp(logs.mean())))
    return replace(
        model,
        vocabulary=vocabulary,
        input_rows=np.concatenate([input_rows, of_new[:, : model.dim]]),
        output_rows=np.concatenate(
            [output_rows * (roots[:V] / before)[:, None], of_new[:, model.dim :] * roots[V:, None]]
        ),
        memory=ItemMemory(_resized(kept.pairs, V + new), kept.constants, counts, matrix, new),
        report={**model.report, "new_items": new},
    )


def _are_equal(matrix: Any, other: Any) -> bool:
    """Return whether two matrices of features have the same ones."""
    return np.array_equal(matrix.indptr, other.indptr) and np.array_equal(matrix.indices, other.indices)


def _resized(pairs: Any, size: int) -> Any:
    """Return the pairs of the first ``size`` items, CSR (size, size). Further items have no pairs."""
    indptr = np.pad(pairs.indptr, (0, max(0, size + 1 - len(pairs.indptr))), "edge")[: size + 1]
    return sp.csr_array((pairs.data, pairs.indices, indptr), (size, size))


def _roots(model: Model, vocabulary: Vocabulary) -> Array:
    """Return √π of the words, (V,) float32."""
    measure = model.recipe.base_measure(vocabulary.counts)
    return np.asarray(np.sqrt(measure / measure.sum()), np.float32)


def without_new_items(model: Model) -> Model:
    """Return the model with only the words of its training text."""
    if (V := model.trained_words) == len(model):
        return model
    assert model.memory is not None
    kept, vocabulary = model.memory, Vocabulary(model.vocabulary.words[:V], model.vocabulary.counts[:V])
    scale = _roots(model, vocabulary) / _roots(model, model.vocabulary)[:V]
    input_rows, output_rows = model.input_rows[:V], model.output_rows[:V] * scale[:, None]
    memory = ItemMemory(_resized(kept.pairs, V), kept.constants, counts_of(model)[:V])
    return replace(model, vocabulary=vocabulary, input_rows=input_rows, output_rows=output_rows, memory=memory)


def features_of(model: Model) -> Features | None:
    """Return the features that a model holds, or None."""
    if model.memory is None or model.memory.features is None:
        return None
    return Features(model.vocabulary.words, model.memory.features)


def _text(pieces: Iterable[Piece], weights: Array | None) -> tuple[Array, Array | None]:
    """Return the ids of the training text, without unknown words, and the weights of their places."""
    ids, of_ids = [np.empty(0, np.int32)], [np.empty(0, np.float32)]
    for piece in pieces:
        values = np.asarray(piece.ids)[piece.start : piece.stop]
        is_known = values != OUT_OF_VOCABULARY
        ids.append(values[is_known])
        if weights is not None:
            of_ids.append(weights[piece.offset + piece.start :][: len(values)][is_known])
    return np.concatenate(ids), None if weights is None else np.concatenate(of_ids)


def _weighed_counts(ids: Array, weights: Array, V: int, before: Model | None) -> Array:
    """Return the sum of the weights of each word, plus its count in the earlier model, but at least 1, (V,)."""
    counts = np.bincount(ids[ids >= 0], weights[ids >= 0], V).astype(np.float64)  # of no ids, they are integers
    if before is not None:
        counts[: len(before)] += counts_of(before)
    return np.maximum(counts, 1)


def _contenders(model: Model, items: Array, owners: Array, lasts: Array) -> fusion.Contenders:
    """Return the contenders among the words for the held-out last words ``lasts`` of histories."""
    predictor, users, V = Predictor(model), np.arange(len(lasts)), len(model)
    of_users = histories(items, owners, (len(lasts), V), is_ordered(model))
    kernels, inputs, rows = CpuKernels(model.threads), predictor.inputs(of_users), predictor.rows_of(slice(None))
    size = min(-(-V // BLOCKS), MOST)
    first = [start + kernels.matmul(inputs, rows[start : start + size].T).argmax(axis=1) for start in range(0, V, size)]
    frequent = np.argsort(-counts_of(model), kind="stable")[:FREQUENT]
    picked = np.hstack([np.stack(first, axis=1), np.tile(frequent, (len(lasts), 1)), lasts[:, None]])
    added = np.full(picked.size, TINY), (np.repeat(users, picked.shape[1]), picked.ravel())
    # A mark is positive for a contender, negative for a word of the history, and zero for any other word.
    marks = predictor.associations(of_users) + sp.coo_array(added, of_users.shape).tocsr() - HUGE * of_users
    sample = np.unique(np.linspace(0, V - 1, SAMPLE).astype(np.int64))
    is_other = marks[:, sample].toarray() == 0
    others = (V - np.diff(marks.indptr)) / np.maximum(is_other.sum(axis=1), 1)
    history, outputs = np.repeat(users, np.diff(marks.indptr)), kernels.pair_dots(Csr.of(marks), inputs, rows)
    marked = history, marks.indices, outputs, marks.data
    history, words, outputs, associated = (numbers[marks.data > 0] for numbers in marked)
    of_contenders = history, outputs, predictor.log_counts[words], associated, words == lasts[history]
    of_others = kernels.matmul(inputs, rows[sample].T), predictor.log_counts[sample]
    return fusion.Contenders(*of_contenders, *of_others, (is_other * others[:, None]).astype(np.float32))
