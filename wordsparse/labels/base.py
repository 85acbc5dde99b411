"""Shared by the estimators: scikit-learn's conventions, saving, checks of arguments, and the progress of a fit."""

from collections.abc import Callable
from os import PathLike
from typing import Any, Self

import numpy as np
import scipy.sparse as sp

from wordsparse import optional, validation
from wordsparse.errors import InputError
from wordsparse.labels import state
from wordsparse.machine import memory
from wordsparse.types import Array

_PURPOSE = "an estimator of wordsparse.labels"
_multiclass = optional.load(_PURPOSE, "sklearn.utils.multiclass")
checks = optional.load(_PURPOSE, "sklearn.utils.validation")
_sklearn = optional.load(_PURPOSE, "sklearn.base")
BaseEstimator: Any = _sklearn.BaseEstimator
ClassifierMixin: Any = _sklearn.ClassifierMixin
TransformerMixin: Any = _sklearn.TransformerMixin


class Saving:
    """Saving of an estimator that gives and takes over its content and its state (:mod:`wordsparse.labels.state`)."""

    def save(self, path: str | PathLike[str]) -> None:
        """Write a directory, whole or not at all: checksummed arrays and a manifest, no pickle.

        Raises
        ------
        InputError
            If ``path`` exists and is not an empty directory, cannot be made, or the classes of a classifier are neither
            numbers nor text.
        """
        checks.check_is_fitted(self)
        state.save(path, self, *self._saved())

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Self:
        """Read what :meth:`save` wrote.

        Raises
        ------
        InputError
            If a file is missing, damaged, altered, or of another version or class; the message names it.
        """
        estimator, content, arrays = state.load(path, cls)
        estimator._restore(content, arrays)
        return estimator

    def _saved(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The content and the state of a saved estimator."""
        raise NotImplementedError

    def _restore(self, content: dict[str, Any], arrays: dict[str, Any]) -> None:
        """Take over what :meth:`_saved` gave."""
        raise NotImplementedError


Report = Callable[[str], object]
"""Called with a sentence at the start of each phase of a fit."""


def sparse_tags(tags: Any) -> Any:
    """scikit-learn's tags of an estimator that takes sparse rows, with one target a row or several."""
    tags.input_tags.sparse = True
    tags.target_tags.multi_output = tags.target_tags.single_output = True
    return tags


def features(estimator: Any, X: Any, *, reset: bool) -> Any:
    """X (n, f) as CSR float32, from a SciPy sparse matrix or a dense array, with scikit-learn's checks.

    Without ``reset``, which a fit has, the estimator must be fitted.
    """
    if not reset:
        checks.check_is_fitted(estimator)
    is_sparse: bool = sp.issparse(X)
    if is_sparse and len(X.shape) == 2 and X.dtype.kind in "fiub":
        X = validation.csr("X", X, np.dtype(np.float32))
    with np.errstate(over="ignore"):  # a number beyond float32 becomes infinite, which is refused
        return sp.csr_array(checks.validate_data(estimator, X, accept_sparse="csr", dtype=np.float32, reset=reset))


def dense_targets(Y: Any) -> Array:
    """A dense Y of one or two axes."""
    if Y is None:
        raise InputError("requires y to be passed, but the target y is None: call fit(X, y)")
    array: Array = checks.check_array(Y, dtype=None, ensure_2d=False, input_name="y")
    return array


def classes_of(y: Array) -> tuple[Array, Array]:
    """The distinct classes of a y with one class a row, and the place of each row's; scikit-learn's checks."""
    y = checks.column_or_1d(y, warn=True)
    checks.assert_all_finite(y, input_name="y")  # objects, too
    _multiclass.check_classification_targets(y)
    classes, places = np.unique(y, return_inverse=True)
    return classes, places


def chosen_columns(columns: Any, count: int, rows: int) -> Array:
    """The columns whose outputs are wanted, all of them for None; refused where rows × columns exceed memory."""
    chosen = np.arange(count) if columns is None else validation.output_rows(columns, count, "columns")
    memory.check(rows * chosen.shape[0] * 4, f"{rows:,} rows of {chosen.shape[0]:,} outputs (predict_topk needs less)")
    return chosen
