"""Refuses steps that would make the weights explode, make A singular, or give values that are infinite or NaN.

Updates are checked before they are applied, so a refused step changes nothing.
"""

from typing import Any

import numpy as np

from wordsparse.errors import TrainingError
from wordsparse.kernels import Kernels
from wordsparse.layer.factors import Factors, condition_number, scale
from wordsparse.layer.interface import Division
from wordsparse.layer.update import Update
from wordsparse.types import Array
from wordsparse.validation import all_finite

# The condition number above which A looks singular in the precision of the inputs.
STEP_CONDITION = {np.dtype(np.float32): 1e7, np.dtype(np.float64): 1e12}
# The maximum ‖W‖² after an unstable step, as a multiple of the largest ‖W‖² after a stable step.
MAX_GROWTH = 1e8
# The ``strength`` up to which an update overshoots in no direction in which the loss is convex.
STABLE = 2.0


def check(update: Update, before: Factors, stable_norm: float, kernels: Kernels, division: Division) -> None:
    """Check an update of the factors ``before``. ``stable_norm`` is the largest ‖W‖² after any stable step so far.
    If processes divide the rows, all of them accept the update, or all refuse it.

    Raise TrainingError if the step would explode or make A singular, or if numbers in the update are not finite.
    """
    new, dtype = update.factors, update.rows_change.dtype
    norm = float(new.Q.trace())
    # If W was 0, there is no earlier norm for comparison, so MAX_GROWTH limits the square of the step's strength.
    growth = norm / stable_norm if stable_norm > 0 else update.strength * update.strength
    if update.strength > STABLE and np.isfinite(norm) and growth > MAX_GROWTH:
        raise TrainingError(
            f"the step would explode: the squared norm of the weights would reach {norm:.3g}; it was {stable_norm:.3g} "
            f"at the last stable step{_advice(update)}"
        )
    if new.condition > STEP_CONDITION[dtype]:
        condition = _condition_of_A(before, new)
        if condition > STEP_CONDITION[dtype]:
            raise TrainingError(
                f"the step would make A = I - lr B singular (condition number {condition:.3g}): the learning rate is "
                f"the inverse of an eigenvalue of the curvature B, or not finite{_advice(update)}"
            )
    odd = np.array([not _is_finite(update.rows_change, kernels)], np.float64)
    if division.total(odd).any() or not (norm <= np.finfo(dtype).max and new.is_finite()):
        raise TrainingError(f"the step would give values that are not finite numbers of {dtype}{_advice(update)}")


def check_rows(change: Array, factors: Factors, dtype: np.dtype[Any]) -> None:
    """Check a change (n, d) of rows of diag(√π) W, which has these factors. Raise TrainingError if, by the triangle
    inequality, the squared norm after the change could overflow ``dtype``."""
    with np.errstate(all="ignore"):
        norm = np.square(np.sqrt(np.trace(factors.Q)) + np.linalg.norm(change))
    if not norm <= np.finfo(dtype).max:
        raise TrainingError(
            f"the rows used as inputs would overflow {dtype}: lower the learning rate, or scale down the losses"
        )


def _condition_of_A(before: Factors, new: Factors) -> float:
    with np.errstate(all="ignore"):
        A, A_inverse = before.U_inverse @ new.U, new.U_inverse @ before.U
        return condition_number(scale(A), scale(A_inverse))


def _is_finite(change: Any, kernels: Kernels) -> bool:
    return bool(np.isfinite(kernels.row_dots(change, change)).all()) or all_finite(change)


def _advice(update: Update) -> str:
    if STABLE < update.strength < np.inf:
        return f"; lower the learning rate (steps are stable up to {2 / update.strength:.3g} times this rate)"
    return "; lower the learning rate or the weight decay, or scale down the weights or the losses"
