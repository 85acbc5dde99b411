"""The update of one step (equations in output.py), computed beside the state and not yet applied.

Two routes to the same numbers: :func:`dense` through d×d matrices, O(u d² + d³), and :func:`low_rank` through the m
rows of H, O(m d²), with Woodbury's identity for U⁻¹. :func:`compute` takes the cheaper one. What a minibatch adds to
the d×d state is computed in the working precision, as accurate as the rows of V that go with it, and added in float64.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wordsparse.kernels import Kernels
from wordsparse.layer.factors import Factors
from wordsparse.layer.targets import Forward

Array = NDArray[Any]

# A step that makes U⁻¹ grow more than this takes some direction nearly away: only float64 tells how much of it is left.
LOST = 100.0
# Fewer examples than these take longer to convert the state for than to compute in float64.
FEW = 8


@dataclass(frozen=True)
class Update:
    """What a step makes of the state.

    ``factors`` are new; ``folds``: V must then take U' in. ``rows_change`` (u, d) is the change of V's target rows:
    Δ U'⁻¹ or, after such a fold, Δ itself, exact however ill-conditioned A was. ``strength`` is η √|tr G²|, at least
    the largest eigenvalue of η G: up to 2 the step is stable in every direction that curves upward.
    """

    factors: Factors
    folds: bool
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

    @property
    def eta(self) -> np.float64:
        """η; NumPy's float: what overflows or divides by zero is not finite then, and refused by the caller."""
        return np.float64(self.lr)

    @property
    def shrink(self) -> np.float64:
        """c = 1 − ηλ."""
        return 1 - self.eta * self.weight_decay

    @cached_property
    def HP(self) -> Array:
        """H Π, (m, d)."""
        return (
            self.forward.inputs.rows if self.preconditioner is None else self.forward.inputs.times(self.preconditioner)
        )

    def times_pi(self, matrix: Array) -> Array:
        """matrix Π, for a d×d or a (d,) one."""
        if self.preconditioner is None:
            return matrix
        return (
            matrix @ self.preconditioner
            if matrix.ndim == 1
            else self.forward.kernels.matmul(matrix, self.preconditioner)
        )


def compute(problem: Problem, kernels: Kernels) -> Update:
    """The update, by the cheaper route; entries that are not finite are left for the caller to find.

    The forward pass may no longer hold its X afterwards.
    """
    m, d = problem.forward.inputs.shape
    route = low_rank if low_rank_flops(m, d) < dense_flops(m, d) else dense
    with np.errstate(all="ignore"):
        return route(problem, kernels, problem.forward.inputs.dtype if m >= FEW else np.dtype(np.float64))


def lost(problem: Problem, new: Factors, real: np.dtype[Any]) -> bool:
    """Whether ``real`` does not tell what is left of some direction, so that the update is computed in float64."""
    return real != np.float64 and not new.inverse_scale < LOST * problem.factors.inverse_scale


def dense_flops(m: int, d: int) -> float:
    """About what :func:`dense` spends: curvature and two products with ΓᵀH (u ≈ m); for the d×d matrices, whatever m,
    an inverse in float64, which counts twice, some products and passes."""
    return 7.0 * m * d**2 + 40.0 * d**3


def low_rank_flops(m: int, d: int) -> float:
    """About what :func:`low_rank` spends: six m×d×d products, four m×m×d ones and an inverse."""
    return 12.0 * m * d**2 + 8.0 * m**2 * d + 2.0 * m**3


def dense(problem: Problem, kernels: Kernels, real: np.dtype[Any]) -> Update:
    """Through d×d matrices; what the minibatch adds to them in ``real``."""
    f, forward, eta, c = problem.factors, problem.forward, real.type(problem.eta), problem.shrink
    times_pi = problem.times_pi
    G = (2 * times_pi(forward.curvature)).astype(real)
    strength = float(eta * np.sqrt(abs(np.vdot(G, G.T))))
    U = c * f.U - eta * kernels.matmul(f.U.astype(real), G)
    b = times_pi(forward.b)
    omega, w_A = c * f.omega - eta * (G.T @ f.omega + b), c * f.w_bar - eta * (G.T @ f.w_bar)
    change_p = -eta * times_pi(kernels.column_sums(forward.pushed, problem.p_T))  # Δᵀ p_T
    new = Factors(U, kernels.inverse(U), omega, f.Q, w_A - eta * problem.total * b + change_p)
    if lost(problem, new, real):
        return dense(problem, kernels, np.dtype(np.float64))
    # Aᵀ Q A = c² Q − η (Gᵀ T + Tᵀ G) with T = c Q − ½ η Q G; the terms with b; and what Δ adds.
    Q = f.Q.astype(real)
    T = real.type(c) * Q - (real.type(0.5) * eta) * kernels.matmul(Q, G)
    Q = kernels.plus_gram(f.Q, G, T, c**2, -problem.eta, symmetric=True)
    by_b = np.outer(w_A - (0.5 * eta * problem.total) * b, b)
    Q -= eta * (by_b + by_b.T)
    folds = new.must_fold(forward.inputs.dtype)
    if folds or forward.target_rows.wide:
        R = _change_through_W(problem, kernels, G)
        by_p = np.outer(change_p, -eta * b)
        rows_change = _target_change(problem, kernels, None if folds else new.U_inverse)
    else:
        # In V's rows Δ is D = Δ U'⁻¹:  U'ᵀ (DᵀV_T + V_TᵀD + DᵀD) U' + (Δᵀp_T) ω'ᵀ + ω' (Δᵀp_T)ᵀ.
        rows_change = _target_change(problem, kernels, new.U_inverse)
        in_V, new_U = forward.target_rows.gram_change(rows_change).astype(real), U.astype(real)
        R = kernels.gram(new_U, kernels.matmul(in_V, new_U), symmetric=True)
        by_p = np.outer(change_p, omega)
    Q += R
    Q += by_p + by_p.T
    return Update(replace(new, Q=Q), folds, rows_change, strength)


