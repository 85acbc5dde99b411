"""Recommendations from users × items, by ridge regression of each item on all others of a user.

With X the users' items, scaled by the number of items of the user, |x|^−a, and of users of the item, n_i^−s, the
regression whose weights have a zero diagonal is (EASE: Steck, WWW 2019)

    B_ij = −M⁻¹_ij / M⁻¹_jj for i ≠ j     M = XᵀX + λI

Here M is low rank plus a diagonal (:mod:`wordsparse.labels.ridge`), so that M⁻¹ = Δ⁻¹ − F Fᵀ with F = P K^−½ (D, d) in
the place of a D×D inverse, and

    score of item j:   h · F_j / M⁻¹_jj,   h = x F,   M⁻¹_jj = 1/Δ_j − |F_j|²

from which the item's own part is subtracted where the user has item j.
"""

from collections.abc import Callable
from typing import Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp

from wordsparse import validation
from wordsparse.errors import InputError
from wordsparse.kernels import CpuKernels, at_work
from wordsparse.labels import base
from wordsparse.labels.base import FitProgress
from wordsparse.labels.ranking import RankingScores, ranking_scores
from wordsparse.labels.ridge import Inverse, SparseRows, Spectrum
from wordsparse.labels.scoring import best
from wordsparse.labels.state import Saved
from wordsparse.types import Array

# a and s, and γ of the diagonal.
USER_POWER, ITEM_POWER, REST = 0.3, 0.3, 2.0
# Users whose scores of all items are computed at a time.
BLOCK_ROWS = 512
# M⁻¹_jj as a share of 1/Δ_j, at least.
MIN_SHARE = 1e-4


