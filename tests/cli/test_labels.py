"""``wordsparse labels`` from a file to a model to scores."""

import json
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

pytest.importorskip("sklearn", reason="the estimators need scikit-learn")

from wordsparse.cli import main
from wordsparse.labels import LabelledRows, SparseTargetClassifier, write_text


def rows(n: int, seed: int) -> LabelledRows:
    """Each row has one of six labels, and two of its label's five words."""
    random = np.random.default_rng(seed)
    label = random.integers(0, 6, n)
    words = label[:, None] * 5 + random.integers(0, 5, (n, 2))
    X, Y = np.zeros((n, 30), np.float32), np.zeros((n, 6), np.float32)
    np.put_along_axis(X, words, 1, 1)
    np.put_along_axis(Y, label[:, None], 1, 1)
    return LabelledRows(sp.csr_array(X), sp.csr_array(Y))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("labels")
    write_text(folder / "train.txt", rows(200, 1))
    write_text(folder / "test.txt", rows(40, 2))
    assert main(["labels", "train", str(folder / "train.txt"), "-o", str(folder / "model"), "--threads=1"]) == 0
    return folder


def test_trained_models_are_judged(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["labels", "evaluate", str(data / "model"), str(data / "test.txt"), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["precision"]["1"] > 0.9
    assert set(result["psp"]) == {"1", "3", "5"}
    assert result["examples"] == 40
    assert "scoring_power" in result
    assert main(["labels", "evaluate", str(data / "model"), str(data / "test.txt"), "-k", "2"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["P@2", "nDCG@2", "PSP@2", "40"]


def test_predictions_are_lines(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["labels", "predict", str(data / "model"), str(data / "test.txt"), "-k", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    expected = SparseTargetClassifier.load(data / "model").predict_topk(rows(40, 2).X, 2)[0]
    assert [[int(pair.split(":")[0]) for pair in line.split()] for line in lines] == expected.tolist()
    sp.save_npz(tmp_path / "x.npz", rows(40, 2).X)
    assert main(["labels", "predict", str(data / "model"), str(tmp_path / "x.npz"), "-k", "2"]) == 0
    assert capsys.readouterr().out.splitlines() == lines


def test_npz_files_are_trained_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sp.save_npz(tmp_path / "x.npz", rows(200, 1).X)
    sp.save_npz(tmp_path / "y.npz", rows(200, 1).Y)
    files = [str(tmp_path / "x.npz"), "--targets", str(tmp_path / "y.npz")]
    assert main(["labels", "train", *files, "-o", str(tmp_path / "model"), "--threads=1", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["rows"], result["features"], result["labels"]) == (200, 30, 6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "{data}/none.txt", "-o", "{tmp}/m"], "none.txt: cannot be read"),
        (["train", "{data}/train.txt", "-o", "{data}/model"], "model: exists already"),
        (["train", "{tmp}/cut.txt", "-o", "{tmp}/m"], "cut.txt: its first line states 200 rows, but 93 follow: is it"),
        (["predict", "{data}/model", "{tmp}/cut.txt"], "cut.txt: its first line states 200 rows, but 93 follow: is it"),
        (["evaluate", "{data}/train.txt", "{data}/test.txt"], "cannot be read"),
        (["evaluate", "{data}/model", "{tmp}/wide.txt"], "wide.txt: has 99 features, more than the 30 that are known"),
        (["predict", "{data}/model", "{data}/test.txt", "-k", "0"], "k must be at least 1"),
        (
            ["evaluate", "{data}/model", "{tmp}/none.txt"],
            "Y has no labels, so nothing can be judged: give at least one",
        ),
    ],
)
def test_wrong_requests_are_refused(
    arguments: list[str], message: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "wide.txt").write_text("0 98:1\n")
    (tmp_path / "none.txt").write_text("1 30 6\n 3:1\n")
    lines = (data / "train.txt").read_text().splitlines(keepends=True)
    (tmp_path / "cut.txt").write_text("".join(lines[:93]) + lines[93].rsplit(" ", 1)[0])
    filled = [argument.format(data=data, tmp=tmp_path) for argument in arguments]
    assert main(["labels", *filled]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""
    assert not (tmp_path / "m").exists()
