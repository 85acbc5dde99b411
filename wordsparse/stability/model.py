"""A model with the models of its resampled text."""

import os
from typing import Self

from wordsparse.stability.resamples import Neighbour, Resamples, Writer, neighbours
from wordsparse.training.model import Model, load
from wordsparse.words.model import WordModel


class ResampledModel(Model):
    """A :class:`wordsparse.Model` and its resamples: what :func:`wordsparse.resample` returns.

    Attributes
    ----------
    resamples : Resamples
        The vectors of the words in resamples of the text.
    """

    resamples: Resamples

    @classmethod
    def of(cls, model: WordModel, resamples: Resamples) -> Self:
        """The model with these resamples; it shares the arrays."""
        rows = model.vocabulary, model.input_rows, model.output_rows
        made = cls(*rows, model.options, model.report, model.training, model.subwords, model.call, model.axes)
        made.resamples = resamples
        return made

    def neighbours(self, word: str, n: int = 10) -> list[Neighbour]:
        """The ``n`` words of largest cosine with ``word``, and the certainty of each by the resamples of the text.

        Returns
        -------
        list of Neighbour
            (word, cosine, returned, low, high): in how many resamples it is among the n nearest words, and an interval
            that encloses 90 % of their cosines.

        Raises
        ------
        InputError
            If the word is not known (UnknownWordError), or ``n`` is below 1.
        """
        return neighbours(self.wv, self.resamples, word, n)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model directory with its resamples; see :meth:`wordsparse.Model.save`."""
        super().save(path)
        writer = Writer(path, self.resamples.about)
        for codes in self.resamples.each():
            writer.add(codes)


def resampled_model(path: str | os.PathLike[str]) -> Model | ResampledModel:
    """Read a model directory, with the resamples that it may have.

    Raises
    ------
    InputError
        If a file is missing, damaged, altered, or of another version; the message names it.
    """
    model = load(path)
    found = Resamples.beside(path, (len(model), model.dim))
    return model if found is None else ResampledModel.of(model, found)
