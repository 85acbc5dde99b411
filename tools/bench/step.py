"""The time of one training step, kernel by kernel, on real minibatches of a text.

``share`` is a product's rate over the rate at which this machine multiplies square float32 matrices in the same run, on
one thread, times the threads; a symmetric product counts half of its flops. What is left of a step is NumPy's: with
the kernels that run on one thread, the part of a step that threads do not share. A fold of V is timed by itself, and is
part of no step here.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tools.bench.runner import Benchmark, Row, once
from wordsparse.corpus import encode
from wordsparse.kernels import CpuKernels
from wordsparse.layer.factors import FOLD_CONDITION
from wordsparse.machine.description import sgemm_gflops
from wordsparse.machine.threads import single_threaded_blas
from wordsparse.training.loop import Run
from wordsparse.words.options import Options
from wordsparse.words.recipe import recommended

Array = NDArray[Any]

# Epochs of the schedule: in the last one, minibatches have their full size.
EPOCHS = 100
# The flops of a product, from its arguments and its result.
PRODUCTS: dict[str, Callable[..., float]] = {
    "matmul": lambda result, a, m, out=None: 2.0 * a.size * m.shape[1],
    "matmul_in_place": lambda result, a, m: 2.0 * a.size * m.shape[1],
    "matmul_rows": lambda result, matrix, rows, m, last=None: 2.0 * rows.size * m.size,
    "transform": lambda out, matrix, m, last=None: 2.0 * matrix.shape[0] * m.size,
    "gram": lambda out, a, b=None, symmetric=False: (
        (1.0 if b is None or symmetric else 2.0) * a.size * (a if b is None else b).shape[1]
    ),
    "gram_change": lambda out, matrix, rows, change: 2.0 * change.size * change.shape[1],
    "plus_gram": lambda out, matrix, a, b, *factors, **symmetric: 2.0 * a.size * b.shape[1],
    "weighted_gram": lambda out, a, weights: 1.0 * a.size * a.shape[1],
}
OTHERS = (
    *("take", "add_rows", "transpose", "pair_dots", "combine", "row_dots", "sum_rows", "target_terms", "inverse"),
    *("window_dots", "window_sums", "window_pull", "scale_columns", "scale_rows", "column_sums"),
)
# Parts that one thread does: of their wall time, since other threads may look for work meanwhile.
ON_ONE_THREAD = "inverse", "transpose", "the rest"


class Watched(CpuKernels):
    """Kernels that add up their calls: name → wall s, CPU s, flops."""

    def __init__(self, threads: int) -> None:
        super().__init__(threads, bfloat16=True)
        self.account: dict[str, Array] = {}
        for name in (*PRODUCTS, *OTHERS):
            setattr(self, name, self._watched(name, getattr(self, name)))

    def _watched(self, name: str, kernel: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            start = times()
            result = kernel(*args, **options)
            spent = times() - start
            flops = PRODUCTS[name](result, *args, **options) if name in PRODUCTS else 0.0
            self.account[name] = self.account.get(name, np.zeros(3)) + np.array([*spent, flops])
            return result

        return call


def times() -> Array:
    """Wall and CPU time, in seconds."""
    return np.array([time.perf_counter(), time.process_time()])


@contextmanager
def without_folds() -> Iterator[None]:
    """V takes U in at no step. It would at every third of these, the first ones of a run; in a whole one it is rare."""
    limits = dict(FOLD_CONDITION)
    FOLD_CONDITION.update(dict.fromkeys(limits, np.inf))
    try:
        yield
    finally:
        FOLD_CONDITION.update(limits)


@dataclass
class Step(Benchmark):
    """The parts of a training step on a text, and tokens a second of whole steps."""

    text: Path = Path("text.txt")
    model: Any = ("cbow", "skipgram")
    dim: Any = (300,)
    vocabulary: Any = (0,)  # the most frequent words only; 0: all that occur twice
    batch_tokens: Any = (0,)  # 0: as large as the model's grow
    steps: int = 8
    cases: ClassVar[tuple[str, ...]] = ("model", "dim", "vocabulary", "batch_tokens")
    rounds: ClassVar[int] = 3

    def setup(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        kept = {"max_vocab": self.vocabulary} if self.vocabulary else {"min_count": 2}
        corpus = encode(self.text, Path(self._folder.name, "encoded"), **kept)
        size = self.batch_tokens or recommended(self.model, "bounded-ns").batch_tokens
        options = Options(
            model=self.model,
            dim=self.dim,
            threads=self.threads,
            batch_tokens=size,
            epochs=EPOCHS,
            max_tokens=min(corpus.tokens, (self.steps + 2) * size),
        )
        self.run = Run(corpus, options)
        self.made = [examples for _, examples in self.run.examples(EPOCHS - 1)]
        self.lr = options.used_recipe().steps.lr / 2  # as in the middle of a run
        self.per = sum(examples.tokens for examples in self.made)

    def teardown(self) -> None:
        self._folder.cleanup()

    @once
    def time_token(self) -> None:
        with single_threaded_blas(), without_folds():
            for examples in self.made:
                self.run.embedding.step(examples, self.lr)

    def track_parts(self) -> list[Row]:
        """Each kernel, per step; the whole step; and a fold."""
        embedding, made = self.run.embedding, self.made
        kernels = Watched(self.run.threads)
        embedding.output.kernels = kernels
        with single_threaded_blas(), without_folds():
            embedding.step(made[0], self.lr)  # memory is found
            embedding.step(made[-1], self.lr)
            start = times()
            embedding.output.fold()
            fold = (times() - start) * 1e3
            kernels.account.clear()
            start = times()
            for examples in made:
                embedding.step(examples, self.lr)
            whole = (times() - start) / len(made) * 1e3
        rate = sgemm_gflops(2048) * self.run.threads
        parts = parts_of(kernels.account, whole, rate, len(made))
        alone = sum(min(part["cpu_ms"], part["wall_ms"]) for part in parts if part["part"] in ON_ONE_THREAD)
        no_rate = {"gflops": None, "share": None}
        return [
            *sorted(parts, key=lambda part: -part["cpu_ms"]),
            {"part": "whole step", "wall_ms": whole[0], "cpu_ms": whole[1], **no_rate},
            {"part": "a fold of V", "wall_ms": fold[0], "cpu_ms": fold[1], **no_rate},
            {"one_thread_share": alone / whole[1], "sgemm_gflops": rate},
        ]


def parts_of(account: dict[str, Array], whole: Array, rate: float, steps: int) -> list[Row]:
    """The kernels that were called and what is left of a step, with the products' rates, per step."""
    parts: list[Row] = []
    for name, entry in account.items():
        wall, cpu, gflop = map(float, entry / steps * (1e3, 1e3, 1e-9))
        gflops = gflop / wall * 1e3 if name in PRODUCTS else None
        share = None if gflops is None else gflops / rate
        parts.append({"part": name, "wall_ms": wall, "cpu_ms": cpu, "gflops": gflops, "share": share})
    wall, cpu = (float(left) for left in whole - [sum(part[name] for part in parts) for name in ("wall_ms", "cpu_ms")])
    return [*parts, {"part": "the rest", "wall_ms": wall, "cpu_ms": cpu, "gflops": None, "share": None}]
