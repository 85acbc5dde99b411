"""Outputs of the ridge regression for new rows: all of them, some of them, or the best labels of each row.

With M⁻¹ = Δ⁻¹ − P K⁻¹ Pᵀ of :mod:`wordsparse.labels.ridge` and B = XᵀY (f, D) sparse,

    o(x) = x M⁻¹ B = x Δ⁻¹B − (x P) Rᵀ,   R = BᵀP K⁻¹ (D, d)

so that no f×D matrix is dense. The output of training row i without row i itself is one division (exact for a ridge):
(o − l y) / (1 − l) with the leverage l = x M⁻¹ xᵀ.

The best labels of a row are found among the ``FREQUENT`` most frequent labels, whose outputs are all computed, and
among those rarer labels that share an uncommon feature with the row (one with at most ``UNCOMMON`` rarer labels in the
training rows): the ``REFINED`` with the largest outputs by uncommon features alone. So the time a row takes does not
depend on the number of labels, and a rarer label that shares only common features with a row is not found.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from wordsparse.kernels import Csr, Kernels
from wordsparse.labels.ridge import Inverse, SparseRows
from wordsparse.types import Array

FREQUENT = 8192
UNCOMMON = 32
REFINED = 12
# Rows of Δ⁻¹B with at least this share of entries are multiplied as dense rows; the most bytes of those.
FULL_SHARE = 1 / 8
FULL_BYTES = 2**26
# Rows whose outputs are computed at a time.
BLOCK_ROWS = 512

# Ranking scores of some of the rows, from outputs and their labels' counts; a change in place of the frequent and the
# rarer outputs of some of the rows.
Rank = Callable[[Array, Array, slice], Array]
Adjust = Callable[[Array, Any, slice], None]


class Candidates(NamedTuple):
    """Labels of some rows, best first: (rows, k) labels, −1 where there are fewer, their outputs and ranking scores."""

    labels: Array
    outputs: Array
    scores: Array


@dataclass(frozen=True)
class Scorer:
    """Outputs o(x), in parts by frequent and rarer labels: Δ⁻¹B, some of whose rows are dense, and R."""

    inverse: Inverse
    B: Any  # CSR (f, D)
    counts: Array
    frequent: Array
    rare: Array
    full: Array
    full_part: Array  # (full, F)
    other_part: Any  # CSR (f, F)
    rare_part: Any  # CSR (rare, f)
    R_frequent: Array  # (d, F)
    R_rare: Array  # (rare, d)
    kernels: Kernels

    @classmethod
    def of(cls, inverse: Inverse, B: Any, counts: Array, kernels: Kernels, most: int) -> "Scorer":
        """From B, CSR (f, D); ``counts`` (D,) is the number of training rows with each label, and ``most`` the number
        of frequent labels."""
        sparse, R = _parts(inverse, B, kernels)
        order = np.argsort(-counts, kind="stable")
        frequent, rare = np.sort(order[:most]), np.sort(order[most:])
        R_frequent, R_rare = np.ascontiguousarray(R[frequent].T), np.ascontiguousarray(R[rare])
        common, rare_part = sparse[:, frequent], sp.csr_array(sparse[:, rare].T.tocsr())
        labels = np.diff(common.indptr)
        full = np.argsort(-labels, kind="stable")[: FULL_BYTES // (4 * max(1, frequent.size))]
        full = np.sort(full[labels[full] > FULL_SHARE * frequent.size])
        other_part = _rows_kept(common, ~np.isin(np.arange(labels.size), full))
        return cls(
            inverse,
            B,
            counts,
            frequent,
            rare,
            full,
            common[full].toarray().astype(R.dtype),
            other_part,
            rare_part,
            R_frequent,
            R_rare,
            kernels,
        )

    @cached_property
    def uncommon_part(self) -> Any:
        """The uncommon features of the rarer labels' sparse part, CSR (f, rare)."""
        by_feature = sp.csr_array(self.rare_part.T.tocsr())
        return _rows_kept(by_feature, np.diff(by_feature.indptr) <= UNCOMMON)

    def leverages(self, X: Any) -> Array:
        """l = x M⁻¹ xᵀ of each row, (n,) float64."""
        rows = SparseRows(X, self.kernels)
        H = rows.times(self.inverse.P)
        by_basis = self.kernels.row_dots(H, self.kernels.matmul(H, self.inverse.K_inverse))
        return self.kernels.sum_rows(rows.csr, rows.values**2 * self.inverse.scale[X.indices]) - by_basis

    def frequent_outputs(self, X: Any) -> tuple[Array, Array]:
        """The outputs of the frequent labels (rows, F), and H = X P (rows, d)."""
        H = SparseRows(X, self.kernels).times(self.inverse.P)
        outputs: Array = (X @ self.other_part).toarray()
        outputs += SparseRows(X[:, self.full], self.kernels).times(self.full_part)
        outputs -= self.kernels.matmul(H, self.R_frequent)
        return outputs, H

    def rare_outputs(self, X: Any, H: Array) -> Any:
        """The outputs of some rarer labels of each row, CSR (rows, rarer labels); see the module's head."""
        shared = sp.csr_array(X @ self.uncommon_part)
        along = self.kernels.pair_dots(Csr.of(shared), H, self.R_rare)
        places = best_entries(shared.indptr, shared.data - along, REFINED)
        row, _ = np.nonzero(places >= 0)
        places = places[places >= 0]
        label = shared.indices[places]
        exact = self.rare_part[label].multiply(X[row]).sum(1) - along[places]
        indptr = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=X.shape[0]))])
        return sp.csr_array((exact.astype(along.dtype), label, indptr), shape=shared.shape)

    def candidates(self, X: Any, k: int, rank: Rank, adjust: Adjust | None = None) -> Candidates:
        """The k labels of each row that rank first; ``adjust`` changes the outputs before."""
        parts = (self._candidates(X[rows], rows, k, rank, adjust) for rows in blocks(X))
        return Candidates(*map(np.vstack, zip(*parts, strict=True)))

    def _candidates(self, X: Any, rows: slice, k: int, rank: Rank, adjust: Adjust | None) -> Candidates:
        outputs, H = self.frequent_outputs(X)
        shared = self.rare_outputs(X, H)
        if adjust is not None:
            adjust(outputs, shared, rows)
        scores = rank(outputs, self.counts[self.frequent], rows)
        columns = best(scores, k)
        found = Candidates(
            self.frequent[columns], *(np.take_along_axis(part, columns, 1) for part in (outputs, scores))
        )
        if not shared.nnz:
            return found
        labels = self.rare[shared.indices]
        scores = rank(shared.data, self.counts[labels], rows)
        places = best_entries(shared.indptr, scores, k)
        rarer = ((labels, -1), (shared.data, 0), (scores, -np.inf))
        parts = [
            np.hstack([a, np.where(places < 0, none, b[places])]) for a, (b, none) in zip(found, rarer, strict=True)
        ]
        chosen = best(parts[-1], k)
        return Candidates(*(np.take_along_axis(part, chosen, 1) for part in parts))

    def outputs(self, X: Any, columns: Array) -> Array:
        """The outputs of chosen labels, (rows, columns)."""
        sparse, R = _parts(self.inverse, self.B[:, columns], self.kernels)
        outputs = np.empty((X.shape[0], columns.size), R.dtype)
        for rows in blocks(X):
            H = SparseRows(X[rows], self.kernels).times(self.inverse.P)
            outputs[rows] = (X[rows] @ sparse).toarray() - H.astype(np.float64) @ R.T
        return outputs


