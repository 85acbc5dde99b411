"""The training that Word2Vec runs, with the exact loss over the whole vocabulary, and predictions of a trained
model."""

from collections.abc import Callable, Sequence

import numpy as np

from wordsparse.corpus import EncodedCorpus
from wordsparse.layer.losses import BoundedNS
from wordsparse.machine.memory import give_back
from wordsparse.training.loop import Run
from wordsparse.training.resume import start_from
from wordsparse.types import Array
from wordsparse.vectors.table import Key
from wordsparse.words.model import Model
from wordsparse.words.options import Options
from wordsparse.words.recipe import Recipe
from wordsparse.words.text_source import TextSource


class Trained:
    """A trained model, the key of each of its rows, and the recipe of its training."""

    def __init__(self, keys: Sequence[Key], model: Model, recipe: Recipe) -> None:
        self.keys, self.model, self.recipe = list(keys), model, recipe
        self.rows: dict[Key, int] = {key: row for row, key in enumerate(self.keys)}
        measure = recipe.base_measure(model.vocabulary.counts)
        self._log_measure = np.log(measure / measure.sum())

    def vectors(self, keys: Sequence[Key], before: Array) -> Array:
        """Return the vector of each key, (V, dim) float32. A key that is not in the model keeps its row of
        ``before``."""
        return self._in_order(keys, self.model.vectors, before)

    def output_weights(self, keys: Sequence[Key]) -> Array:
        """Return the output vector w of each key, (V, dim) float32: o = w·e for an input e in the basis of training."""
        weights = self.model.output_rows[:, :-1] / np.exp(self._log_measure / 2)[:, None].astype(np.float32)
        return self._in_order(keys, weights, np.zeros((len(keys), weights.shape[1]), np.float32))

    def likeliest(self, rows: Sequence[int], n: int) -> list[tuple[Key, float]]:
        """Return the n most probable keys in the context of the words in ``rows``, with their probabilities.

        An output o is at most log P/(k π) for the largest possible P(word | context), which training on a few sentences
        may overshoot by far. o is the mean over the words c of the context, as the input is, and next to c,
        P(w | c) ≤ n_w/n_c, because w has at most as many examples with c as its n_w occurrences allow.
        """
        model, log_counts = self.model, np.log(np.asarray(self.model.vocabulary.counts, np.float64))
        largest = np.minimum(log_counts - log_counts[rows].mean(), 0)
        loss = self.recipe.loss
        assert isinstance(loss, BoundedNS)
        h = np.append(model.input_rows[rows].mean(axis=0), np.float32(1))
        outputs = (model.output_rows @ h) / np.exp(self._log_measure / 2)
        estimates = self._log_measure + outputs
        logs = np.minimum(estimates, largest - np.log(loss.negatives))
        shares = np.exp(logs - logs.max())
        best = np.lexsort((-estimates, -logs))[:n].tolist()
        return [*zip((self.keys[row] for row in best), (shares[best] / shares.sum()).tolist(), strict=True)]

    def _in_order(self, keys: Sequence[Key], rows: Array, missing: Array) -> Array:
        """Return the rows in the order of ``keys``; keys that are not in the model get their rows from ``missing``."""
        places = np.fromiter((self.rows.get(key, -1) for key in keys), np.int64, len(keys))
        result = missing.astype(np.float32)
        result[places >= 0] = rows[places[places >= 0]]
        return result


def train(
    keys: Sequence[Key],
    corpus: EncodedCorpus,
    options: Options,
    before: Trained | None,
    after_step: Callable[[Run], None],
) -> Trained:
    """Train on a corpus. If ``before`` is a model, start from it; ``keys`` must begin with the keys of this model."""
    run = Run(TextSource(corpus), options)
    if before is not None:
        start_from(run, before.model, before.recipe)
    for _ in run.steps():
        after_step(run)
    trained = Trained(keys, run.model(), options.used_recipe())
    del run
    give_back()
    return trained


def so_far(run: Run, keys: Sequence[Key]) -> Trained:
    """Return the current model of an unfinished run between two steps."""
    run.embedding.output.fold()
    return Trained(keys, run.model(), run.options.used_recipe())


class Watch:
    """An observer that is called after every step of a run. ``loss`` is the sum of the losses of all pairs so far. At
    the end of each epoch, between two steps, ``epoch_ended`` is called with the run. ``ended`` counts finished
    epochs."""

    def __init__(self, epochs: int, epoch_ended: Callable[[Run], None]) -> None:
        self.loss = 0.0
        self._epochs, self._epoch_ended = epochs, epoch_ended
        self._finished = self.ended = 0
        self._before = self._partial = 0.0  # sums of the losses in finished epochs and in the current epoch

    def __call__(self, run: Run) -> None:
        at = run.state
        if len(at.losses) > self._finished:
            self._finished, self._before = len(at.losses), self._before + self._partial
        self._partial = at.epoch_loss
        self.loss = self._before + self._partial
        # All epochs have the same number of tokens, so the number of tokens so far shows how many epochs have ended.
        while self.ended < self._epochs and at.tokens * self._epochs >= (self.ended + 1) * run.total_tokens:
            self.ended += 1
            self._epoch_ended(run)
