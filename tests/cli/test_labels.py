"""``wordsparse labels`` trains on a file, predicts labels and evaluates the model."""

import csv
import json

import scipy.sparse as sp

from wordsparse.cli import main
from wordsparse.labels import SparseTargetClassifier


def test_trained_models_are_judged(data, capsys):
    assert main(["labels", "evaluate", str(data / "model"), str(data / "test.txt"), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["precision"]["1"] > 0.9
    assert set(result["psp"]) == {"1", "3", "5"}
    assert result["examples"] == 40
    assert "scoring_power" in result
    assert main(["labels", "evaluate", str(data / "model"), str(data / "test.txt"), "-k", "2"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["P@2", "nDCG@2", "PSP@2", "40"]


def test_predictions_are_lines(data, capsys):
    assert main(["labels", "predict", str(data / "model"), str(data / "test.txt"), "-k", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    X = data / "test-x.npz"
    expected = SparseTargetClassifier.load(data / "model").predict_topk(sp.load_npz(X), 2)[0]
    assert [[int(pair.split(":")[0]) for pair in line.split()] for line in lines] == expected.tolist()
    assert main(["labels", "predict", str(data / "model"), str(X), "-k", "2"]) == 0
    assert capsys.readouterr().out.splitlines() == lines


def test_npz_files_are_trained_on(data, tmp_path, capsys):
    files = [str(data / "train-x.npz"), "--targets", str(data / "train-y.npz")]
    assert main(["labels", "train", *files, "-o", str(tmp_path / "model"), "--threads=1", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["rows"], result["features"], result["labels"]) == (200, 30, 6)


def test_a_table_of_texts_is_trained_on_and_predicted(posts, capsys):
    (posts / "new.csv").write_text("text\nA Cat!\nthe dog\n")
    assert main(["labels", "predict", str(posts / "m"), str(posts / "new.csv"), "--column", "text", "-k", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [{pair.split(":")[0] for pair in line.split("  ")} for line in lines] == [{"pet", "cat"}, {"pet", "dog"}]
    (posts / "new.txt").write_text("my cat\n")
    assert main(["labels", "predict", str(posts / "m"), str(posts / "new.txt"), "--json"]) == 0
    assert {label for label, _ in json.loads(capsys.readouterr().out)["predictions"][0]} == {"pet", "cat", "dog"}
    judge = ["labels", "evaluate", str(posts / "m"), str(posts / "posts.csv"), "--column", "text", "--labels", "tags"]
    assert main([*judge, "-k", "2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["precision"]["2"] == 1
    assert main([*judge, "--per-label", str(posts / "labels.csv")]) == 0
    assert capsys.readouterr().out.startswith("P@1")
    rows = list(csv.DictReader((posts / "labels.csv").read_text().splitlines()))
    assert {row["label"] for row in rows} == {"pet", "cat", "dog"}
    assert [*rows[0]] == ["label", "precision", "recall", "support", "threshold"]
    assert rows[0]["label"] == "pet"


def test_scores_of_labels_are_printed(data, capfd):
    assert main(["labels", "evaluate", str(data / "model"), str(data / "test.txt"), "--per-label", "-"]) == 0
    printed = capfd.readouterr()
    rows = [json.loads(line) for line in printed.out.splitlines()]
    assert sorted(row["label"] for row in rows) == list(range(6))
    assert [row["support"] for row in rows] == sorted((row["support"] for row in rows), reverse=True)
    assert printed.err.startswith("P@1")


def test_a_threshold_that_is_not_a_number_is_refused(posts, capsys):
    """Previously, every line was blank."""
    (posts / "new.txt").write_text("my cat\n")
    assert main(["labels", "predict", str(posts / "m"), str(posts / "new.txt"), "--threshold", "nan"]) == 2
    assert "--threshold must be a finite number, not nan" in capsys.readouterr().err
