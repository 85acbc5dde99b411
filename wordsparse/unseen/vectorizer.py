"""A transformer with scikit-learn's conventions that turns documents into vectors."""

from collections.abc import Iterable
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from wordsparse import optional
from wordsparse.validation import texts_of
from wordsparse.words.model import Model

_sklearn = optional.load("DocumentVectorizer", "sklearn.base")
BaseEstimator: Any = _sklearn.BaseEstimator
TransformerMixin: Any = _sklearn.TransformerMixin


class DocumentVectorizer(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """A step of a Pipeline or ColumnTransformer that turns texts into vectors with a trained model.

    ``fit`` learns word weights for search in a collection of texts. If ``fit`` has not been called, the model's own
    weights are used. Clones share the model.

    Parameters
    ----------
    model : Model
        A model from :func:`wordsparse.train` or :func:`wordsparse.load`.

    Attributes
    ----------
    model_ : Model
        After ``fit``, the same model with the weights of words in the texts: see :meth:`wordsparse.Model.fit_weights`.

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

    def __init__(self, model: Model) -> None:
        self.model = model

    def fit(self, X: Iterable[Any], y: object = None) -> Self:
        """Learn the weights of words from the texts X, given as in :meth:`transform`. Raise InputError if X holds no
        texts."""
        self.model_ = self.model.fit_weights(X)
        return self

    def fit_transform(self, X: Iterable[Any], y: object = None) -> NDArray[np.float32]:
        """Learn the weights of words from texts, and return the vectors of these texts."""
        texts = list(texts_of(X))  # a list, because the texts are read twice
        return self.fit(texts).transform(texts)

    def transform(self, X: Iterable[Any]) -> NDArray[np.float32]:
        """Return the vectors of texts, (n, dim) float32; see :meth:`wordsparse.Model.encode`.

        Parameters
        ----------
        X : iterable of str or of sequences of str
            The texts, or a table with one column of texts.

        Raises
        ------
        InputError
            If an item is not a text, or X is a single str or has several columns.
        """
        return getattr(self, "model_", self.model).wv.encode(X)

    def get_feature_names_out(self, input_features: object = None) -> NDArray[Any]:
        """Return the names of the columns: ``documentvectorizer0``, …"""
        return np.array([f"{type(self).__name__.lower()}{column}" for column in range(self.model.dim)], object)

    def __sklearn_clone__(self) -> Self:
        return type(self)(**self.get_params(deep=False))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string, tags.input_tags.two_d_array = True, False
        tags.requires_fit = False
        return tags
