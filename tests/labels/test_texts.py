"""The classifier on texts: labels as lists, TF-IDF inside the model, and files of texts."""

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MultiLabelBinarizer
from support.pipes import answer, pipe

from wordsparse.cli import main
from wordsparse.corpus.tables import table_rows
from wordsparse.errors import InputError
from wordsparse.labels import SparseTargetClassifier, TextClassifier, read_texts

WORDS = {"cat": ["purr", "meow", "whisker"], "dog": ["bark", "tail", "fetch"], "ship": ["sea", "sail", "mast"]}


class Posts(NamedTuple):
    texts: list[str]
    labels: list[list[str]]


def posts(n: int = 300, seed: int = 1) -> Posts:
    """Make texts. Each text has the words of one or two labels."""
    random = np.random.default_rng(seed)
    labels = [random.permutation(list(WORDS))[: random.integers(1, 3)].tolist() for _ in range(n)]
    texts = [" ".join(random.choice(WORDS[label]) for label in row for _ in range(4)) for row in labels]
    return Posts(texts, labels)


@pytest.fixture(scope="module")
def fitted() -> TextClassifier:
    return TextClassifier(threads=1).fit(posts().texts, posts().labels)


def test_it_is_tf_idf_and_the_classifier(fitted: TextClassifier) -> None:
    new = posts(50, 2)
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True, dtype=np.float32)
    binarizer = MultiLabelBinarizer(sparse_output=True)
    pipeline = make_pipeline(vectorizer, SparseTargetClassifier(threads=1))
    pipeline.fit(posts().texts, binarizer.fit_transform(posts().labels))
    assert fitted.predict(new.texts) == binarizer.inverse_transform(pipeline.predict(new.texts))
    np.testing.assert_array_equal(fitted.predict_proba(new.texts), pipeline.predict_proba(new.texts))
    assert fitted.classes_.tolist() == binarizer.classes_.tolist()
    assert fitted.evaluate(new.texts, new.labels, (1, 2))["precision"][1] > 0.95
    assert fitted.score(new.texts, new.labels) > 0.95


@pytest.mark.parametrize("tokens", [None, "simple"])
def test_a_saved_model_answers_alike(tokens: str | None, tmp_path: Path) -> None:
    model = TextClassifier(threads=1, tokens=tokens, ngrams=1).fit(posts().texts, [row[0] for row in posts().labels])
    model.save(tmp_path / "model")
    for kind in (TextClassifier, SparseTargetClassifier):
        loaded = kind.load(tmp_path / "model")
        assert isinstance(loaded, TextClassifier)
        assert loaded.predict(["A SAIL, the mast!"]) == ["ship"]
        assert loaded.predict_topk(["A SAIL, the mast!"], 1)[0].tolist() == [["ship"]]
        np.testing.assert_array_equal(loaded.predict_proba(posts(9).texts), model.predict_proba(posts(9).texts))
        assert loaded.get_params() == model.get_params()


def test_a_pipe_of_texts_is_answered_line_by_line(fitted: TextClassifier, tmp_path: Path) -> None:
    fitted.save(tmp_path / "model")
    with pipe("labels", "predict", str(tmp_path / "model"), "-", "--threshold", "0.5") as process:
        assert answer(process, "__label__sea A SAIL, the mast!").startswith("ship:0.9")
        assert [part.partition(":")[0] for part in answer(process, "purr meow").split()] == ["cat"]
        assert answer(process, "") == "\n"


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_predictions_keep_what_their_rows_are(fitted: TextClassifier, tmp_path: Path, suffix: str) -> None:
    fitted.save(tmp_path / "model")
    (tmp_path / "posts.csv").write_text("id,text,year\n007,sail mast,1999\nx,purr meow,2001\n")
    options = ["--column", "text", "--keep", "id,year", "-k", "1", "-o", str(tmp_path / f"out{suffix}")]
    assert main(["labels", "predict", str(tmp_path / "model"), str(tmp_path / "posts.csv"), *options]) == 0
    rows = [tuple(row) for _, row in table_rows(tmp_path / f"out{suffix}", ["id", "year", "labels"])]
    assert rows == [("007", "1999", ["ship"]), ("x", "2001", ["cat"])]


@pytest.mark.parametrize("form", [list, set, tuple, frozenset, np.array])
def test_labels_are_lists_of_any_kind(form: Any) -> None:
    rows = [form(row) for row in posts().labels]
    X = TfidfVectorizer().fit_transform(posts().texts)
    classifier = SparseTargetClassifier(threads=1).fit(X, rows)
    assert classifier.score(X, rows) > 0.95
    assert classifier.score(X, [{"a bird", *row} for row in posts().labels]) > 0.95  # an unknown label
    assert sum(set(a) == set(b) for a, b in zip(classifier.predict(X), posts().labels, strict=True)) > 280


