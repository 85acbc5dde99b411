"""The d×d side of the factored weights W = V U + p ωᵀ: U, ω, Q = WᵀW, w̄ = Wᵀp, in float64.

An update is computed into a new :class:`Factors` and only then takes the old one's place, so a step that is refused has
touched nothing. Two ways to compute it, the same algebra: through d×d matrices (O(d³), any minibatch), and through the
rank m of the minibatch (O(m d²), Woodbury's identity on U⁻¹; m < d).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass
class Factors:
    """U (d, d), its inverse, ω (d,), Q (d, d), w̄ (d,), all float64.

    ``inverse_age`` counts the examples whose rank-one corrections U⁻¹ has taken since it was last computed from U.
    """

    U: Array
    U_inverse: Array
    omega: Array
    Q: Array
    w_bar: Array
    inverse_age: int = 0

    @classmethod
    def identity(cls, d: int, Q: Array, w_bar: Array) -> "Factors":
        """U = I, ω = 0: V is W itself."""
        return cls(np.eye(d), np.eye(d), np.zeros(d), Q, w_bar)

    def condition(self) -> float:
        """‖U‖₁ ‖U⁻¹‖₁, an upper estimate of U's condition number within a factor d; inf where not finite."""
        return condition_number(self.U, self.U_inverse)

    def is_finite(self) -> bool:
        """Whether every entry is a finite number."""
        return all(np.isfinite(x).all() for x in (self.U, self.U_inverse, self.omega, self.Q, self.w_bar))


def invert(matrix: Array) -> Array:
    """The inverse; infinite where the matrix is singular, so that its condition number says so."""
    try:
        return np.asarray(np.linalg.inv(matrix))
    except np.linalg.LinAlgError:
        return np.full_like(matrix, np.inf)


def condition_number(matrix: Array, inverse: Array) -> float:
    """‖M‖₁ ‖M⁻¹‖₁; inf where not finite."""
    with np.errstate(all="ignore"):
        condition = float(np.abs(matrix).sum(0).max(initial=0) * np.abs(inverse).sum(0).max(initial=0))
    return condition if np.isfinite(condition) else np.inf
