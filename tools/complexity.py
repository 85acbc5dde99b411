"""The papers' tables: time per example of the naive dense update, of hierarchical softmax and of the exact layer.

Everything is timed in one run on the same threads, the sides alternating, at the papers' size: D = 793,471 outputs,
d = 300 (Vincent et al. 2015), one target an example drawn by Zipf's law, float32, a step being loss, ∇H and the update
of the weights. A number is the median over the rounds of the mean time of the steps in a round. Then

    floor         what our flops would take at the rate at which this machine multiplies float32 matrices
    minibatches   ours over a sweep of m, to find the best
    outputs       time per example against D: flat? (targets uniform: Zipf's law repeats fewer of them as D grows, which
                  would add work that is not D's)
    features      time per example against d: no faster than d²?
    folds         what a fold costs and how many examples pass between two of them, which the steps timed above leave
                  out: the state's condition depends on H alone, so a small layer on the same inputs counts them
    memory        the peak over the floor: V once, U, U⁻¹ and Q in float64, and six (m, d) arrays of the minibatch
"""

import math
import multiprocessing
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import click
import machine
import numpy as np
import scipy.sparse as sp
from baselines import HierarchicalSoftmax, NaiveDense
from numpy.typing import NDArray

from wordsparse.kernels import CpuKernels
from wordsparse.layer.output import FactoredOutput

Array = NDArray[Any]

NAIVE = "naive dense"
TREE = "hierarchical softmax"
OURS = ("squared", "bounded-ns")


@dataclass(frozen=True)
class Plan:
    """Sizes to measure, and rounds: fewer for the naive side, whose steps take seconds."""

    outputs: int
    features: int
    minibatches: tuple[int, ...]
    sweep_minibatches: tuple[int, ...]
    sweep_outputs: tuple[int, ...]
    sweep_features: tuple[int, ...]
    sweep_minibatch: int = 128
    rounds: int = 5
    naive_rounds: int = 3
    fold_examples: int = 200_000


QUICK = Plan(100_000, 300, (128, 1024), (128, 1024, 8192), (10_000, 30_000, 100_000), (50, 100, 200, 400))
FULL = Plan(
    793_471,
    300,
    (128, 1024),
    (32, 128, 512, 2048, 8192, 32_768, 131_072),
    (10_000, 30_000, 100_000, 300_000, 1_000_000),
    (50, 100, 200, 400, 800),
    rounds=9,
    fold_examples=1_000_000,
)


@dataclass(frozen=True)
class Batch:
    """H (m, d) float32, each row of length about 1; one target output an example, and the same as a matrix of ones."""

    H: Array
    targets: Array
    Y: Any

    @property
    def lr(self) -> float:
        """A step that shrinks W by a tenth where H is largest: 2 lr λmax(HᵀH) ≈ 0.1, after Marchenko and Pastur."""
        m, d = self.H.shape
        return 0.05 / (1 + math.sqrt(m / d)) ** 2


