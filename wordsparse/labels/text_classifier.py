"""A classifier of texts: scikit-learn's TF-IDF and the classifier in one estimator and one saved model."""

import logging
from collections.abc import Sequence
from itertools import chain
from typing import Any, ClassVar

import numpy as np

from wordsparse import optional, validation
from wordsparse.corpus.hints import unspaced
from wordsparse.errors import InputError
from wordsparse.labels.classifier import SparseTargetClassifier
from wordsparse.labels.rows import KeptRows
from wordsparse.labels.state import as_bytes, listed
from wordsparse.labels.targets import checks
from wordsparse.tokens.tokenizers import tokenizer
from wordsparse.validation import texts_of

_text = optional.load("TextClassifier", "sklearn.feature_extraction.text")

logger = logging.getLogger(__name__)


class TextClassifier(SparseTargetClassifier):
    """A classifier of raw texts: :class:`SparseTargetClassifier` on the TF-IDF of words and word n-grams.

    The classifier has the methods of :class:`SparseTargetClassifier`, but takes texts in place of rows.

    Parameters
    ----------
    tokens : str, optional
        A tokeniser, as for ``wordsparse.train``. By default, words of two or more letters and digits in lower case, as
        in scikit-learn's vectorisers.
    ngrams : int
        The maximum number of words in a feature.
    min_count : int
        The minimum number of training texts that contain a feature.
    rerank, keep_rows, threads, random_state
        As for :class:`SparseTargetClassifier`.

    Attributes
    ----------
    vocabulary_ : list of str
        The features: words and sequences of words.
    """

    takes_texts: ClassVar[bool] = True
    _vectorizer: Any

    def __init__(
        self,
        *,
        tokens: str | None = None,
        ngrams: int = 2,
        min_count: int = 2,
        rerank: bool = True,
        keep_rows: bool = True,
        threads: int | None = None,
        random_state: int = 0,
    ) -> None:
        super().__init__(rerank=rerank, keep_rows=keep_rows, threads=threads, random_state=random_state)
        self.tokens = tokens
        self.ngrams = ngrams
        self.min_count = min_count

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string, tags.input_tags.two_d_array = True, False
        return tags

    @property
    def vocabulary_(self) -> list[str]:
        """The features, in the order of their columns."""
        return list(self._vectorizer.get_feature_names_out())

    def _feature_names(self) -> Sequence[Any]:
        return self.vocabulary_

    def _as_given(self, X: Any) -> list[str]:
        if isinstance(X, str):
            raise InputError(
                f"X must be an iterable of texts, not {X!r:.80}: give [text] for a single text; "
                "wordsparse.labels.read_texts(file) reads the texts and labels of a file"
            )
        if not (texts := list(texts_of(X))):
            raise InputError("X holds no texts, 0 sample(s): give at least one")
        for row, text in enumerate(texts):
            if not isinstance(text, str):
                raise InputError(f"X must hold texts, but row {row} is {text!r:.40}: give a str for each row")
        return texts

    def _features(self, X: Any, *, reset: bool = False) -> Any:
        checks.check_is_fitted(self)
        return super()._features(self._vectorizer.transform(self._as_given(X)))

    def _features_of(self, rows: KeptRows) -> Any:
        if self.tokens is None and (advice := unspaced(chain.from_iterable(map(str.split, rows.X)))) is not None:
            logger.warning("%s", advice)
        self._vectorizer = self._new_vectorizer()
        counted = [text for text, weight in zip(rows.X, rows.weights, strict=True) if weight]
        try:
            self._vectorizer.fit(counted)
        except ValueError as error:
            raise InputError(
                f"no word occurs in {self.min_count} of the {len(counted):,} texts ({error}): give more texts, or a "
                "smaller min_count"
            ) from None
        return super()._features(self._vectorizer.transform(rows.X), reset=True)

    def _new_vectorizer(self, vocabulary: list[str] | None = None) -> Any:
        words: dict[str, Any] = {}
        if self.tokens is not None:
            words = {"tokenizer": tokenizer(self.tokens), "token_pattern": None, "lowercase": False}
        return _text.TfidfVectorizer(
            ngram_range=(1, validation.positive_int("ngrams", self.ngrams)),
            min_df=validation.positive_int("min_count", self.min_count),
            sublinear_tf=True,
            dtype=np.float32,
            vocabulary=vocabulary,
            **words,
        )

    def _saved(self) -> tuple[dict[str, Any], dict[str, Any]]:
        content, arrays = super()._saved()
        return content, {**arrays, "vocabulary": as_bytes(self.vocabulary_), "idf": self._vectorizer.idf_}

    def _restore(self, content: dict[str, Any], arrays: dict[str, Any]) -> None:
        super()._restore(content, arrays)
        self._vectorizer = self._new_vectorizer(listed(arrays["vocabulary"]))
        self._vectorizer.idf_ = arrays["idf"]
