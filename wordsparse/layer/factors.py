"""The d×d side of the factored weights W = V U + p ωᵀ: U, ω, Q = WᵀW, w̄ = Wᵀp, in float64.

An update is computed into a new :class:`Factors`, which replaces the old one only at the end. A step that is refused
has touched nothing.
"""

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from wordsparse.kernels import Kernels
from wordsparse.types import Array
from wordsparse.validation import all_finite

# U's condition number amplifies the rounding in V on its way to W: past this number V takes U in (a fold).
FOLD_CONDITION = {np.dtype(np.float32): 100.0, np.dtype(np.float64): 1e5}
# U's scale drifts as (1 − η)^t under a forgetting step: fold before V's entries leave the comfortable exponents.
FOLD_SCALE = 1e12
# Past this ‖U U⁻¹ z − z‖ / ‖z‖, the U⁻¹ of a low-rank update is computed anew from U; by working precision.
DRIFT = {np.dtype(np.float32): 1e-5, np.dtype(np.float64): 1e-12}


@dataclass(frozen=True)
class Factors:
    """The factors U (d, d), its inverse, ω (d,), Q (d, d) and w̄ (d,), all float64."""

    U: Array
    U_inverse: Array
    omega: Array
    Q: Array
    w_bar: Array

    @classmethod
    def identity(cls, Q: Array, w_bar: Array, xp: Any = np) -> "Factors":
        """Return factors with U = I and ω = 0: V is W itself; ``xp`` is the module of the arrays."""
        d = w_bar.shape[0]
        return cls(xp.eye(d), xp.eye(d), xp.zeros(d), Q, w_bar)

    @property
    def is_identity(self) -> bool:
        """Whether U = I and ω = 0, as after a fold."""
        d = self.U.shape[0]
        return bool((self.U.diagonal() == 1).all() and (self.U != 0).sum() == d and not self.omega.any())

    @cached_property
    def scale(self) -> float:
        """‖U‖ / √d: 1 for the identity."""
        return scale(self.U)

    @cached_property
    def inverse_scale(self) -> float:
        """‖U⁻¹‖ / √d."""
        return scale(self.U_inverse)

    @property
    def condition(self) -> float:
        """The factor by which rounding in V grows on its way to W; see :func:`condition_number`."""
        return condition_number(self.scale, self.inverse_scale)

    def must_fold(self, dtype: np.dtype[Any]) -> bool:
        """Return whether V, of ``dtype``, must take U in."""
        return self.condition > FOLD_CONDITION[dtype] or not 1 / FOLD_SCALE < self.scale < FOLD_SCALE

    def renewed(self, dtype: np.dtype[Any], kernels: Kernels) -> "Factors":
        """Return itself, or a copy with U⁻¹ computed anew if it has drifted from U by more than ``dtype`` allows.

        A probe z of random signs sees every error: the mean of ‖E z‖² over such z is ‖E‖²_F.
        """
        z = _signs(self.U.shape[0], kernels.xp)
        drift = np.linalg.norm(self.U @ (self.U_inverse @ z) - z) / np.sqrt(z.shape[0])
        return self if drift <= DRIFT[dtype] else replace(self, U_inverse=kernels.inverse(self.U))

    def is_finite(self) -> bool:
        """Return whether every entry is a finite number."""
        return np.isfinite(self.condition) and all(map(all_finite, (self.omega, self.Q, self.w_bar)))


@lru_cache
def _signs(d: int, xp: Any) -> Array:
    signs: Array = xp.asarray(np.random.default_rng(0).choice([-1.0, 1.0], d))
    return signs


def scale(matrix: Array) -> float:
    """Return ‖M‖ / √d (Frobenius): the root mean square of the singular values of M (d, d)."""
    with np.errstate(over="ignore", invalid="ignore"):
        return float(np.sqrt(np.vdot(matrix, matrix) / matrix.shape[0]))


def condition_number(scale: float, inverse_scale: float) -> float:
    """Return ‖M‖ ‖M⁻¹‖ / d from the scales of M and M⁻¹: 1 for the identity; inf if it is not finite.

    On average, M⁻¹ followed by M grows errors without a preferred direction, such as rounding, by this factor. The
    condition number of the spectral norm is at least this number and at most d times this number.
    """
    condition = scale * inverse_scale
    return condition if np.isfinite(condition) else np.inf
