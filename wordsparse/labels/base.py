"""Shared by the estimators: scikit-learn's conventions, checks of their arguments, and the progress of a fit."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

from wordsparse import optional, validation
from wordsparse.errors import InputError
from wordsparse.machine import memory
from wordsparse.types import Array

_PURPOSE = "an estimator of wordsparse.labels"
_multiclass = optional.load(_PURPOSE, "sklearn.utils.multiclass", "labels")
_checks = optional.load(_PURPOSE, "sklearn.utils.validation", "labels")

if TYPE_CHECKING:  # scikit-learn has no types

    class BaseEstimator:
        """Parameters by name, clones, and a representation as text."""

        n_features_in_: int

        def get_params(self, deep: bool = True) -> dict[str, Any]: ...

        def __sklearn_tags__(self) -> Any: ...

    class ClassifierMixin:
        """The tags of a classifier."""

    class RegressorMixin:
        """The tags of a regressor."""
else:
    _sklearn = optional.load(_PURPOSE, "sklearn.base", "labels")
    BaseEstimator, ClassifierMixin = _sklearn.BaseEstimator, _sklearn.ClassifierMixin
    RegressorMixin = _sklearn.RegressorMixin


@dataclass(frozen=True)
class FitProgress:
    """How far a fit is: ``done`` of ``total`` steps of a phase, None where the total is not known beforehand."""

    phase: str
    done: int
    total: int | None = None


Report = Callable[..., None]
"""Called with the fields of a :class:`FitProgress`."""


def reporter(progress: Callable[[FitProgress], None] | None) -> Report:
    """What a fit calls: it passes a :class:`FitProgress` on, or nothing for None.

    Raises
    ------
    InputError
        If ``progress`` is no function.
    """
    if progress is None:
        return lambda *step: None
    if not callable(progress):
        raise InputError(f"progress must be a function of a FitProgress, or None, not {type(progress).__name__}")
    return lambda *step: progress(FitProgress(*step))


def sparse_tags(tags: Any) -> Any:
    """scikit-learn's tags of an estimator that takes sparse rows, with one target a row or several."""
    tags.input_tags.sparse = True
    tags.target_tags.multi_output = tags.target_tags.single_output = True
    return tags


def features(estimator: Any, X: Any, *, reset: bool) -> Any:
    """X (n, f) as CSR float32, from a SciPy sparse matrix or a dense array; errors name row and column."""
    is_sparse: bool = sp.issparse(X)
    if is_sparse and len(X.shape) == 2 and X.dtype.kind in "fiub":
        X = validation.csr("X", X, np.dtype(np.float32))
    with np.errstate(over="ignore"):  # a number beyond float32 becomes infinite, which is refused below
        checked = _checks.validate_data(
            estimator, X, accept_sparse="csr", dtype=np.float32, reset=reset, ensure_all_finite=False
        )
    if not is_sparse:
        all_finite("X", checked)
    return sp.csr_array(checked)


def all_finite(name: str, array: Array) -> None:
    """Refuse a dense array of numbers with one that is not finite, by its row and column."""
    if array.dtype.kind != "f":
        return
    bad = ~np.isfinite(array)
    if bad.any():
        place = np.argwhere(bad)[0]
        found = "NaN" if np.isnan(array[tuple(place)]) else "infinity or a value beyond its precision"
        where = ", ".join(f"{axis} {at}" for axis, at in zip(("row", "column"), place, strict=False))
        raise InputError(f"{name} contains {found}, first in {where}: give finite numbers")


def same_rows(X: Any, Y: Any) -> None:
    """Refuse X and Y whose numbers of rows differ."""
    _checks.check_consistent_length(X, Y)


def dense_targets(Y: Any) -> Array:
    """A dense Y of one or two axes, of a size that is meant."""
    if Y is None:
        raise InputError("requires y to be passed, but the target y is None: call fit(X, y)")
    array = np.asarray(Y)
    if array.ndim not in (1, 2):
        raise InputError(f"Y must be a SciPy CSR matrix (rows, labels), or dense with 1 or 2 axes, not {array.ndim}")
    return array


def classes_of(y: Array) -> tuple[Array, Array]:
    """The distinct classes of a y with one class a row, and the place of each row's; scikit-learn's checks."""
    y = _checks.column_or_1d(y, warn=True)
    _finite_targets(y)
    _multiclass.check_classification_targets(y)
    classes, places = np.unique(y, return_inverse=True)
    return classes, places


def finite_targets(array: Array) -> Array:
    """Dense targets as float32, all of them finite real numbers."""
    _finite_targets(array)
    if array.dtype.kind == "O":
        array = array.astype(np.float64)
    if array.dtype.kind not in "fiub":
        raise InputError(f"Y must hold real numbers, not {array.dtype}")
    return array.astype(np.float32)


def _finite_targets(array: Array) -> None:
    all_finite("y", array)
    _checks.assert_all_finite(array, input_name="y")  # objects, too


def example_weights(weights: Any, X: Any) -> Array:
    """One weight a row, (n,) float64 of at least 0; ones for None."""
    checked: Array = _checks._check_sample_weight(weights, X, dtype=np.float64, ensure_non_negative=True)
    return checked


def chosen_columns(columns: Any, count: int, rows: int) -> Array:
    """The columns whose outputs are wanted, all of them for None; refused where rows × columns exceed memory."""
    chosen = np.arange(count) if columns is None else validation.output_rows(columns, count, "columns")
    memory.check(rows * chosen.shape[0] * 4, f"{rows:,} rows of {chosen.shape[0]:,} outputs (predict_topk needs less)")
    return chosen


def check_fitted(estimator: Any) -> None:
    """scikit-learn's NotFittedError where fit has not been called."""
    _checks.check_is_fitted(estimator)
