"""Words that moved between two texts: nothing where nothing changed, and a planted change."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wordsparse as ws
from wordsparse.cli import main
from wordsparse.errors import InputError
from wordsparse.stability.model import ResampledModel
from wordsparse.stability.movement import Moved, _moderated, _t_test, moved
from wordsparse.vectors.alignment import distances

OPTIONS = {"dim": 8, "epochs": 3, "min_count": 1, "sample": 0.0, "threads": 1}


def sentences(seed: int, changed: dict[str, str]) -> list[list[str]]:
    """Sentences of words of one of six topics each; ``changed`` words are replaced by others."""
    random = np.random.default_rng(seed)
    plain = [[f"t{topic}w{i}" for i in random.integers(0, 12, 8)] for topic in random.integers(0, 6, 4000)]
    return [[changed.get(word, word) for word in sentence] for sentence in plain]


def resampled(text: list[list[str]], n: int = 10, **options: Any) -> ResampledModel:
    return ws.resample(ws.train(text, **options), text, n)


@pytest.fixture(scope="module")
def models() -> dict[str, ResampledModel]:
    """Of three samples of one source; in the last, two words have changed places."""
    changes: dict[str, dict[str, str]] = {"a": {}, "b": {}, "swapped": {"t1w3": "t4w5", "t4w5": "t1w3"}}
    return {
        name: resampled(sentences(seed, changed), **OPTIONS) for seed, (name, changed) in enumerate(changes.items())
    }


def test_nothing_moved_between_two_samples_of_one_source(models: dict[str, ResampledModel]) -> None:
    found = moved(models["a"], models["b"])
    assert len(found) == 72
    assert [word for word in found if word.q < 0.05] == []


@pytest.mark.parametrize("n", [4, 10])
def test_a_planted_change_is_found(models: dict[str, ResampledModel], n: int) -> None:
    """By four resamples, too."""
    few = [
        ResampledModel.of(models[name], replace(models[name].resamples, parts=models[name].resamples.parts[:n]))
        for name in ("a", "swapped")
    ]
    found = moved(*few)
    assert {word.word for word in found[:2]} == {"t1w3", "t4w5"}
    assert all(word.q < 0.05 and word.distance > 2 * word.expected for word in found[:2])
    assert sum(word.q < 0.05 for word in found) <= 4
    assert [word.q for word in found] == sorted(word.q for word in found)


def test_students_t_of_cube_roots() -> None:
    random = np.random.default_rng(1)
    null = random.normal(2, 0.3, (10, 4000)) ** 3
    observed = (random.normal(2, 0.3, 4000) ** 3).astype(np.float32)
    counts = np.full(4000, 100)
    _, p = _t_test(observed, null, counts)
    for level in (0.01, 0.05, 0.5):
        assert np.mean(p < level) == pytest.approx(level, abs=4 * np.sqrt(level / 4000))
    null[1:, 0] = np.nan  # one distance says nothing
    t, p = _t_test(observed, null, counts)
    assert (t[0], p[0]) == (0, 1)


def test_variances_of_words_as_frequent_are_drawn_together() -> None:
    """Where all are the same, the few distances of a word say as much as those of all words; where not, its own."""
    random = np.random.default_rng(1)
    counts = np.log(random.integers(50, 5000, 3000))
    spread, freedom = np.exp(-counts / 4), np.full(3000, 5.0)
    drawn = spread * random.chisquare(5, 3000) / 5
    found, more = _moderated(drawn, freedom, counts)
    assert np.abs(np.log(found / spread)).max() < 0.2
    assert more.min() > 200
    found, more = _moderated(drawn * random.choice([0.01, 100], 3000), freedom, counts)
    assert more.max() < 7


def test_alignment_on_some_rows_measures_all() -> None:
    random = np.random.default_rng(1)
    a = random.normal(size=(20, 3)).astype(np.float32)
    a /= np.linalg.norm(a, axis=1, keepdims=True)
    b = a @ np.linalg.qr(random.normal(size=(3, 3)))[0].astype(np.float32)
    b[15] *= -1
    found = distances(a, b, 10)
    assert found[15] == pytest.approx(2, abs=1e-5)
    assert np.delete(found, 15) == pytest.approx(0, abs=1e-5)


def test_what_cannot_be_compared_is_refused(models: dict[str, ResampledModel]) -> None:
    plain = ws.train(sentences(1, {}), **OPTIONS)
    with pytest.raises(InputError, match="the second model needs 4 resamples"):
        moved(models["a"], plain)
    with pytest.raises(InputError, match="more than dim"):
        moved(models["a"], models["b"], min_count=10**6)


def test_the_command_lists_them(
    models: dict[str, ResampledModel], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models["a"].save(tmp_path / "a")
    models["swapped"].save(tmp_path / "b")
    assert main(["moved", str(tmp_path / "a"), str(tmp_path / "b"), "-n", "3", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["words"] == 72
    expected = moved(models["a"], models["swapped"])
    assert [Moved(*(row[name] for name in Moved._fields)) for row in result["moved"]] == expected[:3]
    assert all(near.startswith("t") for near in result["moved"][0]["nearest_first"])
    assert main(["moved", str(tmp_path / "a"), str(tmp_path / "b"), "-n", "3"]) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert "of 72 words moved more than resampling explains (q < 0.05)" in head
    assert len(lines) == 4
