"""The time of one training step beside the peak rates of the machine: every kernel, its flops and its bytes.

Real minibatches of a text. Each call of a kernel is timed and its work counted from its arguments: flops of products,
bytes of rows read and written at least once. ``share`` is a product's rate over the rate at which this machine
multiplies square float32 matrices in the same run, on one thread, times the threads. What is left of a step is
NumPy's: with the kernels that run on one thread, the part of a step that threads do not share.

The floor of a part, in CPU time: of products, their flops at the fastest rate of this run; of a kernel that is asked
for rows anywhere in memory, its own time where all of these rows stand in a core's caches; of one that passes over
rows, its bytes at the rate at which this machine copies; else the time that it took. A fold of V is timed by itself,
and is part of no step here.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tools.bench.runner import Benchmark, Row, once
from wordsparse.corpus import encode
from wordsparse.kernels import CpuKernels, Windows
from wordsparse.layer.factors import FOLD_CONDITION
from wordsparse.machine.description import sgemm_gflops
from wordsparse.machine.threads import single_threaded_blas
from wordsparse.training.loop import Run
from wordsparse.words.options import Options
from wordsparse.words.recipe import recommended
from wordsparse.words.text_source import TextSource

Array = NDArray[Any]
Work = tuple[float, float]  # flops, bytes

# Epochs of the schedule: in the last one, minibatches have their full size.
EPOCHS = 100


def rows_bytes(*arrays: Any) -> float:
    """Bytes of the arrays."""
    return float(sum(array.size * array.itemsize for array in arrays))


# The work of a call, from its arguments and its result.
WORK: dict[str, Callable[..., Work]] = {
    "take": lambda out, matrix, rows, last=None: (0.0, 2 * rows_bytes(out)),
    "add_rows": lambda out, matrix, rows, change, scale=None: (2.0 * change.size, 3 * rows_bytes(change)),
    "transpose": lambda out, csr: (0.0, 16.0 * csr.entries),
    "pair_dots": lambda out, csr, left, right: (
        2.0 * csr.entries * left.shape[1],
        csr.entries * right.shape[1] * right.itemsize + rows_bytes(left),
    ),
    "combine": lambda result, csr, values, rows, base=None, scale=None: (
        2.0 * csr.entries * rows.shape[1],
        csr.entries * rows.shape[1] * rows.itemsize + rows_bytes(result),
    ),
    "row_dots": lambda out, left, right: (2.0 * left.size, rows_bytes(left, *([] if left is right else [right]))),
    "sum_rows": lambda out, csr, values: (1.0 * csr.entries, rows_bytes(values, out)),
    "target_terms": lambda out, loss, y, o: (40.0 * o.size, 3.0 * rows_bytes(o)),
    "window_dots": lambda out, windows, F, targets, W: (
        6.0 * windows.rows * F.shape[1],
        3.0 * windows.rows * F.shape[1] * F.itemsize,
    ),
    "window_sums": lambda out, windows, values, squared=False: (4.0 * windows.rows, 8.0 * windows.rows),
    "scale_columns": lambda out, csr, values, scale: (1.0 * values.size, 3.0 * rows_bytes(out)),
    "scale_rows": lambda out, matrix, scale: (1.0 * out.size, 2.0 * rows_bytes(out)),
    "inverse": lambda out, matrix: (2.0 * matrix.shape[0] ** 3, 2.0 * rows_bytes(out)),
    "window_pull": lambda out, windows, F, targets, W, zeta, gamma: (
        20.0 * windows.rows * F.shape[1],
        8.0 * windows.rows * F.shape[1] * F.itemsize,
    ),
    "matmul": lambda result, a, m, out=None: (2.0 * a.size * m.shape[1], rows_bytes(a, result)),
    "matmul_in_place": lambda result, a, m: (2.0 * a.size * m.shape[1], 2 * rows_bytes(a)),
    "matmul_rows": lambda result, matrix, rows, m, last=None: (
        2.0 * rows.size * m.size,
        rows.size * m.shape[0] * matrix.itemsize + rows_bytes(result),
    ),
    "column_sums": lambda out, matrix, weights: (2.0 * matrix.size, rows_bytes(matrix)),
    "transform": lambda out, matrix, m, last=None: (2.0 * matrix.shape[0] * m.size, 2.0 * rows_bytes(matrix)),
    "gram": lambda out, a, b=None, symmetric=False: (
        (1.0 if b is None or symmetric else 2.0) * a.size * (a if b is None else b).shape[1],
        rows_bytes(a) if b is None else rows_bytes(a, b),
    ),
    "gram_change": lambda out, matrix, rows, change: (2.0 * change.size * change.shape[1], 2 * rows_bytes(change)),
    "plus_gram": lambda out, matrix, a, b, *factors, **symmetric: (2.0 * a.size * b.shape[1], rows_bytes(a, b)),
    "weighted_gram": lambda out, a, weights: (1.0 * a.size * a.shape[1], rows_bytes(a)),
}
PRODUCTS = (
    "matmul",
    "matmul_in_place",
    "matmul_rows",
    "gram",
    "gram_change",
    "plus_gram",
    "weighted_gram",
    "transform",
)
PASSES = ("take", "add_rows", "column_sums", "scale_rows", "scale_columns", "row_dots", "sum_rows")
# So many rows stay in a core's own caches, whichever of their columns a kernel takes at a time.
NEAR = 1024
# Parts that one thread does: of their wall time, since other threads may look for work meanwhile.
ON_ONE_THREAD = "inverse", "transpose", "the rest"


def near(structure: Any) -> Any:
    """The same structure over the first rows of its matrix alone."""
    if isinstance(structure, Windows):
        return replace(structure, tokens=np.where(structure.tokens < 0, structure.tokens, structure.tokens % NEAR))
    return replace(structure, indices=structure.indices % NEAR)


# The arguments of the same call, with all rows that it is asked for near.
NEARER: dict[str, Callable[..., tuple[Any, ...]]] = {
    "pair_dots": lambda csr, *matrices: (near(csr), *matrices),
    "combine": lambda csr, *matrices: (near(csr), *matrices),
    "window_dots": lambda windows, F, targets, W: (near(windows), F, targets % NEAR, W),
    "window_pull": lambda windows, F, targets, *rest: (near(windows), F, targets % NEAR, *rest),
}


class Watched(CpuKernels):
    """Kernels that count their calls: name → [calls, wall s, CPU s, flops, bytes].

    ``nearest`` is the CPU time of calls of the kernels in ``NEARER`` with near rows, ``apart`` the wall and CPU time
    that such calls take beside the step.
    """

    def __init__(self, threads: int) -> None:
        super().__init__(threads, bfloat16=True)
        self.account: dict[str, list[float]] = {}
        self.nearest: dict[str, float] = {}
        self.apart = np.zeros(2)
        for name, work in WORK.items():
            setattr(self, name, self._watched(name, getattr(self, name), work))

    def clear(self) -> None:
        """Forget all calls."""
        self.account.clear()
        self.nearest.clear()
        self.apart[:] = 0

    def _near(self, name: str, kernel: Callable[..., Any], *args: Any, **options: Any) -> None:
        start = times()
        nearer = NEARER[name](*args)
        ready = times()
        kernel(*nearer, **options)
        end = times()
        self.nearest[name] = self.nearest.get(name, 0.0) + end[1] - ready[1]
        self.apart += end - start

    def _watched(self, name: str, kernel: Callable[..., Any], work: Callable[..., Work]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            wall, cpu = time.perf_counter(), time.process_time()
            result = kernel(*args, **options)
            spent = time.perf_counter() - wall, time.process_time() - cpu
            entry = self.account.setdefault(name, [0.0] * 5)
            for i, value in enumerate((1.0, *spent, *work(result, *args, **options))):
                entry[i] += value
            if name in NEARER:
                self._near(name, kernel, *args, **options)
            return result

        return call


def times() -> Array:
    """Wall and CPU time, in seconds."""
    return np.array([time.perf_counter(), time.process_time()])


def copy_rate(size: int = 1 << 27) -> float:
    """Bytes that one thread reads and writes a second, copying an array of ``size`` bytes; the best of five."""
    source, target = np.ones(size, np.uint8), np.ones(size, np.uint8)
    best = 0.0
    for _ in range(5):
        start = times()
        np.copyto(target, source)
        best = max(best, 2 * size / (times() - start)[1])
    return best


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
    """The parts of a training step on a text beside the machine's peak rates, and tokens a second of whole steps."""

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
        self.run = Run(TextSource(corpus), options)
        self.made = [examples for _, examples in self.run.examples(EPOCHS - 1)]
        # A step costs the same at any rate; at the recipe's the first ones would diverge without folds.
        self.lr = 1e-4 * options.used_recipe().steps.lr
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
            kernels.clear()
            rate = sgemm_gflops(2048) * self.run.threads
            start = times()
            for examples in made:
                embedding.step(examples, self.lr)
            whole = (times() - start - kernels.apart) / len(made) * 1e3
        parts = parts_of(kernels, whole, rate, self.run.threads, len(made))
        alone = sum(min(part["cpu_ms"], part["wall_ms"]) for part in parts if part["part"] in ON_ONE_THREAD)
        floor = sum(part["floor_ms"] for part in parts)
        step = {"part": "whole step", "wall_ms": whole[0], "cpu_ms": whole[1], "floor_ms": floor}
        return [
            *sorted(parts, key=lambda part: -part["cpu_ms"]),
            {**step, "gflops": None, "share": None},
            {
                "part": "a fold of V",
                "wall_ms": fold[0],
                "cpu_ms": fold[1],
                "floor_ms": None,
                "gflops": None,
                "share": None,
            },
            {"one_thread_share": alone / whole[1], "sgemm_gflops": rate},
        ]


