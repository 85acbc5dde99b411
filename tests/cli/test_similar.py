"""The commands ``similar`` and ``analogy``, whose output has the same format."""

import json
from pathlib import Path

import numpy as np
import pytest

import wordsparse as ws
from wordsparse.cli import main
from wordsparse.vectors import queries


def test_json(vectors: str, capsys: pytest.CaptureFixture[str]) -> None:
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


def test_an_analogy_with_another_strength_of_ngrams(
    tmp_path: Path, vectors: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [stem + ending for stem in ("walk", "jump", "climb", "wait") for ending in ("", "s", "ed", "ing")]
    random, path = np.random.default_rng(0), str(tmp_path / "model")
    text = [random.choice(words, 8).tolist() for _ in range(60)]
    model = ws.train(text, output=path, dim=6, epochs=1, min_count=1, progress=False)
    question = ["walk", "walking", "jump"]
    for options, expected in (([], model), (["--form", "3"], model.with_form(3))):
        assert main(["analogy", path, *question, "--json", *options]) == 0
        found = json.loads(capsys.readouterr().out)["neighbours"]
        assert [(one["word"], one["cosine"]) for one in found] == expected.wv.analogy(*question, 10)
    assert main(["analogy", vectors, "man", "king", "woman", "--form", "3"]) == 2
    assert "is not a model directory" in capsys.readouterr().err


def test_the_tokeniser_of_the_model_writes_the_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
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


def test_a_word_that_is_taken_apart_is_the_mean_of_its_parts_everywhere(tmp_path: Path) -> None:
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
