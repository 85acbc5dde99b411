"""The update of one step (equations in output.py), computed beside the state and not yet applied.

Two routes to the same numbers: :func:`dense` through d×d matrices, O(u d² + d³); :func:`low_rank` through the m rows of
H, O(m d²), with Woodbury's identity for U⁻¹. :func:`compute` takes the cheaper one. Every U⁻¹ that was corrected m rows
at a time is computed anew from U once d rows have gone into it: O(m d²) a step on average, and nothing drifts further.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wordsparse.factors import Factors, invert
from wordsparse.kernels import Kernels
from wordsparse.minibatch import Forward

Array = NDArray[Any]


@dataclass(frozen=True)
class Update:
    """New factors, the change Δ U'⁻¹ of V's target rows (u, d), and η ‖G‖ (Frobenius), at least the largest
    eigenvalue of η G: up to 2 the step is stable in every direction that curves upward."""

    factors: Factors
    rows_change: Array
    strength: float


@dataclass(frozen=True)
class Problem:
    """A step to take: from ``factors``, by ``forward``'s gradient, of size ``lr`` (η).

    ``p_T`` (u,) float64 is p on the target rows, ``total`` is ‖p‖²; ``preconditioner`` Π (d, d) float64 or None for I.
    """

    factors: Factors
    forward: Forward
    p_T: Array
    total: float
    lr: float
    preconditioner: Array | None
    weight_decay: float


def compute(problem: Problem, kernels: Kernels) -> Update:
    """The update, by the cheaper route; entries that are not finite are left for the caller to find."""
    m, d = problem.forward.inputs.shape
    with np.errstate(all="ignore"):
        return low_rank(problem) if low_rank_flops(m, d) < dense_flops(m, d) else dense(problem, kernels)


def dense_flops(m: int, d: int) -> float:
    """About what :func:`dense` spends: curvature, ΓᵀH and its three products (u ≈ m), and twelve d³ products."""
    return 9.0 * m * d**2 + 24.0 * d**3


def low_rank_flops(m: int, d: int) -> float:
    """About what :func:`low_rank` spends: twelve m×d×d products, four m×m×d and the share of recomputing U⁻¹."""
    return 26.0 * m * d**2 + 8.0 * m**2 * d


def dense(problem: Problem, kernels: Kernels) -> Update:
    """Through d×d matrices."""
    f, forward, eta = problem.factors, problem.forward, np.float64(problem.lr)
    backward = forward.backward
    identity = np.eye(f.U.shape[0])

    def times_pi(matrix: Array) -> Array:
        return matrix if problem.preconditioner is None else matrix @ problem.preconditioner

    G = 2 * times_pi(backward.curvature)
    A = (1 - eta * problem.weight_decay) * identity - eta * G
    b = times_pi(backward.b)
    U = f.U @ A
    U_inverse = invert(U)
    # Δ = −η X Π is never formed: Π moves to the d×d side of each product.
    X = backward.X  # ΓᵀH
    rows_change = kernels.matmul(X, -eta * times_pi(identity) @ U_inverse)
    X_p = (X.T @ problem.p_T.astype(X.dtype)).astype(np.float64)
    inner = kernels.gram(X, forward.W_T) @ A - 0.5 * eta * times_pi(kernels.gram(X)) - eta * np.outer(X_p, b)
    R = -eta * times_pi(inner.T).T
    w_A = A.T @ f.w_bar
    half = 0.5 * (A.T @ f.Q @ A) + np.outer(0.5 * eta**2 * problem.total * b - eta * w_A, b) + R
    return Update(
        Factors(
            U,
            U_inverse,
            A.T @ f.omega - eta * b,
            half + half.T,
            w_A - eta * (problem.total * b + times_pi(X_p)),
        ),
        rows_change,
        float(eta * np.linalg.norm(G)),
    )


def low_rank(problem: Problem) -> Update:
    """Through the m rows of H, all in float64."""
    # NumPy's floats: what overflows or divides by zero is not finite then, and refused by the caller.
    f, forward, eta = problem.factors, problem.forward, np.float64(problem.lr)
    c = 1 - eta * problem.weight_decay
    csr = forward.targets.csr
    H = forward.inputs.rows.astype(np.float64)
    W_T = forward.W_T.astype(np.float64)
    HP = H if problem.preconditioner is None else H @ problem.preconditioner  # H Π
    H2 = 2 * forward.alpha[:, None] * H  # G = H2ᵀ HP
    H2_hat = H2 @ f.Q
    overlap = HP @ H2.T
    b = forward.beta @ HP
    w_A = c * f.w_bar - eta * (H2 @ f.w_bar) @ HP

    # The m × u matrix Γ is small here: m < d examples.
    gamma = np.zeros((csr.rows, csr.columns))
    np.add.at(gamma, (csr.row_of_entry(), csr.indices), forward.gamma)
    change = -eta * (gamma.T @ HP)  # Δ
    Y = c * W_T - eta * (W_T @ H2.T) @ HP + 0.5 * change  # W_T A + ½ Δ
    gamma_p = gamma @ problem.p_T
    # Aᵀ Q A = c² Q + HPᵀ Z + Zᵀ HP
    Z = -c * eta * H2_hat + 0.5 * eta**2 * (H2_hat @ H2.T) @ HP
    half = (
        0.5 * c**2 * f.Q
        + HP.T @ (Z - eta * gamma @ Y + eta**2 * np.outer(gamma_p, b))
        + np.outer(0.5 * eta**2 * problem.total * b - eta * w_A, b)
    )
    U = c * f.U - eta * (f.U @ H2.T) @ HP
    # A⁻¹ = (I + H2ᵀ K HP) / c
    N = HP @ f.U_inverse
    KN = eta / c * invert(np.eye(H.shape[0]) - eta / c * overlap) @ N
    age = f.inverse_age + H.shape[0]
    if age < H.shape[1]:
        U_inverse = (f.U_inverse + H2.T @ KN) / c
    else:
        age, U_inverse = 0, invert(U)
    rows_change = (-eta / c) * (gamma.T @ (N + overlap @ KN))
    omega = c * f.omega - eta * ((H2 @ f.omega) @ HP + b)
    w_bar = w_A - eta * (problem.total * b + gamma_p @ HP)
    return Update(
        Factors(U, U_inverse, omega, half + half.T, w_bar, age),
        rows_change.astype(forward.W_T.dtype),
        float(eta * np.sqrt(np.vdot(HP @ HP.T, H2 @ H2.T))),  # ‖H2ᵀ HP‖
    )
