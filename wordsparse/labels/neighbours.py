"""Votes of the most similar training rows for their labels.

Rows are compared by the cosine of their uncommon features: a feature of more than ``COMMON`` training rows tells little
and would cost most of the time. The vote of a neighbour counts its cosine to the power of ``SHARPNESS``.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp

from wordsparse.labels.ridge import scaled_rows
from wordsparse.labels.scoring import blocks
from wordsparse.types import Array

COMMON = 2500
NEIGHBOURS = 50
SHARPNESS = 4


@dataclass(frozen=True)
class Neighbours:
    """Training rows: their uncommon features (n, f), CSR float32 with rows of norm 1, and their labels (n, D), CSR with
    the rows' weights as values."""

    X: Any
    Y: Any

    @classmethod
    def of(cls, X: Any, Y: Any, weights: Array) -> "Neighbours":
        """Take the rows X, with their constant column, and Y."""
        rows = np.bincount(X.indices, minlength=X.shape[1])
        rows[-1] = COMMON + 1  # the constant column
        kept = np.where(rows[X.indices] <= COMMON, X.data, 0)
        uncommon = sp.csr_array((kept, X.indices, X.indptr), shape=X.shape, copy=True)
        uncommon.eliminate_zeros()
        return cls(_unit_rows(uncommon), scaled_rows(Y, weights))

    @cached_property
    def columns(self) -> Any:
        """The transposed rows, CSR (f, n)."""
        return sp.csr_array(self.X.T)

    def votes(self, X: Any, own: Array | None = None) -> Any:
        """Return the votes for rows X, CSR (rows, D). ``own`` names the training row that each of the rows is, whose
        vote does not count."""
        parts = []
        for rows in blocks(X):
            cosines = self._cosines(X[rows])
            if own is not None:
                row = np.repeat(np.arange(cosines.shape[0]), np.diff(cosines.indptr))
                cosines.data[cosines.indices == own[rows][row]] = 0
            parts.append(_nearest(cosines) @ self.Y)
        return sp.csr_array(sp.vstack(parts, format="csr"))

    def voters(self, x: Any, label: int) -> dict[int, float]:
        """Return the rows that vote for a label of the row x, CSR (1, f), with their votes, largest first."""
        nearest = _nearest(self._cosines(x))
        has_label = self.Y[:, [label]].toarray()[nearest.indices, 0]
        votes = dict(zip(nearest.indices.tolist(), (nearest.data * has_label).tolist(), strict=True))
        return {row: vote for row, vote in sorted(votes.items(), key=lambda item: -item[1]) if vote}

    def _cosines(self, X: Any) -> Any:
        """Return the cosines of some rows with all training rows, CSR (rows, n)."""
        uncommon = sp.diags_array((np.diff(self.columns.indptr) > 0).astype(np.float32))
        return sp.csr_array(_unit_rows(X @ uncommon) @ self.columns)


def _unit_rows(X: Any) -> Any:
    norms = np.sqrt(np.asarray(X.multiply(X).sum(1)).ravel())
    return scaled_rows(X, 1 / np.maximum(norms, np.finfo(np.float32).tiny))


def _nearest(cosines: Any) -> Any:
    """Return the votes of the nearest training rows for each row, CSR (rows, n)."""
    indices, data, sizes = [], [], []
    for start, stop in zip(cosines.indptr[:-1], cosines.indptr[1:], strict=True):
        values = cosines.data[start:stop]
        first = np.argpartition(-values, NEIGHBOURS)[:NEIGHBOURS] if values.size > NEIGHBOURS else slice(None)
        indices.append(cosines.indices[start:stop][first])
        data.append(values[first] ** SHARPNESS)
        sizes.append(indices[-1].size)
    indptr = np.concatenate([[0], np.cumsum(sizes)])
    return sp.csr_array((np.concatenate(data), np.concatenate(indices), indptr), shape=cosines.shape)
