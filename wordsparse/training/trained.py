"""A model that goes on training, in memory."""

import os
from dataclasses import replace
from typing import Any

from wordsparse.files import arrays
from wordsparse.words import model_directory as models
from wordsparse.words.model import Model


class TrainedModel(Model):
    """A :class:`wordsparse.Model` with the state of its run: what :func:`wordsparse.train` and ``load`` return."""

    def train(self, corpus: Any, **given: Any) -> "TrainedModel":
        """Train on with a new text, in memory, as ``resume`` does on disk.

        Unknown words are added, and no word is removed. On the model's own text, ``epochs`` is the new number of all
        epochs. This model stays as it is.

        Parameters
        ----------
        corpus : path, sequence of paths, EncodedCorpus, or iterable of token lists
            The new text.
        **given
            Options of :func:`wordsparse.train`, in memory: those not given are the model's, but for ``epochs``,
            5. The model, the loss and dim cannot change.

        Returns
        -------
        TrainedModel
            The new model.

        Raises
        ------
        InputError, TrainingError, ReadError, Interrupted
            As :func:`wordsparse.train`; InputError too if the model holds its vectors only.
        """
        from wordsparse.training import runs  # which makes models of this class

        return runs.train_on(self, corpus, **given)

    def copied(self) -> "TrainedModel":
        """The same model, whose training state is a copy: a run takes it over."""
        trained = self.trained()
        copy = replace(trained, state=arrays.copy(trained.state))
        parts = (self.vocabulary, self.input_rows, self.output_rows, self.options, self.report, copy)
        return TrainedModel(*parts, self.subwords, self.call)


def load(path: str | os.PathLike[str], *, mapped: bool = False) -> TrainedModel:
    """Read a model directory; with ``mapped``, its rows stay on the disk until they are used.

    Raises
    ------
    InputError
        If a file is missing, damaged, altered, or of another version; the message names it.
    """
    return models.read(path, TrainedModel, mapped=mapped)
