"""The sizes, losses, verdicts and trial runs of ``advise``, a command that may recommend another method."""

import json

import numpy as np
import pytest
import scipy.sparse as sp

import wordsparse as ws
from wordsparse import advice
from wordsparse.advice import lines, trial
from wordsparse.advice.sizes import Sizes, measured_speedup, of_rows
from wordsparse.advice.trial import Result
from wordsparse.cli import main
from wordsparse.layer.losses import LOSSES


@pytest.fixture(autouse=True)
def _no_clock(monkeypatch):
    """Replace the measured time of a step with its number of operations, so that no test depends on a clock."""
    monkeypatch.setattr(advice, "measured_speedup", lambda sizes: sizes.speedup_predicted)


def rows(folder, outputs=5000, values=False):
    """Write rows. There are twenty topics. Each row has three words of a topic, and its target is that topic."""
    random = np.random.default_rng(0)
    topic = random.integers(0, 20, 600)
    words = topic[:, None] * 5 + random.integers(0, 5, (600, 3))
    X = sp.csr_array((np.ones(1800, np.float32), words.ravel(), np.arange(0, 1801, 3)), shape=(600, 100))
    data = np.where(topic % 2, 2.5, -1).astype(np.float32) if values else np.ones(600, np.float32)
    Y = sp.csr_array((data, topic * (outputs // 20), np.arange(601)), shape=(600, outputs))
    for name, matrix in (("X", X), ("Y", Y)):
        sp.save_npz(folder / f"{name}.npz", matrix)
    return {"features": str(folder / "X.npz"), "targets": str(folder / "Y.npz")}


@pytest.mark.usefixtures("no_gpu")
def test_rows_are_tried_beside_a_dense_layer(tmp_path):
    """The factored and the dense layer fit the same rows with the same steps, so their scores are equal."""
    content = ws.advise(**rows(tmp_path), budget=60)
    assert content["verdict"] == "factored"
    ours, dense = content["trial"]
    assert ours["amount"] == dense["amount"] == 480
    assert (ours["measure"], ours["score"]) == ("P@1", 1)
    assert dense["score"] == 1
    content = ws.advise(**rows(tmp_path, values=True), budget=60)
    ours, dense = content["trial"]
    assert ours["measure"] == "R²"
    assert ours["score"] > 0.9
    assert ours["score"] == pytest.approx(dense["score"], abs=1e-4)
    fitting = {row["loss"] for row in content["losses"] if row["fits"]}
    assert fitting == {"squared"}


def test_few_outputs_take_a_dense_layer(tmp_path, capsys):
    files = [f"--{name}={path}" for name, path in rows(tmp_path, outputs=20).items()]
    assert main(["advise", *files, "--budget", "0", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert (content["n_outputs"], content["n_features"], content["verdict"]) == (20, 100, "dense")
    assert content["trial"] == []
    assert lines(content)[0].startswith("dense: With 20 outputs a step is ")


def test_wide_rows_are_projected_on_their_leading_directions():
    random = np.random.default_rng(0)
    X = sp.random_array((400, 700), density=0.05, rng=random, format="csr", dtype=np.float32)
    H = trial.projected(X)
    assert H.shape == (400, trial.MOST_FEATURES)
    left = np.linalg.norm(X.toarray()) ** 2 - np.linalg.norm(H) ** 2
    assert 0 <= left < 0.2 * np.linalg.norm(X.toarray()) ** 2


def judged(score, seconds, half=0.1):
    return Result("some", 1000, seconds, "Spearman", score, score - half, score + half)


@pytest.mark.parametrize(
    ("results", "verdict", "message"),
    [
        ([], "undecided", "cannot be judged without a trial"),
        ([judged(0.05, 1.0), judged(-0.03, 0.36)], "undecided", "No score is above chance"),
        ([judged(0.5, 2.0), judged(0.2, 1.0)], "factored", "by negative sampling"),
        ([judged(0.2, 2.0), judged(0.5, 1.0)], "sampling", "by negative sampling"),
        ([judged(0.4, 2.0), judged(0.25, 1.0)], "undecided", "no difference is certain"),  # the intervals overlap
        ([judged(0.4, 2.0)], "undecided", "pip install 'wordsparse[gensim]'"),
        ([Result("some", 1000, 1.0, "Spearman")], "undecided", "No score is above chance"),
    ],
)
def test_a_text_is_advised_by_its_trial_alone(results, verdict, message):
    answer, reason = advice._of_text(results)
    assert answer == verdict
    assert message in reason


def test_a_text_is_tried_beside_gensim(tmp_path):
    pytest.importorskip("gensim", reason="gensim is not installed")
    text = tmp_path / "text.txt"
    random = np.random.default_rng(0)
    text.write_text("".join(" ".join(f"w{i}" for i in random.integers(0, 30, 9)) + "\n" for _ in range(200)))
    content = ws.advise(text, dim=5, budget=0.001, min_count=1)
    assert [(row["amount"], row["score"]) for row in content["trial"]] == [(1800, None)] * 2  # all words are unknown
    assert [line.split()[0] for line in lines(content) if "fits" in line] == [*LOSSES]
    assert all(row["cpu_seconds"] > 0 for row in content["trial"])


def test_the_score_of_a_text_is_the_mean_of_the_test_sets_with_enough_known_pairs():
    sets = {str(n): {"n": n, "spearman": n / 1024, "low": 0.0, "high": 1.0} for n in (29, 128, 384)}
    result = trial._by_pairs({"pairs": sets, "cpu_seconds": 2.0}, "ours", 5)
    assert result == Result("ours", 5, 2.0, "Spearman", 0.25, 0.0, 1.0)


def test_a_step_is_timed_beside_a_dense_one():
    assert measured_speedup(Sizes(10, 1000, 8, 2.0, "several")) > 0


def test_sizes_tell_the_kind_of_targets():
    def sizes(Y):
        return of_rows(sp.csr_array(Y), 10)

    assert [sizes(Y).targets for Y in (np.eye(3), np.ones((3, 2)), 2 * np.eye(3), -np.eye(3))] == [
        *("one-hot", "several", "weighted", "real-valued")
    ]
