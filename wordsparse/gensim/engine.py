"""What Word2Vec trains: an exact model over the keys of its vocabulary, and what can be computed with it."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wordsparse.corpus import EncodedCorpus, Vocabulary
from wordsparse.gensim.texts import engine_words
from wordsparse.kernels import _build
from wordsparse.training.loop import Run
from wordsparse.training.resume import start_from
from wordsparse.vectors.lookup import Key
from wordsparse.words.model import Model
from wordsparse.words.recipe import Options, Recipe

Array = NDArray[Any]
_SCORED = 2**24  # outputs computed at a time


class Ranking:
    """The keys of a vocabulary by falling count, which is how a model numbers its words.

    Parameters
    ----------
    keys : sequence, length V
    counts : array (V,)

    Attributes
    ----------
    keys : list, most frequent first
    order : array (V,)
        The place of each of them among the given keys.
    rows : dict
        The rank of each key.
    vocabulary : Vocabulary
        The same as words.
    """

    def __init__(self, keys: Sequence[Key], counts: Array) -> None:
        self.order = np.argsort(-counts, kind="stable")
        self.keys = [keys[place] for place in self.order]
        self.rows: dict[Key, int] = {key: row for row, key in enumerate(self.keys)}
        # A frequency that is given may be 0; a word of the model has occurred.
        self.vocabulary = Vocabulary(engine_words(self.keys), np.maximum(counts[self.order], 1))


class Trained:
    """A trained model and its keys.

    Parameters
    ----------
    keys : sequence of hashable
        Of the model's words, in their order.
    model : Model
    recipe : Recipe
        By which it was trained.
    """

    def __init__(self, keys: Sequence[Key], model: Model, recipe: Recipe) -> None:
        self.keys, self.model, self.recipe = list(keys), model, recipe
        self.rows: dict[Key, int] = {key: row for row, key in enumerate(self.keys)}
        measure = recipe.base_measure(model.vocabulary.counts)
        self._log_measure = np.log(measure / measure.sum())

    def vectors(self, keys: Sequence[Key], before: Array) -> Array:
        """The vector of each key, (V, dim) float32; that in ``before`` for a key that was added since."""
        return self._in_order(keys, self.model.vectors, before)

    def output_weights(self, keys: Sequence[Key]) -> Array:
        """The output vector of each key, (V, dim) float32: o = w·e for an input e in the basis of training."""
        weights = self.model.output_rows[:, :-1] / np.exp(self._log_measure / 2)[:, None].astype(np.float32)
        return self._in_order(keys, weights, np.zeros((len(keys), weights.shape[1]), np.float32))

    def log_probabilities(self, inputs: Array) -> Array:
        """log P(key | input) for inputs (n, dim) in the basis of training; (n, V), exact over the vocabulary.

        Negative sampling with negatives from π is best where o = log P/(k π) (Levy & Goldberg, 2014), so that P is in
        proportion to π exp(o).
        """
        outputs = inputs @ self.model.output_rows[:, :-1].T + self.model.output_rows[:, -1]
        outputs = outputs / np.exp(self._log_measure / 2) + self._log_measure
        outputs -= outputs.max(axis=1, keepdims=True)
        return np.asarray(outputs - np.log(np.exp(outputs).sum(axis=1, keepdims=True)))

    def score(self, sentence: Sequence[Key], window: int, skipgram: bool) -> float:
        """The sum of log P(word | its context), or of log P(context word | word), over a sentence."""
        rows = np.array([self.rows[key] for key in sentence if key in self.rows], np.int64)
        places = np.arange(rows.size)
        near = np.abs(places[:, None] - places) <= window
        near &= places[:, None] != places
        features = self.model.input_rows[rows]
        if not skipgram:
            features = near.astype(np.float32) @ features / np.maximum(near.sum(axis=1), 1)[:, None]
        total, block = 0.0, max(1, _SCORED // len(self.keys))
        for start in range(0, rows.size, block):
            part = slice(start, start + block)
            found = self.log_probabilities(features[part])[:, rows]  # of each word of the sentence
            wanted = near[part] if skipgram else near[part].any(axis=1)[:, None] & (places[part, None] == places)
            total += float(found[wanted].sum())
        return total

    def _in_order(self, keys: Sequence[Key], rows: Array, missing: Array) -> Array:
        """Row i for key i, where ``missing`` holds the rows of keys that the model does not have."""
        found = np.fromiter((self.rows.get(key, -1) for key in keys), np.int64, len(keys))
        result = missing.astype(np.float32)
        result[found >= 0] = rows[found[found >= 0]]
        return result


def train(
    ranking: Ranking,
    corpus: EncodedCorpus,
    options: Options,
    before: Trained | None,
    after_step: Callable[[Run], None],
) -> Trained:
    """Train on a corpus, going on from what was trained before."""
    run = Run(corpus, options, ranking.vocabulary)
    if before is not None:
        rows = np.array([ranking.rows[key] for key in before.keys], np.int64)
        start_from(run, before.model, rows, before.recipe)
    run.train(after_step=after_step)
    trained = Trained(ranking.keys, run.model(), options.used_recipe())
    del run
    _build.give_back_memory()
    return trained


def so_far(run: Run, ranking: Ranking) -> Trained:
    """The model of a run that goes on; between two of its steps."""
    run.embedding.output.fold()
    return Trained(ranking.keys, run.model(), run.options.used_recipe())


class Watch:
    """Follows a run from step to step: the loss so far, and the end of each epoch.

    Parameters
    ----------
    epoch_ended : callable
        Receives the run, between two steps.

    Attributes
    ----------
    loss : float
        The sum of the losses of all pairs, over all epochs so far.
    ended : int
        Epochs that have ended.
    """

    def __init__(self, epochs: int, epoch_ended: Callable[[Run], None]) -> None:
        self.loss = 0.0
        self._epochs, self._epoch_ended = epochs, epoch_ended
        self._finished = self.ended = 0
        self._before = self._partial = 0.0  # losses of earlier epochs, and of the one under way

    def __call__(self, run: Run) -> None:
        at = run.state
        if len(at.losses) > self._finished:
            self._finished, self._before = len(at.losses), self._before + self._partial
        self._partial = at.epoch_loss
        self.loss = self._before + self._partial
        # An epoch passes over every token once.
        while self.ended < self._epochs and at.tokens * self._epochs >= (self.ended + 1) * run.total_tokens:
            self.ended += 1
            self._epoch_ended(run)
