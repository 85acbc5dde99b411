"""The sums over a minibatch that flow back from it, equations (4) to (6) of :mod:`wordsparse.layer.core`.

The update of W is made of X = ΓᵀH and K = Hᵀ diag(α) H, the gradient by the features F (n, d), H = C F, of Z, G and
Cᵀβ: ∂L/∂F = Cᵀ ∇H = Z Q + G + (Cᵀβ) w̄ᵀ. Inputs that are rows compute each sum on first use, windows of a text
the three large ones in one pass over the text. Sums that depend on W come from the state that the forward pass saw.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, TypeVar

from numpy.typing import NDArray

from wordsparse.kernels import Csr, Kernels, Windows
from wordsparse.layer.interface import Forward

Array = NDArray[Any]
Kept = TypeVar("Kept")


class _Sums(ABC):
    """The sums that are computed in the same way for rows and windows."""

    def __init__(self, forward: Forward, kernels: Kernels) -> None:
        forward.check_current()
        self.forward, self.kernels = forward, kernels
        self._kept: dict[str, Any] = {}

    def transposed(self) -> Csr:
        targets = self.forward.targets
        return targets.transposed or self._once("transposed", lambda: self.kernels.transpose(targets.csr))

    def pulled_beta(self) -> Array:
        return self._once("pulled_beta", lambda: self.forward.inputs.pull(self.forward.beta))

    def total_beta(self) -> Array:
        return self._once("total_beta", self._total_beta)

    def _total_beta(self) -> Array:
        inputs, beta = self.forward.inputs, self.forward.beta
        zero: Array = self.kernels.xp.zeros(inputs.shape[1])
        return inputs.total(self.pulled_beta()) if beta.any() else zero

    def H_hat(self) -> Array:
        forward = self.forward
        if forward.H_hat is not None:
            return forward.H_hat
        return self._once("H_hat", lambda: forward.inputs.times(forward.factors.Q))  # (2)

    def gradient(self) -> Array:
        return self._once("gradient", self._gradient)

    def _gradient(self) -> Array:
        forward, H_hat = self.forward, self.H_hat()
        forward.check_current()
        gradient = forward.target_rows.combine(forward.gamma, H_hat, (2 * forward.alpha).astype(H_hat.dtype))  # (6)
        if forward.beta.any():
            beta = forward.beta.astype(gradient.dtype)[:, None]
            self.kernels.matmul(beta, forward.factors.w_bar[None, :], out=gradient)
        return gradient

    def _once(self, name: str, compute: Callable[[], Kept]) -> Kept:
        if name not in self._kept:
            self._kept[name] = compute()
        kept: Kept = self._kept[name]
        return kept

    @abstractmethod
    def G(self) -> Array: ...

    def weights_gram(self) -> Array:
        return self.kernels.gram(self.forward.inputs.features, self.G())


class RowSums(_Sums):
    """Of inputs that are rows: C = I. A sum that is not used costs nothing."""

    def take_X(self) -> Array:
        forward = self.forward
        return self.kernels.combine(self.transposed(), forward.gamma, forward.inputs.features)  # (4)

    def take_Z(self) -> Array:
        forward = self.forward
        return self.kernels.scale_rows(forward.inputs.features, (2 * forward.alpha).astype(forward.inputs.dtype))  # (4)

    def G(self) -> Array:
        return self._once("G", self._G)

    def _G(self) -> Array:
        self.forward.check_current()
        return self.forward.target_rows.combine(self.forward.gamma)  # (4)

    def take_G(self) -> Array:
        G = self.G()
        del self._kept["G"]
        return G

    def curvature(self) -> Array:
        return self._once("curvature", lambda: self.forward.inputs.gram(self.forward.alpha))  # (5)

    def set_curvature(self, curvature: Array) -> None:
        """K (5) as the caller has computed it, in a higher precision."""
        self._kept["curvature"] = curvature


class WindowSums(_Sums):
    """Of windows of a text: X, Z and G in one pass over it. X takes the place of the forward pass's W_T."""

    def __init__(self, forward: Forward, windows: Windows, kernels: Kernels) -> None:
        super().__init__(forward, kernels)
        F, targets = forward.inputs.features, forward.targets.csr.indices
        zeta = (2 * forward.alpha).astype(F.dtype)
        W_T = forward.target_rows.take()
        X, Z, G = kernels.window_pull(windows, F, targets, W_T, zeta, forward.gamma)  # (4)
        self._kept = {"X": X, "Z": Z, "G": G}
        self._curvature: Array = kernels.gram(F, Z, symmetric=True) / 2  # (5)

    def take_X(self) -> Array:
        return self._take("X")

    def take_Z(self) -> Array:
        return self._take("Z")

    def G(self) -> Array:
        G: Array = self._kept["G"]
        return G

    def take_G(self) -> Array:
        return self._take("G")

    def curvature(self) -> Array:
        return self._curvature

    def _take(self, name: str) -> Array:
        taken: Array = self._kept.pop(name)
        return taken
