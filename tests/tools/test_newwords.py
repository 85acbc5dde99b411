"""tools/newwords.py at a tiny size."""

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import wordsparse as ws

TOOLS = Path(__file__).resolve().parents[2] / "tools"
WORDS = [stem + ending for stem in ("kind", "happy", "bright", "walk", "love") for ending in ("", "ness", "ing", "er")]

pytest.importorskip("gensim", reason="the tool takes the test sets of gensim")


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(TOOLS))
    spec = importlib.util.spec_from_file_location("newwords", TOOLS / "newwords.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "newwords", module)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def pairs(tmp_path: Path) -> str:
    path = tmp_path / "affixed.tsv"
    lines = [
        f"{a}\t{b}\t{i}" for i, (a, b) in enumerate(zip([*WORDS, "unkindness"] * 2, WORDS[::-1] * 3, strict=False))
    ]
    path.write_text("\n".join(lines))
    return str(path)


@pytest.fixture
def text(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    path = tmp_path / "text"
    path.write_text("".join(" ".join(random.choice(WORDS, 8)) + "\n" for _ in range(120)))
    return path


def run(tool: Any, *arguments: str) -> str:
    result = CliRunner().invoke(tool.main, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    return str(result.output)


def test_scores_without_and_with_ngrams_and_their_plot(tool: Any, pairs: str, text: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the plot needs matplotlib")
    ws.train(text, output=tmp_path / "model", dim=5, epochs=1, threads=1, min_count=1, model="skipgram")
    output = str(tmp_path / "ngrams.json")
    said = run(tool, "ngrams", str(tmp_path / "model"), "--pairs", pairs, "--output", output)
    assert "affixed" in said
    (found,) = json.loads(Path(output).read_text())["runs"]
    assert found["with"]["affixed"]["all"] != found["plain"]["affixed"]["all"]
    assert found["with"]["affixed"]["n"] == found["plain"]["affixed"]["n"]
    drawn = tmp_path / "plot.svg"
    run(tool, "plot", output, "--pairs", "affixed", "-o", str(drawn))
    assert "<svg" in drawn.read_text()


def test_deleted_words_are_inferred(tool: Any, pairs: str, text: Path, tmp_path: Path) -> None:
    output = tmp_path / "held-out.json"
    options = ["--words", "3", "--counts", "1,1000", "--occurrences", "2", "--output", str(output)]
    run(tool, "held-out", str(text), "--pairs", pairs, *options)
    found = json.loads(output.read_text())
    assert len(found["words"]) == 3
    assert set(found["rows"][0]) >= {"exact", "exact with n-grams", "à la carte"}


def test_scores_by_exponent(tool: Any, pairs: str, text: Path, tmp_path: Path) -> None:
    ws.train(text, output=tmp_path / "model", dim=5, epochs=1, threads=1, min_count=1, model="skipgram")
    output = tmp_path / "exponents.json"
    run(tool, "exponents", str(tmp_path / "model"), "--pairs", pairs, "--output", str(output))
    (found,) = json.loads(output.read_text())["runs"]
    assert found["0.0"]["affixed"] != found["1.0"]["affixed"]


# Answers as fastText's program does, with a model in the place of its own that knows two words.
FASTTEXT = """#!{python}
import sys
kind, arguments = sys.argv[1], sys.argv[2:]
if kind == "skipgram":
    stem = arguments[arguments.index("-output") + 1]
    open(stem + ".bin", "w").close()
    open(stem + ".vec", "w").write("2 2\\nkind 1 0 \\nloveer 0 1 \\n")
elif kind == "dump":
    print("2\\nkind 9 word\\nloveer 8 word")
elif kind == "print-word-vectors":
    for word in sys.stdin.read().split():
        print(word, len(word), 1, "")
"""


def test_fasttext_is_scored_beside_ours(tool: Any, pairs: str, text: Path, tmp_path: Path) -> None:
    program, output = tmp_path / "fasttext", tmp_path / "beside.json"
    program.write_text(FASTTEXT.format(python=sys.executable))
    program.chmod(0o755)
    folder = ["--folder", str(tmp_path / "kept"), "--program", str(program), "--output", str(output)]
    run(tool, "fasttext", str(text), "--pairs", pairs, "--dim", "5", "--epochs", "1", *folder)
    found = json.loads(output.read_text())
    assert found["fasttext"]["scores"]["affixed"]["n"] >= 2, "kind and loveer, in either order"
    for side in ("fasttext", "wordsparse"):
        assert found[side]["cpu_seconds"] > 0
        assert found[side]["scores"]["affixed"]["all"] is not None


def test_inference_is_timed(tool: Any, text: Path, tmp_path: Path) -> None:
    ws.train(text, output=tmp_path / "model", dim=5, epochs=1, threads=1, min_count=1, model="skipgram")
    output = tmp_path / "speed.json"
    options = ["--words", "4", "--occurrences", "1,2", "--rounds", "1", "--output", str(output)]
    run(tool, "speed", str(tmp_path / "model"), str(text), *options)
    found = json.loads(output.read_text())
    assert found["lines"] == 120
    assert found["infer, 2 occurrences"] > 0
