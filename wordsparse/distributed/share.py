"""The step of a run whose rows of E and W are divided among ranks.

The symbols are explained in :mod:`wordsparse.layer.core`. Each rank *owns* a range of the vocabulary: only the owner
keeps the rows of E and V of these words up to date. Each rank *reads* the words of its part of the minibatch:

    fetch       readers send word ids to owners, and owners send back rows of E and W_T
    gradient    readers compute X, Z, G, Cᵀβ and the mass for their part, and owners add up these rows over all readers
    step        owners compute their terms of K, Hᵀβ and the change of Q, which are added up over all ranks (``total``),
                and change their rows
    d×d         one rank computes products and inverses of d×d matrices, and sends the results to all (``by_one``)

A rank thus does O(d²) work only for the rows that it owns. Sums are taken in the order of the ranks. Rank 0 has all
rows only after :meth:`DividedEmbedding.gather`.
"""

import time
import zlib
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from itertools import accumulate
from typing import Any, ClassVar

import numpy as np

from wordsparse.distributed.agreement import agreed, gather_json
from wordsparse.distributed.ranks import Ranks
from wordsparse.errors import WordsparseError
from wordsparse.kernels import Csr, Kernels
from wordsparse.layer.core import ExactLayer
from wordsparse.layer.factors import Factors
from wordsparse.layer.inputs import RowInputs, WindowInputs
from wordsparse.layer.interface import Division, Forward, Once, Sums, TargetRows, Targets
from wordsparse.layer.loss_pass import LossSums
from wordsparse.layer.sums import pull_back
from wordsparse.training.interruption import StopRequest
from wordsparse.training.minibatches import Minibatches
from wordsparse.types import Array
from wordsparse.words.embedding import Pull, WordEmbedding
from wordsparse.words.examples import Examples

# The number of features at which an owner's products with a row of E and W take as long as exchanging the row with one
# reader: for the bags of CBOW, whose Z travels too, and for skip-gram. With these numbers, the CPU times of four and of
# eight ranks differ least (python -m tools.bench Ranks on english-10m, with AVX-512).
BAGS_WORTH, WORDS_WORTH = 60, 27
# The d×d states of all ranks are compared before steps 1, 2, 4, …, and every CHECKED steps.
CHECKED = 512


class RanksShare:
    """The work of one rank in a run (:class:`wordsparse.training.loop.Share`). ``stop`` counts the signals that this
    rank has received; a signal to one rank stops all ranks. ``wants_rows`` asks all ranks to send their rows to rank 0
    after the next step."""

    embedding: "DividedEmbedding"
    minibatches: Minibatches

    def __init__(self, ranks: Ranks, stop: StopRequest) -> None:
        self.ranks, self.stop = ranks, stop
        self.wants_rows, self.report, self._begun = False, dict[str, Any](), time.process_time()

    def divided(self, embedding: WordEmbedding, minibatches: Minibatches) -> "DividedEmbedding":
        self.minibatches, minibatches.part = minibatches, (self.ranks.rank, self.ranks.size)
        first = minibatches.first()
        read = [np.frombuffer(part, np.int64) for part in self.ranks.gather(first.words.tobytes())]
        worth = WORDS_WORTH if first.bags is None else BAGS_WORTH
        self.embedding = DividedEmbedding(embedding, self, _bounds(read, embedding.output, worth))
        return self.embedding

    def has_rows(self) -> bool:
        self.wants_rows = not self.embedding.is_gathered
        return self.embedding.is_gathered

    def gather(self) -> None:
        self.embedding.gather()
        self.report = {"ranks": gather_json(self.ranks, self._figures())}

    def _figures(self) -> dict[str, float]:
        """Return the CPU seconds of this rank since it joined the run, and the bytes that it exchanged per step.
        ``algebra`` is the time for d×d matrices that this rank computes for all, ``waiting`` the time in MPI, where a
        rank polls, and ``products`` all other time, most of it for products with rows of E and W."""
        ranks, steps, algebra = self.ranks, max(1, self.embedding.pulls), self.embedding.division.cpu_seconds
        seconds = {"examples": self.minibatches.cpu_seconds, "algebra": algebra, "waiting": ranks.waiting}
        products = time.process_time() - self._begun - sum(seconds.values())
        each = {"steps": steps, "sent_bytes": ranks.sent / steps, "received_bytes": ranks.received / steps}
        return {"products": products, **seconds, **each}

    def sum(self, numbers: Array) -> Array:
        return self.ranks.sum(numbers)


