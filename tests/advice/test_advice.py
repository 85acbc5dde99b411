"""The advice, which has to be able to say no; its trial, its budget and its page."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from support.advised import OFTEN, OURS, TAIL, TREES, result, rows

import wordsparse as ws
from wordsparse import advice
from wordsparse.advice import label_trial, losses, real_trial, sentences, text_trial, trial, verdict
from wordsparse.advice.page import page
from wordsparse.advice.sizes import Sizes, of_labels, of_text
from wordsparse.advice.table import lines
from wordsparse.advice.timing import MINIBATCH, Timing
from wordsparse.errors import InputError
from wordsparse.labels import LabelledRows, write_text
from wordsparse.layer.losses import LOSSES

FAST, SLOW = Timing(1e-6, 1e-4), Timing(1e-6, 1e-6)


@pytest.fixture(autouse=True)
def _no_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The timed step takes what its operations take: no test is decided by a clock."""
    monkeypatch.setattr(advice, "time_layer", predicted)


def predicted(sizes: Sizes, seed: int) -> Timing:
    return Timing(1e-6, 1e-6 * sizes.predicted_speedup(MINIBATCH))


def written(path: Path, data: LabelledRows) -> Path:
    write_text(path, data)
    return path


# ── what is advised ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_few_outputs_are_for_a_dense_layer(tmp_path: Path) -> None:
    found = ws.advise(features=written(tmp_path / "few.txt", rows(300, 60, 12, 1.0)), budget=5, threads=1)
    assert found["verdict"] == "dense"
    assert found["speedup_measured"] < verdict.MIN_SPEEDUP
    assert {row["method"] for row in found["trial"]} >= {OURS, label_trial.ONE_VS_REST}


@pytest.mark.parametrize("installed", [False, True])
def test_a_long_tail_is_for_trees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, installed: bool) -> None:
    data = rows(800, 400, 20_000, 3.0)
    if installed:
        pytest.importorskip("omikuji", reason="omikuji is not installed")
    else:
        monkeypatch.setattr(label_trial.optional, "installed", lambda package: False)
    found = ws.advise(features=written(tmp_path / "tail.txt", data), budget=5, threads=1)
    assert found["rare_share"] > verdict.LONG_TAIL
    assert found["speedup_measured"] > verdict.MIN_SPEEDUP
    assert found["verdict"] == "trees"
    assert found["reasons"][-1][0] == ("tail-measured" if installed else "tail")
    assert (TREES in {row["method"] for row in found["trial"]}) == installed


def test_many_outputs_that_are_often_seen_are_for_us(tmp_path: Path) -> None:
    data = rows(600, 50, 30, 1.0)
    data = LabelledRows(data.X, sp.csr_array((data.Y.data, data.Y.indices, data.Y.indptr), shape=(600, 20_000)))
    found = ws.advise(features=written(tmp_path / "many.txt", data), budget=0, threads=1)
    assert found["verdict"] == "factored"
    assert found["reasons"][-1][0] == "unmeasured"
    assert found["trial"] == []
    assert found["full_run_cpu_seconds"] is None


@pytest.mark.parametrize(
    ("sizes", "peer", "quality", "advised"),
    [
        (OFTEN, TREES, 0.70, "trees"),
        (OFTEN, TREES, 0.61, "factored"),
        (OFTEN, TREES, 0.50, "factored"),
        (OFTEN, label_trial.ONE_VS_REST, 0.70, "one-vs-rest"),
        (OFTEN, label_trial.DENSE, 0.70, "dense"),
        (OFTEN, text_trial.NEGATIVE_SAMPLING, 0.70, "negative-sampling"),
        (TAIL, TREES, 0.61, "trees"),
        (TAIL, TREES, 0.50, "factored"),
        (TAIL, label_trial.ONE_VS_REST, 0.50, "trees"),
    ],
)
def test_a_rival_that_is_clearly_better_is_advised(sizes: Any, peer: str, quality: float, advised: str) -> None:
    measured = trial.Trial(OURS, [result(OURS, 0.6), result(peer, quality)])
    assert verdict.decide(sizes, FAST, measured).advice == advised
    assert verdict.decide(sizes, SLOW, measured).advice == "dense"


def test_few_outputs_are_for_us_where_a_dense_layer_is_clearly_worse() -> None:
    measured = trial.Trial(OURS, [result(OURS, 0.6), result(label_trial.DENSE, 0.5)])
    found = verdict.decide(OFTEN, SLOW, measured)
    assert found.advice == "factored"
    assert [name for name, _ in found.reasons] == ["small-ahead", "better"]
    measured.results.append(result(label_trial.ONE_VS_REST, 0.7))
    assert verdict.decide(OFTEN, SLOW, measured).advice == "dense"


