import json

import numpy as np
import pandas as pd
import pytest

import wordsparse as ws
from wordsparse.errors import InputError
from wordsparse.evaluation import retrieval
from wordsparse.evaluation.retrieval_files import read_collection
from wordsparse.vectors.word_vectors import WordVectors

# The vectors of six words lie on a circle. The vector of a text is the mean of its words' vectors.
ANGLES = {word: place * np.pi / 12 for place, word in enumerate("abcdef")}
CIRCLE = WordVectors(list(ANGLES), [[np.cos(angle), np.sin(angle)] for angle in ANGLES.values()])
DOCUMENTS = {"1": "a", "2": "b b", "3": "c", "4": "d", "5": "nothing", "6": "f"}
QUERIES = {"q1": "a", "q2": "d e", "q3": "unknown", "q4": "b", "q5": "nobody judged it"}
# The grades include a 2, a document outside the corpus (99), and a query without a relevant document (q4).
GRADES = {("q1", "2"): 2, ("q1", "1"): 1, ("q2", "4"): 1, ("q2", "99"): 1, ("q3", "1"): 1, ("q4", "1"): 0}


def collection(folder, documents=DOCUMENTS, queries=QUERIES, grades=GRADES, name="test"):
    """Write a collection in the layout of BEIR."""
    (folder / "qrels").mkdir(parents=True, exist_ok=True)
    for file, texts in (("corpus", documents), ("queries", queries)):
        lines = [json.dumps({"_id": key, "title": "", "text": text}) + "\n" for key, text in texts.items()]
        (folder / f"{file}.jsonl").write_text("".join(lines))
    rows = [
        "query-id\tcorpus-id\tscore",
        *(f"{query}\t{document}\t{grade}" for (query, document), grade in grades.items()),
    ]
    (folder / "qrels" / f"{name}.tsv").write_text("\n".join(rows) + "\n")
    return folder


def test_measures_by_hand(tmp_path, caplog):
    """The gain of a document is its grade, as in trec_eval. A document outside the corpus lowers the recall."""
    result = ws.evaluate(CIRCLE, retrieval=[collection(tmp_path / "c")])["retrieval"]["c"]
    first = (1 + 2 / np.log2(3)) / (2 + 1 / np.log2(3))  # q1: documents are ranked 1, 2, 3, …
    second = 1 / (1 + 1 / np.log2(3))  # q2: document 4 comes first, and 99 is missing
    expected = {"ndcg10": pytest.approx((first + second + 0) / 3), "recall100": pytest.approx((1 + 0.5 + 0) / 3)}
    assert {name: result["model"][name] for name in expected} == expected
    assert {name: result["model"][name] for name in ("n", "oov", "unjudged")} == {"n": 2, "oov": 1, "unjudged": 2}
    assert result["model"]["low"] <= result["model"]["ndcg10"] <= result["model"]["high"]
    assert list(result) == ["model", "bm25", "fused"]
    assert "1 relevant documents are not among the documents" in caplog.text


def test_sides(tmp_path):
    documents = {"1": "A, b!", "2": "b c d e", "3": "B b", "4": "f"}
    given = read_collection(collection(tmp_path, documents, {"q": "b", "r": "xyz"}, {("q", "3"): 1, ("r", "1"): 1}))
    scores = retrieval.score_retrieval(given, retrieval.answer_retrieval(CIRCLE, given))
    assert list(scores) == ["model", "bm25", "fused"]
    assert scores["bm25"]["ndcg10"] == 0.5  # document 3 holds b most often; "xyz" has no hit
    assert scores["model"]["oov"] == 1
    with_stems = retrieval.score_retrieval(given, retrieval.answer_retrieval(CIRCLE, given, "english"))
    assert list(with_stems) == [*retrieval.SIDES]
    assert with_stems["bm25"] == scores["bm25"]


