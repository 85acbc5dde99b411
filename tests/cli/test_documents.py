"""Vectors of texts equal weighted means of word vectors that plain Python computes."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pyarrow import parquet

import wordsparse as ws
from wordsparse.cli import documents, main
from wordsparse.corpus.reading import RawText, joined
from wordsparse.errors import InputError
from wordsparse.vectors import encoder, queries
from wordsparse.vectors.weights import weights

TOPICS = ["sun moon star sunlight moonlight starlight", "bread milk egg breadcrumb milkshake eggshell"]


@pytest.fixture(scope="module")
def model() -> ws.Model:
    random = np.random.default_rng(0)
    text = [random.choice(topic.split(), 8, p=[0.4, 0.3, 0.15, 0.05, 0.05, 0.05]).tolist() for topic in TOPICS * 200]
    return ws.train(text, dim=6, epochs=3, min_count=1, threads=1, progress=False)


def plain(model: ws.Model, words: list[str]) -> np.ndarray:
    """Compute the vector of a text from its definition, word by word."""
    total, n = np.zeros(model.dim), model.vocabulary.counts.sum()
    for word in words:
        if word in model or model.wv.is_composed(word):
            share = model.vocabulary.counts[model.vocabulary[word]] / n if word in model else 0
            total += 1e-3 / (1e-3 + share) * model[word] / np.linalg.norm(model[word])
    return total / (np.linalg.norm(total) or 1)


def test_a_text_is_the_weighted_mean_of_all_its_words(model: ws.Model) -> None:
    texts = [["sun", "moon", "sun"], ["sun", "unknown", "sunlights"], [], ["xyz"], ["egg"] * 50, ["breadcrumbs"]]
    for of in (model, model.without_ngrams()):
        rows = of.encode(texts)
        assert rows.dtype == np.float32
        np.testing.assert_allclose(rows, [plain(of, words) for words in texts], atol=1e-6)
    assert not rows[[2, 3, 5]].any()  # no words, or unknown words without n-grams
    np.testing.assert_array_equal(model.encode("sun  moon sun"), model.encode(texts[:1])[0])
    assert model.encode(iter([])).shape == (0, model.dim)


def test_a_text_has_the_same_bytes_beside_any_others(model: ws.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """Previously, the vector of a text encoded alone differed by 3e-8 from its vector in a batch of texts."""
    random, words = np.random.default_rng(1), [*model, "sunlights", "unknown"]
    texts = [random.choice(words, n).tolist() for n in random.integers(0, 40, 100)]
    whole = model.encode(texts)
    for size in (1, 7):
        monkeypatch.setattr(encoder, "BATCH", size)
        assert model.encode(texts).tobytes() == whole.tobytes()
    monkeypatch.setattr(encoder, "MOST_UNKNOWN", 1)
    assert model.encode(texts).tobytes() == whole.tobytes()
    model.encode([[f"unknown{i}"] for i in range(100)])
    assert len(model.wv._encoder._columns) <= len(model) + 8  # the cache drops unknown words of earlier batches


def test_words_are_known_as_people_write_them(model: ws.Model) -> None:
    """Previously, sentences with capitals and punctuation scored half as much as the same sentences in lower case."""
    texts = ["“The Sun, moon — and Star!”", "EGG (sunlights) Milk."]
    words = [["sun", "moon", "star", "the", "and"], ["egg", "sunlights", "milk"]]
    np.testing.assert_array_equal(model.encode(texts), model.encode(words))
    np.testing.assert_array_equal(model.encode([["Sun,", "Moon"]]), model.encode(["sun moon"]))
    np.testing.assert_array_equal(model["Sun,"], model["sun"])
    np.testing.assert_array_equal(model["Sunlights!"], model["sunlights"])  # composed from n-grams
    assert model.wv.similar("Sun!", 2) == model.wv.similar("sun", 2)
    places = [["moon", "comet", "star"]], ["Moon, the Comet: STAR"]
    np.testing.assert_array_equal(model.infer("comet", places[0]), model.infer("Comet!", places[1]))
    assert "Sun," not in model


def test_a_known_spelling_is_kept() -> None:
    vectors = ws.WordVectors(["sun", "Sun", "moon,", "--"], np.eye(4))
    spelt = {"Sun": "Sun", "SUN": "sun", "moon,": "moon,", "Moon,": "Moon", "--": "--", "…": "…", "Comet": "Comet"}
    assert {word: queries.spelt(vectors, word) for word in spelt} == spelt
    vectors.tokens = "unicode-cased"  # this tokeniser keeps capitals
    assert queries.spelt(vectors, "SUN") == "SUN"


def test_vectors_without_counts_weigh_words_by_their_rank() -> None:
    vectors = ws.WordVectors(["the", "sun"], np.eye(2))
    p = np.array([2, 1]) / 3
    expected = 1e-3 / (1e-3 + p)
    np.testing.assert_allclose(weights(None, 2), expected, rtol=1e-6)
    np.testing.assert_allclose(vectors.encode(["The sun"])[0], expected / np.linalg.norm(expected), rtol=1e-6)


def test_what_is_no_text_is_refused(model: ws.Model) -> None:
    for wrong, message in [
        (pd.DataFrame({"text": ["sun"], "id": [1]}), "not one column of texts"),
        ([["sun"], 3], "a text or a sequence of words, not 3"),
        ([b"sun"], "a text or a sequence of words"),
    ]:
        with pytest.raises(InputError, match=message):
            model.encode(wrong)


@pytest.mark.parametrize("suffix", [".parquet", ".jsonl"])
def test_rows_keep_their_ids(suffix: str, model: ws.Model, tmp_path: Path) -> None:
    texts = [["sun", "milk"], [], ["xyz"]]
    rows = [documents.Row((f"00{i}", i), words) for i, words in enumerate(texts)]
    path = tmp_path / f"rows{suffix}"
    assert documents.write(model.wv, iter(rows), path, ["id", "year"], batch=2) == (3, 6, 1, 1)
    if suffix == ".parquet":
        records = parquet.read_table(path).to_pylist()
    else:
        records = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(row["id"], row["year"]) for row in records] == [("000", 0), ("001", 1), ("002", 2)]
    np.testing.assert_array_equal(np.array([row["vector"] for row in records], np.float32), model.encode(texts))
    with pytest.raises(InputError, match="cannot keep id, year"):
        documents.write(model.wv, iter(rows), tmp_path / "rows.npy", ["id", "year"])
    documents.write(model.wv, iter([]), path, ["id", "year"])
    assert path.exists()


@pytest.mark.parametrize("trained_on", ["lists", "table"])
def test_users_have_vectors_of_their_items(trained_on: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A cell with spaces is one item, even for a model trained on lists. Previously, cells were split at spaces."""
    rows = [(f"u{user}", f"item {(user + i) % 5}") for i in range(3) for user in range(40)]
    baskets = {user: [item for name, item in rows if name == user] for user, _ in rows}
    (tmp_path / "log.csv").write_text(
        "\n".join(["user,item", *map(",".join, [*rows, ("u9", "none"), ("new", "nothing")])])
    )
    columns = {} if trained_on == "lists" else {"column": "item", "group_by": "user"}
    text: Any = [*baskets.values()] if trained_on == "lists" else tmp_path / "log.csv"
    model = ws.train(text, output=tmp_path / "m", kind="items", min_count=2, dim=3, progress=False, **columns)
    command, path = (
        ["documents", str(tmp_path / "m"), str(tmp_path / "log.csv"), "--column", "item"],
        tmp_path / "v.jsonl",
    )
    assert main([*command, "--group-by", "user", "-o", str(path)]) == 0
    assert "1 without a known word" in capsys.readouterr().out
    vectors = {row["user"]: row["vector"] for row in map(json.loads, path.read_text().splitlines())}
    assert not any(vectors.pop("new"))
    assert [*vectors] == sorted(baskets)
    np.testing.assert_allclose([*vectors.values()], model.encode([baskets[user] for user in vectors]), atol=1e-6)
    assert main([*command, "-o", str(tmp_path / "v.npy")]) == 0
    expected = [model.encode([[item]])[0] for _, item in rows]
    np.testing.assert_array_equal(np.load(tmp_path / "v.npy")[: len(rows)], expected)
    for options in (["--keep", "item", "-o", str(path)], ["-o", str(tmp_path / "v.npy")]):
        assert main([*command, "--group-by", "user", *options]) == 2