def test_rivals_are_compared_on_the_same_rows() -> None:
    measured = trial.Trial(OURS, [result(OURS, 0.5, 10), result(TREES, 0.9, 10), result(OURS, 0.6, 40)])
    ((ours, peer),) = measured.peers()
    assert (ours.amount, peer.amount) == (10, 10)


def test_the_advice_knows_every_loss_of_the_layer() -> None:
    assert set(losses.GIVES) == {*LOSSES, "softmax"}


@pytest.mark.parametrize(
    ("values", "kind", "fitting"),
    [
        (np.eye(3), "one-hot", {"bounded-ns", "taylor", "spherical", "zloss", "squared"}),
        (np.eye(3) + np.eye(3, k=1), "several", {"bounded-ns", "taylor", "spherical", "squared"}),
        (0.5 * np.eye(3), "weighted", {"bounded-ns", "taylor", "spherical", "squared"}),
        (-np.eye(3), "real-valued", {"squared"}),
    ],
)
def test_losses_that_fit_the_targets(values: Any, kind: str, fitting: set[str]) -> None:
    sizes = of_labels(sp.csr_array((3, 4)), sp.csr_array(values), 4)
    assert sizes.targets == kind
    found = losses.fitting(kind)
    assert {row["loss"] for row in found if row["fits"]} == fitting
    (softmax,) = (row for row in found if row["loss"] == "softmax")
    assert set(softmax["nearest"]) <= fitting


@pytest.mark.parametrize("sign", [1, -1])
def test_weighted_and_real_valued_targets_are_tried_beside_ridge_regression(tmp_path: Path, sign: int) -> None:
    random = np.random.default_rng(0)
    X = sp.random_array((300, 20), density=0.5, rng=random, format="csr")
    Y = sp.csr_array(X[:, :12] * 2)
    Y.data[::7] *= sign
    sp.save_npz(tmp_path / "X.npz", X)
    sp.save_npz(tmp_path / "Y.npz", Y)
    found = ws.advise(features=tmp_path / "X.npz", targets=tmp_path / "Y.npz", budget=1, threads=1)
    ours, ridge = found["trial"][-2:]
    assert (ours["method"], ridge["method"], ours["measure"]) == (real_trial.OURS, real_trial.RIDGE, "R²")
    assert ours["low"] <= ours["quality"] <= ours["high"]
    assert ours["quality"] == pytest.approx(ridge["quality"], abs=0.05)
    if sign == 1:
        assert ours["quality"] > 0.9
    assert "limit-real" in found["limits"]
    assert found["full_run_cpu_seconds"] is not None


def test_a_regression_of_too_many_features_is_not_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(real_trial, "MAX_FEATURES", 10)
    X = sp.random_array((60, 20), density=0.5, rng=np.random.default_rng(0), format="csr")
    sp.save_npz(tmp_path / "X.npz", X)
    found = ws.advise(features=tmp_path / "X.npz", targets=tmp_path / "X.npz", budget=1, threads=1)
    assert found["trial"] == []
    assert "limit-features" in found["limits"]


