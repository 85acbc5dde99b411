"""A dense reference for the layer: the same losses, gradients and steps in O(D d) and float64, as simple as possible.

Tests and benchmarks compare the factored layer with this reference. The reference computes every output, uses only the
derivatives of the loss, and updates all of W.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from wordsparse.layer.losses import Loss, is_regression, resolve
from wordsparse.types import Array


@dataclass
class DenseOutput:
    """A layer o = W h with all of W (D, d) in float64.

    ``base_measure`` π (D,) is normalised to sum to 1; None means that every πᵢ is 1. With a base measure, the step is
    the gradient step on diag(√π) W, and weight decay applies to that matrix.
    """

    W: Array
    loss: str | Loss = "squared"
    base_measure: ArrayLike | None = None

    def __post_init__(self) -> None:
        self.W = np.array(self.W, np.float64)
        self.loss = resolve(self.loss)
        D = self.W.shape[0]
        pi = np.ones(D) if self.base_measure is None else np.asarray(self.base_measure, np.float64)
        self.pi = pi if self.base_measure is None else pi / pi.sum()

    def loss_and_grads(self, H: ArrayLike, Y: Any) -> tuple[Array, Array, Array]:
        """Return the losses (m,), and the gradients of their sum with respect to H (m, d) and to W (D, d)."""
        H, Y = np.asarray(H, np.float64), Y.tocsr()
        O = H @ self.W.T  # noqa: E741 (m, D): every output
        losses, grad_O = np.zeros(H.shape[0]), np.zeros_like(O)
        for j in range(H.shape[0]):
            entries = slice(Y.indptr[j], Y.indptr[j + 1])
            losses[j], grad_O[j] = self._example(O[j], Y.indices[entries], Y.data[entries].astype(np.float64))
        return losses, grad_O @ self.W, grad_O.T @ H

    def _example(self, o: Array, targets: Array, y: Array) -> tuple[float, Array]:
        """Return the loss of one example with outputs o (D,), and the gradient with respect to every output."""
        q, s, total = self.pi @ (o * o), self.pi @ o, float(self.pi.sum())
        grad = np.zeros_like(o)
        assert isinstance(self.loss, Loss)
        if is_regression(self.loss):
            dense = np.zeros_like(o)
            np.add.at(dense, targets, y)
            grad += 2 * self.pi * o - 2 * dense
            return float(q - 2 * dense @ o + dense @ dense), grad
        loss = 0.0
        for c, weight in zip(targets, y, strict=True):
            value, dq, ds, do = self.loss.terms(o[c], q, s, total)
            loss += weight * value
            grad += weight * (dq * 2 * self.pi * o + ds * self.pi)
            grad[c] += weight * do
        return loss, grad

    def step(
        self, H: ArrayLike, Y: Any, lr: float, preconditioner: Array | None = None, weight_decay: float = 0.0
    ) -> tuple[Array, Array]:
        """Set W ← W − lr (∂/∂W Π + λ W); with π, do the same to diag(√π) W. Return the losses and ∂/∂H before the
        step."""
        losses, grad_H, grad_W = self.loss_and_grads(H, Y)
        if preconditioner is not None:
            grad_W = grad_W @ preconditioner
        # W̃ = √π W: ∂/∂W̃ = ∂/∂W / √π, and the change of W is 1/√π times the change of W̃.
        self.W = self.W - lr * (grad_W / self.pi[:, None] + weight_decay * self.W)
        return losses, grad_H
