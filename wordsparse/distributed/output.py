"""The exact layer over several ranks, for callers of one's own: every rank brings its own examples."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from wordsparse import validation
from wordsparse.distributed.gpus import staged
from wordsparse.distributed.inputs import SplitInputs, SplitTargets
from wordsparse.distributed.layer import ShardedLayer
from wordsparse.distributed.owners import Owners
from wordsparse.distributed.ranks import Ranks, together
from wordsparse.distributed.route import Route
from wordsparse.errors import InputError
from wordsparse.kernels import Csr, Kernels, at_work, kernels_on, mapped
from wordsparse.layer import losses as _losses
from wordsparse.layer.inputs import RowInputs
from wordsparse.layer.interface import Sums
from wordsparse.layer.output import NOISE, check_memory
from wordsparse.types import Array
from wordsparse.words.examples import by_owner


class ShardedOutput:
    """A :class:`wordsparse.FactoredOutput` whose rows are dealt out to ranks; a step is that of all ranks' examples.

    Every method is collective: all ranks call it, each with examples of its own, possibly none.

    Parameters
    ----------
    ranks : Ranks
        :class:`wordsparse.distributed.mpi.MpiRanks`, or ``wordsparse.distributed.ranks.Ranks()`` for a process alone.
    n_outputs, n_features, loss, base_measure, dtype, seed, threads, kernels
        As of :class:`wordsparse.FactoredOutput`, the same on all ranks. There are at least as many outputs as ranks.
        Arguments and results are arrays of NumPy, also with kernels of a GPU.

    Raises
    ------
    InputError
        On all ranks, if an argument does not fit on one of them, or the memory does not suffice.
    """

    def __init__(
        self,
        ranks: Ranks,
        n_outputs: int,
        n_features: int,
        loss: str | _losses.Loss = "squared",
        base_measure: ArrayLike | None = None,
        dtype: Any = np.float32,
        seed: int = 0,
        threads: int | None = None,
        kernels: Kernels | None = None,
    ) -> None:
        @at_work(starting=True)  # on one rank alone, a GPU may be full
        def made() -> ShardedLayer:
            D, d = validation.positive_int("n_outputs", n_outputs), validation.positive_int("n_features", n_features)
            chosen, real = _losses.resolve(loss), validation.working_dtype(dtype)
            if max(chosen.min_outputs, ranks.size) > D:
                raise InputError(f"n_outputs {D}: loss {chosen.name} on {ranks.size} ranks needs more outputs")
            where = kernels if kernels is not None else kernels_on("cpu", threads)
            owners = Owners(D, staged(ranks, where))
            if where.device == "cpu":
                check_memory(owners.own, d, real, base_measure is not None, ranks.beside)
            measure = None if base_measure is None else validation.base_measure(base_measure, D, real)
            return ShardedLayer(where, owners, d, chosen, measure, real)

        self.ranks = ranks
        with at_work(starting=True):
            self.core = together(ranks, made)
            if not self.core.loss.starts_at_zero:
                self.core.set_noise(validation.whole("seed", seed), NOISE)

    def loss_and_grad(self, H: ArrayLike, Y: Any) -> tuple[Array, Array]:
        """Losses and ∂(their sum)/∂H of this rank's examples; arguments and results as of ``FactoredOutput``."""
        with at_work():
            return self._results(self._sums(H, Y))

    def step(self, H: ArrayLike, Y: Any, lr: float, *, weight_decay: float = 0.0) -> tuple[Array, Array]:
        """One exact gradient step on the sum of the losses of all ranks' examples; see :meth:`FactoredOutput.step`.

        H (m, d) and Y are this rank's examples, and the results are theirs; m may differ between ranks, ``lr`` and
        ``weight_decay`` are the same on all. Errors are raised on all ranks, and nothing has changed then.
        """
        lr = validation.non_negative("lr", lr)
        weight_decay = validation.non_negative("weight_decay", weight_decay)
        with at_work():
            sums = self._sums(H, Y)
            results = self._results(sums)
            self.core.apply(self.core.update(sums, lr, weight_decay=weight_decay))
            return results

    def weights(self, rows: ArrayLike) -> Array:
        """W[rows] for this rank's choice of rows, in the working precision."""
        core = self.core
        chosen = together(self.ranks, lambda: validation.output_rows(rows, core.owners.n))
        wanted, place = _wanted(chosen, self.ranks.size)
        with at_work():
            route = Route(core.ranks, core.kernels, wanted)
            fetched = core.kernels.to_host(route.fetch(core.rows(route.rows)))
            return np.asarray(fetched[place])

    def set_weights(self, weights: ArrayLike) -> None:
        """Set W (D, d), given whole on every rank."""
        core, given = self.core, np.asarray(weights)

        def own() -> Array:
            if given.shape != (core.owners.n, core.n_features):
                raise InputError(f"weights must have shape {(core.owners.n, core.n_features)}, not {given.shape}")
            return validation.matrix("weights", given[core.owners.mine], core.n_features, core.dtype)

        with at_work():
            core.set_weights(together(self.ranks, own))

    def _sums(self, H: ArrayLike, Y: Any) -> Sums:
        """The sums of checked examples."""
        core, move = self.core, self.core.kernels.to_device

        def checked() -> tuple[Array, Any]:
            rows = validation.matrix("H", H, core.n_features, core.dtype)
            add_up = isinstance(core.loss, _losses.Squared)
            return rows, validation.sparse_targets(Y, rows.shape[0], core.owners.n, core.dtype, add_up=add_up)

        rows, (indptr, columns, y) = together(self.ranks, checked)
        wanted, local = _wanted(columns, self.ranks.size)
        route = Route(core.ranks, core.kernels, wanted)
        csr = mapped(Csr(indptr, local.astype(np.int32), wanted.shape[0]), move)
        inputs = SplitInputs(RowInputs(move(rows), core.kernels), core.ranks, None)
        forward = core.forward(inputs, SplitTargets(route.rows, csr, move(y), route=route))
        return forward.inputs.pull_back(forward)

    def _results(self, sums: Sums) -> tuple[Array, Array]:
        """Losses and gradient, on the host."""
        return self.core.kernels.to_host(sums.forward.losses), self.core.kernels.to_host(sums.gradient())


def _wanted(rows: Array, owners: int) -> tuple[Array, Array]:
    """The distinct ones of ``rows``, by their owners, and where each of ``rows`` is among them."""
    distinct = by_owner(np.unique(rows), owners)
    ascending = np.argsort(distinct)
    return distinct, ascending[np.searchsorted(distinct, rows, sorter=ascending)]
