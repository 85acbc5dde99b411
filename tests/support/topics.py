"""A text with two topics, options of short runs on it, and the loss at the start of a run."""

from typing import Any

import numpy as np

from wordsparse.words.options import LOSSES
from wordsparse.words.recipe import recommended

TOPICS = [f"a{i}" for i in range(10)], [f"b{i}" for i in range(10)]
# BOUND_AT_0: softplus has an upper bound that touches softplus at ±6; this is the bound at output 0. AT_START: the loss
# per pair at the start of a run. The Z-loss starts from noise, so its value at the mean output is used.
BOUND_AT_0 = np.log1p(np.exp(6)) - 3 - 1.5 * np.tanh(3)


def at_start(loss: str) -> float:
    """Return the loss of a pair before the first step, when outputs have the initial value of the recipe."""
    recipe = recommended("cbow", loss)
    return float(recipe.loss.terms(recipe.start, recipe.start**2, recipe.start, 1.0).value)


AT_START = {loss: at_start(loss) for loss in LOSSES}
# Subsampling is off, because in a text of a few words every word is frequent.
SMALL: dict[str, Any] = {"dim": 8, "epochs": 3, "threads": 1, "sample": 0, "min_count": 1}

Sentences = list[list[str]]


def two_topics(sentences: int = 600, seed: int = 0) -> Sentences:
    """Make sentences of eight words; the words of a sentence share one of two topics."""
    random = np.random.default_rng(seed)
    return [[TOPICS[i % 2][word] for word in random.integers(0, 10, 8)] for i in range(sentences)]
