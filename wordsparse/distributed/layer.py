"""The exact layer with its rows dealt out to ranks: the same equations, whose sums go over all of them.

U, ω, Q and w̄ are the same on every rank, computed by each from the same sums; V and p are the rank's own rows. The
products with rows of V are done by their owners, so a row costs its d² once, however many ranks touch it.
"""

import zlib
from typing import Any

import numpy as np

from wordsparse.distributed.owners import Owners
from wordsparse.distributed.ranks import Ranks
from wordsparse.errors import TrainingError
from wordsparse.kernels import Kernels
from wordsparse.layer.core import BLOCK_ROWS, ExactLayer
from wordsparse.layer.losses import Loss
from wordsparse.types import Array


class ShardedLayer(ExactLayer):
    """An :class:`~wordsparse.layer.core.ExactLayer` of which this rank has the rows that ``owners`` gives it; π, the
    ``measure`` (D,), is that of all outputs."""

    def __init__(
        self, kernels: Kernels, owners: Owners, n_features: int, loss: Loss, measure: Array | None, dtype: np.dtype[Any]
    ) -> None:
        own = None if measure is None else measure[owners.mine]
        super().__init__(kernels, owners.own, n_features, loss, own, dtype)
        self.owners = owners
        self.total = float(owners.n) if measure is None else 1.0

    @property
    def ranks(self) -> Ranks:
        """Those that share this layer."""
        return self.owners.ranks

    def summed(self, part: Array) -> Array:
        return self.ranks.sum(part)

    def set_noise(self, seed: int, size: float) -> None:
        self.clock.changes += 1
        random, shape = np.random.default_rng(seed), (self.n_features,)
        draw = lambda n: size * random.standard_normal((n, *shape), self.dtype)  # noqa: E731
        for own, rows in self.owners.drawn(draw, BLOCK_ROWS):
            self.V[own] = self.kernels.to_device(np.ascontiguousarray(rows))
        self._start_from_V()

    def check_alike(self) -> None:
        """Raise TrainingError if U and Q are no longer the same bytes on all ranks, as where processors round
        differently; collective."""
        U, Q = map(self.kernels.to_host, (self.factors.U, self.factors.Q))
        here = zlib.crc32(Q.tobytes(), zlib.crc32(U.tobytes()))
        told = self.ranks.gather(here.to_bytes(4))
        if len(set(told)) > 1:
            rank = next(i for i, other in enumerate(told) if other != told[0])
            raise TrainingError(
                f"rank {rank} computes other numbers than rank 0: their processors or libraries differ; set "
                "WORDSPARSE_ISA and OPENBLAS_CORETYPE to the same on all hosts"
            )
