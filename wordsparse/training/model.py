"""The model as users have it: trained word vectors that infer new words and documents, and go on training."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wordsparse.files import arrays
from wordsparse.unseen.documents import Document, encoded
from wordsparse.unseen.infer import infer
from wordsparse.words import model_directory as models
from wordsparse.words.model import WordModel


class Model(WordModel):
    """A :class:`wordsparse.words.model.WordModel` that infers new words and documents, and goes on training."""

    def infer(self, word: str, sentences: Iterable[str | Sequence[str]]) -> NDArray[np.float32]:
        """The vector of a new word, (dim,) float32 of length one; see :func:`wordsparse.unseen.infer.infer`.

        A sentence is a text, which the model's tokeniser splits, or a sequence of words.

        Raises
        ------
        InputError
            If the word is empty or holds white space, no sentence holds it beside a known word, or the model cannot
            infer.
        """
        texts = [sentences] if isinstance(sentences, str) else sentences
        vector: NDArray[np.float32] = infer(self, texts, [word]).vectors[0]
        return vector

    def encode(self, texts: str | Iterable[Document]) -> NDArray[np.float32]:
        """The vectors of texts, (n, dim) float32 of length one; zeros for a text without a word that has a vector.

        The weighted mean of the unit vectors of all words: see :mod:`wordsparse.unseen.documents`.

        Parameters
        ----------
        texts : str, or iterable of str or of sequences of words
            The model's tokeniser splits a str. The vector of a single str is (dim,).

        Raises
        ------
        InputError
            If a text is neither a str nor a sequence of words.
        """
        return encoded(self, [texts])[0] if isinstance(texts, str) else encoded(self, texts)

    def train(self, corpus: Any, **given: Any) -> "Model":
        """Train on with a new text, in memory, as ``resume`` does on disk.

        Unknown words are added, and no word is removed. On the model's own text, ``epochs`` is the new number of all
        epochs. This model stays as it is.

        Parameters
        ----------
        corpus : path, sequence of paths, EncodedCorpus, or iterable of token lists
            The new text.
        **given
            Options of :func:`wordsparse.train`, in memory: those not given are the model's, but for ``epochs``,
            which suit the new text. The model, the loss and dim cannot change.

        Returns
        -------
        Model
            The new model.

        Raises
        ------
        InputError, TrainingError, ReadError, Interrupted
            As :func:`wordsparse.train`; InputError too if the model holds its vectors only.
        """
        from wordsparse.training import runs  # which makes models of this class

        return runs.train_on(self, corpus, **given)

    def copied(self) -> "Model":
        """The same model, whose training state is a copy: a run takes it over."""
        trained = self.trained()
        copy = replace(trained, state=arrays.copy(trained.state))
        parts = (self.vocabulary, self.input_rows, self.output_rows, self.options, self.report, copy)
        return Model(*parts, self.subwords, self.call, self.axes)


def load(path: str | os.PathLike[str], *, mapped: bool = False) -> Model:
    """Read a model directory; with ``mapped``, its rows stay on the disk until they are used.

    Raises
    ------
    InputError
        If a file is missing, damaged, altered, or of another version; the message names it.
    """
    return models.read(path, Model, mapped=mapped)
