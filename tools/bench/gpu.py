"""What needs a GPU: accuracy, rates, the layer at the papers' sizes, training, leaks; ``device=cpu`` tries it without.

python -m pytest -m gpu
python -m tools.bench GpuLayer GpuRates GpuAccuracy GpuTraining text=english.txt GpuLeaks -o gpu.json
"""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import cycle
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp

import wordsparse as ws
from tools.bench.layer import Batch, batches, flops_per_example, zipf_law
from tools.bench.runner import Benchmark, Row, once
from wordsparse.corpus import END_OF_SENTENCE, Vocabulary
from wordsparse.kernels import CpuKernels, Csr, Kernels
from wordsparse.layer import losses
from wordsparse.layer.inputs import RowInputs
from wordsparse.layer.interface import Targets
from wordsparse.layer.output import FactoredOutput
from wordsparse.layer.reference import DenseOutput
from wordsparse.machine.description import memory_bytes
from wordsparse.words.embedding import StepSizes, WordEmbedding
from wordsparse.words.examples import ExampleBuilder

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


def softmax_step(device: str, n_outputs: int, n_features: int, *, tf32: bool, compiled: bool) -> Callable[..., Any]:
    """A step ``(H, targets, lr) -> ∇H`` of the exact softmax in PyTorch, of NumPy arrays H (m, d) and targets (m,)."""
    import torch

    W, columns = torch.zeros((n_outputs, n_features), device=device), torch.arange(n_outputs, device=device)

    def gradient_by_logits(logits: Any, targets: Any) -> Any:
        return torch.softmax(logits, dim=1) - (columns == targets[:, None]).to(logits.dtype)

    by_logits = torch.compile(gradient_by_logits) if compiled else gradient_by_logits

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def step(H: Any, targets: Any, lr: float) -> Any:
        torch.backends.cuda.matmul.allow_tf32 = tf32  # of the process: the sides alternate
        H, targets = torch.from_numpy(H).to(device), torch.from_numpy(targets).to(device)
        gradient = by_logits(H @ W.T, targets)
        grad_h = gradient @ W
        W.addmm_(gradient.T, H, alpha=-lr)
        if device != "cpu":
            torch.cuda.synchronize()
        return grad_h

    step.W = W  # type: ignore[attr-defined]
    return step


@cache
def kernels_of(device: str) -> Kernels:
    """The kernels of a device."""
    if device != "cuda":
        return CpuKernels(1)
    from wordsparse.kernels.cuda import CudaKernels

    return CudaKernels()


@dataclass
class OnDevice(Benchmark):
    """What the subjects of this file share: the device, its kernels, waiting for it, and its memory."""

    device: str = "cuda"

    @property
    def kernels(self) -> Kernels:
        return kernels_of(self.device)

    def wait(self) -> None:
        """Wait until the device has finished all its work."""
        if self.device == "cuda":
            self.kernels.xp.cuda.get_current_stream().synchronize()

    def memory(self) -> int:
        """Bytes in use: on the device all but what CuPy's pool keeps free; on the CPU the resident memory."""
        if self.device != "cuda":
            return memory_bytes("VmRSS")
        free, total = self.kernels.xp.cuda.runtime.memGetInfo()
        return int(total - free - self.kernels.xp.get_default_memory_pool().free_bytes())

    def exact(self, layer: FactoredOutput, batch: Batch) -> Callable[[], object]:
        """The exact layer's step on inputs that are on the device; the targets' ids travel there in each step."""
        kernels = self.kernels
        H = kernels.to_device(batch.H)
        rows, local = np.unique(batch.targets, return_inverse=True)
        indptr, local = np.arange(batch.H.shape[0] + 1), local.astype(np.int32)

        def step() -> object:
            csr = Csr(kernels.to_device(indptr), kernels.to_device(local), rows.shape[0])
            y = kernels.xp.ones(local.shape[0], np.float32)
            inputs = RowInputs(H, kernels)
            sums = inputs.pull_back(layer.core.forward(inputs, Targets(kernels.to_device(rows), csr, y)))
            gradient = sums.gradient()
            layer.core.apply(layer.core.update(sums, batch.lr))
            self.wait()
            return gradient

        return step