def test_kept_cells_of_other_kinds(model: ws.Model, tmp_path: Path) -> None:
    """JSON has no NaN, and a Parquet column has a single type."""
    rows = [documents.Row((cell,), ["sun"]) for cell in (1, float("nan"), "x")]
    documents.write(model.wv, iter(rows), tmp_path / "rows.jsonl", ["id"])
    text = (tmp_path / "rows.jsonl").read_text()
    assert "NaN" not in text
    assert [json.loads(line)["id"] for line in text.splitlines()] == [1, None, "x"]
    with pytest.raises(InputError, match=r"cells of several types, or cells that are too large: .*; write \.jsonl"):
        documents.write(model.wv, iter(rows), tmp_path / "rows.parquet", ["id"])
    for cells, error in (((1, "007"), "string after int64"), (([{"a": 1}], [{"b": 2}]), "b: int64.* after .*a: int64")):
        later = (documents.Row((cell,), ["sun"]) for cell in cells)
        with pytest.raises(InputError, match=error):
            documents.write(model.wv, later, tmp_path / "rows.parquet", ["id"], batch=1)


def test_lines_keep_empty_ones(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("one two\n\n \nthree\n")
    (tmp_path / "b").write_text("\nno end")
    lines = joined(RawText([tmp_path]).pieces(), blank=True)
    assert list(lines) == [["one", "two"], [], [], ["three"], [], ["no", "end"]]
    long = " ".join(["word"] * 500_000)  # several blocks
    (tmp_path / "c").write_text(f"{long}\nlast\n")
    assert [len(line) for line in joined(RawText([tmp_path / "c"]).pieces(), blank=True)] == [500_000, 1]