TABLE = [{"question": QUERIES[q], "id": int(document), "grade": grade} for (q, document), grade in GRADES.items()]


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "parquet"])
def test_a_table_judges_the_documents_of_an_index(suffix, tmp_path, monkeypatch, caplog):
    """The table gives the scores of the same judgements in the layout of BEIR, and columns count as in the index."""
    monkeypatch.chdir(tmp_path)
    texts = [[*"a"], [*"bcde"], [*"f"]] * 40
    model = ws.train(texts, dim=2, epochs=1, min_count=1, form=0, progress=False)
    rows = [{"key": int(key), "text": text} for key, text in DOCUMENTS.items()]
    index = ws.Search(model, rows, column="text", id="key", stem="none")
    table, path = pd.DataFrame(TABLE), f"judged.{suffix}"
    write = {"csv": table.to_csv, "tsv": table.to_csv, "jsonl": table.to_json, "parquet": table.to_parquet}[suffix]
    write(path, **({"orient": "records", "lines": True} if suffix == "jsonl" else {"index": False}))
    if suffix == "tsv":
        table.to_csv(path, index=False, sep="\t")
    expected = ws.evaluate(model, retrieval=[collection(tmp_path / "c")])["retrieval"]["c"]
    got = ws.evaluate(index, retrieval=[path])["retrieval"]["judged"]
    assert "1 relevant documents are not among the documents" in caplog.text
    assert {side: scores["ndcg10"] for side, scores in got.items()} == {
        side: scores["ndcg10"] for side, scores in expected.items()
    }
    assert got["model"]["unjudged"] == 1  # BEIR also counts queries without any judgement
    index.save("index")
    assert ws.evaluate("index", retrieval=[path])["retrieval"]["judged"] == got


def test_grades_are_optional_and_weights_of_columns_count(tmp_path):
    table = tmp_path / "judged.csv"
    table.write_text("question,id\nb,2\n")
    model = ws.train([[*"abc"]] * 40, dim=2, epochs=1, min_count=1, form=0, progress=False)
    rows = [{"id": "1", "title": "c", "text": "b a b a b"}, {"id": "2", "title": "b", "text": "c a c a c"}]
    for column, ndcg in (("title,text", 1 / np.log2(3)), ("title^9,text", 1)):
        index = ws.Search(model, rows, column=column, id="id", stem="english")
        result = ws.evaluate(index, retrieval=[table])["retrieval"]["judged"]
        assert result["bm25_stemmed"]["ndcg10"] == pytest.approx(ndcg)
    passages = ws.Search(model, rows, column="text", id="id", passages=2)
    for index, message in ((passages, "passages"), (ws.Search(model, ["a"]), "no ids"), (model, "evaluate an index")):
        with pytest.raises(InputError, match=message):
            ws.evaluate(index, retrieval=[table])


def test_documents_without_words(tmp_path):
    """Previously, this was a ValueError of bm25s."""
    given = read_collection(collection(tmp_path, {"0": "", "1": "..."}, {"q": "b"}, {("q", "0"): 1}))
    scores = retrieval.score_retrieval(given, retrieval.answer_retrieval(CIRCLE, given))
    assert [side["ndcg10"] for side in scores.values()] == [0, 0, 0]


def test_one_of_several_files_of_judgements(tmp_path):
    folder = collection(tmp_path, name="dev", grades={("q1", "2"): 1})
    assert read_collection(folder).relevant == [{1: 1.0}]  # the only judgement file
    collection(tmp_path, name="train")
    with pytest.raises(InputError, match=r"several files of judgements: name one of .*dev\.tsv, .*train\.tsv"):
        read_collection(folder)
    assert read_collection(folder / "qrels" / "dev.tsv").relevant == [{1: 1.0}]
    assert len(read_collection(collection(tmp_path))) == 3  # test.tsv is preferred


def test_a_collection_that_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match=r"holds no qrels/\*\.tsv: give a directory with corpus\.jsonl"):
        ws.evaluate(CIRCLE, retrieval=[tmp_path])
    folder = collection(tmp_path)
    (folder / "qrels" / "dev.tsv").write_text("q1 0 1 1\n")
    with pytest.raises(InputError, match=r"dev\.tsv: has no column 'query-id'"):
        read_collection(folder / "qrels" / "dev.tsv")
    (folder / "corpus.jsonl").write_text('{"_id": "1", "text": "a"}\n' * 2)
    with pytest.raises(InputError, match=r"corpus\.jsonl: row 2: the _id '1' occurs twice"):
        read_collection(folder)
