"""diag(√π) W on the target rows of a minibatch, W_T = V_T U + p_T ωᵀ (u, d), seen through their narrower side.

With no more target rows than examples W_T itself is formed, one u×d×d product (:class:`FormedRows`). With more of them
it never is (:class:`FactoredRows`): every product with it goes through V_T, at m×d×d products and O(d) per target, so
that an example costs O(d² + k d) whatever its number k of targets. Both compute equation (1) of
:mod:`wordsparse.layer.core`, and read V when they are asked: before the update of their minibatch.
"""

from functools import cached_property
from typing import ClassVar

import numpy as np

from wordsparse.kernels import Kernels
from wordsparse.layer.factors import Factors
from wordsparse.layer.inputs import RowInputs
from wordsparse.layer.interface import Sums, TargetRows, Targets
from wordsparse.types import Array


def target_rows(V: Array, targets: Targets, p_T: Array, factors: Factors, kernels: Kernels) -> TargetRows:
    """The target rows, formed where there are no more of them than examples."""
    kind = FactoredRows if targets.csr.columns > targets.csr.rows else FormedRows
    return kind(V, targets, p_T, factors, kernels)


class _Rows:
    def __init__(self, V: Array, targets: Targets, p_T: Array, factors: Factors, kernels: Kernels) -> None:
        self.p_T = p_T
        self._V, self._rows, self._csr = V, targets.rows, targets.csr
        self._factors, self._kernels = factors, kernels

    def gram_change(self, D: Array) -> Array:
        return self._kernels.gram_change(self._V, self._rows, D)

    def _form(self) -> Array:
        """W_T, (u, d)."""
        f = self._factors
        if not f.omega.any():
            return self._kernels.matmul_rows(self._V, self._rows, f.U)
        # p_T is appended to V_T as one more column: with ω as one more row of U, W_T is one product.
        U_omega = np.vstack([f.U, f.omega])
        return self._kernels.matmul_rows(self._V, self._rows, U_omega, self.p_T.astype(self._V.dtype))


class FormedRows(_Rows):
    """W_T is formed when it is first used, and kept until it is taken."""

    is_formed: ClassVar[bool] = True
    _formed: Array | None = None

    @property
    def _W_T(self) -> Array:
        if self._formed is None:
            self._formed = self._form()
        return self._formed

    def take(self) -> Array:
        W_T, self._formed = self._W_T, None
        return W_T

    def outputs(self, inputs: RowInputs) -> Array:
        return inputs.dots(self._csr, self._W_T)

    def combine(self, gamma: Array, base: Array | None = None, scale: Array | None = None) -> Array:
        return self._kernels.combine(self._csr, gamma, self._W_T, base, scale)

    def push(self, sums: Sums, M: Array | None, by: float) -> Array:
        X = sums.X.take()
        return self._kernels.matmul_in_place(X, by * (self._kernels.xp.eye(X.shape[1]) if M is None else M))

    def square(self, sums: Sums) -> Array:
        return self._kernels.gram(sums.X())


class FactoredRows(_Rows):
    """W_T stays the product that it is."""

    is_formed: ClassVar[bool] = False

    @cached_property
    def _V_T(self) -> Array:
        return self._kernels.take(self._V, self._rows)

    def take(self) -> Array:
        return self._form()

    def outputs(self, inputs: RowInputs) -> Array:
        U, omega = self._factors.U, self._factors.omega
        a = self._kernels.pair_dots(self._csr, inputs.times(U.T), self._V_T)
        if omega.any():
            along = inputs.rows() @ omega.astype(a.dtype)
            a += along[self._kernels.row_of_entry(self._csr)] * self.p_T.astype(a.dtype)[self._csr.indices]
        return a

    def combine(self, gamma: Array, base: Array | None = None, scale: Array | None = None) -> Array:
        U, omega = self._factors.U, self._factors.omega
        onto = None if base is None or scale is None else scale[:, None] * base
        combined = self._kernels.matmul(self._kernels.combine(self._csr, gamma, self._V_T), U, out=onto)
        if omega.any():
            along = self._kernels.combine(self._csr, gamma, self.p_T.astype(gamma.dtype)[:, None])
            self._kernels.matmul(along, omega[None, :], out=combined)
        return combined

    def push(self, sums: Sums, M: Array | None, by: float) -> Array:
        H, gamma = sums.forward.inputs.rows(), sums.forward.terms.gamma
        HM = H if M is None else self._kernels.matmul(H, M)
        return self._kernels.combine(sums.transposed(), (by * gamma).astype(gamma.dtype), HM)

    def square(self, sums: Sums) -> Array:
        forward = sums.forward
        return self._kernels.gram(
            forward.inputs.rows(), self._kernels.combine(self._csr, forward.terms.gamma, sums.X())
        )
