"""Runs with resamples: the same bytes with an output, in memory, and after an interruption."""

import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest

import wordsparse as ws
from wordsparse.cli import main
from wordsparse.errors import InputError
from wordsparse.stability import ResampledModel, bootstrap, resampled_model
from wordsparse.training.interruption import Interrupted
from wordsparse.training.loop import Run


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eleven blocks of four topics, one of which has a passage of its own about "once"."""
    random = np.random.default_rng(1)
    path = tmp_path_factory.mktemp("text") / "t.txt"
    with path.open("w") as file:
        for block in range(40):
            topic = block % 4
            for _ in range(40):
                print(*(f"t{topic}w{i}" for i in random.zipf(1.3, 6) % 20), file=file)
            if block == 7:
                print(*["once t1w1 t1w2"] * 6, file=file)
    return path


OPTIONS = {"dim": 8, "epochs": 3, "min_count": 5, "sample": 0.0, "threads": 1}


def parts(model: ws.Model) -> list[bytes]:
    assert isinstance(model, ResampledModel)
    return [codes.tobytes() for codes in model.resamples.each()]


@pytest.fixture(scope="module")
def model(text: Path) -> ResampledModel:
    return ws.resample(ws.train(text, **OPTIONS), text, 6)


def test_the_same_bytes_with_an_output_and_in_memory(text: Path, model: ResampledModel, tmp_path: Path) -> None:
    ws.train(text, output=tmp_path / "m", **OPTIONS)
    written = ws.resample(tmp_path / "m", text, 2)
    assert parts(written) == parts(resampled_model(tmp_path / "m")) == parts(model)[:2]
    assert len(set(parts(model))) == 6
    assert sorted(os.listdir(tmp_path)) == ["m"]


def test_what_rests_on_one_passage_comes_back_less_often(model: ResampledModel) -> None:
    returned = [near.returned or 0 for near in model.neighbours("t1w1", 15)]
    assert np.mean(returned) > 4
    row = model.vocabulary["once"]
    there = sum(bool(codes[row].any()) for codes in model.resamples.each())
    assert there < 6
    assert max(near.returned or 0 for near in model.neighbours("once", 15)) <= there


def test_an_interrupted_run_keeps_its_model_and_resumes(
    text: Path, model: ResampledModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = parts(model)[:3]
    made = bootstrap._codes

    def stopped(*arguments: object) -> object:
        if arguments[2] == 1:
            os.kill(os.getpid(), signal.SIGINT)
        return made(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(bootstrap, "_codes", stopped)
    ws.train(text, output=tmp_path / "m", **OPTIONS)
    with pytest.raises(Interrupted, match="with 1 of 3 resamples; the same again trains the others"):
        ws.resample(tmp_path / "m", text, 3)
    monkeypatch.undo()
    assert parts(resampled_model(tmp_path / "m")) == whole[:1]
    assert sorted(os.listdir(tmp_path)) == ["m"]
    trained = Run.train
    runs = []
    monkeypatch.setattr(Run, "train", lambda run, *a, **k: (runs.append(run), trained(run, *a, **k))[1])
    assert parts(ws.resample(tmp_path / "m", text, 3)) == whole
    assert len(runs) == 2  # neither the model nor the first resample again
    assert parts(ws.resample(tmp_path / "m", text, 2)) == whole


def test_what_cannot_be_resampled_is_refused(text: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="bootstrap must be at least 0"):
        ws.resample(tmp_path / "m", text, -1)
    with pytest.raises(InputError, match="leave out max_tokens"):
        ws.resample(ws.train(text, max_tokens=1000, **OPTIONS), text, 1)
    ws.train(text, output=tmp_path / "m", **OPTIONS)
    more = [[f"t1w{i % 5}", "new"] for i in range(200)]
    with pytest.raises(InputError, match="trained on other texts too"):
        ws.resample(ws.train(more, output=tmp_path / "m", resume=True, **OPTIONS), more, 1)


def test_similar_shows_how_often_neighbours_came_back(
    text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(text), "-o", str(tmp_path / "m"), "--dim", "8", "--epochs", "1", "--sample", "0", "--json"]
    assert main(["train", *arguments, "--bootstrap", "2"]) == 0
    assert json.loads(capsys.readouterr().out)["resamples"] == 2
    assert main(["similar", str(tmp_path / "m"), "t1w1", "-n", "3", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["resamples"] == 2
    assert [sorted(near) for near in result["neighbours"]] == [["cosine", "high", "low", "returned", "word"]] * 3
    assert main(["similar", str(tmp_path / "m"), "t1w1", "-n", "3"]) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split() == ["word", "cosine", "came", "back", "90", "%", "of", "resamples"]
    assert len(lines) == 3
    assert all(" of 2 " in line for line in lines)
