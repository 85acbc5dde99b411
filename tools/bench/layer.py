"""The exact layer W = V U: its time next to the dense update, its memory, and its accuracy over a million steps."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from itertools import cycle
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.linalg.blas import sgemm

from tools.bench.runner import Benchmark, Row, once
from wordsparse.layer.output import FactoredOutput
from wordsparse.layer.reference import DenseOutput
from wordsparse.machine.description import sgemm_gflops

Array = NDArray[Any]
FLOAT32 = np.dtype(np.float32)
# The number of rows of W that the dense step multiplies at a time: for minibatches of 128 and 1,024 examples, the
# fastest number from 512 to 65,536.
BLOCK_ROWS = 4096
# The minibatch sizes for which the dense update is timed. For larger minibatches, a dense step takes seconds.
DENSE = range(128, 1025)


class NaiveDense:
    """The dense update: outputs o = W h, squared error with one target output of 1 per example, W (D, d) in float32.

    Each block of outputs is finished before the next block, so that W is read from memory only once. The three products
    take 2 m D d operations each: O = H Wᵀ, then with ∂L/∂O = 2 (O − Y) ∇H += ∂L/∂O W and W ← W − lr (∂L/∂O)ᵀ H.
    """

    def __init__(self, n_outputs: int, n_features: int) -> None:
        # np.zeros would defer the allocation of memory to the first use, inside a timed step.
        self.W = np.full((n_outputs, n_features), 0, np.float32)

    def step(self, H: Array, targets: Array, lr: float) -> Array:
        """Take a gradient step; return ∇H (m, d) at the old weights."""
        H_t = H.T  # BLAS needs column order, which a transposed view has without a copy
        grad_t = np.zeros_like(H_t, order="F")
        for start in range(0, self.W.shape[0], BLOCK_ROWS):
            W_t = self.W[start : start + BLOCK_ROWS].T
            grad_o = sgemm(2.0, W_t, H_t, trans_a=1)  # (rows, m): 2 O
            (here,) = np.nonzero((targets >= start) & (targets < start + W_t.shape[1]))
            grad_o[targets[here] - start, here] -= 2
            grad_t = sgemm(1.0, W_t, grad_o, beta=1.0, c=grad_t, overwrite_c=1)
            sgemm(-lr, H_t, grad_o, trans_b=1, beta=1.0, c=W_t, overwrite_c=1)
        return np.ascontiguousarray(grad_t.T)


@dataclass(frozen=True)
class Batch:
    """A minibatch: H (m, d) float32 with rows of norm about 1; one target per example, also as a sparse matrix."""

    H: Array
    targets: Array
    Y: Any

    @property
    def lr(self) -> float:
        """The step size that shrinks W by 1/10 in the largest direction of H: 2 lr λmax(HᵀH) ≈ 0.1
        (Marchenko-Pastur)."""
        m, d = self.H.shape
        return 0.05 / (1 + math.sqrt(m / d)) ** 2


def zipf_law(D: int) -> Array:
    """Return probabilities of D outputs by Zipf's law, the most frequent output first."""
    law = 1 / np.arange(1.0, D + 1)
    return np.asarray(law / law.sum())


