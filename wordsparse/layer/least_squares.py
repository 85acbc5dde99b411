"""Recursive least squares: exact ridge regression on an output layer, a minibatch at a time.

The minimiser of Σ_j ‖o_j − y_j‖² + λ‖W − W₀‖² over all examples so far is W = (YᵀH + λ W₀) C⁻¹, C = λI + HᵀH (normal
equations; Plackett, 1950). A minibatch H', Y' takes it from W to

    C' = C + H'ᵀH'        W' = (W C + Y'ᵀH') C'⁻¹ = W − (W H'ᵀ − Y'ᵀ) H' C'⁻¹

which is the layer's step on squared error, ∂L/∂W = 2 (W H'ᵀ − Y'ᵀ) H', with η = 1 and the preconditioner Π = ½ C'⁻¹:
the closed form, online, in O(d²) per example and O(d³) per minibatch, whatever D. With a base measure π the same holds
for diag(√π) W, and with target values H' counts with the weight Σ_k y_k of each example.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from wordsparse import validation
from wordsparse.errors import InputError, TrainingError
from wordsparse.kernels import at_work
from wordsparse.layer.factors import condition_number, scale
from wordsparse.layer.inputs import RowInputs
from wordsparse.layer.interface import Value
from wordsparse.layer.losses import Squared
from wordsparse.layer.output import FactoredOutput
from wordsparse.layer.sums import row_sums
from wordsparse.types import Array

# C⁻¹ has no correct digits of float64 left past this condition number.
MAX_CONDITION = 1e13


class RecursiveLeastSquares:
    """Exact ridge regression on the weights of a layer: after any minibatches W is the minimiser over all of them.

    Parameters
    ----------
    layer : FactoredOutput
        With squared error. Its weights are W₀, towards which the ridge pulls; zero in a new layer. While minibatches
        are given here, nothing else may change the weights.
    ridge : float
        λ, positive: λ‖W − W₀‖² is added to the sum of the losses of all examples.

    Attributes
    ----------
    layer : FactoredOutput
    ridge : float
    moment : (d, d) float64 array
        C = λI + HᵀH of all examples so far.

    Raises
    ------
    InputError
        If the layer's loss is not squared error, or the ridge is not positive.

    Notes
    -----
    The order and the sizes of the minibatches do not matter. In float32 W differs from the closed form by rounding,
    relatively by some 10⁻⁷ times C's condition number at most.

    Examples
    --------
    >>> import numpy as np, scipy.sparse as sp, wordsparse as ws
    >>> random = np.random.default_rng(0)
    >>> H, Y = random.standard_normal((50, 4)), sp.random_array((50, 9), density=0.2, rng=random, format="csr")
    >>> layer = ws.FactoredOutput(n_outputs=9, n_features=4, loss="squared", dtype=np.float64)
    >>> fit = ws.RecursiveLeastSquares(layer, ridge=2.0)
    >>> for rows in (slice(0, 7), slice(7, 50)):
    ...     losses, grad_h = fit.step(H[rows], Y[rows])
    >>> closed_form = Y.T @ H @ np.linalg.inv(H.T @ H + 2 * np.eye(4))
    >>> bool(np.allclose(layer.weights(), closed_form))
    True
    """

    def __init__(self, layer: FactoredOutput, ridge: float = 1.0) -> None:
        if not isinstance(layer, FactoredOutput):
            raise InputError(f"layer must be a wordsparse.FactoredOutput, not {type(layer).__name__}")
        if not isinstance(layer.loss, Squared):
            raise InputError(f"recursive least squares needs the loss squared, not {layer.loss.name}")
        self.ridge = validation.non_negative("ridge", ridge)
        if self.ridge == 0:
            raise InputError("ridge must be positive: before d examples were seen nothing else determines W")
        self.layer = layer
        self.moment = self.ridge * layer.core.kernels.xp.eye(layer.n_features)

    def step(self, H: ArrayLike, Y: Any) -> tuple[Array, Array]:
        """Take a minibatch in: W becomes the minimiser over all examples so far.

        Parameters
        ----------
        H, Y
            As for :meth:`FactoredOutput.step`.

        Returns
        -------
        losses, grad_h
            As :meth:`FactoredOutput.step`, of the weights before the step.

        Raises
        ------
        InputError
            As :meth:`FactoredOutput.step`.
        TrainingError
            If the ridge is too small beside HᵀH for float64, or numbers become too large. Nothing has changed then.
        """
        layer = self.layer
        core, kernels = layer.core, layer.core.kernels
        with layer.guard.held("step"), at_work():
            forward = layer.forward(H, Y)
            sums = row_sums(forward, kernels)
            losses, gradient = forward.losses, sums.gradient()
            if (forward.terms.alpha < 0).any():
                raise InputError("Y holds a negative weight: least squares needs weights of at least 0")
            if forward.inputs.shape[0] > 0:
                rows = forward.inputs.rows().astype(np.float64, copy=False)
                # In float64: C⁻¹ multiplies the rounding of C by its condition number.
                curvature = RowInputs(rows, kernels).gram(forward.terms.alpha)
                moment = self.moment + curvature
                sums = replace(sums, curvature=Value.of("K", curvature))
                core.apply(core.update(sums, 1.0, self._half_inverse(moment), forgets=True))
                self.moment = moment
            return layer.like(H, losses), layer.like(H, gradient)

    def _half_inverse(self, moment: Array) -> Array:
        """½ C⁻¹, (d, d) float64."""
        with np.errstate(all="ignore"):
            inverse = self.layer.core.kernels.inverse(moment)
            condition = condition_number(scale(moment), scale(inverse))
        if not condition < MAX_CONDITION:
            raise TrainingError(
                f"the ridge {self.ridge:g} is too small: the moment of all inputs with it has condition number "
                f"{condition:.3g}, more than float64 inverts; raise the ridge, or scale the inputs"
            )
        half: Array = 0.5 * inverse
        return half
