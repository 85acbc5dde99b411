"""The result of a comparison is a table: printed, in a notebook, and as rows."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.comparisons import NASTY, content

import wordsparse as ws
from wordsparse.comparison.result import Comparison
from wordsparse.errors import InputError


def comparison() -> Comparison:
    facts = content()
    failed = {"name": "gensim-cbow-hs", "error": "no memory"}
    return Comparison(facts | {"runs": [*facts["runs"], failed]})


def test_rows_are_tidy() -> None:
    rows = comparison().rows()
    assert len(rows) == 4 * 4  # runs and test sets
    assert rows[0] == {
        "method": "wordsparse-cbow",
        "dim": 5,
        "window": 3,
        "epochs": 1,
        "seed": 1,
        "cpu_seconds": 1.5,
        "test": NASTY,
        "measure": "spearman",
        "score": 0.3,
        "low": 0.2,
        "high": 0.4,
        "n": 8,
        "oov": 2,
    }
    assert {(row["test"], row["measure"]) for row in rows} >= {("asked", "accuracy"), ("found", "ndcg10")}


def test_a_comparison_is_printed_as_a_table() -> None:
    result = comparison()
    lines = str(result).splitlines()
    assert lines == repr(result).splitlines()
    assert len(lines) == 4 * (1 + 4)
    assert len({len(line) for line in lines}) == 1
    assert "\x07" not in str(result)
    assert "<script>" not in result._repr_html_()
    result["runs"][0]["pairs"][NASTY] |= {"spearman": None, "low": None, "high": None}
    assert "  -  " in str(result).splitlines()[1]
    assert json.loads(json.dumps(result)) == result


def test_a_comparison_whose_runs_all_failed_is_printed() -> None:
    result = Comparison(content() | {"runs": [{"name": "gensim-cbow-hs", "error": "no memory"}]})
    assert (str(result), result.rows()) == ("no run has a score", [])
    assert "<table" in result._repr_html_()


def test_runs_with_several_seeds_have_their_mean_and_range() -> None:
    result = comparison()
    result["runs"][2] |= {
        "epochs": 1,
        "seed": 2,
        "pairs": {NASTY: {**result["runs"][0]["pairs"][NASTY], "spearman": 0.4}},
    }
    lines = str(result).splitlines()
    (first,) = [line for line in lines[:6] if "mean and range of 2 seeds" in line]
    assert "0.350  0.300 … 0.400" in first
    frame = result.to_frame()
    assert frame.to_dict("records") == result.rows()


def test_nothing_is_written_without_an_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("gensim", reason="gensim is not installed")
    monkeypatch.chdir(tmp_path)
    text, pairs = tmp_path / "text.txt", tmp_path / "pairs.tsv"
    text.write_text("one two three four five six seven eight\n" * 300)
    pairs.write_text("one\ttwo\t3\nthree\tfour\t1\nfive\tsix\t2\n")
    options: dict[str, Any] = {"methods": ["wordsparse-cbow"], "epochs": [1], "dim": 4, "pairs": [pairs]}
    result = ws.compare(text, **options)
    assert "wordsparse CBOW" in str(result)
    assert {path.name for path in tmp_path.iterdir()} == {"text.txt", "pairs.tsv"}
    with pytest.raises(InputError, match="name it with output"):
        ws.compare(text, keep_vectors=True, **options)

    from wordsparse.cli import main

    command = ["compare", str(text), "--only", "wordsparse-cbow", "--epochs", "1", "--dim", "4", "--pairs", str(pairs)]
    assert main([*command, "-o", str(tmp_path / "report")]) == 0
    assert "wordsparse CBOW" in capsys.readouterr().out
