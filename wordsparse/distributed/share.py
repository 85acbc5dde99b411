"""The gradient of a minibatch. Each rank computes the gradient of its *part* of the minibatch. The gradients of the
parts are added up in the order of the ranks, and each rank then takes the same step.

The symbols are explained in :mod:`wordsparse.layer.core`. Sums over examples, such as K and Hᵀβ, are sent as one array.
The rows of X and of the directions ∇F P for the words of each part go to all ranks, which merge them. In the update,
every rank thus does O(d²) work for each row of the whole minibatch. In the gradients, a rank does O(d²) work only for
the rows of E and W in its own part.
"""

import zlib
from dataclasses import replace

import numpy as np

from wordsparse.distributed.agreement import agreed
from wordsparse.distributed.ranks import Ranks
from wordsparse.errors import WordsparseError
from wordsparse.kernels import Csr, Kernels
from wordsparse.layer.core import ExactLayer
from wordsparse.layer.inputs import RowInputs
from wordsparse.layer.interface import Forward, Once, TargetRows, Targets
from wordsparse.training.interruption import StopRequest
from wordsparse.types import Array
from wordsparse.words.embedding import Pull, WordEmbedding

# The states of all ranks are compared before steps 1, 2, 4, …, and every CHECKED steps.
CHECKED = 512


class RanksShare:
    """The work of one rank in a run (:class:`wordsparse.training.loop.Share`). ``stop`` counts the signals that this
    rank has received; a signal to one rank stops all ranks."""

    def __init__(self, ranks: Ranks, stop: StopRequest) -> None:
        self.part = ranks.rank, ranks.size
        self._ranks, self._stop, self._steps = ranks, stop, 0

    def sum(self, numbers: Array) -> Array:
        return self._ranks.sum(numbers)

    def joined(self, pull: Pull, embedding: WordEmbedding) -> Pull:
        self._steps += 1
        if self._steps & (self._steps - 1) == 0 or self._steps % CHECKED == 0:
            self._check_alike(embedding)
        output, local = embedding.output, pull.sums
        host, device = output.kernels.to_host, output.kernels.to_device
        examples = local.forward.inputs.shape[0]
        numbers = np.array([self._stop.received > 0, examples, pull.tokens, pull.pairs, pull.loss, pull.weight])
        parts = [numbers, *map(host, (local.total_beta(), local.curvature(), pull.curvature))]
        total = self.sum(np.concatenate([part.reshape(-1) for part in parts]))
        pieces = np.split(total, np.cumsum([part.size for part in parts])[:-1])
        numbers, *sums = (piece.reshape(part.shape) for piece, part in zip(pieces, parts, strict=True))
        stops, examples, tokens, pairs, loss, weight = numbers.tolist()
        self._stop.received = max(self._stop.received, int(stops > 0))
        total_beta, K, curvature = map(device, sums)
        words = _Words(self._ranks, output.kernels, host(pull.words))
        return Pull(
            words=words.all,
            tokens=int(tokens),
            pairs=pairs,
            loss=loss,
            weight=weight,
            curvature=curvature,
            mass=words.rows(pull.mass[:, None])[:, 0],
            sums=replace(
                local,
                forward=_forward(local.forward, output, words.all, int(examples)),
                X=Once(lambda: words.rows(local.X.take())),
                curvature=lambda: K,
                weights_gram=Once(lambda: device(self.sum(host(local.weights_gram())))),
                total_beta=lambda: total_beta,
                whole=False,
            ),
            directions=lambda: words.rows(pull.directions()),
        )

    def _check_alike(self, embedding: WordEmbedding) -> None:
        """Raise WordsparseError on all ranks if their states are no longer bitwise equal."""
        checksum = 0
        for _, part in sorted(embedding.state().items()):
            checksum = zlib.crc32(np.ascontiguousarray(part).reshape(-1).view(np.uint8).data, checksum)
        checksums = self._ranks.gather(checksum.to_bytes(4, "big"))
        if len(set(checksums)) > 1:
            rank = next(i for i, other in enumerate(checksums) if other != checksums[0])
            message = (
                f"rank {rank} has computed different numbers from rank 0: their processors or libraries differ; set "
                "WORDSPARSE_ISA and OPENBLAS_CORETYPE to the same values on all hosts"
            )
            raise agreed(self._ranks, WordsparseError(message))


def _forward(local: Forward, output: ExactLayer, words: Array, examples: int) -> Forward:
    """Return the forward pass of the whole minibatch, with zeros as inputs, since only their number matters."""
    kernels, d, xp = output.kernels, output.n_features, output.kernels.xp
    none = Csr(xp.zeros(1, np.int64), xp.zeros(0, np.int32), words.shape[0])
    targets = Targets(words, none, xp.zeros(0, output.dtype))
    rows = TargetRows(output.V, targets, output.sqrt_measure(words), local.factors, kernels)
    inputs = RowInputs(xp.broadcast_to(xp.zeros((1, d), output.dtype), (examples, d)), kernels)
    return replace(local, inputs=inputs, targets=targets, target_rows=rows)


class _Words:
    """The words of the whole minibatch, in ascending order (``all``), and the positions of each rank's words."""

    def __init__(self, ranks: Ranks, kernels: Kernels, own: Array) -> None:
        self._ranks, self._kernels = ranks, kernels
        received = [np.frombuffer(part, np.int64) for part in ranks.gather(own.tobytes())]
        self._counts = [part.size for part in received]
        words, self._place = np.unique(np.concatenate(received), return_inverse=True)
        ends = np.append(0, np.cumsum(np.bincount(self._place, minlength=words.size)))
        order = np.argsort(self._place, kind="stable").astype(np.int32)
        self._merged = kernels.place(Csr(ends, order, order.size))
        self.all = kernels.to_device(words)

    def rows(self, own: Array) -> Array:
        """Return the sums of rows (u, k), one per word, over all parts, in the order of the ranks."""
        kernels = self._kernels
        received = kernels.to_device(self._ranks.rows(kernels.to_host(own), self._counts))
        return kernels.combine(self._merged, kernels.xp.ones(received.shape[0], received.dtype), received)
