"""The time of one training step beside the peak rates of the machine: every kernel, its flops and its bytes.

    python tools/step.py english.txt --dim 300 --min-count 2 --threads 1 -o step.json

Real minibatches of the text. Each call of a kernel is timed (wall and CPU) and its work counted from its arguments:
flops of products, bytes of rows read and written at least once. ``share`` is a product's rate over the rate at which
this machine multiplies square float32 matrices in the same run, on one thread, times the threads. What is left of a
step is NumPy's: with the kernels that run on one thread, the part of a step that threads do not share.

The floor of a part, in CPU time: of products, their flops at the fastest rate of this run; of a kernel that is asked
for rows anywhere in memory, its own time where all of these rows stand in a core's caches; of one that passes over
rows, its bytes at the rate at which this machine copies; else the time that it took. Then whole steps over sweeps of
threads, minibatches, d and vocabularies, alternating. A fold of V is timed by itself, and is part of no step here.
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import machine
import numpy as np
from numpy.typing import NDArray
from throughput import EPOCHS

from wordsparse.corpus import EncodedCorpus, encode
from wordsparse.kernels import CpuKernels, Windows
from wordsparse.layer.factors import FOLD_CONDITION
from wordsparse.machine.description import sgemm_gflops
from wordsparse.machine.threads import single_threaded_blas
from wordsparse.training.loop import Run
from wordsparse.words.options import MODELS, Options
from wordsparse.words.recipe import recommended

Array = NDArray[Any]
Work = tuple[float, float]  # flops, bytes


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
# Parts that one thread does: of their wall time, since other threads may look for work meanwhile. An inverse of more
# than 447 rows is shared.
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


@click.command()
@click.argument("corpus", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--models", multiple=True, type=click.Choice(MODELS), default=MODELS, show_default=True)
@click.option("--dim", type=click.IntRange(1), default=300, show_default=True)
@click.option("--min-count", type=click.IntRange(1), default=2, show_default=True)
@click.option("--batch-tokens", type=click.IntRange(1), help="Tokens a minibatch; else as large as the model's grow.")
@click.option("--steps", type=click.IntRange(1), default=8, show_default=True, help="Minibatches of the profile.")
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True, help="Rounds of the sweeps.")
@click.option("--sweep-threads", callback=machine.int_list, default="1,2", show_default=True)
@click.option("--sweep-minibatches", callback=machine.int_list, default="131072,262144,524288", show_default=True)
@click.option("--sweep-dims", callback=machine.int_list, default="100,200,300", show_default=True)
@click.option("--sweep-vocabularies", callback=machine.int_list, default="20000,100000", show_default=True)
@machine.threads_option
@machine.output_option
def main(
    corpus: Path,
    models: Sequence[str],
    dim: int,
    min_count: int,
    batch_tokens: int | None,
    steps: int,
    rounds: int,
    sweep_threads: Sequence[int],
    sweep_minibatches: Sequence[int],
    sweep_dims: Sequence[int],
    sweep_vocabularies: Sequence[int],
    threads: int,
    output: Path | None,
) -> None:
    """Profile a step against the machine's rates, and sweep threads, minibatch, d and vocabulary."""
    with tempfile.TemporaryDirectory() as folder:
        encoded = encode(corpus, Path(folder, "encoded"), min_count=min_count)
        profiles, sweeps = [], []
        for model in models:
            of_model = batch_tokens or recommended(model, "bounded-ns").batch_tokens
            default = Options(model=model, dim=dim, threads=threads, batch_tokens=of_model, epochs=EPOCHS)
            default = replace(default, max_tokens=min(encoded.tokens, (steps + 2) * of_model))
            profiles.append(profile(encoded, default))
            show(profiles[-1])
            cells = {("threads", n): (encoded, replace(default, threads=n)) for n in sweep_threads}
            cells |= {("minibatch", n): (encoded, replace(default, batch_tokens=n)) for n in sweep_minibatches}
            cells |= {("d", n): (encoded, replace(default, dim=n)) for n in sweep_dims}
            for n in sweep_vocabularies:
                smaller = Path(folder, f"first-{n}")
                text = EncodedCorpus.open(smaller) if smaller.exists() else encode(corpus, smaller, max_vocab=n)
                cells["vocabulary", n] = (text, default)
            sweeps += sweep(cells, rounds)
    print(machine.table(list(sweeps[0]), [list(row.values()) for row in sweeps]))
    report = {
        "tool": "step",
        "machine": machine.provenance(threads),
        "options": {"corpus": corpus.name, "min_count": min_count, "batch_tokens": batch_tokens, "dim": dim},
        "vocab_size": len(encoded.vocabulary),
        "profiles": profiles,
        "sweeps": sweeps,
    }
    machine.write_report(report, output)


