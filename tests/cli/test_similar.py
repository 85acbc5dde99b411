"""The commands ``similar`` and ``analogy``, whose output has the same format."""

import io
import json

import numpy as np
import pyarrow.parquet
import pytest

import wordsparse as ws
from wordsparse.cli import main
from wordsparse.vectors import graph, queries


def test_json(vectors, capsys):
    assert main(["similar", vectors, "king", "-n", "2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "word": "king",
        "composed": False,
        "neighbours": [
            {"word": "man", "cosine": pytest.approx(0.5**0.5)},
            {"word": "queen", "cosine": pytest.approx(0.5)},
        ],
    }
    assert main(["analogy", vectors, "man", "king", "woman", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["a"], result["b"], result["c"]) == ("man", "king", "woman")
    assert [neighbour["word"] for neighbour in result["neighbours"]] == ["queen"]


def test_an_analogy_of_inflected_forms(tmp_path, vectors, capsys):
    words = [stem + ending for stem in ("walk", "jump", "climb", "wait") for ending in ("", "s", "ed", "ing")]
    random, path = np.random.default_rng(0), str(tmp_path / "model")
    text = [random.choice(words, 8).tolist() for _ in range(60)]
    model = ws.train(text, output=path, dim=6, epochs=1, min_count=1, progress=False)
    question = ["walk", "walking", "jump"]
    inflected = model.fit_ngrams(1, 5, form=9)
    for options, expected in (
        ([], model),
        (["--inflections"], inflected),
    ):
        assert main(["analogy", path, *question, "--json", *options]) == 0
        shown = capsys.readouterr()
        found = json.loads(shown.out)["neighbours"]
        assert [(one["word"], one["cosine"]) for one in found] == expected.wv.analogy(*question, 10)
        assert ("add --inflections" in shown.err) is (not options)
    assert main(["analogy", vectors, "man", "king", "woman", "--inflections"]) == 2
    assert "leave --inflections out" in capsys.readouterr().err


def test_the_tokeniser_of_the_model_writes_the_words(tmp_path, capsys):
    text = (f"Datei{'!' * i} und Haus, Server" for i in range(50))
    ws.train(text, output=tmp_path / "m", tokens="simple", dim=3, epochs=1, progress=False)
    for words, meant, note in (
        (["DATEI"], ["datei"], "DATEI: read as datei"),
        (["Datei-Server"], ["datei", "server"], "Datei-Server: read as datei and server (their mean)"),
        (["Haus", "und"], ["haus", "und"], "Haus: read as haus"),
    ):
        assert main(["similar", str(tmp_path / "m"), *meant]) == 0
        expected = capsys.readouterr().out
        assert main(["similar", str(tmp_path / "m"), *words]) == 0
        shown = capsys.readouterr()
        assert shown.out == expected
        assert note in shown.err
    assert main(["analogy", str(tmp_path / "m"), "Datei", "Haus", "UND"]) == 0
    # Previously, a word of two parts was refused if only one part had a vector, as in 内燃機関.
    assert main(["similar", str(tmp_path / "m"), "Datei-Ω"]) == 0
    assert "Datei-Ω: read as datei (ω has no vector)" in capsys.readouterr().err


def test_a_word_that_is_taken_apart_is_the_mean_of_its_parts_everywhere(tmp_path):
    text = [f"Datei{'!' * i} und und und Haus, Server" for i in range(50)]
    model = ws.train(iter(text), tokens="simple", dim=3, epochs=1, form=0, progress=False)
    wv, weights = model.wv, [0.001 / (0.001 + share) for share in (1 / 6, 3 / 6)]  # SIF weights, as for texts
    mean = (weights[0] * wv.unit[wv.row("datei")] + weights[1] * wv.unit[wv.row("und")]) / sum(weights)
    np.testing.assert_allclose(model["Datei-UND"], mean, rtol=1e-5)
    assert [word for word, _ in wv.similar("Datei-und")] == [
        word for word, _ in wv.similar(mean) if word in ("haus", "server")
    ]
    shares = [each / sum(weights) for each in weights]
    assert [share for _, share in queries.parts(wv, "datei und")] == pytest.approx(shares)
    (tmp_path / "pairs.tsv").write_text("Datei-Haus und 1\nserver und 2\nhaus datei 3\n")
    (scores,) = ws.evaluate(model, pairs=[tmp_path / "pairs.tsv"])["pairs"].values()
    assert (scores["n"], scores["oov"], scores["with_composed"]["n"]) == (2, 1, 3)
    # Previously, evaluate() composed vectors for words that the tokeniser rewrites, for example to Japanese base forms.
    assert (model.fit_ngrams(1, 2).wv.vector("«Haus»") == model.fit_ngrams(1, 2)["haus"]).all()


def rows_of(model, words, n, **options):
    """Return the expected rows of a table, from one search per question."""
    wv = ws.read_vectors(model)
    return [
        {"word": " ".join(query), "rank": rank, "neighbour": word, "cosine": cosine}
        for query in words
        for rank, (word, cosine) in enumerate(wv.similar(query, n, **options), 1)
    ]


def test_a_table_of_the_neighbours_of_each_line(tmp_path, vectors, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", io.StringIO('king\n\nman quen\nKing\n["man", "queen"]\n'))
    path = tmp_path / "near.parquet"
    assert main(["similar", vectors, "-", "-n", "2", "-o", str(path)]) == 0
    shown = capsys.readouterr()
    assert shown.out == f"3 questions -> {path}\n"
    assert "'quen' is not in the vocabulary; close to it: queen" in shown.err
    assert "King: read as king" in shown.err
    table = pyarrow.parquet.read_table(path)
    assert table.to_pylist() == [
        *rows_of(vectors, [["king"]], 2),
        *({**row, "word": "King"} for row in rows_of(vectors, [["king"]], 2)),
        *rows_of(vectors, [["man", "queen"]], 2),
    ]


def test_a_table_of_the_neighbours_of_all_words(tmp_path, vectors, monkeypatch, capfd):
    words = ws.read_vectors(vectors).words
    for block in (4096, 3):
        monkeypatch.setattr(graph, "BLOCK", block)
        monkeypatch.setattr(graph, "FIRST", 4)
        for n in (1, 100):
            assert main(["similar", vectors, "-n", str(n), "-o", str(tmp_path / "all.jsonl"), "--json"]) == 0
            assert json.loads(capfd.readouterr().out)["questions"] == len(words)
            rows = [*map(json.loads, (tmp_path / "all.jsonl").read_text().splitlines())]
            assert rows == rows_of(vectors, [[word] for word in words], n)
    assert main(["similar", vectors, "king", "-n", "1", "-o", "-"]) == 0
    shown = capfd.readouterr()
    assert [json.loads(shown.out)] == rows_of(vectors, [["king"]], 1)
    assert shown.err.endswith("1 question -> -\n")


def test_no_line_leaves_an_empty_table(tmp_path, vectors, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
    assert main(["similar", vectors, "-", "-o", str(tmp_path / "none.csv")]) == 0
    assert (tmp_path / "none.csv").read_text() == "word,rank,neighbour,cosine\n"
    monkeypatch.setattr("sys.stdin", io.StringIO("quen\n"))
    assert main(["similar", vectors, "-", "-o", str(tmp_path / "unknown.csv")]) == 1
    assert not (tmp_path / "unknown.csv").exists()


def test_candidates(tmp_path, vectors, capsys):
    path = tmp_path / "candidates.txt"
    # Previously, the mark hid the first word, and U+2028 ended a line.
    path.write_text("woman\nqueen\n\ncomet\u2028man\nking\r\n", "utf-8-sig")
    among = ["--candidates", str(path), "--json"]
    chosen, wv = ["woman", "queen", "king"], ws.read_vectors(vectors)
    for request, expected in (
        (["similar", vectors, "king"], wv.similar("king", candidates=chosen)),
        (["analogy", vectors, "man", "king", "queen"], wv.analogy("man", "king", "queen", candidates=chosen)),
    ):
        assert main([*request, *among]) == 0
        shown = capsys.readouterr()
        assert [(one["word"], one["cosine"]) for one in json.loads(shown.out)["neighbours"]] == expected
        assert {word for word, _ in expected} < set(chosen)
        assert f"{path}: 1 of 4 lines not in the vocabulary; ignored: 'comet\\u2028man'" in shown.err
    assert main(["similar", vectors, "-n", "3", "-o", str(tmp_path / "all.jsonl"), *among[:2]]) == 0
    rows = [*map(json.loads, (tmp_path / "all.jsonl").read_text().splitlines())]
    assert rows == rows_of(vectors, [[word] for word in wv.words], 3, candidates=chosen)
