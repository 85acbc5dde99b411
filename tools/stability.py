"""Does the exact layer drift? Millions of float32 steps against a dense float64 shadow of sampled rows.

For squared error a row of W needs nothing but itself: the gradient of Σ_j (q_j − 2 y_j o_j[c_j] + y_j²) for row i is
Σ_j 2 (w_i · h_j − y_ij) h_j. So any rows can be followed in float64 by the dense step itself, without factors, without
approximation and without the other rows. A shadow follows 256 of them: rows that are targets all the time, rows that
are now and then, and rows that never are. At checkpoints the report compares

    rows   ‖w_i − shadow_i‖ / ‖shadow_i‖, the largest of each group
    Q      ‖Q − WᵀW‖ / ‖WᵀW‖, with WᵀW summed in float64 over all D rows of the layer's own W
    cond   the largest estimate of U's condition number on every tenth step since the last checkpoint; folds so far

The stream is stationary and hard for the factors: h has a covariance with eigenvalues from 1 to 1e-3 in a random basis,
and U loses directions as fast as they differ. Its teacher is a code per output: an example of output c is that code
plus noise, and its target is 1, so the loss falls as the layer learns to tell the outputs apart.

Each run is repeated with the numerical control off, to show what it prevents: ``unfolded`` never folds and has no limit
on U's condition, ``unrefreshed`` never computes U⁻¹ anew from U (rank-one corrections alone), ``bare`` does neither.
"""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import click
import machine
import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from wordsparse.errors import TrainingError
from wordsparse.layer import factors, refusal
from wordsparse.layer.output import FactoredOutput

Array = NDArray[Any]

GOAL = 1e-3
VARIANTS = ("controlled", "unfolded", "unrefreshed", "bare")
# The last rows are never drawn as targets.
NEVER = 0.01
GROUP_ROWS = {"often": 64, "sometimes": 128, "never": 64}
FLOAT32 = np.dtype(np.float32)
RATE_HELP = "Step size on the mean loss; 2 RATE ‖h‖² = 1 is a singular step, ‖h‖² about 9."


@dataclass(frozen=True)
class Setting:
    """One run. ``rate`` is the step size on the mean loss of a minibatch, m times the layer's ``lr``."""

    variant: str
    minibatch: int
    steps: int
    outputs: int
    features: int
    rate: float
    fold_condition: float
    threads: int
    seed: int


