"""The measurements of the layer in tools/gpu.py, and the goals. A part takes the bench and returns JSON."""

import time
from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import baselines
import machine
import numpy as np
import scipy.sparse as sp
from complexity import Batch, batches, flops_per_example
from gpu_baselines import GpuNaiveDense, softmax_bytes, softmax_step

from wordsparse.kernels import CpuKernels, Csr, Kernels
from wordsparse.layer import losses
from wordsparse.layer.inputs import RowInputs
from wordsparse.layer.interface import Targets
from wordsparse.layer.output import FactoredOutput
from wordsparse.layer.reference import DenseOutput
from wordsparse.machine import devices

SOFTMAX = {"softmax": (False, False), "softmax compiled": (False, True), "softmax compiled, TF32": (True, True)}
NAIVE, NAIVE_CPU, OURS = "naive dense", "naive dense, one CPU thread", "exact squared"


class Bench:
    """The device, its sizes, and how to wait for it and ask for its memory."""

    def __init__(
        self,
        device: str,
        text: tuple[Path, ...],
        outputs: int,
        features: int,
        minibatches: tuple[int, ...],
        rounds: int,
        min_count: int,
        steps: int,
        sgemm_size: int,
    ) -> None:
        self.device, self.text, self.outputs, self.features = device, text, outputs, features
        self.minibatches, self.rounds, self.min_count, self.steps = minibatches, rounds, min_count, steps
        self.sgemm_size = sgemm_size
        self.kernels: Kernels
        if device == "cuda":
            from wordsparse.kernels.cuda import CudaKernels

            self.kernels = CudaKernels()
        else:
            self.kernels = CpuKernels(1)
        self.xp = self.kernels.xp

    @cached_property
    def card(self) -> dict[str, Any]:
        """Name and versions."""
        if self.device == "cpu":
            return {"name": "cpu", "processor": machine.provenance(1, 64)["processor"]}
        return dict(vars(devices.find_gpu()))

    @cached_property
    def rates(self) -> dict[str, float]:
        """float32 products in GFLOP/s, and memory read and written in GB/s."""
        n = self.sgemm_size
        a = self.xp.asarray(np.random.default_rng(0).random((n, n), np.float32))
        b = a.copy()
        product = self.seconds(lambda: a @ b)
        copied = self.seconds(lambda: b.__setitem__(slice(None), a))
        return {"sgemm_gflops": 2 * n**3 / product / 1e9, "bandwidth_gb": 2 * a.nbytes / copied / 1e9}

    def wait(self) -> None:
        """Wait until the device has finished all its work."""
        if self.device == "cuda":
            self.xp.cuda.get_current_stream().synchronize()

    def memory_bytes(self) -> int:
        """In use: on the device all but what CuPy's pool keeps free; on the CPU the resident memory."""
        if self.device == "cpu":
            return machine.memory_bytes("VmRSS")
        free, total = self.xp.cuda.runtime.memGetInfo()
        return int(total - free - self.xp.get_default_memory_pool().free_bytes())

    def waiting(self, step: Callable[[], object]) -> Callable[[], object]:
        """The step, and the wait for it."""

        def both() -> object:
            result = step()
            self.wait()
            return result

        return both

    def seconds(self, call: Callable[[], object], repeats: int = 5) -> float:
        """The best wall time of some calls, after one to warm up."""
        times = []
        for _ in range(repeats + 1):
            start = time.perf_counter()
            call()
            self.wait()
            times.append(time.perf_counter() - start)
        return min(times[1:])


def rates(bench: Bench) -> dict[str, Any]:
    """float32 products (TF32 off) in GFLOP/s, and memory read and written in GB/s."""
    return dict(bench.rates)