def profile(corpus: EncodedCorpus, options: Options) -> dict[str, Any]:
    """One pass over the options' text; per step."""
    run = Run(corpus, options)
    kernels = Watched(run.threads)
    run.embedding.output.kernels = kernels
    made = [examples for _, examples in run.examples(EPOCHS - 1)]
    lr = options.used_recipe().steps.lr / 2
    with single_threaded_blas(), without_folds():
        run.embedding.step(made[0], lr)  # W is no longer 0, and memory is found
        run.embedding.step(made[-1], lr)
        start = times()
        run.embedding.output.fold()
        fold_wall, fold_cpu = times() - start
        kernels.clear()
        rate = sgemm_gflops(2048) * run.threads
        start = times()
        for examples in made:
            run.embedding.step(examples, lr)
        wall, cpu = (times() - start - kernels.apart) / len(made)
    parts = [
        {"part": name, **dict(zip(("calls", "wall_ms", "cpu_ms", "gflop", "mb"), per_step, strict=True))}
        for name, entry in kernels.account.items()
        for per_step in [np.array(entry) / len(made) * (1, 1e3, 1e3, 1e-9, 1e-6)]
    ]
    rest = {key: total * 1e3 - sum(part[key] for part in parts) for key, total in (("wall_ms", wall), ("cpu_ms", cpu))}
    parts.append({"part": "the rest", "calls": 1.0, **rest, "gflop": 0.0, "mb": 0.0})
    for part in parts:
        part["gflops"] = part["gflop"] / part["wall_ms"] * 1e3
        part["share"] = part["gflops"] / rate if part["part"] in PRODUCTS else None
        part["gb_per_second"] = part["mb"] / part["wall_ms"]
    copied = copy_rate()
    products = [part for part in parts if part["part"] in PRODUCTS]
    best = max(rate / run.threads, *(part["gflop"] / part["cpu_ms"] * 1e3 for part in products))
    for part in parts:
        near_ms = kernels.nearest.get(part["part"], 0.0) / len(made) * 1e3
        part["floor_ms"] = floor_ms(part, near_ms, best, copied)
    alone = sum(min(part["cpu_ms"], part["wall_ms"]) for part in parts if part["part"] in ON_ONE_THREAD)
    flops = sum(part["gflop"] for part in products)
    return {
        "model": options.model,
        "threads": run.threads,
        "tokens": float(np.mean([e.tokens for e in made])),
        "unique_words": float(np.mean([e.words.shape[0] for e in made])),
        "pairs": float(np.mean([e.pairs for e in made])),
        "wall_ms": wall * 1e3,
        "cpu_ms": cpu * 1e3,
        "one_thread_share": alone / (cpu * 1e3),
        "floor_ms": sum(part["floor_ms"] for part in parts),
        "fold_wall_ms": fold_wall * 1e3,
        "fold_cpu_ms": fold_cpu * 1e3,
        "copied_gb_per_second": copied * 1e-9,
        "sgemm_gflops": rate,
        "products_share_of_sgemm": flops / (sum(part["wall_ms"] for part in products) * 1e-3) / rate,
        "products_at_sgemm_rate_ms": flops / rate * 1e3,
        "parts": sorted(parts, key=lambda part: -part["cpu_ms"]),
    }


@contextmanager
def without_folds() -> Iterator[None]:
    """V takes U in at no step. It would at every third of these, the first ones of a run; in a whole one it is rare."""
    limits = dict(FOLD_CONDITION)
    FOLD_CONDITION.update(dict.fromkeys(limits, np.inf))
    try:
        yield
    finally:
        FOLD_CONDITION.update(limits)


def floor_ms(part: dict[str, Any], near_ms: float, gflops: float, bytes_per_second: float) -> float:
    """The least CPU time of a part, ms: with near rows ``near_ms``, else at the rates of one thread."""
    if part["part"] in PRODUCTS:
        return float(part["gflop"] / gflops * 1e3)
    if part["part"] in PASSES:
        return min(part["cpu_ms"], float(part["mb"] / bytes_per_second * 1e9))
    return min(part["cpu_ms"], near_ms) if part["part"] in NEARER else float(part["cpu_ms"])


def show(profile: dict[str, Any]) -> None:
    """Print a profile."""
    print(
        f"{profile['model']}: a step of {profile['tokens']:,.0f} tokens, {profile['unique_words']:,.0f} unique words: "
        f"{profile['wall_ms']:.1f} ms ({profile['cpu_ms']:.1f} CPU); its products would take "
        f"{profile['products_at_sgemm_rate_ms']:.1f} ms at {profile['sgemm_gflops']:.0f} GFLOP/s; the floors of "
        f"all parts are {profile['floor_ms']:.1f} ms of CPU time; a fold of V takes {profile['fold_wall_ms']:.0f} ms; "
        f"{profile['one_thread_share']:.1%} of its CPU time is work that one thread does, whatever their number"
    )
    headers = ["part", "calls", "wall ms", "CPU ms", "GFLOP", "MB", "GFLOP/s", "of sgemm", "GB/s", "floor ms"]
    print(machine.table(headers, [list(part.values()) for part in profile["parts"]]))


def sweep(cells: Mapping[Any, tuple[EncodedCorpus, Options]], rounds: int) -> list[dict[str, Any]]:
    """Whole steps at each cell, alternating."""
    sides: dict[Any, tuple[int, machine.Step]] = {}
    for key, (corpus, options) in cells.items():
        run = Run(corpus, options)
        made = [examples for _, examples in run.examples(EPOCHS - 1)]
        lr = options.used_recipe().steps.lr / 2

        def one(run: Run = run, made: list[Any] = made, lr: float = lr) -> None:
            with single_threaded_blas(), without_folds():
                for examples in made:
                    run.embedding.step(examples, lr)

        sides[options.model, *key] = sum(examples.tokens for examples in made), one
    return [
        {
            "model": model,
            "swept": what,
            "at": at,
            "tokens_per_second": 1e6 / cell["wall_us"],
            "tokens_per_cpu_second": 1e6 / cell["cpu_us"],
        }
        for (model, what, at), cell in machine.alternate(sides, rounds).items()
    ]


if __name__ == "__main__":
    machine.run(main)