def _bounds(read: list[Array], output: ExactLayer, worth: int) -> Array:
    """Return the first word of each range, and the size of the vocabulary at the end. Owners of the ranges have about
    equal work in a minibatch whose parts have the words ``read``, one array for each rank."""
    words, readers = np.unique(np.concatenate(read), return_counts=True)
    # The cost of the products with a row, in units of the cost of sending the row and adding up a gradient.
    cost = np.cumsum(output.n_features / worth + readers)
    shares = np.arange(1, len(read)) / len(read) * float(cost[-1] if len(words) else 0)
    inner = np.append(words, output.n_outputs)[np.searchsorted(cost, shares)]
    return np.concatenate([[0], inner, [output.n_outputs]])


class RanksDivision(Division):
    """Sums over the rows of all ranks, and d×d matrices, each of which is computed by one rank, the ranks in turn."""

    is_divided: ClassVar[bool] = True

    def __init__(self, ranks: Ranks, kernels: Kernels) -> None:
        self._ranks, self._kernels, self.cpu_seconds = ranks, kernels, 0.0
        kernels.processes = ranks.size
        self._first = self._next = 0  # the ranks that compute first in this step, and next

    def begin_step(self) -> None:
        """Let the next rank begin, because the computations of a step take different times."""
        self._first = self._next = self._first + 1

    def total(self, part: Array) -> Array:
        return self._kernels.to_device(self._ranks.sum(self._kernels.to_host(part)))

    def totals(self, *parts: Array) -> list[Array]:
        """Return the sum over all ranks of each of several float64 arrays, by one message."""
        hosted = [self._kernels.to_host(part) for part in parts]
        total = self._ranks.sum(np.concatenate([part.reshape(-1) for part in hosted]))
        ends = accumulate(part.size for part in hosted)
        pieces = [total[end - part.size : end].reshape(part.shape) for part, end in zip(hosted, ends, strict=True)]
        return [self._kernels.to_device(piece) for piece in pieces]

    def by_one(self, compute: Callable[[], Sequence[Array]]) -> Sequence[Array]:
        root, kernels, begun = self._next % self._ranks.size, self._kernels, time.thread_time()
        self._next += 1
        kernels.processes = 1
        arrays = [np.asarray(kernels.to_host(part)) for part in compute()] if root == self._ranks.rank else []
        kernels.processes = self._ranks.size
        self.cpu_seconds += time.thread_time() - begun
        return [kernels.to_device(part) for part in self._ranks.share(arrays, root)]


