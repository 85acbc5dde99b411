"""Vectors of documents as a transformer of scikit-learn's conventions."""

from collections.abc import Iterable
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from wordsparse.errors import InputError
from wordsparse.labels.base import BaseEstimator, TransformerMixin


class Encoder(Protocol):
    """What makes vectors of texts: a :class:`wordsparse.Model`."""

    def encode(self, texts: Any, *, sif: bool = False, both: bool = False) -> NDArray[np.float32]:
        """The vectors of texts, (n, d)."""


class DocumentVectorizer(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """The vectors of texts by a trained model, as a step of a Pipeline or a ColumnTransformer; ``fit`` learns nothing.

    Clones share the model.

    Parameters
    ----------
    model : Model
        As :func:`wordsparse.train` or :func:`wordsparse.load` gives it.
    sif : bool
        The weighted mean of the words' vectors in place of the exact vector; better for similarity.
    both : bool
        The exact vector and the weighted mean, one after the other; better as features of a classifier.

    Examples
    --------
    >>> import wordsparse as ws
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> model = ws.train(iter(["the cat sat", "the dog sat", "a ship at sea"] * 50), tokens="simple", dim=4)
    >>> classifier = make_pipeline(ws.DocumentVectorizer(model), LogisticRegression(C=100))
    >>> classifier.fit(["The cat!", "the dog", "a ship", "at sea"], [0, 0, 1, 1]).predict(["The dog sat."])
    array([0])
    """

    def __init__(self, model: Encoder, *, sif: bool = False, both: bool = False) -> None:
        self.model, self.sif, self.both = model, sif, both

    def fit(self, X: Iterable[Any], y: object = None) -> Self:
        """Nothing is learned; InputError if X holds no texts."""
        texts_of(X)
        return self

    def transform(self, X: Iterable[Any]) -> NDArray[np.float32]:
        """The vectors of texts, (n, dim) float32, or (n, 2 dim) with ``both``; zeros for one without a known word.

        Parameters
        ----------
        X : iterable of str or of sequences of words
            Or a table with one column of them.

        Raises
        ------
        InputError
            If an item is no text, X is a single str or has several columns, or the model cannot infer.
        """
        return self.model.encode(texts_of(X), sif=self.sif, both=self.both)

    def get_feature_names_out(self, input_features: object = None) -> NDArray[Any]:
        """The names of the columns: ``documentvectorizer0``, …"""
        columns = self.model.encode([""], sif=self.sif, both=self.both).shape[1]
        return np.array([f"{type(self).__name__.lower()}{column}" for column in range(columns)], object)

    def __sklearn_clone__(self) -> Self:
        return type(self)(**self.get_params(deep=False))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string, tags.input_tags.two_d_array = True, False
        tags.requires_fit = False
        return tags


def texts_of(X: Any) -> Iterable[Any]:
    """The documents of X: a table of one column is its cells, and not the names of its columns."""
    if isinstance(X, str) or not isinstance(X, Iterable):
        raise InputError(f"X must be an iterable of texts, not {X!r:.80}")
    if getattr(X, "ndim", 1) != 2 and not hasattr(X, "columns"):
        return X
    table = np.asarray(X, object)
    if table.ndim != 2 or table.shape[1] != 1:
        raise InputError(f"X has the shape {table.shape}, not one column of texts: choose its column, X[NAME]")
    return list(table[:, 0])
