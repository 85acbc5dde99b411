"""Rectified linear units a = max(z A + b, 0) between an embedding and the exact layer, trained by PyTorch's Adam."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wordsparse import optional
from wordsparse.machine.threads import pytorch_threads

Array = NDArray[Any]

LEARNING_RATE = 3e-3


class HiddenUnits:
    """``units`` of them on z (n, ``dim``)."""

    def __init__(self, dim: int, units: int, seed: int) -> None:
        torch = optional.load("a hidden layer of SparseTargetClassifier", "torch", "torch")
        self._torch = torch
        random = torch.Generator().manual_seed(seed)
        bound = dim**-0.5
        self._A, self._b = (
            ((torch.rand(shape, generator=random) * 2 - 1) * bound).requires_grad_() for shape in ((dim, units), units)
        )
        self._optimizer = torch.optim.Adam([self._A, self._b], LEARNING_RATE)
        self._outputs: Any = None

    def forward(self, Z: Array) -> Array:
        """a (n, units); kept for :meth:`step`."""
        torch = self._torch
        self._outputs = torch.relu(torch.from_numpy(Z) @ self._A + self._b)
        found: Array = self._outputs.detach().numpy()
        return found

    def step(self, gradient: Array) -> None:
        """One step of Adam by the gradient of a loss by the last outputs, (n, units)."""
        self._optimizer.zero_grad()
        self._outputs.backward(self._torch.from_numpy(np.ascontiguousarray(gradient)))
        self._optimizer.step()

    def on_threads(self, threads: int) -> AbstractContextManager[None]:
        """Hold PyTorch to so many threads."""
        return pytorch_threads(self._torch, threads)

    def weights(self) -> tuple[Array, Array]:
        """A (dim, units) and b (units,)."""
        return self._A.detach().numpy(), self._b.detach().numpy()


class NoUnits:
    """None: a (n, 0)."""

    def __init__(self, dim: int) -> None:
        self._dim = dim

    def forward(self, Z: Array) -> Array:
        return np.zeros((Z.shape[0], 0), Z.dtype)

    def step(self, gradient: Array) -> None:
        pass

    def on_threads(self, threads: int) -> AbstractContextManager[None]:
        return nullcontext()

    def weights(self) -> tuple[Array, Array]:
        return np.zeros((self._dim, 0), np.float32), np.zeros(0, np.float32)