def accuracy(bench: Bench) -> dict[str, Any]:
    """The largest relative error of losses, gradients and W over ten float32 steps on the device, per loss, beside the
    float64 oracle."""
    random = np.random.default_rng(0)
    D, d, m = min(2000, bench.outputs), min(64, bench.features), 96
    rows = []
    for name in losses.LOSSES:
        start = 0.3 * random.standard_normal((D, d)).astype(np.float32)
        layer = FactoredOutput(D, d, name, weights=start, kernels=bench.kernels)
        dense = DenseOutput(start, name)
        off = np.zeros(3)
        for _ in range(10):
            H = (random.standard_normal((m, d)) / np.sqrt(d)).astype(np.float32)
            columns = random.integers(0, D, 3 * m)
            Y = sp.csr_array((np.ones(3 * m, np.float32), columns, np.arange(0, 3 * m + 1, 3)), shape=(m, D))
            sides = (*layer.step(H, Y, 0.01), layer.weights()), (*dense.step(H, Y, 0.01), dense.W)
            errors = [
                float(np.abs(ours - exact).max() / np.abs(exact).max()) for ours, exact in zip(*sides, strict=True)
            ]
            off = np.maximum(off, errors)
        rows.append([name, *map(float, off)])
    return {
        "worst": max(max(off) for _, *off in rows),
        "losses": {name: dict(zip(("losses", "gradient", "W"), off, strict=True)) for name, *off in rows},
        "table": machine.table(["loss", "losses off", "gradient off", "W off"], rows),
    }


def exact_step(bench: Bench, layer: FactoredOutput, batch: Batch) -> Callable[[], object]:
    """The exact layer's step on inputs that are on the device; the targets' ids travel there in each step."""
    kernels = bench.kernels
    H = kernels.to_device(batch.H)
    rows, local = np.unique(batch.targets, return_inverse=True)
    indptr, local = np.arange(batch.H.shape[0] + 1), local.astype(np.int32)

    def step() -> object:
        csr = Csr(kernels.to_device(indptr), kernels.to_device(local), rows.shape[0])
        y = bench.xp.ones(local.shape[0], np.float32)
        inputs = RowInputs(H, kernels)
        sums = inputs.pull_back(layer.core.forward(inputs, Targets(kernels.to_device(rows), csr, y)))
        gradient = sums.gradient()
        layer.core.apply(layer.core.update(sums, batch.lr))
        return gradient

    return bench.waiting(step)


def bytes_per_example(m: int, u: int, d: int) -> float:
    """Bytes that an exact step moves for each example in float32.

    Rows of V are gathered, changed and written; about eight (m, d) arrays of the minibatch are read and written.
    """
    return 4 * d * (5 * u / m + 8)


def papers(bench: Bench) -> dict[str, Any]:
    """Microseconds an example of every side at D and d, each m, alternating; ours also as shares of the rates."""
    D, d = bench.outputs, bench.features
    naive, layer = GpuNaiveDense(bench.xp, D, d), FactoredOutput(D, d, "squared", kernels=bench.kernels)
    missing: dict[str, str] = {}
    cells: list[dict[str, Any]] = []
    for m in bench.minibatches:
        made = batches(m, d, D)
        sides: dict[Any, tuple[int, machine.Step]] = {}
        on_device = [(bench.kernels.to_device(b.H), bench.kernels.to_device(b.targets), b.lr) for b in made]
        sides[NAIVE] = m, machine.in_turn([bench.waiting(partial(naive.step, *b)) for b in on_device])
        sides[OURS] = m, machine.in_turn([exact_step(bench, layer, b) for b in made])
        for name, (tf32, compiled) in SOFTMAX.items():
            try:
                step = softmax_step(bench.device, D, d, tf32=tf32, compiled=compiled and bench.device == "cuda")
                step(made[0].H, made[0].targets, 0.1)
            except Exception as error:  # not installed, does not compile, or does not fit: the table omits it
                missing[f"{name}, m = {m}"] = (
                    f"{type(error).__name__}: {str(error)[:200]} ({softmax_bytes(m, D, d) / 1e9:.1f} GB needed)"
                )
                continue
            sides[name] = m, machine.in_turn([partial(step, b.H, b.targets, b.lr) for b in made])
        few = {name: bench.rounds for name in sides if name != OURS}
        if m == min(bench.minibatches):  # seconds a step at full size
            on_cpu = baselines.NaiveDense(D, d)
            sides[NAIVE_CPU] = m, machine.in_turn([partial(on_cpu.step, b.H, b.targets, b.lr) for b in made])
            few[NAIVE_CPU] = 1
        u = int(np.mean([np.unique(b.targets).shape[0] for b in made]))
        with machine.blas_threads(1):
            for name, cell in machine.alternate(sides, bench.rounds, few).items():
                shares = _shares(bench, m, u, cell["wall_us"]) if name == OURS else {}
                cells.append({"side": name, "m": m, **cell, **shares})
    by_side = {(cell["side"], cell["m"]): cell["wall_us"] for cell in cells}
    names = list(dict.fromkeys(cell["side"] for cell in cells))
    ours = {cell["m"]: cell for cell in cells if cell["side"] == OURS}
    shares = ("share_of_sgemm", "share_of_bandwidth")
    rows = [
        [m, *(by_side.get((name, m)) for name in names), *(ours[m][share] for share in shares)]
        for m in bench.minibatches
    ]
    headers = ["m", *(f"{name}, µs" for name in names), "ours: of sgemm", "of bandwidth"]
    return {"D": D, "d": d, "cells": cells, "missing": missing, "table": machine.table(headers, rows)}