class Stream:
    """Examples (h, c): h = B Λ^½ (code_c + noise) / √2 with codes and noise normal, c by Zipf's law."""

    def __init__(self, setting: Setting) -> None:
        D, d = setting.outputs, setting.features
        self._random = np.random.default_rng(setting.seed)
        basis, _ = np.linalg.qr(self._random.standard_normal((d, d)))
        self._spread = np.sqrt(np.geomspace(1, 1e-3, d))[:, None] * basis.T / math.sqrt(2)
        self._codes = self._random.standard_normal((D, d), np.float32)
        self.drawn = D - max(1, int(NEVER * D))
        law = 1 / np.arange(1, self.drawn + 1)
        self._cumulative = np.cumsum(law / law.sum())

    def minibatches(self, m: int, steps: int) -> Iterator[tuple[Array, Array]]:
        """``steps`` times H (m, d) float32 and targets (m,) int64; made many at a time."""
        at_once = max(1, 8192 // m)
        for start in range(0, steps, at_once):
            count = min(at_once, steps - start)
            targets = np.searchsorted(self._cumulative, self._random.random(count * m))
            targets = np.minimum(targets, self.drawn - 1)
            noise = self._random.standard_normal((count * m, self._codes.shape[1]), np.float32)
            H = ((self._codes[targets] + noise) @ self._spread).astype(np.float32)
            yield from zip(H.reshape(count, m, -1), targets.reshape(count, m), strict=True)


class Shadow:
    """Rows of W in float64, each by its own dense recursion."""

    def __init__(self, layer: FactoredOutput, drawn: int, random: np.random.Generator) -> None:
        D = layer.n_outputs
        often = min(GROUP_ROWS["often"], drawn // 2)
        ranges = {"often": (0, often), "sometimes": (often, drawn), "never": (drawn, D)}
        chosen = [
            first + random.permutation(last - first)[: GROUP_ROWS[name]] for name, (first, last) in ranges.items()
        ]
        self.rows = np.concatenate(chosen)
        self._group = np.repeat(np.arange(len(chosen)), [len(rows) for rows in chosen])
        self._place = np.full(D, -1)
        self._place[self.rows] = np.arange(self.rows.shape[0])
        self.W = exact_rows(layer, self.rows)

    def step(self, H: Array, targets: Array, lr: float) -> None:
        """W ← W − lr Σ_j 2 (W h_j − y_j) h_jᵀ over the rows kept."""
        H = H.astype(np.float64)
        residual = self.W @ H.T
        place = self._place[targets]
        (kept,) = np.nonzero(place >= 0)
        residual[place[kept], kept] -= 1
        self.W -= 2 * lr * (residual @ H)

    def errors(self, layer: FactoredOutput) -> dict[str, float | None]:
        """The largest relative error of a row, by group."""
        off = np.linalg.norm(exact_rows(layer, self.rows) - self.W, axis=1) / np.linalg.norm(self.W, axis=1)
        return {name: finite(off[self._group == i].max()) for i, name in enumerate(GROUP_ROWS)}


def exact_rows(layer: FactoredOutput, rows: Array | slice) -> Array:
    """The layer's W[rows], multiplied out in float64."""
    return np.asarray(layer.core.V[rows].astype(np.float64) @ layer.core.factors.U + layer.core.factors.omega)


def q_error(layer: FactoredOutput) -> float:
    """‖Q − WᵀW‖ / ‖WᵀW‖ (Frobenius), WᵀW over all rows in float64."""
    Q = np.zeros_like(layer.core.factors.Q)
    for start in range(0, layer.n_outputs, 8192):
        W = exact_rows(layer, slice(start, start + 8192))
        Q += W.T @ W
    return float(np.linalg.norm(layer.core.factors.Q - Q) / np.linalg.norm(Q))


def checkpoints(steps: int) -> set[int]:
    """1, 2, 5, 10, 20, … and twenty steps evenly over the run."""
    early = {k * 10**e for e in range(9) for k in (1, 2, 5)}
    even = {steps * i // 20 for i in range(1, 21)}
    return {step for step in early | even if 1 <= step <= steps}


@contextmanager
def control(setting: Setting) -> Iterator[None]:
    """The layer's limits for this run."""
    off, drift = {FLOAT32: math.inf}, factors.DRIFT
    limits: dict[str, Any] = {"FOLD_CONDITION": {FLOAT32: setting.fold_condition}}
    refusals: dict[str, Any] = {"MAX_GROWTH": refusal.MAX_GROWTH}
    if setting.variant in ("unfolded", "bare"):
        limits = {"FOLD_CONDITION": off, "FOLD_SCALE": math.inf}
        refusals = {"STEP_CONDITION": off, "MAX_GROWTH": math.inf}
    if setting.variant in ("unrefreshed", "bare"):
        drift = off
    with (
        mock.patch.multiple(factors, **limits, DRIFT=drift),
        mock.patch.multiple(refusal, **refusals),
        np.errstate(all="ignore"),
    ):
        yield


def run(setting: Setting) -> dict[str, Any]:
    """One run: its setting, its trace, its largest errors and how it ended."""
    stream = Stream(setting)
    random = np.random.default_rng(setting.seed + 1)
    weights = 0.01 * random.standard_normal((setting.outputs, setting.features), np.float32)
    layer = FactoredOutput(setting.outputs, setting.features, weights=weights, threads=setting.threads)
    shadow = Shadow(layer, stream.drawn, random)
    start = time.perf_counter()
    with machine.blas_threads(setting.threads), control(setting):
        trace, ended = follow(layer, shadow, stream, setting)
    return {
        "setting": asdict(setting),
        "ended": ended,
        "seconds": time.perf_counter() - start,
        "layer_seconds": sum(point["layer_seconds"] for point in trace),
        "worst_row": largest([error for point in trace for error in point["rows"].values()]),
        "worst_Q": largest([point["Q"] for point in trace]),
        "folds": trace[-1]["folds"] if trace else 0,
        "trace": trace,
    }


def follow(layer: FactoredOutput, shadow: Shadow, stream: Stream, setting: Setting) -> tuple[list[dict[str, Any]], str]:
    """Step layer and shadow side by side, to the end or until the layer refuses; the trace and how it ended."""
    m, lr = setting.minibatch, setting.rate / setting.minibatch
    ones, indptr, before = np.ones(m, np.float32), np.arange(m + 1), layer.core.folds
    due, trace, last = checkpoints(setting.steps), list[dict[str, Any]](), 0
    condition = loss_sum = seconds = 0.0
    for step, (H, targets) in enumerate(stream.minibatches(m, setting.steps), 1):
        Y = sp.csr_array((ones, targets, indptr), shape=(m, setting.outputs))
        start = time.perf_counter()
        try:
            losses, _ = layer.step(H, Y, lr)
        except TrainingError as error:
            return trace, f"refused at step {step}: {error}"
        seconds += time.perf_counter() - start
        shadow.step(H, targets, lr)
        if step % 10 == 0 or step in due:
            condition = max(condition, layer.core.factors.condition)
        loss_sum += float(losses.sum())
        if step in due:
            point = {
                "step": step,
                "rows": shadow.errors(layer),
                "Q": finite(q_error(layer)),
                "condition": finite(condition),
                "folds": layer.core.folds - before,
                "mean_loss": finite(loss_sum / (m * (step - last))),
                "layer_seconds": seconds,
            }
            trace.append(point)
            show(point)
            condition, loss_sum, seconds, last = 0.0, 0.0, 0.0, step
    return trace, "finished"


def finite(value: float) -> float | None:
    """``value``, or None where it is not a finite number: JSON has no other."""
    return float(value) if math.isfinite(value) else None


def largest(errors: list[float | None]) -> float | None:
    """The largest error, None where one of them is beyond all numbers."""
    known = [error for error in errors if error is not None]
    return max(known) if known and len(known) == len(errors) else None


def show(point: dict[str, Any]) -> None:
    """One line of progress."""
    numbers = {**point["rows"], **{name: point[name] for name in ("Q", "condition", "mean_loss")}}
    text = "  ".join(f"{name} {'lost' if value is None else f'{value:.2e}'}" for name, value in numbers.items())
    click.echo(f"  step {point['step']:>9,}  folds {point['folds']:>6,}  {text}", err=True)


def summary(runs: list[dict[str, Any]]) -> str:
    """The table of all runs."""
    rows = []
    for result in runs:
        setting, trace = result["setting"], result["trace"]
        steps = trace[-1]["step"] if trace else 0
        worst = max((point["condition"] or math.inf for point in trace), default=math.nan)
        per_step = result["layer_seconds"] / max(steps, 1) * 1e6
        errors = [result["worst_row"], result["worst_Q"]]
        row = [setting["variant"], setting["minibatch"], f"{steps:,}", *errors, worst, result["folds"], per_step]
        rows.append([*row, result["ended"][:40]])
    headers = ["variant", "m", "steps", "rows", "Q", "cond(U)", "folds", "µs/step", "ended"]
    return machine.table(headers, rows)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--full", is_flag=True, help="A million online steps and 100,000 minibatches; else a fiftieth.")
@click.option("--minibatches", callback=machine.int_list, default="1,32,128", show_default=True, help="Sizes m.")
@click.option("--steps", type=click.IntRange(1), help="Steps of every controlled run, instead.")
@click.option("--uncontrolled-steps", type=click.IntRange(1), default=20_000, show_default=True)
@click.option("--variants", multiple=True, type=click.Choice(VARIANTS), default=VARIANTS, show_default=True)
@click.option("--outputs", type=click.IntRange(100), default=100_000, show_default=True, help="D.")
@click.option("--features", type=click.IntRange(2), default=64, show_default=True, help="d.")
@click.option("--rate", type=click.FloatRange(0, min_open=True), default=0.01, show_default=True, help=RATE_HELP)
@click.option("--fold-condition", type=click.FloatRange(1), default=factors.FOLD_CONDITION[FLOAT32], show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@machine.threads_option
@machine.output_option
def main(
    full: bool,
    minibatches: tuple[int, ...],
    steps: int | None,
    uncontrolled_steps: int,
    variants: tuple[str, ...],
    outputs: int,
    features: int,
    rate: float,
    fold_condition: float,
    seed: int,
    threads: int,
    output: Path | None,
) -> None:
    """Follow the layer with a dense float64 shadow and report how far it drifts, with its control and without."""
    runs = []
    for m in minibatches:
        controlled = steps or (1_000_000 if m == 1 else 100_000) // (1 if full else 50)
        for variant in variants:
            count = controlled if variant == "controlled" else min(controlled, uncontrolled_steps)
            click.echo(f"{variant}, m = {m}, {count:,} steps", err=True)
            runs.append(run(Setting(variant, m, count, outputs, features, rate, fold_condition, threads, seed)))
    click.echo(summary(runs))
    judged = [result for result in runs if result["setting"]["variant"] == "controlled"]
    held = [
        result["ended"] == "finished"
        and all(result[key] is not None and result[key] < GOAL for key in ("worst_row", "worst_Q"))
        for result in judged
    ]
    click.echo(f"within {GOAL:g} of the shadow, under control: {sum(held)} of {len(held)} runs")
    report = {"tool": "stability", "machine": machine.provenance(threads), "goal": GOAL, "runs": runs}
    machine.write_report(report | {"held": all(held)}, output)


if __name__ == "__main__":
    machine.run(main)
