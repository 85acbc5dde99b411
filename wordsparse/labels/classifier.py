"""A scikit-learn classifier for huge sets of sparse labels."""

from collections.abc import Iterable, Sequence
from os import PathLike
from typing import Any, ClassVar, NoReturn, Self

import numpy as np
import scipy.sparse as sp
from scipy.special import expit

from wordsparse import optional, validation
from wordsparse.errors import InputError
from wordsparse.kernels import CpuKernels, at_work
from wordsparse.labels import state, targets
from wordsparse.labels.classification import Classifier
from wordsparse.labels.explanation import Explanation, Explanations, explained
from wordsparse.labels.ranking import inverse_propensities, is_true, ranking_scores
from wordsparse.labels.rows import KeptRows, weights_of
from wordsparse.labels.targets import checks
from wordsparse.machine import memory
from wordsparse.options import refuse_unknown
from wordsparse.types import Array
from wordsparse.validation import texts_of

_sklearn = optional.load(targets.PURPOSE, "sklearn.base")
BaseEstimator: Any = _sklearn.BaseEstimator
ClassifierMixin: Any = _sklearn.ClassifierMixin
clone: Any = _sklearn.clone

DIM = 300
# The maximum number of features for which XᵀX is exact, not approximated.
ALL_FEATURES = 600
# Names of attributes of fastText's models, and their counterparts here.
_FASTTEXT = {
    **dict.fromkeys(("labels", "get_labels"), "classes_"),
    "save_model": "save(path)",
    "test": "evaluate(X, y)",
    "test_label": "evaluate_labels(X, y)",
    "quantize": "not needed: for a smaller model, give a higher min_count and ngrams=1",
}
# Names of options of ``predict`` in fastText and other tools.
_ELSEWHERE = dict.fromkeys(("k", "topk", "n", "threshold"), "predict_topk(X, k) gives k labels and their probabilities")


class SparseTargetClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A multi-label classifier for sparse rows, each of which has a few of possibly very many labels.

    The classifier fits one ridge regression on all features and labels. With up to 600 features, XᵀX is exact; with
    more features, XᵀX is approximated by a matrix of rank 300 plus a diagonal. The ridge penalty λ and the calibration
    of outputs to probabilities are fitted to leave-one-out predictions for training rows. A logistic regression
    predicts the 128 most frequent labels instead if it ranks held-out rows better. The best labels of each row are
    ranked again, with support vector machines and similar training rows, if that ranks held-out rows better.

    Parameters
    ----------
    rerank : bool
        Whether to rank the best labels of each row again (:mod:`wordsparse.labels.reranking`), with at least 1,000 rows
        of at most 10 labels on average, if that ranks held-out rows better.
    keep_rows : bool
        Whether the classifier and its file hold the training rows, so that :meth:`partial_fit` and :meth:`forget` can
        train again. Without them, rows are ranked again without similar training rows.
    threads : int, optional
        Threads of the compiled kernels; by default, one per available CPU.
    random_state : int
        The seed for the approximation of XᵀX and for the choice of held-out rows.

    Attributes
    ----------
    classes_ : (D,) array
        The labels: 0 … D − 1, or the values in a one-dimensional y or in lists, in ascending order.
    n_features_in_ : int
    power_ : float
        The scoring power a: labels are ranked by o n_l^−a, where o is the output of the regression.
    label_counts_ : (D,) float64
        n_l, the number of training rows with each label, or the sum of their weights.
    reranked_ : bool
        Whether the best labels of each row are ranked again.
    n_rows_ : float
        The number of training rows, or the sum of their weights.

    Notes
    -----
    y is a matrix (rows, D) of zeros and ones, SciPy sparse or dense; or one-dimensional, with a class per row; or it
    has a list, tuple or set of labels for each row (use sets if labels are numbers and all rows have the same number of
    labels). ``predict`` returns labels in the form of y, but with tuples in place of lists and sets. Loading a pickle
    (joblib) can run code, so load only your own pickles. :meth:`save` writes a directory without code.
    """

    takes_texts: ClassVar[bool] = False
    power_: float
    reranked_: bool
    label_counts_: Array

    def __init__(
        self,
        *,
        rerank: bool = True,
        keep_rows: bool = True,
        threads: int | None = None,
        random_state: int = 0,
    ) -> None:
        self.rerank = rerank
        self.keep_rows = keep_rows
        self.threads = threads
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = tags.classifier_tags.multi_label = True
        tags.target_tags.multi_output = tags.target_tags.single_output = True
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_fitted")

    def __getattr__(self, name: str) -> NoReturn:
        advice = f": it is {_FASTTEXT[name]}" if name in _FASTTEXT else ""
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}{advice}")

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None, label_weight: Any = None, ids: Any = None) -> Self:
        """Fit X (n, f), sparse or dense, to y (n, D) in one of the forms in the docstring of the class.

        Parameters
        ----------
        sample_weight : (n,), optional
            The weights of rows, at least 0. Outputs of the regression for a row of weight 2 equal those for the row
            given twice, with the same λ. Leave-one-out, which chooses λ and calibrates, leaves out a row with all its
            weight. A copy of a row would stay, and would predict its own labels.
        label_weight : (D,), optional
            Positive numbers, in the order of ``classes_``: the odds of label l are multiplied by ``label_weight[l]``.
        ids : (n,), optional
            Names of the rows for :meth:`forget`, as text; by default, "0", "1", "2", …. Rows may share a name.

        Raises
        ------
        InputError
            If y is missing, an entry of y is neither 0 nor 1, no row has a label, or a weight is negative or not
            finite.
        ValueError
            From scikit-learn: if shapes do not agree, a dense value is not finite, or there are no features.
        """
        rows = KeptRows.of(self._as_given(X), y, sample_weight, ids)
        odds = weights_of("label_weight", label_weight, len(rows.classes))
        if not odds.all():
            raise InputError("label_weight must be positive: leave out the labels that should not be predicted")
        return self._train(rows, None if label_weight is None else np.log(odds).astype(np.float32))

    def _train(self, rows: KeptRows, odds: Array | None) -> Self:
        """Fit parsed rows. ``odds`` (D,) float32 holds the logarithms of the labels' weights."""
        seed = validation.whole("random_state", self.random_state)
        if not isinstance(self.rerank, bool):
            raise InputError(
                f"rerank must be True or False, not {self.rerank!r:.40}: True, the default, ranks again if it helps"
            )
        if not rows.Y.nnz:
            raise InputError("Y has no labels, so nothing can be learnt: give at least one, or the file of targets")
        counted = np.flatnonzero(rows.weights)  # a row of weight 0 is no row
        labels = rows.Y[counted]
        if not labels.nnz:
            raise InputError("sample_weight is zero for every row with a label: give one of them a positive weight")
        X = self._features_of(rows)
        with at_work():
            fitted = Classifier.fitted(
                (X[counted], labels, rows.weights[counted]),
                X.shape[1] + 1 if X.shape[1] <= ALL_FEATURES else DIM,
                seed,
                CpuKernels(self.threads),
                rerank=self.rerank,
                votes=self.keep_rows,
                one_class=rows.kind == "classes",
                odds=odds,
            )
        self._rows = rows if self.keep_rows else None
        return self._with(fitted, rows.weights.sum(), rows.classes, rows.kind)

    def partial_fit(
        self, X: Any, y: Any = None, classes: Any = None, sample_weight: Any = None, ids: Any = None
    ) -> Self:
        """Train again on the training rows of before and new rows, as :meth:`fit` would on all at once.

        The new rows may have new labels, words and features. Columns of new features follow the old columns. Labels
        keep their weights, and new labels have the weight 1. After an error, the classifier is unchanged. ``classes``
        is ignored; it exists because tools for scikit-learn pass it.

        Raises
        ------
        InputError
            As for :meth:`fit`; and if the classifier holds no rows, X has fewer features than before, or y has another
            form.
        """
        if not self.__sklearn_is_fitted__():
            return self.fit(X, y, sample_weight, ids=ids)
        kept, again = self._kept(), clone(self)
        new = KeptRows.of(again._as_given(X), y, sample_weight, ids, kept.next_id())
        return self._again(again, kept.extended(new))

    def forget(self, ids: Iterable[Any]) -> Self:
        """Train again without the rows with these ids, as :meth:`fit` would on the other rows.

        Raises
        ------
        InputError
            If no row has one of the ids, no row would be left, or the classifier holds no rows.
        """
        return self._again(clone(self), self._kept().without(map(str, ids)))

    def _kept(self) -> KeptRows:
        checks.check_is_fitted(self)
        if self._rows is None:
            raise InputError(
                "the classifier was trained with keep_rows=False (--no-rows) and holds no training rows: train a new "
                "one on all rows"
            )
        return self._rows

    def _again(self, again: "SparseTargetClassifier", rows: KeptRows) -> Self:
        """Train a classifier with the same settings, and take over its state when it is complete."""
        odds = None
        if self._fitted.odds is not None:
            of_label = dict(zip(self.classes_.tolist(), self._fitted.odds, strict=True))
            odds = np.array([of_label.get(label, 0) for label in rows.classes.tolist()], np.float32)
        self.__dict__.update(again._train(rows, odds).__dict__)
        return self

    def _as_given(self, X: Any) -> Any:
        """Check new training rows, and return them in the form in which they are kept."""
        return self._features(X, reset=True)

    def _features_of(self, rows: KeptRows) -> Any:
        """Return the features of training rows, CSR (n, f)."""
        self.n_features_in_ = rows.X.shape[1]
        return rows.X

    def predict(self, X: Any, **unknown: NoReturn) -> Any:
        """Predict each row's labels with probabilities of at least ½; for one-dimensional y, the likeliest class.

        The result has the form of y: CSR (n, D), a dense matrix, or tuples of labels."""
        refuse_unknown(unknown, ["X"], others=_ELSEWHERE)
        checks.check_is_fitted(self)
        if self._kind == "classes":
            return self.classes_[self._topk(X, 1)[0][:, 0]]
        labels = self._predicted(X)
        if self._kind == "lists":
            rows = np.split(self.classes_[labels.indices], labels.indptr[1:-1])
            return [tuple(row.tolist()) for row in rows]
        return labels.toarray() if self._kind == "dense" else labels

    def _predicted(self, X: Any) -> Any:
        """Return the labels that :meth:`predict` predicts, as a CSR matrix of ones."""
        if self._kind == "classes":
            column = self._topk(X, 1)[0][:, 0]
            ones = np.ones(column.size, np.int64), column, np.arange(column.size + 1)
            return sp.csr_array(ones, shape=(column.size, len(self.classes_)))
        X = self._features(X)
        with at_work():
            return self._fitted.likely(X)

    def predict_topk(self, X: Any, k: int) -> tuple[Array, Array]:
        """Return the k likeliest labels of each row, likeliest first, and their probabilities.

        Returns
        -------
        labels : (n, k) int64, probabilities : (n, k) float32
            k is at most D. Labels are columns of y (indices of ``classes_``); for :class:`TextClassifier` they are
            values of ``classes_``, as objects. If a row has fewer than k candidates (:mod:`wordsparse.labels.scoring`),
            the missing labels are −1, or None, with probability 0.
        """
        labels, likelihoods = self._topk(X, k)
        return self.named(labels) if self.takes_texts else labels, likelihoods

    def _topk(self, X: Any, k: int) -> tuple[Array, Array]:
        """Return the result of :meth:`predict_topk` with columns of y as labels."""
        X, k = self._features(X), validation.positive_int("k", k)
        with at_work():
            labels, logits = self._fitted.top(X, min(k, len(self.classes_)))
        return labels, expit(logits)

    def explain(self, X: Any, k: int = 1) -> Explanations:
        """Explain the k likeliest labels of each row by the shares of its features.

        Returns
        -------
        Explanations
            A list with a list for each row, which has an :class:`~wordsparse.labels.explanation.Explanation` for each
            label, likeliest first. Features are columns of X; for :class:`TextClassifier`, words and sequences of
            words. Labels are values of ``classes_``.
        """
        tops = self._topk(X, k)
        rows = explained(self._fitted, self._features(X), tops, self._feature_names())
        # Neighbours have the numbers of the training rows without rows of weight 0.
        numbers = [] if self._rows is None else np.flatnonzero(self._rows.weights).tolist()

        def named(part: Explanation) -> Explanation:
            votes = {numbers[row]: vote for row, vote in part.neighbours.items()}
            return part._replace(label=self.classes_[[part.label]].tolist()[0], neighbours=votes)

        named_rows = [[named(part) for part in row] for row in rows]
        return Explanations(named_rows, list(texts_of(X)) if self.takes_texts else None)

    def _feature_names(self) -> Sequence[Any]:
        return range(self.n_features_in_)

    @property
    def thresholds_(self) -> Array:
        """For each label, the probability with the best F1 on held-out training rows, (D,); ½ if that is not better."""
        assert self._fitted.thresholds is not None  # as of every complete classifier
        return expit(self._fitted.thresholds)

    def named(self, columns: Array) -> Array:
        """Return the values of ``classes_`` for columns, as objects; None for −1."""
        labels: Array = self.classes_[columns].astype(object)
        labels[columns < 0] = None
        return labels

    def decision_function(self, X: Any, columns: Any = None) -> Array:
        """Return the log-odds of the labels ``columns``, (n, columns) float32; by default all labels, if memory allows.

        If y had two classes, the result is (n,), the log-odds of the second class.
        """
        logits = self._logits(X, columns)
        is_binary = self._kind == "classes" and len(self.classes_) == 2 and columns is None
        return logits[:, 1] if is_binary else logits

    def predict_proba(self, X: Any, columns: Any = None) -> Array:
        """Return the probabilities of the labels ``columns``, which sum to 1 over all classes for one-dimensional y."""
        return expit(self._logits(X, columns))

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Return P@1: the (weighted) fraction of rows whose likeliest label is true. With one class per row, P@1 is the
        accuracy."""
        labels, _ = self._topk(X, 1)
        truth = targets.known_labels(y, self.classes_, self._kind)
        checks.check_consistent_length(labels, truth)
        return float(np.average(is_true(truth, labels)[:, 0], weights=sample_weight))

    def evaluate(self, X: Any, y: Any = None, k: tuple[int, ...] = (1, 3, 5)) -> dict[str, Any]:
        """Compute P@k, nDCG@k and PSP@k, with propensities from the training rows (A = 0.55, B = 1.5). Labels that no
        training row has are ignored."""
        truth = self._truth(y)
        labels, _ = self._topk(X, max(k))
        depths = tuple(sorted({min(validation.positive_int("k", each), labels.shape[1]) for each in k}))
        weights = inverse_propensities(self.label_counts_, self.n_rows_)
        return ranking_scores(labels, truth, weights, depths)

    def evaluate_labels(self, X: Any, y: Any = None) -> dict[str, Array]:
        """Compute the precision and the recall of :meth:`predict` for each label.

        Returns
        -------
        dict
            ``precision`` and ``recall``, (D,) float64, ``support``, (D,) int64, the number of rows with the label, and
            ``threshold``, (D,), which is ``thresholds_``; all in the order of ``classes_``. The precision of a label
            that no row is predicted to have, and the recall of a label without support, are NaN.
        """
        truth, predicted = self._truth(y), self._predicted(X)
        checks.check_consistent_length(truth, predicted)
        support, likely, hits = (part.sum(0, dtype=np.int64) for part in (truth, predicted, truth.multiply(predicted)))
        with np.errstate(invalid="ignore"):
            scores = {"precision": hits / likely, "recall": hits / support, "support": support}
        return {**scores, "threshold": self.thresholds_}

    def _truth(self, y: Any) -> Any:
        """Return the known labels of y as a CSR matrix of ones. Raise InputError if there are none."""
        checks.check_is_fitted(self)
        truth = targets.known_labels(y, self.classes_, self._kind)
        if not truth.nnz:
            raise InputError("Y has no label of a training row, so nothing can be judged: give at least one")
        return truth

    def save(self, path: str | PathLike[str], *, overwrite: bool = False) -> None:
        """Write a directory with checksummed arrays and a manifest, atomically. The directory contains no pickle.

        With ``overwrite``, ``path`` may hold a classifier, which stays until the new one is complete.

        Raises
        ------
        InputError
            If ``path`` exists and is not an empty directory, or with ``overwrite``, holds no classifier, or cannot be
            created.
        """
        checks.check_is_fitted(self)
        state.save(path, self, *self._saved(), overwrite=overwrite)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Self:
        """Read a directory that :meth:`save` wrote.

        Raises
        ------
        InputError
            If a file is missing, damaged, altered, or of another version or class; the message names the file.
        """
        estimator, content, arrays = state.load(path, cls)
        estimator._restore(content, arrays)
        return estimator

    def _saved(self) -> tuple[dict[str, Any], dict[str, Any]]:
        classes = self.classes_.tolist() if self._kind in targets.NAMED else []
        rows = {} if self._rows is None else self._rows.state()
        arrays = {**self._fitted.state(), **rows, "classes": state.as_bytes(classes)}
        return {"kind": self._kind, "rows": self.n_rows_}, arrays

    def _restore(self, content: dict[str, Any], arrays: dict[str, Any]) -> None:
        one_class = content["kind"] == "classes"
        fitted = Classifier.restored(arrays, CpuKernels(self.threads), one_class=one_class)
        named = content["kind"] in targets.NAMED
        labels = state.listed(arrays["classes"]) if named else range(arrays["counts"].size)
        classes = targets.as_classes([tuple(label) if isinstance(label, list) else label for label in labels])
        self.n_features_in_ = fitted.scorer.inverse.scale.shape[0] - 1
        self._rows = KeptRows.restored(arrays, self.n_features_in_, classes, content["kind"])
        self._with(fitted, content["rows"], classes, content["kind"])

    def _with(self, fitted: Classifier, rows: float, classes: Array, kind: str) -> Self:
        """Store a fitted classifier in this estimator, set the public attributes, and return the estimator."""
        self._fitted, self.n_rows_, self.classes_, self._kind = fitted, float(rows), classes, kind
        self.reranked_ = fitted.reranker is not None
        self.power_, self.label_counts_ = fitted.calibration.power, fitted.scorer.counts
        return self

    def _features(self, X: Any, *, reset: bool = False) -> Any:
        """Convert X (n, f), sparse or dense, to CSR float32 with scikit-learn's checks. The estimator must be fitted,
        except with ``reset``, for training rows."""
        if not reset:
            checks.check_is_fitted(self)
        is_sparse: bool = sp.issparse(X)
        if is_sparse and len(X.shape) == 2 and X.dtype.kind in "fiub":
            X = validation.csr("X", X, np.dtype(np.float32))
        with np.errstate(over="ignore"):  # numbers too large for float32 become infinite and are refused
            return sp.csr_array(checks.validate_data(self, X, accept_sparse="csr", dtype=np.float32, reset=reset))

    def _logits(self, X: Any, columns: Any) -> Array:
        """Return the log-odds of labels, (n, columns). Raise InputError if the result does not fit into memory."""
        X = self._features(X)
        rows, count = X.shape[0], len(self.classes_)
        chosen = np.arange(count) if columns is None else validation.output_rows(columns, count, "columns")
        computed, places = np.unique(chosen, return_inverse=True)
        if self._kind == "classes":  # probabilities of all classes sum to 1
            computed, places = np.arange(count), chosen
        memory.check(rows * computed.size * 4, f"{rows:,} rows of {computed.size:,} outputs (predict_topk needs less)")
        with at_work():
            logits = self._fitted.logits(X, computed)
        return logits if columns is None else logits[:, places]
