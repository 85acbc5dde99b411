"""Benchmarks for a GPU: accuracy, rates, the layer at the papers' sizes, training, leaks. ``device=cpu`` tests this
code.

python -m pytest -m gpu
python -m tools.bench GpuLayer GpuRates GpuAccuracy GpuTraining text=english.txt GpuLeaks Torch device=cuda -o gpu.json
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from itertools import cycle
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp

import wordsparse as ws
from tools.bench.layer import Batch, batches, zipf_law
from tools.bench.runner import Benchmark, Row, once
from tools.bench.words import scores_of
from wordsparse.kernels import Kernels, kernels_on
from wordsparse.layer import losses
from wordsparse.layer.output import FactoredOutput
from wordsparse.layer.reference import DenseOutput
from wordsparse.machine.description import memory_bytes

# The number of outputs (m × rows) that the naive step computes at a time: 1 GiB in float32.
BLOCK_OUTPUTS = 2**28
kernels_of = cache(kernels_on)


def dense_step(xp: Any, W: Any, batch: Batch) -> Any:
    """Take the naive dense step with squared error, by cuBLAS (or NumPy): 6 m D d operations update all of W (D, d).
    Return ∇H (m, d) at the old weights. ``batch`` is on the device."""
    H, targets, rows = batch.H, batch.targets, BLOCK_OUTPUTS // len(batch.H)
    grad_h = xp.zeros_like(H)
    for start in range(0, len(W), rows):
        block = W[start : start + rows]
        grad_o = H @ block.T
        here = xp.flatnonzero((targets >= start) & (targets < start + rows))
        grad_o[here, targets[here] - start] -= 1
        grad_h += grad_o @ block
        block -= (2 * batch.lr) * (grad_o.T @ H)
    return 2 * grad_h


@dataclass
class OnDevice(Benchmark):
    """A benchmark on a device, with the device's kernels, the memory in use, and a method that waits for the device."""

    device: str = "cuda"

    @property
    def kernels(self) -> Kernels:
        return kernels_of(self.device, 1)

    def wait(self) -> None:
        """Wait until the device has finished all its work."""
        if self.device == "cuda":
            self.kernels.xp.cuda.get_current_stream().synchronize()

    def memory(self) -> int:
        """Return the bytes in use: on a GPU, excluding free blocks of CuPy's pool; on the CPU, the resident memory."""
        if self.device != "cuda":
            return memory_bytes("VmRSS")
        free, total = self.kernels.xp.cuda.runtime.memGetInfo()
        return int(total - free - self.kernels.xp.get_default_memory_pool().free_bytes())


@dataclass
class GpuLayer(OnDevice):
    """The exact layer and the naive dense update, in µs per example. ``Torch`` measures PyTorch's layers."""

    outputs: int = 793_471
    features: int = 300
    minibatch: Any = (128, 512, 1024, 4096)
    cases: ClassVar[tuple[str, ...]] = ("minibatch",)

    def setup(self) -> None:
        self.layer = FactoredOutput(self.outputs, self.features, "squared", kernels=self.kernels)
        self.W, self.per = self.kernels.xp.zeros((self.outputs, self.features), np.float32), self.minibatch
        there = self.kernels.to_device
        made = batches(self.minibatch, self.features, self.outputs)
        self.next = cycle([replace(batch, H=there(batch.H), targets=there(batch.targets)) for batch in made])

    def time_exact(self) -> None:
        batch = next(self.next)
        self.layer.step(batch.H, batch.Y, batch.lr)  # copies the targets Y to the device
        self.wait()

    @once
    def time_dense(self) -> None:
        dense_step(self.kernels.xp, self.W, next(self.next))
        self.wait()


@dataclass
class GpuRates(OnDevice):
    """The rate of float32 products (without TF32) in GFLOP/s, and the memory bandwidth of reads and writes in GB/s."""

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
    """The largest relative errors of losses, gradients and W in ten float32 steps, against dense float64 steps."""

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
    """One epoch on a text, on the device and on the CPU: tokens per second, and scores of the vectors."""

    text: Path = Path("text.txt")
    model: Any = ("cbow", "skipgram")
    dim: int = 300
    min_count: int = 2
    cases: ClassVar[tuple[str, ...]] = ("model",)

    def track_training(self) -> list[Row]:
        rows, options = [], {"model": self.model, "dim": self.dim, "epochs": 1, "progress": False}
        for device in dict.fromkeys((self.device, "cpu")):
            options |= {"device": device, "min_count": self.min_count}
            if device == "cuda":  # compile the kernels before the timed run
                ws.train(self.text, max_tokens=1_000_000, **options)
            trained = ws.train(self.text, **options)
            report = {name: trained.report[name] for name in ("threads", "vocab_size", "tokens_per_second")}
            rows.append({"device": device, **report, **scores_of(trained)})
        return rows


@dataclass
class GpuLeaks(OnDevice):
    """Memory in use on the device and the host after each tenth of the work. Without leaks, this memory does not grow.

    Each tenth consists of a tenth of the layer's ``steps``, with minibatches of many sizes, and of one training run per
    model on random words.
    """

    steps: int = 10_000
    outputs: int = 50_000
    features: int = 100

    def track_memory(self) -> list[Row]:
        D, d, random, rows = self.outputs, self.features, np.random.default_rng(0), list[Row]()
        layer = FactoredOutput(D, d, "bounded-ns", kernels=self.kernels)
        words = np.searchsorted(np.cumsum(zipf_law(5000)), random.random((3000, 30)))
        text = [[f"w{word}" for word in line] for line in words.tolist()]
        for tenth in range(10):
            for i in range(self.steps // 10):
                batch = batches(int(random.integers(1, 200)), d, D, seed=i)[0]
                layer.step(self.kernels.to_device(batch.H), batch.Y, batch.lr)
            for model in ("cbow", "skipgram"):
                sentences = text[: random.integers(1000, 3000)]
                ws.train(sentences, model=model, dim=d, device=self.device, epochs=1, min_count=1, progress=False)
            self.wait()
            rows.append({"tenth": tenth + 1, "device_bytes": self.memory(), "host_bytes": memory_bytes("VmRSS")})
        return rows
