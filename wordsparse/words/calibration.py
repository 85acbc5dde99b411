"""Gives a model its memory of pairs, and chooses the constants of its predictions by held-out last items.

``Model.memory`` holds the pairs C of :mod:`wordsparse.items.memory` as the arrays ``indptr``, ``indices`` and ``data``,
and the constants of :mod:`wordsparse.items.fusion`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from wordsparse.corpus import END_OF_SENTENCE
from wordsparse.items import fusion, memory
from wordsparse.items.memory import POSITIONS
from wordsparse.layer.losses import BoundedNS
from wordsparse.types import Array
from wordsparse.words.model import Model
from wordsparse.words.prediction import Predictor, is_ordered, pairs_of
from wordsparse.words.source import Piece

__all__ = ["POSITIONS", "with_memory"]


def with_memory(
    model: Model,
    pieces: Iterable[Piece],
    held_out: tuple[Array, Array, Array],
    before: Model | None,
    is_on_same_text: bool,
) -> Model:
    """Return the model with its memory, and with calibrated constants if last items are held out.

    ``pieces`` are the pieces of a pass over the training text. ``held_out`` has the items of histories, the number of
    the history of each item, and the last item of each history. The memory of the earlier model ``before`` is kept, and
    pairs are added unless it ``is_on_same_text``.
    """
    V, known = len(model), None if before is None else pairs_of(before)
    pieces = () if is_on_same_text and known is not None else pieces
    pairs = memory.counted(_parts(pieces), V, is_ordered(model), known)
    constants = fusion.Fusion() if before is None or before.memory is None else fusion.Fusion.of(before.memory)
    arrays = {"indptr": pairs.indptr, "indices": pairs.indices, "data": pairs.data}
    model = replace(model, memory={**arrays, **constants.as_dict()})
    items, owners, lasts = held_out
    if len(lasts) and isinstance(model.recipe.loss, BoundedNS):
        constants = _chosen(model, items, owners, lasts)
        model.report["next"] = constants.as_dict()
        model = replace(model, memory={**arrays, **constants.as_dict()})
    return model


def _parts(pieces: Iterable[Piece]) -> Iterator[tuple[Array, Array, int]]:
    """Yield the training text as :func:`wordsparse.items.memory.counted` takes it."""
    for piece in pieces:
        ids = np.asarray(piece.ids)[piece.start :]
        is_item, owners = ids >= 0, np.cumsum(ids == END_OF_SENTENCE)
        yield ids[is_item], owners[is_item], int(is_item[: piece.stop - piece.start].sum())


def _chosen(model: Model, items: Array, owners: Array, lasts: Array) -> fusion.Fusion:
    predictor, shape = Predictor(model), (len(lasts), len(model))
    histories = memory.histories(items, owners, shape, is_ordered(model))
    constants = fusion.chosen(predictor.contenders(histories, lasts), len(lasts))

    def listed(constants: fusion.Fusion) -> tuple[Array, Array]:
        rows, probabilities = predictor.by(constants).rank(histories, fusion.FIRST)
        return probabilities, rows == lasts[:, None]

    return fusion.calibrated(constants, listed)
