"""The measuring tools: each runs as a command at a tiny size, and what it times is what it says."""

import importlib
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.typing import NDArray

from wordsparse.kernels import CpuKernels
from wordsparse.reference import DenseOutput

Array = NDArray[Any]
TOOLS = Path(__file__).resolve().parents[2] / "tools"
COMPLEXITY = [
    "--outputs=3000",
    "--features=8",
    "--minibatches=4,32",
    "--sweep-minibatches=4,64",
    "--sweep-outputs=1000,2000",
    "--sweep-features=4,8",
    "--sweep-minibatch=16",
    "--rounds=1",
    "--fold-examples=500",
]
STABILITY = [
    "--outputs=1000",
    "--features=8",
    "--steps=600",
    "--minibatches=1,16",
    "--rate=0.05",
]


def run(tool: str, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(TOOLS / f"{tool}.py"), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def report(tool: str, options: list[str], path: Path) -> dict[str, Any]:
    """Run a tool and read its JSON; it must have printed a table too."""
    done = run(tool, *options, "-o", str(path))
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    content: dict[str, Any] = json.loads(path.read_text())
    assert content["tool"] == tool
    assert content["machine"]["threads"] == 1
    assert content["machine"]["sgemm_gflops"] > 0
    assert content["machine"]["blas"]
    return content


@pytest.fixture
def baselines(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(TOOLS))
    return importlib.import_module("baselines")


def test_complexity_times_every_side(tmp_path: Path) -> None:
    content = report("complexity", COMPLEXITY, tmp_path / "report.json")
    sides = {(cell["side"], cell["m"]) for cell in content["cells"]}
    exact = {(loss, m) for loss in ("squared", "bounded-ns") for m in (4, 32, 64)}
    assert sides == exact | {(side, m) for side in ("naive dense", "hierarchical softmax") for m in (4, 32)}
    assert all(cell["wall_us"] > 0 for cell in content["cells"])
    assert [row["D"] for row in content["outputs"]] == [1000, 2000]
    assert [row["d"] for row in content["features"]] == [4, 8]
    assert [row["m"] for row in content["folds"]] == [4, 32]
    assert content["memory"]["floor_bytes"] > 3000 * 8 * 4
    assert len(content["goals"]) == 5


def test_stability_holds_under_control_and_drifts_without(tmp_path: Path) -> None:
    content = report("stability", STABILITY, tmp_path / "report.json")
    runs = {(run["setting"]["variant"], run["setting"]["minibatch"]): run for run in content["runs"]}
    assert len(runs) == 8
    assert content["held"]
    for m in (1, 16):
        controlled = runs["controlled", m]
        assert controlled["ended"] == "finished"
        assert controlled["trace"][-1]["step"] == 600
        assert controlled["folds"] > 0
        assert max(controlled["worst_row"], controlled["worst_Q"]) < 1e-3
        worst = runs["unfolded", m]["worst_row"]
        assert worst is None or worst > 100 * controlled["worst_row"]


@pytest.mark.parametrize("tool", ["complexity", "stability"])
@pytest.mark.parametrize("options", [["-o", "no/such/directory/x.json"], ["--minibatches", "3,x"], ["--threads", "0"]])
def test_a_wrong_request_is_refused_before_the_run(tool: str, options: list[str]) -> None:
    done = run(tool, *options)
    assert done.returncode == 2
    assert "Error" in done.stderr


def test_naive_dense_is_the_dense_step(baselines: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baselines, "BLOCK_ROWS", 7)  # several blocks, the last one short
    random = np.random.default_rng(0)
    D, d, m = 40, 5, 9
    naive = baselines.NaiveDense(D, d)
    naive.W[:] = random.standard_normal((D, d))
    dense = DenseOutput(naive.W)
    for _ in range(3):
        H, targets = random.standard_normal((m, d)).astype(np.float32), random.integers(D, size=m)
        Y = sp.csr_array((np.ones(m), targets, np.arange(m + 1)), shape=(m, D))
        grad = naive.step(H, targets, 0.01)
        _, expected = dense.step(H, Y, 0.01)
        np.testing.assert_allclose(grad, expected, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(naive.W, dense.W, rtol=1e-4, atol=1e-5)


def test_hierarchical_softmax_is_a_distribution_and_follows_its_gradient(baselines: ModuleType) -> None:
    random = np.random.default_rng(0)
    D, d = 23, 4
    tree = baselines.HierarchicalSoftmax(1 / np.arange(1.0, D + 1), d, CpuKernels(1))
    tree.nodes[:] = random.standard_normal(tree.nodes.shape)
    h = random.standard_normal((1, d)).astype(np.float32)

    def loss(nodes: Array, H: Array, targets: Array) -> Array:
        tree.nodes[:] = nodes
        losses: Array = tree.step(H, tree.paths(targets), 0.0)[0]
        return losses

    every = np.arange(D)
    nodes = tree.nodes.copy()
    assert np.exp(-loss(nodes, np.repeat(h, D, 0), every).astype(np.float64)).sum() == pytest.approx(1, rel=1e-5)
    # Frequent outputs have the shorter ways.
    lengths = np.diff(tree.paths(every).csr.indptr)
    assert lengths[0] == lengths.min() < lengths[-1]

    H, targets = random.standard_normal((6, d)).astype(np.float32), np.array([0, 5, 5, 22, 1, 0])
    before = loss(nodes, H, targets).sum()
    step = 1e-4
    _, grad_h = tree.step(H, tree.paths(targets), step)
    grad_nodes = (nodes - tree.nodes) / step
    for grad, move in ((grad_nodes, "nodes"), (grad_h, "H")):
        along = 1e-2 * grad / np.linalg.norm(grad)
        moved = loss(nodes + along, H, targets) if move == "nodes" else loss(nodes, H + along, targets)
        assert moved.sum() - before == pytest.approx(1e-2 * np.linalg.norm(grad), rel=0.05)