def _parts(inverse: Inverse, B: Any, kernels: Kernels) -> tuple[Any, Array]:
    """Δ⁻¹B, CSR (f, D), and R (D, d)."""
    R = kernels.matmul(SparseRows(B, kernels).transposed_times(inverse.P), inverse.K_inverse)
    data = B.data * np.repeat(inverse.scale, np.diff(B.indptr))
    return sp.csr_array((data, B.indices, B.indptr), shape=B.shape), R


def _rows_kept(matrix: Any, kept: Array) -> Any:
    """The matrix with empty rows in the place of some."""
    entries = np.repeat(kept, np.diff(matrix.indptr))
    indptr = np.concatenate([[0], np.cumsum(np.where(kept, np.diff(matrix.indptr), 0))])
    return sp.csr_array((matrix.data[entries], matrix.indices[entries], indptr), shape=matrix.shape)


def blocks(X: Any) -> list[slice]:
    """The rows of X, ``BLOCK_ROWS`` at a time."""
    return [slice(start, start + BLOCK_ROWS) for start in range(0, max(1, X.shape[0]), BLOCK_ROWS)]


def best(scores: Array, k: int) -> Array:
    """The columns of the k largest scores of each row, largest first; of equal ones the first column."""
    k = min(k, scores.shape[1])
    if k < scores.shape[1]:
        some = np.sort(np.argpartition(scores, scores.shape[1] - k, axis=1)[:, scores.shape[1] - k :], 1)
    else:
        some = np.broadcast_to(np.arange(k), scores.shape)
    order = np.argsort(-np.take_along_axis(scores, some, 1), axis=1, kind="stable")
    return np.take_along_axis(some, order, 1)


def best_entries(indptr: Array, scores: Array, k: int) -> Array:
    """The places of the k entries of each CSR row that score most; −1 where there are fewer."""
    places = np.full((indptr.size - 1, k), -1, np.int64)
    for row in np.flatnonzero(np.diff(indptr)).tolist():
        start = indptr[row]
        own = scores[start : indptr[row + 1]]
        some = np.sort(np.argpartition(own, own.size - k)[own.size - k :]) if own.size > k else np.arange(own.size)
        places[row, : some.size] = start + some[np.argsort(-own[some], kind="stable")]
    return places
