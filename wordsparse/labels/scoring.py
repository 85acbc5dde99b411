"""Outputs of the ridge regression for new rows: all outputs, selected outputs, or the best labels of each row.

Let M⁻¹ = Δ⁻¹ − P K⁻¹ Pᵀ be the inverse of :mod:`wordsparse.labels.ridge`, and B = XᵀY (f, D), which is sparse. Then

    o(x) = x M⁻¹ B = x Δ⁻¹B − (x P) Rᵀ,   R = BᵀP K⁻¹ (D, d)

so no dense f×D matrix is needed. If a training row of weight ω is left out, its output for a label becomes
(o − ω l y) / (1 − ω l), where l = x M⁻¹ xᵀ is its leverage, and y is 1 if the row has the label and 0 otherwise. The
formula is exact for ridge regression.

The best labels of a row come from two groups. For the ``FREQUENT`` most frequent labels, all outputs are computed. A
rarer label is a candidate only if it shares an uncommon feature with the row, that is, a feature with at most
``UNCOMMON`` rarer labels in the training rows. Only the ``REFINED`` candidates with the largest outputs from
uncommon features are kept. The time per row thus does not depend on the number of labels, but rarer labels that share
only common features with the row are missed.
"""

from typing import Any

import numpy as np
import scipy.sparse as sp

from wordsparse.kernels import Csr, Kernels
from wordsparse.labels.ranking import best_entries
from wordsparse.labels.ridge import Inverse, SparseRows, scaled_rows
from wordsparse.layer.largest import largest_of, take_in
from wordsparse.types import Array

FREQUENT = 8192
UNCOMMON = 32
REFINED = 12
# The fraction of nonzeros above which a row of Δ⁻¹B is stored densely, in at most four times the memory.
FULL_SHARE = 1 / 8
# The number of rows whose outputs are computed at a time.
BLOCK_ROWS = 512
# The number of columns that are searched first for the k largest scores of a row.
FIRST = 512


class Scorer:
    """Outputs o(x), computed from R and from Δ⁻¹B, which is divided into frequent and rarer labels.

    Attributes
    ----------
    frequent : (F,)
        The frequent labels in ascending order.
    full, full_part, other_part : (full,), (full, F), CSR (f, F)
        Δ⁻¹B for the frequent labels: the features whose rows have many nonzeros, these rows, and all other rows.
    rare_part, uncommon_part : CSR (D, f), CSR (f, D)
        Δ⁻¹B for the rarer labels, with one row per label; and for uncommon features only, with one row per feature.
    R, R_frequent : (D, d), (d, F)
    """

    def __init__(self, inverse: Inverse, B: Any, counts: Array, kernels: Kernels, frequent: Array) -> None:
        """Divide the columns of B, CSR (f, D), into the ``frequent`` labels, in ascending order, and rarer labels."""
        self.inverse, self.B, self.counts, self.kernels, self.frequent = inverse, B, counts, kernels, frequent
        self.R = kernels.matmul(SparseRows(B, kernels).transposed_times(inverse.P), inverse.K_inverse)
        sparse = scaled_rows(B, inverse.scale)
        self.R_frequent = np.ascontiguousarray(self.R[self.frequent].T)
        common = sp.csr_array(sparse[:, self.frequent])
        is_full = np.diff(common.indptr) > FULL_SHARE * self.frequent.size
        self.full = np.flatnonzero(is_full)
        self.full_part = common[self.full].toarray().astype(self.R.dtype)
        self.other_part = _rows_kept(common, ~is_full)
        self.rare_part = _rows_kept(sp.csr_array(sparse.T), ~np.isin(np.arange(counts.size), self.frequent))
        by_feature = sp.csr_array(self.rare_part.T)
        self.uncommon_part = _rows_kept(by_feature, np.diff(by_feature.indptr) <= UNCOMMON)

    def leverages(self, X: Any) -> Array:
        """Return l = x M⁻¹ xᵀ for each row, (n,) float64."""
        rows = SparseRows(X, self.kernels)
        H = rows.times(self.inverse.P)
        by_basis = self.kernels.row_dots(H, self.kernels.matmul(H, self.inverse.K_inverse))
        return self.kernels.sum_rows(rows.csr, rows.values**2 * self.inverse.scale[X.indices]) - by_basis

    def candidates(self, X: Any) -> tuple[Array, Array]:
        """Return candidates for the best labels of each row, and their outputs, both (rows, F + REFINED).

        The F frequent labels come first, then rarer labels, padded with label −1 and output −∞."""
        H = SparseRows(X, self.kernels).times(self.inverse.P)
        outputs: Array = (X @ self.other_part).toarray()
        outputs += SparseRows(X[:, self.full], self.kernels).times(self.full_part)
        outputs -= self.kernels.matmul(H, self.R_frequent)
        labels, others = self._rarer(X, H)
        frequent = np.broadcast_to(self.frequent, outputs.shape)
        return np.hstack([frequent, labels]), np.hstack([outputs, others])

    def _rarer(self, X: Any, H: Array) -> tuple[Array, Array]:
        """Return each row's rarer labels and outputs, both (rows, REFINED), padded as by :meth:`candidates`. H is X
        P."""
        shared = sp.csr_array(X @ self.uncommon_part)
        along = self.kernels.pair_dots(Csr.of(shared), H, self.R)
        row, place, entry = best_entries(shared.indptr, shared.data - along, REFINED)
        labels = np.full((X.shape[0], REFINED), -1)
        outputs = np.full(labels.shape, -np.inf, H.dtype)
        label = labels[row, place] = shared.indices[entry]
        outputs[row, place] = self.rare_part[label].multiply(X[row]).sum(1) - along[entry]
        return labels, outputs

    def outputs(self, X: Any, columns: Array) -> Array:
        """Return the outputs of the labels ``columns``, (rows, columns)."""
        sparse, R = scaled_rows(self.B[:, columns], self.inverse.scale), self.R[columns]
        outputs = np.empty((X.shape[0], columns.size), R.dtype)
        for rows in blocks(X):
            H = SparseRows(X[rows], self.kernels).times(self.inverse.P)
            outputs[rows] = (X[rows] @ sparse).toarray() - H.astype(np.float64) @ R.T
        return outputs


def _rows_kept(matrix: Any, is_kept: Array) -> Any:
    """Return the matrix with empty rows where ``is_kept`` is False."""
    entries = np.repeat(is_kept, np.diff(matrix.indptr))
    indptr = np.concatenate([[0], np.cumsum(np.where(is_kept, np.diff(matrix.indptr), 0))])
    return sp.csr_array((matrix.data[entries], matrix.indices[entries], indptr), shape=matrix.shape)


def most(counts: Array, k: int) -> Array:
    """Return the k labels with the largest counts, in ascending order."""
    return np.sort(np.argsort(-counts, kind="stable")[:k])


def blocks(X: Any) -> list[slice]:
    """Return slices of the rows of X, ``BLOCK_ROWS`` at a time."""
    return [slice(start, start + BLOCK_ROWS) for start in range(0, max(1, X.shape[0]), BLOCK_ROWS)]


def best(scores: Array, k: int) -> Array:
    """Return the columns of the k largest scores of each row, largest first; if scores are equal, in column order."""
    first = max(k, FIRST)  # a later column counts only if it exceeds the k-th largest score so far
    some = scores[:, :first]
    columns, largest = largest_of(np.broadcast_to(np.arange(some.shape[1]), some.shape), some, k)
    take_in(columns, largest, scores[:, first:], first)
    return columns
