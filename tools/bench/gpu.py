"""The layer on a GPU at the papers' sizes; ``device=cpu`` tries it without."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from typing import Any, ClassVar

import numpy as np

from tools.bench.layer import batches
from tools.bench.runner import Benchmark, once
from wordsparse.kernels import kernels_on
from wordsparse.layer.output import FactoredOutput

# Outputs (m × rows) formed at a time by the naive step: 1 GiB of float32.
BLOCK_OUTPUTS = 2**28


class GpuNaiveDense:
    """The naive dense step with squared error, by cuBLAS (or NumPy): 6 m D d operations, all of W (D, d) updated."""

    def __init__(self, xp: Any, n_outputs: int, n_features: int) -> None:
        self._xp = xp
        self.W = xp.zeros((n_outputs, n_features), np.float32)

    def step(self, H: Any, targets: Any, lr: float) -> Any:
        """One gradient step; ∇H (m, d) from before it. H (m, d) float32 and targets (m,) int64 on the device."""
        m, D = H.shape[0], self.W.shape[0]
        grad_h = self._xp.zeros_like(H)
        rows = max(1, BLOCK_OUTPUTS // max(m, 1))
        for start in range(0, D, rows):
            W = self.W[start : start + rows]
            grad_o = H @ W.T
            here = self._xp.flatnonzero((targets >= start) & (targets < start + rows))
            grad_o[here, targets[here] - start] -= 1
            grad_h += grad_o @ W
            W -= (2 * lr) * (grad_o.T @ H)
        return 2 * grad_h


@dataclass
class GpuLayer(Benchmark):
    """The exact layer beside the naive dense update, of inputs on the device: µs an example."""

    device: str = "cuda"
    outputs: int = 793_471
    features: int = 300
    minibatch: Any = (128, 512, 1024, 4096)
    cases: ClassVar[tuple[str, ...]] = ("minibatch",)

    def setup(self) -> None:
        self.kernels, self.per = kernels_on(self.device, self.threads), self.minibatch
        there = self.kernels.to_device
        exact = FactoredOutput(self.outputs, self.features, "squared", kernels=self.kernels).step
        dense = GpuNaiveDense(self.kernels.xp, self.outputs, self.features).step
        made = batches(self.minibatch, self.features, self.outputs)
        self._exact = cycle([partial(exact, there(batch.H), batch.Y, batch.lr) for batch in made])
        self._dense = cycle([partial(dense, there(batch.H), there(batch.targets), batch.lr) for batch in made])

    def time_exact(self) -> None:
        self._run(next(self._exact))

    @once
    def time_dense(self) -> None:
        self._run(next(self._dense))

    def _run(self, step: Callable[[], object]) -> None:
        """A step, to its end on the device."""
        step()
        if self.device == "cuda":
            self.kernels.xp.cuda.get_current_stream().synchronize()
