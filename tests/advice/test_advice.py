"""The advice, which has to be able to say no: its verdicts, losses, trial and budget."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from support.advised import OFTEN, TAIL, rows

pytest.importorskip("sklearn", reason="the estimators need scikit-learn")

import wordsparse as ws
from wordsparse import advice, optional
from wordsparse.advice import fitting_losses, lines, trial, verdict
from wordsparse.advice.sizes import Sizes, of_labels, of_text
from wordsparse.advice.timing import MINIBATCH, Timing
from wordsparse.errors import InputError
from wordsparse.labels import LabelledRows, write_text
from wordsparse.layer.losses import LOSSES

FAST, SLOW = Timing(1e-6, 1e-4), Timing(1e-6, 1e-6)


@pytest.fixture(autouse=True)
def _no_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The timed step takes what its operations take: no test is decided by a clock."""
    monkeypatch.setattr(advice, "time_layer", predicted)


def predicted(sizes: Sizes, seed: int) -> Timing:
    return Timing(1e-6, 1e-6 * sizes.predicted_speedup(MINIBATCH))


def written(path: Path, data: LabelledRows) -> Path:
    write_text(path, data)
    return path


# ── what is advised ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("sizes", "timing", "advised"),
    [(OFTEN, FAST, "factored"), (OFTEN, SLOW, "dense"), (TAIL, FAST, "trees"), (TAIL, SLOW, "dense")],
)
def test_the_verdict_is_by_speed_and_tail(sizes: Sizes, timing: Timing, advised: str) -> None:
    for targets in ("several", "one-hot"):
        found, reasons = verdict.decide(replace(sizes, targets=targets), timing)
        assert found == advised
        assert found in verdict.ADVICE
        by_loss = targets == "one-hot" and advised != "dense"
        assert any("full cross-entropy" in reason for reason in reasons) == by_loss
        assert len(reasons) == 1 + (advised == "trees") + by_loss


def judged(score: float, seconds: float, half: float = 0.1) -> trial.Result:
    return trial.Result("some", 1000, seconds, "Spearman", score, score - half, score + half)


@pytest.mark.parametrize(
    ("results", "advised", "said"),
    [
        (
            (judged(0.05, 1.0), judged(-0.03, 0.36)),
            "undecided",
            r"Spearman 0.050 \(-0.050 – 0.150\) is not above chance",
        ),
        ((judged(0.5, 2.0), judged(0.2, 1.0)), "factored", "by negative sampling, which took 0.5 times the CPU time"),
        ((judged(0.2, 2.0), judged(0.5, 1.0)), "sampling", "which took 0.5 times"),
        ((judged(0.4, 2.0), judged(0.35, 1.0)), "undecided", "no difference of the scores is certain"),
        ((judged(0.4, 2.0),), "undecided", r"pip install 'wordsparse\[gensim\]'"),
        ((trial.Result("some", 1000, 1.0, "Spearman"),), "undecided", "nothing is judged"),
    ],
)
def test_a_text_is_advised_by_its_trial_alone(results: tuple[trial.Result, ...], advised: str, said: str) -> None:
    sizes = of_text(np.full(50_000, 10), 100)
    found, reasons = verdict.decide(sizes, FAST, trial.Trial([results], seconds=2.0))
    assert found == advised
    assert re.search(said, " ".join(reasons))
    if advised == "undecided" and len(results) == 2:
        assert "Give --budget 1,500, which" in reasons[-1]
        assert "too short" in verdict.decide(sizes, FAST, trial.Trial([results], complete=True))[1][-1]
    assert verdict.decide(sizes, SLOW)[0] == "undecided"


def test_few_outputs_are_for_a_dense_layer(tmp_path: Path) -> None:
    found = ws.advise(features=written(tmp_path / "few.txt", rows(300, 60, 12, 1.0)), budget=5, threads=1)
    assert found["verdict"] == "dense"
    assert found["speedup_measured"] < verdict.MIN_SPEEDUP
    assert [(row["method"], row["amount"], row["measure"]) for row in found["trial"]] == [
        ("SparseTargetClassifier", 240, "P@1")
    ]
    assert 0 < found["trial"][0]["low"] <= found["trial"][0]["quality"] <= 1
    low, high = found["full_run_cpu_seconds"]
    assert 0 < low < high


def test_many_outputs_that_are_often_seen_are_for_us(tmp_path: Path) -> None:
    data = rows(600, 50, 30, 1.0)
    data = LabelledRows(data.X, sp.csr_array((data.Y.data, data.Y.indices, data.Y.indptr), shape=(600, 20_000)))
    found = ws.advise(features=written(tmp_path / "many.txt", data), budget=0, threads=1)
    assert found["verdict"] == "factored"
    assert found["trial"] == []
    assert found["full_run_cpu_seconds"] is None
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (np.eye(3), "one-hot"),
        (np.eye(3) + np.eye(3, k=1), "several"),
        (0.5 * np.eye(3), "weighted"),
        (-np.eye(3), "real-valued"),
    ],
)
def test_losses_that_fit_the_targets(values: Any, kind: str) -> None:
    sizes = of_labels(sp.csr_array((3, 4)), sp.csr_array(values), 4)
    assert sizes.targets == kind
    found = {row["loss"]: row for row in fitting_losses(kind)}
    assert found.keys() == {*LOSSES, "softmax"}
    fitting = {name for name, loss in LOSSES.items() if kind in loss.fits}
    assert {loss for loss, row in found.items() if row["fits"]} == fitting
    assert "squared" in fitting
    assert ("zloss" in fitting) == (kind == "one-hot")
    for loss in ("bounded-ns", "taylor", "spherical"):
        assert (loss in fitting) == (kind != "real-valued")
    assert set(found["softmax"]["nearest"]) <= fitting
    assert all(
        row["gives"] == "probabilities"
        for row in found.values()
        if LOSSES.get(row["loss"], ws.losses.Taylor).normalised
    )