def parts_of(kernels: Watched, whole: Array, rate: float, threads: int, steps: int) -> list[Row]:
    """The kernels that were called and what is left of a step, with their rates and floors, per step."""
    parts: list[Row] = []
    for name, entry in kernels.account.items():
        _, wall, cpu, gflop, mb = np.array(entry) / steps * (1, 1e3, 1e3, 1e-9, 1e-6)
        parts.append({"part": name, "wall_ms": wall, "cpu_ms": cpu, "gflop": gflop, "mb": mb})
    wall, cpu = whole - [sum(part[name] for part in parts) for name in ("wall_ms", "cpu_ms")]
    parts.append({"part": "the rest", "wall_ms": wall, "cpu_ms": cpu, "gflop": 0.0, "mb": 0.0})
    products = [part for part in parts if part["part"] in PRODUCTS]
    best = max(rate / threads, *(part["gflop"] / part["cpu_ms"] * 1e3 for part in products))
    copied = copy_rate()
    for part in parts:
        near_ms = kernels.nearest.get(part["part"], 0.0) / steps * 1e3
        part["floor_ms"] = floor_ms(part, near_ms, best, copied)
        gflop, _ = part.pop("gflop"), part.pop("mb")
        part["gflops"] = gflop / part["wall_ms"] * 1e3
        part["share"] = part["gflops"] / rate if part["part"] in PRODUCTS else None
    return [
        {name: float(value) if isinstance(value, np.floating) else value for name, value in part.items()}
        for part in parts
    ]


def floor_ms(part: Row, near_ms: float, gflops: float, bytes_per_second: float) -> float:
    """The least CPU time of a part, ms: with near rows ``near_ms``, else at the rates of one thread."""
    if part["part"] in PRODUCTS:
        return float(part["gflop"] / gflops * 1e3)
    if part["part"] in PASSES:
        return min(part["cpu_ms"], float(part["mb"] / bytes_per_second * 1e9))
    return min(part["cpu_ms"], near_ms) if part["part"] in NEARER else float(part["cpu_ms"])
