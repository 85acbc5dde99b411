"""How training over MPI scales: measured on one machine, one thread a rank, and predicted for clusters from that.

    python tools/scaling.py english.txt --dim 300 --ranks 2 --rounds 5 -o docs/results/scaling.json

Strong: the same minibatches on one process and on all ranks. Weak: minibatches as many times larger as there are ranks.
The sides alternate. A step's cost is the CPU time of the slowest rank without its communication, in which it waits, and
with it; wall times are reported beside them, and say little on a machine that is shared. The bytes that a rank sends in
a step are counted, and compared with the formula of :func:`step_bytes`. As many steps again are profiled: the CPU time
of each function, beside its share of one process.
"""

import cProfile
import json
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any

import click
import machine
import numpy as np
from scipy.optimize import nnls

from wordsparse.corpus import EncodedCorpus, encode
from wordsparse.distributed import launch
from wordsparse.distributed.ranks import gather_json
from wordsparse.kernels import at_work
from wordsparse.kernels.pool import row_bytes
from wordsparse.training.loop import Run
from wordsparse.words.options import Options

# So many that minibatches of the last one have grown to their full size.
EPOCHS = 100
# Steps before the clock starts.
WARM = 2
# The clusters of the prediction: cores of a node, each as fast as the measured one; gigabits a second; seconds that a
# message costs its sender, and messages to each other node in a step.
CORES, SPEEDS, LATENCY, MESSAGES = 64, (10, 100), 5e-6, 20
NODES, WORDS, TOKENS, DIM = (1, 8, 16, 32, 64, 128, 256), (10**6, 10**7), 10**12, 300
BATCHES = tuple(2**k for k in range(16, 27, 2))
# The sustained float32 operations a second of a GPU, a third of the 67·10¹² of an H100's data sheet; a token
# takes 14 d² operations (docs/layer.md).
GPU_FLOPS = 2e13


def step_bytes(rows: float, dim: int, ranks: int) -> float:
    """Bytes that a rank sends in a step that touches ``rows`` rows on it: E, W_T, X, Z and G with their constant
    feature, p, mass and β of each row, and its number; K, the change of Q and two vectors, each twice 1/R at a time."""
    row = 5 * row_bytes(dim + 1, 4) + 4 * 8  # rows travel as they lie in memory, on cache lines
    sums = 2 * 8 * (2 * (dim + 1) ** 2 + 2 * (dim + 1))
    return (1 - 1 / ranks) * (rows * row + sums)


@cache
def unique_words(words: int, tokens: float) -> float:
    """How many of ``words`` words with Zipf's frequencies are expected among so many tokens."""
    share = 1 / np.arange(1, words + 1)
    return float(-np.expm1(tokens * np.log1p(-share / share.sum())).sum())


def measured(corpus: Path, options: dict[str, Any], steps: int) -> None:
    """Time steps with the making of their minibatches, then profile some; rank 0 prints the numbers of all ranks."""
    ranks = launch.ranks()
    run = Run(EncodedCorpus.open(corpus), Options(**options), ranks=ranks)
    minibatches, told, before = run.minibatches.epoch(EPOCHS - 1), [], (0.0,) * 4
    profile = cProfile.Profile(time.thread_time)
    for number, (_, part) in zip(range(WARM + 2 * steps), minibatches, strict=False):
        if number == WARM + steps:
            profile.enable()
        with at_work():
            run.embedding.step(run.embedding.joined(part), 1.0, 0.5)
        now = time.perf_counter(), time.process_time(), ranks.cpu_seconds, ranks.sent
        if WARM <= number < WARM + steps:
            told.append([*(b - a for a, b in zip(before, now, strict=True)), len(part.words), part.tokens])
        before = now
    profile.disable()
    everyone = gather_json(ranks, {"steps": told, "phases": phases(profile, steps)})
    if ranks.rank == 0:
        print(json.dumps(everyone))


def phases(profile: cProfile.Profile, steps: int) -> dict[str, float]:
    """CPU seconds a step in each function of the package, without those that it calls; the rest together."""
    found: dict[str, float] = {}
    for entry in profile.getstats():
        code = entry.code
        ours = not isinstance(code, str) and "wordsparse" in Path(code.co_filename).parts
        name = f"{Path(code.co_filename).stem}.{code.co_name}" if ours else "the rest"
        found[name] = found.get(name, 0.0) + entry.inlinetime / steps
    return found


