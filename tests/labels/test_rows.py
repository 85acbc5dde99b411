"""Training again with more rows or without some: the same bytes as one training, and files that stay whole."""

import json
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from support.labels import always_reranked, topics

from wordsparse.cli import main
from wordsparse.errors import InputError, WordsparseError
from wordsparse.files import storage
from wordsparse.labels import TextClassifier
from wordsparse.labels.classifier import SparseTargetClassifier

X, Y = topics(80)
CLASSES = np.array(["a", "b", "c"])[np.arange(80) % 3]
LISTS = [[f"l{label}" for label in row.nonzero()[0]] for row in Y.toarray()]
TEXTS = [" ".join(f"w{word}" for word in row.nonzero()[0]) for row in X.toarray()]
FORMS: dict[str, Any] = {"sparse": Y, "dense": Y.toarray(), "classes": CLASSES, "lists": LISTS}


def same(one: Any, other: Any, rows: Any = X) -> None:
    assert np.array_equal(one.classes_, other.classes_)
    for ours, theirs in zip(one.predict_topk(rows, 3), other.predict_topk(rows, 3), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("form", FORMS)
def test_continued_training_is_training_at_once(form: str) -> None:
    y = FORMS[form]
    weights = np.linspace(0.5, 2, 80)
    whole = SparseTargetClassifier(threads=1).fit(X, y, weights)
    parts = SparseTargetClassifier(threads=1).partial_fit(X[:50], y[:50], sample_weight=weights[:50])
    same(parts.partial_fit(X[50:], y[50:], sample_weight=weights[50:]), whole)
    assert parts.partial_fit(X[:1], y[:1]).n_rows_ == pytest.approx(weights.sum() + 1)


@pytest.mark.parametrize("form", FORMS)
def test_forgotten_rows_leave_nothing_behind(form: str) -> None:
    y = FORMS[form]
    names = [f"user {row % 40}" for row in range(80)]  # two rows each
    model = SparseTargetClassifier(threads=1).fit(X, y, ids=names).forget(["user 3", "user 17"])
    kept = [row for row in range(80) if row % 40 not in (3, 17)]
    whole = SparseTargetClassifier(threads=1).fit(X[kept], [y[i] for i in kept] if form == "lists" else y[kept])
    same(model, whole)
    assert type(model.predict(X)) is type(whole.predict(X))  # of the form of y: a dense y became sparse


def test_texts_bring_new_words_and_labels(tmp_path: Path) -> None:
    new, labels = ["unseen words", "unseen words again"], [["fresh"], ["fresh"]]
    model = TextClassifier(threads=1).fit(TEXTS, LISTS, label_weight=np.full(30, 2.0))
    model.save(tmp_path / "model")
    model = TextClassifier.load(tmp_path / "model").partial_fit(new, labels)
    odds = np.where(np.array(sorted({*chain.from_iterable(LISTS), "fresh"})) == "fresh", 1.0, 2.0)
    whole = TextClassifier(threads=1).fit(TEXTS + new, LISTS + labels, label_weight=odds)
    same(model, whole, TEXTS + new)
    assert model.predict(["unseen words"]) == [("fresh",)]
    assert "unseen words" in model.vocabulary_
    model.forget(["80", "81"])
    same(model, TextClassifier(threads=1).fit(TEXTS, LISTS, label_weight=np.full(30, 2.0)), TEXTS)
    assert "fresh" not in model.classes_
    assert "unseen" not in model.vocabulary_


@pytest.mark.parametrize(
    "labels", [[2**53 + 1, 2**53, 0.5], [("a", 1), ("b", 2), ("b", 3)], [2**70, 1, -3], [True, False]]
)
def test_list_labels_keep_their_values(tmp_path: Path, labels: list[Any]) -> None:
    y = [{labels[row % len(labels)]} for row in range(80)]
    SparseTargetClassifier(threads=1).fit(X, y).save(tmp_path / "model")
    model = SparseTargetClassifier.load(tmp_path / "model")
    assert model.classes_.tolist() == sorted(labels)
    assert {label for row in model.predict(X) for label in row} <= set(labels)
    assert model.partial_fit(X[:2], [[labels[0]], {labels[1]}]).classes_.tolist() == sorted(labels)
    assert model.score(X, y) >= 1 / len(labels)


def test_labels_that_no_file_keeps_are_refused() -> None:
    dates = [np.datetime64("2020-01-01"), np.datetime64("2021-01-01")]
    bad: list[Any] = [
        [{"a\0"}, {"a"}] * 40,
        ["a\0", "a"] * 40,
        [{b"x"}, {b"a"}] * 40,
        [{date.item()} for date in dates] * 40,
        np.array(dates * 40),
        [{("a", b"x")}, {("b", b"a")}] * 40,
    ]
    for labels in bad:
        with pytest.raises(InputError, match=r"labels are texts without a NUL at their end, numbers, or tuples"):
            SparseTargetClassifier(threads=1).fit(X, labels)


@pytest.mark.parametrize("old", [np.arange(80) % 3, CLASSES])
def test_labels_of_another_type_are_refused(old: Any) -> None:
    model = SparseTargetClassifier(threads=1).fit(X, old, label_weight=[1, 2, 3])
    new = [5, 1, 1] if isinstance(old[0], str) else ["d", "a", "a"]
    for labels in (new, np.array(new, object)):
        with pytest.raises(ValueError, match=r"all text or all numbers|[Uu]nknown label type"):
            model.partial_fit(X[:3], labels)
    assert model.classes_.tolist() == np.unique(old).tolist()


def test_matrices_grow_new_columns() -> None:
    wide_X, wide_Y = (sp.csr_array(sp.hstack([part, part[:, :2]], format="csr")) for part in (X, Y))
    model = SparseTargetClassifier(threads=1).fit(X[:50], Y[:50]).partial_fit(wide_X[50:], wide_Y[50:])
    narrow = [sp.csr_array((p.data, p.indices, p.indptr), shape=(50, p.shape[1] + 2)) for p in (X[:50], Y[:50])]
    both = (
        sp.csr_array(sp.vstack(pair, format="csr")) for pair in zip(narrow, (wide_X[50:], wide_Y[50:]), strict=True)
    )
    same(model, SparseTargetClassifier(threads=1).fit(*both), wide_X)


def test_a_refused_continuation_leaves_the_classifier_alone() -> None:
    model = SparseTargetClassifier(threads=1).fit(X, Y)
    before = model.predict_topk(X, 3)
    bad: dict[str, Any] = {
        "X has 89 features, but SparseTargetClassifier is expecting 90 features as input": lambda: model.partial_fit(
            X[:, :89], Y
        ),
        "Y has 3 labels, but SparseTargetClassifier is expecting 30": lambda: model.partial_fit(X, Y[:, :3]),
        "Y has labels as lists, but the classifier was fitted to sparse": lambda: model.partial_fit(X, LISTS),
        "sample_weight must be finite": lambda: model.partial_fit(X, Y, sample_weight=np.full(80, np.nan)),
        "there are 1 ids and 80 rows": lambda: model.partial_fit(X, Y, ids=["a"]),
        "no training row has the id '80', 'x': nothing was forgotten": lambda: model.forget([80, "x", 1]),
        "these are the ids of all training rows": lambda: model.forget(range(80)),
    }
    for message, refused in bad.items():
        with pytest.raises(InputError, match=message):
            refused()
        for ours, theirs in zip(model.predict_topk(X, 3), before, strict=True):
            np.testing.assert_array_equal(ours, theirs)
    without = SparseTargetClassifier(keep_rows=False, threads=1).fit(X, Y)
    same(without, model)
    with pytest.raises(InputError, match=r"keep_rows=False \(--no-rows\) and holds no training rows"):
        without.partial_fit(X, Y)


def test_a_model_without_rows_ranks_again_by_machines_alone(tmp_path: Path) -> None:
    with always_reranked():
        model = SparseTargetClassifier(keep_rows=False, threads=1).fit(*topics(1500))
    model.save(tmp_path / "model")
    reranker = SparseTargetClassifier.load(tmp_path / "model")._fitted.reranker
    assert reranker.neighbours is None
    assert reranker.specialists.labels.size


def test_a_killed_replacement_leaves_the_old_or_the_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model"
    old, new = (SparseTargetClassifier(threads=1).fit(X[:n], Y[:n]) for n in (60, 80))
    old.save(path)
    with monkeypatch.context() as patch:
        patch.setattr(storage, "put", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))
        with pytest.raises(WordsparseError, match="writing failed"):
            new.save(path, overwrite=True)
    same(SparseTargetClassifier.load(path), old)
    for each in (new, old, new):
        each.save(path, overwrite=True)
        same(SparseTargetClassifier.load(path), each)
        assert len(list(path.iterdir())) == 2
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine").touch()
    with pytest.raises(InputError):
        new.save(tmp_path / "other", overwrite=True)
    assert [part.name for part in (tmp_path / "other").iterdir()] == ["mine"]


