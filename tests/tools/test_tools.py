"""The measuring tools: each runs as a command at a tiny size, and what it times is what it says."""

import importlib
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from click.testing import CliRunner
from numpy.typing import NDArray
from support.mpi import needs_mpi

from wordsparse.kernels import CpuKernels
from wordsparse.layer.reference import DenseOutput
from wordsparse.machine import devices

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
    environment = os.environ | {"OPENBLAS_CORETYPE": "Prescott"}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)


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
    assert content["command"].startswith(f"python {TOOLS / tool}.py ")
    assert content["machine"]["instruction_set"]
    assert content["machine"]["products"]
    # OpenBLAS is measured with the kernels that it chooses itself, whatever the environment asks for.
    assert "OPENBLAS_CORETYPE dropped" in done.stderr
    assert "OPENBLAS_CORETYPE" not in content["machine"]["environment"]
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


@pytest.mark.skipif(importlib.util.find_spec("gensim") is None, reason="the default test sets come with gensim")
@pytest.mark.parametrize(("study", "variants"), [("losses", 5), ("vectors", 14), ("start", 2)])
def test_recipe_trains_and_judges_every_variant(study: str, variants: int, tmp_path: Path) -> None:
    text, pairs = tmp_path / "text.txt", tmp_path / "animals.tsv"
    text.write_text("the cat saw the dog and the dog saw a bird\n" * 300)
    pairs.write_text("cat\tdog\t9\ncat\tbird\t5\ndog\tthe\t1\n")
    options = [
        str(text),
        f"--study={study}",
        "--dim=3",
        "--epochs=2",
        "--seeds=1,2",
        "--heldout=0.2",
        "--pairs",
        str(pairs),
    ]
    if study == "start":
        vectors = tmp_path / "vectors.txt"
        vectors.write_text("the 1 2 3\ncat 3 1 -1\ndog -1 2 1\n")
        options += ["--init", str(vectors)]
    content = report("recipe", options, tmp_path / "report.json")
    assert len(content["runs"]) == variants * 2 * 2
    assert len({(run["model"], run["variant"], run["seed"]) for run in content["runs"]}) == variants * 2 * 2
    for run_ in content["runs"]:
        assert len(run_["heldout_loss"]) == 2
        assert run_["pairs"].keys() == {"wordsim353", "simlex999", "animals"}