class DividedEmbedding(WordEmbedding):
    """The part of the embedding ``whole`` that one rank owns: the words from ``bounds[rank]`` to ``bounds[rank + 1]``.

    E, V and M_w are views of the arrays of ``whole``, in which the rows of other ranks are out of date.
    ``is_gathered`` is True if the arrays of rank 0 are up to date.
    """

    def __init__(self, whole: WordEmbedding, share: RanksShare, bounds: Array) -> None:
        self.sizes, self._m0, self.steps = whole.sizes, whole._m0, whole.steps
        self.curvature, self.pair_curvature = whole.curvature, whole.pair_curvature
        self._whole, self._share, self._ranks, self._bounds = whole, share, share.ranks, bounds
        self.is_gathered, self._gathers, self.pulls = True, False, 0
        own = slice(*bounds[self._ranks.rank :][:2].tolist())
        self.E, self.mass, self.output = whole.E[own], whole.mass[own], copy(whole.output)
        output, p = self.output, whole.output.p
        output.V, output.p, output.n_outputs = output.V[own], None if p is None else p[own], own.stop - own.start
        output.division = self.division = RanksDivision(self._ranks, output.kernels)

    def pull(self, examples: Examples) -> Pull:
        """Return the sums over the whole minibatch. If a sum has a row for each word, it has only the rows of the words
        that this rank owns. ``words`` holds their numbers, counted from the first word that the rank owns."""
        self._check_alike()
        self.division.begin_step()
        self.is_gathered = False
        output, kernels = self.output, self.output.kernels
        examples, forward, route, F = self._fetched(examples, per_example=False)
        sums = pull_back(forward)
        X, G = (route.to_owners(part.take()) for part in (sums.X, sums.G))
        pulled, Z = self._pulled(sums, F, route)
        K, total_beta = kernels.gram(F, Z, symmetric=True), kernels.column_sums(F, pulled[:, 1])  # (5)
        K /= 2
        X_p = kernels.column_sums(X, output.sqrt_measure(route.words))
        K, total_beta, X_p, counts = self.division.totals(K, total_beta, X_p, self._counts(forward, examples))
        stops, wanted, bent, m, tokens, pairs, loss, weight = kernels.to_host(counts).tolist()
        self._share.stop.received = max(self._share.stop.received, int(stops > 0))
        self._gathers = stops > 0 or wanted > 0
        own = replace(
            sums,
            forward=_whole_minibatch(forward, output, route.words, int(m), loss),
            X=Once([X].pop),
            Z=Once([Z].pop),
            G=Once([G].pop),
            curvature=lambda: K,
            weights_gram=Once(lambda: kernels.gram(F, own.G())),
            pulled_beta=lambda: pulled[:, 1],
            total_beta=lambda: total_beta,
            X_p=lambda: X_p,
        )
        return Pull(
            words=route.words,
            tokens=int(tokens),
            pairs=pairs,
            loss=output.loss_sum(own),
            weight=weight,
            curvature=K if bent == 0 else K + self._bent(forward),
            mass=pulled[:, 0],
            sums=own,
            directions=lambda: self._directions(own),
        )

    def _pulled(self, sums: Sums, F: Array, route: "_Route") -> tuple[Array, Array]:
        """Return the mass and Cᵀβ in the first columns of a matrix, and Z, for own words with features F."""
        forward, kernels, columns = sums.forward, self.output.kernels, [sums.mass(), sums.pulled_beta()]
        if isinstance(forward.inputs, WindowInputs):
            return route.to_owners(kernels.xp.stack(columns, axis=1)), route.to_owners(sums.Z.take())
        # If inputs are rows, Z = diag(2α) F needs only the sums of α.
        pulled = route.to_owners(kernels.xp.stack([*columns, forward.terms.alpha], axis=1))
        return pulled, kernels.scale_rows(F, (2 * pulled[:, 2]).astype(F.dtype))

    def follow(self, pull: Pull, lr: float, remaining: float = 1.0) -> None:
        super().follow(pull, lr, remaining)
        if self._gathers:
            self.gather()

    def state(self) -> dict[str, Any]:
        """Return the state as that of one process; on rank 0, and if ``is_gathered`` is True, it is up to date."""
        host, whole = self.output.kernels.to_host, self._whole
        rows = {"E": host(whole.E), "mass": host(whole.mass), "output.V": host(whole.output.V)}
        return {**super().state(), **rows}

    def gather(self) -> None:
        """Send the rows of all ranks to rank 0. All ranks must call this method."""
        kernels = self.output.kernels
        for array in (self._whole.E, self._whole.output.V, self._whole.mass):
            on_host = kernels.to_host(array)
            self._ranks.collect(on_host, self._bounds)
            if on_host is not array and self._ranks.rank == 0:
                array[...] = kernels.to_device(on_host)
        self.is_gathered, self._share.wants_rows = True, False

    def _forward(self, examples: Examples, *, per_example: bool = True) -> tuple[Examples, Forward]:
        return self._fetched(examples, per_example=per_example)[:2]

    def _fetched(self, examples: Examples, *, per_example: bool) -> "tuple[Examples, Forward, _Route, Array]":
        """Return the forward pass for the examples of this rank, with the rows that their owners send, and the features
        of own words that readers asked for."""
        output, kernels, factors = self.output, self.output.kernels, self.output.factors
        route, p = _Route(self._ranks, kernels, examples.words, self._bounds), self._whole.output.sqrt_measure
        examples = kernels.place(examples)
        F = self._features(route.words)
        features = route.to_readers(F)
        W_T = route.to_readers(_own_rows(output, route.words, factors).take())
        rows = _Received(W_T, examples.targets, p(examples.words), factors, kernels)
        inputs = self._inputs(examples, features)
        return examples, output.forward(inputs, examples.targets, per_example=per_example, rows=rows), route, F

    def _counts(self, forward: Forward, examples: Examples) -> Array:
        """Return the numbers that are added up over all ranks: whether a signal has come, whether rank 0 needs all
        rows, and whether an α is negative, then the examples, tokens and pairs, the loss of the examples or of their
        targets, and Σ |α|."""
        terms, kernels = forward.terms, self.output.kernels
        loss = terms.of_targets if terms.losses is None else float(terms.losses.sum())
        asks = self._share.stop.received > 0, self._share.wants_rows, forward.bends is not terms.alpha
        return np.array(
            [*asks, forward.inputs.shape[0], examples.tokens, examples.pairs, loss, kernels.total(forward.bends)]
        )

    def _bent(self, forward: Forward) -> Array:
        """Return Hᵀ diag(|α| − α) H over all ranks: twice the part of the examples with a negative α."""
        return self.division.total(forward.inputs.gram(forward.bends - forward.terms.alpha))

    def _check_alike(self) -> None:
        """Raise WordsparseError on all ranks if their d×d states are no longer bitwise equal."""
        self.pulls += 1
        if self.pulls & (self.pulls - 1) and self.pulls % CHECKED:
            return
        checksum = 0
        for name, part in sorted(super().state().items()):
            if name not in ("E", "mass", "output.V"):
                checksum = zlib.crc32(np.ascontiguousarray(part).reshape(-1).view(np.uint8).data, checksum)
        checksums = self._ranks.gather(checksum.to_bytes(4, "big"))
        if len(set(checksums)) > 1:
            rank = next(i for i, other in enumerate(checksums) if other != checksums[0])
            message = (
                f"rank {rank} has computed different numbers from rank 0: their processors or libraries differ; set "
                "WORDSPARSE_ISA and OPENBLAS_CORETYPE to the same values on all hosts"
            )
            raise agreed(self._ranks, WordsparseError(message))


