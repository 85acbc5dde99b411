"""``wordsparse labels`` from a file to a model to scores."""

import json
import re
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


@pytest.fixture(scope="module")
def posts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of texts whose first word is their tag, and a model of it."""
    folder = tmp_path_factory.mktemp("posts")
    rows = [f"{i},{'cat' if i % 3 else 'dog'} number {i % 7},{'pet,cat' if i % 3 else 'pet,dog'}" for i in range(90)]
    (folder / "posts.csv").write_text(
        "\n".join(["id,text,tags", *(re.sub(r",(pet.*)", r',"\1"', row) for row in rows)])
    )
    columns = ["--column", "text", "--labels", "tags"]
    assert main(["labels", "train", str(folder / "posts.csv"), *columns, "-o", str(folder / "m"), "-q"]) == 0
    return folder


def test_a_table_of_texts_is_trained_on_and_predicted(posts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (posts / "new.csv").write_text("text\nA Cat!\nthe dog\n")
    assert main(["labels", "predict", str(posts / "m"), str(posts / "new.csv"), "-k", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [{pair.split(":")[0] for pair in line.split("  ")} for line in lines] == [{"pet", "cat"}, {"pet", "dog"}]
    (posts / "new.txt").write_text("my cat\n")
    assert main(["labels", "predict", str(posts / "m"), str(posts / "new.txt"), "--json"]) == 0
    assert {label for label, _ in json.loads(capsys.readouterr().out)["predictions"][0]} == {"pet", "cat", "dog"}
    assert main(["labels", "evaluate", str(posts / "m"), str(posts / "posts.csv"), "-k", "2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["precision"]["2"] == 1


def test_fasttexts_files_are_trained_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.txt").write_text("__label__cat __label__pet a cat\n__label__dog a dog\n" * 30)
    assert main(["labels", "train", str(tmp_path / "a.txt"), "-o", str(tmp_path / "m"), "--ngrams=1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["labels"] == 3
    assert main(["labels", "evaluate", str(tmp_path / "m"), str(tmp_path / "a.txt"), "-k", "1"]) == 0
    assert capsys.readouterr().out.startswith("P@1      1.0000")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["labels", "train", "{posts}/posts.csv", "-o", "x"], "is a table: name its columns of texts and labels"),
        (["labels", "train", "{posts}/posts.csv", "--column=text", "-o", "x"], "needs both --column, of the texts"),
        (["labels", "train", "{data}/train.txt", "--min-count=3", "-o", "x"], "holds numbers, so --min-count does not"),
        (["labels", "predict", "{data}/model", "{data}/test.txt", "--column=a"], "was trained on numbers: leave out"),
        (["labels", "evaluate", "{posts}/m", "{posts}/new.csv"], "new.csv: has no column 'tags'"),
        (["similar", "{posts}/m", "cat"], "is a model of labels, not of words: 'wordsparse labels predict' takes it"),
        (["labels", "predict", "{words}", "{data}/test.txt"], "is a model of words, not of labels"),
    ],
)
def test_wrong_requests_with_texts_are_refused(
    arguments: list[str], message: str, posts: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (posts / "new.csv").write_text("text\nA Cat!\n")
    (tmp_path / "model.json").write_text("{}")
    filled = [argument.format(posts=posts, data=data, words=tmp_path) for argument in arguments]
    assert main(filled) == 2
    assert message in capsys.readouterr().err