@pytest.mark.parametrize("sign", [1, -1])
def test_weighted_and_real_valued_targets_are_judged_by_r2(tmp_path: Path, sign: int) -> None:
    random = np.random.default_rng(0)
    X = sp.random_array((300, 20), density=0.5, rng=random, format="csr")
    Y = sp.csr_array(X[:, :12] * 2)
    Y.data[::7] *= sign
    sp.save_npz(tmp_path / "X.npz", X)
    sp.save_npz(tmp_path / "Y.npz", Y)
    found = ws.advise(features=tmp_path / "X.npz", targets=tmp_path / "Y.npz", budget=1, threads=1)
    (ours,) = found["trial"]
    assert (ours["method"], ours["measure"]) == ("SparseTargetRegressor", "R²")
    assert ours["low"] <= ours["quality"] <= ours["high"]
    if sign == 1:
        assert ours["quality"] > 0.9


def test_a_regression_of_too_many_features_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "MAX_FEATURES", 3)
    data = LabelledRows(sp.csr_array((60, 4), dtype=np.float32), sp.csr_array(-np.eye(60, dtype=np.float32)))
    stages = trial.of_rows(data, of_labels(data.X, data.Y, 4), 1, 0)
    assert stages.stage is None
    assert "too many for more than 3 features" in stages.limits[0]


def test_the_example_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    page = Path(__file__).resolve().parents[2] / "docs" / "advise.md"
    (example,) = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(example, names)
    assert names["advice"]["verdict"] in verdict.ADVICE


# ── a text ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_text_is_tried_on_growing_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "FIRST_TOKENS", 500)
    known = {"spearman": 0.5, "low": 0.4, "high": 0.6, "n": 300}
    few = {"spearman": 0.0, "low": 0.0, "high": 0.0, "n": 2}
    monkeypatch.setattr(trial, "evaluate", lambda model: {"pairs": {"many": known, "few": few}})
    peers = 1 + optional.installed("gensim")
    text = tmp_path / "text.txt"
    text.write_text("\n".join(f"word{i % 40} word{i % 37} word{i % 11}" for i in range(600)))
    seen: list[trial.AdviceProgress] = []
    found = ws.advise(text, dim=20, budget=60, threads=1, progress=seen.append)
    assert {step.phase for step in seen} == {"encode", "trial"}
    assert [row["amount"] for row in found["trial"]] == [500] * peers + [1800] * peers
    assert [row["quality"] for row in found["trial"]] == [0.5] * 2 * peers
    assert [row["method"] for row in found["trial"]][:peers] == ["wordsparse-cbow", "gensim-cbow-ns"][:peers]
    assert (found["kind"], found["source"], found["n_features"]) == ("text", str(text), 21)
    assert found["verdict"] == "undecided"
    monkeypatch.setattr(trial, "evaluate", lambda model: {"pairs": {"few": few}})
    found = ws.advise(text, dim=20, budget=60, threads=1)
    assert found["trial"][-1]["quality"] is None
    assert any("too few words" in limit for limit in found["limits"])
    assert any("not judged" in line for line in lines(found))
    json.dumps(found, allow_nan=False)


def test_the_words_of_a_text_are_its_outputs() -> None:
    sizes = of_text(np.array([50, 30, 20]), 100)
    assert (sizes.n_examples, sizes.n_outputs, sizes.n_features) == (100, 3, 101)


def test_a_text_that_one_machine_cannot_hold_is_for_several(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "text.txt"
    path.write_text(" ".join(f"w{number}" for number in range(40_000)) + "\n")
    assert not any("mpiexec" in limit for limit in ws.advise(path, budget=0, dim=50, min_count=1)["limits"])
    monkeypatch.setattr(advice, "least_left", lambda: (150 * 10**6, "available memory"))
    found = ws.advise(path, budget=60, dim=300, min_count=1)
    (limit,) = (limit for limit in found["limits"] if "mpiexec" in limit)
    assert 1 < int(re.findall(r"mpiexec -n (\d+) wordsparse train", limit)[0]) < 100
    assert "0.15 GB are left" in limit
    assert found["trial"] == []


# ── showing it ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_terminal_has_the_advice_first(tmp_path: Path) -> None:
    found = ws.advise(features=written(tmp_path / "rows.txt", rows(200, 50, 3000, 2.0)), budget=1, threads=1)
    said = lines(found)
    assert said[0] == verdict.ADVICE[found["verdict"]]
    assert any("softmax" in line for line in said)
    for part in (*found["reasons"], *found["limits"]):
        assert any(part in line for line in said)


# ── bad requests ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "name a text, or the features of labelled rows, and not both"),
        ({"corpus": "a.txt", "features": "b.txt"}, "and not both"),
        ({"corpus": "a.txt", "targets": "b.npz"}, "targets belong to features"),
        ({"corpus": "a.txt", "budget": -1}, "budget must be a finite number of at least 0"),
        ({"corpus": "a.txt", "dim": 0}, "dim must be at least 1"),
        ({"features": "no-such-file"}, "no-such-file"),
    ],
)
def test_requests_that_cannot_be_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ws.advise(**options)


def test_too_few_rows_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "rows.txt", rows(20, 30, 40, 1.0))
    with pytest.raises(InputError, match="has 20 rows: advice needs at least 50"):
        ws.advise(features=path)