def batches(m: int, d: int, D: int, *, seed: int = 0) -> list[Batch]:
    """Draw several minibatches, so that timed steps do not repeat a single minibatch."""
    random, cumulative, minibatches = np.random.default_rng(seed), np.cumsum(zipf_law(D)), []
    for _ in range(max(2, min(8, 65_536 // m))):
        H = random.standard_normal((m, d), np.float32) / np.float32(math.sqrt(d))
        targets = np.minimum(np.searchsorted(cumulative, random.random(m)), D - 1)
        minibatches.append(Batch(H, targets, one_each(targets, D)))
    return minibatches


def one_each(targets: Array, D: int) -> Any:
    """Return targets (m,) as a sparse matrix (m, D) of ones."""
    m = len(targets)
    return sp.csr_array((np.ones(m, np.float32), targets, np.arange(m + 1)), shape=(m, D))


def flops_per_example(m: int, u: float, d: int) -> float:
    """Count the operations of an exact step per example, for m examples with u different targets, by the cheaper route.

    The forward pass computes Ĥ and W_T. The dense route adds the curvature, three products of ΓᵀH (one of them
    symmetric) and five d×d×d products; the low-rank route adds five m×d×d and four m×m×d products and an m×m inverse.
    """
    forward = 2 * d**2 * (1 + u / m)
    dense = d**2 * (1 + 5 * u / m) + 10 * d**3 / m
    low_rank = 10 * d**2 + 8 * m * d + 2 * m**2
    return forward + min(dense, low_rank)


@cache
def factored(D: int, d: int, loss: str, threads: int) -> FactoredOutput:
    """Make an exact layer, and write V so that V's memory is allocated now, not in a timed step."""
    layer = FactoredOutput(D, d, loss, threads=threads)
    layer.core.fold()
    return layer


dense_layer = cache(NaiveDense)


@dataclass
class Layer(Benchmark):
    """A step of the exact layer and of the naive dense update: µs per example, at the papers' sizes.

    The timed steps are too small to cause a fold, which multiplies V by U and resets U; ``Drift`` counts folds.
    """

    outputs: Any = (793_471,)
    features: Any = (300,)
    minibatch: Any = (32, 128, 512, 1024, 2048, 8192, 32_768)
    cases: ClassVar[tuple[str, ...]] = ("outputs", "features", "minibatch")

    def setup(self) -> None:
        self.made = batches(self.minibatch, self.features, self.outputs)
        self.per = self.minibatch
        self._next = cycle(self.made)

    def leaves_out(self, name: str) -> bool:
        """Exclude the dense update if a dense step takes seconds."""
        return name == "time_dense" and self.minibatch not in DENSE

    @once
    def time_dense(self) -> None:
        batch = next(self._next)
        dense_layer(self.outputs, self.features).step(batch.H, batch.targets, batch.lr)

    def time_squared(self) -> None:
        self._step("squared")

    def time_bounded_ns(self) -> None:
        self._step("bounded-ns")

    def _step(self, loss: str) -> None:
        batch = next(self._next)
        factored(self.outputs, self.features, loss, self.threads).step(batch.H, batch.Y, batch.lr / 10)

    def track_floor_us(self) -> float:
        """Return the time that the operations of a step would take at the rate of float32 products in BLAS."""
        unique = float(np.mean([np.unique(batch.targets).size for batch in self.made]))
        return flops_per_example(self.minibatch, unique, self.features) / sgemm_gflops(2048) / 1e3


class Stream:
    """A stream of examples (h, c): h = B Λ^½ (code_c + noise) / √2, with codes and noise normal, c by Zipf's law.

    The stream is stationary, and makes the condition number of U grow quickly: the covariance of h has eigenvalues from
    1 to 1e-3 in a random basis. The last hundredth of the outputs is never drawn.
    """

    def __init__(self, D: int, d: int, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        basis, _ = np.linalg.qr(self._random.standard_normal((d, d)))
        self._spread = np.sqrt(np.geomspace(1, 1e-3, d))[:, None] * basis.T / math.sqrt(2)
        self._codes = self._random.standard_normal((D, d), np.float32)
        self.drawn = D - max(1, D // 100)
        self._cumulative = np.cumsum(zipf_law(self.drawn))

    def minibatches(self, m: int, steps: int) -> Iterator[tuple[Array, Array]]:
        """Yield H (m, d) float32 and targets (m,) int64 for each step. Examples are drawn for many steps at a time."""
        at_once = max(1, 8192 // m)
        for start in range(0, steps, at_once):
            count = min(at_once, steps - start)
            targets = np.searchsorted(self._cumulative, self._random.random(count * m))
            targets = np.minimum(targets, self.drawn - 1)
            noise = self._random.standard_normal((count * m, self._codes.shape[1]), np.float32)
            H = ((self._codes[targets] + noise) @ self._spread).astype(np.float32)
            yield from zip(H.reshape(count, m, -1), targets.reshape(count, m), strict=True)


class Shadow:
    """Some rows of W in the dense float64 reference: rows that are drawn often, sometimes, and never."""

    def __init__(self, layer: FactoredOutput, drawn: int, random: np.random.Generator) -> None:
        often = min(64, drawn // 2)
        ranges = ((0, often, 64), (often, drawn, 128), (drawn, layer.n_outputs, 64))
        chosen = [first + random.permutation(last - first)[:count] for first, last, count in ranges]
        self.rows = np.concatenate(chosen)
        self.dense = DenseOutput(exact_rows(layer, self.rows))

    def step(self, H: Array, Y: Any, lr: float) -> None:
        """Take the dense step of squared error in these rows."""
        self.dense.step(H, Y[:, self.rows], lr)

    def error(self, layer: FactoredOutput) -> float:
        """Return the largest relative error of the layer in these rows."""
        off = np.linalg.norm(exact_rows(layer, self.rows) - self.dense.W, axis=1)
        return float((off / np.linalg.norm(self.dense.W, axis=1)).max())


def exact_rows(layer: FactoredOutput, rows: Array | slice) -> Array:
    """Return the layer's W[rows], computed from its factors in float64."""
    return np.asarray(layer.core.V[rows].astype(np.float64) @ layer.core.factors.U + layer.core.factors.omega)


def q_error(layer: FactoredOutput) -> float:
    """Return ‖Q − WᵀW‖ / ‖WᵀW‖ (Frobenius), with WᵀW over all rows in float64."""
    Q = np.zeros_like(layer.core.factors.Q)
    for start in range(0, layer.n_outputs, 8192):
        W = exact_rows(layer, slice(start, start + 8192))
        Q += W.T @ W
    return float(np.linalg.norm(layer.core.factors.Q - Q) / np.linalg.norm(Q))


@dataclass
class Drift(Benchmark):
    """The largest relative errors of the float32 layer over many steps, compared with a float64 shadow of 256 rows.

    With squared error, the step of a row of W depends on this row only, so the shadow takes dense steps without other
    rows. Errors are measured some fifty times. ``rate`` is the step size on the mean loss. A step with 2 rate ‖h‖² = 1
    is singular; ‖h‖² is about 9.
    """

    minibatch: Any = (1, 32, 128)
    steps: int = 1_000_000  # with minibatches of several examples, a tenth of it
    outputs: int = 100_000
    features: int = 64
    rate: float = 0.01
    seed: int = 0
    cases: ClassVar[tuple[str, ...]] = ("minibatch",)

    def track_drift(self) -> list[Row]:
        stream, random = Stream(self.outputs, self.features, self.seed), np.random.default_rng(self.seed + 1)
        weights = 0.01 * random.standard_normal((self.outputs, self.features), np.float32)
        layer = FactoredOutput(self.outputs, self.features, weights=weights, threads=self.threads)
        shadow = Shadow(layer, stream.drawn, random)
        steps = self.steps if self.minibatch == 1 else self.steps // 10
        due = {k * 10**e for e in range(9) for k in (1, 2, 5)} | {steps * i // 20 for i in range(1, 21)}
        worst, lr = np.zeros(2), self.rate / self.minibatch
        for step, (H, targets) in enumerate(stream.minibatches(self.minibatch, steps), 1):
            Y = one_each(targets, self.outputs)
            layer.step(H, Y, lr)
            shadow.step(H, Y, lr)
            if step in due:
                worst = np.maximum(worst, (shadow.error(layer), q_error(layer)))
        return [{"steps": steps, "worst_row": worst[0], "worst_Q": worst[1], "folds": layer.core.folds}]


@dataclass
class Torch(Benchmark):
    """One step of PyTorch's dense output layer and of ``FactoredOutput``, on any device, in µs per example. With
    ``top=10``, the search for the ten largest outputs is timed instead of a step.
    """

    device: str = "cpu"
    outputs: int = 200_000
    features: Any = (300,)
    minibatch: Any = (256,)
    top: int = 0
    cases: ClassVar[tuple[str, ...]] = ("features", "minibatch")
    rounds: ClassVar[int] = 3

    def setup(self) -> None:
        import torch

        import wordsparse.torch

        torch.set_num_threads(self.threads)
        random = np.random.default_rng(0)
        rows = random.standard_normal((self.minibatch, self.features)) / self.features**0.5
        self.h = torch.tensor(rows, dtype=torch.float32, requires_grad=True, device=self.device)
        self.ids = torch.tensor(random.integers(0, self.outputs, self.minibatch), device=self.device)
        self.dense = torch.nn.Linear(self.features, self.outputs, bias=False, device=self.device)
        self.exact = wordsparse.torch.FactoredOutput(
            self.features, self.outputs, loss="bounded-ns", lr=0.1, weights=self.dense.weight if self.top else None
        )
        self.optimizer = torch.optim.SGD(self.dense.parameters(), lr=0.1)
        self.softmax = torch.nn.functional.cross_entropy
        self.bounded_ns = partial(bounded_ns, torch.nn.functional.softplus)
        self.per = self.minibatch
        if self.top:
            self.time_exact()
            self.h.requires_grad = False

    def leaves_out(self, name: str) -> bool:
        """Exclude the benchmarks of steps if ``top`` is given, and otherwise the benchmarks of the search for largest
        outputs."""
        return ("top" in name) != bool(self.top)

    def time_top_exact(self) -> None:
        self.exact.top(self.h, self.top)

    def time_top_dense(self) -> None:
        import torch

        with torch.no_grad():
            self.dense(self.h).topk(self.top).values[0, 0].item()

    def time_exact(self) -> None:
        self.exact(self.h, self.ids).backward()

    @once
    def time_dense_same_loss(self) -> None:
        self._dense(self.bounded_ns)

    @once
    def time_dense_cross_entropy(self) -> None:
        """Time softmax cross-entropy, which is a different loss: only the times can be compared, not the losses."""
        self._dense(self.softmax)

    def _dense(self, loss: Callable[..., Any]) -> None:
        self.optimizer.zero_grad()
        loss(self.dense(self.h), self.ids).backward()
        self.optimizer.step()
        self.dense.weight[0, 0].item()  # waits for the device


def bounded_ns(softplus: Callable[..., Any], o: Any, ids: Any, k: float = 5.0) -> Any:
    """Compute the loss ``bounded-ns`` from all outputs o (m, D)."""
    D = o.shape[1]
    negative = k * (math.log(2) + o.sum(1) / (2 * D) + (o * o).sum(1) / (8 * D))
    return (softplus(-o.gather(1, ids[:, None])[:, 0]) + negative).mean()
