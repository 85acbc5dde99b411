"""In-batch cross-entropy with log Q, one Adagrad rate per row of W, and steps that move only the minibatch's rows.

The outputs are logits o = W h + log Q, where Q are the shares of the classes among targets. A minibatch of n targets
contains class i with the probability Pᵢ = 1 − (1 − Qᵢ)ⁿ. If S are the classes in the minibatch, Σ_{i∈S} exp(oᵢ)/Pᵢ has
the expectation Σᵢ exp(oᵢ) over all D classes (Horvitz & Thompson, 1952), so that

    ℓ_j = Σ_k y_jk (log Z_j − o_jk),    Z_j = Σ_{i∈S} exp(o_ji − log Pᵢ)

estimates the cross-entropy over all classes. Its gradient is that of the softmax over S, whose logits are corrected by
−log P (Bengio & Senécal, 2008; Yi et al., RecSys 2019).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.special import logsumexp
from torch import Tensor

from wordsparse import validation
from wordsparse.errors import InputError, TrainingError
from wordsparse.kernels import kernels_on
from wordsparse.layer.guard import Guard, one_at_a_time
from wordsparse.machine import memory
from wordsparse.torch.engine import Engine, Gradients, Minibatch, Pass, StepOptions, summed
from wordsparse.torch.head import ELSEWHERE, REAL, Head
from wordsparse.torch.targets import host, is_whole
from wordsparse.types import Array

# The number added to the count of every class, so that log Q is finite.
UNSEEN = 0.1
# The standard deviation of initial weights.
NOISE = 0.02
# The mean number of targets per class that a linear layer with a bias is said to have seen.
COUNTS_OF_LINEAR = 1_000_000
# The number of rows of W that are read at a time if all of W is needed.
BLOCK_ROWS = 4096
# Given counts, the rate of a row is multiplied by 1 + RARE_RATE / √count, because rows of rare classes take few steps.
RARE_RATE = 2.0
# The maximum of the learning rate. No number in a row moves by more than 3 √d times the rate, so weights stay finite.
MOST_RATE = 1e12
NO_DECAY = "only rows of the minibatch's classes move, so no weights decay"
NO_NEGATIVES = "the classes of the minibatch are the sample: leave the argument out, or take larger minibatches"
# NumPy's warnings are off, because overflow is detected in the results.
quiet = np.errstate(over="ignore", invalid="ignore")
# The parts of the state; no part but W has negative numbers.
STATE = ("W", "row_squares", "counts", "total")


@dataclass(frozen=True)
class Softmax:
    """The softmax over the classes S in a minibatch: S (u,), their rows of W (u, d), their probabilities p (m, u), and
    the columns of the targets."""

    classes: Array
    W: Array
    p: Array
    columns: Array


class SampledEngine(Engine):
    """The engine of a layer with W (D, d), ``counts`` (D,) float64 and, for every row, a rate of Adagrad.

    With ``counts``, rare classes have a larger rate. Without ``counts``, the counts are those of all targets trained on
    so far.
    """

    def __init__(self, W: Array, counts: Array | None, threads: int) -> None:
        super().__init__(W.shape[0], W.shape[1], W.dtype, Guard(), bias=True)
        self.kernels, self.W, self.counts_targets = kernels_on("cpu", threads), W, counts is None
        self.counts = np.zeros(self.n_outputs) if counts is None else counts
        self.total = np.asarray(self.counts.sum(dtype=np.float64))

    @quiet
    def forward(self, minibatch: Minibatch) -> Pass:
        with self.guard.held("forward"):
            S, columns = np.unique(minibatch.ids, return_inverse=True)
            W, Q, rows = self.kernels.take(self.W, S), self._shares(S), minibatch.rows
            log_Q, log_P = np.log(Q), np.log(-np.expm1(len(columns) * _log_absent(Q)))
            o = self.kernels.matmul(minibatch.H, W.T)
            own = o[rows, columns]  # a copy: the next line overwrites o
            log_sums = self.kernels.softmax(o, (log_Q - log_P).astype(self.dtype))
            log_shares = own + log_Q[columns] - log_sums[rows]
            losses = np.bincount(rows, -log_shares * minibatch.weights, len(o)).astype(np.float64)
            return Pass(minibatch, losses, self.version, Softmax(S, W, o, columns))

    @quiet
    def gradient(self, forward: Pass, g: Array, version: int, onto: Gradients | None) -> Array:
        with self.guard.held("backward"):
            self._check(version)
            minibatch, softmax = forward.minibatch, forward.results
            rows, y, u = minibatch.rows, minibatch.weights, len(softmax.classes)
            by_output = softmax.p * (g * np.bincount(rows, y, len(g))).astype(self.dtype)[:, None]
            # The weights of repeated targets are added as those of their row are. If S has one class, the gradient is
            # therefore 0, and no rounding error, which Adagrad would scale to a full step.
            places, repeated = np.unique(rows * u + softmax.columns, return_inverse=True)
            distinct, columns = np.divmod(places, max(u, 1))
            by_output[distinct, columns] -= (g[distinct] * np.bincount(repeated, y)).astype(self.dtype)
            if onto is not None:
                onto.add(minibatch, g)
                onto.rows.append((softmax.classes, self.kernels.gram(by_output, minibatch.H)))
                onto.versions.add(version)
            return self.kernels.matmul(by_output, softmax.W)

    @quiet
    def _take_step(self, gradients: Gradients, step: StepOptions) -> None:
        if step.weight_decay:
            raise InputError(f"weight_decay must be 0, not {step.weight_decay}: {NO_DECAY}")
        if step.lr > MOST_RATE:
            raise TrainingError(f"a learning rate of {step.lr:g} could give infinite weights: lower the rate")
        rows, total = summed(gradients.rows, self.W.shape[1])
        squares = self._squares_with(rows, total)
        rate = -step.lr / np.sqrt(np.where(squares > 0, squares, 1))
        if not self.counts_targets:
            rate *= 1 + RARE_RATE / np.sqrt(np.maximum(self.counts[rows], 1), dtype=np.float64)
        self.kernels.add_rows(self.W, rows, total.astype(self.dtype, copy=False), rate.astype(self.dtype))
        self.row_squares[rows] = squares
        if self.counts_targets:
            for minibatch, _ in gradients.minibatches:
                np.add.at(self.counts, minibatch.ids, 1)
                self.total += len(minibatch.ids)

    @one_at_a_time
    def log_prob(self, H: Array, ids: Array) -> Array:
        """Return the log probabilities (m, K) float64 of the classes ids (m, K), for the softmax over all outputs."""
        ids = validation.output_rows(ids.ravel(), self.n_outputs, "ids").reshape(ids.shape)
        H, own = self._inputs(H), np.full(ids.shape, -np.inf)
        log_sums = np.full((len(H), 1), -np.inf)
        for start in range(0, self.n_outputs, BLOCK_ROWS):
            block = slice(start, min(start + BLOCK_ROWS, self.n_outputs))
            o = next(self._outputs(H, [block])).astype(np.float64)
            log_sums = np.logaddexp(log_sums, logsumexp(o, axis=1, keepdims=True))
            row, column = np.nonzero((ids >= block.start) & (ids < block.stop))
            own[row, column] = o[row, ids[row, column] - start]
        return own - log_sums

    def state(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in STATE}

    def check_state(self, state: Mapping[str, Array], prefix: str) -> None:
        for name in STATE[1:]:
            if (state[name] < 0).any():
                raise InputError(f"{prefix}{name} holds a negative number: load another state")

    def restore(self, state: Mapping[str, Array]) -> None:
        for name in STATE:
            getattr(self, name)[...] = state[name]
        self.version += 1

    def _rows(self, ids: Any) -> Array:
        return np.column_stack([self.W[ids], np.log(self._shares(ids)).astype(self.dtype)])

    def _outputs(self, H: Array, blocks: Iterable[Any]) -> Iterator[Array]:
        """Yield the outputs H W[rows]ᵀ + log Q (m, n) for each block of rows."""
        for rows in blocks:
            W = self.W[rows]
            # For one example, BLAS is fastest, because it reads W at full memory bandwidth.
            o = H @ W.T if len(H) == 1 else self.kernels.matmul(H, W.T)
            o += np.log(self._shares(rows)).astype(self.dtype)
            yield o

    def _shares(self, ids: Array | slice) -> Array:
        """Return Q of these classes, float64."""
        shares: Array = (self.counts[ids] + np.float64(UNSEEN)) / (self.total + UNSEEN * self.n_outputs)
        return shares


def _log_absent(share: Any) -> Any:
    """Return log(1 − share), the log probability that a class with this share is not drawn, or a finite number if the
    share is 1."""
    return np.log1p(-np.minimum(share, 1 - np.finfo(np.float64).epsneg))


class SampledOutput(Head):
    """An output layer over D classes with in-batch cross-entropy, for networks with one target per example.

    The outputs are logits o = W h + log Q, where Q are the shares of the classes among targets. The loss estimates the
    cross-entropy over all D classes from the classes in the minibatch. Each class is weighted by the inverse of the
    probability that it is in the minibatch. In training mode, the backward pass ends with a step of Adagrad, with one
    rate per row, and moves only rows of the minibatch's classes. W is a buffer, not a parameter. Methods, targets and
    refusals are those of :class:`FactoredOutput`.

    Parameters
    ----------
    in_features : int
        d, the size of h.
    num_classes : int
        D.
    counts : (D,) array of non-negative numbers, optional
        How often each class is a target in the training data. By default, the layer counts the targets that it trains
        on. With counts, the rate of a class with n targets is multiplied by 1 + 2/√n.
    lr : float
        The rate of Adagrad. In the first step of a row, its change has the root mean square ``lr``, whatever the scale
        of the loss.
    reduction, ignore_index, fused, dtype
        As for :class:`FactoredOutput`.
    seed, weights
        The seed of the initial weights; or initial weights (D, d).

    Attributes
    ----------
    fused_optimizer, grad_scaler
        As for :class:`FactoredOutput`.

    Raises
    ------
    InputError
        If an argument is invalid, or there is too little memory.

    Notes
    -----
    The layer needs memory for D·(d + 3) float32 numbers. With several targets per example, the loss is the sum of the
    losses of the targets, but the exact layer usually ranks better then (docs/torch.md).

    Examples
    --------
    >>> import torch
    >>> from wordsparse.torch import SampledOutput
    >>> head = SampledOutput(8, 100_000)
    >>> head(torch.randn(4, 8, requires_grad=True), torch.tensor([3, 14159, 26, 99_999])).backward()
    >>> head.top(torch.randn(4, 8), 3).indices.shape
    torch.Size([4, 3])
    """

    _elsewhere = ELSEWHERE | {
        "loss": "the loss is in-batch cross-entropy; FactoredOutput has other losses",
        "bias": "log Q is the bias: leave the argument out, or give counts=",
        "weightdecay": f"{NO_DECAY}: leave the argument out",
        **dict.fromkeys(("basemeasure", "classcounts", "frequencies", "prior"), "counts"),
        **dict.fromkeys(("negatives", "numsampled", "nsampled", "numnegatives"), NO_NEGATIVES),
    }

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        *,
        counts: Any = None,
        reduction: str = "mean",
        ignore_index: int = -100,
        lr: float = 0.1,
        fused: bool = True,
        dtype: torch.dtype = torch.float32,
        seed: int = 0,
        weights: Any = None,
    ) -> None:
        lr = validation.non_negative("lr", lr)
        super().__init__(in_features, num_classes, reduction, ignore_index, lr, dtype, fused=fused, bias=True)
        D, d, real = self.num_classes, self.in_features, np.dtype(REAL[dtype])
        memory.check(D * (d * real.itemsize + 12), f"a layer of {D:,} outputs and {d:,} features")
        counts = None if counts is None else validation.counts("counts", host(counts), D)
        if weights is None:
            W = np.random.default_rng(validation.whole("seed", seed)).standard_normal((D, d), real)
            W *= NOISE
        else:
            W = validation.matrix("weights", host(weights), d, real).copy()
            if len(W) != D:
                raise InputError(f"weights must have shape {(D, d)}, not {W.shape}")
        self._start(SampledEngine(W, counts, torch.get_num_threads()))

    @torch.no_grad()
    def log_prob(self, input: Tensor, ids: Tensor) -> Tensor:
        """Return log probabilities of classes, of the softmax over all D outputs, at O(D d) per example. No gradient
        flows through them.

        Parameters
        ----------
        input : (m, in_features) tensor
            h.
        ids : (m,) or (m, K) tensor of integers
            Classes, for example ``head.top(h, K).indices``.

        Returns
        -------
        torch.Tensor
            log p of each class, of the shape of ids, in the working precision.

        Raises
        ------
        InputError
            If shapes do not agree, or an id is out of range.
        """
        m = self._checked(input).shape[0]
        if not is_whole(ids) or ids.shape[:1] != (m,) or ids.ndim > 2:
            raise InputError(f"ids must be a tensor of integers of shape ({m},) or ({m}, any)")
        (log_p,) = self._results("log_prob", input, ids.reshape(m, -1))
        return log_p.to(ids.device, self.dtype).view_as(ids)

    @classmethod
    def _of_linear(cls, weights: Tensor, bias: Tensor | None) -> dict[str, Any]:
        counts = None if bias is None else torch.softmax(bias.double(), 0) * (COUNTS_OF_LINEAR * len(bias))
        return {"weights": weights, "counts": counts}