@dataclass
class GpuLayer(OnDevice):
    """The exact layer beside the naive dense update and PyTorch's exact softmax, µs an example."""

    outputs: int = 793_471
    features: int = 300
    minibatch: Any = (128, 512, 1024, 4096)
    cases: ClassVar[tuple[str, ...]] = ("minibatch",)

    def setup(self) -> None:
        self.made = batches(self.minibatch, self.features, self.outputs)
        layer = FactoredOutput(self.outputs, self.features, "squared", kernels=self.kernels)
        self._exact = cycle([self.exact(layer, batch) for batch in self.made])
        self._dense = GpuNaiveDense(self.kernels.xp, self.outputs, self.features)
        self._on_device = cycle([(*map(self.kernels.to_device, (b.H, b.targets)), b.lr) for b in self.made])
        self._next = cycle(self.made)
        self._softmax: dict[tuple[bool, bool], Callable[..., Any]] = {}
        self.per = self.minibatch

    def time_exact(self) -> None:
        next(self._exact)()

    @once
    def time_dense(self) -> None:
        self._dense.step(*next(self._on_device))
        self.wait()

    @once
    def time_softmax(self) -> None:
        self._by_torch(tf32=False, compiled=False)

    @once
    def time_softmax_compiled_tf32(self) -> None:
        self._by_torch(tf32=True, compiled=self.device == "cuda")

    def _by_torch(self, *, tf32: bool, compiled: bool) -> None:
        if (tf32, compiled) not in self._softmax:
            step = softmax_step(self.device, self.outputs, self.features, tf32=tf32, compiled=compiled)
            self._softmax[tf32, compiled] = step
        batch = next(self._next)
        self._softmax[tf32, compiled](batch.H, batch.targets, batch.lr)

    def track_work(self) -> list[Row]:
        """Operations and bytes of a step for each example: three passes over rows of V, and the minibatch."""
        m, d = self.minibatch, self.features
        unique = float(np.mean([np.unique(batch.targets).size for batch in self.made]))
        return [{"flops": flops_per_example(m, unique, d), "bytes": 4 * d * (5 * unique / m + 8)}]


@dataclass
class GpuRates(OnDevice):
    """The device's float32 product (TF32 off) in GFLOP/s, and the memory that it reads and writes in GB/s."""

    size: int = 8192

    def track_rates(self) -> list[Row]:
        a = self.kernels.xp.asarray(np.random.default_rng(0).random((self.size, self.size), np.float32))
        b = a.copy()
        product, copied = self._best(lambda: a @ b), self._best(lambda: b.__setitem__(slice(None), a))
        return [{"sgemm_gflops": 2 * self.size**3 / product / 1e9, "copied_gb_per_second": 2 * a.nbytes / copied / 1e9}]

    def _best(self, call: Callable[[], object]) -> float:
        times = []
        for _ in range(6):
            start = time.perf_counter()
            call()
            self.wait()
            times.append(time.perf_counter() - start)
        return min(times[1:])


@dataclass
class GpuAccuracy(OnDevice):
    """Losses, gradients and W of ten float32 steps on the device beside the float64 oracle: largest relative errors."""

    loss: Any = tuple(losses.LOSSES)
    cases: ClassVar[tuple[str, ...]] = ("loss",)

    def track_error(self) -> list[Row]:
        random = np.random.default_rng(0)
        D, d, m = 2000, 64, 96
        start = 0.3 * random.standard_normal((D, d)).astype(np.float32)
        layer = FactoredOutput(D, d, self.loss, weights=start, kernels=self.kernels)
        dense, off = DenseOutput(start, self.loss), np.zeros(3)
        for _ in range(10):
            H = (random.standard_normal((m, d)) / np.sqrt(d)).astype(np.float32)
            columns = random.integers(0, D, 3 * m)
            Y = sp.csr_array((np.ones(3 * m, np.float32), columns, np.arange(0, 3 * m + 1, 3)), shape=(m, D))
            sides = (*layer.step(H, Y, 0.01), layer.weights()), (*dense.step(H, Y, 0.01), dense.W)
            errors = [
                float(np.abs(ours - exact).max() / np.abs(exact).max()) for ours, exact in zip(*sides, strict=True)
            ]
            off = np.maximum(off, errors)
        return [dict(zip(("losses", "gradient", "W"), map(float, off), strict=True))]


