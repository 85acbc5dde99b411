"""The update of one step, equations (7) to (12) of :mod:`wordsparse.layer.core`, computed without changing the state.

Two routes give the same result. :func:`dense` uses d×d matrices and costs O(u d² + d³). :func:`low_rank` uses the m
rows of H and Woodbury's identity for U⁻¹, and costs O(m d²). :func:`compute` takes the cheaper route. Changes of the
d×d state and of rows of V are computed in the working precision. The change of the d×d state is added in float64.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import sqrt
from typing import Any, NamedTuple

import numpy as np

from wordsparse.kernels import Kernels
from wordsparse.layer.factors import Factors
from wordsparse.layer.interface import Division, Sums, TargetRows
from wordsparse.types import Array

# The growth factor of U⁻¹ above which A is nearly singular, and the step is recomputed in float64.
MAX_INVERSE_GROWTH = 100.0
# The number of examples below which converting the state to the working precision takes longer than computing in
# float64.
MIN_CONVERTED_EXAMPLES = 8


@dataclass(frozen=True)
class Step:
    """A step to compute. The gradient is in ``sums``, and the step size η is ``lr``. The step starts from the factors
    used in the forward pass of ``sums``.

    ``total`` is ‖p‖², ``preconditioner`` is Π (d, d) float64 (None means I), and ``weight_decay`` is λ. ``division``
    adds up sums over the rows of all processes.
    """

    sums: Sums
    total: float
    lr: float
    preconditioner: Array | None
    weight_decay: float
    kernels: Kernels
    division: Division

    @property
    def eta(self) -> np.float64:
        """The step size η as a NumPy float. An overflow of NumPy floats gives inf or NaN, which the caller refuses."""
        return np.float64(self.lr)

    @property
    def shrink(self) -> np.float64:
        """The factor c = 1 − ηλ of weight decay."""
        return 1 - self.eta * self.weight_decay

    def times_pi(self, matrix: Array) -> Array:
        """Return matrix Π, for a matrix (d, d) or a vector (d,)."""
        if self.preconditioner is None:
            return matrix
        return matrix @ self.preconditioner if matrix.ndim == 1 else self.kernels.matmul(matrix, self.preconditioner)


@dataclass(frozen=True)
class Update:
    """A new state that has been computed but not yet applied.

    ``factors`` are the new factors. If ``folds`` is True, U' must be folded into V. ``rows_change`` (u, d) is the
    change of V's target rows. ``rows_change`` is D or, if ``folds``, Δ, which is accurate even if A is ill-conditioned.
    ``strength`` is η √|tr B²|, an upper bound on the eigenvalues of η B. If ``strength`` is at most 2, the step is
    stable in all directions in which the loss is convex. ``rows`` (u,) are the target rows. ``at`` is the number of
    changes of the layer before this update.
    """

    rows: Array
    factors: Factors
    folds: bool
    rows_change: Array
    strength: float
    at: int


def compute(step: Step) -> Update:
    """Compute the update with the cheaper route. The caller must check that all numbers are finite."""
    forward = step.sums.forward
    m, d = forward.inputs.shape
    # The low-rank route needs all examples and rows in this process. The dense route needs only sums over them.
    is_low = not step.division.is_divided and low_rank_flops(m, d) < dense_flops(m, d)
    route = low_rank if is_low else dense
    with np.errstate(all="ignore"):
        return route(step, precision(m, forward.inputs.dtype))


def precision(m: int, dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the precision in which the products for a minibatch of m examples are computed, given the ``dtype`` of the
    examples."""
    return dtype if m >= MIN_CONVERTED_EXAMPLES else np.dtype(np.float64)


def dense_flops(m: int, d: int) -> float:
    """Estimate the cost of :func:`dense`. The first term is for the curvature and two products with ΓᵀH (u ≈ m). The
    second term is for d×d products and an inverse in float64, which is counted twice because float64 is slow."""
    return 7.0 * m * d**2 + 40.0 * d**3


def low_rank_flops(m: int, d: int) -> float:
    """Estimate the cost of :func:`low_rank`: six m×d×d products, four m×m×d products and an inverse."""
    return 12.0 * m * d**2 + 8.0 * m**2 * d + 2.0 * m**3


def dense(step: Step, real: np.dtype[Any]) -> Update:
    """Compute the update with d×d matrices. The products for the minibatch are computed in the precision ``real``."""
    forward, division = step.sums.forward, step.division
    shrunk = Shrunk(*division.by_one(lambda: shrink(step, real)))
    f = forward.factors
    new = Factors(shrunk.U, shrunk.U_inverse, shrunk.omega, f.Q, shrunk.w_bar)
    if _is_ill_conditioned(new, f, real):
        return dense(step, np.dtype(np.float64))
    folds = bool(shrunk.folds)
    through = through_V if forward.target_rows.is_formed and not folds else through_W
    rows_change, change = through(forward.target_rows, step, shrunk)  # (11)
    (Q,) = division.by_one(lambda: [_changed_Q(step, shrunk, *change())])
    return Update(forward.targets.rows, replace(new, Q=Q), folds, rows_change, float(shrunk.strength), forward.at)


