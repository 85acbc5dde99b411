"""A scikit-learn regressor for very many sparse, real-valued targets: ridge regression, exact, in one pass or online.

With H (n, d) the rows of X and a constant, w their weights and Y (n, D) the targets,

    W = YᵀH C⁻¹ (D, d),   C = λI + Hᵀ diag(w) H

which ``fit`` solves in closed form, and ``partial_fit`` keeps up by recursive least squares
(:class:`wordsparse.RecursiveLeastSquares`). Where label c misses the targets of some rows M_c, its own solution is that
without them, by Woodbury's identity:  W_c + C⁻¹M_cᵀ (I − M_c C⁻¹M_cᵀ)⁻¹ M_c W_c.
"""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp

from wordsparse import validation
from wordsparse.errors import InputError
from wordsparse.kernels import at_work
from wordsparse.labels import base
from wordsparse.labels.base import FitProgress
from wordsparse.labels.ridge import SparseRows
from wordsparse.labels.scoring import best
from wordsparse.labels.state import Saved
from wordsparse.layer.least_squares import RecursiveLeastSquares
from wordsparse.layer.output import FactoredOutput
from wordsparse.types import Array

# Rows that are dense at a time.
BLOCK_ROWS = 2048


class SparseTargetRegressor(base.Saving, base.RegressorMixin, base.BaseEstimator):  # type: ignore[misc]
    """Ridge regression of few non-zero targets a row, of possibly very many outputs.

    Parameters
    ----------
    alpha : float
        λ, positive; the constant is penalised too.
    n_predicted : int, optional
        The number of outputs in a row of ``predict`` where the targets were sparse; None: the mean number of targets
        of a training row, rounded up.
    threads : int, optional
        Threads of the compiled kernels; None: every CPU available.

    Attributes
    ----------
    n_features_in_, n_outputs_ : int

    Notes
    -----
    y is a SciPy sparse matrix (n, D): an entry that is not stored is 0, one stored as NaN is *missing*, and says
    nothing of its output. Or it is dense, without missing targets; ``predict`` answers in kind.
    """

    # Of a saved regressor (wordsparse.labels.state).
    parts: ClassVar = {
        "W": "float32 D d",
        "moment": "float64 d d",
        "missing_labels": "integer m",
        "missing_rows": "float32 m d",
    }

    def __init__(self, *, alpha: float = 1.0, n_predicted: int | None = None, threads: int | None = None) -> None:
        self.alpha = alpha
        self.n_predicted = n_predicted
        self.threads = threads

    def __sklearn_tags__(self) -> Any:
        return base.sparse_tags(super().__sklearn_tags__())

    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, progress: Callable[[FitProgress], None] | None = None
    ) -> Self:
        """Fit in closed form.

        Parameters
        ----------
        X, y
            See the class.
        sample_weight : (n,) array, optional
        progress : callable, optional
            Called with a :class:`FitProgress` after each block of rows, phase ``rows``. An exception of its own ends
            the fit.

        Raises
        ------
        InputError
            If shapes do not agree, a value is not finite (a stored NaN of a sparse y is a missing target), a weight is
            negative, y is dense and huge, or the memory does not suffice; the message names row and column.
        """
        report = base.reporter(progress)
        X, Y, root = self._take(X, y, sample_weight, reset=True)
        layer = self._squares.layer
        with at_work():
            kernels = layer.core.kernels
            moment, B = self._squares.moment, np.zeros((self.n_outputs_, layer.n_features), np.float32)
            for block in _slices(X.shape[0]):
                H = _with_constant(X[block], root[block])
                moment += kernels.gram(H.astype(np.float64))
                B += SparseRows(sp.csr_array((sp.diags_array(root[block]) @ Y[block]).T.tocsr()), kernels).times(H)
                report("rows", block.stop, X.shape[0])
            inverse = kernels.inverse(moment)
            layer.set_weights(kernels.matmul(B, inverse))
        return self

    def partial_fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, progress: Callable[[FitProgress], None] | None = None
    ) -> Self:
        """Take more rows in; afterwards the regression is that of ``fit`` on all rows so far. Arguments are ``fit``'s.

        Raises
        ------
        InputError
            As :meth:`fit`; or if the number of features or outputs is another one than before.
        """
        report = base.reporter(progress)
        X, Y, root = self._take(X, y, sample_weight, reset=not hasattr(self, "_squares"))
        for block in _slices(X.shape[0]):
            self._squares.step(_with_constant(X[block], root[block]), sp.diags_array(root[block]) @ Y[block])
            report("rows", block.stop, X.shape[0])
        return self

    def predict(self, X: Any) -> Any:
        """The outputs: CSR (n, D) of the ``n_predicted`` largest by size where the targets were sparse, else dense."""
        X = base.features(self, X, reset=False)
        if self._kind == "sparse":
            mean = max(1, -(-self._entries // max(1, self._rows)))
            k = mean if self.n_predicted is None else validation.positive_int("n_predicted", self.n_predicted)
            columns, outputs = self._top(X, min(k, self.n_outputs_), np.abs)
            indptr = np.arange(X.shape[0] + 1) * columns.shape[1]
            return sp.csr_array((outputs.ravel(), columns.ravel(), indptr), shape=(X.shape[0], self.n_outputs_))
        outputs = self._outputs(X, base.chosen_columns(None, self.n_outputs_, X.shape[0])).astype(np.float64)
        return outputs[:, 0] if self._kind == "column" else outputs

    def predict_topk(self, X: Any, k: int) -> tuple[Array, Array]:
        """The k largest outputs of each row: columns (n, k) int64 and outputs (n, k) float32, largest first."""
        X = base.features(self, X, reset=False)
        return self._top(X, min(validation.positive_int("k", k), self.n_outputs_), np.positive)

    def decision_function(self, X: Any, columns: Any = None) -> Array:
        """Chosen outputs, (n, columns) float32; all of them for None, refused where memory is too small."""
        X = base.features(self, X, reset=False)
        return self._outputs(X, base.chosen_columns(columns, self.n_outputs_, X.shape[0]))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """R² of all outputs together: 1 − Σ (y − o)² / Σ (y − ȳ)², ȳ the mean of each output; missing targets left out.

        It needs memory for one block of outputs, not for all.
        """
        X, Y, missing, root = self._checked(X, y, sample_weight, reset=False)
        weight = root.astype(np.float64)[:, None] ** 2
        targets, missing = sp.csc_array(Y), sp.csc_array(missing)
        residual = total = 0.0
        for columns in _slices(self.n_outputs_):
            target = targets[:, columns].toarray().astype(np.float64)
            counts = weight * (1 - missing[:, columns].toarray())
            outputs = self._outputs(X, np.arange(columns.start, columns.stop))
            mean = (counts * target).sum(0) / np.maximum(counts.sum(0), np.finfo(np.float64).tiny)
            residual += float((counts * (target - outputs) ** 2).sum())
            total += float((counts * (target - mean) ** 2).sum())
        return 1 - residual / total if total > 0 else float(residual == 0)

    def _saved(self) -> tuple[dict[str, Any], dict[str, Any]]:
        content = {"kind": self._kind, "rows": self._rows, "entries": self._entries}
        arrays = {"W": self._squares.layer.weights(), "moment": self._squares.moment}
        arrays |= {"missing_labels": self._missing_labels, "missing_rows": self._missing_rows}
        return content, arrays

    def _restore(self, saved: Saved) -> None:
        D, d = saved["W"].shape
        labels, kind = saved["missing_labels"], saved.get("kind", str)
        if kind not in ("sparse", "dense", "column") or (labels.size and not 0 <= labels.min() <= labels.max() < D):
            raise saved.refusal("kind")
        self.n_features_in_, self.n_outputs_, self._kind = d - 1, D, kind
        self._rows, self._entries = (saved.get(name, int) for name in ("rows", "entries"))
        self._missing_labels, self._missing_rows = labels, saved["missing_rows"]
        self._squares = self._new_squares(d)
        self._squares.layer.set_weights(saved["W"])
        self._squares.moment = saved["moment"]

    # ── training ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _take(self, X: Any, y: Any, sample_weight: Any, *, reset: bool) -> tuple[Any, Any, Array]:
        """X and Y as CSR and the roots of the weights, which are counted; ``reset`` forgets what was learnt before."""
        X, Y, missing, root = self._checked(X, y, sample_weight, reset=reset)
        if reset:
            self.n_outputs_, self._kind = Y.shape[1], _kind_of(y)
            self._squares = self._new_squares(X.shape[1] + 1)
            self._rows = self._entries = 0
            self._missing_labels = np.zeros(0, np.int64)
            self._missing_rows = np.zeros((0, X.shape[1] + 1), np.float32)
        elif Y.shape[1] != self.n_outputs_:
            raise InputError(
                f"y has {Y.shape[1]:,} outputs, but the rows before had {self.n_outputs_:,}: give the same columns"
            )
        self._rows += X.shape[0]
        self._entries += int(Y.nnz)
        row, label = missing.nonzero()
        self._missing_labels = np.concatenate([self._missing_labels, label.astype(np.int64)])
        self._missing_rows = np.vstack([self._missing_rows, _with_constant(X[row], root[row])])
        return X, Y, root

    def _checked(self, X: Any, y: Any, sample_weight: Any, *, reset: bool) -> tuple[Any, Any, Any, Array]:
        """X and Y as CSR, Y's missing targets as CSR of ones, and the roots of the weights (n,) float32."""
        X = base.features(self, X, reset=reset)
        Y, missing = _targets_of(y)
        base.checks.check_consistent_length(X, Y)
        weights = base.checks._check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        return X, Y, missing, np.sqrt(weights).astype(np.float32)

    def _new_squares(self, d: int) -> RecursiveLeastSquares:
        layer = FactoredOutput(self.n_outputs_, d, "squared", threads=self.threads)
        return RecursiveLeastSquares(layer, self.alpha)

    # ── outputs ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _outputs(self, X: Any, columns: Array) -> Array:
        W = self._squares.layer.weights(columns)
        own = np.flatnonzero(np.isin(columns, self._missing_labels))
        if own.size:
            with at_work():
                inverse = self._squares.layer.core.kernels.inverse(self._squares.moment)
            for place in own.tolist():
                M = self._missing_rows[self._missing_labels == columns[place]].astype(np.float64)
                along = M @ inverse
                W[place] += along.T @ np.linalg.solve(np.eye(M.shape[0]) - along @ M.T, M @ W[place])
        result = np.empty((X.shape[0], columns.shape[0]), np.float32)
        for block in _slices(X.shape[0]):
            result[block] = _with_constant(X[block]) @ W.T
        return result

    def _top(self, X: Any, k: int, size: Any) -> tuple[Array, Array]:
        """The columns and outputs of the k largest sizes of each row, by blocks of outputs."""
        columns, outputs = np.empty((X.shape[0], 0), np.int64), np.empty((X.shape[0], 0), np.float32)
        for block in _slices(self.n_outputs_):
            every = np.arange(block.start, block.stop)
            columns = np.hstack([columns, np.broadcast_to(every, (X.shape[0], every.size))])
            outputs = np.hstack([outputs, self._outputs(X, every)])
            kept = best(size(outputs), k)
            columns, outputs = np.take_along_axis(columns, kept, 1), np.take_along_axis(outputs, kept, 1)
        return columns, outputs


def _slices(n: int) -> Iterator[slice]:
    return (slice(start, min(start + BLOCK_ROWS, n)) for start in range(0, n, BLOCK_ROWS))


def _with_constant(X: Any, scale: Array | None = None) -> Array:
    """The dense rows of X and a constant 1, each times its scale; (n, d) float32."""
    H = np.hstack([X.toarray(), np.ones((X.shape[0], 1), np.float32)])
    return H if scale is None else H * scale[:, None]


def _kind_of(y: Any) -> str:
    is_sparse: bool = sp.issparse(y)
    return "sparse" if is_sparse else "column" if np.asarray(y).ndim == 1 else "dense"


def _targets_of(y: Any) -> tuple[Any, Any]:
    """y as CSR float32 with zeros for missing targets, and those as CSR of ones."""
    is_sparse: bool = sp.issparse(y)
    if not is_sparse:
        array = base.dense_targets(y, np.float32)
        Y = sp.csr_array(array.reshape(array.shape[0], -1))
        return Y, sp.csr_array(Y.shape, dtype=np.float32)
    Y = sp.csr_array(y, copy=True)
    is_missing = np.isnan(Y.data) if Y.dtype.kind == "f" else np.zeros(Y.data.shape, bool)
    missing = sp.csr_array((is_missing.astype(np.float32), Y.indices.copy(), Y.indptr.copy()), shape=Y.shape)
    Y.data[is_missing] = 0
    Y, missing = (validation.csr("Y", part, np.dtype(np.float32)) for part in (Y, missing))
    missing.eliminate_zeros()
    return Y, missing