def side(corpus: Path, ranks: int, batch_tokens: int, dim: int, steps: int) -> dict[str, Any]:
    """The medians of the steps of one run on so many ranks, and the means over its ranks of the phases."""
    options = {"dim": dim, "threads": 1, "batch_tokens": batch_tokens, "epochs": EPOCHS}
    program = [sys.executable, __file__, str(corpus), "--worker", json.dumps([options, steps])]
    mpiexec = launch.mpiexec()
    if mpiexec is None:
        raise click.ClickException("there is no mpiexec: pip install mpich mpi4py")
    launcher = [] if ranks == 1 else [mpiexec, "-n", str(ranks)]
    run = subprocess.run([*launcher, *program], capture_output=True, text=True, check=False)
    if run.returncode:
        raise click.ClickException(run.stderr[-2000:])
    told = json.loads(run.stdout)
    numbers = np.array([of_rank["steps"] for of_rank in told])  # ranks, steps, columns
    wall, cpu, communication, sent, rows, tokens = np.median(numbers, axis=1).T
    slowest = int((cpu - communication).argmax())
    return {
        "ranks": ranks,
        "batch_tokens": batch_tokens,
        "wall_seconds": float(wall.max()),
        "work_cpu_seconds": float((cpu - communication)[slowest]),
        "communication_cpu_seconds": float(communication.min()),
        "rank_tokens": float(tokens.max()),
        "rank_rows": float(rows.max()),
        "rank_sent_bytes": float(sent.max()),
        "formula_bytes": step_bytes(float(rows.max()), dim, ranks),
        "phases": means([of_rank["phases"] for of_rank in told]),
    }


def means(profiles: list[dict[str, float]]) -> dict[str, float]:
    """The mean of each phase, the longest first."""
    names = {name for profile in profiles for name in profile}
    found = {name: sum(profile.get(name, 0.0) for profile in profiles) / len(profiles) for name in names}
    return {name: found[name] for name in sorted(names, key=lambda name: -found[name])}


def long_ones(phases: dict[str, float]) -> dict[str, float]:
    """Those of at least a thousandth of a second; the others together with the rest."""
    long = {name: seconds for name, seconds in phases.items() if seconds >= 1e-3 and name != "the rest"}
    return long | {"the rest": sum(phases.values()) - sum(long.values())}


def fitted(sides: list[dict[str, Any]]) -> dict[str, float]:
    """CPU seconds a token, a row and a step, by non-negative least squares over steps of one process."""
    columns = [[one["rank_tokens"], one["rank_rows"], 1.0] for one in sides]
    weights = np.array([1 / one["work_cpu_seconds"] for one in sides])
    found, _ = nnls(np.array(columns) * weights[:, None], np.ones(len(sides)))
    return dict(zip(("token", "row", "step"), map(float, found), strict=True))


def predicted(cost: dict[str, float], dim: int) -> list[dict[str, float]]:
    """Days for 10¹² tokens, and the share of the ideal speed, by cluster and vocabulary: of the smallest minibatch that
    keeps four fifths of it, or of the largest one."""
    found = []
    for words in WORDS:
        for gigabits in SPEEDS:
            for nodes in NODES:
                tried = [_step(cost, dim, words, gigabits, nodes, batch) for batch in BATCHES]
                found.append(next((one for one in tried if one["efficiency"] >= 0.8), tried[-1]))
    return found


def _step(cost: dict[str, float], dim: int, words: int, gigabits: int, nodes: int, batch: int) -> dict[str, float]:
    """A step on ``nodes`` nodes. The d×d work of each step is done by every node, on one core."""
    here, owned = unique_words(words, batch / nodes), unique_words(words, batch) / nodes
    work = (cost["token"] * batch / nodes + cost["row"] * max(here, owned)) / CORES + cost["step"]
    sent = step_bytes(here, dim, nodes) if nodes > 1 else 0.0
    sending = sent / (gigabits * 1e9 / 8) + MESSAGES * (nodes - 1) * LATENCY
    ideal = (cost["token"] * batch + cost["row"] * unique_words(words, batch)) / CORES / nodes
    return {
        "nodes": nodes,
        "words": words,
        "gigabits": gigabits,
        "batch_tokens": batch,
        "work_seconds": work,
        "sending_seconds": sending,
        "sent_bytes": sent,
        "efficiency": ideal / (work + sending),
        "days": TOKENS / batch * (work + sending) / 86400,
        "node_gigabytes": words * (8 * (dim + 1) + 8) / nodes / 1e9,
    }


