"""Training by several processes over MPI: what each rank does, and a model of the time on a network.

python -m tools.bench Ranks text=english-10m.txt ranks=1,2,4,8 -o ranks.json
"""

import json
import os
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import fmean
from typing import Any, ClassVar

import wordsparse as ws
from tools.bench.runner import OnText, Row, output_of
from tools.bench.words import scores_of

# The numbers of ranks and the rates of the network, in Gb/s, of the modelled times.
MODELLED_RANKS = 2, 4, 8, 16, 32, 64
RATES = 1, 10, 25, 100
# The numbers of ranks whose runs the model extrapolates.
FEW, MANY = 2, 8
# By default, Open MPI refuses to run as root, or with more ranks than cores.
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
}


@dataclass
class Ranks(OnText):
    """Training on several ranks of this machine: the CPU seconds and bytes of the ranks, and the vectors' scores.

    Ranks of one machine share its cores, so only CPU times are compared. ``busiest`` is the largest CPU time of any
    rank without ``waiting``, the time in MPI, where ranks poll. ``share`` is ``busiest`` compared with one process.
    ``beside`` is the CPU time of one process next to others, as many as there are ranks: processes that share a core
    take longer, because they also share its caches. ``fair_share`` is ``busiest`` compared with ``beside``.
    ``sent_mb`` and ``received_mb`` are megabytes per step.
    """

    dim: int = 300
    epochs: int = 1
    model: Any = ("cbow", "skipgram")
    ranks: Any = (1, 2, 4, 8)
    cases: ClassVar[tuple[str, ...]] = ("model", "ranks")

    def track_ranks(self) -> list[Row]:
        report, alone = self._report(self.ranks), self._report(1)
        beside = _beside(self.text, self.model, self.dim, self.epochs, self.threads, self.ranks)
        row = {"busiest": report["busiest"], "share": report["busiest"] / alone["busiest"]}
        row |= {"beside": beside, "fair_share": report["busiest"] / beside}
        busiest = max(report["ranks"], key=_busy)
        row |= {name: busiest[name] for name in ("products", "algebra", "examples", "waiting")}
        row |= {
            f"{way}_mb": max(rank[f"{way}_bytes"] for rank in report["ranks"]) / 1e6 for way in ("sent", "received")
        }
        return [row | report["scores"]]

    def track_modelled(self) -> list[Row]:
        """Model the wall seconds on machines with one rank each: the products of the busiest rank, the d×d algebra of
        all ranks, and the bytes that a rank receives, all extrapolated as c + p/N through N = FEW and MANY."""
        if self.ranks != MANY:
            return []
        few, many = self._report(FEW), self._report(MANY)
        rows = []
        for ranks in MODELLED_RANKS:
            of_rows, squares, sent = (_between(few, many, ranks, part) for part in (_own, _squares, _bytes))
            times = {f"at_{rate}_gbps": of_rows + squares + sent * 8 / (rate * 1e9) for rate in RATES}
            rows.append({"model_ranks": ranks, "alone": self._report(1)["busiest"], **times})
        return rows

    def _report(self, ranks: int) -> Any:
        return _trained(self.text, self.model, self.dim, self.epochs, self.threads, ranks)


def _busy(rank: Row) -> float:
    return float(rank["products"] + rank["algebra"] + rank["examples"])


def _own(report: Any) -> float:
    return max(float(rank["products"] + rank["examples"]) for rank in report["ranks"])


def _squares(report: Any) -> float:
    return sum(float(rank["algebra"]) for rank in report["ranks"])


def _bytes(report: Any) -> float:
    return max(float(rank["received_bytes"]) for rank in report["ranks"]) * float(report["ranks"][0]["steps"])


def _between(few: Any, many: Any, ranks: int, part: Any) -> float:
    """Extrapolate a figure of a run as c + p/N from the runs on few and on many ranks."""
    n, m, of_few, of_many = len(few["ranks"]), len(many["ranks"]), part(few), part(many)
    p = (of_few - of_many) / (1 / n - 1 / m)
    return max(0.0, float(of_many + p * (1 / ranks - 1 / m)))


@cache
def _encoded(text: Path) -> str:
    folder = tempfile.mkdtemp()
    output_of(sys.executable, "-m", "wordsparse", "encode", text.absolute(), "-o", f"{folder}/encoded")
    return f"{folder}/encoded"


@cache
def _trained(text: Path, model: str, dim: int, epochs: int, threads: int, ranks: int) -> Any:
    """Train without n-grams, and return the report of the run with its ``scores`` and ``busiest`` time. One rank is
    `wordsparse train`."""
    with tempfile.TemporaryDirectory() as folder:
        options = _options(model, dim, epochs, threads, folder)
        program = [sys.executable, "-m", *(("wordsparse", "train") if ranks == 1 else ("wordsparse.distributed",))]
        launcher = [] if ranks == 1 else [_mpiexec(), "-n", str(ranks)]
        report = json.loads(output_of(*launcher, *program, _encoded(text), *options, env={**os.environ, **ENVIRONMENT}))
        scores = scores_of(ws.load(f"{folder}/model"))
    if ranks == 1:
        alone = {"products": report["cpu_seconds"], "algebra": 0.0, "examples": 0.0, "waiting": 0.0}
        report["ranks"] = [{**alone, "sent_bytes": 0.0, "received_bytes": 0.0, "steps": 1}]
    return {**report, "scores": scores, "busiest": max(map(_busy, report["ranks"]))}


def _options(model: str, dim: int, epochs: int, threads: int, folder: str) -> tuple[str, ...]:
    options: tuple[str, ...] = ("--model", model, "--dim", str(dim), "--epochs", str(epochs))
    return (*options, "--threads", str(threads), "--form", "0", "--quiet", "--json", "-o", f"{folder}/model")


def _beside(text: Path, model: str, dim: int, epochs: int, threads: int, processes: int) -> float:
    """Return the mean CPU seconds of independent trainings that start together."""

    def train() -> float:
        with tempfile.TemporaryDirectory() as folder:
            options = _options(model, dim, epochs, threads, folder)
            program = sys.executable, "-m", "wordsparse", "train", _encoded(text)
            report = json.loads(output_of(*program, *options, env={**os.environ, **ENVIRONMENT}))
        return float(report["cpu_seconds"])

    if processes == 1:
        return float(_trained(text, model, dim, epochs, threads, 1)["busiest"])
    with ThreadPoolExecutor(processes) as pool:
        return fmean(future.result() for future in [pool.submit(train) for _ in range(processes)])


def _mpiexec() -> str:
    """Return the path of mpiexec, on PATH or otherwise next to this Python."""
    path = shutil.which("mpiexec") or shutil.which("mpiexec", path=str(Path(sys.executable).parent))
    return path or "mpiexec"
