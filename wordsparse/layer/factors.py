"""The small factors of the weights W = V U + p ωᵀ: U and ω, with Q = WᵀW and w̄ = Wᵀp, in float64.

An update makes new :class:`Factors`, which replace the old ones only at the end, so a refused step changes nothing.
"""

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from math import sqrt
from typing import Any

import numpy as np

from wordsparse.kernels import Kernels
from wordsparse.types import Array
from wordsparse.validation import all_finite

# The condition number of U above which U is folded into V. In W = V U, U amplifies the rounding errors of V by this
# number.
FOLD_CONDITION = {np.dtype(np.float32): 100.0, np.dtype(np.float64): 1e5}
# U is folded if its scale is not between 1/FOLD_SCALE and FOLD_SCALE. Weight decay, for example, shrinks U and grows V.
FOLD_SCALE = 1e12
# The error ‖U U⁻¹ z − z‖ / ‖z‖, for each working precision, above which U⁻¹ is recomputed from U.
DRIFT = {np.dtype(np.float32): 1e-5, np.dtype(np.float64): 1e-12}


@dataclass(frozen=True)
class Factors:
    """The factors U (d, d), U⁻¹ (d, d), ω (d,), Q (d, d) and w̄ (d,), all float64."""

    U: Array
    U_inverse: Array
    omega: Array
    Q: Array
    w_bar: Array

    @classmethod
    def identity(cls, Q: Array, w_bar: Array, xp: Any = np) -> "Factors":
        """Return factors with U = I and ω = 0, so that V = W. ``xp`` is the array module to use."""
        d = w_bar.shape[0]
        return cls(xp.eye(d), xp.eye(d), xp.zeros(d), Q, w_bar)

    @property
    def is_identity(self) -> bool:
        """Whether U = I and ω = 0, as after a fold."""
        d = self.U.shape[0]
        return bool((self.U.diagonal() == 1).all() and (self.U != 0).sum() == d and not self.omega.any())

    @cached_property
    def scale(self) -> float:
        """‖U‖ / √d, which is 1 for the identity."""
        return scale(self.U)

    @cached_property
    def inverse_scale(self) -> float:
        """‖U⁻¹‖ / √d."""
        return scale(self.U_inverse)

    @property
    def condition(self) -> float:
        """The factor by which U amplifies the rounding errors of V in W = V U + p ωᵀ; see :func:`condition_number`."""
        return condition_number(self.scale, self.inverse_scale)

    def must_fold(self, dtype: np.dtype[Any]) -> bool:
        """Return whether U must be folded into V, which has this ``dtype``."""
        return self.condition > FOLD_CONDITION[dtype] or not 1 / FOLD_SCALE < self.scale < FOLD_SCALE

    def renewed(self, dtype: np.dtype[Any], kernels: Kernels) -> "Factors":
        """Return these factors, or a copy with a recomputed U⁻¹ if the error of U⁻¹ is larger than ``dtype`` allows.

        The error E of the product U U⁻¹ is estimated with a vector z of random signs: the mean of ‖E z‖² over all
        vectors of signs is ‖E‖²_F.
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
    return sqrt(float(np.vdot(matrix, matrix)) / matrix.shape[0])


def condition_number(scale: float, inverse_scale: float) -> float:
    """Return ‖M‖ ‖M⁻¹‖ / d, computed from the scales of M and M⁻¹. The result is 1 for the identity, and inf if the
    product is not finite.

    If a vector is multiplied by M⁻¹, rounded, and multiplied by M, the relative rounding errors grow on average by this
    factor. The condition number in the spectral norm is between this number and d times this number.
    """
    condition = scale * inverse_scale
    return condition if np.isfinite(condition) else np.inf