def gpu_hours(dim: int) -> float:
    """Hours of one GPU for the same tokens, by its arithmetic alone; no GPU was measured."""
    return TOKENS * 14 * (dim + 1) ** 2 / GPU_FLOPS / 3600


@click.command()
@click.argument("corpus", type=click.Path(exists=True, path_type=Path))
@click.option("--dim", type=click.IntRange(1), default=DIM, show_default=True)
@click.option("--ranks", type=click.IntRange(2), default=2, show_default=True)
@click.option("--batch-tokens", type=click.IntRange(1), default=65_536, show_default=True)
@click.option("--steps", type=click.IntRange(1), default=5, show_default=True)
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True)
@click.option("--worker", hidden=True)
@machine.output_option
def main(
    corpus: Path,
    dim: int,
    ranks: int,
    batch_tokens: int,
    steps: int,
    rounds: int,
    worker: str | None,
    output: Path | None,
) -> None:
    """Time one process and several ranks in turn, and predict larger clusters."""
    if worker is not None:
        measured(corpus, *json.loads(worker))
        return
    with tempfile.TemporaryDirectory() as folder:
        ready = Path(folder, "encoded")
        words = len(encode(corpus, ready, min_count=2).vocabulary)
        shapes = [(1, batch_tokens), (ranks, batch_tokens), (ranks, ranks * batch_tokens)]
        shapes += [(1, batch_tokens // 8), (1, batch_tokens // 2)]
        sides = [side(ready, *shape, dim, steps) for _ in range(rounds) for shape in shapes]
    by_shape = [sides[i :: len(shapes)] for i in range(len(shapes))]
    one, strong, weak = by_shape[:3]
    report: dict[str, Any] = {
        "machine": machine.provenance(1),
        "words": words,
        "dim": dim,
        "sides": [
            {name: float(np.median([run[name] for run in runs])) for name in runs[0] if name != "phases"}
            | {"phases": long_ones(means([run["phases"] for run in runs]))}
            for runs in by_shape
        ],
        "strong": speedups(one, strong, 1),
        "weak": speedups(one, weak, ranks),
        "cost": (cost := fitted([run for runs in (by_shape[0], *by_shape[3:]) for run in runs])),
        "predicted": predicted(cost, DIM),
        "gpu_hours": gpu_hours(DIM),
        "assumed": {"cores": CORES, "message_seconds": LATENCY, "messages": MESSAGES, "tokens": TOKENS, "dim": DIM},
    }
    numbers = [name for name in report["sides"][0] if name != "phases"]
    print(machine.table(numbers, [[one[name] for name in numbers] for one in report["sides"]]))
    alone, shared = (one["phases"] for one in report["sides"][:2])
    both = [[name, 1e3 * alone.get(name, 0.0) / ranks, 1e3 * shared.get(name, 0.0)] for name in {**shared, **alone}]
    print(machine.table(["function", f"1/{ranks} of one process, CPU ms", "of a rank"], both))
    for name in ("strong", "weak"):
        medians = {key: value for key, value in report[name].items() if key.endswith("_median")}
        print(name, ", ".join(f"{key.removesuffix('_median')} {value:.2f} times" for key, value in medians.items()))
    print(machine.table(list(report["predicted"][0]), [list(one.values()) for one in report["predicted"]]))
    machine.write_report(report, output)


def speedups(one: list[dict[str, Any]], several: list[dict[str, Any]], larger: int) -> dict[str, Any]:
    """How many times as fast, round by round, where ``several`` do so many times the work of ``one``."""
    work = [larger * a["work_cpu_seconds"] / b["work_cpu_seconds"] for a, b in zip(one, several, strict=True)]
    all_of_it = [
        larger * a["work_cpu_seconds"] / (b["work_cpu_seconds"] + b["communication_cpu_seconds"])
        for a, b in zip(one, several, strict=True)
    ]
    wall = [larger * a["wall_seconds"] / b["wall_seconds"] for a, b in zip(one, several, strict=True)]
    rounds = {"work": work, "with_communication": all_of_it, "wall": wall}
    return rounds | {f"{name}_median": float(np.median(values)) for name, values in rounds.items()}


if __name__ == "__main__":
    machine.run(main)