def test_numbers_are_labels_where_their_lists_differ_in_length_or_are_sets() -> None:
    X = TfidfVectorizer().fit_transform(posts().texts)
    names = sorted(WORDS)
    numbers = [[7 * names.index(label) for label in row] for row in posts().labels]
    assert SparseTargetClassifier(threads=1).fit(X, numbers).classes_.tolist() == [0, 7, 14]
    assert SparseTargetClassifier(threads=1).fit(X, [{row[0]} for row in numbers]).classes_.tolist() == [0, 7, 14]
    dense = np.eye(3)[[row[0] // 7 for row in numbers]].tolist()
    assert SparseTargetClassifier(threads=1).fit(X, dense).predict(X).shape == (300, 3)
    with pytest.raises(InputError, match="give the labels of a row as a set"):
        SparseTargetClassifier().fit(X, [[row[0], 3] for row in numbers])
    for mixed in ([[1, "a"]] * 300, [1, "1"] * 150, ["a", float("nan")] * 150):  # an array would make texts of numbers
        with pytest.raises(InputError, match="labels of Y must be all text or all numbers"):
            SparseTargetClassifier().fit(X, mixed)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["a text", 3], "X must hold texts, but row 1 is 3"),
        ("one text", "not 'one text': give .text. for a single text; wordsparse.labels.read_texts.file. reads"),
        (["one", "two"], "no word occurs in 2 of the 2 texts"),
    ],
)
def test_what_is_no_text_is_refused(texts: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        TextClassifier(threads=1).fit(texts, ["a", "b"])


def test_users_of_fasttext_are_told_what_to_type(fitted: TextClassifier, tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("__label__a x\n")
    for method in (TextClassifier().fit, fitted.evaluate, fitted.score):
        with pytest.raises(InputError, match=r"read_texts\(file\) reads"):
            method(str(tmp_path / "train.txt"))
    with pytest.raises(InputError, match=r"give \[text\] for a single text"):
        fitted.predict("one text")
    for name, ours in (
        ("labels", "classes_"),
        ("get_labels", "classes_"),
        ("save_model", "save(path)"),
        ("quantize", "not needed"),
        ("test", "evaluate(X, y)"),
        ("test_label", "evaluate_labels(X, y)"),
    ):
        with pytest.raises(AttributeError, match=f"has no attribute '{name}': it is {re.escape(ours)}"):
            getattr(fitted, name)
    assert not hasattr(fitted, "anything_else")


@pytest.mark.parametrize("one", [False, True], ids=["lists", "one class per row"])
def test_each_label_has_a_precision_and_a_recall(one: bool) -> None:
    texts, labels = posts(60, 3)
    y: Any = [row[0] for row in labels] if one else labels
    model = TextClassifier(threads=1).fit(texts, y)
    scores, predicted = model.evaluate_labels(texts, y), model.predict(texts)
    rows = [{row} if one else set(row) for row in y], [{row} if one else set(row) for row in predicted]
    for place, label in enumerate(model.classes_):
        is_true, is_predicted = (np.array([label in row for row in side]) for side in rows)
        assert scores["support"][place] == is_true.sum()
        assert scores["precision"][place] == (is_true & is_predicted).sum() / is_predicted.sum()
        assert scores["recall"][place] == (is_true & is_predicted).sum() / is_true.sum()


def test_fasttexts_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("__label__a __label__b the  cat\n\nno label\nit is __label__b\n")
    texts = read_texts(tmp_path / "a.txt")
    assert texts == (["the cat", "", "no label", "it is"], [["a", "b"], [], [], ["b"]])
    for content, message in (
        (b"", "holds no texts"),
        (b"a\n\xff\n", "line 2 is not UTF-8 text"),
        (b"__label__a b\n__label__ a c\n", "line 2 has a label without a name"),
    ):
        (tmp_path / "a.txt").write_bytes(content)
        with pytest.raises(InputError, match=rf"a\.txt: {message}"):
            read_texts(tmp_path / "a.txt")
    (tmp_path / "a.jsonl").write_text(json.dumps({"text": 3}))
    with pytest.raises(InputError, match=r"a\.jsonl: row 1 of 'text' is 3, not text: name the column of texts"):
        read_texts(tmp_path / "a.jsonl", "text")
    (tmp_path / "a.csv").write_text("text,tags\nx,a|b\n")
    assert read_texts(tmp_path / "a.csv", "text", "tags", "|")[1] == [["a", "b"]]
    assert read_texts(tmp_path / "a.csv", "text", "tags", "")[1] == [["a|b"]]
    (tmp_path / "a.jsonl").write_text('{"text": "x", "tags": [2.0, null, "b"]}\n{"text": "y", "tags": 2}\n')
    assert read_texts(tmp_path / "a.jsonl", "text", "tags")[1] == [["2", "b"], ["2"]]