class _Route:
    """The way of the rows of a minibatch between their owners and their readers.

    ``words`` are the distinct words that readers ask of this rank, ascending, counted from the first word that this
    rank owns.
    """

    def __init__(self, ranks: Ranks, kernels: Kernels, read: Array, bounds: Array) -> None:
        self._ranks, self._kernels = ranks, kernels
        self._read = np.diff(np.searchsorted(read, bounds)).tolist()  # the number of words read from each owner
        self._asked = ranks.transposed(self._read)  # the number of own words that each reader reads
        ids = ranks.exchange(read[:, None], self._read, self._asked)[:, 0] - bounds[ranks.rank]
        words, place = np.unique(ids, return_inverse=True)
        ends = np.append(0, np.cumsum(np.bincount(place, minlength=words.size)))
        order = np.argsort(place, kind="stable").astype(np.int32)
        self._merged = kernels.place(Csr(ends, order, order.size))
        self.words, self._place = kernels.to_device(words), kernels.to_device(place)

    def to_readers(self, rows: Array) -> Array:
        """Send rows of ``words`` to all readers who asked for them. Return the rows of all words that this rank
        reads."""
        kernels = self._kernels
        asked = kernels.to_host(kernels.take(rows, self._place))
        return kernels.to_device(self._ranks.exchange(asked, self._asked, self._read))

    def to_owners(self, rows: Array) -> Array:
        """Send rows of all words that this rank reads. Return the sums over all readers of the rows of ``words``, added
        up in the order of the ranks."""
        kernels = self._kernels
        received = kernels.to_device(self._ranks.exchange(kernels.to_host(rows), self._read, self._asked))
        return kernels.combine(self._merged, kernels.xp.ones(received.shape[0], received.dtype), received)


class _Received(TargetRows):
    """Target rows W_T that were computed by their owners."""

    def __init__(self, W_T: Array, targets: Targets, p_T: Array, factors: Factors, kernels: Kernels) -> None:
        super().__init__(W_T, targets, p_T, factors, kernels)
        self._W_T = W_T


def _own_rows(output: ExactLayer, words: Array, factors: Factors) -> TargetRows:
    """Return the target rows of own ``words``, without examples."""
    xp = output.kernels.xp
    none = Csr(xp.zeros(1, np.int64), xp.zeros(0, np.int32), words.shape[0])
    targets = Targets(words, none, xp.zeros(0, output.dtype))
    return TargetRows(output.V, targets, output.sqrt_measure(words), factors, output.kernels)


def _whole_minibatch(local: Forward, output: ExactLayer, words: Array, examples: int, loss: float) -> Forward:
    """Return the forward pass of the whole minibatch for own ``words``, with zeros as inputs, since only their number
    matters. ``loss`` is the sum of the losses of all examples, or the part of the sum that their targets determine."""
    d, xp, rows = output.n_features, output.kernels.xp, _own_rows(output, words, local.factors)
    inputs = RowInputs(xp.broadcast_to(xp.zeros((1, d), output.dtype), (examples, d)), output.kernels)
    losses = None if local.terms.losses is None else np.array([loss])
    terms = LossSums(losses, xp.zeros(0), xp.zeros(0), xp.zeros(0, output.dtype), loss)
    targets = replace(local.targets, rows=words)  # an update reads no other part of the targets
    return replace(local, inputs=inputs, targets=targets, target_rows=rows, terms=terms, H_hat=None)