class Shrunk(NamedTuple):
    """The results of :func:`shrink`: U', U'⁻¹, ω' and w̄'; B in the precision of the products, b, w̄_A and Δᵀp_T; ``M``
    is Π U'⁻¹, or Π if U' must be folded (None means I); ``folds`` and ``strength`` as in :class:`Update`."""

    U: Array
    U_inverse: Array
    omega: Array
    w_bar: Array
    B: Array
    b: Array
    w_A: Array
    delta_p: Array
    M: Array | None
    folds: bool
    strength: float


def shrink(step: Step, real: np.dtype[Any]) -> Shrunk:
    """Compute (7) to (9) from sums over the minibatch."""
    sums, kernels, times_pi = step.sums, step.kernels, step.times_pi
    f, eta, c = sums.forward.factors, real.type(step.eta), step.shrink
    B, b = (2 * times_pi(sums.curvature())).astype(real), times_pi(sums.total_beta())  # (7)
    strength = float(eta * np.sqrt(abs(np.vdot(B, B.T))))
    U = c * f.U - eta * kernels.matmul(f.U.astype(real), B)  # (8)
    omega = c * f.omega - eta * (B.T @ f.omega + b)
    U_inverse = kernels.inverse(U)
    delta_p = -eta * times_pi(sums.X_p())  # (9)
    w_A = c * f.w_bar - eta * (B.T @ f.w_bar)
    w_bar = w_A - eta * step.total * b + delta_p
    folds = Factors(U, U_inverse, omega, f.Q, w_bar).must_fold(sums.forward.inputs.dtype)
    M = _pi_times(step, None if folds else U_inverse)
    return Shrunk(U, U_inverse, omega, w_bar, B, b, w_A, delta_p, M, folds, strength)


def _changed_Q(step: Step, shrunk: Shrunk, R: Array, along: Array) -> Array:
    """Return Q' of (12). ``R`` (d, d) and ``along`` (d,), the factor of Δᵀp_T, come from the target rows."""
    f, kernels, B, b = step.sums.forward.factors, step.kernels, shrunk.B, shrunk.b
    real, c = B.dtype, step.shrink
    eta = real.type(step.eta)
    # (10): Aᵀ Q A = c² Q − η (Bᵀ N + Nᵀ B) with N = c Q − ½ η Q B. Terms of (10) and (12) that contain b or Δᵀp_T are
    # added at the end.
    Q = f.Q.astype(real)
    N = real.type(c) * Q - (real.type(0.5) * eta) * kernels.matmul(Q, B)
    Q = kernels.plus_gram(f.Q, B, N, c**2, -step.eta, symmetric=True)
    Q += R
    half = np.stack([shrunk.w_A - (0.5 * eta * step.total) * b, shrunk.delta_p], axis=1) @ np.stack([-eta * b, along])
    Q += half
    Q += half.T
    return Q


def _is_ill_conditioned(new: Factors, f: Factors, real: np.dtype[Any]) -> bool:
    """Return whether the step must be recomputed in float64, because ``real`` is float32 and A is nearly singular."""
    return real != np.float64 and not new.inverse_scale < MAX_INVERSE_GROWTH * f.inverse_scale


RowsChange = tuple[Array, Callable[[], tuple[Array, Array]]]
"""The change of the target rows of V, and a function that returns the ``R`` and ``along`` of :func:`_changed_Q`."""


def through_V(rows: TargetRows, step: Step, shrunk: Shrunk) -> RowsChange:
    """Return D = Δ U'⁻¹ of (11), and a function for U'ᵀ (DᵀV_T + V_TᵀD + DᵀD) U' and ω' of (12)."""
    kernels, real = step.kernels, shrunk.B.dtype
    D = rows.push(step.sums, shrunk.M, -step.eta)
    in_V = step.division.total(rows.gram_change(D))

    def change() -> tuple[Array, Array]:
        U = shrunk.U.astype(real)
        return kernels.gram(U, kernels.matmul(in_V.astype(real), U), symmetric=True), shrunk.omega

    return D, change


