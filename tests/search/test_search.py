"""An index of documents: results, additions, files, and the command."""

import gzip
import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support.pipes import answer, pipe

import wordsparse as ws
from wordsparse.cli import main
from wordsparse.errors import InputError
from wordsparse.search import Hit, Search

TOPICS = {
    "pets": "the cat and the dog sleep on a warm mat",
    "money": "the stocks and bonds of a bank fell on the market",
    "food": "bake the bread with flour and butter and salt",
}
TEXTS = [f"{text} {number % 7}" for number in range(30) for text in TOPICS.values()]
ROWS = [{"id": i, "text": text, "year": 2000 + i % 3} for i, text in enumerate(TEXTS)]


@pytest.fixture(scope="module")
def model() -> ws.Model:
    return ws.train(
        iter(TEXTS), tokens="unicode", preset="search", dim=6, epochs=5, min_count=1, form=0, progress=False
    )


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
    assert hits[0].score == pytest.approx(hits[0].cosine + hits[0].words)
    assert index.search(["Bread, butter!"], n=3) == [hits]
    assert all(hit.score == hit.cosine for hit in index.search("bread", weight=0))
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
    parts.add(ROWS[50:], column="text")
    questions = ["cats and dogs", "the market", "flour 3"]
    assert whole.search(questions) == parts.search(questions)
    parts = Search(model, ROWS[:50], column="text", keep=["id"])
    parts.save(tmp_path / "index")
    read = ws.load(tmp_path / "index")
    assert isinstance(read, Search)
    assert read.search(questions) == parts.search(questions)
    read.add(ROWS[50:], column="text")
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
                index.add([*ROWS[6:], {"id": -1, "text": "unheard"}], column="text")
        assert len(index) == 6
        assert index.search("unheard") == []
        assert index.search("a warm bank") == before
        index.add(ROWS[6:], column="text")
        assert index.search("cats and flour 3") == expected
    index.save(tmp_path / "index")
    assert ws.load(tmp_path / "index").search("cats and flour 3") == expected


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
    """Vectors of another model are refused, in an index and in a file of ``documents``. Previously, a question got
    cosines with vectors of another space."""
    other = ws.train(
        iter(TEXTS), tokens="unicode", preset="search", dim=6, epochs=5, min_count=1, form=0, progress=False, seed=2
    )
    Search(model, TEXTS).save(tmp_path / "index")
    shutil.rmtree(tmp_path / "index" / "model")
    other.save(tmp_path / "index" / "model")
    with pytest.raises(InputError, match=r"model\.json: does not match"):
        ws.load(tmp_path / "index")

    def rows_of(each: ws.Model, scale: float) -> list[dict[str, object]]:
        vectors = zip(TEXTS, each.encode(TEXTS) * scale, strict=True)
        return [{"text": text, "vector": vector.tolist()} for text, vector in vectors]

    def written(rows: list[dict[str, object]]) -> Path:
        pd.DataFrame(rows).to_json(tmp_path / "rows.jsonl", orient="records", lines=True, double_precision=15)
        return tmp_path / "rows.jsonl"

    with pytest.raises(InputError, match="the vectors are not those of this model"):
        Search(model, written(rows_of(other, 1)), column="text")
    scaled = Search(model, written(rows_of(model, 681)), column="text").search("bread and butter")
    expected = Search(model, TEXTS).search("bread and butter")
    np.testing.assert_allclose([hit.cosine for hit in scaled], [hit.cosine for hit in expected], rtol=1e-5)
    further = model.train(iter([*TEXTS, "more bread"]), epochs=1, progress=False)
    assert len(Search(further, written(rows_of(model, 1)), column="text")) == len(TEXTS)


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
    documents = ["documents", str(saved / "model"), str(saved / "rows.jsonl"), "--column", "text"]
    assert main([*documents, "--keep", "id,text,year", "-o", str(tmp_path / "vectors.parquet"), "-q"]) == 0
    for given in (pd.DataFrame(ROWS), saved / "rows.jsonl", tmp_path / "vectors.parquet"):
        hits = Search(model, given, column="text", keep=["id", "year"]).search("the market")
        assert [hit.row for hit in hits] == [hit.row for hit in expected]
        assert hits[0].document == expected[0].document
        np.testing.assert_allclose([hit.score for hit in hits], [hit.score for hit in expected], rtol=1e-6)


def test_stems_and_weights(model: ws.Model) -> None:
    assert Search(model, ["a cat", "dogs"], stem="english").search("cats")[0].matched == ["cat"]
    general = ws.train(iter(TEXTS), tokens="unicode", dim=6, epochs=2, min_count=1, progress=False)
    fitted = Search(general, TEXTS, fit_weights=True)
    assert fitted.model.weights.tobytes() == general.fit_weights(TEXTS).weights.tobytes()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda model: Search(model, [7]), "document 1 holds 7, which is no text"),
        (lambda model: Search(model, TEXTS, keep=["id"]), "name the column of the texts too"),
        (lambda model: Search(model, ROWS, column="id"), "row 1 holds 0, which is no text"),
        (lambda model: Search(model, ROWS, column="body"), "row 1 has no 'body'"),
        (lambda model: Search(model, TEXTS).search(3), "must be an iterable of texts, not 3"),
        (lambda model: Search(model, TEXTS).search("a", n=0), "n must be at least 1"),
        (lambda model: Search(model, TEXTS).search("a", weight=-1), "weight must be"),
        (lambda model: Search(model, TEXTS).search("a", weight=1e39), "weight must be at most"),
        (lambda model: Search(model, iter(TEXTS), fit_weights=True), "an iterator only once"),
        (lambda model: Search(model, TEXTS, stem="klingon"), "the language 'klingon' has no stemmer"),
    ],
)
def test_refusals(model: ws.Model, call: object, message: str) -> None:
    with pytest.raises((InputError, TypeError), match=message):
        call(model)


def test_damage(model: ws.Model, tmp_path: Path) -> None:
    Search(model, TEXTS).save(tmp_path / "index")
    for name in ("vectors.npy", "index.bin", "model/input.npy", "search.json"):
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
    assert main([*command, "the market", "-n", "1", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["question"] == "the market"
    assert result["documents"][0].keys() == {*Hit._fields}
    assert main([*command, "жжж"]) == 2
    assert "no word of 'жжж' is in the documents or in the model" in capsys.readouterr().err
    (tmp_path / "lines.txt").write_text("bread\n\nbank\n")
    assert main(["search", str(saved / "model"), str(tmp_path / "lines.txt"), "bank"]) == 0
    assert "  line 3  [bank]" in capsys.readouterr().out.splitlines()[0]
    for table, message in (("rows.csv", "is a table: name the column"), ("vectors.jsonl", "holds vectors, but no col")):
        (tmp_path / table).write_text("text,id\na,1\n" if table == "rows.csv" else '{"vector": [1, 2]}\n')
        options = ["--column", "text"] if table == "vectors.jsonl" else []
        assert main(["search", str(saved / "model"), str(tmp_path / table), "bank", *options]) == 2
        assert message in capsys.readouterr().err


def test_lines_of_standard_input_are_questions(saved: Path) -> None:
    with pipe("search", str(saved / "model"), str(saved / "rows.jsonl"), "-", "-n", "1", "--column", "text") as process:
        assert "[bread]" in answer(process, "bread")
        assert "[bank]" in answer(process, "bank")
