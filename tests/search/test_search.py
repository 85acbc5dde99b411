"""An index of documents: results, additions, files, and the command."""

import gzip
import json
import pickle
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import hypothesis
import numpy as np
import pandas as pd
import pytest
from hypothesis import strategies as st
from support.laws import NAMES, ODD, law
from support.pipes import answer, pipe

import wordsparse as ws
from wordsparse.cli import main
from wordsparse.errors import InputError, WordsparseError
from wordsparse.search import Hit, Search
from wordsparse.tokens.languages import Language

TOPICS = {
    "pets": "the cat and the dog sleep on a warm mat",
    "money": "the stocks and bonds of a bank fell on the market",
    "food": "bake the bread with flour and butter and salt",
}
TEXTS = [f"{text} {number % 7}" for number in range(30) for text in TOPICS.values()]
ROWS = [{"id": i, "text": text, "year": 2000 + i % 3} for i, text in enumerate(TEXTS)]


@pytest.fixture(scope="module")
def model() -> ws.Model:
    return ws.train(iter(TEXTS), tokens="unicode", kind="search", dim=6, epochs=5, min_count=1, form=0, progress=False)


@pytest.fixture(scope="module")
def saved(model: ws.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a model, and its documents as JSON lines."""
    folder = tmp_path_factory.mktemp("search")
    model.save(folder / "model")
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return folder


def test_hits(model: ws.Model) -> None:
    index = Search(model, TEXTS)
    hits = index.search("Bread, butter!", n=3)
    assert {TEXTS[hit.row].split()[0] for hit in hits} == {"bake"}
    assert hits[0].matched == ["bread", "butter"]
    assert hits[0].score == pytest.approx(hits[0].cosine + 2 * hits[0].words)
    assert index.search(["Bread, butter!"], n=3) == [hits]
    assert all(hit.score == hit.cosine for hit in index.search("bread", word_weight=0))
    assert index.search("жжж") == []
    assert len(index) == len(TEXTS)


def test_the_order_is_that_of_evaluate(model: ws.Model, tmp_path: Path) -> None:
    questions = {"a": "bread on the market", "b": "a warm bank"}
    found = {name: Search(model, TEXTS).search(text, 1)[0].row for name, text in questions.items()}
    (tmp_path / "qrels").mkdir()
    lines = [json.dumps({"_id": str(i), "text": text}) + "\n" for i, text in enumerate(TEXTS)]
    (tmp_path / "corpus.jsonl").write_text("".join(lines))
    (tmp_path / "queries.jsonl").write_text(
        "".join(json.dumps({"_id": name, "text": text}) + "\n" for name, text in questions.items())
    )
    rows = "".join(f"{name}\t{row}\t1\n" for name, row in found.items())
    (tmp_path / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + rows)
    scores = ws.evaluate(model, retrieval=[tmp_path])["retrieval"][tmp_path.name]
    assert scores["fused"]["ndcg10"] == 1


def test_additions_give_the_scores_of_an_index_built_at_once(model: ws.Model, tmp_path: Path) -> None:
    whole, parts = (Search(model, rows, column="text", keep=["id"]) for rows in (ROWS, ROWS[:50]))
    parts.add(ROWS[50:])
    questions = ["cats and dogs", "the market", "flour 3"]
    assert whole.search(questions) == parts.search(questions)
    parts = Search(model, ROWS[:50], column="text", keep=["id"])
    parts.save(tmp_path / "index")
    read = ws.load(tmp_path / "index")
    assert isinstance(read, Search)
    assert read.search(questions) == parts.search(questions)
    read.add(ROWS[50:])
    assert whole.search(questions) == read.search(questions)


def test_an_interrupted_addition_changes_nothing(
    model: ws.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Previously, the words of a part of the documents stayed in the index, and later hits named wrong documents."""
    expected = Search(model, ROWS, column="text", keep=["id"]).search("cats and flour 3")
    encode = ws.WordVectors.encode
    for batches_before in range(4):
        index = Search(model, ROWS[:6], column="text", keep=["id"])
        before = index.search("a warm bank")
        monkeypatch.setattr("wordsparse.search._BATCH", 16)
        calls = iter(range(100))

        def interrupted(vectors: object, texts: object, at: int = batches_before, calls: object = calls) -> object:
            if next(calls) == at:
                raise KeyboardInterrupt
            return encode(vectors, texts)

        with monkeypatch.context() as patch:
            patch.setattr(ws.WordVectors, "encode", interrupted)
            with pytest.raises(KeyboardInterrupt):
                index.add([*ROWS[6:], {"id": -1, "text": "unheard"}])
        assert len(index) == 6
        assert index.search("unheard") == []
        assert index.search("a warm bank") == before
        index.add(ROWS[6:])
        assert index.search("cats and flour 3") == expected
    index.save(tmp_path / "index")
    assert ws.load(tmp_path / "index").search("cats and flour 3") == expected


def test_a_loaded_index_computes_nothing_anew(model: ws.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Previously, the vectors of all words and all stems were computed before the first answer."""
    index = Search(model, TEXTS, stem="english")
    expected = index.search("cats")
    index.save(tmp_path / "index")
    monkeypatch.setattr(ws.Model, "combined", interrupted)
    stems = Language.stems
    monkeypatch.setattr(Language, "stems", lambda self, words: stems(self, words) if len(words) < 3 else interrupted())
    assert ws.load(tmp_path / "index").search("cats") == expected


def test_copies(model: ws.Model, tmp_path: Path) -> None:
    for stem in (None, "english"):
        index = Search(model, TEXTS, stem=stem)
        assert pickle.loads(pickle.dumps(index)).search("cats") == index.search("cats")
    Search(model, []).save(tmp_path / "empty")  # previously, a ValueError of NumPy
    empty = ws.load(tmp_path / "empty")
    assert empty.search("bread") == []
    empty.add(TEXTS)
    assert empty.search("bread") == Search(model, TEXTS).search("bread")


def test_another_model(model: ws.Model, tmp_path: Path) -> None:
    """Vectors of another model are refused. Previously, a question got cosines with vectors of another space."""
    other = ws.train(
        iter(TEXTS), tokens="unicode", kind="search", dim=6, epochs=5, min_count=1, form=0, progress=False, seed=2
    )
    Search(model, TEXTS).save(tmp_path / "index")
    shutil.rmtree(tmp_path / "index" / "model")
    other.save(tmp_path / "index" / "model")
    with pytest.raises(InputError, match=r"model\.json: does not match"):
        ws.load(tmp_path / "index")


def test_memory(model: ws.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few compressed kilobytes of many lines are refused when memory runs out, and the index stays as it was."""
    (tmp_path / "lines.gz").write_bytes(gzip.compress(b"bread\n" * 200_000))
    index = Search(model, TEXTS)
    monkeypatch.setattr("wordsparse.machine.memory.limits", lambda: iter([(10**8, "available memory")]))
    with pytest.raises(InputError, match=r"not enough memory: an index of 131,162 documents or more needs about"):
        index.add(tmp_path / "lines.gz")
    assert len(index) == len(TEXTS)


def test_tables(model: ws.Model, saved: Path, tmp_path: Path) -> None:
    expected = Search(model, ROWS, column="text", keep=["id", "year"]).search("the market")
    assert expected[0].document == {"id": expected[0].row, "year": 2000 + expected[0].row % 3}
    for given in (pd.DataFrame(ROWS), saved / "rows.jsonl"):
        hits = Search(model, given, column="text", keep=["id", "year"]).search("the market")
        assert hits == expected


def test_the_language_is_told_by_the_model(caplog: pytest.LogCaptureFixture) -> None:
    """Previously, "plot maps of earthquakes" found documents that share "of" and "plot"."""
    texts = ["the plot of an ox", "a map for the earthquake", "it is on the ice and in a box, as that was to be"] * 30
    english = ws.train(iter(texts), tokens="unicode", dim=4, epochs=1, min_count=1, form=0, progress=False)
    with caplog.at_level("INFO", "wordsparse"):
        index = Search(english, texts[:3])
    assert "the texts look like English" in caplog.text
    assert "English stems" in repr(index)
    (hit,) = index.search("maps of earthquakes", 1, word_weight=9)
    assert (hit.row, hit.matched) == (1, ["maps", "earthquakes"])
    assert "<mark>earthquake</mark>" in hit._repr_html_()
    assert "<mark>for</mark>" not in hit._repr_html_()
    plain = Search(english, texts[:3], stem="none")
    assert plain.search("maps of earthquakes", 1, word_weight=9)[0].matched == ["of"]
    assert "words as they are" in repr(plain)
    assert pickle.loads(pickle.dumps(index)).search("maps") == index.search("maps")


def test_an_unknown_question_is_named(caplog: pytest.LogCaptureFixture) -> None:
    spelt = ws.train(iter(TEXTS), tokens="unicode", kind="search", dim=6, epochs=2, min_count=1, progress=False)
    index = Search(spelt, [*TEXTS, "quagga"])
    assert index.search("breads")
    assert "no word of 'breads' is known" in caplog.text
    caplog.clear()
    index.search(["bread zzz", "quagga"])
    assert not caplog.text


def test_stems_and_weights(model: ws.Model) -> None:
    assert Search(model, ["a cat", "dogs"], stem="english").search("cats")[0].matched == ["cats"]


@law(2)
@hypothesis.given(names=st.sets(NAMES).map(lambda names: sorted({*ODD, *names})))
def test_ids_are_kept(model: ws.Model, names: list[str]) -> None:
    rows = [{"key": name, "text": f"bread {number}", "tag": name} for number, name in enumerate(names)]
    index = Search(model, rows, column="text", id="key", keep=["tag"])
    with tempfile.TemporaryDirectory() as directory:
        index.save(f"{directory}/index")
        index = ws.load(f"{directory}/index")
        assert index.ids == names
        for name in names:
            assert [hit.document for hit in index.search("bread", filter={"tag": name})] == [{"key": name, "tag": name}]
        index.delete(names[:1])
        assert index.ids == names[1:]


def interrupted(*given: object) -> None:
    raise KeyboardInterrupt


def full(*given: object) -> None:
    raise OSError(28, "full")


@pytest.mark.parametrize("seed", range(200))
def test_any_history_equals_an_index_built_anew(
    seed: int, model: ws.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After additions, updates, deletions, saves, loads and failures, all answers are those of a new index."""
    random = np.random.default_rng(seed)

    def row_of(number: int) -> dict[str, object]:
        words = random.choice(
            [*" ".join(TOPICS.values()).split(), "zebra", "quagga", "zebras", "cats"], random.integers(0, 12)
        )
        return {"key": number, "text": " ".join(words), "year": 2000 + int(random.integers(4))}

    how = {"column": "text", "keep": ["year"], "id": "key", "stem": ("none", "english")[seed % 2]}
    how["passages"] = (None, 3)[seed // 2 % 2]
    index, expected = Search(model, **how), dict[int, dict[str, object]]()
    for _ in range(8):
        rows = [row_of(int(number)) for number in random.choice(40, random.integers(1, 20), replace=False)]
        match random.choice(["add", "update", "delete", "save", "fail"]):
            case "add":
                new = [row for row in rows if row["key"] not in expected]
                index.add(new)
                expected |= {row["key"]: row for row in new}
            case "update":
                index.update([*rows, rows[0]])
                expected |= {row["key"]: row for row in rows}
            case "delete":
                gone = [row["key"] for row in rows if row["key"] in expected]
                index.delete(gone)
                expected = {key: row for key, row in expected.items() if key not in gone}
            case "save":
                index.save(tmp_path / "index", overwrite=True)
                reader, index = index, ws.load(tmp_path / "index")
                index.save(tmp_path / "index", overwrite=True)  # its own vectors are in the replaced directory
                assert reader.search("zebra bread") == index.search("zebra bread")
            case "fail":
                with monkeypatch.context() as patch:
                    patch.setattr(ws.WordVectors, "encode", interrupted)
                    with pytest.raises(KeyboardInterrupt):
                        index.update(rows)
    anew = Search(model, expected.values(), **how)
    assert index.documents == anew.documents
    assert index.vectors.tobytes() == anew.vectors.tobytes()
    for question in ("zebra", "the cat on the market", "bread quagga bread"):
        for filter in (None, {"year": 2001}):
            assert index.search(question, 50, filter=filter) == anew.search(question, 50, filter=filter)


def test_a_deletion_forgets_words(model: ws.Model) -> None:
    index = Search(model, ROWS, column="text", id="id")
    index.add([{"id": "new", "text": "unheard of"}])
    index.delete("new")
    assert index._documents.ranking.index.state()[0] == Search(model, TEXTS)._documents.ranking.index.state()[0]


FILTERS = [
    {"year": 2001},
    {"year": {2001}},
    {"year": range(2001, 2002)},
    {"year": [2001], "text": TEXTS},
    "year = 2001",
    "year BETWEEN 2000.5 AND 2001.5 AND text LIKE '%bread%' OR year IN ('2001')",
    np.array([row["year"] == 2001 for row in ROWS]),
    [row["id"] for row in ROWS if row["year"] == 2001],
    np.arange(1, 90, 3),
]


@pytest.mark.parametrize("filter", FILTERS, ids=range(len(FILTERS)))
def test_filters_choose_before_ranking(filter: object, model: ws.Model) -> None:
    index = Search(model, ROWS, column="text", keep=["year", "text"], id="id")
    every = index.search("bread on the market", n=len(ROWS))
    chosen = [hit for hit in every if hit.document["year"] == 2001]
    for n in (3, len(ROWS)):
        assert index.search("bread on the market", n, filter=filter) == chosen[:n]
    assert index.search(["bread on the market"], filter=filter) == [chosen[:10]]
    assert index.search("bread", filter={"year": 1999}) == []


def test_a_rare_filter_returns_n_hits(model: ws.Model) -> None:
    rows = [{"text": TEXTS[i % 90], "shop": i % 1000} for i in range(10_000)]
    index = Search(model, rows, column="text", keep=["shop"])
    for filter in ({"shop": 7}, "shop = 7"):
        assert {hit.row for hit in index.search("bread", filter=filter)} == {*range(7, 10_000, 1000)}


def test_texts_of_filters_are_typed_as_in_a_table(model: ws.Model, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("text,year,day\nbread,2003,2020-01-05\nbread,900,2019-12-31\nbread,,\n")
    index = Search(model, tmp_path / "rows.csv", column="text", keep=["year", "day"])
    for condition, rows in (
        ("year > 1000", [0]),
        ("year IS NULL", [2]),
        ("day < '2020-01-01'", [1]),
        ("true", [0, 1, 2]),
    ):
        assert [hit.row for hit in index.search("bread", filter=condition)] == rows


def test_hits_read(model: ws.Model) -> None:
    long = "nothing <b> " * 40 + "they bake a bread, and sell bread & salt on the market" + " nothing" * 40
    index = Search(model, [{"text": long, "n": 1}], column="text", keep=["n"])
    hits = index.search("bread market")
    (hit,) = hits
    assert hit.text == long
    assert hit.to_dict() == {
        **{name: getattr(hit, name) for name in ("row", "score", "cosine", "words", "matched", "text", "document")}
    }
    assert json.loads(json.dumps(hit.to_dict())) == hit.to_dict()
    assert pickle.loads(pickle.dumps(hits)) == hits
    assert "bread, and sell bread & salt on the market" in hit.snippet()
    assert len(hit.snippet(60)) <= 62
    assert hit.snippet(10**6) == long
    page = hits._repr_html_()
    assert page.count("<mark>bread</mark>") == 2
    assert all(piece in page for piece in ("<mark>market</mark>", "&lt;b&gt;", "<th>n</th>"))
    assert Search(model, ["", "..."]).search("bread")._repr_html_().count("<tr>") == 1
    assert index.documents == [{"n": 1, "text": long}]
    assert index.vectors.shape == (1, model.dim)


def test_several_columns(model: ws.Model, tmp_path: Path) -> None:
    """A column with ^2 counts as often as if it stood in the text twice; a hit shows it once."""
    rows = [{"title": "bread", "text": "of a bank"}, {"title": None, "text": "a bank\nof bread"}]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    expected = Search(model, ["bread of a bank bread", "a bank of bread"]).search("bread")
    for given in (rows, pd.DataFrame(rows), tmp_path / "rows.jsonl"):
        hits = Search(model, given, column="title^2,text").search("bread")
        assert [(hit.row, hit.score) for hit in hits] == [(hit.row, hit.score) for hit in expected]
        assert [hit.text for hit in hits] == ["bread\nof a bank", "a bank\nof bread"]
    assert "bank of bread" in hits[1].snippet()


def test_any_column_can_be_named(tmp_path: Path) -> None:
    """Previously, a column whose name holds a comma could not be named."""
    rows = [{"title, short": "bread", "text^2": text} for text in TEXTS]
    frame, how = pd.DataFrame(rows), {"dim": 2, "epochs": 1, "min_count": 1, "progress": False}
    frame.to_csv(tmp_path / "rows.csv", index=False)
    for given in (frame, tmp_path / "rows.csv"):
        model = ws.train(given, column='"title, short",text^2^1', **how)
        assert model.vocabulary.counts[model.vocabulary["bread"]] == len(TEXTS) + len(TEXTS) / 3
        hits = Search(model, given, column='"title, short"^2,text^2^1', keep=["text^2"]).search("bread", 1)
        assert hits[0].text.startswith("bread\n")
        assert hits[0].document["text^2"] in TEXTS


def test_line_breaks_do_not_cut_documents(tmp_path: Path) -> None:
    """Previously, each line was a document of its own: nDCG@10 on CISI fell from .44 to .36 with lines of 12 words."""
    whole = [{"title": text.split()[0], "text": text.partition(" ")[2]} for text in TEXTS]
    cut = [{**row, "text": row["text"].replace(" ", "\n", 3)} for row in whole]
    how = {"kind": "search", "tokens": "unicode", "dim": 4, "epochs": 1, "min_count": 1, "form": 0, "progress": False}
    expected = ws.train(iter(TEXTS), **how)
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in cut))
    for given in (cut, pd.DataFrame(cut), tmp_path / "rows.jsonl"):
        assert ws.train(given, column="title,text", **how).vectors.tobytes() == expected.vectors.tobytes()
    broken = ws.train((text.replace(" ", "\n", 3) for text in TEXTS), **how)
    assert broken.vectors.tobytes() == expected.vectors.tobytes()


def test_passages(model: ws.Model, tmp_path: Path) -> None:
    """The best passage of a document counts, and is shown."""
    long = f"{TOPICS['pets']} {TOPICS['money']}\n{TOPICS['food']}"
    index = Search(model, [{"id": "a", "text": long}, {"id": "b", "text": ""}], column="text", id="id", passages=10)
    (hit,) = index.search("bread and butter")
    assert hit.text.split() == long.split()[20:]
    parts = [" ".join(long.split()[i : i + 10]) for i in (0, 10, 20)]
    expected = Search(model, [*parts, ""]).search("bread and butter")[0]
    assert (hit.row, hit.score) == (0, expected.score)
    assert index.documents[0] == {"id": "a", "text": long}
    index.save(tmp_path / "index")
    read = ws.load(tmp_path / "index")
    assert read.search("bread") == index.search("bread")
    read.update([{"id": "b", "text": TOPICS["food"]}, {"id": "a", "text": TOPICS["pets"]}])
    assert [each.document["id"] for each in read.search("bread", 1)] == ["b"]
    titled = [{"title": "bread", "text": long}]
    for title, holds in (("title", 2), ("title^2", 4)):  # bread is also in the passage of food
        whole = Search(model, titled, column=f"{title},text", passages=10)
        assert len(whole._documents.ranking.index.postings(["bread"])[0]) == holds


def test_replacing_a_saved_index(model: ws.Model, tmp_path: Path) -> None:
    index = Search(model, TEXTS)
    index.save(tmp_path / "index")
    with pytest.raises(InputError, match="overwrite=True"):
        index.save(tmp_path / "index")
    reader = ws.load(tmp_path / "index")
    Search(model, TEXTS[:3]).save(tmp_path / "index", overwrite=True)
    assert reader.search("bread") == index.search("bread")
    assert len(ws.load(tmp_path / "index")) == 3
    assert [each.name for each in tmp_path.iterdir()] == ["index"]
    (tmp_path / "index" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="exists already"):
        index.save(tmp_path / "index", overwrite=True)
    assert (tmp_path / "index" / "notes.txt").exists()


@pytest.mark.parametrize("failure", ["os.fsync", "wordsparse.files.storage.put"])
def test_a_failed_replacement_keeps_the_old_index(
    failure: str, model: ws.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = Search(model, ROWS, column="text", id="id")
    index.save(tmp_path / "index")
    before = index.search("bread")
    index.delete(list(range(50)))
    with monkeypatch.context() as patch:
        patch.setattr(failure, full)
        with pytest.raises(WordsparseError, match="writing failed"):
            index.save(tmp_path / "index", overwrite=True)
    assert ws.load(tmp_path / "index").search("bread") == before


def test_a_killed_replacement_leaves_the_old_or_the_new_index(model: ws.Model, tmp_path: Path) -> None:
    for name, rows in (("many", TEXTS), ("few", TEXTS[:3])):
        Search(model, rows).save(tmp_path / name)
    Search(model, TEXTS).save(tmp_path / "index")
    program = (
        "import sys, wordsparse as ws\nmany, few = (ws.load(path) for path in sys.argv[1:3])\nprint(flush=True)\n"
        "while True:\n for each in (few, many): each.save(sys.argv[3], overwrite=True)"
    )
    paths = [str(tmp_path / name) for name in ("many", "few", "index")]
    for milliseconds in (0, 13, 29, 41, 67):
        with subprocess.Popen([sys.executable, "-c", program, *paths], stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            time.sleep(milliseconds / 1000)
            process.kill()
        assert len(ws.load(tmp_path / "index")) in (3, len(TEXTS))


def indexed(model: ws.Model) -> Search:
    return Search(model, ROWS, column="text", keep=["year"], id="id")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda model: Search(model, pd.DataFrame(ROWS)), r"\(column=\): one of 'id', 'text', 'year'"),
        (lambda model: Search(model, [7]), "document 1 holds 7, which is no text"),
        (lambda model: Search(model, TEXTS, keep=["id"]), "name the column of the texts too"),
        (lambda model: Search(model, ROWS, column="id"), "row 1 holds 0, which is no text"),
        (lambda model: Search(model, ROWS, column="body"), "row 1 has no 'body'"),
        (lambda model: Search(model, TEXTS).search(3), "must be an iterable of texts, not 3"),
        (lambda model: Search(model, TEXTS).search("a", n=0), "n must be at least 1"),
        (lambda model: Search(model, TEXTS).search("a", k=3), "did you mean n?"),
        (lambda model: Search(model, TEXTS).search("a", where={}), "did you mean filter?"),
        (lambda model: Search(model, TEXTS).search("a", filter={"year": 3}), "'year', and the index keeps no columns"),
        (lambda model: Search(model, TEXTS).search("a", filter=[3]), "the index has none: name their column"),
        (lambda model: Search(model, TEXTS).search("a", filter=np.array([True])), "but there are 90 documents"),
        (lambda model: indexed(model).search("a", filter="yeer > 3"), "no such column: yeer; the index keeps id, year"),
        (lambda model: indexed(model).search("a", filter="year >"), "syntax error"),
        (lambda model: indexed(model).search("a", filter="true; DROP TABLE documents"), "syntax error"),
        (lambda model: indexed(model).search("a", filter={"year": [[]]}), "cannot compare"),
        (lambda model: indexed(model).add(ROWS[:1]), "row 1: the id 0 occurs twice"),
        (lambda model: indexed(model).delete([0, 0]), "no document has the id 0, or it is named twice"),
        (lambda model: indexed(model).update([{"id": None, "text": "a", "year": 1}]), "the id None is no text"),
        (lambda model: indexed(model).update([{"id": np.nan, "text": "a", "year": 1}]), "the id nan is no text"),
        (lambda model: Search(model, TEXTS).delete(3), "the index has no ids"),
        (lambda model: Search(model, TEXTS).update(TEXTS), "the index has no ids"),
        (lambda model: Search(model, ROWS, column="text", keep="year"), r"give a list of columns, keep=\['year'\]"),
        (lambda model: Search(model, TEXTS).search("a", word_weight=-1), "word_weight must be"),
        (lambda model: Search(model, TEXTS).search("a", word_weight=1e39), "word_weight must be at most"),
        (lambda model: Search(model, TEXTS, fit_weights=True), r"model.fit_weights\(texts\)"),
        (lambda model: Search(model, TEXTS).search("a", weight=1), "did you mean word_weight?"),
        (lambda model: Search(model, TEXTS, passages=0), "passages must be at least 1"),
        (lambda model: Search(model, ROWS, column="text,id"), "row 1 holds 0, which is no text"),
        (lambda model: Search(model, ROWS, column="title,text"), "row 1 has no 'title'"),
        (lambda model: Search(model, TEXTS, stem="klingon"), "the language 'klingon' has no stemmer"),
    ],
)
def test_refusals(model: ws.Model, call: object, message: str) -> None:
    with pytest.raises((InputError, TypeError), match=message):
        call(model)


def test_damage(model: ws.Model, tmp_path: Path) -> None:
    Search(model, TEXTS).save(tmp_path / "index")
    for name in ("vectors.npy", "words.npy", "index.bin", "model/input.npy", "search.json"):
        path = tmp_path / "index" / name
        content = path.read_bytes()
        path.write_bytes(content[:-20] + b"0" * 20)
        with pytest.raises(InputError, match=name.partition("/")[0]):
            ws.load(tmp_path / "index")
        path.write_bytes(content)
    assert len(ws.load(tmp_path / "index")) == len(TEXTS)
    with pytest.raises(InputError, match=r"is an index of documents: its model is .*model"):
        Search(str(tmp_path / "index"), TEXTS)  # previously, an AttributeError
    with pytest.raises(InputError, match="cannot be stored as JSON"):
        Search(model, [{"text": "a", "at": pd.Timestamp(0)}], column="text", keep=["at"]).save(tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_odd_documents(model: ws.Model) -> None:
    """An empty document is never an answer, and neither its length nor a long document's breaks the scores."""
    index = Search(model, ["", "bread", "bread " * 300_000, "..."])
    assert {hit.row for hit in index.search("bread")} == {1, 2}
    assert Search(model, []).search("bread") == []


def test_the_command(saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["search", str(saved / "model"), str(saved / "rows.jsonl"), "--column", "text"]
    assert main([*command, "--keep", "id", "-n", "2", "the", "market"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[2] for line in lines] == ["[the market]"] * 2
    assert {int(line.split("  ")[1]) % 3 for line in lines} == {1}
    assert main([*command, "-n", "1", "the", "market"]) == 0
    assert TOPICS["money"] in capsys.readouterr().out
    assert main([*command, "the market", "-n", "1", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["question"] == "the market"
    assert result["documents"][0].keys() == {*Hit.__dataclass_fields__} - {"is_matched"}
    assert main([*command, "жжж"]) == 2
    assert "no word of 'жжж' is in the documents or in the model" in capsys.readouterr().err
    (tmp_path / "lines.txt").write_text("bread\n\nbank\n")
    assert main(["search", str(saved / "model"), str(tmp_path / "lines.txt"), "bank"]) == 0
    assert "  line 3  [bank]" in capsys.readouterr().out.splitlines()[0]
    (tmp_path / "rows.csv").write_text("text,id\na,1\n")
    assert main(["search", str(saved / "model"), str(tmp_path / "rows.csv"), "bank"]) == 2
    assert "is a table: name the column" in capsys.readouterr().err


def test_lines_of_standard_input_are_questions(saved: Path) -> None:
    with pipe("search", str(saved / "model"), str(saved / "rows.jsonl"), "-", "-n", "1", "--column", "text") as process:
        assert "[bread]" in answer(process, "bread")
        assert "[bank]" in answer(process, "bank")
