"""Word vectors whose rows are dealt out to ranks: the two steps of :mod:`wordsparse.words.embedding` over all of them.

Each rank brings its part of a minibatch; E, V and the words' masses are the rank's own rows, the running means are the
same everywhere.
"""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from wordsparse.distributed.inputs import SplitInputs, SplitTargets
from wordsparse.distributed.layer import ShardedLayer
from wordsparse.distributed.route import Route
from wordsparse.kernels import mapped
from wordsparse.layer.inputs import RowInputs, WindowInputs
from wordsparse.layer.interface import Inputs
from wordsparse.types import Array
from wordsparse.words.embedding import WordEmbedding, start_rows
from wordsparse.words.examples import Examples

# The arrays of a state that have a row for each word.
ROWS = ("E", "mass", "output.V")
# Those of them that are copied where they are restored; until then they may stay on the disk.
LARGE = ("E", "output.V")


class ShardedEmbedding(WordEmbedding):
    """A :class:`~wordsparse.words.embedding.WordEmbedding` whose rows belong to the ranks that own the layer's."""

    output: ShardedLayer

    def joined(self, examples: Examples) -> Examples:
        """The part of a minibatch with the tokens and pairs of all parts, and the way of its rows; collective."""
        ranks = self.output.ranks
        tokens, pairs = ranks.sum(np.array([float(examples.tokens), float(examples.pairs)])).tolist()
        route, part = Route(ranks, self.output.kernels, examples.words), examples.targets
        targets = SplitTargets(route.rows, part.csr, part.y, part.transposed, route=route)
        return replace(examples, targets=targets, tokens=int(tokens), pairs=pairs)

    def loss(self, examples: Examples) -> float:
        return float(self.output.summed(np.array(super().loss(examples))))

    def own(self, state: Mapping[str, Any]) -> Mapping[str, Any]:
        mine = self.output.owners.mine
        parts = {name: part[mine] if name in ROWS else part for name, part in state.items()}
        copied = {name for name, part in parts.items() if isinstance(part, np.ndarray)} - set(LARGE)
        return {name: np.array(part) if name in copied else part for name, part in parts.items()}

    def start(self, rows: Array, E: Array, mass: Array) -> None:
        ranks = self.output.ranks
        mine = rows % ranks.size == ranks.rank
        super().start(rows[mine] // ranks.size, E[mine], mass[mine])

    @contextmanager
    def gathered(self, folder: Path) -> Iterator[dict[str, Any] | str]:
        """The state of the whole embedding, inside the block, in which rank 0 may work alone for long; collective.

        On rank 0 it is the state, whose rows are maps of files in ``folder``, or why there is none (a full disk); on
        the others an empty one. TrainingError on all ranks, if their numbers have come apart.
        """
        self.output.check_alike()
        state, is_first = self.state(), self.output.ranks.rank == 0
        try:
            failures = [self._collect(state, name, folder) for name in ROWS]
            yield (next(filter(None, failures), "") or state) if is_first else {}
        finally:
            if is_first:
                shutil.rmtree(folder, ignore_errors=True)

    def _collect(self, state: dict[str, Any], name: str, folder: Path) -> str:
        """Put the whole of a sharded array into ``state`` on rank 0; says why where it cannot be written.

        All blocks are brought together in any case: the other ranks send them.
        """
        owners, own, path = self.output.owners, state[name], folder / name
        failure, mode = "", "xb"  # no file of an earlier run is written on
        for block in owners.gathered(own):
            if owners.ranks.rank == 0 and not failure:
                try:
                    folder.mkdir(exist_ok=True)
                    with open(path, mode) as file:
                        file.write(block.reshape(-1).view(np.uint8).data)
                    mode = "ab"
                except OSError as error:
                    failure = f"{folder}: {error.strerror or error}"
        if owners.ranks.rank == 0 and not failure:
            state[name] = np.memmap(path, own.dtype, "r", shape=(owners.n, *own.shape[1:]))
        return failure

    def _start_rows(self, dim: int, seed: int) -> Array:
        E = np.empty((self.output.owners.own, dim), np.float32)
        random = np.random.default_rng(seed)
        for own, rows in self.output.owners.drawn(lambda n: start_rows(random, n, dim)):
            E[own] = rows
        return E

    def _minibatch(self, examples: Examples) -> tuple[Examples, Inputs]:
        assert isinstance(examples.targets, SplitTargets)
        kernels, route = self.output.kernels, examples.targets.route
        examples = mapped(examples, kernels.to_device)
        features = route.deliver(kernels.take(self.E, route.asked, kernels.xp.ones(route.asked.shape[0], np.float32)))
        bags = examples.bags
        part = RowInputs(features, kernels) if bags is None else WindowInputs(features, bags, kernels)
        return examples, SplitInputs(part, self.output.ranks, route)