def batches(m: int, d: int, D: int, *, zipf: bool = True, seed: int = 0) -> list[Batch]:
    """Different minibatches for the sides to step through."""
    random = np.random.default_rng(seed)
    cumulative = np.cumsum(zipf_law(D)) if zipf else None
    made = []
    for _ in range(max(2, min(8, 65_536 // m))):
        H = random.standard_normal((m, d), np.float32) / np.float32(math.sqrt(d))
        if cumulative is None:
            targets = random.integers(D, size=m)
        else:
            targets = np.minimum(np.searchsorted(cumulative, random.random(m)), D - 1)
        Y = sp.csr_array((np.ones(m, np.float32), targets, np.arange(m + 1)), shape=(m, D))
        made.append(Batch(H, targets, Y))
    return made


def zipf_law(D: int) -> Array:
    """Zipf's law over D outputs, the most frequent first."""
    law = 1 / np.arange(1.0, D + 1)
    return np.asarray(law / law.sum())


def factored(D: int, d: int, loss: str, threads: int) -> FactoredOutput:
    """An exact layer whose memory is all allocated: that of a zero V is not until it is written to."""
    layer = FactoredOutput(D, d, loss, threads=threads)
    layer.fold()
    return layer


def ours(layer: FactoredOutput, made: list[Batch]) -> machine.Step:
    """The exact layer's step, over minibatches in turn; a step so small that no fold falls into the timing."""
    return machine.in_turn([partial(layer.step, b.H, b.Y, b.lr / 10) for b in made])


def papers_table(plan: Plan, threads: int) -> dict[str, Any]:
    """Naive, tree and ours at D and d, each m; and ours over the sweep of m, in the same alternation."""
    D, d = plan.outputs, plan.features
    naive, tree = NaiveDense(D, d), HierarchicalSoftmax(zipf_law(D), d, CpuKernels(threads))
    layers = {loss: factored(D, d, loss, threads) for loss in OURS}
    sides: dict[Any, tuple[int, machine.Step]] = {}
    flops = {}
    for m in sorted({*plan.minibatches, *plan.sweep_minibatches}):
        made = batches(m, d, D)
        unique = round(np.mean([np.unique(b.targets).size for b in made]))
        flops[m] = flops_per_example(m, unique, d)
        if m in plan.minibatches:
            paths = [tree.paths(b.targets) for b in made]
            dense = [partial(naive.step, b.H, b.targets, b.lr) for b in made]
            by_tree = [partial(tree.step, b.H, way, b.lr) for b, way in zip(made, paths, strict=True)]
            sides[NAIVE, m] = m, machine.in_turn(dense)
            sides[TREE, m] = m, machine.in_turn(by_tree)
        for loss, layer in layers.items():
            sides[loss, m] = m, ours(layer, made)
    before = [layer.core.folds for layer in layers.values()]
    few = {(NAIVE, m): plan.naive_rounds for m in plan.minibatches}
    times = machine.alternate(sides, plan.rounds, few)
    fold_seconds = seconds_of(layers["squared"].fold)
    folds = sum(layer.core.folds - b for layer, b in zip(layers.values(), before, strict=True)) - 1
    cells = [{"side": side, "m": m, **cell} for (side, m), cell in times.items()]
    rate = machine.sgemm_gflops(2048)
    floor = [{"m": m, "flops": count, "us": count / rate / 1e3} for m, count in flops.items()]
    return {
        "cells": cells,
        "floor": floor,
        "sgemm_gflops": rate,
        "fold_seconds": fold_seconds,
        "folds_in_the_timed_steps": folds,
    }


def seconds_of(call: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def folds_table(plan: Plan, threads: int, fold_seconds: float) -> list[dict[str, Any]]:
    """Examples between two folds at each m of the papers' table, for squared error; None: no fold in all of them."""
    rows = []
    for m in plan.minibatches:
        layer = FactoredOutput(1000, plan.features, threads=threads)
        steps = 0
        while steps * m < plan.fold_examples:
            # New inputs all the time: a few in turn would spread U's singular values faster than a stream does.
            for b in batches(m, plan.features, 1000, seed=steps):
                layer.step(b.H, b.Y, b.lr)
                steps += 1
        between = steps * m / layer.core.folds if layer.core.folds else None
        rows.append(
            {"m": m, "examples_between_folds": between, "fold_us": fold_seconds / between * 1e6 if between else 0.0}
        )
    return rows


def flops_per_example(m: int, u: int, d: int) -> float:
    """The operations of an exact step for each of m examples with u different targets, by the cheaper route.

    Forward Ĥ and W_T; then through d×d matrices the curvature, three products of ΓᵀH (one of them symmetric) and five
    d×d×d products; or through the rows of H five m×d×d products, four m×m×d ones and an m×m inverse.
    """
    forward = 2 * d**2 * (1 + u / m)
    dense = d**2 * (1 + 5 * u / m) + 10 * d**3 / m
    low_rank = 10 * d**2 + 8 * m * d + 2 * m**2
    return forward + min(dense, low_rank)


def sweep(points: Sequence[tuple[int, int]], m: int, rounds: int, threads: int) -> list[dict[str, Any]]:
    """Squared error at each (D, d) of ``points``, alternating."""
    sides: dict[Any, tuple[int, machine.Step]] = {}
    for D, d in points:
        sides[D, d] = m, ours(factored(D, d, "squared", threads), batches(m, d, D, zipf=False))
    return [{"D": D, "d": d, **cell} for (D, d), cell in machine.alternate(sides, rounds).items()]


def measure_memory(D: int, d: int, m: int, threads: int) -> dict[str, float]:
    """Peak growth of a fresh process's memory by a layer, its steps and a fold, against what has to be there."""
    warm = factored(1000, d, "squared", threads)
    made = batches(m, d, D)
    for b in batches(m, d, 1000):
        warm.step(b.H, b.Y, b.lr)
    before = machine.memory_bytes("VmRSS")
    layer = factored(D, d, "squared", threads)
    for b in made:
        layer.step(b.H, b.Y, b.lr)
    peak = machine.memory_bytes("VmHWM") - before
    floor = D * d * 4 + 3 * d * d * 8 + 6 * m * d * 4
    return {"D": D, "d": d, "m": m, "peak_bytes": peak, "floor_bytes": floor, "ratio": peak / floor}


def judge(report: dict[str, Any], plan: Plan) -> list[dict[str, Any]]:
    """The goals, each with its wanted and its measured value; ratios are of wall times, folds left out."""
    D, d, m = plan.outputs, plan.features, min(plan.minibatches)
    wall = {(cell["side"], cell["m"]): cell["wall_us"] for cell in report["cells"]}
    best = min(time for (side, _), time in wall.items() if side in OURS)
    by_D = [row["wall_us"] for row in report["outputs"]]
    first, last = report["features"][0], report["features"][-1]
    growth = 0.0
    if last["d"] > first["d"]:
        growth = math.log(last["wall_us"] / first["wall_us"]) / math.log(last["d"] / first["d"])

    def goal(name: str, wanted: float, reached: float, met: bool) -> dict[str, Any]:
        return {"goal": name, "wanted": wanted, "reached": reached, "met": met}

    ratio = wall[NAIVE, m] / wall["squared", m]
    best_ratio = min(wall[NAIVE, size] for size in plan.minibatches) / best
    flat = max(by_D) / min(by_D) - 1
    return [
        goal(f"naive / ours at m = {m}, at least D/4d", D / (4 * d), ratio, ratio >= D / (4 * d)),
        goal("naive / ours at the best minibatch, at least", 3000.0, best_ratio, best_ratio >= 3000),
        goal("time per example over D, spread at most", 0.1, flat, flat <= 0.1),
        goal("exponent of the time per example in d, at most", 2.0, growth, growth <= 2),
        goal("peak memory over the floor, at most", 1.15, report["memory"]["ratio"], report["memory"]["ratio"] <= 1.15),
    ]


def show(report: dict[str, Any], plan: Plan) -> None:
    """The tables, on standard output."""
    wall = {(cell["side"], cell["m"]): cell["wall_us"] for cell in report["cells"]}
    floor = {row["m"]: row["us"] for row in report["floor"]}
    rows = []
    for m in sorted({m for _, m in wall}):
        naive, tree = wall.get((NAIVE, m)), wall.get((TREE, m))
        exact = [wall[loss, m] for loss in OURS]
        ratios = [naive and naive / exact[0], tree and tree / exact[0]]
        rows.append([m, naive, tree, *exact, floor[m], *ratios])
    click.echo(f"\nD = {plan.outputs:,}, d = {plan.features}: µs per example")
    click.echo(machine.table(["m", NAIVE, TREE, *OURS, "floor", "naive/squared", "tree/squared"], rows))
    click.echo(f"\nfold: {report['fold_seconds']:.2f} s")
    folds = [[row["m"], row["examples_between_folds"], row["fold_us"]] for row in report["folds"]]
    click.echo(machine.table(["m", "examples between", "µs per example"], folds))
    for name, axis in (("outputs", "D"), ("features", "d")):
        click.echo(f"\nsquared, m = {plan.sweep_minibatch}, over {axis}: µs per example")
        click.echo(machine.table([axis, "µs"], [[row[axis], row["wall_us"]] for row in report[name]]))
    memory = report["memory"]
    peak, floor = memory["peak_bytes"] / 2**20, memory["floor_bytes"] / 2**20
    click.echo(f"\nmemory: peak {peak:.0f} MiB, floor {floor:.0f} MiB\n")
    goals = [
        [goal["goal"], goal["wanted"], goal["reached"], "yes" if goal["met"] else "no"] for goal in report["goals"]
    ]
    click.echo(machine.table(["goal", "wanted", "reached", "met"], goals))


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--full", is_flag=True, help="The papers' sizes; else smaller ones, in about a minute.")
@click.option("--outputs", type=click.IntRange(2), help="D of the papers' table.")
@click.option("--features", type=click.IntRange(1), help="d of the papers' table and of the sweep over D.")
@click.option("--minibatches", callback=machine.int_list, metavar="M,M,…", help="m of the papers' table.")
@click.option("--sweep-minibatches", callback=machine.int_list, metavar="M,M,…", help="m of ours alone.")
@click.option("--sweep-outputs", callback=machine.int_list, metavar="D,D,…", help="D of the sweep over D.")
@click.option("--sweep-features", callback=machine.int_list, metavar="d,d,…", help="d of the sweep over d.")
@click.option("--sweep-minibatch", type=click.IntRange(1), help="m of both sweeps.")
@click.option("--rounds", type=click.IntRange(1), help="Rounds of every side.")
@click.option("--fold-examples", type=click.IntRange(1), help="Examples over which folds are counted.")
@machine.threads_option
@machine.output_option
def main(full: bool, threads: int, output: Path | None, **chosen: Any) -> None:
    """Time the naive update, hierarchical softmax and the exact layer, and judge the goals."""
    given = {name: value for name, value in chosen.items() if value is not None}
    plan = replace(FULL if full else QUICK, **given)
    report: dict[str, Any] = {"tool": "complexity", "machine": machine.provenance(threads), "sizes": asdict(plan)}
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as fresh:
        m = max(plan.minibatches)
        report["memory"] = fresh.submit(measure_memory, plan.outputs, plan.features, m, threads).result()
    with machine.blas_threads(threads):
        report |= papers_table(plan, threads)
        report["folds"] = folds_table(plan, threads, report["fold_seconds"])
        over_outputs = [(D, plan.features) for D in plan.sweep_outputs]
        over_features = [(max(plan.sweep_outputs) // 10, d) for d in plan.sweep_features]
        report["outputs"] = sweep(over_outputs, plan.sweep_minibatch, plan.rounds, threads)
        report["features"] = sweep(over_features, plan.sweep_minibatch, plan.rounds, threads)
    report["goals"] = judge(report, plan)
    show(report, plan)
    machine.write_report(report, output)


if __name__ == "__main__":
    machine.run(main)
