"""The benchmarks: each subject runs at a tiny size, and the sides that ours is compared with compute what they say."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from tools.bench import gpu, heads, layer, runner
from tools.bench.__main__ import SUBJECTS
from tools.bench.tasks import Task
from wordsparse.layer.reference import DenseOutput


@pytest.fixture(autouse=True)
def short_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "ROUND", 0.0)
    monkeypatch.setattr(runner, "provenance", lambda threads: {"threads": threads})


@pytest.fixture
def text(tmp_path: Path) -> Path:
    """1,200 sentences over 60 words, the first of them often."""
    random = np.random.default_rng(0)
    words = (60 * random.random((1200, 12)) ** 2).astype(int)
    path = tmp_path / "text.txt"
    path.write_text("\n".join(" ".join(f"w{word}" for word in line) for line in words) + "\n")
    return path


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("subject", "given"),
    [
        ("Layer", {"outputs": 3000, "features": 8, "minibatch": "4,128"}),
        ("Drift", {"outputs": 1000, "features": 8, "minibatch": 1, "steps": 600, "rate": 0.05}),
        ("Recipe", {"dim": 4, "epochs": 1, "constant": "touching", "value": "0.0", "model": "cbow"}),
        ("Torch", {"outputs": 2000, "features": 8, "minibatch": 16}),
        ("Reading", {}),
        ("FromText", {"dim": 4, "epochs": 1, "repeat": 1, "model": "cbow"}),
        ("Labels", {"data": "synthetic"}),
        ("Heads", {"task": "word-50", "seconds": 0.1, "examples": 2000, "judged": 50, "head": "zloss,in-batch"}),
        ("Heads", {"task": "values-500", "seconds": 0.1, "examples": 2000, "judged": 50, "head": "squared,stored"}),
        ("GpuLayer", {"device": "cpu", "outputs": 500, "features": 8, "minibatch": "4,32"}),
        ("GpuRates", {"device": "cpu", "size": 64}),
        ("GpuAccuracy", {"device": "cpu", "loss": "squared"}),
        ("GpuTraining", {"device": "cpu", "dim": 4}),
        ("GpuLeaks", {"device": "cpu", "outputs": 500, "features": 8, "steps": 20}),
    ],
)
def test_a_subject_runs(tmp_path: Path, text: Path, subject: str, given: dict[str, object]) -> None:
    pytest.importorskip("gensim", reason="the other side of some, and the default test sets")
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("w1\tw2\t5\nw3\tw4\t2\nw5\tw7\t1\n")
    files = {"text": text, "pairs": pairs}
    names = {field.name for field in fields(SUBJECTS[subject])}
    given |= {name: path for name, path in files.items() if name in names}
    kind = SUBJECTS[subject]
    report = runner.measured(kind, runner.options(kind, {name: str(value) for name, value in given.items()}), 1)
    assert report["failed"] == {}
    assert report["rows"]


@pytest.mark.parametrize(("module", "size"), [(layer, {"BLOCK_ROWS": 7}), (gpu, {"BLOCK_OUTPUTS": 7 * 9})])
def test_the_naive_sides_are_the_dense_step(module: Any, size: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in size.items():  # several blocks, the last one short
        monkeypatch.setattr(module, name, value)
    random = np.random.default_rng(0)
    D, d, m = 40, 5, 9
    naive = layer.NaiveDense(D, d) if module is layer else gpu.GpuNaiveDense(np, D, d)
    dense = DenseOutput(naive.W)
    for _ in range(3):
        H, targets = random.standard_normal((m, d)).astype(np.float32), random.integers(D, size=m)
        Y = sp.csr_array((np.ones(m), targets, np.arange(m + 1)), shape=(m, D))
        grad = naive.step(H, targets, 0.01)
        np.testing.assert_allclose(grad, dense.step(H, Y, 0.01)[1], rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(naive.W, dense.W, rtol=1e-4, atol=1e-5)


def test_the_rivals_are_full_cross_entropy_where_they_see_all() -> None:
    torch = pytest.importorskip("torch", reason="the layer of a network")
    random = np.random.default_rng(0)
    ids, h = np.arange(400) % 8, torch.from_numpy(random.standard_normal((400, 4)).astype(np.float32))
    task, losses = Task(8, np.zeros((400, 1)), ids, None, 1), []
    for name in ("dense", "in-batch", "sampled-20000"):
        torch.manual_seed(0)
        losses.append(heads.head_of(name, 4, task).loss(h, torch.from_numpy(task.ids), None).item())
    assert losses == pytest.approx(losses[:1] * 3, rel=0.01)