def test_commands_continue_and_forget(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def table(name: str, rows: range) -> str:
        lines = [json.dumps({"text": TEXTS[i], "tags": LISTS[i], "id": f"{' ' * (i == 60)}user {i}"}) for i in rows]
        (tmp_path / name).write_text("\n".join(lines))
        return str(tmp_path / name)

    columns = ["--column", "text", "--labels", "tags", "--id-column", "id"]
    model, forget = str(tmp_path / "model"), tmp_path / "ids.txt"
    train = ["labels", "train", "-o", model]
    assert main([*train, table("old.jsonl", range(50)), *columns]) == 0
    forget.write_text("user 3\n\n user 60\n")
    assert main([*train, table("new.jsonl", range(50, 80)), *columns, "--resume"]) == 0
    assert main([*train, "--resume", "--forget", str(forget)]) == 0
    kept = [i for i in range(80) if i not in (3, 60)]
    whole = TextClassifier().fit([TEXTS[i] for i in kept], [LISTS[i] for i in kept])
    same(TextClassifier.load(model), whole, TEXTS)

    bad = {
        "no training row has the id ' user 60', 'user 3'": ["--resume", "--forget", str(forget)],
        "name a file to train on, or rows to remove": ["--resume"],
        "removes rows of a model: add --resume": ["--forget", str(forget)],
        "--ngrams is a choice of the first training": [str(tmp_path / "new.jsonl"), "--resume", "--ngrams", "1"],
    }
    for message, options in bad.items():
        capsys.readouterr()
        assert main([*train, *options]) == 2
        assert message in capsys.readouterr().err
    same(TextClassifier.load(model), whole, TEXTS)
    (tmp_path / "rows.txt").write_text("0 0:1\n1 1:1\n" * 3)
    numbers = ["labels", "train", str(tmp_path / "rows.txt"), "-o", str(tmp_path / "numbers")]
    assert main(numbers) == 0
    (tmp_path / "rows.txt").write_text("2 0:1 4:1\n")
    assert main([*numbers, "--resume"]) == 0
    assert SparseTargetClassifier.load(tmp_path / "numbers").n_features_in_ == 5