def _target_change(problem: Problem, kernels: Kernels, U_inverse: Array | None) -> Array:
    """Δ U'⁻¹ (u, d), or Δ = −η Γᵀ H Π: one product over the narrower side, in X's place where that is the targets'."""
    forward, M = problem.forward, U_inverse
    if problem.preconditioner is not None:
        M = problem.preconditioner if M is None else kernels.matmul(problem.preconditioner, M)
    if forward.target_rows.wide:
        H, gamma = forward.inputs.rows, (-problem.eta * forward.gamma).astype(forward.gamma.dtype)
        return kernels.combine(forward.transposed, gamma, H if M is None else kernels.matmul(H, M))
    M = kernels.xp.eye(forward.inputs.shape[1]) if M is None else M
    return kernels.matmul_in_place(forward.backward.given_up_X(), -problem.eta * M)


def _change_through_W(problem: Problem, kernels: Kernels, G: Array) -> Array:
    """What Δ adds to Q apart from p: −η (R + Rᵀ) with R = Πᵀ (Xᵀ W_T A − ½ η XᵀX Π), A = c I − η G.

    Xᵀ W_T = Fᵀ (Cᵀ Γ W_T), of which the second factor flows back anyway (``Backward.G``, not the curvature G of A).

    A product more than through V, but no worse where U' is ill-conditioned, and over the examples where the targets are
    many.
    """
    forward, real, eta = problem.forward, G.dtype, G.dtype.type(problem.eta)
    X = forward.pushed
    XW = kernels.gram(forward.inputs.features, forward.backward.G).astype(real)
    if forward.target_rows.wide:
        XX = kernels.gram(forward.inputs.rows, kernels.combine(forward.targets.csr, forward.gamma, X))
    else:
        XX = kernels.gram(X)
    R = real.type(problem.shrink) * XW
    R -= eta * (kernels.matmul(XW, G) + 0.5 * problem.times_pi(XX).astype(real))
    R = R if problem.preconditioner is None else kernels.gram(problem.preconditioner.astype(real), R)
    change: Array = -eta * (R + R.T)
    return change


def low_rank(problem: Problem, kernels: Kernels, real: np.dtype[Any]) -> Update:
    """Through the m rows of H; what the minibatch adds to the d×d matrices in ``real``.

    With B = HΠ (2 diag(α) H)ᵀ and K = (I − (η/c) B)⁻¹ HΠ U⁻¹,  U'⁻¹ = (U⁻¹ + (η/c) (2 diag(α) H)ᵀ K) / c  and
    Δ U'⁻¹ = −(η/c) Γᵀ K. With g = ∇H, everything that changes Q lies in the span of H Π:

        Q' = c² Q − c η ((HΠ)ᵀ M + Mᵀ HΠ),   M = g − (η/c) S HΠ
        S  = (g − diag(α) Ĥ) (2 diag(α) H)ᵀ + ½ Γ Γᵀ + Γ p_T βᵀ + ½ ‖p‖² β βᵀ

    What reads U, or U⁻¹, stands together: the state is larger than a core's cache.
    """
    f, forward, c, c_eta = problem.factors, problem.forward, problem.shrink, problem.shrink * problem.eta
    eta, eta_c = real.type(problem.eta), real.type(problem.eta / c)
    alpha, beta = forward.alpha.astype(real)[:, None], forward.beta.astype(real)
    H, HP = forward.inputs.rows.astype(real, copy=False), problem.HP.astype(real, copy=False)
    H2 = 2 * alpha * H
    B = kernels.matmul(HP, H2.T)
    strength = float(eta * np.sqrt(abs(np.vdot(B, B.T))))

    gradient, gamma_p = forward.gradient.astype(real), forward.weighted(problem.p_T)
    S = kernels.matmul(gradient - alpha * forward.H_hat, H2.T)
    S += np.outer(gamma_p + real.type(0.5 * problem.total) * beta, beta)
    kernels.sparse_gram(forward.targets.csr, forward.transposed, (sqrt(0.5) * forward.gamma).astype(real), out=S)
    M = kernels.matmul(-eta_c * S, HP, out=gradient)
    Q = kernels.plus_gram(f.Q, HP, M, c**2, -c_eta, symmetric=True)

    along = np.stack([f.omega, f.w_bar], axis=1).astype(real)
    omega, w_bar = (H2 @ along + np.stack([beta, real.type(problem.total) * beta + gamma_p], axis=1)).T @ HP
    U = kernels.plus_gram(f.U, kernels.matmul(H2, f.U.T), HP, c, -problem.eta)

    system = kernels.inverse(kernels.xp.eye(B.shape[0], dtype=real) - eta_c * B)
    K = kernels.matmul(system, kernels.matmul(HP, f.U_inverse))
    U_inverse = kernels.plus_gram(f.U_inverse, H2, K, 1 / c, problem.eta / c**2)
    new = Factors(U, U_inverse, c * f.omega - eta * omega, Q, c * f.w_bar - eta * w_bar)
    if lost(problem, new, real):
        return low_rank(problem, kernels, np.dtype(np.float64))
    new = new.renewed(forward.inputs.dtype, kernels)
    folds = new.must_fold(forward.inputs.dtype)
    back, by = (HP, -eta) if folds else (K, -eta_c)
    gamma = (by * forward.gamma).astype(forward.gamma.dtype)
    rows_change = kernels.combine(forward.transposed, gamma, back.astype(gamma.dtype, copy=False))
    return Update(new, folds, rows_change, strength)