def _shares(bench: Bench, m: int, u: int, microseconds: float) -> dict[str, float]:
    """The fractions of the device's peak rates that a step of the exact layer reaches, in operations and in bytes."""
    gflop = flops_per_example(m, u, bench.features) / 1e9
    gbyte = bytes_per_example(m, u, bench.features) / 1e9
    return {
        "share_of_sgemm": gflop / (microseconds * 1e-6) / bench.rates["sgemm_gflops"],
        "share_of_bandwidth": gbyte / (microseconds * 1e-6) / bench.rates["bandwidth_gb"],
    }


def goals(parts: dict[str, Any]) -> list[dict[str, Any]]:
    """The goals for one H100, and the measured values."""
    found: list[tuple[str, float, float, bool]] = []
    if "accuracy" in parts:
        worst = parts["accuracy"]["worst"]
        found.append(("float32 off the float64 oracle, at most", 3e-5, worst, worst <= 3e-5))
    if "training" in parts:
        found += _training_goals(parts["training"]["runs"])
    if "papers" in parts:
        found += _papers_goals(parts["papers"])
    if "leaks" in parts:
        for where, key in (("on the device", "grown_bytes"), ("on the host", "grown_host_bytes")):
            grown = float(parts["leaks"][key])
            found.append((f"bytes grown {where} over the steps, at most", 2e6, grown, grown <= 2e6))
    return [dict(zip(("goal", "wanted", "reached", "met"), goal, strict=True)) for goal in found]


def _training_goals(runs: list[dict[str, Any]]) -> list[tuple[str, float, float, bool]]:
    """Of the runs on the device, beside the CPU's where that is another one."""
    found = []
    for run in (run for run in runs if run["device"] == runs[0]["device"]):
        model, rate = run["model"], run["tokens_per_second"]
        found.append((f"tokens/s of {model}, at least", 2e7, rate, rate >= 2e7))
        for other in (other for other in runs if other["model"] == model and other is not run):
            pairs = [(score, run["scores"][name]) for name, score in other["scores"].items()]
            behind = max((cpu - ours for cpu, ours in pairs if cpu is not None and ours is not None), default=0.0)
            found.append((f"{model}: any score behind the CPU's, at most", 0.01, behind, behind <= 0.01))
    return found


def _papers_goals(papers: dict[str, Any]) -> list[tuple[str, float, float, bool]]:
    cells = papers["cells"]
    best: dict[str, float] = {}
    for cell in cells:
        best[cell["side"]] = min(cell["wall_us"], best.get(cell["side"], np.inf))
    ours = best[OURS]
    ratio = best[NAIVE_CPU] / ours
    found = [("naive dense on one CPU thread / ours at the best m, at least", 30_000.0, ratio, ratio >= 30_000)]
    softmax = [time for side, time in best.items() if side in SOFTMAX]
    if softmax:
        ratio = min(softmax) / ours
        found.append(("best exact softmax on this device / ours, at least", 30.0, ratio, ratio >= 30))
    for cell in cells:
        if cell["side"] == OURS:
            share = cell["share_of_sgemm"]
            found.append((f"share of the sgemm rate at m = {cell['m']}, at least", 0.7, share, share >= 0.7))
    return found