def test_the_example_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Path(__file__).parents[2] / "docs" / "advise.md"
    if not page.exists():
        pytest.skip("the documentation is not part of this tree")
    monkeypatch.chdir(tmp_path)
    (example,) = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(example, names)
    assert names["advice"]["verdict"] in {"factored", "dense", "trees", "one-vs-rest"}
    assert (tmp_path / "advice.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


# ── a text ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_text_is_tried_beside_negative_sampling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    def compare(path: Path, output: Path, **options: Any) -> dict[str, Any]:
        asked.append(options)
        known = {"spearman": 0.5, "low": 0.4, "high": 0.6, "n": 300}
        pairs = {"many": known, "few": {"spearman": 0.0, "low": 0.0, "high": 0.0, "n": 2}}
        runs = [{"name": name, "cpu_seconds": 1.0, "pairs": pairs} for name in options["methods"]]
        return {"runs": [*runs, {"name": "broken", "error": "x"}]}

    monkeypatch.setattr(text_trial, "compare", compare)
    monkeypatch.setattr(text_trial, "is_possible", lambda: True)
    monkeypatch.setattr(text_trial, "FIRST", 500)
    text = tmp_path / "text.txt"
    text.write_text("\n".join(f"word{i % 40} word{i % 37} word{i % 11}" for i in range(600)))
    seen: list[trial.AdviceProgress] = []
    found = ws.advise(text, dim=20, budget=30, threads=1, progress=seen.append)
    assert {told.phase for told in seen} == {"encode", "trial"}
    assert [options["max_tokens"] for options in asked] == [500, 1800]
    assert [row["quality"] for row in found["trial"]] == [0.5] * 4
    assert (found["kind"], found["source"], found["n_features"]) == ("text", str(text), 21)
    assert found["verdict"] == "dense"
    monkeypatch.setattr(text_trial, "is_possible", lambda: False)
    assert "limit-packages" in ws.advise(text, dim=20, threads=1)["limits"]


def test_a_trial_that_is_interrupted_at_once_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self: Any, amount: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(label_trial.LabelTrial, "stage", interrupted)
    found = ws.advise(features=written(tmp_path / "rows.txt", rows(60, 20, 30, 1.0)), budget=5, threads=1)
    assert found["trial"] == []
    assert "limit-interrupted" in found["limits"]


def test_the_words_of_a_text_are_its_outputs() -> None:
    sizes = of_text(np.array([50, 30, 20]), 100)
    assert (sizes.n_examples, sizes.n_outputs, sizes.n_features) == (100, 3, 101)


# ── saying it ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class Tags(HTMLParser):
    """The tags of a page, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = written(tmp_path_factory.mktemp("rows") / "<img src=x> & rows.txt", rows(200, 50, 3000, 2.0))
    return ws.advise(features=path, budget=1, threads=1)


@pytest.mark.parametrize("languages", [["en"], ["ja"], ["en", "ja"]])
def test_the_page_says_all_of_it_in_each_language(content: dict[str, Any], languages: list[str]) -> None:
    text = page(content, languages)
    seen = Tags(text)
    assert seen.tags.count("section") == len(languages)
    assert seen.tags.count("svg") == 3 * len(languages)
    assert "script" not in seen.tags
    assert "img" not in seen.tags, "a file's name is text and no markup"
    for language in languages:
        assert sentences.say(content["verdict"], language) in seen.text
        for name, values in content["reasons"]:
            assert sentences.say(name, language, values) in seen.text
        for name in content["limits"]:
            assert sentences.say(name, language) in seen.text
    assert not re.search(r"https?://", text)


@pytest.mark.parametrize("language", sentences.LANGUAGES)
def test_the_terminal_has_the_advice_first(content: dict[str, Any], language: str) -> None:
    said = list(lines(content, language))
    assert said[0] == sentences.say(content["verdict"], language)
    assert any("softmax" in line for line in said)
    json.dumps(content, allow_nan=False)


def test_every_sentence_names_the_same_values_in_both_languages() -> None:
    for english, japanese in sentences.SENTENCES.values():
        assert sorted(re.findall(r"{(\w+)", english)) == sorted(re.findall(r"{(\w+)", japanese))


# ── bad requests ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "name a text, or the features of labelled rows, and not both"),
        ({"corpus": "a.txt", "features": "b.txt"}, "and not both"),
        ({"corpus": "a.txt", "targets": "b.npz"}, "targets belong to features"),
        ({"corpus": "a.txt", "budget": -1}, "budget must be a finite number of at least 0"),
        ({"corpus": "a.txt", "dim": 0}, "dim must be at least 1"),
        ({"features": "no-such-file"}, "no-such-file"),
    ],
)
def test_requests_that_cannot_be_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ws.advise(**options)


def test_too_few_rows_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "rows.txt", rows(20, 30, 40, 1.0))
    with pytest.raises(InputError, match="has 20 rows: advice needs at least 50"):
        ws.advise(features=path)


def test_a_text_that_one_machine_cannot_hold_is_for_several(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "text.txt"
    path.write_text(" ".join(f"w{number}" for number in range(40_000)) + "\n")
    assert "limit-memory" not in ws.advise(path, budget=0, dim=50, min_count=1)["limits"]
    monkeypatch.setattr("wordsparse.advice.machines.least_left", lambda: (150 * 10**6, "available memory"))
    found = ws.advise(path, budget=60, dim=300, min_count=1)
    name, values = found["reasons"][-1]
    assert name == "machines"
    assert values["machines"] > 1
    assert values["need"] > values["left"] == 0.15
    assert found["trial"] == []
    for language in sentences.LANGUAGES:
        assert any(f"mpiexec -n {values['machines']} " in line for line in lines(found, language))
