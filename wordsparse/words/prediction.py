"""Predicts the words next to others: the next item of a basket or of a session.

Negative sampling with negatives from π is optimal at o = log P/(k π) (Levy & Goldberg, 2014): a model with the loss
bounded-ns gives P(word | others) in proportion to π exp(o), exactly over the whole vocabulary. The input of several
words is the mean of their inputs, as in training.
"""

from collections.abc import Sequence

import numpy as np

from wordsparse import validation
from wordsparse.errors import InputError, UnknownWordError
from wordsparse.layer.losses import BoundedNS
from wordsparse.types import Array
from wordsparse.words.model import Model
from wordsparse.words.options import Options


def predict(model: Model, items: Sequence[str], n: int) -> list[tuple[str, float]]:
    """Return the most probable words; see :meth:`wordsparse.words.model.Model.predict`."""
    n = validation.positive_int("n", n)
    if isinstance(items, str):
        raise InputError(f"items must be a list of words, not the text {items!r:.40}: split it first")
    if any(isinstance(item, list | tuple | set | np.ndarray) for item in items):
        raise InputError("items are the words of one basket; for several: [model.predict(items) for items in baskets]")
    recipe = Options.from_dict(model.options).used_recipe()
    if not isinstance(recipe.loss, BoundedNS):
        raise InputError("predict needs a model with the loss bounded-ns, whose outputs are probabilities")
    rows = [row for item in items if (row := model.vocabulary.get(item)) is not None]
    if not rows:
        raise UnknownWordError(f"none of the items is in the vocabulary: {', '.join(map(repr, items))[:80]}")
    measure = recipe.base_measure(model.vocabulary.counts)
    inputs = np.asarray(model.input_rows[rows]).mean(axis=0, keepdims=True)
    logs = log_probabilities(inputs, model.output_rows, np.log(measure / measure.sum()))[0]
    logs[rows] = -np.inf
    best = np.argsort(-logs, kind="stable")[: min(n, len(logs) - len(set(rows)))]
    return [(model.vocabulary.words[row], float(np.exp(logs[row]))) for row in best]


def log_probabilities(inputs: Array, output_rows: Array, log_measure: Array) -> Array:
    """Return log P(word | input), (n, V), for inputs (n, dim) in the basis of training. ``output_rows`` (V, dim + 1)
    are diag(√π) W, and ``log_measure`` (V,) is log π."""
    outputs = inputs @ output_rows[:, :-1].T + output_rows[:, -1]
    outputs = outputs / np.exp(log_measure / 2) + log_measure
    outputs -= outputs.max(axis=1, keepdims=True)
    return np.asarray(outputs - np.log(np.exp(outputs).sum(axis=1, keepdims=True)))
