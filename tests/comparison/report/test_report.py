import copy
import importlib.util
import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from wordsparse.comparison import report
from wordsparse.errors import MissingDependencyError

pytest.importorskip("matplotlib", reason="pictures are an extra")
pytest.importorskip("jinja2", reason="pages are an extra")

NASTY = "<script>alert('$x_1$')</script>"
SECTION = {"accuracy": 0.5, "low": 0.4, "high": 0.6, "n": 9, "oov": 1}
METHODS = {"wordsparse-cbow": "wordsparse CBOW", "gensim-cbow-hs": "gensim CBOW", NASTY: NASTY}


def run(name: str, epochs: int | None) -> dict[str, Any]:
    identity = {"name": name, "epochs": epochs, "seed": 1, "repeat": 0}
    judged: dict[str, Any] = {
        "pairs": {NASTY: {"spearman": 0.3, "low": 0.2, "high": 0.4, "n": 8, "oov": 2}},
        "analogies": {"asked": {**SECTION, "sections": {NASTY: SECTION, "none": {**SECTION, "accuracy": None}}}},
    }
    judged |= {
        "neighbours": {NASTY: [{"word": f"{NASTY}{name}", "cosine": 0.5}], "cat": [{"word": "dog", "cosine": 0.5}]}
    }
    if epochs is None:
        return {**identity, **judged}
    costs = {"cpu_seconds": 1.5 * epochs, "wall_seconds": 2.0, "tokens_per_second": 500.0, "setup_seconds": 0.1}
    costs["text_to_vectors_seconds"] = 3.5
    return {**identity, **costs, "peak_memory_bytes": 10**8, "loss": [2.5], **judged}


def content() -> dict[str, Any]:
    """The content of a comparison of two methods and a file, for two numbers of epochs."""
    runs = [run(NASTY, None)]
    runs += [run(name, epochs) for epochs in (1, 2) for name in ("wordsparse-cbow", "gensim-cbow-hs")]
    scores, differences, budgets = [], [], []
    for kind, test in (("pairs", NASTY), ("analogies", "asked")):
        for done in runs:
            place = {key: done[key] for key in ("name", "epochs")}
            interval = {"score": 0.3, "low": 0.2, "high": 0.4, "repeats": [0.3, 0.31]}
            scores.append({"kind": kind, "test": test, **place, "cpu_seconds": done.get("cpu_seconds"), **interval})
        difference = {"kind": kind, "test": test, "ours": "wordsparse-cbow"}
        numbers = {"difference": 0.1, "low": -0.1, "high": 0.3, "verdict": "level"}
        differences.append({**difference, **numbers, "peer": NASTY, "epochs": 2, "best_peer": True})
        best = {"wordsparse-cbow": {"score": 0.3, "epochs": 2}}
        none = {"difference": None, "low": None, "high": None, "verdict": "alone", "peer": None}
        budgets.append({**difference, **none, "best": best, "cpu_seconds": 3.0})
    machine = {"processor": NASTY, "cpus": 2, "threads": 1, "load_average": 0.5, "sgemm_gflops": 90.0}
    machine |= {"system": "Linux", "python": "3.11", "packages": {"numpy": "2"}, "commit": "abcdef0"}
    machine |= {"blas": ["OpenBLAS"], "instruction_set": "x86-64-v3", "products": "own kernels"}
    options = {"dim": 5, "window": 5, "epochs": [1, 2], "repeat": 1, "sample": 1e-3, "seed": 1, "restrict_vocab": 30000}
    options |= {"methods": ["wordsparse-cbow", "gensim-cbow-hs"], "vectors": [NASTY]}
    text = {"tokens": 1000, "sentences": 9, "vocab_size": 9, "min_count": 5, "encode_seconds": None}
    said = {"missing": [NASTY], "unanswered": [NASTY], "in_short": [NASTY]}
    facts = {"command": f"wordsparse compare {NASTY}", "machine": machine, "options": options, "text": text}
    judgement = {"scores": scores, "differences": differences, "budgets": budgets, "conclusions": said}
    return {**facts, "methods": METHODS, "runs": runs, **judgement}


def written(folder: Path, what: dict[str, Any]) -> str:
    folder.mkdir(exist_ok=True)
    report.write(what, folder)
    assert json.loads((folder / "report.json").read_text()) == what
    return (folder / "report.html").read_text()


def test_the_page_is_whole_and_needs_nothing_from_outside(tmp_path: Path) -> None:
    page = written(tmp_path / "one", content())
    pictures = sorted(path.stem for path in (tmp_path / "one" / "pictures").iterdir())
    assert pictures == ["cost", "cpu-time", "scores", "sections-asked"]
    assert len(re.findall(r'<img src="data:image/svg\+xml;base64,', page)) == len(pictures)
    assert len(re.findall(r"<img|<script|<link|src=|href=|url\(", page)) == 2 * len(pictures)  # <img and its src=
    assert "2.5000" in page