def through_W(rows: TargetRows, step: Step, shrunk: Shrunk) -> RowsChange:
    """Return Δ itself or Δ U'⁻¹ for (11), and a function for ΔᵀW_T A + AᵀW_TᵀΔ + ΔᵀΔ of (12) and the vector −η b.

    ΔᵀW_T A + ½ ΔᵀΔ = −η Πᵀ (XᵀW_T A − ½ η XᵀX Π), A = c I − η B, and XᵀW_T = FᵀG. This route takes one more product
    than :func:`through_V`, but is accurate even if U' is ill-conditioned, and is cheaper if there are many targets.
    """
    kernels, B, real = step.kernels, shrunk.B, shrunk.B.dtype
    sums, eta = step.sums, real.type(step.eta)
    all_XW, XX = step.division.total(sums.weights_gram()), step.division.total(rows.square(sums))

    def change() -> tuple[Array, Array]:
        XW = all_XW.astype(real)
        R = real.type(step.shrink) * XW
        R -= eta * (kernels.matmul(XW, B) + 0.5 * step.times_pi(XX).astype(real))
        R = R if step.preconditioner is None else kernels.gram(step.preconditioner.astype(real), R)
        return -eta * (R + R.T), -eta * shrunk.b

    return rows.push(sums, shrunk.M, -step.eta), change


def _pi_times(step: Step, M: Array | None) -> Array | None:
    """Return Π M. Either matrix may be None, which means I."""
    if step.preconditioner is None or M is None:
        return M if step.preconditioner is None else step.preconditioner
    return step.kernels.matmul(step.preconditioner, M)


def low_rank(step: Step, real: np.dtype[Any]) -> Update:
    """Compute the update with the m rows of H. The products for the minibatch are computed in the precision ``real``.

    Let P = H Π, L = 2 diag(α) H, E = P Lᵀ (m, m) and J = (I − (η/c) E)⁻¹ P U⁻¹. Then U'⁻¹ = (U⁻¹ + (η/c) Lᵀ J) / c and
    D = −(η/c) Γᵀ J. With g = ∇H, the change of Q involves only the span of P:

        Q' = c² Q − c η (Pᵀ M + Mᵀ P),   M = g − (η/c) S P
        S  = (g − diag(α) Ĥ) Lᵀ + ½ Γ Γᵀ + Γ p_T βᵀ + ½ ‖p‖² β βᵀ

    The d×d matrices exceed a cache, so all products that read U are computed first, and then all products that read
    U⁻¹.
    """
    sums, forward, kernels = step.sums, step.sums.forward, step.kernels
    f, csr, c, c_eta = forward.factors, forward.targets.csr, step.shrink, step.shrink * step.eta
    eta, eta_c = real.type(step.eta), real.type(step.eta / c)
    alpha, beta, gamma = forward.terms.alpha.astype(real)[:, None], forward.terms.beta.astype(real), forward.terms.gamma
    H = forward.inputs.rows().astype(real, copy=False)
    # H Π needs float64: if the eigenvalues of Π differ by orders of magnitude, terms of the product cancel.
    P = H if step.preconditioner is None else step.times_pi(H.astype(np.float64)).astype(real)
    L = 2 * alpha * H
    E = kernels.matmul(P, L.T)  # (7)
    strength = float(eta * np.sqrt(abs(np.vdot(E, E.T))))

    along = np.stack([f.omega, f.w_bar], axis=1).astype(real)  # (8), (9)
    gamma_p = kernels.combine(csr, gamma, forward.target_rows.p_T.astype(gamma.dtype)[:, None])[:, 0]
    omega, w_bar = (L @ along + np.stack([beta, real.type(step.total) * beta + gamma_p], axis=1)).T @ P
    U = kernels.plus_gram(f.U, kernels.matmul(L, f.U.T), P, c, -step.eta)

    g = sums.gradient().astype(real)  # (10), (12)
    S = kernels.matmul(g - alpha * sums.H_hat(), L.T)
    S += np.outer(gamma_p + real.type(0.5 * step.total) * beta, beta)
    kernels.sparse_gram(csr, sums.transposed(), (sqrt(0.5) * gamma).astype(real), out=S)
    M = kernels.matmul(-eta_c * S, P, out=g)
    Q = kernels.plus_gram(f.Q, P, M, c**2, -c_eta, symmetric=True)

    system = kernels.inverse(kernels.xp.eye(E.shape[0], dtype=real) - eta_c * E)  # (11)
    J = kernels.matmul(system, kernels.matmul(P, f.U_inverse))
    U_inverse = kernels.plus_gram(f.U_inverse, L, J, 1 / c, step.eta / c**2)
    new = Factors(U, U_inverse, c * f.omega - eta * omega, Q, c * f.w_bar - eta * w_bar)
    if _is_ill_conditioned(new, f, real):
        return low_rank(step, np.dtype(np.float64))
    new = new.renewed(forward.inputs.dtype, kernels)
    folds = new.must_fold(forward.inputs.dtype)
    back, by = (P, -eta) if folds else (J, -eta_c)
    gamma = (by * gamma).astype(gamma.dtype)
    rows_change = kernels.combine(sums.transposed(), gamma, back.astype(gamma.dtype, copy=False))
    return Update(forward.targets.rows, new, folds, rows_change, strength, forward.at)
