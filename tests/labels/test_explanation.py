"""Shares of features, thresholds, and their commands, against dense computations."""

import json
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from support.labels import always_reranked, topics

from wordsparse.cli import main
from wordsparse.labels import TextClassifier
from wordsparse.labels.classification import CONSTANT, prepared
from wordsparse.labels.classifier import SparseTargetClassifier
from wordsparse.labels.thresholds import thresholds
from wordsparse.labels.tuning import Ranked

TEXTS = ["a cat purrs & <b>", "the dog barks", "cat and dog sleep", "a cat sleeps", "one dog runs"] * 4
LABELS = [["cat"], ["dog"], ["cat", "dog"], ["cat"], ["dog"]] * 4


@pytest.mark.parametrize("rerank", [False, True])
def test_shares_add_up_to_the_output(rerank: bool) -> None:
    with always_reranked():
        classifier = SparseTargetClassifier(rerank=rerank, threads=1).fit(*topics(1500))
    fitted, X = classifier._fitted, topics(20, seed=5)[0]
    rows, heads = prepared(X, fitted.length), 0
    for i, row in enumerate(classifier.explain(X, 4)):
        assert [part.label for part in row] == classifier.predict_topk(X[[i]], 4)[0][0].tolist()
        for part in row:
            label = np.array([part.label])
            if part.label in fitted.head.labels:
                heads += 1
                expected = (rows[[i]] @ fitted.head.W)[0, fitted.head.labels == part.label]
            else:
                expected = fitted.scorer.outputs(rows[[i]], label)[0]
            assert part.output == pytest.approx(expected[0], abs=1e-5)
            assert sum(part.shares.values()) + part.constant == pytest.approx(part.output, abs=1e-6)
            assert set(part.shares) == set(X[[i]].indices.tolist())
            if rerank and part.label in fitted.reranker.specialists.labels:
                of_machine = fitted.reranker.specialists.outputs(rows[[i]], label[None])
                place = fitted.reranker.specialists.labels == part.label
                constant = CONSTANT * fitted.reranker.specialists.W[-1:].toarray()[0, place]
                assert sum(part.machine.values()) + constant[0] == pytest.approx(of_machine[0, 0], abs=1e-5)
            votes = sum(part.neighbours.values())
            assert votes == pytest.approx(
                fitted.reranker.neighbours.votes(rows[[i]])[0, part.label] if rerank else 0, rel=1e-4
            )
    assert heads or not fitted.head.labels.size


def test_neighbours_are_numbered_as_the_training_rows() -> None:
    """Previously, rows of weight 0 were not counted."""
    X, Y = topics(1500)
    with always_reranked():
        classifier = SparseTargetClassifier(threads=1).fit(X, Y, np.arange(1500) % 3 > 0)
    for row in classifier.explain(X[:20], 3):
        for part in row:
            assert all(Y[neighbour, part.label] and neighbour % 3 for neighbour in part.neighbours)


def test_a_notebook_marks_the_words() -> None:
    explained = TextClassifier(min_count=1).fit(TEXTS, LABELS).explain(["My CAT <purrs>!"], 2)
    assert [part.label for part in explained[0]] == ["cat", "dog"]
    assert next(iter(explained[0][0].shares)) in {"cat", "purrs", "cat purrs"}
    shown = explained._repr_html_()
    assert "<b>cat</b>" in shown
    assert "&lt;<span" in shown  # text is no markup
    assert ">CAT</span>" in shown
    assert SparseTargetClassifier().fit(*topics(30)).explain(topics(2)[0])._repr_html_() is None


def test_thresholds_have_the_best_f1() -> None:
    random = np.random.default_rng(1)
    truth = (random.random((300, 5)) < [0.3, 0.2, 0.01, 0.01, 0]).astype(float)
    logits = 0.7 * random.normal(size=(300, 5)) + 3 * truth - 3
    labels = np.broadcast_to(np.arange(5), (300, 5))
    found = thresholds(Ranked(labels, logits, np.ones((300, 5)), truth), sp.csr_array(truth))

    def f1(threshold: float, of: object) -> float:
        predicted = logits[:, of] >= threshold
        return 2 * (predicted * truth[:, of]).sum() / (predicted.sum() + truth[:, of].sum())

    for label in (0, 1):
        best = max(f1(t, label) for t in logits[:, label])
        assert f1(found[label], label) == pytest.approx(best)
        near = np.sort(logits[:, label])
        place = np.searchsorted(near, found[label])
        assert found[label] == pytest.approx(near[place - 1 : place + 1].mean(), rel=1e-5)  # halfway between two rows
    assert found[2] == found[3] == found[4]
    assert f1(found[2], slice(None)) == pytest.approx(max(f1(t, slice(None)) for t in logits.ravel()))


def test_thresholds_are_a_half_unless_others_are_better() -> None:
    """Without outputs that tell labels apart better than ½ does, there is nothing to gain."""
    random = np.random.default_rng(1)
    truth = (random.random((300, 5)) < 0.3).astype(float)
    logits = 2 * np.where(truth > 0, 1, -1) + random.normal(size=(300, 5))
    ranked = Ranked(np.broadcast_to(np.arange(5), (300, 5)), logits, np.ones((300, 5)), truth)
    assert not thresholds(ranked, sp.csr_array(truth)).any()


def test_commands_explain_and_choose_thresholds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, model = tmp_path / "posts.jsonl", str(tmp_path / "model")
    rows = [{"text": text, "tags": tags, "n": i % 3} for i, (text, tags) in enumerate(zip(TEXTS, LABELS, strict=True))]
    table.write_text("".join(json.dumps(row) + "\n" for row in rows))
    columns = ["--column", "text", "--labels", "tags"]
    train = ["labels", "train", str(table), *columns, "--min-count", "1", "-o"]
    assert main([*train, model, "--weight-column", "n", "--no-rerank"]) == 0
    other = TextClassifier(min_count=1).fit(TEXTS, LABELS, [i % 3 for i in range(20)])
    saved = TextClassifier.load(model)
    np.testing.assert_array_equal(saved.predict_topk(TEXTS, 2)[1], other.predict_topk(TEXTS, 2)[1])
    assert saved.rerank is False
    np.testing.assert_array_equal(saved.thresholds_, other.thresholds_)

    predict = ["labels", "predict", model, str(table), "--column", "text", "-k", "1"]
    capsys.readouterr()
    assert main([*predict, "--why", "2"]) == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith("cat:")
    assert first.count(", ") == 1
    assert main([*predict, "--threshold", "auto", "--json"]) == 0
    least = dict(zip(saved.classes_.tolist(), saved.thresholds_.tolist(), strict=True))
    for row in json.loads(capsys.readouterr().out)["predictions"]:
        assert all(p >= least[label] for label, p in row)
    per_label = tmp_path / "labels.csv"
    assert main(["labels", "evaluate", model, str(table), *columns, "--per-label", str(per_label)]) == 0
    assert per_label.read_text().splitlines()[0] == "label,precision,recall,support,threshold"

    bad = {
        "--why must be at least 1": [*predict, "--why", "0"],
        "--why prints shares, and --output writes labels": [*predict, "--why", "2", "-o", str(tmp_path / "out.jsonl")],
        "of 'tags' is ['cat'], not a number": [*train, f"{model}2", "--weight-column", "tags"],
    }
    for message, command in bad.items():
        capsys.readouterr()
        assert main(command) == 2
        assert message in capsys.readouterr().err
    assert not Path(f"{model}2").exists()