def test_movement_plants_changes_and_judges_them(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    topics = random.integers(4, size=6000)
    lines = (" ".join(f"t{topic}w{i}" for i in random.integers(0, 50, 10)) for topic in topics)
    (tmp_path / "text.txt").write_text("\n".join(lines) + "\n")
    options = [str(tmp_path / "text.txt"), "--tokens=29000", "--models", str(tmp_path / "models"), "--dim=4"]
    content = report("movement", [*options, "--epochs=2", "--bootstrap=4"], tmp_path / "report.json")
    (trial,) = content["trials"]
    assert trial["words"] == 200
    # Two pairs of each kind, all of one octave.
    assert [row["kind"] for row in trial["planted"]] == ["whole"] * 4 + ["half"] * 4
    assert len({row["word"] for row in trial["planted"]}) == 8
    apart = {
        kind: np.mean([row["distance"] for row in trial["planted"] if row["kind"] == kind])
        for kind in ("whole", "half")
    }
    expected = np.mean([row["expected"] for row in trial["planted"]])
    assert apart["whole"] > apart["half"] > expected


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


GPU = ["--device=cpu", "--outputs=500", "--features=8", "--minibatches=4,32", "--rounds=1", "--steps=20"]


def test_the_gpu_tool_runs_without_a_gpu(tmp_path: Path) -> None:
    """Every part but pytest's, at a tiny size on the CPU: on its first day with a GPU it only has to be right."""
    random = np.random.default_rng(0)
    text = tmp_path / "text"
    text.write_text("\n".join(" ".join(f"w{i}" for i in random.integers(0, 50, 12)) for _ in range(400)))
    done = run("gpu", str(text), *GPU, "--sgemm-size=64", "-o", str(tmp_path))
    assert done.returncode == 0, done.stderr
    content = json.loads((tmp_path / "gpu-cpu.json").read_text())
    assert content["failed"] == {}
    parts = content["parts"]
    assert set(parts) == {"rates", "accuracy", "papers", "training", "leaks"}
    assert parts["accuracy"]["worst"] < 3e-5
    assert [(run["model"], run["device"]) for run in parts["training"]["runs"]] == [
        ("cbow", "cpu"),
        ("skipgram", "cpu"),
    ]
    assert len(parts["leaks"]["bytes"]) == len(parts["leaks"]["host_bytes"]) == 10
    sides = {(cell["side"], cell["m"]) for cell in parts["papers"]["cells"]}
    assert sides >= {("exact squared", 4), ("exact squared", 32), ("naive dense", 4), ("naive dense", 32)}
    assert ("naive dense, one CPU thread", 4) in sides
    ours = [cell for cell in parts["papers"]["cells"] if cell["side"] == "exact squared"]
    assert all(min(cell["share_of_sgemm"], cell["share_of_bandwidth"]) > 0 for cell in ours)
    wanted = [goal["goal"] for goal in content["goals"]]
    for start in (
        "float32 off",
        "tokens/s of cbow",
        "tokens/s of skipgram",
        "naive dense on one",
        "share of the sgemm",
    ):
        assert any(goal.startswith(start) for goal in wanted)


def test_the_gpu_tool_says_what_failed(tmp_path: Path) -> None:
    done = run("gpu", *GPU, "--parts=training,rates", "--sgemm-size=64", "-o", str(tmp_path))
    assert done.returncode == 1
    content = json.loads((tmp_path / "gpu-cpu.json").read_text())
    assert "no text was given" in content["failed"]["training"]
    assert "rates" in content["parts"]
    assert run("gpu", *GPU, "--parts=tests,nothing").returncode == 2


@pytest.mark.skipif(devices.choose("auto").device == "cuda", reason="there is a GPU here")
def test_the_gpu_tool_refuses_to_run_without_a_gpu_that_was_asked_for() -> None:
    done = run("gpu", "--device=cuda")
    assert done.returncode == 2
    assert "Error: " in done.stderr
    assert "driver" in done.stderr


@pytest.fixture
def gpu_baselines(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(TOOLS))
    return importlib.import_module("gpu_baselines")


def test_the_naive_side_of_the_gpu_is_the_dense_step(
    gpu_baselines: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpu_baselines, "BLOCK_OUTPUTS", 7 * 9)  # seven rows at a time
    random = np.random.default_rng(0)
    D, d, m = 40, 5, 9
    naive, dense = gpu_baselines.GpuNaiveDense(np, D, d), DenseOutput(np.zeros((D, d)))
    for _ in range(3):
        H, targets = random.standard_normal((m, d)).astype(np.float32), random.integers(D, size=m)
        Y = sp.csr_array((np.ones(m), targets, np.arange(m + 1)), shape=(m, D))
        grad = naive.step(H, targets, 0.01)
        np.testing.assert_allclose(grad, dense.step(H, Y, 0.01)[1], rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(naive.W, dense.W, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("compiled", [False, True])
def test_the_softmax_side_is_softmax(gpu_baselines: ModuleType, compiled: bool) -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed")
    random = np.random.default_rng(0)
    D, d, m, lr = 11, 3, 5, 0.1
    try:
        step = gpu_baselines.softmax_step("cpu", D, d, tf32=False, compiled=compiled)
        step(np.zeros((1, d), np.float32), np.zeros(1, np.int64), 0.0)
    except Exception as reason:
        pytest.skip(f"torch.compile does not work here: {type(reason).__name__}")
    W = np.zeros((D, d))
    for _ in range(3):
        H, targets = random.standard_normal((m, d)).astype(np.float32), random.integers(D, size=m)
        P = np.exp(H @ W.T)
        P /= P.sum(1, keepdims=True)
        P[np.arange(m), targets] -= 1
        np.testing.assert_allclose(step(H, targets, lr).numpy(), P @ W, atol=1e-6)
        W -= lr * P.T @ H
        np.testing.assert_allclose(step.W.numpy(), W, atol=1e-6)


def small_text(path: Path) -> Path:
    """1,200 sentences over 60 words, the first of them often."""
    random = np.random.default_rng(0)
    words = (60 * random.random((1200, 12)) ** 2).astype(int)
    path.write_text("\n".join(" ".join(f"w{word}" for word in line) for line in words) + "\n")
    return path


@pytest.mark.parametrize("whole", [False, True])
def test_throughput_times_both_sides(tmp_path: Path, whole: bool) -> None:
    pytest.importorskip("gensim")
    text = small_text(tmp_path / "text.txt")
    options = [str(text), "--dim=8", "--round-tokens=6000", "--rounds=1", "--batch-tokens=2000"]
    options += ["--whole"] * whole
    content = report("throughput", options, tmp_path / "report.json")
    assert {(side["program"], side["model"]) for side in content["sides"]} == {
        (program, model) for program in ("wordsparse", "gensim") for model in ("cbow", "skipgram")
    }
    assert all(side["tokens_per_cpu_second"] > 0 for side in content["sides"])
    assert content["vocab_size"] == 60


def test_step_accounts_for_its_kernels(tmp_path: Path) -> None:
    text = small_text(tmp_path / "text.txt")
    options = [str(text), "--dim=8", "--batch-tokens=2000", "--steps=3", "--rounds=1", "--sweep-threads=1"]
    options += ["--sweep-minibatches=1000", "--sweep-dims=4", "--sweep-vocabularies=30"]
    content = report("step", options, tmp_path / "report.json")
    assert [profile["model"] for profile in content["profiles"]] == ["cbow", "skipgram"]
    for profile, kernel in zip(content["profiles"], ("window_pull", "combine"), strict=True):
        parts = {part["part"]: part for part in profile["parts"]}
        assert {kernel, "matmul", "gram", "take", "the rest"} <= set(parts)
        assert parts["matmul"]["gflop"] > 0
        assert profile["cpu_ms"] == pytest.approx(sum(part["cpu_ms"] for part in parts.values()))
        assert profile["floor_ms"] == pytest.approx(sum(part["floor_ms"] for part in parts.values()))
        assert all(part["floor_ms"] <= 1.001 * part["cpu_ms"] for part in parts.values())
    assert {row["swept"] for row in content["sweeps"]} == {"threads", "minibatch", "d", "vocabulary"}


def test_reading_times_every_side(tmp_path: Path) -> None:
    pytest.importorskip("gensim", reason="gensim is not installed")
    (tmp_path / "text").write_text("the cat sat on the mat\n" * 200)
    content = report("reading", [str(tmp_path / "text"), "--rounds=1", "--sweep-threads=1"], tmp_path / "report.json")
    assert content["tokens"] == 1200
    assert [(row["side"], row["threads"]) for row in content["sides"]] == [
        *(("read", 1), ("encode", 1), ("encode, phrases", 1)),
        *(("lists", 1), ("encode lists", 1), ("corpus_file", 1), ("gensim lists", 1), ("Python", 1), ("gensim", 1)),
    ]
    assert all(row["tokens_per_cpu_second"] > 0 for row in content["sides"])


def test_torch_layer_times_every_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch.nn", reason="PyTorch is not installed") and importlib.import_module("torch")
    monkeypatch.syspath_prepend(str(TOOLS))
    tool, threads = importlib.import_module("torch_layer"), torch.get_num_threads()
    options = ["--outputs=500", "--features=8", "--minibatch=16", "--rounds=1", "-o", str(tmp_path / "torch.json")]
    done = CliRunner().invoke(tool.main, options)
    torch.set_num_threads(threads)
    assert done.exit_code == 0, done.output
    content = json.loads((tmp_path / "torch.json").read_text())
    assert content["per_example"] == json.loads(done.stdout)["per_example"]
    assert {"dense, same loss", "dense, cross entropy"} <= set(content["times_faster"])
    assert set(content["per_example"]) == {"ours", *content["times_faster"]}
    assert all(side["wall_us"] > 0 for side in content["per_example"].values())


@needs_mpi
def test_memory_of_ranks(tmp_path: Path) -> None:
    options = ["--words", "500", "--dims", "8", "--models", "cbow", "--ranks", "1,2"]
    content = report("memory", options, tmp_path / "memory.json")
    assert [(one["ranks"], len(one["peaks_mb"])) for one in content["runs"]] == [(1, 1), (2, 2)]
    assert all(one["words"] == 500 and one["expected_mb"] > 0 for one in content["runs"])