class SparseTargetRecommender(base.Saving, base.BaseEstimator):  # type: ignore[misc]
    """Items for users, from a sparse matrix of what each user has; methods are called as implicit's models call them.

    Parameters
    ----------
    factors : int
        d, cut to the rank of the data.
    regularization : float
        λ.
    threads : int, optional
        Threads of the compiled kernels; None: every CPU available.
    random_state : int
        Seed of the basis.

    Attributes
    ----------
    item_factors : (D, d) float32
        F.
    item_counts_ : (D,) array
        The number of users of each item.
    """

    # Of a saved recommender (wordsparse.labels.state).
    parts: ClassVar = {"F": "float32 D d", "diagonal": "float32 D", "counts": "integer D"}

    def __init__(
        self, *, factors: int = 400, regularization: float = 3.0, threads: int | None = None, random_state: int = 0
    ) -> None:
        self.factors = factors
        self.regularization = regularization
        self.threads = threads
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.required = False
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_diagonal")

    def fit(self, user_items: Any, y: Any = None, *, progress: Callable[[FitProgress], None] | None = None) -> Self:
        """Learn from users × items, SciPy sparse: every stored value that is not 0 is an item that the user has.

        Parameters
        ----------
        user_items : SciPy sparse matrix
        y : ignored
        progress : callable, optional
            Called with a :class:`FitProgress` before the phases ``basis`` and ``regression``. An exception of its own
            ends the fit.

        Raises
        ------
        InputError
            If it is no sparse matrix of finite numbers, or empty; the message names row and column.
        """
        report = base.reporter(progress)
        ridge = validation.non_negative("regularization", self.regularization)
        if ridge == 0:
            raise InputError("regularization must be positive")
        d, seed = validation.positive_int("factors", self.factors), validation.whole("random_state", self.random_state)
        X = _ones(user_items)
        if not X.nnz:
            raise InputError("user_items holds no items, so nothing can be learnt: give at least one")
        self.item_counts_ = np.bincount(X.indices, minlength=X.shape[1])
        self.n_features_in_ = X.shape[1]
        with at_work():
            kernels = CpuKernels(self.threads)
            scaled = SparseRows(self._scaled(X), kernels)
            report("basis", 0, 1)
            spectrum = Spectrum.of(scaled, d, seed)
            report("regression", 0, 1)
            inverse = Inverse.of(spectrum, ridge, REST, kernels)
            self.item_factors = kernels.matmul(inverse.P, np.linalg.cholesky(inverse.K_inverse))
            # M⁻¹_jj, which is above 0 by more than rounding.
            own = inverse.scale - kernels.row_dots(self.item_factors, self.item_factors)
            self._diagonal = np.maximum(own, MIN_SHARE * inverse.scale).astype(np.float32)
        return self

    def recommend(
        self,
        userid: Any,
        user_items: Any,
        N: int = 10,
        filter_already_liked_items: bool = True,
        filter_items: Any = None,
        items: Any = None,
    ) -> tuple[Array, Array]:
        """The N best items of a user, or of each of several.

        Parameters
        ----------
        userid : int or array of int
            Only says whether the answer has one axis or two: users need not have been trained on.
        user_items : SciPy sparse matrix
            The items of the users, one row each in the order of ``userid``.
        N : int
        filter_already_liked_items : bool
            Leave out the items that a user has.
        filter_items, items : array of int, optional
            Items to leave out; the only items to choose from.

        Returns
        -------
        ids, scores : (N,) or (users, N)
            Best first; −1 with the lowest float32 where fewer items are left.
        """
        X, N = self._known(user_items), validation.positive_int("N", N)
        single = np.ndim(userid) == 0
        if X.shape[0] != np.size(userid):
            raise InputError(f"user_items must have one row a user, {np.size(userid):,}, not {X.shape[0]:,}")
        allowed = np.ones(X.shape[1], bool)
        if items is not None:
            allowed[:] = False
            allowed[validation.output_rows(items, X.shape[1], "items")] = True
        if filter_items is not None:
            allowed[validation.output_rows(filter_items, X.shape[1], "filter_items")] = False
        parts = [
            self._recommend(X[start : start + BLOCK_ROWS], N, allowed, filter_already_liked_items)
            for start in range(0, max(1, X.shape[0]), BLOCK_ROWS)
        ]
        ids, scores = (np.vstack(part) for part in zip(*parts, strict=True))
        return (ids[0], scores[0]) if single else (ids, scores)

    def explain(self, user_items: Any, itemid: int, N: int = 10) -> tuple[float, Array, Array]:
        """Why a user is recommended an item: its score, and the user's items that add most to it, with their parts.

        Parameters
        ----------
        user_items : SciPy sparse matrix
            One row, the items of the user.
        itemid, N : int

        Returns
        -------
        score : float
        ids : (at most N,) int64, parts : float32
        """
        X = self._known(user_items)
        if X.shape[0] != 1:
            raise InputError(f"user_items must have one row, the user's, not {X.shape[0]:,}")
        (item,) = validation.output_rows(itemid, self.n_features_in_, "itemid")
        scaled, goal = self._scaled(X), self.item_factors[item] / self._diagonal[item]
        parts = (self.item_factors[X.indices] @ goal) * scaled.data * (X.indices != item)
        order = np.argsort(-parts, kind="stable")[: validation.positive_int("N", N)]
        return float(parts.sum()), X.indices[order].astype(np.int64), parts[order].astype(np.float32)

    def evaluate(self, user_items: Any, held_out: Any, k: tuple[int, ...] = (10,)) -> RankingScores:
        """P@k and nDCG@k of the recommendations to users by the items that were held out of ``user_items``.

        Both are SciPy sparse matrices of the same users and the trained items; users without an item held out are left
        out.
        """
        known, truth = self._known(user_items), self._known(held_out)
        base.checks.check_consistent_length(known, truth)
        judged = np.flatnonzero(np.diff(truth.indptr))
        if not judged.size:
            raise InputError("held_out holds no items, so nothing can be judged: give at least one")
        return ranking_scores(self.recommend(judged, known[judged], N=max(k))[0], truth[judged], ks=k)

    def similar_items(self, itemid: Any, N: int = 10) -> tuple[Array, Array]:
        """The N items most like an item, or like each of several, itself first, with the cosines of their factors."""
        base.checks.check_is_fitted(self)
        chosen = validation.output_rows(itemid, self.n_features_in_, "itemid")
        length = np.linalg.norm(self.item_factors, axis=1)
        unit = self.item_factors / np.maximum(length, np.finfo(np.float32).tiny)[:, None]
        cosines = unit[chosen] @ unit.T
        cosines[np.arange(chosen.shape[0]), chosen] = 1
        ids = best(cosines, min(validation.positive_int("N", N), self.n_features_in_))
        found = np.take_along_axis(cosines, ids, 1)
        return (ids[0], found[0]) if np.ndim(itemid) == 0 else (ids, found)

    def _saved(self) -> tuple[dict[str, Any], dict[str, Any]]:
        return {}, {"F": self.item_factors, "diagonal": self._diagonal, "counts": self.item_counts_}

    def _restore(self, saved: Saved) -> None:
        self.item_factors, self.item_counts_, self._diagonal = (saved[name] for name in ("F", "counts", "diagonal"))
        self.n_features_in_ = self.item_counts_.shape[0]

    def _scaled(self, X: Any) -> Any:
        """x |x|^−a n^−s."""
        by_user = np.maximum(np.diff(X.indptr), 1) ** -USER_POWER
        by_item = np.maximum(self.item_counts_, 1) ** -ITEM_POWER
        data = np.repeat(by_user, np.diff(X.indptr)) * by_item[X.indices]
        return sp.csr_array((data.astype(np.float32), X.indices, X.indptr), shape=X.shape)

    def _known(self, user_items: Any) -> Any:
        base.checks.check_is_fitted(self)
        X = _ones(user_items)
        if X.shape[1] != self.n_features_in_:
            raise InputError(
                f"user_items has {X.shape[1]:,} items, but {self.n_features_in_:,} were trained on: give the same "
                "columns"
            )
        return X

    def _recommend(self, X: Any, N: int, allowed: Array, without_own: bool) -> tuple[Array, Array]:
        with at_work():
            kernels = CpuKernels(self.threads)
            scaled = self._scaled(X)
            H = SparseRows(scaled, kernels).times(self.item_factors)
            scores = kernels.matmul(H, np.ascontiguousarray((self.item_factors / self._diagonal[:, None]).T))
        own = np.repeat(np.arange(X.shape[0]), np.diff(X.indptr)), X.indices
        lowest = np.finfo(np.float32).min
        if without_own:
            scores[own] = lowest
        else:
            itself = np.einsum("ik,ik->i", self.item_factors, self.item_factors) / self._diagonal
            scores[own] -= scaled.data * itself[X.indices]
        scores[:, ~allowed] = lowest
        ids = best(scores, N)
        found = np.take_along_axis(scores, ids, 1)
        return np.where(found == lowest, -1, ids), found


def _ones(user_items: Any) -> Any:
    """The items of each user as CSR float32 of ones."""
    is_sparse: bool = sp.issparse(user_items)
    if not is_sparse:
        raise InputError(
            f"user_items must be a SciPy sparse matrix of users × items, not {type(user_items).__name__}: numpy.unique("
            "column, return_inverse=True) numbers the users and the items of a table"
        )
    X = validation.csr("user_items", user_items, np.dtype(np.float32))
    X.eliminate_zeros()
    return sp.csr_array((np.ones(X.nnz, np.float32), X.indices, X.indptr), shape=X.shape)