def test_no_script_can_run_in_the_page(tmp_path: Path) -> None:
    """One that was put in from outside ran."""
    page = written(tmp_path / "one", content())
    (policy,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', page)
    assert page.index("Content-Security-Policy") < page.index("<title>")
    assert "default-src 'none'" in policy
    assert "script-src" not in policy


def test_a_word_of_a_million_letters_makes_no_huge_page(tmp_path: Path) -> None:
    what = content()
    usual = len(written(tmp_path / "usual", what))
    for done in what["runs"]:
        done["neighbours"] = {"a" * 10**6: [{"word": "b" * 10**6, "cosine": 0.5}]}
    page = written(tmp_path / "long", what)
    assert len(page) < usual + 1000
    assert "b" * 79 + "…" in page


def test_whatever_a_name_holds_is_text(tmp_path: Path) -> None:
    page = written(tmp_path / "one", content())
    assert NASTY not in page
    assert page.count("&lt;script&gt;") > 10
    for path in (tmp_path / "one" / "pictures").iterdir():
        assert "<script" not in path.read_text()


def test_the_same_numbers_draw_the_same_bytes(tmp_path: Path) -> None:
    assert written(tmp_path / "one", content()) == written(tmp_path / "two", content())


def rows_of(page: str, table: str) -> list[list[str]]:
    """The texts of a table's cells."""
    (found,) = re.findall(rf'<table class="{table}">(.*?)</table>', page, re.DOTALL)
    rows = re.findall(r"<tr.*?</tr>", found, re.DOTALL)
    return [[re.sub("<.*?>", "", cell) for cell in re.findall(r"<t[dh].*?>(.*?)</t[dh]>", row)] for row in rows]


def test_scores_and_nearest_words_come_first(tmp_path: Path) -> None:
    """A reader had to unfold the page to find a single score, and saw no word at all."""
    what = content()
    best = next(
        row for row in what["scores"] if (row["name"], row["epochs"], row["kind"]) == ("wordsparse-cbow", 2, "pairs")
    )
    best["score"] = 0.7
    page = written(tmp_path / "one", what)
    shown = NASTY.replace("<", "&lt;").replace(">", "&gt;").replace("'", "&#39;")
    assert rows_of(page, "summary") == [
        ["method", shown, "asked", "CPU s"],
        ["wordsparse CBOW", "0.700", "0.300", "3.0"],
        ["gensim CBOW", "0.300", "0.300", "3.0"],
        [shown, "0.300", "0.300", "–"],
    ]
    assert "<b>0.700</b>" in page
    nearest = rows_of(page, "nearest")
    assert nearest[0][2] == "cat"
    assert [row[0] for row in nearest[1:]] == ["wordsparse CBOW", "gensim CBOW", shown]
    assert [row[2] for row in nearest[1:]] == ["dog", "dog", "dog"]
    assert (
        page.index('class="summary"') < page.index("<h2>In short") < page.index('class="nearest"') < page.index("<img")
    )


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_and_its_nearest_words_fit_a_window(tmp_path: Path, browser: Any, width: int) -> None:
    """With eight methods the words ran past the right edge."""
    what = content()
    neighbours = [{"word": f"a-long-neighbour-{i}", "cosine": 0.5} for i in range(5)]
    words = [f"word{i}" for i in range(5)]
    for i in range(8):
        what["runs"].append(run(f"file {i}", None) | {"neighbours": dict.fromkeys(words, neighbours)})
    written(tmp_path / "one", what)
    size = {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get((tmp_path / "one" / "report.html").as_uri())
    wide = "[document.documentElement, document.querySelector('.nearest').parentElement]"
    assert browser.execute_script(f"return {wide}.every((box) => box.scrollWidth <= box.clientWidth)")


def test_no_known_word_is_said_and_no_empty_section_shown(tmp_path: Path) -> None:
    """Where no test word was known, the page had the caption of a picture that was not there."""
    nothing = content() | {"scores": [], "differences": [], "budgets": []}
    page = written(tmp_path / "one", nothing)
    assert '<div class="failed"><p>&lt;script' in page
    assert "<h2>Scores" not in page
    assert "95 % intervals from" not in page


def test_what_is_missing_leaves_a_page(tmp_path: Path) -> None:
    """A run that failed, intervals that cannot be told, no peer at all, no score at all."""
    holes = copy.deepcopy(content())
    holes["scores"] = [row for row in holes["scores"] if (row["name"], row["epochs"]) != ("gensim-cbow-hs", 2)]
    for row in holes["scores"]:
        row.update(low=None, high=None)
    failed = {key: holes["runs"][-1][key] for key in ("name", "epochs", "seed", "repeat")}
    holes["runs"][-1] = {**failed, "error": f"killed {NASTY}"}
    assert "failed and is left out: killed &lt;script" in written(tmp_path / "holes", holes)
    silence: dict[str, list[str]] = {key: [] for key in content()["conclusions"]}
    alone = content() | {"differences": [], "budgets": [], "conclusions": silence}
    assert "In short" not in written(tmp_path / "alone", alone)
    files = content() | {"text": None, "runs": [run(NASTY, None)], "scores": [], "differences": [], "budgets": []}
    assert "<img" not in written(tmp_path / "none", files)


def test_what_draws_must_be_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    report.require()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        MissingDependencyError, match=r"matplotlib and Jinja2, which are .*pip install 'wordsparse\[report\]'"
    ):
        report.require()


def test_pictures_with_control_characters_in_names_are_well_formed() -> None:
    # A section named BEL made an SVG that no browser shows: matplotlib writes each text into a comment.
    from wordsparse.comparison.report.pictures import draw

    hostile = json.loads(json.dumps(content()).replace(json.dumps(NASTY)[1:-1], "\\u0007--\\u001b\\ufffe"))
    for picture in draw(hostile):
        ElementTree.fromstring(picture.svg)
