import subprocess
import sys

import numpy as np
import pytest

import wordsparse as ws
from wordsparse.comparison import runs
from wordsparse.comparison.request import Request
from wordsparse.errors import InputError
from wordsparse.evaluation.testsets import READERS, Pair
from wordsparse.words.model_directory import read_vectors

PEOPLE = [Pair("a", "b", 1.0), Pair("b", "c", 2.0), Pair("a", "x", 3.0)]
SETS = {**{kind: {} for kind in READERS}, "pairs": {"people": PEOPLE}}


@pytest.fixture
def text(tmp_path):
    return ws.encode([list("abcabdacdb")] * 30, tmp_path / "encoded", min_count=1)


def request(tmp_path, **options):
    options = {"methods": ["wordsparse-cbow", "wordsparse-skipgram"], "dim": 4, "threads": 1, "epochs": [1], **options}
    return Request([tmp_path], **options)


def trained(request, text, folder, vectors=None):
    return list(runs.trained(request, text, SETS, folder, vectors))


def test_methods_take_turns_with_seeds_of_their_own(text, tmp_path, monkeypatch):
    report = dict.fromkeys(("cpu_seconds", "wall_seconds", "peak_memory_bytes"), 1.0)
    monkeypatch.setattr(runs, "in_process", lambda *_, **__: (report, np.eye(4)))
    done = trained(request(tmp_path, epochs=[2, 1, 2], seed=7), text, tmp_path)
    order = [(run.report["name"], run.report["epochs"], run.report["seed"]) for run in done]
    names = ["wordsparse-skipgram", "wordsparse-cbow"]
    assert order == [(name, epochs, seed) for epochs, seed in ((2, 7), (1, 7), (2, 8)) for name in names]


def test_dimensions_and_windows_are_combined(text, tmp_path):
    (tmp_path / "kept").mkdir()
    sizes = {"dim": [3, 4], "window": (1, 2), "methods": ["wordsparse-cbow"]}
    done = trained(request(tmp_path, **sizes), text, tmp_path, tmp_path / "kept")
    combined = [(dim, window) for dim in (3, 4) for window in (1, 2)]
    assert [(run.report["dim"], run.report["window"]) for run in done] == combined
    for dim, window in combined:
        vectors = read_vectors(tmp_path / "kept" / f"wordsparse-cbow-1-epochs-seed-1-dim-{dim}-window-{window}.npz")
        model = ws.train(text, model="cbow", dim=dim, window=window, epochs=1, threads=1)
        assert vectors.vectors.tobytes() == model.vectors.tobytes()


def test_sizes_are_checked_and_counted_once(tmp_path):
    assert request(tmp_path, dim=[3, 3], window=None).sizes == {"dim": [3], "window": [5]}
    for wrong, message in ((0, "dim must be"), ([], "dim is empty")):
        with pytest.raises(InputError, match=message):
            request(tmp_path, dim=wrong)


def test_a_run_is_what_train_and_evaluate_say(text, tmp_path):
    (tmp_path / "kept").mkdir()
    [run] = trained(request(tmp_path, methods=["wordsparse-cbow"]), text, tmp_path, tmp_path / "kept")
    model = ws.train(text, model="cbow", dim=4, epochs=1, threads=1)
    same = {key: run.report[key] for key in ("tokens", "vocab_size", "dim", "threads", "device", "loss", "checkpoints")}
    assert same == {key: model.report[key] for key in same}
    assert run.report["pairs"]["people"]["n"] == 2
    assert run.report["pairs"]["people"]["oov"] == 1
    assert run.report["cpu_seconds"] > 0
    assert run.report["peak_memory_bytes"] > 2**20
    vectors = read_vectors(tmp_path / "kept" / "wordsparse-cbow-1-epochs-seed-1.npz")
    assert vectors.vectors.tobytes() == model.vectors.tobytes()


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import sys; print('first', file=sys.stderr); sys.exit('it diverged')", "exit status 1: it diverged"),
        ("import sys; sys.exit(3)", "exit status 3: it printed no message"),
        ("import os; os.kill(os.getpid(), 9)", "killed by signal 9"),
    ],
)
def test_a_run_that_fails_is_reported_and_the_others_go_on(text, tmp_path, monkeypatch, code, message):
    start = subprocess.Popen

    def fail_first(command, **options):
        monkeypatch.setattr(subprocess, "Popen", start)
        return start([sys.executable, "-c", code], **options)

    monkeypatch.setattr(subprocess, "Popen", fail_first)
    failed, fine = trained(request(tmp_path), text, tmp_path)
    assert failed.answers is None
    assert failed.report["name"] == "wordsparse-skipgram"
    assert message in failed.report["error"]
    assert fine.answers is not None
