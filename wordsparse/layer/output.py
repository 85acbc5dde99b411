"""The exact layer for users, which checks its arguments: SciPy matrices, and arrays on the host or a GPU.

The layer itself, its equations and the phases of a step are in :mod:`wordsparse.layer.core`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from wordsparse import validation
from wordsparse.errors import InputError
from wordsparse.kernels import Csr, Kernels, at_work, kernels_on
from wordsparse.layer import losses as _losses
from wordsparse.layer.core import ExactLayer
from wordsparse.layer.divergence import LossWatch
from wordsparse.layer.guard import Guard, one_at_a_time
from wordsparse.layer.inputs import RowInputs
from wordsparse.layer.interface import Forward, Targets
from wordsparse.layer.largest import largest_outputs
from wordsparse.layer.sums import pull_back
from wordsparse.machine import memory
from wordsparse.types import Array

# The standard deviation of initial weights, for losses that cannot start at zero.
NOISE = 0.01
# The number of d×d float64 matrices in memory during an update. An update holds both the old and the new state.
SQUARES = 6


def check_memory(n_outputs: int, n_features: int, dtype: np.dtype[Any], weighted: bool) -> None:
    """Raise InputError if the layer does not fit into the free memory."""
    rows = n_outputs * (n_features * dtype.itemsize + (8 if weighted else 0))
    need = rows + 8 * SQUARES * n_features * n_features
    memory.check(need, f"a layer of {n_outputs:,} outputs and {n_features:,} features")


class FactoredOutput:
    """A linear layer o = W h with D outputs, whose exact step costs O(d²) per example for any D.

    Parameters
    ----------
    n_outputs : int
        D.
    n_features : int
        d, the number of entries of h.
    loss : str or wordsparse.layer.losses.Loss
        One of ``squared``, ``bounded-ns``, ``spherical``, ``taylor``, ``zloss``, or a loss object.
    base_measure : (D,) array of positive numbers, optional
        π, which is normalised to sum to 1. Every sum over outputs is weighted with π, and :meth:`step` takes the
        gradient step on diag(√π) W. Without a base measure, sums have no weights, and the step is taken on W.
    dtype : float32 or float64
        The working precision of weights and H; the d×d state is always float64.
    seed : int
        The seed of the random initial weights, which are used if the loss cannot start at zero. The initial weights are
        normally distributed with standard deviation 0.01/√π_i.
    weights : (D, d) array, optional
        Initial W.
    threads : int, optional
        Number of threads of the compiled kernels; by default, one per available CPU.
    device : str
        ``cpu``, ``cuda`` (an NVIDIA GPU through CuPy) or ``auto``. The state stays on the device. On a GPU, the results
        are CuPy arrays if the inputs are CuPy arrays, and NumPy arrays if the inputs are NumPy arrays.
    kernels : Kernels, optional
        Kernels to use instead of ``device`` and ``threads``.

    Raises
    ------
    InputError
        If a size, the dtype, the base measure or the weights are invalid, the device cannot be used, or there is too
        little memory.

    Notes
    -----
    A layer handles one call at a time: calls from other threads wait until the current call has ended. If a signal
    handler interrupts a call and calls the layer itself, the handler waits for ever. Layers can be copied and pickled.
    """

    @at_work(starting=True)
    def __init__(
        self,
        n_outputs: int,
        n_features: int,
        loss: str | _losses.Loss = "squared",
        base_measure: ArrayLike | None = None,
        dtype: Any = np.float32,
        seed: int = 0,
        weights: ArrayLike | None = None,
        threads: int | None = None,
        device: str = "cpu",
        kernels: Kernels | None = None,
    ) -> None:
        D, d = validation.positive_int("n_outputs", n_outputs), validation.positive_int("n_features", n_features)
        chosen, real = _losses.resolve(loss), validation.working_dtype(dtype)
        seed = validation.whole("seed", seed)
        where = kernels if kernels is not None else kernels_on(device, threads)
        if where.device == "cpu":
            check_memory(D, d, real, base_measure is not None)
        measure = None if base_measure is None else validation.base_measure(base_measure, D, real)
        self.n_outputs, self.n_features, self.loss, self.dtype = D, d, chosen, real
        self.guard, self.watch = Guard(), LossWatch()
        self.core = ExactLayer(where, D, d, chosen, measure, real)
        if weights is not None:
            self.core.set_weights(self._checked_weights(weights))
        elif not chosen.starts_at_zero:
            self.core.set_noise(seed, NOISE)

    def __repr__(self) -> str:
        measure = "" if self.core.p is None else ", base_measure=…"
        return (
            f"FactoredOutput(n_outputs={self.n_outputs}, n_features={self.n_features}, loss={self.loss!r}{measure}, "
            f"dtype={self.dtype}, device={self.core.kernels.device})"
        )

    @one_at_a_time
    def loss_and_grad(self, H: ArrayLike, Y: Any) -> tuple[Array, Array]:
        """Return the losses, and the gradient of their sum with respect to H, without changing the layer.

        Parameters
        ----------
        H : (m, d) array
        Y : (m, D) SciPy sparse matrix or array
            The stored values are the weights of the targets' losses; for squared error, they are the regression
            targets.

        Returns
        -------
        losses : (m,) float64
        grad_h : (m, d) in the working precision

        Raises
        ------
        InputError
            If shapes do not agree, a value is not finite, the index of a target is out of range, or the losses or their
            gradient exceed the working precision.
        """
        forward = self.forward(H, Y)
        gradient = pull_back(forward).gradient()
        self._check_finite(forward.losses, gradient)
        return self.like(H, forward.losses), self.like(H, gradient)

    @one_at_a_time
    def step(
        self,
        H: ArrayLike,
        Y: Any,
        lr: float,
        *,
        weight_decay: float = 0.0,
        preconditioner: ArrayLike | None = None,
    ) -> tuple[Array, Array]:
        """Take one exact gradient step of size ``lr`` on the sum of the losses.

        Parameters
        ----------
        H, Y
            As for :meth:`loss_and_grad`.
        lr : float
            η, at least 0.
        weight_decay : float
            λ, at least 0. Weight decay adds λ/2 ‖W‖² (with a base measure, λ/2 ‖diag(√π) W‖²) to the sum of the losses.
        preconditioner : (d, d) array, optional
            Π, symmetric and positive definite up to float32 rounding. The step uses ∂L/∂W Π in place of the gradient
            ∂L/∂W. With squared error, ``lr`` 1 and Π = ½ (λI + HᵀH)⁻¹, where H holds all examples so far, W is the
            exact ridge regression on these examples (recursive least squares).

        Returns
        -------
        losses, grad_h
            As for :meth:`loss_and_grad`, computed with the weights before the step.

        Raises
        ------
        InputError
            As for :meth:`loss_and_grad`; or if lr, weight_decay or the preconditioner is invalid.
        TrainingError
            If the step would explode or make A singular; or if the losses of ten minibatches in a row are more than
            1,000 times the usual scale of the loss, because then H diverges. After an error, the layer is unchanged.
        """
        lr = validation.non_negative("lr", lr)
        weight_decay = validation.non_negative("weight_decay", weight_decay)
        Pi = None if preconditioner is None else self._checked_preconditioner(preconditioner)
        forward = self.forward(H, Y)
        self.watch.check(forward, self.loss)
        sums = pull_back(forward)
        gradient = sums.gradient()
        self._check_finite(forward.losses, gradient)
        if forward.inputs.shape[0] > 0 or weight_decay > 0:
            self.core.apply(self.core.update(sums, lr, Pi, weight_decay=weight_decay))
        return self.like(H, forward.losses), self.like(H, gradient)

    @one_at_a_time
    def weights(self, rows: ArrayLike | None = None) -> Array:
        """Return W[rows] in the working precision, or all of W if ``rows`` is None. Outputs are o = W h."""
        if rows is None:
            return self.core.weights()
        return self.core.kernels.to_host(self.core.rows(self._chosen(rows)))

    @one_at_a_time
    def set_weights(self, weights: ArrayLike) -> None:
        """Set W (D, d), so that o = W h."""
        self.core.set_weights(self._checked_weights(weights))
        self.watch = LossWatch()

    @one_at_a_time
    def set_common_output(self, value: float) -> None:
        """Make every output o = ``value``·h_d, where h_d is the last feature."""
        self.core.set_common_output(validation.finite("value", value))
        self.watch = LossWatch()

    @one_at_a_time
    def outputs(self, H: ArrayLike, rows: ArrayLike) -> Array:
        """Return o[:, rows], (m, len(rows)), for inputs H (m, d)."""
        there, chosen = self._checked(H), self._chosen(rows)
        if chosen.shape[0] < there.shape[0]:
            return self.like(H, there @ self.core.rows(chosen).T)
        return self.like(H, next(self.core.outputs(there, [chosen])))

    @one_at_a_time
    def top(self, H: ArrayLike, k: int) -> tuple[Array, Array]:
        """Return the k largest of all D outputs per example, as fast as a dense layer and with far less memory.

        Returns
        -------
        indices : (m, k) int64, outputs : (m, k)
            The largest output comes first. Among equal outputs, the smaller index comes first. k must be at most D.
        """
        there, k = self._checked(H), min(validation.positive_int("k", k), self.n_outputs)
        indices, outputs = largest_outputs(self.core.outputs, there, self.n_outputs, k, self.core.kernels.xp)
        return self.like(H, indices), self.like(H, outputs)

    # ── arguments and results of users ────────────────────────────────────────────────────────────────────────────

    def forward(self, H: ArrayLike, Y: Any) -> Forward:
        """Check the arguments and run the forward pass on the device. The caller continues with the methods of
        ``core``."""
        there, core = self._checked(H), self.core
        indptr, columns, y = validation.sparse_targets(
            Y, there.shape[0], self.n_outputs, self.dtype, add_up=isinstance(self.loss, _losses.Squared)
        )
        rows, local = np.unique(columns, return_inverse=True)
        csr = Csr(indptr, local.astype(np.int32), rows.shape[0])
        targets = core.kernels.place(Targets(rows, csr, y))
        return core.forward(RowInputs(there, core.kernels), targets)

    def _check_finite(self, losses: Array, gradient: Array) -> None:
        if not (validation.all_finite(losses) and validation.all_finite(gradient)):
            largest = np.finfo(self.dtype).max
            raise InputError(
                f"the losses or their gradient overflow {self.dtype}, whose largest number is {largest:.2g}: "
                "scale down H, the values of Y or the weights"
            )

    def _checked(self, H: Any) -> Array:
        """Return H on the device, after validation."""
        if self._is_there(H):
            return validation.device_matrix("H", H, self.n_features, self.dtype)
        return self.core.kernels.to_device(validation.matrix("H", H, self.n_features, self.dtype))

    def _checked_preconditioner(self, preconditioner: Any) -> Array:
        """Return Π in float64 on the device, after validation."""
        if self._is_there(preconditioner):
            preconditioner = self.core.kernels.to_host(preconditioner)
        Pi = validation.positive_definite("preconditioner", preconditioner, self.n_features)
        return self.core.kernels.to_device(Pi)

    def _checked_weights(self, weights: ArrayLike) -> Array:
        """Return W unchanged, after validation."""
        weights = np.asarray(weights)
        if weights.shape != self.core.V.shape:
            raise InputError(f"weights must have shape {self.core.V.shape}, not {weights.shape}")
        for block in self.core.blocks():
            validation.matrix("weights", weights[block], self.n_features, self.dtype, first_row=block.start)
        return weights

    def _chosen(self, rows: ArrayLike) -> Array:
        """Return the indices of outputs as an array on the device, after validation."""
        return self.core.kernels.to_device(validation.output_rows(rows, self.n_outputs))

    def like(self, given: Any, result: Array) -> Array:
        """Return a result as a device array if the input was a device array, and as a NumPy array otherwise."""
        return result if self._is_there(given) else self.core.kernels.to_host(result)

    def _is_there(self, array: Any) -> bool:
        kernels = self.core.kernels
        return kernels.device != "cpu" and isinstance(array, kernels.xp.ndarray)