@dataclass
class GpuTraining(OnDevice):
    """One epoch on a text: tokens a second, and the scores of the vectors, beside the CPU's."""

    text: Path = Path("text.txt")
    model: Any = ("cbow", "skipgram")
    dim: int = 300
    min_count: int = 2
    cases: ClassVar[tuple[str, ...]] = ("model",)

    def track_training(self) -> list[Row]:
        rows = []
        with tempfile.TemporaryDirectory() as folder:
            encoded = Path(folder, "encoded")
            ws.encode(self.text, encoded, min_count=self.min_count)
            given = {"model": self.model, "dim": self.dim, "epochs": 1, "progress": False}
            for device in dict.fromkeys((self.device, "cpu")):
                if device == "cuda":  # kernels are compiled on first use
                    ws.train(encoded, device=device, max_tokens=1_000_000, **given)
                trained = ws.train(encoded, device=device, **given)
                found = ws.evaluate(trained)
                scores = {name: pair["spearman"] for name, pair in found["pairs"].items()}
                scores |= {name: one["accuracy"] for name, one in found["analogies"].items()}
                report = {name: trained.report[name] for name in ("threads", "vocab_size", "tokens_per_second")}
                rows.append({"device": device, **report, **scores})
        return rows


@dataclass
class GpuLeaks(OnDevice):
    """Memory in use by the device and the host at each tenth of the steps, whose sizes change: a pool has to cope.

    Steps of the layer, of CBOW and of skip-gram take turns.
    """

    steps: int = 10_000
    outputs: int = 50_000
    features: int = 100

    def track_memory(self) -> list[Row]:
        D, d, random = self.outputs, self.features, np.random.default_rng(0)
        layer = FactoredOutput(D, d, "bounded-ns", kernels=self.kernels)
        words, rows = RandomWords(self.kernels, min(D, 5000), d), []
        for i in range(self.steps):
            m = int(random.integers(1, 200))
            if i % 3 == 0:
                self.exact(layer, batches(m, d, D, seed=i)[0])()
            else:
                words.step("cbow" if i % 3 == 1 else "skipgram", 10 * m)
            if (i + 1) % max(self.steps // 10, 1) == 0:
                self.wait()
                rows.append({"step": i + 1, "device_bytes": self.memory(), "host_bytes": memory_bytes("VmRSS")})
        return rows


class RandomWords:
    """Word vectors of both models on a text of random words, frequent ones first."""

    def __init__(self, kernels: Kernels, vocab_size: int, dim: int) -> None:
        random, law = np.random.default_rng(1), zipf_law(vocab_size)
        self._ids = np.minimum(np.searchsorted(np.cumsum(law), random.random(100_000)), vocab_size - 1).astype(np.int32)
        self._ids[::30] = END_OF_SENTENCE
        counts = 1 + (self._ids.size * law).astype(np.int64)
        builder = ExampleBuilder(Vocabulary([f"w{i}" for i in range(vocab_size)], counts), window=5, sample=0.0, seed=1)
        self._build = {"cbow": builder.cbow, "skipgram": builder.skipgram}
        self._models = {
            model: WordEmbedding(
                FactoredOutput(vocab_size, dim + 1, "bounded-ns", counts**0.5, kernels=kernels).core,
                StepSizes(m0=100.0),
                seed=1,
            )
            for model in self._build
        }
        self._at = 0

    def step(self, model: str, tokens: int) -> None:
        """One minibatch of the next tokens, read in a ring."""
        self._at = self._at if self._at + tokens < self._ids.size else 0
        examples = self._build[model](self._ids, self._at, self._at + tokens, offset=0, epoch=0)
        self._models[model].step(examples, 0.1)
        self._at += tokens
