import json

import pytest

import wordsparse as ws
from wordsparse.cli import main

ONE = pytest.approx(1.0)


def test_the_shell_and_a_notebook_have_the_same_scores(vectors, tmp_path, capsys):
    pairs, questions = tmp_path / "p.tsv", tmp_path / "q.txt"
    pairs.write_text("man king 2\nman woman 1\nking queen 1.5\nman x 3\n")
    questions.write_text(": royal\nman king woman queen\n: none\nx king woman queen\n")
    assert main(["evaluate", vectors, "--pairs", str(pairs), "--analogies", str(questions), "--json"]) == 0
    result = ws.evaluate(vectors, [pairs], [questions])
    assert json.loads(capsys.readouterr().out) == result
    assert result["pairs"] == {"p": {"spearman": ONE, "low": ONE, "high": ONE, "n": 3, "oov": 1}}
    assert [result["analogies"]["q"][name] for name in ("accuracy", "n", "oov")] == [1, 1, 1]
    assert str(result).splitlines()[0].split() == ["word", "pairs", "spearman", "95", "%", "interval", "n", "oov"]
    assert "<th" in result._repr_html_()


def test_sets_of_unknown_words_are_named(vectors, tmp_path, capsys):
    """Previously, the output was seventeen lines of "-" without explanation."""
    (tmp_path / "p.tsv").write_text("x y 2\nx man 1\n")
    (tmp_path / "q.txt").write_text(": royal\nking x y z\n")
    sets = ["--pairs", str(tmp_path / "p.tsv"), "--analogies", str(tmp_path / "q.txt")]
    assert main(["evaluate", vectors, *sets]) == 0
    output = capsys.readouterr()
    assert "0 of the 2 items of p can be scored" in output.err
    assert "0 of the 1 items of q can be scored" in output.err
    assert "Give test sets in the language of the text: --pairs, --analogies, " in output.err
    assert "royal" not in output.out


def test_sentences(vectors, tmp_path, capsys):
    """The vector of a sentence is a weighted mean of word vectors; capitals and punctuation do not change the score."""
    path = tmp_path / "s.tsv"
    path.write_text("5\tThe man.\tman!\n1\tA man\tqueen?\n3\tman, king\t(man)\n2\tx\tman\n")
    assert main(["evaluate", vectors, "--sentences", str(path), "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)
    assert (scores["pairs"], scores["analogies"]) == ({}, {})
    assert scores["sentences"] == {"s": {"spearman": ONE, "low": ONE, "high": ONE, "n": 3, "oov": 1}}
    assert main(["evaluate", vectors, "--sentences", str(path)]) == 0
    assert capsys.readouterr().out.splitlines()[0].split()[:2] == ["sentences", "spearman"]
