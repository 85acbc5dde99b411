"""A text with two topics, options of short runs on it, and the loss at the start of a run."""

import numpy as np

from wordsparse.words.options import LOSSES
from wordsparse.words.recipe import recommended

TOPICS = [f"a{i}" for i in range(10)], [f"b{i}" for i in range(10)]
# BOUND_AT_0: the value at 0 of the upper bound that touches softplus at ±6. AT_START: the loss per pair at the start of
# a run; for the Z-loss, which starts from noise, the loss at the mean output.
BOUND_AT_0 = np.log1p(np.exp(6)) - 3 - 1.5 * np.tanh(3)


def at_start(loss):
    """Return the loss of a pair before the first step, when all outputs equal the recipe's ``start``."""
    recipe = recommended("cbow", loss)
    return float(recipe.loss.terms(recipe.start, recipe.start**2, recipe.start, 1.0).value)


AT_START = {loss: at_start(loss) for loss in LOSSES}
# Subsampling is off, because in a text of a few words every word is frequent.
SMALL = {"dim": 8, "epochs": 3, "threads": 1, "sample": 0, "min_count": 1}


def two_topics(sentences=600, seed=0):
    """Make sentences of eight words; the words of a sentence share one of two topics."""
    random = np.random.default_rng(seed)
    return [[TOPICS[i % 2][word] for word in random.integers(0, 10, 8)] for i in range(sentences)]
